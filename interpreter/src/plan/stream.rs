//! The steps of streaming calls.

use bytes::Bytes;
use witwire_ir::host::Violation;
use witwire_ir::{Call, Id, OperationId, TypeId, Value};

use super::{OperationPlan, Plan};
use crate::failure::Failure;
use crate::grpc::{ITEM, error};
use crate::message::GrpcStatus;
use crate::validate::Report;

impl Plan {
    /// Checks and encodes an item that the guest sends. `item` is the argument of `send`; `None` where the message has no fields.
    ///
    /// # Errors
    /// A [`Failure`] where the item breaks the API's rules or cannot be encoded. Nothing of it may be sent.
    pub fn item(&self, operation: OperationId, item: Option<&Value>) -> Result<Bytes, Failure> {
        let OperationPlan::Grpc(plan) = &self.operations[operation.index()] else {
            return Err(Failure::Unimplemented("no items can be sent over HTTP".to_owned()));
        };
        if let (Some(ty), Some(item)) = (self.item_type(operation), item) {
            let mut report = Report::default();
            report.within(ITEM, |report| self.checks.run(&self.api, ty, item, report));
            let violations: Vec<Violation> = report.into_violations();
            if !violations.is_empty() {
                return Err(Failure::InvalidRequest(violations));
            }
        }
        plan.message(&self.api, &self.messages, item)
    }

    fn item_type(&self, operation: OperationId) -> Option<TypeId> {
        match &self.api.operations[operation].call {
            Call::Grpc(call) => call.request,
            Call::Http(_) => None,
        }
    }

    /// The result of `next`: of a message that arrived, or of the stream's end (`None`).
    ///
    /// # Errors
    /// The result's `err` where the message breaks the contract. The stream is of no more use.
    pub fn next(&self, operation: OperationId, message: Option<&[u8]>) -> Result<Value, Value> {
        let item = message.map(|message| self.received(operation, message)).transpose()?;
        Ok(Value::ok(Some(match (self.gives_values(operation), item) {
            (true, item) => Value::option(item.flatten()),
            (false, item) => Value::Bool(item.is_some()),
        })))
    }

    /// The result of `next-batch`; `messages` is empty at the stream's end.
    ///
    /// # Errors
    /// As [`Plan::next`].
    pub fn batch(&self, operation: OperationId, messages: &[Bytes]) -> Result<Value, Value> {
        let items = messages.iter().map(|message| self.received(operation, message)).collect::<Result<Vec<_>, _>>()?;
        Ok(Value::ok(Some(if self.gives_values(operation) {
            Value::List(items.into_iter().flatten().collect())
        } else {
            Value::U32(items.len() as u32)
        })))
    }

    /// The `err` of a step for the status that ended the stream.
    pub fn ended(&self, operation: OperationId, status: &GrpcStatus) -> Value {
        match &self.operations[operation.index()] {
            OperationPlan::Grpc(_) => error::status(status),
            OperationPlan::Http(_) => self.failure(operation, Failure::Unavailable(status.message.clone())),
        }
    }

    fn received(&self, operation: OperationId, message: &[u8]) -> Result<Option<Value>, Value> {
        let received = match &self.operations[operation.index()] {
            OperationPlan::Grpc(plan) => plan.received(&self.api, &self.messages, message),
            OperationPlan::Http(_) => Err(Failure::Unimplemented("no items are read over HTTP".to_owned())),
        };
        received.map_err(|failure| self.failure(operation, failure))
    }

    /// Whether items have a value; else only their number counts.
    fn gives_values(&self, operation: OperationId) -> bool {
        match &self.api.operations[operation].call {
            Call::Grpc(call) => call.response.is_some(),
            Call::Http(_) => true,
        }
    }
}
