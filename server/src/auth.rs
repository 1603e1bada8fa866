//! Who may ask.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::Response;
use witwire_executor::oplog::Digest;

use crate::problem::{Code, Problem};

/// The shortest key that is taken, in bytes.
const SHORTEST: usize = 16;

/// What a caller must know. Only its digest is kept.
#[derive(Clone)]
pub struct ApiKey(Digest);

/// Why a text or file is no API key.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The file cannot be read.
    #[error("cannot read the API key from `{path}`: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system says.
        reason: String,
    },
    /// It cannot be sent in a header, or is easily guessed.
    #[error("an API key is {SHORTEST} or more visible ASCII characters; make one with `openssl rand -hex 32`")]
    Form,
}

impl ApiKey {
    /// Checks a key: 16 or more visible ASCII characters.
    pub fn new(key: &str) -> Result<Self, ApiKeyError> {
        let ok = key.len() >= SHORTEST && key.bytes().all(|b| b.is_ascii_graphic());
        if ok { Ok(Self(Digest::of(key.as_bytes()))) } else { Err(ApiKeyError::Form) }
    }

    /// Reads a file that holds a key, with or without a line break at its end.
    pub fn read(path: &Path) -> Result<Self, ApiKeyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| ApiKeyError::Unreadable { path: path.display().to_string(), reason: e.to_string() })?;
        Self::new(text.trim_end_matches(['\r', '\n']))
    }

    /// Compares in a time that depends on neither key: the digests, every byte of them.
    fn is(&self, given: &[u8]) -> bool {
        let given = Digest::of(given);
        let different = self.0.as_bytes().iter().zip(given.as_bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(different) == 0
    }
}

/// Never the key, nor its digest.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// Lets a request through that has one of the keys; where there are none, one that no web page can have made.
pub(crate) async fn guard(State(keys): State<Arc<[ApiKey]>>, request: Request, next: Next) -> Result<Response, Problem> {
    if keys.is_empty() {
        refuse_foreign(&request)?;
    } else {
        authenticate(&keys, &request)?;
    }
    Ok(next.run(request).await)
}

fn authenticate(keys: &[ApiKey], request: &Request) -> Result<(), Problem> {
    let given = request.headers().get(AUTHORIZATION).map(axum::http::HeaderValue::as_bytes);
    let token = given.and_then(|value| {
        let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    match token {
        // All of them, so that the time does not tell which it was.
        Some(token) if keys.iter().fold(false, |known, key| known | key.is(token)) => Ok(()),
        Some(_) => Err(Problem::new(Code::Unauthorized, "the API key is wrong")),
        None => Err(Problem::new(Code::Unauthorized, "send the API key as `Authorization: Bearer KEY`")),
    }
}

/// A browser names the page that it asks for (`Origin`), and the name by which it found the server (`Host`): a foreign name that
/// resolves to loopback is how pages get around the same-origin rule.
fn refuse_foreign(request: &Request) -> Result<(), Problem> {
    let refuse = |why: &str| Err(Problem::new(Code::Foreign, format_args!("{why}, and the server runs without an API key")));
    if request.headers().contains_key(ORIGIN) {
        return refuse("the request comes from a web page");
    }
    let header = request.headers().get(HOST).and_then(|h| h.to_str().ok()).and_then(|h| h.parse::<Authority>().ok());
    match header.as_ref().or(request.uri().authority()).map(Authority::host) {
        Some(host) if is_loopback(host) => Ok(()),
        _ => refuse("the request is for another host than the loopback interface"),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_itself_and_nothing_else() {
        let key = ApiKey::new("0123456789abcdef").expect("long enough");
        assert!(key.is(b"0123456789abcdef"));
        for other in [&b""[..], b"0123456789abcdeg", b"0123456789abcdef ", b"0123456789abcde"] {
            assert!(!key.is(other));
        }
        for bad in ["", "short", "0123456789 abcdef", "0123456789abcdéf"] {
            assert!(matches!(ApiKey::new(bad), Err(ApiKeyError::Form)), "{bad}");
        }
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
    }

    #[test]
    fn loopback_has_three_names() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "example.com", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
