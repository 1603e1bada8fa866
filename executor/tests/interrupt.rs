//! Stopping a worker from outside: nothing of a call is lost, nothing is repeated.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use tokio::sync::Notify;
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::oplog::{MemoryStore, Ordinal, Outcome, Status, SuspendReason};
use witwire_executor::transport::Endpoint;
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, Interrupter, Probe, Window, WorkerError};
use witwire_ir::InDoubt;
use witwire_ir::host::grpc::ErrorKind;
use witwire_test_support::{Script, wat_guest};

use crate::ledger::{self, INTERFACE, Operation, Point, Protocol, STREAMS, Server, Stream};
use crate::setup::{TestResult, calls, check, executor, invoke, key, load, run, script, transport, trial, worker_id};
use crate::streams::send_much;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("interrupt::a-loop", a_loop)];
    for step in ["next()", "next-batch(1)"] {
        for stream in [Stream::Watch, Stream::Tail] {
            let name = format!("interrupt::{}::{step}", stream.name());
            trials.push(trial(name, move || in_a_step(stream, step)));
        }
    }
    trials.push(trial("interrupt::what-cannot-be-opened-again", not_reopened));
    trials.push(trial("interrupt::gather::what-is-sent-again", in_what_is_sent_again));
    for protocol in Protocol::ALL {
        trials.push(trial(format!("interrupt::{}::in-a-call", protocol.name()), move || in_a_call(protocol)));
    }
    trials
}

fn interrupted(result: &Result<Outcome, WorkerError>) -> bool {
    matches!(result, Err(WorkerError::Suspended { reason: SuspendReason::Interrupted, .. }))
}

/// The call under way has its effect and its result; the worker goes on behind it.
async fn in_a_call(protocol: Protocol) -> TestResult {
    let (server, mut held) = Server::start().await?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let wasm = calls(protocol, Operation::Post, &["1", "2", "3"]).build()?;
    let program = load(&executor, wasm, protocol, InDoubt::OutcomeUnknown, server.url())?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let interrupter = Interrupter::default();
    let mut worker = executor.open(&worker_id(), &program).await?.interrupted_by(interrupter.clone());
    server.hold(Point::Done, "2");
    let (key, run) = (key("a"), run());
    let (result, ()) = tokio::join!(worker.invoke(&key, &run, &[]), async {
        held.recv().await;
        interrupter.interrupt();
        server.release();
    });
    check("whether it was interrupted", &interrupted(&result), &true)?;
    let of = |id| server.of(Operation::Post, id);
    check("requests and effects", &[of("1"), of("2"), of("3")], &[(1, 1), (1, 1), (0, 0)])?;
    let record = executor.store().worker(&worker_id()).await?.ok_or("no worker")?;
    check("suspended", &matches!(record.status, Status::Suspended { reason: SuspendReason::Interrupted, .. }), &true)?;
    // Whatever it is asked for is stopped until the request is taken back.
    check("whether resuming is interrupted", &worker.resume(None).await.is_err(), &true)?;
    interrupter.clear();
    worker.resume(None).await?;
    check("requests and effects", &[of("1"), of("2"), of("3")], &[(1, 1), (1, 1), (1, 1)])?;
    check("whether it returned", &matches!(worker.invoke(&key, &run, &[]).await?, Outcome::Returned(_)), &true)
}

/// A guest that computes for ever lets other tasks run, and is stopped between them.
async fn a_loop() -> TestResult {
    let core = r#"(module (func (export "run") (result i32) (loop (br 0)) unreachable))"#;
    let wasm = wat_guest("package a:b; world w { export run: func() -> u32; }", "w", core)?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let program = executor.load(wasm, &[])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let interrupter = Interrupter::default();
    let mut worker = executor.open(&worker_id(), &program).await?.interrupted_by(interrupter.clone());
    let (key, run) = (key("a"), run());
    let (result, ()) = tokio::join!(worker.invoke(&key, &run, &[]), async { interrupter.interrupt() });
    check("whether it was interrupted", &interrupted(&result), &true)
}

/// Tells when the guest takes the second step of its stream. `Invoked` is 0, the opening 1 and 2.
#[derive(Debug, Default)]
struct SecondStep(Notify);

impl Probe for SecondStep {
    fn reached(&self, window: Window, at: Ordinal) {
        if (window, at) == (Window::BeforeRecorded, Ordinal::new(4)) {
            self.0.notify_one();
        }
    }
}

