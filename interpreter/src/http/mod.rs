//! HTTP: values to requests, responses to values.

pub(crate) mod auth;
pub(crate) mod error;

use witwire_ir::host::Violation;
use witwire_ir::operation::http::HttpCall;
use witwire_ir::{Api, Operation, Value};

use crate::failure::Failure;
use crate::message::{HttpRequest, HttpResponse};
use crate::plan::PlanError;

/// An HTTP operation ready to be called.
#[derive(Debug)]
pub(crate) struct HttpPlan {}

impl HttpPlan {
    pub(crate) fn new(_api: &Api, _operation: &Operation, _call: &HttpCall) -> Result<Self, PlanError> {
        todo!()
    }
    pub(crate) fn check(&self, _api: &Api, _args: &[Value]) -> Vec<Violation> {
        todo!()
    }
    pub(crate) fn request(&self, _api: &Api, _args: &[Value]) -> Result<HttpRequest, Failure> {
        todo!()
    }
    pub(crate) fn response(&self, _api: &Api, _args: &[Value], _response: &HttpResponse) -> Value {
        todo!()
    }
}
