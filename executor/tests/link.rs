//! Loading components: what fits is called, what does not is refused by name.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::oplog::{MemoryStore, Outcome, Wave};
use witwire_executor::transport::Endpoint;
use witwire_executor::{ApiFile, Dependency, LinkError, LinkProblem, LoadError};
use witwire_ir::InDoubt;
use witwire_test_support::{Script, proxy_guest, wat_guest};

use crate::ledger::{self, INTERFACE, Operation, Protocol, Server, wit};
use crate::setup::{TestResult, check, contains, executor, key, load, numbers, run, trial, worker_id};

/// A change to the WIT that a component is built with, and what is said of a component with it.
const MISMATCHES: [(&str, &str, &str, &str); 14] = [
    (
        "field-type",
        "text: string",
        "text: u32",
        "`test:ledger/ledger@1.2.0#store`: parameter `request` field `text`: component has u32, API has string: regenerate the \
         WIT with `witwire wit`",
    ),
    ("field-optional", "text: string", "text: option<string>", "field `text`: component has option<string>, API has string"),
    (
        "field-renamed",
        "text: string",
        "txt: string",
        "#pay`: parameter `request`: component has `txt` and no `text`, API has the fields id, text",
    ),
    (
        "field-order",
        "id: string,\n        text: string,",
        "text: string,\n        id: string,",
        "parameter `request`: component has the fields in the order text, id, API has id, text",
    ),
    (
        "field-added",
        "text: string,",
        "text: string, more: bool,",
        "parameter `request`: component has also `more`, API has only the fields id, text",
    ),
    ("field-removed", "text: string,", "", "parameter `request`: component has no `text`, API has the fields id, text"),
    (
        "parameter-renamed",
        "look: func(id:",
        "look: func(key:",
        "#look`: component has parameter `key`, API has parameter `id`: regenerate",
    ),
    ("parameter-added", "look: func(id: string", "look: func(id: string, n: u8", "component has (id, n), API has (id)"),
    (
        "result-payload",
        "look: func(id: string) -> result<receipt,",
        "look: func(id: string) -> result<u64,",
        "#look`: result `ok`: component has u64, API has record { number: u64 }",
    ),
    (
        "result-missing",
        "look: func(id: string) -> result<receipt, error>",
        "look: func(id: string)",
        "#look`: result: component has no result, API has result<record { number: u64 }, record { kind: variant {",
    ),
    (
        "payload-missing",
        "result<receipt, error>;\n\n    store",
        "result<_, error>;\n\n    store",
        "#look`: result `ok`: component has no payload, API has record { number: u64 }",
    ),
    (
        "case-renamed",
        "bad-request,",
        "worse-request,",
        "result `err` field `kind`: component has `worse-request` and no `bad-request`, API has the cases invalid-request,",
    ),
    (
        "case-payload",
        "redirected(option<string>)",
        "redirected(string)",
        "result `err` field `kind` case `redirected`: component has string, API has option<string>",
    ),
    ("function-unknown", "look: func", "peek: func", "`test:ledger/ledger@1.2.0` has no function `peek`: regenerate"),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<_> = MISMATCHES
        .iter()
        .map(|(name, from, to, message)| Trial::test(format!("link::refused::{name}"), move || refused(from, to, message)))
        .collect();
    trials.extend([
        Trial::test("link::refused::other-version", other_version),
        Trial::test("link::refused::no-api", no_api),
        Trial::test("link::refused::loaded-twice", loaded_twice),
        Trial::test("link::refused::outside-an-interface", outside_an_interface),
        Trial::test("link::refused::async", async_function),
        Trial::test("link::refused::all-at-once", all_at_once),
        Trial::test("link::refused::not-a-component", not_a_component),
        Trial::test("link::refused::settings", settings),
        trial("link::proxy_round_trip", proxy_round_trip),
        trial("link::compatible_version", compatible_version),
    ]);
    trials
}

fn dependency() -> Result<Dependency, Failed> {
    let file = ApiFile::of(&ledger::bundle(Protocol::Http, InDoubt::OutcomeUnknown));
    Ok(Dependency::new(file, Some(Endpoint::parse("http://127.0.0.1:1")?)))
}

/// Why a component is not loaded.
fn refusal(wasm: Vec<u8>, dependencies: &[Dependency]) -> Result<LoadError, Failed> {
    let executor = executor(Arc::new(MemoryStore::new()))?;
    Ok(executor.load(wasm, dependencies).err().ok_or("the component was loaded")?)
}

fn changed(from: &str, to: &str) -> Result<Vec<u8>, Failed> {
    let wit = wit(Protocol::Http);
    contains(&wit, from)?;
    proxy_guest(&wit.replace(from, to), "ledger").map_err(|e| format!("{e:?}").into())
}

fn refused(from: &str, to: &str, message: &str) -> TestResult {
    contains(&refusal(changed(from, to)?, &[dependency()?])?.to_string(), message)
}

fn other_version() -> TestResult {
    let error = refusal(changed("@1.2.0", "@2.0.0")?, &[dependency()?])?.to_string();
    contains(
        &error,
        "the import `test:ledger/ledger@2.0.0` links with no loaded version: there is test:ledger/ledger@1.2.0; change",
    )
}

fn no_api() -> TestResult {
    let wasm = changed("package test:ledger", "package test:other")?;
    let error = refusal(wasm.clone(), &[dependency()?])?.to_string();
    contains(
        &error,
        "no API for the import `test:other/ledger@1.2.0`: there is test:ledger/ledger@1.2.0, test:ledger/feeds@1.2.0, test:ledger/pages@1.2.0; add its API",
    )?;
    contains(&refusal(wasm, &[])?.to_string(), "no API is loaded; give it with `--api`")
}

