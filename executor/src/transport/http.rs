//! Calls over HTTP.

mod stream;

use std::time::SystemTime;

pub use stream::HttpStream;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use witwire_interpreter::{HttpRequest, HttpResponse};
use witwire_ir::operation::http::Method;

use super::Limits;
use super::classify::{Phase, classify};
use super::coding::{Coding, DecodeError};
use super::endpoint::Endpoint;
use super::error::{SendError, SendErrorKind};
use super::retry::{self, Pushback};

/// Who we are, in requests.
pub(super) const AGENT: &str = concat!("witwire/", env!("CARGO_PKG_VERSION"));

/// Headers that frame a message or belong to one connection (RFC 9110, section 7.6.1; RFC 9112, section 6). A value from outside
/// could change where a request ends.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The whole request, its body compressed if that is asked for.
pub(super) fn assemble(
    endpoint: &Endpoint,
    request: &HttpRequest,
    limit: Option<usize>,
    coding: Option<Coding>,
) -> Result<(http::Request<()>, Bytes), SendError> {
    let body = request.body.clone().unwrap_or_default();
    if let Some(limit) = limit.filter(|limit| body.len() > *limit) {
        return Err(super::attempt::too_large("body", body.len(), limit));
    }
    compress(prepare(endpoint, request)?, body, coding)
}

/// The request without its body.
fn prepare(endpoint: &Endpoint, request: &HttpRequest) -> Result<http::Request<()>, SendError> {
    let mut out = http::Request::new(());
    *out.uri_mut() = uri(endpoint, &request.target)?;
    *out.method_mut() = http::Method::from_bytes(request.method.as_str().as_bytes())
        .map_err(|_| SendError::invalid_request("method", "the method is not one of HTTP"))?;
    let headers = out.headers_mut();
    for (name, value) in &request.headers {
        let (name, mut value) = header(name, value.as_bytes())?;
        if OURS.contains(&name.as_str()) {
            let message = format!("the header `{name}` is set by the transport and cannot be given");
            return Err(SendError::invalid_request(name.as_str(), message));
        }
        value.set_sensitive(request.secrets.headers.iter().any(|secret| secret == name.as_str()));
        headers.append(name, value);
    }
    let empty = request.body.as_ref().is_none_or(Bytes::is_empty);
    if empty && matches!(request.method, Method::Post | Method::Put | Method::Patch) {
        // RFC 9110, section 8.6: these methods give content a meaning, so that its absence is to be told.
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static(Coding::OFFERED));
    Ok(out)
}

/// The request with its body compressed, if that is asked for and there is one.
fn compress(
    mut head: http::Request<()>,
    body: Bytes,
    coding: Option<Coding>,
) -> Result<(http::Request<()>, Bytes), SendError> {
    let Some(coding) = coding.filter(|_| !body.is_empty()) else { return Ok((head, body)) };
    let compressed = coding
        .encode(&body)
        .map_err(|e| SendError::invalid_request("request", format!("the body cannot be compressed: {e}")))?;
    head.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    Ok((head, compressed.into()))
}

/// The absolute URI of a target. Its text is in no message: a query may hold a secret.
pub(super) fn uri(endpoint: &Endpoint, target: &str) -> Result<Uri, SendError> {
    let wrong = |why: &str| SendError::invalid_request("path", format!("the path and query of the request {why}"));
    if !target.starts_with('/') {
        return Err(wrong("do not start with `/`"));
    }
    if target.contains('#') {
        return Err(wrong("hold a `#`, which ends a URL; it must be percent-encoded"));
    }
    endpoint.join(target).parse().map_err(|_| wrong("are not valid in a URL, or longer than 65,534 characters"))
}

/// A header as `http` has it. The value is in no message.
pub(super) fn header(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), SendError> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| SendError::invalid_request(name, format!("`{name}` cannot be the name of a header")))?;
    let value = HeaderValue::from_bytes(value).map_err(|_| {
        SendError::invalid_request(name, format!("the value of `{name}` has characters that a header cannot carry"))
    })?;
    Ok((parsed, value))
}

/// `: ` and the line break of a header.
const FIELD_OVERHEAD: usize = 4;

/// Reads the whole response.
pub(super) async fn receive(
    response: http::Response<Incoming>,
    limits: &Limits,
    destination: &str,
) -> Result<(HttpResponse, Pushback), SendError> {
    let limit = limits.max_response;
    let (parts, body) = response.into_parts();
    let Head { mut response, coding, pushback } = read_head(&parts, limits, destination)?;
    response.body = collect(body, limit, response.status, destination).await?;
    // A response to HEAD, and a 304, tell the coding of a body that is not there.
    if let Some(coding) = coding.filter(|_| !response.body.is_empty()) {
        forget_coding(&mut response);
        response.body =
            coding.decode(&response.body, limit).map_err(|e| undecodable(&e, response.status, limit, destination))?;
    }
    Ok((response, pushback))
}

