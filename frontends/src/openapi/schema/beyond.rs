//! What simple rules cannot say, as a JSON Schema of its own: kept with the API and checked before a value is sent.
//!
//! Only the keywords that go beyond the type and its simple rules are kept, with all that they refer to under `$defs`, in JSON Schema
//! 2020-12 whatever the document's version. Annotations are left out, so that a schema stays small.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use serde_json::{Map, Value, json};
use witwire_ir::Shape;

use super::declared::HostAlias;
use super::flat::{Flat, Part};
use super::kinds::Kinds;
use super::view::Views;
use crate::openapi::context::Version;
use crate::openapi::tree::{NodeId, Scalar};

/// The largest schema that is kept, in bytes of JSON.
const MOST_BYTES: usize = 64 << 10;
/// The most schemas that one is put together from.
const MOST_NODES: usize = 2_000;

/// Keywords that no simple rule covers, where their value is a schema.
const BEYOND: &[&str] = &[
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// Keywords whose value is taken as it is.
const VALUES: &[&str] = &[
    "const",
    "enum",
    "multipleOf",
    "maxLength",
    "minLength",
    "pattern",
    "format",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxContains",
    "minContains",
    "maxProperties",
    "minProperties",
    "dependentRequired",
];
/// Keywords whose value is a schema.
const SCHEMAS: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalProperties",
];
/// Keywords whose value is a list of schemas.
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is the arms of a union.
const CHOICES: &[&str] = &["oneOf", "anyOf"];
/// Keywords whose value maps names to schemas.
const MAPS: &[&str] = &["properties", "patternProperties", "dependentSchemas"];

/// A schema that is kept.
#[derive(Debug)]
pub(crate) struct Beyond {
    /// The schema as JSON text.
    pub(crate) json: String,
    /// Where it stands.
    pub(crate) node: NodeId,
}

impl Views<'_> {
    /// What the schemas say beyond a type and its simple rules; `Err`, where that is too large to keep, with the place.
    pub(crate) fn beyond(&self, flat: &Flat) -> Result<Option<Beyond>, NodeId> {
        let Some(&first) = flat.leaves.iter().find(|leaf| self.goes_beyond(**leaf)) else { return Ok(None) };
        let mut writing = Writing { views: self, numbers: HashMap::new(), open: VecDeque::new(), left: MOST_NODES };
        let parts: Option<Vec<Value>> =
            flat.leaves.iter().filter(|leaf| self.goes_beyond(**leaf)).map(|leaf| writing.residue(*leaf)).collect();
        let json = parts.and_then(|parts| writing.together(parts)).ok_or(first)?;
        Ok(Some(Beyond { json, node: first }))
    }

    /// All that the schemas of items say, as a schema of the list; `None` where that is too large to keep.
    pub(super) fn items(&self, parts: &[Part]) -> Option<Beyond> {
        let node = parts.first().filter(|_| parts.iter().all(|part| !part.own))?.node;
        let mut writing = Writing { views: self, numbers: HashMap::new(), open: VecDeque::new(), left: MOST_NODES };
        let written: Option<Vec<Value>> = parts.iter().map(|part| writing.schema(part.node)).collect();
        let mut written = written?;
        let item = if written.len() == 1 { written.pop()? } else { json!({ "allOf": written }) };
        Some(Beyond { json: writing.together(vec![json!({ "items": item })])?, node })
    }

    /// Whether a schema has keywords of its own that no simple rule covers.
    fn goes_beyond(&self, leaf: NodeId) -> bool {
        BEYOND.iter().any(|key| self.says(leaf, key))
            || CHOICES.iter().any(|key| self.only_checks(leaf, key) || self.loses_rules(leaf, key))
    }

    /// Whether a union's arms are of one scalar kind, so that the type is that scalar, and have rules that it does not.
    fn loses_rules(&self, leaf: NodeId, key: &str) -> bool {
        let tree = self.cx.tree;
        let is_arm = |arm: &&NodeId| tree.is_map(**arm) && !self.is_null_schema(**arm) && !self.is_check(**arm);
        let arms: Vec<_> =
            tree.get_items(leaf, key).iter().filter(is_arm).map(|arm| self.flat(&[Part::whole(*arm)])).collect();
        let [first, rest @ ..] = arms.as_slice() else { return false };
        let is_alike = |f: &Rc<Flat>| f.kinds == first.kinds && f.choices.is_empty() && !f.contradiction;
        if rest.is_empty() || !arms.iter().all(is_alike) {
            return false;
        }
        // An arm that takes every value leaves nothing to check; values that are listed are cases where all are.
        let is_open = |f: &&Rc<Flat>| f.values.is_none();
        arms.iter().any(|f| f.values.is_none())
            && arms.iter().filter(is_open).all(|f| self.has_scalar_rules(f))
            && !rest.iter().all(|f| f.values.is_none() && first.values.is_none() && self.has_equal_rules(first, f))
    }

    fn has_scalar_rules(&self, flat: &Flat) -> bool {
        match flat.kinds {
            Kinds::STRING if flat.base64().is_some() => false,
            Kinds::STRING => {
                let format = flat.format.as_deref().and_then(HostAlias::of_format);
                format.is_some() || !self.string_checks(flat).is_empty()
            }
            Kinds::INTEGER => !self.number_checks(flat, &Shape::S64).is_empty(),
            Kinds::NUMBER => !self.number_checks(flat, &Shape::F64).is_empty(),
            _ => false,
        }
    }

    /// Whether strings have the same rules, which are then those of the union's type.
    pub(super) fn has_equal_rules(&self, a: &Flat, b: &Flat) -> bool {
        a.kinds == Kinds::STRING && a.format == b.format && self.string_checks(a) == self.string_checks(b)
    }

    fn says(&self, leaf: NodeId, key: &str) -> bool {
        // `unevaluatedProperties: false` holds by itself: a record has no other members.
        self.cx.tree.get(leaf, key).is_some_and(|n| !self.cx.tree.entries(n).is_empty())
    }

    /// Whether a union only says which properties must be there.
    fn only_checks(&self, leaf: NodeId, key: &str) -> bool {
        let arms = self.cx.tree.get_items(leaf, key);
        !arms.is_empty() && arms.iter().all(|arm| self.is_check(*arm))
    }
}