fn loaded_twice() -> TestResult {
    let wasm = proxy_guest(&wit(Protocol::Http), "ledger")?;
    let error = refusal(wasm, &[dependency()?, dependency()?])?.to_string();
    contains(&error, "the import `test:ledger/ledger@1.2.0` is ambiguous: 2 loaded APIs have it")
}

fn outside_an_interface() -> TestResult {
    let core = r#"(module (import "$root" "f" (func)) (func (export "run")))"#;
    let wasm = wat_guest("package a:b; world w { import f: func(); export run: func(); }", "w", core)?;
    let error = refusal(wasm, &[dependency()?])?.to_string();
    contains(&error, "the import `f` is a function outside an interface; only interfaces of APIs and of WASI 0.2 are linked")
}

/// Such a component belongs to WASI 0.3, which is not linked.
fn async_function() -> TestResult {
    let wit = wit(Protocol::Http).replace("look: func", "look: async func");
    let wasm = Script::new([wit]).call(INTERFACE, r#"look("1")"#).build()?;
    let error = refusal(wasm, &[dependency()?])?.to_string();
    contains(&error, "async component functions require")?;
    contains(&error, "only components for WASI 0.2 run here, which have no `async func`: regenerate")
}

/// Every function with something wrong is named.
fn all_at_once() -> TestResult {
    let wit = wit(Protocol::Http).replace("text: string", "text: u32").replace("look: func(id: string)", "peek: func()");
    let error = refusal(proxy_guest(&wit, "ledger")?, &[dependency()?])?;
    let LoadError::Link(LinkError { problems }) = &error else { return Err(format!("{error}").into()) };
    let mut functions: Vec<_> = problems
        .iter()
        .map(|problem| match problem {
            LinkProblem::Mismatch { function, .. } | LinkProblem::NoFunction { function, .. } => function.as_str(),
            _ => "?",
        })
        .collect();
    functions.sort_unstable();
    check("functions", &functions, &vec!["pay", "peek", "post", "store"])?;
    contains(&error.to_string(), "cannot be linked, for 4 reasons:\n  ")
}

fn not_a_component() -> TestResult {
    let error = refusal(b"\0asm\x01\0\0\0".to_vec(), &[])?.to_string();
    contains(&error, "not a WebAssembly component that can run here")?;
    contains(&refusal(b"hello".to_vec(), &[])?.to_string(), "not a WebAssembly component that can run here")
}

fn settings() -> TestResult {
    let wasm = || proxy_guest(&wit(Protocol::Http), "ledger");
    let nowhere = Dependency { servers: Vec::new(), ..dependency()? };
    contains(&refusal(wasm()?, &[nowhere])?.to_string(), "`test:ledger@1.2.0`: the API's document names no server")?;
    let credentials = Credentials::none().with("bearer", Source::Literal("x".to_owned()));
    let misspelt = Dependency { credentials, ..dependency()? };
    contains(&refusal(wasm()?, &[misspelt])?.to_string(), "no authentication scheme `bearer`; it has `bearerAuth`")
}

/// Typed calls in WAVE through guest memory, the imports, a real server, and back.
async fn proxy_round_trip() -> TestResult {
    for protocol in Protocol::ALL {
        let (server, _held) = Server::start().await?;
        let executor = executor(Arc::new(MemoryStore::new()))?;
        let wasm = proxy_guest(&wit(protocol), "ledger")?;
        let program = load(&executor, wasm, protocol, InDoubt::OutcomeUnknown, server.url())?;
        executor.create(&worker_id(), &program, String::new()).await?;
        let mut worker = executor.open(&worker_id(), &program).await?;
        for (number, operation) in (1..).zip(Operation::ALL) {
            let call = operation.wave(protocol, "ü");
            let argument = call.trim_start_matches(operation.name());
            let argument = Wave::new(&argument[1..argument.len() - 1]);
            let function = witwire_executor::oplog::FunctionName::of(INTERFACE, operation.name());
            let outcome = worker.invoke(&key(operation.name()), &function, &[argument]).await?;
            let expected = Wave::new(format!("ok({{number: {number}}})"));
            check(operation.name(), &outcome, &Outcome::Returned(Some(expected)))?;
        }
        let function = witwire_executor::oplog::FunctionName::of(INTERFACE, "pay");
        let too_long = Wave::new(r#"{id: "123456789", text: ""}"#);
        let outcome = worker.invoke(&key("long"), &function, &[too_long]).await?;
        let Outcome::Returned(Some(wave)) = outcome else { return Err(format!("{outcome:?}").into()) };
        contains(wave.as_str(), r#"err({kind: invalid-request([{location: "request.id", rule: "maxLength""#)?;
        check("requests", &server.requests(), &4)?;
    }
    Ok(())
}

/// A component that was built with an older, compatible version of the package.
async fn compatible_version() -> TestResult {
    let (server, _held) = Server::start().await?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let wit = wit(Protocol::Http).replace("@1.2.0", "@1.0.5");
    let wasm = Script::new([wit]).call("test:ledger/ledger@1.0.5", r#"look("1")"#).build()?;
    let program = load(&executor, wasm, Protocol::Http, InDoubt::OutcomeUnknown, server.url())?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &program).await?;
    check("results", &numbers(&worker.invoke(&key("a"), &run(), &[]).await?)?, &vec![0])
}
