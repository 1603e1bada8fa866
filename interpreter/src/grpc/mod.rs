//! gRPC: values to protobuf bytes and back.

pub(crate) mod error;

use witwire_ir::host::Violation;
use witwire_ir::operation::grpc::GrpcCall;
use witwire_ir::{Api, Operation, Value};

use crate::failure::Failure;
use crate::message::{GrpcRequest, GrpcResponse};
use crate::plan::PlanError;

/// A gRPC method ready to be called.
#[derive(Debug)]
pub(crate) struct GrpcPlan {}

impl GrpcPlan {
    pub(crate) fn new(_api: &Api, _operation: &Operation, _call: &GrpcCall) -> Result<Self, PlanError> {
        todo!()
    }
    pub(crate) fn check(&self, _api: &Api, _args: &[Value]) -> Vec<Violation> {
        todo!()
    }
    pub(crate) fn request(&self, _api: &Api, _args: &[Value]) -> Result<GrpcRequest, Failure> {
        todo!()
    }
    pub(crate) fn response(&self, _api: &Api, _response: &GrpcResponse) -> Value {
        todo!()
    }
}
