//! Views of schemas, computed once: merged keywords, nullability, constants.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::flat::{Additional, Choice, Flat, Part};
use super::kinds::Kinds;
use crate::openapi::context::{Context, Version};
use crate::openapi::tree::{NodeId, Scalar};

/// Views of schemas.
pub(crate) struct Views<'a> {
    pub(crate) cx: &'a Context<'a>,
    flats: RefCell<HashMap<Part, Rc<Flat>>>,
    nullable: RefCell<HashMap<NodeId, bool>>,
    named: RefCell<HashMap<NodeId, bool>>,
    /// The kinds of schemas, through unions of unions.
    pub(super) kinds: RefCell<HashMap<NodeId, Kinds>>,
    /// Owner of a union → names of its arms.
    pub(super) arms: RefCell<HashMap<NodeId, Rc<HashMap<NodeId, String>>>>,
    /// What merging may still cost; a document of `allOf` chains could ask for the square of its size.
    work: Cell<usize>,
}

/// How many keywords and properties may be merged in one document.
const WORK: usize = 3_000_000;
/// How many schemas one schema may merge.
const MERGED: usize = 2_000;
/// How deep questions about a schema look through references and `allOf`.
pub(super) const DEPTH: usize = 24;

/// Keywords that say nothing about which values are valid.
const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "summary",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "externalDocs",
    "xml",
    "nullable",
    "$comment",
    "discriminator",
    "$schema",
    "$id",
    "$anchor",
    "$dynamicAnchor",
];

/// What stands behind wrappers that add only annotations.
#[derive(Debug, Clone)]
pub(crate) struct Peeled {
    /// The schema itself.
    pub(crate) node: NodeId,
    /// The wrappers, outermost first.
    pub(crate) outer: Vec<NodeId>,
    /// A reference on the way is wrong.
    pub(crate) broken: bool,
}

impl<'a> Views<'a> {
    pub(crate) fn new(cx: &'a Context<'a>) -> Self {
        Self {
            cx,
            flats: RefCell::default(),
            nullable: RefCell::default(),
            named: RefCell::default(),
            arms: RefCell::default(),
            kinds: RefCell::default(),
            work: Cell::new(WORK),
        }
    }

    /// Takes from the budget for merging and copying; false where it is used up.
    pub(crate) fn spend(&self, work: usize) -> bool {
        let left = self.work.get().saturating_sub(work);
        self.work.set(left);
        left > 0
    }

    /// Whether a schema has a name of its own: some reference means it, or it stands under `components.schemas`.
    pub(crate) fn is_named(&self, node: NodeId) -> bool {
        if let Some(&known) = self.named.borrow().get(&node) {
            return known;
        }
        let named = self.cx.references.is_meant(node) || super::origin::is_component(self.cx.tree, node);
        self.named.borrow_mut().insert(node, named);
        named
    }

    /// Whether all keys but `except` are annotations or extensions.
    fn only_annotations_but(&self, node: NodeId, except: &str) -> bool {
        self.cx
            .tree
            .entries(node)
            .iter()
            .all(|(key, _)| &**key == except || ANNOTATIONS.contains(&&**key) || key.starts_with("x-"))
    }

    /// Looks through wrappers at the place where a schema is used: one reference, one-element `allOf`, unions with one arm
    /// besides null. What a reference means is the schema itself, whatever it wraps.
    pub(crate) fn peel(&self, node: NodeId) -> Peeled {
        let mut peeled = Peeled { node, outer: Vec::new(), broken: false };
        for hop in 0..DEPTH {
            let node = peeled.node;
            if hop > 0 && self.is_named(node) {
                break;
            }
            let Some(inner) = self.unwrap_once(node, &mut peeled.broken) else { break };
            peeled.outer.push(node);
            peeled.node = inner;
        }
        peeled
    }

    /// The one schema that a wrapper wraps.
    fn unwrap_once(&self, node: NodeId, broken: &mut bool) -> Option<NodeId> {
        let tree = self.cx.tree;
        if let Some(reference) = self.cx.references.of(node) {
            let siblings_count = self.cx.version == Version::V31;
            let key = if tree.get(node, "$ref").is_some() { "$ref" } else { "$dynamicRef" };
            if siblings_count && !self.only_annotations_but(node, key) {
                return None;
            }
            return match reference {
                Ok(target) => Some(target),
                Err(why) => {
                    self.cx.warn(
                        crate::Code::BadReference,
                        node,
                        why,
                        "correct the reference; the value is taken as `json`",
                    );
                    *broken = true;
                    None
                }
            };
        }
        if let [only] = tree.get_items(node, "allOf")
            && self.only_annotations_but(node, "allOf")
        {
            return Some(*only);
        }
        for key in ["oneOf", "anyOf"] {
            if tree.get(node, key).is_some() && self.only_annotations_but(node, key) {
                let mut arms = tree.get_items(node, key).iter().filter(|arm| !self.is_null_schema(**arm));
                if let (Some(only), None) = (arms.next(), arms.next()) {
                    return Some(*only);
                }
            }
        }
        None
    }

