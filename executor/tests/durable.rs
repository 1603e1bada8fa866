//! Workers: calls are performed once, and told again ever after.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::oplog::{ClockReading, Event, Ordinal, SqliteStore, Status, Store, SuspendReason};
use witwire_executor::transport::Endpoint;
use witwire_executor::{ApiFile, Dependency, Program, WorkerError};
use witwire_ir::InDoubt;
use witwire_ir::container::Bundle;
use witwire_test_support::Script;

use crate::ledger::{self, INTERFACE, Operation, Point, Protocol, Server};
use crate::setup::{
    Child, Setup, TestResult, calls, check, contains, executor, files_in, invoke, key, load, numbers, parse_numbers, run,
    script, trial, worker_id,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for protocol in Protocol::ALL {
        let name = |test: &str| format!("durable::{}::{test}", protocol.name());
        trials.push(trial(name("every_class_is_called"), move || every_class_is_called(protocol)));
        trials.push(trial(name("new_process_replays_without_a_server"), move || replay_without_server(protocol)));
        trials.push(trial(name("divergence_suspends"), move || divergence_suspends(protocol)));
        trials.push(trial(name("errors_are_results"), move || errors_are_results(protocol)));
        trials.push(trial(name("garbled_response"), move || garbled_response(protocol)));
        trials.push(trial(name("deadline"), move || deadline(protocol)));
        trials.push(trial(name("credentials_stay_out_of_the_oplog"), move || credentials(protocol)));
        trials.push(trial(name("guest_credentials_stay_out_of_calls"), move || guest_credentials(protocol)));
    }
    trials.extend([
        trial("durable::clocks_and_randomness_are_recorded", clocks),
        trial("durable::same_key_same_answer", same_key),
        trial("durable::a_cancelled_invocation_goes_on", cancelled),
        trial("durable::requests_need_not_be_kept", digests_only),
    ]);
    trials
}

async fn every_class_is_called(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let script = Operation::ALL.iter().fold(script(protocol), |s, o| s.call(INTERFACE, o.wave(protocol, "a")));
    let mut worker = setup.open(&setup.load(protocol, &script)?).await?;
    // On another task: a server does so.
    let outcome = tokio::spawn(async move { worker.invoke(&key("1"), &run(), &[]).await }).await??;
    check("results", &numbers(&outcome)?, &vec![0; 4])?;
    for operation in Operation::ALL {
        check(operation.name(), &setup.server.of(operation, "a").0, &1)?;
    }
    let names: Vec<_> = setup.entries().await?.iter().map(|(_, e)| e.event.name()).collect();
    let call = ["started", "finished"];
    check("entries", &names, &[&["invoked"][..], &call, &call, &call, &call, &["completed"]].concat())
}

/// A second process gets the result without a server, and a third goes on where the first ended.
async fn replay_without_server(protocol: Protocol) -> TestResult {
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let (database, wasm) = (directory.path().join("store.db"), directory.path().join("guest.wasm"));
    std::fs::write(&wasm, calls(protocol, Operation::Pay, &["1", "2", "3"]).build()?)?;
    let child = |keys, url| Child {
        database: &database,
        url,
        protocol,
        wasm: &wasm,
        in_doubt: InDoubt::OutcomeUnknown,
        keys,
        decision: None,
        kill: None,
    };
    let first = child(&["a"], server.url()).finish().await?;
    check("the first result", &parse_numbers(&first.lines.concat())?, &vec![0; 3])?;
    check("requests", &server.requests(), &3)?;

    // Nothing listens there: the port was given up.
    let nowhere = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let resumed = child(&[], &nowhere).finish().await?;
    check("whether it replays", &resumed.status.success(), &true)?;
    let second = child(&["a"], &nowhere).finish().await?;
    check("the second result", &second.lines, &first.lines)?;
    check("requests after playback", &server.requests(), &3)?;

    let third = child(&["a", "b"], server.url()).finish().await?;
    check("the third results", &third.lines, &[&first.lines[..], &first.lines].concat())?;
    check("requests for a new invocation", &server.requests(), &6)
}

