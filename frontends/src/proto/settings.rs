//! The manifest's settings, checked against the sources.

use std::collections::{BTreeMap, BTreeSet};

use witwire_ir::{AuthMode, CallClass, KeyHeader, PackageName, WitName};

use crate::{Calls, Code, Location, Options, PresenceMode, SettingKey, UnknownFields};

use super::findings::Findings;
use super::graph::reach;
use super::model::{Idempotency, Method, Model};
use super::package;

/// Settings in force.
#[derive(Debug)]
pub(super) struct Settings<'a> {
    options: &'a Options,
    /// Full protobuf name → WIT name.
    rename: BTreeMap<&'a str, WitName>,
    /// `namespace:name`, if the manifest gives it.
    package: Option<(WitName, WitName)>,
    /// Who gives credentials.
    pub(super) auth: AuthMode,
}

impl<'a> Settings<'a> {
    /// Checks the settings that can be checked before names are given.
    pub(super) fn new(model: &Model, options: &'a Options, findings: &mut Findings) -> Self {
        let nowhere = Location::default;
        let known = known_names(model);
        let mut rename = BTreeMap::new();
        for (source, name) in &options.rename {
            let key = source.trim_start_matches('/');
            let element = key.split_once('#').map_or(key, |(element, _)| element);
            if !known.contains(element) {
                findings
                    .error(Code::BadRename, nowhere(), format!("`rename` has `{source}`, which is not in the sources"))
                    .setting(SettingKey::Rename, source)
                    .help("name a message, field, oneof, enum, enum value, service or method in full: `core.todo.v1.Todo`");
            }
            match WitName::new(name.as_str()) {
                Ok(name) => {
                    rename.insert(key, name);
                }
                Err(e) => {
                    let error = findings.error(Code::BadRename, nowhere(), format!("`rename` of `{source}`: {e}"));
                    error.setting(SettingKey::Rename, source);
                }
            }
        }
        let package = options.package.as_deref().and_then(|text| {
            let parsed = package::given(text);
            if parsed.is_none() {
                let what = format!("`package` is `{text}`, which is not `namespace:name` of two WIT names");
                findings.error(Code::BadRename, nowhere(), what).setting(SettingKey::Package, text);
            }
            parsed
        });
        if let Some(version) = options.version.as_deref().filter(|v| !package::is_semver(v)) {
            findings
                .error(Code::VersionDerived, nowhere(), format!("`version` is `{version}`, which is not a semantic version"))
                .setting(SettingKey::Version, version)
                .help("write three numbers: `1.0.0`");
        }
        Self { options, rename, package, auth: options.auth.unwrap_or(AuthMode::Host) }
    }

    /// Whether the guest or the host may send credentials. Protobuf sources do not say how; a bearer token is what gRPC uses.
    pub(super) fn has_credentials(&self) -> bool {
        self.auth == AuthMode::Guest || self.options.credentials_configured
    }

    /// Whether functions take the call's own settings.
    pub(super) fn explicit_calls(&self) -> bool {
        self.options.calls == Calls::Explicit
    }

    /// Whether singular message fields print bare.
    pub(super) fn bare_messages(&self) -> bool {
        self.options.presence == PresenceMode::Bare
    }

    /// Whether messages keep fields that the specification does not know.
    pub(super) fn keeps_unknown(&self) -> bool {
        self.options.unknown_fields == UnknownFields::Keep
    }

    /// The manifest's name for an element, or for what is derived of one (`core.todo.v1.Todo.assignee#variant`).
    pub(super) fn renamed(&self, full_name: &str) -> Option<&WitName> {
        self.rename.get(full_name)
    }

    /// The manifest's name for a method: `pkg.Service/Method` or `pkg.Service.Method`.
    pub(super) fn renamed_method(&self, method: &Method) -> Option<&WitName> {
        self.renamed(&method.path).or_else(|| self.renamed(&method.element.full_name))
    }

    /// Whether the manifest names the WIT package.
    pub(super) fn names_package(&self) -> bool {
        self.package.is_some()
    }

    /// The manifest's name for the WIT package, as written; empty where there is none.
    pub(super) fn package_text(&self) -> &str {
        self.options.package.as_deref().unwrap_or_default()
    }

    /// The WIT package for a protobuf package, and whether its version was derived.
    pub(super) fn package_name(&self, proto_package: &str, file: &str) -> (PackageName, bool) {
        let derived = package::version(proto_package);
        let version = self.options.version.as_ref().unwrap_or(&derived.version);
        let mut name = package::name(proto_package, derived.from.as_deref(), file, version);
        if let Some((namespace, own)) = &self.package {
            name.namespace = namespace.clone();
            name.name = own.clone();
        }
        (name, self.options.version.is_none())
    }

