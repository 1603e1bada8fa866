//! Values as bytes: self-describing, a tag before each. Stored entries and request digests depend on the tags, so they never
//! change.

use witwire_ir::Value;

use super::DecodeError;
use super::bytes::{Reader, Writer};

/// How deep a value may nest. Component types nest 100 deep at most, and each level of a type is at most a few of a value.
const MAX_DEPTH: u32 = 1000;

mod tag {
    pub(super) const BOOL: u8 = 1;
    pub(super) const U8: u8 = 2;
    pub(super) const U16: u8 = 3;
    pub(super) const U32: u8 = 4;
    pub(super) const U64: u8 = 5;
    pub(super) const S8: u8 = 6;
    pub(super) const S16: u8 = 7;
    pub(super) const S32: u8 = 8;
    pub(super) const S64: u8 = 9;
    pub(super) const F32: u8 = 10;
    pub(super) const F64: u8 = 11;
    pub(super) const CHAR: u8 = 12;
    pub(super) const STRING: u8 = 13;
    pub(super) const BYTES: u8 = 14;
    pub(super) const LIST: u8 = 15;
    pub(super) const RECORD: u8 = 16;
    pub(super) const TUPLE: u8 = 17;
    pub(super) const VARIANT: u8 = 18;
    pub(super) const ENUM: u8 = 19;
    pub(super) const FLAGS: u8 = 20;
    pub(super) const OPTION: u8 = 21;
    pub(super) const OK: u8 = 22;
    pub(super) const ERR: u8 = 23;
    pub(super) const HANDLE: u8 = 24;
}

/// Appends values: how many, then each.
pub(in super::super) fn write_all(out: &mut Writer, values: &[Value]) {
    out.unsigned(values.len() as u64);
    for value in values {
        write(out, value);
    }
}

/// Appends a value.
pub(in super::super) fn write(out: &mut Writer, value: &Value) {
    let payload = |out: &mut Writer, value: Option<&Value>| out.option(value, write);
    match value {
        Value::Bool(bit) => out.fixed(&[tag::BOOL, u8::from(*bit)]),
        Value::U8(n) => out.fixed(&[tag::U8, *n]),
        Value::U16(n) => unsigned(out, tag::U16, *n),
        Value::U32(n) => unsigned(out, tag::U32, *n),
        Value::U64(n) => unsigned(out, tag::U64, *n),
        Value::S8(n) => signed(out, tag::S8, *n),
        Value::S16(n) => signed(out, tag::S16, *n),
        Value::S32(n) => signed(out, tag::S32, *n),
        Value::S64(n) => signed(out, tag::S64, *n),
        Value::F32(n) => {
            out.byte(tag::F32);
            out.fixed(&n.to_bits().to_le_bytes());
        }
        Value::F64(n) => {
            out.byte(tag::F64);
            out.fixed(&n.to_bits().to_le_bytes());
        }
        Value::Char(c) => unsigned(out, tag::CHAR, u32::from(*c)),
        Value::String(text) => {
            out.byte(tag::STRING);
            out.bytes(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.byte(tag::BYTES);
            out.bytes(bytes);
        }
        Value::List(items) => {
            out.byte(tag::LIST);
            write_all(out, items);
        }
        Value::Record(slots) => {
            out.byte(tag::RECORD);
            write_all(out, slots);
        }
        Value::Tuple(items) => {
            out.byte(tag::TUPLE);
            write_all(out, items);
        }
        Value::Variant(case, value) => {
            unsigned(out, tag::VARIANT, *case);
            payload(out, value.as_deref());
        }
        Value::Enum(case) => unsigned(out, tag::ENUM, *case),
        Value::Flags(bits) => unsigned(out, tag::FLAGS, *bits),
        Value::Option(value) => {
            out.byte(tag::OPTION);
            payload(out, value.as_deref());
        }
        Value::Result(Ok(value)) => {
            out.byte(tag::OK);
            payload(out, value.as_deref());
        }
        Value::Result(Err(value)) => {
            out.byte(tag::ERR);
            payload(out, value.as_deref());
        }
        Value::Handle(handle) => unsigned(out, tag::HANDLE, *handle),
    }
}

fn unsigned(out: &mut Writer, tag: u8, n: impl Into<u64>) {
    out.byte(tag);
    out.unsigned(n.into());
}

fn signed(out: &mut Writer, tag: u8, n: impl Into<i64>) {
    out.byte(tag);
    out.signed(n.into());
}

/// Takes a value off the front.
pub(super) fn read(input: &mut Reader<'_>) -> Result<Value, DecodeError> {
    nested(input, MAX_DEPTH)
}

fn nested(input: &mut Reader<'_>, depth: u32) -> Result<Value, DecodeError> {
    let depth = depth.checked_sub(1).ok_or(DecodeError::Meaning("a value nests too deep"))?;
    let items = |input: &mut Reader<'_>| input.list(|input| nested(input, depth)).map(Vec::into_boxed_slice);
    let payload = |input: &mut Reader<'_>| input.option(|input| nested(input, depth).map(Box::new));
    Ok(match input.byte()? {
        tag::BOOL => match input.byte()? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(DecodeError::Meaning("a bool is neither true nor false")),
        },
        tag::U8 => Value::U8(input.byte()?),
        tag::U16 => Value::U16(input.narrow()?),
        tag::U32 => Value::U32(input.narrow()?),
        tag::U64 => Value::U64(input.unsigned()?),
        tag::S8 => Value::S8(input.narrow_signed()?),
        tag::S16 => Value::S16(input.narrow_signed()?),
        tag::S32 => Value::S32(input.narrow_signed()?),
        tag::S64 => Value::S64(input.signed()?),
        tag::F32 => Value::F32(f32::from_bits(u32::from_le_bytes(input.fixed()?))),
        tag::F64 => Value::F64(f64::from_bits(u64::from_le_bytes(input.fixed()?))),
        tag::CHAR => {
            Value::Char(char::from_u32(input.narrow()?).ok_or(DecodeError::Meaning("a char is no Unicode scalar value"))?)
        }
        tag::STRING => Value::String(input.text()?.into()),
        tag::BYTES => Value::Bytes(input.bytes()?.into()),
        tag::LIST => Value::List(items(input)?),
        tag::RECORD => Value::Record(items(input)?),
        tag::TUPLE => Value::Tuple(items(input)?),
        tag::VARIANT => Value::Variant(input.narrow()?, payload(input)?),
        tag::ENUM => Value::Enum(input.narrow()?),
        tag::FLAGS => Value::Flags(input.narrow()?),
        tag::OPTION => Value::Option(payload(input)?),
        tag::OK => Value::Result(Ok(payload(input)?)),
        tag::ERR => Value::Result(Err(payload(input)?)),
        tag::HANDLE => Value::Handle(input.narrow()?),
        _ => return Err(DecodeError::Meaning("a value is of no known kind")),
    })
}
