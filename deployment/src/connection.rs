//! How connections to the servers are kept, and what may pass over them.

use std::num::NonZeroU32;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Period;
use crate::whole::whole;

/// PINGs over HTTP/2, by which a dead connection is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Keepalive {
    /// After how long without a sign of life a PING is sent. Many servers take more than one in five minutes for abuse.
    pub interval: Period,
    /// How long its answer may take before the connection counts as dead. Default: `20s`.
    #[serde(default = "patience")]
    pub timeout: Period,
    /// Whether also while no call is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub while_idle: bool,
}

const fn patience() -> Period {
    Period::from_millis(20_000)
}

/// The largest messages and bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// The largest request message or body. Absent: the protocol's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_bytes: Option<Size>,
    /// The largest response message or body, before and after decompression. Absent: 16 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_bytes: Option<Size>,
}

impl Limits {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A number of bytes, from 1 to 256 MiB (268435456).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Size(NonZeroU32);

/// The largest [`Size`]: what the oplog can hold several times over.
const LARGEST: u32 = 256 << 20;

impl Size {
    /// `None` where it is not from 1 to 256 MiB.
    pub const fn new(bytes: u32) -> Option<Self> {
        match NonZeroU32::new(bytes) {
            Some(bytes) if bytes.get() <= LARGEST => Some(Self(bytes)),
            _ => None,
        }
    }

    /// As the standard library has it.
    pub const fn bytes(self) -> usize {
        self.0.get() as usize
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(whole(deserializer)?)
            .ok_or_else(|| D::Error::custom(format!("a size is a number of bytes from 1 to {LARGEST} (256 MiB)")))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": LARGEST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bounded() {
        let read = |json: &str| serde_json::from_str::<Size>(json).map_err(|e| e.to_string());
        assert_eq!(read("1"), Ok(Size(NonZeroU32::MIN)));
        assert_eq!(read("268435456.0").map(Size::bytes), Ok(LARGEST as usize));
        for json in ["0", "268435457", "4294967296", "-1", "1.5", "\"1\"", "null"] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_ping_has_an_interval() {
        let read = |json: &str| serde_json::from_str::<Keepalive>(json);
        let kept = read(r#"{"interval":"5m"}"#).expect("an interval");
        assert_eq!((kept.timeout, kept.while_idle), (patience(), false));
        assert_eq!(serde_json::to_string(&kept).expect("JSON"), r#"{"interval":"5m","timeout":"20s"}"#);
        assert!(read("{}").is_err());
    }
}
