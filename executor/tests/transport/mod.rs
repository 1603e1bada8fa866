//! The network edge against servers that misbehave.

mod calls;
mod egress;
mod faults;
mod grpc;
mod grpcio;
mod http;
mod mtls;
mod oauth;
mod probe;
mod streams;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use libtest_mimic::{Failed, Trial};
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::{Endpoint, Limits, SendError, SendErrorKind, Transport, TransportConfig};
use witwire_interpreter::{GrpcRequest, GrpcResponse, HttpRequest, HttpResponse, Metadata, Request, Response};
use witwire_ir::operation::http::Method;

/// Long enough that no test sees it pass.
const AMPLE: Duration = Duration::from_mins(1);

/// For tests in which nothing but the deadline can end the call.
const SHORT: Duration = Duration::from_millis(200);

/// The largest response that the tests' transports take.
const LIMIT: usize = 10_000;

type Outcome = Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let groups = [
        http::trials(),
        grpc::trials(),
        grpcio::trials(),
        calls::trials(),
        streams::trials(),
        faults::trials(),
        tls::trials(),
        mtls::trials(),
        oauth::trials(),
        egress::trials(),
        probe::trials(),
    ];
    groups.into_iter().flatten().collect()
}

/// A trial that runs on a runtime of its own.
fn trial<F, Fut>(name: impl Into<String>, test: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Outcome>,
{
    Trial::test(format!("transport::{}", name.into()), move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(test())
    })
}

fn check<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("\n     got {got:?}\nexpected {expected:?}").into()) }
}

fn contains(text: &str, part: &str) -> Outcome {
    if text.contains(part) { Ok(()) } else { Err(format!("`{part}` is not in: {text}").into()) }
}

/// What most tests start from: loopback is allowed, and small limits.
fn loopback() -> Result<TransportConfig, Failed> {
    Ok(TransportConfig {
        egress: EgressPolicy::parse(["127.0.0.1"], ["127.0.0.0/8"])?,
        limits: Limits { max_response: LIMIT, connect_timeout: AMPLE, ..Limits::default() },
        ..TransportConfig::default()
    })
}

fn transport() -> Result<Transport, Failed> {
    Ok(Transport::new(loopback()?)?)
}

fn none<T: Default>() -> T {
    T::default()
}

fn http_request(method: Method, target: &str, body: Option<&str>) -> Request {
    Request::Http(HttpRequest {
        method,
        target: target.to_owned(),
        page: None,
        headers: vec![("accept".to_owned(), "text/plain".to_owned())],
        body: body.map(|b| Bytes::from(b.to_owned())),
        secrets: none(),
    })
}

fn get() -> Request {
    http_request(Method::Get, "/x", None)
}

fn grpc_request(metadata: Metadata) -> Request {
    Request::Grpc(GrpcRequest {
        path: "/a.B/C".to_owned(),
        metadata,
        message: Bytes::from_static(b"request"),
        secrets: none(),
    })
}

async fn send(transport: &Transport, url: &str, request: &Request, deadline: Duration) -> Result<Response, SendError> {
    match Endpoint::parse(url) {
        Ok(endpoint) => transport.send(&endpoint, request, deadline).await,
        Err(e) => Err(SendError { kind: SendErrorKind::Denied, message: format!("the test's own URL: {e}") }),
    }
}

fn http_of(response: Response) -> Result<HttpResponse, Failed> {
    match response {
        Response::Http(response) => Ok(response),
        Response::Grpc(_) => Err("answered over gRPC".into()),
    }
}

fn grpc_of(response: Response) -> Result<GrpcResponse, Failed> {
    match response {
        Response::Grpc(response) => Ok(response),
        Response::Http(_) => Err("answered over HTTP".into()),
    }
}

/// A resolver with fixed answers, which counts questions.
#[derive(Debug, Default)]
struct Answers {
    addresses: Vec<std::net::IpAddr>,
    asked: std::sync::atomic::AtomicUsize,
}

impl Answers {
    fn new(addresses: &[&str]) -> Result<Arc<Self>, Failed> {
        let addresses = addresses.iter().map(|a| a.parse()).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { addresses, asked: 0.into() }))
    }

    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl witwire_executor::egress::Resolve for Answers {
    fn resolve<'a>(&'a self, _name: &'a str) -> witwire_executor::egress::Resolving<'a> {
        self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(async { Ok(self.addresses.clone()) })
    }
}
