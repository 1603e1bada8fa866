//! The intermediate representation of witwire: what a WIT package looks like to a guest and how the host performs its functions.
//!
//! An [`Api`] is one WIT package. Its types live in one arena; each carries its WIT [`Shape`] and its [`wire::Wire`] map. The WIT
//! text is printed from the same data that the interpreter executes, so the two cannot disagree. A [`Value`] is positional:
//! names are in the types, once.
//!
//! An [`Api`] that passes [`Api::check`] can be printed ([`print_package`]), kept in a [`container`], cut down ([`Api::prune`]) and
//! spoken to in text ([`wave`]); [`sample`] makes example values.
//!
//! This crate knows no specification parser, no wasmtime and no I/O.

pub mod container;
pub mod host;
pub mod operation;
pub mod sample;
pub mod wave;
pub mod wire;

mod api;
mod auth;
mod check;
mod id;
mod invariants;
mod name;
mod print;
mod prune;
mod references;
mod types;
mod value;

pub use api::{Api, HostTypes, Interface, Protocol, Texts, World};
pub use auth::{AuthKind, AuthMode, AuthRequirement, AuthScheme};
pub use check::{Check, Format, Literal, Number, Part, Schema};
pub use id::{Arena, Id, InterfaceId, OperationId, SchemaId, SchemeId, TextId, TypeId};
pub use invariants::{Contradiction, MAX_INLINE, MAX_MEMBERS, Rule};
pub use name::{InvalidName, KEYWORDS, MAX_NAME, PackageName, WitName};
pub use operation::{Call, CallClass, InDoubt, KeyFormat, KeyHeader, Operation, Place};
pub use print::{PrintOptions, TypeRef, print_package, print_package_with};
pub use types::{
    CallMethod, CallPart, CallResource, Case, Field, Label, Method, Param, Resource, Shape, Step, Type, TypeName,
};
pub use value::{Mismatch, Value};
