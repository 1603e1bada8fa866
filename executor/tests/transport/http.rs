//! HTTP/1.1, byte by byte.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libtest_mimic::{Failed, Trial};
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{SendErrorKind, Transport, TransportConfig};
use witwire_ir::operation::http::Method;
use witwire_test_support::hostile::http1::{Http1, Step};
use witwire_test_support::hostile::refusing;

use super::{AMPLE, LIMIT, Outcome, SHORT, check, contains, get, http_of, http_request, loopback, send, transport, trial};

const BROKEN: SendErrorKind = SendErrorKind::MaybeProcessed { reset: None };

fn invalid(status: impl Into<Option<u16>>) -> SendErrorKind {
    SendErrorKind::InvalidResponse { status: status.into() }
}

fn too_large(status: u16) -> SendErrorKind {
    SendErrorKind::TooLarge { status: Some(status), grpc: false }
}

#[expect(clippy::unnecessary_wraps, reason = "a row of the table reads as what the call gives")]
fn ok(status: u16, body: &str) -> Result<(u16, String), SendErrorKind> {
    Ok((status, body.to_owned()))
}

fn gzip(data: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}

fn zstd(data: &[u8]) -> Result<Vec<u8>, Failed> {
    Ok(zstd::encode_all(data, 3)?)
}

fn compressed(coding: &str, body: &[u8]) -> Step {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n", body.len());
    Step::Write([head.as_bytes(), body].concat())
}

