//! The container: what goes in comes out, and nothing else is accepted.

use proptest::prelude::*;
use witwire_ir::Texts;
use witwire_ir::container::{
    Bundle, ContainerError, FORMAT, Limits, core_only, read, read_core, read_within, write, write_core,
};

use crate::{arbitrary, small};

const HEADER: usize = 8 + 2 + 32;

/// A file with a correct header around sections of the test's own.
fn file(sections: &[(u16, &[u8])]) -> Vec<u8> {
    let mut rest = (sections.len() as u16).to_le_bytes().to_vec();
    for (kind, body) in sections {
        rest.extend(kind.to_le_bytes());
        rest.extend((body.len() as u64).to_le_bytes());
    }
    for (_, body) in sections {
        rest.extend(*body);
    }
    seal(&rest)
}

/// Puts magic, version and checksum before what follows them.
fn seal(rest: &[u8]) -> Vec<u8> {
    let mut file = b"\x89WITW\r\n\x1a".to_vec();
    file.extend(FORMAT.to_le_bytes());
    file.extend(blake3::hash(rest).as_bytes());
    file.extend(rest);
    file
}

/// The core section of a written file.
fn core_of(file: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(file[HEADER + 4..HEADER + 12].try_into().unwrap()) as usize;
    let start = HEADER + 2 + 2 * 10;
    &file[start..start + length]
}

fn bundle() -> Bundle {
    Bundle { apis: vec![small::api(), small::api()] }
}

proptest! {
    #[test]
    fn a_bundle_survives(apis in prop::collection::vec(arbitrary::api(), 0..3)) {
        let bundle = Bundle { apis };
        let bytes = write(&bundle);
        prop_assert_eq!(read(&bytes), Ok(bundle.clone()));

        let mut without_texts = bundle.clone();
        without_texts.apis.iter_mut().for_each(|api| api.texts = Texts::default());
        let core = core_only(&bytes, Limits::default()).unwrap();
        prop_assert_eq!(&write_core(&bundle), &core);
        prop_assert_eq!(core_only(&write(&without_texts), Limits::default()), Ok(core.clone()));
        prop_assert_eq!(core_only(&core, Limits::default()), Ok(core.clone()));
        prop_assert_eq!(read(&core), Ok(without_texts.clone()));
        prop_assert_eq!(read_core(&bytes, Limits::default()), Ok(without_texts));
    }

    #[test]
    fn a_cut_file_is_an_error(api in arbitrary::api()) {
        let bytes = write(&Bundle { apis: vec![api] });
        for length in 0..bytes.len() {
            match read(&bytes[..length]) {
                Err(ContainerError::Cut { wanted, has }) => {
                    prop_assert_eq!(has, length as u64);
                    prop_assert!(wanted > has && wanted <= bytes.len() as u64);
                }
                Err(ContainerError::NotAContainer) => prop_assert_eq!(length, 0),
                other => prop_assert!(false, "{} bytes: {:?}", length, other),
            }
        }
    }

    #[test]
    fn random_sections_never_panic(core in prop::collection::vec(any::<u8>(), 0..400), texts in any::<Vec<u8>>()) {
        let _ = read(&file(&[(1, &core), (2, &texts)]));
        let _ = read(&file(&[(2, &texts), (9, &core)]));
        let _ = read(&seal(&core));
        let _ = read(&core);
    }

    /// Nearly right is where decoders break: change a few bytes of a real core and seal it again.
    #[test]
    fn forged_cores_never_panic(
        api in arbitrary::api(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let bytes = write(&Bundle { apis: vec![api] });
        let mut core = core_of(&bytes).to_vec();
        for (at, byte) in changes {
            let at = at.index(core.len());
            core[at] = byte;
        }
        if let Ok(bundle) = read(&file(&[(1, &core)])) {
            // What is accepted must be safe to use.
            for api in &bundle.apis {
                let _ = witwire_ir::print_package(api);
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    let bytes = write(&Bundle { apis: vec![small::api()] });
    let mut flipped = bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            flipped[at] ^= 1 << bit;
            assert!(read(&flipped).is_err(), "bit {bit} of byte {at}");
            flipped[at] = bytes[at];
        }
    }
}

#[test]
fn each_trouble_has_its_error() {
    let bytes = write(&bundle());
    let with = |at: usize, new: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + new.len()].copy_from_slice(new);
        read(&changed).unwrap_err()
    };
    assert_eq!(read(b"openapi: 3.0.0").unwrap_err(), ContainerError::NotAContainer);
    assert_eq!(read(b"").unwrap_err(), ContainerError::NotAContainer);
    // A transfer as text turns the line end.
    assert_eq!(with(5, b"\n\n"), ContainerError::NotAContainer);
    assert_eq!(with(8, &[9, 0]), ContainerError::Newer { found: 9, newest: 3 });
    assert_eq!(with(8, &[0, 0]), ContainerError::Older { found: 0, oldest: 3, newest: 3 });
    assert_eq!(with(bytes.len() - 1, &[0xff]), ContainerError::Checksum);
    assert_eq!(with(HEADER + 4, &[0xff; 8]), ContainerError::Cut { wanted: u64::MAX, has: bytes.len() as u64 });
    let longer = [bytes.as_slice(), &[0; 3]].concat();
    assert_eq!(read(&longer).unwrap_err(), ContainerError::Trailing { extra: 3 });
    let limits = Limits { max_bytes: 100 };
    assert_eq!(read_within(&bytes, limits).unwrap_err(), ContainerError::TooLarge { size: bytes.len() as u64, limit: 100 });
    assert!(read_within(&bytes, Limits { max_bytes: bytes.len() as u64 }).is_ok());

    let core = core_of(&bytes);
    let sections = |f: &[u8]| matches!(read(f), Err(ContainerError::Sections { .. }));
    assert!(sections(&file(&[])));
    assert!(sections(&file(&[(2, &[])])));
    assert!(sections(&file(&[(1, core), (1, core)])));
    // A section that this version does not know is passed over.
    assert!(read(&file(&[(7, b"later"), (1, core)])).is_ok());
    let undecodable = |f: &[u8]| matches!(read(f), Err(ContainerError::Undecodable { .. }));
    assert!(undecodable(&file(&[(1, &[core, &[0]].concat())])));
    assert!(undecodable(&file(&[(1, &core[..core.len() - 1])])));
    assert!(undecodable(&file(&[(1, core), (2, &[0; 9])])));

    let mut api = small::api();
    api.host = None;
    let contradictory = read(&write(&Bundle { apis: vec![api] })).unwrap_err();
    assert!(matches!(contradictory, ContainerError::Contradictory { .. }), "{contradictory}");
    let message = contradictory.to_string();
    assert!(message.contains("test:small@1.2.0-beta.1") && message.contains("`error`"), "{message}");
}

