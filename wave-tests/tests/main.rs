//! One trial per fixture file. `BLESS=1` writes the requests and results anew; read the difference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use witwire_frontends::{Calls, DiskFiles, Idempotency, Options, openapi, proto};
use witwire_interpreter::Plan;
use witwire_interpreter::fixture::Fixture;
use witwire_ir::{AuthMode, KeyFormat};

/// An API that fixtures call by name (`api: …`).
struct Source {
    name: &'static str,
    path: &'static str,
    options: fn() -> Options,
}

fn guest() -> Options {
    Options { auth: Some(AuthMode::Guest), ..Options::default() }
}

fn host() -> Options {
    Options { auth: Some(AuthMode::Host), credentials_configured: true, ..Options::default() }
}

fn bytes() -> Options {
    Options { stream: vec!["downloadFile".to_owned()], ..Options::default() }
}

fn explicit() -> Options {
    Options { calls: Calls::Explicit, ..host() }
}

/// A method with an idempotency key among them.
fn explicit_keyed() -> Options {
    let idempotency = Idempotency {
        header: "idempotency-key".to_owned(),
        format: KeyFormat::Raw,
        window_seconds: None,
        operations: vec!["todo-service.add-todo".to_owned()],
    };
    Options { idempotency: Some(idempotency), ..explicit() }
}

const SOURCES: &[Source] = &[
    Source { name: "todos", path: "../examples/todo-service/openapi.yaml", options: guest },
    Source { name: "todos-host", path: "../examples/todo-service/openapi.yaml", options: host },
    Source { name: "todo", path: "../examples/todo-service/proto/todo.proto", options: Options::default },
    Source { name: "todos-explicit", path: "../examples/todo-service/openapi.yaml", options: explicit },
    Source { name: "todo-explicit", path: "../examples/todo-service/proto/todo.proto", options: explicit_keyed },
    Source { name: "kitchen", path: "apis/kitchen.proto", options: Options::default },
    Source { name: "encodings", path: "apis/encodings.yaml", options: Options::default },
    Source { name: "cells", path: "apis/cells.yaml", options: Options::default },
    Source { name: "streams", path: "../frontends/tests/openapi/streams.yaml", options: Options::default },
    Source { name: "bytes", path: "../frontends/tests/openapi/streams_of_bytes.yaml", options: bytes },
    Source { name: "pagination", path: "../frontends/tests/openapi/pagination.yaml", options: Options::default },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn plan(source: &Source) -> Plan {
    let path = root().join(source.path);
    let options = (source.options)();
    let compiled = if path.extension().is_some_and(|e| e == "proto") {
        let includes = vec![path.parent().unwrap_or(root()).to_owned()];
        proto::compile(&proto::Input::Protos { files: vec![path.clone()], includes }, &DiskFiles, &options)
    } else {
        openapi::compile(&path, &DiskFiles, &options)
    };
    let refused: Vec<String> = compiled.diagnostics.iter().map(ToString::to_string).collect();
    let api = compiled.apis.into_iter().next().unwrap_or_else(|| panic!("{}:\n{}", source.path, refused.join("\n")));
    Plan::new(Arc::new(api)).unwrap_or_else(|e| panic!("{}: {e}", source.path))
}

fn fixtures(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            fixtures(&path, found);
        } else if path.extension().is_some_and(|e| e == "wave") {
            found.push(path);
        }
    }
}

fn check(path: &Path, plans: &BTreeMap<&str, Plan>) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let fixture = Fixture::parse(&text)?;
    let name = fixture.api().ok_or("the fixture names no `api:`")?;
    let plan = plans.get(name).ok_or_else(|| format!("there is no API `{name}`"))?;
    let outcome = fixture.run(plan)?;
    if std::env::var_os("BLESS").is_some() {
        return Ok(std::fs::write(path, fixture.render_with(&outcome))?);
    }
    let mismatches: Vec<String> = fixture.compare(&outcome).iter().map(ToString::to_string).collect();
    if mismatches.is_empty() { Ok(()) } else { Err(mismatches.join("\n").into()) }
}

/// A fixture that must not run: it calls with a field that the record does not have.
fn unknown_field_fails(plans: &BTreeMap<&str, Plan>) -> Result<(), Failed> {
    let text = "api: todos\ncall: todos.list({auth: {token: \"t\"}, user-id: \"u\", limitt: 3})\n";
    match Fixture::parse(text)?.run(&plans["todos"]) {
        Ok(_) => Err("a fixture with an unknown field ran".into()),
        Err(e) if e.to_string().contains("limitt") => Ok(()),
        Err(e) => Err(format!("the error does not name the field: {e}").into()),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let plans: Arc<BTreeMap<&str, Plan>> = Arc::new(SOURCES.iter().map(|s| (s.name, plan(s))).collect());
    let mut paths = Vec::new();
    fixtures(&root().join("fixtures"), &mut paths);
    let enough = paths.len();
    let mut trials: Vec<Trial> = paths
        .into_iter()
        .map(|path| {
            let plans = Arc::clone(&plans);
            let name = path.strip_prefix(root().join("fixtures")).unwrap_or(&path).display().to_string();
            Trial::test(name, move || check(&path, &plans))
        })
        .collect();
    let all = Arc::clone(&plans);
    trials.push(Trial::test("an_unknown_field_fails", move || unknown_field_fails(&all)));
    trials.push(Trial::test("there_are_at_least_200", move || {
        if enough >= 200 { Ok(()) } else { Err(format!("only {enough} fixtures were found").into()) }
    }));
    libtest_mimic::run(&arguments, trials).exit();
}
