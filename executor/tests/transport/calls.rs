//! Calls over routes: repeated, spread over endpoints, compressed, cancelled. The servers count.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use libtest_mimic::{Failed, Trial};
use witwire_executor::transport::{
    BudgetConfig, CallOptions, Compression, Endpoint, Exchange, Jitter, Keepalive, LinkSettings, Repeat, RetryPolicy, Route,
    RouteSettings, SendErrorKind, StreamOptions, Transport, TransportConfig,
};
use witwire_interpreter::{GrpcResponse, MetadataText, Request, Response};
use witwire_ir::operation::http::Method;
use witwire_test_support::hostile::http1::{Http1, Step as Bytes1};
use witwire_test_support::hostile::http2::{Http2, Step};
use witwire_test_support::hostile::{Server, refusing};

use super::tls::grpc_hello;
use super::{AMPLE, Outcome, SHORT, check, contains, get, grpc_request, http_of, http_request, loopback, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("calls::repeated over HTTP", repeated_over_http),
        trial("calls::repeated over gRPC", repeated_over_grpc),
        trial("calls::an unsafe call is sent once", unsafe_is_sent_once),
        trial("calls::an unsafe call that is refused is sent again", refused_is_sent_again),
        trial("calls::pushback forbids", pushback_forbids),
        trial("calls::what is told beside the response", told_beside_the_response),
        trial("calls::one connection for a hundred calls", one_connection),
        trial("calls::endpoints take turns", endpoints_take_turns),
        trial("calls::an endpoint that is down is passed over", passed_over),
        trial("calls::all endpoints are down", all_down),
        trial("calls::routes to one endpoint share its budget", one_budget),
        trial("calls::waits for a server", waits_for_a_server),
        trial("calls::dropped over HTTP/2", dropped_over_http2),
        trial("calls::the deadline cancels", the_deadline_cancels),
        trial("calls::dropped over HTTP/1", dropped_over_http1),
        trial("calls::compressed", compressed),
        trial("calls::limits of requests", limits_of_requests),
        trial("calls::limits of responses", limits_of_responses),
        trial("calls::a dead connection is found", a_dead_connection_is_found),
        trial("calls::routes share connections", routes_share_connections),
    ]
}

/// No pause at all.
#[derive(Debug)]
struct Hasty;

impl Jitter for Hasty {
    fn up_to(&self, _ceiling: Duration) -> Duration {
        Duration::ZERO
    }
}

pub(super) fn transport() -> Result<Transport, Failed> {
    Ok(Transport::new(TransportConfig { jitter: Arc::new(Hasty), ..loopback()? })?)
}

pub(super) fn route(transport: &Transport, urls: &[String], settings: RouteSettings) -> Result<Route, Failed> {
    let endpoints = urls.iter().map(|url| Endpoint::parse(url)).collect::<Result<_, _>>()?;
    Ok(transport.route(endpoints, settings)?)
}

async fn call(url: String, request: &Request, repeat: Repeat) -> Result<Exchange, Failed> {
    let transport = transport()?;
    let route = route(&transport, &[url], RouteSettings::default())?;
    Ok(transport.call(&route, request, &CallOptions::new(AMPLE, repeat)).await)
}

fn status(code: &str) -> Vec<Step> {
    vec![Step::Head {
        status: 200,
        headers: vec![("content-type", "application/grpc".to_owned()), ("grpc-status", code.to_owned())],
        end: true,
    }]
}

/// Answers each of the first calls by a status, and those after them well.
async fn http_server(first: Vec<u16>) -> std::io::Result<Http1> {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    Http1::start_with(None, move |_, _| {
        let status = first.get(calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst)).unwrap_or(&200);
        vec![Bytes1::write(format!("HTTP/1.1 {status} X\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\nhi"))]
    })
    .await
}

