//! Whole JSON Schemas, for what the simple rules cannot say.
//!
//! `jsonschema` takes its schema as a JSON tree when a validator is built, once; it then reads our values through its own trait. Only
//! texts that are JSON themselves (`type json = string`) are parsed, for they are trees to the schema.

mod node;
mod place;

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use witwire_ir::wire::json::Object;
use witwire_ir::{Api, TypeId, Value};

use self::node::{Context, Node, Wit};
use super::Report;
use crate::json::{Budget, Codec, Codecs, ObjectCodec};

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

    /// Notes what breaks the schema.
    pub(super) fn run(&self, api: &Api, codecs: &Codecs, instance: Instance<'_>, report: &mut Report) {
        let Some(validator) = self.validator.get_or_init(|| build(&self.json)) else { return };
        let mut texts = Texts { codecs, trees: HashMap::new(), budget: report.budget(), broken: false };
        match instance {
            Instance::Value(ty, value) => texts.value(ty, value),
            Instance::Spread(body) => texts.members(body.codec, body.slots),
        }
        let Texts { trees, broken, .. } = texts;
        // A table that stands for no tree, or for too large a one, is a violation of its own.
        if broken {
            return;
        }
        let context = Context { codecs, trees };
        let node = match instance {
            Instance::Value(ty, value) => Node::value(&context, ty, value),
            Instance::Spread(body) => Node::Members(&context, body.codec, body.slots),
        };
        if validator.is_valid(node) {
            return;
        }
        for error in validator.iter_errors(node) {
            let keyword = error.kind().keyword();
            let message = format!("breaks the rule `{keyword}` of its schema: compare it with the API's description");
            let segments: Vec<_> = error.instance_path().segments().map(|s| s.to_string()).collect();
            place::within(report, api, codecs, instance, &segments, &mut |report| report.add("schema", &*message));
        }
    }
}

/// What a schema speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Instance<'a> {
    Value(TypeId, &'a Value),
    Spread(Spread<'a>),
}

/// A body that is spread over slots of a record, among other slots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'a> {
    pub(crate) record: TypeId,
    pub(crate) object: &'a Object,
    pub(crate) codec: &'a ObjectCodec,
    pub(crate) slots: &'a [Value],
}

fn build(json: &str) -> Option<Box<Validator<Wit>>> {
    let schema = serde_json::from_str(json).ok()?;
    jsonschema::options_for::<Wit>().should_validate_formats(true).build(&schema).ok().map(Box::new)
}

/// The texts that are JSON, parsed, by their address. What is no JSON stays a string here; sending it is refused later.
struct Texts<'a> {
    codecs: &'a Codecs,
    trees: HashMap<usize, serde_json::Value>,
    /// What the call may still repeat; `None` in a table.
    budget: Option<&'a Budget>,
    /// Whether a table of nodes stands for no tree that can be written.
    broken: bool,
}

impl Texts<'_> {
    fn text(&mut self, text: &str) {
        if let Ok(tree) = serde_json::from_str(text) {
            self.trees.insert(node::address(text), tree);
        }
    }

    fn value(&mut self, ty: TypeId, value: &Value) {
        let codecs = self.codecs;
        match (codecs.get(ty), value) {
            (Codec::Raw, Value::String(text)) => self.text(text),
            (Codec::Union(codec), Value::Variant(case, Some(payload))) => {
                match (codec.arms.get(*case as usize), &**payload) {
                    (Some(crate::json::ArmCodec::Value(ty)), payload) => self.value(*ty, payload),
                    (None, Value::String(text)) => self.text(text),
                    _ => {}
                }
            }
            (Codec::Option(inner), Value::Option(Some(value))) | (Codec::NullOr(inner), Value::Variant(_, Some(value))) => {
                self.value(*inner, value);
            }
            (Codec::List(item), Value::List(items)) => items.iter().for_each(|v| self.value(*item, v)),
            (Codec::Tuple(types), Value::Tuple(items)) => types.iter().zip(items).for_each(|(ty, v)| self.value(*ty, v)),
            (Codec::Map(ty), Value::List(entries)) => self.entries(*ty, entries),
            (Codec::Object(object), Value::Record(slots)) => self.members(object, slots),
            (Codec::Table(table), value) => {
                self.broken |= table.survey(codecs, value, self.budget).is_err();
                let budget = self.budget.take();
                table.each_node(value, |ty, node| self.value(ty, node));
                self.budget = budget;
            }
            _ => {}
        }
    }

    fn members(&mut self, object: &ObjectCodec, slots: &[Value]) {
        for member in &object.members {
            if let Some(value) = slots.get(member.slot as usize) {
                self.value(member.ty, value);
            }
        }
        if let Some((slot, ty)) = object.additional
            && let Some(Value::List(entries)) = slots.get(slot as usize)
        {
            self.entries(ty, entries);
        }
    }

    fn entries(&mut self, ty: TypeId, entries: &[Value]) {
        for entry in entries {
            if let Value::Tuple(pair) = entry
                && let Some(value) = pair.get(1)
            {
                self.value(ty, value);
            }
        }
    }
}