    /// `type: 'null'`, `enum: [null]` or `const: null`.
    pub(super) fn is_null_schema(&self, node: NodeId) -> bool {
        let tree = self.cx.tree;
        let is_null = |n: NodeId| tree.scalar(n) == Some(Scalar::Null);
        if let Some(constant) = tree.get(node, "const") {
            return is_null(constant);
        }
        if let [only] = tree.get_items(node, "enum")
            && is_null(*only)
        {
            return true;
        }
        match tree.get(node, "type") {
            Some(t) if tree.is_list(t) => {
                matches!(tree.items(t), [only] if tree.text(*only) == Some("null") || is_null(*only))
            }
            Some(t) => tree.text(t) == Some("null") || is_null(t),
            None => false,
        }
    }

    /// Whether a value may be null, by the schema's own words.
    pub(crate) fn nullable(&self, node: NodeId) -> bool {
        self.nullable_at(node, 0)
    }

    fn nullable_at(&self, node: NodeId, depth: usize) -> bool {
        if depth > DEPTH {
            return false;
        }
        if let Some(&known) = self.nullable.borrow().get(&node) {
            return known;
        }
        // A cycle is answered "no" while it is open.
        self.nullable.borrow_mut().insert(node, false);
        let tree = self.cx.tree;
        let says = tree.get_bool(node, "nullable") == Some(true);
        let by_type = tree.get(node, "type").map(|t| {
            let null = |n: NodeId| tree.text(n) == Some("null") || tree.scalar(n) == Some(Scalar::Null);
            if tree.is_list(t) { tree.items(t).iter().any(|n| null(*n)) } else { null(t) }
        });
        let null_value = |n: &NodeId| tree.scalar(*n) == Some(Scalar::Null);
        let answer = says
            || by_type == Some(true)
            || (by_type.is_none()
                && (tree.get_items(node, "enum").iter().any(null_value)
                    || tree.get(node, "const").is_some_and(|n| null_value(&n))
                    || matches!(self.cx.references.of(node), Some(Ok(t)) if self.nullable_at(t, depth + 1))
                    || ["oneOf", "anyOf"].iter().any(|key| {
                        tree.get_items(node, key)
                            .iter()
                            .any(|arm| self.is_null_schema(*arm) || self.nullable_at(*arm, depth + 1))
                    })
                    || {
                        let all = tree.get_items(node, "allOf");
                        !all.is_empty() && all.iter().all(|n| self.nullable_at(*n, depth + 1))
                    }));
        self.nullable.borrow_mut().insert(node, answer);
        answer
    }

    /// The merged view of a conjunction.
    pub(crate) fn flat(&self, parts: &[Part]) -> Rc<Flat> {
        if let [only] = parts {
            if let Some(known) = self.flats.borrow().get(only) {
                return known.clone();
            }
            let flat = Rc::new(self.merge(parts));
            self.flats.borrow_mut().insert(*only, flat.clone());
            return flat;
        }
        Rc::new(self.merge(parts))
    }

    fn merge(&self, parts: &[Part]) -> Flat {
        let tree = self.cx.tree;
        let mut flat = Flat::new();
        let mut at = HashMap::new();
        let mut seen = HashSet::new();
        let mut stack: Vec<Part> = parts.iter().rev().copied().collect();
        while let Some(Part { node, own }) = stack.pop() {
            if !seen.insert((node, own)) {
                continue;
            }
            if !self.spend(1 + self.cx.properties(node).len()) || seen.len() > MERGED {
                self.cx.warn(
                    crate::Code::Budget,
                    node,
                    "merging `allOf` here costs more than the budget; the value is taken as `json`",
                    "write the schema out",
                );
                flat.contradiction = true;
                break;
            }
            if own {
                self.merge_own(&mut flat, &mut at, node);
                continue;
            }
            // The node's own keywords come after what it extends.
            let reference = self.cx.references.of(node);
            if self.cx.version == Version::V31 || reference.is_none() {
                stack.push(Part::own(node));
            }
            match reference {
                Some(Ok(target)) => stack.push(Part::whole(target)),
                Some(Err(why)) => {
                    self.cx.warn(crate::Code::BadReference, node, why, "correct the reference");
                }
                None => {}
            }
            for member in tree.get_items(node, "allOf").iter().rev() {
                stack.push(Part::whole(*member));
            }
            if reference.is_none() || self.cx.version == Version::V31 {
                for key in ["oneOf", "anyOf"] {
                    self.merge_choice(&mut flat, &mut stack, node, key);
                }
            }
        }
        self.infer(&mut flat);
        flat
    }

