//! The universal value: positional and without names.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::id::TypeId;
use crate::types::Shape;

/// A component value. Names are in the type, once; here are slots, case indices and bits.
///
/// Three words wide, so that lists of records stay small.
#[derive(Clone, Serialize, Deserialize)]
pub enum Value {
    /// `bool`
    Bool(bool),
    /// `u8`
    U8(u8),
    /// `u16`
    U16(u16),
    /// `u32`
    U32(u32),
    /// `u64`
    U64(u64),
    /// `s8`
    S8(i8),
    /// `s16`
    S16(i16),
    /// `s32`
    S32(i32),
    /// `s64`
    S64(i64),
    /// `f32`
    F32(f32),
    /// `f64`
    F64(f64),
    /// `char`
    Char(char),
    /// `string`
    String(Box<str>),
    /// `list<u8>`
    Bytes(Box<[u8]>),
    /// Any other list.
    List(Box<[Value]>),
    /// A record's slots in field order.
    Record(Box<[Value]>),
    /// A tuple's elements.
    Tuple(Box<[Value]>),
    /// A variant's case and payload.
    Variant(u32, Option<Box<Value>>),
    /// An enum's case.
    Enum(u32),
    /// Flags as bits, the first flag the lowest.
    Flags(u32),
    /// An option.
    Option(Option<Box<Value>>),
    /// A result.
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// A resource handle, by the host's own number.
    Handle(u32),
}

/// Equal bits are equal: NaN equals itself, `0.0` and `-0.0` differ. This is what "the same value was replayed" means.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::U8(a), Self::U8(b)) => a == b,
            (Self::U16(a), Self::U16(b)) => a == b,
            (Self::U32(a), Self::U32(b)) | (Self::Enum(a), Self::Enum(b)) | (Self::Flags(a), Self::Flags(b)) => a == b,
            (Self::Handle(a), Self::Handle(b)) => a == b,
            (Self::U64(a), Self::U64(b)) => a == b,
            (Self::S8(a), Self::S8(b)) => a == b,
            (Self::S16(a), Self::S16(b)) => a == b,
            (Self::S32(a), Self::S32(b)) => a == b,
            (Self::S64(a), Self::S64(b)) => a == b,
            (Self::F32(a), Self::F32(b)) => a.to_bits() == b.to_bits(),
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (Self::Char(a), Self::Char(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Record(a), Self::Record(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Variant(a, x), Self::Variant(b, y)) => a == b && x == y,
            (Self::Option(a), Self::Option(b)) => a == b,
            (Self::Result(a), Self::Result(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::U8(v) => write!(f, "{v}u8"),
            Self::U16(v) => write!(f, "{v}u16"),
            Self::U32(v) => write!(f, "{v}u32"),
            Self::U64(v) => write!(f, "{v}u64"),
            Self::S8(v) => write!(f, "{v}s8"),
            Self::S16(v) => write!(f, "{v}s16"),
            Self::S32(v) => write!(f, "{v}s32"),
            Self::S64(v) => write!(f, "{v}s64"),
            Self::F32(v) => write!(f, "{v:?}f32"),
            Self::F64(v) => write!(f, "{v:?}f64"),
            Self::Char(v) => write!(f, "{v:?}"),
            Self::String(v) => write!(f, "{v:?}"),
            Self::Bytes(v) => write!(f, "bytes{v:?}"),
            Self::List(v) => f.debug_list().entries(v.iter()).finish(),
            Self::Record(v) => f.debug_set().entries(v.iter()).finish(),
            Self::Tuple(v) => {
                let mut t = f.debug_tuple("");
                for v in v {
                    t.field(v);
                }
                t.finish()
            }
            Self::Variant(c, None) => write!(f, "#{c}"),
            Self::Variant(c, Some(v)) => write!(f, "#{c}({v:?})"),
            Self::Enum(c) => write!(f, "#{c}"),
            Self::Flags(b) => write!(f, "flags({b:#b})"),
            Self::Option(None) => f.write_str("none"),
            Self::Option(Some(v)) => write!(f, "some({v:?})"),
            Self::Result(Ok(None)) => f.write_str("ok"),
            Self::Result(Ok(Some(v))) => write!(f, "ok({v:?})"),
            Self::Result(Err(None)) => f.write_str("err"),
            Self::Result(Err(Some(v))) => write!(f, "err({v:?})"),
            Self::Handle(h) => write!(f, "handle({h})"),
        }
    }
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Box<str>>) -> Self {
        Self::String(text.into())
    }

    /// `some(value)`
    pub fn some(value: Self) -> Self {
        Self::Option(Some(Box::new(value)))
    }

    /// `none`
    pub const fn none() -> Self {
        Self::Option(None)
    }

    /// An option from an option.
    pub fn option(value: Option<Self>) -> Self {
        Self::Option(value.map(Box::new))
    }

    /// `ok(value)` or `ok`.
    pub fn ok(value: Option<Self>) -> Self {
        Self::Result(Ok(value.map(Box::new)))
    }

    /// `err(value)`
    pub fn err(value: Self) -> Self {
        Self::Result(Err(Some(Box::new(value))))
    }

    /// A variant's case with a payload.
    pub fn case(case: u32, payload: Self) -> Self {
        Self::Variant(case, Some(Box::new(payload)))
    }

    /// A record.
    pub fn record(slots: impl Into<Box<[Self]>>) -> Self {
        Self::Record(slots.into())
    }

    /// A list.
    pub fn list(items: impl Into<Box<[Self]>>) -> Self {
        Self::List(items.into())
    }

    /// A tuple.
    pub fn tuple(items: impl Into<Box<[Self]>>) -> Self {
        Self::Tuple(items.into())
    }

    /// Checks that the value is one of the type, so that lowering it cannot fail.
    ///
    /// # Errors
    /// The place of the first mismatch, as a path of names.
    pub fn conforms(&self, api: &Api, ty: TypeId) -> Result<(), Mismatch> {
        conforms(self, api, ty).map_err(|mut m| {
            m.path.reverse();
            m
        })
    }
}

