#![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

use std::fmt::Write as _;

use proptest::prelude::*;
use witwire_ir::Value;

use super::super::digest::hex;
use super::*;

/// An entry of each kind at least, with every kind of value.
fn samples() -> Vec<Entry> {
    let values = vec![
        Value::Bool(true),
        Value::U8(200),
        Value::U16(60_000),
        Value::U32(4_000_000_000),
        Value::U64(u64::MAX),
        Value::S8(-100),
        Value::S16(-30_000),
        Value::S32(i32::MIN),
        Value::S64(i64::MIN),
        Value::F32(-0.0),
        Value::F64(f64::NAN),
        Value::Char('ß'),
        Value::string("tëxt"),
        Value::Bytes([0, 255].into()),
        Value::list([Value::U8(1), Value::U8(2)]),
        Value::record([Value::string(""), Value::none()]),
        Value::tuple([Value::Bool(false)]),
        Value::Variant(3, None),
        Value::case(300, Value::Char('x')),
        Value::Enum(1),
        Value::Flags(0b101),
        Value::some(Value::some(Value::none())),
        Value::ok(None),
        Value::Result(Err(None)),
        Value::Handle(9),
    ];
    let digest = |text: &str| Digest::of(text.as_bytes());
    let key = |text: &str| IdempotencyKey::new(text).unwrap();
    let started = |request, class, key| Started {
        function: FunctionName::of("core:todo/todo-service@1.0.0", "todo-add"),
        ir: IrDigest(digest("ir")),
        digest: RequestDigest(digest("request")),
        request,
        class,
        key,
    };
    let stepped = |step, request, response, ended| Stepped {
        stream: Ordinal::new(200),
        sequence: 130,
        step,
        digest: RequestDigest(digest("step")),
        request,
        response,
        ended,
        beside: None,
    };
    let metadata = Value::list([Value::tuple([Value::string("x-a"), Value::case(0, Value::string("b"))])]);
    let beside = Value::record([metadata, Value::list([]), Value::U32(2)]);
    let events: Vec<Event> = vec![
        Invoked {
            invocation: 0,
            key: key("order-1"),
            function: FunctionName::world("run"),
            arguments: vec![Wave::new("\"x\""), Wave::new("{a: 1}")],
            component: ComponentDigest(digest("component")),
            irs: vec![IrDigest(digest("one")), IrDigest(digest("two"))],
        }
        .into(),
        started(Recorded::Typed(values.clone()), Class::Safe, None).into(),
        started(Recorded::Digest, Class::Idempotent, None).into(),
        started(Recorded::Digest, Class::Keyed, Some(key("k"))).into(),
        started(Recorded::Digest, Class::Unsafe, None).into(),
        Finished { call: Ordinal::new(300), response: Value::err(Value::tuple(values)), beside: None }.into(),
        ClockReading::Wall { seconds: 1_700_000_000, nanoseconds: 999_999_999 }.into(),
        ClockReading::Monotonic(u64::MAX).into(),
        RandomBytes([1, 2, 3].into()).into(),
        Completed { invocation: 1, outcome: Outcome::Returned(None) }.into(),
        Completed { invocation: 2, outcome: Outcome::Returned(Some(Wave::new("42"))) }.into(),
        Completed { invocation: 3, outcome: Outcome::Trapped("unreachable".into()) }.into(),
        stepped(Step::Next, Recorded::Typed(Vec::new()), Some(Value::ok(Some(Value::none()))), true).into(),
        stepped(Step::NextBatch, Recorded::Typed(vec![Value::U32(7)]), Some(Value::ok(None)), false).into(),
        stepped(Step::Send, Recorded::Digest, Some(Value::ok(None)), false).into(),
        stepped(Step::Finish, Recorded::Typed(Vec::new()), Some(Value::err(Value::U8(1))), true).into(),
        stepped(Step::CloseSend, Recorded::Typed(Vec::new()), Some(Value::ok(None)), false).into(),
        stepped(Step::Cancel, Recorded::Typed(Vec::new()), None, true).into(),
        Finished { call: Ordinal::new(301), response: Value::ok(None), beside: Some(beside.clone()) }.into(),
        Stepped { beside: Some(beside), ..stepped(Step::Next, Recorded::Digest, Some(Value::ok(None)), false) }.into(),
    ];
    (1_600_000_000_000..).zip(events).map(|(at, event)| Entry { at: Timestamp::from_millis(at), event }).collect()
}

fn seal(rest: &[u8]) -> Vec<u8> {
    let mut bytes = blake3::hash(rest).as_bytes()[..CHECKSUM].to_vec();
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn entries_come_back() {
    for entry in samples() {
        assert_eq!(decode(&encode(&entry)), Ok(entry));
    }
}

/// Stored entries are read for ever: this file never changes but by new lines for new kinds.
#[test]
fn the_format_stays() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oplog/entries.txt");
    let text = samples().iter().fold(String::new(), |mut text, entry| {
        let _ = writeln!(text, "{} {}", entry.event.name(), hex(&encode(entry)));
        text
    });
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[test]
fn a_single_changed_bit_or_a_cut_is_noticed() {
    for entry in samples() {
        let bytes = encode(&entry);
        for i in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[i / 8] ^= 1 << (i % 8);
            assert_eq!(decode(&changed), Err(DecodeError::Checksum), "bit {i} of {entry:?}");
        }
        for len in 0..bytes.len() {
            assert_eq!(decode(&bytes[..len]), Err(DecodeError::Checksum), "{len} bytes of {entry:?}");
        }
    }
}

#[test]
fn a_newer_entry_is_told_from_damage() {
    let mut rest = encode(&samples()[0])[CHECKSUM..].to_vec();
    rest[0] = VERSION + 1;
    assert_eq!(decode(&seal(&rest)), Err(DecodeError::Newer { found: VERSION + 1, known: VERSION }));
}

#[test]
fn what_follows_an_entry_is_refused() {
    let mut rest = encode(&samples()[0])[CHECKSUM..].to_vec();
    rest.push(0);
    assert_eq!(decode(&seal(&rest)), Err(DecodeError::Meaning("something follows it")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whole but meaningless bytes: an error or an entry that means the same, never a panic.
    #[test]
    fn sealed_nonsense_is_no_panic(sample in 0..samples().len(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut rest = encode(&samples()[sample])[CHECKSUM..].to_vec();
        for (at, byte) in changes {
            let at = at.index(rest.len());
            rest[at] = byte;
        }
        if let Ok(entry) = decode(&seal(&rest)) {
            prop_assert_eq!(decode(&encode(&entry)), Ok(entry));
        }
    }
}
