//! The compiled JSON form of each type.

use std::collections::{HashMap, HashSet};

use witwire_ir::wire::json::{Kind, Literal};
use witwire_ir::{Id, TypeId, Value};

use super::table::TableCodec;

/// The JSON forms of all types of an API.
#[derive(Debug)]
pub(crate) struct Codecs {
    /// By type, the position in `codecs`: an alias shares its target's.
    pub(super) index: Box<[u32]>,
    pub(super) codecs: Box<[Codec]>,
}

impl Codecs {
    /// The form of a type; [`Codec::None`] for one of another API.
    pub(crate) fn get(&self, ty: TypeId) -> &Codec {
        self.index.get(ty.index()).map_or(&Codec::None, |i| &self.codecs[*i as usize])
    }

    /// The form behind options.
    pub(crate) fn inner(&self, mut ty: TypeId) -> &Codec {
        loop {
            match self.get(ty) {
                Codec::Option(inner) => ty = *inner,
                other => return other,
            }
        }
    }
}

/// A type's JSON form.
#[derive(Debug)]
pub(crate) enum Codec {
    /// `true`, `false`
    Bool,
    /// A number without a fraction.
    Int(Int),
    /// A string of decimal digits.
    IntString(Int),
    /// A number, as `f32`.
    Float32,
    /// A number, as `f64`.
    Float64,
    /// A string of one character.
    Char,
    /// A string.
    Text,
    /// Any JSON, held as text.
    Raw,
    /// Bytes as a base64 string.
    Base64 {
        /// Whether the URL-safe alphabet is written.
        url_safe: bool,
    },
    /// An array.
    List(TypeId),
    /// An object with arbitrary keys and values of this type.
    Map(TypeId),
    /// The inner form, or null.
    Option(TypeId),
    /// An array with a type for each place.
    Tuple(Box<[TypeId]>),
    /// An object with known members.
    Object(Box<ObjectCodec>),
    /// One of a set of scalars.
    Literals(Box<LiteralsCodec>),
    /// Null, or the inner form.
    NullOr(TypeId),
    /// `true` is `{}`.
    EmptyObject,
    /// One of several forms.
    Union(Box<UnionCodec>),
    /// A recursive value.
    Table(Box<TableCodec>),
    /// A node of this list of the innermost table.
    Node(u16),
    /// The host's `file-part`, which only multipart carries.
    FilePart,
    /// No JSON form.
    None,
}

/// The integer types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Int {
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
}

impl Int {
    /// The value of an integer; `None` out of range.
    pub(crate) fn value(self, n: i128) -> Option<Value> {
        Some(match self {
            Self::U8 => Value::U8(n.try_into().ok()?),
            Self::U16 => Value::U16(n.try_into().ok()?),
            Self::U32 => Value::U32(n.try_into().ok()?),
            Self::U64 => Value::U64(n.try_into().ok()?),
            Self::S8 => Value::S8(n.try_into().ok()?),
            Self::S16 => Value::S16(n.try_into().ok()?),
            Self::S32 => Value::S32(n.try_into().ok()?),
            Self::S64 => Value::S64(n.try_into().ok()?),
        })
    }

    /// What is expected, in words.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::U8 => "an integer from 0 to 255",
            Self::U16 => "an integer from 0 to 65535",
            Self::U32 => "an integer from 0 to 4294967295",
            Self::U64 => "an integer from 0 to 18446744073709551615",
            Self::S8 => "an integer from -128 to 127",
            Self::S16 => "an integer from -32768 to 32767",
            Self::S32 => "an integer from -2147483648 to 2147483647",
            Self::S64 => "an integer from -9223372036854775808 to 9223372036854775807",
        }
    }
}

