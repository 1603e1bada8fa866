//! Guests: what they may use, what they are given, and what happens when they fail.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use witwire_executor::oplog::{MemoryStore, Outcome, Wave};
use witwire_executor::{Executor, ExecutorConfig, GuestLimits, WorkerError};
use witwire_ir::InDoubt;
use witwire_test_support::{Script, wat_guest};

use crate::ledger::{self, INTERFACE, Operation, PAGES, Protocol, STREAMS};
use crate::setup::{
    Setup, TestResult, calls, check, contains, executor, key, load, run, script, transport, trial, worker_id,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("guest::a_trap_ends_the_worker", trap),
        trial("guest::fuel_is_limited", fuel),
        trial("guest::memory_is_limited", memory),
        trial("guest::streams_and_pagers_are_limited", handles),
        trial("guest::settings_of_calls_are_limited", settings),
        trial("guest::guests_of_wasi_have_no_authority", wasi),
        trial("guest::arguments_are_checked", arguments),
        trial("guest::trailing_options_may_be_left_out", options_left_out),
    ]
}

async fn trap() -> TestResult {
    let protocol = Protocol::Http;
    let setup = Setup::new().await?;
    let program = setup.load(protocol, &calls(protocol, Operation::Post, &["1"]).trap())?;
    let mut worker = setup.open(&program).await?;
    let outcome = worker.invoke(&key("a"), &run(), &[]).await?;
    check("the outcome", &matches!(&outcome, Outcome::Trapped(why) if why.contains("unreachable")), &true)?;
    check("the same key", &worker.invoke(&key("a"), &run(), &[]).await?, &outcome)?;
    let error = worker.invoke(&key("b"), &run(), &[]).await.err().ok_or("a failed worker ran")?;
    contains(&error.to_string(), "has failed: invocation 0 trapped")?;
    drop(worker);
    let mut worker = setup.open(&program).await?;
    check("the same key later", &worker.invoke(&key("a"), &run(), &[]).await?, &outcome)?;
    check("a new key later", &worker.invoke(&key("b"), &run(), &[]).await.is_err(), &true)?;
    check("requests", &setup.server.requests(), &1)
}

fn number_guest(core: &str) -> Result<Vec<u8>, Failed> {
    Ok(wat_guest("package a:b; world w { export run: func() -> u32; }", "w", core)?)
}

/// Runs a guest without APIs.
async fn limited(wasm: &[u8], limits: GuestLimits) -> Result<Outcome, Failed> {
    let config = ExecutorConfig { limits, ..ExecutorConfig::new(Arc::new(MemoryStore::new()), transport(Arc::new(()))?) };
    let executor = Executor::new(config)?;
    let program = executor.load(wasm, &[])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    Ok(worker.invoke(&key("a"), &run(), &[]).await?)
}

async fn fuel() -> TestResult {
    let core = r#"(module (func (export "run") (result i32) (loop (br 0)) unreachable))"#;
    let outcome = limited(&number_guest(core)?, GuestLimits { fuel: 1_000_000, ..GuestLimits::default() }).await?;
    let expected = "the invocation computed more than the limit of fuel allows";
    check("the outcome", &outcome, &Outcome::Trapped(expected.to_owned()))
}

async fn memory() -> TestResult {
    let core = r#"(module (memory (export "memory") 1)
        (func (export "run") (result i32) (loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size)))"#;
    let outcome = limited(&number_guest(core)?, GuestLimits { memory: 10 << 16, ..GuestLimits::default() }).await?;
    check("the pages that it got", &outcome, &Outcome::Returned(Some(Wave::new("10"))))
}

/// What a script comes to that may hold two handles of a kind and 1,000 bytes of settings; and the requests that came of it.
async fn holding(protocol: Protocol, script: &Script) -> Result<(Outcome, u32), Failed> {
    let limits = GuestLimits { handles: 2, settings: 1000, ..GuestLimits::default() };
    let config = ExecutorConfig { limits, ..ExecutorConfig::new(Arc::new(MemoryStore::new()), transport(Arc::new(()))?) };
    let setup = Setup { executor: Executor::new(config)?, ..Setup::new().await? };
    let mut worker = setup.open(&setup.load(protocol, script)?).await?;
    let outcome = worker.invoke(&key("a"), &run(), &[]).await?;
    drop(worker);
    // A process that did not see it comes to the same.
    let mut worker = setup.open(&setup.load(protocol, script)?).await?;
    check("the outcome later", &worker.invoke(&key("a"), &run(), &[]).await?, &outcome)?;
    Ok((outcome, setup.server.stream_counts().opened.values().sum()))
}

