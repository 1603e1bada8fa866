//! Settings of a dependency, as the manifest gives them. All shape the WIT and enter the source digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use witwire_ir::{AuthMode, InDoubt, KeyFormat};

/// Settings of one compilation. The default is what a manifest entry without settings means.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Options {
    /// `namespace:name` of the WIT package; derived from the source where absent.
    pub package: Option<String>,
    /// The package's semantic version; derived where absent.
    pub version: Option<String>,
    /// Who gives credentials. Absent: the host once credentials are configured or none are needed, else the guest.
    pub auth: Option<AuthMode>,
    /// Whether the manifest configures credentials for this dependency.
    pub credentials_configured: bool,
    /// Whether functions get a last parameter for the call's own settings.
    pub calls: Calls,
    /// Whether bodies are flattened into the request's record (OpenAPI).
    pub bodies: Bodies,
    /// How singular message fields print (protobuf).
    pub presence: PresenceMode,
    /// Messages (full protobuf names) that an `Any` holds as themselves; empty: every `Any` is a type URL and bytes.
    pub any: Vec<String>,
    /// What becomes of extension fields (protobuf).
    pub extensions: Extensions,
    /// What becomes of fields that the specification does not know (protobuf).
    pub unknown_fields: UnknownFields,
    /// Source (JSON pointer, `METHOD path`, operationId or full protobuf name) → WIT name.
    pub rename: BTreeMap<String, String>,
    /// Operations to keep (operationId, `METHOD path`, full gRPC method, or `interface.function`); empty: all.
    pub operations: Vec<String>,
    /// Parameters that are fixed or hidden, by wire name (OpenAPI).
    pub parameters: BTreeMap<String, ParameterOverride>,
    /// JSON pointers of properties that print as `option` though the document requires them (OpenAPI).
    pub lenient: Vec<String>,
    /// Operations (as in `operations`) whose response is read as bytes, piece by piece (OpenAPI).
    pub stream: Vec<String>,
    /// Operations (operationId or `METHOD path`) whose result comes in pages, for which a second function gives a pager; `*`: all whose
    /// response declares the header `Link` (OpenAPI).
    pub pagination: BTreeMap<String, Pagination>,
    /// Which operations carry an idempotency key.
    pub idempotency: Option<Idempotency>,
    /// Operations (as in `operations`) → what an unsafe call in doubt becomes.
    pub in_doubt: BTreeMap<String, InDoubt>,
    /// Whether warnings refuse the document.
    pub strict: bool,
}

/// `calls:` of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Calls {
    /// Functions as the specification has them.
    #[default]
    Simple,
    /// A last parameter `call: option<borrow<call>>`.
    Explicit,
}

/// `bodies:` of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Bodies {
    /// Where the rules allow, members become fields of the request.
    #[default]
    Flat,
    /// Always one field `body`.
    Whole,
}

/// `presence:` of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PresenceMode {
    /// A singular message field is an option unless the source requires it.
    #[default]
    Option,
    /// A singular message field is bare.
    Bare,
}

/// `extensions:` of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Extensions {
    /// They are no part of records, and dropped when received.
    #[default]
    Drop,
    /// They are fields of the message that they extend.
    Fields,
}

/// `unknownFields:` of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum UnknownFields {
    /// They are dropped when received.
    #[default]
    Drop,
    /// Every message has a field `unknown-fields: list<u8>` with them, encoded as they were received.
    Keep,
}

/// A parameter override: `{fixed: json}` or `{hide: true}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenOverride", into = "WrittenOverride")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ParameterOverride {
    /// Always sent with this value; no argument.
    Fixed(String),
    /// Never sent; no argument.
    Hide,
}

/// What becomes of a parameter.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
enum WrittenOverride {
    /// It is always sent with this value; functions have no argument for it.
    Fixed(String),
    /// It is never sent; functions have no argument for it.
    Hide(#[cfg_attr(feature = "schema", schemars(extend("const" = true)))] bool),
}

impl TryFrom<WrittenOverride> for ParameterOverride {
    type Error = &'static str;

    fn try_from(written: WrittenOverride) -> Result<Self, Self::Error> {
        match written {
            WrittenOverride::Fixed(value) => Ok(Self::Fixed(value)),
            WrittenOverride::Hide(true) => Ok(Self::Hide),
            WrittenOverride::Hide(false) => Err("`hide` can only be true; remove the entry to show the parameter"),
        }
    }
}

impl From<ParameterOverride> for WrittenOverride {
    fn from(parsed: ParameterOverride) -> Self {
        match parsed {
            ParameterOverride::Fixed(value) => Self::Fixed(value),
            ParameterOverride::Hide => Self::Hide(true),
        }
    }
}

/// How a further page is asked for. Names of members of the response's body are paths, `meta.next`; a member whose own name has dots,
/// as `@odata.nextLink`, is one step of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pagination {
    /// How pages follow one another.
    pub kind: PaginationKind,
    /// `url`, `cursor`: the member of the body that leads to the next page; they need it.
    #[serde(default)]
    pub next: Option<String>,
    /// `cursor`, `page`, `offset`: the parameter, or member of the request's body, that says which page is asked for; they need it.
    #[serde(default)]
    pub parameter: Option<String>,
    /// `page`, `offset`: what the parameter means where it is absent. Default: 1 for `page`, 0 for `offset`.
    #[serde(default)]
    pub first: Option<u32>,
    /// `page`, `offset`: the member of the body that lists the items. Absent: the body itself; `page` with `pages` counts none then.
    #[serde(default)]
    pub items: Option<String>,
    /// `page`: the member of the body that says how many pages there are.
    #[serde(default)]
    pub pages: Option<String>,
    /// `offset`: the parameter that says how many items a page has at most.
    #[serde(default)]
    pub limit: Option<String>,
}

impl Pagination {
    /// Of a kind, without anything that it needs.
    pub const fn of(kind: PaginationKind) -> Self {
        Self { kind, next: None, parameter: None, first: None, items: None, pages: None, limit: None }
    }
}

/// How pages follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PaginationKind {
    /// By the response's header `Link` with the relation `next` (RFC 8288).
    Link,
    /// By a URL in the body.
    Url,
    /// By a value in the body that is sent for the next page.
    Cursor,
    /// By the number of the page.
    Page,
    /// By the number of the first item.
    Offset,
}

/// `idempotency:` of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Idempotency {
    /// The header or metadata key.
    pub header: String,
    /// How the key is written.
    pub format: KeyFormat,
    /// How long the server remembers it, in seconds.
    #[serde(default)]
    pub window_seconds: Option<u64>,
    /// Operations, as in `operations` of the dependency.
    pub operations: Vec<String>,
}
