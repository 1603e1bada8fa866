//! A function that a component imports, with all that is needed to perform it.

use std::sync::Arc;
use std::time::Duration;

use witwire_interpreter::{Failure, Plan, Response};
use witwire_ir::{InDoubt, Operation, OperationId, Shape, Value};

use crate::credentials::Credentials;
use crate::lift::Layout;
use crate::link::Signature;
use crate::oplog::{FunctionName, IrDigest};
use crate::transport::Endpoint;

/// A function that a component imports, with all that is needed to perform it.
#[derive(Debug)]
pub(crate) struct Callee {
    pub(crate) name: FunctionName,
    pub(crate) ir: IrDigest,
    pub(crate) plan: Arc<Plan>,
    pub(crate) operation: OperationId,
    pub(crate) layout: Arc<Layout>,
    pub(crate) signature: Signature,
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) deadline: Duration,
    pub(crate) record_requests: bool,
    pub(crate) unkeyed: InDoubt,
}

impl Callee {
    pub(crate) fn operation(&self) -> &Operation {
        &self.plan.api().operations[self.operation]
    }

    /// Whether the function gives a stream.
    pub(crate) fn opens_stream(&self) -> bool {
        let api = self.plan.api();
        let (ok, _) = api.result(self.operation());
        ok.is_some_and(|ok| matches!(api.shape(ok), Shape::Resource(_)))
    }

    /// The result for a response.
    pub(crate) fn response(&self, args: &[Value], response: &Response) -> Value {
        self.checked(self.plan.response(self.operation, args, response))
    }

    /// The result for a failure that the host found.
    pub(crate) fn failure(&self, failure: Failure) -> Value {
        self.plan.failure(self.operation, failure)
    }

    /// The value if it is one of the result's type, so that it can be recorded and given to a guest at any later time.
    fn checked(&self, value: Value) -> Value {
        match value.conforms(self.plan.api(), self.operation().result) {
            Ok(()) => value,
            Err(mismatch) => {
                self.failure(Failure::InvalidResponse { message: mismatch.to_string(), raw: None, status: None })
            }
        }
    }
}
