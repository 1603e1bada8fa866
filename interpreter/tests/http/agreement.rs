//! Schemas over our typed values, against the `jsonschema` crate over the plain JSON that is sent.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use witwire_frontends::{Bodies, MemoryFiles, Options, openapi};
use witwire_interpreter::{Plan, Request};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{Api, Check, Schema, Shape, TypeId};

/// Schemas of many keywords, each an object.
fn schemas() -> Vec<Json> {
    let string = json!({ "type": "string" });
    let integer = json!({ "type": "integer" });
    let object = |properties: Json, more: Json| {
        let mut schema = json!({ "type": "object", "properties": properties });
        schema.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        schema
    };
    vec![
        object(
            json!({
                "name": { "type": "string", "minLength": 5, "maxLength": 11 },
                "age": { "type": "integer", "minimum": 10, "maximum": 60, "multipleOf": 2 },
                "tags": { "type": "array", "items": { "type": "string", "pattern": "^[a-f]" }, "minItems": 2, "uniqueItems": true }
            }),
            json!({ "required": ["name"] }),
        ),
        object(
            json!({
                "ratio": { "type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 20 },
                "level": { "type": ["integer", "null"], "enum": [1, 2, 3, null] },
                "seen": { "type": "boolean", "const": true }
            }),
            json!({ "minProperties": 2, "maxProperties": 2 }),
        ),
        object(json!({ "a": string, "b": string, "c": integer }), json!({ "not": { "required": ["a", "b"] } })),
        object(
            json!({ "kind": { "type": "string", "enum": ["x", "y"] }, "a": string, "b": integer }),
            json!({
                "if": { "properties": { "kind": { "const": "x" } }, "required": ["kind"] },
                "then": { "required": ["a"] },
                "else": { "required": ["b"] }
            }),
        ),
        object(json!({ "a": string, "b": string }), json!({ "dependentRequired": { "a": ["b"] } })),
        object(json!({ "a": string, "b": integer }), json!({ "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] })),
        object(
            json!({ "list": { "type": "array", "items": integer, "contains": { "minimum": 50 }, "maxContains": 1 } }),
            json!({ "required": ["list"] }),
        ),
        object(
            json!({ "map": { "type": "object", "additionalProperties": { "type": "integer", "maximum": 50 },
                "propertyNames": { "pattern": "^[a-f]" }, "minProperties": 1 } }),
            json!({ "required": ["map"] }),
        ),
        object(
            json!({ "inner": { "type": "array", "items": object(json!({ "n": integer, "m": integer }), json!({ "dependentSchemas":
                { "n": { "properties": { "m": { "maximum": 30 } } } } })) } }),
            json!({}),
        ),
        object(
            json!({ "at": { "type": "string", "format": "date-time" }, "id": { "type": "string", "format": "uuid" },
                "mail": { "type": "string", "format": "email" } }),
            json!({ "required": ["at"] }),
        ),
        object(
            json!({ "any": {}, "a": string }),
            json!({ "required": ["any"], "properties": { "any": { "type": "object" }, "a": string } }),
        ),
    ]
}

/// A document that sends one of the schemas.
fn compile(schema: &Json) -> Api {
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Agreement", "version": "1.0.0" },
        "paths": { "/things": { "post": {
            "operationId": "send",
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": { "204": { "description": "Done." } }
        } } }
    });
    let files = MemoryFiles::new().with("agreement.json", &*document.to_string());
    let options = Options { bodies: Bodies::Whole, ..Options::default() };
    let compiled = openapi::compile(Path::new("agreement.json"), &files, &options);
    let [api] = <[Api; 1]>::try_from(compiled.apis).unwrap_or_else(|_| panic!("{:?}", compiled.diagnostics));
    api
}

struct Case {
    /// What samples are made of: without any rule, so that they may break all.
    free: Api,
    /// The rules as the frontend gives them, and the whole schema beside.
    plan: Plan,
    oracle: jsonschema::Validator,
}

fn case(schema: &Json) -> Case {
    let mut api = compile(schema);
    let mut free = api.clone();
    let ids: Vec<TypeId> = free.types.ids().collect();
    for id in ids {
        free.types[id].checks.clear();
    }
    let (_, operation) = api.operations.iter().next().expect("one operation");
    let body = api.resolve(operation.params[0].ty);
    assert!(matches!(api.shape(body), Shape::Record(_)), "the body is typed: {schema}");
    let id = api.schemas.push(Schema { json: schema.to_string(), pointer: "#".to_owned() });
    api.types[body].checks.push(Check::Schema(id));
    let oracle = jsonschema::draft202012::options().should_validate_formats(true).build(schema).expect("a schema");
    Case { free, plan: Plan::new(Arc::new(api)).expect("the package is sound"), oracle }
}

#[test]
fn schemas_agree_with_the_crate_over_plain_json() {
    let cases: Vec<Case> = schemas().iter().map(case).collect();
    let mut runner = proptest::test_runner::TestRunner::default();
    let (kept, broken) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let result = runner.run(&(any::<u64>(), any::<bool>()), |(seed, free)| {
        for case in &cases {
            let api = if free { &case.free } else { case.plan.api() };
            let (id, operation) = api.operations.iter().next().expect("one operation");
            let args = sample_arguments(api, operation, &mut SplitMix64::new(seed));
            let Ok(Request::Http(request)) = case.plan.request(id, &args) else { panic!("{args:?}") };
            let sent: Json = serde_json::from_slice(request.body.as_deref().unwrap_or_default()).expect("JSON is sent");
            let violations = case.plan.check(id, &args);
            let valid = case.oracle.is_valid(&sent);
            let counter = if valid { &kept } else { &broken };
            counter.set(counter.get() + 1);
            prop_assert_eq!(violations.is_empty(), valid, "{}: {:?}", sent, violations);
        }
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
    println!("{} values that keep their schema, {} that do not", kept.get(), broken.get());
    assert!(kept.get() > 300 && broken.get() > 300, "{} and {}", kept.get(), broken.get());
}
