//! Documents on other machines: which ones may be read, and how they are fetched.

use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ureq::tls::{Certificate, PemItem, TlsConfig, parse_pem};
use url::Url;
use witwire_frontends::DiskFiles;

/// Where documents may be fetched from: a URL that ends in `/` means all that is below it, any other means itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(rename = "RemoteUrl", extend("format" = "uri", "pattern" = "^https?://[^@#?]+$"))]
pub struct Allowed(#[schemars(with = "String")] Url);

/// Why a text allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AllowedError(String);

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        if let Some(reason) = refused_url(text) {
            return Err(AllowedError(reason));
        }
        match Url::parse(text) {
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Err(AllowedError("a URL that allows documents has no `?` and no `#`".to_owned()))
            }
            Ok(url) => Ok(Self(url)),
            Err(e) => Err(AllowedError(e.to_string())),
        }
    }
}

impl TryFrom<String> for Allowed {
    type Error = AllowedError;

    fn try_from(text: String) -> Result<Self, AllowedError> {
        text.parse()
    }
}

impl From<Allowed> for String {
    fn from(allowed: Allowed) -> Self {
        allowed.0.into()
    }
}

impl Allowed {
    /// All that stands in the folder of a document, or below it. `None` where the text is no URL of a document.
    pub fn beside(document: &str) -> Option<Self> {
        let mut url = Url::parse(document).ok().filter(|_| refused_url(document).is_none())?;
        url.set_query(None);
        url.set_fragment(None);
        url.join("./").ok().map(Self)
    }

    /// Whether a document may be fetched. Both URLs are compared as a browser reads them: `a/../b` is `b`.
    pub fn allows(&self, document: &str) -> bool {
        let Ok(url) = Url::parse(document) else { return false };
        let same_place = url.origin() == self.0.origin();
        let path = self.0.path();
        same_place && if path.ends_with('/') { url.path().starts_with(path) } else { url.path() == path }
    }
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Why a URL is not one that a document is fetched from; a password in it is not repeated.
pub(crate) fn refused_url(text: &str) -> Option<String> {
    match Url::parse(text) {
        Err(e) if text.contains('@') => Some(format!("it is not a URL ({e})")),
        Err(e) => Some(format!("`{text}` is not a URL ({e}); it should look like https://example.com/openapi.yaml")),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some(format!("the URL has the scheme `{}`; documents are fetched over http and https", url.scheme()))
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("the URL holds a user name or password, which would be written into the lock; fetch the document yourself and name it as `path`".to_owned())
        }
        Ok(url) => url.query_pairs().find(|(name, _)| is_secret(name)).map(|(name, _)| {
            format!(
                "the URL's query has `{name}`, which looks like a secret and would be written into the lock and into bundles; fetch the document yourself and name it as `path`"
            )
        }),
    }
}

/// Whether a member of a query is one by which services know their caller.
fn is_secret(name: &str) -> bool {
    const WORDS: &[&str] = &["token", "key", "secret", "password", "passwd", "signature", "sig", "auth", "credential"];
    let name = name.to_ascii_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        // `apikey`, `accesstoken`; a `monkey` is none.
        WORDS.contains(&word) || ["apikey", "token", "secret", "password"].iter().any(|end| word.ends_with(end))
    })
}

/// A URL as it may be shown: without its query, in which a server may have put secrets.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// How long one document may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Root certificates that are trusted beside the public ones. By default none.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<Certificate<'static>>);

impl Roots {
    /// Trusts the certificates in a PEM text as well.
    ///
    /// # Errors
    /// In words for a user: the text is not PEM, or has no certificate.
    pub fn with_pem(mut self, pem: &[u8]) -> Result<Self, String> {
        let before = self.0.len();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|e| e.to_string())? {
                self.0.push(certificate);
            }
        }
        if self.0.len() == before { Err("it holds no certificate".to_owned()) } else { Ok(self) }
    }
}

/// Fetches a document of at most [`DiskFiles::MAX_BYTES`] over HTTP or HTTPS, within a minute. It follows no redirect, so that what is
/// pinned is what was named, and uses no proxy.
///
/// # Errors
/// In words for a user: a URL with a secret or of another scheme, no connection, another status than success.
pub fn fetch(url: &str, roots: &Roots) -> Result<Vec<u8>, String> {
    if let Some(reason) = refused_url(url) {
        return Err(reason);
    }
    // As it was compared with what is allowed.
    let mut url = Url::parse(url).map_err(|e| e.to_string())?;
    url.set_fragment(None);
    let mut answer = agent(TlsConfig::default()).get(url.as_str()).call();
    // One set of roots or the other is all that can be told. Whom the public ones do not know has been told nothing yet.
    if !roots.0.is_empty() && answer.as_ref().is_err_and(is_of_tls) {
        let tls = TlsConfig::builder().root_certs(roots.0.clone().into()).build();
        answer = agent(tls).get(url.as_str()).call();
    }
    let mut response = answer.map_err(|e| e.to_string())?;
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get("location").and_then(|v| v.to_str().ok()).unwrap_or("another place");
        return Err(format!("the server redirects to {} (status {status}); name the document's own URL", without_query(to)));
    }
    if !status.is_success() {
        return Err(format!("the server answered with status {status}"));
    }
    response.body_mut().with_config().limit(DiskFiles::MAX_BYTES).read_to_vec().map_err(|e| e.to_string())
}

fn agent(tls: TlsConfig) -> ureq::Agent {
    ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .user_agent(concat!("witwire/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Whether a handshake failed.
fn is_of_tls(error: &ureq::Error) -> bool {
    match error {
        // As rustls tells it to whoever reads and writes.
        ureq::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_is_allowed_and_nothing_else() {
        let folder: Allowed = "https://example.com/specs/".parse().expect("a URL");
        let document: Allowed = "https://example.com/specs/a.yaml".parse().expect("a URL");
        for (url, by_folder, by_document) in [
            ("https://example.com/specs/a.yaml", true, true),
            ("https://example.com:443/specs/a.yaml?x=1", true, true),
            ("https://example.com/specs/deep/b.yaml", true, false),
            ("https://example.com/specs/a.yaml.evil", true, false),
            ("https://example.com/specs/../private/a.yaml", false, false),
            ("https://example.com/specs/%2e%2e/private/a.yaml", false, false),
            ("https://example.com/specs\\..\\private/a.yaml", false, false),
            ("https://example.com/specsevil/a.yaml", false, false),
            ("https://example.com.evil.net/specs/a.yaml", false, false),
            ("https://example.com@evil.net/specs/a.yaml", false, false),
            ("https://example.com:8443/specs/a.yaml", false, false),
            ("http://example.com/specs/a.yaml", false, false),
            ("file:///specs/a.yaml", false, false),
            ("a.yaml", false, false),
        ] {
            assert_eq!((folder.allows(url), document.allows(url)), (by_folder, by_document), "{url}");
        }
        assert_eq!(Allowed::beside("https://example.com/specs/a.yaml?v=1").as_ref(), Some(&folder));
        assert_eq!(Allowed::beside("specs/a.yaml"), None);
    }

    #[test]
    fn what_holds_secrets_or_is_no_place_allows_nothing() {
        for text in ["https://me:pw@example.com/", "https://example.com/?v=1", "ftp://example.com/", "example.com/specs/"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