fn trapped(outcome: &Outcome, why: &str) -> TestResult {
    match outcome {
        Outcome::Trapped(message) => contains(message, why),
        other @ Outcome::Returned(_) => Err(format!("{other:?}").into()),
    }
}

async fn handles() -> TestResult {
    let watch =
        |name: &str, script: Script| script.open(name, STREAMS, "watch({id: \"1\", text: \"\"})").method(name, "next()");
    let two = watch("b", watch("a", script(Protocol::Grpc)));
    let why = "holds 2 streams and pagers, as many as it may at once";
    let (outcome, opened) = holding(Protocol::Grpc, &watch("c", two.clone())).await?;
    trapped(&outcome, why)?;
    check("openings", &opened, &2)?;
    // One that was dropped is no longer held.
    let (outcome, opened) = holding(Protocol::Grpc, &watch("c", two.drop_handle("a"))).await?;
    check("whether it returned", &matches!(outcome, Outcome::Returned(_)), &true)?;
    check("openings", &opened, &3)?;
    let pager = |name: &str, script: Script| script.open(name, PAGES, "by-url(\"3\")");
    let three = pager("c", pager("b", pager("a", script(Protocol::Http))));
    trapped(&holding(Protocol::Http, &three).await?.0, why)
}

async fn settings() -> TestResult {
    const TYPES: &str = "test:ledger/types@1.2.0";
    let api = ledger::explicit_api(Protocol::Grpc, InDoubt::default());
    let none = Script::new([witwire_ir::print_package(&api)]).call(INTERFACE, Operation::Look.wave(Protocol::Grpc, "1"));
    let create = |name: &str, script: Script| script.create(name, TYPES, "call");
    let two = create("b", create("a", none));
    trapped(
        &holding(Protocol::Grpc, &create("c", two.clone())).await?.0,
        "holds 2 settings of calls, as many as it may at once",
    )?;
    let returns = create("c", two.clone().drop_handle("a"));
    check("whether it returned", &matches!(holding(Protocol::Grpc, &returns).await?.0, Outcome::Returned(_)), &true)?;
    // Values count over all handles, and no longer once they were replaced or dropped.
    let key = |name: &str, script: Script| script.method(name, format!("set-idempotency-key(\"{}\")", "k".repeat(600)));
    trapped(&holding(Protocol::Grpc, &key("b", key("a", two.clone()))).await?.0, "take more than 1000 bytes together")?;
    let returns = key("b", key("a", key("a", two)).drop_handle("a"));
    check("whether it returned", &matches!(holding(Protocol::Grpc, &returns).await?.0, Outcome::Returned(_)), &true)?;
    Ok(())
}

/// A guest that writes to its output, and looks for directories and arguments.
async fn wasi() -> TestResult {
    let wit = r"
        package a:b;
        package wasi:io@0.2.3 {
          interface error { resource error; }
          interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
          }
        }
        package wasi:cli@0.2.3 {
          interface stdout { use wasi:io/streams@0.2.3.{output-stream}; get-stdout: func() -> output-stream; }
          interface environment { get-arguments: func() -> list<string>; get-environment: func() -> list<tuple<string, string>>; }
        }
        package wasi:filesystem@0.2.3 {
          interface types { resource descriptor; }
          interface preopens { use types.{descriptor}; get-directories: func() -> list<tuple<descriptor, string>>; }
        }
        world w {
          import wasi:cli/stdout@0.2.3;
          import wasi:cli/environment@0.2.3;
          import wasi:filesystem/preopens@0.2.3;
          export run: func() -> u32;
        }";
    // Gives 256 where the write failed, else how many directories, arguments and variables there are.
    let core = r#"(module
        (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
        (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
        (import "wasi:cli/environment@0.2.3" "get-arguments" (func $arguments (param i32)))
        (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
        (import "wasi:filesystem/preopens@0.2.3" "get-directories" (func $directories (param i32)))
        (memory (export "memory") 1) (data (i32.const 16) "hello\n")
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (result i32)
          (call $write (call $stdout) (i32.const 16) (i32.const 6) (i32.const 64))
          (if (i32.load8_u (i32.const 64)) (then (return (i32.const 256))))
          (call $arguments (i32.const 80)) (call $environment (i32.const 88)) (call $directories (i32.const 96))
          (i32.add (i32.load (i32.const 84)) (i32.add (i32.load (i32.const 92)) (i32.load (i32.const 100))))))"#;
    let outcome = limited(&wat_guest(wit, "w", core)?, GuestLimits::default()).await?;
    check("the outcome", &outcome, &Outcome::Returned(Some(Wave::new("0"))))
}

