//! Credentials that the host injects: where they come from, never what they are.

mod discovery;
mod oauth;

use std::collections::BTreeMap;
use std::sync::Arc;

use witwire_interpreter::Credential;
use witwire_ir::{Api, AuthKind, Operation};

pub use crate::secret::Source;
pub use oauth::{ClientAuthentication, ClientCredentials, TokenError};
use oauth::{Declared, Tokens};

use crate::transport::Transport;

/// Where the credentials of an API's schemes come from, by scheme name. Clones share the tokens that were fetched.
///
/// A source is read when a call needs it, so that a rotated secret is used without a restart. Debug output shows sources, and
/// nothing of a [`Source::Literal`].
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    given: BTreeMap<String, Given>,
}

/// What is given for a scheme.
#[derive(Debug, Clone)]
enum Given {
    /// The credential itself. Basic ones are written `user:password`.
    Secret(Source),
    /// Client credentials, for which tokens are fetched.
    Client(Arc<Tokens>),
    /// A client certificate, which the connections show.
    Certificate,
}

/// Credentials that are configured and cannot be had. Never holds one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Not `scheme=env:NAME` or `scheme=file:PATH`. The text is not repeated: it may be a secret.
    #[error(
        "credentials are given by reference, as `SCHEME=env:VARIABLE` or `SCHEME=file:PATH` (a secret on the command line would be \
         seen by others){}", scheme.as_ref().map(|s| format!("; scheme `{s}` is given otherwise")).unwrap_or_default()
    )]
    Syntax {
        /// The scheme's name, if there is one.
        scheme: Option<String>,
    },
    /// A scheme that the API does not have.
    #[error("the API has no authentication scheme `{scheme}`; it has {known}")]
    UnknownScheme {
        /// As configured.
        scheme: String,
        /// The schemes that there are, in words.
        known: String,
    },
    /// The source cannot be read.
    #[error("the credential for scheme `{scheme}` cannot be read from {source_name}: {reason}")]
    Unreadable {
        /// The scheme's name.
        scheme: String,
        /// `env:NAME`, `file:PATH`.
        source_name: String,
        /// Why.
        reason: String,
    },
    /// A basic credential without a colon.
    #[error("the credential for scheme `{scheme}` from {source_name} must be `user:password`, as the scheme is basic")]
    NotBasic {
        /// The scheme's name.
        scheme: String,
        /// `env:NAME`, `file:PATH`.
        source_name: String,
    },
    /// What is given is not what the scheme takes.
    #[error("scheme `{scheme}` takes {expected}, not {given}")]
    Mismatch {
        /// The scheme's name.
        scheme: String,
        /// What the scheme takes.
        expected: &'static str,
        /// What is given for it.
        given: &'static str,
    },
    /// There is no token.
    #[error("no token for scheme `{scheme}`: {source}")]
    Token {
        /// The scheme's name.
        scheme: String,
        /// Why.
        source: TokenError,
    },
}

impl Credentials {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Gives a scheme its source; a scheme that has one gets the new one.
    #[must_use]
    pub fn with(mut self, scheme: impl Into<String>, source: Source) -> Self {
        self.given.insert(scheme.into(), Given::Secret(source));
        self
    }

    /// Gives a scheme client credentials, for which tokens are fetched when they are needed.
    #[must_use]
    pub fn with_client(mut self, scheme: impl Into<String>, client: ClientCredentials) -> Self {
        self.given.insert(scheme.into(), Given::Client(Arc::new(Tokens::new(client))));
        self
    }

    /// Says that the connections show a client certificate, by which a scheme of mutual TLS is satisfied. The name need not be of the
    /// API's schemes: a gRPC API declares none.
    #[must_use]
    pub fn with_certificate(mut self, scheme: impl Into<String>) -> Self {
        self.given.insert(scheme.into(), Given::Certificate);
        self
    }