/// The server gives one message and then nothing, for ever: the wait is given up, and only a stream that may be opened again goes on.
async fn in_a_step(stream: Stream, step: &str) -> TestResult {
    let (server, mut held) = Server::start().await?;
    let probe = Arc::new(SecondStep::default());
    let config = ExecutorConfig::new(Arc::new(MemoryStore::new()), transport(Arc::new(()))?);
    let executor = Executor::new(ExecutorConfig { probe: probe.clone(), ..config })?;
    let opening = script(Protocol::Grpc).open("s", STREAMS, format!("{}({{id: \"2\", text: \"\"}})", stream.name()));
    let wasm = (0..3).fold(opening, |script, _| script.method("s", step)).build()?;
    let program = load(&executor, wasm, Protocol::Grpc, InDoubt::OutcomeUnknown, server.url())?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let interrupter = Interrupter::default();
    let mut worker = executor.open(&worker_id(), &program).await?.interrupted_by(interrupter.clone());
    server.hold_at_message(stream, 2);
    let (key, run) = (key("a"), run());
    let (result, ()) = tokio::join!(worker.invoke(&key, &run, &[]), async {
        held.recv().await;
        probe.0.notified().await;
        interrupter.interrupt();
    });
    check("whether it was interrupted", &interrupted(&result), &true)?;
    server.cancellation().await;
    interrupter.clear();
    worker.resume(None).await?;
    let (one, cut) = (Script::VALUE + 1, 1 + ErrorKind::Unavailable as u64);
    let (expected, openings) = match (stream, step) {
        (Stream::Watch, "next()") => (vec![0, one, one + 1, Script::VALUE], 2),
        // A batch is told by its length.
        (Stream::Watch, _) => (vec![0, one, one, Script::VALUE], 2),
        _ => (vec![0, one, cut, cut], 1),
    };
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    check("openings", &server.stream_counts().opened.get(&stream).copied(), &Some(openings))
}

/// A stream whose response is asked for sends again what was sent before; that is waited for, as for the response.
async fn in_what_is_sent_again() -> TestResult {
    let (server, mut held) = Server::start().await?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let (script, items) = send_much(script(Protocol::Grpc).open("s", STREAMS, "gather()"));
    let look = Operation::Look.wave(Protocol::Grpc, "1");
    let wasm = script.call(INTERFACE, look).method("s", "finish()").build()?;
    let program = load(&executor, wasm, Protocol::Grpc, InDoubt::OutcomeUnknown, server.url())?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let interrupter = Interrupter::default();
    let mut worker = executor.open(&worker_id(), &program).await?.interrupted_by(interrupter.clone());
    server.hold(Point::Done, "1");
    let (key, run) = (key("a"), run());
    let (result, ()) = tokio::join!(worker.invoke(&key, &run, &[]), async {
        held.recv().await;
        interrupter.interrupt();
        server.release();
    });
    check("whether it was interrupted before the end", &interrupted(&result), &true)?;
    interrupter.clear();
    server.hold_before_reading(Stream::Gather);
    let (result, ()) = tokio::join!(worker.resume(None), async {
        held.recv().await;
        interrupter.interrupt();
        server.release();
    });
    check("whether it was interrupted behind the end", &result.is_err(), &true)?;
    check("effects", &server.stream_counts().effects.get(&Stream::Gather).copied(), &Some(1))?;
    interrupter.clear();
    worker.resume(None).await?;
    let sent = std::iter::repeat_n(0, 2 + items);
    let expected: Vec<u64> = sent.chain([Script::VALUE + items as u64]).collect();
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    check("openings", &server.stream_counts().opened.get(&Stream::Gather).copied(), &Some(2))
}

/// The credential is gone when the stream is to be opened again: it is cut, and nobody is told that nothing was sent.
async fn not_reopened() -> TestResult {
    let (server, mut held) = Server::start().await?;
    let probe = Arc::new(SecondStep::default());
    let config = ExecutorConfig::new(Arc::new(MemoryStore::new()), transport(Arc::new(()))?);
    let executor = Executor::new(ExecutorConfig { probe: probe.clone(), ..config })?;
    let opening = script(Protocol::Grpc).open("s", STREAMS, "watch({id: \"2\", text: \"\"})");
    let wasm = (0..2).fold(opening, |script, _| script.method("s", "next()")).build()?;
    let dependency = || -> Result<Dependency, Failed> {
        let file = ApiFile::of(&ledger::bundle(Protocol::Grpc, InDoubt::OutcomeUnknown));
        Ok(Dependency::new(file, Some(Endpoint::parse(server.url())?)))
    };
    let program = executor.load(wasm.clone(), &[dependency()?])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let interrupter = Interrupter::default();
    let mut worker = executor.open(&worker_id(), &program).await?.interrupted_by(interrupter.clone());
    server.hold_at_message(Stream::Watch, 2);
    let (key, run) = (key("a"), run());
    let (result, ()) = tokio::join!(worker.invoke(&key, &run, &[]), async {
        held.recv().await;
        probe.0.notified().await;
        interrupter.interrupt();
    });
    check("whether it was interrupted", &interrupted(&result), &true)?;
    drop(worker);
    let mut later = dependency()?;
    let gone = Source::Environment("WITWIRE_SURELY_NOT_SET".to_owned());
    later.credentials = Credentials::none().with("bearerAuth", gone);
    let mut worker = executor.open(&worker_id(), &executor.load(wasm, &[later])?).await?;
    worker.resume(None).await?;
    let expected = vec![0, Script::VALUE + 1, 1 + ErrorKind::Unavailable as u64];
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    check("openings", &server.stream_counts().opened.values().sum(), &1)
}
