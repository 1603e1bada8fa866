//! Where an API is served.

use std::fmt;
use std::net::IpAddr;

use url::Url;
use witwire_ir::operation::http::Server;

use super::tls::Authority;

/// The base URL of a server: `https://api.example.com/v1`.
///
/// Equal spellings are equal endpoints: names are in lower case and in their ASCII form, numeric addresses in their usual one
/// (`0x7f.1` is `127.0.0.1`), default ports are left out. So no spelling of an address passes an egress rule that another would not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    scheme: Scheme,
    host: Host,
    port: u16,
    /// Empty, or starts with `/` and does not end in it.
    base_path: String,
}

/// The protocol under HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port where a URL names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A host of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name, in lower case, without a final dot.
    Name(String),
    /// An address. An IPv4 address in IPv6 form is kept as the IPv4 address that it means.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

impl From<url::Host<&str>> for Host {
    fn from(host: url::Host<&str>) -> Self {
        match host {
            url::Host::Domain(name) => Self::Name(name.trim_end_matches('.').to_ascii_lowercase()),
            url::Host::Ipv4(v4) => Self::Address(v4.into()),
            url::Host::Ipv6(v6) => Self::Address(IpAddr::V6(v6).to_canonical()),
        }
    }
}

/// Why a text is no server URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL.
    #[error("`{url}` is not a server URL ({reason}); it should look like https://api.example.com/v1")]
    NotAUrl {
        /// As given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A scheme other than `http` and `https`.
    #[error("`{url}` has the scheme `{scheme}`; only http and https can be called")]
    Scheme {
        /// As given.
        url: String,
        /// The scheme found.
        scheme: String,
    },
    /// A user name or password stands in the URL. The URL is not repeated.
    #[error("the server URL for {host} holds a user name or password; give credentials under `credentials` instead")]
    Userinfo {
        /// The host.
        host: String,
    },
    /// A query or fragment, which a base URL cannot have.
    #[error("the server URL for {host} has a query or a fragment; a request's path cannot be put behind it")]
    Query {
        /// The host.
        host: String,
    },
    /// A variable of a server template has no default.
    #[error("the server URL `{url}` has the variable `{variable}`, which has no default; give the server with `server`")]
    Variable {
        /// The template.
        url: String,
        /// The variable.
        variable: String,
    },
    /// A relative URL, and nothing to resolve it against.
    #[error("the server URL `{url}` is relative to where the document was read; give the whole URL with `server`")]
    Relative {
        /// As in the document.
        url: String,
    },
    /// The document names no server.
    #[error("the API's document names no server; give one with `server`")]
    NoServer,
}

/// Why the URL of a further page cannot be asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageUrlError {
    /// It is none.
    #[error("{destination} named a next page, and what it named is not a URL; nothing was sent")]
    NotAUrl {
        /// Who named it.
        destination: String,
    },
    /// It leads elsewhere, where credentials must not go.
    #[error(
        "{destination} named a next page on another server ({found}); nothing was sent there. If that server is meant, give it as the \
         dependency's `server`"
    )]
    OtherOrigin {
        /// Who named it.
        destination: String,
        /// The host that it named.
        found: String,
    },
    /// There is no server to compare it with.
    #[error("the service named a next page, and no server is given")]
    NoEndpoint,
    /// It is not below the server's base path.
    #[error(
        "the service named a next page that is not below {server}; nothing was sent. Give the base URL that the service itself uses as `server`"
    )]
    OtherPath {
        /// The base URL.
        server: String,
    },
}

