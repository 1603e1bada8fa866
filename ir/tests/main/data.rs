//! Expected texts in files; `BLESS=1` rewrites them.

use std::path::Path;

/// Compares a text with a file of `tests/data`.
pub(crate) fn expect(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{} differs; `BLESS=1` rewrites it. Now:\n{actual}", path.display());
}
