//! Connections: resolved once, vetted, encrypted.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tower::Service;

use super::endpoint::{Endpoint, Host, Scheme};
use super::probe::Counter;
use super::stream::{Channel, Stream};
use super::tls::{Refusals, Tls, handshake_trouble};
use crate::egress::{Denial, EgressPolicy, Resolve};

/// Why there is no connection. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("the name of {destination} cannot be resolved: {reason}")]
    Resolve { destination: String, reason: String },
    #[error("cannot connect to {destination}: {reason}")]
    Connect { destination: String, reason: String },
    #[error("no TLS connection to {destination}: {reason}")]
    Tls { destination: String, reason: String },
    #[error("no TLS connection to {destination}: the handshake broke off ({reason})")]
    Handshake { destination: String, reason: String },
    #[error("{destination} does not offer HTTP/2, which gRPC needs (ALPN `h2`)")]
    NotHttp2 { destination: String },
    #[error("connecting to {destination} took longer than {limit:?} (while {step})")]
    TimedOut { destination: String, limit: Duration, step: Step },
    #[error("`{0}` is not a server that can be connected to")]
    NotAServer(String),
}

/// What takes long.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Resolving,
    Connecting,
    Handshaking,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolving => "resolving its name",
            Self::Connecting => "opening a TCP connection",
            Self::Handshaking => "in the TLS handshake",
        })
    }
}

/// Makes connections for a pool.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) egress: Arc<EgressPolicy>,
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) tls: Arc<Tls>,
    /// Where refusals of our certificate are noted.
    pub(super) refusals: Arc<Refusals>,
    /// Where to connect, where it is not to what requests name.
    pub(super) dial: Option<Endpoint>,
    pub(super) timeout: Duration,
    /// Whether HTTP/2 alone is spoken: by prior knowledge in the clear, and by ALPN under TLS.
    pub(super) http2_only: bool,
    /// Whether to count what is sent, for a probe.
    pub(super) count: bool,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, ConnectError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = Connecting;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await.map(TokioIo::new) })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<Stream, ConnectError> {
        let server = format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |a| a.as_str()));
        let face = Endpoint::parse(&server).map_err(|_| ConnectError::NotAServer(server))?;
        let endpoint = self.dial.as_ref().unwrap_or(&face);
        let (host, port, destination) = (endpoint.host(), endpoint.port(), endpoint.destination());
        self.egress.admit(host, port)?;

        let end = Instant::now() + self.timeout;
        let timed_out = |step| ConnectError::TimedOut { destination: destination.clone(), limit: self.timeout, step };
        let addresses = match host {
            Host::Address(ip) => vec![*ip],
            Host::Name(name) => {
                let answer = tokio::time::timeout_at(end, self.resolver.resolve(name));
                let answer = answer.await.map_err(|_| timed_out(Step::Resolving))?;
                let answer =
                    answer.map_err(|e| ConnectError::Resolve { destination: destination.clone(), reason: e.to_string() })?;
                if answer.is_empty() {
                    let reason = "it has no address".to_owned();
                    return Err(ConnectError::Resolve { destination, reason });
                }
                self.egress.vet(host, port, answer)?
            }
        };
        let tcp = connect_any(&addresses, port, end).await.map_err(|error| match error {
            Some(e) => ConnectError::Connect { destination: destination.clone(), reason: e.to_string() },
            None => timed_out(Step::Connecting),
        })?;
        // Requests are written whole; waiting for more to send would only delay them.
        let _ = tcp.set_nodelay(true);

        let (channel, http2) = match endpoint.scheme() {
            Scheme::Http => (Channel::Plain(tcp), self.http2_only),
            Scheme::Https => {
                let config = self
                    .tls
                    .config()
                    .await
                    .map_err(|reason| ConnectError::Tls { destination: destination.clone(), reason })?;
                let handshake = TlsConnector::from(config).connect(server_name(face.host(), &destination)?, tcp);
                let handshake = tokio::time::timeout_at(end, handshake).await.map_err(|_| timed_out(Step::Handshaking))?;
                let tls = handshake.map_err(|e| handshake_error(&e, face.host(), &destination))?;
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                if self.http2_only && !http2 {
                    return Err(ConnectError::NotHttp2 { destination });
                }
                (Channel::Tls(Box::new(tls)), http2)
            }
        };
        Ok(Stream {
            channel,
            http2,
            refusal: self.refusals.watch(destination),
            counter: self.count.then(|| Counter::new(http2)),
        })
    }
}

/// Tries the addresses in order; each gets an equal share of the time that is left. `None`: none answered in time.
async fn connect_any(addresses: &[IpAddr], port: u16, end: Instant) -> Result<TcpStream, Option<io::Error>> {
    let mut last = None;
    for (index, ip) in addresses.iter().enumerate() {
        let now = Instant::now();
        let share = end.saturating_duration_since(now) / (addresses.len() - index).try_into().unwrap_or(u32::MAX);
        match tokio::time::timeout_at(now + share, TcpStream::connect(SocketAddr::new(*ip, port))).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(e)) => last = Some(e),
            Err(_) => {}
        }
    }
    Err(last)
}

fn server_name(host: &Host, destination: &str) -> Result<ServerName<'static>, ConnectError> {
    match host {
        Host::Address(ip) => Ok(ServerName::IpAddress((*ip).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| ConnectError::Tls {
            destination: destination.to_owned(),
            reason: "its name cannot stand in a certificate".to_owned(),
        }),
    }
}

/// A handshake that one side refused, or that broke off.
fn handshake_error(error: &io::Error, name: &Host, destination: &str) -> ConnectError {
    let destination = destination.to_owned();
    match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(error) => ConnectError::Tls { destination, reason: handshake_trouble(error, name) },
        None => ConnectError::Handshake { destination, reason: error.to_string() },
    }
}
