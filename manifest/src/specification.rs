//! From a dependency to its APIs: compiled, or taken from the cache where nothing that was read has changed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use witwire_deployment::ComponentName;
use witwire_frontends::yaml::{Kind, Node};
use witwire_frontends::{
    self as frontends, Compiled, Diagnostic, DiskFiles, FileError, Files, Location, Options, Setting, SettingKey, Severity,
    openapi, proto,
};
use witwire_ir::Api;
use witwire_ir::container::{self, Bundle};
use witwire_ir::wave::nearest;

use crate::file::{self, WORK};
use crate::lock::Lock;
use crate::mistake::{Code, Mistake};
use crate::model::{Dependency, Source};
use crate::project::Project;
use crate::schema::check::quoted;

/// A dependency's APIs, and what there is to say about its specification.
#[derive(Debug, Default)]
pub(crate) struct Specification {
    /// One per WIT package.
    pub(crate) apis: Vec<Api>,
    /// Findings, also those of an earlier compilation, without those that are mistakes of the manifest.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Compiles a dependency. Findings of the specification are among the diagnostics; what is to be corrected in the manifest is
/// among the mistakes, and then there are no APIs.
pub(crate) fn load(
    project: &Project,
    component: &ComponentName,
    index: usize,
    lock: &mut Lock,
    fresh: bool,
) -> (Specification, Vec<Mistake>) {
    let dependency = &project.manifest.dependencies[component][index];
    let place = |keys: &[&str]| project.place(component, index, keys);
    let document = match &dependency.source {
        Source::OpenApi(source) => match &source.url {
            Some(url) => match lock.document(url, &place(&["url"])) {
                Ok(bytes) => Some((url.as_str(), bytes)),
                Err(mistake) => return (Specification::default(), vec![mistake]),
            },
            None => None,
        },
        Source::Grpc(_) => None,
    };
    let files = Recorded::new(&project.root, document);
    let cache = Cache::new(project, dependency);
    if !fresh && let Some(specification) = cache.find(&files) {
        return (specification.shown(project), Vec::new());
    }
    let compiled = compile(&dependency.source, &files, &dependency.options);
    let mut mistakes = Vec::new();
    if compiled.is_refused() {
        mistakes = refusals(project, component, index, &compiled, &files);
    }
    let mut specification = Specification { apis: compiled.apis, diagnostics: compiled.diagnostics };
    // Where the manifest is corrected for a finding, its mistake says it all.
    specification.diagnostics.retain(|d| !is_mistake(d));
    mistakes.extend(unknown_schemes(project, component, index, &specification.apis, &files));
    if mistakes.is_empty() {
        // Without a cache the next build compiles again; that is all.
        let _ = cache.keep(&specification, &files);
    } else {
        specification.apis.clear();
    }
    (specification.shown(project), mistakes)
}

impl Specification {
    /// With the files of findings as a person finds them from the current folder.
    fn shown(mut self, project: &Project) -> Self {
        for diagnostic in &mut self.diagnostics {
            let file = &mut diagnostic.location.file;
            if !file.is_empty() && !file.contains("://") {
                *file = project.path(&*file).display().to_string();
            }
        }
        self
    }
}

/// Whether a finding is about what the manifest says, and not about the specification.
fn is_mistake(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error && diagnostic.setting.is_some()
}

fn compile(source: &Source, files: &dyn Files, options: &Options) -> Compiled {
    match source {
        Source::OpenApi(source) => {
            let path = source.path.as_deref().or(source.url.as_deref().map(Path::new)).unwrap_or(Path::new(""));
            openapi::compile(path, files, options)
        }
        Source::Grpc(source) => {
            let input = if let Some(set) = &source.descriptor_set {
                proto::Input::DescriptorSet(set.clone())
            } else {
                proto::Input::Protos { files: source.protos.clone(), includes: source.includes.clone() }
            };
            proto::compile(&input, files, options)
        }
    }
}

/// What a refused specification means for the manifest: a setting that names nothing, else that it cannot be used.
fn refusals(
    project: &Project,
    component: &ComponentName,
    index: usize,
    compiled: &Compiled,
    files: &Recorded<'_>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut known: Option<Vec<String>> = None;
    let mut others = 0;
    for diagnostic in compiled.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let Some(setting) = &diagnostic.setting else {
            others += 1;
            continue;
        };
        let place = project.dependency(component, index).and_then(|node| written(node, setting));
        let place = place.unwrap_or_else(|| project.place(component, index, &[]));
        let mut mistake = Mistake::new(Code::NamesNothing, place, diagnostic.message.clone());
        let dependency = &project.manifest.dependencies[component][index];
        let known = known.get_or_insert_with(|| operations(dependency, files));
        mistake.help = match nearest(&setting.text, known.iter().map(String::as_str)) {
            Some(near) if diagnostic.code == frontends::Code::UnknownSelection => Some(format!("did you mean `{near}`?")),
            _ => diagnostic.help.clone(),
        };
        mistakes.push(mistake);
    }
    if others > 0 {
        let message = match others {
            1 => "the specification is refused; the reason is told with it".to_owned(),
            n => format!("the specification is refused for {n} reasons, which are told with it"),
        };
        let location = project.place(component, index, &[]);
        mistakes.push(Mistake::new(Code::SpecificationRefused, location, message));
    }
    mistakes
}

