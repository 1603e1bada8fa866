//! How long a call is worth, and how often it is tried.

use std::num::NonZeroU8;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Period;
use crate::whole::whole;

/// How a call is repeated that failed for the moment. What may be repeated depends on the call's class: an unsafe call is repeated
/// only where it is certain that it was not processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Retry {
    /// How often a call is sent at most; 1 never repeats. Default: 5.
    #[serde(deserialize_with = "attempts")]
    pub attempts: NonZeroU8,
    /// How long a call may take, its repetitions and the pauses between them included. Default: `30s`.
    pub deadline: Period,
    /// The longest first pause. Each pause is a random part of it ("full jitter"), and it doubles from one to the next.
    /// Default: `100ms`.
    pub base: Period,
    /// The longest pause of all. Default: `20s`.
    pub cap: Period,
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU8, D::Error> {
    let number: u8 = whole(deserializer)?;
    NonZeroU8::new(number).ok_or_else(|| D::Error::custom("`attempts` is 1 or more; 1 never repeats"))
}

impl Default for Retry {
    fn default() -> Self {
        const FIVE: NonZeroU8 = NonZeroU8::MIN.saturating_add(4);
        Self {
            attempts: FIVE,
            deadline: Period::from_millis(30_000),
            base: Period::from_millis(100),
            cap: Period::from_millis(20_000),
        }
    }
}
