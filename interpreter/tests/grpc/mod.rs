//! gRPC: protobuf bytes, statuses, failures.

mod corpus;
mod generate;
mod hostile;
mod lower;
mod merging;
mod oracle;
mod plan;
mod python;
mod round_trip;
mod rules;
mod settings;
mod status;
mod tables;

use std::sync::LazyLock;

use witwire_interpreter::{Failure, GrpcResponse, Request, Response};
use witwire_ir::wire::Wire;
use witwire_ir::{Api, Shape, TypeId, Value};

use lower::Lowered;

static OPEN: LazyLock<Lowered> = LazyLock::new(|| Lowered::new("open.proto"));
static CLOSED: LazyLock<Lowered> = LazyLock::new(|| Lowered::new("closed.proto"));

/// Whether a type is or holds a table of nodes, whose numbers a decoder may choose.
fn has_table(api: &Api, ty: TypeId) -> bool {
    let ty = &api.types[api.resolve(ty)];
    matches!(ty.wire, Wire::Table(_))
        || match &ty.shape {
            Shape::List(ty) | Shape::Option(ty) => has_table(api, *ty),
            Shape::Tuple(parts) => parts.iter().any(|ty| has_table(api, *ty)),
            Shape::Record(fields) => fields.iter().any(|f| has_table(api, f.ty)),
            Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).any(|ty| has_table(api, ty)),
            _ => false,
        }
}

impl Lowered {
    /// The record or table of a message.
    fn ty(&self, message: &str) -> TypeId {
        let operation = &self.api.operations[self.operation(message)];
        operation.params.first().expect("a message with fields").ty
    }

    fn encode(&self, message: &str, value: &Value) -> Result<Vec<u8>, Failure> {
        match self.plan.request(self.operation(message), std::slice::from_ref(value))? {
            Request::Grpc(request) => Ok(request.message.to_vec()),
            Request::Http(_) => panic!("a gRPC method sends a gRPC request"),
        }
    }

    /// The message's value, or the error's kind and message.
    fn decode(&self, message: &str, bytes: &[u8]) -> Result<Value, (u32, String)> {
        let response = GrpcResponse::Ok { message: bytes.to_vec().into(), trailers: Vec::new() };
        let operation = self.operation(message);
        let result = self.plan.response(operation, &[], &Response::Grpc(response));
        result.conforms(&self.api, self.api.operations[operation].result).expect("every result is one of its type");
        match result {
            Value::Result(Ok(Some(value))) => Ok(*value),
            Value::Result(Ok(None)) => Ok(Value::Bool(true)),
            Value::Result(Err(Some(error))) => match &*error {
                Value::Record(slots) => match &slots[..2] {
                    [Value::Variant(kind, _), Value::String(text)] => Err((*kind, text.to_string())),
                    other => panic!("an error starts with kind and message: {other:?}"),
                },
                other => panic!("an error is a record: {other:?}"),
            },
            other => panic!("a result: {other:?}"),
        }
    }
}
