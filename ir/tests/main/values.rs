//! Values as bytes.

use proptest::prelude::*;
use witwire_ir::Value;
use witwire_ir::container::{MAX_DEPTH, ValueError, value_from_bytes, value_to_bytes};

use crate::arbitrary;

proptest! {
    #[test]
    fn a_value_survives_its_bytes((_, _, value) in arbitrary::value()) {
        let bytes = value_to_bytes(&value);
        prop_assert_eq!(value_from_bytes(&bytes), Ok(value));
        for length in 0..bytes.len() {
            prop_assert!(value_from_bytes(&bytes[..length]).is_err());
        }
    }

    /// What is read is what would be written: one form per value, which digests rely on.
    #[test]
    fn only_one_form_is_read(mut bytes in any::<Vec<u8>>()) {
        bytes.insert(0, 1);
        if let Ok(value) = value_from_bytes(&bytes) {
            prop_assert_eq!(value_to_bytes(&value), bytes);
        }
    }

    #[test]
    fn forged_bytes_are_an_error_or_another_value(
        (_, _, value) in arbitrary::value(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = value_to_bytes(&value);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(value) = value_from_bytes(&bytes) {
            prop_assert_eq!(value_to_bytes(&value), bytes);
        }
    }
}

#[test]
fn each_trouble_has_its_error() {
    assert_eq!(value_from_bytes(&[]), Err(ValueError::Cut(0)));
    assert_eq!(value_from_bytes(&[2, 0]), Err(ValueError::Version(2)));
    assert_eq!(value_from_bytes(&[1, 200]), Err(ValueError::Tag { tag: 200, at: 1 }));
    assert_eq!(value_from_bytes(&[1, 0, 0]), Err(ValueError::Trailing(1)));
    // A list that claims 2³² − 1 items.
    assert_eq!(value_from_bytes(&[1, 15, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]), Err(ValueError::Cut(8)));
    assert_eq!(value_from_bytes(&[1, 13, 1, 0xff]), Err(ValueError::Invalid { what: "string", at: 1 }));
    assert_eq!(value_from_bytes(&[1, 12, 0, 0xd8, 0, 0]), Err(ValueError::Invalid { what: "char", at: 1 }));
    // Zero in two bytes.
    assert_eq!(value_from_bytes(&[1, 20, 0x80, 0]), Err(ValueError::Invalid { what: "number", at: 2 }));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| (0..depth).fold(Value::none(), |v, _| Value::some(v));
    assert_eq!(value_from_bytes(&value_to_bytes(&nested(MAX_DEPTH))), Ok(nested(MAX_DEPTH)));
    let deep = [vec![1], vec![23; 1_000_000]].concat();
    assert_eq!(value_from_bytes(&deep), Err(ValueError::TooDeep));
}
