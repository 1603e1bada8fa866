//! Tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4): fetched when they are needed, kept until they expire.
//!
//! A token request goes over the same transport as calls, so that the egress policy holds for it, and follows no redirect. Nothing
//! of it is recorded. No error holds an identifier, a secret, a token, or what the token endpoint wrote in its own words.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;
use witwire_interpreter::{HttpRequest, HttpResponse, Request, Response, Secrets};
use witwire_ir::operation::http::Method;

use super::Source;
use super::discovery;
use crate::transport::{
    CallOptions, ClientTls, Endpoint, EndpointError, Host, LinkSettings, Repeat, RouteSettings, Scheme, Transport,
};

/// How long a token or a discovery document may take.
const DEADLINE: Duration = Duration::from_secs(20);
/// The largest answer of a token endpoint in bytes.
const LARGEST: usize = 64 << 10;
/// How long before its end a token is not used any more, so that it does not expire on its way; at most a tenth of its life.
const SKEW: Duration = Duration::from_secs(30);

/// Client credentials by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client's identifier.
    pub client_id: Source,
    /// Its secret.
    pub client_secret: Source,
    /// What the token is asked for. Empty: what the API's document declares.
    pub scopes: Vec<String>,
    /// The token endpoint, `https` unless it is on this machine. `None`: as the API's document says.
    pub token_url: Option<String>,
    /// How the client shows who it is. `None`: in the header, unless the provider's discovery document excludes it.
    pub authentication: Option<ClientAuthentication>,
    /// Further root certificates for the token endpoint.
    pub roots: Vec<Source>,
}

/// How a client shows who it is to a token endpoint (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// `Authorization: Basic`.
    Header,
    /// `client_id` and `client_secret` in the form.
    Body,
}

