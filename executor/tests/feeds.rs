//! Responses over HTTP that a guest reads item by item, and what becomes of them when a process is killed in the middle.

use std::os::unix::process::ExitStatusExt;

use libtest_mimic::Trial;
use witwire_executor::oplog::Ordinal;
use witwire_ir::InDoubt;
use witwire_ir::host::http::ErrorKind;
use witwire_test_support::Script;

use crate::ledger::{FEEDS, Feed, Protocol};
use crate::setup::{Setup, TestResult, check, invoke, parse_numbers, script, trial, wait};
use crate::streams::Case;

const fn error(kind: ErrorKind) -> u64 {
    1 + kind as u64
}

const fn item(number: u64) -> u64 {
    Script::VALUE + number
}

const END: u64 = Script::VALUE;
const UNAVAILABLE: u64 = error(ErrorKind::Unavailable);

/// Opens a feed and asks for so many items.
fn reads(feed: Feed, id: &str, times: usize) -> Script {
    let script = script(Protocol::Http).open("s", FEEDS, format!("{}(\"{id}\")", feed.name()));
    (0..times).fold(script, |script, _| script.method("s", "next()"))
}

/// A feed of three items, and its end.
fn whole(feed: Feed) -> Script {
    reads(feed, "3", 4)
}

const NUMBERS: [u64; 5] = [0, item(1), item(2), item(3), END];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("feeds::a_dropped_handle_gives_the_response_up", dropped),
        trial("feeds::an_answer_that_is_no_feed_is_told_by_the_first_step", refused),
        trial("feeds::no_server_is_told_by_the_first_step", no_server),
        trial("feeds::kill::the_server_is_asked_to_go_on", || resumed(false)),
        trial("feeds::kill::a_server_that_begins_anew_is_passed_over", || resumed(true)),
        trial("feeds::kill::bytes_are_passed_over_by_number", bytes),
        trial("feeds::kill::held_by_the_server", held),
    ];
    for feed in Feed::ALL {
        trials.push(trial(format!("feeds::{}", feed.name()), move || to_the_end(feed)));
        for kill in KILLS {
            let name = format!("feeds::kill::{}::{}-{}", feed.name(), kill.0, kill.1);
            trials.push(trial(name, move || killed(feed, kill)));
        }
    }
    trials
}

async fn to_the_end(feed: Feed) -> TestResult {
    let setup = Setup::new().await?;
    let program = setup.load(Protocol::Http, &whole(feed))?;
    let mut worker = setup.open(&program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &NUMBERS.to_vec())?;
    drop(worker);
    // Once more from the oplog: the same, and the server sees nothing.
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("what the guest got before", &invoke(&mut worker, "a").await?, &NUMBERS.to_vec())?;
    if feed == Feed::Ask {
        // The server never ends: its last event did.
        setup.server.cancellation().await;
    }
    check("openings", &setup.server.feed_counts().opened[&feed], &1)
}

async fn dropped() -> TestResult {
    for feed in Feed::ALL {
        let setup = Setup::new().await?;
        let mut worker = setup.open(&setup.load(Protocol::Http, &reads(feed, "100000", 1).drop_handle("s"))?).await?;
        check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, item(1), 0])?;
        setup.server.cancellation().await;
        check("what was given up", &setup.server.feed_counts().cancelled[&feed], &1)?;
    }
    Ok(())
}

/// The error stays: later steps give it again.
async fn refused() -> TestResult {
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(Protocol::Http, &reads(Feed::Ask, "none", 2))?).await?;
    let not_found = error(ErrorKind::NotFound);
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, not_found, not_found])?;
    check("openings", &setup.server.feed_counts().opened[&Feed::Ask], &1)
}

async fn no_server() -> TestResult {
    let setup = Setup::new().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    drop(listener);
    let wasm = reads(Feed::Numbers, "3", 2).build()?;
    let program = crate::setup::load(&setup.executor, wasm, Protocol::Http, InDoubt::default(), &url)?;
    let mut worker = setup.open(&program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, UNAVAILABLE, UNAVAILABLE])
}

