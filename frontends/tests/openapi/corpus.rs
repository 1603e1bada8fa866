//! Published documents, which are test data and no part of this repository.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{DiskFiles, Options};
use witwire_ir::AuthMode;

use super::structure;

/// The corpus, by `WITWIRE_CORPUS` or beside the checkout.
fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("WITWIRE_CORPUS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    Some(given.unwrap_or_else(beside).join("openapi")).filter(|p| p.is_dir())
}

pub(super) fn trials() -> Vec<Trial> {
    vec![Trial::test("openapi::corpus::todo_equals_its_target", || with_corpus(todo))]
}

fn with_corpus(test: impl FnOnce(&Path) -> Result<(), Failed>) -> Result<(), Failed> {
    match corpus() {
        Some(path) => test(&path),
        None if std::env::var("CI").is_ok_and(|v| v == "true") => Err("corpus not found".into()),
        None => {
            println!("skipped: corpus not found");
            Ok(())
        }
    }
}

fn todo(corpus: &Path) -> Result<(), Failed> {
    let directory = corpus.join("todo-example");
    let options = Options { auth: Some(AuthMode::Guest), ..Options::default() };
    let compiled = compile(&directory.join("todo.yaml"), &DiskFiles, &options);
    let [api] = compiled.apis.as_slice() else { return Err(format!("{:#?}", compiled.diagnostics).into()) };
    api.check().map_err(|p| format!("{p:#?}"))?;
    let printed = witwire_ir::print_package(api);
    let target = std::fs::read_to_string(directory.join("target.wit"))?;
    let (actual, expected) = (structure::read(&printed)?, structure::read(&target)?);
    let mut different = Vec::new();
    for key in actual.keys().chain(expected.keys()) {
        if actual.get(key) != expected.get(key) {
            different.push(format!("{key}\n  got      {:?}\n  expected {:?}", actual.get(key), expected.get(key)));
        }
    }
    if different.is_empty() { Ok(()) } else { Err(different.join("\n").into()) }
}
