//! Runs components in wasmtime and performs their calls, durably.
//!
//! ```text
//! Executor ── load ──▶ Program      a component, linked with its APIs (link, lift, host)
//!    │                    │
//!    └───── open ──▶ Worker ── invoke ──▶ Outcome
//!                         │
//!                      Session ── from the oplog, or ──▶ interpreter ──▶ Transport
//! ```

// A test fails by panicking.
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[doc(hidden)]
pub mod bare;
pub mod credentials;
pub mod egress;
pub mod oplog;
pub mod transport;

mod authorize;
mod callee;
mod calls;
mod engine;
mod executor;
mod host;
mod imported;
mod interrupt;
mod journal;
mod lift;
mod link;
mod probe;
mod program;
mod secret;
mod session;
mod settings;
mod stream;
mod wasi;
mod wave;
mod worker;

pub use engine::GuestLimits;
pub use executor::{Executor, ExecutorConfig};
pub use interrupt::Interrupter;
pub use link::{Difference, LinkError, LinkProblem};
pub use probe::{Probe, Window};
pub use program::{ApiFile, Dependency, LoadError, Program, WeakProgram};
pub use settings::SettingsError;
pub use wave::ArgumentError;
pub use worker::{Worker, WorkerError};
