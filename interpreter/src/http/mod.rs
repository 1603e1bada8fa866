//! HTTP: values to requests, responses to values.

pub(crate) mod auth;
pub(crate) mod error;

mod header;
mod percent;
mod place;

use witwire_ir::operation::http::HttpCall;
use witwire_ir::{Api, Operation, Value};

use crate::failure::Failure;
use crate::json::Codecs;
use crate::message::{HttpRequest, HttpResponse};
use crate::plan::PlanError;
use crate::validate::{Checks, Report};

/// An HTTP operation ready to be called.
#[derive(Debug)]
pub(crate) struct HttpPlan {}

impl HttpPlan {
    pub(crate) fn new(_api: &Api, _codecs: &Codecs, _operation: &Operation, _call: &HttpCall) -> Result<Self, PlanError> {
        todo!()
    }
    pub(crate) fn check(&self, _api: &Api, _checks: &Checks, _args: &[Value], _report: &mut Report) {
        todo!()
    }
    pub(crate) fn request(&self, _api: &Api, _codecs: &Codecs, _args: &[Value]) -> Result<HttpRequest, Failure> {
        todo!()
    }
    pub(crate) fn response(&self, _api: &Api, _codecs: &Codecs, _args: &[Value], _response: &HttpResponse) -> Value {
        todo!()
    }
}
