//! Which way schemas travel: found in one walk from all operations, before anything is lowered.

use std::collections::{HashMap, HashSet};

use super::view::Views;
use crate::openapi::tree::NodeId;

/// Which way a value travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    /// To the server.
    Sent,
    /// From the server.
    Received,
}

/// Which way all values of a type travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Only to the server.
    Sent,
    /// Only from the server.
    Received,
    /// Both.
    Both,
}

const SENT: u8 = 1;
const RECEIVED: u8 = 2;
/// Sent by something else than PATCH, PUT or POST on an item.
const CREATING: u8 = 4;

/// How schemas are used.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    bits: HashMap<NodeId, u8>,
    /// Schemas of both directions that differ between them.
    split: HashSet<NodeId>,
    /// Schema → the schemas that contain or extend it.
    edges: HashMap<NodeId, Vec<NodeId>>,
    marked: Vec<NodeId>,
    recursive: HashSet<NodeId>,
}

impl Usage {
    /// Walks from a schema that an operation sends; `updating`: by PATCH, PUT or POST on an item.
    pub(crate) fn sent(&mut self, views: &Views<'_>, node: NodeId, updating: bool) {
        self.walk(views, node, if updating { SENT } else { SENT | CREATING });
    }

    /// Walks from a schema that an operation receives.
    pub(crate) fn received(&mut self, views: &Views<'_>, node: NodeId) {
        self.walk(views, node, RECEIVED);
    }

    /// Each schema is visited once per bit that is new to it.
    fn walk(&mut self, views: &Views<'_>, root: NodeId, bits: u8) {
        let tree = views.cx.tree;
        let mut stack = vec![(root, bits)];
        while let Some((node, bits)) = stack.pop() {
            let known = self.bits.entry(node).or_default();
            let new = bits & !*known;
            if new == 0 || !tree.is_map(node) {
                continue;
            }
            let first = *known == 0;
            *known |= new;
            let mut next = Vec::new();
            if let Some(Ok(target)) = views.cx.references.of(node) {
                next.push((target, new));
            }
            for (_, property) in views.cx.properties(node) {
                let read_only = views.flag(*property, "readOnly");
                let write_only = views.flag(*property, "writeOnly");
                if first && (read_only || write_only) {
                    self.marked.push(node);
                }
                let mut bits = new;
                if read_only {
                    bits &= RECEIVED;
                }
                if write_only {
                    bits &= !RECEIVED;
                }
                next.push((*property, bits));
            }
            next.extend(tree.get_entries(node, "patternProperties").iter().map(|(_, n)| (*n, new)));
            for key in ["allOf", "oneOf", "anyOf", "prefixItems", "items"] {
                next.extend(tree.get_items(node, key).iter().map(|n| (*n, new)));
            }
            for key in ["items", "additionalProperties"] {
                next.extend(tree.get(node, key).filter(|n| tree.is_map(*n)).map(|n| (n, new)));
            }
            if first {
                for (child, _) in &next {
                    self.edges.entry(*child).or_default().push(node);
                }
            }
            stack.extend(next.into_iter().filter(|(_, bits)| *bits != 0));
        }
    }

    /// After all walks: which schemas of both directions must be two types.
    pub(crate) fn finish(&mut self) {
        let mut stack = std::mem::take(&mut self.marked);
        while let Some(node) = stack.pop() {
            if !self.is_both(node) || !self.split.insert(node) {
                continue;
            }
            stack.extend(self.edges.get(&node).into_iter().flatten());
        }
        self.recursive = crate::openapi::graph::cyclic(&std::mem::take(&mut self.edges));
    }

    /// Whether the schema contains itself.
    pub(crate) fn is_recursive(&self, node: NodeId) -> bool {
        self.recursive.contains(&node)
    }

    fn is_both(&self, node: NodeId) -> bool {
        self.bits.get(&node).is_some_and(|b| b & (SENT | RECEIVED) == SENT | RECEIVED)
    }

    /// Whether any response reaches the schema.
    pub(crate) fn is_received(&self, node: NodeId) -> bool {
        self.bits.get(&node).is_some_and(|b| b & RECEIVED != 0)
    }

    /// Whether any request reaches the schema.
    pub(crate) fn is_sent(&self, node: NodeId) -> bool {
        self.bits.get(&node).is_some_and(|b| b & SENT != 0)
    }

    /// Whether the schema is two types.
    pub(crate) fn is_split(&self, node: NodeId) -> bool {
        self.split.contains(&node)
    }

    /// Whether it is sent by nothing else than PATCH, PUT or POST on an item.
    pub(crate) fn only_updates(&self, node: NodeId) -> bool {
        self.bits.get(&node).is_some_and(|b| b & (SENT | CREATING) == SENT)
    }

    /// Which type of the schema is used in a direction.
    pub(crate) fn mode(&self, node: NodeId, direction: Direction) -> Mode {
        if self.is_both(node) && !self.split.contains(&node) {
            return Mode::Both;
        }
        match direction {
            Direction::Sent => Mode::Sent,
            Direction::Received => Mode::Received,
        }
    }
}