async fn repeated_over_http() -> Outcome {
    let server = http_server(vec![503, 429, 502, 504]).await?;
    let exchange = call(server.server.url(), &get(), Repeat::Freely).await?;
    check(&(http_of(exchange.outcome?)?.status, exchange.attempts, server.requests().len()), &(200, 5, 5))?;
    // Five times is enough; the last answer is the call's.
    let server = http_server(vec![503; 9]).await?;
    let exchange = call(server.server.url(), &get(), Repeat::Freely).await?;
    check(&(http_of(exchange.outcome?)?.status, exchange.attempts, server.requests().len()), &(503, 5, 5))?;
    for status in [500, 501, 404, 408] {
        let server = http_server(vec![status]).await?;
        let exchange = call(server.server.url(), &get(), Repeat::Freely).await?;
        check(&(http_of(exchange.outcome?)?.status, exchange.attempts, server.requests().len()), &(status, 1, 1))?;
    }
    // The connection breaks in the middle of a response.
    let server = Http1::start_with(None, |connection, _| match connection {
        0 => vec![Bytes1::write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi"), Bytes1::Close],
        _ => vec![Bytes1::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")],
    })
    .await?;
    let exchange = call(server.server.url(), &get(), Repeat::Freely).await?;
    check(&(exchange.outcome.is_ok(), exchange.attempts, server.requests().len()), &(true, 2, 2))
}

async fn repeated_over_grpc() -> Outcome {
    let server = Http2::start_scripts(None, |call| match call {
        0 => status("14"),
        1 => vec![Step::Reset(Reason::INTERNAL_ERROR)],
        // A proxy's.
        2 => vec![Step::Head { status: 503, headers: vec![("content-type", "text/html".to_owned())], end: true }],
        _ => grpc_hello(),
    })
    .await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Freely).await?;
    check(&(exchange.outcome.is_ok(), exchange.attempts, server.seen().len()), &(true, 4, 4))?;
    // Each attempt is told what is left of the one deadline.
    let timeouts: Vec<u64> = server
        .seen()
        .iter()
        .filter_map(|seen| seen.headers.get("grpc-timeout")?.to_str().ok()?.strip_suffix('u')?.parse().ok())
        .collect();
    check(&(timeouts.len(), timeouts.is_sorted_by(|a, b| a >= b), timeouts[0] <= 60_000_000), &(4, true, true))
}

async fn unsafe_is_sent_once() -> Outcome {
    for status in [503, 429] {
        let server = http_server(vec![status]).await?;
        let exchange = call(server.server.url(), &http_request(Method::Post, "/x", Some("x")), Repeat::Unprocessed).await?;
        check(&(http_of(exchange.outcome?)?.status, exchange.attempts, server.requests().len()), &(status, 1, 1))?;
    }
    let server = Http2::start_scripts(None, |_| vec![Step::Reset(Reason::CANCEL)]).await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Unprocessed).await?;
    check(&exchange.outcome.map_err(|e| e.kind), &Err(SendErrorKind::MaybeProcessed { reset: Some(1) }))?;
    check(&(exchange.attempts, server.seen().len()), &(1, 1))
}

async fn refused_is_sent_again() -> Outcome {
    let server = Http2::start_scripts(None, |call| match call {
        0 | 1 => vec![Step::Reset(Reason::REFUSED_STREAM)],
        _ => grpc_hello(),
    })
    .await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Unprocessed).await?;
    check(&(exchange.outcome.is_ok(), exchange.attempts, server.seen().len()), &(true, 3, 3))
}

async fn pushback_forbids() -> Outcome {
    let server = Http2::start_scripts(None, |_| {
        let mut script = status("14");
        if let Some(Step::Head { headers, .. }) = script.first_mut() {
            headers.push(("grpc-retry-pushback-ms", "-1".to_owned()));
        }
        script
    })
    .await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Freely).await?;
    check(&(exchange.attempts, server.seen().len()), &(1, 1))
}

fn ascii(key: &str, text: &str) -> (String, MetadataText) {
    (key.to_owned(), MetadataText::Ascii(text.to_owned()))
}

async fn told_beside_the_response() -> Outcome {
    let server = Http2::start(vec![
        Step::Head {
            status: 200,
            headers: vec![
                ("content-type", "application/grpc".to_owned()),
                ("x-initial", "a".to_owned()),
                ("x-initial-bin", "q80".to_owned()),
            ],
            end: false,
        },
        Step::Data(vec![0, 0, 0, 0, 2, b'h', b'i']),
        Step::Trailers(vec![("grpc-status", "0".to_owned()), ("x-trailing", "b".to_owned())]),
    ])
    .await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Freely).await?;
    let binary = ("x-initial-bin".to_owned(), MetadataText::Binary(Bytes::from_static(&[0xab, 0xcd])));
    let initial: Vec<_> = exchange.initial.iter().filter(|(key, _)| key.starts_with("x-")).cloned().collect();
    check(&initial, &vec![ascii("x-initial", "a"), binary])?;
    check(&exchange.trailing(), &[ascii("x-trailing", "b")].as_slice())?;
    // Trailers alone are trailers.
    let server = Http2::start(vec![Step::Head {
        status: 200,
        headers: vec![
            ("content-type", "application/grpc".to_owned()),
            ("grpc-status", "5".to_owned()),
            ("x-trailing", "b".to_owned()),
        ],
        end: true,
    }])
    .await?;
    let exchange = call(server.server.url(), &grpc_request(Vec::new()), Repeat::Freely).await?;
    check(&exchange.initial, &Vec::new())?;
    check(&exchange.trailing().contains(&ascii("x-trailing", "b")), &true)?;
    // Over HTTP, headers.
    let server = http_server(Vec::new()).await?;
    let exchange = call(server.server.url(), &get(), Repeat::Freely).await?;
    check(&exchange.initial.contains(&ascii("retry-after", "0")), &true)
}

