//! A manifest, read and checked as far as it can be without reading specifications.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use witwire_deployment::{ComponentName, Settings, SettingsError};
use witwire_frontends::yaml::{Document, Kind, Node};
use witwire_frontends::{self as frontends, DiskFiles, Files, Location, Options, Severity};
use witwire_ir::wave::nearest;

use crate::bundle;
use crate::environment;
use crate::mistake::{Code, Mistake};
use crate::model::{Component, Dependency, Manifest, Source};
use crate::reflection::Reflected;
use crate::schema::check::quoted;
use crate::schema::{self, Part};

/// The manifest's usual name.
pub const FILE: &str = "witwire.yaml";

/// A manifest and the folder that its paths start from.
#[derive(Debug)]
pub struct Project {
    /// The folder that the manifest is in.
    pub root: PathBuf,
    /// What it says, in the chosen environment.
    pub manifest: Manifest,
    /// The chosen environment.
    pub environment: Option<String>,
    document: Document,
}

impl Project {
    /// Reads a manifest. All mistakes are told at once, in the order of the file; specifications are not read yet.
    ///
    /// # Errors
    /// The mistakes.
    pub fn open(file: &Path, environment: Option<&str>) -> Result<Self, Vec<Mistake>> {
        Self::read(file, environment, &DiskFiles)
    }

    /// As [`Project::open`], from files that need not be those of this machine.
    ///
    /// # Errors
    /// The mistakes.
    pub fn read(file: &Path, environment: Option<&str>, files: &dyn Files) -> Result<Self, Vec<Mistake>> {
        let place = Location { file: file.display().to_string(), ..Location::default() };
        let unreadable = |reason: String| {
            let help = "`witwire new` makes a project with a manifest; `--manifest FILE` names one elsewhere";
            vec![Mistake::new(Code::Unreadable, place.clone(), reason).help(help)]
        };
        let document = Document::read(file, files).map_err(unreadable)?;
        let mut mistakes = textual(&document);
        let root = file.parent().unwrap_or(Path::new("")).to_owned();
        let manifest = match document.root() {
            Some(node) => Reader { root: &root, node, environment, mistakes: &mut mistakes }.read(),
            None => None,
        };
        match manifest {
            Some(manifest) if mistakes.is_empty() => {
                Ok(Self { root, manifest, environment: environment.map(str::to_owned), document })
            }
            _ => {
                mistakes.sort_by(|a, b| {
                    (a.location.line, a.location.column, a.code).cmp(&(b.location.line, b.location.column, b.code))
                });
                mistakes.dedup();
                Err(mistakes)
            }
        }
    }

    /// A path of the manifest, from the current folder.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Where a key of a dependency's map stands; the dependency's own place where the key is not written.
    pub(crate) fn place(&self, component: &ComponentName, index: usize, keys: &[&str]) -> Location {
        let Some(mut node) = self.dependency(component, index) else { return Location::default() };
        let mut place = node.location();
        for key in keys {
            let Some(next) = node.get(key) else { break };
            (node, place) = (next, next.key_location());
        }
        place
    }

    /// Where the components are declared.
    pub(crate) fn components_place(&self) -> Location {
        self.document.root().and_then(|root| root.get("components")).map(Node::key_location).unwrap_or_default()
    }

    pub(crate) fn dependency(&self, component: &ComponentName, index: usize) -> Option<Node<'_>> {
        self.document.root()?.get("dependencies")?.get(component.as_str())?.items().nth(index)
    }

    /// Where a key of a component's map stands.
    pub(crate) fn component_place(&self, component: &ComponentName, key: &str) -> Location {
        let node = self.document.root().and_then(|root| root.get("components")?.get(component.as_str()));
        let of = node.and_then(|node| node.get(key)).or(node);
        of.map(Node::key_location).unwrap_or_default()
    }
}

/// What is wrong with the text itself.
fn textual(document: &Document) -> Vec<Mistake> {
    let convert = |d: &frontends::Diagnostic| {
        let (code, help) = match (d.code, d.severity) {
            (frontends::Code::DuplicateKey, _) => (Code::Twice, "remove one of them"),
            (_, Severity::Error) => (Code::Unreadable, "a manifest is YAML 1.2 or JSON"),
            _ => (Code::UnknownKey, "use a text as the key"),
        };
        let message = d.message.split("; the last").next().unwrap_or(&d.message).replace(" is ignored", "");
        Mistake::new(code, d.location.clone(), message).help(help)
    };
    document.diagnostics().iter().map(convert).collect()
}

