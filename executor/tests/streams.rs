//! Streams of a worker: their steps, and what becomes of them when a process is killed in the middle.

use std::os::unix::process::ExitStatusExt;

use libtest_mimic::Trial;
use witwire_executor::oplog::{Event, Ordinal, describe};
use witwire_ir::InDoubt;
use witwire_ir::host::grpc::ErrorKind;
use witwire_test_support::Script;

use crate::ledger::{LATER, Protocol, STREAMS, Stream};
use crate::setup::{Child, Finished, Setup, TestResult, check, contains, invoke, parse_numbers, script, trial, wait};

/// What a script has for an error of a kind.
const fn error(kind: ErrorKind) -> u64 {
    1 + kind as u64
}

/// What a script has for an item.
const fn item(number: u64) -> u64 {
    Script::VALUE + number
}

/// What a script has for the end of a stream, or an empty batch.
const END: u64 = Script::VALUE;
const UNAVAILABLE: u64 = error(ErrorKind::Unavailable);

/// Opens a stream, whose request is of this id.
fn open(stream: Stream, id: &str) -> Script {
    let request = if stream.kind().takes_request() { format!("{{id: \"{id}\", text: \"\"}}") } else { String::new() };
    script(Protocol::Grpc).open("s", STREAMS, format!("{}({request})", stream.name()))
}

fn send(id: &str) -> String {
    format!("send({{id: \"{id}\", text: \"\"}})")
}

/// Sends more than the windows and buffers on the way to a server take that reads nothing; and how many items that is.
pub(crate) fn send_much(script: Script) -> (Script, usize) {
    const ITEMS: usize = 300;
    let item = format!("send({{id: \"a\", text: \"{}\"}})", "a".repeat(16 << 10));
    ((0..ITEMS).fold(script, |script, _| script.method("s", item.as_str())), ITEMS)
}

/// Opens a stream of three messages and takes it to its end.
fn whole(stream: Stream) -> Script {
    match stream {
        Stream::Watch | Stream::Tail => {
            open(stream, "3").method("s", "next()").method("s", "next()").method("s", "next()").method("s", "next()")
        }
        Stream::Gather | Stream::Deposit | Stream::Pledge => {
            open(stream, "").method("s", send("a")).method("s", send("b")).method("s", send("c")).method("s", "finish()")
        }
        Stream::Chat | Stream::Talk => open(stream, "")
            .method("s", send("a"))
            .method("s", "next()")
            .method("s", send("b"))
            .method("s", "next()")
            .method("s", "close-send()")
            .method("s", "next()"),
    }
}

/// What it gives when nothing goes wrong.
fn numbers(stream: Stream) -> Vec<u64> {
    match stream {
        Stream::Watch | Stream::Tail => vec![0, item(1), item(2), item(3), END],
        Stream::Gather | Stream::Deposit | Stream::Pledge => vec![0, 0, 0, 0, item(3)],
        Stream::Chat | Stream::Talk => vec![0, 0, item(1), 0, item(2), 0, END],
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("streams::batches_hold_what_has_come", batches),
        trial("streams::a_bad_message_takes_no_good_one_with_it", bad_message),
        trial("streams::kill::a_bad_message_behind_good_ones", bad_message_later),
        trial("streams::a_dropped_handle_cancels_the_call", dropped),
        trial("streams::a_cancelled_call_is_over", cancelled),
        trial("streams::sending_waits_for_the_server", back_pressure),
        trial("streams::misuse_is_an_error_and_sends_nothing", misuse),
        trial("streams::a_wrong_item_leaves_the_stream_as_it_is", wrong_item),
        trial("streams::two_at_once_do_not_mix", two),
        trial("streams::no_server_is_told_by_the_first_step", no_server),
        trial("streams::the_oplog_tells_the_steps", described),
        trial("streams::kill::held_by_the_server", held),
        trial("streams::kill::suspended_until_a_person_decides", suspended),
        trial("streams::kill::answered_after_the_close", answered_after_the_close),
    ];
    for stream in Stream::ALL {
        trials.push(trial(format!("streams::{}", stream.name()), move || to_the_end(stream)));
        for window in KILLS.into_iter().filter(|kill| kill.window(stream).is_some()) {
            let name = format!("streams::kill::{}::{}", stream.name(), window.name());
            trials.push(trial(name, move || killed(stream, window)));
        }
    }
    trials
}

