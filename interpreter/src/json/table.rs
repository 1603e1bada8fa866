//! Recursive values: tables of nodes that stand for trees.

use witwire_ir::{TypeId, Value};

use super::codec::{ArmCodec, Codec, Codecs};
use super::write::WriteError;

/// How deep nodes may refer to others.
pub(super) const MAX_LEVELS: u32 = 100;
/// How many bytes may be written that no memory of the guest stands for: nodes that are referred to again. A table of some hundred
/// nodes can stand for a tree that no memory holds.
const MAX_REPEATED: u64 = 64 << 20;

/// A table's lists.
#[derive(Debug)]
pub(crate) struct TableCodec {
    /// The table's type, whose fields name the lists.
    pub(crate) ty: TypeId,
    /// By list, the type of its nodes.
    pub(super) types: Box<[TypeId]>,
    /// The list whose node 0 is the value.
    pub(super) root: u16,
}

/// The nodes that references mean: those of the innermost table. None outside of recursive values.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Nodes<'a>(Option<(&'a TableCodec, &'a [Value])>);

impl<'a> Nodes<'a> {
    /// The node that a reference means, and its type.
    pub(crate) fn get(self, list: u16, reference: &Value) -> Option<(TypeId, &'a Value)> {
        let (table, lists) = self.0?;
        let (ty, Value::List(nodes), Value::U32(position)) =
            (table.types.get(list as usize)?, lists.get(list as usize)?, reference)
        else {
            return None;
        };
        Some((*ty, nodes.get(*position as usize)?))
    }

    /// The type of the table.
    pub(crate) fn table(self) -> Option<TypeId> {
        self.0.map(|(table, _)| table.ty)
    }
}

impl TableCodec {
    /// The root of a table that was surveyed, and what its references mean.
    pub(crate) fn root<'a>(&'a self, value: &'a Value) -> Option<(TypeId, &'a Value, Nodes<'a>)> {
        let Value::Record(lists) = value else { return None };
        let nodes = Nodes(Some((self, lists)));
        let (ty, root) = nodes.get(self.root, &Value::U32(0))?;
        Some((ty, root, nodes))
    }

    /// Visits every node with its type.
    pub(crate) fn each_node<'a>(&self, value: &'a Value, mut visit: impl FnMut(TypeId, &'a Value)) {
        let Value::Record(lists) = value else { return };
        for (ty, list) in self.types.iter().zip(lists) {
            if let Value::List(nodes) = list {
                nodes.iter().for_each(|node| visit(*ty, node));
            }
        }
    }

    /// The list of the root.
    pub(crate) const fn root_list(&self) -> u16 {
        self.root
    }

    /// The root of a table that stands for a tree.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub(crate) fn open<'a>(
        &'a self,
        codecs: &Codecs,
        value: &'a Value,
    ) -> Result<(TypeId, &'a Value, Nodes<'a>), (NodePlace, Fault)> {
        self.survey(codecs, value)?;
        // What the survey found.
        self.root(value).ok_or((NodePlace { list: self.root, node: None }, Fault::NoRoot))
    }

    /// Checks that the table stands for a tree that can be written. Takes time in proportion to the table, not to the tree.
    ///
    /// # Errors
    /// The node, and what is wrong there.
    pub(crate) fn survey(&self, codecs: &Codecs, value: &Value) -> Result<(), (NodePlace, Fault)> {
        let no_root = (NodePlace { list: self.root, node: None }, Fault::NoRoot);
        let Some((.., nodes)) = self.root(value) else { return Err(no_root) };
        let Value::Record(lists) = value else { return Err(no_root) };
        let lengths = lists.iter().map(|list| if let Value::List(nodes) = list { nodes.len() } else { 0 });
        let states = lengths.map(|length| vec![State::Fresh; length]).collect();
        let mut survey = Survey { codecs, nodes, states, own: 0 };
        let (_, written) = survey.node(self.root, 0, 0)?;
        if written.saturating_sub(survey.own) > MAX_REPEATED {
            return Err((NodePlace { list: self.root, node: Some(0) }, Fault::Repeated));
        }
        Ok(())
    }
}

/// A node of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodePlace {
    pub(crate) list: u16,
    /// `None`: the list itself.
    pub(crate) node: Option<u32>,
}

/// Why a table stands for no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NoRoot,
    NoNode(u32),
    Cycle,
    Depth,
    Repeated,
}

impl Fault {
    /// The rule's name in a violation.
    pub(crate) const RULE: &'static str = "nodes";

    /// What is wrong, and what to do.
    pub(crate) fn message(self) -> String {
        match self {
            Self::NoRoot => "is empty: its first node is the value itself".to_owned(),
            Self::NoNode(position) => {
                format!("refers to position {position}, where no node is: give positions in the table's lists")
            }
            Self::Cycle => "is part of a cycle: a node may not contain itself".to_owned(),
            Self::Depth => format!("is nested deeper than {MAX_LEVELS} levels"),
            Self::Repeated => format!("repeats nodes that make up more than {} MiB", MAX_REPEATED >> 20),
        }
    }
}

