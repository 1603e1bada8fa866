//! Sets of JSON kinds.

use witwire_ir::wire::json::Kind;

/// A set of JSON kinds. `NUMBER` includes integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kinds(u8);

impl Kinds {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOL: Self = Self(2);
    pub(crate) const INTEGER: Self = Self(4);
    /// Integers are numbers.
    pub(crate) const NUMBER: Self = Self(8 | 4);
    pub(crate) const STRING: Self = Self(16);
    pub(crate) const ARRAY: Self = Self(32);
    pub(crate) const OBJECT: Self = Self(64);
    pub(crate) const ALL: Self = Self(127);

    /// JSON Schema's name of a kind.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOL,
            "integer" => Self::INTEGER,
            "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => return None,
        })
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds one by one; a number that may be no integer counts once, as a number.
    pub(crate) fn each(self) -> impl Iterator<Item = (Self, Kind)> {
        let number = if self.has(Self::NUMBER) { (Self::NUMBER, Kind::Number) } else { (Self::INTEGER, Kind::Integer) };
        [
            (Self::NULL, Kind::Null),
            (Self::BOOL, Kind::Bool),
            number,
            (Self::STRING, Kind::String),
            (Self::ARRAY, Kind::Array),
            (Self::OBJECT, Kind::Object),
        ]
        .into_iter()
        .filter(move |(k, _)| self.has(*k))
    }

    /// JSON Schema's name of a single kind.
    pub(crate) const fn word(kind: Kind) -> &'static str {
        match kind {
            Kind::Null => "null",
            Kind::Bool => "boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
        }
    }
}
