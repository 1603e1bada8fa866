//! Values → bytes: one pass over the value, from its end to its start, into one buffer.

use bytes::Bytes;
use witwire_ir::Value;
use witwire_ir::wire::proto::Scalar;

use super::compile::{scalar_wire, wire};
use super::decode::skim;
use super::error::{EncodeError, Refusal, Step};
use super::plan::{AnyId, Codec, FieldPlan, Form, MessageId, Messages, Nested, Presence, Root, SlotPlan, TableId};
use super::reader::WireType;
use super::writer::{Tag, Writer};
use super::{MAX_DEPTH, MAX_MESSAGE};

/// How many bytes may be written that no memory of the guest stands for: nodes of recursive messages that are referred to again,
/// and counted empty messages. A table of some hundred nodes can stand for a tree that no memory holds.
const MAX_REPEATED: usize = 64 << 20;

/// What stands before the name of a known message in an `Any`.
const TYPE_URL: &str = "type.googleapis.com/";

type Encoded = Result<(), EncodeError>;

impl Messages {
    /// Encodes a message.
    ///
    /// # Errors
    /// [`EncodeError`] where the value is not one of the type, nests too deep, or is a table with bad references.
    pub(crate) fn encode(&self, root: Root, value: &Value) -> Result<Bytes, EncodeError> {
        let mut encoder = Encoder { plans: self, writer: Writer::new(), table: Table::default(), repeated: 0 };
        encoder.nested(root.0, value, MAX_DEPTH)?;
        if encoder.writer.len() > MAX_MESSAGE {
            return refuse(Refusal::Length);
        }
        Ok(encoder.writer.finish())
    }
}

#[cold]
fn refuse<T>(refusal: Refusal) -> Result<T, EncodeError> {
    Err(EncodeError::new(refusal))
}

struct Encoder<'a> {
    plans: &'a Messages,
    writer: Writer,
    table: Table<'a>,
    /// Bytes of nodes that were written again.
    repeated: usize,
}

/// The table that is being written; without lists outside of recursive messages.
#[derive(Default)]
struct Table<'a> {
    lists: &'a [Value],
    /// By list, then by node.
    states: Vec<Box<[NodeState]>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeState {
    Fresh,
    /// Being written: a reference to it is a cycle.
    Open,
    Written,
}

impl<'a> Encoder<'a> {
    fn message(&mut self, id: MessageId, value: &'a Value, depth: u32) -> Encoded {
        let plan = self.plans.message(id);
        let Value::Record(slots) = value else { return refuse(Refusal::Mismatch) };
        if slots.len() != plan.slots.len() {
            return refuse(Refusal::Mismatch);
        }
        for (index, (slot, value)) in plan.slots.iter().zip(slots).enumerate().rev() {
            match *slot {
                SlotPlan::Field(field) => self
                    .field(&plan.fields[field as usize], value, depth)
                    .map_err(|e| e.within(Step::Slot(plan.ty, index as u16)))?,
                SlotPlan::Unknown => match value {
                    Value::Bytes(bytes) => {
                        self.unknown(bytes).map_err(|e| e.within(Step::Slot(plan.ty, index as u16)))?;
                    }
                    _ => return refuse(Refusal::Mismatch),
                },
                SlotPlan::Oneof { first, count } => match value {
                    Value::Option(None) => {}
                    Value::Option(Some(value)) => match &**value {
                        Value::Variant(case, payload) if *case < u32::from(count) => self
                            .case(&plan.fields[first as usize + *case as usize], payload.as_deref(), depth)
                            .map_err(|e| e.within(Step::Case(plan.ty, index as u16, *case)))?,
                        _ => return refuse(Refusal::Mismatch),
                    },
                    _ => return refuse(Refusal::Mismatch),
                },
            }
        }
        Ok(())
    }

