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

    /// The document at an `http:` or `https:` URL that a document refers to. Nothing is fetched unless an implementation says so: one
    /// that does gives only what its user allowed by URL, and only in the version that was pinned by digest.
    ///
    /// # Errors
    /// [`FileError`], in words for a user.
    fn remote(&self, url: &str) -> Result<Vec<u8>, FileError> {
        let reason =
            "it is on another machine, and nothing is fetched while compiling; save it beside the document".to_owned();
        Err(FileError { path: url.to_owned(), reason })
    }
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

/// The URL that a path is, where it is one: of a document on another machine.
pub fn url_of(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with("https://") || text.starts_with("http://"))
}

/// A reference within a remote document as a URL (RFC 3986 section 5.2, without queries). It never leaves the web: a document from
/// elsewhere cannot name files of this machine.
pub(crate) fn join_url(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    let host_from = base.find("://").map_or(0, |at| at + 3);
    let host_to = base[host_from..].find('/').map_or(base.len(), |at| host_from + at);
    let (origin, path) = base.split_at(host_to);
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let whole = if reference.starts_with('/') { reference.to_owned() } else { format!("{directory}/{reference}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{origin}/{}", parts.join("/"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_remote_documents_stay_remote() {
        let base = "https://host/specs/api.yaml";
        for (reference, expected) in [
            ("models.yaml", "https://host/specs/models.yaml"),
            ("./a/../models.yaml", "https://host/specs/models.yaml"),
            ("/etc/passwd", "https://host/etc/passwd"),
            ("../../../etc/passwd", "https://host/etc/passwd"),
            ("http://other/x.json", "http://other/x.json"),
        ] {
            assert_eq!(join_url(base, reference), expected);
        }
        assert_eq!(join_url("https://host", "x.json"), "https://host/x.json");
    }
}
