//! Protobuf wire maps fit their shapes.

use std::collections::HashSet;

use super::same::same;
use crate::api::Api;
use crate::id::TypeId;
use crate::types::Shape;
use crate::wire::Wire;
use crate::wire::proto::{AnyOf, Codec, Field, Message, Presence, ProtoEnum, Scalar, Table};

/// The largest field number, 2²⁹ − 1 (Protocol Buffers "Encoding").
const MAX_NUMBER: u32 = (1 << 29) - 1;

pub(super) fn message(api: &Api, ty: TypeId, message: &Message) -> Result<(), String> {
    let Shape::Record(slots) = api.shape(ty) else { return Err("a message is a record".to_owned()) };
    if slots.len() != message.fields.len() {
        return Err(format!("{} slots, {} fields of the message", slots.len(), message.fields.len()));
    }
    if message.fields.iter().filter(|f| matches!(f, Field::Unknown)).count() > 1 {
        return Err("unknown fields have two slots".to_owned());
    }
    let mut numbers = HashSet::new();
    for (slot, field) in slots.iter().zip(&message.fields) {
        for number in field_numbers(field) {
            if !(1..=MAX_NUMBER).contains(&number) {
                return Err(format!("field number {number} does not exist"));
            }
            if !numbers.insert(number) {
                return Err(format!("field number {number} is used twice"));
            }
        }
        if !fits(api, slot.ty, field) {
            return Err(format!("slot `{}` does not fit its field", slot.name.as_str()));
        }
    }
    Ok(())
}

fn field_numbers(field: &Field) -> Vec<u32> {
    match field {
        Field::Singular { number, .. }
        | Field::Repeated { number, .. }
        | Field::Map { number, .. }
        | Field::EmptyFlag { number, .. }
        | Field::EmptyCount { number, .. } => vec![*number],
        Field::Oneof { cases, .. } => cases.iter().map(|c| c.number).collect(),
        Field::Unknown => Vec::new(),
    }
}

fn fits(api: &Api, slot: TypeId, field: &Field) -> bool {
    match (field, api.shape(slot)) {
        (Field::Singular { codec, presence: Presence::Explicit, .. }, Shape::Option(inner)) => codes(api, codec, *inner),
        (Field::Singular { presence: Presence::Explicit, .. }, _) => false,
        (Field::Singular { codec, .. }, _) => codes(api, codec, slot),
        (Field::Repeated { codec, .. }, Shape::List(item)) => codes(api, codec, *item),
        (Field::Map { key, value: Codec::Empty, .. }, Shape::List(item)) => scalar(api.shape(*item), *key),
        (Field::Map { key, value, .. }, Shape::List(item)) => match api.shape(*item) {
            Shape::Tuple(pair) if pair.len() == 2 => scalar(api.shape(pair[0]), *key) && codes(api, value, pair[1]),
            _ => false,
        },
        (Field::Oneof { cases, .. }, Shape::Option(inner)) => match api.shape(*inner) {
            Shape::Variant(variant) => {
                variant.len() == cases.len()
                    && variant.iter().zip(cases).all(|(case, wire)| match (case.ty, &wire.codec) {
                        (None, codec) => matches!(codec, Codec::Empty | Codec::Null),
                        (Some(ty), codec) => codes(api, codec, ty),
                    })
            }
            _ => false,
        },
        (Field::EmptyFlag { .. }, Shape::Bool) | (Field::EmptyCount { .. }, Shape::U32) | (Field::Unknown, Shape::Bytes) => {
            true
        }
        _ => false,
    }
}

fn codes(api: &Api, codec: &Codec, ty: TypeId) -> bool {
    let shape = api.shape(ty);
    let wire = |t: &TypeId| &api.types[api.resolve(*t)].wire;
    match codec {
        Codec::Scalar(s) | Codec::Wrapper(s) => scalar(shape, *s),
        Codec::Enum(t) => same(api, *t, ty) && matches!(wire(t), Wire::ProtoEnum(_)),
        Codec::Message(t) | Codec::Group(t) => same(api, *t, ty) && matches!(wire(t), Wire::Message(_) | Wire::Table(_)),
        Codec::Node { .. } => matches!(shape, Shape::U32),
        Codec::Any(t) => same(api, *t, ty) && matches!(wire(t), Wire::AnyOf(_)),
        Codec::Empty | Codec::Null => false,
        Codec::FieldMask => matches!(shape, Shape::List(item) if matches!(api.shape(*item), Shape::String)),
    }
}

