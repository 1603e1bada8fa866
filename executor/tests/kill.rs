//! The kill table: a process is killed at every window of a call, for every class, over both protocols, and a new one carries
//! on. What is asserted is what the server saw and what the guest was told.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use libtest_mimic::Trial;
use witwire_executor::oplog::Ordinal;
use witwire_ir::InDoubt;

use crate::ledger::{Operation, Point, Protocol, Server};
use crate::setup::{Child, TestResult, calls, check, contains, parse_numbers, trial, wait};

/// The windows in the order of a call. All but one are reached by the process that dies; in that one the server holds the request
/// and the process is killed from outside.
const WINDOWS: [&str; 7] = [
    "before-recorded",
    "recorded",
    "request-half-sent",
    BETWEEN_ATTEMPTS,
    EFFECT_DONE,
    "response-read",
    "recorded-not-returned",
];
const EFFECT_DONE: &str = "effect-done";
/// The server has refused the first attempt for now; the second one is not sent.
const BETWEEN_ATTEMPTS: &str = "between-attempts";

/// The process is killed in the second of three calls. Its `Started` is the fourth entry, after `Invoked` and the first call's
/// two.
const KILLED_CALL: Ordinal = Ordinal::new(3);

/// What the contract says of the call in which the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Whole requests that the server gets, effects that it has, and whether the guest is told `outcome-unknown`.
    Seen { requests: u32, effects: u32, unknown: bool },
    /// There is no such state, for this reason.
    Impossible(&'static str),
}

fn expected(protocol: Protocol, operation: Operation, window: &str) -> Expected {
    use Operation::{Look, Pay, Post, Store};
    let seen = |requests, effects, unknown| {
        // Looking has no effect that could be counted.
        let effects = if operation == Look { 0 } else { effects };
        Expected::Seen { requests, effects, unknown }
    };
    match (window, operation) {
        ("recorded", Look | Store) => {
            Expected::Impossible("its start is recorded together with its result, since it may be sent again in any case")
        }
        ("request-half-sent", Look) if protocol == Protocol::Http => {
            Expected::Impossible("a GET has no body: its head leaves in one write")
        }
        (BETWEEN_ATTEMPTS, Post) => Expected::Impossible(
            "the server has seen it, so that it is not sent again: the guest is told what the server said",
        ),
        (BETWEEN_ATTEMPTS, _) => seen(2, 1, false),
        ("before-recorded" | "recorded-not-returned", _) => seen(1, 1, false),
        ("recorded" | "request-half-sent", Post) => seen(0, 0, true),
        ("recorded" | "request-half-sent", _) => seen(1, 1, false),
        // The effect happened, and the result is lost with the process.
        (_, Look | Store) => seen(2, 2, false),
        (_, Pay) => seen(2, 1, false),
        (_, Post) => seen(1, 1, true),
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("kill::table", || {
        print_table();
        Ok(())
    })];
    for protocol in Protocol::ALL {
        for operation in Operation::ALL {
            for window in WINDOWS {
                let name = format!("kill::{}::{}::{window}", protocol.name(), class(operation));
                trials.push(trial(name, move || case(protocol, operation, window)));
            }
        }
        let name = |policy| format!("kill::{}::unsafe-{policy}", protocol.name());
        trials.push(trial(name("retry"), move || retry(protocol)));
        trials.push(trial(name("between-attempts"), move || between_attempts_of_an_unsafe_call(protocol)));
        trials.push(trial(name("suspend-then-retry"), move || suspend(protocol, InDoubt::Retry)));
        trials.push(trial(name("suspend-then-unknown"), move || suspend(protocol, InDoubt::OutcomeUnknown)));
    }
    trials
}

fn class(operation: Operation) -> &'static str {
    operation.class(InDoubt::OutcomeUnknown).name()
}