/// Where a setting stands in the map of its dependency.
fn written(node: Node<'_>, setting: &Setting) -> Option<Location> {
    let key = match setting.key {
        SettingKey::Any => "any",
        SettingKey::Idempotency => "idempotency",
        SettingKey::InDoubt => "inDoubt",
        SettingKey::Lenient => "lenient",
        SettingKey::Operations => "operations",
        SettingKey::Package => "package",
        SettingKey::Parameters => "parameters",
        SettingKey::Rename => "rename",
        SettingKey::Stream => "stream",
        SettingKey::Version => "version",
    };
    let node = node.get(key)?;
    let list = if setting.key == SettingKey::Idempotency { node.get("operations")? } else { node };
    match list.kind() {
        Kind::List => list.items().find(|item| text(*item) == Some(&setting.text)).map(Node::location),
        Kind::Map => list.get(&setting.text).map(Node::key_location),
        _ => Some(list.location()),
    }
}

fn text(node: Node<'_>) -> Option<&str> {
    match node.kind() {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

/// What operations can be called in a selection: compiled once more, without what names none.
fn operations(dependency: &Dependency, files: &Recorded<'_>) -> Vec<String> {
    let options = Options { credentials_configured: dependency.options.credentials_configured, ..Options::default() };
    let compiled = compile(&dependency.source, files, &options);
    let names = |api: &Api| -> Vec<String> {
        let function = |operation: &witwire_ir::Operation| {
            let interface = &api.interfaces[operation.interface].name;
            [operation.source_name(), format!("{}.{}", interface.as_str(), operation.name.as_str())]
        };
        api.operations.iter().flat_map(|(_, operation)| function(operation)).collect()
    };
    compiled.apis.iter().flat_map(names).collect()
}

/// Credentials of schemes that the specification does not have. A scheme that no selected operation uses is none of them.
fn unknown_schemes(
    project: &Project,
    component: &ComponentName,
    index: usize,
    apis: &[Api],
    files: &Recorded<'_>,
) -> Vec<Mistake> {
    let dependency = &project.manifest.dependencies[component][index];
    let of = |apis: &[Api]| -> Vec<String> {
        apis.iter().flat_map(|api| api.schemes.iter().map(|(_, scheme)| scheme.name.clone())).collect()
    };
    let mut schemes = of(apis);
    let is_unknown = |schemes: &[String], name: &String| !apis.is_empty() && !schemes.contains(name);
    let names = dependency.settings.credentials.keys();
    if !dependency.options.operations.is_empty() && names.clone().any(|name| is_unknown(&schemes, name)) {
        let options = Options { operations: Vec::new(), strict: false, ..dependency.options.clone() };
        schemes = of(&compile(&dependency.source, files, &options).apis);
    }
    let unknown = names.filter(|name| is_unknown(&schemes, name));
    unknown
        .map(|name| {
            let schemes: Vec<&str> = schemes.iter().map(String::as_str).collect();
            let message = format!("the specification has no authentication scheme `{name}`");
            let help = match nearest(name, schemes.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has {}", quoted(schemes.iter().copied(), "and")),
            };
            Mistake::new(Code::UnknownScheme, project.place(component, index, &["credentials", name]), message).help(help)
        })
        .collect()
}

/// The project's files, and a note of each that was asked for.
struct Recorded<'a> {
    root: &'a Path,
    /// A document from the network under its URL.
    document: Option<(&'a str, Vec<u8>)>,
    asked: RefCell<BTreeMap<PathBuf, Option<String>>>,
}

impl<'a> Recorded<'a> {
    fn new(root: &'a Path, document: Option<(&'a str, Vec<u8>)>) -> Self {
        Self { root, document, asked: RefCell::default() }
    }

    fn get(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        match &self.document {
            Some((url, bytes)) if path == Path::new(url) => Ok(bytes.clone()),
            _ => DiskFiles.read(&self.root.join(path)),
        }
    }

    fn digest(&self, path: &Path) -> Option<String> {
        self.get(path).ok().map(|bytes| file::digest(&bytes))
    }
}

impl Files for Recorded<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let read = self.get(path);
        self.asked.borrow_mut().insert(path.to_owned(), read.as_ref().ok().map(|bytes| file::digest(bytes)));
        read
    }

    /// The document that the lock pins, and no other.
    fn remote(&self, url: &str) -> Result<Vec<u8>, FileError> {
        match &self.document {
            Some((known, _)) if *known == url => self.read(Path::new(url)),
            _ => DiskFiles.remote(url),
        }
    }
}

/// What was compiled before, below the work folder.
struct Cache {
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
    fn new(project: &Project, dependency: &Dependency) -> Self {
        let shaping = (env!("CARGO_PKG_VERSION"), program(), &dependency.source, &dependency.options);
        let key = serde_json::to_vec(&shaping).expect("texts and maps of texts are JSON");
        Self { folder: project.path(WORK).join("cache"), key: file::digest(&key)[..32].to_owned() }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.key))
    }

    fn find(&self, files: &Recorded<'_>) -> Option<Specification> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(self.path("json")).ok()?).ok()?;
        if kept.inputs.iter().any(|(path, digest)| files.digest(path) != *digest) {
            return None;
        }
        let ir = std::fs::read(self.path("ir")).ok().filter(|bytes| file::digest(bytes) == kept.ir)?;
        let apis = container::read(&ir).ok()?.apis;
        Some(Specification { apis, diagnostics: kept.findings })
    }

    fn keep(&self, specification: &Specification, files: &Recorded<'_>) -> Result<(), file::FileError> {
        if let Some(root) = self.folder.parent().and_then(Path::parent) {
            file::work_folder(root)?;
        }
        let ir = container::write(&Bundle { apis: specification.apis.clone() });
        let kept = Kept {
            inputs: files.asked.borrow().clone(),
            ir: file::digest(&ir),
            findings: specification.diagnostics.clone(),
        };
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
