//! Why a call got no response, and what that means for its caller.

use witwire_interpreter::{Failure, GrpcResponse, GrpcStatus, Response};
use witwire_ir::host::Violation;
use witwire_ir::{CallClass, InDoubt};

/// A call without a response that could be used.
///
/// The message names the destination and what to do, and never holds a path, a query, a header or a body: any of them may be
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// What is known.
    pub kind: SendErrorKind,
    /// What happened, where, what to do.
    pub message: String,
}

/// What is known about a call without a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendErrorKind {
    /// There is no connection, so nothing was sent.
    NoConnection {
        /// Whether trying again is in vain until somebody changes the settings, here or at the server: a certificate that is not
        /// trusted, no common protocol.
        lasting: bool,
    },
    /// Surely not processed, though there was a connection: the request was not written, or the server said that it did not look
    /// at it (`REFUSED_STREAM`, or a `GOAWAY` below the stream; RFC 9113, sections 8.7 and 6.8). It may be sent again, whatever
    /// its class.
    Unprocessed,
    /// The channel broke after the request, or part of it, was written.
    MaybeProcessed {
        /// The gRPC status that the error code of a `RST_STREAM` stands for (gRPC over HTTP/2, "Errors").
        reset: Option<u32>,
    },
    /// The deadline passed.
    Timeout {
        /// Whether a connection was there, so that the request may have been written.
        maybe_processed: bool,
    },
    /// The egress policy refuses the destination. Nothing was sent.
    Denied,
    /// The request cannot be sent as it is. Nothing was sent.
    InvalidRequest {
        /// The part that is wrong: a header's name, `path`.
        location: String,
    },
    /// The server answered, and the answer breaks the protocol.
    InvalidResponse {
        /// The HTTP status, where there was one.
        status: Option<u16>,
    },
    /// The server answered, and the answer is larger than the limit.
    TooLarge {
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// Whether the call was a gRPC one, which has a status for it (`RESOURCE_EXHAUSTED`).
        grpc: bool,
    },
}

impl SendErrorKind {
    /// Whether no connection could be made.
    pub(super) const fn is_no_connection(&self) -> bool {
        matches!(self, Self::NoConnection { .. } | Self::Timeout { maybe_processed: false })
    }
}