/// One table for each protocol: requests and effects of the call, `?` where the guest is told that its outcome is unknown.
fn print_table() {
    for protocol in Protocol::ALL {
        println!("\nkilled in a call over {}: requests/effects at the server after all", protocol.name());
        print!("{:24}", "");
        for operation in Operation::ALL {
            print!("{:12}", class(operation));
        }
        println!();
        let mut notes = Vec::new();
        for window in WINDOWS {
            print!("{window:24}");
            for operation in Operation::ALL {
                let cell = match expected(protocol, operation, window) {
                    Expected::Seen { requests, effects, unknown } => {
                        format!("{requests}/{effects}{}", if unknown { " ?" } else { "" })
                    }
                    Expected::Impossible(why) => {
                        let note = format!("{window}, {}: {why}", class(operation));
                        notes.push(note);
                        "-".to_owned()
                    }
                };
                print!("{cell:12}");
            }
            println!();
        }
        for note in notes {
            println!("  - {note}");
        }
    }
    println!();
}

/// A worker whose component performs an operation three times, with the files that its processes share.
struct Case {
    server: Server,
    held: tokio::sync::mpsc::UnboundedReceiver<()>,
    /// Holds the two files.
    _directory: tempfile::TempDir,
    database: PathBuf,
    wasm: PathBuf,
    protocol: Protocol,
    operation: Operation,
    in_doubt: InDoubt,
}

impl Case {
    async fn new(protocol: Protocol, operation: Operation, in_doubt: InDoubt) -> Result<Self, libtest_mimic::Failed> {
        let (server, held) = Server::start().await?;
        let directory = tempfile::tempdir()?;
        let (database, wasm) = (directory.path().join("store.db"), directory.path().join("guest.wasm"));
        std::fs::write(&wasm, calls(protocol, operation, &["1", "2", "3"]).build()?)?;
        Ok(Self { server, held, _directory: directory, database, wasm, protocol, operation, in_doubt })
    }

    /// A process that runs the worker, and ends itself at a window.
    async fn process(
        &self,
        keys: &[&str],
        decision: Option<InDoubt>,
        kill: Option<&'static str>,
    ) -> Result<crate::setup::Finished, libtest_mimic::Failed> {
        wait(self.spawn(keys, decision, kill)?).await
    }

    fn child<'a>(&'a self, keys: &'a [&'a str], decision: Option<InDoubt>, kill: Option<&'static str>) -> Child<'a> {
        Child {
            database: &self.database,
            wasm: &self.wasm,
            url: self.server.url(),
            protocol: self.protocol,
            in_doubt: self.in_doubt,
            keys,
            decision,
            kill: kill.map(|window| (window, KILLED_CALL)),
        }
    }

    fn spawn(
        &self,
        keys: &[&str],
        decision: Option<InDoubt>,
        kill: Option<&'static str>,
    ) -> Result<tokio::process::Child, libtest_mimic::Failed> {
        self.child(keys, decision, kill).spawn()
    }

    /// Runs a process that is killed at the window.
    async fn kill_at(&mut self, window: &'static str) -> TestResult {
        let child = if window == EFFECT_DONE {
            self.server.hold(Point::Done, "2");
            let mut child = self.spawn(&["order"], None, None)?;
            tokio::select! {
                held = self.held.recv() => held.ok_or("the server is gone")?,
                ended = child.wait() => return Err(format!("the process ended before the window: {}", ended?).into()),
            }
            child.start_kill()?;
            child
        } else if window == BETWEEN_ATTEMPTS {
            self.server.refuse("2");
            self.spawn(&["order"], None, Some(window))?
        } else {
            self.spawn(&["order"], None, Some(window))?
        };
        let killed = wait(child).await?;
        check("the signal that ended the first process", &killed.status.signal(), &Some(9))?;
        check("what the first process printed", &killed.lines, &Vec::new())
    }

    /// Runs a process that is not killed, and gives what it printed.
    async fn carry_on(&self, keys: &[&str], decision: Option<InDoubt>) -> Result<Vec<String>, libtest_mimic::Failed> {
        let finished = self.process(keys, decision, None).await?;
        check("whether a later process succeeded", &finished.status.success(), &true)?;
        Ok(finished.lines)
    }

    /// What the server saw of the three calls, and the guest of the second.
    fn saw(&self, line: &str, requests: u32, effects: u32, unknown: bool) -> TestResult {
        let once = (1, u32::from(self.operation != Operation::Look));
        let of = |id| self.server.of(self.operation, id);
        check("requests and effects", &[of("1"), of("2"), of("3")], &[once, (requests, effects), once])?;
        let told = if unknown { self.protocol.outcome_unknown() } else { 0 };
        check("what the guest was told", &parse_numbers(line)?, &vec![0, told, 0])
    }
}

