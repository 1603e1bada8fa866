//! Bytes → values.
//!
//! A message that stands several times in a singular field is the concatenation of its parts ("Last One Wins"). So singular
//! messages are noted while the fields of their parent are read, and decoded at its end, each once: no part of the input is
//! decoded twice, however it is arranged.

mod absent;
mod any;
mod frame;
mod known;
mod map;
mod packed;
mod scalar;

use std::ops::Range;

use witwire_ir::Value;

use super::compile::{message_wire, wire};
use super::error::{DecodeError, Fault, Step};
use super::plan::{Codec, FieldPlan, Form, MessageId, MessagePlan, Messages, Nested, Presence, Root, TableId};
use super::reader::{Key, Reader, Span, WireType};
use super::{MAX_DEPTH, MAX_MESSAGE};
use frame::Frame;
use packed::packable;
use scalar::read_scalar;

pub(crate) use map::keep_last;

/// What a decoded value may take in memory, however short its message: 32 MiB …
const ALLOWANCE: usize = 32 << 20;
/// … and so many bytes more per byte of the message. A scalar takes 24 bytes and at least one on the wire; an absent field of a
/// message that is there takes 24 bytes and none.
const PER_BYTE: usize = 64;

type Decoded<T> = Result<T, DecodeError>;

impl Messages {
    /// Decodes a message.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are malformed, a required field is absent, or a limit is passed.
    pub(crate) fn decode(&self, root: Root, bytes: &[u8]) -> Decoded<Value> {
        if bytes.len() > MAX_MESSAGE {
            return Err(DecodeError::new(Fault::Length, 0));
        }
        let budget = (ALLOWANCE + PER_BYTE * bytes.len()) / size_of::<Value>();
        let mut decoder =
            Decoder { plans: self, input: bytes, later: Vec::new(), nodes: Vec::new(), budget, spare: Vec::new() };
        let whole = Span { start: 0, end: bytes.len() as u32 };
        decoder.nested(root.0, whole, 0..0, MAX_DEPTH)
    }
}

/// Checks that bytes are a well-formed message, of which no field is known.
///
/// # Errors
/// [`DecodeError`] where they are not.
pub(crate) fn skim(bytes: &[u8]) -> Decoded<()> {
    Reader::new(bytes).skip_all(MAX_DEPTH)
}

struct Decoder<'a> {
    plans: &'a Messages,
    input: &'a [u8],
    /// Parts of messages that are decoded at the end of their parent: a stack, of which each open parent owns the top.
    later: Vec<Later>,
    /// The lists of the table that is being read; empty outside of recursive messages.
    nodes: Vec<Vec<Value>>,
    /// How many more [`Value`]s may be made.
    budget: usize,
    /// Emptied [`Frame::lists`], for the next messages.
    spare: Vec<Vec<Vec<Value>>>,
}

/// A part of a message that is decoded at the end of its parent.
#[derive(Debug, Clone, Copy)]
struct Later {
    slot: u16,
    /// Whether it replaces earlier parts in the slot (another case of the oneof was read between) instead of continuing them.
    fresh: bool,
    /// The position of the field in its message.
    field: u16,
    span: Span,
}

