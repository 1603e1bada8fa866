//! What the binary format leaves to a reader: order, repetition, absence, other encodings of the same thing.
//!
//! Each case is bytes as fields in hex and the value that they stand for. The expectations follow "Encoding" of the protobuf
//! documentation; where the oracle agrees is said by `round_trip`.

use witwire_ir::Value;

use super::lower::Lowered;
use super::{CLOSED, OPEN};

/// Bytes from hex, blanks ignored.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("two hex digits"))
        .collect()
}

fn reads(lowered: &Lowered, message: &str, cases: &[(&str, &str)]) {
    for (bytes, expected) in cases {
        let value = lowered.decode(message, &hex(bytes)).unwrap_or_else(|e| panic!("{message} {bytes}: {e:?}"));
        assert_eq!(format!("{value:?}"), *expected, "{message} {bytes}");
    }
}

/// The slot of a field in a decoded message.
fn slot(lowered: &Lowered, message: &str, bytes: &str, slot: usize) -> String {
    match lowered.decode(message, &hex(bytes)).unwrap_or_else(|e| panic!("{message} {bytes}: {e:?}")) {
        Value::Record(slots) => format!("{:?}", slots[slot]),
        other => panic!("a record: {other:?}"),
    }
}

#[test]
fn scalars_are_replaced_and_truncated() {
    for (bytes, position, expected) in [
        // The last one wins.
        ("18 01 18 02", 2, "2s32"),
        // A negative int32 is sign-extended to ten bytes.
        ("18 ff ff ff ff ff ff ff ff ff 01", 2, "-1s32"),
        // A wider varint is cut to 32 bits.
        ("18 81 80 80 80 10", 2, "1s32"),
        ("28 81 80 80 80 10", 4, "1u32"),
        ("38 81 80 80 80 10", 6, "-1s32"),
        // A padded varint is the same number.
        ("20 85 80 80 00", 3, "5s64"),
        ("20 ff ff ff ff ff ff ff ff 7f", 3, "9223372036854775807s64"),
        ("30 ff ff ff ff ff ff ff ff ff 01", 5, "18446744073709551615u64"),
        // Bits above the 64th are dropped.
        ("30 81 80 80 80 80 80 80 80 80 02", 5, "1u64"),
        // Any number but zero is true.
        ("68 80 80 80 80 80 80 80 80 80 01", 12, "true"),
        ("68 02 68 00", 12, "false"),
        // Zigzag.
        ("38 01", 6, "-1s32"),
        ("40 ff ff ff ff ff ff ff ff ff 01", 7, "-9223372036854775808s64"),
        // An open enum: aliases are the first of their number, others are kept, wider numbers are cut to 32 bits.
        ("80 01 07", 15, "#1"),
        ("80 01 fd ff ff ff ff ff ff ff ff 01", 15, "#2"),
        ("80 01 05", 15, "#4(5s32)"),
        ("80 01 87 80 80 80 10", 15, "#1"),
        ("88 01 02", 16, "#2"),
        ("88 01 03", 16, "#3(3s32)"),
        // NaN keeps its bits, minus zero its sign.
        ("15 01 00 c0 7f", 1, "NaNf32"),
        ("09 00 00 00 00 00 00 00 80", 0, "-0.0f64"),
        // A field of another wire type is unknown.
        ("1d 01 00 00 00", 2, "0s32"),
        ("1a 01 05", 2, "0s32"),
        // A tag may be padded too.
        ("98 80 00 07", 2, "7s32"),
    ] {
        assert_eq!(slot(&OPEN, "open.Scalars", bytes, position), expected, "{bytes}");
    }
}

#[test]
fn floats_keep_every_bit() {
    for bits in [0x7ff8_0000_0000_0001_u64, 0xfff0_0000_0000_0001, 1, 1 << 63] {
        let mut bytes = vec![0x09];
        bytes.extend(bits.to_le_bytes());
        let value = OPEN.decode("open.Scalars", &bytes).expect("a double");
        assert_eq!(OPEN.encode("open.Scalars", &value), Ok(bytes));
    }
}