    fn merge_choice(&self, flat: &mut Flat, stack: &mut Vec<Part>, node: NodeId, key: &str) {
        let tree = self.cx.tree;
        let arms: Vec<NodeId> = tree
            .get_items(node, key)
            .iter()
            .copied()
            .filter(|arm| tree.is_map(*arm) && !self.is_null_schema(*arm) && !self.is_check(*arm))
            .collect();
        match arms.as_slice() {
            [] => {}
            [only] if tree.get_items(node, key).iter().all(|a| a == only || self.is_null_schema(*a)) => {
                stack.push(Part::whole(*only));
            }
            _ => flat.choices.push(Choice { owner: node, arms }),
        }
    }

    /// An arm that only restricts which properties are there.
    pub(super) fn is_check(&self, arm: NodeId) -> bool {
        let entries = self.cx.tree.entries(arm);
        let check = |key: &str| matches!(key, "required" | "not") || ANNOTATIONS.contains(&key) || key.starts_with("x-");
        !entries.is_empty()
            && entries.iter().any(|(key, _)| matches!(&**key, "required" | "not"))
            && entries.iter().all(|(key, _)| check(key))
    }

    fn merge_own(&self, flat: &mut Flat, at: &mut HashMap<Box<str>, usize>, node: NodeId) {
        let tree = self.cx.tree;
        flat.leaves.push(node);
        if let Some(kinds) = self.kinds_said(node) {
            flat.kinds = flat.kinds.and(kinds);
            flat.typed = true;
        }
        if flat.format.is_none() {
            flat.format = tree.get_text(node, "format").map(Into::into);
        }
        if flat.encoded.is_none() {
            flat.encoded = tree.get_text(node, "contentEncoding").map(Into::into);
        }
        let constant = tree.get(node, "const");
        let values = match (constant, tree.get(node, "enum")) {
            (Some(constant), _) => Some(vec![constant]),
            (None, Some(list)) if tree.is_list(list) => Some(tree.items(list).to_vec()),
            _ => None,
        };
        if let Some(values) = values {
            let values: Vec<NodeId> = values.into_iter().filter(|v| tree.scalar(*v) != Some(Scalar::Null)).collect();
            flat.values = Some(match flat.values.take() {
                None => values,
                Some(before) => {
                    let now: HashSet<_> = values.iter().map(|v| tree.json(*v, 100)).collect();
                    before.into_iter().filter(|v| now.contains(&tree.json(*v, 100))).collect()
                }
            });
        }
        flat.add_properties(at, self.cx.properties(node));
        for key in tree.get_items(node, "required") {
            if let Some(key) = tree.text(*key) {
                flat.required.insert(key.into());
            }
        }
        self.merge_additional(flat, node);
        if let Some(items) = tree.get(node, "items") {
            if tree.is_map(items) {
                flat.items.push(Part::whole(items));
            } else if tree.is_list(items) {
                // The drafts before 2020-12 wrote tuples so.
                flat.prefix = tree.items(items).to_vec();
            }
        }
        if flat.prefix.is_empty() {
            flat.prefix = tree.get_items(node, "prefixItems").to_vec();
        }
    }

    fn merge_additional(&self, flat: &mut Flat, node: NodeId) {
        let tree = self.cx.tree;
        let said = tree.get(node, "additionalProperties").map(|n| match tree.scalar(n) {
            Some(Scalar::Bool(false)) => Additional::None,
            Some(_) => Additional::Any,
            None if self.is_anything(n) => Additional::Any,
            None => Additional::Schema(vec![Part::whole(n)]),
        });
        let patterns = tree.get_entries(node, "patternProperties");
        let said = match patterns {
            [] => said,
            [(_, only)] if !matches!(said, Some(Additional::Any | Additional::Schema(_))) && tree.is_map(*only) => {
                Some(if self.is_anything(*only) { Additional::Any } else { Additional::Schema(vec![Part::whole(*only)]) })
            }
            _ => Some(Additional::Any),
        };
        let Some(said) = said else { return };
        let before = std::mem::replace(&mut flat.additional, Additional::Unstated);
        flat.additional = match (before, said) {
            (Additional::Unstated | Additional::Any, said) => said,
            (before, Additional::Any | Additional::Unstated) => before,
            (Additional::None, _) | (_, Additional::None) => Additional::None,
            (Additional::Schema(mut a), Additional::Schema(b)) => {
                a.extend(b);
                Additional::Schema(a)
            }
        };
    }

    /// A schema that allows any value.
    fn is_anything(&self, node: NodeId) -> bool {
        self.cx.tree.is_map(node) && self.only_annotations_but(node, "")
    }

