//! Published documents, which are test data and no part of this repository.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{DiskFiles, Options};
use witwire_ir::AuthMode;

use crate::proto::structure;

/// The corpus, by `WITWIRE_CORPUS` or beside the checkout.
fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("WITWIRE_CORPUS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    Some(given.unwrap_or_else(beside).join("openapi")).filter(|p| p.is_dir())
}

pub(super) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("openapi::corpus::todo_equals_its_target", || with_corpus(todo)),
        Trial::test("openapi::corpus::documents", || with_corpus(documents)),
    ]
}

pub(super) fn with_corpus(test: impl FnOnce(&Path) -> Result<(), Failed>) -> Result<(), Failed> {
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

/// One line of the corpus' index.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: String,
    vendor: bool,
    pub(super) expect: String,
    bytes: u64,
    operations: usize,
}

/// What came of one document.
#[derive(Debug, Default, Clone)]
struct Outcome {
    path: String,
    panicked: bool,
    refused: Option<String>,
    callable: usize,
    streams: usize,
    skipped: usize,
    degraded: usize,
    types: usize,
    /// What is wrong with what was made; empty where all is well.
    problems: Vec<String>,
    /// The package binary is over a limit of component tools, which is no failure while each world is valid.
    binary_over_limit: bool,
}

/// The documents, as the corpus lists them.
pub(super) fn index(corpus: &Path) -> Result<Vec<Entry>, Failed> {
    let text = std::fs::read_to_string(corpus.join("INDEX.tsv"))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or("").split('\t').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).ok_or(format!("INDEX.tsv has no column {name}"));
    let (path, kind, expect, bytes, ops) =
        (column("path")?, column("kind")?, column("expect")?, column("total_bytes")?, column("ops")?);
    let entry = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |i: usize| cells.get(i).copied().unwrap_or("");
        Entry {
            path: cell(path).to_owned(),
            vendor: cell(kind) == "vendor",
            expect: cell(expect).to_owned(),
            bytes: cell(bytes).parse().unwrap_or(0),
            operations: cell(ops).parse().unwrap_or(0),
        }
    };
    let mut entries: Vec<Entry> = lines.map(entry).collect();
    // Not in the index, and harder than most of it.
    for name in ["cloudflare/openapi.yaml", "cloudflare/openapi.json"] {
        if let Ok(meta) = std::fs::metadata(corpus.join(name)) {
            let (path, expect) = (name.to_owned(), "load".to_owned());
            entries.push(Entry { path, vendor: false, expect, bytes: meta.len(), operations: 0 });
        }
    }
    Ok(entries)
}

/// Compiles a document, checks the IR, prints it, and gives the text to component tools.
fn survey(corpus: &Path, entry: &Entry, tools: bool) -> Outcome {
    let path = corpus.join(&entry.path);
    let compiled = std::panic::catch_unwind(|| compile(&path, &DiskFiles, &Options::default()));
    let mut out = Outcome { path: entry.path.clone(), ..Outcome::default() };
    let Ok(compiled) = compiled else {
        out.panicked = true;
        return out;
    };
    if compiled.is_refused() {
        let errors = compiled.diagnostics.iter().filter(|d| d.severity == witwire_frontends::Severity::Error);
        out.refused = Some(errors.map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("; "));
        return out;
    }
    out.skipped = compiled.skipped.len();
    if std::env::var_os("WITWIRE_VERBOSE").is_some() {
        for d in compiled.diagnostics.iter().filter(|d| d.code == witwire_frontends::Code::Degraded) {
            println!("degraded {}", d.to_string().lines().next().unwrap_or(""));
        }
    }
    out.degraded = compiled.diagnostics.iter().filter(|d| d.code == witwire_frontends::Code::Degraded).count();
    for api in &compiled.apis {
        out.types += api.types.len();
        out.streams += api.operations.ids().filter(|id| api.stream(*id).is_some()).count();
        out.callable += api.operations.iter().filter(|(_, o)| matches!(&o.call, witwire_ir::Call::Http(_))).count();
        if let Err(contradictions) = api.check() {
            out.problems.push(format!("IR: {} of {}", contradictions[0], contradictions.len()));
        }
        let printed = witwire_ir::print_package(api);
        if !tools {
            if let Err(e) = structure::read(&printed) {
                out.problems.push(format!("WIT: {}", first_lines(&e)));
            }
            continue;
        }
        match structure::check(&printed) {
            Ok(()) => {}
            Err(e) if e.contains("wit-component:") && e.contains("type size") => out.binary_over_limit = true,
            Err(e) => out.problems.push(format!("tools: {}", first_lines(&e))),
        }
    }
    out
}

