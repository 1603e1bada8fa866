//! Why a worker cannot be invoked.

use crate::oplog::{FunctionName, IdempotencyKey, Malformed, StoreError, SuspendReason, WorkerId};
use crate::wave::ArgumentError;

/// Why a worker cannot be opened, invoked or resumed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkerError {
    /// The store failed, or somebody else has the worker.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The oplog contradicts itself.
    #[error(transparent)]
    Damaged(#[from] Malformed),
    /// A person must decide.
    #[error("worker `{worker}` is suspended ({}): {detail}", reason.name())]
    Suspended {
        /// Which.
        worker: WorkerId,
        /// Why.
        reason: SuspendReason,
        /// What happened.
        detail: String,
    },
    /// It trapped, and its memory is lost.
    #[error("worker `{worker}` has failed: {detail}; its stored results remain, new invocations need a new worker")]
    Failed {
        /// Which.
        worker: WorkerId,
        /// What happened.
        detail: String,
    },
    /// The component has no such export.
    #[error("the component exports no function `{function}`; it has {}", listed(available))]
    NoExport {
        /// As asked for.
        function: FunctionName,
        /// What it has.
        available: Vec<FunctionName>,
    },
    /// The arguments do not fit.
    #[error("`{function}`: {source}")]
    Arguments {
        /// The export.
        function: FunctionName,
        /// Why.
        source: ArgumentError,
    },
    /// The key was used for something else.
    #[error(
        "the idempotency key `{key}` was used for `{function}` with other arguments; use a new key for another invocation"
    )]
    KeyReused {
        /// The key.
        key: IdempotencyKey,
        /// What it was used for.
        function: FunctionName,
    },
    /// The host cannot run the component now.
    #[error("{0}")]
    Host(String),
    /// An earlier call was cancelled while the component ran.
    #[error("worker `{worker}` was interrupted in the middle of an invocation; open it again to carry on")]
    Lost {
        /// Which.
        worker: WorkerId,
    },
}

fn listed(functions: &[FunctionName]) -> String {
    if functions.is_empty() {
        return "none".to_owned();
    }
    functions.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(", ")
}
