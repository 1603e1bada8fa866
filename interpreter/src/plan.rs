//! The compiled form of an API.

mod stream;

use std::sync::Arc;

use witwire_ir::host::Violation;
use witwire_ir::{Api, Call, CallClass, Id, KeyFormat, OperationId, Value};

use crate::failure::Failure;
use crate::grpc::{Compiler, GrpcPlan, Messages};
use crate::http::HttpPlan;
use crate::json::Codecs;
use crate::message::{Credential, CredentialError, Metadata, MetadataText, Request, Response};
use crate::settings::{self, CallSettings};
use crate::validate::{Checks, Report};

/// An [`Api`] ready to be called. Compile it once per component and share it.
#[derive(Debug)]
pub struct Plan {
    api: Arc<Api>,
    /// The rules of all types.
    checks: Checks,
    /// The JSON forms of all types; empty for gRPC.
    codecs: Arc<Codecs>,
    /// The protobuf forms of all messages; empty for HTTP.
    messages: Messages,
    operations: Vec<OperationPlan>,
}

#[derive(Debug)]
enum OperationPlan {
    Http(Box<HttpPlan>),
    Grpc(Box<GrpcPlan>),
}

/// An API that cannot be performed: its IR contradicts itself. Frontends never produce one; a damaged or foreign container may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operation `{operation}`: {message}")]
pub struct PlanError {
    /// `METHOD path` or the gRPC method.
    pub operation: String,
    /// What does not fit.
    pub message: String,
}

impl Plan {
    /// Compiles an API.
    ///
    /// # Errors
    /// [`PlanError`] where a wire map does not fit its shape.
    pub fn new(api: Arc<Api>) -> Result<Self, PlanError> {
        let codecs = Arc::new(Codecs::new(&api)?);
        let mut messages = Compiler::new(&api);
        let operations = api
            .operations
            .iter()
            .map(|(_, operation)| {
                Ok(match &operation.call {
                    Call::Http(call) => OperationPlan::Http(Box::new(HttpPlan::new(&api, operation, call)?)),
                    Call::Grpc(call) => OperationPlan::Grpc(Box::new(GrpcPlan::new(&api, &mut messages, operation, call)?)),
                })
            })
            .collect::<Result<_, PlanError>>()?;
        let messages = messages.finish();
        let checks = Checks::new(&api, codecs.clone());
        Ok(Self { api, checks, codecs, messages, operations })
    }

    /// The API that this plan performs.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// Checks the arguments against the API's rules. Empty: they may be sent.
    ///
    /// `args` conform to the operation's parameters ([`Value::conforms`]); so for all methods below.
    pub fn check(&self, operation: OperationId, args: &[Value]) -> Vec<Violation> {
        let mut report = Report::default();
        self.checks.arguments(&self.api, &self.api.operations[operation], args, &mut report);
        match &self.operations[operation.index()] {
            OperationPlan::Http(plan) => plan.check(&self.api, &self.checks, args, &mut report),
            OperationPlan::Grpc(_) => {}
        }
        settings::check(&self.api, &self.api.operations[operation], args, &mut report);
        report.into_violations()
    }

    /// Encodes a request, with the guest's credentials where the guest passes them.
    ///
    /// # Errors
    /// A [`Failure`] where a value cannot be encoded (a header value with a line break, a node table with a cycle).
    pub fn request(&self, operation: OperationId, args: &[Value]) -> Result<Request, Failure> {
        let mut request = match &self.operations[operation.index()] {
            OperationPlan::Http(plan) => plan.request(&self.api, &self.codecs, args).map(Request::Http),
            OperationPlan::Grpc(plan) => plan.request(&self.api, &self.messages, args).map(Request::Grpc),
        }?;
        settings::apply(&self.api, &self.api.operations[operation], args, &mut request);
        crate::http::auth::authorize_guest(&self.api, &self.api.operations[operation], &mut request, args)?;
        Ok(request)
    }

    /// What the guest says of this call beside its request (`calls: explicit`).
    pub fn settings(&self, operation: OperationId, args: &[Value]) -> CallSettings {
        settings::read(&self.api, &self.api.operations[operation], args)
    }

    /// Puts an idempotency key into its header, in place of one that the guest gave there; nothing where the operation carries none.
    pub fn put_key(&self, operation: OperationId, request: &mut Request, key: &str) {
        let CallClass::Keyed(header) = &self.api.operations[operation].class else { return };
        let text = match header.format {
            KeyFormat::Raw => key.to_owned(),
            // A key has neither quotes nor backslashes, so that it needs no escape.
            KeyFormat::StructuredString => format!("\"{key}\""),
        };
        let name = header.name.to_ascii_lowercase();
        match request {
            Request::Http(request) => {
                request.headers.retain(|(n, _)| *n != name);
                request.headers.push((name, text));
            }
            Request::Grpc(request) => {
                request.metadata.retain(|(n, _)| *n != name);
                request.metadata.push((name, MetadataText::Ascii(text)));
            }
        }
    }

    /// Puts the host's credentials into a request: of the operation's alternatives the first whose schemes are all found.
    ///
    /// # Errors
    /// [`CredentialError`] where credentials are needed and missing, or cannot be sent.
    pub fn authorize(
        &self,
        operation: OperationId,
        request: &mut Request,
        find: &dyn Fn(&str) -> Option<Credential>,
    ) -> Result<(), CredentialError> {
        let operation = &self.api.operations[operation];
        crate::http::auth::authorize(&self.api, &operation.auth, request, find)
    }

    /// Takes the credentials out of the URLs of a response's headers, for what is told beside the result: a service may repeat those that it
    /// was sent in a query. [`Plan::response`] does the same.
    pub fn clean_headers(&self, headers: &mut Metadata) {
        let keys = self.api.query_keys();
        for (name, value) in headers {
            if let MetadataText::Ascii(text) = value
                && let Some(clean) = crate::http::header::without_credentials(&keys, name, text)
            {
                *text = clean;
            }
        }
    }

    /// Decodes a response into the operation's `result` value. A response that breaks the contract becomes the WIT `error`.
    ///
    /// `args` are those of the request (`not-found` names the resource from the path).
    pub fn response(&self, operation: OperationId, args: &[Value], response: &Response) -> Value {
        match (&self.operations[operation.index()], response) {
            (OperationPlan::Http(plan), Response::Http(response)) => plan.response(&self.api, &self.codecs, args, response),
            (OperationPlan::Grpc(plan), Response::Grpc(response)) => plan.response(&self.api, &self.messages, response),
            _ => self.failure(
                operation,
                Failure::InvalidResponse {
                    message: "the transport answered in another protocol".to_owned(),
                    raw: None,
                    status: None,
                },
            ),
        }
    }

    /// The operation's `result` value for a failure that the host found.
    pub fn failure(&self, operation: OperationId, failure: Failure) -> Value {
        match &self.operations[operation.index()] {
            OperationPlan::Http(_) => crate::http::error::failure(&self.api, failure),
            OperationPlan::Grpc(_) => crate::grpc::error::failure(failure),
        }
    }

    /// The arguments for what is recorded: the credentials that the guest passes, as an argument or among the headers or metadata of
    /// this call, are empty ([`witwire_ir::Place::empty`]).
    pub fn redact(&self, operation: OperationId, args: &[Value]) -> Vec<Value> {
        let mut args = args.to_vec();
        let operation = &self.api.operations[operation];
        if let Some(place) = &operation.auth.guest {
            place.empty(&mut args);
        }
        settings::empty_credentials(&self.api, operation, &mut args);
        args
    }
}
