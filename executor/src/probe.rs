//! Telling a test where a worker stands, so that it can end the process there.

use std::fmt;

use crate::oplog::Ordinal;

/// A point on the way of a call at which a crash leaves the oplog and the server in another state than at the next.
///
/// Two more points are the transport's, see [`crate::transport::SendStage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// Nothing of the call, or of the step of a stream, is in the oplog.
    BeforeRecorded,
    /// The start of the call is durable, nothing is sent. Only where the call's class records its start.
    Recorded,
    /// The outcome of a stream's step is known, nothing of it is in the oplog.
    StepTaken,
    /// The result of the call, or of the step, is durable, the guest does not have it yet.
    RecordedNotReturned,
}

/// Is told where a worker stands. `()` is told nothing and costs nothing.
pub trait Probe: fmt::Debug + Send + Sync {
    /// The worker has come to this point with the call whose `Started` is, or will be, at the ordinal, or with the step that is
    /// the entry at it; it goes on when this
    /// returns.
    fn reached(&self, window: Window, call: Ordinal);

    /// Whether the worker is to wait until a result is durable before the guest gets it, which it otherwise need not.
    fn waits_for_results(&self) -> bool {
        true
    }
}

impl Probe for () {
    fn reached(&self, _window: Window, _call: Ordinal) {}

    fn waits_for_results(&self) -> bool {
        false
    }
}
