//! Runs components in wasmtime and performs their calls, durably.

pub mod credentials;
pub mod egress;
pub mod oplog;
pub mod transport;
