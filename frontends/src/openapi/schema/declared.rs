//! Types that get their names later, over the whole document.

use witwire_ir::TypeId;

use super::origin::Origin;

/// A type that needs a name.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) ty: TypeId,
    pub(crate) wish: Wish,
}

/// What a type wants to be called.
#[derive(Debug, Clone)]
pub(crate) enum Wish {
    /// After where it is written.
    Origin {
        origin: Origin,
        /// The request's version of a schema that differs between directions.
        input: bool,
    },
    /// After another type: `<t>-or-null`.
    OrNull(TypeId),
    /// A part of a recursive type: `<t>-node`, `<t>-ref`.
    Node {
        /// The recursive type, or the node itself.
        of: TypeId,
        /// Where the recursive type is written.
        origin: Origin,
        /// As in [`Self::Origin`].
        input: bool,
        /// The last word.
        word: &'static str,
    },
    /// A host alias.
    Host(HostAlias),
    /// `<function>-<suffix>`, made up; the second suffix where that name is taken.
    Synthesized { function: usize, suffix: String, otherwise: &'static str },
    /// A record of credentials, by the scheme's name.
    Credentials(String),
    /// A name in `types` that is made up.
    Fixed(&'static str),
}

/// A type alias that the host declares for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum HostAlias {
    Json,
    DateTime,
    Date,
    Time,
    Duration,
    Uuid,
    Uri,
    Email,
}

impl HostAlias {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Uuid => "uuid",
            Self::Uri => "uri",
            Self::Email => "email",
        }
    }

    pub(super) const fn docs(self) -> &'static str {
        match self {
            Self::Json => "A JSON text.",
            Self::DateTime => "RFC 3339 date and time.",
            Self::Date => "RFC 3339 date.",
            Self::Time => "RFC 3339 time of day.",
            Self::Duration => "RFC 3339 appendix A duration: `P3DT4H`.",
            Self::Uuid => "RFC 4122 UUID.",
            Self::Uri => "RFC 3986 URI.",
            Self::Email => "RFC 5321 mailbox.",
        }
    }
}