    #[inline]
    fn field(&mut self, field: &FieldPlan, value: &'a Value, depth: u32) -> Encoded {
        match field.form {
            Form::Singular { codec, presence } => match (presence, codec, value) {
                (Presence::Implicit, Codec::Scalar(scalar), value) => {
                    if !is_zero(value) {
                        self.scalar(scalar, value)?;
                        self.writer.tag(&field.tag);
                    }
                    Ok(())
                }
                (Presence::Implicit, codec @ Codec::Enum(_), value) if self.number(codec, value) == Some(0) => Ok(()),
                (Presence::Explicit, codec, Value::Option(value)) => match value {
                    Some(value) => self.tagged(field.number, &field.tag, codec, value, depth),
                    None => Ok(()),
                },
                (Presence::Explicit, ..) => refuse(Refusal::Mismatch),
                (_, codec, value) => self.tagged(field.number, &field.tag, codec, value, depth),
            },
            Form::Repeated { codec, packed, .. } => match value {
                Value::List(items) if packed => self.packed(field, codec, items),
                Value::List(items) => {
                    for (index, item) in items.iter().enumerate().rev() {
                        self.tagged(field.number, &field.tag, codec, item, depth)
                            .map_err(|e| e.within(Step::Item(index)))?;
                    }
                    Ok(())
                }
                _ => refuse(Refusal::Mismatch),
            },
            Form::Map { key, value: codec, .. } => match value {
                Value::List(entries) => {
                    for (index, entry) in entries.iter().enumerate().rev() {
                        self.entry(field, key, codec, entry, depth).map_err(|e| e.within(Step::Item(index)))?;
                    }
                    Ok(())
                }
                _ => refuse(Refusal::Mismatch),
            },
            Form::EmptyFlag { group } => match value {
                Value::Bool(present) => {
                    if *present {
                        self.empty(field, group);
                    }
                    Ok(())
                }
                _ => refuse(Refusal::Mismatch),
            },
            Form::EmptyCount { group } => match value {
                // Every empty message takes two bytes or more.
                Value::U32(count) if *count as usize > MAX_REPEATED / 2 => refuse(Refusal::Repeated),
                Value::U32(count) => {
                    for _ in 0..*count {
                        self.empty(field, group);
                    }
                    Ok(())
                }
                _ => refuse(Refusal::Mismatch),
            },
            Form::Case { .. } => refuse(Refusal::Mismatch),
        }
    }

    fn case(&mut self, field: &FieldPlan, payload: Option<&'a Value>, depth: u32) -> Encoded {
        match (field.form, payload) {
            (Form::Case { codec: Codec::Empty, .. }, None) => {
                self.empty(field, false);
                Ok(())
            }
            (Form::Case { codec: Codec::Null, .. }, None) => {
                self.writer.varint(0);
                self.writer.tag(&field.tag);
                Ok(())
            }
            (Form::Case { codec, .. }, Some(payload)) => self.tagged(field.number, &field.tag, codec, payload, depth),
            _ => refuse(Refusal::Mismatch),
        }
    }

    /// A value with its tag.
    fn tagged(&mut self, number: u32, tag: &Tag, codec: Codec, value: &'a Value, depth: u32) -> Encoded {
        match codec {
            Codec::Scalar(scalar) => self.scalar(scalar, value)?,
            Codec::Enum(_) => self.enumeration(codec, value)?,
            Codec::Nested { nested, group } => {
                let Some(depth) = depth.checked_sub(1) else { return refuse(Refusal::Depth) };
                if group {
                    self.writer.tag(&Tag::new(number, WireType::GroupEnd));
                    self.nested(nested, value, depth)?;
                } else {
                    let before = self.writer.len();
                    self.nested(nested, value, depth)?;
                    self.writer.length_since(before);
                }
            }
            Codec::Wrapper(scalar) => {
                let before = self.writer.len();
                if !is_zero(value) {
                    self.scalar(scalar, value)?;
                    self.writer.tag(&Tag::new(1, scalar_wire(scalar)));
                }
                self.writer.length_since(before);
            }
            Codec::Empty | Codec::Null => return refuse(Refusal::Mismatch),
        }
        self.writer.tag(tag);
        Ok(())
    }

