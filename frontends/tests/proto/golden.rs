//! `NAME.proto` → `NAME.wit`: the printed package, and behind it, as comments, the diagnostics and the wire maps.
//!
//! A first line `// options: {…}` gives the manifest's settings as JSON. Files in `include/` are only imported.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Calls, MemoryFiles, Options};

use super::{structure, wire};
use crate::expected::{compare, render};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proto")
}

fn protos(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|e| e.path());
    let mut all: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "proto")).collect();
    all.sort();
    all
}

pub(super) fn trials() -> Vec<Trial> {
    let trial = |path: PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let expected = path.with_extension("wit");
        Trial::test(format!("proto::golden::{name}"), move || run(&path, &expected, Calls::Simple))
    };
    let mut trials: Vec<Trial> = protos(&directory()).into_iter().map(trial).collect();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/todo-service/proto/todo.proto");
    let expected = directory().join("example_todo_service_explicit.wit");
    let name = "proto::golden::example_todo_service_explicit";
    trials.push(Trial::test(name, move || run(&example, &expected, Calls::Explicit)));
    trials
}

fn run(path: &Path, expected: &Path, calls: Calls) -> Result<(), Failed> {
    let name = path.file_name().unwrap_or_default();
    let text = std::fs::read_to_string(path)?;
    let mut options: Options = match text.lines().next().and_then(|l| l.strip_prefix("// options: ")) {
        Some(json) => serde_json::from_str(json)?,
        None => Options::default(),
    };
    if calls == Calls::Explicit {
        options.calls = calls;
    }
    // In memory, so that diagnostics name files as the tests do, on every machine.
    let mut files = MemoryFiles::new().with(name, text);
    for file in protos(&directory()).into_iter().chain(protos(&directory().join("include"))) {
        files = files.with(file.file_name().unwrap_or_default(), std::fs::read(&file)?);
    }
    let input = Input::Protos { files: vec![name.into()], includes: Vec::new() };
    let compiled = compile(&input, &files, &options);
    let actual = render(&compiled, "wire", &wire::describe(&compiled));
    for api in &compiled.apis {
        structure::check(&witwire_ir::print_package(api))?;
    }
    compare(expected, &actual)
}
