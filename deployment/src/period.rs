//! Lengths of time as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest [`Period`]: a day.
const MAX: Duration = Duration::from_hours(24);
/// What may stand behind the number, in milliseconds. The longest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// The texts of a [`Period`]: what is written in each unit goes up to a day.
#[cfg(feature = "schema")]
const PATTERN: &str = concat!(
    "^(([1-9][0-9]{0,6}|[1-7][0-9]{7}|8[0-5][0-9]{6}|86[0-3][0-9]{5}|86400000)ms",
    "|([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)s",
    "|([1-9][0-9]{0,2}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)m",
    "|([1-9]|1[0-9]|2[0-4])h)$"
);

/// A length of time: a whole number with a unit, `100ms`, `30s`, `2m` or `1h`. From one millisecond to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = PATTERN)))]
pub struct Period {
    millis: u32,
}

/// Why a text is not a [`Period`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a whole number with a unit, as `100ms`, `30s`, `2m` or `1h`, from 1ms to 24h")]
pub struct InvalidPeriod(String);

impl Period {
    /// A period of whole milliseconds. `None` where it is no multiple of one, or not from one millisecond to a day.
    pub fn new(duration: Duration) -> Option<Self> {
        let whole = duration.subsec_nanos().is_multiple_of(1_000_000);
        let millis = u32::try_from(duration.as_millis()).ok()?;
        (whole && millis > 0 && duration <= MAX).then_some(Self { millis })
    }

    pub(crate) const fn from_millis(millis: u32) -> Self {
        Self { millis }
    }

    /// As the standard library has it.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.millis as u64)
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        // Each length has one text in a unit.
        let number = if number.starts_with('0') { "" } else { number };
        let scale = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale);
        let millis = scale.and_then(|scale| number.parse::<u64>().ok()?.checked_mul(scale));
        millis.and_then(|m| Self::new(Duration::from_millis(m))).ok_or_else(|| InvalidPeriod(text.to_owned()))
    }
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

/// In the longest unit that is exact.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::from(self.millis);
        let (unit, scale) = UNITS.into_iter().find(|(_, scale)| millis.is_multiple_of(*scale)).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", millis / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_and_written() {
        for (text, millis, written) in [
            ("100ms", 100, "100ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "90s"),
            ("120s", 120_000, "2m"),
            ("1500ms", 1500, "1500ms"),
            ("24h", 86_400_000, "24h"),
        ] {
            let period: Period = text.parse().expect(text);
            assert_eq!(period.duration(), Duration::from_millis(millis));
            assert_eq!(period.to_string(), written);
            assert_eq!(written.parse(), Ok(period));
        }
        for bad in ["", "30", "s", "0s", "01s", "-1s", "1.5s", "1 s", "25h", "1d", "99999999999999999999s", "30S", "1s "] {
            assert_eq!(bad.parse::<Period>(), Err(InvalidPeriod(bad.to_owned())), "{bad}");
        }
    }
}
