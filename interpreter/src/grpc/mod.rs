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

/// A gRPC method ready to be called.
#[derive(Debug)]
pub(crate) struct GrpcPlan {
    /// `/package.Service/Method`.
    path: String,
    kind: StreamKind,
    /// The request message and the name of its parameter; `None` where it has no fields.
    request: Option<(Root, String)>,
    /// The response message; `None` where it has no fields.
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
        if call.kind != StreamKind::Unary {
            return Ok(Self { path, kind: call.kind, request: None, response: None });
        }
        let mut compile = |ty: TypeId| messages.message(ty).map_err(error);
        let request = match call.request {
            Some(ty) => match operation.params.first() {
                Some(param) if api.resolve(param.ty) == api.resolve(ty) => {
                    Some((compile(ty)?, param.name.as_str().to_owned()))
                }
                _ => return Err(error("its first parameter is not the request message".to_owned())),
            },
            None => None,
        };
        let (ok, _) = api.result(operation);
        if ok.map(|ty| api.resolve(ty)) != call.response.map(|ty| api.resolve(ty)) {
            return Err(error("its result is not the response message".to_owned()));
        }
        let response = call.response.map(compile).transpose()?;
        Ok(Self { path, kind: call.kind, request, response })
    }

    /// Encodes a request, without credentials.
    pub(crate) fn request(&self, api: &Api, messages: &Messages, args: &[Value]) -> Result<GrpcRequest, Failure> {
        self.unary()?;
        let message = match &self.request {
            None => bytes::Bytes::new(),
            Some((root, param)) => {
                let refuse = |location, message| {
                    Failure::InvalidRequest(vec![Violation { location, rule: "message".to_owned(), message }])
                };
                let value = args.first().ok_or_else(|| refuse(param.clone(), "the argument is missing".to_owned()))?;
                messages.encode(*root, value).map_err(|e| refuse(e.location(api, param), e.refusal().to_string()))?
            }
        };
        Ok(GrpcRequest {
            path: self.path.clone(),
            metadata: Vec::new(),
            message,
            secrets: crate::message::Secrets::default(),
        })
    }

    /// The operation's `result` value for a response.
    pub(crate) fn response(&self, api: &Api, messages: &Messages, response: &GrpcResponse) -> Value {
        if let Err(failure) = self.unary() {
            return error::failure(failure);
        }
        let message = match response {
            GrpcResponse::Status(status) => return error::status(status),
            GrpcResponse::Ok { message, .. } => message,
        };
        let decoded = match self.response {
            Some(root) => messages.decode(root, message).map(Some),
            None => skim(message).map(|()| None),
        };
        match decoded {
            Ok(value) => Value::ok(value),
            Err(e) => error::failure(Failure::InvalidResponse {
                message: format!("the response of `{}` cannot be read: {}", self.method(), e.describe(api)),
                raw: None,
                status: None,
            }),
        }
    }

    fn method(&self) -> &str {
        self.path.trim_start_matches('/')
    }

    fn unary(&self) -> Result<(), Failure> {
        match self.kind {
            StreamKind::Unary => Ok(()),
            kind => Err(Failure::Unimplemented(format!(
                "`{}` is a {} method: streaming methods are printed but cannot be called by this version",
                self.method(),
                kind.name(),
            ))),
        }
    }
}