/// What an API's document says of where tokens are had.
#[derive(Debug, Clone, Copy)]
pub(super) enum Declared<'a> {
    /// Nothing: the scheme is of another kind.
    Nothing,
    /// The client-credentials flow.
    Flow { token_url: Option<&'a str>, scopes: &'a [String] },
    /// An OpenID provider's discovery document.
    Discovery(&'a str),
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Neither the settings nor the document name a token endpoint.
    #[error("no token endpoint is known; give one with `tokenUrl`")]
    NoTokenUrl,
    /// A URL that cannot be called.
    #[error("the URL of the {what} cannot be called: {source}")]
    Url {
        /// The token endpoint, or the discovery document.
        what: &'static str,
        /// Why.
        source: EndpointError,
    },
    /// Secrets would travel in the clear.
    #[error("the {what} at {destination} is not served over https; secrets are sent in the clear within this machine alone")]
    Clear {
        /// The token endpoint, or the discovery document.
        what: &'static str,
        /// Host and port.
        destination: String,
    },
    /// A reference that cannot be read.
    #[error("the {what} cannot be read from {source_name}: {reason}")]
    Unreadable {
        /// The identifier, or the secret.
        what: &'static str,
        /// `env:NAME`, `file:PATH`.
        source_name: String,
        /// Why.
        reason: String,
    },
    /// No answer.
    #[error("no answer from the {what}: {reason}")]
    Unreachable {
        /// The token endpoint, or the discovery document.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The endpoint refuses the client.
    #[error("the token endpoint at {destination} refuses the client credentials (status {status}, `{code}`)")]
    Refused {
        /// Host and port.
        destination: String,
        /// The HTTP status.
        status: u16,
        /// The error code (RFC 6749, section 5.2); `unknown` for any other text.
        code: &'static str,
    },
    /// An answer that is none of RFC 6749 or of OpenID Connect Discovery.
    #[error("the {what} at {destination} answered with {problem}")]
    Invalid {
        /// The token endpoint, or the discovery document.
        what: &'static str,
        /// Host and port.
        destination: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The document is another issuer's.
    #[error("the discovery document at {destination} is of another issuer than its place says, so that it is not trusted")]
    Issuer {
        /// Host and port.
        destination: String,
    },
}

/// A token and until when it is good. Not printed.
#[derive(Clone)]
struct Token {
    text: Arc<str>,
    /// `None`: until it is refused.
    until: Option<Instant>,
}

/// Fetches tokens for one scheme, and keeps them.
pub(super) struct Tokens {
    settings: ClientCredentials,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// The last failure, for those who waited while it happened.
    failure: Option<(Instant, TokenError)>,
    discovered: Option<discovery::Provider>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(settings: ClientCredentials) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// The token, fetched if there is none that is good. Whoever asks meanwhile waits for the same one.
    pub(super) async fn token(&self, transport: &Transport, declared: Declared<'_>) -> Result<Arc<str>, TokenError> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.as_ref().filter(|t| t.until.is_none_or(|until| Instant::now() < until)) {
            return Ok(token.text.clone());
        }
        if let Some((at, failure)) = &state.failure
            && *at >= asked
        {
            return Err(failure.clone());
        }
        match self.fetch(transport, declared, &mut state.discovered).await {
            Ok(token) => {
                let text = token.text.clone();
                (state.token, state.failure) = (Some(token), None);
                Ok(text)
            }
            Err(error) => {
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The service refused this token. A newer one stays.
    pub(super) async fn refuse(&self, refused: &str) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| &*token.text == refused) {
            state.token = None;
        }
    }

    async fn fetch(
        &self,
        transport: &Transport,
        declared: Declared<'_>,
        discovered: &mut Option<discovery::Provider>,
    ) -> Result<Token, TokenError> {
        let caller = Caller { transport, roots: &self.settings.roots };
        let (declared_scopes, mut authentication) = (declared.scopes(), self.settings.authentication);
        let url = match (&self.settings.token_url, declared) {
            (Some(url), _) => url.clone(),
            (None, Declared::Flow { token_url: Some(url), .. }) => url.to_owned(),
            (None, Declared::Discovery(url)) => {
                if discovered.is_none() {
                    *discovered = Some(discovery::discover(&caller, url).await?);
                }
                let provider = discovered.as_ref().ok_or(TokenError::NoTokenUrl)?;
                authentication = authentication.or(provider.authentication);
                provider.token_url.clone()
            }
            (None, Declared::Flow { token_url: None, .. } | Declared::Nothing) => return Err(TokenError::NoTokenUrl),
        };
        let place = Place::parse("token endpoint", &url)?;
        let scopes = if self.settings.scopes.is_empty() { declared_scopes } else { &self.settings.scopes };
        let request = self.request(&place, scopes, authentication.unwrap_or(ClientAuthentication::Header)).await?;
        let response = caller.call(&place, request).await?;
        read(&response, &place)
    }

    async fn request(
        &self,
        place: &Place,
        scopes: &[String],
        authentication: ClientAuthentication,
    ) -> Result<HttpRequest, TokenError> {
        let id = read_source("client identifier", &self.settings.client_id).await?;
        let secret = read_source("client secret", &self.settings.client_secret).await?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !scopes.is_empty() {
            form.append_pair("scope", &scopes.join(" "));
        }
        let mut headers = vec![
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ];
        match authentication {
            ClientAuthentication::Header => {
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encode(&id), encode(&secret)));
                headers.push(("authorization".to_owned(), format!("Basic {pair}")));
            }
            ClientAuthentication::Body => {
                form.append_pair("client_id", &id).append_pair("client_secret", &secret);
            }
        }
        Ok(HttpRequest {
            method: Method::Post,
            target: place.target.clone(),
            page: None,
            headers,
            body: Some(Bytes::from(form.finish())),
            secrets: Secrets { headers: vec!["authorization".to_owned()], query: Vec::new() },
        })
    }
}

impl<'a> Declared<'a> {
    fn scopes(self) -> &'a [String] {
        match self {
            Self::Flow { scopes, .. } => scopes,
            Self::Nothing | Self::Discovery(_) => &[],
        }
    }
}

/// A URL of a provider, cut into where to connect and what to ask for.
#[derive(Debug)]
pub(super) struct Place {
    what: &'static str,
    endpoint: Endpoint,
    target: String,
}

