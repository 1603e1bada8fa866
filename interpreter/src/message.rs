//! Requests and responses between the interpreter and a transport.

use std::fmt;

use bytes::Bytes;
use witwire_ir::operation::http::Method;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Over HTTP.
    Http(HttpRequest),
    /// Over gRPC.
    Grpc(GrpcRequest),
}

impl Request {
    /// The same request with `[removed]` in the place of every credential, to be shown to people. It cannot be sent.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        let mut request = self.clone();
        match &mut request {
            Self::Http(http) => {
                for (name, value) in &mut http.headers {
                    if http.secrets.headers.contains(name) {
                        REMOVED.clone_into(value);
                    }
                }
                http.target = without_query_secrets(&http.target, &http.secrets.query);
            }
            Self::Grpc(grpc) => {
                for (name, value) in &mut grpc.metadata {
                    if grpc.secrets.headers.contains(name) {
                        *value = MetadataText::Ascii(REMOVED.to_owned());
                    }
                }
            }
        }
        request
    }
}

const REMOVED: &str = "[removed]";

fn without_query_secrets(target: &str, secrets: &[String]) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let member = |member: &str| {
        let name = member.split('=').next().unwrap_or_default();
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        if secrets.iter().any(|secret| *secret == decoded) { format!("{name}={REMOVED}") } else { member.to_owned() }
    };
    let members: Vec<String> = query.split('&').map(member).collect();
    format!("{path}?{}", members.join("&"))
}

/// An HTTP request without its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded, starting with `/`; the server's base path goes before it.
    pub target: String,
    /// The URL of a further page, as the page before it named it: it takes the target's place once it is found to be of the same
    /// server.
    pub page: Option<String>,
    /// Headers in order, names in lower case: `content-type`, `accept`, declared header parameters, one `cookie`.
    pub headers: Vec<(String, String)>,
    /// The body; `None` sends none.
    pub body: Option<Bytes>,
    /// Indices in `headers` whose values are credentials, and whether `target` holds one: neither may be logged.
    pub secrets: Secrets,
}

/// Which parts of a request are secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// Header names (lower case) whose values are credentials.
    pub headers: Vec<String>,
    /// Query parameter names whose values are credentials.
    pub query: Vec<String>,
}

/// A unary gRPC request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcRequest {
    /// `/package.Service/Method`.
    pub path: String,
    /// Request metadata; reserved keys (`grpc-…`, `content-type`, `te`) never appear.
    pub metadata: Metadata,
    /// The encoded message, without the length prefix.
    pub message: Bytes,
    /// Which metadata are credentials.
    pub secrets: Secrets,
}

/// Metadata in order; keys in lower case.
pub type Metadata = Vec<(String, MetadataText)>;

/// A metadata value. A key that ends in `-bin` has a binary one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataText {
    /// Printable ASCII.
    Ascii(String),
    /// Any bytes; the transport writes base64.
    Binary(Bytes),
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// Over HTTP.
    Http(HttpResponse),
    /// Over gRPC.
    Grpc(GrpcResponse),
}

/// An HTTP response, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// 100 to 599.
    pub status: u16,
    /// Headers in order, names in lower case; a value that is not UTF-8 is read lossily.
    pub headers: Vec<(String, String)>,
    /// The body, content encodings removed.
    pub body: Bytes,
}

impl HttpResponse {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The end of a unary gRPC call that reached a server or was judged by the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrpcResponse {
    /// Status OK and exactly one message.
    Ok {
        /// The message, decompressed.
        message: Bytes,
        /// Trailing metadata without `grpc-…` keys.
        trailers: Metadata,
    },
    /// Any other status.
    Status(GrpcStatus),
}

/// A gRPC status that is not OK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcStatus {
    /// The code; unknown ones become `unknown`.
    pub code: u32,
    /// `grpc-message`, percent-decoded.
    pub message: String,
    /// `grpc-status-details-bin`, decoded from base64: a `google.rpc.Status`.
    pub details: Option<Bytes>,
    /// Trailing metadata without `grpc-…` keys.
    pub trailers: Metadata,
}

/// Credentials of one scheme, injected by the host. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// For bearer, other HTTP schemes, OAuth 2.0 and OpenID Connect.
    Token(String),
    /// For basic.
    Basic {
        /// May not contain a colon (RFC 7617).
        username: String,
        /// Any text.
        password: String,
    },
    /// For API keys.
    Key(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Basic { .. } => "Basic(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// Why credentials could not be put into a request. Never holds the credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// No alternative of the operation has all its schemes configured.
    #[error(
        "the call needs credentials for {needed}, and none of them is configured: give them under `credentials:` of the manifest, or with `--auth`"
    )]
    Missing {
        /// The alternatives, in words: "`bearerAuth`, or `apiKey` and `appId`".
        needed: String,
    },
    /// The credential is of another kind than the scheme asks for.
    #[error("scheme `{scheme}` takes {expected}")]
    WrongKind {
        /// The scheme's name.
        scheme: String,
        /// "a token", "a user name and password", "a key".
        expected: &'static str,
    },
    /// The credential has characters that the place where it is sent cannot carry.
    #[error("the credential for scheme `{scheme}` has characters that {place} cannot carry")]
    BadCharacters {
        /// The scheme's name.
        scheme: String,
        /// "a header", "a cookie", "a user name".
        place: &'static str,
    },
    /// The scheme's place does not exist in the protocol.
    #[error("scheme `{scheme}` is sent in {place}, which gRPC does not have: choose another scheme")]
    NoSuchPlace {
        /// The scheme's name.
        scheme: String,
        /// "the query", "a cookie".
        place: &'static str,
    },
}
