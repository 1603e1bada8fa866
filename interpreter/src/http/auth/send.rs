//! One credential into a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use witwire_ir::{AuthKind, AuthScheme};

use crate::http::{header, percent};
use crate::message::{Credential, CredentialError, GrpcRequest, HttpRequest, MetadataText, Request};

/// Puts a scheme's credential where the scheme says.
pub(super) fn send(scheme: &AuthScheme, credential: &Credential, request: &mut Request) -> Result<(), CredentialError> {
    let Some(sent) = Sent::new(scheme, credential)? else { return Ok(()) };
    match request {
        Request::Http(request) => sent.over_http(request),
        Request::Grpc(request) => return sent.over_grpc(&scheme.name, request),
    }
    Ok(())
}

/// A credential as it travels. Not `Debug`: it is a secret.
enum Sent {
    Header { name: String, value: String },
    Query { name: String, value: String },
    Cookie { name: String, value: String },
}

impl Sent {
    /// `None` where nothing travels in the request (a client certificate).
    fn new(scheme: &AuthScheme, credential: &Credential) -> Result<Option<Self>, CredentialError> {
        let wrong = |expected| CredentialError::WrongKind { scheme: scheme.name.clone(), expected };
        let bad = |place| CredentialError::BadCharacters { scheme: scheme.name.clone(), place };
        let token = || match credential {
            Credential::Token(token) => Ok(token),
            _ => Err(wrong("a token")),
        };
        let key = || match credential {
            Credential::Key(key) => Ok(key.clone()),
            _ => Err(wrong("a key")),
        };
        let sent = match &scheme.kind {
            AuthKind::Bearer | AuthKind::OAuth2 { .. } | AuthKind::OpenIdConnect { .. } => {
                Self::authorization(format!("Bearer {}", token()?))
            }
            AuthKind::OtherHttp { scheme } => Self::authorization(format!("{scheme} {}", token()?)),
            AuthKind::Basic => {
                let Credential::Basic { username, password } = credential else {
                    return Err(wrong("a user name and password"));
                };
                if username.contains(|c: char| c == ':' || c.is_control()) {
                    return Err(bad("a user name"));
                }
                if password.contains(char::is_control) {
                    return Err(bad("a password"));
                }
                Self::authorization(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
            }
            AuthKind::HeaderKey { name } => Self::Header { name: name.to_ascii_lowercase(), value: key()? },
            AuthKind::QueryKey { name } => Self::Query { name: name.clone(), value: key()? },
            AuthKind::CookieKey { name } => Self::Cookie { name: name.clone(), value: key()? },
            AuthKind::MutualTls => return Ok(None),
        };
        match &sent {
            Self::Header { value, .. } if !header::is_value(value) => Err(bad("a header")),
            Self::Cookie { value, .. } if !value.bytes().all(header::is_cookie_octet) => Err(bad("a cookie")),
            _ => Ok(Some(sent)),
        }
    }

    fn authorization(value: String) -> Self {
        Self::Header { name: "authorization".to_owned(), value }
    }

    fn over_http(self, request: &mut HttpRequest) {
        match self {
            Self::Header { name, value } => {
                request.headers.retain(|(n, _)| *n != name);
                request.headers.push((name.clone(), value));
                request.secrets.headers.push(name);
            }
            Self::Query { name, value } => {
                request.target.push(if request.target.contains('?') { '&' } else { '?' });
                percent::query(&name, &mut request.target);
                request.target.push('=');
                percent::query(&value, &mut request.target);
                request.secrets.query.push(name);
            }
            Self::Cookie { name, value } => {
                header::add_cookie(&mut request.headers, &format!("{name}={value}"));
                request.secrets.headers.push("cookie".to_owned());
            }
        }
    }

    fn over_grpc(self, scheme: &str, request: &mut GrpcRequest) -> Result<(), CredentialError> {
        let no_place = |place| CredentialError::NoSuchPlace { scheme: scheme.to_owned(), place };
        match self {
            Self::Header { name, value } => {
                request.metadata.retain(|(n, _)| *n != name);
                request.secrets.headers.push(name.clone());
                request.metadata.push((name, MetadataText::Ascii(value)));
                Ok(())
            }
            Self::Query { .. } => Err(no_place("the query")),
            Self::Cookie { .. } => Err(no_place("a cookie")),
        }
    }
}