    /// A message, without its length.
    fn nested(&mut self, nested: Nested, value: &'a Value, depth: u32) -> Encoded {
        match (nested, value) {
            (Nested::Message(id), value) => self.message(id, value, depth),
            (Nested::Table(id), value) => self.table(id, value, depth),
            (Nested::Node { list, id }, Value::U32(node)) => self.node(list, id, *node, depth),
            (Nested::FieldMask, Value::List(paths)) => {
                for path in paths.iter().rev() {
                    self.scalar(Scalar::String, path)?;
                    self.writer.tag(&Tag::new(1, WireType::Bytes));
                }
                Ok(())
            }
            (Nested::Any(id), Value::Variant(case, payload)) => self.any(id, *case, payload.as_deref(), depth),
            _ => refuse(Refusal::Mismatch),
        }
    }

    /// An `Any`, without its length.
    fn any(&mut self, id: AnyId, case: u32, payload: Option<&'a Value>, depth: u32) -> Encoded {
        let plan = self.plans.any(id);
        let Some((name, nested)) = plan.known.get(case as usize) else {
            return match payload {
                Some(payload) if case as usize == plan.known.len() => self.message(plan.other, payload, depth),
                _ => refuse(Refusal::Mismatch),
            };
        };
        match (nested, payload) {
            (None, None) => {}
            (Some(nested), Some(payload)) => {
                let Some(depth) = depth.checked_sub(1) else { return refuse(Refusal::Depth) };
                let before = self.writer.len();
                self.nested(*nested, payload, depth)?;
                if self.writer.len() > before {
                    self.writer.length_since(before);
                    self.writer.tag(&Tag::new(2, WireType::Bytes));
                }
            }
            _ => return refuse(Refusal::Mismatch),
        }
        let before = self.writer.len();
        self.writer.bytes(name.as_bytes());
        self.writer.bytes(TYPE_URL.as_bytes());
        self.writer.length_since(before);
        self.writer.tag(&Tag::new(1, WireType::Bytes));
        Ok(())
    }

    /// Fields that are not known, which must be fields at least.
    fn unknown(&mut self, bytes: &[u8]) -> Encoded {
        if skim(bytes).is_err() {
            return refuse(Refusal::Unknown);
        }
        self.writer.bytes(bytes);
        Ok(())
    }

