//! Where prost-reflect is no judge: a known field with a wire type that it does not have. protobuf's own parsers, and witwire, take it
//! for a field that is not known; prost-reflect refuses it, or reads an entry of a map from what is none.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Cardinality, Kind, MessageDescriptor};

/// Whether such a field is in a message, at any depth. What is no message holds none behind the place where it ends to be one.
pub(super) fn holds(message: &MessageDescriptor, bytes: &[u8]) -> bool {
    scan(message, &mut &*bytes, None, 0).unwrap_or(false)
}

/// Reads to the end, or to the end of the group with this number that the message is. `None`: it is no message.
fn scan(message: &MessageDescriptor, bytes: &mut &[u8], group: Option<u32>, depth: u32) -> Option<bool> {
    if depth > 100 {
        return None;
    }
    while !bytes.is_empty() {
        let (number, wire) = decode_key(bytes).ok()?;
        if wire == WireType::EndGroup && Some(number) == group {
            return Some(false);
        }
        let known = message.get_field(number).map(|f| (f.kind(), f.cardinality(), f.is_group()));
        let known = known.or_else(|| message.get_extension(number).map(|f| (f.kind(), f.cardinality(), f.is_group())));
        let Some((kind, cardinality, is_group)) = known else {
            skip_field(wire, number, bytes, DecodeContext::default()).ok()?;
            continue;
        };
        let own = if is_group { WireType::StartGroup } else { wire_type(&kind) };
        let packed =
            cardinality == Cardinality::Repeated && own != WireType::StartGroup && wire == WireType::LengthDelimited;
        if wire != own && !packed {
            return Some(true);
        }
        match (kind, wire) {
            (Kind::Message(message), WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
                let (mut content, rest) = bytes.split_at_checked(length)?;
                *bytes = rest;
                if scan(&message, &mut content, None, depth + 1)? {
                    return Some(true);
                }
            }
            (Kind::Message(message), WireType::StartGroup) => {
                if scan(&message, bytes, Some(number), depth + 1)? {
                    return Some(true);
                }
            }
            _ => skip_field(wire, number, bytes, DecodeContext::default()).ok()?,
        }
    }
    Some(false)
}

/// The wire type of a value that is not packed.
fn wire_type(kind: &Kind) -> WireType {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        Kind::String | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => WireType::Varint,
    }
}
