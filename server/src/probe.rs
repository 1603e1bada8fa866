//! Telling a test how far a deployment has come, so that it can end the process there.

use std::fmt;

/// A point on the way of a deployment at which a crash leaves other files than at the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeployStage {
    /// The upload is whole and checked; nothing of it is kept.
    Linked,
    /// The bytes are kept; nothing names them.
    Stored,
    /// The revision is written and not committed.
    Written,
    /// The revision is committed; the caller does not know.
    Committed,
}

/// Is told how far deployments have come. `()` is told nothing.
pub trait DeployProbe: fmt::Debug + Send + Sync {
    /// A deployment has come to this stage; it goes on when this returns.
    fn reached(&self, stage: DeployStage);
}

impl DeployProbe for () {
    fn reached(&self, _stage: DeployStage) {}
}
