//! Protobuf's binary format: values to bytes and back, by plans compiled from the wire maps of the IR.
//!
//! Source: Protocol Buffers "Encoding"; where it leaves a choice, the behaviour that its conformance suite asks for.

mod compile;
mod decode;
mod encode;
mod error;
mod plan;
mod reader;
mod writer;

pub(crate) use compile::Compiler;
pub(crate) use decode::{keep_last, skim};
pub(crate) use error::DecodeError;
pub(crate) use plan::{Messages, Root};
pub(crate) use reader::{Reader, WireType};

/// How deep messages may nest, both ways: the limit of protobuf's own parsers.
pub(crate) const MAX_DEPTH: u32 = 100;

/// The longest message, both ways: protobuf's 2 GiB less one byte.
pub(crate) const MAX_MESSAGE: usize = i32::MAX as usize;