fn first_lines(text: &str) -> String {
    text.lines().take(3).collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// Runs documents on all cores.
fn survey_all(corpus: &Path, entries: &[Entry], tools: bool) -> Vec<Outcome> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                while let Some(entry) = entries.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let outcome = survey(corpus, entry, tools);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by(|a, b| a.path.cmp(&b.path));
    done
}

fn full() -> bool {
    std::env::var_os("WITWIRE_FULL").is_some()
}

/// By default documents that together take a debug build some seconds; all with `WITWIRE_FULL=1`.
fn documents(corpus: &Path) -> Result<(), Failed> {
    let all = index(corpus)?;
    let only = std::env::var("WITWIRE_ONLY").ok();
    let chosen: Vec<Entry> = all
        .into_iter()
        .enumerate()
        .filter(|(i, e)| match &only {
            Some(only) => e.path.contains(only.as_str()),
            None => full() || (e.bytes < 200_000 && i % 3 == 0),
        })
        .map(|(_, e)| e)
        .collect();
    let outcomes = survey_all(corpus, &chosen, true);
    let mut failures = Vec::new();
    let (mut compiled, mut refused, mut vendor_refused, mut callable, mut declared, mut skipped) = (0, 0, 0, 0, 0, 0);
    let (mut degraded, mut over, mut types, mut streams) = (0, 0, 0, 0);
    for outcome in &outcomes {
        let Some(entry) = chosen.iter().find(|e| e.path == outcome.path) else { continue };
        let line = |what: &str| format!("{}: {what}", outcome.path);
        if outcome.panicked {
            failures.push(line("panicked"));
        }
        if let Some(why) = &outcome.refused {
            refused += 1;
            println!("refused {} ({}): {why}", outcome.path, entry.expect);
            if entry.vendor {
                vendor_refused += 1;
            }
        } else {
            compiled += 1;
        }
        if entry.vendor {
            declared += entry.operations;
            callable += outcome.callable;
            skipped += outcome.skipped;
            degraded += outcome.degraded;
            types += outcome.types;
        }
        over += usize::from(outcome.binary_over_limit);
        streams += outcome.streams;
        failures.extend(outcome.problems.iter().map(|p| line(p)));
        if only.is_some() || std::env::var_os("WITWIRE_VERBOSE").is_some() {
            println!("{outcome:?}");
        }
    }
    println!("{} documents: {compiled} compiled, {refused} refused ({vendor_refused} of vendors)", outcomes.len());
    println!(
        "vendors: {declared} operations declared, {callable} functions, {skipped} operations skipped, {degraded} degradations of \
         {types} types"
    );
    println!("{streams} functions give a stream");
    if skipped * 1_000 > declared {
        failures.push(format!("{skipped} of {declared} operations cannot be called: more than one in 1,000"));
    }
    if degraded * 200 > types {
        failures.push(format!("{degraded} of {types} types are degraded: more than one in 200"));
    }
    // A little below what there was (`docs/evidence.md`), so that less is noticed.
    let (least_compiled, least_functions) = if full() { (760, 15_200) } else { (235, 1_600) };
    if only.is_none() && (compiled < least_compiled || callable < least_functions) {
        failures.push(format!("{compiled} documents compiled to {callable} functions of vendors: too few"));
    }
    println!("{over} packages whose binary is over a limit of component tools");
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}
