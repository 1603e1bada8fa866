//! Rules that a value must keep before it is sent.

use serde::{Deserialize, Serialize};

use crate::id::SchemaId;

/// One rule about one value.
///
/// The names are JSON Schema's (draft 2020-12, "Validation"); protovalidate's rules map onto them. A rule on a type that the
/// value cannot break (a `maxLength` on a number) is not stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Check {
    /// At least so many Unicode scalar values.
    MinLength(u64),
    /// At most so many Unicode scalar values.
    MaxLength(u64),
    /// An ECMA-262 pattern found somewhere in the string.
    Pattern(String),
    /// The value is ≥ the bound.
    Minimum(Number),
    /// The value is > the bound.
    ExclusiveMinimum(Number),
    /// The value is ≤ the bound.
    Maximum(Number),
    /// The value is < the bound.
    ExclusiveMaximum(Number),
    /// The value is a whole multiple of the (positive) number.
    MultipleOf(Number),
    /// At least so many items (or map entries, for protobuf maps).
    MinItems(u64),
    /// At most so many items.
    MaxItems(u64),
    /// No two items are equal.
    UniqueItems,
    /// At least so many members are present.
    MinProperties(u64),
    /// At most so many members are present.
    MaxProperties(u64),
    /// A format that is asserted.
    Format(Format),
    /// An option must be `some`: the specification requires what WIT cannot (`field_behavior = REQUIRED`).
    Required,
    /// The value must be told: neither `none` nor, where absence cannot be told otherwise, zero or empty (protovalidate
    /// `required`).
    Present,
    /// One of these values.
    In(Vec<Literal>),
    /// None of these values.
    NotIn(Vec<Literal>),
    /// At least so many bytes of UTF-8.
    MinBytes(u64),
    /// At most so many bytes of UTF-8.
    MaxBytes(u64),
    /// Neither infinite nor NaN.
    Finite,
    /// A value that the enum declares: not `unrecognized`.
    DefinedOnly,
    /// A rule about part of the value, options on the way looked through; what is absent keeps every rule but [`Check::Present`].
    /// Protobuf's rules stand at uses, whose types may have names and other uses.
    At {
        /// The way to the part.
        place: Vec<Part>,
        /// The rule. Not `At` itself, nor `Schema`.
        check: Box<Check>,
        /// Whether a zero or empty value keeps it.
        unless_zero: bool,
    },
    /// The value keeps the whole JSON Schema stored with the API: what the rules above cannot say.
    Schema(SchemaId),
    /// An RE2 pattern (github.com/google/re2, "Syntax") found somewhere in the string: those of protovalidate.
    Re2(String),
}

impl Check {
    /// The rule's name in a violation.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::MinLength(_) => "minLength",
            Self::MaxLength(_) => "maxLength",
            Self::Pattern(_) | Self::Re2(_) => "pattern",
            Self::Minimum(_) => "minimum",
            Self::ExclusiveMinimum(_) => "exclusiveMinimum",
            Self::Maximum(_) => "maximum",
            Self::ExclusiveMaximum(_) => "exclusiveMaximum",
            Self::MultipleOf(_) => "multipleOf",
            Self::MinItems(_) => "minItems",
            Self::MaxItems(_) => "maxItems",
            Self::UniqueItems => "uniqueItems",
            Self::MinProperties(_) => "minProperties",
            Self::MaxProperties(_) => "maxProperties",
            Self::Format(_) => "format",
            Self::Required | Self::Present => "required",
            Self::In(_) => "in",
            Self::NotIn(_) => "notIn",
            Self::MinBytes(_) => "minBytes",
            Self::MaxBytes(_) => "maxBytes",
            Self::Finite => "finite",
            Self::DefinedOnly => "definedOnly",
            Self::At { check, .. } => check.rule(),
            Self::Schema(_) => "schema",
        }
    }
}

/// One step from a value to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// A field of a record.
    Slot(u16),
    /// The payload of a case, where the value is that case.
    Case(u32),
    /// Every item of a list.
    Items,
    /// The key of every pair of a list; the items where they are no pairs.
    Keys,
    /// The value of every pair of a list.
    Values,
}

/// A value as a rule writes it. An enum's value is its number, a time is in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A number as a rule writes it; integers are exact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Number {
    /// An integer.
    Int(i128),
    /// Any other number; never NaN.
    Float(f64),
}

/// Formats whose text form is asserted before sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// RFC 3339 `date-time`.
    DateTime,
    /// RFC 3339 `full-date`.
    Date,
    /// RFC 3339 `full-time`.
    Time,
    /// RFC 3339 appendix A `duration`.
    Duration,
    /// RFC 4122 UUID.
    Uuid,
    /// RFC 3986 URI with a scheme.
    Uri,
    /// RFC 5321 mailbox.
    Email,
    /// RFC 2673 dotted quad.
    Ipv4,
    /// RFC 4291 address.
    Ipv6,
    /// An address as [`Format::Ipv4`] or [`Format::ScopedIpv6`] has it.
    Ip,
    /// A name as [`Format::DnsName`] has it, or an address as [`Format::Ip`] has it.
    Address,
    /// RFC 1123 host name.
    Hostname,
    /// Protobuf `Timestamp`: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z, nanoseconds 0 to 999,999,999.
    ProtoTimestamp,
    /// Protobuf `Duration`: ±315,576,000,000 s, nanoseconds ±999,999,999 of the same sign.
    ProtoDuration,
    /// An email address as HTML has it ("valid e-mail address" of the living standard): protovalidate's.
    HtmlEmail,
    /// An RFC 1123 host name that may end in a dot, and whose last label is not all digits: protovalidate's.
    DnsName,
    /// An RFC 4291 address that may have a zone (RFC 4007, "fe80::1%eth0"): protovalidate's.
    ScopedIpv6,
}

/// A JSON Schema as text, kept for what the simple rules cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The schema as JSON text.
    pub json: String,
    /// Where it stands in the source.
    pub pointer: String,
}
