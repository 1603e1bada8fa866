//! TLS, by rustls with ring as its only provider.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};

use tokio::time::Instant;

use super::endpoint::Host;
use crate::secret::Source;

/// Whom to trust. The Mozilla roots that are built in, and more if given.
#[derive(Debug, Clone, Default)]
pub struct TlsConfig {
    /// Further root certificates, for private authorities.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// Certificates that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsConfigError {
    /// Not PEM, or no certificate in it.
    #[error("no certificate could be read from the PEM text: {0}")]
    Pem(String),
    /// Not an X.509 certificate that can be a root.
    #[error("a root certificate cannot be used: {0}")]
    Root(String),
    /// The provider lacks a protocol version. Not seen with ring.
    #[error("TLS cannot be set up: {0}")]
    Provider(String),
}

/// Whom one route trusts, and who it is. Read when a connection is made, so that a renewed certificate is used without a restart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ClientTls {
    /// PEM texts with root certificates, trusted beside the transport's own.
    pub roots: Vec<Source>,
    /// Who we are, for servers that ask (mutual TLS).
    pub identity: Option<Identity>,
    /// What the server is called, where that is not the endpoint's host: in the handshake (SNI), in its certificate, and in `Host` or
    /// `:authority`.
    pub authority: Option<Authority>,
}

/// A client certificate and its key, as PEM texts. One text may hold both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The certificate, then those that lead to the root.
    pub certificate: Source,
    /// The private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: Source,
}

/// A host and an optional port, as requests name the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

/// Not a host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an authority; it should look like `api.example.com` or `api.example.com:8443`")]
pub struct AuthorityError(String);

impl Authority {
    /// Reads `host` or `host:port`.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        let wrong = || AuthorityError(if text.contains('@') { "…".to_owned() } else { text.to_owned() });
        if text.contains(['/', '?', '#', '@', '\\']) {
            return Err(wrong());
        }
        let url = url::Url::parse(&format!("http://{text}")).map_err(|_| wrong())?;
        let host = url.host().map(Host::from).ok_or_else(wrong)?;
        // A URL does not tell its default port from none.
        let port = url.port().or_else(|| text.ends_with(":80").then_some(80));
        Ok(Self { host, port })
    }
}

impl TlsConfig {
    /// Adds the certificates of a PEM text to the roots.
    pub fn with_pem(mut self, pem: &[u8]) -> Result<Self, TlsConfigError> {
        self.extra_roots.extend(certificates(pem).map_err(TlsConfigError::Pem)?);
        Ok(self)
    }

    /// Whether all of it can be used.
    pub(super) fn check(&self) -> Result<(), TlsConfigError> {
        self.store().map(drop)
    }

    fn store(&self) -> Result<RootCertStore, TlsConfigError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in &self.extra_roots {
            roots.add(certificate.clone()).map_err(|e| TlsConfigError::Root(e.to_string()))?;
        }
        Ok(roots)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    if found.is_empty() { Err("it has none".to_owned()) } else { Ok(found) }
}

/// The client's side of TLS for one pool.
pub(super) struct Tls {
    base: TlsConfig,
    client: ClientTls,
    /// The protocols that are offered (ALPN, RFC 7301), best first.
    alpn: &'static [&'static [u8]],
    /// What was made last, with the digest of the texts that it was made of. It keeps sessions to resume.
    made: Mutex<Option<(blake3::Hash, Arc<ClientConfig>)>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("client", &self.client).field("alpn", &self.alpn).finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(base: TlsConfig, client: ClientTls, alpn: &'static [&'static [u8]]) -> Self {
        Self { base, client, alpn, made: Mutex::default() }
    }

    /// The configuration by what the references hold now. The error says which of them is wrong, and never what it holds.
    pub(super) async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let texts = self.read().await?;
        let mut digest = blake3::Hasher::new();
        for text in texts.roots.iter().chain(texts.identity.iter().flat_map(|(certificate, key)| [certificate, key])) {
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        let digest = digest.finalize();
        // Whoever panicked while it was held had not changed it.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, config)) = &*made
            && *of == digest
        {
            return Ok(config.clone());
        }
        let config = Arc::new(self.make(&texts)?);
        *made = Some((digest, config.clone()));
        Ok(config)
    }

    async fn read(&self) -> Result<Texts, String> {
        let mut roots = Vec::with_capacity(self.client.roots.len());
        for source in &self.client.roots {
            roots.push(read("certificate of the authority", source).await?);
        }
        let identity = match &self.client.identity {
            None => None,
            Some(identity) => {
                let certificate = read("client certificate", &identity.certificate).await?;
                Some((certificate, read("client certificate's key", &identity.key).await?))
            }
        };
        Ok(Texts { roots, identity })
    }

    fn make(&self, texts: &Texts) -> Result<ClientConfig, String> {
        let mut roots = self.base.store().map_err(|e| e.to_string())?;
        for (text, source) in texts.roots.iter().zip(&self.client.roots) {
            let wrong = |reason: String| format!("the certificate of the authority from {source} cannot be used: {reason}");
            for certificate in certificates(text.as_bytes()).map_err(wrong)? {
                roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| format!("TLS cannot be set up: {e}"))?
            .with_root_certificates(roots);
        let mut config = match (&texts.identity, &self.client.identity) {
            (Some((certificate, key)), Some(sources)) => {
                let chain = certificates(certificate.as_bytes())
                    .map_err(|e| format!("the client certificate from {} cannot be used: {e}", sources.certificate))?;
                // The parser's error may repeat what it read.
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|_| format!("{} holds no private key in PEM that can be read", sources.key))?;
                builder.with_client_auth_cert(chain, key).map_err(|e| {
                    format!("the client certificate from {} cannot be used with its key: {e}", sources.certificate)
                })?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|p| p.to_vec()).collect();
        Ok(config)
    }
}