/// The head of a response.
struct Head {
    /// Without its body.
    response: HttpResponse,
    coding: Option<Coding>,
    pushback: Pushback,
}

fn read_head(head: &http::response::Parts, limits: &Limits, destination: &str) -> Result<Head, SendError> {
    let status = head.status.as_u16();
    // hyper's own limit is on its buffer, and lets through what arrives in one piece.
    if head.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + FIELD_OVERHEAD).sum::<usize>() > limits.max_headers {
        return Err(SendError::new(
            SendErrorKind::TooLarge { status: Some(status), grpc: false },
            format!("the head of the response from {destination} is larger than the limit of {} bytes", limits.max_headers),
        ));
    }
    if status > 599 {
        let message = format!("{destination} answered with the status {status}, which HTTP does not have");
        return Err(SendError::invalid_response(status, message));
    }
    let pushback = retry::of_http(&head.headers, SystemTime::now());
    let coding = coding(&head.headers, status, destination)?;
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Head { response: HttpResponse { status, headers, body: Bytes::new() }, coding, pushback })
}

/// Leaves out what is told of a body before its coding was removed.
fn forget_coding(response: &mut HttpResponse) {
    response.headers.retain(|(name, _)| *name != CONTENT_ENCODING.as_str() && *name != CONTENT_LENGTH.as_str());
}

fn undecodable(error: &DecodeError, status: u16, limit: usize, destination: &str) -> SendError {
    match error {
        DecodeError::TooLarge => too_large(status, limit, destination),
        DecodeError::Malformed(reason) => {
            let message = format!("the response from {destination} cannot be decompressed: {reason}");
            SendError::invalid_response(status, message)
        }
    }
}

async fn collect(mut body: Incoming, limit: usize, status: u16, destination: &str) -> Result<Bytes, SendError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(status, limit, destination));
    }
    let mut out = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| classify(&e, Phase::Receiving { status }, destination))?;
        if let Ok(data) = frame.into_data() {
            if data.len() > limit - out.len() {
                return Err(too_large(status, limit, destination));
            }
            out.extend_from_slice(&data);
        }
    }
    Ok(out.freeze())
}

/// The coding of the body. More than one is not offered, so more than one is an error.
fn coding(headers: &HeaderMap, status: u16, destination: &str) -> Result<Option<Coding>, SendError> {
    let mut found = None;
    for name in headers.get_all(CONTENT_ENCODING).iter().flat_map(|v| v.as_bytes().split(|b| *b == b',')) {
        let name = String::from_utf8_lossy(name);
        match Coding::by_name(&name) {
            Ok(None) => {}
            Ok(Some(coding)) if found.is_none() => found = Some(coding),
            Ok(Some(_)) => {
                let message = format!("the response from {destination} is compressed more than once");
                return Err(SendError::invalid_response(status, message));
            }
            Err(name) => {
                let message =
                    format!("the response from {destination} has the content coding `{name}`, which was not offered");
                return Err(SendError::invalid_response(status, message));
            }
        }
    }
    Ok(found)
}

fn too_large(status: u16, limit: usize, destination: &str) -> SendError {
    SendError::new(
        SendErrorKind::TooLarge { status: Some(status), grpc: false },
        format!("the response from {destination} is larger than the limit of {limit} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none<T: Default>() -> T {
        T::default()
    }

    fn request(target: &str, headers: &[(&str, &str)]) -> HttpRequest {
        HttpRequest {
            method: Method::Get,
            target: target.to_owned(),
            page: None,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            body: None,
            secrets: none(),
        }
    }

    fn prepared(target: &str, headers: &[(&str, &str)]) -> Result<http::Request<()>, SendError> {
        prepare(&Endpoint::parse("https://a.example/v1").expect("a URL"), &request(target, headers))
    }

    #[test]
    fn a_header_that_frames_the_message_is_refused() {
        for name in OURS {
            let error = prepared("/", &[(name, "x")]).expect_err("refused");
            assert_eq!(error.kind, SendErrorKind::InvalidRequest { location: (*name).to_owned() });
        }
    }

    #[test]
    fn a_line_break_cannot_be_smuggled_in() {
        for value in ["a\r\nx-evil: 1", "a\nb", "a\0"] {
            let error = prepared("/", &[("x-a", value)]).expect_err("refused");
            assert!(!error.message.contains("evil"), "{error}");
        }
        assert!(prepared("/a b", &[]).is_err());
        assert!(prepared("/a\r\nb", &[]).is_err());
        assert!(prepared("a.evil.test/", &[]).is_err());
        assert!(prepared("/#x", &[]).is_err());
    }

    #[test]
    fn own_headers_are_added_and_given_ones_kept() {
        let out = prepared("/pets?x=1", &[("user-agent", "mine")]).expect("valid");
        assert_eq!(out.uri(), "https://a.example/v1/pets?x=1");
        assert_eq!(out.headers()["user-agent"], "mine");
        assert_eq!(out.headers()["accept-encoding"], "gzip, zstd");
    }
}