async fn to_the_end(stream: Stream) -> TestResult {
    let setup = Setup::new().await?;
    let program = setup.load(Protocol::Grpc, &whole(stream))?;
    let mut worker = setup.open(&program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &numbers(stream))?;
    drop(worker);
    // Once more from the oplog: the same, and the server sees nothing.
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("what the guest got before", &invoke(&mut worker, "a").await?, &numbers(stream))?;
    check("openings", &setup.server.stream_counts().opened.values().sum(), &1)
}

async fn batches() -> TestResult {
    let setup = Setup::new().await?;
    let script =
        open(Stream::Watch, "5").method("s", "next-batch(2)").method("s", "next-batch(100)").method("s", "next-batch(0)");
    let script = (0..5).fold(script, |script, _| script.method("s", "next-batch(100)"));
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let got = invoke(&mut worker, "a").await?;
    let counts: Vec<u64> = got[1..].iter().map(|n| n - Script::VALUE).collect();
    check("items in all", &counts.iter().sum(), &5)?;
    check("the first batch is not too large", &(counts[0] <= 2 && counts[0] > 0), &true)?;
    check("no batch of none", &counts[2], &0)?;
    check("the last batch", counts.last().unwrap_or(&1), &0)
}

const INVALID: u64 = error(ErrorKind::InvalidResponse);

/// Two messages that are good and a third that is not, all of which come at once.
fn bad_third(server: &crate::ledger::Server) -> Script {
    server.garble_last(Stream::Watch);
    open(Stream::Watch, "3").method("s", "next-batch(9)")
}

/// The good ones first, then the error, for good; in playback the same.
async fn bad_message() -> TestResult {
    for then in ["next-batch(9)", "next()"] {
        let setup = Setup::new().await?;
        let script = bad_third(&setup.server).method("s", "next-batch(0)").method("s", then).method("s", "next()");
        let program = setup.load(Protocol::Grpc, &script)?;
        let mut worker = setup.open(&program).await?;
        let expected = vec![0, item(2), END, INVALID, INVALID];
        check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
        drop(worker);
        let mut worker = setup.open(&program).await?;
        worker.resume(None).await?;
        check("what the guest got before", &invoke(&mut worker, "a").await?, &expected)?;
        check("openings", &setup.server.stream_counts().opened.values().sum(), &1)?;
    }
    Ok(())
}

/// The process ends between the good ones and the error: the next one comes to it as well.
async fn bad_message_later() -> TestResult {
    let case =
        Case::new(&open(Stream::Watch, "3").method("s", "next-batch(9)").method("s", "next()"), InDoubt::default()).await?;
    case.server.garble_last(Stream::Watch);
    wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(4))))?).await?;
    let line = case.process(&["order"], None).await?.lines.concat();
    check("what the guest got", &parse_numbers(&line)?, &vec![0, item(2), INVALID])?;
    check("openings", &case.opened(Stream::Watch), &2)
}

async fn dropped() -> TestResult {
    let setup = Setup::new().await?;
    let script = open(Stream::Watch, "1000000").method("s", "next()").drop_handle("s");
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, item(1), 0])?;
    setup.server.cancellation().await;
    let script = open(Stream::Chat, "").method("s", send("a")).method("s", "next()").drop_handle("s");
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    invoke(&mut worker, "a").await?;
    setup.server.cancellation().await;
    Ok(())
}

async fn cancelled() -> TestResult {
    let setup = Setup::new().await?;
    let script = open(Stream::Chat, "").method("s", send("a")).method("s", "next()").method("s", "cancel()");
    let script = script.method("s", "next()").method("s", send("b")).method("s", "cancel()");
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let over = error(ErrorKind::Cancelled);
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, 0, item(1), 0, over, over, 0])?;
    setup.server.cancellation().await;
    check("what the server got", &setup.server.stream_counts().entries[&Stream::Chat], &vec!["a".to_owned()])
}

/// The server reads no second message before its first answer is taken; the guest's items wait in the window and in the buffer, and
/// every one arrives.
async fn back_pressure() -> TestResult {
    let setup = Setup::new().await?;
    let script = (0..200).fold(open(Stream::Chat, ""), |script, n| script.method("s", send(&n.to_string())));
    let script = script.method("s", "close-send()");
    let script = (0..201).fold(script, |script, _| script.method("s", "next()"));
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let expected: Vec<u64> = std::iter::repeat_n(0, 202).chain((1..=200).map(item)).chain(std::iter::once(END)).collect();
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)
}

