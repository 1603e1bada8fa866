//! Which message reaches which: order, recursion, reachability.

use std::collections::{BTreeSet, HashMap};

use witwire_ir::Id;

use super::model::{EnumId, Kind, MessageId, Model};

/// The reference graph of all messages.
#[derive(Debug)]
pub(super) struct Graph {
    /// Every message behind all that it refers to, those of its own recursive group excepted.
    order: Vec<MessageId>,
    /// The recursive group of each message, an index into `groups`.
    group_of: HashMap<MessageId, usize>,
    /// Messages that reach one another, sorted by full name.
    groups: Vec<Vec<MessageId>>,
}

/// What a set of methods needs.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) messages: BTreeSet<MessageId>,
    pub(super) enums: BTreeSet<EnumId>,
}

impl Graph {
    pub(super) fn new(model: &Model) -> Self {
        let components = components(model);
        let mut graph = Self { order: Vec::new(), group_of: HashMap::new(), groups: Vec::new() };
        for mut component in components {
            let recursive = component.len() > 1 || component.iter().any(|m| targets(model, *m).contains(m));
            if recursive {
                component.sort_by(|a, b| model.messages[*a].element.full_name.cmp(&model.messages[*b].element.full_name));
                graph.group_of.extend(component.iter().map(|m| (*m, graph.groups.len())));
                graph.groups.push(component.clone());
            }
            graph.order.extend(component);
        }
        graph
    }

    /// Every message behind all that it refers to.
    pub(super) fn order(&self) -> &[MessageId] {
        &self.order
    }

    /// The recursive group that a message belongs to.
    pub(super) fn group(&self, message: MessageId) -> Option<&[MessageId]> {
        self.group_of.get(&message).map(|g| &self.groups[*g][..])
    }

    /// Whether two messages reach each other.
    pub(super) fn same_group(&self, a: MessageId, b: MessageId) -> bool {
        self.group_of.get(&a).is_some_and(|g| self.group_of.get(&b) == Some(g))
    }
}

/// The messages that the fields of a message hold, map entries looked through.
pub(super) fn targets(model: &Model, message: MessageId) -> Vec<MessageId> {
    let fields = model.messages[message].fields.iter();
    let held = fields.filter_map(|f| match model.value_kind(f) {
        Kind::Message(m) => Some(m),
        _ => None,
    });
    held.chain(model.held_by_any(message).iter().copied()).collect()
}

/// Everything that the roots reach, themselves included.
pub(super) fn reach(model: &Model, roots: impl IntoIterator<Item = MessageId>) -> Reached {
    let mut reached = Reached::default();
    let mut stack: Vec<MessageId> = roots.into_iter().collect();
    while let Some(message) = stack.pop() {
        if !reached.messages.insert(message) {
            continue;
        }
        stack.extend(model.held_by_any(message));
        for field in &model.messages[message].fields {
            match model.value_kind(field) {
                Kind::Message(m) => stack.push(m),
                Kind::Enum(e) => {
                    reached.enums.insert(e);
                }
                Kind::Scalar(_) => {}
            }
        }
    }
    reached
}

/// Tarjan's strongly connected components, callees first, without recursion: chains of messages may be long.
fn components(model: &Model) -> Vec<Vec<MessageId>> {
    const UNSEEN: usize = usize::MAX;
    let count = model.messages.len();
    let edges: Vec<Vec<MessageId>> = model.messages.ids().map(|m| targets(model, m)).collect();
    let (mut index, mut low, mut on_stack) = (vec![UNSEEN; count], vec![0; count], vec![false; count]);
    let (mut next, mut stack, mut out) = (0, Vec::new(), Vec::new());
    for start in model.messages.ids() {
        if index[start.index()] != UNSEEN {
            continue;
        }
        // Each frame is a message and the position of its next edge.
        let mut frames = vec![(start, 0)];
        while let Some((message, edge)) = frames.pop() {
            let m = message.index();
            if edge == 0 {
                index[m] = next;
                low[m] = next;
                next += 1;
                stack.push(message);
                on_stack[m] = true;
            }
            if let Some(&target) = edges[m].get(edge) {
                frames.push((message, edge + 1));
                let t = target.index();
                if index[t] == UNSEEN {
                    frames.push((target, 0));
                } else if on_stack[t] {
                    low[m] = low[m].min(index[t]);
                }
                continue;
            }
            if low[m] == index[m] {
                let from = stack.iter().rposition(|s| *s == message).unwrap_or_default();
                let component = stack.split_off(from);
                for member in &component {
                    on_stack[member.index()] = false;
                }
                out.push(component);
            }
            if let Some((caller, _)) = frames.last() {
                low[caller.index()] = low[caller.index()].min(low[m]);
            }
        }
    }
    out
}
