//! Any bytes as a container, or as the core section of one: no fuzzer finds a checksum.

use witwire_ir::container::{self, FORMAT, Limits};

use crate::use_all;

const MAGIC: &[u8] = &[0x89, b'W', b'I', b'T', b'W', b'\r', b'\n', 0x1a];

pub(crate) fn run(bytes: &[u8]) {
    let _ = container::read(bytes);
    let file = if bytes.starts_with(MAGIC) { bytes.to_vec() } else { whole(bytes) };
    let Ok(bundle) = container::read(&file) else { return };
    let again = container::write_core(&bundle);
    assert_eq!(
        container::read_core(&again, Limits::default()).as_ref(),
        Ok(&bundle),
        "a container gives back what was written"
    );
    for api in bundle.apis {
        use_all::parses(&api);
        use_all::called(api);
    }
}

/// The bytes as a core section, with a header that fits.
pub(crate) fn whole(core: &[u8]) -> Vec<u8> {
    let mut checked = Vec::new();
    checked.extend(1_u16.to_le_bytes());
    checked.extend(1_u16.to_le_bytes());
    checked.extend((core.len() as u64).to_le_bytes());
    checked.extend(core);
    [MAGIC, &FORMAT.to_le_bytes(), blake3::hash(&checked).as_bytes(), &checked].concat()
}
