//! `witwire build`: specifications to WIT, WIT and sources to a component, component and IR to a bundle.
//!
//! Everything is made only when what it is made of has changed, by digest, and always then. Files are written whole or not at
//! all, so that a build that is interrupted can be run again.

mod command;
mod glob;
mod inputs;
mod wit;

use std::path::{Path, PathBuf};

use serde::Serialize;
use witwire_deployment::{ComponentName, Settings};
use witwire_frontends::Diagnostic;
use witwire_ir::container;
use witwire_ir::wave::nearest;

use crate::bundle::{self, Bundle};
use crate::file::{self, FileError, WORK};
use crate::lock::{Lock, LockPolicy};
use crate::mistake::{Code, Mistake};
use crate::model::Component;
use crate::project::Project;
use crate::reflection::Reflect;
use crate::schema::check::quoted;
use crate::specification::{self, Specification};

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// The components to build; none: all.
    pub components: Vec<String>,
    /// How the lock and the network may be used.
    pub lock: LockPolicy,
    /// Compile and run everything, changed or not.
    pub force: bool,
    /// Run no build command: take the components as they are.
    pub no_command: bool,
    /// Where bundles go. `None`: `.witwire/build` beside the manifest.
    pub out: Option<PathBuf>,
}

/// Proves that a component can be linked with its dependencies, and cuts these down to what it imports.
pub trait Linker {
    /// The APIs of each dependency, cut down to what the component imports. An API of which it imports nothing is left out.
    ///
    /// # Errors
    /// All reasons why the component cannot be linked.
    fn imported(&self, component: &[u8], dependencies: &[container::Bundle]) -> Result<Vec<container::Bundle>, Vec<String>>;

    /// Links a component with the dependencies that it imports, as whoever runs it will.
    ///
    /// # Errors
    /// [`Refusal`]
    fn link(&self, component: &[u8], dependencies: &[Linked]) -> Result<(), Refusal>;
}

/// Why a component is not linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The settings of one of its dependencies are refused.
    Settings {
        /// Which of those that were given.
        dependency: usize,
        /// Why.
        reason: String,
    },
    /// It does not fit its dependencies: all reasons.
    Component(Vec<String>),
}

/// A dependency that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The IR container.
    pub ir: Vec<u8>,
    /// How its functions are performed.
    pub settings: Settings,
}

