//! Bundles survive being written and read, and nothing else.

use witwire_deployment::{Record, Settings};
use witwire_manifest::bundle::{self, Bundle, BundleError, FORMAT};

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("bundle::what_is_written_is_read", what_is_written_is_read);
    add("bundle::every_cut_is_refused", every_cut_is_refused);
    add("bundle::every_flipped_bit_is_refused", every_flipped_bit_is_refused);
    add("bundle::claimed_lengths_are_not_believed", claimed_lengths_are_not_believed);
    add("bundle::other_files_and_formats_are_refused", other_files_and_formats_are_refused);
}

fn example() -> Bundle {
    let server = "https://api.example.com/v1".parse().expect("a URL");
    let rest = Settings { package: Some("api:todos".to_owned()), server: Some(server), ..Settings::default() };
    let grpc = Settings { record: Record::Digest, ..Settings::default() };
    Bundle {
        name: "app:todo-agent".parse().expect("a name"),
        environment: Some("staging".to_owned()),
        metadata: vec![rest, grpc],
        component: b"\0asm component".to_vec(),
        irs: vec![vec![1, 2, 3], Vec::new()],
    }
}

/// A file with this header and body, whose checksum is right.
fn forged(header: &str, body: &[u8]) -> Vec<u8> {
    let mut file = bundle::write(&example())[..42].to_vec();
    file.extend((header.len() as u32).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(body);
    sign(&mut file);
    file
}

fn sign(file: &mut [u8]) {
    let checksum = *blake3::hash(&file[42..]).as_bytes();
    file[10..42].copy_from_slice(&checksum);
}

fn what_is_written_is_read() {
    let bundle = example();
    let file = bundle::write(&bundle);
    assert_eq!(bundle::read(&file), Ok(bundle.clone()));
    assert_eq!(bundle::write(&bundle), file);
    assert_eq!(bundle::file_name(&bundle.name), "app_todo-agent.witwire");
    let empty = Bundle { environment: None, metadata: Vec::new(), irs: Vec::new(), component: Vec::new(), ..bundle };
    assert_eq!(bundle::read(&bundle::write(&empty)), Ok(empty));
}

fn every_cut_is_refused() {
    let file = bundle::write(&example());
    for length in 0..file.len() {
        let error = bundle::read(&file[..length]).expect_err("a cut file");
        let expected = matches!(error, BundleError::Cut { .. }) || (length == 0 && error == BundleError::NotABundle);
        assert!(expected, "{length}: {error:?}");
    }
    let extended = [&file[..], &[0]].concat();
    assert_eq!(bundle::read(&extended), Err(BundleError::Trailing { extra: 1 }));
}

fn every_flipped_bit_is_refused() {
    let file = bundle::write(&example());
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(bundle::read(&damaged).is_err(), "bit {bit}");
    }
}

fn claimed_lengths_are_not_believed() {
    let mut file = bundle::write(&example());
    file[42..46].copy_from_slice(&u32::MAX.to_le_bytes());
    sign(&mut file);
    assert!(matches!(bundle::read(&file), Err(BundleError::Cut { .. })));
    for (component, irs) in [("18446744073709551615", "[0]"), ("9", "[18446744073709551615]"), ("4", "[9000000000]")] {
        let header = format!(r#"{{"name":"a","dependencies":[{{}}],"component":{component},"irs":{irs}}}"#);
        let error = bundle::read(&forged(&header, b"four")).expect_err(&header);
        assert!(matches!(error, BundleError::Cut { wanted, has } if wanted > has), "{error:?}");
    }
    let header = r#"{"name":"a","dependencies":[],"component":4,"irs":[0]}"#;
    assert!(matches!(bundle::read(&forged(header, b"four")), Err(BundleError::Header(_))), "more IRs than dependencies");
}

fn other_files_and_formats_are_refused() {
    for other in [&b""[..], b"\0asm\x0d\0\x01\0", b"{}", &[0x89, b'W', b'I', b'T']] {
        assert_eq!(bundle::read(other), Err(BundleError::NotABundle));
    }
    let mut newer = bundle::write(&example());
    newer[8..10].copy_from_slice(&(FORMAT + 1).to_le_bytes());
    assert_eq!(bundle::read(&newer), Err(BundleError::Format { found: FORMAT + 1 }));
    for header in ["", "[]", r#"{"name":"a b","dependencies":[],"component":0,"irs":[]}"#, r#"{"name":"a"}"#] {
        assert!(matches!(bundle::read(&forged(header, b"")), Err(BundleError::Header(_))), "{header}");
    }
}