    /// Reads one reference and adds it: `bearerAuth=env:TODO_TOKEN`, `basicAuth=file:/run/secrets/todo`.
    pub fn parse(self, reference: &str) -> Result<Self, CredentialsError> {
        let Some((scheme, source)) = reference.split_once('=').map(|(a, b)| (a.trim(), b.trim())) else {
            return Err(CredentialsError::Syntax { scheme: None });
        };
        let source = match source.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Source::Environment(name.to_owned()),
            Some(("file", path)) if !path.is_empty() => Source::File(path.into()),
            _ => return Err(CredentialsError::Syntax { scheme: Some(scheme.to_owned()).filter(|s| !s.is_empty()) }),
        };
        if scheme.is_empty() {
            return Err(CredentialsError::Syntax { scheme: None });
        }
        Ok(self.with(scheme, source))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The schemes that have a source.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.given.keys().map(String::as_str)
    }

    /// Finds a scheme that is configured and that the API does not have: a misspelt name would send no credential. And one that
    /// takes something else than what is given.
    pub fn check(&self, api: &Api) -> Result<(), CredentialsError> {
        for (scheme, given) in &self.given {
            match api.schemes.iter().find(|(_, known)| known.name == *scheme) {
                Some((_, known)) => given.fits(scheme, &known.kind)?,
                None if matches!(given, Given::Certificate) => {}
                None => {
                    let names: Vec<_> = api.schemes.iter().map(|(_, known)| format!("`{}`", known.name)).collect();
                    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                    return Err(CredentialsError::UnknownScheme { scheme: scheme.clone(), known });
                }
            }
        }
        Ok(())
    }

    /// Reads the credentials of the first alternative of an operation whose schemes are all configured, for
    /// [`Plan::authorize`](witwire_interpreter::Plan::authorize). None is read where none is configured. Tokens are still to be
    /// fetched.
    ///
    /// # Errors
    /// [`CredentialsError`] where a source of that alternative cannot be read: another alternative, or no credentials, would
    /// not be what was configured.
    pub async fn gather(&self, api: &Api, operation: &Operation) -> Result<Gathered, CredentialsError> {
        let configured = operation
            .auth
            .alternatives
            .iter()
            .find(|alternative| alternative.iter().all(|scheme| self.given.contains_key(&api.schemes[*scheme].name)));
        let mut gathered = Gathered::default();
        for scheme in configured.into_iter().flatten() {
            let scheme = &api.schemes[*scheme];
            let Some(given) = self.given.get(&scheme.name) else { continue };
            given.fits(&scheme.name, &scheme.kind)?;
            match given {
                Given::Secret(source) => {
                    gathered.found.insert(scheme.name.clone(), read(&scheme.name, &scheme.kind, source).await?);
                }
                // The connection shows it; the request says nothing.
                Given::Certificate => {
                    gathered.found.insert(scheme.name.clone(), Credential::Key(String::new()));
                }
                Given::Client(tokens) => gathered.tokens.push(Fetched {
                    scheme: scheme.name.clone(),
                    kind: scheme.kind.clone(),
                    tokens: tokens.clone(),
                }),
            }
        }
        Ok(gathered)
    }
}

impl Given {
    /// Whether the scheme takes it.
    fn fits(&self, scheme: &str, kind: &AuthKind) -> Result<(), CredentialsError> {
        let certificate = matches!(kind, AuthKind::MutualTls);
        let token = matches!(kind, AuthKind::Bearer | AuthKind::OAuth2 { .. } | AuthKind::OpenIdConnect { .. });
        let mismatch = |expected, given| Err(CredentialsError::Mismatch { scheme: scheme.to_owned(), expected, given });
        match self {
            Self::Secret(_) if certificate => mismatch("a client certificate (`certificate` and `key`)", "a secret"),
            Self::Client(_) if certificate => {
                mismatch("a client certificate (`certificate` and `key`)", "client credentials")
            }
            Self::Client(_) if !token => mismatch("a secret", "client credentials"),
            Self::Certificate if !certificate => mismatch("a secret", "a client certificate"),
            Self::Secret(_) | Self::Client(_) | Self::Certificate => Ok(()),
        }
    }
}

/// Credentials that were read for one call. Debug output names schemes only.
#[derive(Debug, Default)]
pub struct Gathered {
    found: BTreeMap<String, Credential>,
    tokens: Vec<Fetched>,
}

/// A scheme whose token is fetched.
#[derive(Debug)]
struct Fetched {
    scheme: String,
    kind: AuthKind,
    tokens: Arc<Tokens>,
}

impl Gathered {
    /// The credential of a scheme.
    pub fn find(&self, scheme: &str) -> Option<Credential> {
        self.found.get(scheme).cloned()
    }

    /// Whether there are tokens, which can be fetched anew.
    pub fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Fetches the tokens that are needed and not there.
    ///
    /// # Errors
    /// [`CredentialsError::Token`]
    pub async fn fetch(&mut self, transport: &Transport) -> Result<(), CredentialsError> {
        for fetched in &self.tokens {
            let declared = match &fetched.kind {
                AuthKind::OAuth2 { token_url, scopes } => Declared::Flow { token_url: token_url.as_deref(), scopes },
                AuthKind::OpenIdConnect { url } => Declared::Discovery(url),
                _ => Declared::Nothing,
            };
            let token = fetched.tokens.token(transport, declared).await;
            let token = token.map_err(|source| CredentialsError::Token { scheme: fetched.scheme.clone(), source })?;
            self.found.insert(fetched.scheme.clone(), Credential::Token(token.to_string()));
        }
        Ok(())
    }

