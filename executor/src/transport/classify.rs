//! What an error of the HTTP stack says about a call.

use std::error::Error;
use std::io;

use h2::Reason;
use hyper_util::client::legacy;

use super::connect::ConnectError;
use super::error::{SendError, SendErrorKind};
use super::tls::Refused;

/// How far a request had come when the error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection was there.
    Connecting,
    /// A connection was there, so that the request may have been written.
    Sent,
    /// The response had begun, so that the server has surely seen the request.
    Receiving {
        /// The response's HTTP status.
        status: u16,
    },
}

/// Classifies an error of hyper or of its pool.
///
/// Without a connection nothing was sent. With one, only three signs prove that the request was not processed: the pool hands the
/// request back as never written, the server refuses the stream, or a `GOAWAY` names a lower stream as the last one looked at.
pub(super) fn classify(error: &(dyn Error + 'static), phase: Phase, destination: &str) -> SendError {
    let chain = || std::iter::successors(Some(error), |e| (*e).source());
    for cause in chain() {
        if let Some(error) = cause.downcast_ref::<ConnectError>() {
            let kind = match error {
                ConnectError::Denied(_) => SendErrorKind::Denied,
                ConnectError::TimedOut { .. } => SendErrorKind::Timeout { maybe_processed: false },
                ConnectError::Resolve { .. } | ConnectError::Connect { .. } | ConnectError::Handshake { .. } => {
                    SendErrorKind::NoConnection { lasting: false }
                }
                ConnectError::Tls { .. } | ConnectError::NotHttp2 { .. } | ConnectError::NotAServer(_) => {
                    SendErrorKind::NoConnection { lasting: true }
                }
            };
            return SendError::new(kind, error.to_string());
        }
    }
    if let Some(refused) = chain().find_map(refused_certificate) {
        return of_refusal(refused, destination);
    }
    if let Some(error) = chain().find_map(|e| e.downcast_ref::<h2::Error>()) {
        return of_http2(error, phase, destination);
    }
    let status = match phase {
        Phase::Receiving { status } => Some(status),
        Phase::Connecting | Phase::Sent => None,
    };
    for cause in chain() {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            let reason = innermost(cause);
            let message = format!("{destination} answered with something that cannot be read as HTTP: {reason}");
            return SendError::invalid_response(status, message);
        }
    }
    if let Phase::Receiving { .. } = phase
        && chain().filter_map(|e| e.downcast_ref::<io::Error>()).any(is_syntax)
    {
        let message = format!("{destination} sent a body that cannot be read as HTTP: {}", innermost(error));
        return SendError::invalid_response(status, message);
    }
    let written = phase != Phase::Connecting && !chain().any(never_written);
    let reason = innermost(error);
    match phase {
        _ if !written => SendError::new(
            SendErrorKind::Unprocessed,
            format!("the connection to {destination} was gone before the request was written: {reason}"),
        ),
        Phase::Receiving { .. } => SendError::new(
            SendErrorKind::MaybeProcessed { reset: None },
            format!("{destination} closed the connection in the middle of its response: {reason}"),
        ),
        _ => SendError::new(
            SendErrorKind::MaybeProcessed { reset: None },
            format!("{destination} closed the connection before it answered: {reason}"),
        ),
    }
}

/// The server refused our certificate, or our having none: nothing was processed.
pub(super) fn of_refusal(refused: Refused, destination: &str) -> SendError {
    let message = format!("no TLS connection to {destination}: {refused}");
    SendError::new(SendErrorKind::NoConnection { lasting: true }, message)
}

fn refused_certificate(error: &(dyn Error + 'static)) -> Option<Refused> {
    error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<Refused>().copied()
}

/// hyper's errors about the framing of a body, such as a chunk's size that is no number.
fn is_syntax(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
}

/// The pool's word that a request never left it: it comes together with the request itself.
fn never_written(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
        || error.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect)
}

fn of_http2(error: &h2::Error, phase: Phase, destination: &str) -> SendError {
    let begun = matches!(phase, Phase::Receiving { .. });
    if error.is_remote() && !begun {
        if error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM) {
            return SendError::new(
                SendErrorKind::Unprocessed,
                format!("{destination} refused the call before looking at it (REFUSED_STREAM); try again later"),
            );
        }
        // h2 gives a stream this error only where the frame's last stream identifier is lower than the stream's own; the streams
        // that the server did look at end with the connection, by an I/O error.
        if error.is_go_away() {
            return SendError::new(
                SendErrorKind::Unprocessed,
                format!("{destination} is going away and did not look at the call ({error}); try again"),
            );
        }
    }
    if error.is_remote() && error.is_reset() {
        let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
        return SendError::new(
            SendErrorKind::MaybeProcessed { reset: Some(grpc_code(reason)) },
            format!("{destination} ended the call with an HTTP/2 reset: {}", reason.description()),
        );
    }
    // A stream error that we found is this response's own fault. A connection error may be another call's.
    if error.is_library() && error.is_reset() {
        let status = match phase {
            Phase::Receiving { status } => Some(status),
            Phase::Connecting | Phase::Sent => None,
        };
        let message = format!("the response from {destination} breaks HTTP/2: {error}");
        return SendError::invalid_response(status, message);
    }
    let when = if begun { "in the middle of its response" } else { "before it answered" };
    SendError::new(
        SendErrorKind::MaybeProcessed { reset: None },
        format!("the connection to {destination} broke {when}: {error}"),
    )
}

/// The gRPC status of an HTTP/2 error code (gRPC over HTTP/2, "Errors").
fn grpc_code(reason: Reason) -> u32 {
    match reason {
        Reason::CANCEL => 1,
        Reason::ENHANCE_YOUR_CALM => 8,
        Reason::INADEQUATE_SECURITY => 7,
        Reason::REFUSED_STREAM => 14,
        _ => 13,
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |e| (*e).source()).last().unwrap_or(error);
    last.to_string()
}
