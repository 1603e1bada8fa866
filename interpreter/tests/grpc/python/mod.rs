//! Protobuf's own Python runtime and protoc as the judge: another implementation, in another language, over the same sources.

mod conformance;
mod process;
mod sources;
mod tree;
mod trips;