async fn one_connection() -> Outcome {
    let server = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
    let (request, options) = (grpc_request(Vec::new()), CallOptions::new(AMPLE, Repeat::Unprocessed));
    let calls = (0..100).map(|_| transport.call(&route, &request, &options));
    let exchanges = futures_util::future::join_all(calls).await;
    check(&exchanges.iter().filter(|e| e.outcome.is_ok() && e.attempts == 1).count(), &100)?;
    check(&(server.server.accepted(), server.seen().len()), &(1, 100))
}

async fn endpoints_take_turns() -> Outcome {
    let (a, b, c) =
        (Http2::start(grpc_hello()).await?, Http2::start(grpc_hello()).await?, Http2::start(grpc_hello()).await?);
    let transport = transport()?;
    let urls = [&a, &b, &c].map(|server| server.server.url());
    let route = route(&transport, &urls, RouteSettings::default())?;
    for _ in 0..9 {
        let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
        transport.call(&route, &grpc_request(Vec::new()), &options).await.outcome?;
    }
    check(&[&a, &b, &c].map(|server| server.seen().len()), &[3, 3, 3])
}

/// Nothing was sent to the one that is down, so that even an unsafe call goes to the other one at once.
async fn passed_over() -> Outcome {
    let server = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let settings = RouteSettings { retry: RetryPolicy::never(), ..RouteSettings::default() };
    let route = route(&transport, &[format!("http://{}", refusing().await?), server.server.url()], settings)?;
    for _ in 0..10 {
        let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
        let exchange = transport.call(&route, &grpc_request(Vec::new()), &options).await;
        check(&(exchange.outcome.is_ok(), exchange.attempts), &(true, 1))?;
    }
    check(&server.seen().len(), &10)
}

/// What one route spent, another one to the same endpoint does not have.
async fn one_budget() -> Outcome {
    let server = Http1::start(vec![Bytes1::write("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n")]).await?;
    let budget = BudgetConfig::new(10, 1)?;
    let transport = Transport::new(TransportConfig { jitter: Arc::new(Hasty), budget, ..loopback()? })?;
    let url = server.server.url();
    for (urls, attempts) in [(vec![url.clone()], 5), (vec![url.clone(), url], 1)] {
        let route = route(&transport, &urls, RouteSettings::default())?;
        let exchange = transport.call(&route, &get(), &CallOptions::new(AMPLE, Repeat::Freely)).await;
        check(&exchange.attempts, &attempts)?;
    }
    Ok(())
}

async fn all_down() -> Outcome {
    let transport = transport()?;
    let urls = [format!("http://{}", refusing().await?), format!("http://{}", refusing().await?)];
    let route = route(&transport, &urls, RouteSettings::default())?;
    let exchange = transport.call(&route, &get(), &CallOptions::new(AMPLE, Repeat::Unprocessed)).await;
    check(&exchange.attempts, &5)?;
    check(&exchange.outcome.map_err(|e| e.kind), &Err(SendErrorKind::NoConnection { lasting: false }))
}

/// Pauses for nothing, and tells of each pause.
#[derive(Debug)]
struct Telling(tokio::sync::mpsc::UnboundedSender<()>);

impl Jitter for Telling {
    fn up_to(&self, _ceiling: Duration) -> Duration {
        let _ = self.0.send(());
        Duration::ZERO
    }
}

