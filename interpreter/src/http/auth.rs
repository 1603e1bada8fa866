//! Credentials into requests, and out of what is recorded.

use witwire_ir::{Api, AuthRequirement, Operation, Value};

use crate::message::{Credential, CredentialError, Request};

/// See [`crate::Plan::authorize`].
pub(crate) fn authorize(
    _api: &Api,
    _auth: &AuthRequirement,
    _request: &mut Request,
    _find: &dyn Fn(&str) -> Option<Credential>,
) -> Result<(), CredentialError> {
    todo!()
}

/// See [`crate::Plan::redact`].
pub(crate) fn redact(_api: &Api, _operation: &Operation, _args: &[Value]) -> Vec<Value> {
    todo!()
}