/// What happens, as it happens.
#[derive(Debug)]
pub enum Event<'a> {
    /// A finding about a specification.
    Finding(&'a Diagnostic),
    /// A build command is about to run.
    Running {
        /// For this component.
        component: &'a ComponentName,
        /// The command.
        command: &'a str,
    },
    /// Something was left out, which may not be meant.
    Warning(&'a str),
    /// The bundle of a component that the manifest no longer has was removed.
    Removed(&'a Path),
}

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Built {
    /// Its name.
    pub component: ComponentName,
    /// WIT files that were written or removed.
    pub wit: Vec<PathBuf>,
    /// Whether its build command ran.
    pub ran: bool,
    /// The bundle.
    pub bundle: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether the bundle is another one than before.
    pub changed: bool,
}

/// Why nothing was built, or not everything.
#[derive(Debug)]
pub enum BuildError {
    /// The manifest, a specification or a component is wrong: all reasons.
    Mistakes(Vec<Mistake>),
    /// Reading or writing failed.
    File(FileError),
}

impl From<FileError> for BuildError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// Compiles all specifications and looks for mistakes that only show then; builds nothing, and pins nothing in the lock.
///
/// # Errors
/// [`BuildError`]
pub fn check(
    project: &Project,
    lock: LockPolicy,
    reflect: &dyn Reflect,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), BuildError> {
    let names: Vec<ComponentName> = project.manifest.components.keys().cloned().collect();
    specifications(project, &names, lock, reflect, false, tell).map(drop)
}

/// Builds components into bundles.
///
/// # Errors
/// [`BuildError`]: with mistakes in specifications no component is built; the mistakes of several components are told together.
pub fn build(
    project: &Project,
    options: &BuildOptions,
    linker: &dyn Linker,
    reflect: &dyn Reflect,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Built>, BuildError> {
    let names = selected(project, &options.components).map_err(BuildError::Mistakes)?;
    let whole = names.len() == project.manifest.components.len();
    let (specifications, lock) = specifications(project, &names, options.lock, reflect, options.force, tell)?;
    lock.save(whole)?;
    file::work_folder(&project.root)?;
    let (mut built, mut mistakes) = (Vec::new(), Vec::new());
    for (name, specifications) in names.iter().zip(&specifications) {
        let builder = Builder { project, options, name, specifications, component: &project.manifest.components[name] };
        match builder.build(linker, tell) {
            Ok(done) => built.push(done),
            Err(BuildError::Mistakes(more)) => mistakes.extend(more),
            Err(error) => return Err(error),
        }
    }
    if !mistakes.is_empty() {
        return Err(BuildError::Mistakes(mistakes));
    }
    // A folder that was named may have bundles of other projects.
    if options.out.is_none() {
        remove_stale(project, tell)?;
    }
    Ok(built)
}

/// Where bundles go unless another place is named.
fn bundles(project: &Project) -> PathBuf {
    project.path(WORK).join("build")
}

/// Removes the bundles of components that are not in the manifest, so that nobody deploys them.
fn remove_stale(project: &Project, tell: &mut dyn FnMut(Event<'_>)) -> Result<(), FileError> {
    let folder = bundles(project);
    let wanted: Vec<PathBuf> = project.manifest.components.keys().map(|name| folder.join(bundle::file_name(name))).collect();
    for path in file::list(&folder)? {
        if path.extension().is_some_and(|e| e == bundle::EXTENSION) && !wanted.contains(&path) {
            std::fs::remove_file(&path).map_err(|e| FileError::new("remove", &path, &e))?;
            tell(Event::Removed(&path));
        }
    }
    Ok(())
}

/// The components that were asked for.
fn selected(project: &Project, wanted: &[String]) -> Result<Vec<ComponentName>, Vec<Mistake>> {
    let all: Vec<ComponentName> = project.manifest.components.keys().cloned().collect();
    if wanted.is_empty() {
        return Ok(all);
    }
    let unknown = |text: &String| {
        let names: Vec<&str> = all.iter().map(ComponentName::as_str).collect();
        let help = match nearest(text, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the components are {}", quoted(names.iter().copied(), "and")),
        };
        let place = project.components_place();
        Mistake::new(Code::Undeclared, place, format!("there is no component `{text}`")).help(help)
    };
    let mistakes: Vec<Mistake> = wanted.iter().filter(|w| !all.iter().any(|n| n.as_str() == **w)).map(unknown).collect();
    if mistakes.is_empty() {
        Ok(all.into_iter().filter(|n| wanted.iter().any(|w| w == n.as_str())).collect())
    } else {
        Err(mistakes)
    }
}

/// The specifications of components, each component's in order, and the lock with what was pinned for them.
fn specifications(
    project: &Project,
    names: &[ComponentName],
    policy: LockPolicy,
    reflect: &dyn Reflect,
    fresh: bool,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(Vec<Vec<Specification>>, Lock), BuildError> {
    let mut lock = Lock::open(&project.root, policy).map_err(|m| BuildError::Mistakes(vec![m]))?;
    let (mut all, mut mistakes) = (Vec::new(), Vec::new());
    for name in names {
        let mut of = Vec::new();
        for index in 0..project.manifest.dependencies.get(name).map_or(0, Vec::len) {
            let (specification, more) = specification::load(project, name, index, &mut lock, reflect, fresh);
            specification.diagnostics.iter().for_each(|d| tell(Event::Finding(d)));
            mistakes.extend(more);
            mistakes.extend(no_server(project, name, index, &specification));
            of.push(specification);
        }
        mistakes.extend(packages_twice(project, name, &of));
        all.push(of);
    }
    if mistakes.is_empty() { Ok((all, lock)) } else { Err(BuildError::Mistakes(mistakes)) }
}

/// An HTTP API of which neither the manifest nor the document says where it is.
fn no_server(project: &Project, name: &ComponentName, index: usize, specification: &Specification) -> Option<Mistake> {
    let dependency = &project.manifest.dependencies[name][index];
    let settings = &dependency.settings;
    let said = settings.server.is_some() || !settings.endpoints.is_empty();
    let absolute = |api: &witwire_ir::Api| api.servers.iter().any(|s| s.url.contains("://"));
    if said || specification.apis.is_empty() || specification.apis.iter().all(absolute) {
        return None;
    }
    let message = format!("it is not known where `{}` is served: its document names no absolute server", dependency.name);
    let mistake = Mistake::new(Code::NoServer, project.place(name, index, &[]), message);
    Some(mistake.help("add `server: https://…`"))
}

/// Packages that would be written to one place. Two versions of a package would be, also those of one specification.
fn packages_twice(project: &Project, name: &ComponentName, specifications: &[Specification]) -> Vec<Mistake> {
    let mut seen: Vec<(String, usize, &witwire_ir::Api)> = Vec::new();
    let dependencies = project.manifest.dependencies.get(name).map_or(&[][..], Vec::as_slice);
    let mut mistakes = Vec::new();
    for (index, specification) in specifications.iter().enumerate() {
        for api in &specification.apis {
            let package = wit::folder(api);
            if let Some((_, first, other)) = seen.iter().find(|(known, ..)| *known == package) {
                let (message, help) = if *first == index {
                    let message = format!(
                        "`{}` has two versions of a WIT package: `{}` and `{}`",
                        dependencies[index].name, other.package, api.package
                    );
                    (message, "make a dependency of each, one of them with another `package: namespace:name`")
                } else {
                    let (first, second) = (&dependencies[*first].name, &dependencies[index].name);
                    let message = format!("`{first}` and `{second}` are both the WIT package `{}`", guard(api));
                    (message, "give one of them another `package: namespace:name`")
                };
                mistakes.push(Mistake::new(Code::PackageTwice, project.place(name, index, &[]), message).help(help));
            }
            seen.push((package, index, api));
        }
    }
    mistakes
}

/// `namespace:name`
fn guard(api: &witwire_ir::Api) -> String {
    format!("{}:{}", api.package.namespace.as_str(), api.package.name.as_str())
}

/// One component's build.
struct Builder<'a> {
    project: &'a Project,
    options: &'a BuildOptions,
    name: &'a ComponentName,
    component: &'a Component,
    specifications: &'a [Specification],
}

impl Builder<'_> {
    fn build(&self, linker: &dyn Linker, tell: &mut dyn FnMut(Event<'_>)) -> Result<Built, BuildError> {
        let folder = self.project.path(&self.component.wit);
        let apis: Vec<&witwire_ir::Api> = self.specifications.iter().flat_map(|s| &s.apis).collect();
        let wit::Updated { changed: wit, edited } = wit::update(&folder, &apis).map_err(|e| self.wit_error(e))?;
        for (path, fate) in edited {
            tell(Event::Warning(&format!("`{}` was generated and then edited; {fate}", path.display())));
        }
        wit::check_world(&folder, self.component.world.as_deref()).map_err(|reason| {
            let key = if self.component.world.is_some() { "world" } else { "wit" };
            self.mistake(Code::BadWorld, key, reason)
        })?;
        let ran = command::run(self, tell)?;
        let component = self.read_component()?;
        let (metadata, irs) = self.link(&component, linker, tell)?;
        let environment = self.project.environment.clone();
        let bundle = Bundle { name: self.name.clone(), environment, metadata, component, irs };
        let out = self.options.out.clone().unwrap_or_else(|| bundles(self.project));
        let path = out.join(bundle::file_name(self.name));
        let bytes = bundle::write(&bundle);
        let changed = file::update(&path, &bytes)?;
        Ok(Built { component: self.name.clone(), wit, ran, bundle: path, bytes: bytes.len() as u64, changed })
    }

    fn mistake(&self, code: Code, key: &str, message: impl Into<String>) -> BuildError {
        BuildError::Mistakes(vec![Mistake::new(code, self.project.component_place(self.name, key), message)])
    }

    fn wit_error(&self, error: wit::WitError) -> BuildError {
        match error {
            wit::WitError::File(error) => BuildError::File(error),
            wit::WitError::Foreign(path) => {
                let message =
                    format!("`{}` was not generated by witwire and stands where a package is written", path.display());
                let help = "move it away, or give the dependency another `package: namespace:name`";
                let place = self.project.component_place(self.name, "wit");
                BuildError::Mistakes(vec![Mistake::new(Code::Foreign, place, message).help(help)])
            }
        }
    }

    /// The component; made of a core module where that is what there is.
    fn read_component(&self) -> Result<Vec<u8>, BuildError> {
        let path = self.project.path(&self.component.wasm);
        let Some(bytes) = file::read(&path)? else {
            let made = if self.component.build.is_some() { "the build command left no" } else { "there is no" };
            return Err(self.mistake(Code::NoComponent, "wasm", format!("{made} `{}`", path.display())));
        };
        if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
            return Ok(bytes);
        }
        if !bytes.starts_with(b"\0asm\x01\0\0\0") {
            let message = format!("`{}` is no WebAssembly file", path.display());
            return Err(self.mistake(Code::NoComponent, "wasm", message));
        }
        let encode = || wit_component::ComponentEncoder::default().validate(true).module(&bytes)?.encode();
        encode().map_err(|e| {
            let message = format!("`{}` is a core module that cannot be made into a component: {e:#}", path.display());
            let help = "with Rust, `--target wasm32-wasip2` makes components; a core module must carry its world, as wit-bindgen's do";
            let place = self.project.component_place(self.name, "wasm");
            BuildError::Mistakes(vec![Mistake::new(Code::NoComponent, place, message).help(help)])
        })
    }

    fn link(
        &self,
        component: &[u8],
        linker: &dyn Linker,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Vec<Settings>, Vec<Vec<u8>>), BuildError> {
        let refused = |reasons: Vec<String>| {
            let place = self.project.component_place(self.name, "wasm");
            let help = "its `build` command must be run with the WIT of today: is `wit/deps` what it reads?";
            let mistake = |reason: String| Mistake::new(Code::DoesNotLink, place.clone(), reason).help(help);
            BuildError::Mistakes(reasons.into_iter().map(mistake).collect())
        };
        let whole: Vec<_> = self.specifications.iter().map(|s| container::Bundle { apis: s.apis.clone() }).collect();
        let imported = linker.imported(component, &whole).map_err(refused)?;
        let (mut linked, mut indices) = (Vec::new(), Vec::new());
        let dependencies = self.project.manifest.dependencies.get(self.name);
        for (index, (dependency, bundle)) in dependencies.into_iter().flatten().zip(imported).enumerate() {
            let Some(first) = bundle.apis.first() else {
                tell(Event::Warning(&format!("`{}` imports nothing of its dependency `{}`", self.name, dependency.name)));
                continue;
            };
            let mut settings = Settings { package: Some(guard(first)), ..dependency.settings.clone() };
            // Whoever runs it refuses credentials of unknown schemes, and knows only those of what is imported.
            let known = |name: &String| bundle.apis.iter().any(|api| api.schemes.iter().any(|(_, s)| s.name == *name));
            settings.credentials.retain(|name, _| known(name));
            indices.push(index);
            linked.push(Linked { ir: container::write(&bundle), settings });
        }
        linker.link(component, &linked).map_err(|refusal| match refusal {
            Refusal::Component(reasons) => refused(reasons),
            Refusal::Settings { dependency, reason } => {
                let index = indices.get(dependency).copied().unwrap_or_default();
                let place = self.project.place(self.name, index, &[]);
                BuildError::Mistakes(vec![Mistake::new(Code::SettingsRefused, place, reason)])
            }
        })?;
        Ok(linked.into_iter().map(|l| (l.settings, l.ir)).unzip())
    }
}
