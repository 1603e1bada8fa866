//! Starting and stopping.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use witwire_deployment::Reference;
use witwire_executor::oplog::{SqliteStore, StoreError};
use witwire_executor::transport::{TlsConfigError, Transport, TransportConfig};
use witwire_executor::{Executor, ExecutorConfig, LoadError};

use crate::auth::{self, ApiKey};
use crate::catalog::Catalog;
use crate::probe::DeployProbe;
use crate::problem::Problem;
use crate::registry::{Registry, RegistryError};
use crate::routes::{self, App};
use crate::workers::Workers;

/// How large bodies may be, in bytes, and how slow. Bodies are held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// A component with its IR containers. Default: 64 MiB.
    pub upload: usize,
    /// How many of those are in memory at once; the others are not read yet. Default: 4.
    pub uploads_at_once: usize,
    /// Everything else. Default: 4 MiB.
    pub json: usize,
    /// A part of an oplog, which is answered: its texts. One entry may be larger. Default: 8 MiB.
    pub oplog: usize,
    /// How long nothing of a body may come before the request is refused, and how long all of a body may take that is no upload.
    /// Default: 30 s.
    pub pause: Duration,
    /// How long all of an upload may take: it has one of the places all the while. Default: 15 min.
    pub upload_time: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            upload: 64 << 20,
            uploads_at_once: 4,
            json: 4 << 20,
            oplog: 8 << 20,
            pause: Duration::from_secs(30),
            upload_time: Duration::from_mins(15),
        }
    }
}

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// The store of oplogs and bytes. The registry stands beside it, as `<store>.registry`.
    pub store: PathBuf,
    /// Callers must know one of them. There may be none where only this machine can connect.
    pub api_keys: Vec<ApiKey>,
    /// How requests of components are sent, and where they may go.
    pub transport: TransportConfig,
    /// The credentials that deployments may name: no others are read.
    pub credentials: BTreeSet<Reference>,
    /// How large bodies may be.
    pub limits: BodyLimits,
    /// How many invocations without a caller who waits a worker may have, the one under way included. Default: 1,000.
    pub waiting: u32,
    /// How many of the workers that were left under way are rebuilt from their oplogs at once when it starts. How many go on
    /// from there has no limit. At least 1. Default: 256.
    pub rebuilt_at_once: usize,
    /// Who is told how far deployments have come. For tests.
    pub probe: Arc<dyn DeployProbe>,
}

impl ServerConfig {
    /// No API keys, no egress, no credentials, default limits.
    pub fn new(listen: SocketAddr, store: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            store: store.into(),
            api_keys: Vec::new(),
            transport: TransportConfig::default(),
            credentials: BTreeSet::new(),
            limits: BodyLimits::default(),
            waiting: 1000,
            rebuilt_at_once: 256,
            probe: Arc::new(()),
        }
    }
}

/// Why a server does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Others could reach it.
    #[error("without an API key the server listens on loopback only, not on {0}; give one with `--api-key-file`")]
    KeyNeeded(SocketAddr),
    /// It cannot listen, or no longer.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    /// Components cannot run on this machine.
    #[error(transparent)]
    Engine(#[from] LoadError),
    /// What was under way cannot be continued.
    #[error("cannot continue the workers: {0}")]
    Recover(Problem),
}

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    workers: Workers,
    rebuilt_at_once: usize,
}

impl Server {
    /// Opens the store and listens. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ServerError`]
    pub async fn bind(config: ServerConfig) -> Result<Self, ServerError> {
        let ServerConfig { listen, store, api_keys, transport, credentials, limits, waiting, rebuilt_at_once, probe } =
            config;
        if api_keys.is_empty() && !listen.ip().is_loopback() {
            return Err(ServerError::KeyNeeded(listen));
        }
        let failed = |source| ServerError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let registry_file = beside(&store);
        let store = Arc::new(SqliteStore::open(store)?);
        let registry = Registry::open(&registry_file, Arc::clone(&probe))?;
        let executor = Executor::new(ExecutorConfig::new(store, Transport::new(transport)?))?;
        let catalog = Catalog::new(executor, registry, credentials, probe);
        let workers = Workers::new(catalog.clone(), waiting);
        let guard = axum::middleware::from_fn_with_state(Arc::from(api_keys), auth::guard);
        let uploads = Arc::new(Semaphore::new(limits.uploads_at_once));
        let app = App { catalog, workers: workers.clone(), uploads, limits };
        let router = routes::router(app).layer(guard);
        Ok(Self { listener, address, router, workers, rebuilt_at_once })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Continues what a server before left under way, and answers until `shutdown` is done. Then it takes no more requests,
    /// finishes those that it has, and waits for every invocation, its caller still there or not.
    ///
    /// # Errors
    /// [`ServerError`]
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServerError> {
        let Self { listener, address, router, workers, rebuilt_at_once } = self;
        workers.recover(rebuilt_at_once).await.map_err(ServerError::Recover)?;
        let served = axum::serve(listener, router).with_graceful_shutdown(shutdown).await;
        workers.finish().await;
        served.map_err(|source| ServerError::Listen { address, source })
    }
}

fn beside(store: &Path) -> PathBuf {
    let mut name = store.to_path_buf().into_os_string();
    name.push(".registry");
    name.into()
}
