//! Client certificates, private authorities and other names, all by reference.

use libtest_mimic::{Failed, Trial};
use witwire_executor::credentials::Source;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{
    Authority as Name, CallOptions, ClientTls, Endpoint, Exchange, Identity, LinkSettings, Repeat, RouteSettings,
    SendErrorKind, StreamError, StreamOptions, Transport, TransportConfig,
};
use witwire_interpreter::Request;
use witwire_test_support::hostile::http1::{Http1, Step as Bytes};
use witwire_test_support::hostile::http2::Http2;
use witwire_test_support::hostile::{Authority, Issued, Server, Validity, acceptor};

use super::tls::grpc_hello;
use super::{AMPLE, Answers, Outcome, check, contains, get, grpc_request, loopback, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("mtls::both protocols", both_protocols),
        trial("mtls::no certificate", || refused(Given::Nothing, "it asks for a client certificate (mutual TLS)")),
        trial("mtls::of another authority", || refused(Given::Stranger, "signed by an authority that it does not trust")),
        trial("mtls::of an authority of the same name", || {
            refused(Given::Namesake, "it does not accept our client certificate")
        }),
        trial("mtls::expired", || refused(Given::Expired, "our client certificate has expired")),
        trial("mtls::what cannot be used", what_cannot_be_used),
        trial("mtls::renewed without a restart", renewed_without_a_restart),
        trial("tls::another name by authority", another_name_by_authority),
        trial("tls::expired", || invalid(Validity::Past, "its certificate has expired")),
        trial("tls::not valid yet", || invalid(Validity::Future, "its certificate is not valid yet")),
        trial("tls::a private authority by reference", a_private_authority_by_reference),
    ]
}

fn literal(text: &str) -> Source {
    Source::Literal(text.to_owned())
}

fn transport() -> Result<Transport, Failed> {
    Ok(Transport::new(TransportConfig {
        egress: EgressPolicy::parse(["todo.test", "127.0.0.1"], ["127.0.0.1/32"])?,
        resolver: Answers::new(&["127.0.0.1"])?,
        ..loopback()?
    })?)
}

/// Calls with these settings, as `todo.test`.
async fn call(server: &Server, tls: ClientTls, request: &Request) -> Result<Exchange, Failed> {
    let transport = transport()?;
    let settings = RouteSettings { link: LinkSettings { tls, keepalive: None }, ..RouteSettings::default() };
    let route = transport.route(vec![Endpoint::parse(&server.url_as("todo.test"))?], settings)?;
    Ok(transport.call(&route, request, &CallOptions::new(AMPLE, Repeat::Freely)).await)
}

fn tls(server: &Authority, client: Option<&Issued>) -> ClientTls {
    let identity = client.map(|issued| Identity { certificate: literal(&issued.certificate), key: literal(&issued.key) });
    ClientTls { roots: vec![literal(&server.pem())], identity, authority: None }
}

fn hello() -> Vec<Bytes> {
    vec![Bytes::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")]
}

async fn both_protocols() -> Outcome {
    let (authority, clients) = (Authority::new()?, Authority::new()?);
    let (ours, me) = (authority.issue(&["todo.test"], Validity::Now)?, clients.issue(&["me"], Validity::Now)?);
    let http = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], Some(&clients))?), |_, _| hello()).await?;
    call(&http.server, tls(&authority, Some(&me)), &get()).await?.outcome?;
    check(&http.requests().len(), &1)?;
    let grpc = Http2::start_with(Some(acceptor(&ours, &["h2"], Some(&clients))?), grpc_hello()).await?;
    call(&grpc.server, tls(&authority, Some(&me)), &grpc_request(Vec::new())).await?.outcome?;
    check(&grpc.seen().len(), &1)
}

#[derive(Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    Stranger,
    Namesake,
    Expired,
}

