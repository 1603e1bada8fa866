//! A component's name, and the numbers of its revisions.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::whole::whole;

/// The longest [`ComponentName`].
const MAX_NAME: usize = 128;

/// A component's name: 1 to 128 ASCII letters, digits and `-_.:`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")))]
pub struct ComponentName(String);

/// Why a text is not a [`ComponentName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a component's name: use 1 to {MAX_NAME} ASCII letters, digits, `-`, `_`, `.` and `:`, starting with a \
     letter or digit"
)]
pub struct InvalidComponentName(String);

impl ComponentName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ComponentName {
    type Err = InvalidComponentName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ComponentName {
    type Error = InvalidComponentName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let ok = text.len() <= MAX_NAME
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        if ok { Ok(Self(text)) } else { Err(InvalidComponentName(text)) }
    }
}

impl From<ComponentName> for String {
    fn from(name: ComponentName) -> Self {
        name.0
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a revision among its component's: 1, 2, 3, … without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("maximum" = u32::MAX)))]
pub struct Revision(NonZeroU32);

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number: u32 = whole(deserializer)?;
        let zero = || D::Error::invalid_value(Unexpected::Unsigned(0), &"a revision, which are counted from 1");
        Self::new(number).ok_or_else(zero)
    }
}

impl Revision {
    /// A component's first revision.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Wraps a number; `None` for 0.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The one after it. `None` after four billion.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_wherever_they_are_read() {
        for good in ["a", "app:todo-agent", "0_a.b", &"n".repeat(128)] {
            assert!(good.parse::<ComponentName>().is_ok(), "{good}");
        }
        for bad in ["", ":a", "a b", "a/b", "ä", &"n".repeat(129)] {
            assert!(bad.parse::<ComponentName>().is_err(), "{bad}");
            assert!(serde_json::from_value::<ComponentName>(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn there_is_no_revision_0() {
        for bad in ["0", "-1", "1.5", "4294967296", "\"1\"", "1e300"] {
            assert!(serde_json::from_str::<Revision>(bad).is_err(), "{bad}");
        }
        for two in ["2", "2.0", "2e0"] {
            assert_eq!(serde_json::from_str::<Revision>(two).expect(two).get(), 2);
        }
        assert_eq!(Revision::FIRST.next().map(Revision::get), Some(2));
        assert_eq!(Revision::new(u32::MAX).and_then(Revision::next), None);
    }
}