/// The server comes up when more attempts have failed than the policy has.
async fn waits_for_a_server() -> Outcome {
    let address = refusing().await?;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let transport = Transport::new(TransportConfig { jitter: Arc::new(Telling(tell)), ..loopback()? })?;
    let route = route(&transport, &[format!("http://{address}")], RouteSettings::default())?;
    let server = async {
        for _ in 0..8 {
            told.recv().await;
        }
        let listener = tokio::net::TcpListener::bind(address).await?;
        let (mut connection, _) = listener.accept().await?;
        let mut buffer = [0; 1024];
        tokio::io::AsyncReadExt::read(&mut connection, &mut buffer).await?;
        tokio::io::AsyncWriteExt::write_all(&mut connection, b"HTTP/1.1 204 None\r\n\r\n").await
    };
    let options = CallOptions { wait_for_ready: Some(true), ..CallOptions::new(AMPLE, Repeat::Unprocessed) };
    let request = get();
    let (served, exchange) = tokio::join!(server, transport.call(&route, &request, &options));
    served?;
    check(&(http_of(exchange.outcome?)?.status, exchange.attempts > 8), &(204, true))
}

async fn dropped_over_http2() -> Outcome {
    let server = Http2::start(vec![Step::Hang]).await?;
    let transport = transport()?;
    let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
    let (request, options) = (grpc_request(Vec::new()), CallOptions::new(AMPLE, Repeat::Unprocessed));
    tokio::select! {
        exchange = transport.call(&route, &request, &options) => return Err(format!("{exchange:?}").into()),
        () = server.arrived() => {}
    }
    check(&server.cancelled().await, &Some(Reason::CANCEL))?;
    check(&(server.resets(), server.server.accepted()), &(1, 1))
}

async fn the_deadline_cancels() -> Outcome {
    let server = Http2::start(vec![Step::Hang]).await?;
    let transport = transport()?;
    let route = route(&transport, &[server.server.url()], RouteSettings::default())?;
    let exchange = transport.call(&route, &grpc_request(Vec::new()), &CallOptions::new(SHORT, Repeat::Freely)).await;
    let SendErrorKind::Timeout { .. } = exchange.outcome.err().ok_or("a response")?.kind else {
        return Err("another error".into());
    };
    check(&(server.cancelled().await, exchange.attempts), &(Some(Reason::CANCEL), 1))
}

/// Over HTTP/1 there is no other way than to close.
async fn dropped_over_http1() -> Outcome {
    let (closed, is_closed) = tokio::sync::oneshot::channel();
    let closed = std::sync::Mutex::new(Some(closed));
    let (arrived, mut has_arrived) = tokio::sync::mpsc::channel(1);
    let closed = Arc::new(closed);
    let server = Server::start(move |mut connection, _| {
        let (arrived, closed) = (arrived.clone(), closed.clone());
        async move {
            let mut buffer = [0; 1024];
            let _ = tokio::io::AsyncReadExt::read(&mut connection, &mut buffer).await;
            let _ = arrived.send(()).await;
            let rest = tokio::io::AsyncReadExt::read(&mut connection, &mut buffer).await;
            if let Some(closed) = closed.lock().ok().and_then(|mut c| c.take()) {
                let _ = closed.send(rest.unwrap_or(0));
            }
        }
    })
    .await?;
    let transport = transport()?;
    let route = route(&transport, &[server.url()], RouteSettings::default())?;
    let (request, options) = (get(), CallOptions::new(AMPLE, Repeat::Unprocessed));
    tokio::select! {
        exchange = transport.call(&route, &request, &options) => return Err(format!("{exchange:?}").into()),
        _ = has_arrived.recv() => {}
    }
    check(&is_closed.await?, &0)
}

async fn compressed() -> Outcome {
    for (compression, name) in
        [(Compression::Gzip, Some("gzip")), (Compression::Zstd, Some("zstd")), (Compression::None, None)]
    {
        let server = Http2::start(grpc_hello()).await?;
        let transport = transport()?;
        // By the route, and for one call.
        let by_route = route(&transport, &[server.server.url()], RouteSettings { compression, ..RouteSettings::default() })?;
        let plain = route(&transport, &[server.server.url()], RouteSettings::default())?;
        let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
        transport.call(&by_route, &grpc_request(Vec::new()), &options).await.outcome?;
        let for_one = CallOptions { compression: Some(compression), ..options };
        transport.call(&plain, &grpc_request(Vec::new()), &for_one).await.outcome?;
        for seen in server.seen() {
            let encoding = seen.headers.get("grpc-encoding").and_then(|v| v.to_str().ok().map(ToOwned::to_owned));
            check(&encoding.as_deref(), &name)?;
            check(
                &(seen.body[0], u32::from_be_bytes(seen.body[1..5].try_into()?) as usize),
                &(u8::from(name.is_some()), seen.body.len() - 5),
            )?;
            let message = match name {
                Some("gzip") => {
                    let mut out = Vec::new();
                    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&seen.body[5..]), &mut out)?;
                    out
                }
                Some(_) => zstd::decode_all(&seen.body[5..])?,
                None => seen.body[5..].to_vec(),
            };
            check(&message.as_slice(), &b"request".as_slice())?;
        }
    }
    Ok(())
}