/// Over both protocols: nothing was sent, it is said why, and it is not tried again.
async fn refused(given: Given, reason: &'static str) -> Outcome {
    let (authority, clients) = (Authority::new()?, Authority::new()?);
    let ours = authority.issue(&["todo.test"], Validity::Now)?;
    let me = match given {
        Given::Nothing => None,
        Given::Stranger => Some(Authority::named("stranger")?.issue(&["me"], Validity::Now)?),
        Given::Namesake => Some(Authority::new()?.issue(&["me"], Validity::Now)?),
        Given::Expired => Some(clients.issue(&["me"], Validity::Past)?),
    };
    for (request, alpn) in [(get(), "http/1.1"), (grpc_request(Vec::new()), "h2")] {
        let server = Http1::start_with(Some(acceptor(&ours, &[alpn], Some(&clients))?), |_, _| hello()).await?;
        let exchange = call(&server.server, tls(&authority, me.as_ref()), &request).await?;
        let error = exchange.outcome.err().ok_or("a response")?;
        contains(&error.message, reason)?;
        check(&error.kind, &SendErrorKind::NoConnection { lasting: true })?;
        check(&(exchange.attempts, server.server.accepted(), server.requests().len()), &(1, 1, 0))?;
    }
    // A stream is told the same.
    let server = Http1::start_with(Some(acceptor(&ours, &["h2"], Some(&clients))?), |_, _| hello()).await?;
    let transport = transport()?;
    let link = LinkSettings { tls: tls(&authority, me.as_ref()), keepalive: None };
    let settings = RouteSettings { link, ..RouteSettings::default() };
    let route = transport.route(vec![Endpoint::parse(&server.server.url_as("todo.test"))?], settings)?;
    let Request::Grpc(request) = grpc_request(Vec::new()) else { return Err("no gRPC".into()) };
    let mut stream = transport.stream(&route, &request, true, &StreamOptions::default())?;
    match stream.next().await {
        Err(StreamError::Broken(error)) => {
            contains(&error.message, reason)?;
            check(&error.kind, &SendErrorKind::NoConnection { lasting: true })
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn what_cannot_be_used() -> Outcome {
    let (authority, clients) = (Authority::new()?, Authority::new()?);
    let ours = authority.issue(&["todo.test"], Validity::Now)?;
    let server = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], Some(&clients))?), |_, _| hello()).await?;
    let (me, other) = (clients.issue(&["me"], Validity::Now)?, clients.issue(&["me"], Validity::Now)?);
    let identity = |certificate: &str, key: &str| ClientTls {
        identity: Some(Identity { certificate: literal(certificate), key: literal(key) }),
        ..tls(&authority, None)
    };
    let root = |root: Source| ClientTls { roots: vec![root], ..ClientTls::default() };
    for (tls, reason) in [
        (identity(&me.certificate, "hunter2"), "(given directly) holds no private key in PEM that can be read"),
        (identity("hunter2", &me.key), "the client certificate from (given directly) cannot be used: it has none"),
        (identity(&me.certificate, &other.key), "cannot be used with its key"),
        (root(literal("hunter2")), "the certificate of the authority from (given directly) cannot be used: it has none"),
        (
            root(Source::Environment("WITWIRE_SURELY_NOT_SET".to_owned())),
            "the certificate of the authority cannot be read from env:WITWIRE_SURELY_NOT_SET: the variable is not set",
        ),
        (root(Source::File("/nowhere/ca.pem".into())), "cannot be read from file:/nowhere/ca.pem"),
    ] {
        let error = call(&server.server, tls, &get()).await?.outcome.err().ok_or("a response")?;
        contains(&error.message, reason)?;
        check(&error.kind, &SendErrorKind::NoConnection { lasting: true })?;
        if error.message.contains("hunter2") || error.message.contains("PRIVATE") {
            return Err(format!("a secret is told: {error}").into());
        }
    }
    check(&server.requests().len(), &0)
}

