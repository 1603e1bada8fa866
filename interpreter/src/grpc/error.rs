//! `record error` over gRPC.

use witwire_ir::Value;

use crate::failure::Failure;

/// The `result` value for a failure that the host found.
pub(crate) fn failure(_failure: Failure) -> Value {
    todo!()
}
