//! The rule as a table in a file, and how it is carried out, by a clock that stands still.

use std::fmt::Write as _;
use std::sync::Mutex;

use witwire_interpreter::{GrpcStatus, HttpResponse, Metadata};

use super::*;
use crate::transport::SendError;

/// One row for each situation: `repeat ready verdict attempt left -> decision`. `BLESS=1` writes the decisions anew.
#[test]
fn the_table_of_decisions_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/transport/retry/decide.table");
    let table = std::fs::read_to_string(path).unwrap();
    let mut out = String::new();
    for line in table.lines() {
        if let Some((situation, _)) = line.split_once(" -> ").filter(|_| !line.starts_with('#')) {
            let decision = decide(&RetryPolicy::default(), situation_of(situation));
            let _ = write!(out, "{situation} -> {}", text(decision));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &out).unwrap();
    } else {
        assert_eq!(table, out);
    }
    assert!(table.lines().filter(|line| line.contains(" -> ")).count() > 30);
}

fn milliseconds(text: &str) -> Duration {
    Duration::from_millis(text.strip_suffix("ms").unwrap().parse().unwrap())
}

fn situation_of(row: &str) -> Situation {
    let columns: Vec<&str> = row.split_whitespace().collect();
    let [repeat, ready, verdict, attempt, left] = columns[..] else { panic!("five columns: {row}") };
    let verdict = match verdict.split_once(':').unwrap_or((verdict, "")) {
        ("done", _) => Verdict::Done,
        ("final", _) => Verdict::Final,
        ("no-connection", _) => Verdict::NoConnection,
        ("unprocessed", _) => Verdict::Unprocessed,
        ("broken", _) => Verdict::Broken,
        ("refused", "") => Verdict::Refused(Pushback::None),
        ("refused", "never") => Verdict::Refused(Pushback::Never),
        ("refused", after) => Verdict::Refused(Pushback::After(milliseconds(after))),
        (other, _) => panic!("no verdict: {other}"),
    };
    Situation {
        repeat: if repeat == "freely" { Repeat::Freely } else { Repeat::Unprocessed },
        wait_for_ready: ready == "wait",
        verdict,
        attempt: attempt.parse().unwrap(),
        left: milliseconds(left),
    }
}

fn text(decision: Decision) -> String {
    match decision {
        Decision::Stop => "stop".to_owned(),
        Decision::Backoff(ceiling) => format!("up to {}ms", ceiling.as_millis()),
        Decision::After(pause) => format!("after {}ms", pause.as_millis()),
    }
}

/// Draws the ceiling itself.
#[derive(Debug)]
struct Longest;

impl Jitter for Longest {
    fn up_to(&self, ceiling: Duration) -> Duration {
        ceiling
    }
}

/// Gives canned outcomes, and takes note of when it was asked and how much time it was told to have.
struct Script<'a> {
    outcomes: Mutex<Vec<Attempted>>,
    asked: Mutex<Vec<(Duration, Duration)>>,
    start: Instant,
    budget: &'a Budget,
}

impl Attempt for Script<'_> {
    async fn attempt(&self, left: Duration) -> (Attempted, Option<&Budget>) {
        self.asked.lock().unwrap().push((self.start.elapsed(), left));
        (self.outcomes.lock().unwrap().pop().unwrap(), Some(self.budget))
    }
}

fn http(status: u16, pushback: Pushback) -> Attempted {
    let response = HttpResponse { status, headers: Vec::new(), body: bytes::Bytes::new() };
    Attempted { outcome: Ok(Response::Http(response)), initial: Metadata::new(), pushback }
}

fn grpc(code: u32) -> Attempted {
    let status = GrpcStatus { code, message: String::new(), details: None, trailers: Vec::new() };
    let outcome = Ok(Response::Grpc(GrpcResponse::Status(status)));
    Attempted { outcome, initial: Metadata::new(), pushback: Pushback::None }
}

fn failed(kind: SendErrorKind) -> Attempted {
    SendError::new(kind, "m").into()
}

fn no_connection() -> Attempted {
    failed(SendErrorKind::NoConnection { lasting: false })
}

/// Runs a script by a paused clock: when each attempt began, in milliseconds, and how the last one ended.
async fn run(
    repeat: Repeat,
    wait_for_ready: bool,
    deadline: Duration,
    budget: &Budget,
    mut script: Vec<Attempted>,
) -> (Vec<u128>, Attempted) {
    script.reverse();
    let start = Instant::now();
    let script = Script { outcomes: Mutex::new(script), asked: Mutex::default(), start, budget };
    let policy = RetryPolicy::default();
    let run = Run { policy: &policy, jitter: &Longest, probe: &(), repeat, wait_for_ready, end: start + deadline };
    let (last, attempts) = run.run(&script).await;
    let asked = script.asked.into_inner().unwrap();
    assert!(asked.iter().all(|(at, left)| *at + *left == deadline), "every attempt has what is left: {asked:?}");
    assert_eq!(attempts as usize, asked.len());
    (asked.iter().map(|(at, _)| at.as_millis()).collect(), last)
}