async fn read(what: &str, source: &Source) -> Result<String, String> {
    source.read().await.map_err(|reason| format!("the {what} cannot be read from {source}: {reason}"))
}

/// What the references hold. Not printed.
struct Texts {
    roots: Vec<String>,
    /// Certificate and key.
    identity: Option<(String, String)>,
}

/// Says what is wrong with a certificate and what to do; other troubles in rustls' own words.
pub(super) fn handshake_trouble(error: &rustls::Error, name: &Host) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by no authority that is trusted; if it is a private one, add its root certificate \
             (`tls.ca`)"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("its certificate is not for the name {name}"),
        rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "its certificate is not valid yet; is the clock right?".to_owned()
        }
        rustls::Error::NoApplicationProtocol | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "it speaks none of the protocols offered (ALPN; gRPC needs `h2`)".to_owned()
        }
        rustls::Error::AlertReceived(alert) => Refused::of(*alert).map_or_else(|| error.to_string(), |r| r.to_string()),
        other => other.to_string(),
    }
}

/// The server's refusal of our certificate, or of our having none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused(&'static str);

impl Refused {
    fn of(alert: AlertDescription) -> Option<Self> {
        Some(Self(match alert {
            AlertDescription::CertificateRequired => {
                "it asks for a client certificate (mutual TLS), and none is given; give one under `credentials`, with `certificate` and `key`"
            }
            AlertDescription::UnknownCA => "our client certificate is signed by an authority that it does not trust",
            AlertDescription::CertificateExpired => "our client certificate has expired",
            AlertDescription::CertificateRevoked => "our client certificate is revoked",
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError => "it does not accept our client certificate",
            _ => return None,
        }))
    }
}

/// Whether a connection's server refused our certificate after our side of the handshake was through (TLS 1.3). It reads nothing on
/// such a connection (RFC 8446, section 4.4.2.4), so that nothing was processed.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    own: Arc<OnceLock<Refused>>,
    destination: String,
    all: Arc<Refusals>,
}

/// The latest refusal by each destination, among connections with the same settings. A connection may be gone before it is known to
/// which call it would have belonged.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<String, (Instant, Refused)>>);

impl Refusals {
    /// The watch over a new connection.
    pub(super) fn watch(self: &Arc<Self>, destination: String) -> Refusal {
        Refusal { own: Arc::default(), destination, all: self.clone() }
    }

    /// A refusal since then.
    pub(super) fn since(&self, begun: Instant, destination: &str) -> Option<Refused> {
        // An entry is whole whoever panicked while it was held.
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(destination).filter(|(at, _)| *at >= begun).map(|(_, refused)| *refused)
    }
}

impl Refusal {
    /// Takes note of an error that is a refusal, and says so in its place: which of the two is seen depends on who reads first.
    pub(super) fn find(&self, error: io::Error) -> io::Error {
        let refused = match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Refused::of(*alert),
            _ => None,
        };
        match refused {
            Some(refused) => {
                self.own.get_or_init(|| refused);
                let mut latest = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
                latest.insert(self.destination.clone(), (Instant::now(), refused));
                io::Error::new(io::ErrorKind::PermissionDenied, refused)
            }
            None => error,
        }
    }

    /// The refusal.
    pub(super) fn get(&self) -> Option<Refused> {
        self.own.get().copied()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server refuses the handshake: {}", self.0)
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_with_an_optional_port() {
        for (text, host, port) in [
            ("api.example.com", "api.example.com", None),
            ("API.example.com:80", "api.example.com", Some(80)),
            ("[::1]:8443", "[::1]", Some(8443)),
            ("127.1", "127.0.0.1", None),
        ] {
            let authority = Authority::parse(text).expect("valid");
            assert_eq!((authority.host.to_string().as_str(), authority.port), (host, port), "{text}");
        }
        for text in ["", "a b", "https://a", "a/b", "me:hunter2@a", "a:99999"] {
            let error = Authority::parse(text).expect_err("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
