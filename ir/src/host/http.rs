//! `record error` over HTTP.

use super::Builder;
use crate::api::{Api, HostTypes};
use crate::id::{InterfaceId, TypeId};
use crate::types::Shape;

/// Names that these types take in the interface `types`, used or not, before any name of a specification.
pub const NAMES: &[&str] = &["error", "error-kind", "violation", "missing"];

/// Slots of `record error`. `body` is there only where the API declares error bodies; later slots then move up by one (see
/// [`ErrorSlots`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorSlots {
    /// `kind: error-kind`
    pub kind: usize,
    /// `message: string`
    pub message: usize,
    /// `status: option<u16>`
    pub status: usize,
    /// `body: option<…>`
    pub body: Option<usize>,
    /// `raw: option<string>`
    pub raw: usize,
    /// `headers: list<tuple<string, string>>`
    pub headers: usize,
    /// How many there are.
    pub len: usize,
}

impl ErrorSlots {
    /// The slots, with or without `body`.
    pub const fn new(has_body: bool) -> Self {
        let b = has_body as usize;
        Self {
            kind: 0,
            message: 1,
            status: 2,
            body: if has_body { Some(3) } else { None },
            raw: 3 + b,
            headers: 4 + b,
            len: 5 + b,
        }
    }
}

/// Cases of `variant error-kind`; the discriminant is the case index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ErrorKind {
    /// `invalid-request(list<violation>)`
    InvalidRequest,
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404: `not-found(missing)`
    NotFound,
    /// 409
    Conflict,
    /// 412
    PreconditionFailed,
    /// 422
    Unprocessable,
    /// 429: `rate-limited(option<u32>)`
    RateLimited,
    /// 5xx
    ServerError,
    /// 304
    NotModified,
    /// Another 3xx: `redirected(option<string>)`
    Redirected,
    /// Any other status.
    UnexpectedStatus,
    /// The response breaks the contract.
    InvalidResponse,
    /// Not sent, or surely not processed.
    Unavailable,
    /// The deadline passed.
    Timeout,
    /// It may or may not have been processed.
    OutcomeUnknown,
    /// The egress policy refuses.
    Denied,
}

/// Slots of `record sse-event`: an event of a stream whose document does not say what its data are. An API declares it where it has
/// such a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum SseEvent {
    /// `id: option<string>`, the last one that the stream gave.
    Id,
    /// `event: option<string>`, the event's type.
    Event,
    /// `data: string`
    Data,
}

impl SseEvent {
    /// Whether a type is the record.
    pub fn is_type(api: &Api, ty: TypeId) -> bool {
        let is_option = |ty| matches!(api.shape(ty), Shape::Option(inner) if matches!(api.shape(*inner), Shape::String));
        match api.shape(ty) {
            Shape::Record(fields) => match fields.as_slice() {
                [id, event, data] => is_option(id.ty) && is_option(event.ty) && matches!(api.shape(data.ty), Shape::String),
                _ => false,
            },
            _ => false,
        }
    }
}

/// Adds the types to an interface and registers them as the package's host types.
///
/// `error_body` is the type inside the option of the field `body`; without it there is no such field.
pub fn declare(api: &mut Api, interface: InterfaceId, error_body: Option<TypeId>) -> TypeId {
    let mut b = Builder { api, interface };
    let string = b.inline(Shape::String);
    let option_string = b.inline(Shape::Option(string));

    let violation = b.violation();
    let missing_fields = vec![
        b.field("resource", string, Some("The collection, from the path: `todos`.")),
        b.field("id", option_string, Some("The last path parameter.")),
    ];
    let missing = b.declare("missing", Some("What was not found."), Shape::Record(missing_fields));

    let violations = b.inline(Shape::List(violation));
    let u32_ = b.inline(Shape::U32);
    let option_u32 = b.inline(Shape::Option(u32_));
    let cases = vec![
        b.case("invalid-request", Some(violations), Some("The arguments break the API's contract; nothing was sent.")),
        b.case("bad-request", None, Some("400")),
        b.case("unauthorized", None, Some("401")),
        b.case("forbidden", None, Some("403")),
        b.case("not-found", Some(missing), Some("404")),
        b.case("conflict", None, Some("409")),
        b.case("precondition-failed", None, Some("412")),
        b.case("unprocessable", None, Some("422")),
        b.case("rate-limited", Some(option_u32), Some("429, with the seconds to wait where the server names them.")),
        b.case("server-error", None, Some("5xx")),
        b.case("not-modified", None, Some("304")),
        b.case("redirected", Some(option_string), Some("Another 3xx: where it points.")),
        b.case("unexpected-status", None, Some("Any other status.")),
        b.case("invalid-response", None, Some("The response breaks the API's contract.")),
        b.case("unavailable", None, Some("No connection, or it broke before the request could have been processed.")),
        b.case("timeout", None, Some("The deadline passed.")),
        b.case(
            "outcome-unknown",
            None,
            Some("The request may or may not have been processed, and must not be repeated blindly."),
        ),
        b.case("denied", None, Some("The egress policy refuses the destination.")),
    ];
    let kind = b.declare("error-kind", None, Shape::Variant(cases));

    let u16_ = b.inline(Shape::U16);
    let option_u16 = b.inline(Shape::Option(u16_));
    let pair = b.inline(Shape::Tuple(vec![string, string]));
    let headers = b.inline(Shape::List(pair));
    let mut fields = vec![
        b.field("kind", kind, None),
        b.field("message", string, Some("What happened, where, and what to do.")),
        b.field("status", option_u16, Some("The HTTP status, where there was a response.")),
    ];
    if let Some(body) = error_body {
        let option_body = b.inline(Shape::Option(body));
        fields.push(b.field("body", option_body, Some("The body that the API declares for this status.")));
    }
    fields.push(b.field("raw", option_string, Some("The body as text where it is not what the API declares.")));
    fields.push(b.field("headers", headers, Some("The response's headers; names in lower case.")));
    let error = b.declare("error", Some("Why a call failed."), Shape::Record(fields));
    api.host = Some(HostTypes { error, error_body });
    error
}