impl<'a> Decoder<'a> {
    #[inline]
    fn charge(&mut self, values: usize, at: usize) -> Decoded<()> {
        match self.budget.checked_sub(values) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(DecodeError::new(Fault::Budget, at)),
        }
    }

    /// The value of a message that stands in one or more parts: `first`, and `more` on the stack of parts.
    fn nested(&mut self, nested: Nested, first: Span, more: Range<usize>, depth: u32) -> Decoded<Value> {
        match nested {
            Nested::Message(id) => self.message(id, first, more, depth),
            Nested::Table(id) => self.table(id, |d, list, id| d.node(list, id, first, more, depth).map(drop)),
            Nested::Node { list, id } => self.node(list, id, first, more, depth),
            Nested::FieldMask => self.field_mask(first, more, depth),
            Nested::Any(id) => self.any(id, first, more, depth),
        }
    }

    /// A table whose root is read by `root`.
    fn table(&mut self, id: TableId, root: impl FnOnce(&mut Self, u16, MessageId) -> Decoded<()>) -> Decoded<Value> {
        let plan = self.plans.table(id);
        self.charge(plan.lists as usize, self.input.len())?;
        let empty = std::iter::repeat_with(Vec::new).take(plan.lists as usize).collect();
        let outer = std::mem::replace(&mut self.nodes, empty);
        root(self, plan.root, plan.message)?;
        let lists = std::mem::replace(&mut self.nodes, outer);
        Ok(Value::Record(lists.into_iter().map(|nodes| Value::List(nodes.into())).collect()))
    }

    /// A node of the table that is being read; the value is its position. It is reserved first, so that the root is node 0.
    fn node(&mut self, list: u16, id: MessageId, first: Span, more: Range<usize>, depth: u32) -> Decoded<Value> {
        let nodes = &mut self.nodes[list as usize];
        let position = nodes.len();
        nodes.push(Value::Bool(false));
        let node = self.message(id, first, more, depth)?;
        self.nodes[list as usize][position] = node;
        Ok(Value::U32(position as u32))
    }

    fn message(&mut self, id: MessageId, first: Span, more: Range<usize>, depth: u32) -> Decoded<Value> {
        let plan = self.plans.message(id);
        self.charge(plan.blank.len() + 1, first.start as usize)?;
        let mut frame = Frame {
            slots: plan.blank.to_vec(),
            lists: Vec::new(),
            seen: vec![false; plan.required.len()],
            unknown: Vec::new(),
            unread: false,
        };
        let base = self.later.len();
        self.fields(plan, &mut frame, first, depth)?;
        for part in more {
            let span = self.later[part].span;
            self.fields(plan, &mut frame, span, depth)?;
        }
        if self.later.len() > base {
            self.settle(plan, &mut frame, base, depth)?;
        }
        if let Some(absent) = frame.seen.iter().position(|seen| !seen) {
            let error = DecodeError::new(Fault::Required, first.end as usize);
            return Err(error.within(Step::Slot(plan.ty, plan.required[absent])));
        }
        self.fill_bare(plan, &mut frame.slots, depth)?;
        if let Some(slot) = plan.unknown.filter(|_| !frame.unknown.is_empty()) {
            self.charge(frame.unknown.len() / size_of::<Value>(), first.end as usize)?;
            frame.slots[slot as usize] = Value::Bytes(frame.unknown.into());
        }
        if !frame.lists.is_empty() {
            for (list, items) in plan.lists.iter().zip(&mut frame.lists) {
                let mut items = std::mem::take(items);
                if list.map {
                    keep_last(&mut items);
                }
                if !items.is_empty() {
                    frame.slots[list.slot as usize] = Value::List(items.into());
                }
            }
            self.spare.push(frame.lists);
        }
        Ok(Value::Record(frame.slots.into()))
    }

    /// The items so far of a list in a message that is being read.
    #[inline]
    fn list<'f>(&mut self, plan: &MessagePlan, frame: &'f mut Frame, list: u16) -> &'f mut Vec<Value> {
        if frame.lists.is_empty() {
            frame.lists = self.spare.pop().unwrap_or_default();
            frame.lists.resize_with(plan.lists.len(), Vec::new);
        }
        &mut frame.lists[list as usize]
    }

    /// Reads the fields of one part of a message.
    fn fields(&mut self, plan: &'a MessagePlan, frame: &mut Frame, span: Span, depth: u32) -> Decoded<()> {
        let mut reader = Reader::span(self.input, span);
        while !reader.is_done() {
            let start = reader.at();
            let key = reader.key()?;
            match plan.numbers.get(key.number) {
                Some(position) if plan.unknown.is_none() || self.is_known(plan, position, key, &reader) => {
                    let field = &plan.fields[position];
                    self.field(plan, frame, &mut reader, key, position as u16, depth)
                        .map_err(|e| e.within(step(plan, field)))?;
                }
                _ => {
                    reader.skip(key, depth)?;
                    frame.unread = true;
                }
            }
            if std::mem::take(&mut frame.unread) && plan.unknown.is_some() {
                frame.unknown.extend_from_slice(&self.input[start..reader.at()]);
            }
        }
        Ok(())
    }

    /// Whether a field of a known number says something that its slot can hold: its wire type is one of the field's, and where it
    /// is a closed enum's, its number is known. Else it counts as unknown.
    fn is_known(&self, plan: &MessagePlan, position: usize, key: Key, reader: &Reader<'a>) -> bool {
        let (codec, repeated) = match plan.fields[position].form {
            Form::Singular { codec, .. } | Form::Case { codec, .. } => (codec, false),
            Form::Repeated { codec, .. } => (codec, true),
            Form::Map { .. } => return key.wire == WireType::Bytes,
            Form::EmptyFlag { group } | Form::EmptyCount { group } => return key.wire == message_wire(group),
        };
        if repeated && key.wire == WireType::Bytes && packable(codec) {
            return true;
        }
        let number = |id| reader.clone().varint().map(|number| self.plans.enumeration(id).value(number as i32));
        key.wire == wire(codec)
            && match codec {
                // A malformed number is reported where the field is read.
                Codec::Enum(id) => !matches!(number(id), Ok(None)),
                _ => true,
            }
    }

    /// Reads one field. A wire type that the field does not have makes it an unknown one.
    #[inline]
    fn field(
        &mut self,
        plan: &'a MessagePlan,
        frame: &mut Frame,
        reader: &mut Reader<'a>,
        key: Key,
        position: u16,
        depth: u32,
    ) -> Decoded<()> {
        let field = &plan.fields[position as usize];
        let slot = field.slot;
        match field.form {
            Form::Singular { codec, presence } => {
                if key.wire != wire(codec) {
                    return reader.skip(key, depth);
                }
                match codec {
                    Codec::Scalar(scalar) if presence == Presence::Implicit => {
                        frame.slots[slot as usize] = read_scalar(reader, scalar)?;
                    }
                    Codec::Scalar(scalar) => {
                        let value = read_scalar(reader, scalar)?;
                        if presence == Presence::Explicit {
                            self.charge(1, reader.at())?;
                        }
                        frame.fill(slot, presence, value);
                    }
                    Codec::Enum(id) => {
                        let number = reader.varint()? as i32;
                        if let Some(value) = self.plans.enumeration(id).value(number) {
                            self.charge(2, reader.at())?;
                            frame.fill(slot, presence, value);
                        }
                    }
                    Codec::Wrapper(scalar) => {
                        let earlier = match std::mem::replace(&mut frame.slots[slot as usize], Value::none()) {
                            Value::Option(earlier) => earlier.map(|v| *v),
                            earlier => Some(earlier),
                        };
                        self.charge(2, reader.at())?;
                        let value = self.wrapper(scalar, reader.delimited()?, earlier, depth)?;
                        frame.fill(slot, presence, value);
                    }
                    Codec::Empty | Codec::Null => reader.skip(key, depth)?,
                    Codec::Nested { .. } => {
                        if let Presence::Required { index } = presence {
                            frame.seen[index as usize] = true;
                        }
                        let span = message_span(reader, key, depth)?;
                        self.later.push(Later { slot, fresh: false, field: position, span });
                    }
                }
            }
            Form::Case { codec, case } => {
                if key.wire != wire(codec) {
                    return reader.skip(key, depth);
                }
                self.charge(3, reader.at())?;
                match codec {
                    Codec::Scalar(scalar) => frame.set_case(slot, case, Some(read_scalar(reader, scalar)?)),
                    Codec::Enum(id) => {
                        let number = reader.varint()? as i32;
                        if let Some(value) = self.plans.enumeration(id).value(number) {
                            frame.set_case(slot, case, Some(value));
                        }
                    }
                    Codec::Wrapper(scalar) => {
                        let earlier = frame.take_payload(slot, case);
                        let value = self.wrapper(scalar, reader.delimited()?, earlier, depth)?;
                        frame.set_case(slot, case, Some(value));
                    }
                    Codec::Empty => {
                        self.empty(message_span(reader, key, depth)?, depth)?;
                        frame.set_case(slot, case, None);
                    }
                    Codec::Null => {
                        reader.varint()?;
                        frame.set_case(slot, case, None);
                    }
                    Codec::Nested { .. } => {
                        let fresh = frame.case(slot) != Some(case);
                        let span = message_span(reader, key, depth)?;
                        self.later.push(Later { slot, fresh, field: position, span });
                        // The payload follows at the end of the message.
                        frame.set_case(slot, case, None);
                    }
                }
            }
            Form::Repeated { codec, list, .. } => {
                if key.wire == WireType::Bytes && packable(codec) {
                    let span = reader.delimited()?;
                    let items = self.list(plan, frame, list);
                    self.packed(items, codec, span)?;
                    if let (Codec::Enum(id), Some(_)) = (codec, plan.unknown) {
                        self.unknown_numbers(id, key.number, span, &mut frame.unknown)?;
                    }
                    return Ok(());
                }
                if key.wire != wire(codec) {
                    return reader.skip(key, depth);
                }
                self.charge(2, reader.at())?;
                let items = self.list(plan, frame, list);
                let at = items.len();
                if let Some(item) = self.item(reader, key, codec, depth).map_err(|e| e.within(Step::Item(at)))? {
                    items.push(item);
                }
            }
            Form::Map { key: scalar, value, list } => {
                if key.wire != WireType::Bytes {
                    return reader.skip(key, depth);
                }
                self.charge(4, reader.at())?;
                let entries = self.list(plan, frame, list);
                let at = entries.len();
                let span = reader.delimited()?;
                match self.entry(scalar, value, span, depth).map_err(|e| e.within(Step::Item(at)))? {
                    Some(entry) => entries.push(entry),
                    None => frame.unread = true,
                }
            }
            Form::EmptyFlag { group } => {
                if key.wire != message_wire(group) {
                    return reader.skip(key, depth);
                }
                self.empty(message_span(reader, key, depth)?, depth)?;
                frame.slots[slot as usize] = Value::Bool(true);
            }
            Form::EmptyCount { group } => {
                if key.wire != message_wire(group) {
                    return reader.skip(key, depth);
                }
                self.empty(message_span(reader, key, depth)?, depth)?;
                if let Value::U32(count) = &mut frame.slots[slot as usize] {
                    *count += 1;
                }
            }
        }
        Ok(())
    }

    /// Decodes the messages that were noted while the fields were read.
    fn settle(&mut self, plan: &'a MessagePlan, frame: &mut Frame, base: usize, depth: u32) -> Decoded<()> {
        let end = self.later.len();
        self.later[base..end].sort_unstable_by_key(|part| (part.slot, part.span.start));
        let mut first = base;
        while first < end {
            let Later { slot, field, span, .. } = self.later[first];
            let mut next = first + 1;
            while next < end && self.later[next].slot == slot && !self.later[next].fresh {
                next += 1;
            }
            let field = &plan.fields[field as usize];
            self.settle_one(field, frame, span, first + 1..next, depth).map_err(|e| e.within(step(plan, field)))?;
            first = next;
        }
        self.later.truncate(base);
        Ok(())
    }

    fn settle_one(
        &mut self,
        field: &FieldPlan,
        frame: &mut Frame,
        first: Span,
        more: Range<usize>,
        depth: u32,
    ) -> Decoded<()> {
        let depth = enter(depth, first.start as usize)?;
        match field.form {
            Form::Singular { codec: Codec::Nested { nested, .. }, presence } => {
                let value = self.nested(nested, first, more, depth)?;
                frame.fill(field.slot, presence, value);
            }
            Form::Case { codec: Codec::Nested { nested, .. }, case } => {
                let value = self.nested(nested, first, more, depth)?;
                // Where another case was read since, this one was only to be looked at.
                if frame.case(field.slot) == Some(case) {
                    frame.set_case(field.slot, case, Some(value));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// An element of a repeated field; `None` for an unknown number of a closed enum.
    fn item(&mut self, reader: &mut Reader<'a>, key: Key, codec: Codec, depth: u32) -> Decoded<Option<Value>> {
        Ok(match codec {
            Codec::Scalar(scalar) => Some(read_scalar(reader, scalar)?),
            Codec::Enum(id) => self.plans.enumeration(id).value(reader.varint()? as i32),
            Codec::Wrapper(scalar) => {
                let span = reader.delimited()?;
                Some(self.wrapper(scalar, span, None, depth)?)
            }
            Codec::Empty | Codec::Null => {
                reader.skip(key, depth)?;
                None
            }
            Codec::Nested { nested, .. } => {
                let span = message_span(reader, key, depth)?;
                let depth = enter(depth, span.start as usize)?;
                Some(self.nested(nested, span, 0..0, depth)?)
            }
        })
    }
}

/// Goes into a message: how deep those in it may still nest.
#[inline]
fn enter(depth: u32, at: usize) -> Decoded<u32> {
    depth.checked_sub(1).ok_or_else(|| DecodeError::new(Fault::Depth, at))
}

fn step(plan: &MessagePlan, field: &FieldPlan) -> Step {
    match field.form {
        Form::Case { case, .. } => Step::Case(plan.ty, field.slot, case),
        _ => Step::Slot(plan.ty, field.slot),
    }
}

/// The content of a message, by length or as a group.
#[inline]
fn message_span(reader: &mut Reader<'_>, key: Key, depth: u32) -> Decoded<Span> {
    if key.wire == WireType::GroupStart { reader.group(key.number, depth) } else { reader.delimited() }
}
