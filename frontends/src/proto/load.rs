//! The pass that reads sources: everything becomes one encoded `FileDescriptorSet`.

mod edition;
mod set;
mod sources;

use std::collections::BTreeMap;
use std::path::Path;

use crate::{Code, Files, Location, Options};

use super::Input;
use super::descriptor::FileDescriptorSet;
use super::findings::Findings;

/// What was read.
#[derive(Debug)]
pub(super) struct Sources {
    /// All files, imports included.
    pub(super) set: FileDescriptorSet,
    /// Names in the set of the files that were given, not only imported.
    pub(super) roots: Vec<String>,
    /// Name in the set → path as the user knows it.
    pub(super) shown: BTreeMap<String, String>,
    /// A hash over the bytes of every source.
    digest: blake3::Hasher,
}

impl Sources {
    /// BLAKE3 of the sources and of the settings that shape the result.
    pub(super) fn digest(&self, options: &Options) -> [u8; 32] {
        let mut hasher = self.digest.clone();
        // Options are plain data with string keys, which JSON can always hold; the default would only lose their part.
        hasher.update(&serde_json::to_vec(options).unwrap_or_default());
        *hasher.finalize().as_bytes()
    }

    /// Where a file is, for a finding.
    pub(super) fn location(&self, name: &str) -> Location {
        Location { file: self.shown.get(name).map_or(name, String::as_str).to_owned(), ..Location::default() }
    }
}

/// Reads the input. `None` where it cannot be used; the findings then have an error.
pub(super) fn load(input: &Input, files: &dyn Files, findings: &mut Findings) -> Option<Sources> {
    match input {
        Input::Protos { files: roots, includes } => sources::load(roots, includes, files, findings),
        Input::DescriptorSet(path) => set::load(path, files, findings),
    }
}

/// A path with `/` between its parts on every system.
fn shown(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

/// A file without a position in it.
fn in_file(path: &Path) -> Location {
    Location { file: shown(path), ..Location::default() }
}

/// Reports a file that cannot be read.
fn unreadable(findings: &mut Findings, path: &Path, reason: &str) {
    findings.error(Code::FileUnreadable, in_file(path), format!("cannot be read: {reason}"));
}

/// Adds one source to a digest, so that no two sequences of sources give the same bytes.
fn absorb(digest: &mut blake3::Hasher, name: &str, content: &[u8]) {
    for part in [name.as_bytes(), content] {
        digest.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
}
