//! Values ⇄ `prost_reflect::DynamicMessage`: what a value means, said by a library that shares no code with the interpreter.

use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, ReflectMessage, Value as Dynamic};
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field, Presence};
use witwire_ir::{Api, TypeId, Value};

/// The message that a value of a type stands for.
pub(super) fn to_dynamic(api: &Api, ty: TypeId, value: &Value, message: &MessageDescriptor) -> DynamicMessage {
    match &api.types[api.resolve(ty)].wire {
        Wire::Table(table) => {
            let nodes = Nodes { types: &table.nodes, lists: slots(value) };
            nodes.message(api, table.root, 0, message)
        }
        _ => Nodes { types: &[], lists: &[] }.record(api, ty, value, message),
    }
}

/// Whether two messages are equal; if not, both as bytes (the `Debug` form of a recursive message's descriptor has no end).
pub(super) fn same(name: &str, found: &DynamicMessage, expected: &DynamicMessage) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{name}:\n   found {:02x?}\nexpected {:02x?}", found.encode_to_vec(), expected.encode_to_vec()))
}

/// The table that a node is in.
#[derive(Clone, Copy)]
struct Nodes<'a> {
    types: &'a [TypeId],
    lists: &'a [Value],
}

fn slots(value: &Value) -> &[Value] {
    match value {
        Value::Record(slots) | Value::List(slots) | Value::Tuple(slots) => slots,
        other => panic!("no parts: {other:?}"),
    }
}

impl Nodes<'_> {
    fn message(self, api: &Api, list: u16, node: u32, message: &MessageDescriptor) -> DynamicMessage {
        let value = &slots(&self.lists[list as usize])[node as usize];
        self.record(api, self.types[list as usize], value, message)
    }

    fn record(self, api: &Api, ty: TypeId, value: &Value, message: &MessageDescriptor) -> DynamicMessage {
        let Wire::Message(map) = &api.types[api.resolve(ty)].wire else { panic!("no message") };
        let mut out = DynamicMessage::new(message.clone());
        let kind = |number: u32| message.get_field(number).expect("a field of the message").kind();
        for (field, value) in map.fields.iter().zip(slots(value)) {
            match (field, value) {
                (Field::Singular { number, codec, presence: Presence::Explicit, .. }, Value::Option(value)) => {
                    if let Some(value) = value {
                        out.set_field_by_number(*number, self.value(api, codec, value, &kind(*number)));
                    }
                }
                (Field::Singular { number, codec, presence, .. }, value) => {
                    let value = self.value(api, codec, value, &kind(*number));
                    if *presence != Presence::Implicit || !value.is_default(&kind(*number)) || is_minus_zero(&value) {
                        out.set_field_by_number(*number, value);
                    }
                }
                (Field::Repeated { number, codec, .. }, Value::List(items)) => {
                    let items = items.iter().map(|v| self.value(api, codec, v, &kind(*number))).collect();
                    set_list(&mut out, *number, items);
                }
                (Field::Map { number, value: codec, .. }, Value::List(entries)) => {
                    let Kind::Message(entry) = kind(*number) else { panic!("a map's kind is its entry") };
                    let value_kind = entry.map_entry_value_field().kind();
                    let entries = entries.iter().map(|entry| match codec {
                        Codec::Empty => (map_key(entry), empty(&value_kind)),
                        codec => {
                            let [key_value, value] = slots(entry) else { panic!("a pair") };
                            (map_key(key_value), self.value(api, codec, value, &value_kind))
                        }
                    });
                    if entries.len() > 0 {
                        out.set_field_by_number(*number, Dynamic::Map(entries.collect()));
                    }
                }
                (Field::Oneof { cases, .. }, Value::Option(value)) => {
                    if let Some(value) = value {
                        let Value::Variant(case, payload) = &**value else { panic!("a variant") };
                        let case = &cases[*case as usize];
                        let value = match payload {
                            None if case.codec == Codec::Null => Dynamic::EnumNumber(0),
                            None => empty(&kind(case.number)),
                            Some(payload) => self.value(api, &case.codec, payload, &kind(case.number)),
                        };
                        out.set_field_by_number(case.number, value);
                    }
                }
                (Field::EmptyFlag { number, .. }, Value::Bool(present)) => {
                    if *present {
                        out.set_field_by_number(*number, empty(&kind(*number)));
                    }
                }
                (Field::Unknown, Value::Bytes(_)) => {}
                (Field::EmptyCount { number, .. }, Value::U32(count)) => {
                    let items = (0..*count).map(|_| empty(&kind(*number))).collect();
                    set_list(&mut out, *number, items);
                }
                (field, value) => panic!("{field:?} cannot hold {value:?}"),
            }
        }
        out
    }

    fn value(self, api: &Api, codec: &Codec, value: &Value, kind: &Kind) -> Dynamic {
        match codec {
            Codec::Scalar(_) => match (value, kind) {
                // A timestamp's nanoseconds are never negative: a `u32` for the guest.
                (Value::U32(v), Kind::Int32) => Dynamic::I32(*v as i32),
                (value, _) => scalar(value),
            },
            Codec::Enum(ty) => {
                let Wire::ProtoEnum(map) = &api.types[api.resolve(*ty)].wire else { panic!("no enum") };
                Dynamic::EnumNumber(match value {
                    Value::Enum(case) | Value::Variant(case, None) => map.numbers[*case as usize],
                    Value::Variant(_, Some(number)) => match **number {
                        Value::S32(number) => number,
                        _ => panic!("a number"),
                    },
                    other => panic!("no enum: {other:?}"),
                })
            }
            Codec::Message(ty) | Codec::Group(ty) => Dynamic::Message(to_dynamic(api, *ty, value, message(kind))),
            Codec::Node { list, .. } => match value {
                Value::U32(node) => Dynamic::Message(self.message(api, *list, *node, message(kind))),
                other => panic!("no reference: {other:?}"),
            },
            Codec::Empty => empty(kind),
            Codec::Null => Dynamic::EnumNumber(0),
            Codec::Any(ty) => any(api, *ty, value, message(kind)),
            Codec::Wrapper(_) => {
                let mut wrapper = DynamicMessage::new(message(kind).clone());
                let value = scalar(value);
                let field = wrapper.descriptor().get_field(1).expect("a wrapper has field 1");
                if !value.is_default(&field.kind()) || is_minus_zero(&value) {
                    wrapper.set_field(&field, value);
                }
                Dynamic::Message(wrapper)
            }
            Codec::FieldMask => {
                let mut mask = DynamicMessage::new(message(kind).clone());
                set_list(&mut mask, 1, slots(value).iter().map(scalar).collect());
                Dynamic::Message(mask)
            }
        }
    }
}

