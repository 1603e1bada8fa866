//! gRPC: protobuf bytes, statuses, failures.
