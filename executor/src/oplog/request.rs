//! Requests as the oplog sees them: without credentials, and as a digest.

use witwire_ir::Value;

use super::codec::{Writer, write_function, write_values};
use super::digest::{Digest, DigestKey, RequestDigest};
use super::entry::FunctionName;

/// The digest by which playback tells requests apart: of the function and its arguments without credentials (see `Plan::redact`), so
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
}