struct Reader<'a> {
    root: &'a Path,
    node: Node<'a>,
    environment: Option<&'a str>,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Option<Manifest> {
        let value = schema::check::check(self.node, schema::schema(), self.mistakes)?;
        let entries = |key: &str| value.get(key).and_then(Value::as_object).into_iter().flatten();
        let mut components = BTreeMap::new();
        for (name, value) in entries("components") {
            let node = self.node.get("components").and_then(|n| n.get(name))?;
            self.paths(node, &["wit"]);
            if let (Ok(name), Some(component)) = (name.parse::<ComponentName>(), self.typed::<Component>(value, node)) {
                components.insert(name, component);
            }
        }
        self.shared(&components);
        let mut dependencies = BTreeMap::new();
        for (name, values) in entries("dependencies") {
            let node = self.node.get("dependencies").and_then(|n| n.get(name))?;
            self.declared(name, node);
            let list = self.dependencies(name, values, node);
            if let Ok(name) = name.parse::<ComponentName>() {
                dependencies.insert(name, list);
            }
        }
        environment::check(self.node, self.mistakes);
        if let Some(wanted) = self.environment {
            let known = self.node.get("environments").into_iter().flat_map(Node::entries).map(|(key, _)| key);
            let known: Vec<&str> = known.collect();
            if !known.contains(&wanted) {
                let message =
                    format!("there is no environment `{wanted}`; there are {}", quoted(known.iter().copied(), "and"));
                self.mistakes.push(Mistake::new(Code::Undeclared, self.node.location(), message));
            }
        }
        Some(Manifest { components, dependencies })
    }

    /// Looks for components that would write each other's files.
    fn shared(&mut self, components: &BTreeMap<ComponentName, Component>) {
        let mut files: BTreeMap<String, &ComponentName> = BTreeMap::new();
        let mut folders: BTreeMap<PathBuf, &ComponentName> = BTreeMap::new();
        let nodes = self.node.get("components").into_iter().flat_map(Node::entries);
        for (name, component, node) in nodes.filter_map(|(key, node)| {
            let (name, component) = components.iter().find(|(name, _)| name.as_str() == key)?;
            Some((name, component, node))
        }) {
            // Not every file system tells capital letters from small ones.
            if let Some(first) = files.insert(bundle::file_name(name).to_lowercase(), name) {
                let message = format!("`{first}` and `{name}` would have one file, `{}`", bundle::file_name(name));
                let help = "give one of them another name: `:` and `_` do not differ in file names, nor do capital and small letters";
                self.mistakes.push(Mistake::new(Code::NameTwice, node.key_location(), message).help(help));
            }
            // A folder that is missing is a mistake of its own.
            let Ok(folder) = self.root.join(&component.wit).canonicalize() else { continue };
            if let Some(first) = folders.insert(folder, name) {
                let place = node.get("wit").map_or_else(|| node.key_location(), Node::key_location);
                let message = format!(
                    "`{first}` and `{name}` have one WIT folder, `{}`, in which each would remove the other's packages",
                    component.wit.display()
                );
                let help = "give each component a folder of its own: `wit: …`";
                self.mistakes.push(Mistake::new(Code::FolderTwice, place, message).help(help));
            }
        }
    }

    /// Whether a component of this name is declared.
    fn declared(&mut self, name: &str, node: Node<'_>) {
        let names: Vec<&str> = self.node.get("components").into_iter().flat_map(Node::entries).map(|(key, _)| key).collect();
        if names.contains(&name) {
            return;
        }
        let message = format!("dependencies are given for `{name}`, which is not among the components");
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the components are {}", quoted(names.iter().copied(), "and")),
        };
        self.mistakes.push(Mistake::new(Code::Undeclared, node.key_location(), message).help(help));
    }

    fn dependencies(&mut self, component: &str, values: &Value, node: Node<'a>) -> Vec<Dependency> {
        let mut list = Vec::new();
        let mut names = BTreeSet::new();
        for (value, node) in values.as_array().into_iter().flatten().zip(node.items()) {
            self.paths(node, &["protos", "includes", "descriptorSet", "path"]);
            if let Some(name) = label(node)
                && !names.insert(name.clone())
            {
                let place = node.get("name").map_or_else(|| node.location(), Node::key_location);
                let message = format!("two dependencies of `{component}` have the name `{name}`");
                let help = "give one of them another `name`, by which environments call it";
                self.mistakes.push(Mistake::new(Code::NameTwice, place, message).help(help));
            }
            if let Value::Object(value) = value
                && let Some(dependency) = self.dependency(component, value, node)
            {
                list.push(dependency);
            }
        }
        list
    }

    fn dependency(&mut self, component: &str, value: &Map<String, Value>, node: Node<'a>) -> Option<Dependency> {
        let (mut source, mut options, mut settings) = (Map::new(), Map::new(), Map::new());
        for (key, value) in value.iter().filter(|(key, _)| *key != "type") {
            let (part, name) = schema::part(key);
            let part = match part {
                Part::Source => &mut source,
                Part::Options => &mut options,
                Part::Settings => &mut settings,
            };
            part.insert(name.to_owned(), value.clone());
        }
        let name = label(node)?;
        // The WIT is the same in all environments, and so is the server that is asked for it.
        let server = settings.get("server").or_else(|| settings.get("endpoints")?.get(0)).cloned();
        let asked =
            server.map(|server| json!({ "server": server, "tls": settings.get("tls").cloned().unwrap_or(json!({})) }));
        let overrides = environment::Overrides { root: self.node, component, dependency: &name };
        // Credentials in one environment count for all, for the same reason.
        let credentials = settings.contains_key("credentials") || overrides.any_has("credentials");
        if let Some(environment) = self.environment {
            overrides.apply(environment, &mut settings);
        }
        options.insert("credentialsConfigured".to_owned(), Value::Bool(credentials));
        let source = match value.get("type").and_then(Value::as_str) {
            Some("grpc") => Source::Grpc(self.typed(&Value::Object(source), node)?),
            _ => Source::OpenApi(self.typed(&Value::Object(source), node)?),
        };
        let options: Options = self.typed(&Value::Object(options), node)?;
        let settings: Settings = self.typed(&Value::Object(settings), node)?;
        if let Err(e) = settings.check() {
            let key = match e {
                SettingsError::ServerTwice => "endpoints",
                SettingsError::BaseOverCap => "retry",
            };
            let place = node.get(key).map_or_else(|| node.location(), Node::key_location);
            self.mistakes.push(Mistake::new(Code::BadValue, place, e.to_string()));
        }
        let mut reflection = None;
        if let Source::Grpc(source) = &source
            && source.reflection == Some(true)
        {
            if let Some(asked) = asked {
                reflection = Some(self.typed::<Reflected>(&asked, node)?);
            } else if settings.server.is_some() || !settings.endpoints.is_empty() {
                let place = node.get("reflection").map_or_else(|| node.location(), Node::key_location);
                let message =
                    format!("`reflection` asks the server at `endpoint`, which `{name}` has in environments alone");
                let help = "add the `endpoint` of everywhere; environments replace it for calls";
                self.mistakes.push(Mistake::new(Code::Missing, place, message).help(help));
            }
        }
        if matches!(source, Source::Grpc(_)) && settings.server.is_none() && settings.endpoints.is_empty() {
            let message = format!("it is not known where `{name}` is served: protobuf sources do not say");
            let mistake = Mistake::new(Code::NoServer, node.location(), message);
            self.mistakes.push(mistake.help("add `endpoint: https://…`"));
        }
        Some(Dependency { name, source, reflection, options, settings })
    }

    /// A part as its type. The schema was derived from the type, so that hardly anything is left to be refused here.
    fn typed<T: serde::de::DeserializeOwned>(&mut self, value: &Value, node: Node<'_>) -> Option<T> {
        match serde_json::from_value(value.clone()) {
            Ok(typed) => Some(typed),
            Err(e) => {
                self.mistakes.push(Mistake::new(Code::BadValue, node.location(), e.to_string()));
                None
            }
        }
    }

    /// Looks for the files and folders that these keys name.
    fn paths(&mut self, node: Node<'_>, keys: &[&str]) {
        for value in keys.iter().filter_map(|key| node.get(key)) {
            let items = if value.kind() == Kind::List { value.items().collect() } else { vec![value] };
            for item in items {
                let Kind::Text(text) = item.kind() else { continue };
                let path = self.root.join(text);
                if text.is_empty() || path.exists() {
                    continue;
                }
                let mut mistake = Mistake::new(Code::NoSuchPath, item.location(), format!("`{text}` does not exist"));
                mistake.help = Some(match neighbour(&path) {
                    Some(near) => format!("did you mean `{}`?", Path::new(text).with_file_name(near).display()),
                    None => "paths start from the manifest's folder".to_owned(),
                });
                self.mistakes.push(mistake);
            }
        }
    }
}

/// The file beside a path that was probably meant.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> =
        std::fs::read_dir(folder).ok()?.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}

/// What environments call a dependency: its `name`, or else its first source file without the extension, or the host that is asked.
pub(crate) fn label(node: Node<'_>) -> Option<String> {
    let text = |node: Node<'_>| match node.kind() {
        Kind::Text(text) => Some(text.to_owned()),
        _ => None,
    };
    if let Some(name) = node.get("name") {
        return text(name);
    }
    if node.get("reflection").is_some() {
        let server = node.get("endpoint").or_else(|| node.get("endpoints")?.items().next()).and_then(text);
        let host = server.and_then(|server| Some(url::Url::parse(&server).ok()?.host_str()?.to_owned()));
        return Some(host.unwrap_or_else(|| "reflection".to_owned()));
    }
    let source = ["path", "descriptorSet", "url"].iter().find_map(|key| text(node.get(key)?));
    let source = source.or_else(|| text(node.get("protos")?.items().next()?))?;
    let source = source.split('?').next().unwrap_or_default();
    Path::new(source).file_stem()?.to_str().map(str::to_owned)
}
