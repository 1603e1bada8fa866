//! Compilations that are kept, so that what has not changed is not compiled again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use witwire_frontends::Diagnostic;
use witwire_ir::container::{self, Bundle};

use super::Specification;
use super::files::Recorded;
use crate::file::{self, FileError, WORK};
use crate::model::Dependency;
use crate::project::Project;

/// What was compiled before, below the work folder.
pub(super) struct Cache {
    folder: PathBuf,
    key: String,
}

/// A kept compilation.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Every file that was asked for, and its digest; none where it could not be read.
    inputs: BTreeMap<PathBuf, Option<String>>,
    /// The digest of the IR container.
    ir: String,
    /// What there is to say about it, each time.
    findings: Vec<Diagnostic>,
}

impl Cache {
    /// The key is all that shapes a compilation, apart from the contents of files.
    pub(super) fn new(project: &Project, dependency: &Dependency) -> Self {
        let asked = dependency.reflection.as_ref().map(|reflected| &reflected.server);
        let shaping = (env!("CARGO_PKG_VERSION"), program(), &dependency.source, asked, &dependency.options);
        let key = serde_json::to_vec(&shaping).expect("texts and maps of texts are JSON");
        Self { folder: project.path(WORK).join("cache"), key: file::digest(&key)[..32].to_owned() }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.key))
    }

    pub(super) fn find(&self, files: &Recorded<'_>) -> Option<Specification> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(self.path("json")).ok()?).ok()?;
        let (near, far): (Vec<_>, Vec<_>) = kept.inputs.iter().partition(|(path, _)| files.is_at_hand(path));
        let changed =
            |inputs: &[(&PathBuf, &Option<String>)]| inputs.iter().any(|(path, digest)| files.digest(path) != **digest);
        // Documents of other machines are asked for last, and only where all are pinned as they were: what refers to one of them may have
        // changed, and then nobody knows whether it is still wanted, or still there. To ask would keep its pin, or refuse the build.
        if changed(&near) || far.iter().any(|(path, digest)| files.may_differ(path, digest.as_deref())) || changed(&far) {
            return None;
        }
        let ir = std::fs::read(self.path("ir")).ok().filter(|bytes| file::digest(bytes) == kept.ir)?;
        let apis = container::read(&ir).ok()?.apis;
        Some(Specification { apis, diagnostics: kept.findings })
    }

    pub(super) fn keep(&self, specification: &Specification, files: &Recorded<'_>) -> Result<(), FileError> {
        if let Some(root) = self.folder.parent().and_then(Path::parent) {
            file::work_folder(root)?;
        }
        let ir = container::write(&Bundle { apis: specification.apis.clone() });
        let kept = Kept { inputs: files.asked(), ir: file::digest(&ir), findings: specification.diagnostics.clone() };
        // The IR first: a note of it means that it is there.
        file::write(&self.path("ir"), &ir)?;
        file::write(&self.path("json"), &serde_json::to_vec(&kept).expect("maps of texts and findings are JSON"))
    }
}

/// Size and time of this program's file: another build of the same version may compile otherwise.
fn program() -> Option<(u64, SystemTime)> {
    let meta = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}
