//! Operations: functions of the guest, calls of the host.

pub mod grpc;
pub mod http;

use serde::{Deserialize, Serialize};

use crate::auth::AuthRequirement;
use crate::id::{InterfaceId, TextId, TypeId};
use crate::name::WitName;
use crate::types::Param;
use crate::value::Value;

/// A function that a guest imports, and what the host does when it is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The interface that declares the function.
    pub interface: InterfaceId,
    /// The function's name, unique among functions and types of the interface.
    pub name: WitName,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Always a `result<_, error>`.
    pub result: TypeId,
    /// The protocol's part.
    pub call: Call,
    /// What may be done when it is unknown whether the call happened.
    pub class: CallClass,
    /// Which credentials the call needs.
    pub auth: AuthRequirement,
    /// Where it comes from, with the file and pointer: `todo.yaml#/paths/~1todos/get`.
    pub source: Option<TextId>,
    /// Documentation.
    pub docs: Option<TextId>,
    /// Marked deprecated in the source.
    pub deprecated: bool,
}

impl Operation {
    /// `GET /todos/{todoId}` or `core.todo.v1.TodoService/TodoAdd`: what the operation is called in its specification.
    pub fn source_name(&self) -> String {
        match &self.call {
            Call::Http(call) => format!("{} {}", call.method, call.template),
            Call::Grpc(call) => call.path.trim_start_matches('/').to_owned(),
        }
    }
}

/// The protocol's part of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "an API speaks one protocol, so the small variant never wastes space")]
pub enum Call {
    /// An HTTP request.
    Http(http::HttpCall),
    /// A gRPC method.
    Grpc(grpc::GrpcCall),
}

impl Call {
    /// The types that the protocol's part names: of parameters, bodies and responses.
    pub fn types(&self) -> impl Iterator<Item = TypeId> {
        crate::references::call_types(self)
    }

    /// Whether the function itself takes the request; else each message of the client is an item of its stream.
    pub const fn takes_request(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Grpc(call) => call.kind.takes_request(),
        }
    }
}

/// What may be done with a call in doubt: one that was started and has no recorded result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallClass {
    /// No effect: GET, HEAD, OPTIONS, `NO_SIDE_EFFECTS`. Sent again.
    Safe,
    /// Twice is as good as once: PUT, DELETE, `IDEMPOTENT`. Sent again.
    Idempotent,
    /// Carries an idempotency key. Sent again with the same key.
    Keyed(KeyHeader),
    /// Everything else. Never sent again by a guess.
    Unsafe(InDoubt),
}

impl CallClass {
    /// The class's name in output and oplogs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Idempotent => "idempotent",
            Self::Keyed(_) => "keyed",
            Self::Unsafe(_) => "unsafe",
        }
    }
}

/// The header that carries the idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyHeader {
    /// Header (HTTP) or metadata key (gRPC).
    pub name: String,
    /// How the key is written.
    pub format: KeyFormat,
    /// How long the server remembers a key, in seconds; later the call counts as unsafe. `None`: for ever.
    pub window_seconds: Option<u64>,
}

/// How an idempotency key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KeyFormat {
    /// As it is.
    Raw,
    /// As an RFC 9651 string, in double quotes (the IETF draft `Idempotency-Key`).
    StructuredString,
}

/// What an unsafe call in doubt becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum InDoubt {
    /// The guest gets `outcome-unknown`.
    #[default]
    OutcomeUnknown,
    /// The call is sent again: the author accepts that it may happen twice.
    Retry,
    /// The worker stops until a person decides.
    Suspend,
}

/// Where a value stands in the arguments of a call: an argument, then slots of records.
///
/// An option on the way is looked through; where it is `none`, the value is absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The position of the parameter.
    pub argument: u16,
    /// Slots from there, outermost first.
    pub slots: Vec<u16>,
}

impl Place {
    /// A whole argument.
    pub const fn argument(argument: u16) -> Self {
        Self { argument, slots: Vec::new() }
    }

    /// A slot of an argument's record.
    pub fn slot(argument: u16, slot: u16) -> Self {
        Self { argument, slots: vec![slot] }
    }

    /// Empties what stands at the place: every text, byte list and list is empty, every number 0. What is left still has the type; it
    /// says only which cases and options were used. Where the arguments have no such place, they stay as they are.
    pub fn empty(&self, arguments: &mut [Value]) {
        let Some(mut value) = arguments.get_mut(usize::from(self.argument)) else { return };
        for slot in &self.slots {
            while let Value::Option(Some(inner)) = value {
                value = inner;
            }
            let Value::Record(slots) = value else { return };
            let Some(inner) = slots.get_mut(usize::from(*slot)) else { return };
            value = inner;
        }
        empty(value);
    }
}

fn empty(value: &mut Value) {
    match value {
        Value::String(text) => *text = "".into(),
        Value::Bytes(bytes) => *bytes = [].into(),
        Value::List(items) => *items = [].into(),
        Value::Record(values) | Value::Tuple(values) => values.iter_mut().for_each(empty),
        Value::Variant(_, Some(value)) | Value::Option(Some(value)) => empty(value),
        Value::Result(Ok(Some(value)) | Err(Some(value))) => empty(value),
        Value::Bool(bit) => *bit = false,
        Value::U8(n) => *n = 0,
        Value::U16(n) => *n = 0,
        Value::U32(n) => *n = 0,
        Value::U64(n) => *n = 0,
        Value::S8(n) => *n = 0,
        Value::S16(n) => *n = 0,
        Value::S32(n) => *n = 0,
        Value::S64(n) => *n = 0,
        Value::F32(n) => *n = 0.0,
        Value::F64(n) => *n = 0.0,
        Value::Char(c) => *c = '\0',
        Value::Variant(_, None)
        | Value::Option(None)
        | Value::Result(Ok(None) | Err(None))
        | Value::Enum(_)
        | Value::Flags(_)
        | Value::Handle(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_emptied_and_nothing_else() {
        let request = |token: &str| {
            [
                Value::string("id"),
                Value::some(Value::record([
                    Value::some(Value::case(1, Value::record([Value::string(token), Value::string(token)]))),
                    Value::string("title"),
                ])),
            ]
        };
        let mut redacted = request("s3cret");
        Place::slot(1, 0).empty(&mut redacted);
        assert_eq!(redacted, request(""));
        for nowhere in [Place::argument(2), Place::slot(0, 0), Place::slot(1, 7)] {
            let before = redacted.clone();
            nowhere.empty(&mut redacted);
            assert_eq!(redacted, before);
        }
        let mut absent = [Value::none()];
        Place::slot(0, 0).empty(&mut absent);
        assert_eq!(absent, [Value::none()]);
    }
}