struct Writing<'v, 'a> {
    views: &'v Views<'a>,
    /// The number in `$defs` of what references mean.
    numbers: HashMap<NodeId, usize>,
    open: VecDeque<NodeId>,
    left: usize,
}

impl Writing<'_, '_> {
    /// What a schema says beyond its simple rules. What is unevaluated depends on all of it.
    fn residue(&mut self, leaf: NodeId) -> Option<Value> {
        let views = self.views;
        if ["unevaluatedProperties", "unevaluatedItems"].iter().any(|key| views.says(leaf, key)) {
            return self.schema(leaf);
        }
        let mut out = Map::new();
        for key in BEYOND.iter().filter(|key| views.says(leaf, key)) {
            self.keyword(leaf, key, &mut out)?;
            let with: &[&str] = match *key {
                "if" => &["then", "else"],
                "contains" => &["minContains", "maxContains"],
                _ => &[],
            };
            for key in with {
                self.keyword(leaf, key, &mut out)?;
            }
        }
        for key in CHOICES.iter().filter(|key| views.only_checks(leaf, key)) {
            self.keyword(leaf, key, &mut out)?;
        }
        for key in CHOICES.iter().filter(|key| views.loses_rules(leaf, key)) {
            // That exactly one arm holds is not asked: what an arm lists, another may describe.
            if let Some(arms) = views.cx.tree.get(leaf, key).filter(|_| !out.contains_key("anyOf")) {
                out.insert("anyOf".to_owned(), self.list(arms)?);
            }
        }
        Some(Value::Object(out))
    }

    /// Schemas that must all hold, with all that they refer to, as JSON text.
    fn together(mut self, mut parts: Vec<Value>) -> Option<String> {
        let mut whole = match (parts.len(), parts.pop()) {
            (1, Some(Value::Object(only))) => only,
            (_, last) => {
                parts.extend(last);
                Map::from_iter([("allOf".to_owned(), Value::Array(parts))])
            }
        };
        let defs = self.definitions()?;
        if !defs.is_empty() {
            whole.insert("$defs".to_owned(), Value::Object(defs));
        }
        let json = Value::Object(whole).to_string();
        (json.len() <= MOST_BYTES).then_some(json)
    }

