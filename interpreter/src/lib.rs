//! Performs calls, sans I/O: values in, a request out; a response in, a value out.
//!
//! An [`Api`](witwire_ir::Api) is compiled once into a [`Plan`]. A call then walks the plan:
//!
//! ```text
//! arguments ─▶ Plan::check ─▶ Plan::request ─▶ (transport) ─▶ Plan::response ─▶ result<ok, error>
//! ```
//!
//! No sockets, clocks or storage: fuzzers and Miri can run it. No `serde_json::Value` and no `DynamicMessage` in a call.

pub mod fixture;
pub mod frames;

mod failure;
mod grpc;
mod http;
mod json;
mod message;
mod plan;
mod settings;
mod validate;

pub use failure::Failure;
pub use message::{
    Credential, CredentialError, GrpcRequest, GrpcResponse, GrpcStatus, HttpRequest, HttpResponse, Metadata, MetadataText,
    Request, Response, Secrets,
};
pub use plan::{Plan, PlanError};
pub use settings::CallSettings;
