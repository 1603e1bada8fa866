//! Requests as the oplog sees them: without credentials, and as a digest.

use witwire_ir::{Place, Value};

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
    let mut hash = Hash(blake3::Hasher::new_keyed(key.as_bytes()));
    match &function.interface {
        None => hash.tag(0),
        Some(interface) => {
            hash.tag(1);
            hash.bytes(interface.as_bytes());
        }
    }
    hash.bytes(function.function.as_bytes());
    hash.values(arguments);
    RequestDigest(Digest::from_bytes(*hash.0.finalize().as_bytes()))
}

/// Feeds values to BLAKE3 in a prefix-free form: a tag, then a payload of known length. Stored digests depend on it, so the tags
/// never change.
struct Hash(blake3::Hasher);

impl Hash {
    fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    fn scalar<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        self.tag(tag);
        self.0.update(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn values(&mut self, values: &[Value]) {
        self.0.update(&(values.len() as u64).to_le_bytes());
        for value in values {
            self.value(value);
        }
    }

    fn payload(&mut self, value: Option<&Value>) {
        match value {
            None => self.tag(0),
            Some(value) => {
                self.tag(1);
                self.value(value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Bool(bit) => self.scalar(1, [u8::from(*bit)]),
            Value::U8(n) => self.scalar(2, n.to_le_bytes()),
            Value::U16(n) => self.scalar(3, n.to_le_bytes()),
            Value::U32(n) => self.scalar(4, n.to_le_bytes()),
            Value::U64(n) => self.scalar(5, n.to_le_bytes()),
            Value::S8(n) => self.scalar(6, n.to_le_bytes()),
            Value::S16(n) => self.scalar(7, n.to_le_bytes()),
            Value::S32(n) => self.scalar(8, n.to_le_bytes()),
            Value::S64(n) => self.scalar(9, n.to_le_bytes()),
            Value::F32(n) => self.scalar(10, n.to_bits().to_le_bytes()),
            Value::F64(n) => self.scalar(11, n.to_bits().to_le_bytes()),
            Value::Char(c) => self.scalar(12, u32::from(*c).to_le_bytes()),
            Value::String(text) => {
                self.tag(13);
                self.bytes(text.as_bytes());
            }
            Value::Bytes(bytes) => {
                self.tag(14);
                self.bytes(bytes);
            }
            Value::List(items) => {
                self.tag(15);
                self.values(items);
            }
            Value::Record(slots) => {
                self.tag(16);
                self.values(slots);
            }
            Value::Tuple(items) => {
                self.tag(17);
                self.values(items);
            }
            Value::Variant(case, payload) => {
                self.scalar(18, case.to_le_bytes());
                self.payload(payload.as_deref());
            }
            Value::Enum(case) => self.scalar(19, case.to_le_bytes()),
            Value::Flags(bits) => self.scalar(20, bits.to_le_bytes()),
            Value::Option(value) => {
                self.tag(21);
                self.payload(value.as_deref());
            }
            Value::Result(Ok(value)) => {
                self.tag(22);
                self.payload(value.as_deref());
            }
            Value::Result(Err(value)) => {
                self.tag(23);
                self.payload(value.as_deref());
            }
            Value::Handle(handle) => self.scalar(24, handle.to_le_bytes()),
        }
    }
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
