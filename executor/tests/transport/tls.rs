//! TLS: whom to trust, and which protocol to speak.

use h2::Reason;
use libtest_mimic::{Failed, Trial};
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{Limits, SendError, SendErrorKind, TlsConfig, Transport, TransportConfig};
use witwire_interpreter::{Request, Response};
use witwire_test_support::hostile::http1::{Http1, Step as Bytes};
use witwire_test_support::hostile::http2::{Http2, Step as Frames};
use witwire_test_support::hostile::{Authority, Server};

use super::{AMPLE, Answers, Outcome, SHORT, check, contains, get, grpc_request, http_of, loopback, send, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("tls::HTTP/1.1", || http1(&["http/1.1"])),
        trial("tls::HTTP/1.1 without ALPN", || http1(&[])),
        trial("tls::HTTP/2 for an HTTP call", http2_for_http),
        trial("tls::an HTTP call that is reset", || {
            reset_of_an_http_call(Reason::INTERNAL_ERROR, SendErrorKind::MaybeProcessed { reset: None })
        }),
        trial("tls::an HTTP call that is refused", || {
            reset_of_an_http_call(Reason::REFUSED_STREAM, SendErrorKind::Unprocessed)
        }),
        trial("tls::gRPC", grpc),
        trial("tls::gRPC without HTTP/2", || grpc_without_http2(&["http/1.1"])),
        trial("tls::gRPC without ALPN", || grpc_without_http2(&[])),
        trial("tls::an address in the certificate", an_address_in_the_certificate),
        trial("tls::an unknown authority", an_unknown_authority),
        trial("tls::another authority", another_authority),
        trial("tls::another name", another_name),
        trial("tls::a server without TLS", a_server_without_tls),
        trial("tls::silent in the handshake", silent_in_the_handshake),
        trial("tls::a slow handshake", a_slow_handshake),
        trial("tls::roots that are none", roots_that_are_none),
        trial("tls::one provider", one_provider),
    ]
}

/// `todo.test` is the loopback server.
fn config(authority: Option<&Authority>) -> Result<TransportConfig, Failed> {
    let tls = match authority {
        Some(authority) => TlsConfig::default().with_pem(authority.pem().as_bytes())?,
        None => TlsConfig::default(),
    };
    Ok(TransportConfig {
        egress: EgressPolicy::parse(["todo.test", "127.0.0.1"], ["127.0.0.1/32"])?,
        resolver: Answers::new(&["127.0.0.1"])?,
        tls,
        ..loopback()?
    })
}

async fn call(
    server: &Server,
    trusted: Option<&Authority>,
    request: &Request,
) -> Result<Result<Response, SendError>, Failed> {
    Ok(send(&Transport::new(config(trusted)?)?, &server.url_as("todo.test"), request, AMPLE).await)
}

/// The request never left, and the message says why.
fn refused(response: Result<Response, SendError>, reason: &str) -> Outcome {
    let error = response.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::NoConnection { lasting: true })?;
    contains(&error.message, reason)
}

fn hello() -> Vec<Bytes> {
    vec![Bytes::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]
}

pub(super) fn grpc_hello() -> Vec<Frames> {
    vec![
        Frames::Head { status: 200, headers: vec![("content-type", "application/grpc".to_owned())], end: false },
        Frames::Data(vec![0, 0, 0, 0, 2, b'h', b'i']),
        Frames::Trailers(vec![("grpc-status", "0".to_owned())]),
    ]
}

async fn http1(alpn: &[&str]) -> Outcome {
    let authority = Authority::new()?;
    let server = Http1::start_with(Some(authority.acceptor(&["todo.test"], alpn)?), |_, _| hello()).await?;
    let response = http_of(call(&server.server, Some(&authority), &get()).await??)?;
    check(&response.body.as_ref(), &b"hi".as_slice())?;
    contains(&server.requests().concat(), "GET /x HTTP/1.1\r\n")
}

async fn http2_for_http() -> Outcome {
    let authority = Authority::new()?;
    let script = vec![
        Frames::Head { status: 201, headers: vec![("x-a", "b".to_owned())], end: false },
        Frames::Data(b"hi".to_vec()),
        Frames::End,
    ];
    let server = Http2::start_with(Some(authority.acceptor(&["todo.test"], &["h2", "http/1.1"])?), script).await?;
    let response = http_of(call(&server.server, Some(&authority), &get()).await??)?;
    check(&(response.status, response.header("x-a"), response.body.as_ref()), &(201, Some("b"), b"hi".as_slice()))
}

/// Over HTTP, a reset is no gRPC status.
async fn reset_of_an_http_call(reason: Reason, expected: SendErrorKind) -> Outcome {
    let authority = Authority::new()?;
    let acceptor = authority.acceptor(&["todo.test"], &["h2"])?;
    let server = Http2::start_with(Some(acceptor), vec![Frames::Reset(reason)]).await?;
    let error = call(&server.server, Some(&authority), &get()).await?.err().ok_or("a response")?;
    check(&error.kind, &expected)
}

