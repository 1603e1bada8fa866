//! TLS, by rustls with ring as its only provider.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

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

impl TlsConfig {
    /// Adds the certificates of a PEM text to the roots.
    pub fn with_pem(mut self, pem: &[u8]) -> Result<Self, TlsConfigError> {
        let before = self.extra_roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.extra_roots.push(certificate.map_err(|e| TlsConfigError::Pem(e.to_string()))?);
        }
        if self.extra_roots.len() == before {
            return Err(TlsConfigError::Pem("it has none".to_owned()));
        }
        Ok(self)
    }

    /// A client that offers these protocols by ALPN (RFC 7301), best first.
    pub(super) fn client(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsConfigError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in &self.extra_roots {
            roots.add(certificate.clone()).map_err(|e| TlsConfigError::Root(e.to_string()))?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| TlsConfigError::Provider(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        Ok(Arc::new(config))
    }
}
