//! Names, positions and times in an oplog.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The longest [`WorkerId`].
const MAX_WORKER_ID: usize = 128;
/// The longest [`IdempotencyKey`]; servers commonly admit 255 characters in a header's key.
const MAX_KEY: usize = 255;

/// A worker's name, unique in its store: 1 to 128 ASCII letters, digits and `-_.`, the first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(Box<str>);

/// Why a text is not a [`WorkerId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a worker name: use 1 to {MAX_WORKER_ID} ASCII letters, digits, `-`, `_` and `.`, starting with a letter or digit"
)]
pub struct InvalidWorkerId {
    /// The refused text.
    pub text: String,
}

impl WorkerId {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidWorkerId`] where it is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidWorkerId> {
        let text = text.into();
        let ok = text.len() <= MAX_WORKER_ID
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if ok { Ok(Self(text.into())) } else { Err(InvalidWorkerId { text }) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkerId {
    type Err = InvalidWorkerId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The position of an entry in its worker's oplog: 0, 1, 2, … without a gap.
///
/// A call is named by the ordinal of its [`super::Started`] entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ordinal(u64);

impl Ordinal {
    /// The position of the first entry.
    pub const ZERO: Self = Self(0);
    /// The highest position that a store keeps (SQL integers are signed).
    pub const MAX: Self = Self(i64::MAX as u64);

    /// Wraps a position.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The position.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position `count` entries later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Makes a repeated request recognisable: 1 to 255 visible ASCII characters (0x21 to 0x7E) without `"` and `\`, so that every
/// [`witwire_ir::KeyFormat`] can carry it unchanged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Box<str>);

/// Why a text is not an [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to {MAX_KEY} visible ASCII characters, without spaces, `\"` and `\\`")]
pub struct InvalidKey;

impl IdempotencyKey {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidKey`] where it is not of the form above.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = text.into();
        let ok =
            (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        if ok { Ok(Self(text.into())) } else { Err(InvalidKey) }
    }

    /// A new key, for an invocation whose caller gave none.
    ///
    /// # Errors
    /// The operating system's source of randomness failed.
    pub fn random() -> Result<Self, std::io::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self::uuid(bytes))
    }

    /// The key that one call of an invocation sends: a function of the worker's name, the invocation's key (`self`) and the
    /// ordinal of the call's [`super::Started`] entry, so that it is the same after every restart and never the same for two
    /// calls.
    #[must_use]
    pub fn for_call(&self, worker: &WorkerId, call: Ordinal) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("witwire 2026 idempotency key of a call");
        for text in [worker.as_str(), &self.0] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&call.get().to_le_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self::uuid(bytes)
    }

    /// The text of a UUID of version 8 (RFC 9562, section 5.8).
    fn uuid(mut bytes: [u8; 16]) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let mut text = String::with_capacity(36);
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            super::digest::push_hex(&mut text, *byte);
        }
        Self(text.into())
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// When an entry was made: milliseconds since 1970-01-01T00:00:00Z, by the host's wall clock. Shown to people, and used for the
/// window of idempotency keys; never shown to a guest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Wraps milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; `None` when the clock went backwards in between.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_millis)
    }
}

/// A time before the epoch counts as the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        Self(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// RFC 3339 with milliseconds, in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Year, month and day of a day since the epoch, in the proleptic Gregorian calendar.
fn civil(day: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day is a year's last; an era is 400 years.
    let day = day + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day_of_year - (153 * march_month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

    use super::*;

    #[test]
    fn worker_names_are_checked() {
        for good in ["a", "0", "todo-agent_1.x", &"w".repeat(128)] {
            assert!(WorkerId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "a/b", "a b", "ä", &"w".repeat(129)] {
            assert!(WorkerId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_fit_every_header_format() {
        for good in ["a", "order:1/2?x=~", &"k".repeat(255)] {
            assert!(IdempotencyKey::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\"", "a\\", "ä", "a\n", &"k".repeat(256)] {
            assert!(IdempotencyKey::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_call_s_key_is_stable_and_its_own() {
        let (key, worker) = (IdempotencyKey::new("order-1").unwrap(), WorkerId::new("w").unwrap());
        let call = key.for_call(&worker, Ordinal::new(3));
        assert_eq!(call, key.for_call(&worker, Ordinal::new(3)));
        assert_ne!(call, key.for_call(&worker, Ordinal::new(4)));
        assert_ne!(call, IdempotencyKey::new("order-2").unwrap().for_call(&worker, Ordinal::new(3)));
        assert_ne!(call, key.for_call(&WorkerId::new("v").unwrap(), Ordinal::new(3)));
        assert_eq!(call.as_str().len(), 36);
        assert_eq!(&call.as_str()[14..15], "8");
        assert_eq!(IdempotencyKey::new(call.as_str()), Ok(call));
    }

    #[test]
    fn timestamps_read_as_dates() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }
}
