//! Recursive values: tables of nodes that stand for trees.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use witwire_ir::wire::json::Literal;
use witwire_ir::{Api, Shape, TypeId, Value};

use super::codec::{ArmCodec, Codec, Codecs};
use super::write::WriteError;

/// How deep nodes may refer to others.
pub(super) const MAX_LEVELS: u32 = 100;
/// How many bytes a call may write that no memory of the guest stands for: nodes that are referred to again. A table of some hundred
/// nodes can stand for a tree that no memory holds.
const MAX_REPEATED: u64 = 64 << 20;

/// What a call may still repeat, over all its tables.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u64>,
    /// The addresses of the tables that were counted: one may be looked at before it is written.
    counted: RefCell<HashSet<usize>>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Cell::new(MAX_REPEATED), counted: RefCell::default() }
    }
}

impl Budget {
    /// Takes what a table repeats, once.
    fn spend(&self, table: &Value, repeated: u64) -> Result<(), Fault> {
        let mut counted = self.counted.borrow_mut();
        let address = std::ptr::from_ref(table) as usize;
        if repeated == 0 || counted.contains(&address) {
            return Ok(());
        }
        self.left.set(self.left.get().checked_sub(repeated).ok_or(Fault::Repeated)?);
        counted.insert(address);
        Ok(())
    }
}

/// About how many bytes a table is written as.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// If each node were written once.
    own: u64,
    written: u64,
}

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

    /// The table.
    pub(crate) fn table(self) -> Option<&'a TableCodec> {
        self.0.map(|(table, _)| table)
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

    /// The name of a list in WIT.
    pub(crate) fn list_name<'a>(&self, api: &'a Api, list: u16) -> &'a str {
        match api.shape(self.ty) {
            Shape::Record(fields) => fields.get(list as usize).map_or("", |f| f.name.as_str()),
            _ => "",
        }
    }

    /// The root of a table that stands for a tree.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub(crate) fn open<'a>(
        &'a self,
        codecs: &Codecs,
        value: &'a Value,
        budget: Option<&Budget>,
    ) -> Result<(TypeId, &'a Value, Nodes<'a>), (NodePlace, Fault)> {
        self.survey(codecs, value, budget)?;
        // What the survey found.
        self.root(value).ok_or((NodePlace { list: self.root, node: None }, Fault::NoRoot))
    }

    /// Checks that the table stands for a tree that can be written. Takes time in proportion to the table, not to the tree. A table
    /// inside of another has no budget: the other one has counted it.
    ///
    /// # Errors
    /// The node, and what is wrong there.
    pub(crate) fn survey(&self, codecs: &Codecs, value: &Value, budget: Option<&Budget>) -> Result<(), (NodePlace, Fault)> {
        let extent = self.extent(codecs, value)?;
        match budget.map(|budget| budget.spend(value, extent.written.saturating_sub(extent.own))) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(fault)) => Err((NodePlace { list: self.root, node: Some(0) }, fault)),
        }
    }

    fn extent(&self, codecs: &Codecs, value: &Value) -> Result<Extent, (NodePlace, Fault)> {
        let no_root = (NodePlace { list: self.root, node: None }, Fault::NoRoot);
        let Some((.., nodes)) = self.root(value) else { return Err(no_root) };
        let Value::Record(lists) = value else { return Err(no_root) };
        let lengths = lists.iter().map(|list| if let Value::List(nodes) = list { nodes.len() } else { 0 });
        let states: Vec<_> = lengths.map(|length| vec![State::Fresh; length]).collect();
        // For the work: a table in a node that is repeated is surveyed as often, with the nodes that nothing refers to.
        let all = states.iter().map(|nodes| nodes.len() as u64).sum::<u64>();
        let mut survey = Survey { codecs, nodes, states, own: 0 };
        let (_, written) = survey.node(self.root, 0, 0)?;
        Ok(Extent { own: survey.own.saturating_add(all), written: written.saturating_add(all) })
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
            Self::Repeated => {
                format!("repeats nodes that, in all tables of the call, make up more than {} MiB", MAX_REPEATED >> 20)
            }
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
        let mut node = NodeText { codecs: self.codecs, own: 0, written: 0, references: Vec::new() };
        node.value(ty, value);
        self.own = self.own.saturating_add(node.own);
        let mut bytes = node.written;
        let mut levels = 0;
        for (to, position) in node.references {
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

/// What is written of a node itself.
struct NodeText<'a> {
    codecs: &'a Codecs,
    /// About how many bytes, if each node of the tables in it were written once.
    own: u64,
    written: u64,
    /// In the order of writing. Other tables have references of their own.
    references: Vec<(u16, u32)>,
}

impl NodeText<'_> {
    fn add(&mut self, bytes: u64) {
        self.own = self.own.saturating_add(bytes);
        self.written = self.written.saturating_add(bytes);
    }

    fn value(&mut self, ty: TypeId, value: &Value) {
        self.add(4);
        let codecs = self.codecs;
        match (codecs.get(ty), value) {
            (Codec::Node(list), Value::U32(position)) => self.references.push((*list, *position)),
            (Codec::Table(table), value) => match table.extent(codecs, value) {
                Ok(Extent { own, written }) => {
                    self.own = self.own.saturating_add(own);
                    self.written = self.written.saturating_add(written);
                }
                // It cannot be written, which is told where it stands.
                Err(_) => self.add(weight(value)),
            },
            (Codec::Option(inner), Value::Option(Some(value))) | (Codec::NullOr(inner), Value::Variant(_, Some(value))) => {
                self.value(*inner, value);
            }
            (Codec::Union(codec), Value::Variant(case, payload)) => {
                match (codec.arms.get(*case as usize), payload.as_deref()) {
                    (Some(ArmCodec::Value(ty)), Some(value)) => self.value(*ty, value),
                    (Some(ArmCodec::Constant(literal)), _) => self.add(literal_weight(literal)),
                    (_, payload) => self.add(payload.map_or(0, weight)),
                }
            }
            (Codec::Literals(codec), Value::Enum(case) | Value::Variant(case, None)) => {
                self.add(codec.literals.get(*case as usize).map_or(0, literal_weight));
            }
            (Codec::List(item), Value::List(items)) => items.iter().for_each(|value| self.value(*item, value)),
            (Codec::Tuple(types), Value::Tuple(items)) => {
                types.iter().zip(items).for_each(|(ty, value)| self.value(*ty, value));
            }
            (Codec::Map(ty), Value::List(entries)) => self.entries(*ty, entries),
            (Codec::Object(object), Value::Record(slots)) => {
                self.add(object.constants.iter().map(|(key, literal)| key.len() as u64 + literal_weight(literal)).sum());
                for member in &object.members {
                    if let Some(value) = slots.get(member.slot as usize).filter(|value| !member.omits(value)) {
                        self.add(member.written.len() as u64);
                        self.value(member.ty, value);
                    }
                }
                if let Some((slot, ty)) = object.additional
                    && let Some(Value::List(entries)) = slots.get(slot as usize)
                {
                    self.entries(ty, entries);
                }
            }
            (_, value) => self.add(weight(value)),
        }
    }

    fn entries(&mut self, ty: TypeId, entries: &[Value]) {
        for entry in entries {
            if let Value::Tuple(pair) = entry
                && let [key, value] = &pair[..]
            {
                self.add(weight(key));
                self.value(ty, value);
            }
        }
    }
}

fn literal_weight(literal: &Literal) -> u64 {
    match literal {
        Literal::Number(text) | Literal::String(text) | Literal::Json(text) => text.len() as u64,
        Literal::Null | Literal::Bool(_) | Literal::Int(_) => 4,
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
