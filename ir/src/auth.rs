//! Which credentials a call needs. Never a credential itself.

use serde::{Deserialize, Serialize};

use crate::id::{SchemeId, TypeId};
use crate::operation::Place;

/// Who gives the credentials of an API; fixed when the WIT is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AuthMode {
    /// The host injects them; functions have no `auth`.
    Host,
    /// The guest passes them.
    Guest,
}

/// A way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthScheme {
    /// The name in the source, which configuration uses too: `bearerAuth`.
    pub name: String,
    /// How it is sent.
    pub kind: AuthKind,
    /// The record that a guest fills: one string slot per [`AuthKind::parts`]; `None` with [`AuthMode::Host`].
    pub record: Option<TypeId>,
}

/// How a scheme's credentials are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthKind {
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// `Authorization: Basic base64(username:password)`.
    Basic,
    /// `Authorization: <scheme> <token>` of another registered scheme.
    OtherHttp {
        /// The scheme as sent.
        scheme: String,
    },
    /// A key in a header.
    HeaderKey {
        /// Header (HTTP) or metadata key (gRPC).
        name: String,
    },
    /// A key in the query.
    QueryKey {
        /// The query parameter.
        name: String,
    },
    /// A key in a cookie.
    CookieKey {
        /// The cookie.
        name: String,
    },
    /// OAuth 2.0: a bearer token that the host may fetch (client credentials).
    OAuth2 {
        /// The token URL of the client-credentials flow, if declared.
        token_url: Option<String>,
        /// All scopes that the document declares for that flow.
        scopes: Vec<String>,
    },
    /// OpenID Connect: a bearer token; the URL is the discovery document's.
    OpenIdConnect {
        /// The discovery URL.
        url: String,
    },
    /// A client certificate, which belongs to the channel; only the host can give it.
    MutualTls,
}

impl AuthKind {
    /// The secret parts, which are also the field names of the guest's record.
    pub const fn parts(&self) -> &'static [&'static str] {
        match self {
            Self::Bearer | Self::OtherHttp { .. } | Self::OAuth2 { .. } | Self::OpenIdConnect { .. } => &["token"],
            Self::Basic => &["username", "password"],
            Self::HeaderKey { .. } | Self::QueryKey { .. } | Self::CookieKey { .. } => &["key"],
            Self::MutualTls => &[],
        }
    }
}

/// What an operation needs: one of the alternatives, each a set of schemes that are all needed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuthRequirement {
    /// Alternatives in the order of the source; empty: no credentials are sent.
    pub alternatives: Vec<Vec<SchemeId>>,
    /// Whether the call may go without credentials (`{}` among the alternatives).
    pub optional: bool,
    /// Where the guest passes them ([`AuthMode::Guest`] only).
    ///
    /// The value there: with one alternative its value, else a variant whose case `i` is alternative `i`; an alternative of one
    /// scheme is the scheme's record, else a record whose slot `j` is the record of scheme `j`. Where `optional`, all this in an
    /// option.
    pub guest: Option<Place>,
}
