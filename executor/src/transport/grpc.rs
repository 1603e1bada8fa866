//! Calls over gRPC: own framing over HTTP/2.
//!
//! By the protocol's own text ("gRPC over HTTP/2", and "HTTP to gRPC Status Code Mapping"), strictly: a response that breaks it is
//! an invalid response and not some status.

mod frame;
mod metadata;
pub(super) mod outbox;
mod stream;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use witwire_interpreter::{GrpcRequest, GrpcResponse, GrpcStatus, Metadata};

use super::classify::{Phase, classify};
use super::coding::Compression;
use super::endpoint::Endpoint;
use super::error::{SendError, SendErrorKind};
use super::http::{AGENT, uri};
use super::retry::{self, Pushback};
use frame::{Trouble, Unary, encode};
pub use stream::{GrpcStream, StreamError, StreamOptions};

const GRPC_STATUS: &str = "grpc-status";
const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// `UNKNOWN`, which every code that is not known becomes.
const UNKNOWN: u32 = 2;
/// `UNAUTHENTICATED`, the highest code there is.
const HIGHEST: u32 = 16;

/// The request without its body.
pub(super) fn prepare(
    endpoint: &Endpoint,
    request: &GrpcRequest,
    left: Option<Duration>,
    compression: Compression,
) -> Result<http::Request<()>, SendError> {
    let mut out = http::Request::new(());
    *out.uri_mut() = uri(endpoint, &request.path)?;
    *out.method_mut() = Method::POST;
    *out.version_mut() = http::Version::HTTP_2;
    let headers = out.headers_mut();
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity,gzip,zstd"));
    if let Some(left) = left {
        headers.insert(GRPC_TIMEOUT, timeout(left));
    }
    if let Some(coding) = compression.coding() {
        headers.insert(GRPC_ENCODING, HeaderValue::from_static(coding.name()));
    }
    metadata::write(&request.metadata, &request.secrets.headers, headers)?;
    Ok(out)
}

/// A response, and what came beside it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) response: GrpcResponse,
    /// Initial metadata, without the protocol's own keys.
    pub(super) initial: Metadata,
    pub(super) pushback: Pushback,
}

/// Reads the whole response.
pub(super) async fn receive(
    response: http::Response<Incoming>,
    limit: usize,
    destination: &str,
) -> Result<Received, SendError> {
    let (head, body) = response.into_parts();
    let headers = head.headers;
    // A status among the headers ends the call ("Trailers-Only"): they are trailers, and there is no initial metadata.
    let initial = if headers.contains_key(GRPC_STATUS) { Metadata::new() } else { metadata::read(&headers) };
    // A proxy speaks HTTP, and tells in its way when to come back.
    let of_head = if is_grpc(&headers) { retry::of_grpc(&headers) } else { retry::of_http(&headers, SystemTime::now()) };
    let (response, trailers) = read(head.status.as_u16(), headers, body, limit, destination).await?;
    let pushback = trailers.as_ref().map_or(of_head, retry::of_grpc);
    Ok(Received { response, initial, pushback })
}

