//! Response bodies that a guest reads item by item.

use serde::{Deserialize, Serialize};

use crate::id::TypeId;

/// A response body that a guest reads item by item, by `next` of the resource that its operation returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamBody {
    /// Essence of the declared media type, in lower case; `*/*` for any.
    pub media_type: String,
    /// How the body is cut into items.
    pub framing: Framing,
    /// How an item is read.
    pub item: ItemEncoding,
    /// The type of an item: what stands in the option of `next`.
    pub ty: TypeId,
    /// An event's data that are no item but end the stream (`[DONE]`). Only of events.
    pub end: Option<String>,
}

/// How a body is cut into items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Framing {
    /// Server-sent events (HTML Living Standard, section 9.2.6).
    Events,
    /// One text per line; blank lines are none.
    Lines,
    /// JSON texts, each behind a record separator (RFC 7464).
    Records,
    /// Bytes as they come, in pieces of any size.
    Chunks,
}

/// How an item of a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ItemEncoding {
    /// The text, or an event's data, as JSON.
    Json,
    /// The text, or an event's data, as a string.
    Text,
    /// An event as `record sse-event` (see [`crate::host::http::SseEvent`]).
    Event,
    /// An event as a JSON object of its `id`, `event` and `data`; the data are JSON where they read as what the type says, else a
    /// string.
    Object,
    /// The bytes themselves.
    Binary,
}

impl ItemEncoding {
    /// Whether items of a framing can be read so.
    pub const fn fits(self, framing: Framing) -> bool {
        match self {
            Self::Json => !matches!(framing, Framing::Chunks),
            Self::Text => matches!(framing, Framing::Events | Framing::Lines),
            Self::Event | Self::Object => matches!(framing, Framing::Events),
            Self::Binary => matches!(framing, Framing::Chunks),
        }
    }
}
