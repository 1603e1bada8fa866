//! gRPC: values to protobuf bytes and back, statuses to errors.

pub(crate) mod error;

mod details;
mod protobuf;

use witwire_ir::host::Violation;
use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::{Api, Operation, TypeId, Value};

pub(crate) use protobuf::{Compiler, Messages};

use crate::failure::Failure;
use crate::message::{GrpcRequest, GrpcResponse};
use crate::plan::PlanError;
use protobuf::{Root, skim};

/// The parameter of `send`.
pub(crate) const ITEM: &str = "item";

/// A gRPC method ready to be called.
#[derive(Debug)]
pub(crate) struct GrpcPlan {
    /// `/package.Service/Method`.
    path: String,
    kind: StreamKind,
    /// The message of the client and the name of its parameter; `None` where it has no fields.
    request: Option<(Root, String)>,
    /// The message of the server; `None` where it has no fields.
    response: Option<Root>,
}

impl GrpcPlan {
    /// Compiles a method and the messages that it reaches.
    pub(crate) fn new(
        api: &Api,
        messages: &mut Compiler<'_>,
        operation: &Operation,
        call: &GrpcCall,
    ) -> Result<Self, PlanError> {
        let error = |message: String| PlanError { operation: operation.source_name(), message };
        let path = call.path.clone();
        let mut compile = |ty: TypeId| messages.message(ty).map_err(error);
        let request = match call.request {
            Some(ty) if !call.kind.takes_request() => Some((compile(ty)?, ITEM.to_owned())),
            Some(ty) => match operation.params.first() {
                Some(param) if api.resolve(param.ty) == api.resolve(ty) => {
                    Some((compile(ty)?, param.name.as_str().to_owned()))
                }
                _ => return Err(error("its first parameter is not the request message".to_owned())),
            },
            None => None,
        };
        let (ok, _) = api.result(operation);
        if call.kind == StreamKind::Unary && ok.map(|ty| api.resolve(ty)) != call.response.map(|ty| api.resolve(ty)) {
            return Err(error("its result is not the response message".to_owned()));
        }
        let response = call.response.map(compile).transpose()?;
        Ok(Self { path, kind: call.kind, request, response })
    }

    /// Encodes a request, without credentials. That of a call whose client streams has no message of its own.
    pub(crate) fn request(&self, api: &Api, messages: &Messages, args: &[Value]) -> Result<GrpcRequest, Failure> {
        let message =
            if self.kind.takes_request() { self.message(api, messages, args.first())? } else { bytes::Bytes::new() };
        Ok(GrpcRequest {
            path: self.path.clone(),
            metadata: Vec::new(),
            message,
            secrets: crate::message::Secrets::default(),
        })
    }

    /// Encodes a message of the client: the request, or one item of its stream.
    pub(crate) fn message(&self, api: &Api, messages: &Messages, value: Option<&Value>) -> Result<bytes::Bytes, Failure> {
        let Some((root, param)) = &self.request else { return Ok(bytes::Bytes::new()) };
        let refuse =
            |location, message| Failure::InvalidRequest(vec![Violation { location, rule: "message".to_owned(), message }]);
        let value = value.ok_or_else(|| refuse(param.clone(), "the argument is missing".to_owned()))?;
        messages.encode(*root, value).map_err(|e| refuse(e.location(api, param), e.refusal().to_string()))
    }

    /// The operation's `result` value for a response: of a unary call, or of one whose client streams.
    pub(crate) fn response(&self, api: &Api, messages: &Messages, response: &GrpcResponse) -> Value {
        let message = match response {
            GrpcResponse::Status(status) => return error::status(status),
            GrpcResponse::Ok { message, .. } => message,
        };
        match self.received(api, messages, message) {
            Ok(value) => Value::ok(value),
            Err(failure) => error::failure(failure),
        }
    }

    /// Decodes a message of the server; `None` where it has no fields.
    pub(crate) fn received(&self, api: &Api, messages: &Messages, message: &[u8]) -> Result<Option<Value>, Failure> {
        let decoded = match self.response {
            Some(root) => messages.decode(root, message).map(Some),
            None => skim(message).map(|()| None),
        };
        decoded.map_err(|e| Failure::InvalidResponse {
            message: format!("the response of `{}` cannot be read: {}", self.method(), e.describe(api)),
            raw: None,
            status: None,
        })
    }

    fn method(&self) -> &str {
        self.path.trim_start_matches('/')
    }
}