/// Reads the response and, where the body had them, its trailers.
async fn read(
    http_status: u16,
    headers: HeaderMap,
    mut body: Incoming,
    limit: usize,
    destination: &str,
) -> Result<(GrpcResponse, Option<HeaderMap>), SendError> {
    let invalid = |what: &str| SendError::invalid_response(http_status, format!("{destination} {what}"));
    if !is_grpc(&headers) {
        if http_status == 200 {
            return Err(invalid("answered, but not with gRPC: its content type is not application/grpc"));
        }
        return Ok((of_http(http_status, destination), None));
    }
    // The status ends the call, unless it is OK and more follows.
    if let Some(status) = status_of(&headers)
        && let Some(failed) = failed(status, &headers)
    {
        return Ok((failed, None));
    }
    if http_status != 200 {
        return Ok((of_http(http_status, destination), None));
    }
    let encoding = headers.get(GRPC_ENCODING).map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let mut message = Unary::new(limit);
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| classify(&e, Phase::Receiving { status: http_status }, destination))?;
        match frame.into_data() {
            Ok(data) => message.push(&data).map_err(|t| trouble(t, http_status, limit, destination))?,
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
    }
    let trailers = trailers.unwrap_or(headers);
    match status_of(&trailers) {
        None => return Err(invalid("ended the call without a status (grpc-status)")),
        Some(status) => {
            if let Some(failed) = failed(status, &trailers) {
                return Ok((failed, Some(trailers)));
            }
        }
    }
    let message = message.finish(encoding.as_deref()).map_err(|t| trouble(t, http_status, limit, destination))?;
    Ok((GrpcResponse::Ok { message, trailers: metadata::read(&trailers) }, Some(trailers)))
}

/// Whether the content type is gRPC's, with protobuf.
fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/grpc") || essence.eq_ignore_ascii_case("application/grpc+proto")
}

/// The code, if there is a status; what is no known code is `UNKNOWN`.
fn status_of(headers: &HeaderMap) -> Option<u32> {
    let value = headers.get(GRPC_STATUS)?;
    let code = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(code.filter(|code| *code <= HIGHEST).unwrap_or(UNKNOWN))
}

/// The end of a call that is not OK.
fn failed(code: u32, headers: &HeaderMap) -> Option<GrpcResponse> {
    (code != 0).then(|| {
        GrpcResponse::Status(GrpcStatus {
            code,
            message: metadata::message(headers),
            details: metadata::details(headers),
            trailers: metadata::read(headers),
        })
    })
}

/// What a proxy's HTTP status means ("HTTP to gRPC Status Code Mapping").
fn of_http(status: u16, destination: &str) -> GrpcResponse {
    let code = match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    };
    GrpcResponse::Status(GrpcStatus {
        code,
        message: format!("{destination} answered with the HTTP status {status} instead of gRPC"),
        details: None,
        trailers: Vec::new(),
    })
}

fn trouble(trouble: Trouble, status: u16, limit: usize, destination: &str) -> SendError {
    match trouble {
        Trouble::TooLarge => SendError::new(
            SendErrorKind::TooLarge { status: Some(status), grpc: true },
            format!("the message from {destination} is larger than the limit of {limit} bytes"),
        ),
        other => SendError::invalid_response(status, format!("the response from {destination} is not valid: {other}")),
    }
}

/// `grpc-timeout`: at most eight digits and a unit. Rounded up, so that the server never gives up before we do.
fn timeout(deadline: Duration) -> HeaderValue {
    const LARGEST: u128 = 99_999_999;
    let nanoseconds = deadline.as_nanos();
    let units: [(u128, char); 6] =
        [(1, 'n'), (1_000, 'u'), (1_000_000, 'm'), (1_000_000_000, 'S'), (60_000_000_000, 'M'), (3_600_000_000_000, 'H')];
    let (amount, unit) = units
        .into_iter()
        .map(|(unit, name)| (nanoseconds.div_ceil(unit), name))
        .find(|(amount, _)| *amount <= LARGEST)
        .unwrap_or((LARGEST, 'H'));
    HeaderValue::from_str(&format!("{amount}{unit}")).unwrap_or(HeaderValue::from_static("99999999H"))
}

/// The body of a unary request: one message.
pub(super) fn body(request: &GrpcRequest, compression: Compression) -> Result<Bytes, SendError> {
    encode(&request.message, compression).map_err(|e| SendError::invalid_request("request", e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_take_the_finest_unit_that_fits_and_round_up() {
        for (deadline, header) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_secs(30), "30000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000), "100000S"),
            (Duration::from_secs(u64::from(u32::MAX)), "71582789M"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(timeout(deadline), header, "{deadline:?}");
        }
    }
}
