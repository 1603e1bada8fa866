//! What is wrong with a manifest, or with what it leads to.

use std::fmt;

use serde::Serialize;
use witwire_frontends::Location;

/// One mistake. All of a manifest are told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The section of the book that explains it.
    pub code: Code,
    /// Where.
    pub location: Location,
    /// What is wrong.
    pub message: String,
    /// What is allowed, and what was probably meant.
    pub help: Option<String>,
}

impl Mistake {
    pub(crate) fn new(code: Code, location: Location, message: impl Into<String>) -> Self {
        Self { code, location, message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// `error[M003]: witwire.yaml:4:5 #/components: message` and, on a line of its own, the help.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}: {}", self.code, self.location, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// For programs: `{code, file, line, column, pointer, message, help}`.
impl Serialize for Mistake {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Mistake", 7)?;
        out.serialize_field("code", self.code.as_str())?;
        out.serialize_field("file", &self.location.file)?;
        out.serialize_field("line", &self.location.line)?;
        out.serialize_field("column", &self.location.column)?;
        out.serialize_field("pointer", &self.location.pointer)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal)*) => {
        /// The code of a mistake; `docs/src/errors.md` has a section for each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as printed: `M003`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// The manifest or the lock cannot be read.
    Unreadable = "M001"
    /// A key stands twice in one map.
    Twice = "M002"
    /// A key is not known here.
    UnknownKey = "M003"
    /// A value is of another kind: a text where a list is needed.
    WrongKind = "M004"
    /// A value is of the right kind and not allowed.
    BadValue = "M005"
    /// A key is missing.
    Missing = "M006"
    /// Two keys exclude each other.
    Excluded = "M007"
    /// A key belongs to dependencies of another type.
    OtherType = "M008"
    /// A component or dependency is named that does not exist.
    Undeclared = "M009"
    /// A file or folder does not exist.
    NoSuchPath = "M010"
    /// A setting names nothing in the specification.
    NamesNothing = "M012"
    /// The specification of a dependency is refused.
    SpecificationRefused = "M013"
    /// What a component calls has two WIT packages of one name.
    PackageTwice = "M014"
    /// Credentials are given for a scheme that the specification does not have.
    UnknownScheme = "M015"
    /// Two dependencies of a component have one name, or the files of two components.
    NameTwice = "M016"
    /// It is not known where an API is served.
    NoServer = "M017"
    /// Two components have one WIT folder.
    FolderTwice = "M018"
    /// A URL is not pinned in the lock, or the lock may not be changed.
    NotLocked = "M020"
    /// A URL cannot be fetched.
    NotFetched = "M021"
    /// What was fetched is not what the lock pins.
    Changed = "M022"
    /// A WIT file that was not generated stands where one is to be written.
    Foreign = "M030"
    /// The component's build command failed.
    CommandFailed = "M031"
    /// The build left no component.
    NoComponent = "M032"
    /// The component imports what its dependencies do not have.
    DoesNotLink = "M033"
    /// The component's WIT cannot be read, or has no such world.
    BadWorld = "M034"
    /// The settings of a dependency cannot be used.
    SettingsRefused = "M035"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