    /// Whether a schema says nothing but kinds, and those admit all that another is.
    pub(super) fn is_implied(&self, part: Part, by: &Flat) -> bool {
        let flat = self.flat(&[part]);
        let bare = |node: &NodeId| {
            self.cx.tree.entries(*node).iter().all(|(key, value)| match &**key {
                "type" | "oneOf" | "anyOf" => true,
                "items" => self.is_anything(*value),
                key => ANNOTATIONS.contains(&key) || key.starts_with("x-"),
            })
        };
        let admits = by.typed && by.choices.is_empty() && !by.contradiction && flat.kinds.has(by.kinds);
        admits
            && flat.leaves.iter().all(bare)
            && flat.choices.iter().all(|choice| {
                choice.arms.iter().take(16).any(|arm| {
                    let arm = self.flat(&[Part::whole(*arm)]);
                    arm.choices.is_empty() && arm.kinds.has(by.kinds) && arm.leaves.iter().all(bare)
                })
            })
    }

    /// The kinds that `type` names, null left out; `None` where there is no `type`.
    fn kinds_said(&self, node: NodeId) -> Option<Kinds> {
        let tree = self.cx.tree;
        let t = tree.get(node, "type")?;
        let of = |n: NodeId| tree.text(n).map_or(Some(Kinds::NULL), Kinds::named);
        let kinds = if tree.is_list(t) {
            tree.items(t).iter().filter_map(|n| of(*n)).fold(Kinds::NONE, Kinds::or)
        } else if let Some(kinds) = of(t) {
            kinds
        } else {
            let name = tree.text(t).unwrap_or("").to_owned();
            // Some documents write formats as types.
            let meant = match name.as_str() {
                "file" | "date" | "datetime" | "date-time" | "uuid" | "enum" | "text" | "email" => Some(Kinds::STRING),
                "int" | "long" => Some(Kinds::INTEGER),
                "float" | "double" | "decimal" => Some(Kinds::NUMBER),
                "bool" => Some(Kinds::BOOL),
                "map" | "dict" => Some(Kinds::OBJECT),
                "list" => Some(Kinds::ARRAY),
                _ => None,
            };
            let message = format!("`{name}` is no type of JSON Schema");
            self.cx.note(crate::Code::Ignored, t, message, "string, number, integer, boolean, array, object");
            return meant;
        };
        (kinds != Kinds::NONE).then(|| if kinds == Kinds::NULL { Kinds::NONE } else { kinds.without(Kinds::NULL) })
    }

    /// Kinds from other keywords where no `type` says.
    fn infer(&self, flat: &mut Flat) {
        let tree = self.cx.tree;
        flat.kinds = flat.kinds.without(Kinds::NULL);
        if flat.typed {
            if flat.kinds.is_empty() {
                flat.contradiction = true;
            }
        } else if let Some(values) = &flat.values {
            let kinds = values.iter().fold(Kinds::NONE, |k, v| {
                k.or(match tree.scalar(*v) {
                    Some(Scalar::Bool(_)) => Kinds::BOOL,
                    Some(Scalar::Number(n)) if n.contains(['.', 'e', 'E']) => Kinds::NUMBER,
                    Some(Scalar::Number(_)) => Kinds::INTEGER,
                    Some(Scalar::String(_) | Scalar::Null) => Kinds::STRING,
                    None if tree.is_list(*v) => Kinds::ARRAY,
                    None => Kinds::OBJECT,
                })
            });
            flat.kinds = if kinds.is_empty() { Kinds::STRING } else { kinds };
            flat.typed = true;
        } else if flat.choices.is_empty() {
            let any = |keys: &[&str]| flat.leaves.iter().any(|n| keys.iter().any(|k| tree.get(*n, k).is_some()));
            let kinds = if any(&["properties", "additionalProperties", "required", "patternProperties", "minProperties"]) {
                Kinds::OBJECT
            } else if any(&["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]) {
                Kinds::ARRAY
            } else if any(&["pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"])
                || flat.format.as_deref().is_some_and(super::scalar::is_text_format)
            {
                Kinds::STRING
            } else if any(&["minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"]) {
                Kinds::NUMBER
            } else {
                return;
            };
            flat.kinds = kinds;
            flat.typed = true;
        } else if !flat.properties.is_empty() {
            flat.kinds = Kinds::OBJECT;
        }
        if let Some(values) = &flat.values
            && values.is_empty()
        {
            flat.contradiction = flat.typed && !flat.leaves.iter().any(|n| self.nullable(*n));
        }
    }

    /// Whether a property is left out in one direction.
    pub(crate) fn flag(&self, node: NodeId, key: &str) -> bool {
        let tree = self.cx.tree;
        if tree.get_bool(node, key) == Some(true) {
            return true;
        }
        matches!(self.cx.references.of(node), Some(Ok(target)) if tree.get_bool(target, key) == Some(true))
            || matches!(tree.get_items(node, "allOf"), members if members.iter().any(|m| tree.get_bool(*m, key) == Some(true)))
    }
}
