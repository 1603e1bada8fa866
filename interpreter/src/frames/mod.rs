//! Bodies that come in pieces: bytes in, whole items out, whatever the boundaries of the network were.
//!
//! | media type | one item | source |
//! |---|---|---|
//! | `text/event-stream` | an [`Event`] | HTML Living Standard, section 9.2.6 |
//! | `application/x-ndjson`, `application/jsonl`, … | a line | one JSON text per line |
//! | `application/json-seq`, `…+json-seq` | a JSON text | RFC 7464 |
//!
//! All hold at most one unfinished item, and no item may be larger than the limit that the reader was made with. A [`Splitter`] is
//! the one that a response's declaration asks for.

mod lines;
mod records;
mod splitter;
mod sse;

pub use lines::Lines;
pub use records::Records;
pub use splitter::{Frame, Splitter};
pub use sse::{Event, Events};

/// Why a body in pieces cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// An item is larger than the limit.
    #[error("one item of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A line is not UTF-8.
    #[error("item {item} of the stream is not UTF-8")]
    NotUtf8 {
        /// Counted from 0.
        item: u64,
    },
}

#[cfg(test)]
mod tests;
