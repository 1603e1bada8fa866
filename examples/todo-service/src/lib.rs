//! A Todo service for the demo and the tests: REST (`openapi.yaml`) and gRPC (`proto/todo.proto`) over one store in memory, on
//! one port. It counts every request and every effect, and misbehaves where it is told to.

mod control;
mod grpc;
mod rest;
mod store;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tower::ServiceExt as _;

pub use control::{Control, Effect, Misbehavior, Operation, Point};
pub use store::{Assignee, Priority, Store, StoreError, Todo};

/// The REST document.
pub const OPENAPI: &str = include_str!("../openapi.yaml");
/// The gRPC source.
pub const PROTO: &str = include_str!("../proto/todo.proto");

/// The service: both faces share it.
#[derive(Debug, Clone)]
pub struct Service {
    /// The todos.
    pub store: Arc<Store>,
    /// Counts, and orders to misbehave.
    pub control: Control,
    token: Option<Arc<str>>,
    /// Whether gRPC answers are compressed for clients that can read them.
    compressing: bool,
    events: broadcast::Sender<grpc::Event>,
    sequence: Arc<AtomicU64>,
}

impl Service {
    /// A service without todos. REST requests need this bearer token; `None` accepts any, but not none at all.
    pub fn new(token: Option<&str>) -> Self {
        Self {
            store: Arc::default(),
            control: Control::default(),
            token: token.map(Into::into),
            compressing: true,
            events: broadcast::channel(64).0,
            sequence: Arc::default(),
        }
    }

    /// The same service, which compresses no answer: its answers cost the same whatever a client can read.
    #[must_use]
    pub fn uncompressed(self) -> Self {
        Self { compressing: false, ..self }
    }

    /// Serves on a free port of the loopback interface until the handle is dropped.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(&self) -> std::io::Result<Running> {
        self.start_at((std::net::Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// The same at an address.
    ///
    /// # Errors
    /// It cannot be bound.
    pub async fn start_at(&self, address: SocketAddr) -> std::io::Result<Running> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, self.clone()));
        Ok(Running { address, task })
    }

    fn accepts(&self, given: Option<&str>) -> bool {
        match (&self.token, given) {
            (_, None) => false,
            (None, Some(given)) => !given.is_empty(),
            (Some(token), Some(given)) => **token == *given,
        }
    }

    fn tell(&self, change: grpc::pb::todo_event::Change) {
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        // Nobody watching is no failure.
        let _ = self.events.send((sequence, change));
    }
}

/// A running service; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// `http://127.0.0.1:port`: the gRPC endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The REST server's base URL.
    pub fn rest_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, service: Service) {
    let routes = tonic::service::Routes::new(grpc::server(service.clone())).into_axum_router().merge(rest::router(service));
    // Aborting this task ends all connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, routes.clone()));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// One connection, HTTP/1.1 or HTTP/2, until it ends or one of its requests hangs up.
async fn serve(stream: TcpStream, routes: axum::Router) {
    // Small answers go at once.
    let _ = stream.set_nodelay(true);
    let connection = control::Connection::default();
    let closing = connection.clone();
    let handler = tower::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        let routes = routes.clone();
        routes.oneshot(request)
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(handler));
    tokio::select! {
        _ = serving => {}
        () = closing.closing() => {}
    }
}
