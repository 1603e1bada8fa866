//! Settings of single calls (`calls: explicit`), from a guest.

mod streams;

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use witwire_executor::oplog::{Entry, Event, MemoryStore, Ordinal, Recorded, SqliteStore, Started, Store};
use witwire_executor::transport::Endpoint;
use witwire_executor::{ApiFile, Dependency, Program, WorkerError};
use witwire_ir::container::Bundle;
use witwire_ir::host::{grpc, http};
use witwire_ir::{InDoubt, Value, print_package};
use witwire_test_support::Script;

use crate::ledger::{self, INTERFACE, Operation, Point, Protocol, Server, TYPES};
use crate::setup::{Child, Setup, TestResult, check, contains, executor, invoke, parse_numbers, trial, wait, worker_id};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = streams::trials();
    for protocol in Protocol::ALL {
        let name = protocol.name();
        trials.push(trial(format!("explicit::{name}::what_is_set_is_sent"), move || what_is_set(protocol)));
        trials.push(trial(format!("explicit::{name}::a_deadline_ends_the_call"), move || a_deadline(protocol)));
        trials.push(trial(format!("explicit::{name}::what_may_not_be_set"), move || what_may_not_be_set(protocol)));
        trials.push(trial(format!("explicit::{name}::too_much"), move || too_much(protocol)));
        trials.push(trial(format!("explicit::{name}::killed_after_the_result"), move || killed(protocol)));
        trials.push(trial(format!("explicit::{name}::settings_are_part_of_the_request"), move || diverges(protocol)));
        trials.push(trial(format!("explicit::{name}::credentials_are_not_recorded"), move || credentials(protocol)));
    }
    trials
}

fn script(protocol: Protocol) -> Script {
    Script::new([print_package(&ledger::explicit_api(protocol, InDoubt::default()))])
}

/// The method that adds metadata or a header.
fn add(protocol: Protocol, name: &str, value: &str) -> String {
    match protocol {
        Protocol::Http => format!("add-header(\"{name}\", \"{value}\")"),
        Protocol::Grpc => format!("add-metadata(\"{name}\", ascii(\"{value}\"))"),
    }
}

fn invalid(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Http => http::ErrorKind::InvalidRequest as u64,
        Protocol::Grpc => grpc::ErrorKind::InvalidRequest as u64,
    }
}

fn told(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "headers()",
        Protocol::Grpc => "initial()",
    }
}

/// Metadata, a deadline, compression and a key reach the server; a handle may serve several calls.
async fn what_is_set(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let [pay, post] = [Operation::Pay, Operation::Post].map(|o| o.wave(protocol, "1"));
    let script = script(protocol)
        .create("c", TYPES, "call")
        .method("c", "attempts()")
        .method("c", add(protocol, "X-Trace", "one"))
        .method("c", "set-idempotency-key(\"mine\")")
        .method("c", "set-deadline(60000)")
        .method("c", "set-compression(gzip)")
        .call(INTERFACE, pay)
        .with("c")
        .method("c", "attempts()")
        .create("d", TYPES, "call")
        .method("d", add(protocol, "x-trace", "two"))
        .method("d", "set-compression(zstd)")
        .call(INTERFACE, &post)
        .with("d")
        .drop_handle("d")
        .call(INTERFACE, Operation::Pay.wave(protocol, "2"))
        .with("c")
        .call(INTERFACE, &post);
    let mut worker = setup.open(&setup.load(protocol, &script)?).await?;
    let expected = vec![0, Script::VALUE, 0, 0, 0, 0, 0, Script::VALUE + 1, 0, 0, 0, 0, 0, 0, 0];
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    let counts = setup.server.counts();
    check("what was sent", &counts.traces, &["one", "two", "one"].map(ToOwned::to_owned).to_vec())?;
    for id in ["1", "2"] {
        check("the keys", &counts.keys[id].iter().cloned().collect::<Vec<_>>(), &vec!["mine".to_owned()])?;
        // The server knows the id from the message, which it had to decompress.
        check("payments", &setup.server.of(Operation::Pay, id).0, &1)?;
    }
    check("messages", &setup.server.of(Operation::Post, "1").0, &2)?;
    let header = |name: &str| -> Vec<Option<String>> {
        counts.heads.iter().map(|head| Some(head.get(name)?.to_str().ok()?.to_owned())).collect()
    };
    let coding = if protocol == Protocol::Http { "content-encoding" } else { "grpc-encoding" };
    let codings = [Some("gzip"), Some("zstd"), Some("gzip"), None].map(|coding| coding.map(ToOwned::to_owned));
    check("how it was compressed", &header(coding), &codings.to_vec())?;
    // Over HTTP nobody is told of a deadline. The default is half a minute.
    let long = [protocol == Protocol::Grpc, false, protocol == Protocol::Grpc, false];
    let told = header("grpc-timeout").into_iter().map(|timeout| {
        let microseconds: u64 = timeout.as_deref()?.strip_suffix('u')?.parse().ok()?;
        (30_000_001..=60_000_000).contains(&microseconds).then_some(())
    });
    check("the deadlines", &told.map(|told| told.is_some()).collect::<Vec<_>>(), &long.to_vec())
}

