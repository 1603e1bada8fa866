//! A client of the server's REST API, as `witwire deploy`, `component`, `worker` and `oplog` use it.
//!
//! It is a tolerant reader: members that it does not know are ignored, so that it works with a newer server.

mod api;
mod error;
mod progress;
mod types;
mod upload;

use std::path::Path;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use ureq::http::{HeaderValue, Method, Request, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, SendBody};

use crate::args::ServerAddress;
use crate::error::CliError;
use crate::network;

pub(crate) use error::ClientError;
pub(crate) use progress::Progress;
pub(crate) use types::{ComponentDetails, ComponentSummary, Decision, Dependency, Ended, Entry, Invocation, WorkerDetails};
pub(crate) use upload::Upload;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the server may take to answer what needs no guest to run. Loading a large component takes seconds.
const ANSWER: Duration = Duration::from_mins(5);
/// The largest answer that is read, in bytes: a page of an oplog may hold large values.
const MAX_ANSWER: u64 = 1 << 30;

/// What a path segment may have unescaped (RFC 3986, section 3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');

/// A server, and how to talk to it.
pub(crate) struct Client {
    agent: Agent,
    base: String,
    /// `Bearer KEY`. Marked as sensitive, so that no debug output has it.
    key: Option<HeaderValue>,
}

impl Client {
    pub(crate) fn new(address: &ServerAddress) -> Result<Self, CliError> {
        let base = address.server.trim_end_matches('/').to_owned();
        let uri = check(&base)?;
        let key = address.api_key_file.as_deref().map(read_key).transpose()?;
        if key.is_some() && uri.scheme_str() == Some("http") && !is_loopback(&uri) {
            return Err(CliError::Usage(format!(
                "the API key would be sent to `{base}` unencrypted: use an `https://` address, or a tunnel to loopback"
            )));
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("witwire/", env!("CARGO_PKG_VERSION")));
        if let Some(roots) = roots(&address.ca)? {
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        Ok(Self { agent: config.build().into(), base, key })
    }

    /// The server's address.
    pub(crate) fn server(&self) -> &str {
        &self.base
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(Method::GET, path, None, SendBody::none(), Some(ANSWER)).and_then(|answer| self.parse(&answer))
    }

    fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, path, None, SendBody::none(), Some(ANSWER)).map(drop)
    }

    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        within: Option<Duration>,
    ) -> Result<T, ClientError> {
        let text = serde_json::to_vec(body).map_err(|e| self.unexpected(&e))?;
        let content = Content { media_type: "application/json".to_owned(), length: text.len() as u64, large: false };
        let answer = self.send(Method::POST, path, Some(&content), SendBody::from_reader(&mut text.as_slice()), within)?;
        self.parse(&answer)
    }

    fn upload<T: DeserializeOwned>(&self, method: Method, path: &str, upload: Upload) -> Result<T, ClientError> {
        let content = Content { media_type: upload.media_type(), length: upload.length(), large: true };
        let mut reader = upload.into_reader();
        let answer = self.send(method, path, Some(&content), SendBody::from_reader(&mut reader), Some(ANSWER))?;
        self.parse(&answer)
    }

    /// One request. The answer's body if its status is a success.
    fn send(
        &self,
        method: Method,
        path: &str,
        content: Option<&Content>,
        body: SendBody<'_>,
        within: Option<Duration>,
    ) -> Result<Vec<u8>, ClientError> {
        let mut request =
            Request::builder().method(method).uri(format!("{}{path}", self.base)).header(ACCEPT, "application/json");
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key);
        }
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, &content.media_type).header(CONTENT_LENGTH, content.length);
            if content.large {
                // A server that refuses the caller says so before everything is sent.
                request = request.header(EXPECT, "100-continue");
            }
        }
        let request = request.body(body).map_err(|e| self.unexpected(&e))?;
        let request = self.agent.configure_request(request).timeout_recv_response(within).build();
        let mut response = self.agent.run(request).map_err(|e| ClientError::transport(&self.base, &e))?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|e| ClientError::transport(&self.base, &e))?;
        let status = response.status();
        if status.is_success() { Ok(body) } else { Err(ClientError::refused(&self.base, status.as_u16(), &body)) }
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body).map_err(|e| self.unexpected(&e))
    }

    fn unexpected(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::Unexpected { server: self.base.clone(), detail: why.to_string() }
    }
}

/// What a body is.
struct Content {
    media_type: String,
    /// In bytes.
    length: u64,
    large: bool,
}

/// A segment of a path.
fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn check(base: &str) -> Result<Uri, CliError> {
    let wrong = |why: &str| {
        let base = network::shown(base);
        CliError::Usage(format!("`--server {base}`: {why}; write `http://HOST:PORT` or `https://HOST`"))
    };
    let uri: Uri = base.parse().map_err(|_| wrong("not a URL"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(wrong("the scheme is not `http` or `https`"));
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(wrong("credentials do not belong into an address")),
        Some(_) if uri.query().is_some() => Err(wrong("a query does not belong into an address")),
        Some(_) => Ok(uri),
        None => Err(wrong("no host")),
    }
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn read_key(path: &Path) -> Result<HeaderValue, CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| CliError::file("read the API key from", path, &e))?;
    let key = text.trim_end_matches(['\r', '\n']);
    // The text is not repeated: it may be another secret.
    let wrong =
        || CliError::Input(format!("`{}` does not hold an API key: one line of visible ASCII characters", path.display()));
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(wrong());
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

fn roots(files: &[std::path::PathBuf]) -> Result<Option<RootCerts>, CliError> {
    let mut certificates = Vec::new();
    for path in files {
        let pem = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
        let before = certificates.len();
        for item in parse_pem(&pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
                Ok(_) => {}
                Err(e) => return Err(CliError::Input(format!("`{}`: {e}", path.display()))),
            }
        }
        if certificates.len() == before {
            return Err(CliError::Input(format!("`{}` holds no certificate", path.display())));
        }
    }
    Ok((!certificates.is_empty()).then(|| certificates.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(server: &str, key: Option<&Path>) -> Result<Client, CliError> {
        Client::new(&ServerAddress { server: server.to_owned(), api_key_file: key.map(Path::to_owned), ca: Vec::new() })
    }

    #[test]
    fn an_address_is_a_url_without_secrets() {
        for good in ["http://127.0.0.1:9080", "https://witwire.example.com/", "http://[::1]:9080/behind"] {
            assert!(client(good, None).is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:9080", "ftp://h", "http://", "http://u:hunter2@h", "http://h/?k=hunter2", "u:hunter2@h", ""] {
            let Err(CliError::Usage(told)) = client(bad, None) else { panic!("{bad}") };
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_key_is_sent_encrypted_or_not_out_of_this_machine() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("key");
        std::fs::write(&file, "0123456789abcdef\n").expect("written");
        for (server, ok) in [
            ("https://h", true),
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("http://h", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(client(server, Some(&file)).is_ok(), ok, "{server}");
        }
        let known = client("https://h", Some(&file)).map(|c| format!("{:?}", c.key)).unwrap_or_default();
        assert!(!known.contains("0123456789abcdef"), "{known}");
        std::fs::write(&file, "two words").expect("written");
        let refused = client("https://h", Some(&file)).map(drop).expect_err("no key").to_string();
        assert!(!refused.contains("two words"), "{refused}");
    }

    #[test]
    fn segments_are_escaped() {
        assert_eq!(segment("app:todo-agent_1.x"), "app:todo-agent_1.x");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
    }
}