impl Endpoint {
    /// Reads an absolute URL.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text.trim()).map_err(|e| EndpointError::NotAUrl {
            // A text with an `@` may hold a password.
            url: if text.contains('@') { "…".to_owned() } else { text.to_owned() },
            reason: e.to_string(),
        })?;
        Self::from_url(&url)
    }

    /// Reads a server of an OpenAPI document: its variables take their defaults; a relative URL is resolved against the URL
    /// that the document was read from (OpenAPI 3.1.1, "Relative References in API URLs").
    pub fn from_server(server: &Server, document: Option<&Url>) -> Result<Self, EndpointError> {
        let text = substitute(server)?;
        match (Url::parse(&text), document) {
            (Ok(url), _) => Self::from_url(&url),
            (Err(url::ParseError::RelativeUrlWithoutBase), None) => Err(EndpointError::Relative { url: text }),
            (Err(url::ParseError::RelativeUrlWithoutBase), Some(base)) => match base.join(&text) {
                Ok(url) => Self::from_url(&url),
                Err(e) => Err(EndpointError::NotAUrl { url: text, reason: e.to_string() }),
            },
            (Err(e), _) => Err(EndpointError::NotAUrl { url: text, reason: e.to_string() }),
        }
    }

    /// The first server that can be used; where none can, the first one's trouble.
    pub fn from_servers(servers: &[Server], document: Option<&Url>) -> Result<Self, EndpointError> {
        let mut trouble = EndpointError::NoServer;
        for (index, server) in servers.iter().enumerate() {
            match Self::from_server(server, document) {
                Ok(endpoint) => return Ok(endpoint),
                Err(e) if index == 0 => trouble = e,
                Err(_) => {}
            }
        }
        Err(trouble)
    }

    fn from_url(url: &Url) -> Result<Self, EndpointError> {
        // First, as other errors repeat the URL.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Userinfo { host: url.host_str().unwrap_or_default().to_owned() });
        }
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(EndpointError::Scheme { url: url.to_string(), scheme: other.to_owned() }),
        };
        let not_a_url = |reason: &str| EndpointError::NotAUrl { url: url.to_string(), reason: reason.to_owned() };
        let host = Host::from(url.host().ok_or_else(|| not_a_url("no host"))?);
        if matches!(&host, Host::Name(name) if name.is_empty()) {
            return Err(not_a_url("no host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Query { host: host.to_string() });
        }
        let port = url.port().unwrap_or(scheme.default_port());
        Ok(Self { scheme, host, port, base_path: url.path().trim_end_matches('/').to_owned() })
    }

    /// The same, but called by another name.
    pub(super) fn under(&self, authority: &Authority) -> Self {
        let port = authority.port.unwrap_or(self.scheme.default_port());
        Self { scheme: self.scheme, host: authority.host.clone(), port, base_path: self.base_path.clone() }
    }

    /// Whether TLS is spoken.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, 1 to 65535; 0 is taken from the URL as it is and cannot be connected to.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, always with the port: what egress rules and messages name.
    pub fn destination(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether scheme, host and port are the same: credentials for one may be sent to the other.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.host == other.host && self.port == other.port
    }

    /// The request target, below the base path, of a URL that a response of this server named. `from` is the target of the request
    /// that was answered, against which relative URLs are resolved (RFC 3986, section 5).
    ///
    /// # Errors
    /// [`PageUrlError`] where it is not a URL of this server.
    pub fn target_of(&self, url: &str, from: &str) -> Result<String, PageUrlError> {
        let unreadable = |_| PageUrlError::NotAUrl { destination: self.destination() };
        let url = Url::parse(&self.join(from)).and_then(|from| from.join(url)).map_err(unreadable)?;
        let origin = Self::from_url(&{
            let mut origin = url.clone();
            origin.set_path("");
            origin.set_query(None);
            origin.set_fragment(None);
            origin
        });
        if !origin.is_ok_and(|origin| origin.same_origin(self)) {
            let found = url.host_str().unwrap_or_default().to_owned();
            return Err(PageUrlError::OtherOrigin { destination: self.destination(), found });
        }
        let below = url.path().strip_prefix(self.base_path.as_str()).filter(|rest| rest.starts_with('/'));
        let Some(path) = below else { return Err(PageUrlError::OtherPath { server: self.to_string() }) };
        Ok(match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        })
    }

    /// The absolute URL of a request target (path and query, starting with `/`). The base path is kept: no target replaces it, as
    /// resolving a relative reference (RFC 3986, section 5.2) would.
    pub fn join(&self, target: &str) -> String {
        format!("{self}{target}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.base_path)
    }
}