#[test]
fn lists_are_read_packed_and_not() {
    for (bytes, position, expected) in [
        ("1a 02 01 02 18 03 1a 00 1a 01 04", 2, "[1s32, 2s32, 3s32, 4s32]"),
        ("0a 10 00000000000000 00 000000000000f03f 09 000000000000f0bf", 0, "[0.0f64, 1.0f64, -1.0f64]"),
        ("6a 03 00 01 02 68 01", 12, "[false, true, true, true]"),
        ("82 01 03 00 07 05 80 01 07", 15, "[#0, #1, #4(5s32), #1]"),
        ("72 00 72 01 61", 13, "[\"\", \"a\"]"),
    ] {
        assert_eq!(slot(&OPEN, "open.Repeats", bytes, position), expected, "{bytes}");
    }
    assert_eq!(slot(&OPEN, "open.Unpacked", "12 04 01000000 15 02000000", 1), "[1u32, 2u32]");
}

#[test]
fn messages_are_merged() {
    reads(
        &OPEN,
        "open.Messages",
        &[
            // Three parts of `inner`; the second has only unknown fields, between them another message.
            (
                "0a 06 08 01 12 02 61 62 0a 02 78 01 12 03 0a 01 63 0a 08 08 02 1a 02 10 01 20 07 0a 02 20 08",
                "{some({2s32, \"ab\", some({\"\", some(true), none}), [7s32, 8s32], []}), some({\"c\", none, none}), false, 0u32, \
                 false, none, none, none, none, [], []}",
            ),
            // Messages without fields: unknown ones are looked at and dropped.
            ("1a 00 22 02 08 01 22 00 2a 02 08 05", "{none, none, true, 2u32, true, none, none, none, none, [], []}"),
            // A field mask in two parts; masks in a list are not joined.
            (
                "4a 03 0a 01 61 4a 03 0a 01 62 52 03 0a 01 63 52 00",
                "{none, none, false, 0u32, false, none, none, none, some([\"a\", \"b\"]), [[\"c\"], []], []}",
            ),
        ],
    );
    reads(
        &OPEN,
        "open.Wrapped",
        &[(
            // Present and zero; then a part that does not say the value.
            "1a 00 2a 02 08 05 2a 00 52 00 52 03 0a 01 61",
            "{none, none, some(0s64), none, some(5s32), none, none, none, none, [\"\", \"a\"]}",
        )],
    );
}

#[test]
fn of_a_oneof_the_last_case_stays() {
    let choice = |bytes: &str| slot(&OPEN, "open.Choice", bytes, 1);
    for (bytes, expected) in [
        ("12 01 61 20 07", "some(#2(#1))"),
        // The same message case: merged.
        ("1a 02 08 01 1a 03 12 01 61", "some(#1({1s32, \"a\", none, [], []}))"),
        // Another case between: only what follows it counts.
        ("1a 02 08 01 12 01 78 1a 03 12 01 61", "some(#1({0s32, \"a\", none, [], []}))"),
        ("1a 02 08 01 4a 03 0a 01 78 1a 03 12 01 61", "some(#1({0s32, \"a\", none, [], []}))"),
        ("4a 03 0a 01 78 1a 02 08 01 4a 02 10 01", "some(#7({\"\", some(true), none}))"),
        // A message, then a scalar: the scalar.
        ("1a 02 08 01 40 02", "some(#6(1s32))"),
        ("1a 02 08 01 2a 00", "some(#3)"),
        // Zero values are set.
        ("12 00", "some(#0(\"\"))"),
        ("32 00", "some(#4(0s64))"),
        ("32 02 08 07 32 00", "some(#4(7s64))"),
        ("32 02 08 07 12 00 32 00", "some(#4(0s64))"),
        ("3a 03 0a 01 61 3a 03 0a 01 62", "some(#5([\"a\", \"b\"]))"),
        ("82 19 01 ff", "some(#8(bytes[255]))"),
        // A case of another wire type is unknown and changes nothing.
        ("12 01 61 18 01", "some(#0(\"a\"))"),
    ] {
        assert_eq!(choice(bytes), expected, "{bytes}");
    }
}