async fn grpc() -> Outcome {
    let authority = Authority::new()?;
    let server = Http2::start_with(Some(authority.acceptor(&["todo.test"], &["h2"])?), grpc_hello()).await?;
    call(&server.server, Some(&authority), &grpc_request(Vec::new())).await??;
    check(&server.seen().len(), &1)
}

async fn grpc_without_http2(alpn: &[&str]) -> Outcome {
    let authority = Authority::new()?;
    let server = Http2::start_with(Some(authority.acceptor(&["todo.test"], alpn)?), grpc_hello()).await?;
    let response = call(&server.server, Some(&authority), &grpc_request(Vec::new())).await?;
    let reason = if alpn.is_empty() { "does not offer HTTP/2" } else { "none of the protocols offered" };
    refused(response, reason)?;
    check(&server.seen().len(), &0)
}

async fn an_address_in_the_certificate() -> Outcome {
    let authority = Authority::new()?;
    let server = Http1::start_with(Some(authority.acceptor(&["127.0.0.1"], &[])?), |_, _| hello()).await?;
    send(&Transport::new(config(Some(&authority))?)?, &server.server.url(), &get(), AMPLE).await?;
    check(&server.requests().len(), &1)
}

async fn an_unknown_authority() -> Outcome {
    let server = Http1::start_with(Some(Authority::new()?.acceptor(&["todo.test"], &[])?), |_, _| hello()).await?;
    let response = call(&server.server, None, &get()).await?;
    refused(response, "its certificate is signed by no authority that is trusted")?;
    check(&server.requests().len(), &0)
}

async fn another_authority() -> Outcome {
    let server = Http1::start_with(Some(Authority::new()?.acceptor(&["todo.test"], &[])?), |_, _| hello()).await?;
    let response = call(&server.server, Some(&Authority::new()?), &get()).await?;
    check(&response.err().map(|e| e.kind), &Some(SendErrorKind::NoConnection { lasting: true }))?;
    check(&server.requests().len(), &0)
}

async fn another_name() -> Outcome {
    let authority = Authority::new()?;
    let server = Http1::start_with(Some(authority.acceptor(&["other.test"], &[])?), |_, _| hello()).await?;
    refused(call(&server.server, Some(&authority), &get()).await?, "its certificate is not for the name todo.test")?;
    check(&server.requests().len(), &0)
}

async fn a_server_without_tls() -> Outcome {
    let server = Server::start(|mut connection, _| async move {
        use tokio::io::AsyncWriteExt;
        let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
    })
    .await?;
    let url = format!("https://todo.test:{}", server.address().port());
    let response = send(&Transport::new(config(None)?)?, &url, &get(), AMPLE).await;
    refused(response, &format!("no TLS connection to todo.test:{}", server.address().port()))
}

async fn silent() -> Result<(Server, String), Failed> {
    let server = Server::start(|connection, _| async move {
        let _open = connection;
        std::future::pending::<()>().await;
    })
    .await?;
    let url = format!("https://todo.test:{}", server.address().port());
    Ok((server, url))
}

/// The deadline passes before a request could be written.
async fn silent_in_the_handshake() -> Outcome {
    let (_server, url) = silent().await?;
    let error = send(&Transport::new(config(None)?)?, &url, &get(), SHORT).await.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::Timeout { maybe_processed: false })
}

async fn a_slow_handshake() -> Outcome {
    let (_server, url) = silent().await?;
    let limits = Limits { connect_timeout: SHORT, ..Limits::default() };
    let transport = Transport::new(TransportConfig { limits, ..config(None)? })?;
    let error = send(&transport, &url, &get(), AMPLE).await.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::Timeout { maybe_processed: false })?;
    contains(&error.message, "in the TLS handshake")
}

async fn roots_that_are_none() -> Outcome {
    for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        if TlsConfig::default().with_pem(pem.as_bytes()).is_ok() {
            return Err(format!("`{pem}` was taken").into());
        }
    }
    let garbage = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let tls = TlsConfig::default().with_pem(garbage.as_bytes())?;
    let error = Transport::new(TransportConfig { tls, ..loopback()? }).err().ok_or("taken")?;
    contains(&error.to_string(), "a root certificate cannot be used")
}

/// With two providers rustls cannot choose one, and panics where nobody does.
async fn one_provider() -> Outcome {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"))?;
    contains(&lock, "name = \"ring\"")?;
    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        if lock.contains(&format!("name = \"{other}\"\n")) {
            return Err(format!("{other} is among the dependencies").into());
        }
    }
    Ok(())
}
