//! Calls over gRPC: own framing over HTTP/2.
//!
//! By the protocol's own text ("gRPC over HTTP/2", and "HTTP to gRPC Status Code Mapping"), strictly: a response that breaks it is
//! an invalid response and not some status.

mod frame;
mod metadata;
pub(super) mod outbox;
mod response;
mod stream;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use witwire_interpreter::{GrpcRequest, GrpcResponse, Metadata};

use super::classify::{Phase, classify};
use super::coding::Compression;
use super::endpoint::Endpoint;
use super::error::SendError;
use super::http::{AGENT, uri};
use super::retry::{self, Pushback};
use frame::{Unary, encode};
use response::{Head, is_grpc};
pub use stream::{GrpcStream, StreamError};

const GRPC_STATUS: &str = "grpc-status";
const GRPC_ENCODING: &str = "grpc-encoding";
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

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
    let encoding = match response::head(http_status, &headers, destination)? {
        Head::Ended(status) => return Ok((GrpcResponse::Status(status), None)),
        Head::Messages { encoding } => encoding,
    };
    let mut message = Unary::new(limit);
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| classify(&e, Phase::Receiving { status: http_status }, destination))?;
        match frame.into_data() {
            Ok(data) => message.push(&data).map_err(|t| response::trouble(t, http_status, limit, destination))?,
            Err(frame) => trailers = frame.into_trailers().ok().or(trailers),
        }
    }
    let trailers = trailers.unwrap_or(headers);
    if let Some(status) = response::end(http_status, &trailers, destination)? {
        return Ok((GrpcResponse::Status(status), Some(trailers)));
    }
    let message = message.finish(encoding.as_deref()).map_err(|t| response::trouble(t, http_status, limit, destination))?;
    Ok((GrpcResponse::Ok { message, trailers: metadata::read(&trailers) }, Some(trailers)))
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
