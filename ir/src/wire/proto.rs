//! Protobuf's wire map: field numbers, wire types, packing and presence.
//!
//! Source: Protocol Buffers "Encoding" and the language specifications of proto2, proto3 and editions.

use serde::{Deserialize, Serialize};

use crate::id::TypeId;

/// A record as a protobuf message: which slot is which field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The full protobuf name, `core.todo.v1.TodoObject`.
    pub full_name: String,
    /// One per slot, in slot order: slot `i` of the record is `fields[i]`.
    pub fields: Vec<Field>,
}

/// A recursive message as a table of nodes, since WIT types cannot be recursive.
///
/// All messages that reach one another form a group. The table is a record with one list of nodes per message of the group; nodes
/// refer to others by their position in the list of that message ([`Codec::Node`]). The value itself is the node at position 0 of
/// the list `root`. Writing starts there and refuses positions out of range, cycles and more than 100 levels; a node that is
/// referred to twice is written twice, one that is not referred to is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// One per slot, in slot order: slot `i` is a list of `nodes[i]`, which has [`super::Wire::Message`]. All tables of a group
    /// have the same.
    pub nodes: Vec<TypeId>,
    /// The slot whose node 0 is the value.
    pub root: u16,
}

/// What one slot of the record is on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Field {
    /// One value.
    Singular {
        /// The field number, 1 to 2²⁹ − 1.
        number: u32,
        /// The field's name in the `.proto`.
        name: String,
        /// How the value is written. The slot's type is that of the codec, or an option of it.
        codec: Codec,
        /// When it is written, and what its absence means.
        presence: Presence,
    },
    /// A list. The slot is a list of the codec's type; bytes lists are `List` of `Bytes`.
    Repeated {
        /// The field number.
        number: u32,
        /// The field's name in the `.proto`.
        name: String,
        /// How one element is written.
        codec: Codec,
        /// Whether scalars are written packed; both forms are read.
        packed: bool,
    },
    /// `map<key, value>`: the slot is a `list<tuple<key, value>>`; the last of equal keys wins when read. Where the value is
    /// [`Codec::Empty`] the slot is a list of the keys.
    Map {
        /// The field number.
        number: u32,
        /// The field's name in the `.proto`.
        name: String,
        /// How the entry's field 1 is written.
        key: Scalar,
        /// How the entry's field 2 is written.
        value: Codec,
    },
    /// A oneof: the slot is an option of a variant; case `i` is `cases[i]`.
    Oneof {
        /// The oneof's name in the `.proto`.
        name: String,
        /// One per case, in case order.
        cases: Vec<OneofCase>,
    },
    /// A singular field whose message has no fields: the slot is a `bool`.
    EmptyFlag {
        /// The field number.
        number: u32,
        /// The field's name in the `.proto`.
        name: String,
        /// Whether it is a proto2 group.
        group: bool,
    },
    /// Fields that the specification does not know, encoded as they were received: the slot is a `list<u8>`. One per message.
    Unknown,
    /// A repeated field whose message has no fields: the slot is a `u32` count.
    EmptyCount {
        /// The field number.
        number: u32,
        /// The field's name in the `.proto`.
        name: String,
        /// Whether it is a proto2 group.
        group: bool,
    },
}

/// A case of a oneof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneofCase {
    /// The field number.
    pub number: u32,
    /// The field's name in the `.proto`.
    pub name: String,
    /// How the payload is written.
    pub codec: Codec,
}

/// When a singular field is written, and what its absence means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Presence {
    /// Written unless it is the type's zero value; absent reads as zero. The slot is the bare type.
    Implicit,
    /// The slot is an option: written iff `some`.
    Explicit,
    /// Always written; absence in a response is an error (proto2 `required`). The slot is the bare type.
    Required,
    /// Always written; absent reads as the default. The slot is the bare type (`presence: bare`, `field_behavior = REQUIRED`,
    /// whose absence a server's older version may still produce).
    Bare,
}

