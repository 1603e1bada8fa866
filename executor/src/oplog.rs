//! The operation log: what makes a worker's calls durable.
//!
//! A worker's oplog is the ordered list of all that its component learned from outside: invocations, results of calls, clock
//! readings, random bytes. Run again over it, the component comes to the same state without a single byte being sent.
//!
//! ```text
//!               Playback (pure) ◀── read ── Store ◀── append ── live worker
//!                    │                      ├─ SqliteStore
//!   Replayed / InDoubt / Live / Divergence  └─ MemoryStore (the model)
//! ```
//!
//! The contract, in the order in which it is relied upon:
//!
//! 1. A completed call is never sent again.
//! 2. Nothing is sent during playback.
//! 3. A call in doubt (started durably, no result) is settled by its class, see [`settle`].
//! 4. Before any byte leaves, every earlier entry of that worker is durable. Where [`Class::starts_durably`] says so, the
//!    call's own [`Started`] is one of them; else [`Started`] and [`Finished`] are appended together after the response.
//! 5. A stream's steps are entries of their own ([`Stepped`]), appended once their outcome is known. What of a stream is not in
//!    the oplog is asked for again only where its class lets the call be sent again.
//! 6. Nothing of the oplog changes when playback diverges: that a worker is suspended is kept in [`Status`].

mod codec;
mod describe;
mod digest;
mod doubt;
mod entry;
mod id;
mod memory;
mod playback;
mod request;
mod sqlite;
mod store;

pub use codec::DecodeError;
pub use describe::{ApiLookup, Description, describe};
pub use digest::{ComponentDigest, Digest, DigestKey, IrDigest, RequestDigest};
pub use doubt::{Settlement, settle};
pub use entry::{
    Class, ClockKind, ClockReading, Completed, Entry, Event, Finished, FunctionName, Invoked, Outcome, RandomBytes,
    Recorded, Started, Stepped, Wave,
};
pub use id::{IdempotencyKey, InvalidKey, InvalidWorkerId, Ordinal, Timestamp, WorkerId};
pub use memory::MemoryStore;
pub use playback::{CallStep, Divergence, Malformed, Observation, Playback, Step};
pub use request::request_digest;
pub use sqlite::SqliteStore;
pub use store::{Invocation, Lease, NewWorker, Status, Store, StoreError, StoreFuture, SuspendReason, Ticket, Worker};