const fn scalar(shape: &Shape, scalar: Scalar) -> bool {
    match scalar {
        Scalar::Double => matches!(shape, Shape::F64),
        Scalar::Float => matches!(shape, Shape::F32),
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => matches!(shape, Shape::S32),
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => matches!(shape, Shape::S64),
        Scalar::Uint32 | Scalar::Fixed32 => matches!(shape, Shape::U32),
        Scalar::Uint64 | Scalar::Fixed64 => matches!(shape, Shape::U64),
        Scalar::Bool => matches!(shape, Shape::Bool),
        Scalar::String | Scalar::StringUnverified => matches!(shape, Shape::String),
        Scalar::Bytes => matches!(shape, Shape::Bytes),
    }
}

pub(super) fn enumeration(api: &Api, ty: TypeId, map: &ProtoEnum) -> Result<(), String> {
    let known = map.numbers.len();
    let fits = match api.shape(ty) {
        Shape::Enum(labels) => labels.len() == known,
        Shape::Variant(cases) => {
            let open = cases.last().and_then(|c| c.ty);
            cases.len() == known + 1
                && cases[..known].iter().all(|c| c.ty.is_none())
                && open.is_some_and(|ty| matches!(api.shape(ty), Shape::S32))
        }
        _ => false,
    };
    if !fits {
        return Err("the numbers do not fit the cases".to_owned());
    }
    if (map.default as usize) < known { Ok(()) } else { Err("the default is no case".to_owned()) }
}

pub(super) fn any_of(api: &Api, ty: TypeId, any: &AnyOf) -> Result<(), String> {
    let Shape::Variant(cases) = api.shape(ty) else { return Err("an `Any` of known messages is a variant".to_owned()) };
    let Some((other, known)) = cases.split_last().filter(|(_, known)| known.len() == any.known.len()) else {
        return Err("the known messages do not fit the cases".to_owned());
    };
    for (case, message) in known.iter().zip(&any.known) {
        let fits = match (&message.codec, case.ty) {
            (Codec::Empty, None) => true,
            (codec @ Codec::Message(_), Some(ty)) => codes(api, codec, ty),
            _ => false,
        };
        if !fits {
            return Err(format!("the case `{}` does not fit its message", case.name.as_str()));
        }
    }
    let is_any = other.ty.is_some_and(|ty| codes(api, &Codec::Message(any.other), ty));
    if is_any { Ok(()) } else { Err("the last case is no message of a type URL and bytes".to_owned()) }
}

pub(super) fn table(api: &Api, ty: TypeId, table: &Table) -> Result<(), String> {
    let Shape::Record(slots) = api.shape(ty) else { return Err("a table of nodes is a record".to_owned()) };
    if slots.len() != table.nodes.len() || usize::from(table.root) >= slots.len() {
        return Err("the table's lists do not fit its slots".to_owned());
    }
    for (slot, node) in slots.iter().zip(&table.nodes) {
        let list = matches!(api.shape(slot.ty), Shape::List(item) if same(api, *item, *node));
        let Wire::Message(message) = &api.types[api.resolve(*node)].wire else {
            return Err("a node is no message".to_owned());
        };
        if !list {
            return Err(format!("slot `{}` is not a list of its nodes", slot.name.as_str()));
        }
        let mut nodes = message.fields.iter().flat_map(node_lists);
        if nodes.any(|list| usize::from(list) >= table.nodes.len()) {
            return Err(format!("a node of `{}` refers to a list that does not exist", slot.name.as_str()));
        }
    }
    Ok(())
}

/// The lists that a node's field refers to.
fn node_lists(field: &Field) -> Vec<u16> {
    let codecs: Vec<&Codec> = match field {
        Field::Singular { codec, .. } | Field::Repeated { codec, .. } | Field::Map { value: codec, .. } => vec![codec],
        Field::Oneof { cases, .. } => cases.iter().map(|c| &c.codec).collect(),
        Field::EmptyFlag { .. } | Field::EmptyCount { .. } | Field::Unknown => Vec::new(),
    };
    codecs
        .into_iter()
        .filter_map(|codec| match codec {
            Codec::Node { list, .. } => Some(*list),
            _ => None,
        })
        .collect()
}
