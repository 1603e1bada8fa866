//! What stored schemas ask, as far as that is simple.

use serde_json::{Map, Value as Json};

use super::SplitMix64;
use crate::check::{Check, Format, Literal, Number};

/// Schemas nest no deeper here; what is below asks nothing.
const DEEPEST: usize = 8;

/// The rules of a scalar by a schema; of a union those of one arm.
pub(super) fn scalar(random: &mut SplitMix64, schema: &str) -> Vec<Check> {
    let mut rules = Vec::new();
    if let Ok(root) = serde_json::from_str(schema) {
        collect(random, &root, &root, DEEPEST, &mut rules);
    }
    rules
}

fn collect(random: &mut SplitMix64, root: &Json, schema: &Json, depth: usize, rules: &mut Vec<Check>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if let Some(target) = referred(root, schema) {
        collect(random, root, target, depth, rules);
    }
    if let Json::Object(keywords) = schema {
        rules.extend(keywords.iter().filter_map(|(key, value)| rule(key, value)));
    }
    for part in list(schema, "allOf") {
        collect(random, root, part, depth, rules);
    }
    let arms: Vec<&Json> = list(schema, "anyOf").iter().filter(|arm| arm["type"] != "null").collect();
    if !arms.is_empty() {
        let arm = arms[random.below(arms.len() as u64) as usize];
        collect(random, root, arm, depth, rules);
    }
}

fn rule(key: &str, value: &Json) -> Option<Check> {
    Some(match key {
        "minLength" => Check::MinLength(value.as_u64()?),
        "maxLength" => Check::MaxLength(value.as_u64()?),
        "pattern" => Check::Pattern(value.as_str()?.to_owned()),
        "format" => Check::Format(format(value.as_str()?)?),
        "minimum" => Check::Minimum(number(value)?),
        "exclusiveMinimum" => Check::ExclusiveMinimum(number(value)?),
        "maximum" => Check::Maximum(number(value)?),
        "exclusiveMaximum" => Check::ExclusiveMaximum(number(value)?),
        "multipleOf" => Check::MultipleOf(number(value)?),
        "const" => Check::In(vec![literal(value)?]),
        "enum" => Check::In(value.as_array()?.iter().filter_map(literal).collect()),
        _ => return None,
    })
}

fn format(name: &str) -> Option<Format> {
    Some(match name {
        "date-time" => Format::DateTime,
        "date" => Format::Date,
        "time" => Format::Time,
        "duration" => Format::Duration,
        "uuid" => Format::Uuid,
        "uri" => Format::Uri,
        "email" => Format::Email,
        "ipv4" => Format::Ipv4,
        "ipv6" => Format::Ipv6,
        "hostname" => Format::Hostname,
        _ => return None,
    })
}

fn literal(value: &Json) -> Option<Literal> {
    match value {
        Json::Bool(v) => Some(Literal::Bool(*v)),
        Json::String(v) => Some(Literal::String(v.clone())),
        Json::Number(_) => number(value).map(Literal::Number),
        _ => None,
    }
}

fn number(value: &Json) -> Option<Number> {
    let float = || value.as_f64().filter(|v| v.is_finite()).map(Number::Float);
    value.as_i64().map(|v| Number::Int(v.into())).or_else(float)
}

/// An item of a list with the members that its schema requires, where each has one value; else `None`.
pub(super) fn item(schema: &str) -> Option<String> {
    let root: Json = serde_json::from_str(schema).ok()?;
    instance(&root, root.get("items")?, DEEPEST).filter(Json::is_object).map(|object| object.to_string())
}

fn instance(root: &Json, schema: &Json, depth: usize) -> Option<Json> {
    let depth = depth.checked_sub(1)?;
    if let Some(target) = referred(root, schema) {
        return instance(root, target, depth);
    }
    if let Some(only) = schema.get("const").or_else(|| list(schema, "enum").first()) {
        return Some(only.clone());
    }
    let mut members = Map::new();
    for part in list(schema, "allOf") {
        if let Some(Json::Object(more)) = instance(root, part, depth) {
            members.extend(more);
        }
    }
    for key in list(schema, "required").iter().filter_map(Json::as_str) {
        if !members.contains_key(key) {
            let value = instance(root, schema.get("properties")?.get(key)?, depth)?;
            members.insert(key.to_owned(), value);
        }
    }
    let is_object = schema["type"] == "object" || !members.is_empty();
    is_object.then_some(Json::Object(members))
}

/// The definition that a schema refers to.
fn referred<'a>(root: &'a Json, schema: &Json) -> Option<&'a Json> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

fn list<'a>(schema: &'a Json, key: &str) -> &'a [Json] {
    schema.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