async fn divergence_suspends(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let [store, pay] = [Operation::Store, Operation::Pay].map(|o| o.wave(protocol, "1"));
    let original = setup.load(protocol, &script(protocol).call(INTERFACE, &store).call(INTERFACE, &pay))?;
    let swapped = setup.load(protocol, &script(protocol).call(INTERFACE, &pay).call(INTERFACE, &store))?;
    let mut worker = setup.open(&original).await?;
    invoke(&mut worker, "a").await?;
    drop(worker);
    let (requests, entries) = (setup.server.requests(), setup.entries().await?);

    let mut worker = setup.open(&swapped).await?;
    let error = worker.invoke(&key("b"), &run(), &[]).await.err().ok_or("the swapped component ran")?;
    let WorkerError::Suspended { reason: SuspendReason::Divergence, detail, .. } = &error else {
        return Err(format!("not a divergence: {error}").into());
    };
    contains(detail, "at entry 1: recorded is that it calls `test:ledger/ledger@1.2.0#store`")?;
    contains(detail, "now it calls `test:ledger/ledger@1.2.0#pay`")?;
    check("requests", &setup.server.requests(), &requests)?;
    check("entries", &setup.entries().await?, &entries)?;
    // It stays so, for this process and others.
    check("invoked again", &worker.invoke(&key("b"), &run(), &[]).await.is_err(), &true)?;
    check("resumed with the same component", &worker.resume(None).await.is_err(), &true)?;
    drop(worker);
    let mut worker = setup.open(&original).await?;
    check("invoked before it is resumed", &worker.invoke(&key("b"), &run(), &[]).await.is_err(), &true)?;
    check("requests", &setup.server.requests(), &requests)?;
    check("entries", &setup.entries().await?, &entries)?;

    // With the component that wrote the oplog it goes on.
    worker.resume(None).await?;
    check("status", worker.status(), &Status::Idle)?;
    check("entries", &setup.entries().await?, &entries)?;
    check("a new result", &invoke(&mut worker, "b").await?, &vec![0, 0])?;
    check("requests", &setup.server.requests(), &(requests + 2))
}

/// A server that is down, and arguments that break a rule: both are told to the guest, recorded, and told again.
async fn errors_are_results(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let (store, too_long) = (Operation::Store.wave(protocol, "1"), Operation::Pay.wave(protocol, "longer than eight"));
    let wasm = script(protocol).call(INTERFACE, store).call(INTERFACE, too_long).build()?;
    let nowhere = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let down = load(&setup.executor, wasm.clone(), protocol, InDoubt::OutcomeUnknown, &nowhere)?;
    let mut worker = setup.open(&down).await?;
    let told = invoke(&mut worker, "a").await?;
    let expected = match protocol {
        Protocol::Http => {
            [witwire_ir::host::http::ErrorKind::Unavailable, witwire_ir::host::http::ErrorKind::InvalidRequest]
                .map(|k| k as u64)
        }
        Protocol::Grpc => {
            [witwire_ir::host::grpc::ErrorKind::Unavailable, witwire_ir::host::grpc::ErrorKind::InvalidRequest]
                .map(|k| k as u64)
        }
    };
    check("what the guest was told", &told, &expected.map(|kind| kind + 1).to_vec())?;
    drop(worker);

    // Now the server is there. The first invocation is replayed; its errors stay what they were.
    let up = load(&setup.executor, wasm, protocol, InDoubt::OutcomeUnknown, setup.server.url())?;
    let mut worker = setup.open(&up).await?;
    worker.resume(None).await?;
    check("requests of playback", &setup.server.requests(), &0)?;
    check("a new invocation", &invoke(&mut worker, "b").await?, &vec![0, told[1]])?;
    check("requests in all", &setup.server.requests(), &1)
}

/// A response that is not what the API says becomes an error, and the instance goes on.
async fn garbled_response(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(protocol, &calls(protocol, Operation::Store, &["1"]))?).await?;
    setup.server.garble(true);
    let invalid = match protocol {
        Protocol::Http => witwire_ir::host::http::ErrorKind::InvalidResponse as u64,
        Protocol::Grpc => witwire_ir::host::grpc::ErrorKind::InvalidResponse as u64,
    };
    check("garbled", &invoke(&mut worker, "a").await?, &vec![invalid + 1])?;
    setup.server.garble(false);
    check("whole again", &invoke(&mut worker, "b").await?, &vec![0])
}

