//! `record error` over HTTP.

use witwire_ir::{Api, Value};

use crate::failure::Failure;

/// The `result` value for a failure that the host found.
pub(crate) fn failure(_api: &Api, _failure: Failure) -> Value {
    todo!()
}
