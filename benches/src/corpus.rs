//! Published documents, which are test data and no part of the project: by `WITWIRE_CORPUS`, or beside the checkout.

use std::path::{Path, PathBuf};

/// Where a file would be.
pub(crate) fn path(file: &str) -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    std::env::var_os("WITWIRE_CORPUS").map_or_else(beside, PathBuf::from).join(file)
}

/// Whether a file is there.
pub(crate) fn has(file: &str) -> bool {
    path(file).is_file()
}

/// A file's bytes.
pub(crate) fn read(file: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(path(file))
}