impl SendError {
    pub(crate) fn new(kind: SendErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn invalid_response(status: impl Into<Option<u16>>, message: impl Into<String>) -> Self {
        Self::new(SendErrorKind::InvalidResponse { status: status.into() }, message)
    }

    pub(crate) fn invalid_request(location: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(SendErrorKind::InvalidRequest { location: location.into() }, message)
    }

    /// The same for a call over HTTP, where a reset of HTTP/2 stands for no status.
    pub(crate) fn over_http(mut self) -> Self {
        if let SendErrorKind::MaybeProcessed { reset } = &mut self.kind {
            *reset = None;
        }
        self
    }

    /// Whether the server may have processed the call though nobody knows its result: only a call's class can say what then.
    pub const fn in_doubt(&self) -> bool {
        matches!(self.kind, SendErrorKind::MaybeProcessed { .. } | SendErrorKind::Timeout { maybe_processed: true })
    }

    /// Whether the call surely was not processed, so that any call may be sent again.
    pub const fn unprocessed(&self) -> bool {
        matches!(self.kind, SendErrorKind::Unprocessed) || self.kind.is_no_connection()
    }

    /// What the guest is told, once nothing is sent again.
    ///
    /// A call in doubt that is neither safe nor idempotent becomes `outcome-unknown`: the guest may not repeat it blindly. (An
    /// author who chose [`InDoubt::Retry`] accepts that it happens twice; [`InDoubt::Suspend`] is the worker's to honour, before
    /// it asks here.) A stream that the server reset is, for the other classes, the gRPC status that the reset stands for.
    pub fn settle(self, class: &CallClass) -> Result<Response, Failure> {
        let repeatable = match class {
            CallClass::Safe | CallClass::Idempotent | CallClass::Unsafe(InDoubt::Retry) => true,
            CallClass::Keyed(_) | CallClass::Unsafe(InDoubt::OutcomeUnknown | InDoubt::Suspend) => false,
        };
        if self.in_doubt() && !repeatable {
            return Err(Failure::OutcomeUnknown(self.message));
        }
        let message = self.message;
        Err(match self.kind {
            SendErrorKind::MaybeProcessed { reset: Some(code) } => return Ok(status(code, message)),
            SendErrorKind::TooLarge { grpc: true, .. } => return Ok(status(RESOURCE_EXHAUSTED, message)),
            SendErrorKind::NoConnection { .. }
            | SendErrorKind::Unprocessed
            | SendErrorKind::MaybeProcessed { reset: None } => Failure::Unavailable(message),
            SendErrorKind::Timeout { .. } => Failure::Timeout(message),
            SendErrorKind::Denied => Failure::Denied(message),
            SendErrorKind::InvalidRequest { location } => {
                Failure::InvalidRequest(vec![Violation { location, rule: "transport".to_owned(), message }])
            }
            SendErrorKind::InvalidResponse { status } | SendErrorKind::TooLarge { status, grpc: false } => {
                Failure::InvalidResponse { message, raw: None, status }
            }
        })
    }
}

/// `RESOURCE_EXHAUSTED`: "the message is larger than the configured maximum" (gRPC status codes).
const RESOURCE_EXHAUSTED: u32 = 8;

fn status(code: u32, message: String) -> Response {
    Response::Grpc(GrpcResponse::Status(GrpcStatus { code, message, details: None, trailers: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use witwire_ir::{KeyFormat, KeyHeader};

    /// Every kind against every class: the table of the durability contract.
    #[test]
    fn the_class_decides_what_doubt_becomes() {
        let keyed =
            CallClass::Keyed(KeyHeader { name: "idempotency-key".to_owned(), format: KeyFormat::Raw, window_seconds: None });
        let classes = [
            (CallClass::Safe, true),
            (CallClass::Idempotent, true),
            (CallClass::Unsafe(InDoubt::Retry), true),
            (keyed, false),
            (CallClass::Unsafe(InDoubt::OutcomeUnknown), false),
            (CallClass::Unsafe(InDoubt::Suspend), false),
        ];
        let m = || "m".to_owned();
        let violation = Violation { location: "path".to_owned(), rule: "transport".to_owned(), message: m() };
        let invalid = Failure::InvalidResponse { message: m(), raw: None, status: Some(200) };
        type Settled = Result<Response, Failure>;
        // A kind, what it becomes for a class that may be repeated, and for one that may not.
        let no_connection = || Err(Failure::Unavailable(m()));
        let rows: [(SendErrorKind, Settled, Settled); 12] = [
            (SendErrorKind::NoConnection { lasting: false }, no_connection(), no_connection()),
            (SendErrorKind::NoConnection { lasting: true }, no_connection(), no_connection()),
            (SendErrorKind::Unprocessed, Err(Failure::Unavailable(m())), Err(Failure::Unavailable(m()))),
            (
                SendErrorKind::MaybeProcessed { reset: None },
                Err(Failure::Unavailable(m())),
                Err(Failure::OutcomeUnknown(m())),
            ),
            (SendErrorKind::MaybeProcessed { reset: Some(13) }, Ok(status(13, m())), Err(Failure::OutcomeUnknown(m()))),
            (
                SendErrorKind::Timeout { maybe_processed: true },
                Err(Failure::Timeout(m())),
                Err(Failure::OutcomeUnknown(m())),
            ),
            (SendErrorKind::Timeout { maybe_processed: false }, Err(Failure::Timeout(m())), Err(Failure::Timeout(m()))),
            (SendErrorKind::Denied, Err(Failure::Denied(m())), Err(Failure::Denied(m()))),
            (
                SendErrorKind::InvalidRequest { location: "path".to_owned() },
                Err(Failure::InvalidRequest(vec![violation.clone()])),
                Err(Failure::InvalidRequest(vec![violation])),
            ),
            (SendErrorKind::InvalidResponse { status: Some(200) }, Err(invalid.clone()), Err(invalid.clone())),
            (SendErrorKind::TooLarge { status: Some(200), grpc: false }, Err(invalid.clone()), Err(invalid)),
            (SendErrorKind::TooLarge { status: Some(200), grpc: true }, Ok(status(8, m())), Ok(status(8, m()))),
        ];
        for (kind, repeatable, unrepeatable) in rows {
            for (class, may_repeat) in &classes {
                let settled = SendError::new(kind.clone(), "m").settle(class);
                let expected = if *may_repeat { &repeatable } else { &unrepeatable };
                assert_eq!(&settled, expected, "{kind:?} of a call that is {}", class.name());
            }
        }
    }
}
