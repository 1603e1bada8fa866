//! Keeps components and runs their workers, behind a REST API.
//!
//! ```text
//! HTTP ─▶ guard ─▶ routes ─┬▶ Catalog ─▶ Registry (names, revisions, settings)
//!        (API key)         │     └─ Executor::load ─▶ Program
//!                          └▶ Workers ─▶ Worker (one invocation at a time) ─▶ oplog
//! ```
//!
//! A component has numbered revisions, which never change; a worker stays on the one it was created with. Whatever is refused is
//! answered as a [`Problem`] with a stable [`Code`].

mod auth;
mod catalog;
mod component;
mod document;
mod endpoint;
mod extract;
mod probe;
mod problem;
mod queue;
mod refusals;
mod registry;
mod routes;
mod server;
mod upload;
mod workers;

pub use auth::{ApiKey, ApiKeyError};
pub use probe::{DeployProbe, DeployStage};
pub use problem::{Code, Problem};
pub use registry::RegistryError;
pub use server::{BodyLimits, Server, ServerConfig, ServerError};

/// The API's own OpenAPI document, as it is served at `/v1/openapi.json`.
pub fn openapi() -> serde_json::Value {
    document::document(&routes::endpoints())
}
