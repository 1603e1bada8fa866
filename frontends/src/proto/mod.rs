//! Protobuf and gRPC.
