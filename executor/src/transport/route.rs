//! Where the calls of one dependency go, and how they are sent there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::coding::Compression;
use super::endpoint::Endpoint;
use super::error::{SendError, SendErrorKind};
use super::pool::{Clients, LinkSettings};
use super::retry::{Budget, RetryPolicy};

/// How the calls of one dependency are sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteSettings {
    /// How they are repeated.
    pub retry: RetryPolicy,
    /// Their connections.
    pub link: LinkSettings,
    /// How messages of gRPC requests are compressed. Default: they are not.
    pub compression: Compression,
    /// The largest request message or body in bytes. `None`: the protocol's own limit, 4 GiB for a gRPC message.
    pub max_request: Option<usize>,
    /// The largest response message or body in bytes, before and after decompression. `None`: as the transport's
    /// [`Limits`](super::Limits) say.
    pub max_response: Option<usize>,
    /// Whether to go on connecting until the deadline, instead of giving up after a few attempts. Default: no.
    pub wait_for_ready: bool,
}

/// Where the calls of one dependency go. Cheap to clone; clones take turns together.
#[derive(Debug, Clone)]
pub struct Route {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) settings: RouteSettings,
    targets: Vec<Arc<Target>>,
    next: AtomicUsize,
}

/// One endpoint of a route.
#[derive(Debug)]
pub(super) struct Target {
    /// Where to connect.
    pub(super) endpoint: Endpoint,
    /// What the server is called: the endpoint, or the authority that stands in its place.
    pub(super) face: Endpoint,
    pub(super) clients: Arc<Clients>,
    /// Shared by all routes to the endpoint.
    pub(super) budget: Arc<Budget>,
    /// When a connection failed for the last time.
    failed: Mutex<Option<Instant>>,
}

/// A route needs somewhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint is given; give one with `server` or `endpoint`")]
pub struct NoEndpoint;

impl From<NoEndpoint> for SendError {
    fn from(none: NoEndpoint) -> Self {
        Self::new(SendErrorKind::NoConnection { lasting: true }, none.to_string())
    }
}

/// How long an endpoint that could not be connected to is passed over, while there are others.
const SHUNNED: Duration = Duration::from_secs(1);

impl Target {
    pub(super) fn new(endpoint: Endpoint, face: Endpoint, clients: Arc<Clients>, budget: Arc<Budget>) -> Self {
        Self { endpoint, face, clients, budget, failed: Mutex::default() }
    }

    /// Takes note of whether the endpoint could be connected to.
    pub(super) fn connected(&self, yes: bool) {
        // The value is whole whoever panicked while it was held.
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = (!yes).then(Instant::now);
    }

    fn is_shunned(&self) -> bool {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < SHUNNED)
    }
}

impl Route {
    pub(super) fn new(settings: RouteSettings, targets: Vec<Target>) -> Self {
        let targets = targets.into_iter().map(Arc::new).collect();
        Self { inner: Arc::new(Inner { settings, targets, next: AtomicUsize::new(0) }) }
    }

    /// What its servers may call themselves: by the authority that stands in an endpoint's place, which they are asked for, and by the
    /// endpoints.
    pub fn faces(&self) -> impl Iterator<Item = &Endpoint> {
        let targets = || self.inner.targets.iter();
        targets().map(|target| &target.face).chain(targets().map(|target| &target.endpoint))
    }
}

impl Inner {
    /// All endpoints in the order in which to try them: round robin, those first that could be connected to.
    pub(super) fn turn(&self) -> impl Iterator<Item = &Arc<Target>> {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.targets.len().max(1);
        let (before, from) = self.targets.split_at(first);
        let mut turn: Vec<&Arc<Target>> = from.iter().chain(before).collect();
        if turn.len() > 1 {
            turn.sort_by_cached_key(|target| target.is_shunned());
        }
        turn.into_iter()
    }
}