/// The server holds the call, and what ends it is the deadline that was set.
async fn a_deadline(protocol: Protocol) -> TestResult {
    let mut setup = Setup::new().await?;
    setup.server.hold(Point::Arrived, "1");
    let script = script(protocol)
        .call(INTERFACE, Operation::Look.wave(protocol, "2"))
        .create("c", TYPES, "call")
        .method("c", "set-deadline(500)")
        .call(INTERFACE, Operation::Look.wave(protocol, "1"))
        .with("c");
    let mut worker = setup.open(&setup.load(protocol, &script)?).await?;
    let passed = match protocol {
        Protocol::Http => 1 + http::ErrorKind::Timeout as u64,
        Protocol::Grpc => 1 + grpc::ErrorKind::DeadlineExceeded as u64,
    };
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, 0, 0, passed])?;
    setup.held.recv().await.ok_or("the server is gone")?;
    let mut results = setup.entries().await?.into_iter().filter_map(|(_, entry)| match entry.event {
        Event::Finished(finished) => Some(format!("{:?}", finished.response)),
        _ => None,
    });
    contains(&results.next_back().unwrap_or_default(), "within the deadline of 500ms")
}

/// Each is refused before anything is sent, by the rule that it breaks.
async fn what_may_not_be_set(protocol: Protocol) -> TestResult {
    let mut wrong = vec![
        (add(protocol, "te", "trailers"), "reserved"),
        (add(protocol, "Content-Type", "x"), "reserved"),
        (add(protocol, ":path", "/x"), "reserved"),
        (add(protocol, "connection", "close"), "reserved"),
        (add(protocol, "a b", "x"), "name"),
        (add(protocol, "Authorization", "Bearer hunter2"), "credential"),
        (add(protocol, "idempotency-key", "x"), "declared"),
        (add(protocol, "x-a", "hunter2 "), "value"),
        ("set-deadline(0)".to_owned(), "deadline"),
        ("set-idempotency-key(\"a b\")".to_owned(), "idempotency-key"),
    ];
    if protocol == Protocol::Grpc {
        wrong.push((add(protocol, "grpc-timeout", "1S"), "reserved"));
        wrong.push((add(protocol, "x-bin", "hunter2"), "binary"));
        wrong.push(("add-metadata(\"x\", binary([1]))".to_owned(), "binary"));
    }
    let setup = Setup::new().await?;
    let script = wrong.iter().enumerate().fold(script(protocol), |script, (n, (set, _))| {
        let name = format!("c{n}");
        let script = script.create(&name, TYPES, "call").method(&name, set);
        script.call(INTERFACE, Operation::Pay.wave(protocol, "1")).with(name)
    });
    let mut worker = setup.open(&setup.load(protocol, &script)?).await?;
    let expected: Vec<u64> = wrong.iter().flat_map(|_| [0, 0, 1 + invalid(protocol)]).collect();
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    check("requests", &setup.server.requests(), &0)?;
    let results = setup.entries().await?.into_iter().filter_map(|(_, entry)| match entry.event {
        Event::Finished(finished) => Some(format!("{:?}", finished.response)),
        _ => None,
    });
    for ((set, rule), result) in wrong.iter().zip(results) {
        contains(&result, &format!("\"{rule}\"")).map_err(|e| format!("{set}: {}", e.message().unwrap_or("?")))?;
        check("whether a value is told", &result.contains("hunter2"), &false)?;
    }
    Ok(())
}

/// A guest cannot fill the host's memory, and what is too much is refused.
async fn too_much(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let post = Operation::Post.wave(protocol, "1");
    let many = script(protocol).create("c", TYPES, "call");
    let many = (0..300).fold(many, |script, n| script.method("c", add(protocol, "x-trace", &n.to_string())));
    let script = many
        .call(INTERFACE, &post)
        .with("c")
        .create("d", TYPES, "call")
        .method("d", add(protocol, "x-trace", &"x".repeat(20_000)))
        .call(INTERFACE, &post)
        .with("d");
    let mut worker = setup.open(&setup.load(protocol, &script)?).await?;
    let got = invoke(&mut worker, "a").await?;
    check("refusals", &got.iter().filter(|n| **n == 1 + invalid(protocol)).count(), &2)?;
    check("requests", &setup.server.requests(), &0)?;
    let size: usize = setup.entries().await?.iter().map(|(_, entry)| format!("{:?}", requests(entry)).len()).sum();
    check("whether the entries are small", &(size < 100_000), &true)
}

