#![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

use witwire_ir::Value;

use super::super::digest::{ComponentDigest, Digest};
use super::super::entry::{Class, Recorded, Wave};
use super::super::id::IdempotencyKey;
use super::*;

const NANOS: u64 = 7;

fn function(name: &str) -> FunctionName {
    FunctionName::of("a:b/c@1.0.0", name)
}

fn ir(name: &str) -> IrDigest {
    IrDigest(Digest::of(name.as_bytes()))
}

fn digest(request: &str) -> RequestDigest {
    RequestDigest(Digest::of(request.as_bytes()))
}

fn invoked(invocation: u64) -> Event {
    Event::Invoked(Invoked {
        invocation,
        key: IdempotencyKey::new(format!("k{invocation}")).unwrap(),
        function: FunctionName::world("run"),
        arguments: vec![Wave::new("1")],
        component: ComponentDigest(Digest::of(b"wasm")),
        irs: vec![ir("one")],
    })
}

fn started(name: &str, request: &str) -> Event {
    Event::Started(Started {
        function: function(name),
        ir: ir("one"),
        digest: digest(request),
        request: Recorded::Digest,
        class: Class::Unsafe,
        key: None,
    })
}

fn finished(call: u64, response: u32) -> Event {
    Event::Finished(Finished { call: Ordinal::new(call), response: Value::U32(response), beside: None })
}

fn stepped(stream: u64, sequence: u64, step: witwire_ir::Step, argument: &str) -> Stepped {
    Stepped {
        stream: Ordinal::new(stream),
        sequence,
        step,
        digest: digest(argument),
        request: Recorded::Digest,
        response: Some(Value::U64(sequence)),
        ended: false,
        beside: None,
    }
}

fn clock() -> Event {
    Event::Clock(ClockReading::Monotonic(NANOS))
}

fn random(bytes: &[u8]) -> Event {
    Event::Random(RandomBytes(bytes.into()))
}

fn returned(invocation: u64, wave: &str) -> Completed {
    Completed { invocation, outcome: Outcome::Returned(Some(Wave::new(wave))) }
}

fn trapped(invocation: u64, message: &str) -> Completed {
    Completed { invocation, outcome: Outcome::Trapped(message.into()) }
}

fn numbered(events: impl IntoIterator<Item = Event>) -> Vec<(Ordinal, Entry)> {
    let entry = |event| Entry { at: Timestamp::from_millis(5), event };
    (0..).map(Ordinal::new).zip(events.into_iter().map(entry)).collect()
}

fn playback(events: impl IntoIterator<Item = Event>) -> Playback {
    Playback::new(numbered(events)).unwrap()
}

/// One whole invocation: a clock reading, a call, random bytes, a result.
fn recorded() -> Vec<Event> {
    let completed = returned(0, "\"done\"").into();
    vec![invoked(0), clock(), started("f", "r"), finished(2, 42), random(&[1, 2, 3]), completed]
}

