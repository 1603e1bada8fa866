//! gRPC, frame by frame.

use std::io::Write;

use bytes::Bytes;
use h2::Reason;
use libtest_mimic::{Failed, Trial};
use witwire_executor::transport::SendErrorKind;
use witwire_interpreter::{GrpcResponse, GrpcStatus, Metadata, MetadataText};
use witwire_test_support::hostile::http2::{Http2, Step, goaway, raw};
use witwire_test_support::hostile::{Server, refusing};

use super::{AMPLE, LIMIT, Outcome, SHORT, check, contains, grpc_of, grpc_request, send, transport, trial};

type Expected = Result<GrpcResponse, SendErrorKind>;
type Case = (&'static str, Vec<Step>, Expected);

/// The prefix and the message.
fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    [&[flag][..], &(message.len() as u32).to_be_bytes(), message].concat()
}

fn data(message: &[u8]) -> Step {
    Step::Data(framed(0, message))
}

/// Names and values of headers.
type Fields<'a> = &'a [(&'static str, &'a str)];

fn owned(headers: Fields<'_>) -> Vec<(&'static str, String)> {
    headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect()
}

fn head_with(status: u16, headers: Fields<'_>, end: bool) -> Step {
    Step::Head { status, headers: owned(headers), end }
}

/// A gRPC response begins.
fn head() -> Step {
    head_with(200, &[("content-type", "application/grpc")], false)
}