#[test]
fn of_equal_keys_the_last_entry_stays() {
    for (bytes, position, expected) in [
        ("0a 06 0a 01 61 12 01 78 0a 06 0a 01 62 12 01 79 0a 06 0a 01 61 12 01 7a", 0, "[(\"a\", \"z\"), (\"b\", \"y\")]"),
        // A missing key or value is the default; the order in an entry is free.
        ("0a 00", 0, "[(\"\", \"\")]"),
        ("0a 06 12 01 78 0a 01 61", 0, "[(\"a\", \"x\")]"),
        ("0a 03 12 01 78 0a 03 0a 01 61", 0, "[(\"\", \"x\"), (\"a\", \"\")]"),
        // In an entry the last key and value count; a message's parts are merged.
        ("0a 0c 0a 01 61 0a 01 62 12 01 78 12 01 79", 0, "[(\"b\", \"y\")]"),
        ("42 0e 0d 05 00 00 00 12 02 08 01 12 03 12 01 61", 7, "[(5u32, {1s32, \"a\", none, [], []})]"),
        ("42 05 0d 05 00 00 00", 7, "[(5u32, {0s32, \"\", none, [], []})]"),
        // Unknown fields of an entry are dropped.
        ("12 04 08 03 18 01", 1, "[(3s32, 0.0f64)]"),
        ("3a 04 08 01 10 63", 6, "[(-1s64, #4(99s32))]"),
        ("4a 0b 09 0100000000000000 12 00", 8, "[(1u64, 0s32)]"),
        ("5a 0b 09 0100000000000000 12 00 5a 09 09 0100000000000000", 10, "[1s64]"),
    ] {
        assert_eq!(slot(&OPEN, "open.Maps", bytes, position), expected, "{bytes}");
    }
}

#[test]
fn unknown_fields_are_skipped() {
    for bytes in [
        "",
        "f0 01 96 01",
        "f1 01 0102030405060708",
        "f2 01 03 616263",
        "f5 01 01020304",
        // Groups, also inside one another.
        "f3 01 f4 01",
        "f3 01 08 01 13 08 01 14 1a 01 ff f4 01",
    ] {
        assert_eq!(slot(&OPEN, "open.Scalars", &format!("{bytes} 18 07"), 2), "7s32", "{bytes}");
        assert_eq!(OPEN.decode("open.Nothing", &hex(bytes)), Ok(Value::Bool(true)), "{bytes}");
    }
}

#[test]
fn far_field_numbers() {
    reads(
        &OPEN,
        "open.Sparse",
        &[(
            "08 01 c2 3e 01 61 ba a3 09 02 08 05 f8 ff ff ff 0f 01",
            "{1s32, \"a\", some({5s32, \"\", none, [], []}), true}",
        )],
    );
}

#[test]
fn closed_enums_drop_what_they_do_not_know() {
    reads(
        &CLOSED,
        "closed.Enums",
        &[
            ("08 03", "{some(#0), [], [], [], none}"),
            ("08 04", "{none, [], [], [], none}"),
            ("08 05 08 04", "{some(#1), [], [], [], none}"),
            ("10 03 10 04 10 ff ff ff ff ff ff ff ff ff 01 12 02 04 05", "{none, [#0, #2, #1], [], [], none}"),
            ("1a 03 03 04 05 18 03", "{none, [], [#0, #1, #0], [], none}"),
            // An entry with an unknown value is dropped whole; without a value it has the first one.
            ("22 05 0a 01 61 10 04 22 05 0a 01 62 10 05 22 03 0a 01 63", "{none, [], [], [(\"b\", #1), (\"c\", #0)], none}"),
            // An unknown number does not choose the case.
            ("32 01 61 28 04", "{none, [], [], [], some(#1(\"a\"))}"),
            ("32 01 61 28 05", "{none, [], [], [], some(#0(#1))}"),
        ],
    );
}

#[test]
fn groups_are_messages() {
    reads(
        &CLOSED,
        "closed.Groups",
        &[
            (
                "0b 08 01 12 01 61 1b 08 01 1c 0c",
                "{some({some(1s32), [\"a\"], some({some(true)})}), [], none, false, none, 0u32}",
            ),
            // Parts are merged.
            ("0b 08 01 0c 38 07 0b 12 01 61 0c", "{some({some(1s32), [\"a\"], none}), [], none, false, some(7s32), 0u32}"),
            ("13 08 01 14 13 14", "{none, [{some(1u64)}, {none}], none, false, none, 0u32}"),
            ("1b 0a 01 61 1c 1b 1c", "{none, [], some(#0({some(\"a\")})), false, none, 0u32}"),
            ("1b 0a 01 61 1c 20 05", "{none, [], some(#1(5s32)), false, none, 0u32}"),
            ("2b 08 01 2c c3 25 c4 25 c3 25 c4 25", "{none, [], none, true, none, 2u32}"),
            // Length-delimited, the field is another one.
            ("0a 02 08 01", "{none, [], none, false, none, 0u32}"),
        ],
    );
}
