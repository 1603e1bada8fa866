//! The interpreter against independent oracles, one module per protocol.

mod grpc;
mod http;