/// A server that does not answer: the call ends by its deadline, and by its class, and the instance goes on.
async fn deadline(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let wasm = calls(protocol, Operation::Post, &["1", "2"]).build()?;
    let file = ApiFile::of(&ledger::bundle(protocol, InDoubt::OutcomeUnknown));
    let mut dependency = Dependency::new(file, Some(Endpoint::parse(setup.server.url())?));
    dependency.deadline = Duration::from_millis(500);
    let mut worker = setup.open(&setup.executor.load(wasm, &[dependency])?).await?;
    setup.server.hold(Point::Arrived, "1");
    check("results", &invoke(&mut worker, "a").await?, &vec![protocol.outcome_unknown(), 0])
}

async fn credentials(protocol: Protocol) -> TestResult {
    const SECRET: &str = "s3cret-t0ken";
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let executor = executor(Arc::new(SqliteStore::open(directory.path().join("store.db"))?))?;
    let file = ApiFile::of(&ledger::bundle(protocol, InDoubt::OutcomeUnknown));
    let mut dependency = Dependency::new(file, Some(Endpoint::parse(server.url())?));
    dependency.credentials = Credentials::none().with("bearerAuth", Source::Literal(SECRET.to_owned()));
    check("what is printed of them", &format!("{dependency:?}").contains(SECRET), &false)?;
    let program = executor.load(calls(protocol, Operation::Post, &["visible"]).build()?, &[dependency])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    check("results", &invoke(&mut worker, "a").await?, &vec![0])?;
    check("what the server got", &server.counts().authorizations, &vec![format!("Bearer {SECRET}")])?;
    let stored = files_in(directory.path())?;
    let holds = |text: &str| stored.windows(text.len()).any(|w| w == text.as_bytes());
    check("whether the store has the request", &holds("visible"), &true)?;
    check("whether the store has the secret", &holds(SECRET), &false)
}

