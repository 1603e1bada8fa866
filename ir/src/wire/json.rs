//! JSON's wire map: member names, presence, elided constants, unions.

use serde::{Deserialize, Serialize};

use crate::id::TypeId;

/// The JSON form of a type whose shape alone does not say it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Json {
    /// A record as an object.
    Object(Object),
    /// A `list<tuple<string, t>>` as an object with arbitrary keys; the last of equal keys wins when read.
    Map,
    /// A `list<u8>` as a base64 string.
    Base64 {
        /// RFC 4648 section 5 alphabet instead of section 4; both are read, padded or not.
        url_safe: bool,
    },
    /// An enum or variant as one of the literals: case `i` is `literals[i]`. A variant has one more case that keeps an unknown
    /// value as text (`unrecognized(string)`, `other(string)`).
    Literals(Vec<Literal>),
    /// A string that holds a JSON text (`type json = string`): its text is the value.
    Raw,
    /// A variant `{ null, value(t) }`: JSON null, or the payload.
    NullOr,
    /// A `bool` that stands for an object without members: `true` is `{}`, `false` is absent.
    EmptyObject,
    /// A variant as one of several schemas.
    Union(Union),
    /// A tuple as an array (`prefixItems`).
    Array,
    /// An integer written as a JSON string of decimal digits.
    IntegerString,
    /// A record as the tree that its nodes make up.
    Table(Table),
    /// A `u32` as the node at that position of a list of the [`Table`] that holds it.
    Node {
        /// The slot of the table, an index into [`Table::nodes`].
        list: u16,
    },
}

/// A recursive schema as a table of nodes, since WIT types cannot be recursive.
///
/// All schemas that reach one another form a group. The table is a record with one list of nodes per schema of the group; nodes
/// refer to others by their position in the list of that schema ([`Json::Node`]). The value itself is the node at position 0 of
/// the list `root`. Writing starts there and refuses positions out of range, cycles and more than 100 levels; a node that is
/// referred to twice is written twice, one that is not referred to is not written. What is read is refused beyond 100 levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// One per slot, in slot order: slot `i` is a list of `nodes[i]`. All tables of a group have the same.
    pub nodes: Vec<TypeId>,
    /// The slot whose node 0 is the value.
    pub root: u16,
}

/// A record as a JSON object, or part of a record as a JSON object (a flattened body).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Object {
    /// The members, in the order in which they are written.
    pub members: Vec<Member>,
    /// Members with one possible value, which no slot holds: written always, ignored when read.
    pub constants: Vec<(String, Literal)>,
    /// The slot that holds members of other names, a `list<tuple<string, t>>`.
    pub additional: Option<u16>,
}

/// One member of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The JSON key.
    pub key: String,
    /// The slot of the record.
    pub slot: u16,
    /// What `none` and absence mean.
    pub presence: Presence,
}

/// Presence of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presence {
    /// The slot is the bare type; absent or null in a response is an error.
    Required,
    /// The slot is an option; `none` is written as null; absent or null is read as `none`.
    Nullable,
    /// The slot is an option (or a list for [`Json::EmptyObject`], a `bool`); `none` is not written; absent or null is read as
    /// `none`.
    Optional,
}

/// A JSON scalar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number, as written in the source.
    Number(String),
    /// A string.
    String(String),
    /// Any other JSON value as compact text (a constant that is an object or array).
    Json(String),
}

/// A union: how each case is written, and how a value finds its case.
///
/// Case `i` of the variant is `arms[i]`; a variant with one more case keeps what fits none as JSON text
/// (`unrecognized(json)`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Union {
    /// One per case.
    pub arms: Vec<Arm>,
    /// Tried in order; the first that names an arm decides.
    pub ladder: Vec<Rung>,
}

/// An arm of a union.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Arm {
    /// The payload is the value.
    Value(TypeId),
    /// No payload: the value is this constant.
    Constant(Literal),
}

/// One step in deciding which arm a JSON value is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rung {
    /// The string at this key names the arm.
    Discriminator {
        /// The key.
        key: String,
        /// Value of the key → arm. Of several arms with one value the one that fits best.
        values: Vec<(String, u16)>,
    },
    /// The JSON kind names the arm; kinds that several arms share are not listed.
    Kind(Vec<(Kind, u16)>),
    /// A key of the object whose presence names the arm.
    Key(Vec<(String, u16)>),
    /// The JSON kind of the value at a key names the arm.
    KeyKind(Vec<(String, Kind, u16)>),
    /// Among these arms the first that decodes; more declared members present win.
    Best(Vec<u16>),
}

/// The kind of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool,
    /// A number that is an integer (`1.0` is one).
    Integer,
    /// Any other number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}