/// An `Any` of known messages; those are in the same pool.
fn any(api: &Api, ty: TypeId, value: &Value, descriptor: &MessageDescriptor) -> Dynamic {
    let Wire::AnyOf(any) = &api.types[api.resolve(ty)].wire else { panic!("no `Any`") };
    let Value::Variant(case, payload) = value else { panic!("no variant: {value:?}") };
    let Some(known) = any.known.get(*case as usize) else {
        let other = payload.as_deref().expect("the last case has a payload");
        return Dynamic::Message(to_dynamic(api, any.other, other, descriptor));
    };
    let of = descriptor.parent_pool().get_message_by_name(&known.full_name).expect("a known message is in the pool");
    let content = match (&known.codec, payload) {
        (Codec::Message(ty), Some(payload)) => to_dynamic(api, *ty, payload, &of),
        _ => DynamicMessage::new(of),
    };
    let mut out = DynamicMessage::new(descriptor.clone());
    out.set_field_by_number(1, Dynamic::String(format!("type.googleapis.com/{}", known.full_name)));
    out.set_field_by_number(2, Dynamic::Bytes(content.encode_to_vec().into()));
    Dynamic::Message(out)
}

/// To the oracle, an empty list that was set is not the same as one that was not.
fn set_list(message: &mut DynamicMessage, number: u32, items: Vec<Dynamic>) {
    if !items.is_empty() {
        message.set_field_by_number(number, Dynamic::List(items));
    }
}

fn message(kind: &Kind) -> &MessageDescriptor {
    kind.as_message().expect("a message")
}

fn empty(kind: &Kind) -> Dynamic {
    Dynamic::Message(DynamicMessage::new(message(kind).clone()))
}

fn is_minus_zero(value: &Dynamic) -> bool {
    matches!(value, Dynamic::F64(v) if v.to_bits() != 0) || matches!(value, Dynamic::F32(v) if v.to_bits() != 0)
}

fn scalar(value: &Value) -> Dynamic {
    match value {
        Value::Bool(v) => Dynamic::Bool(*v),
        Value::S32(v) => Dynamic::I32(*v),
        Value::S64(v) => Dynamic::I64(*v),
        Value::U32(v) => Dynamic::U32(*v),
        Value::U64(v) => Dynamic::U64(*v),
        Value::F32(v) => Dynamic::F32(*v),
        Value::F64(v) => Dynamic::F64(*v),
        Value::String(v) => Dynamic::String(v.to_string()),
        Value::Bytes(v) => Dynamic::Bytes(v.to_vec().into()),
        other => panic!("no scalar: {other:?}"),
    }
}

fn map_key(value: &Value) -> MapKey {
    match value {
        Value::Bool(v) => MapKey::Bool(*v),
        Value::S32(v) => MapKey::I32(*v),
        Value::S64(v) => MapKey::I64(*v),
        Value::U32(v) => MapKey::U32(*v),
        Value::U64(v) => MapKey::U64(*v),
        Value::String(v) => MapKey::String(v.to_string()),
        other => panic!("no key: {other:?}"),
    }
}
