//! Recursive values: tables of nodes that end.

use std::collections::BTreeMap;

use super::{Sampler, wire};
use crate::api::Api;
use crate::id::TypeId;
use crate::types::{Case, Shape};
use crate::value::Value;
use crate::wire::Wire;
use crate::wire::json::Json;
use crate::wire::proto::{Codec, Field};

/// A table that is being made.
pub(super) struct Open<'a> {
    types: &'a [TypeId],
    /// The types of protobuf's references, with the lists that they point into. JSON's say it themselves.
    references: BTreeMap<TypeId, u16>,
    lists: Vec<Vec<Value>>,
}

impl Open<'_> {
    /// The list that a type is a reference into.
    fn list_of(&self, api: &Api, ty: TypeId) -> Option<u16> {
        match wire(api, ty) {
            Wire::Json(Json::Node { list }) => Some(*list),
            _ => self.references.get(&ty).copied(),
        }
    }
}

/// Nodes nest no deeper; a schema that always needs another node has no values anyway.
const DEEPEST: usize = 60;

impl<'a> Sampler<'a> {
    /// A table whose root is a sample.
    pub(super) fn table(&mut self, nodes: &'a [TypeId], root: u16, depth: usize) -> Value {
        let lists = vec![Vec::new(); nodes.len()];
        self.tables.push(Open { types: nodes, references: references(self.api, nodes), lists });
        self.node(root, depth);
        // Pushed above; `node` leaves the stack as it finds it.
        let lists = self.tables.pop().map(|open| open.lists).unwrap_or_default();
        Value::Record(lists.into_iter().map(Value::list).collect())
    }

    /// The list that a type is a reference into, in the table that is being made.
    pub(super) fn list_of(&self, ty: TypeId) -> Option<u16> {
        self.tables.last()?.list_of(self.api, ty)
    }

    /// A node, by its position. It is reserved first, so that the root is node 0.
    pub(super) fn node(&mut self, list: u16, depth: usize) -> Value {
        let list = usize::from(list);
        let Some(open) = self.tables.last_mut() else { return Value::U32(0) };
        let (Some(nodes), Some(&ty)) = (open.lists.get_mut(list), open.types.get(list)) else { return Value::U32(0) };
        if depth > DEEPEST {
            return Value::U32(0);
        }
        let position = nodes.len();
        nodes.push(Value::Bool(false));
        let value = self.value(ty, depth + 1);
        if let Some(open) = self.tables.last_mut() {
            open.lists[list][position] = value;
        }
        Value::U32(position as u32)
    }

    /// A case without payload, or within a table the one that takes the fewest nodes; the first of equals.
    pub(super) fn lightest(&self, cases: &[Case]) -> Option<usize> {
        let bare = cases.iter().position(|c| c.ty.is_none());
        bare.or_else(|| {
            let mut heights = Heights { api: self.api, open: self.tables.last()?, path: Vec::new(), steps: 10_000 };
            (0..cases.len()).min_by_key(|i| cases[*i].ty.map_or(0, |ty| heights.of(ty)))
        })
    }
}

/// More levels of nodes than any sample has.
const ENDLESS: u32 = 1_000;

/// Finds how many levels of nodes a value of a type takes at least.
struct Heights<'a> {
    api: &'a Api,
    open: &'a Open<'a>,
    /// The lists whose nodes are being looked at.
    path: Vec<u16>,
    /// How many more types are looked at; written out they may be any number.
    steps: u32,
}

impl Heights<'_> {
    fn of(&mut self, ty: TypeId) -> u32 {
        let api = self.api;
        let Some(steps) = self.steps.checked_sub(1) else { return ENDLESS };
        self.steps = steps;
        if let Some(list) = self.open.list_of(api, ty) {
            let Some(&node) = self.open.types.get(usize::from(list)).filter(|_| !self.path.contains(&list)) else {
                return ENDLESS;
            };
            self.path.push(list);
            let height = 1 + self.of(node);
            self.path.pop();
            return height;
        }
        match (wire(api, ty), api.shape(ty)) {
            (Wire::Json(Json::Table(_)) | Wire::Table(_), _) => 0,
            (_, Shape::Record(fields)) => fields.iter().map(|f| self.of(f.ty)).max().unwrap_or(0),
            (_, Shape::Tuple(parts)) => parts.iter().map(|t| self.of(*t)).max().unwrap_or(0),
            (_, Shape::Variant(cases)) => cases.iter().map(|c| c.ty.map_or(0, |ty| self.of(ty))).min().unwrap_or(0),
            // Options may be none and lists empty, where no rule says otherwise.
            _ => 0,
        }
    }
}

/// The named types of the references in protobuf's nodes, with the lists that they point into.
fn references(api: &Api, nodes: &[TypeId]) -> BTreeMap<TypeId, u16> {
    let mut found = BTreeMap::new();
    let mut note = |codec: &Codec, ty: TypeId| {
        if let Codec::Node { list, .. } = codec
            && api.types[ty].name.is_some()
        {
            found.insert(ty, *list);
        }
    };
    // Of an option or a list.
    let inner = |ty: TypeId| match api.shape(ty) {
        Shape::Option(inner) | Shape::List(inner) => *inner,
        _ => ty,
    };
    for &node in nodes {
        let (Wire::Message(message), Shape::Record(slots)) = (wire(api, node), api.shape(node)) else { continue };
        for (field, slot) in message.fields.iter().zip(slots) {
            let ty = inner(slot.ty);
            match field {
                Field::Singular { codec, .. } | Field::Repeated { codec, .. } => note(codec, ty),
                Field::Map { value, .. } => {
                    if let Shape::Tuple(pair) = api.shape(ty) {
                        pair.last().into_iter().for_each(|of| note(value, *of));
                    }
                }
                Field::Oneof { cases, .. } => {
                    if let Shape::Variant(types) = api.shape(ty) {
                        let payloads = cases.iter().zip(types).filter_map(|(case, of)| Some((&case.codec, of.ty?)));
                        payloads.for_each(|(codec, of)| note(codec, of));
                    }
                }
                Field::EmptyFlag { .. } | Field::EmptyCount { .. } | Field::Unknown => {}
            }
        }
    }
    found
}