    /// A schema whole.
    fn schema(&mut self, node: NodeId) -> Option<Value> {
        let (cx, tree) = (self.views.cx, self.views.cx.tree);
        self.left = self.left.checked_sub(1)?;
        if let Some(Scalar::Bool(b)) = tree.scalar(node) {
            return Some(b.into());
        }
        let mut out = Map::new();
        if let Some(reference) = cx.references.of(node) {
            // What a broken reference says is unknown.
            let reference = match reference {
                Ok(target) => json!({ "$ref": format!("#/$defs/{}", self.number(target)) }),
                Err(_) => Value::Bool(true),
            };
            if cx.version == Version::V30 {
                return Some(reference);
            }
            out.insert("allOf".to_owned(), Value::Array(vec![reference]));
        }
        for (key, _) in tree.entries(node) {
            self.keyword(node, key, &mut out)?;
        }
        self.bounds(node, &mut out);
        if cx.version == Version::V30 && tree.get_bool(node, "nullable") == Some(true) {
            return Some(json!({ "anyOf": [{ "type": "null" }, out] }));
        }
        Some(Value::Object(out))
    }

    /// The number of a schema that is referred to.
    fn number(&mut self, target: NodeId) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(target).or_insert_with(|| {
            self.open.push_back(target);
            next
        })
    }

    /// All that was referred to, which may refer to more.
    fn definitions(&mut self) -> Option<Map<String, Value>> {
        let mut out = Map::new();
        while let Some(node) = self.open.pop_front() {
            let number = self.number(node);
            let schema = self.schema(node)?;
            out.insert(number.to_string(), schema);
        }
        Some(out)
    }

    fn value(&self, node: NodeId) -> Option<Value> {
        self.views.cx.tree.json(node, MOST_NODES).and_then(|json| serde_json::from_str(&json).ok())
    }

    /// Writes one keyword, if it restricts anything.
    fn keyword(&mut self, node: NodeId, key: &str, out: &mut Map<String, Value>) -> Option<()> {
        let tree = self.views.cx.tree;
        let Some(value) = tree.get(node, key) else { return Some(()) };
        let written = match key {
            "type" => match tree.text(value) {
                // Written so by some documents, for a file.
                Some("file") => return Some(()),
                _ => self.value(value)?,
            },
            "required" => self.required(node),
            // A list of item schemas before 2020-12.
            "items" if tree.is_list(value) => {
                out.insert("prefixItems".to_owned(), self.list(value)?);
                return Some(());
            }
            "items" => self.schema(value)?,
            key if VALUES.contains(&key) => self.value(value)?,
            key if SCHEMAS.contains(&key) => self.schema(value)?,
            key if LISTS.contains(&key) && tree.is_list(value) => {
                let mut list = self.list(value)?;
                if let (Some(Value::Array(before)), Value::Array(list)) = (out.get(key), &mut list) {
                    list.extend(before.clone());
                }
                list
            }
            key if MAPS.contains(&key) && tree.is_map(value) => {
                let mut map = Map::new();
                let entries = if key == "properties" { self.views.cx.properties(node) } else { tree.entries(value) };
                for (name, schema) in entries {
                    map.insert(name.to_string(), self.schema(*schema)?);
                }
                Value::Object(map)
            }
            _ => return Some(()),
        };
        out.insert(key.to_owned(), written);
        Some(())
    }

    fn list(&mut self, value: NodeId) -> Option<Value> {
        let items = self.views.cx.tree.items(value);
        items.iter().map(|item| self.schema(*item)).collect::<Option<Vec<_>>>().map(Value::Array)
    }

    /// The required keys; a property that is only received need not be sent.
    fn required(&self, node: NodeId) -> Value {
        let (views, tree) = (self.views, self.views.cx.tree);
        let keys = tree.get_items(node, "required").iter().filter_map(|key| tree.text(*key));
        let properties = views.cx.properties_node(node);
        let sent = keys.filter(|key| {
            let property = properties.and_then(|p| tree.get(p, key));
            !property.is_some_and(|p| views.flag(p, "readOnly"))
        });
        sent.collect()
    }

    /// Bounds; in 3.0 a flag makes them exclusive.
    fn bounds(&self, node: NodeId, out: &mut Map<String, Value>) {
        let tree = self.views.cx.tree;
        for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            let number = |key| tree.get(node, key).and_then(|n| self.value(n)).filter(Value::is_number);
            let key = if tree.get_bool(node, exclusive) == Some(true) { exclusive } else { bound };
            if let Some(at) = number(bound) {
                out.insert(key.to_owned(), at);
            }
            if let Some(at) = number(exclusive) {
                out.insert(exclusive.to_owned(), at);
            }
        }
    }
}
