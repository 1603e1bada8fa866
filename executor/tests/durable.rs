//! Workers: calls are performed once, and told again ever after.

use std::sync::Arc;

use libtest_mimic::Trial;
use witwire_executor::oplog::MemoryStore;
use witwire_ir::InDoubt;

use crate::ledger::{INTERFACE, Operation, Protocol, Server, wit};
use crate::setup::{check, executor, key, load, numbers, run, script, trial, worker_id};

pub(crate) fn trials() -> Vec<Trial> {
    let both = |name: &str| Protocol::ALL.map(|p| (p, format!("durable::{name}::{}", p.name())));
    let mut trials = Vec::new();
    trials.extend(both("every_class_is_called_once").map(|(p, n)| trial(n, move || every_class(p))));
    trials
}

async fn every_class(protocol: Protocol) -> crate::setup::TestResult {
    println!("{}", wit(protocol));
    let (server, _held) = Server::start().await?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let script = Operation::ALL.iter().fold(script(protocol), |s, o| s.call(INTERFACE, o.wave(protocol, "a")));
    let program = load(&executor, script.build()?, protocol, InDoubt::OutcomeUnknown, server.url())?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    let outcome = worker.invoke(&key("1"), &run(), &[]).await?;
    check("results", &numbers(&outcome)?, &vec![0, 0, 0, 0])?;
    for operation in Operation::ALL {
        check(operation.name(), &server.of(operation, "a").0, &1)?;
    }
    Ok(())
}
