//! What a guest says of one call (`calls: explicit`): checked, and put into the request.

use std::time::Duration;

use witwire_ir::host::call::{COMPRESSION, Compression, DEADLINE, ENTRIES, KEY, entries};
use witwire_ir::operation::http::Location;
use witwire_ir::{Api, AuthKind, AuthMode, Call, CallClass, Operation, Value};

use crate::http::header;
use crate::message::{MetadataText, Request};
use crate::validate::Report;

/// The settings of one call that are not part of its request. What is `None` is as the deployment says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallSettings {
    /// How long the call may take.
    pub deadline: Option<Duration>,
    /// How what is sent is compressed.
    pub compression: Option<Compression>,
    /// The idempotency key.
    pub key: Option<String>,
}

/// Headers that the transport sets, or that belong to one connection (RFC 9110, section 7.6.1).
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// The same for what only one protocol has.
const RESERVED_HTTP: &[&str] = &["accept", "accept-encoding", "content-encoding"];
const RESERVED_GRPC: &[&str] = &["user-agent"];
/// What the keys of gRPC's own metadata begin with ("gRPC over HTTP2", Custom-Metadata).
const RESERVED_PREFIX: &str = "grpc-";

impl CallSettings {
    /// The most headers or metadata that a call takes beside those of its API.
    pub const MAX_ENTRIES: usize = 256;
    /// The longest value of one, in bytes.
    pub const MAX_VALUE: usize = 16 << 10;
}

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 255;

/// The slots of the settings, where the guest gives any.
fn slots<'a>(api: &Api, operation: &Operation, args: &'a [Value]) -> Option<&'a [Value]> {
    match args.get(api.settings(operation)?)? {
        Value::Option(Some(settings)) => match &**settings {
            Value::Record(slots) => Some(slots),
            _ => None,
        },
        _ => None,
    }
}

/// See [`crate::Plan::settings`].
pub(crate) fn read(api: &Api, operation: &Operation, args: &[Value]) -> CallSettings {
    let Some(slots) = slots(api, operation, args) else { return CallSettings::default() };
    let inner = |slot: usize| match slots.get(slot) {
        Some(Value::Option(Some(value))) => Some(&**value),
        _ => None,
    };
    CallSettings {
        deadline: match inner(DEADLINE) {
            Some(Value::U64(milliseconds)) => Some(Duration::from_millis(*milliseconds)),
            _ => None,
        },
        compression: match inner(COMPRESSION) {
            Some(Value::Enum(case)) => Compression::ALL.get(*case as usize).copied(),
            _ => None,
        },
        key: match inner(KEY) {
            Some(Value::String(key)) => Some(key.to_string()),
            _ => None,
        },
    }
}

/// Names and values of headers or metadata, as the guest gave them.
fn given(slots: &[Value]) -> impl Iterator<Item = (&str, Given<'_>)> {
    let list = match slots.get(ENTRIES) {
        Some(Value::List(list)) => &list[..],
        _ => &[],
    };
    list.iter().filter_map(|entry| match entry {
        Value::Tuple(pair) => match &pair[..] {
            [Value::String(name), value] => Some((&**name, Given::of(value)?)),
            _ => None,
        },
        _ => None,
    })
}

#[derive(Clone, Copy)]
enum Given<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Given<'_> {
    const fn len(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl<'a> Given<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text)),
            Value::Bytes(bytes) => Some(Self::Bytes(bytes)),
            Value::Variant(_, Some(inner)) => Self::of(inner),
            _ => None,
        }
    }
}

/// Checks the settings of a call. No value is in a message: it may be a secret.
pub(crate) fn check(api: &Api, operation: &Operation, args: &[Value], report: &mut Report) {
    let (Some(position), Some(slots)) = (api.settings(operation), slots(api, operation, args)) else { return };
    report.within(operation.params[position].name.as_str(), |report| {
        report.within(entries(api.protocol), |report| {
            if given(slots).count() > CallSettings::MAX_ENTRIES {
                report.add("maxItems", format!("has more than {} entries", CallSettings::MAX_ENTRIES));
                return;
            }
            for (index, (name, value)) in given(slots).enumerate() {
                if let Err((rule, message)) = entry(api, operation, name, value) {
                    report.item(index, |report| report.add(rule, message));
                }
            }
        });
        let settings = read(api, operation, args);
        if settings.deadline == Some(Duration::ZERO) {
            report.within("deadline", |report| report.add("deadline", "is 0: give it at least 1 millisecond"));
        }
        if let Some(key) = settings.key {
            report.within("idempotency-key", |report| {
                if !matches!(operation.class, CallClass::Keyed(_)) {
                    report.add(
                        "idempotency-key",
                        "the operation carries no idempotency key: name its header with `idempotency:` in the manifest",
                    );
                } else if !is_key(&key) {
                    report.add(
                        "idempotency-key",
                        format!("is not 1 to {MAX_KEY} visible ASCII characters without spaces, quotes and backslashes"),
                    );
                }
            });
        }
    });
}

