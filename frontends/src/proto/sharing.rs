//! Messages that are too large to be written out because they hold one large message in many places.
//!
//! They are told like recursive messages: as a table in which the large message stands once, in a list, and is referred to by its
//! position. Nothing else changes its form or its name.

use std::collections::{BTreeMap, BTreeSet};

use super::extent::{Extent, MAX_SIZE};
use super::graph::{Graph, reach, targets};
use super::model::{MessageId, Model};

/// The tables of large messages.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    pub(super) tables: Vec<SharedTable>,
}

/// The table of one large message.
#[derive(Debug)]
pub(super) struct SharedTable {
    /// The large message, then those through which it holds the shared one. The latter are used nowhere else.
    pub(super) nodes: Vec<MessageId>,
    /// The message that stands in many places.
    pub(super) shared: MessageId,
}

impl SharedTable {
    /// The large message.
    pub(super) fn root(&self) -> MessageId {
        self.nodes[0]
    }

    /// The messages of its lists, in order.
    pub(super) fn members(&self) -> Vec<MessageId> {
        self.nodes.iter().copied().chain([self.shared]).collect()
    }
}

impl Sharing {
    /// Tables for messages that are too large; for those that a table does not help there is none. `served` are those that methods
    /// take and return.
    pub(super) fn new(
        model: &Model,
        graph: &Graph,
        printed: &BTreeSet<MessageId>,
        served: &BTreeSet<MessageId>,
        extents: &BTreeMap<MessageId, Extent>,
    ) -> Self {
        let too_large = |m: &MessageId| extents.get(m).is_some_and(|e| e.is_too_large());
        // What holds a large message is large itself; only the innermost are of interest.
        let innermost = |m: &&MessageId| too_large(m) && !targets(model, **m).iter().any(too_large);
        let usual = |m: &MessageId| served.contains(m);
        let find = |root: &MessageId| table(model, graph, printed, &usual, extents, *root);
        Self { tables: printed.iter().filter(innermost).filter_map(find).collect() }
    }

    /// The table whose node a message is.
    pub(super) fn of_node(&self, message: MessageId) -> Option<&SharedTable> {
        self.tables.iter().find(|t| t.nodes.contains(&message))
    }
}

/// The table of a large message: it shares the largest message that stands in several places and makes it small enough. `usual`
/// tells of messages whether they need their usual form.
fn table(
    model: &Model,
    graph: &Graph,
    printed: &BTreeSet<MessageId>,
    usual: &dyn Fn(&MessageId) -> bool,
    extents: &BTreeMap<MessageId, Extent>,
    root: MessageId,
) -> Option<SharedTable> {
    if graph.group(root).is_some() {
        return None;
    }
    let size = |m: MessageId| extents.get(&m).map_or(1, |e| e.size);
    let inside = reach(model, [root]).messages;
    let mut candidates: Vec<MessageId> = inside.iter().copied().filter(|m| *m != root).collect();
    candidates.sort_by_key(|m| (std::cmp::Reverse(size(*m)), *m));
    candidates.into_iter().find_map(|shared| {
        let holds = |m: &MessageId| *m != shared && reach(model, [*m]).messages.contains(&shared);
        let holders: Vec<MessageId> = inside.iter().copied().filter(|m| *m != root && holds(m)).collect();
        let mut nodes = vec![root];
        nodes.extend(holders);
        let places = nodes.iter().flat_map(|m| targets(model, *m)).filter(|m| *m == shared).count() as u64;
        let left = size(root).saturating_sub(places.saturating_sub(1).saturating_mul(size(shared)));
        // A message that is used elsewhere too needs its usual form, and cannot have both.
        let apart =
            printed.iter().filter(|m| !nodes.contains(m)).flat_map(|m| targets(model, *m)).all(|t| !nodes.contains(&t));
        let apart = apart && !nodes[1..].iter().any(usual);
        let plain = nodes.iter().all(|m| graph.group(*m).is_none());
        (places > 1 && left <= MAX_SIZE && apart && plain).then_some(SharedTable { nodes, shared })
    })
}
