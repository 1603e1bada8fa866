//! Encoded options, field by field: as much of protobuf's wire format as rules need.

use prost::encoding::{WireType, decode_key, decode_varint};
use witwire_ir::Number;

/// A field of an encoded message.
pub(super) enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The number that stands for what follows a malformed field: no field has it, so that no reader knows it.
pub(super) const MALFORMED: u32 = 0;

/// The fields of an encoded message up to the first that is malformed, which is [`MALFORMED`]; groups do not occur.
pub(super) fn fields(mut bytes: &[u8]) -> Vec<(u32, Content<'_>)> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let Some(field) = field(&mut bytes) else {
            out.push((MALFORMED, Content::Bytes(bytes)));
            break;
        };
        out.push(field);
    }
    out
}

fn field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Content<'a>)> {
    let (number, wire) = decode_key(bytes).ok()?;
    let content = match wire {
        WireType::Varint => Content::Varint(decode_varint(bytes).ok()?),
        WireType::SixtyFourBit => {
            let (fixed, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Content::Fixed64(u64::from_le_bytes(*fixed))
        }
        WireType::ThirtyTwoBit => {
            let (fixed, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Content::Fixed32(u32::from_le_bytes(*fixed))
        }
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
            let (content, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Content::Bytes(content)
        }
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    Some((number, content))
}

/// The numbers of a field, packed or not; `kind` is the number in `FieldRules` of its scalar type.
pub(super) fn numbers(kind: u32, content: &Content<'_>) -> Vec<Number> {
    let varint = |v: u64| match kind {
        3 => Number::Int(i128::from(v as i32)),
        4 => Number::Int(i128::from(v as i64)),
        5 => Number::Int(i128::from(v as u32)),
        // Zigzag.
        7 | 8 => Number::Int(i128::from((v >> 1) as i64 ^ -((v & 1) as i64))),
        _ => Number::Int(i128::from(v)),
    };
    let fixed32 = |v: u32| match kind {
        1 => Number::Float(f64::from(f32::from_bits(v))),
        11 => Number::Int(i128::from(v as i32)),
        _ => Number::Int(i128::from(v)),
    };
    let fixed64 = |v: u64| match kind {
        2 => Number::Float(f64::from_bits(v)),
        12 => Number::Int(i128::from(v as i64)),
        _ => Number::Int(i128::from(v)),
    };
    match content {
        Content::Varint(v) => vec![varint(*v)],
        Content::Fixed32(v) => vec![fixed32(*v)],
        Content::Fixed64(v) => vec![fixed64(*v)],
        Content::Bytes(packed) => match kind {
            1 | 9 | 11 => packed.as_chunks().0.iter().map(|b| fixed32(u32::from_le_bytes(*b))).collect(),
            2 | 10 | 12 => packed.as_chunks().0.iter().map(|b| fixed64(u64::from_le_bytes(*b))).collect(),
            _ => {
                let mut rest = *packed;
                std::iter::from_fn(|| decode_varint(&mut rest).ok().map(varint)).collect()
            }
        },
    }
}

/// An encoded `Timestamp` or `Duration`.
pub(super) fn nanoseconds(encoded: &[u8]) -> Number {
    let part = |wanted: u32| {
        let value = fields(encoded).into_iter().find_map(|f| match f {
            (number, Content::Varint(v)) if number == wanted => Some(i128::from(v as i64)),
            _ => None,
        });
        value.unwrap_or_default()
    };
    Number::Int(part(1) * 1_000_000_000 + part(2))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
