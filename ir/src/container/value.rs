//! Values as bytes, for oplog entries: compact, without names, self-describing in structure.
//!
//! A version byte, then the value: a tag, then its content. Numbers are little-endian at full width; counts, cases and lengths
//! are LEB128. The encoding is canonical: equal values have equal bytes, which request digests rely on. (NaNs keep their bits.)

use super::error::ValueError;
use crate::value::Value;

/// The format that is written and read.
pub const VALUE_VERSION: u8 = 1;

/// The deepest nesting of a value that is read, and of a type that [`crate::Api::check`] admits.
pub const MAX_DEPTH: usize = 200;

/// A value as bytes. A value of a checked type is never nested deeper than [`MAX_DEPTH`].
pub fn value_to_bytes(value: &Value) -> Vec<u8> {
    let mut out = vec![VALUE_VERSION];
    write(&mut out, value);
    out
}

/// The value that the bytes hold. Takes memory proportional to the bytes (a value takes 24 bytes, and at least one in the
/// encoding).
///
/// # Errors
/// [`ValueError`] for anything that [`value_to_bytes`] does not write.
pub fn value_from_bytes(bytes: &[u8]) -> Result<Value, ValueError> {
    let mut input = Input { bytes, at: 0 };
    match input.byte()? {
        VALUE_VERSION => {}
        other => return Err(ValueError::Version(other)),
    }
    let value = input.value(0)?;
    match bytes.len() - input.at {
        0 => Ok(value),
        extra => Err(ValueError::Trailing(extra)),
    }
}

/// Tags; never renumbered.
mod tag {
    pub(super) const FALSE: u8 = 0;
    pub(super) const TRUE: u8 = 1;
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
    pub(super) const CASE: u8 = 18;
    pub(super) const CASE_PAYLOAD: u8 = 19;
    pub(super) const ENUM: u8 = 20;
    pub(super) const FLAGS: u8 = 21;
    pub(super) const NONE: u8 = 22;
    pub(super) const SOME: u8 = 23;
    pub(super) const OK: u8 = 24;
    pub(super) const OK_PAYLOAD: u8 = 25;
    pub(super) const ERR: u8 = 26;
    pub(super) const ERR_PAYLOAD: u8 = 27;
    pub(super) const HANDLE: u8 = 28;
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(v) => out.push(if *v { tag::TRUE } else { tag::FALSE }),
        Value::U8(v) => fixed(out, tag::U8, &v.to_le_bytes()),
        Value::U16(v) => fixed(out, tag::U16, &v.to_le_bytes()),
        Value::U32(v) => fixed(out, tag::U32, &v.to_le_bytes()),
        Value::U64(v) => fixed(out, tag::U64, &v.to_le_bytes()),
        Value::S8(v) => fixed(out, tag::S8, &v.to_le_bytes()),
        Value::S16(v) => fixed(out, tag::S16, &v.to_le_bytes()),
        Value::S32(v) => fixed(out, tag::S32, &v.to_le_bytes()),
        Value::S64(v) => fixed(out, tag::S64, &v.to_le_bytes()),
        Value::F32(v) => fixed(out, tag::F32, &v.to_bits().to_le_bytes()),
        Value::F64(v) => fixed(out, tag::F64, &v.to_bits().to_le_bytes()),
        Value::Char(v) => fixed(out, tag::CHAR, &u32::from(*v).to_le_bytes()),
        Value::String(v) => blob(out, tag::STRING, v.as_bytes()),
        Value::Bytes(v) => blob(out, tag::BYTES, v),
        Value::List(v) => many(out, tag::LIST, v),
        Value::Record(v) => many(out, tag::RECORD, v),
        Value::Tuple(v) => many(out, tag::TUPLE, v),
        Value::Variant(case, payload) => {
            out.push(if payload.is_some() { tag::CASE_PAYLOAD } else { tag::CASE });
            leb(out, u64::from(*case));
            if let Some(p) = payload {
                write(out, p);
            }
        }
        Value::Enum(case) => {
            out.push(tag::ENUM);
            leb(out, u64::from(*case));
        }
        Value::Flags(bits) => fixed(out, tag::FLAGS, &bits.to_le_bytes()),
        Value::Option(None) => out.push(tag::NONE),
        Value::Option(Some(v)) => {
            out.push(tag::SOME);
            write(out, v);
        }
        Value::Result(result) => {
            let (tag, payload) = match result {
                Ok(None) => (tag::OK, None),
                Ok(Some(v)) => (tag::OK_PAYLOAD, Some(v)),
                Err(None) => (tag::ERR, None),
                Err(Some(v)) => (tag::ERR_PAYLOAD, Some(v)),
            };
            out.push(tag);
            if let Some(p) = payload {
                write(out, p);
            }
        }
        Value::Handle(handle) => fixed(out, tag::HANDLE, &handle.to_le_bytes()),
    }
}