    fn table(&mut self, id: TableId, value: &'a Value, depth: u32) -> Encoded {
        let plan = self.plans.table(id);
        let Value::Record(lists) = value else { return refuse(Refusal::Mismatch) };
        let states = lists
            .iter()
            .map(|list| match list {
                Value::List(nodes) => Ok(vec![NodeState::Fresh; nodes.len()].into_boxed_slice()),
                _ => refuse(Refusal::Mismatch),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if states.len() != plan.lists as usize {
            return refuse(Refusal::Mismatch);
        }
        let outer = std::mem::replace(&mut self.table, Table { lists, states });
        self.node(plan.root, plan.message, 0, depth).map_err(|e| e.leave_table(plan.ty))?;
        self.table = outer;
        Ok(())
    }

    fn node(&mut self, list: u16, id: MessageId, node: u32, depth: u32) -> Encoded {
        let Some(Value::List(nodes)) = self.table.lists.get(list as usize) else { return refuse(Refusal::Mismatch) };
        let Some(value) = nodes.get(node as usize) else { return refuse(Refusal::NoNode) };
        let state = &mut self.table.states[list as usize][node as usize];
        let before = match std::mem::replace(state, NodeState::Open) {
            NodeState::Fresh => None,
            NodeState::Open => return refuse(Refusal::Cycle),
            NodeState::Written => Some(self.writer.len()),
        };
        self.message(id, value, depth).map_err(|e| e.within_node(list, node))?;
        self.table.states[list as usize][node as usize] = NodeState::Written;
        if let Some(before) = before {
            // At least one byte, for the work.
            self.repeated += (self.writer.len() - before).max(1);
            if self.repeated > MAX_REPEATED {
                return refuse(Refusal::Repeated);
            }
        }
        Ok(())
    }

    fn entry(&mut self, field: &FieldPlan, key: Scalar, codec: Codec, entry: &'a Value, depth: u32) -> Encoded {
        let Some(depth) = depth.checked_sub(1) else { return refuse(Refusal::Depth) };
        let before = self.writer.len();
        let key_value = match (codec, entry) {
            (Codec::Empty, key) => {
                self.writer.varint(0);
                self.writer.tag(&Tag::new(2, WireType::Bytes));
                key
            }
            (codec, Value::Tuple(pair)) => {
                let [key, value] = &**pair else { return refuse(Refusal::Mismatch) };
                self.tagged(2, &Tag::new(2, wire(codec)), codec, value, depth)?;
                key
            }
            _ => return refuse(Refusal::Mismatch),
        };
        self.scalar(key, key_value)?;
        self.writer.tag(&Tag::new(1, scalar_wire(key)));
        self.writer.length_since(before);
        self.writer.tag(&field.tag);
        Ok(())
    }

    fn packed(&mut self, field: &FieldPlan, codec: Codec, items: &[Value]) -> Encoded {
        if items.is_empty() {
            return Ok(());
        }
        let before = self.writer.len();
        for (index, item) in items.iter().enumerate().rev() {
            match codec {
                Codec::Scalar(scalar) => self.scalar(scalar, item),
                codec => self.enumeration(codec, item),
            }
            .map_err(|e| e.within(Step::Item(index)))?;
        }
        self.writer.length_since(before);
        self.writer.tag(&field.tag);
        Ok(())
    }

    fn empty(&mut self, field: &FieldPlan, group: bool) {
        if group {
            self.writer.tag(&Tag::new(field.number, WireType::GroupEnd));
        } else {
            self.writer.varint(0);
        }
        self.writer.tag(&field.tag);
    }

    /// The number of an enum's value. An enum's number is sign-extended, as an `int32` is.
    fn number(&self, codec: Codec, value: &Value) -> Option<u64> {
        let Codec::Enum(id) = codec else { return None };
        self.plans.enumeration(id).number(value).map(|number| i64::from(number) as u64)
    }

    fn enumeration(&mut self, codec: Codec, value: &Value) -> Encoded {
        let Some(number) = self.number(codec, value) else { return refuse(Refusal::Mismatch) };
        self.writer.varint(number);
        Ok(())
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar, value: &Value) -> Encoded {
        let w = &mut self.writer;
        match (scalar, value) {
            (Scalar::String | Scalar::StringUnverified, Value::String(text)) => {
                w.bytes(text.as_bytes());
                w.varint(text.len() as u64);
            }
            (Scalar::Bytes, Value::Bytes(bytes)) => {
                w.bytes(bytes);
                w.varint(bytes.len() as u64);
            }
            (Scalar::Bool, Value::Bool(v)) => w.varint(u64::from(*v)),
            (Scalar::Int32, Value::S32(v)) => w.varint(i64::from(*v) as u64),
            (Scalar::Int64, Value::S64(v)) => w.varint(*v as u64),
            (Scalar::Uint32, Value::U32(v)) => w.varint(u64::from(*v)),
            (Scalar::Uint64, Value::U64(v)) => w.varint(*v),
            (Scalar::Sint32, Value::S32(v)) => w.varint(u64::from(((*v << 1) ^ (*v >> 31)) as u32)),
            (Scalar::Sint64, Value::S64(v)) => w.varint(((*v << 1) ^ (*v >> 63)) as u64),
            (Scalar::Fixed32, Value::U32(v)) => w.bytes(&v.to_le_bytes()),
            (Scalar::Fixed64, Value::U64(v)) => w.bytes(&v.to_le_bytes()),
            (Scalar::Sfixed32, Value::S32(v)) => w.bytes(&v.to_le_bytes()),
            (Scalar::Sfixed64, Value::S64(v)) => w.bytes(&v.to_le_bytes()),
            (Scalar::Float, Value::F32(v)) => w.bytes(&v.to_le_bytes()),
            (Scalar::Double, Value::F64(v)) => w.bytes(&v.to_le_bytes()),
            _ => return refuse(Refusal::Mismatch),
        }
        Ok(())
    }
}

/// Whether a field without presence leaves the value out. Minus zero is not zero.
#[inline]
fn is_zero(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Bool(v) => !v,
        Value::S32(v) => *v == 0,
        Value::S64(v) => *v == 0,
        Value::U32(v) => *v == 0,
        Value::U64(v) => *v == 0,
        Value::F32(v) => v.to_bits() == 0,
        Value::F64(v) => v.to_bits() == 0,
        _ => false,
    }
}
