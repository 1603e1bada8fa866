//! `record error` over gRPC.

use super::Builder;
use crate::api::{Api, HostTypes};
use crate::id::{InterfaceId, TypeId};
use crate::types::Shape;

/// Names that these types take in the interface `types`, used or not, before any name of a specification.
pub const NAMES: &[&str] = &[
    "error",
    "error-kind",
    "status-detail",
    "error-info",
    "precondition-violation",
    "quota-violation",
    "resource-info",
    "any",
    "metadata-value",
    "violation",
];

/// Slot of `kind` in `record error`.
pub const KIND: usize = 0;
/// Slot of `message`.
pub const MESSAGE: usize = 1;
/// Slot of `details`.
pub const DETAILS: usize = 2;
/// Slot of `trailers`.
pub const TRAILERS: usize = 3;

/// Cases of `variant error-kind`; the discriminant is the case index. The first sixteen are the gRPC codes 1 to 16 in order
/// (gRPC "Status codes and their use in gRPC").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ErrorKind {
    /// 1
    Cancelled,
    /// 2
    Unknown,
    /// 3
    InvalidArgument,
    /// 4
    DeadlineExceeded,
    /// 5
    NotFound,
    /// 6
    AlreadyExists,
    /// 7
    PermissionDenied,
    /// 8
    ResourceExhausted,
    /// 9
    FailedPrecondition,
    /// 10
    Aborted,
    /// 11
    OutOfRange,
    /// 12
    Unimplemented,
    /// 13
    Internal,
    /// 14
    Unavailable,
    /// 15
    DataLoss,
    /// 16
    Unauthenticated,
    /// `invalid-request(list<violation>)`
    InvalidRequest,
    /// The response breaks the protocol or the contract.
    InvalidResponse,
    /// It may or may not have been processed.
    OutcomeUnknown,
    /// The egress policy refuses.
    Denied,
}

impl ErrorKind {
    /// The case for a status code; a code outside 1 to 16 is `unknown`, as gRPC asks.
    pub const fn from_code(code: u32) -> u32 {
        match code {
            1..=16 => code - 1,
            _ => Self::Unknown as u32,
        }
    }
}

/// Cases of `variant status-detail`; the discriminant is the case index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Detail {
    /// `google.rpc.ErrorInfo`: `error-info(error-info)`
    ErrorInfo,
    /// `google.rpc.RetryInfo`: `retry-info(u64)`, milliseconds
    RetryInfo,
    /// `google.rpc.BadRequest`: `bad-request(list<violation>)`
    BadRequest,
    /// `google.rpc.PreconditionFailure`: `precondition-failure(list<precondition-violation>)`
    PreconditionFailure,
    /// `google.rpc.QuotaFailure`: `quota-failure(list<quota-violation>)`
    QuotaFailure,
    /// `google.rpc.ResourceInfo`: `resource-info(resource-info)`
    ResourceInfo,
    /// `google.rpc.LocalizedMessage`: `localized-message(tuple<string, string>)`
    LocalizedMessage,
    /// `google.rpc.Help`: `help(list<tuple<string, string>>)`
    Help,
    /// Any other: `other(any)`
    Other,
}

/// Cases of `variant metadata-value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MetadataValue {
    /// `ascii(string)`
    Ascii,
    /// `binary(list<u8>)`, of a key that ends in `-bin`
    Binary,
}

/// Adds the types to an interface and registers them as the package's host types.
pub fn declare(api: &mut Api, interface: InterfaceId) -> TypeId {
    let mut b = Builder { api, interface };
    let string = b.inline(Shape::String);
    let bytes = b.inline(Shape::Bytes);
    let pair = b.inline(Shape::Tuple(vec![string, string]));
    let pairs = b.inline(Shape::List(pair));

    let violation = b.violation();
    let violations = b.inline(Shape::List(violation));
    let fields = vec![b.field("type-url", string, None), b.field("value", bytes, None)];
    let any = b.declare("any", Some("A message of any type, encoded."), Shape::Record(fields));
    let cases = vec![b.case("ascii", Some(string), None), b.case("binary", Some(bytes), None)];
    let metadata_value = b.declare("metadata-value", Some("Binary where the key ends in `-bin`."), Shape::Variant(cases));

    let fields = vec![b.field("reason", string, None), b.field("domain", string, None), b.field("metadata", pairs, None)];
    let error_info = b.declare("error-info", None, Shape::Record(fields));
    let fields = vec![b.field("kind", string, None), b.field("subject", string, None), b.field("description", string, None)];
    let precondition = b.declare("precondition-violation", None, Shape::Record(fields));
    let fields = vec![b.field("subject", string, None), b.field("description", string, None)];
    let quota = b.declare("quota-violation", None, Shape::Record(fields));
    let fields = vec![
        b.field("resource-type", string, None),
        b.field("resource-name", string, None),
        b.field("owner", string, None),
        b.field("description", string, None),
    ];
    let resource_info = b.declare("resource-info", None, Shape::Record(fields));

    let u64_ = b.inline(Shape::U64);
    let preconditions = b.inline(Shape::List(precondition));
    let quotas = b.inline(Shape::List(quota));
    let cases = vec![
        b.case("error-info", Some(error_info), None),
        b.case("retry-info", Some(u64_), Some("Milliseconds to wait before a retry.")),
        b.case("bad-request", Some(violations), None),
        b.case("precondition-failure", Some(preconditions), None),
        b.case("quota-failure", Some(quotas), None),
        b.case("resource-info", Some(resource_info), None),
        b.case("localized-message", Some(pair), Some("Locale and text.")),
        b.case("help", Some(pairs), Some("Description and URL of each link.")),
        b.case("other", Some(any), None),
    ];
    let detail = b.declare("status-detail", Some("From `grpc-status-details-bin`."), Shape::Variant(cases));

    let plain = [
        "cancelled",
        "unknown",
        "invalid-argument",
        "deadline-exceeded",
        "not-found",
        "already-exists",
        "permission-denied",
        "resource-exhausted",
        "failed-precondition",
        "aborted",
        "out-of-range",
        "unimplemented",
        "internal",
        "unavailable",
        "data-loss",
        "unauthenticated",
    ];
    let mut cases: Vec<_> = plain.into_iter().map(|c| b.case(c, None, None)).collect();
    cases.extend([
        b.case("invalid-request", Some(violations), Some("The arguments break the API's contract; nothing was sent.")),
        b.case("invalid-response", None, Some("The response breaks the protocol or the API's contract.")),
        b.case(
            "outcome-unknown",
            None,
            Some("The request may or may not have been processed, and must not be repeated blindly."),
        ),
        b.case("denied", None, Some("The egress policy refuses the destination.")),
    ]);
    let kind = b.declare("error-kind", None, Shape::Variant(cases));

    let details = b.inline(Shape::List(detail));
    let trailer = b.inline(Shape::Tuple(vec![string, metadata_value]));
    let trailers = b.inline(Shape::List(trailer));
    let fields = vec![
        b.field("kind", kind, None),
        b.field("message", string, None),
        b.field("details", details, None),
        b.field("trailers", trailers, Some("Trailing metadata.")),
    ];
    let error = b.declare(
        "error",
        Some("Why a call failed: the gRPC status of the server or of the channel, or a finding of the host."),
        Shape::Record(fields),
    );
    api.host = Some(HostTypes { error, error_body: None });
    error
}
