//! What is published of the manifest keeps up with its types.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use witwire_deployment::Settings;
use witwire_manifest::{reference, schema};

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("published::the_schema_is_that_of_the_types", the_schema_is_that_of_the_types);
    add("published::the_page_is_that_of_the_schema", the_page_is_that_of_the_schema);
    add("published::every_key_is_documented", every_key_is_documented);
    add("published::every_setting_of_a_deployment_can_be_written", every_setting_of_a_deployment_can_be_written);
}

fn published(file: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{file} is not that of today: BLESS=1 cargo test -p witwire-manifest");
}

fn the_schema_is_that_of_the_types() {
    let text = serde_json::to_string_pretty(schema::schema()).expect("JSON");
    published(schema::FILE, &format!("{text}\n"));
}

fn the_page_is_that_of_the_schema() {
    published(reference::FILE, &reference::page());
}

/// Every property has words, and no word is about Rust.
fn every_key_is_documented() {
    let mut silent = BTreeSet::new();
    walk(schema::schema(), &mut |name, property, of| {
        // A form with one key may be documented as a whole.
        let documented = of.get("description").is_some() && of["properties"].as_object().is_some_and(|p| p.len() == 1);
        let documented = documented || property.get("description").is_some() || property.get("$ref").is_some();
        if !documented {
            silent.insert(name.to_owned());
        }
        let words = property.get("description").and_then(|d| d.as_str()).unwrap_or_default();
        assert!(!words.contains("[`") && !words.contains("::"), "{name}: {words}");
    });
    assert!(silent.is_empty(), "{silent:?}");
}

fn walk(schema: &serde_json::Value, visit: &mut dyn FnMut(&str, &serde_json::Value, &serde_json::Value)) {
    match schema {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                if key == "properties" {
                    value.as_object().into_iter().flatten().for_each(|(name, property)| visit(name, property, schema));
                }
                walk(value, visit);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// Only the guard, which the build fills in, is not for people.
fn every_setting_of_a_deployment_can_be_written() {
    let settings = serde_json::to_value(schemars::schema_for!(Settings)).expect("JSON");
    let written = &schema::schema()["$defs"]["OpenApiDependency"]["properties"];
    let grpc = &schema::schema()["$defs"]["GrpcDependency"]["properties"];
    let missing: Vec<&String> = settings["properties"]
        .as_object()
        .expect("an object")
        .keys()
        .filter(|key| written.get(*key).is_none() && grpc.get(*key).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
