//! The manifest's JSON Schema: derived from the types, put together once, and used for everything: to check manifests, for editors,
//! and for the book's reference.
//!
//! A dependency is written as one map. Its keys are those of where the specification is, of what shapes the WIT
//! ([`witwire_frontends::Options`]) and of how it is called ([`witwire_deployment::Settings`]).

pub(crate) mod check;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use witwire_deployment::{ComponentName, Settings};
use witwire_frontends::Options;

use crate::model::{Component, GrpcSource, OpenApiSource};

/// Where the schema is published, relative to the project.
pub const FILE: &str = "docs/witwire.schema.json";

/// Keys of [`Options`] that only one kind of specification knows.
const GRPC_OPTIONS: &[&str] = &["presence", "any", "extensions", "unknownFields"];
const OPENAPI_OPTIONS: &[&str] = &["bodies", "parameters", "lenient", "stream", "pagination"];
/// Not written by people: it follows from `credentials`.
const DERIVED_OPTIONS: &[&str] = &["credentialsConfigured"];
/// Keys of [`Settings`] that only gRPC knows.
const GRPC_SETTINGS: &[&str] = &["endpoints", "compression"];
/// In a manifest `package` names the WIT package; the settings' guard is filled in by the build.
const DERIVED_SETTINGS: &[&str] = &["package"];

/// The JSON Schema (2020-12) of `witwire.yaml`.
pub fn schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(compose);
    &SCHEMA
}

/// The part of a dependency that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Where the specification is.
    Source,
    /// What shapes the WIT.
    Options,
    /// How it is called.
    Settings,
}

/// The part that a key of a dependency belongs to, and what the part calls it.
pub(crate) fn part(key: &str) -> (Part, &str) {
    static KEYS: LazyLock<(Map<String, Value>, Map<String, Value>)> = LazyLock::new(|| {
        let mut generator = generator();
        let (mut options, settings) = (properties::<Options>(&mut generator), properties::<Settings>(&mut generator));
        for key in DERIVED_OPTIONS {
            options.shift_remove(*key);
        }
        (options, settings)
    });
    match key {
        "endpoint" => (Part::Settings, "server"),
        key if KEYS.0.contains_key(key) => (Part::Options, key),
        key if KEYS.1.contains_key(key) => (Part::Settings, key),
        key => (Part::Source, key),
    }
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The properties of a type's schema.
fn properties<T: JsonSchema>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut schema = T::json_schema(generator);
    match schema.ensure_object().remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    }
}

fn description<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).get("description").cloned().unwrap_or_default()
}

fn compose() -> Value {
    let mut generator = generator();
    let mut options = properties::<Options>(&mut generator);
    let mut settings = properties::<Settings>(&mut generator);
    for key in DERIVED_OPTIONS {
        options.shift_remove(*key);
    }
    for key in DERIVED_SETTINGS {
        settings.shift_remove(*key);
    }
    let server = settings.get("server").cloned().unwrap_or_default();
    let without = |map: &Map<String, Value>, keys: &[&str]| -> Map<String, Value> {
        map.iter().filter(|(key, _)| !keys.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let merged = |ty: &str, parts: [Map<String, Value>; 3]| -> Map<String, Value> {
        let mut all = Map::new();
        let what = "What describes the service: `grpc` for protobuf, `openapi` for an OpenAPI document.";
        all.insert("type".to_owned(), json!({ "const": ty, "description": what }));
        for part in parts {
            all.extend(part);
        }
        all
    };

    let mut called = without(&settings, &["server"]);
    let mut endpoint = server;
    endpoint["description"] = json!("Where the API is served. Not together with `endpoints`.");
    called.insert("endpoint".to_owned(), endpoint.clone());
    let grpc = merged("grpc", [properties::<GrpcSource>(&mut generator), without(&options, OPENAPI_OPTIONS), called]);
    let openapi = merged(
        "openapi",
        [properties::<OpenApiSource>(&mut generator), without(&options, GRPC_OPTIONS), without(&settings, GRPC_SETTINGS)],
    );
    let mut overridden = settings.clone();
    overridden.insert("endpoint".to_owned(), endpoint);

    let (grpc_docs, openapi_docs) =
        (description::<GrpcSource>(&mut generator), description::<OpenApiSource>(&mut generator));
    let component = generator.subschema_for::<Component>();
    let name = generator.subschema_for::<ComponentName>();
    let mut definitions = generator.take_definitions(true);
    definitions.insert(
        "GrpcDependency".to_owned(),
        json!({
            "description": grpc_docs,
            "type": "object",
            "properties": grpc,
            "required": ["type"],
            "additionalProperties": false,
            "oneOf": [{ "required": ["protos"] }, { "required": ["descriptorSet"] }, { "required": ["reflection"] }],
            "allOf": [excluded("endpoint", "endpoints"), excluded("descriptorSet", "includes"), excluded("reflection", "includes")],
        }),
    );
    definitions.insert(
        "OpenApiDependency".to_owned(),
        json!({
            "description": openapi_docs,
            "type": "object",
            "properties": openapi,
            "required": ["type"],
            "additionalProperties": false,
            "oneOf": [{ "required": ["path"] }, { "required": ["url"] }],
        }),
    );
    definitions.insert(
        "Dependency".to_owned(),
        json!({
            "description": "A service that a component calls.",
            "oneOf": [{ "$ref": "#/$defs/GrpcDependency" }, { "$ref": "#/$defs/OpenApiDependency" }],
        }),
    );
    definitions.insert(
        "Override".to_owned(),
        json!({
            "description": "What is different for a dependency in an environment. Only how it is called can be: what shapes its WIT is the \
                            same everywhere. `credentials`, `retry`, `tls` and `limits` are merged key by key, everything else is replaced.",
            "type": "object",
            "properties": overridden,
            "additionalProperties": false,
            "allOf": [excluded("endpoint", "endpoints")],
        }),
    );
    let of = |value: Value, docs: &str| json!({ "description": docs, "type": "object", "propertyNames": name, "additionalProperties": value });
    let mut components = of(component.into(), "The components, by name.");
    components["minProperties"] = json!(1);
    let dependencies = json!({ "type": "array", "items": { "$ref": "#/$defs/Dependency" } });
    let overrides = json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/Override" } });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "witwire.yaml",
        "description": "Components, and the services that they call.",
        "type": "object",
        "properties": {
            "components": components,
            "dependencies": of(dependencies, "What each component calls, by the component's name."),
            "environments": {
                "description": "What is different where, by the environment's name: for a component, for a dependency of it by `name`.",
                "type": "object",
                "additionalProperties": of(overrides, "An environment."),
            },
        },
        "required": ["components"],
        "additionalProperties": false,
        "$defs": definitions,
    });
    tidy(&mut schema);
    schema
}

fn excluded(one: &str, other: &str) -> Value {
    json!({ "not": { "required": [one, other] } })
}

/// Takes away what a reader of the schema need not see: null for keys that can be left out, empty defaults, the widths of Rust's
/// integers, links of Rust's documentation.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(arms)) = map.get_mut("anyOf") {
                arms.retain(|arm| arm.get("type") != Some(&json!("null")));
                if let [Value::Object(only)] = arms.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::Array(kinds)) = map.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            let is_integer = map.get("type") == Some(&json!("integer"));
            map.retain(|key, value| match key.as_str() {
                "default" => !matches!(value, Value::Null) && *value != json!({}) && *value != json!([]),
                "format" => !is_integer,
                _ => true,
            });
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`").replace('\n', " ");
            }
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}
