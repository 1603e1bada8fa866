//! The network edge: requests out, responses in.
//!
//! A [`Transport`] performs calls over a [`Route`] and answers with what the interpreter decodes, or with a [`SendError`] that says
//! how much is known about the call. It follows no redirect, repeats nothing that may do harm twice, and connects only where the
//! [`EgressPolicy`] allows.
//!
//! The layers of a call, from the outside: the deadline and the retries with their budget (`retry`), the endpoints in turn
//! (`attempt`, `route`), the egress policy, the limits, and the connections (`pool`, `connect`, `stream`, `tls`).

mod attempt;
mod classify;
mod coding;
mod connect;
mod endpoint;
mod error;
mod exchange;
mod grpc;
mod http;
mod page;
mod pool;
mod probe;
mod retry;
mod route;
mod stream;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use witwire_interpreter::{Request, Response};

pub use coding::Compression;
pub use endpoint::{Endpoint, EndpointError, Host, PageUrlError, Scheme};
pub use error::{SendError, SendErrorKind};
pub use exchange::{CallOptions, Deadline, Exchange, StreamOptions};
pub use grpc::{GrpcStream, StreamError};
pub use http::HttpStream;
pub use page::follow_page;
pub use pool::{Keepalive, LinkSettings};
pub use probe::{SendProbe, SendStage};
pub use retry::{BudgetConfig, BudgetError, Jitter, Repeat, RetryPolicy, SystemJitter};
pub use route::{NoEndpoint, Route, RouteSettings};
pub use tls::{Authority, AuthorityError, ClientTls, Identity, TlsConfig, TlsConfigError};

use crate::egress::{EgressPolicy, Resolve, SystemResolver};
use attempt::Sending;
use pool::Pools;
use retry::Budgets;
use route::Target;

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
    /// How many retries a destination is burdened with.
    pub budget: BudgetConfig,
    /// Who draws the pauses between attempts.
    pub jitter: Arc<dyn Jitter>,
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
            budget: BudgetConfig::default(),
            jitter: Arc::new(SystemJitter),
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
    jitter: Arc<dyn Jitter>,
    probe: Arc<dyn SendProbe>,
    pools: Pools,
    budgets: Budgets,
}

impl Inner {
    /// Finds whether an endpoint may be connected to.
    fn admit(&self, target: &Target) -> Result<(), SendError> {
        let admitted = self.egress.admit(target.endpoint.host(), target.endpoint.port());
        admitted.map_err(|denial| SendError::new(SendErrorKind::Denied, denial.to_string()))
    }

    /// The endpoint of a stream, which goes to one alone.
    fn one_target<'r>(&self, route: &'r Route) -> Result<&'r Arc<Target>, SendError> {
        let target = route.inner.turn().next().ok_or(NoEndpoint)?;
        self.admit(target).map(|()| target)
    }

    /// What is put up with on a route.
    fn limits_of(&self, route: &Route) -> Limits {
        Limits { max_response: route.inner.settings.max_response.unwrap_or(self.limits.max_response), ..self.limits }
    }
}

impl Transport {
    /// Sets up a transport. It connects when it first sends.
    ///
    /// # Errors
    /// [`TlsConfigError`] where a root certificate cannot be used.
    pub fn new(config: TransportConfig) -> Result<Self, TlsConfigError> {
        let egress = Arc::new(config.egress.clone());
        let pools = Pools::new(&config, egress.clone())?;
        let TransportConfig { limits, budget, jitter, probe, .. } = config;
        Ok(Self { inner: Arc::new(Inner { egress, limits, jitter, probe, pools, budgets: Budgets::new(budget) }) })
    }

    /// A route to these endpoints, which take turns; one that cannot be connected to is passed over. All serve the same.
    ///
    /// # Errors
    /// [`NoEndpoint`] where there is none.
    pub fn route(&self, endpoints: Vec<Endpoint>, settings: RouteSettings) -> Result<Route, NoEndpoint> {
        let pools = &self.inner.pools;
        if endpoints.is_empty() {
            return Err(NoEndpoint);
        }
        let target = |endpoint: Endpoint| {
            let budget = self.inner.budgets.of(&endpoint.destination());
            match &settings.link.tls.authority {
                None => Target::new(endpoint.clone(), endpoint, pools.of(&settings.link, None), budget),
                Some(authority) => {
                    let (face, clients) = (endpoint.under(authority), pools.of(&settings.link, Some(&endpoint)));
                    Target::new(endpoint, face, clients, budget)
                }
            }
        };
        let targets = endpoints.into_iter().map(target).collect();
        Ok(Route::new(settings, targets))
    }

    /// Performs a call: sends the request, again if that may help and does no harm, and reads the whole response.
    ///
    /// Runs on tokio, always on the same runtime: connections that are kept belong to it. When the future is dropped, the call is
    /// cancelled: over HTTP/2 by a reset of its stream, over HTTP/1 by the end of the connection.
    pub async fn call(&self, route: &Route, request: &Request, options: &CallOptions) -> Exchange {
        let inner = &*self.inner;
        let settings = &route.inner.settings;
        let run = retry::Run {
            policy: &settings.retry,
            jitter: &*inner.jitter,
            probe: &*inner.probe,
            repeat: options.repeat,
            wait_for_ready: options.wait_for_ready.unwrap_or(settings.wait_for_ready),
            // A deadline beyond what the clock can tell is none; thirty years are as good.
            end: options.end(),
        };
        let sending = Sending {
            transport: inner,
            route,
            request,
            compression: options.compression.unwrap_or(settings.compression),
            body_coding: options.compression.and_then(Compression::coding),
            deadline: options.deadline,
        };
        let (attempted, attempts) = run.run(&sending).await;
        Exchange { outcome: attempted.outcome, attempts, initial: attempted.initial }
    }

    /// Sends a request once, to one endpoint, with default settings.
    pub async fn send(&self, endpoint: &Endpoint, request: &Request, deadline: Duration) -> Result<Response, SendError> {
        let settings = RouteSettings { retry: RetryPolicy::never(), ..RouteSettings::default() };
        let route = self.route(vec![endpoint.clone()], settings)?;
        self.call(&route, request, &CallOptions::new(deadline, Repeat::Unprocessed)).await.outcome
    }
}
