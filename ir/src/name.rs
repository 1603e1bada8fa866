//! WIT names as types: what holds a [`WitName`] can be printed.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name that the design allows (the component model itself sets no limit).
pub const MAX_NAME: usize = 64;

/// Words that WIT reserves; as identifiers they are printed with a leading `%`.
///
/// Source: the component model's `WIT.md`, "Keywords".
pub const KEYWORDS: &[&str] = &[
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "map",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
    "with",
    "world",
    "error-context",
];

/// A WIT identifier: words of lower-case ASCII letters and digits joined by single hyphens, the first word starting with a
/// letter. It is kept without the `%` that its printed form may need.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WitName(Box<str>);

/// Why a text is not a [`WitName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a WIT name: lower-case words of letters and digits joined by single hyphens, each word starting with a letter (later words may start with a digit), at most {MAX_NAME} characters"
)]
pub struct InvalidName {
    /// The refused text.
    pub text: String,
}

impl WitName {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidName`] where it is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let words_ok =
            text.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        if words_ok && text.len() <= MAX_NAME && text.starts_with(|c: char| c.is_ascii_lowercase()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName { text })
        }
    }

    /// The name without `%`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What decides whether two names of one scope collide: current tools ignore hyphens.
    pub fn collision_key(&self) -> String {
        self.0.replace('-', "")
    }

    /// Whether the printed form needs a `%`.
    pub fn is_keyword(&self) -> bool {
        KEYWORDS.contains(&&*self.0)
    }
}

/// Prints the form that WIT text needs, `%` included.
impl fmt::Display for WitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_keyword() {
            f.write_str("%")?;
        }
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for WitName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WitName {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl From<WitName> for String {
    fn from(name: WitName) -> String {
        name.0.into()
    }
}

/// `namespace:name@version` of a WIT package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PackageName {
    /// Before the colon.
    pub namespace: WitName,
    /// After the colon.
    pub name: WitName,
    /// Semantic version; pre-releases are allowed but link only to themselves.
    pub version: String,
}

impl PackageName {
    /// The name under which a component imports an interface of this package: `api:todos/todos@1.0.0`.
    pub fn import_name(&self, interface: &WitName) -> String {
        format!("{}:{}/{}@{}", self.namespace.as_str(), self.name.as_str(), interface.as_str(), self.version)
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}@{}", self.namespace, self.name, self.version)
    }
}
