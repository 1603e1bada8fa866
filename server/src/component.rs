//! What a component is to the server: a name, and numbered revisions that never change.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::oplog::{ComponentDigest, IrDigest, Timestamp};
use witwire_executor::transport::Endpoint;
use witwire_executor::{ApiFile, Dependency};

use crate::problem::{Code, Problem};

/// The longest [`ComponentName`].
const MAX_NAME: usize = 128;

/// A component's name: 1 to 128 ASCII letters, digits and `-_.:`, the first a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentName(String);

/// Why a text is not a [`ComponentName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a component's name: use 1 to {MAX_NAME} ASCII letters, digits, `-`, `_`, `.` and `:`, starting with a \
     letter or digit"
)]
pub struct InvalidComponentName(String);

impl ComponentName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ComponentName {
    type Err = InvalidComponentName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ComponentName {
    type Error = InvalidComponentName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let ok = text.len() <= MAX_NAME
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        if ok { Ok(Self(text)) } else { Err(InvalidComponentName(text)) }
    }
}

impl From<ComponentName> for String {
    fn from(name: ComponentName) -> Self {
        name.0
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a revision among its component's: 1, 2, 3, … without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(NonZeroU32);

impl Revision {
    /// A component's first revision.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// Wraps a number; `None` for 0.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The one after it. `None` after four billion.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a credential is found on the server's machine. Never the credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reference {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
}

/// Why a text is not a [`Reference`]. The text is not repeated: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential is named by reference: `env:VARIABLE` or `file:PATH`")]
pub struct InvalidReference;

/// `env:TODO_TOKEN`, `file:/run/secrets/todo`.
impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(InvalidReference),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// `{ "bearerAuth": { "env": "TODO_TOKEN" } }`. Read by hand, because serde's errors repeat what they refuse, and people write
/// secrets where references belong.
fn references<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Reference>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let refused = || D::Error::custom("`credentials` is like `{\"SCHEME\": {\"env\": \"VARIABLE\"}}`, or `file` and a path");
    let schemes = value.as_object().ok_or_else(refused)?;
    let reference = |(scheme, value): (&String, &Value)| {
        let object = value.as_object().filter(|object| object.len() == 1).ok_or_else(refused)?;
        let text = |key| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let reference = match (text("env"), text("file")) {
            (Some(name), _) => Reference::Env(name.to_owned()),
            (_, Some(path)) => Reference::File(path.into()),
            (None, None) => return Err(refused()),
        };
        Ok((scheme.clone(), reference))
    };
    schemes.iter().map(reference).collect()
}

/// How the functions of one IR container are performed. Its keys are those of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    /// `namespace:name` of a package that the container must hold: guards against containers in the wrong order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) package: Option<String>,
    /// Where the API is served; absent, at the first server that its document names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    /// Credentials that the host puts into requests, by scheme.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "references")]
    pub(crate) credentials: BTreeMap<String, Reference>,
}

impl Settings {
    /// The dependency that these settings make of a container.
    pub(crate) fn apply(&self, file: ApiFile) -> Result<Dependency, Problem> {
        if let Some(package) = &self.package {
            let names: Vec<String> =
                file.apis().iter().map(|a| format!("{}:{}", a.package.namespace, a.package.name)).collect();
            if !names.contains(package) {
                let detail = format!("the container holds {}, not `{package}`", names.join(", "));
                return Err(Problem::new(Code::Dependencies, detail));
            }
        }
        let server = self.server.as_deref().map(Endpoint::parse).transpose().map_err(|e| Problem::new(Code::Server, e))?;
        let mut credentials = Credentials::none();
        for (scheme, reference) in &self.credentials {
            credentials = credentials.with(
                scheme,
                match reference {
                    Reference::Env(name) => Source::Environment(name.clone()),
                    Reference::File(path) => Source::File(path.clone()),
                },
            );
        }
        Ok(Dependency { credentials, ..Dependency::new(file, server) })
    }
}

/// All that a revision is made of, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deployment {
    /// The component.
    pub(crate) wasm: ComponentDigest,
    /// Its dependencies, in the order in which they were given.
    pub(crate) dependencies: Vec<(IrDigest, Settings)>,
    /// When it was deployed.
    pub(crate) at: Timestamp,
}
