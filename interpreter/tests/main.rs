//! The interpreter against independent oracles: one module per protocol, and third-party judges.

mod grpc;
mod http;
mod judge;