/// What a component does.
#[derive(Debug, Clone)]
enum Act {
    Ready,
    Call(&'static str, &'static str, &'static str),
    Clock(ClockKind),
    Random(usize),
    End(Completed),
}

/// Performs one act. `Ok(true)`: replayed, `Ok(false)`: live.
fn act(playback: &mut Playback, act: &Act) -> Result<bool, Divergence> {
    fn replayed<T>(step: &Step<T>) -> bool {
        matches!(step, Step::Replayed(_))
    }
    match act {
        Act::Ready => playback.next_invocation().map(|s| replayed(&s)),
        Act::Call(name, api, request) => {
            playback.next_call(&function(name), ir(api), digest(request)).map(|s| s != CallStep::Live)
        }
        Act::Clock(kind) => playback.next_clock(*kind).map(|s| replayed(&s)),
        Act::Random(len) => playback.next_random(*len).map(|s| replayed(&s)),
        Act::End(completed) => playback.complete(completed).map(|s| replayed(&s)),
    }
}

fn faithful() -> Vec<Act> {
    vec![
        Act::Ready,
        Act::Clock(ClockKind::Monotonic),
        Act::Call("f", "one", "r"),
        Act::Random(3),
        Act::End(returned(0, "\"done\"")),
    ]
}

#[test]
fn what_was_recorded_is_replayed_and_then_all_is_live() {
    let mut p = playback(recorded());
    assert_eq!(p.end(), Ordinal::new(6));
    assert!(!p.is_live());
    assert!(matches!(p.next_invocation(), Ok(Step::Replayed(i)) if i.function == FunctionName::world("run")));
    assert_eq!(p.next_clock(ClockKind::Monotonic), Ok(Step::Replayed(ClockReading::Monotonic(NANOS))));
    let replayed = p.next_call(&function("f"), ir("one"), digest("r"));
    assert!(
        matches!(&replayed, Ok(CallStep::Replayed { call, response: Value::U32(42), .. }) if *call == Ordinal::new(2)),
        "{replayed:?}"
    );
    assert_eq!(p.next_random(3), Ok(Step::Replayed([1, 2, 3].into())));
    assert!(!p.is_live());
    let completed = returned(0, "\"done\"");
    assert_eq!(p.complete(&completed), Ok(Step::Replayed(completed.outcome)));
    assert!(p.is_live());
    for a in faithful() {
        assert_eq!(act(&mut p, &a), Ok(false));
    }
}

#[test]
fn an_oplog_cut_anywhere_is_replayed_up_to_the_cut() {
    let events = recorded();
    for cut in 0..=events.len() {
        let mut p = playback(events[..cut].to_vec());
        let mut replayed = Vec::new();
        for a in faithful() {
            replayed.push(act(&mut p, &a).unwrap());
        }
        // The call is two entries and one act.
        let acts = if cut > 2 { cut.saturating_sub(1).max(3) } else { cut };
        let expected: Vec<bool> = (0..5).map(|i| i < acts).collect();
        assert_eq!(replayed, expected, "cut at {cut}");
        assert_eq!(p.end(), Ordinal::new(cut as u64));
    }
}

#[test]
fn a_call_without_result_is_in_doubt_once() {
    let mut p = playback([invoked(0), started("f", "r")]);
    assert!(p.next_invocation().is_ok());
    match p.next_call(&function("f"), ir("one"), digest("r")) {
        Ok(CallStep::InDoubt { call, at, started }) => {
            assert_eq!((call, at, started.class), (Ordinal::new(1), Timestamp::from_millis(5), Class::Unsafe));
        }
        other => panic!("{other:?}"),
    }
    assert!(p.is_live());
    assert_eq!(p.next_call(&function("f"), ir("one"), digest("r")), Ok(CallStep::Live));
}

#[test]
fn every_difference_is_a_divergence() {
    let call = |name: &'static str, api: &'static str, request: &'static str| Act::Call(name, api, request);
    let end = |completed| Act::End(completed);
    // what the component does at the position of the faithful act instead, and which entry it contradicts
    let rows = [
        ("clock for an invocation", 0, Act::Clock(ClockKind::Wall), 0),
        ("other clock", 1, Act::Clock(ClockKind::Wall), 1),
        ("call for a clock", 1, call("f", "one", "r"), 1),
        ("other function", 2, call("g", "one", "r"), 2),
        ("other arguments", 2, call("f", "one", "s"), 2),
        ("other API", 2, call("f", "two", "r"), 2),
        ("clock for a call", 2, Act::Clock(ClockKind::Monotonic), 2),
        ("other order", 2, Act::Random(3), 2),
        ("missing call", 2, end(returned(0, "\"done\"")), 2),
        ("fewer random bytes", 3, Act::Random(2), 4),
        ("more random bytes", 3, Act::Random(4), 4),
        ("extra call", 4, call("f", "one", "r"), 5),
        ("other result", 4, end(returned(0, "\"other\"")), 5),
        ("trap for a result", 4, end(trapped(0, "boom")), 5),
        ("other invocation's end", 4, end(returned(1, "\"done\"")), 5),
        ("ready before the end", 4, Act::Ready, 5),
    ];
    for (name, position, wrong, ordinal) in rows {
        let mut p = playback(recorded());
        for a in &faithful()[..position] {
            assert_eq!(act(&mut p, a), Ok(true), "{name}");
        }
        let divergence = act(&mut p, &wrong).expect_err(name);
        assert_eq!(divergence.ordinal, Ordinal::new(ordinal), "{name}: {divergence}");
        assert!(!p.is_live(), "{name}");
        // Nothing can be sent from here on: every question gets the same answer, the right one too.
        for a in faithful() {
            assert_eq!(act(&mut p, &a), Err(divergence.clone()), "{name}");
        }
    }
}

#[test]
fn a_diverging_call_in_doubt_is_not_settled() {
    let mut p = playback([invoked(0), started("f", "r")]);
    assert!(p.next_invocation().is_ok());
    let divergence = p.next_call(&function("f"), ir("one"), digest("s")).unwrap_err();
    let observed = |request| Observation::Call { function: function("f"), ir: ir("one"), digest: digest(request) };
    assert_eq!(*divergence.expected, observed("r"));
    assert_eq!(*divergence.got, observed("s"));
}

#[test]
fn a_divergence_says_where_what_and_what_to_do() {
    let mut p = playback(recorded());
    assert_eq!(act(&mut p, &Act::Ready), Ok(true));
    let text = act(&mut p, &Act::Call("f", "one", "r")).unwrap_err().to_string();
    for part in ["entry 1", "reads the monotonic clock", "calls `a:b/c@1.0.0#f`", "component and API files"] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

#[test]
fn a_trap_is_the_same_trap_whatever_it_says() {
    let mut p = playback([invoked(0), trapped(0, "at 0x1234").into()]);
    assert!(p.next_invocation().is_ok());
    assert_eq!(p.complete(&trapped(0, "at 0x5678")), Ok(Step::Replayed(Outcome::Trapped("at 0x1234".into()))));
}

#[test]
fn what_happens_before_the_first_invocation_is_replayed_too() {
    let mut p = playback([random(&[9]), invoked(0)]);
    assert_eq!(p.next_random(1), Ok(Step::Replayed([9].into())));
    assert!(matches!(p.next_invocation(), Ok(Step::Replayed(_))));
}

/// A stream opened by entry 1, with two steps.
fn streamed() -> Vec<Event> {
    let steps = [stepped(1, 0, witwire_ir::Step::Send, "a"), stepped(1, 1, witwire_ir::Step::Next, "")];
    [invoked(0), started("f", "r"), finished(1, 42)].into_iter().chain(steps.map(Event::from)).collect()
}

#[test]
fn steps_are_replayed_by_stream_number_and_arguments() {
    use witwire_ir::Step as Kind;
    let opened = || {
        let mut p = playback(streamed());
        assert!(p.next_invocation().is_ok());
        assert!(p.next_call(&function("f"), ir("one"), digest("r")).is_ok());
        p
    };
    let mut p = opened();
    let first = p.next_step(Ordinal::new(1), 0, Kind::Send, digest("a"));
    assert_eq!(first, Ok(Step::Replayed(stepped(1, 0, Kind::Send, "a"))));
    assert!(matches!(p.next_step(Ordinal::new(1), 1, Kind::Next, digest("")), Ok(Step::Replayed(_))));
    assert!(p.is_live());
    assert_eq!(p.next_step(Ordinal::new(1), 2, Kind::Next, digest("")), Ok(Step::Live));

    let wrong = [
        ("another stream", 2, 0, Kind::Send, "a"),
        ("another number", 1, 1, Kind::Send, "a"),
        ("another step", 1, 0, Kind::Next, "a"),
        ("another item", 1, 0, Kind::Send, "b"),
    ];
    for (name, stream, sequence, step, argument) in wrong {
        let divergence = opened().next_step(Ordinal::new(stream), sequence, step, digest(argument)).expect_err(name);
        assert_eq!(divergence.ordinal, Ordinal::new(3), "{name}: {divergence}");
    }
    let divergence = opened().next_clock(ClockKind::Wall).unwrap_err().to_string();
    assert!(divergence.contains("calls `send` of stream 1, step 0"), "{divergence}");
}

#[test]
fn an_oplog_that_no_worker_wrote_is_refused() {
    let done = |n| Event::from(returned(n, "1"));
    let rows = [
        (vec![finished(0, 1)], 0),
        (vec![invoked(0), started("f", "r"), finished(0, 1)], 2),
        (vec![invoked(0), started("f", "r"), finished(1, 1), finished(1, 1)], 3),
        (vec![invoked(0), started("f", "r"), clock()], 2),
        (vec![invoked(0), started("f", "r"), started("f", "r")], 2),
        (vec![invoked(0), started("f", "r"), done(0)], 2),
        (vec![invoked(0), invoked(1)], 1),
        (vec![invoked(0), stepped(0, 0, witwire_ir::Step::Next, "").into()], 1),
        (vec![invoked(0), started("f", "r"), stepped(1, 0, witwire_ir::Step::Next, "").into()], 2),
        (vec![done(0)], 0),
        (vec![invoked(0), done(1)], 1),
        (vec![invoked(0), done(0), done(0)], 2),
    ];
    for (events, ordinal) in rows {
        let error = Playback::new(numbered(events.clone())).expect_err(&format!("{events:?}"));
        assert_eq!(error.ordinal, Ordinal::new(ordinal), "{events:?}");
    }
    let mut gap = numbered(recorded());
    gap.remove(1);
    assert_eq!(Playback::new(gap).unwrap_err().ordinal, Ordinal::new(2));
    assert!(Playback::new(numbered(recorded())[1..].to_vec()).is_err());
}
