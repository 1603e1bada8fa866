//! Specifications in, [`witwire_ir::Api`] out.
//!
//! Two frontends, [`openapi`] and [`proto`], work in the same passes: load → resolve → lower types → lower operations → name →
//! check. Neither stops at the first mistake: every finding is a [`Diagnostic`] with file, line and pointer, and a single bad
//! operation is skipped with a diagnostic while the rest of the document compiles.
//!
//! I/O happens only in loading, through [`Files`], so that tests and fuzzers run on memory.

pub mod names;
pub mod openapi;
pub mod proto;
pub mod yaml;

mod diagnostic;
mod files;
mod options;

pub use diagnostic::{Code, Compiled, Diagnostic, Location, Setting, SettingKey, Severity, Skipped};
pub use files::{DiskFiles, FileError, Files, MemoryFiles, url_of};
pub use options::{
    Bodies, Calls, Extensions, Idempotency, Options, Pagination, PaginationKind, ParameterOverride, PresenceMode,
    UnknownFields,
};