    /// Lets go of the tokens: the service refused them. [`Gathered::fetch`] gets others.
    pub async fn refuse(&self) {
        for fetched in &self.tokens {
            if let Some(Credential::Token(token)) = self.found.get(&fetched.scheme) {
                fetched.tokens.refuse(token).await;
            }
        }
    }
}

async fn read(scheme: &str, kind: &AuthKind, source: &Source) -> Result<Credential, CredentialsError> {
    let unreadable =
        |reason: String| CredentialsError::Unreadable { scheme: scheme.to_owned(), source_name: source.to_string(), reason };
    let secret = source.read().await.map_err(unreadable)?;
    match kind {
        AuthKind::Bearer | AuthKind::OtherHttp { .. } | AuthKind::OAuth2 { .. } | AuthKind::OpenIdConnect { .. } => {
            Ok(Credential::Token(secret))
        }
        AuthKind::HeaderKey { .. } | AuthKind::QueryKey { .. } | AuthKind::CookieKey { .. } => Ok(Credential::Key(secret)),
        AuthKind::Basic => match secret.split_once(':') {
            Some((username, password)) => {
                Ok(Credential::Basic { username: username.to_owned(), password: password.to_owned() })
            }
            None => Err(CredentialsError::NotBasic { scheme: scheme.to_owned(), source_name: source.to_string() }),
        },
        AuthKind::MutualTls => Err(CredentialsError::Mismatch {
            scheme: scheme.to_owned(),
            expected: "a client certificate (`certificate` and `key`)",
            given: "a secret",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
    use witwire_ir::{
        AuthRequirement, AuthScheme, Call, CallClass, Id, InterfaceId, PackageName, Protocol, SchemeId, Shape, Type, WitName,
    };

    fn name(text: &str) -> WitName {
        WitName::new(text).expect("a valid name")
    }

    /// An API with these schemes, and an operation that takes one of these alternatives.
    fn api(schemes: &[(&str, AuthKind)], alternatives: &[&[usize]]) -> (Api, Operation) {
        let package = PackageName { namespace: name("api"), name: name("todo"), version: "1.0.0".to_owned() };
        let mut api = Api::new(package, Protocol::Grpc);
        for (scheme, kind) in schemes {
            api.schemes.push(AuthScheme { name: (*scheme).to_owned(), kind: kind.clone(), record: None });
        }
        let result = api.types.push(Type::plain(Shape::Result { ok: None, err: None }));
        let ids = |schemes: &&[usize]| schemes.iter().map(|scheme| SchemeId::new(*scheme)).collect();
        let operation = Operation {
            interface: InterfaceId::new(0),
            name: name("call"),
            params: Vec::new(),
            result,
            call: Call::Grpc(GrpcCall { path: "/a/b".to_owned(), kind: StreamKind::Unary, request: None, response: None }),
            class: CallClass::Safe,
            auth: AuthRequirement { alternatives: alternatives.iter().map(ids).collect(), optional: false, guest: None },
            source: None,
            docs: None,
            deprecated: false,
        };
        (api, operation)
    }

    fn literal(secret: &str) -> Source {
        Source::Literal(secret.to_owned())
    }

    fn basic(username: &str, password: &str) -> Credential {
        Credential::Basic { username: username.to_owned(), password: password.to_owned() }
    }

    #[tokio::test]
    async fn a_scheme_decides_what_its_secret_is() {
        let key = |text: &str| Credential::Key(text.to_owned());
        let token = |text: &str| Credential::Token(text.to_owned());
        for (kind, secret, expected) in [
            (AuthKind::Bearer, "a:b", token("a:b")),
            (AuthKind::OtherHttp { scheme: "Digest".to_owned() }, "x", token("x")),
            (AuthKind::OAuth2 { token_url: None, scopes: Vec::new() }, "x", token("x")),
            (AuthKind::OpenIdConnect { url: String::new() }, "x", token("x")),
            (AuthKind::HeaderKey { name: "x-key".to_owned() }, "x", key("x")),
            (AuthKind::QueryKey { name: "key".to_owned() }, "x", key("x")),
            (AuthKind::CookieKey { name: "key".to_owned() }, "x", key("x")),
            (AuthKind::Basic, "me:a:b", basic("me", "a:b")),
            (AuthKind::Basic, "me:", basic("me", "")),
        ] {
            let (api, operation) = api(&[("s", kind)], &[&[0]]);
            let gathered = Credentials::none().with("s", literal(secret)).gather(&api, &operation).await.expect("readable");
            assert_eq!(gathered.find("s"), Some(expected));
            assert_eq!(gathered.find("other"), None);
        }
    }

    #[tokio::test]
    async fn the_first_alternative_that_is_all_configured_is_read() {
        let schemes = [("a", AuthKind::Bearer), ("b", AuthKind::Bearer), ("c", AuthKind::Bearer)];
        let (api, operation) = api(&schemes, &[&[0, 1], &[2]]);
        let found = async |credentials: Credentials| {
            let gathered = credentials.gather(&api, &operation).await.expect("readable");
            ["a", "b", "c"].map(|scheme| gathered.find(scheme).is_some())
        };
        let a = Credentials::none().with("a", literal("x"));
        assert_eq!(found(Credentials::none()).await, [false; 3]);
        assert_eq!(found(a.clone()).await, [false; 3]);
        assert_eq!(found(a.clone().with("c", literal("x"))).await, [false, false, true]);
        assert_eq!(found(a.with("b", literal("x")).with("c", literal("x"))).await, [true, true, false]);
    }

    #[tokio::test]
    async fn a_source_is_read_at_each_call() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let (api, operation) = api(&[("s", AuthKind::Bearer)], &[&[0]]);
        let credentials = Credentials::none().parse(&format!("s=file:{}", path.display())).expect("a reference");
        let missing = credentials.gather(&api, &operation).await.expect_err("no file").to_string();
        assert!(missing.contains("scheme `s`") && missing.contains("token"), "{missing}");
        for (content, token) in [("one\n", "one"), ("two\r\n", "two"), (" three ", " three "), ("four\n\n", "four\n")] {
            std::fs::write(&path, content).expect("written");
            let gathered = credentials.gather(&api, &operation).await.expect("readable");
            assert_eq!(gathered.find("s"), Some(Credential::Token(token.to_owned())));
        }
        std::fs::write(&path, "\n").expect("written");
        assert!(credentials.gather(&api, &operation).await.expect_err("empty").to_string().contains("it is empty"));
    }

    #[tokio::test]
    async fn a_variable_is_read_by_its_name() {
        let (api, operation) = api(&[("s", AuthKind::Bearer)], &[&[0]]);
        let gather =
            async |reference| Credentials::none().parse(reference).expect("a reference").gather(&api, &operation).await;
        let path = std::env::var("PATH").expect("every test has a PATH");
        assert_eq!(gather("s=env:PATH").await.map(|g| g.find("s")), Ok(Some(Credential::Token(path))));
        let missing = gather("s = env:WITWIRE_SURELY_NOT_SET").await.expect_err("not set").to_string();
        assert!(missing.contains("env:WITWIRE_SURELY_NOT_SET: the variable is not set"), "{missing}");
    }

    #[test]
    fn what_is_no_reference_is_refused_and_not_repeated() {
        for reference in
            ["hunter2", "s=hunter2", "s=", "=env:X", "s=env:", "s=file:", "s=literal:hunter2", "s=https://hunter2"]
        {
            let error = Credentials::none().parse(reference).expect_err(reference);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
            assert!(error.to_string().contains("SCHEME=env:VARIABLE"), "{error}");
        }
    }

    #[test]
    fn a_misspelt_scheme_is_found() {
        let (api, _) = api(&[("bearerAuth", AuthKind::Bearer)], &[]);
        assert_eq!(Credentials::none().with("bearerAuth", literal("x")).check(&api), Ok(()));
        let error = Credentials::none().with("bearerauth", literal("x")).check(&api).expect_err("unknown");
        assert_eq!(error.to_string(), "the API has no authentication scheme `bearerauth`; it has `bearerAuth`");
    }

    #[tokio::test]
    async fn nothing_prints_a_secret() {
        let (api, operation) = api(&[("s", AuthKind::Basic)], &[&[0]]);
        let credentials = Credentials::none().with("s", literal("me:hunter2"));
        let gathered = credentials.gather(&api, &operation).await.expect("readable");
        let error = Credentials::none().with("s", literal("hunter2")).gather(&api, &operation).await.expect_err("no colon");
        let printed = format!("{credentials:?} {gathered:?} {error} {error:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(error.to_string().contains("must be `user:password`"), "{error}");
    }
}