/// A value that is not one of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("value does not fit its type at `{}`: {what}", path.join("."))]
pub struct Mismatch {
    /// Names of fields and cases, indices of items; outermost first.
    pub path: Vec<String>,
    /// What is wrong.
    pub what: &'static str,
}

fn mismatch(what: &'static str) -> Mismatch {
    Mismatch { path: Vec::new(), what }
}

fn conforms(value: &Value, api: &Api, ty: TypeId) -> Result<(), Mismatch> {
    let at = |name: String| {
        move |mut m: Mismatch| {
            m.path.push(name);
            m
        }
    };
    let payload = |value: Option<&Value>, ty: Option<TypeId>, name: &str| match (value, ty) {
        (Some(v), Some(t)) => conforms(v, api, t).map_err(at(name.to_owned())),
        (None, None) => Ok(()),
        (Some(_), None) => Err(mismatch("unexpected payload")),
        (None, Some(_)) => Err(mismatch("missing payload")),
    };
    match (api.shape(ty), value) {
        (Shape::Bool, Value::Bool(_))
        | (Shape::U8, Value::U8(_))
        | (Shape::U16, Value::U16(_))
        | (Shape::U32, Value::U32(_))
        | (Shape::U64, Value::U64(_))
        | (Shape::S8, Value::S8(_))
        | (Shape::S16, Value::S16(_))
        | (Shape::S32, Value::S32(_))
        | (Shape::S64, Value::S64(_))
        | (Shape::F32, Value::F32(_))
        | (Shape::F64, Value::F64(_))
        | (Shape::Char, Value::Char(_))
        | (Shape::String, Value::String(_))
        | (Shape::Bytes, Value::Bytes(_))
        | (Shape::Resource(_), Value::Handle(_)) => Ok(()),
        (Shape::List(t), Value::List(items)) => {
            items.iter().enumerate().try_for_each(|(i, v)| conforms(v, api, *t).map_err(at(i.to_string())))
        }
        (Shape::Option(t), Value::Option(v)) => v.as_deref().map_or(Ok(()), |v| conforms(v, api, *t)),
        (Shape::Tuple(ts), Value::Tuple(vs)) => {
            if ts.len() != vs.len() {
                return Err(mismatch("wrong number of elements"));
            }
            ts.iter().zip(vs).enumerate().try_for_each(|(i, (t, v))| conforms(v, api, *t).map_err(at(i.to_string())))
        }
        (Shape::Record(fields), Value::Record(vs)) => {
            if fields.len() != vs.len() {
                return Err(mismatch("wrong number of fields"));
            }
            fields.iter().zip(vs).try_for_each(|(f, v)| conforms(v, api, f.ty).map_err(at(f.name.as_str().to_owned())))
        }
        (Shape::Variant(cases), Value::Variant(case, v)) => {
            let case = cases.get(*case as usize).ok_or_else(|| mismatch("no such case"))?;
            payload(v.as_deref(), case.ty, case.name.as_str())
        }
        (Shape::Enum(labels), Value::Enum(case)) if (*case as usize) < labels.len() => Ok(()),
        (Shape::Flags(labels), Value::Flags(bits)) if bits.checked_shr(labels.len() as u32).unwrap_or(0) == 0 => Ok(()),
        (Shape::Result { ok, .. }, Value::Result(Ok(v))) => payload(v.as_deref(), *ok, "ok"),
        (Shape::Result { err, .. }, Value::Result(Err(v))) => payload(v.as_deref(), *err, "err"),
        _ => Err(mismatch("another shape")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_three_words() {
        assert_eq!(size_of::<Value>(), 24);
    }
}
