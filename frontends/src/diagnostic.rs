//! What the frontends have to say about a specification.

use std::fmt;

use serde::{Deserialize, Serialize};
use witwire_ir::Api;

/// The result of compiling a specification: packages, and everything there is to say about them.
///
/// Where a diagnostic has [`Severity::Error`], `apis` is empty: the input is refused.
#[derive(Debug, Default)]
pub struct Compiled {
    /// One package per WIT package, in a fixed order.
    pub apis: Vec<Api>,
    /// Findings, ordered by file and position.
    pub diagnostics: Vec<Diagnostic>,
    /// Operations that were left out; each has a diagnostic too.
    pub skipped: Vec<Skipped>,
}

impl Compiled {
    /// Whether the input was refused.
    pub fn is_refused(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// An operation that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// `METHOD path` or the full gRPC method.
    pub source: String,
    /// Why.
    pub code: Code,
    /// Why, in words.
    pub message: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// The page of the book that explains it.
    pub code: Code,
    /// Where.
    pub location: Location,
    /// What is wrong, or what was done.
    pub message: String,
    /// What to do about it: the key or manifest line that changes it.
    pub help: Option<String>,
    /// The setting that is wrong, where it is one.
    pub setting: Option<Setting>,
}

/// A setting as the manifest writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key.
    pub key: SettingKey,
    /// The text below that key: a name in its list or map, or the value itself.
    pub text: String,
}

impl Setting {
    pub(crate) fn new(key: SettingKey, text: &str) -> Self {
        Self { key, text: text.to_owned() }
    }
}

/// The key of a setting that can be wrong for a specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettingKey {
    /// `any`: a list of messages.
    Any,
    /// `idempotency.operations`: a list of operations.
    Idempotency,
    /// `inDoubt`: a map by operation.
    InDoubt,
    /// `lenient`: a list of properties.
    Lenient,
    /// `operations`: a list of operations.
    Operations,
    /// `package`
    Package,
    /// `pagination`: a map by operation.
    Pagination,
    /// `parameters`: a map by parameter.
    Parameters,
    /// `rename`: a map by source.
    Rename,
    /// `stream`: a list of operations.
    Stream,
    /// `version`
    Version,
}

/// How much a diagnostic matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was decided that the reader may want to know.
    Note,
    /// Something was degraded, renamed or skipped; `--strict` makes it an error.
    Warning,
    /// The input is refused.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Location {
    /// The file as the user named it; empty where there is none.
    pub file: String,
    /// 1-based; 0 where unknown (binary sources).
    pub line: u32,
    /// 1-based; 0 where unknown.
    pub column: u32,
    /// A JSON pointer (`#/paths/~1todos/get`) or a full protobuf name; empty for the whole file.
    pub pointer: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        Ok(())
    }
}

/// `error[O101]: todo.yaml:12:3 #/paths/…: message` and, on a line of its own, the help.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.severity, self.code)?;
        if self.location != Location::default() {
            write!(f, "{}: ", self.location)?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal)*) => {
        /// The code of a finding; `docs/src/errors.md` has a section for each.
        ///
        /// `O…`: OpenAPI; `P…`: protobuf; `N…`: names, both frontends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as printed: `O101`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A source file cannot be read.
    FileUnreadable = "N001"
    /// Two names collided; one was changed.
    NameCollision = "N010"
    /// A name was cut to fit.
    NameCut = "N011"
    /// An override (`x-wit-name`, `rename:`) is not a WIT name or names nothing.
    BadRename = "N012"
    /// The version is not one that WIT can carry; another was derived.
    VersionDerived = "N020"
    /// A selection (`operations:`) names nothing.
    UnknownSelection = "N030"
    /// The text is not YAML or JSON.
    NotYaml = "O001"
    /// The document is not an OpenAPI document.
    NotOpenApi = "O002"
    /// The document is Swagger 2.0.
    Swagger2 = "O003"
    /// The document needs an OpenAPI version that is not supported.
    UnsupportedVersion = "O004"
    /// A budget against hostile documents is used up (nodes, depth, size).
    Budget = "O005"
    /// A key stands twice in one object.
    DuplicateKey = "O006"
    /// A reference leads nowhere, or not to what is expected there.
    BadReference = "O010"
    /// A value has not the kind that the specification asks for.
    WrongKind = "O011"
    /// Part of the document is not supported; the operation is skipped.
    Unsupported = "O020"
    /// A schema was degraded to `json`.
    Degraded = "O030"
    /// A keyword, pattern or format cannot be checked before sending.
    NotChecked = "O031"
    /// Something that the specification tells to ignore was ignored.
    Ignored = "O032"
    /// Declared pagination that cannot be followed.
    Pagination = "O033"
    /// A protobuf source is not valid.
    BadProto = "P001"
    /// An import was not found.
    ImportNotFound = "P002"
    /// A descriptor set cannot be used.
    BadDescriptorSet = "P003"
    /// The source needs an edition that the parser does not know.
    UnsupportedEdition = "P004"
    /// No service is declared in what was given.
    NoService = "P005"
    /// A method cannot be called; it is skipped.
    UnsupportedMethod = "P020"
    /// Part of a message is degraded or dropped.
    ProtoDegraded = "P030"
    /// A rule about values cannot be checked before sending.
    RulesNotChecked = "P031"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.as_str() == text);
        known.copied().ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no code of a finding")))
    }
}
