//! Whole JSON Schemas, for what the simple rules cannot say.
//!
//! `jsonschema` takes its schema as a JSON tree when a validator is built, once; it then reads our values through its own trait. Only
//! texts that are JSON themselves (`type json = string`) are parsed, for they are trees to the schema.

mod node;
mod place;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use witwire_ir::{Api, TypeId, Value};

use self::node::{Context, Node, Wit};
use super::Report;
use crate::json::{Codec, Codecs};

/// A schema, built when it is first needed.
#[derive(Debug)]
pub(super) struct LazySchema {
    json: Box<str>,
    /// `None`: the schema cannot be built. It is then left to the server, as an unknown pattern is.
    validator: OnceLock<Option<Box<Validator<Wit>>>>,
}

impl LazySchema {
    pub(super) fn new(json: &str) -> Self {
        Self { json: json.into(), validator: OnceLock::new() }
    }

    /// Notes what in a value breaks the schema.
    pub(super) fn run(&self, api: &Api, codecs: &Codecs, ty: TypeId, value: &Value, report: &mut Report) {
        let Some(validator) = self.validator.get_or_init(|| build(&self.json)) else { return };
        let mut trees = HashMap::new();
        parse_texts(codecs, ty, value, &mut trees);
        let context = Context { codecs, trees };
        let node = Node::value(&context, ty, value);
        if validator.is_valid(node) {
            return;
        }
        for error in validator.iter_errors(node) {
            let keyword = error.kind().keyword();
            let message = format!("breaks the rule `{keyword}` of its schema: compare it with the API's description");
            let segments: Vec<_> = error.instance_path().segments().map(|s| s.to_string()).collect();
            place::within(report, api, codecs, (ty, value), &segments, &mut |report| report.add("schema", &*message));
        }
    }
}

fn build(json: &str) -> Option<Box<Validator<Wit>>> {
    let schema = serde_json::from_str(json).ok()?;
    jsonschema::options_for::<Wit>().should_validate_formats(true).build(&schema).ok().map(Box::new)
}

/// Parses the texts that are JSON, by their address. What is no JSON stays a string here; sending it is refused later.
fn parse_texts(codecs: &Codecs, ty: TypeId, value: &Value, trees: &mut HashMap<usize, serde_json::Value>) {
    match (codecs.get(ty), value) {
        (Codec::Raw, Value::String(text)) => {
            if let Ok(tree) = serde_json::from_str(text) {
                trees.insert(node::address(text), tree);
            }
        }
        (Codec::Union(codec), Value::Variant(case, Some(payload))) => match (codec.arms.get(*case as usize), &**payload) {
            (Some(crate::json::ArmCodec::Value(ty)), payload) => parse_texts(codecs, *ty, payload, trees),
            (None, Value::String(text)) => {
                if let Ok(tree) = serde_json::from_str(text) {
                    trees.insert(node::address(text), tree);
                }
            }
            _ => {}
        },
        (Codec::Option(inner), Value::Option(Some(value))) | (Codec::NullOr(inner), Value::Variant(_, Some(value))) => {
            parse_texts(codecs, *inner, value, trees);
        }
        (Codec::List(item), Value::List(items)) => items.iter().for_each(|v| parse_texts(codecs, *item, v, trees)),
        (Codec::Tuple(types), Value::Tuple(items)) => {
            types.iter().zip(items).for_each(|(ty, v)| parse_texts(codecs, *ty, v, trees));
        }
        (Codec::Map(ty), Value::List(entries)) => parse_entries(codecs, *ty, entries, trees),
        (Codec::Object(object), Value::Record(slots)) => {
            for member in &object.members {
                if let Some(value) = slots.get(member.slot as usize) {
                    parse_texts(codecs, member.ty, value, trees);
                }
            }
            if let Some((slot, ty)) = object.additional
                && let Some(Value::List(entries)) = slots.get(slot as usize)
            {
                parse_entries(codecs, ty, entries, trees);
            }
        }
        _ => {}
    }
}

fn parse_entries(codecs: &Codecs, ty: TypeId, entries: &[Value], trees: &mut HashMap<usize, serde_json::Value>) {
    for entry in entries {
        if let Value::Tuple(pair) = entry
            && let Some(value) = pair.get(1)
        {
            parse_texts(codecs, ty, value, trees);
        }
    }
}