/// Puts the defaults of its variables into a server's URL.
fn substitute(server: &Server) -> Result<String, EndpointError> {
    let mut out = String::with_capacity(server.url.len());
    let mut rest = server.url.as_str();
    while let Some((literal, after)) = rest.split_once('{') {
        out.push_str(literal);
        let Some((variable, after)) = after.split_once('}') else {
            return Err(EndpointError::NotAUrl { url: server.url.clone(), reason: "a `{` without its `}`".to_owned() });
        };
        let value = server.variables.iter().find(|(name, _)| name == variable).map(|(_, value)| value);
        out.push_str(
            value.ok_or_else(|| EndpointError::Variable { url: server.url.clone(), variable: variable.to_owned() })?,
        );
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, variables: &[(&str, &str)]) -> Server {
        Server {
            url: url.to_owned(),
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        }
    }

    #[test]
    fn joining_keeps_the_base_path() {
        for (base, joined) in [
            ("https://a.example", "https://a.example/pets?x=1"),
            ("https://a.example/", "https://a.example/pets?x=1"),
            ("https://a.example/api/v1", "https://a.example/api/v1/pets?x=1"),
            ("https://a.example:443/api/v1/", "https://a.example/api/v1/pets?x=1"),
            ("http://a.example:8080/v1", "http://a.example:8080/v1/pets?x=1"),
            ("http://[::1]:8080", "http://[::1]:8080/pets?x=1"),
        ] {
            assert_eq!(Endpoint::parse(base).map(|e| e.join("/pets?x=1")), Ok(joined.to_owned()), "{base}");
        }
    }

    #[test]
    fn a_next_page_is_one_of_the_same_server() {
        let endpoint = Endpoint::parse("https://a.example/api/v1").expect("a URL");
        let from = "/things?page=1";
        for (url, target) in [
            ("https://a.example/api/v1/things?page=2", "/things?page=2"),
            ("https://A.example:443/api/v1/things?a=b%20c#x", "/things?a=b%20c"),
            ("/api/v1/other", "/other"),
            ("?page=2", "/things?page=2"),
            ("more/2", "/more/2"),
        ] {
            assert_eq!(endpoint.target_of(url, from), Ok(target.to_owned()), "{url}");
        }
        for url in [
            "https://b.example/api/v1/things",
            "http://a.example/api/v1/things",
            "https://a.example:8443/api/v1/things",
            "//b.example/api/v1/things",
            "https://a.example@b.example/api/v1/things",
            "https://me:secret@a.example/api/v1/things",
            "ftp://a.example/api/v1/things",
        ] {
            let error = endpoint.target_of(url, from).expect_err(url);
            assert!(matches!(error, PageUrlError::OtherOrigin { .. }), "{url}: {error}");
            assert!(!error.to_string().contains("secret"));
        }
        for url in ["/things", "https://a.example/api/v2/things", "https://a.example/api/v1x", "../../admin"] {
            assert!(matches!(endpoint.target_of(url, from), Err(PageUrlError::OtherPath { .. })), "{url}");
        }
        assert!(matches!(endpoint.target_of("https://", from), Err(PageUrlError::NotAUrl { .. })));
    }

    #[test]
    fn spellings_of_one_host_are_one_endpoint() {
        let canonical = Endpoint::parse("http://127.0.0.1/").expect("a URL");
        for spelling in
            ["http://0x7f.1", "http://2130706433:80", "http://017700000001", "http://127.1", "http://[::ffff:127.0.0.1]"]
        {
            assert_eq!(Endpoint::parse(spelling).as_ref(), Ok(&canonical), "{spelling}");
        }
        assert_eq!(Endpoint::parse("https://API.Example.com."), Endpoint::parse("https://api.example.com"));
        assert_eq!(
            Endpoint::parse("https://bücher.example").map(|e| e.to_string()),
            Ok("https://xn--bcher-kva.example".to_owned())
        );
    }

    #[test]
    fn a_server_takes_its_variables_defaults_and_its_documents_url() {
        let templated = server("https://{region}.example.com:{port}/v1", &[("region", "eu"), ("port", "8443")]);
        assert_eq!(
            Endpoint::from_server(&templated, None).map(|e| e.to_string()),
            Ok("https://eu.example.com:8443/v1".to_owned())
        );
        let document = Url::parse("https://docs.example.com/specs/todo.yaml").expect("a URL");
        for (relative, absolute) in [
            ("/v2", "https://docs.example.com/v2"),
            ("v2", "https://docs.example.com/specs/v2"),
            ("//other.example/v2", "https://other.example/v2"),
        ] {
            let endpoint = Endpoint::from_server(&server(relative, &[]), Some(&document));
            assert_eq!(endpoint.map(|e| e.to_string()), Ok(absolute.to_owned()), "{relative}");
        }
    }

    #[test]
    fn what_cannot_be_called_says_why() {
        let message = |r: Result<Endpoint, EndpointError>| r.expect_err("refused").to_string();
        assert!(message(Endpoint::parse("localhost:50051")).contains("only http and https"));
        assert!(message(Endpoint::parse("api.example.com")).contains("is not a server URL"));
        assert!(message(Endpoint::parse("https://api.example.com/?x=1")).contains("has a query"));
        let userinfo = message(Endpoint::parse("https://me:hunter2@api.example.com"));
        assert!(userinfo.contains("api.example.com") && !userinfo.contains("hunter2"), "{userinfo}");
        for url in ["https://me:hunter2@:99999", "ftp://me:hunter2@api.example.com"] {
            assert!(!message(Endpoint::parse(url)).contains("hunter2"), "{url}");
        }
        assert!(message(Endpoint::from_server(&server("/v1", &[]), None)).contains("relative"));
        assert!(message(Endpoint::from_server(&server("https://{x}/", &[]), None)).contains("variable `x`"));
        assert_eq!(Endpoint::from_servers(&[], None), Err(EndpointError::NoServer));
    }

    #[test]
    fn the_first_usable_server_is_taken() {
        let servers = [server("/v1", &[]), server("wss://a.example", &[]), server("https://b.example", &[])];
        assert_eq!(Endpoint::from_servers(&servers, None).map(|e| e.to_string()), Ok("https://b.example".to_owned()));
    }
}
