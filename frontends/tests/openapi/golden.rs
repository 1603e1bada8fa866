//! `NAME.yaml` → `NAME.wit`: the printed package, and behind it, as comments, the diagnostics and the calls.
//!
//! A first line `# options: {…}` gives the manifest's settings as JSON. Files in `include/` are only referred to.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{Calls, MemoryFiles, Options};

use super::wire;
use crate::expected::{compare, render};
use crate::proto::structure;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi")
}

fn documents(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path());
    let is_document = |p: &PathBuf| p.extension().is_some_and(|e| e == "yaml" || e == "json");
    let mut all: Vec<PathBuf> = entries.filter(is_document).collect();
    all.sort();
    all
}

pub(super) fn trials() -> Vec<Trial> {
    let own = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let expected = path.with_extension("wit");
        Trial::test(format!("openapi::golden::{name}"), move || run(&path, &expected, Calls::Simple))
    };
    let mut trials: Vec<Trial> = documents(&directory()).into_iter().map(own).collect();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/todo-service/openapi.yaml");
    for (name, calls) in [("example_todo_service", Calls::Simple), ("example_todo_service_explicit", Calls::Explicit)] {
        let (example, expected) = (example.clone(), directory().join(format!("{name}.wit")));
        trials.push(Trial::test(format!("openapi::golden::{name}"), move || run(&example, &expected, calls)));
    }
    trials
}

fn run(path: &Path, expected: &Path, calls: Calls) -> Result<(), Failed> {
    let name = path.file_name().unwrap_or_default();
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let mut options: Options = match text.lines().next().and_then(|l| l.strip_prefix("# options: ")) {
        Some(json) => serde_json::from_str(json)?,
        None => Options::default(),
    };
    if calls == Calls::Explicit {
        options.calls = calls;
    }
    // In memory, so that diagnostics name files as the tests do, on every machine.
    let mut files = MemoryFiles::new().with(name, std::fs::read(path)?);
    for file in documents(&directory().join("include")) {
        files = files.with(Path::new("include").join(file.file_name().unwrap_or_default()), std::fs::read(&file)?);
    }
    let compiled = compile(Path::new(name), &files, &options);
    for api in &compiled.apis {
        if let Err(problems) = api.check() {
            return Err(format!("the IR contradicts itself: {problems:#?}").into());
        }
        structure::check(&witwire_ir::print_package(api))?;
    }
    let actual = render(&compiled, "calls", &wire::describe(&compiled));
    compare(expected, &actual)
}
