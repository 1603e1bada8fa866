//! How a response begins and ends, of whatever kind the call is.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use witwire_interpreter::GrpcStatus;

use super::frame::Trouble;
use super::{GRPC_ENCODING, GRPC_STATUS, metadata};
use crate::transport::error::{SendError, SendErrorKind};

/// `UNKNOWN`, which every code that is not known becomes.
const UNKNOWN: u32 = 2;
/// `UNAUTHENTICATED`, the highest code there is.
pub(super) const UNAUTHENTICATED: u32 = 16;

/// What the head of a response says.
#[derive(Debug)]
pub(super) enum Head {
    /// The call has ended, not with OK.
    Ended(GrpcStatus),
    /// Messages follow, and the status behind them.
    Messages {
        /// `grpc-encoding`
        encoding: Option<String>,
    },
}

/// Reads the head of a response.
///
/// # Errors
/// [`SendErrorKind::InvalidResponse`] where it is no gRPC and claims success.
pub(super) fn head(http_status: u16, headers: &HeaderMap, destination: &str) -> Result<Head, SendError> {
    if !is_grpc(headers) {
        if http_status == 200 {
            let message = format!("{destination} answered, but not with gRPC: its content type is not application/grpc");
            return Err(SendError::invalid_response(http_status, message));
        }
        return Ok(Head::Ended(of_http(http_status, destination)));
    }
    // The status ends the call, unless it is OK and more follows.
    if let Some(status) = code(headers).and_then(|code| failed(code, headers)) {
        return Ok(Head::Ended(status));
    }
    if http_status != 200 {
        return Ok(Head::Ended(of_http(http_status, destination)));
    }
    let encoding = headers.get(GRPC_ENCODING).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    Ok(Head::Messages { encoding })
}

/// Reads the end of a call whose messages have come: from the trailers, or, where there were none, from the headers. `None`: OK.
///
/// # Errors
/// [`SendErrorKind::InvalidResponse`] where there is no status.
pub(super) fn end(http_status: u16, trailers: &HeaderMap, destination: &str) -> Result<Option<GrpcStatus>, SendError> {
    let Some(code) = code(trailers) else {
        let message = format!("{destination} ended the call without a status (grpc-status)");
        return Err(SendError::invalid_response(http_status, message));
    };
    Ok(failed(code, trailers))
}

/// Whether the content type is gRPC's, with protobuf.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/grpc") || essence.eq_ignore_ascii_case("application/grpc+proto")
}

/// The code, if there is a status; what is no known code is `UNKNOWN`.
fn code(headers: &HeaderMap) -> Option<u32> {
    let value = headers.get(GRPC_STATUS)?;
    let code = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(code.filter(|code| *code <= UNAUTHENTICATED).unwrap_or(UNKNOWN))
}

/// The end of a call that is not OK.
fn failed(code: u32, headers: &HeaderMap) -> Option<GrpcStatus> {
    (code != 0).then(|| GrpcStatus {
        code,
        message: metadata::message(headers),
        details: metadata::details(headers),
        trailers: metadata::read(headers),
    })
}

/// What a proxy's HTTP status means ("HTTP to gRPC Status Code Mapping").
fn of_http(status: u16, destination: &str) -> GrpcStatus {
    let code = match status {
        400 => 13,
        401 => UNAUTHENTICATED,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    };
    let message = format!("{destination} answered with the HTTP status {status} instead of gRPC");
    GrpcStatus { code, message, details: None, trailers: Vec::new() }
}

/// What is wrong with the messages of a response, as an error.
pub(super) fn trouble(trouble: Trouble, status: u16, limit: usize, destination: &str) -> SendError {
    match trouble {
        Trouble::TooLarge => SendError::new(
            SendErrorKind::TooLarge { status: Some(status), grpc: true },
            format!("the message from {destination} is larger than the limit of {limit} bytes"),
        ),
        other => SendError::invalid_response(status, format!("the response from {destination} is not valid: {other}")),
    }
}
