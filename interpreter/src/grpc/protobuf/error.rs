//! Why bytes or a value were refused, and where.

use std::fmt::Write;

use witwire_ir::{Api, Shape, TypeId};

/// What is wrong with encoded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// A value, or the length before it, reaches past the end.
    #[error("the bytes end inside a value")]
    Truncated,
    /// More than ten bytes.
    #[error("a varint is longer than ten bytes")]
    Varint,
    /// More than five bytes.
    #[error("a tag or a length is longer than five bytes")]
    Short,
    /// A field number of 0 or above 2²⁹ − 1.
    #[error("a field number is out of range")]
    FieldNumber,
    /// Wire types 6 and 7.
    #[error("an unknown wire type")]
    WireType,
    /// An end that nothing started, or of another field.
    #[error("a group ends that was not started")]
    GroupEnd,
    /// A `string` that is none.
    #[error("a string is not UTF-8")]
    Utf8,
    /// Packed fixed-size elements that do not fill their length.
    #[error("a packed list ends inside an element")]
    Packed,
    /// A proto2 `required` field is not there.
    #[error("a required field is absent")]
    Required,
    /// More than [`super::MAX_DEPTH`] messages or groups inside one another.
    #[error("messages nest more than {} deep", super::MAX_DEPTH)]
    Depth,
    /// The value would take far more memory than the bytes.
    #[error("the message stands for more data than its size allows")]
    Budget,
    /// Longer than [`super::MAX_MESSAGE`].
    #[error("the message is longer than 2 GiB")]
    Length,
}

/// What is wrong with a value that was to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The value is not one of its type.
    #[error("the value is not one of its type")]
    Mismatch,
    /// More than [`super::MAX_DEPTH`] messages inside one another.
    #[error("messages nest more than {} deep", super::MAX_DEPTH)]
    Depth,
    /// Longer than [`super::MAX_MESSAGE`].
    #[error("the message would be longer than 2 GiB")]
    Length,
    /// A reference to a node that is not in the table.
    #[error("there is no node at this position; the root is node 0 of its own list")]
    NoNode,
    /// A node that is part of itself.
    #[error("the nodes form a cycle; a message is a tree")]
    Cycle,
    /// Nodes that are written again, or a count of empty messages, take more than 64 MiB.
    #[error("what is only referred to or counted would be written out to more than 64 MiB")]
    Repeated,
    /// Bytes of unknown fields that are no fields.
    #[error("the unknown fields are not well-formed: give them as they were received")]
    Unknown,
}

/// One step from a message to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a slot of the record.
    Slot(TypeId, u16),
    /// Into a case of the oneof in a slot of the record.
    Case(TypeId, u16, u32),
    /// Into an item of a list, or an entry of a map.
    Item(usize),
}

/// Where in a message something is; steps are collected from the inside outwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Path(Vec<Step>);

impl Path {
    fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    /// The path in the names of the guest: `todos[3].user-id`. Empty for the message itself.
    fn render(&self, api: &Api) -> String {
        let mut text = String::new();
        for step in self.0.iter().rev() {
            match *step {
                Step::Slot(record, slot) => name(&mut text, slot_name(api, record, slot)),
                Step::Case(record, slot, case) => {
                    name(&mut text, slot_name(api, record, slot));
                    name(&mut text, case_name(api, record, slot, case));
                }
                // Writing to a `String` cannot fail.
                Step::Item(index) => drop(write!(text, "[{index}]")),
            }
        }
        text
    }
}

fn name(text: &mut String, name: Option<&str>) {
    if !text.is_empty() {
        text.push('.');
    }
    text.push_str(name.unwrap_or("?"));
}

fn slot_name(api: &Api, record: TypeId, slot: u16) -> Option<&str> {
    match api.shape(record) {
        Shape::Record(fields) => fields.get(slot as usize).map(|f| f.name.as_str()),
        _ => None,
    }
}

fn case_name(api: &Api, record: TypeId, slot: u16, case: u32) -> Option<&str> {
    let Shape::Record(fields) = api.shape(record) else { return None };
    let Shape::Option(variant) = api.shape(fields.get(slot as usize)?.ty) else { return None };
    match api.shape(*variant) {
        Shape::Variant(cases) => cases.get(case as usize).map(|c| c.name.as_str()),
        _ => None,
    }
}

/// Bytes that are not a message of the type. One word, so that the way without errors moves no more than it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError(Box<DecodeFault>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct DecodeFault {
    fault: Fault,
    /// The byte at which it was noticed, from the start of the message.
    offset: usize,
    /// The field that it belongs to.
    path: Path,
}

impl DecodeError {
    #[cold]
    pub(super) fn new(fault: Fault, offset: usize) -> Self {
        Self(Box::new(DecodeFault { fault, offset, path: Path::default() }))
    }

    #[cold]
    pub(super) fn within(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// Where and what, as a sentence: "`todos[3].user-id` at byte 17: a string is not UTF-8".
    pub(crate) fn describe(&self, api: &Api) -> String {
        let DecodeFault { fault, offset, path } = &*self.0;
        let path = path.render(api);
        let path = if path.is_empty() { String::new() } else { format!("`{path}` ") };
        format!("{path}at byte {offset}: {fault}")
    }
}

/// A value that cannot be encoded. One word, as [`DecodeError`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodeError(Box<EncodeFault>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct EncodeFault {
    refusal: Refusal,
    /// The part that it belongs to. A node of a recursive message is found by its place in the table, as the guest wrote it.
    path: Path,
    /// The list and the node that the path starts with, until it leaves the table.
    node: Option<(u16, u32)>,
}

impl EncodeError {
    #[cold]
    pub(super) fn new(refusal: Refusal) -> Self {
        Self(Box::new(EncodeFault { refusal, path: Path::default(), node: None }))
    }

    #[cold]
    pub(super) fn within(mut self, step: Step) -> Self {
        if self.0.node.is_none() {
            self.0.path.push(step);
        }
        self
    }

    /// Out of a node to the one that refers to it.
    #[cold]
    pub(super) fn within_node(mut self, list: u16, node: u32) -> Self {
        self.0.node.get_or_insert((list, node));
        self
    }

    /// Out of the root of a table.
    #[cold]
    pub(super) fn leave_table(mut self, table: TypeId) -> Self {
        if let Some((list, node)) = self.0.node.take() {
            self.0.path.push(Step::Item(node as usize));
            self.0.path.push(Step::Slot(table, list));
        }
        self
    }

    /// What is wrong.
    pub(crate) fn refusal(&self) -> Refusal {
        self.0.refusal
    }

    /// The part that is wrong, within an argument: `request.filter.exprs[2]`.
    pub(crate) fn location(&self, api: &Api, argument: &str) -> String {
        let path = self.0.path.render(api);
        let dot = if path.is_empty() { "" } else { "." };
        format!("{argument}{dot}{path}")
    }
}
