//! The manifest `witwire.yaml` and what is made of it.
//!
//! [`Project`] is a manifest that was read; all its mistakes are told at once, each with its place. Its form is one JSON [`schema`],
//! derived from the types in [`model`]. [`bundle`] is the file that `witwire build` ends in and `witwire deploy` begins with.

pub mod build;
pub mod bundle;
pub mod model;
pub mod reference;
pub mod reflection;
pub mod remote;
pub mod schema;
pub mod template;

mod environment;
mod file;
mod lock;
mod mistake;
mod project;
mod specification;

pub use file::FileError;
pub use lock::LockPolicy;
pub use mistake::{Code, Mistake};
pub use project::{FILE, Project};