/// What a guest passes as `auth` is sent, is not in the call's entries, and may be another in playback.
async fn guest_credentials(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let api = ledger::guest_auth_api(protocol);
    let wit = witwire_ir::print_package(&api);
    let file = ApiFile::of(&Bundle { apis: vec![api] });
    let dependency = Dependency::new(file, Some(Endpoint::parse(setup.server.url())?));
    let program = |token: &str, id: &str| -> Result<Program, Failed> {
        let call = format!(r#"post({{id: "{id}", text: "t"}}, {{token: "{token}"}})"#);
        let wasm = Script::new([wit.clone()]).call(INTERFACE, call).build()?;
        Ok(setup.executor.load(wasm, std::slice::from_ref(&dependency))?)
    };
    let mut worker = setup.open(&program("first-t0ken", "1")?).await?;
    check("results", &invoke(&mut worker, "a").await?, &vec![0])?;
    check("what the server got", &setup.server.counts().authorizations, &vec!["Bearer first-t0ken".to_owned()])?;
    for (_, entry) in setup.entries().await? {
        if let Event::Started(started) = entry.event {
            let witwire_executor::oplog::Recorded::Typed(values) = started.request else {
                return Err("the request is not kept".into());
            };
            contains(&format!("{values:?}"), "\"1\"")?;
            check("whether the entry has the token", &format!("{values:?}").contains("t0ken"), &false)?;
        }
    }
    drop(worker);
    // A renewed token is no divergence; another request is one.
    setup.open(&program("second-t0ken", "1")?).await?.resume(None).await?;
    check("requests", &setup.server.requests(), &1)?;
    let error = setup.open(&program("first-t0ken", "2")?).await?.resume(None).await;
    check("another request", &matches!(error, Err(WorkerError::Suspended { .. })), &true)
}

/// What a guest read is read again, in the process that carries on and in one that replays.
async fn clocks() -> TestResult {
    let protocol = Protocol::Http;
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let (database, wasm) = (directory.path().join("store.db"), directory.path().join("guest.wasm"));
    let guest = script(protocol)
        .wall_clock()
        .random()
        .monotonic_clock()
        .call(INTERFACE, Operation::Post.wave(protocol, "1"))
        .monotonic_clock()
        .wall_clock();
    std::fs::write(&wasm, guest.build()?)?;
    let child = |keys, kill| Child {
        database: &database,
        url: server.url(),
        protocol,
        wasm: &wasm,
        in_doubt: InDoubt::OutcomeUnknown,
        keys,
        decision: None,
        kill,
    };
    // Invoked, three readings, then the call.
    child(&["a"], Some(("recorded-not-returned", Ordinal::new(4)))).finish().await?;
    let result = parse_numbers(&child(&["a"], None).finish().await?.lines.concat())?;
    let replayed = child(&[], None).finish().await?;
    check("whether it replays", &replayed.status.success(), &true)?;
    check("requests", &server.requests(), &1)?;

    let entries = SqliteStore::open(&database)?.read(&worker_id(), Ordinal::ZERO).await?;
    let readings: Vec<u64> = entries
        .into_iter()
        .filter_map(|(_, entry)| match entry.event {
            Event::Clock(ClockReading::Wall { seconds, nanoseconds }) => {
                Some(seconds * 1_000_000_000 + u64::from(nanoseconds))
            }
            Event::Clock(ClockReading::Monotonic(nanoseconds)) => Some(nanoseconds),
            Event::Random(bytes) => Some(u64::from_le_bytes(bytes.0[..].try_into().ok()?)),
            Event::Finished(_) => Some(0),
            _ => None,
        })
        .collect();
    check("what the guest read", &result, &readings)?;
    check("whether the monotonic clock went on", &(result[2] <= result[4]), &true)?;
    // Another invocation reads anew.
    let lines = child(&["a", "b"], None).finish().await?.lines;
    check("results of two invocations", &lines.len(), &2)?;
    check("whether they differ", &(lines[0] == lines[1]), &false)
}

async fn same_key() -> TestResult {
    let protocol = Protocol::Grpc;
    let setup = Setup::new().await?;
    let program = setup.load(protocol, &calls(protocol, Operation::Post, &["1"]).random())?;
    let mut worker = setup.open(&program).await?;
    let first = invoke(&mut worker, "a").await?;
    check("the same key", &invoke(&mut worker, "a").await?, &first)?;
    check("requests", &setup.server.requests(), &1)?;
    check("another key, another random number", &(invoke(&mut worker, "b").await? == first), &false)?;
    check("requests", &setup.server.requests(), &2)?;
    drop(worker);
    let mut worker = setup.open(&program).await?;
    check("the same key later", &invoke(&mut worker, "a").await?, &first)?;
    check("requests", &setup.server.requests(), &2)?;
    let other = witwire_executor::oplog::FunctionName::world("walk");
    let error = worker.invoke(&key("a"), &other, &[]).await.err().ok_or("a function that does not exist ran")?;
    contains(&error.to_string(), "exports no function `walk`; it has `run`")
}

/// The future of an invocation is dropped while the server has its request.
async fn cancelled() -> TestResult {
    let protocol = Protocol::Http;
    let mut setup = Setup::new().await?;
    let program = setup.load(protocol, &calls(protocol, Operation::Post, &["1", "2"]))?;
    let mut worker = setup.open(&program).await?;
    setup.server.hold(Point::Arrived, "1");
    let (id, export) = (key("a"), run());
    tokio::select! {
        _ = worker.invoke(&id, &export, &[]) => return Err("the server held nothing".into()),
        held = setup.held.recv() => held.ok_or("the server is gone")?,
    }
    let error = worker.invoke(&id, &export, &[]).await.err().ok_or("a cancelled worker went on")?;
    check("the error", &matches!(error, WorkerError::Lost { .. }), &true)?;
    drop(worker);
    let mut worker = setup.open(&program).await?;
    check("results", &invoke(&mut worker, "a").await?, &vec![protocol.outcome_unknown(), 0])?;
    check("requests", &setup.server.requests(), &2)
}

async fn digests_only() -> TestResult {
    let setup = Setup::new().await?;
    let protocol = Protocol::Grpc;
    let file = ApiFile::of(&ledger::bundle(protocol, InDoubt::OutcomeUnknown));
    let mut dependency = Dependency::new(file, Some(Endpoint::parse(setup.server.url())?));
    dependency.record_requests = false;
    let program = setup.executor.load(calls(protocol, Operation::Post, &["1"]).build()?, &[dependency])?;
    let mut worker = setup.open(&program).await?;
    invoke(&mut worker, "a").await?;
    drop(worker);
    let kept = setup.entries().await?.into_iter().any(|(_, entry)| {
        matches!(entry.event, Event::Started(started) if started.request != witwire_executor::oplog::Recorded::Digest)
    });
    check("whether a request was kept", &kept, &false)?;
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("requests", &setup.server.requests(), &1)
}
