//! Published protobuf trees: everything compiles, and what is printed is taken by the tools.
//!
//! A few trees by default, all with `WITWIRE_FULL=1`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Compiled, DiskFiles, Options};

use super::protoc::{Protoc, compile_set, with_every_message};
use super::structure;

/// Trees that always run: small, and of every dialect that sources may have.
const SMALL: &[&str] = &["todo-example", "grpcbin", "grpc-todo", "saisai-grpc-todo", "openfga", "etcd", "protovalidate"];

/// How many trees there are at least.
const LEAST: usize = 23;

/// Trees with files of editions, which are compiled from descriptor sets. Few of their messages belong to a service, so each is
/// given a method.
const EDITIONS_TREES: &[&str] = &["protobuf-tests", "protovalidate"];

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("WITWIRE_CORPUS").map_or(beside, PathBuf::from).join("proto");
    root.is_dir().then_some(root)
}

pub(super) fn trials() -> Vec<Trial> {
    let Some(root) = corpus() else {
        return vec![Trial::test("proto::corpus", || {
            if std::env::var("CI").is_ok_and(|v| v == "true") {
                return Err("corpus not found; set WITWIRE_CORPUS".into());
            }
            println!("skipped: corpus not found");
            Ok(())
        })];
    };
    let found = trees(&root);
    let missing: Vec<&str> = SMALL.iter().copied().filter(|name| !found.iter().any(|tree| tree == name)).collect();
    let all = format!("{} trees; {} of the small ones are missing", found.len(), missing.join(", "));
    let are_there = missing.is_empty() && found.len() >= LEAST;
    let trees = found.into_iter().filter(|t| full() || SMALL.contains(&&t[..]));
    let mut trials: Vec<Trial> = trees
        .map(|tree| {
            let root = root.clone();
            Trial::test(format!("proto::corpus::{tree}"), move || run(&root, &tree))
        })
        .collect();
    trials.push(Trial::test("proto::corpus", move || if are_there { Ok(()) } else { Err(all.into()) }));
    trials.extend(super::services::trials(&root));
    let tests = root.clone();
    trials.push(Trial::test("proto::editions", move || editions(&tests)));
    trials.push(Trial::test("proto::target::todo", move || todo_target(&root)));
    trials
}

fn trees(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut trees: Vec<String> =
        entries.filter(|e| e.path().is_dir()).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    trees.sort();
    trees
}

/// The files of a tree that declare services.
fn entries(tree: &Path) -> Vec<PathBuf> {
    if let Ok(list) = std::fs::read_to_string(tree.join("ENTRY.txt")) {
        return list.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| tree.join(l)).collect();
    }
    vec![tree.join("todo.proto")]
}

fn compile_tree(tree: &Path) -> Compiled {
    let input = Input::Protos { files: entries(tree), includes: vec![tree.to_owned()] };
    compile(&input, &DiskFiles, &Options::default())
}

fn run(root: &Path, tree: &str) -> Result<(), Failed> {
    if EDITIONS_TREES.contains(&tree) {
        let Some(protoc) = Protoc::find()? else { return Ok(()) };
        let (set, messages) = editions_tree(&protoc, &root.join(tree))?;
        println!("{tree}: {messages} messages");
        return judge(tree, &compile_set(&set)?);
    }
    let compiled = compile_tree(&root.join(tree));
    if full()
        && let Some(protoc) = Protoc::find()?
    {
        same_as_protoc(&protoc, &root.join(tree), &compiled)?;
    }
    judge(tree, &compiled)
}

fn full() -> bool {
    std::env::var_os("WITWIRE_FULL").is_some()
}

/// The set of all files of a tree, with a method for every message, and how many messages there are.
fn editions_tree(protoc: &Protoc, tree: &Path) -> Result<(Vec<u8>, usize), Failed> {
    let list = std::fs::read_to_string(tree.join("OWN.txt"))?;
    // Of an edition without a number, for what is not released.
    let unreleased = "conformance/test_protos/test_messages_edition_unstable.proto";
    let own: Vec<String> = list.lines().filter(|name| *name != unreleased).map(str::to_owned).collect();
    let files: Vec<PathBuf> = own.iter().map(|name| tree.join(name)).collect();
    with_every_message(&protoc.set(&[tree], &files)?, &own)
}

