//! The sources themselves.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that may name a JSON tree: `jsonschema` takes its schema as one when a validator is built.
const BUILDS_VALIDATORS: &[&str] = &["src/validate/schema.rs", "src/validate/schema/node.rs"];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// No tree of JSON values and no dynamic message stands between a component's value and the wire.
#[test]
fn no_json_value_in_the_call_path() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources are not where they were");
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root).expect("within the crate").display().to_string();
        let text = fs::read_to_string(&file).expect("a readable source");
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        for (i, line) in code {
            let names_tree = line.contains("serde_json") || line.contains("DynamicMessage") || line.contains("prost");
            if names_tree && !BUILDS_VALIDATORS.contains(&name.as_str()) {
                found.push(format!("{name}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "in the path of a call:\n{}", found.join("\n"));
}