impl Place {
    pub(super) fn parse(what: &'static str, url: &str) -> Result<Self, TokenError> {
        let wrong = |source| TokenError::Url { what, source };
        // The endpoint's own reader finds what is wrong with the rest.
        let Ok(parsed) = Url::parse(url) else {
            let reason = "it is not absolute".to_owned();
            return Err(wrong(Endpoint::parse(url).err().unwrap_or(EndpointError::NotAUrl { url: url.to_owned(), reason })));
        };
        let endpoint = Endpoint::parse(&parsed[..url::Position::BeforePath]).map_err(wrong)?;
        let local = match endpoint.host() {
            Host::Name(name) => name == "localhost",
            Host::Address(ip) => ip.is_loopback(),
        };
        if endpoint.scheme() == Scheme::Http && !local {
            return Err(TokenError::Clear { what, destination: endpoint.destination() });
        }
        Ok(Self { what, target: parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned(), endpoint })
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn destination(&self) -> String {
        self.endpoint.destination()
    }

    pub(super) fn invalid(&self, problem: &'static str) -> TokenError {
        TokenError::Invalid { what: self.what, destination: self.destination(), problem }
    }
}

/// Sends requests to a provider.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    transport: &'a Transport,
    roots: &'a [Source],
}

impl Caller<'_> {
    pub(super) async fn call(&self, place: &Place, request: HttpRequest) -> Result<HttpResponse, TokenError> {
        // Our own certificate is for the service, not for its token endpoint.
        let tls = ClientTls { roots: self.roots.to_vec(), ..ClientTls::default() };
        let link = LinkSettings { tls, ..LinkSettings::default() };
        let settings = RouteSettings { link, max_response: Some(LARGEST), ..RouteSettings::default() };
        let unreachable = |reason: String| TokenError::Unreachable { what: place.what, reason };
        let route = self.transport.route(vec![place.endpoint.clone()], settings).map_err(|e| unreachable(e.to_string()))?;
        // Asking twice does no harm.
        let options = CallOptions::new(DEADLINE, Repeat::Freely);
        match self.transport.call(&route, &Request::Http(request), &options).await.outcome {
            Ok(Response::Http(response)) if (300..400).contains(&response.status) => {
                Err(place.invalid("a redirect, which is not followed"))
            }
            Ok(Response::Http(response)) => Ok(response),
            Ok(Response::Grpc(_)) => Err(place.invalid("gRPC")),
            Err(error) => Err(unreachable(error.message)),
        }
    }
}

async fn read_source(what: &'static str, source: &Source) -> Result<String, TokenError> {
    source.read().await.map_err(|reason| TokenError::Unreadable { what, source_name: source.to_string(), reason })
}

/// RFC 6749, sections 5.1 and 5.2.
fn read(response: &HttpResponse, place: &Place) -> Result<Token, TokenError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        token_type: Option<String>,
        expires_in: Option<serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    const CODES: [&str; 6] = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    if response.status != 200 {
        let error = serde_json::from_slice::<Refused>(&response.body).map(|refused| refused.error).unwrap_or_default();
        // Any other text may be anything, a secret too.
        let code = CODES.into_iter().find(|code| *code == error).unwrap_or("unknown");
        return Err(TokenError::Refused { destination: place.destination(), status: response.status, code });
    }
    let granted: Granted =
        serde_json::from_slice(&response.body).map_err(|_| place.invalid("something that is no token (RFC 6749)"))?;
    if granted.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(place.invalid("a token that is no bearer token"));
    }
    if granted.access_token.is_empty() {
        return Err(place.invalid("an empty token"));
    }
    // Some servers write the number as a text.
    let seconds = granted.expires_in.and_then(|value| match value {
        serde_json::Value::Number(number) => number.as_f64().map(|seconds| seconds.max(0.0) as u64),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let until = seconds.and_then(|seconds| {
        let life = Duration::from_secs(seconds);
        Instant::now().checked_add(life.saturating_sub(SKEW.min(life / 10)))
    });
    Ok(Token { text: granted.access_token.into(), until })
}