async fn arguments() -> TestResult {
    let setup = Setup::new().await?;
    let wasm = witwire_test_support::proxy_guest(&ledger::wit(Protocol::Http), "ledger")?;
    let program = load(&setup.executor, wasm, Protocol::Http, InDoubt::OutcomeUnknown, setup.server.url())?;
    let mut worker = setup.open(&program).await?;
    let store = witwire_executor::oplog::FunctionName::of(INTERFACE, "store");
    for (arguments, message) in [
        (vec![], "takes 1 arguments (request: record { id: string, text: string }), 0 were given"),
        (vec!["7"], "argument `request` must be record { id: string, text: string }"),
        (vec![r#"{id: "a"}"#], "missing field"),
        (vec![r#"{id: "a", text: "b", tetx: "c"}"#], "it has no field `tetx`"),
        (vec![r#"{id: "a", text: "#], "argument `request`"),
    ] {
        let arguments: Vec<_> = arguments.into_iter().map(Wave::new).collect();
        let error = worker.invoke(&key("a"), &store, &arguments).await.err().ok_or("wrong arguments were taken")?;
        contains(&error.to_string(), message)?;
    }
    check("entries", &setup.entries().await?.len(), &0)?;

    let arguments = [Wave::new(r#"{text: "b",   id: "a"}"#)];
    let outcome = worker.invoke(&key("a"), &store, &arguments).await?;
    check("the result", &outcome, &Outcome::Returned(Some(Wave::new("ok({number: 1})"))))?;
    let same = [Wave::new(r#"{id: "a", text: "b"}"#)];
    check("the same arguments in other words", &worker.invoke(&key("a"), &store, &same).await?, &outcome)?;
    let other = [Wave::new(r#"{id: "a", text: "c"}"#)];
    let error = worker.invoke(&key("a"), &store, &other).await.err().ok_or("a key was used twice")?;
    check("the error", &matches!(error, WorkerError::KeyReused { .. }), &true)?;
    check("requests", &setup.server.requests(), &1)
}

/// Trailing options may be left out, as WAVE allows.
async fn options_left_out() -> TestResult {
    let core = r#"(module (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
        (func (export "run") (param i32 i32 i32) (result i32) (i32.add (local.get 0) (i32.mul (local.get 1) (local.get 2)))))"#;
    let wasm = wat_guest("package a:b; world w { export run: func(a: u32, b: option<u32>) -> u32; }", "w", core)?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let program = executor.load(wasm, &[])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    for (name, arguments, result) in [("1", &["7"][..], "7"), ("2", &["7", "none"], "7"), ("3", &["7", "some(8)"], "15")] {
        let arguments: Vec<_> = arguments.iter().map(|text| Wave::new(*text)).collect();
        let outcome = worker.invoke(&key(name), &run(), &arguments).await?;
        check("the result", &outcome, &Outcome::Returned(Some(Wave::new(result))))?;
    }
    // Left out or written, it is the same invocation.
    let outcome = worker.invoke(&key("1"), &run(), &["7", "none"].map(Wave::new)).await?;
    check("the same key", &outcome, &Outcome::Returned(Some(Wave::new("7"))))?;
    check("none at all", &worker.invoke(&key("4"), &run(), &[]).await.is_err(), &true)?;
    check("too many", &worker.invoke(&key("5"), &run(), &["7", "1", "1"].map(Wave::new)).await.is_err(), &true)
}
