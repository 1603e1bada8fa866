//! `record error` over HTTP.

use witwire_ir::host::http::{ErrorKind, ErrorSlots};
use witwire_ir::host::{Violation, violation};
use witwire_ir::{Api, Value};

use crate::failure::Failure;

/// A `record error` being put together.
#[derive(Debug)]
pub(super) struct ErrorValue {
    pub(super) kind: ErrorKind,
    pub(super) payload: Option<Value>,
    pub(super) message: String,
    pub(super) status: Option<u16>,
    pub(super) body: Option<Value>,
    pub(super) raw: Option<String>,
    pub(super) headers: Vec<Value>,
}

impl ErrorValue {
    pub(super) fn new(kind: ErrorKind, message: String) -> Self {
        Self { kind, payload: None, message, status: None, body: None, raw: None, headers: Vec::new() }
    }

    /// `err(error)`
    pub(super) fn into_result(self, api: &Api) -> Value {
        let has_body = api.host.as_ref().is_some_and(|host| host.error_body.is_some());
        let slots = ErrorSlots::new(has_body);
        let mut values = vec![Value::none(); slots.len];
        values[slots.kind] = Value::Variant(self.kind as u32, self.payload.map(Box::new));
        values[slots.message] = Value::string(self.message);
        values[slots.status] = Value::option(self.status.map(Value::U16));
        if let Some(slot) = slots.body {
            values[slot] = Value::option(self.body);
        }
        values[slots.raw] = Value::option(self.raw.map(Value::string));
        values[slots.headers] = Value::list(self.headers);
        Value::err(Value::record(values))
    }
}

/// The `result` value for a failure that the host found.
pub(crate) fn failure(api: &Api, failure: Failure) -> Value {
    let error = match failure {
        Failure::InvalidRequest(violations) => ErrorValue {
            payload: Some(Value::list(violations.iter().map(violation).collect::<Vec<_>>())),
            ..ErrorValue::new(ErrorKind::InvalidRequest, in_words(&violations))
        },
        Failure::InvalidResponse { message, raw, status } => {
            ErrorValue { status, raw, ..ErrorValue::new(ErrorKind::InvalidResponse, message) }
        }
        Failure::Unavailable(message) => ErrorValue::new(ErrorKind::Unavailable, message),
        Failure::Timeout(message) => ErrorValue::new(ErrorKind::Timeout, message),
        Failure::OutcomeUnknown(message) => ErrorValue::new(ErrorKind::OutcomeUnknown, message),
        Failure::Denied(message) => ErrorValue::new(ErrorKind::Denied, message),
        Failure::Unauthenticated(message) => ErrorValue::new(ErrorKind::Unauthorized, message),
        // HTTP has no kind for it; what matters is that nothing was sent.
        Failure::Unimplemented(message) => ErrorValue::new(ErrorKind::Unavailable, message),
    };
    error.into_result(api)
}

/// "nothing was sent: `request.title` is too long: give at most 200 characters (and 2 more)"
fn in_words(violations: &[Violation]) -> String {
    match violations {
        [] => "nothing was sent: the arguments break the API's rules".to_owned(),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            format!("nothing was sent: `{}` {}{more}", first.location, first.message)
        }
    }
}
