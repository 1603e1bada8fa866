//! From a dependency to its APIs: compiled, or taken from the cache where nothing that was read has changed.

mod cache;
mod files;

use std::path::Path;

use witwire_deployment::ComponentName;
use witwire_frontends::yaml::{Kind, Node};
use witwire_frontends::{
    self as frontends, Compiled, Diagnostic, Files, Location, Options, Setting, SettingKey, Severity, openapi, proto,
};
use witwire_ir::Api;
use witwire_ir::wave::nearest;

use crate::lock::Lock;
use crate::mistake::{Code, Mistake};
use crate::model::{Dependency, Source};
use crate::project::Project;
use crate::reflection::Reflect;
use crate::remote::Allowed;
use crate::schema::check::quoted;
use cache::Cache;
use files::Recorded;

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
    reflect: &dyn Reflect,
    fresh: bool,
) -> (Specification, Vec<Mistake>) {
    let dependency = &project.manifest.dependencies[component][index];
    let place = |keys: &[&str]| project.place(component, index, keys);
    let mut allowed = Vec::new();
    let given = match &dependency.source {
        Source::OpenApi(source) => {
            allowed.extend(source.url.as_deref().and_then(Allowed::beside));
            allowed.extend(source.remote.iter().cloned());
            source.url.as_ref().map(|url| (url.clone(), lock.document(url, &place(&["url"]))))
        }
        Source::Grpc(_) => dependency.reflection.as_ref().map(|server| {
            let answer = lock.reflection(server, &place(&["reflection"]), reflect);
            (server.server.as_str().to_owned(), answer)
        }),
    };
    let given = match given {
        Some((_, Err(mistake))) => return (Specification::default(), vec![mistake]),
        Some((url, Ok(bytes))) => Some((url, bytes)),
        None => None,
    };
    let files = Recorded::new(&project.root, given, allowed, lock, place(&["remote"]));
    let cache = Cache::new(project, dependency);
    if !fresh && let Some(specification) = cache.find(&files) {
        return (specification.shown(project), Vec::new());
    }
    let compiled = compile(dependency, &files, &dependency.options);
    let mut mistakes = Vec::new();
    if compiled.is_refused() {
        mistakes = refusals(project, component, index, &compiled, &files);
    }
    let mut specification = Specification { apis: compiled.apis, diagnostics: compiled.diagnostics };
    // Where the manifest is corrected for a finding, its mistake says it all.
    specification.diagnostics.retain(|d| !is_mistake(d));
    mistakes.extend(unknown_schemes(project, component, index, &specification.apis, &files));
    mistakes.extend(files.take_mistakes());
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

fn compile(dependency: &Dependency, files: &dyn Files, options: &Options) -> Compiled {
    match &dependency.source {
        Source::OpenApi(source) => {
            let path = source.path.as_deref().or(source.url.as_deref().map(Path::new)).unwrap_or(Path::new(""));
            openapi::compile(path, files, options)
        }
        Source::Grpc(source) => {
            let input = if let Some(set) = &source.descriptor_set {
                proto::Input::DescriptorSet(set.clone())
            } else if let Some(server) = &dependency.reflection {
                proto::Input::DescriptorSet(server.server.as_str().into())
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
        SettingKey::Pagination => "pagination",
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
    let compiled = compile(dependency, files, &options);
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
        schemes = of(&compile(dependency, files, &options).apis);
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