async fn misuse() -> TestResult {
    let setup = Setup::new().await?;
    let refused = error(ErrorKind::FailedPrecondition);
    let script = open(Stream::Gather, "").method("s", send("a")).method("s", "finish()").method("s", "finish()");
    let script = script.method("s", send("b"));
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, 0, item(1), refused, refused])?;

    let setup = Setup::new().await?;
    let script = open(Stream::Chat, "").method("s", "close-send()").method("s", send("b")).method("s", "close-send()");
    let script = script.method("s", "next()").method("s", "next()").method("s", send("b"));
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let got = invoke(&mut worker, "a").await?;
    check("what the guest got", &got, &vec![0, 0, refused, refused, END, END, refused])?;
    check("what the server got", &setup.server.stream_counts().entries.len(), &0)
}

async fn wrong_item() -> TestResult {
    let setup = Setup::new().await?;
    let script = open(Stream::Chat, "").method("s", send("much too long")).method("s", send("a")).method("s", "next()");
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let got = invoke(&mut worker, "a").await?;
    check("what the guest got", &got, &vec![0, error(ErrorKind::InvalidRequest), 0, item(1)])?;
    check("what the server got", &setup.server.stream_counts().entries[&Stream::Chat], &vec!["a".to_owned()])
}

async fn two() -> TestResult {
    let setup = Setup::new().await?;
    let script = open(Stream::Watch, "2").open("t", STREAMS, "chat()");
    let script = script.method("t", send("a")).method("s", "next()").method("t", "next()").method("s", "next()");
    let script = script.method("s", "next()").method("t", "close-send()").method("t", "next()");
    let program = setup.load(Protocol::Grpc, &script)?;
    let mut worker = setup.open(&program).await?;
    let expected = vec![0, 0, 0, item(1), item(1), item(2), END, 0, END];
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    // A second invocation opens others, with handles of their own.
    check("what it got again", &invoke(&mut worker, "b").await?, &expected)
}

async fn no_server() -> TestResult {
    let setup = Setup::new().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let wasm = whole(Stream::Watch).build()?;
    let program = crate::setup::load(&setup.executor, wasm, Protocol::Grpc, InDoubt::default(), &url)?;
    let mut worker = setup.open(&program).await?;
    let expected = vec![0, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE];
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)
}

async fn described() -> TestResult {
    let setup = Setup::new().await?;
    let script = open(Stream::Chat, "").method("s", send("a")).method("s", "next()").method("s", "cancel()");
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    invoke(&mut worker, "a").await?;
    let entries = setup.entries().await?;
    let api = std::sync::Arc::new(crate::ledger::api(Protocol::Grpc, InDoubt::OutcomeUnknown));
    let ir = entries.iter().find_map(|(_, e)| match &e.event {
        Event::Started(started) => Some(started.ir),
        _ => None,
    });
    let apis = std::collections::HashMap::from([(ir.ok_or("no call")?, vec![api])]);
    let lines: Vec<String> = describe(&entries, &apis).iter().map(|d| format!("{} {}", d.event, d.text)).collect();
    let expected = [
        "finished ok(<resource 0>)",
        "stepped step 0: send({id: \"a\", text: \"\"}) -> ok",
        "stepped step 1: next() -> ok(some({number: 1}))",
        "stepped step 2: cancel(), the end",
    ];
    check("the described entries", &lines[2..6].to_vec(), &expected.map(ToOwned::to_owned).to_vec())
}

/// Where the process ends itself. Ordinals: `Invoked` 0, the call 1 and 2, the steps from 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kill {
    /// The opening is durable, nothing is sent.
    Opened,
    /// Before the second step: nothing of it is recorded.
    BetweenSteps,
    /// The second step was taken, and is not recorded.
    StepTaken,
    /// The second step is recorded, and the guest does not have it.
    StepRecorded,
    /// Half of the second item has left.
    MidSend,
    /// Before the last step: `finish`, or the end.
    BeforeLast,
    /// The last step was taken, and is not recorded.
    LastTaken,
}

const KILLS: [Kill; 7] = [
    Kill::Opened,
    Kill::BetweenSteps,
    Kill::StepTaken,
    Kill::StepRecorded,
    Kill::MidSend,
    Kill::BeforeLast,
    Kill::LastTaken,
];

