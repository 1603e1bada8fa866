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
mod extract;
mod problem;
mod registry;
mod routes;
mod server;
mod upload;
mod workers;

pub use auth::{ApiKey, ApiKeyError};
pub use problem::{Code, Problem};
pub use registry::RegistryError;
pub use server::{BodyLimits, Server, ServerConfig, ServerError};
