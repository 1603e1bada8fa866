//! The steps of streaming calls.

use bytes::Bytes;
use witwire_ir::host::Violation;
use witwire_ir::{Call, Id, OperationId, Step, TypeId, Value};

use super::{OperationPlan, Plan};
use crate::failure::Failure;
use crate::frames::{Frame, FrameError, Splitter};
use crate::grpc::{ITEM, error};
use crate::message::{GrpcResponse, GrpcStatus, HttpResponse, Response};
use crate::settings;
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

    /// The result of `next-batch`; `messages` is empty at the stream's end. Where one of them breaks the contract, the result is of those
    /// before it, and the `err` beside it is the one of the next step: the stream is of no more use then.
    ///
    /// # Errors
    /// As [`Plan::next`], where the first message breaks the contract.
    pub fn batch(&self, operation: OperationId, messages: &[Bytes]) -> Result<(Value, Option<Value>), Value> {
        let mut items = Vec::with_capacity(messages.len());
        let mut behind = None;
        for message in messages {
            match self.received(operation, message) {
                Ok(item) => items.push(item),
                Err(error) if items.is_empty() => return Err(error),
                Err(error) => {
                    behind = Some(error);
                    break;
                }
            }
        }
        let value = if self.gives_values(operation) {
            Value::List(items.into_iter().flatten().collect())
        } else {
            Value::U32(items.len() as u32)
        };
        Ok((Value::ok(Some(value)), behind))
    }

    /// The arguments of the next page's call, for an operation that opens a pager; `None` where there is no next page. `result` is what
    /// `next` gave for these arguments. A URL stands behind the declared arguments.
    ///
    /// An idempotency key that the guest gave is that of the first page: a server would answer another page that has it with the first.
    pub fn further(&self, operation: OperationId, args: &[Value], result: &Value) -> Option<Vec<Value>> {
        let (OperationPlan::Http(plan), Value::Result(Ok(Some(page)))) = (&self.operations[operation.index()], result)
        else {
            return None;
        };
        let Value::Option(Some(page)) = &**page else { return None };
        let mut next = plan.further(&self.api, &self.codecs, args, page)?;
        settings::take_key(&self.api, &self.api.operations[operation], &mut next);
        Some(next)
    }

    /// How the body of a response is cut into items, none larger than `limit` bytes; `None` where the response is none of items, and
    /// is to be read whole for [`Plan::response`]. `head` is the response without its body.
    pub fn splitter(&self, operation: OperationId, head: &HttpResponse, limit: usize) -> Option<Splitter> {
        match &self.operations[operation.index()] {
            OperationPlan::Http(plan) => plan.stream(head).map(|stream| Splitter::new(stream, limit)),
            OperationPlan::Grpc(_) => None,
        }
    }

    /// The result of `next`: of an item of an HTTP response, or of the stream's end (`None`).
    ///
    /// # Errors
    /// The result's `err` where the item is not what the API declares. The stream is of no more use.
    pub fn next_frame(&self, operation: OperationId, head: &HttpResponse, frame: Option<&Frame>) -> Result<Value, Value> {
        let item = match (&self.operations[operation.index()], frame) {
            (_, None) => None,
            (OperationPlan::Http(plan), Some(frame)) => Some(plan.item(&self.api, &self.codecs, head, frame)?),
            (OperationPlan::Grpc(_), Some(_)) => {
                return Err(self.failure(operation, Failure::Unimplemented("gRPC has messages, no frames".to_owned())));
            }
        };
        Ok(Value::ok(Some(Value::option(item))))
    }

    /// What `next` gives, one after the other, where a whole response is read item by item: items and the end, or an `err` at last.
    pub fn items(&self, operation: OperationId, args: &[Value], response: &HttpResponse) -> Vec<Value> {
        let Some(mut splitter) = self.splitter(operation, response, response.body.len()) else {
            return vec![self.response(operation, args, &Response::Http(response.clone()))];
        };
        splitter.push(response.body.clone());
        splitter.finish();
        let mut values = Vec::new();
        loop {
            let value = match splitter.take() {
                Ok(frame) => self.next_frame(operation, response, frame.as_ref()).map(|value| (value, frame.is_some())),
                Err(error) => Err(self.unframed(operation, response, &error)),
            };
            let (value, goes_on) = value.unwrap_or_else(|error| (error, false));
            values.push(value);
            if !goes_on {
                return values;
            }
        }
    }

    /// What a guest gets of a response that came whole, one value after the other, and the type of each: what `next` gives where the
    /// function opens a stream, the last of them its end or an `err`; what `finish` gives where only the client streams; else the
    /// function's result.
    ///
    /// A gRPC response holds one message, so that a stream has one item.
    pub fn told(&self, operation: OperationId, args: &[Value], response: &Response) -> (TypeId, Vec<Value>) {
        let gives = |step| self.api.step(operation, step).and_then(|method| method.result);
        let whole = || vec![self.response(operation, args, response)];
        match (gives(Step::Next), response) {
            (Some(next), Response::Http(response)) => (next, self.items(operation, args, response)),
            (Some(next), Response::Grpc(GrpcResponse::Ok { message, .. })) => {
                let item = self.next(operation, Some(message));
                let end = item.is_ok().then(|| self.next(operation, None));
                (next, [Some(item), end].into_iter().flatten().map(|value| value.unwrap_or_else(|error| error)).collect())
            }
            (Some(next), Response::Grpc(GrpcResponse::Status(status))) => (next, vec![self.ended(operation, status)]),
            (None, _) => (gives(Step::Finish).unwrap_or(self.api.operations[operation].result), whole()),
        }
    }

    /// The `err` of a step for a body that cannot be cut into items.
    pub fn unframed(&self, operation: OperationId, head: &HttpResponse, error: &FrameError) -> Value {
        match &self.operations[operation.index()] {
            OperationPlan::Http(plan) => plan.broken(&self.api, &self.codecs, head, Bytes::new(), &error.to_string()),
            OperationPlan::Grpc(_) => {
                self.failure(operation, Failure::InvalidResponse { message: error.to_string(), raw: None, status: None })
            }
        }
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
