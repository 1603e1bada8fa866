//! Bytes that no server should send: refused with place and reason, or harmless.

use proptest::prelude::*;
use prost::Message;
use witwire_ir::Value;
use witwire_ir::host::grpc::ErrorKind;

use super::generate::{Generator, seeds};
use super::lower::Lowered;
use super::merging::hex;
use super::{CLOSED, OPEN};

#[test]
fn malformed_bytes_are_refused_with_place_and_reason() {
    for (lowered, message, bytes, expected) in [
        // Cut in a tag, a varint, a length, a fixed value, a string.
        (&OPEN, "open.Scalars", "80", "at byte 0: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "18", "`an-int32` at byte 1: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "18 80", "`an-int32` at byte 1: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "72", "`a-string` at byte 1: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "72 02 61", "`a-string` at byte 2: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "72 ff ff ff ff ff ff ff ff ff 01", "`a-string` at byte 11: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "4d 01 02 03", "`a-fixed32` at byte 1: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "51 01 02 03 04 05 06 07", "`a-fixed64` at byte 1: the bytes end inside a value"),
        // Varints of more than ten bytes.
        (
            &OPEN,
            "open.Scalars",
            "18 80 80 80 80 80 80 80 80 80 80 01",
            "`an-int32` at byte 1: a varint is longer than ten bytes",
        ),
        // Tags.
        (&OPEN, "open.Scalars", "98 80 80 80 80 00 01", "at byte 0: a tag or a length is longer than five bytes"),
        (&OPEN, "open.Scalars", "72 80 80 80 80 80 00", "`a-string` at byte 1: a tag or a length is longer than five bytes"),
        (&OPEN, "open.Scalars", "00 01", "at byte 0: a field number is out of range"),
        (&OPEN, "open.Scalars", "80 80 80 80 10 01", "at byte 0: a field number is out of range"),
        (&OPEN, "open.Scalars", "1e", "at byte 0: an unknown wire type"),
        (&OPEN, "open.Scalars", "1f", "at byte 0: an unknown wire type"),
        // Groups.
        (&OPEN, "open.Scalars", "08 01 f4 01", "at byte 4: a group ends that was not started"),
        (&OPEN, "open.Scalars", "f3 01", "at byte 2: the bytes end inside a value"),
        (&OPEN, "open.Scalars", "f3 01 fc 01", "at byte 2: a group ends that was not started"),
        (&CLOSED, "closed.Groups", "0b 08 01", "`one` at byte 3: the bytes end inside a value"),
        (&CLOSED, "closed.Groups", "0b 14", "`one` at byte 1: a group ends that was not started"),
        (&CLOSED, "closed.Groups", "2b 08", "`nothing` at byte 2: the bytes end inside a value"),
        // UTF-8: in a field, a map's key, a wrapper, a mask, a oneof.
        (&OPEN, "open.Scalars", "72 03 61 c3 28", "`a-string` at byte 3: a string is not UTF-8"),
        (&OPEN, "open.Maps", "0a 03 0a 01 ff", "`texts[0]` at byte 4: a string is not UTF-8"),
        (&OPEN, "open.Wrapped", "42 03 0a 01 ff", "`a-string` at byte 4: a string is not UTF-8"),
        (&OPEN, "open.Messages", "4a 03 0a 01 ff", "`mask` at byte 4: a string is not UTF-8"),
        (&OPEN, "open.Choice", "12 01 ff", "`kind.text` at byte 2: a string is not UTF-8"),
        // A place is said in names, also deep.
        (
            &OPEN,
            "open.Messages",
            "0a 07 1a 05 1a 03 72 01 ff",
            "`inner.deep.scalars.a-string` at byte 8: a string is not UTF-8",
        ),
        (&OPEN, "open.Repeats", "8a 01 00 8a 01 03 12 01 ff", "`inners[1].name` at byte 8: a string is not UTF-8"),
        (&OPEN, "open.Choice", "1a 03 12 01 ff", "`kind.inner.name` at byte 4: a string is not UTF-8"),
        // What a later case replaces is read all the same.
        (&OPEN, "open.Choice", "1a 03 12 01 ff 40 02", "`kind.inner.name` at byte 4: a string is not UTF-8"),
        // A part that is longer than what it is in.
        (&OPEN, "open.Messages", "0a 02 12 05 78 00 78 00 78 00", "`inner.name` at byte 4: the bytes end inside a value"),
        (&OPEN, "open.Messages", "1a 01 08", "`nothing` at byte 3: the bytes end inside a value"),
        // Packed.
        (&OPEN, "open.Repeats", "0a 09 000000000000000000", "`doubles` at byte 11: a packed list ends inside an element"),
        (&OPEN, "open.Repeats", "4a 03 000000", "`fixed32s` at byte 5: a packed list ends inside an element"),
        (&OPEN, "open.Repeats", "1a 02 01 80", "`int32s` at byte 3: the bytes end inside a value"),
        // Required.
        (&CLOSED, "closed.Required", "", "`id` at byte 0: a required field is absent"),
        (&CLOSED, "closed.Required", "08 01 18 03 22 02 08 01", "`name` at byte 8: a required field is absent"),
        (&CLOSED, "closed.Required", "08 01 12 00 18 04 22 02 08 01", "`level` at byte 10: a required field is absent"),
        (&CLOSED, "closed.Required", "08 01 12 00 18 03", "`part` at byte 6: a required field is absent"),
        (&CLOSED, "closed.Required", "08 01 12 00 18 03 22 00", "`part.on` at byte 8: a required field is absent"),
        (
            &CLOSED,
            "closed.Required",
            "08 01 12 00 18 03 22 02 08 01 2a 00",
            "`other.on` at byte 12: a required field is absent",
        ),
        // Of a message without fields too.
        (&OPEN, "open.Nothing", "08", "at byte 1: the bytes end inside a value"),
    ] {
        let (kind, text) = lowered.decode(message, &hex(bytes)).expect_err(bytes);
        assert_eq!(kind, ErrorKind::InvalidResponse as u32, "{bytes}");
        assert_eq!(text, format!("the response of `test.Echo/{message}` cannot be read: {expected}"), "{bytes}");
    }
}

fn refusal(lowered: &Lowered, message: &str, bytes: &[u8]) -> Option<String> {
    lowered.decode(message, bytes).err().map(|(_, text)| text.rsplit(": ").next().unwrap_or_default().to_owned())
}

/// `levels` messages of a chain inside one another.
fn chain(levels: usize, group: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..levels {
        let mut outer = Vec::new();
        if group {
            // `next` is the field 1 of the group 2.
            outer.push(0x13);
            prost::encoding::bytes::encode(1, &bytes, &mut outer);
            outer.push(0x14);
        } else {
            prost::encoding::bytes::encode(1, &bytes, &mut outer);
        }
        bytes = outer;
    }
    bytes
}

#[test]
fn depth_is_limited() {
    let deep = Some("messages nest more than 100 deep".to_owned());
    assert_eq!(refusal(&CLOSED, "closed.Chain", &chain(100, false)), None);
    assert_eq!(refusal(&CLOSED, "closed.Chain", &chain(101, false)), deep);
    // Each level is a group and the message in it.
    assert_eq!(refusal(&CLOSED, "closed.Chain", &chain(50, true)), None);
    assert_eq!(refusal(&CLOSED, "closed.Chain", &chain(51, true)), deep);
    // Unknown groups count as well.
    let groups = |n: usize| [vec![0x7b; n], vec![0x7c; n]].concat();
    assert_eq!(refusal(&CLOSED, "closed.Chain", &groups(100)), None);
    assert_eq!(refusal(&CLOSED, "closed.Chain", &groups(101)), deep);
    assert_eq!(refusal(&CLOSED, "closed.Chain", &vec![0x7b; 1 << 20]), deep);
    assert_eq!(refusal(&CLOSED, "closed.Chain", &vec![0x13; 1 << 20]), deep);
}

#[test]
fn a_value_of_a_value_of_any_depth_is_not_asked_for() {
    let value = CLOSED.decode("closed.Chain", &chain(100, false)).expect("a hundred levels");
    assert_eq!(CLOSED.encode("closed.Chain", &value), Ok(chain(100, false)));
}

#[test]
fn few_bytes_do_not_make_a_huge_value() {
    // Six bytes for an item of 2 slots, 32 more and their boxes.
    let bytes: Vec<u8> = hex("0a 04 0a 00 12 00").repeat(100_000);
    assert_eq!(
        refusal(&OPEN, "open.Wide", &bytes),
        Some("the message stands for more data than its size allows".to_owned())
    );
    let bytes: Vec<u8> = hex("0a 04 0a 00 12 00").repeat(10_000);
    assert_eq!(refusal(&OPEN, "open.Wide", &bytes), None, "what fits the allowance is read");
    // Packed booleans are the densest honest message.
    let mut bytes = Vec::new();
    prost::encoding::bytes::encode(13, &vec![1; 4 << 20], &mut bytes);
    assert_eq!(refusal(&OPEN, "open.Repeats", &bytes), None);
}

#[test]
fn parts_are_merged_in_linear_time() {
    // A hundred thousand parts of one message, each with an item: seconds if each part were merged by copying.
    let bytes: Vec<u8> = hex("0a 02 20 01").repeat(100_000);
    let Ok(Value::Record(slots)) = OPEN.decode("open.Messages", &bytes) else { panic!("a record") };
    let Value::Option(Some(inner)) = &slots[0] else { panic!("a message") };
    let Value::Record(inner) = &**inner else { panic!("a record") };
    let Value::List(numbers) = &inner[3] else { panic!("a list") };
    assert_eq!(numbers.len(), 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any bytes: a value of the type or an error, and what is read can be written.
    #[test]
    fn no_bytes_break_the_decoder(bytes in proptest::collection::vec(any::<u8>(), 0..64), closed in any::<bool>()) {
        let lowered: &Lowered = if closed { &CLOSED } else { &OPEN };
        for message in lowered.messages() {
            survives(lowered, message.full_name(), &bytes)?;
        }
    }

    /// Messages with a few bytes changed, dropped or doubled come closer.
    #[test]
    fn no_damage_breaks_the_decoder(
        seed in seeds(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
        closed in any::<bool>(),
    ) {
        let lowered: &Lowered = if closed { &CLOSED } else { &OPEN };
        for message in lowered.messages() {
            let mut bytes = Generator::new(seed).message(&message, 4).encode_to_vec();
            for (place, byte, how) in &damage {
                if bytes.is_empty() {
                    break;
                }
                let at = place.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes[at] ^= 1 << (byte % 8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, *byte),
                }
            }
            survives(lowered, message.full_name(), &bytes)?;
        }
    }
}

fn survives(lowered: &Lowered, name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = lowered.decode(name, bytes) {
        let again = lowered.encode(name, &value).map_err(|e| TestCaseError::fail(format!("{name}: {e:?}")))?;
        let back = lowered.decode(name, &again).map_err(|e| TestCaseError::fail(format!("{name}: {e:?}")))?;
        prop_assert_eq!(lowered.encode(name, &back), Ok(again), "{}", name);
    }
    Ok(())
}
