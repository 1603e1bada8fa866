//! Settings of calls that last: metadata as they come, and deadlines.

use std::os::unix::process::ExitStatusExt;

use libtest_mimic::{Failed, Trial};
use witwire_executor::oplog::{Event, Ordinal};
use witwire_executor::{Program, WorkerError};
use witwire_ir::host::{grpc, http};
use witwire_ir::{InDoubt, Value};
use witwire_test_support::Script;

use super::{TYPES, add, script};
use crate::ledger::{FEEDS, Feed, INTERFACE, Operation, Protocol, STREAMS, Stream};
use crate::setup::{Setup, TestResult, check, contains, invoke, key, load, numbers, parse_numbers, run, trial, wait};
use crate::streams::{Case, send_much};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("explicit::a_stream_tells_its_metadata_as_they_come", a_stream),
        trial("explicit::a_feed_tells_its_headers_as_they_come", a_feed),
        trial("explicit::a_stream_has_a_deadline", a_stream_has_a_deadline),
        trial("explicit::a_deadline_at_the_end_goes_by_class", a_deadline_at_the_end),
        trial("explicit::a_deadline_of_what_is_sent_again_goes_by_class", a_deadline_of_what_is_sent_again),
        trial("explicit::a_deadline_before_the_head_goes_by_class", a_deadline_before_the_head),
        trial("explicit::a_feed_in_doubt_waits_for_a_person", a_feed_in_doubt),
        trial("explicit::a_feed_that_is_opened_again_has_its_deadline_anew", a_deadline_again),
    ]
}

async fn a_stream() -> TestResult {
    let setup = Setup::new().await?;
    let script = script(Protocol::Grpc)
        .create("c", TYPES, "call")
        .open("s", STREAMS, "watch({id: \"1\", text: \"\"})")
        .with("c")
        .method("c", "initial()")
        .method("s", "next()")
        .method("c", "initial()")
        .method("c", "trailing()")
        .method("s", "next()")
        .method("c", "trailing()");
    let program = setup.load(Protocol::Grpc, &script)?;
    let mut worker = setup.open(&program).await?;
    let none = Script::VALUE;
    let expected = vec![0, 0, none, none + 1, none + 1, none, none, none + 1];
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    drop(worker);
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("what the guest got before", &invoke(&mut worker, "a").await?, &expected)?;
    check("openings", &setup.server.stream_counts().opened.values().sum(), &1)
}

async fn a_feed() -> TestResult {
    for feed in Feed::ALL {
        let setup = Setup::new().await?;
        let script = script(Protocol::Http)
            .create("c", TYPES, "call")
            .method("c", add(Protocol::Http, "x-trace", "one"))
            .open("s", FEEDS, format!("{}(\"1\")", feed.name()))
            .with("c")
            .method("c", "headers()")
            .method("s", "next()")
            .method("c", "headers()")
            .method("s", "next()")
            .method("c", "headers()")
            .method("c", "attempts()");
        let program = setup.load(Protocol::Http, &script)?;
        let mut worker = setup.open(&program).await?;
        let got = invoke(&mut worker, "a").await?;
        drop(worker);
        let told = setup.entries().await?.into_iter().find_map(|(_, entry)| match entry.event {
            Event::Stepped(stepped) => stepped.beside,
            _ => None,
        });
        let Some(Value::Record(told)) = told else { return Err(format!("nothing beside: {told:?}").into()) };
        let Value::List(headers) = &told[0] else { return Err("no list".into()) };
        contains(&format!("{headers:?}"), feed.framing().0)?;
        let (none, all) = (Script::VALUE, Script::VALUE + headers.len() as u64);
        check("what the guest got", &got, &vec![0, 0, 0, none, none + 1, all, none, all, none + 1])?;
        check("what was sent", &setup.server.counts().traces, &vec!["one".to_owned()])?;
        // The same from the oplog, and the server sees nothing.
        let mut worker = setup.open(&program).await?;
        worker.resume(None).await?;
        check("what the guest got before", &invoke(&mut worker, "a").await?, &got)?;
        check("openings", &setup.server.feed_counts().opened[&feed], &1)?;
    }
    Ok(())
}

async fn a_stream_has_a_deadline() -> TestResult {
    let setup = Setup::new().await?;
    setup.server.hold_at_message(Stream::Watch, 1);
    let script = script(Protocol::Grpc)
        .create("c", TYPES, "call")
        .method("c", "set-deadline(200)")
        .open("s", STREAMS, "watch({id: \"1\", text: \"\"})")
        .with("c")
        .method("s", "next()");
    let mut worker = setup.open(&setup.load(Protocol::Grpc, &script)?).await?;
    let passed = 1 + grpc::ErrorKind::DeadlineExceeded as u64;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, 0, 0, passed])?;
    setup.server.cancellation().await;
    Ok(())
}