fn ample() -> Budget {
    Budget::new(BudgetConfig::default())
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn five_attempts_with_doubling_pauses() {
    let script = || (0..5).map(|_| http(503, Pushback::None)).collect::<Vec<_>>();
    let (asked, last) = run(Repeat::Freely, false, LONG, &ample(), script()).await;
    assert_eq!(asked, [0, 100, 300, 700, 1500]);
    assert_eq!(Verdict::of(&last), Verdict::Refused(Pushback::None), "the last answer is the call's");
    assert_eq!(run(Repeat::Unprocessed, false, LONG, &ample(), script()).await.0, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_it() {
    let script = vec![failed(SendErrorKind::MaybeProcessed { reset: None }), grpc(14), http(200, Pushback::None)];
    let (asked, last) = run(Repeat::Freely, false, LONG, &ample(), script).await;
    assert_eq!(asked, [0, 100, 300]);
    assert_eq!(Verdict::of(&last), Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn the_servers_word_is_the_pause() {
    let script = vec![http(429, Pushback::After(Duration::from_secs(7))), http(200, Pushback::None)];
    assert_eq!(run(Repeat::Freely, false, LONG, &ample(), script).await.0, [0, 7000]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let start = Instant::now();
    let script = vec![http(429, Pushback::After(LONG))];
    assert_eq!(run(Repeat::Freely, false, LONG, &ample(), script).await.0, [0]);
    let script = (0..3).map(|_| no_connection()).collect();
    assert_eq!(run(Repeat::Freely, false, Duration::from_millis(350), &ample(), script).await.0, [0, 100, 300]);
    assert_eq!(start.elapsed(), Duration::from_millis(300), "nobody waits for nothing");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_connection_lasts_until_the_deadline_and_costs_no_attempts() {
    let budget = Budget::new(BudgetConfig::new(1, 1).unwrap());
    let mut script: Vec<_> = (0..12).map(|_| no_connection()).collect();
    script.push(http(200, Pushback::None));
    let (asked, last) = run(Repeat::Unprocessed, true, Duration::from_mins(10), &budget, script).await;
    assert_eq!(asked.len(), 13);
    assert_eq!(asked.windows(2).map(|w| w[1] - w[0]).max(), Some(20_000), "the cap");
    assert_eq!(Verdict::of(&last), Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn a_destination_in_trouble_is_spared() {
    let budget = Budget::new(BudgetConfig::new(10, 100).unwrap());
    let script = || (0..5).map(|_| no_connection()).collect::<Vec<_>>();
    assert_eq!(run(Repeat::Freely, false, LONG, &budget, script()).await.0.len(), 5);
    assert_eq!(run(Repeat::Freely, false, LONG, &budget, script()).await.0.len(), 1, "half of the bucket is gone");
}

#[tokio::test(start_paused = true)]
async fn no_time_is_no_attempt_more() {
    let script = vec![no_connection()];
    assert_eq!(run(Repeat::Freely, true, Duration::ZERO, &ample(), script).await.0, [0]);
}

#[test]
fn what_is_said_of_another_attempt() {
    let invalid = SendErrorKind::InvalidRequest { location: String::new() };
    for (attempted, verdict) in [
        (http(200, Pushback::None), Verdict::Done),
        (http(304, Pushback::None), Verdict::Done),
        (http(400, Pushback::None), Verdict::Final),
        (http(409, Pushback::None), Verdict::Final),
        (http(429, Pushback::Never), Verdict::Refused(Pushback::Never)),
        (http(500, Pushback::None), Verdict::Final),
        (http(501, Pushback::None), Verdict::Final),
        (http(502, Pushback::None), Verdict::Refused(Pushback::None)),
        (http(503, Pushback::None), Verdict::Refused(Pushback::None)),
        (http(504, Pushback::None), Verdict::Refused(Pushback::None)),
        (grpc(14), Verdict::Refused(Pushback::None)),
        (grpc(2), Verdict::Final),
        (grpc(4), Verdict::Final),
        (grpc(8), Verdict::Final),
        (grpc(13), Verdict::Final),
        (no_connection(), Verdict::NoConnection),
        (failed(SendErrorKind::NoConnection { lasting: true }), Verdict::Final),
        (failed(SendErrorKind::Timeout { maybe_processed: false }), Verdict::NoConnection),
        (failed(SendErrorKind::Timeout { maybe_processed: true }), Verdict::Final),
        (failed(SendErrorKind::Unprocessed), Verdict::Unprocessed),
        (failed(SendErrorKind::MaybeProcessed { reset: Some(13) }), Verdict::Broken),
        (failed(SendErrorKind::Denied), Verdict::Final),
        (failed(invalid), Verdict::Final),
        (failed(SendErrorKind::InvalidResponse { status: None }), Verdict::Final),
        (failed(SendErrorKind::TooLarge { status: None, grpc: false }), Verdict::Final),
    ] {
        assert_eq!(Verdict::of(&attempted), verdict, "{attempted:?}");
    }
}

#[test]
fn a_class_says_when_it_may_be_repeated() {
    use witwire_ir::{KeyFormat, KeyHeader};
    let keyed = CallClass::Keyed(KeyHeader { name: "k".to_owned(), format: KeyFormat::Raw, window_seconds: None });
    for (class, has_key, repeat) in [
        (CallClass::Safe, false, Repeat::Freely),
        (CallClass::Idempotent, false, Repeat::Freely),
        (keyed.clone(), true, Repeat::Freely),
        (keyed, false, Repeat::Unprocessed),
        (CallClass::Unsafe(InDoubt::Retry), false, Repeat::Freely),
        (CallClass::Unsafe(InDoubt::OutcomeUnknown), true, Repeat::Unprocessed),
        (CallClass::Unsafe(InDoubt::Suspend), false, Repeat::Unprocessed),
    ] {
        assert_eq!(Repeat::of(&class, has_key), repeat, "{}", class.name());
    }
}