fn fixed(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.extend(bytes);
}

fn blob(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    leb(out, bytes.len() as u64);
    out.extend(bytes);
}

fn many(out: &mut Vec<u8>, tag: u8, items: &[Value]) {
    out.push(tag);
    leb(out, items.len() as u64);
    for item in items {
        write(out, item);
    }
}

fn leb(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], ValueError> {
        let end = self.at.checked_add(n).ok_or(ValueError::Cut(self.at))?;
        let taken = self.bytes.get(self.at..end).ok_or(ValueError::Cut(self.bytes.len()))?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ValueError> {
        self.take(N)?.try_into().map_err(|_| ValueError::Cut(self.at))
    }

    fn byte(&mut self) -> Result<u8, ValueError> {
        self.array().map(|[b]| b)
    }

    fn u32(&mut self) -> Result<u32, ValueError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A LEB128 number of at most 32 bits, in its shortest form.
    fn leb(&mut self) -> Result<u32, ValueError> {
        let at = self.at;
        let invalid = ValueError::Invalid { what: "number", at };
        let mut n = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let shortest = byte != 0 || shift == 0;
                return u32::try_from(n).ok().filter(|_| shortest).ok_or(invalid);
            }
        }
        Err(invalid)
    }

    fn many(&mut self, depth: usize) -> Result<Box<[Value]>, ValueError> {
        let count = self.leb()? as usize;
        // Every value takes a byte, so more than that is cut; nothing is reserved for what is only claimed.
        if count > self.bytes.len() - self.at {
            return Err(ValueError::Cut(self.bytes.len()));
        }
        (0..count).map(|_| self.value(depth)).collect()
    }

    fn boxed(&mut self, depth: usize) -> Result<Option<Box<Value>>, ValueError> {
        self.value(depth).map(|v| Some(Box::new(v)))
    }

    fn value(&mut self, depth: usize) -> Result<Value, ValueError> {
        if depth > MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        let depth = depth + 1;
        let at = self.at;
        Ok(match self.byte()? {
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::U8 => Value::U8(self.byte()?),
            tag::U16 => Value::U16(u16::from_le_bytes(self.array()?)),
            tag::U32 => Value::U32(self.u32()?),
            tag::U64 => Value::U64(u64::from_le_bytes(self.array()?)),
            tag::S8 => Value::S8(i8::from_le_bytes(self.array()?)),
            tag::S16 => Value::S16(i16::from_le_bytes(self.array()?)),
            tag::S32 => Value::S32(i32::from_le_bytes(self.array()?)),
            tag::S64 => Value::S64(i64::from_le_bytes(self.array()?)),
            tag::F32 => Value::F32(f32::from_le_bytes(self.array()?)),
            tag::F64 => Value::F64(f64::from_le_bytes(self.array()?)),
            tag::CHAR => Value::Char(char::from_u32(self.u32()?).ok_or(ValueError::Invalid { what: "char", at })?),
            tag::STRING => {
                let length = self.leb()? as usize;
                let text =
                    std::str::from_utf8(self.take(length)?).map_err(|_| ValueError::Invalid { what: "string", at })?;
                Value::string(text)
            }
            tag::BYTES => {
                let length = self.leb()? as usize;
                Value::Bytes(self.take(length)?.into())
            }
            tag::LIST => Value::List(self.many(depth)?),
            tag::RECORD => Value::Record(self.many(depth)?),
            tag::TUPLE => Value::Tuple(self.many(depth)?),
            tag::CASE => Value::Variant(self.leb()?, None),
            tag::CASE_PAYLOAD => Value::Variant(self.leb()?, self.boxed(depth)?),
            tag::ENUM => Value::Enum(self.leb()?),
            tag::FLAGS => Value::Flags(self.u32()?),
            tag::NONE => Value::Option(None),
            tag::SOME => Value::Option(self.boxed(depth)?),
            tag::OK => Value::Result(Ok(None)),
            tag::OK_PAYLOAD => Value::Result(Ok(self.boxed(depth)?)),
            tag::ERR => Value::Result(Err(None)),
            tag::ERR_PAYLOAD => Value::Result(Err(self.boxed(depth)?)),
            tag::HANDLE => Value::Handle(self.u32()?),
            tag => return Err(ValueError::Tag { tag, at }),
        })
    }
}