fn trailers(trailers: Fields<'_>) -> Step {
    Step::Trailers(owned(trailers))
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table reads as what the call gives")]
fn ok(message: &[u8]) -> Expected {
    Ok(GrpcResponse::Ok { message: Bytes::copy_from_slice(message), trailers: Metadata::new() })
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table reads as what the call gives")]
fn status(code: u32, message: &str) -> Expected {
    Ok(GrpcResponse::Status(GrpcStatus { code, message: message.to_owned(), details: None, trailers: Metadata::new() }))
}

fn invalid(status: u16) -> Expected {
    Err(SendErrorKind::InvalidResponse { status: Some(status) })
}

fn reset(code: u32) -> Expected {
    Err(SendErrorKind::MaybeProcessed { reset: Some(code) })
}

const BROKEN: Expected = Err(SendErrorKind::MaybeProcessed { reset: None });
const UNPROCESSED: Expected = Err(SendErrorKind::Unprocessed);
const TOO_LARGE: Expected = Err(SendErrorKind::TooLarge { status: Some(200), grpc: true });
const OK: Fields<'static> = &[("grpc-status", "0")];

fn gzip(data: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}

fn zstd(data: &[u8]) -> Result<Vec<u8>, Failed> {
    Ok(zstd::encode_all(data, 3)?)
}

/// A response whose only message is compressed.
fn compressed(encoding: &'static str, message: &[u8]) -> Vec<Step> {
    let head = head_with(200, &[("content-type", "application/grpc"), ("grpc-encoding", encoding)], false);
    vec![head, Step::Data(framed(1, message)), trailers(OK)]
}

fn proxy(http: u16) -> Vec<Step> {
    vec![head_with(http, &[("content-type", "text/html")], false), Step::Data(b"<html>".to_vec()), Step::End]
}

fn of_proxy(http: u16, code: u32) -> Expected {
    status(code, &format!("ADDRESS answered with the HTTP status {http} instead of gRPC"))
}

fn cases() -> Result<Vec<Case>, Failed> {
    use Step::{Disconnect, End, Flush, Hang, Reset};
    let with_trailers = |trailers| -> Expected { Ok(GrpcResponse::Ok { message: Bytes::from_static(b"hi"), trailers }) };
    Ok(vec![
        ("a message", vec![head(), data(b"hi"), trailers(OK)], ok(b"hi")),
        ("an empty message", vec![head(), data(b""), trailers(OK)], ok(b"")),
        (
            "a message in pieces",
            vec![
                head(),
                Step::Data(vec![0, 0]),
                Flush,
                Step::Data(vec![0, 0, 2, b'h']),
                Flush,
                Step::Data(vec![b'i']),
                trailers(OK),
            ],
            ok(b"hi"),
        ),
        (
            "a content type with a codec and a parameter",
            vec![head_with(200, &[("content-type", "application/grpc+proto; x=y")], false), data(b"hi"), trailers(OK)],
            ok(b"hi"),
        ),
        ("no message", vec![head(), trailers(OK)], invalid(200)),
        ("two messages", vec![head(), data(b"a"), data(b"b"), trailers(OK)], invalid(200)),
        ("messages without end", vec![head(), data(b"a"), data(b"b"), Hang], invalid(200)),
        ("a message cut in the prefix", vec![head(), Step::Data(vec![0, 0, 0]), trailers(OK)], invalid(200)),
        ("a message cut in the middle", vec![head(), Step::Data(vec![0, 0, 0, 0, 9, 1]), trailers(OK)], invalid(200)),
        ("no status", vec![head(), data(b"hi"), End], invalid(200)),
        ("no status among the trailers", vec![head(), data(b"hi"), trailers(&[("x", "y")])], invalid(200)),
        (
            "OK without a message and without a body",
            vec![head_with(200, &[("content-type", "application/grpc"), ("grpc-status", "0")], true)],
            invalid(200),
        ),
        ("a flag of 2", vec![head(), Step::Data(framed(2, b"hi")), trailers(OK)], invalid(200)),
        ("compressed without an encoding", vec![head(), Step::Data(framed(1, b"hi")), trailers(OK)], invalid(200)),
        ("compressed by an encoding that was not offered", compressed("snappy", b"hi"), invalid(200)),
        ("compressed by identity", compressed("identity", b"hi"), invalid(200)),
        ("gzip", compressed("gzip", &gzip(b"hi")?), ok(b"hi")),
        ("zstd", compressed("zstd", &zstd(b"hi")?), ok(b"hi")),
        ("gzip that is none", compressed("gzip", b"hi"), invalid(200)),
        (
            "an encoding that a message does not use",
            vec![
                head_with(200, &[("content-type", "application/grpc"), ("grpc-encoding", "gzip")], false),
                data(b"hi"),
                trailers(OK),
            ],
            ok(b"hi"),
        ),
        ("a gzip bomb", compressed("gzip", &gzip(&vec![0; 5 << 20])?), TOO_LARGE),
        ("a zstd bomb", compressed("zstd", &zstd(&vec![0; 5 << 20])?), TOO_LARGE),
        ("a message at the limit", vec![head(), data(&vec![7; LIMIT]), trailers(OK)], ok(&vec![7; LIMIT])),
        ("a message over the limit", vec![head(), data(&vec![7; LIMIT + 1]), trailers(OK)], TOO_LARGE),
        ("a length over the limit and nothing more", vec![head(), Step::Data(vec![0, 255, 255, 255, 255]), Hang], TOO_LARGE),
        (
            "a status",
            vec![head(), trailers(&[("grpc-status", "9"), ("grpc-message", "n%C3%B6: 100%25%")])],
            status(9, "nö: 100%%"),
        ),
        (
            "a status without a body",
            vec![head_with(200, &[("content-type", "application/grpc"), ("grpc-status", "5")], true)],
            status(5, ""),
        ),
        ("a status after a message", vec![head(), data(b"hi"), trailers(&[("grpc-status", "14")])], status(14, "")),
        (
            "a status after half a message",
            vec![head(), Step::Data(vec![0, 0]), trailers(&[("grpc-status", "13")])],
            status(13, ""),
        ),
        ("a status that is no number", vec![head(), trailers(&[("grpc-status", "bad")])], status(2, "")),
        ("a status that is not known", vec![head(), trailers(&[("grpc-status", "99")])], status(2, "")),
        (
            "details and metadata, padded and not",
            vec![
                head(),
                trailers(&[
                    ("grpc-status", "3"),
                    ("grpc-status-details-bin", "q80="),
                    ("x-a", "b, c"),
                    ("x-bin", "q80,AA=="),
                    ("x-bad-bin", "!"),
                ]),
            ],
            Ok(GrpcResponse::Status(GrpcStatus {
                code: 3,
                message: String::new(),
                details: Some(Bytes::from_static(&[0xab, 0xcd])),
                trailers: vec![
                    ("x-a".to_owned(), MetadataText::Ascii("b, c".to_owned())),
                    ("x-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0xab, 0xcd]))),
                    ("x-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0]))),
                ],
            })),
        ),
        (
            "metadata of a success",
            vec![head(), data(b"hi"), trailers(&[("grpc-status", "0"), ("x-a", "b")])],
            with_trailers(vec![("x-a".to_owned(), MetadataText::Ascii("b".to_owned()))]),
        ),
        (
            "another content type",
            vec![head_with(200, &[("content-type", "text/html")], false), Step::Data(b"<html>".to_vec()), End],
            invalid(200),
        ),
        ("no content type", vec![head_with(200, &[], false), data(b"hi"), trailers(OK)], invalid(200)),
        (
            "gRPC with JSON",
            vec![head_with(200, &[("content-type", "application/grpc+json")], false), data(b"{}"), trailers(OK)],
            invalid(200),
        ),
        ("a proxy's 400", proxy(400), of_proxy(400, 13)),
        ("a proxy's 401", proxy(401), of_proxy(401, 16)),
        ("a proxy's 403", proxy(403), of_proxy(403, 7)),
        ("a proxy's 404", proxy(404), of_proxy(404, 12)),
        ("a proxy's 429", proxy(429), of_proxy(429, 14)),
        ("a proxy's 502", proxy(502), of_proxy(502, 14)),
        ("a proxy's 503", proxy(503), of_proxy(503, 14)),
        ("a proxy's 504", proxy(504), of_proxy(504, 14)),
        ("a proxy's 500", proxy(500), of_proxy(500, 2)),
        ("a redirect is not followed", proxy(307), of_proxy(307, 2)),
        (
            "a status beside an HTTP error",
            vec![head_with(503, &[("content-type", "application/grpc"), ("grpc-status", "8")], true)],
            status(8, ""),
        ),
        ("refused", vec![Reset(Reason::REFUSED_STREAM)], UNPROCESSED),
        ("reset: cancelled", vec![Reset(Reason::CANCEL)], reset(1)),
        ("reset: calm", vec![Reset(Reason::ENHANCE_YOUR_CALM)], reset(8)),
        ("reset: security", vec![Reset(Reason::INADEQUATE_SECURITY)], reset(7)),
        ("reset: internal", vec![Reset(Reason::INTERNAL_ERROR)], reset(13)),
        ("reset after the head", vec![head(), Flush, Reset(Reason::INTERNAL_ERROR)], reset(13)),
        ("reset after a message", vec![head(), data(b"hi"), Flush, Reset(Reason::CANCEL)], reset(1)),
        // The response had begun: whatever the code says, the server has seen the call.
        ("refused after the head", vec![head(), Flush, Reset(Reason::REFUSED_STREAM)], reset(14)),
        ("gone before the head", vec![Disconnect], BROKEN),
        ("gone after the head", vec![head(), Flush, Disconnect], BROKEN),
        ("gone after a message", vec![head(), data(b"hi"), Flush, Disconnect], BROKEN),
    ])
}

/// What the server sends after the first HEADERS frame, byte by byte.
fn raw_cases() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        ("going away, call not looked at", goaway(0, Reason::NO_ERROR), UNPROCESSED),
        ("going away, call looked at", goaway(1, Reason::NO_ERROR), BROKEN),
        ("going away in anger, call not looked at", goaway(0, Reason::ENHANCE_YOUR_CALM), UNPROCESSED),
        ("going away in anger, call looked at", goaway(1, Reason::INTERNAL_ERROR), BROKEN),
        ("closed after the head was read", Vec::new(), BROKEN),
        ("not HTTP/2", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), BROKEN),
        // HEADERS on stream 1 whose block is not valid HPACK.
        ("headers that cannot be decoded", vec![0, 0, 1, 1, 4, 0, 0, 0, 1, 0x80], BROKEN),
        // DATA before HEADERS on stream 1.
        ("data before headers", vec![0, 0, 0, 0, 0, 0, 0, 0, 1], BROKEN),
    ]
}

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("grpc::what is sent", what_is_sent),
        trial("grpc::calls share a connection", calls_share_a_connection),
        trial("grpc::nobody listens", nobody_listens),
        trial("grpc::a server that closes at once", closes_at_once),
        trial("grpc::silent for ever", || silent(vec![Step::Hang])),
        trial("grpc::silent after the head", || silent(vec![head(), Step::Hang])),
        trial("grpc::a huge header", a_huge_header),
    ];
    match cases() {
        Ok(cases) => trials.extend(
            cases.into_iter().map(|(name, script, expected)| trial(format!("grpc::{name}"), || case(script, expected))),
        ),
        Err(e) => trials.push(trial("grpc::cases", || async move { Err(e) })),
    }
    trials.extend(raw_cases().into_iter().map(|(name, answer, expected)| {
        trial(format!("grpc::{name}"), || async move {
            let server = raw(answer).await?;
            check(&call(&server).await?, &expected)
        })
    }));
    trials
}