    /// Whether a selection is made at all.
    pub(super) fn selects(&self) -> bool {
        !self.options.operations.is_empty()
    }

    /// Whether a method is selected.
    pub(super) fn selected(&self, method: &Method, function: &str) -> bool {
        !self.selects() || self.options.operations.iter().any(|p| matches(p, method, function))
    }

    /// The class of a method. `function` is `interface.function`.
    pub(super) fn class(&self, method: &Method, function: &str) -> CallClass {
        let keyed = self.options.idempotency.as_ref();
        if let Some(keyed) = keyed.filter(|k| k.operations.iter().any(|p| matches(p, method, function))) {
            return CallClass::Keyed(KeyHeader {
                name: keyed.header.to_ascii_lowercase(),
                format: keyed.format,
                window_seconds: keyed.window_seconds,
            });
        }
        match method.idempotency {
            Idempotency::NoSideEffects => CallClass::Safe,
            Idempotency::Idempotent => CallClass::Idempotent,
            Idempotency::Unknown => {
                let in_doubt = self.options.in_doubt.iter().find(|(p, _)| matches(p, method, function));
                CallClass::Unsafe(in_doubt.map(|(_, d)| *d).unwrap_or_default())
            }
        }
    }

    /// Reports selections that name none of the methods, each given with its `interface.function`.
    pub(super) fn report_unknown(&self, methods: &[(&Method, String)], findings: &mut Findings) {
        let keyed = self.options.idempotency.iter().flat_map(|k| &k.operations);
        let patterns = (self.options.operations.iter().map(|p| ("operations", SettingKey::Operations, p)))
            .chain(keyed.map(|p| ("idempotency", SettingKey::Idempotency, p)))
            .chain(self.options.in_doubt.keys().map(|p| ("inDoubt", SettingKey::InDoubt, p)));
        for (setting, key, pattern) in patterns {
            if !methods.iter().any(|(method, function)| matches(pattern, method, function)) {
                findings
                    .error(
                        Code::UnknownSelection,
                        Location::default(),
                        format!("`{setting}` has `{pattern}`, which is no method"),
                    )
                    .setting(key, pattern)
                    .help(
                        "name a method in full, `core.todo.v1.TodoService/TodoAdd`, or as in WIT, `todo-service.todo-add`",
                    );
            }
        }
    }
}

/// The full name of `google.protobuf.Any`.
const ANY: &str = "google.protobuf.Any";

/// Notes the messages that an `Any` holds as themselves.
pub(super) fn know_any(model: &mut Model, names: &[String], findings: &mut Findings) {
    let any = model.find(ANY);
    for name in names {
        let written = name;
        let name = name.trim_start_matches('.');
        let Some(message) = model.find(name) else {
            findings
                .error(
                    Code::UnknownSelection,
                    Location::default(),
                    format!("`any` has `{name}`, which is no message of the sources"),
                )
                .setting(SettingKey::Any, written)
                .help("give the file that declares it, too, and name the message in full: `core.todo.v1.Todo`");
            continue;
        };
        // WIT has no recursion; one that goes by way of an `Any` would make every `Any` a table.
        if any.is_some_and(|any| reach(model, [message]).messages.contains(&any)) {
            let at = model.messages[message].element.at.clone();
            let what = format!("`{name}` holds an `Any` itself, so an `Any` holds it as a type URL and bytes");
            findings.warning(Code::ProtoDegraded, at, what).help("leave it out of `any`");
        } else if !model.any.contains(&message) {
            model.any.push(message);
        }
    }
}

/// Whether a selection means a method.
fn matches(pattern: &str, method: &Method, function: &str) -> bool {
    let pattern = pattern.trim_start_matches('/');
    pattern == method.path || pattern == method.element.full_name || pattern == function
}

/// Every name that can be renamed.
fn known_names(model: &Model) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    for (_, message) in model.messages.iter() {
        known.insert(&message.element.full_name[..]);
        known.extend(message.fields.iter().map(|f| &f.element.full_name[..]));
        known.extend(message.oneofs.iter().map(|o| &o.element.full_name[..]));
    }
    for (_, e) in model.enums.iter() {
        known.insert(&e.element.full_name);
        known.extend(e.values.iter().map(|v| &v.element.full_name[..]));
    }
    for (_, service) in model.services.iter() {
        known.insert(&service.element.full_name);
        for method in &service.methods {
            known.extend([&method.path[..], &method.element.full_name[..]]);
        }
    }
    known
}