/// A window, the ordinal, and how many numbers of the script the killed process has recorded. `Invoked` is 0, the call 1 and 2, the
/// steps are from 3.
const KILLS: [(&str, u64, usize); 6] = [
    ("recorded", 1, 1),
    ("before-recorded", 4, 2),
    ("step-taken", 4, 2),
    ("recorded-not-returned", 4, 3),
    ("before-recorded", 6, 4),
    ("step-taken", 6, 4),
];

async fn killed(feed: Feed, (window, ordinal, recorded): (&'static str, u64, usize)) -> TestResult {
    let case = Case::over(Protocol::Http, &whole(feed), InDoubt::OutcomeUnknown).await?;
    let first = wait(case.spawn(&["order"], None, Some((window, Ordinal::new(ordinal))))?).await?;
    check("the signal that ended the first process", &first.status.signal(), &Some(9))?;
    let line = case.process(&["order"], None).await?.lines.concat();
    let got = parse_numbers(&line)?;
    let opened = || case.server.feed_counts().opened.get(&feed).copied().unwrap_or(0);
    if feed == Feed::Ask {
        let end = std::iter::repeat_n(UNAVAILABLE, NUMBERS.len() - recorded);
        let expected: Vec<u64> = NUMBERS[..recorded].iter().copied().chain(end).collect();
        check("what the guest got", &got, &expected)?;
        check("openings", &opened(), &u32::from(window != "recorded"))?;
    } else {
        let sum = |numbers: &[u64]| numbers.iter().map(|n| n % Script::VALUE).sum::<u64>();
        if feed == Feed::Bytes {
            // Where bytes are cut is chance, how many there are is not.
            check("the bytes that the guest got", &sum(&got), &sum(&NUMBERS))?;
        } else {
            check("what the guest got", &got, &NUMBERS.to_vec())?;
        }
        check("openings", &opened(), &(1 + u32::from(window != "recorded")))?;
    }
    // A third process replays everything and sends nothing; the stored result is the answer to the same key.
    let before = opened();
    check("what a resumed worker prints", &case.process(&[], None).await?.lines, &Vec::new())?;
    check("the stored result", &case.process(&["order"], None).await?.lines.concat(), &line)?;
    check("openings after the end", &opened(), &before)
}

/// After two of three events the next process names the last of them.
async fn resumed(forgetful: bool) -> TestResult {
    let case = Case::over(Protocol::Http, &whole(Feed::Events), InDoubt::OutcomeUnknown).await?;
    if forgetful {
        case.server.forget_events();
    }
    wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(5))))?).await?;
    let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
    check("what the guest got", &got, &NUMBERS.to_vec())?;
    check("the ids", &case.server.feed_counts().last_event_ids, &vec![None, Some("xx".to_owned())])
}

/// After three of six bytes the next process gets all six in one piece, and gives its guest the other three.
async fn bytes() -> TestResult {
    let case = Case::over(Protocol::Http, &whole(Feed::Bytes), InDoubt::OutcomeUnknown).await?;
    wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(5))))?).await?;
    let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
    check("what the guest got", &got, &NUMBERS.to_vec())
}

/// The server holds the feed while the guest waits for an item, and the process is killed from outside.
async fn held() -> TestResult {
    for feed in [Feed::Events, Feed::Numbers, Feed::Ask] {
        let mut case = Case::over(Protocol::Http, &whole(feed), InDoubt::OutcomeUnknown).await?;
        case.server.hold_at_item(feed, 2);
        let mut child = case.spawn(&["order"], None, None)?;
        tokio::select! {
            held = case.held.recv() => held.ok_or("the server is gone")?,
            ended = child.wait() => return Err(format!("the process ended before the window: {}", ended?).into()),
        }
        child.start_kill()?;
        check("the signal", &wait(child).await?.status.signal(), &Some(9))?;
        let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
        if feed == Feed::Ask {
            // The first item may not have been recorded.
            check("the beginning", &(got[1] == item(1) || got[1] == UNAVAILABLE), &true)?;
            check("the end", &got[2..].to_vec(), &vec![UNAVAILABLE; 3])?;
        } else {
            check("what the guest got", &got, &NUMBERS.to_vec())?;
        }
    }
    Ok(())
}
