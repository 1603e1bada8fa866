//! What the executor's errors are to a caller.

use witwire_executor::WorkerError;
use witwire_executor::oplog::StoreError;

use crate::problem::{Code, Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::WorkerExists(_) => Code::WorkerExists,
            StoreError::NoSuchWorker(_) => Code::NoSuchWorker,
            StoreError::Owned(_) => Code::Elsewhere,
            StoreError::KeyUsed { .. } => Code::KeyReused,
            StoreError::BadEntry { .. } | StoreError::Damaged(_) => Code::Damaged,
            _ => Code::Store,
        };
        Self::new(code, error)
    }
}

impl From<WorkerError> for Problem {
    fn from(error: WorkerError) -> Self {
        let code = match error {
            WorkerError::Store(error) => return error.into(),
            WorkerError::Damaged(_) => Code::Damaged,
            WorkerError::Suspended { .. } => Code::Suspended,
            WorkerError::Failed { .. } => Code::Failed,
            WorkerError::NoExport { .. } => Code::NoSuchFunction,
            WorkerError::Arguments { .. } => Code::Arguments,
            WorkerError::KeyReused { .. } => Code::KeyReused,
            WorkerError::Host(_) | WorkerError::Lost { .. } => Code::Host,
        };
        Self::new(code, error)
    }
}
