//! Files that are written whole or not at all, and digests of what is in them.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The BLAKE3 of bytes, in 64 hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The digest of a file; `None` where there is none that can be read.
pub(crate) fn digest_of(path: &Path) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| digest(&bytes))
}

/// Reading or writing failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {doing} `{path}`: {reason}")]
pub struct FileError {
    /// `read`, `write`, `remove`.
    pub doing: &'static str,
    /// The file or folder.
    pub path: String,
    /// The system's reason.
    pub reason: String,
}

impl FileError {
    pub(crate) fn new(doing: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self { doing, path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// Reads a file that may be missing.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(FileError::new("read", path, &e)),
    }
}

/// What is in a folder that may be missing, in the order of names.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let failed = |e: std::io::Error| FileError::new("read", folder, &e);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut paths = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// Writes a file beside its place and moves it there: whoever reads it sees the old content or the new one, also where the
/// writer is killed. Makes the folders on the way.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let failed = |e: std::io::Error| FileError::new("write", path, &e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::File::create(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|e| {
        // What is left of it is in nobody's way; the first trouble is what counts.
        let _ = std::fs::remove_file(&beside);
        failed(e)
    })
}

/// Writes a file unless it has this content already; whether it was written.
pub(crate) fn update(path: &Path, content: &[u8]) -> Result<bool, FileError> {
    if read(path)?.as_deref() == Some(content) {
        return Ok(false);
    }
    write(path, content).map(|()| true)
}

/// The project's own folder for what can be made again: caches, states, bundles. Version control is told to leave it alone.
pub(crate) const WORK: &str = ".witwire";

/// Makes the work folder.
pub(crate) fn work_folder(root: &Path) -> Result<(), FileError> {
    let ignore = root.join(WORK).join(".gitignore");
    if ignore.exists() { Ok(()) } else { write(&ignore, b"*\n") }
}
