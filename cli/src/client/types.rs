//! What is sent to the server, and what it answers. The members are those of its document.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A component in the list, and as answered to an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComponentSummary {
    pub(crate) name: String,
    /// The newest, or the one that was made.
    pub(crate) revision: u32,
}

/// One revision of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ComponentDetails {
    pub(crate) name: String,
    pub(crate) revision: u32,
    /// The newest revision.
    pub(crate) current: u32,
    /// RFC 3339.
    pub(crate) deployed: String,
    /// The digest of the wasm bytes.
    pub(crate) component: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency of a revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dependency {
    /// The digest of the IR container.
    pub(crate) ir: String,
    /// `api:todos@1.0.0`
    pub(crate) packages: Vec<String>,
    /// How its functions are performed, as deployed.
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerDetails {
    pub(crate) name: String,
    /// `idle`, `running`, `suspended`, `failed`.
    pub(crate) status: String,
    /// Why it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Why it is suspended or failed, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) component: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u32>,
    /// How many entries its oplog has.
    pub(crate) entries: u64,
}

/// What creates a worker.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewWorker<'a> {
    pub(super) name: &'a str,
    pub(super) component: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<u32>,
}

/// What is invoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocation {
    /// `run`, or `a:b/c@1.0.0#run`.
    pub(crate) function: String,
    /// Each in WAVE.
    pub(crate) arguments: Vec<String>,
    /// The same key again returns the stored result.
    pub(crate) key: String,
}

/// An invocation that the server has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Started {
    pub(crate) key: String,
    /// `waiting`, `running`, `ended` and so on, in the server's words.
    pub(crate) status: String,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(crate) enum Ended {
    /// The function returned; its result in WAVE, if it has one.
    Returned { result: Option<String> },
    /// The component trapped.
    Trapped { message: String },
}

/// What a person says about a call in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    /// Send the call again.
    Retry,
    /// Tell the guest that nobody knows its outcome.
    OutcomeUnknown,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retry => "retry",
            Self::OutcomeUnknown => "outcome-unknown",
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resume {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<Decision>,
}

/// A part of an oplog.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    /// Where the next part begins; absent at the end.
    #[serde(default)]
    pub(super) next: Option<u64>,
}

/// An entry of an oplog, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) ordinal: u64,
    /// RFC 3339.
    pub(crate) at: String,
    pub(crate) event: String,
    /// The ordinal of the call that this entry belongs to.
    #[serde(default)]
    pub(crate) call: Option<u64>,
    #[serde(default)]
    pub(crate) function: Option<String>,
    #[serde(default)]
    pub(crate) class: Option<String>,
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// Values in WAVE.
    pub(crate) text: String,
}