async fn limits_of_requests() -> Outcome {
    let too_large = || SendErrorKind::InvalidRequest { location: "request".to_owned() };
    let server = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
    for (limit, fits) in [(7, true), (6, false)] {
        let settings = RouteSettings { max_request: Some(limit), ..RouteSettings::default() };
        let route = route(&transport, &[server.server.url()], settings)?;
        let exchange = transport.call(&route, &grpc_request(Vec::new()), &options).await;
        check(&exchange.outcome.is_ok(), &fits)?;
        if let Err(error) = exchange.outcome {
            check(&error.kind, &too_large())?;
            contains(&error.message, "the request's message of 7 bytes is larger than the limit of 6")?;
        }
        // So for a stream's.
        let Request::Grpc(request) = grpc_request(Vec::new()) else { return Err("not over gRPC".into()) };
        let stream = transport.stream(&route, &request, true, &StreamOptions::default());
        check(&stream.map(drop).map_err(|e| e.kind), &if fits { Ok(()) } else { Err(too_large()) })?;
    }
    check(&server.seen().len(), &1)
}

async fn limits_of_responses() -> Outcome {
    let (grpc, http) = (Http2::start(grpc_hello()).await?, http_server(Vec::new()).await?);
    let transport = transport()?;
    let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
    for (limit, fits) in [(2, true), (1, false)] {
        for (url, request, over_grpc) in
            [(grpc.server.url(), grpc_request(Vec::new()), true), (http.server.url(), get(), false)]
        {
            let settings = RouteSettings { max_response: Some(limit), ..RouteSettings::default() };
            let route = route(&transport, &[url], settings)?;
            let expected = if fits { Ok(()) } else { Err(SendErrorKind::TooLarge { status: Some(200), grpc: over_grpc }) };
            let outcome = transport.call(&route, &request, &options).await.outcome;
            check(&outcome.map(drop).map_err(|e| e.kind), &expected)?;
        }
    }
    Ok(())
}

/// A server that answers no PING counts as dead, long before the deadline.
async fn a_dead_connection_is_found() -> Outcome {
    let server = Server::start(|mut connection, _| async move {
        // An empty SETTINGS frame, and nothing more.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut connection, &[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
        let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
    })
    .await?;
    let transport = transport()?;
    let keepalive = Keepalive { interval: SHORT, timeout: SHORT, while_idle: false };
    let link = LinkSettings { keepalive: Some(keepalive), ..LinkSettings::default() };
    let route = route(&transport, &[server.url()], RouteSettings { link, ..RouteSettings::default() })?;
    let exchange = transport.call(&route, &grpc_request(Vec::new()), &CallOptions::new(AMPLE, Repeat::Unprocessed)).await;
    let error = exchange.outcome.err().ok_or("a response")?;
    check(&error.kind, &SendErrorKind::MaybeProcessed { reset: None })?;
    contains(&error.message, "timed out")
}

async fn routes_share_connections() -> Outcome {
    let server = Http2::start(grpc_hello()).await?;
    let transport = transport()?;
    let keepalive = Keepalive { interval: AMPLE, timeout: AMPLE, while_idle: false };
    let kept = || RouteSettings {
        link: LinkSettings { keepalive: Some(keepalive), ..LinkSettings::default() },
        ..RouteSettings::default()
    };
    let options = CallOptions::new(AMPLE, Repeat::Unprocessed);
    let mut routes = Vec::new();
    for settings in [RouteSettings::default(), RouteSettings::default(), kept(), kept()] {
        let route = route(&transport, &[server.server.url()], settings)?;
        let response = transport.call(&route, &grpc_request(Vec::new()), &options).await.outcome?;
        let Response::Grpc(GrpcResponse::Ok { .. }) = response else { return Err("no message".into()) };
        routes.push(route);
    }
    check(&(server.server.accepted(), server.seen().len()), &(2, 4))
}
