//! An application that describes itself by an OpenAPI document, called from guests: one for each interface that is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use witwire_executor::credentials::Credentials;
use witwire_frontends::{MemoryFiles, Options, openapi};
use witwire_ir::{Api, print_package};
use witwire_test_support::proxy_guest;

use super::Guest;

/// The application, and the guests that call it.
pub(super) struct Application {
    api: Api,
    package: String,
    url: String,
    credentials: fn() -> Credentials,
    guests: BTreeMap<String, Guest>,
    called: BTreeSet<String>,
}

impl Application {
    /// Compiles the document that the application serves; it is called at the URL. No operation may be skipped.
    pub(super) fn new(document: &str, settings: &str, url: &str, credentials: fn() -> Credentials) -> Self {
        let files = MemoryFiles::new().with("openapi.json", document);
        let options: Options = serde_json::from_str(settings).expect("settings");
        let mut compiled = openapi::compile(Path::new("openapi.json"), &files, &options);
        assert!(!compiled.is_refused() && compiled.skipped.is_empty(), "{:?}", compiled.diagnostics);
        let api = compiled.apis.remove(0);
        let package = api.package.to_string();
        Self { api, package, url: url.to_owned(), credentials, guests: BTreeMap::new(), called: BTreeSet::new() }
    }

    /// Calls `interface.function` with arguments in WAVE.
    pub(super) fn call(&mut self, name: &str, arguments: &[&str]) -> String {
        let (interface, function) = name.split_once('.').expect("an interface and a function");
        self.called.insert(name.to_owned());
        let guest = self.guests.entry(interface.to_owned()).or_insert_with(|| {
            let keyword = if interface == "record" { "%record" } else { interface };
            let proxy = proxy_guest(&print_package(&self.api), keyword).expect("a guest of the printed WIT");
            let credentials = self.credentials;
            Guest::with(proxy, std::slice::from_ref(&self.api), &self.url, |d| d.credentials = credentials())
        });
        let (name, version) = self.package.split_once('@').expect("a version");
        guest.call(&format!("{name}/{interface}@{version}"), function, arguments)
    }

    /// The same, and it must succeed.
    #[track_caller]
    pub(super) fn ok(&mut self, name: &str, arguments: &[&str]) -> String {
        let result = self.call(name, arguments);
        assert!(result.starts_with("ok"), "{name}({arguments:?}): {result}");
        result
    }

    /// The same, and it must have these parts.
    #[track_caller]
    pub(super) fn says(&mut self, name: &str, arguments: &[&str], parts: &[&str]) -> String {
        let result = self.call(name, arguments);
        for part in parts {
            assert!(result.contains(part), "{name}({arguments:?}): no `{part}` in {result}");
        }
        result
    }

    /// What was done: calls, and operations that are not the same.
    pub(super) fn figures(&self) -> String {
        let calls: usize = self.guests.values().map(Guest::calls).sum();
        let all = self.api.interfaces.iter().map(|(_, interface)| interface.operations.len()).sum::<usize>();
        format!("{} operations of {all} in {calls} calls", self.called.len())
    }

    /// How many operations were called.
    pub(super) fn operations(&self) -> usize {
        self.called.len()
    }
}

/// The text of a field, such as `id`, at its first place; it may be an option.
#[track_caller]
pub(super) fn text_of(result: &str, field: &str) -> String {
    let starts = ["", "some("].map(|option| [format!("{{{field}: {option}\""), format!(" {field}: {option}\"")]);
    let found = starts.as_flattened().iter().find_map(|start| result.split_once(start.as_str()));
    let Some((_, rest)) = found else { panic!("no `{field}` in {result}") };
    rest.split('"').next().unwrap_or_default().to_owned()
}