impl Kill {
    fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::BetweenSteps => "between-steps",
            Self::StepTaken => "step-taken",
            Self::StepRecorded => "step-recorded",
            Self::MidSend => "mid-send",
            Self::BeforeLast => "before-the-last",
            Self::LastTaken => "last-taken",
        }
    }

    /// The probe's window and ordinal; `None` where the stream has no such state.
    fn window(self, stream: Stream) -> Option<(&'static str, Ordinal)> {
        let last = 2 + numbers(stream).len() as u64 - 1;
        let sends = !stream.kind().takes_request();
        Some(match self {
            Self::Opened => ("recorded", Ordinal::new(1)),
            Self::BetweenSteps => ("before-recorded", Ordinal::new(4)),
            Self::StepTaken => ("step-taken", Ordinal::new(4)),
            Self::StepRecorded => ("recorded-not-returned", Ordinal::new(4)),
            // Counted, since the item leaves while a later step waits.
            Self::MidSend if sends => ("half-sent", Ordinal::new(2)),
            Self::MidSend => return None,
            Self::BeforeLast => ("before-recorded", Ordinal::new(last)),
            Self::LastTaken => ("step-taken", Ordinal::new(last)),
        })
    }

    /// How many numbers of the script come from steps that were recorded by the killed process.
    fn recorded(self, stream: Stream) -> Option<usize> {
        let all = numbers(stream).len();
        Some(match self {
            Self::Opened => 1,
            Self::BetweenSteps | Self::StepTaken => 2,
            Self::StepRecorded => 3,
            Self::MidSend => return None,
            Self::BeforeLast | Self::LastTaken => all - 1,
        })
    }
}

/// A worker over a stream, with the files that its processes share.
pub(crate) struct Case {
    pub(crate) server: crate::ledger::Server,
    pub(crate) held: tokio::sync::mpsc::UnboundedReceiver<()>,
    directory: tempfile::TempDir,
    protocol: Protocol,
    in_doubt: InDoubt,
}

impl Case {
    async fn new(script: &Script, in_doubt: InDoubt) -> Result<Self, libtest_mimic::Failed> {
        Self::over(Protocol::Grpc, script, in_doubt).await
    }

    pub(crate) async fn over(protocol: Protocol, script: &Script, in_doubt: InDoubt) -> Result<Self, libtest_mimic::Failed> {
        let (server, held) = crate::ledger::Server::start().await?;
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("guest.wasm"), script.build()?)?;
        Ok(Self { server, held, directory, protocol, in_doubt })
    }

    pub(crate) fn spawn(
        &self,
        keys: &[&str],
        decision: Option<InDoubt>,
        kill: Option<(&'static str, Ordinal)>,
    ) -> Result<tokio::process::Child, libtest_mimic::Failed> {
        Child {
            database: &self.directory.path().join("store.db"),
            wasm: &self.directory.path().join("guest.wasm"),
            url: self.server.url(),
            protocol: self.protocol,
            in_doubt: self.in_doubt,
            keys,
            decision,
            kill,
        }
        .spawn()
    }

    pub(crate) async fn process(&self, keys: &[&str], decision: Option<InDoubt>) -> Result<Finished, libtest_mimic::Failed> {
        let finished = wait(self.spawn(keys, decision, None)?).await?;
        check("whether a later process succeeded", &finished.status.success(), &true)?;
        Ok(finished)
    }

    fn opened(&self, stream: Stream) -> u32 {
        self.server.stream_counts().opened.get(&stream).copied().unwrap_or(0)
    }

    fn effects(&self, stream: Stream) -> u32 {
        self.server.stream_counts().effects.get(&stream).copied().unwrap_or(0)
    }
}

