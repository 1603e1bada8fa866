//! Arrows between crates point one way.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::Add;
use crate::tool::root;

pub(crate) fn trials(add: Add<'_>) {
    add("house::crates_use_only_what_they_may", crates_use_only_what_they_may);
    add("house::one_tls_provider", one_tls_provider);
    add("house::no_serde_json_on_the_grpc_path", no_serde_json_on_the_grpc_path);
}

/// Who may use whom, apart from tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("witwire-deployment", &[]),
    ("witwire-ir", &[]),
    ("witwire-frontends", &["witwire-ir"]),
    ("witwire-manifest", &["witwire-deployment", "witwire-frontends", "witwire-ir"]),
    ("witwire-interpreter", &["witwire-ir"]),
    ("witwire-executor", &["witwire-deployment", "witwire-interpreter", "witwire-ir"]),
    ("witwire-server", &["witwire-deployment", "witwire-executor", "witwire-interpreter", "witwire-ir"]),
    (
        "witwire",
        &[
            "todo-service",
            "witwire-deployment",
            "witwire-executor",
            "witwire-frontends",
            "witwire-interpreter",
            "witwire-ir",
            "witwire-manifest",
            "witwire-server",
        ],
    ),
    ("witwire-test-support", &[]),
    ("witwire-wave-tests", &[]),
    (
        "witwire-benches",
        &[
            "todo-service",
            "witwire-executor",
            "witwire-frontends",
            "witwire-interpreter",
            "witwire-ir",
            "witwire-test-support",
        ],
    ),
    ("todo-service", &[]),
    ("witwire-fuzz-targets", &["witwire-frontends", "witwire-interpreter", "witwire-ir", "witwire-manifest"]),
];

fn crates_use_only_what_they_may() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let ours: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(may) = allowed.get(name) else {
            wrong.push(format!("`{name}` has no place in the house"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            if dependency["kind"].is_null() && ours.contains(used) && !may.contains(&used) {
                wrong.push(format!("`{name}` uses `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn one_tls_provider() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    for banned in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in the lock file");
    }
}

/// No JSON and no dynamic message between a component value and protobuf bytes: the modules that run a gRPC call name neither.
fn no_serde_json_on_the_grpc_path() {
    let mut looked_at = 0;
    for folder in ["interpreter/src/grpc", "executor/src/transport", "executor/src/link"] {
        each_source(&root().join(folder), &mut |path, text| {
            looked_at += 1;
            for word in ["serde_json", "DynamicMessage", "prost_reflect"] {
                assert!(!text.contains(word), "{} names {word}", path.display());
            }
        });
    }
    assert!(looked_at > 10, "only {looked_at} files were looked at");
}

fn each_source(dir: &std::path::Path, visit: &mut dyn FnMut(&std::path::Path, &str)) {
    for entry in std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())).flatten() {
        let path = entry.path();
        if path.is_dir() {
            each_source(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path, &std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}
