//! The network edge: requests out, responses in.
//!
//! A [`Transport`] sends one request to an [`Endpoint`] and answers with what the interpreter decodes, or with a [`SendError`]
//! that says how much is known about the call. It follows no redirect, repeats nothing that may have been processed, and connects
//! only where the [`EgressPolicy`] allows.

mod classify;
mod connect;
mod decode;
mod endpoint;
mod error;
mod grpc;
mod http;
mod probe;
mod stream;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use witwire_interpreter::{Request, Response};

pub use endpoint::{Endpoint, EndpointError, Host, Scheme};
pub use error::{SendError, SendErrorKind};
pub use probe::{SendProbe, SendStage};
pub use tls::{TlsConfig, TlsConfigError};

use crate::egress::{EgressPolicy, Resolve, SystemResolver};
use classify::{Phase, classify};
use connect::Connector;
use probe::RequestBody;

/// How long a call may take where nothing else is said.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// What a transport may do.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// Where it may connect. By default: nowhere.
    pub egress: EgressPolicy,
    /// Whom it trusts.
    pub tls: TlsConfig,
    /// What it puts up with.
    pub limits: Limits,
    /// Who finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Who is told how far a call has come. For tests; `()` by default.
    pub probe: Arc<dyn SendProbe>,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            egress: EgressPolicy::deny_all(),
            tls: TlsConfig::default(),
            limits: Limits::default(),
            resolver: Arc::new(SystemResolver),
            probe: Arc::new(()),
        }
    }
}

/// What a transport puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest response body or message in bytes, before and after decompression. Default: 16 MiB.
    pub max_response: usize,
    /// The largest head of a response, or trailers, in bytes; at least 8 KiB. Default: 64 KiB.
    pub max_headers: usize,
    /// How long resolving, connecting and the TLS handshake may take together. Default: 10 s.
    pub connect_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_response: 16 << 20, max_headers: 64 << 10, connect_timeout: Duration::from_secs(10) }
    }
}

/// Sends requests. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    egress: Arc<EgressPolicy>,
    limits: Limits,
    probe: Arc<dyn SendProbe>,
    /// HTTP/1.1, and HTTP/2 where TLS negotiates it.
    http: Client<Connector, RequestBody>,
    /// HTTP/2 alone.
    grpc: Client<Connector, RequestBody>,
}

impl Transport {
    /// Sets up a transport. It connects when it first sends.
    ///
    /// # Errors
    /// [`TlsConfigError`] where a root certificate cannot be used.
    pub fn new(config: TransportConfig) -> Result<Self, TlsConfigError> {
        let TransportConfig { egress, tls, limits, resolver, probe } = config;
        let egress = Arc::new(egress);
        let connector = |alpn: &[&[u8]], http2_only| {
            tls.client(alpn).map(|tls| Connector {
                egress: egress.clone(),
                resolver: resolver.clone(),
                tls,
                timeout: limits.connect_timeout,
                http2_only,
                count: probe.halves_requests(),
            })
        };
        let http = pool(limits).build(connector(&[b"h2", b"http/1.1"], false)?);
        let grpc = pool(limits).http2_only(true).build(connector(&[b"h2"], true)?);
        Ok(Self { inner: Arc::new(Inner { egress, limits, probe, http, grpc }) })
    }

    /// Sends a request and reads the whole response within `deadline`, which covers connecting too.
    ///
    /// Runs on tokio, always on the same runtime: connections that are kept belong to it.
    pub async fn send(&self, endpoint: &Endpoint, request: &Request, deadline: Duration) -> Result<Response, SendError> {
        self.send_once(endpoint, request, deadline).await
    }

    /// One attempt: what a retry repeats.
    async fn send_once(&self, endpoint: &Endpoint, request: &Request, deadline: Duration) -> Result<Response, SendError> {
        let inner = &*self.inner;
        let destination = endpoint.destination();
        inner
            .egress
            .admit(endpoint.host(), endpoint.port())
            .map_err(|denial| SendError::new(SendErrorKind::Denied, denial.to_string()))?;
        let (pool, head, body) = match request {
            Request::Http(request) => {
                (&inner.http, http::prepare(endpoint, request)?, request.body.clone().unwrap_or_default())
            }
            Request::Grpc(request) => (&inner.grpc, grpc::prepare(endpoint, request, deadline)?, grpc::body(request)?),
        };
        let mut head = head;
        let connection = capture_connection(&mut head);
        let body = RequestBody::new(body, &inner.probe, &connection);
        let outgoing = pool.request(head.map(|()| body));
        let exchange = async {
            let incoming = outgoing.await.map_err(|e| {
                let connected = connection.connection_metadata().is_some();
                classify(&e, if connected { Phase::Sent } else { Phase::Connecting }, &destination)
            })?;
            match request {
                Request::Http(_) => http::receive(incoming, &inner.limits, &destination).await.map(Response::Http),
                Request::Grpc(_) => {
                    grpc::receive(incoming, inner.limits.max_response, &destination).await.map(Response::Grpc)
                }
            }
        };
        match tokio::time::timeout(deadline, exchange).await {
            Ok(response) => {
                let response = response.map_err(|error| match request {
                    Request::Http(_) => error.over_http(),
                    Request::Grpc(_) => error,
                })?;
                inner.probe.reached(SendStage::ResponseRead);
                Ok(response)
            }
            Err(_) => Err(timed_out(&connection, &destination, deadline)),
        }
    }
}

/// A pool of connections, one list for each server.
fn pool(limits: Limits) -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(limits.max_headers.max(SMALLEST_HEAD))
        .http2_max_header_list_size(limits.max_headers.max(SMALLEST_HEAD).try_into().unwrap_or(u32::MAX));
    builder
}

/// hyper reads heads in buffers of at least this size.
const SMALLEST_HEAD: usize = 8 << 10;

fn timed_out(connection: &CaptureConnection, destination: &str, deadline: Duration) -> SendError {
    let connected = connection.connection_metadata();
    if let Some(connected) = connected.as_ref() {
        // It may be dead without anybody having said so; later calls take another one.
        connected.poison();
    }
    let maybe_processed = connected.is_some();
    let step = if maybe_processed { "no complete response" } else { "no connection" };
    SendError::new(
        SendErrorKind::Timeout { maybe_processed },
        format!("{step} from {destination} within the deadline of {deadline:?}"),
    )
}