#[test]
fn a_claimed_length_allocates_nothing() {
    // A vector of one API, whose namespace claims 2³⁶ bytes; then one of 2⁶² APIs; then texts of 2³² − 1 bytes.
    let claims: [&[u8]; 3] = [
        &[1, 253, 0, 0, 0, 0, 0x10, 0, 0, 0, b'a'],
        &[253, 0, 0, 0, 0, 0, 0, 0, 0x40],
        &[1, 253, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    let before = peak_virtual_memory();
    for core in claims {
        assert!(matches!(read(&file(&[(1, core)])), Err(ContainerError::Undecodable { .. })));
    }
    let core = core_of(&write(&Bundle { apis: vec![small::api()] })).to_vec();
    let texts = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, b'a'];
    assert!(matches!(read(&file(&[(1, &core), (2, &texts)])), Err(ContainerError::Undecodable { what: "texts", .. })));
    let texts = [0xff, 0xff, 0xff, 0xff];
    assert!(matches!(read(&file(&[(1, &core), (2, &texts)])), Err(ContainerError::Undecodable { what: "texts", .. })));
    if let (Some(before), Some(after)) = (before, peak_virtual_memory()) {
        // Other tests run beside this one, and take far less than this.
        assert!(after - before < 2 << 30, "{} bytes were reserved", after - before);
    }
}

/// The most virtual memory that this process ever had, where the system tells (Linux).
fn peak_virtual_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmPeak:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib << 10)
}

#[test]
fn the_core_knows_no_documentation() {
    let core = |bundle: &Bundle| core_only(&write(bundle), Limits::default()).unwrap();
    let mut other = bundle();
    let before = core(&other);
    other.apis[0].texts = Texts::default();
    assert_eq!(core(&other), before);
    other.apis[0].operations[witwire_ir::Id::new(0)].deprecated ^= true;
    assert_ne!(core(&other), before);
}