impl From<Fault> for WriteError {
    fn from(fault: Fault) -> Self {
        Self::new(Fault::RULE, fault.message())
    }
}

#[derive(Debug, Clone, Copy)]
enum State {
    Fresh,
    /// Being looked at: a reference to it is a cycle.
    Open,
    /// The levels below it, and about how many bytes it is written as.
    Done(u32, u64),
}

struct Survey<'a> {
    codecs: &'a Codecs,
    nodes: Nodes<'a>,
    /// By list, then by node.
    states: Vec<Vec<State>>,
    /// About how many bytes all nodes would take if each were written once.
    own: u64,
}

impl Survey<'_> {
    /// The levels below a node that is there, and about how many bytes it is written as.
    fn node(&mut self, list: u16, position: u32, level: u32) -> Result<(u32, u64), (NodePlace, Fault)> {
        let fault = |fault| Err((NodePlace { list, node: Some(position) }, fault));
        let state = &mut self.states[list as usize][position as usize];
        match std::mem::replace(state, State::Open) {
            State::Fresh => {}
            State::Open => return fault(Fault::Cycle),
            done @ State::Done(levels, bytes) => {
                *state = done;
                return if level + levels >= MAX_LEVELS { fault(Fault::Depth) } else { Ok((levels, bytes)) };
            }
        }
        if level >= MAX_LEVELS {
            return fault(Fault::Depth);
        }
        let Some((ty, value)) = self.nodes.get(list, &Value::U32(position)) else { return fault(Fault::NoNode(position)) };
        let mut references = Vec::new();
        let mut bytes = 0;
        each_reference(self.codecs, ty, value, &mut bytes, &mut references);
        self.own = self.own.saturating_add(bytes);
        let mut levels = 0;
        for (to, position) in references {
            let there = self.states.get(to as usize).is_some_and(|list| (position as usize) < list.len());
            if !there {
                return fault(Fault::NoNode(position));
            }
            let (below, more) = self.node(to, position, level + 1)?;
            levels = levels.max(below + 1);
            bytes = bytes.saturating_add(more);
        }
        self.states[list as usize][position as usize] = State::Done(levels, bytes);
        Ok((levels, bytes))
    }
}

/// Collects the references in a node, in the order of writing, and counts about how many bytes the rest is written as. Other tables
/// have references of their own.
fn each_reference(codecs: &Codecs, ty: TypeId, value: &Value, bytes: &mut u64, out: &mut Vec<(u16, u32)>) {
    *bytes += 4;
    match (codecs.get(ty), value) {
        (Codec::Node(list), Value::U32(position)) => out.push((*list, *position)),
        (Codec::Option(inner), Value::Option(Some(value))) | (Codec::NullOr(inner), Value::Variant(_, Some(value))) => {
            each_reference(codecs, *inner, value, bytes, out);
        }
        (Codec::Union(codec), Value::Variant(case, Some(value))) => {
            if let Some(ArmCodec::Value(ty)) = codec.arms.get(*case as usize) {
                each_reference(codecs, *ty, value, bytes, out);
            } else {
                *bytes += weight(value);
            }
        }
        (Codec::List(item), Value::List(items)) => {
            items.iter().for_each(|value| each_reference(codecs, *item, value, bytes, out));
        }
        (Codec::Tuple(types), Value::Tuple(items)) => {
            types.iter().zip(items).for_each(|(ty, value)| each_reference(codecs, *ty, value, bytes, out));
        }
        (Codec::Map(ty), Value::List(entries)) => each_entry(codecs, *ty, entries, bytes, out),
        (Codec::Object(object), Value::Record(slots)) => {
            for member in &object.members {
                if let Some(value) = slots.get(member.slot as usize) {
                    each_reference(codecs, member.ty, value, bytes, out);
                }
            }
            if let Some((slot, ty)) = object.additional
                && let Some(Value::List(entries)) = slots.get(slot as usize)
            {
                each_entry(codecs, ty, entries, bytes, out);
            }
        }
        (_, value) => *bytes += weight(value),
    }
}

fn each_entry(codecs: &Codecs, ty: TypeId, entries: &[Value], bytes: &mut u64, out: &mut Vec<(u16, u32)>) {
    for entry in entries {
        if let Value::Tuple(pair) = entry
            && let [key, value] = &pair[..]
        {
            *bytes += weight(key);
            each_reference(codecs, ty, value, bytes, out);
        }
    }
}

/// About how many bytes a value without references is written as.
fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::Bytes(bytes) => bytes.len() as u64,
        Value::List(parts) | Value::Record(parts) | Value::Tuple(parts) => parts.iter().map(weight).sum(),
        Value::Variant(_, Some(value)) | Value::Option(Some(value)) => weight(value),
        _ => 4,
    }
}