async fn killed(stream: Stream, kill: Kill) -> TestResult {
    let window = kill.window(stream).ok_or("the stream has no such state")?;
    let case = Case::new(&whole(stream), InDoubt::OutcomeUnknown).await?;
    let first = wait(case.spawn(&["order"], None, Some(window))?).await?;
    check("the signal that ended the first process", &first.status.signal(), &Some(9))?;
    let line = case.process(&["order"], None).await?.lines.concat();
    let got = parse_numbers(&line)?;
    let may_repeat = matches!(stream, Stream::Watch | Stream::Gather | Stream::Pledge | Stream::Chat);
    let sound = numbers(stream);
    if may_repeat {
        // Sent again, and passed over what was received: the guest sees no seam.
        check("what the guest got", &got, &sound)?;
        // What a killed process had only begun to send may have come, or not.
        let first = u32::from(kill != Kill::Opened);
        check("openings", &(1..=1 + first).contains(&case.opened(stream)), &true)?;
    } else {
        let recorded = kill.recorded(stream).unwrap_or_else(|| got.iter().take_while(|n| **n != UNAVAILABLE).count());
        let expected: Vec<u64> =
            sound[..recorded].iter().copied().chain(std::iter::repeat_n(UNAVAILABLE, sound.len() - recorded)).collect();
        check("what the guest got", &got, &expected)?;
        check("openings", &(case.opened(stream) <= u32::from(kill != Kill::Opened)), &true)?;
        let effects = u32::from(stream == Stream::Deposit && kill == Kill::LastTaken);
        check("effects", &case.effects(stream), &effects)?;
    }
    // A third process replays everything and sends nothing; the stored result is the answer to the same key.
    let opened = case.opened(stream);
    check("what a resumed worker prints", &case.process(&[], None).await?.lines, &Vec::new())?;
    check("the stored result", &case.process(&["order"], None).await?.lines.concat(), &line)?;
    check("openings after the end", &case.opened(stream), &opened)
}

/// The server holds the stream while the guest waits for an item, and the process is killed from outside.
async fn held() -> TestResult {
    for (stream, expected) in [
        (Stream::Watch, numbers(Stream::Watch)),
        (Stream::Tail, vec![0, item(1), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]),
        (Stream::Gather, numbers(Stream::Gather)),
        (Stream::Deposit, vec![0, 0, 0, 0, UNAVAILABLE]),
    ] {
        let mut case = Case::new(&whole(stream), InDoubt::OutcomeUnknown).await?;
        let at = if stream.kind().takes_request() { 2 } else { 3 };
        case.server.hold_at_message(stream, at);
        let mut child = case.spawn(&["order"], None, None)?;
        tokio::select! {
            held = case.held.recv() => held.ok_or("the server is gone")?,
            ended = child.wait() => return Err(format!("the process ended before the window: {}", ended?).into()),
        }
        child.start_kill()?;
        check("the signal", &wait(child).await?.status.signal(), &Some(9))?;
        let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
        // The held item may not have been recorded, where the guest did not wait for it yet.
        match stream {
            Stream::Tail => {
                check("the end", &got[2..].to_vec(), &expected[2..].to_vec())?;
                check("the beginning", &(got[1] == item(1) || got[1] == UNAVAILABLE), &true)?;
            }
            _ => check("what the guest got", &got, &expected)?,
        }
        let effects = match stream {
            Stream::Gather => 2,
            Stream::Deposit => 1,
            _ => 0,
        };
        check("effects", &case.effects(stream), &effects)?;
    }
    Ok(())
}

/// The server answers once the guest's side has ended: so it does when the stream is opened again.
async fn answered_after_the_close() -> TestResult {
    let script = open(Stream::Chat, "").method("s", send(LATER)).method("s", send(LATER)).method("s", "close-send()");
    let script = (0..3).fold(script, |script, _| script.method("s", "next()"));
    let case = Case::new(&script, InDoubt::OutcomeUnknown).await?;
    // Before the second `next`.
    let first = wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(7))))?).await?;
    check("the signal that ended the first process", &first.status.signal(), &Some(9))?;
    let line = case.process(&["order"], None).await?.lines.concat();
    check("what the guest got", &parse_numbers(&line)?, &vec![0, 0, 0, 0, item(1), item(2), END])?;
    check("openings", &case.opened(Stream::Chat), &2)
}

/// The author of the manifest wants a person to decide about a stream that was cut.
async fn suspended() -> TestResult {
    for (decision, expected) in [
        (InDoubt::Retry, numbers(Stream::Tail)),
        (InDoubt::OutcomeUnknown, vec![0, item(1), UNAVAILABLE, UNAVAILABLE, UNAVAILABLE]),
    ] {
        let case = Case::new(&whole(Stream::Tail), InDoubt::Suspend).await?;
        wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(4))))?).await?;
        for _ in 0..2 {
            contains(&case.process(&["order"], None).await?.lines.concat(), "is suspended (in-doubt)")?;
            check("openings while suspended", &case.opened(Stream::Tail), &1)?;
        }
        let line = case.process(&["order"], Some(decision)).await?.lines.concat();
        check("what the guest got", &parse_numbers(&line)?, &expected)?;
        check("openings", &case.opened(Stream::Tail), &(1 + u32::from(decision == InDoubt::Retry)))?;
    }
    Ok(())
}
