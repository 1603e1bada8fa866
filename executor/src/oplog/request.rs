//! Requests as the oplog sees them: without credentials, and as a digest.

use witwire_ir::{Place, Value};

use super::codec::{Writer, write_function, write_values};
use super::digest::{Digest, DigestKey, RequestDigest};
use super::entry::FunctionName;

/// Removes the credentials that a guest passes: every text and byte list at the place becomes empty. What is left still has the
/// parameters' types, so that it can be shown; of the credentials it says only which alternative was used.
///
/// A place that the arguments do not have is no credential.
pub fn redact(arguments: &mut [Value], auth: &Place) {
    let Some(mut value) = arguments.get_mut(usize::from(auth.argument)) else { return };
    for slot in &auth.slots {
        while let Value::Option(Some(inner)) = value {
            value = inner;
        }
        let Value::Record(slots) = value else { return };
        let Some(inner) = slots.get_mut(usize::from(*slot)) else { return };
        value = inner;
    }
    empty(value);
}

fn empty(value: &mut Value) {
    match value {
        Value::String(text) => *text = "".into(),
        Value::Bytes(bytes) => *bytes = [].into(),
        Value::List(items) => *items = [].into(),
        Value::Record(values) | Value::Tuple(values) => values.iter_mut().for_each(empty),
        Value::Variant(_, Some(value)) | Value::Option(Some(value)) => empty(value),
        Value::Result(Ok(Some(value)) | Err(Some(value))) => empty(value),
        Value::Bool(bit) => *bit = false,
        Value::U8(n) => *n = 0,
        Value::U16(n) => *n = 0,
        Value::U32(n) => *n = 0,
        Value::U64(n) => *n = 0,
        Value::S8(n) => *n = 0,
        Value::S16(n) => *n = 0,
        Value::S32(n) => *n = 0,
        Value::S64(n) => *n = 0,
        Value::F32(n) => *n = 0.0,
        Value::F64(n) => *n = 0.0,
        Value::Char(c) => *c = '\0',
        Value::Variant(_, None)
        | Value::Option(None)
        | Value::Result(Ok(None) | Err(None))
        | Value::Enum(_)
        | Value::Flags(_)
        | Value::Handle(_) => {}
    }
}

/// The digest by which playback tells requests apart: of the function and its arguments without credentials (see [`redact`]), so
/// that a renewed token is no divergence. Two requests have the same digest exactly where they are the same bit by bit.
pub fn request_digest(key: &DigestKey, function: &FunctionName, arguments: &[Value]) -> RequestDigest {
    let mut request = Writer::default();
    write_function(&mut request, function);
    write_values(&mut request, arguments);
    RequestDigest(Digest::from_bytes(*blake3::keyed_hash(key.as_bytes(), &request.into_bytes()).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(key: u8, function: &FunctionName, arguments: &[Value]) -> RequestDigest {
        request_digest(&DigestKey::from_bytes([key; 32]), function, arguments)
    }

    #[test]
    fn a_request_s_digest_tells_key_function_and_every_value_apart() {
        let (f, g) = (FunctionName::of("a:b/c", "f"), FunctionName::world("f"));
        let values = [
            Value::U8(1),
            Value::S8(1),
            Value::U32(1),
            Value::Enum(1),
            Value::Flags(1),
            Value::Handle(1),
            Value::F64(0.0),
            Value::F64(-0.0),
            Value::string("a"),
            Value::Bytes(b"a".as_slice().into()),
            Value::none(),
            Value::some(Value::none()),
            Value::ok(None),
            Value::Result(Err(None)),
            Value::list([]),
            Value::record([]),
            Value::tuple([]),
            Value::list([Value::list([]), Value::list([])]),
            Value::list([Value::list([Value::list([])])]),
            Value::Variant(0, None),
            Value::case(0, Value::none()),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for value in &values {
            assert!(seen.insert(digest(1, &f, std::slice::from_ref(value))), "{value:?}");
        }
        assert!(seen.insert(digest(2, &f, &values[..1])));
        assert!(seen.insert(digest(1, &g, &values[..1])));
        assert!(seen.insert(digest(1, &f, &values[..2])));
        assert!(!seen.insert(digest(1, &f, &values[..1])));
    }

    #[test]
    fn credentials_are_emptied_and_nothing_else() {
        let request = |token: &str| {
            [
                Value::string("id"),
                Value::some(Value::record([
                    Value::some(Value::case(1, Value::record([Value::string(token), Value::string(token)]))),
                    Value::string("title"),
                ])),
            ]
        };
        let mut redacted = request("s3cret");
        redact(&mut redacted, &Place::slot(1, 0));
        assert_eq!(redacted, request(""));
        for nowhere in [Place::argument(2), Place::slot(0, 0), Place::slot(1, 7)] {
            let before = redacted.clone();
            redact(&mut redacted, &nowhere);
            assert_eq!(redacted, before);
        }
        let mut absent = [Value::none()];
        redact(&mut absent, &Place::slot(0, 0));
        assert_eq!(absent, [Value::none()]);
    }
}