/// Every method is there, and what is printed is taken by the tools.
fn judge(tree: &str, compiled: &Compiled) -> Result<(), Failed> {
    let errors: Vec<String> = compiled
        .diagnostics
        .iter()
        .filter(|d| d.severity == witwire_frontends::Severity::Error)
        .map(ToString::to_string)
        .collect();
    if !errors.is_empty() {
        return Err(errors.join("\n").into());
    }
    let methods: usize = compiled.apis.iter().map(|a| a.operations.len()).sum();
    let services: usize = compiled.apis.iter().map(|a| a.interfaces.len() - 1).sum();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for diagnostic in &compiled.diagnostics {
        *counts.entry(diagnostic.code.as_str()).or_default() += 1;
    }
    println!(
        "{tree}: {} packages, {services} services, {methods} methods compiled, {} skipped; diagnostics {counts:?}",
        compiled.apis.len(),
        compiled.skipped.len()
    );
    let mut failed: Vec<String> = compiled.skipped.iter().map(|s| format!("skipped: {}: {}", s.source, s.message)).collect();
    for api in &compiled.apis {
        if let Err(e) = structure::check(&witwire_ir::print_package(api)) {
            failed.push(format!("{}: {e}", api.package));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

/// protoc's descriptor set of a tree gives what the sources give, comments apart.
fn same_as_protoc(protoc: &Protoc, tree: &Path, from_sources: &Compiled) -> Result<(), Failed> {
    let compiled = compile_set(&protoc.set(&[tree], &entries(tree))?)?;
    let mut different = Vec::new();
    for api in &from_sources.apis {
        let package = api.package.to_string();
        let Some(other) = compiled.apis.iter().find(|a| a.package == api.package) else {
            different.push(format!("{package} is missing"));
            continue;
        };
        // A set does not tell given files from imported ones, so it may print more.
        let (one, other) = (super::wire::lines(api), super::wire::lines(other));
        // The files that come with protoc are newer than those that come with protox.
        let theirs = |line: &&String| !line.contains(" = google.protobuf.");
        different.extend(one.difference(&other).filter(theirs).map(|line| format!("{package}: {line}")));
    }
    if different.is_empty() { Ok(()) } else { Err(different.join("\n").into()) }
}

/// A service over protobuf's own test messages, and over what protobuf's authors made of them in edition 2023.
const EDITIONS: &str = r#"
syntax = "proto3";
package demo.editions.v1;
import "google/protobuf/test_messages_proto2.proto";
import "google/protobuf/test_messages_proto3.proto";
import "editions/golden/test_messages_proto2_editions.proto";
import "editions/golden/test_messages_proto3_editions.proto";
service Two {
  rpc Old(protobuf_test_messages.proto2.TestAllTypesProto2) returns (protobuf_test_messages.proto2.TestAllRequiredTypesProto2);
  rpc New(protobuf_test_messages.editions.proto2.TestAllTypesProto2)
      returns (protobuf_test_messages.editions.proto2.TestAllRequiredTypesProto2);
}
service Three {
  rpc Old(protobuf_test_messages.proto3.TestAllTypesProto3) returns (protobuf_test_messages.proto3.TestAllTypesProto3);
  rpc New(protobuf_test_messages.editions.proto3.TestAllTypesProto3)
      returns (protobuf_test_messages.editions.proto3.TestAllTypesProto3);
}
"#;

/// proto2 and proto3 messages travel as their twins in edition 2023 do.
fn editions(root: &Path) -> Result<(), Failed> {
    let Some(protoc) = Protoc::find()? else { return Ok(()) };
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("editions.proto");
    std::fs::write(&file, EDITIONS)?;
    let compiled = compile_set(&protoc.set(&[directory.path(), &root.join("protobuf-tests")], &[file])?)?;
    let [api] = &compiled.apis[..] else { return Err(format!("{:#?}", compiled.diagnostics).into()) };
    structure::check(&witwire_ir::print_package(api))?;
    let fields = super::wire::fields(api);
    let mut compared = 0;
    for (name, old) in &fields {
        let Some(rest) = name.strip_prefix("protobuf_test_messages.proto") else { continue };
        if let Some(new) = fields.get(&format!("protobuf_test_messages.editions.proto{rest}")) {
            compared += 1;
            if old != new {
                return Err(format!("{name}\n{old:#?}\n{new:#?}").into());
            }
        }
    }
    println!("editions: {compared} messages travel as their twins");
    if compared < 8 { Err(format!("only {compared} messages were compared").into()) } else { Ok(()) }
}

/// The Todo example is what its target says, comments and order apart.
fn todo_target(root: &Path) -> Result<(), Failed> {
    let tree = root.join("todo-example");
    let compiled = compile_tree(&tree);
    let [api] = &compiled.apis[..] else { return Err(format!("{:#?}", compiled.diagnostics).into()) };
    let actual = structure::read(&witwire_ir::print_package(api))?;
    let expected = structure::read(&std::fs::read_to_string(tree.join("target.wit"))?)?;
    let mut different = Vec::new();
    for key in expected.keys().chain(actual.keys()) {
        if expected.get(key) != actual.get(key) {
            different.push(format!("{key}: expected {:?}, got {:?}", expected.get(key), actual.get(key)));
        }
    }
    if different.is_empty() { Ok(()) } else { Err(different.join("\n").into()) }
}