/// An object with known members.
#[derive(Debug)]
pub(crate) struct ObjectCodec {
    /// In the order in which they are written.
    pub(crate) members: Box<[MemberCodec]>,
    pub(super) by_key: HashMap<Box<str>, u16>,
    /// `"key":value` of each constant, and the keys that are ignored when read.
    pub(crate) constants: Box<[(String, Literal)]>,
    pub(super) constant_keys: HashSet<Box<str>>,
    /// The slot and value type of members with other names.
    pub(crate) additional: Option<(u16, TypeId)>,
    /// What each slot holds where nothing is read into it; `None`: its member is required.
    pub(super) absent: Box<[Option<Value>]>,
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct MemberCodec {
    pub(crate) key: Box<str>,
    /// `"key":`, escaped.
    pub(super) written: Box<[u8]>,
    pub(crate) slot: u16,
    /// The slot's type.
    pub(crate) ty: TypeId,
    /// `none` and `false` are written as nothing.
    pub(super) omit_absent: bool,
    /// A null in a response is the slot's absent value; else the type itself reads it.
    pub(super) null_is_absent: bool,
}

impl MemberCodec {
    /// Whether a slot's value is not written.
    pub(crate) fn omits(&self, value: &Value) -> bool {
        self.omit_absent && matches!(value, Value::Option(None) | Value::Bool(false))
    }
}

impl ObjectCodec {
    /// Slots of a record in which nothing is set.
    pub(crate) fn nothing(&self) -> Box<[Value]> {
        self.absent.iter().map(|value| value.clone().unwrap_or(Value::none())).collect()
    }

    /// A record of what is known of each member, by key and type; `None` where a required one is not known.
    pub(crate) fn fill(&self, mut value: impl FnMut(&str, TypeId) -> Option<Value>) -> Option<Value> {
        let mut slots = self.absent.to_vec();
        for member in &self.members {
            if let (Some(value), Some(slot)) = (value(&member.key, member.ty), slots.get_mut(member.slot as usize)) {
                *slot = Some(value);
            }
        }
        slots.into_iter().collect::<Option<Box<[_]>>>().map(Value::Record)
    }

    /// Whether no slot holds a member.
    pub(crate) fn all_absent(&self, slots: &[Value]) -> bool {
        let absent = |slot: u16| {
            self.absent
                .get(slot as usize)
                .zip(slots.get(slot as usize))
                .is_none_or(|(absent, value)| absent.as_ref() == Some(value))
        };
        self.members.iter().map(|m| m.slot).chain(self.additional.map(|(slot, _)| slot)).all(absent)
    }

    /// The member of a key. `hint` is where it stands if members come in the declared order.
    pub(super) fn member(&self, key: &str, hint: usize) -> Option<(usize, &MemberCodec)> {
        match self.members.get(hint) {
            Some(member) if &*member.key == key => Some((hint, member)),
            _ => self.by_key.get(key).map(|i| (*i as usize, &self.members[*i as usize])),
        }
    }
}

/// A set of scalars.
#[derive(Debug)]
pub(crate) struct LiteralsCodec {
    pub(crate) literals: Box<[Literal]>,
    /// Cases of string literals.
    pub(super) strings: HashMap<Box<str>, u32>,
    /// Whether it is a variant, whose last case keeps unknown values.
    pub(super) open: bool,
    /// Whether it is an `enum`, whose values are [`Value::Enum`].
    pub(super) is_enum: bool,
}

impl LiteralsCodec {
    /// The value of a case.
    pub(super) fn case(&self, case: u32) -> Value {
        if self.is_enum { Value::Enum(case) } else { Value::Variant(case, None) }
    }
}

/// A union.
#[derive(Debug)]
pub(crate) struct UnionCodec {
    pub(crate) arms: Box<[ArmCodec]>,
    pub(super) ladder: Box<[RungCodec]>,
    /// Whether the variant has a last case that keeps what fits no arm.
    pub(crate) open: bool,
}

/// An arm of a union.
#[derive(Debug)]
pub(crate) enum ArmCodec {
    Value(TypeId),
    Constant(Literal),
}

/// A step in deciding which arm a JSON value is.
#[derive(Debug)]
pub(super) enum RungCodec {
    Discriminator {
        key: Box<str>,
        /// Value of the key → the arms that have it, in order.
        values: HashMap<Box<str>, Vec<u16>>,
        /// Every arm that can be an object has a value, so that another value is none of them.
        covers: bool,
    },
    Kind(Vec<(Kind, u16)>),
    Key(Vec<(String, u16)>),
    KeyKind(Vec<(String, Kind, u16)>),
    Best(Vec<u16>),
}
