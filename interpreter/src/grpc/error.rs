//! `record error` over gRPC.

use witwire_ir::Value;
use witwire_ir::host::grpc::{ErrorKind, MetadataValue};
use witwire_ir::host::violation;

use super::details;
use crate::failure::Failure;
use crate::message::{GrpcStatus, Metadata, MetadataText};

/// The `result` value for a failure that the host found.
pub(crate) fn failure(failure: Failure) -> Value {
    let (kind, message) = match failure {
        Failure::InvalidRequest(violations) => {
            let message = match &violations[..] {
                [] => "the arguments break the API's contract; nothing was sent".to_owned(),
                [only] => format!("`{}`: {}; nothing was sent", only.location, only.message),
                [first, rest @ ..] => {
                    format!("`{}`: {}, and {} more; nothing was sent", first.location, first.message, rest.len())
                }
            };
            let list: Vec<Value> = violations.iter().map(violation).collect();
            (Value::case(ErrorKind::InvalidRequest as u32, Value::list(list)), message)
        }
        Failure::InvalidResponse { message, .. } => (plain(ErrorKind::InvalidResponse), message),
        Failure::Unavailable(message) => (plain(ErrorKind::Unavailable), message),
        Failure::Timeout(message) => (plain(ErrorKind::DeadlineExceeded), message),
        Failure::OutcomeUnknown(message) => (plain(ErrorKind::OutcomeUnknown), message),
        Failure::Denied(message) => (plain(ErrorKind::Denied), message),
        Failure::Unauthenticated(message) => (plain(ErrorKind::Unauthenticated), message),
        Failure::Unimplemented(message) => (plain(ErrorKind::Unimplemented), message),
    };
    record(kind, message, Vec::new(), &Metadata::new())
}

/// The `result` value for a status that is not OK.
pub(crate) fn status(status: &GrpcStatus) -> Value {
    let (message, details) = status.details.as_deref().map(details::read).unwrap_or_default();
    // The two messages are the same where a server keeps the rules; the one in the details survives header limits.
    let message = if status.message.is_empty() { message } else { status.message.clone() };
    record(Value::Variant(ErrorKind::from_code(status.code), None), message, details, &status.trailers)
}

fn plain(kind: ErrorKind) -> Value {
    Value::Variant(kind as u32, None)
}

/// `err(error)`, its slots in the order of [`witwire_ir::host::grpc`].
fn record(kind: Value, message: String, details: Vec<Value>, trailers: &Metadata) -> Value {
    let trailers: Vec<Value> = trailers
        .iter()
        .map(|(key, value)| {
            let value = match value {
                MetadataText::Ascii(text) => Value::case(MetadataValue::Ascii as u32, Value::string(text.as_str())),
                MetadataText::Binary(bytes) => Value::case(MetadataValue::Binary as u32, Value::Bytes(bytes[..].into())),
            };
            Value::tuple([Value::string(key.as_str()), value])
        })
        .collect();
    Value::err(Value::record([kind, Value::string(message), Value::list(details), Value::list(trailers)]))
}

#[cfg(test)]
mod tests {
    use witwire_ir::host::grpc::{DETAILS, KIND, MESSAGE, TRAILERS};

    #[test]
    fn the_slots_are_those_of_the_record() {
        assert_eq!([KIND, MESSAGE, DETAILS, TRAILERS], [0, 1, 2, 3]);
    }
}
