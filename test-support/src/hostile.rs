//! Servers that misbehave on purpose, on loopback.
//!
//! * [`Server`] accepts connections, counts them and hands each, in the clear or under TLS, to a handler;
//! * [`http1`] answers with scripted bytes;
//! * [`http2`] answers with scripted frames, through the `h2` crate or, where that is too honest, by hand;
//! * [`Authority`] issues certificates for one test.

pub mod http1;
pub mod http2;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub use tls::{Authority, Issued, Validity, acceptor};

/// The bytes of a connection.
pub trait Bytestream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytestream for T {}

/// An accepted connection, in the clear or behind its TLS handshake.
pub type Connection = Box<dyn Bytestream>;

/// A server on a port of 127.0.0.1. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    tls: bool,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves in the clear. The handler gets each connection with its number, from 0; a connection closes when it returns.
    pub async fn start<F, Fut>(handler: F) -> std::io::Result<Self>
    where
        F: Fn(Connection, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::listen(None, handler).await
    }

    /// Serves under TLS. A connection whose handshake fails is counted and not handled.
    pub async fn start_tls<F, Fut>(acceptor: TlsAcceptor, handler: F) -> std::io::Result<Self>
    where
        F: Fn(Connection, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::listen(Some(acceptor), handler).await
    }

    async fn listen<F, Fut>(acceptor: Option<TlsAcceptor>, handler: F) -> std::io::Result<Self>
    where
        F: Fn(Connection, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let (counter, tls, handler) = (accepted.clone(), acceptor.is_some(), Arc::new(handler));
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let (acceptor, handler) = (acceptor.clone(), handler.clone());
                tokio::spawn(async move {
                    let connection: Connection = match acceptor {
                        None => Box::new(tcp),
                        Some(acceptor) => match acceptor.accept(tcp).into_fallible().await {
                            Ok(tls) => Box::new(tls),
                            Err((_, mut tcp)) => {
                                // To close with unread bytes would reset the connection, and lose the alert that says why.
                                let _ = tcp.shutdown().await;
                                let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
                                return;
                            }
                        },
                    };
                    handler(connection, number).await;
                });
            }
        });
        Ok(Self { address, accepted, tls, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, by address.
    pub fn url(&self) -> String {
        self.url_as("127.0.0.1")
    }

    /// Its base URL, by another name.
    pub fn url_as(&self, host: &str) -> String {
        format!("{}://{host}:{}", if self.tls { "https" } else { "http" }, self.address.port())
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address of 127.0.0.1 on which nobody listens.
pub async fn refusing() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").await?.local_addr()
}
