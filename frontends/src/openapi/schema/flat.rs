//! What the keywords of a schema say together, after `$ref` and `allOf`.

use std::collections::{BTreeSet, HashMap};

use super::kinds::Kinds;
use crate::openapi::tree::NodeId;

/// One schema that must hold. A conjunction of several is a slice of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) node: NodeId,
    /// Only the node's own keywords count: no `$ref`, `allOf`, `oneOf`, `anyOf`.
    pub(crate) own: bool,
}

impl Part {
    pub(crate) const fn whole(node: NodeId) -> Self {
        Self { node, own: false }
    }

    pub(crate) const fn own(node: NodeId) -> Self {
        Self { node, own: true }
    }
}

/// A property of a merged object.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) key: Box<str>,
    /// All schemas that speak of it.
    pub(crate) parts: Vec<Part>,
}

/// What an object may hold besides its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Additional {
    /// Nothing is said.
    Unstated,
    /// Anything.
    Any,
    /// Nothing.
    None,
    /// Values of a schema.
    Schema(Vec<Part>),
}

/// A `oneOf` or `anyOf`, null arms and mere checks left out.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The schema that holds it.
    pub(crate) owner: NodeId,
    /// The arms in order.
    pub(crate) arms: Vec<NodeId>,
}

/// The merged view of a conjunction.
#[derive(Debug, Clone)]
pub(crate) struct Flat {
    /// The schemas whose own keywords were merged, in order.
    pub(crate) leaves: Vec<NodeId>,
    /// The kinds that a value may be, null left out; inferred from other keywords where no `type` says.
    pub(crate) kinds: Kinds,
    /// Whether the kinds were said, or follow from other keywords.
    pub(crate) typed: bool,
    /// The first `format`.
    pub(crate) format: Option<Box<str>>,
    /// Whether the string is base64 (`contentEncoding`).
    pub(crate) encoded: Option<Box<str>>,
    /// The values of `enum` and `const`, null left out.
    pub(crate) values: Option<Vec<NodeId>>,
    /// Properties in order of first mention.
    pub(crate) properties: Vec<Property>,
    /// Required keys.
    pub(crate) required: BTreeSet<Box<str>>,
    /// Other keys.
    pub(crate) additional: Additional,
    /// What every item is.
    pub(crate) items: Vec<Part>,
    /// What the first items are.
    pub(crate) prefix: Vec<NodeId>,
    /// Unions, all of which must hold.
    pub(crate) choices: Vec<Choice>,
    /// The keywords contradict each other.
    pub(crate) contradiction: bool,
}

impl Flat {
    pub(super) fn new() -> Self {
        Self {
            leaves: Vec::new(),
            kinds: Kinds::ALL,
            typed: false,
            format: None,
            encoded: None,
            values: None,
            properties: Vec::new(),
            required: BTreeSet::new(),
            additional: Additional::Unstated,
            items: Vec::new(),
            prefix: Vec::new(),
            choices: Vec::new(),
            contradiction: false,
        }
    }

    /// Whether it is an object and nothing else.
    pub(crate) fn is_object(&self) -> bool {
        self.kinds == Kinds::OBJECT && self.choices.is_empty() && self.values.is_none() && !self.contradiction
    }

    /// Whether a string is base64, and then whether of the alphabet for URLs.
    pub(super) fn base64(&self) -> Option<bool> {
        let encoded = self.encoded.as_deref().map(str::to_ascii_lowercase);
        match (self.format.as_deref().unwrap_or(""), encoded.as_deref()) {
            ("base64url", _) | (_, Some("base64url")) => Some(true),
            ("byte" | "base64" | "binary", _) | (_, Some("base64")) => Some(false),
            _ => None,
        }
    }

    pub(super) fn add_properties(&mut self, at: &mut HashMap<Box<str>, usize>, entries: &[(Box<str>, NodeId)]) {
        for (key, node) in entries {
            if let Some(&i) = at.get(key) {
                let part = Part::whole(*node);
                let parts = &mut self.properties[i].parts;
                if !parts.contains(&part) {
                    parts.push(part);
                }
            } else {
                at.insert(key.clone(), self.properties.len());
                self.properties.push(Property { key: key.clone(), parts: vec![Part::whole(*node)] });
            }
        }
    }
}
