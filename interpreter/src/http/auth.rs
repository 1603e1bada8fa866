//! Credentials into requests.

mod send;

use witwire_ir::host::Violation;
use witwire_ir::{Api, AuthKind, AuthRequirement, AuthScheme, Operation, SchemeId, Value};

use super::place;
use crate::failure::Failure;
use crate::message::{Credential, CredentialError, Request};

/// See [`crate::Plan::authorize`].
///
/// A client certificate belongs to the channel: its scheme counts as found where `find` returns anything for it, and puts nothing
/// into the request.
pub(crate) fn authorize(
    api: &Api,
    auth: &AuthRequirement,
    request: &mut Request,
    find: &dyn Fn(&str) -> Option<Credential>,
) -> Result<(), CredentialError> {
    if auth.guest.is_some() || auth.alternatives.is_empty() {
        return Ok(());
    }
    for alternative in &auth.alternatives {
        let found: Option<Vec<_>> =
            alternative.iter().map(|id| &api.schemes[*id]).map(|s| find(&s.name).map(|c| (s, c))).collect();
        if let Some(found) = found {
            return found.iter().try_for_each(|(scheme, credential)| send::send(scheme, credential, request));
        }
    }
    if auth.optional { Ok(()) } else { Err(CredentialError::Missing { needed: in_words(api, &auth.alternatives) }) }
}

/// Puts the credentials that the guest passes into a request; does nothing where the host gives them.
///
/// # Errors
/// A violation at the credential's place, where it cannot be sent.
pub(crate) fn authorize_guest(
    api: &Api,
    operation: &Operation,
    request: &mut Request,
    args: &[Value],
) -> Result<(), Failure> {
    let refuse = |error: CredentialError| {
        let location = operation.auth.guest.as_ref().map(|p| place::location(api, &operation.params, p)).unwrap_or_default();
        Failure::InvalidRequest(vec![Violation {
            location,
            rule: "credential".to_owned(),
            message: format!("cannot be sent: {error}"),
        }])
    };
    guest_credentials(api, &operation.auth, args)
        .iter()
        .try_for_each(|(scheme, credential)| send::send(scheme, credential, request))
        .map_err(refuse)
}

/// The schemes and credentials in the guest's arguments.
fn guest_credentials<'a>(api: &'a Api, auth: &AuthRequirement, args: &[Value]) -> Vec<(&'a AuthScheme, Credential)> {
    let Some(value) = auth.guest.as_ref().and_then(|p| place::find(args, p)) else {
        return Vec::new();
    };
    let (alternative, value) = match (&auth.alternatives[..], value) {
        ([only], value) => (only, Some(value)),
        (several, Value::Variant(case, payload)) => match several.get(*case as usize) {
            Some(alternative) => (alternative, payload.as_deref()),
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let scheme = |id: &SchemeId| &api.schemes[*id];
    match (&alternative[..], value) {
        ([only], Some(value)) => credential(&scheme(only).kind, value).map(|c| (scheme(only), c)).into_iter().collect(),
        (several, Some(Value::Record(slots))) => several
            .iter()
            .map(scheme)
            .filter(|s| !s.kind.parts().is_empty())
            .zip(slots)
            .filter_map(|(s, value)| credential(&s.kind, value).map(|c| (s, c)))
            .collect(),
        _ => Vec::new(),
    }
}

/// The credential in a scheme's record.
fn credential(kind: &AuthKind, record: &Value) -> Option<Credential> {
    let Value::Record(slots) = record else { return None };
    match (kind, &slots[..]) {
        (AuthKind::Basic, [Value::String(username), Value::String(password)]) => {
            Some(Credential::Basic { username: username.to_string(), password: password.to_string() })
        }
        (AuthKind::HeaderKey { .. } | AuthKind::QueryKey { .. } | AuthKind::CookieKey { .. }, [Value::String(key)]) => {
            Some(Credential::Key(key.to_string()))
        }
        (AuthKind::Basic | AuthKind::MutualTls, _) => None,
        (_, [Value::String(token)]) => Some(Credential::Token(token.to_string())),
        _ => None,
    }
}

/// "`bearerAuth`, or `apiKey` and `appId`".
fn in_words(api: &Api, alternatives: &[Vec<SchemeId>]) -> String {
    let all = |alternative: &Vec<SchemeId>| {
        alternative.iter().map(|id| format!("`{}`", api.schemes[*id].name)).collect::<Vec<_>>().join(" and ")
    };
    alternatives.iter().map(all).collect::<Vec<_>>().join(", or ")
}
