//! What a deployed component is told: its name and revision, and how the APIs that it imports are called.
//!
//! The manifest says it, the server keeps it with a revision, the executor acts on it. The types here are what all three write and
//! read as JSON or YAML: keys in camelCase, unknown keys refused. No secret is among them, only [`Reference`]s to secrets; and no
//! error repeats a text that stands where a reference belongs.
//!
//! With the feature `schema` the types have JSON Schemas.

mod component;
mod connection;
mod credential;
mod metadata;
mod period;
mod reference;
mod retry;
mod server_url;
mod settings;
mod whole;

pub use component::{ComponentName, InvalidComponentName, Revision};
pub use connection::{Keepalive, Limits, Size};
pub use credential::{ClientAuthentication, ClientCertificate, ClientCredentials, Credential};
pub use metadata::{ComponentUpdate, NewComponent};
pub use period::{InvalidPeriod, Period};
pub use reference::{InvalidReference, Reference};
pub use retry::Retry;
pub use server_url::{InvalidServerUrl, ServerUrl};
pub use settings::{Compression, Forgotten, Record, Settings, SettingsError, Tls};
