//! Stopping a worker from outside: nothing of a call is lost, nothing is repeated.

use std::sync::Arc;

use libtest_mimic::Trial;
use witwire_executor::oplog::{MemoryStore, Outcome, Status, SuspendReason};
use witwire_executor::{Interrupter, WorkerError};
use witwire_ir::InDoubt;
use witwire_test_support::wat_guest;

use crate::ledger::{Operation, Point, Protocol, Server};
use crate::setup::{TestResult, calls, check, executor, key, load, run, trial, worker_id};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("interrupt::a-loop", a_loop)];
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
