//! Where prost-reflect is no judge: a known field with a wire type that it does not have. protobuf's own parsers, and witwire, take it
//! for a field that is not known; prost-reflect refuses it, or reads an entry of a map from what is none.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};
use prost_reflect::{Cardinality, Kind, MessageDescriptor};

/// What is known of a message in which such fields are.
pub(super) struct Misfits {
    /// The message without them; `None` where it is no message.
    pub(super) others: Option<Vec<u8>>,
}

/// `None` where no such field is in a message, at any depth. What is no message holds none behind the place where it ends to be one.
pub(super) fn of(message: &MessageDescriptor, bytes: &[u8]) -> Option<Misfits> {
    let mut found = false;
    let others = without(message, &mut &*bytes, None, 0, &mut found);
    found.then_some(Misfits { others })
}

/// Reads to the end, or to the end of the group with this number that the message is. `None`: it is no message.
fn without(
    message: &MessageDescriptor,
    bytes: &mut &[u8],
    group: Option<u32>,
    depth: u32,
    found: &mut bool,
) -> Option<Vec<u8>> {
    if depth > 100 {
        return None;
    }
    let mut kept = Vec::new();
    while !bytes.is_empty() {
        let (number, wire) = decode_key(bytes).ok()?;
        if wire == WireType::EndGroup && Some(number) == group {
            encode_key(number, wire, &mut kept);
            return Some(kept);
        }
        let known = message.get_field(number).map(|f| (f.kind(), f.cardinality(), f.is_group()));
        let known = known.or_else(|| message.get_extension(number).map(|f| (f.kind(), f.cardinality(), f.is_group())));
        let value = *bytes;
        let skip = |bytes: &mut &[u8]| {
            skip_field(wire, number, bytes, DecodeContext::default()).ok()?;
            Some(&value[..value.len() - bytes.len()])
        };
        let Some((kind, cardinality, is_group)) = known else {
            let skipped = skip(bytes)?;
            encode_key(number, wire, &mut kept);
            kept.extend_from_slice(skipped);
            continue;
        };
        let own = if is_group { WireType::StartGroup } else { wire_type(&kind) };
        let packed =
            cardinality == Cardinality::Repeated && own != WireType::StartGroup && wire == WireType::LengthDelimited;
        if wire != own && !packed {
            *found = true;
            skip(bytes)?;
            continue;
        }
        encode_key(number, wire, &mut kept);
        match (kind, wire) {
            (Kind::Message(message), WireType::LengthDelimited) => {
                let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
                let (mut content, rest) = bytes.split_at_checked(length)?;
                *bytes = rest;
                let content = without(&message, &mut content, None, depth + 1, found)?;
                encode_varint(content.len() as u64, &mut kept);
                kept.extend(content);
            }
            (Kind::Message(message), WireType::StartGroup) => {
                kept.extend(without(&message, bytes, Some(number), depth + 1, found)?);
            }
            _ => kept.extend_from_slice(skip(bytes)?),
        }
    }
    group.is_none().then_some(kept)
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