async fn case(script: Vec<Step>, expected: Expected) -> Outcome {
    let server = Http2::start(script).await?;
    check(&call(&server.server).await?, &expected)?;
    check(&server.seen().len(), &1)
}

/// The server's address, which differs in each run, is `ADDRESS` in what comes back.
async fn call(server: &Server) -> Result<Expected, Failed> {
    let address = server.address().to_string();
    Ok(match send(&transport()?, &server.url(), &grpc_request(Vec::new()), AMPLE).await {
        Ok(response) => Ok(match grpc_of(response)? {
            GrpcResponse::Status(mut status) => {
                status.message = status.message.replace(&address, "ADDRESS");
                GrpcResponse::Status(status)
            }
            ok @ GrpcResponse::Ok { .. } => ok,
        }),
        Err(e) => {
            contains(&e.message, &address)?;
            Err(e.kind)
        }
    })
}

async fn what_is_sent() -> Outcome {
    let server = Http2::start(vec![head(), data(b"hi"), trailers(OK)]).await?;
    let metadata = vec![
        ("x-a".to_owned(), MetadataText::Ascii("one".to_owned())),
        ("x-a".to_owned(), MetadataText::Ascii("two".to_owned())),
        ("x-b-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0xab, 0xcd]))),
    ];
    send(&transport()?, &format!("{}/base", server.server.url()), &grpc_request(metadata), AMPLE).await?;
    let seen = server.seen().pop().ok_or("nothing came")?;
    check(&seen.path.as_str(), &"/base/a.B/C")?;
    check(&seen.body, &Bytes::from(framed(0, b"request")))?;
    let mut headers: Vec<(String, String)> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    headers.sort();
    // What is left of a minute.
    let timeout = headers.iter().position(|(name, _)| name == "grpc-timeout").ok_or("no timeout")?;
    let left: u32 = headers.remove(timeout).1.strip_suffix('u').ok_or("another unit")?.parse()?;
    check(&(30_000_000..=60_000_000).contains(&left), &true)?;
    let agent = concat!("witwire/", env!("CARGO_PKG_VERSION"));
    let expected = [
        ("content-length", "12"),
        ("content-type", "application/grpc"),
        ("grpc-accept-encoding", "identity,gzip,zstd"),
        ("te", "trailers"),
        ("user-agent", agent),
        ("x-a", "one"),
        ("x-a", "two"),
        ("x-b-bin", "q80"),
    ];
    check(&headers, &expected.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec())
}

async fn calls_share_a_connection() -> Outcome {
    let server = Http2::start(vec![head(), data(b"hi"), trailers(OK)]).await?;
    let transport = transport()?;
    for _ in 0..3 {
        send(&transport, &server.server.url(), &grpc_request(Vec::new()), AMPLE).await?;
    }
    check(&(server.server.accepted(), server.seen().len()), &(1, 3))
}

async fn nobody_listens() -> Outcome {
    let error = send(&transport()?, &format!("http://{}", refusing().await?), &grpc_request(Vec::new()), AMPLE).await;
    check(&error.err().map(|e| e.kind), &Some(SendErrorKind::NoConnection { lasting: false }))
}

async fn closes_at_once() -> Outcome {
    let server = Server::start(|_, _| async {}).await?;
    let error = send(&transport()?, &server.url(), &grpc_request(Vec::new()), AMPLE).await.err().ok_or("a response")?;
    // Whether the request was written first is a race, which the transport does not hide.
    if error.in_doubt() || error.unprocessed() { Ok(()) } else { Err(format!("{error:?}").into()) }
}

async fn silent(script: Vec<Step>) -> Outcome {
    let server = Http2::start(script).await?;
    let error =
        send(&transport()?, &server.server.url(), &grpc_request(Vec::new()), SHORT).await.err().ok_or("a response")?;
    let SendErrorKind::Timeout { .. } = error.kind else { return Err(format!("{error:?}").into()) };
    contains(&error.message, "200ms")
}

async fn a_huge_header() -> Outcome {
    let huge = "x".repeat(70 << 10);
    let head = head_with(200, &[("content-type", "application/grpc"), ("x", &huge)], false);
    let server = Http2::start(vec![head, data(b"hi"), trailers(OK)]).await?;
    check(&call(&server.server).await?, &Err(SendErrorKind::InvalidResponse { status: None }))
}