/// A case: what the server sends, then what the caller gets.
type Case = (&'static str, Vec<Step>, Result<(u16, String), SendErrorKind>);

fn cases() -> Result<Vec<Case>, Failed> {
    use Step::{Close, Hang};
    let write = |text: &str| Step::write(text);
    let large = "x".repeat(LIMIT + 1);
    let endless = format!("{:x}\r\n{}\r\n", 1000, "x".repeat(1000)).repeat(11);
    Ok(vec![
        ("a body by length", vec![write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), Hang], ok(200, "hi")),
        (
            "a chunked body",
            vec![write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"), Hang],
            ok(200, "hi"),
        ),
        ("a body by the connection's end", vec![write("HTTP/1.0 200 OK\r\n\r\nhi"), Close], ok(200, "hi")),
        ("no content", vec![write("HTTP/1.1 204 No Content\r\n\r\n"), Hang], ok(204, "")),
        (
            "an interim response",
            vec![
                write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
                Hang,
            ],
            ok(200, "hi"),
        ),
        (
            "a redirect is not followed",
            vec![write("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"), Hang],
            ok(302, ""),
        ),
        (
            "an error status is a response",
            vec![write("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno"), Hang],
            ok(503, "no"),
        ),
        ("closed before any byte", vec![Close], Err(BROKEN)),
        ("cut in the status line", vec![write("HTTP/1.1 2"), Close], Err(BROKEN)),
        ("cut in the headers", vec![write("HTTP/1.1 200 OK\r\ncontent-le"), Close], Err(BROKEN)),
        ("cut in the body", vec![write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhi"), Close], Err(BROKEN)),
        (
            "cut between chunks",
            vec![write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"), Close],
            Err(BROKEN),
        ),
        (
            "more bytes than the length says",
            vec![write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi there"), Hang],
            ok(200, "hi"),
        ),
        (
            "two lengths",
            vec![write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi!"), Close],
            Err(invalid(None)),
        ),
        (
            "a length that is no number",
            vec![write("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nhi"), Close],
            Err(invalid(None)),
        ),
        (
            "a chunk size that is no number",
            vec![write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhi\r\n"), Close],
            Err(invalid(200)),
        ),
        ("not HTTP", vec![write("220 smtp.example ESMTP ready\r\n\r\n"), Close], Err(invalid(None))),
        ("a header with a zero byte", vec![write("HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n"), Close], Err(invalid(None))),
        ("a status out of range", vec![write("HTTP/1.1 600 What\r\ncontent-length: 0\r\n\r\n"), Hang], Err(invalid(600))),
        (
            "a large header",
            vec![write(&format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(64 << 10))), Hang],
            Err(too_large(200)),
        ),
        (
            "a huge header",
            vec![write(&format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(5 << 20))), Hang],
            Err(invalid(None)),
        ),
        (
            "very many headers",
            vec![write(&format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "x: y\r\n".repeat(1000))), Hang],
            Err(invalid(None)),
        ),
        (
            "a body at the limit",
            vec![write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {LIMIT}\r\n\r\n{}", &large[..LIMIT])), Hang],
            ok(200, &large[..LIMIT]),
        ),
        (
            "a length over the limit",
            vec![write(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", LIMIT + 1)), Hang],
            Err(too_large(200)),
        ),
        (
            "chunks over the limit",
            vec![write(&format!("HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n{endless}")), Hang],
            Err(too_large(500)),
        ),
        ("gzip", vec![compressed("gzip", &gzip(b"hi")?), Hang], ok(200, "hi")),
        ("gzip by its old name", vec![compressed("X-GZip", &gzip(b"hi")?), Hang], ok(200, "hi")),
        ("zstd", vec![compressed("zstd", &zstd(b"hi")?), Hang], ok(200, "hi")),
        ("identity", vec![compressed("identity", b"hi"), Hang], ok(200, "hi")),
        ("a gzip bomb", vec![compressed("gzip", &gzip(&vec![0; 5 << 20])?), Hang], Err(too_large(200))),
        ("a zstd bomb", vec![compressed("zstd", &zstd(&vec![0; 5 << 20])?), Hang], Err(too_large(200))),
        ("gzip that is none", vec![compressed("gzip", b"plain"), Hang], Err(invalid(200))),
        ("gzip cut short", vec![compressed("gzip", &gzip(b"hi there")?[..12]), Hang], Err(invalid(200))),
        ("a coding that was not offered", vec![compressed("br", b"xx"), Hang], Err(invalid(200))),
        ("two codings", vec![compressed("gzip, zstd", b"xx"), Hang], Err(invalid(200))),
    ])
}

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("http::nobody listens", nobody_listens),
        trial("http::what is sent", what_is_sent),
        trial("http::the base path is kept", the_base_path_is_kept),
        trial("http::a coding without a body", a_coding_without_a_body),
        trial("http::silent for ever", || silent("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "")),
        trial("http::silent within the head", || silent("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 200")),
        trial("http::silent within the body", || {
            silent("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh")
        }),
        trial("http::a kept connection is used again", a_kept_connection_is_used_again),
        trial("http::a kept connection that closes on the request", a_kept_connection_that_closes_on_the_request),
        trial("http::a connection after a broken response is not used again", a_broken_connection_is_not_used_again),
        trial("http::messages hold no secret", messages_hold_no_secret),
    ];
    match cases() {
        Ok(cases) => trials.extend(
            cases.into_iter().map(|(name, script, expected)| trial(format!("http::{name}"), || case(script, expected))),
        ),
        Err(e) => trials.push(trial("http::cases", || async move { Err(e) })),
    }
    trials
}

async fn case(script: Vec<Step>, expected: Result<(u16, String), SendErrorKind>) -> Outcome {
    let server = Http1::start(script).await?;
    let got = match send(&transport()?, &server.server.url(), &get(), AMPLE).await {
        Ok(response) => {
            let response = http_of(response)?;
            Ok((response.status, String::from_utf8_lossy(&response.body).into_owned()))
        }
        Err(e) => {
            contains(&e.message, &server.server.address().to_string())?;
            Err(e.kind)
        }
    };
    check(&got, &expected)?;
    check(&server.requests().len(), &1)
}

async fn nobody_listens() -> Outcome {
    let error = send(&transport()?, &format!("http://{}", refusing().await?), &get(), AMPLE).await;
    let error = error.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::NoConnection { lasting: false })?;
    contains(&error.message, "cannot connect to 127.0.0.1:")?;
    contains(&error.message, "refused")
}

async fn what_is_sent() -> Outcome {
    let server = Http1::start(vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]).await?;
    let transport = transport()?;
    let address = server.server.address();
    let common = format!(
        "accept: text/plain\r\nuser-agent: witwire/{}\r\naccept-encoding: gzip, zstd\r\n",
        env!("CARGO_PKG_VERSION")
    );
    let empty = common.replacen("user-agent", "content-length: 0\r\nuser-agent", 1);
    for (method, body, sent) in [
        (Method::Get, None, format!("GET /a%20b?c=d HTTP/1.1\r\n{common}host: {address}\r\n\r\n")),
        (Method::Delete, None, format!("DELETE /a%20b?c=d HTTP/1.1\r\n{common}host: {address}\r\n\r\n")),
        (
            Method::Post,
            Some("hello"),
            format!("POST /a%20b?c=d HTTP/1.1\r\n{common}host: {address}\r\ncontent-length: 5\r\n\r\nhello"),
        ),
        (
            Method::Get,
            Some("hello"),
            format!("GET /a%20b?c=d HTTP/1.1\r\n{common}host: {address}\r\ncontent-length: 5\r\n\r\nhello"),
        ),
        (
            Method::Delete,
            Some("hello"),
            format!("DELETE /a%20b?c=d HTTP/1.1\r\n{common}host: {address}\r\ncontent-length: 5\r\n\r\nhello"),
        ),
        (Method::Post, None, format!("POST /a%20b?c=d HTTP/1.1\r\n{empty}host: {address}\r\n\r\n")),
    ] {
        send(&transport, &server.server.url(), &http_request(method, "/a%20b?c=d", body), AMPLE).await?;
        check(&server.requests().pop().unwrap_or_default(), &sent)?;
    }
    Ok(())
}

async fn the_base_path_is_kept() -> Outcome {
    let server = Http1::start(vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]).await?;
    send(&transport()?, &format!("{}/api/v1/", server.server.url()), &get(), AMPLE).await?;
    contains(&server.requests().concat(), "GET /api/v1/x HTTP/1.1\r\n")
}

async fn a_coding_without_a_body() -> Outcome {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 999\r\n\r\n";
    let server = Http1::start(vec![Step::write(head)]).await?;
    let response =
        http_of(send(&transport()?, &server.server.url(), &http_request(Method::Head, "/x", None), AMPLE).await?)?;
    check(&response.body.len(), &0)?;
    check(&response.header("content-length"), &Some("999"))
}

/// The second request of the server is never answered to its end.
async fn silent(first: &'static str, second: &'static str) -> Outcome {
    let calls = AtomicUsize::new(0);
    let script = move |_, _| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => vec![Step::write(first)],
        _ => vec![Step::write(second), Step::Hang],
    };
    let server = Http1::start_with(None, script).await?;
    let transport = transport()?;
    send(&transport, &server.server.url(), &get(), AMPLE).await?;
    let error = send(&transport, &server.server.url(), &get(), SHORT).await.err().ok_or("a response")?;
    contains(&error.message, "200ms")?;
    let SendErrorKind::Timeout { maybe_processed } = error.kind else { return Err(format!("{error:?}").into()) };
    // On a machine that stands still for so long, the request may not have come; the other way round would be a lie.
    check(&(maybe_processed || server.requests().len() == 1), &true)
}

/// The pool may open a connection while another comes free, so how many there are is not fixed.
async fn a_kept_connection_is_used_again() -> Outcome {
    let again = Arc::new(AtomicBool::new(false));
    let seen = again.clone();
    let script = move |_, request| {
        seen.fetch_or(request > 0, Ordering::SeqCst);
        vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]
    };
    let server = Http1::start_with(None, script).await?;
    let transport = transport()?;
    for _ in 0..100 {
        send(&transport, &server.server.url(), &get(), AMPLE).await?;
        if again.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
    Err("each of 100 calls had a connection of its own".into())
}

/// The race of every kept connection: the server closes as the request comes. Whether it was processed is not known, and nothing
/// is sent a second time.
async fn a_kept_connection_that_closes_on_the_request() -> Outcome {
    let script = |_, request| match request {
        0 => vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")],
        _ => vec![Step::Close],
    };
    let server = Http1::start_with(None, script).await?;
    let transport = transport()?;
    let post = http_request(Method::Post, "/x", Some("hello"));
    for sent in 1..=100 {
        let result = send(&transport, &server.server.url(), &post, AMPLE).await;
        check(&server.requests().len(), &sent)?;
        if let Err(error) = result {
            return check(&error.kind, &BROKEN);
        }
    }
    Err("each of 100 calls had a connection of its own".into())
}

async fn a_broken_connection_is_not_used_again() -> Outcome {
    let server = Http1::start(vec![Step::write("HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n")]).await?;
    let transport = transport()?;
    for n in 1..=2 {
        let error = send(&transport, &server.server.url(), &get(), AMPLE).await.err().ok_or("a response")?;
        check(&error.kind, &too_large(200))?;
        check(&server.requests().len(), &n)?;
    }
    match server.server.accepted() {
        0 | 1 => Err("a connection with an unread body was used again".into()),
        _ => Ok(()),
    }
}

async fn messages_hold_no_secret() -> Outcome {
    let request = http_request(Method::Get, "/hunter2?key=hunter2", Some("hunter2"));
    let mut errors = Vec::new();
    for script in [vec![Step::Close], vec![Step::write("hunter2 hunter2\r\n\r\n"), Step::Close]] {
        let server = Http1::start(script).await?;
        errors.extend(send(&transport()?, &server.server.url(), &request, AMPLE).await.err());
    }
    errors.extend(send(&transport()?, &format!("http://{}", refusing().await?), &request, AMPLE).await.err());
    let denied = Transport::new(TransportConfig { egress: EgressPolicy::deny_all(), ..loopback()? })?;
    errors.extend(send(&denied, "http://127.0.0.1:1", &request, AMPLE).await.err());
    check(&errors.len(), &4)?;
    match errors.iter().find(|e| format!("{e} {e:?}").contains("hunter2")) {
        None => Ok(()),
        Some(e) => Err(format!("a secret in: {e}").into()),
    }
}