/// How one value is written after its tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Codec {
    /// A scalar.
    Scalar(Scalar),
    /// An enum; the type has [`super::Wire::ProtoEnum`].
    Enum(TypeId),
    /// A length-delimited message; the type has [`super::Wire::Message`] or, where the message is recursive,
    /// [`super::Wire::Table`].
    Message(TypeId),
    /// A proto2 group or an editions `DELIMITED` message; the type as in `Message`.
    Group(TypeId),
    /// A length-delimited message of the same recursive group, within a node of its [`Table`]. The value is a `u32`: the
    /// position in the table's list `list`.
    Node {
        /// The slot of the table, an index into [`Table::nodes`].
        list: u16,
        /// Whether it is a proto2 group instead of length-delimited.
        group: bool,
    },
    /// A length-delimited message without fields; there is no value (a oneof case without payload).
    Empty,
    /// A message whose single field 1 is the value: the wrappers of `google/protobuf/wrappers.proto`. The value is the scalar's.
    Wrapper(Scalar),
    /// `google.protobuf.FieldMask`: a message whose field 1 repeats the paths. The value is a list of strings.
    FieldMask,
    /// `google.protobuf.NullValue`; there is no value (a oneof case without payload).
    Null,
    /// `google.protobuf.Any`; the type has [`super::Wire::AnyOf`].
    Any(TypeId),
}

/// A variant as a `google.protobuf.Any`: one case per message that is known, and a last one for all others.
///
/// A known message whose bytes cannot be read is given as one of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnyOf {
    /// One per case but the last, in case order.
    pub known: Vec<KnownMessage>,
    /// The payload of the last case: a record with [`super::Wire::Message`] of a type URL and bytes.
    pub other: TypeId,
}

/// A message that an [`AnyOf`] tells apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownMessage {
    /// The full protobuf name: what follows the last `/` of the type URL. Written behind `type.googleapis.com/`.
    pub full_name: String,
    /// [`Codec::Message`] of the case's payload, or [`Codec::Empty`] where it has none.
    pub codec: Codec,
}

/// The scalar types of protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// IEEE 754 binary64, fixed 8 bytes. `f64`
    Double,
    /// IEEE 754 binary32, fixed 4 bytes. `f32`
    Float,
    /// Varint; negative numbers take ten bytes. `s32`
    Int32,
    /// Varint. `s64`
    Int64,
    /// Varint. `u32`
    Uint32,
    /// Varint. `u64`
    Uint64,
    /// Zigzag varint. `s32`
    Sint32,
    /// Zigzag varint. `s64`
    Sint64,
    /// Fixed 4 bytes. `u32`
    Fixed32,
    /// Fixed 8 bytes. `u64`
    Fixed64,
    /// Fixed 4 bytes. `s32`
    Sfixed32,
    /// Fixed 8 bytes. `s64`
    Sfixed64,
    /// Varint 0 or 1. `bool`
    Bool,
    /// UTF-8. Invalid UTF-8 is refused when read. `string`
    String,
    /// A string that may hold any bytes on the wire (editions `utf8_validation = NONE`); read lossily. `string`
    StringUnverified,
    /// Any bytes. `list<u8>`
    Bytes,
}

impl Scalar {
    /// Whether repeated values may be packed.
    pub const fn packable(self) -> bool {
        !matches!(self, Self::String | Self::StringUnverified | Self::Bytes)
    }
}

/// An enum's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtoEnum {
    /// The full protobuf name.
    pub full_name: String,
    /// The number of case `i`. An open enum's variant has one more case, `unrecognized(s32)`.
    pub numbers: Vec<i32>,
    /// The case of the default value: the number 0 where open, else the first value.
    pub default: u32,
    /// Whether an unknown number is kept (`false`) or leaves the field absent (`true`).
    pub closed: bool,
}
