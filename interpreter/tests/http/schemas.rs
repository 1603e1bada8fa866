//! Whole schemas over typed values.

use witwire_ir::operation::http::Method;
use witwire_ir::wire::json::{Arm, Json as Wire, Kind, Literal, Presence, Rung, Union};
use witwire_ir::{Check, Schema, Shape, TypeId, Value};

use crate::http::build::{Builder, call};

/// What breaks the schema of a type, as `location rule keyword`.
fn broken(schema: &str, build: impl FnOnce(&mut Builder) -> TypeId, value: Value) -> Vec<String> {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let id = b.api.schemas.push(Schema { json: schema.to_owned(), pointer: "#".to_owned() });
    b.api.types[ty].checks = vec![Check::Schema(id)];
    let operation = b.operation("send", &[("request", ty)], None, call(Method::Get));
    let violations = b.plan().check(operation, &[value]);
    let keyword = |message: &str| message.split('`').nth(1).unwrap_or_default().to_owned();
    violations.into_iter().map(|v| format!("{} {} {}", v.location, v.rule, keyword(&v.message))).collect()
}

/// `{ title: string, due: option<string>, meta: map<json>, pet: string | { big: bool }, level: enum, data: bytes }`
fn record(b: &mut Builder) -> TypeId {
    let (text, flag, bytes) = (b.plain(Shape::String), b.plain(Shape::Bool), b.plain(Shape::Bytes));
    let due = b.option(text);
    let raw = b.json(Shape::String, Wire::Raw);
    let meta = b.map(raw);
    let big = b.record("big", &[("is big", flag, Presence::Required)]);
    let arms = vec![Arm::Value(text), Arm::Value(big), Arm::Constant(Literal::Int(7))];
    let ladder = vec![Rung::Kind(vec![(Kind::String, 0), (Kind::Object, 1), (Kind::Integer, 2)])];
    let cases = [("name", Some(text)), ("big", Some(big)), ("seven", None)];
    let pet = b.variant("pet", &cases, Wire::Union(Union { arms, ladder }));
    let level = b.enumeration("level", &["LOW", "HIGH"]);
    let members = [
        ("title", text, Presence::Required),
        ("due", due, Presence::Optional),
        ("meta data", meta, Presence::Required),
        ("pet", pet, Presence::Required),
        ("level", level, Presence::Required),
        ("data", bytes, Presence::Required),
    ];
    b.record("r", &members)
}

fn value(due: Option<&str>, meta: &str, pet: Value, level: u32) -> Value {
    let entry = Value::tuple([Value::string("k"), Value::string(meta)]);
    Value::record([
        Value::string("secret"),
        Value::option(due.map(Value::string)),
        Value::list([entry]),
        pet,
        Value::Enum(level),
        Value::Bytes([1, 2, 3].into()),
    ])
}

const SCHEMA: &str = r#"{
    "dependentRequired": { "due": ["title"] },
    "if": { "properties": { "level": { "const": "HIGH" } } },
    "then": { "required": ["due"] },
    "properties": {
        "title": true, "due": true, "level": true,
        "meta data": { "additionalProperties": { "type": ["object", "integer"], "minProperties": 1 } },
        "pet": { "anyOf": [{ "type": "string", "minLength": 2 }, { "properties": { "is big": { "const": true } } }] },
        "data": { "const": "AQID" }
    },
    "additionalProperties": false
}"#;

#[test]
fn typed_values_are_seen_as_the_json_that_is_sent() {
    let big = |is_big| Value::case(1, Value::record([Value::Bool(is_big)]));
    let broken = |value| broken(SCHEMA, record, value);
    assert!(broken(value(None, "5", Value::case(0, Value::string("ab")), 0)).is_empty());
    assert!(broken(value(Some("x"), r#"{"a":1}"#, big(true), 1)).is_empty());
    assert!(broken(value(None, "5", Value::Variant(2, None), 0)).is_empty(), "a constant without properties of its own");
    assert_eq!(broken(value(None, "5", big(true), 1)), ["request schema required"]);
    assert_eq!(broken(value(None, "{}", big(true), 0)), ["request.meta-data[0].1 schema minProperties"]);
    assert_eq!(broken(value(None, "1.5", big(true), 0)), ["request.meta-data[0].1 schema type"]);
    assert_eq!(
        broken(value(None, "5", Value::case(0, Value::string("a")), 0)),
        Vec::<String>::new(),
        "a string has no properties"
    );
    assert_eq!(broken(value(None, "5", big(false), 0)), ["request.pet schema anyOf"]);
}

#[test]
fn a_fault_inside_a_union_is_named_by_its_case() {
    let schema = r#"{ "properties": { "pet": { "properties": { "is big": { "const": true } } } } }"#;
    let small = Value::case(1, Value::record([Value::Bool(false)]));
    assert_eq!(broken(schema, record, value(None, "5", small, 0)), ["request.pet.big.is-big schema const"]);
}

#[test]
fn numbers_are_compared_by_value() {
    let int = |b: &mut Builder| b.plain(Shape::U64);
    let max = u64::MAX.to_string();
    assert!(broken(&format!(r#"{{ "const": {max} }}"#), int, Value::U64(u64::MAX)).is_empty());
    assert_eq!(broken(&format!(r#"{{ "const": {max} }}"#), int, Value::U64(u64::MAX - 1)), ["request schema const"]);
    let float = |b: &mut Builder| b.plain(Shape::F64);
    assert!(broken(r#"{ "enum": [1, 2.5], "type": "number" }"#, float, Value::F64(1.0)).is_empty());
    assert_eq!(broken(r#"{ "type": "integer" }"#, float, Value::F64(1.5)), ["request schema type"]);
    let strings = |b: &mut Builder| b.json(Shape::S64, Wire::IntegerString);
    assert!(broken(r#"{ "const": "5" }"#, strings, Value::S64(5)).is_empty());
}

#[test]
fn items_are_unique_by_json_equality() {
    let raws = |b: &mut Builder| {
        let raw = b.json(Shape::String, Wire::Raw);
        b.list(raw)
    };
    let list = |items: &[&str]| Value::list(items.iter().map(|i| Value::string(*i)).collect::<Vec<_>>());
    let unique = r#"{ "uniqueItems": true }"#;
    assert!(broken(unique, raws, list(&["1", "\"1\"", "[1]", "{\"a\":1}"])).is_empty());
    assert_eq!(broken(unique, raws, list(&["{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}"])), ["request schema uniqueItems"]);
}

#[test]
fn a_schema_that_cannot_be_built_is_left_to_the_server() {
    let text = |b: &mut Builder| b.plain(Shape::String);
    assert!(broken(r#"{ "pattern": "(" }"#, text, Value::string("x")).is_empty());
    assert!(broken("no json", text, Value::string("x")).is_empty());
}