fn is_key(text: &str) -> bool {
    (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

/// Why a header or metadata may not be given: the rule, and what to do.
fn entry(api: &Api, operation: &Operation, name: &str, value: Given<'_>) -> Result<(), (&'static str, String)> {
    let lower = name.to_ascii_lowercase();
    let grpc = matches!(operation.call, Call::Grpc(_));
    if name.starts_with(':') {
        return Err(("reserved", format!("`{name}` belongs to HTTP/2 and cannot be given")));
    }
    if !is_name(&lower, grpc) {
        return Err(("name", "its name is none: letters, digits, `-`, `_` and `.`".to_owned()));
    }
    let own: &[&str] = if grpc { RESERVED_GRPC } else { RESERVED_HTTP };
    if grpc && lower.starts_with(RESERVED_PREFIX) || RESERVED.contains(&&*lower) || own.contains(&&*lower) {
        return Err(("reserved", format!("`{lower}` is set by the host and cannot be given")));
    }
    if api.auth_mode == AuthMode::Host && is_credential(api, &lower) {
        let what = format!(
            "`{lower}` is a credential, and the host gives those: configure it under `credentials`, or set `auth: guest`"
        );
        return Err(("credential", what));
    }
    if let CallClass::Keyed(header) = &operation.class
        && header.name.eq_ignore_ascii_case(&lower)
    {
        return Err(("declared", format!("`{lower}` carries the idempotency key: set that")));
    }
    if let Call::Http(call) = &operation.call
        && call.parameters.iter().any(|p| p.location == Location::Header && p.name.eq_ignore_ascii_case(&lower))
    {
        return Err(("declared", format!("`{lower}` is a parameter of the operation: give it as an argument")));
    }
    if name.len().max(value.len()) > CallSettings::MAX_VALUE {
        return Err(("maxLength", format!("is longer than {} bytes", CallSettings::MAX_VALUE)));
    }
    let binary = grpc && lower.ends_with("-bin");
    match value {
        Given::Bytes(_) if !binary => Err(("binary", format!("`{lower}` has bytes, so its key must end in `-bin`"))),
        Given::Text(_) if binary => Err(("binary", format!("`{lower}` ends in `-bin`, so its value must be bytes"))),
        Given::Text(text) if !header::is_value(text) => {
            Err(("value", format!("the value of `{lower}` is not printable ASCII without spaces around it")))
        }
        Given::Text(_) | Given::Bytes(_) => Ok(()),
    }
}

/// A token (RFC 9110, section 5.6.2); over gRPC only what keys of metadata may have.
fn is_name(name: &str, grpc: bool) -> bool {
    let in_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let in_key = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !name.is_empty() && name.bytes().all(|b| if grpc { in_key(b) } else { in_token(b) })
}

/// Whether the values of a header or of metadata are secrets.
fn is_credential(api: &Api, name: &str) -> bool {
    let declared = |kind: &AuthKind| matches!(kind, AuthKind::HeaderKey { name: key } if key.eq_ignore_ascii_case(name));
    matches!(name, "authorization" | "cookie" | "proxy-authorization") || api.schemes.iter().any(|(_, s)| declared(&s.kind))
}

/// Puts headers or metadata into a request.
pub(crate) fn apply(api: &Api, operation: &Operation, args: &[Value], request: &mut Request) {
    let Some(slots) = slots(api, operation, args) else { return };
    for (name, value) in given(slots) {
        let name = name.to_ascii_lowercase();
        let secret = is_credential(api, &name).then(|| name.clone());
        match (&mut *request, value) {
            (Request::Http(request), Given::Text(text)) => {
                request.secrets.headers.extend(secret);
                if name == "cookie" {
                    header::add_cookie(&mut request.headers, text);
                } else {
                    request.headers.push((name, text.to_owned()));
                }
            }
            (Request::Grpc(request), value) => {
                request.secrets.headers.extend(secret);
                let value = match value {
                    Given::Text(text) => MetadataText::Ascii(text.to_owned()),
                    Given::Bytes(bytes) => MetadataText::Binary(bytes.to_vec().into()),
                };
                request.metadata.push((name, value));
            }
            // `check` refuses it.
            (Request::Http(_), Given::Bytes(_)) => {}
        }
    }
}

/// Empties the credentials among the headers or metadata of a call; see [`crate::Plan::redact`].
pub(crate) fn empty_credentials(api: &Api, operation: &Operation, args: &mut [Value]) {
    let Some(Value::Option(Some(settings))) = api.settings(operation).and_then(|position| args.get_mut(position)) else {
        return;
    };
    let Value::Record(slots) = &mut **settings else { return };
    let Some(Value::List(list)) = slots.get_mut(ENTRIES) else { return };
    for entry in list {
        let Value::Tuple(pair) = entry else { continue };
        if let [Value::String(name), value] = &mut pair[..]
            && is_credential(api, &name.to_ascii_lowercase())
        {
            empty(value);
        }
    }
}

/// Takes the idempotency key out of the settings of a call.
pub(crate) fn take_key(api: &Api, operation: &Operation, args: &mut [Value]) {
    if let Some(Value::Option(Some(settings))) = api.settings(operation).and_then(|position| args.get_mut(position))
        && let Value::Record(slots) = &mut **settings
        && let Some(key) = slots.get_mut(KEY)
    {
        *key = Value::none();
    }
}

fn empty(value: &mut Value) {
    match value {
        Value::Variant(_, Some(inner)) => empty(inner),
        Value::Bytes(bytes) => *bytes = Box::default(),
        other => *other = Value::string(""),
    }
}