/// What comes of a program that is invoked once: the guest's numbers, or `None` where the worker was suspended.
async fn outcome(setup: &Setup, program: &Program) -> Result<Option<Vec<u64>>, Failed> {
    let mut worker = setup.open(program).await?;
    match worker.invoke(&key("a"), &run(), &[]).await {
        Ok(outcome) => numbers(&outcome).map(Some),
        Err(WorkerError::Suspended { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// The effect of a call whose client streams has happened, and the deadline passes before its response: nobody knows but the class.
async fn a_deadline_at_the_end() -> TestResult {
    let deadline_exceeded = 1 + grpc::ErrorKind::DeadlineExceeded as u64;
    for (stream, in_doubt, expected) in [
        (Stream::Gather, InDoubt::OutcomeUnknown, Some(deadline_exceeded)),
        (Stream::Deposit, InDoubt::Retry, Some(deadline_exceeded)),
        (Stream::Deposit, InDoubt::OutcomeUnknown, Some(Protocol::Grpc.outcome_unknown())),
        (Stream::Deposit, InDoubt::Suspend, None),
    ] {
        let mut setup = Setup::new().await?;
        setup.server.hold_at_message(stream, 0);
        // The first call makes the connection, so that the deadline finds the stream at the server.
        let script = script(Protocol::Grpc)
            .call(INTERFACE, Operation::Look.wave(Protocol::Grpc, "1"))
            .create("c", TYPES, "call")
            .method("c", "set-deadline(500)")
            .open("s", STREAMS, format!("{}()", stream.name()))
            .with("c")
            .method("s", "finish()");
        let program = load(&setup.executor, script.build()?, Protocol::Grpc, in_doubt, setup.server.url())?;
        let expected = expected.map(|end| vec![0, 0, 0, 0, end]);
        check(&format!("what the guest got of {stream:?}"), &outcome(&setup, &program).await?, &expected)?;
        setup.held.recv().await.ok_or("the server is gone")?;
        check("effects", &setup.server.stream_counts().effects[&stream], &1)?;
    }
    Ok(())
}

/// A process ends where it has the response and has not recorded it, and the next one comes to the deadline while it sends again: what the
/// first one did is not known, whatever the second one did.
async fn a_deadline_of_what_is_sent_again() -> TestResult {
    let deadline_exceeded = 1 + grpc::ErrorKind::DeadlineExceeded as u64;
    let suspended = "is suspended (in-doubt)";
    for (stream, in_doubt, expected) in [
        (Stream::Gather, InDoubt::OutcomeUnknown, Some(deadline_exceeded)),
        (Stream::Deposit, InDoubt::Retry, Some(deadline_exceeded)),
        (Stream::Pledge, InDoubt::OutcomeUnknown, Some(Protocol::Grpc.outcome_unknown())),
        (Stream::Deposit, InDoubt::Suspend, None),
    ] {
        let script = script(Protocol::Grpc)
            .create("c", TYPES, "call")
            .method("c", "set-deadline(3000)")
            .open("s", STREAMS, format!("{}()", stream.name()))
            .with("c");
        let (script, items) = send_much(script);
        let case = Case::over(Protocol::Grpc, &script.method("s", "finish()"), in_doubt).await?;
        // The opening is 1 and 2, the steps are from 3.
        let finish = Ordinal::new(3 + items as u64);
        let first = wait(case.spawn(&["order"], None, Some(("step-taken", finish)))?).await?;
        check("the signal that ended the first process", &first.status.signal(), &Some(9))?;
        check("effects", &case.server.stream_counts().effects[&stream], &1)?;
        let asked = expected.is_none();
        if asked {
            contains(&case.process(&["order"], None).await?.lines.concat(), suspended)?;
        }
        case.server.hold_before_reading(stream);
        let second = wait(case.spawn(&["order"], asked.then_some(InDoubt::Retry), None)?).await?;
        check("whether it came to an end", &second.status.success(), &!asked)?;
        check("openings", &case.server.stream_counts().opened[&stream], &2)?;
        if let Some(end) = expected {
            let expected: Vec<u64> = std::iter::repeat_n(0, 3 + items).chain([end]).collect();
            check(&format!("what the guest got of {stream:?}"), &parse_numbers(&second.lines.concat())?, &expected)?;
        } else {
            contains(&case.process(&["order"], None).await?.lines.concat(), suspended)?;
            check("openings while suspended", &case.server.stream_counts().opened[&stream], &2)?;
        }
    }
    Ok(())
}

/// Before its head nobody knows what a request did; behind it the items tell.
async fn a_deadline_before_the_head() -> TestResult {
    let timeout = 1 + http::ErrorKind::Timeout as u64;
    for (feed, held_at, in_doubt, expected) in [
        (Feed::Numbers, 0, InDoubt::OutcomeUnknown, Some(timeout)),
        (Feed::Ask, 1, InDoubt::OutcomeUnknown, Some(timeout)),
        (Feed::Ask, 0, InDoubt::Retry, Some(timeout)),
        (Feed::Ask, 0, InDoubt::OutcomeUnknown, Some(Protocol::Http.outcome_unknown())),
        (Feed::Ask, 0, InDoubt::Suspend, None),
        (Feed::Ask, 1, InDoubt::Suspend, Some(timeout)),
    ] {
        let mut setup = Setup::new().await?;
        setup.server.hold_at_item(feed, held_at);
        let script = script(Protocol::Http)
            .call(INTERFACE, Operation::Look.wave(Protocol::Http, "1"))
            .create("c", TYPES, "call")
            .method("c", "set-deadline(500)")
            .open("s", FEEDS, format!("{}(\"3\")", feed.name()))
            .with("c")
            .method("s", "next()")
            .method("s", "next()");
        let program = load(&setup.executor, script.build()?, Protocol::Http, in_doubt, setup.server.url())?;
        // The error stays.
        let expected = expected.map(|end| vec![0, 0, 0, 0, end, end]);
        check(&format!("what the guest got of {feed:?}"), &outcome(&setup, &program).await?, &expected)?;
        setup.held.recv().await.ok_or("the server is gone")?;
        check("openings", &setup.server.feed_counts().opened[&feed], &1)?;
    }
    Ok(())
}

/// A worker is suspended over a feed of which nobody knows whether it was begun, as over a call.
async fn a_feed_in_doubt() -> TestResult {
    let unavailable = 1 + http::ErrorKind::Unavailable as u64;
    for (decision, expected, openings) in
        [(InDoubt::Retry, [Script::VALUE + 1, Script::VALUE + 2], 2), (InDoubt::OutcomeUnknown, [unavailable; 2], 1)]
    {
        let setup = Setup::new().await?;
        setup.server.hold_at_item(Feed::Ask, 0);
        let script = script(Protocol::Http)
            .call(INTERFACE, Operation::Look.wave(Protocol::Http, "1"))
            .create("c", TYPES, "call")
            .method("c", "set-deadline(500)")
            .open("s", FEEDS, "ask(\"2\")")
            .with("c")
            .method("s", "next()")
            .method("s", "next()");
        let program = load(&setup.executor, script.build()?, Protocol::Http, InDoubt::Suspend, setup.server.url())?;
        for _ in 0..2 {
            check("what the guest got", &outcome(&setup, &program).await?, &None)?;
        }
        check("openings while suspended", &setup.server.feed_counts().opened[&Feed::Ask], &1)?;
        setup.open(&program).await?.resume(Some(decision)).await?;
        let expected: Vec<u64> = [0; 4].into_iter().chain(expected).collect();
        check("what the guest got", &outcome(&setup, &program).await?, &Some(expected))?;
        check("openings", &setup.server.feed_counts().opened[&Feed::Ask], &openings)?;
    }
    Ok(())
}

/// A server that does not give what it gave before is not waited for longer than the call may take.
async fn a_deadline_again() -> TestResult {
    let script = script(Protocol::Http)
        .create("c", TYPES, "call")
        .method("c", "set-deadline(2000)")
        .open("s", FEEDS, "numbers(\"3\")")
        .with("c")
        .method("s", "next()")
        .method("s", "next()")
        .method("s", "next()");
    let case = Case::over(Protocol::Http, &script, InDoubt::OutcomeUnknown).await?;
    // The opening is 1 and 2, the steps are from 3.
    wait(case.spawn(&["order"], None, Some(("before-recorded", Ordinal::new(5))))?).await?;
    case.server.hold_at_item(Feed::Numbers, 2);
    let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
    let timeout = 1 + http::ErrorKind::Timeout as u64;
    check("what the guest got", &got, &vec![0, 0, 0, Script::VALUE + 1, Script::VALUE + 2, timeout])?;
    check("openings", &case.server.feed_counts().opened[&Feed::Numbers], &2)
}