fn requests(entry: &Entry) -> Option<&[Value]> {
    match &entry.event {
        Event::Started(Started { request: Recorded::Typed(values), .. }) => Some(values),
        _ => None,
    }
}

/// A process that is killed behind a result: the next one tells the same beside it, without a server.
async fn killed(protocol: Protocol) -> TestResult {
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let (database, wasm) = (directory.path().join("store.db"), directory.path().join("guest.wasm"));
    let guest = script(protocol)
        .create("c", TYPES, "call")
        .method("c", add(protocol, "x-trace", "one"))
        .call(INTERFACE, Operation::Post.wave(protocol, "1"))
        .with("c")
        .method("c", told(protocol))
        .method("c", "attempts()");
    std::fs::write(&wasm, guest.build()?)?;
    let child = |url, kill| Child {
        database: &database,
        url,
        protocol,
        wasm: &wasm,
        in_doubt: InDoubt::OutcomeUnknown,
        keys: &["a"],
        decision: None,
        kill,
    };
    // `Invoked` is 0, the call 1.
    let killed = wait(child(server.url(), Some(("recorded-not-returned", Ordinal::new(1)))).spawn()?).await?;
    check("the signal that ended the first process", &killed.status.signal(), &Some(9))?;
    let store = SqliteStore::open(&database)?;
    let entries = store.read(&worker_id(), Ordinal::ZERO).await?;
    drop(store);
    let beside = entries.into_iter().find_map(|(_, entry)| match entry.event {
        Event::Finished(finished) => finished.beside,
        _ => None,
    });
    let Some(Value::Record(beside)) = beside else { return Err(format!("nothing beside: {beside:?}").into()) };
    let Value::List(initial) = &beside[0] else { return Err("no list".into()) };
    let nowhere = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let replayed = child(&nowhere, None).finish().await?;
    let count = Script::VALUE + initial.len() as u64;
    check("what the guest got", &parse_numbers(&replayed.lines.concat())?, &vec![0, 0, 0, count, Script::VALUE + 1])?;
    check("whether the server said something", &initial.is_empty(), &false)?;
    check("requests", &server.requests(), &1)
}

/// Another value of a header is another request.
async fn diverges(protocol: Protocol) -> TestResult {
    let setup = Setup::new().await?;
    let program = |value: &str| {
        let script = script(protocol).create("c", TYPES, "call").method("c", add(protocol, "x-trace", value));
        setup.load(protocol, &script.call(INTERFACE, Operation::Post.wave(protocol, "1")).with("c"))
    };
    let mut worker = setup.open(&program("one")?).await?;
    invoke(&mut worker, "a").await?;
    drop(worker);
    let error = setup.open(&program("two")?).await?.resume(None).await;
    check("another header", &matches!(error, Err(WorkerError::Suspended { .. })), &true)?;
    check("requests", &setup.server.requests(), &1)
}

/// With `auth: guest` a guest may send credentials in its own way. They are not in the call's entry, and may be others in playback.
async fn credentials(protocol: Protocol) -> TestResult {
    let (server, _held) = Server::start().await?;
    let executor = executor(Arc::new(MemoryStore::new()))?;
    let mut api = ledger::guest_auth_api(protocol);
    witwire_ir::host::call::declare(&mut api);
    let wit = print_package(&api);
    let dependency = Dependency::new(ApiFile::of(&Bundle { apis: vec![api] }), Some(Endpoint::parse(server.url())?));
    let program = |token: &str| -> Result<Program, Failed> {
        let post = "post({id: \"visible\", text: \"t\"}, {token: \"other-t0ken\"})";
        let cookie = add(protocol, "cookie", &format!("{token}-cookie"));
        let script = Script::new([wit.clone()]).create("c", TYPES, "call").method("c", cookie).call(INTERFACE, post);
        Ok(executor.load(script.with("c").build()?, std::slice::from_ref(&dependency))?)
    };
    let first = program("first-t0ken")?;
    executor.create(&worker_id(), &first, String::new()).await?;
    let mut worker = executor.open(&worker_id(), &first).await?;
    let got = invoke(&mut worker, "a").await?;
    drop(worker);
    let entries = executor.store().read(&worker_id(), Ordinal::ZERO).await?;
    check("what the guest got", &got, &vec![0; 3])?;
    let recorded = entries.into_iter().find_map(|(_, entry)| match entry.event {
        Event::Started(started) => Some(started.request),
        _ => None,
    });
    let Some(Recorded::Typed(values)) = recorded else { return Err("the request is not kept".into()) };
    let values = format!("{values:?}");
    contains(&values, "\"cookie\"")?;
    check("what the entry has", &(values.contains("visible"), values.contains("t0ken")), &(true, false))?;
    executor.open(&worker_id(), &program("second-t0ken")?).await?.resume(None).await?;
    check("requests", &server.requests(), &1)
}