/// The files are read for each connection.
async fn renewed_without_a_restart() -> Outcome {
    let (authority, clients) = (Authority::new()?, Authority::new()?);
    let ours = authority.issue(&["todo.test"], Validity::Now)?;
    let close = || vec![Bytes::write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"), Bytes::Close];
    let server = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], Some(&clients))?), move |_, _| close()).await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("me.pem");
    let tls = ClientTls {
        // One file may hold both.
        identity: Some(Identity { certificate: Source::File(file.clone()), key: Source::File(file.clone()) }),
        ..tls(&authority, None)
    };
    let transport = transport()?;
    let settings = RouteSettings { link: LinkSettings { tls, keepalive: None }, ..RouteSettings::default() };
    let route = transport.route(vec![Endpoint::parse(&server.server.url_as("todo.test"))?], settings)?;
    let options = CallOptions::new(AMPLE, Repeat::Freely);
    for (validity, works) in [(Validity::Past, false), (Validity::Now, true)] {
        let issued = clients.issue(&["me"], validity)?;
        std::fs::write(&file, format!("{}{}", issued.certificate, issued.key))?;
        check(&transport.call(&route, &get(), &options).await.outcome.is_ok(), &works)?;
    }
    Ok(())
}

/// The server is known by a name that is not its address: in its certificate, in `Host` and in `:authority`.
async fn another_name_by_authority() -> Outcome {
    let authority = Authority::new()?;
    let named = |name: &str| -> Result<ClientTls, Failed> {
        Ok(ClientTls { authority: Some(Name::parse(name)?), ..tls(&authority, None) })
    };
    let ours = authority.issue(&["inner.test"], Validity::Now)?;
    let http = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], None)?), |_, _| hello()).await?;
    call(&http.server, named("inner.test")?, &get()).await?.outcome?;
    contains(&http.requests().concat(), "host: inner.test\r\n")?;
    let grpc = Http2::start_with(Some(acceptor(&ours, &["h2"], None)?), grpc_hello()).await?;
    call(&grpc.server, named("inner.test:8443")?, &grpc_request(Vec::new())).await?.outcome?;
    check(&grpc.seen().pop().map(|seen| seen.authority), &Some("inner.test:8443".to_owned()))?;
    let error = call(&http.server, named("other.test")?, &get()).await?.outcome.err().ok_or("a response")?;
    contains(&error.message, "its certificate is not for the name other.test")?;
    check(&http.requests().len(), &1)
}

async fn invalid(validity: Validity, reason: &'static str) -> Outcome {
    let authority = Authority::new()?;
    let ours = authority.issue(&["todo.test"], validity)?;
    let server = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], None)?), |_, _| hello()).await?;
    let exchange = call(&server.server, tls(&authority, None), &get()).await?;
    contains(&exchange.outcome.err().ok_or("a response")?.message, reason)?;
    check(&(exchange.attempts, server.requests().len()), &(1, 0))
}

/// What one route trusts, another does not.
async fn a_private_authority_by_reference() -> Outcome {
    let authority = Authority::new()?;
    let ours = authority.issue(&["todo.test"], Validity::Now)?;
    let server = Http1::start_with(Some(acceptor(&ours, &["http/1.1"], None)?), |_, _| hello()).await?;
    let transport = transport()?;
    let endpoint = || Endpoint::parse(&server.server.url_as("todo.test"));
    let options = CallOptions::new(AMPLE, Repeat::Freely);
    let link = LinkSettings { tls: tls(&authority, None), keepalive: None };
    let trusting = transport.route(vec![endpoint()?], RouteSettings { link, ..RouteSettings::default() })?;
    let plain = transport.route(vec![endpoint()?], RouteSettings::default())?;
    transport.call(&trusting, &get(), &options).await.outcome?;
    let error = transport.call(&plain, &get(), &options).await.outcome.err().ok_or("a response")?;
    contains(&error.message, "signed by no authority that is trusted")?;
    check(&server.requests().len(), &1)
}
