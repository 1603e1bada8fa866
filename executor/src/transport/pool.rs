//! Pools of connections, shared by all routes that connect in the same way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::Connector;
use super::endpoint::Endpoint;
use super::probe::RequestBody;
use super::tls::{ClientTls, Refusals, Tls, TlsConfigError};
use super::{Limits, TransportConfig};
use crate::egress::{EgressPolicy, Resolve};

/// How the connections of a route are made and kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LinkSettings {
    /// Whom to trust, and who we are.
    pub tls: ClientTls,
    /// Whether HTTP/2 connections are probed by PINGs. Default: they are not, as many servers take more than one PING in five
    /// minutes for abuse.
    pub keepalive: Option<Keepalive>,
}

/// PINGs over HTTP/2, so that a dead connection is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Keepalive {
    /// After how long without a sign of life a PING is sent.
    pub interval: Duration,
    /// How long its answer may take, before the connection counts as dead.
    pub timeout: Duration,
    /// Whether also while no call is under way.
    pub while_idle: bool,
}

/// Connections to any number of servers.
pub(super) type Pool = Client<Connector, RequestBody>;

/// A pool for each protocol.
#[derive(Debug)]
pub(super) struct Clients {
    /// HTTP/1.1, and HTTP/2 where TLS negotiates it.
    pub(super) http: Pool,
    /// HTTP/2 alone.
    pub(super) grpc: Pool,
    /// Servers that refused our certificate.
    pub(super) refusals: Arc<Refusals>,
}

/// What distinguishes pools: the settings, and the endpoint where requests name another authority than it.
type Key = (LinkSettings, Option<Endpoint>);

/// Makes pools, and finds them again.
#[derive(Debug)]
pub(super) struct Pools {
    maker: Maker,
    /// Lets go of the pools that no route uses.
    made: Mutex<HashMap<Key, Weak<Clients>>>,
    /// Kept, as it serves calls without a route and all routes without settings.
    plain: Arc<Clients>,
}

/// What all pools of a transport have in common.
#[derive(Debug)]
struct Maker {
    egress: Arc<EgressPolicy>,
    resolver: Arc<dyn Resolve>,
    tls: super::TlsConfig,
    limits: Limits,
    count: bool,
}

impl Pools {
    pub(super) fn new(config: &TransportConfig, egress: Arc<EgressPolicy>) -> Result<Self, TlsConfigError> {
        config.tls.check()?;
        let maker = Maker {
            egress,
            resolver: config.resolver.clone(),
            tls: config.tls.clone(),
            limits: config.limits,
            count: config.probe.halves_requests(),
        };
        let plain = Arc::new(maker.make(&LinkSettings::default(), None));
        Ok(Self { maker, plain, made: Mutex::default() })
    }

    /// The pools for these settings. `dial`: where to connect, whatever the requests name.
    pub(super) fn of(&self, settings: &LinkSettings, dial: Option<&Endpoint>) -> Arc<Clients> {
        if *settings == LinkSettings::default() && dial.is_none() {
            return self.plain.clone();
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|_, clients| clients.strong_count() > 0);
        let key = (settings.clone(), dial.cloned());
        if let Some(clients) = made.get(&key).and_then(Weak::upgrade) {
            return clients;
        }
        let clients = Arc::new(self.maker.make(settings, dial));
        made.insert(key, Arc::downgrade(&clients));
        clients
    }
}

impl Maker {
    fn make(&self, settings: &LinkSettings, dial: Option<&Endpoint>) -> Clients {
        let refusals = Arc::new(Refusals::default());
        let connector = |alpn: &'static [&'static [u8]], http2_only| Connector {
            egress: self.egress.clone(),
            resolver: self.resolver.clone(),
            refusals: refusals.clone(),
            tls: Arc::new(Tls::new(self.tls.clone(), settings.tls.clone(), alpn)),
            dial: dial.cloned(),
            timeout: self.limits.connect_timeout,
            http2_only,
            count: self.count,
        };
        Clients {
            http: builder(self.limits, settings.keepalive).build(connector(&[b"h2", b"http/1.1"], false)),
            grpc: builder(self.limits, settings.keepalive).http2_only(true).build(connector(&[b"h2"], true)),
            refusals: refusals.clone(),
        }
    }
}

fn builder(limits: Limits, keepalive: Option<Keepalive>) -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http1_max_buf_size(limits.max_headers.max(SMALLEST_HEAD))
        .http2_max_header_list_size(limits.max_headers.max(SMALLEST_HEAD).try_into().unwrap_or(u32::MAX));
    if let Some(keepalive) = keepalive {
        builder
            .http2_keep_alive_interval(keepalive.interval)
            .http2_keep_alive_timeout(keepalive.timeout)
            .http2_keep_alive_while_idle(keepalive.while_idle);
    }
    builder
}

/// hyper reads heads in buffers of at least this size.
const SMALLEST_HEAD: usize = 8 << 10;
