//! Where sources come from. The only I/O of this crate.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Reads sources by path.
pub trait Files {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`FileError`], in words for a user.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError>;
}

/// A source that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`: {reason}")]
pub struct FileError {
    /// The path as asked for.
    pub path: String,
    /// The system's reason.
    pub reason: String,
}

/// Files of this machine, at most [`DiskFiles::MAX_BYTES`] each.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiskFiles;

impl DiskFiles {
    /// 64 MiB: the largest published document known (13 MB) with room to spare.
    pub const MAX_BYTES: u64 = 64 << 20;
}

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let error = |reason: String| FileError { path: path.display().to_string(), reason };
        let meta = std::fs::metadata(path).map_err(|e| error(e.to_string()))?;
        if meta.len() > Self::MAX_BYTES {
            return Err(error(format!("{} bytes are more than {}", meta.len(), Self::MAX_BYTES)));
        }
        std::fs::read(path).map_err(|e| error(e.to_string()))
    }
}

/// Files in memory, for tests and embedded specifications.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl MemoryFiles {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(normalize(path.as_ref()), content.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        self.files
            .get(&normalize(path))
            .cloned()
            .ok_or_else(|| FileError { path: path.display().to_string(), reason: "no such file".to_owned() })
    }
}

/// Resolves `.` and `..` in words, without asking the file system.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