async fn case(protocol: Protocol, operation: Operation, window: &'static str) -> TestResult {
    let mut case = Case::new(protocol, operation, InDoubt::OutcomeUnknown).await?;
    let Expected::Seen { requests, effects, unknown } = expected(protocol, operation, window) else {
        // The window is never reached, so the process that would end itself there lives.
        let finished = case.process(&["order"], None, Some(window)).await?;
        check("whether the process lived", &finished.status.success(), &true)?;
        return case.saw(&finished.lines.concat(), 1, 1 - u32::from(operation == Operation::Look), false);
    };
    case.kill_at(window).await?;
    let result = case.carry_on(&["order"], None).await?.concat();
    case.saw(&result, requests, effects, unknown)?;

    // Keys: the same for every attempt of one call, another for every call.
    let keys = case.server.counts().keys;
    if operation == Operation::Pay {
        check("keys per call", &keys.values().map(std::collections::BTreeSet::len).collect(), &vec![1, 1, 1])?;
        check("keys in all", &keys.values().flatten().collect::<std::collections::BTreeSet<_>>().len(), &3)?;
    } else {
        check("keys", &keys.len(), &0)?;
    }

    // A third process replays everything and sends nothing; the stored result is the answer to the same key.
    let before = case.server.requests();
    check("what a resumed worker prints", &case.carry_on(&[], None).await?, &Vec::new())?;
    check("the stored result", &case.carry_on(&["order"], None).await?.concat(), &result)?;
    check("requests after the end", &case.server.requests(), &before)
}

/// An unsafe call is tried again where nobody listened. A process that is killed then leaves it in doubt: what it knew of the first
/// attempt is lost with it.
async fn between_attempts_of_an_unsafe_call(protocol: Protocol) -> TestResult {
    let case = Case::new(protocol, Operation::Post, InDoubt::OutcomeUnknown).await?;
    let nowhere = format!("http://{}", witwire_test_support::hostile::refusing().await?);
    let first_call = Some((BETWEEN_ATTEMPTS, Ordinal::new(1)));
    let killed = wait(Child { url: &nowhere, kill: first_call, ..case.child(&["order"], None, None) }.spawn()?).await?;
    check("the signal that ended the first process", &killed.status.signal(), &Some(9))?;
    let result = case.carry_on(&["order"], None).await?.concat();
    check("what the guest was told", &parse_numbers(&result)?, &vec![protocol.outcome_unknown(), 0, 0])?;
    let of = |id| case.server.of(Operation::Post, id);
    check("requests and effects", &[of("1"), of("2"), of("3")], &[(0, 0), (1, 1), (1, 1)])
}

/// The author of the manifest accepts that an unsafe call happens twice.
async fn retry(protocol: Protocol) -> TestResult {
    let mut case = Case::new(protocol, Operation::Post, InDoubt::Retry).await?;
    case.kill_at(EFFECT_DONE).await?;
    let result = case.carry_on(&["order"], None).await?.concat();
    case.saw(&result, 2, 2, false)
}

/// The author of the manifest wants a person to decide; until then nothing is sent, however often it is tried.
async fn suspend(protocol: Protocol, decision: InDoubt) -> TestResult {
    let mut case = Case::new(protocol, Operation::Post, InDoubt::Suspend).await?;
    case.kill_at(EFFECT_DONE).await?;
    for _ in 0..2 {
        contains(&case.carry_on(&["order"], None).await?.concat(), "is suspended (in-doubt)")?;
        check("requests while suspended", &case.server.requests(), &2)?;
    }
    let result = case.carry_on(&["order"], Some(decision)).await?.concat();
    match decision {
        InDoubt::Retry => case.saw(&result, 2, 2, false),
        _ => case.saw(&result, 1, 1, true),
    }
}
