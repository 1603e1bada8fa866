//! Why a component cannot be linked.

use std::fmt;

/// All reasons why a component cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkError {
    /// In the order of the component's imports; never empty.
    pub problems: Vec<LinkProblem>,
}

impl std::error::Error for LinkError {}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.problems {
            [problem] => write!(f, "the component cannot be linked: {problem}"),
            problems => {
                write!(f, "the component cannot be linked, for {} reasons:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

/// One reason why a component cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkProblem {
    /// No loaded API has the interface.
    #[error("no API for the import `{import}`: {}", loaded(available))]
    NoApi {
        /// The import's name.
        import: String,
        /// The interfaces of the loaded APIs.
        available: Vec<String>,
    },
    /// The interface is there, in a version that does not link.
    #[error("the import `{import}` links with no loaded version: there is {}; change the version of one of them", available.join(", "))]
    OtherVersion {
        /// The import's name.
        import: String,
        /// The interface in other versions.
        available: Vec<String>,
    },
    /// Two loaded APIs have the interface.
    #[error("the import `{import}` is ambiguous: {count} loaded APIs have it; load each API once")]
    Ambiguous {
        /// The import's name.
        import: String,
        /// How many there are.
        count: usize,
    },
    /// The interface lacks the function.
    #[error("`{interface}` has no function `{function}`: regenerate the WIT with `witwire wit`, or select the operation")]
    NoFunction {
        /// The interface as the component names it.
        interface: String,
        /// The function.
        function: String,
    },
    /// The interface lacks the resource.
    #[error("`{interface}` has no resource `{resource}`: regenerate the WIT with `witwire wit`")]
    NoResource {
        /// The interface as the component names it.
        interface: String,
        /// The resource.
        resource: String,
    },
    /// The function is another one than the API's.
    #[error("`{interface}#{function}`: {difference}: regenerate the WIT with `witwire wit`")]
    Mismatch {
        /// The interface as the component names it.
        interface: String,
        /// The function.
        function: String,
        /// Where, and what.
        difference: Difference,
    },
    /// The function is imported as `async func`.
    #[error(
        "`{interface}#{function}` is imported as `async func`, the API has `func`: regenerate the WIT with `witwire wit`"
    )]
    Async {
        /// The interface as the component names it.
        interface: String,
        /// The function.
        function: String,
    },
    /// The import is none that a host of APIs can give.
    #[error("the import `{import}` is {what}; only interfaces of APIs and of WASI 0.2 are linked")]
    Unsupported {
        /// The import's name.
        import: String,
        /// What it is.
        what: &'static str,
    },
    /// wasmtime refuses for a reason of its own.
    #[error("{0}")]
    Wasmtime(String),
}

fn loaded(interfaces: &[String]) -> String {
    if interfaces.is_empty() {
        return "no API is loaded; give it with `--api`, or as a dependency in the manifest".to_owned();
    }
    format!("there is {}; add its API with `--api`, or as a dependency in the manifest", interfaces.join(", "))
}

/// Where two types differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Steps from the function: ``parameter `request` field `limit` ``; empty for the parameter list itself.
    pub path: String,
    /// What the component has.
    pub component: String,
    /// What the API has.
    pub api: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "component has {}, API has {}", self.component, self.api)
    }
}
