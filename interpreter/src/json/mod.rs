//! JSON text from values and back, by the wire map; no tree of JSON values in between.
//!
//! Writing is strict: what JSON cannot say is refused with its place. Reading is tolerant where the design says so: unknown
//! members are skipped, an undeclared null counts as absent, unknown enum values and union arms are kept where the type can.

mod codec;
mod compile;
mod literal;
mod number;
mod outline;
mod path;
mod read;
mod scan;
mod table;
mod union;
mod write;

pub(crate) use codec::{ArmCodec, Codec, Codecs, ObjectCodec};
pub(crate) use number::integer;
pub(crate) use outline::{Outline, outline};
pub(crate) use read::{ReadError, read, read_member};
pub(crate) use table::{Budget, Fault as TableFault, Nodes};
pub(crate) use write::{WriteError, Writer, escape};

/// How deep arrays and objects may be nested; deeper ones are refused, so that no text exhausts the stack.
pub(crate) const MAX_DEPTH: u32 = 128;
