//! Pagers: pages are calls of their own, and where a pager stands survives its process.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

use libtest_mimic::Trial;
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::oplog::{Event, Ordinal, SqliteStore, describe};
use witwire_executor::transport::{Authority, Endpoint};
use witwire_executor::{ApiFile, Dependency};
use witwire_ir::container::Bundle;
use witwire_ir::host::http::ErrorKind;
use witwire_ir::{AuthKind, AuthScheme, InDoubt, print_package};
use witwire_test_support::Script;

use crate::ledger::{
    self, ASTRAY, BY_NAME, ECHO, ENDLESS, PAGES, PageCounts, Pages, Protocol, RELATIVE, Server, TYPES, explicit_api,
};
use crate::setup::{
    Setup, TestResult, check, contains, executor, files_in, invoke, parse_numbers, script, trial, wait, worker_id,
};
use crate::streams::Case;

const fn error(kind: ErrorKind) -> u64 {
    1 + kind as u64
}

const fn page(number: u64) -> u64 {
    Script::VALUE + number
}

const END: u64 = Script::VALUE;

/// Opens a pager and asks for so many pages.
fn reads(pages: Pages, id: &str, times: usize) -> Script {
    let arguments = match pages {
        Pages::Url => format!("\"{id}\""),
        Pages::Cursor | Pages::Keyed => format!("\"{id}\", none"),
    };
    let script = script(Protocol::Http).open("p", PAGES, format!("{}({arguments})", pages.name()));
    (0..times).fold(script, |script, _| script.method("p", "next()"))
}

/// Each of three pages asked for once.
fn once(pages: Pages) -> PageCounts {
    (1..=3).map(|number| ((pages, number), 1)).collect()
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("pages::another_origin_is_not_asked", astray),
        trial("pages::a_server_with_another_authority_names_itself_by_that", by_authority),
        trial("pages::a_url_is_relative_to_the_page_that_names_it", relative),
        trial("pages::a_page_that_names_itself_is_the_last", endless),
        trial("pages::what_a_service_repeats_of_its_credentials_is_not_recorded", echoed),
        trial("pages::a_key_of_the_guest_is_that_of_the_first_page", keyed),
        trial("pages::the_oplog_tells_the_pages", described),
        trial("pages::kill::an_unsafe_page_in_doubt_is_told_and_can_be_asked_for_again", in_doubt),
    ];
    for pages in Pages::ALL {
        trials.push(trial(format!("pages::{}", pages.name()), move || to_the_end(pages)));
        for (window, ordinal) in KILLS {
            let name = format!("pages::kill::{}::{window}-{ordinal}", pages.name());
            trials.push(trial(name, move || killed(pages, window, ordinal)));
        }
    }
    trials
}

async fn to_the_end(pages: Pages) -> TestResult {
    let setup = Setup::new().await?;
    let program = setup.load(Protocol::Http, &reads(pages, "3", 5))?;
    let expected = vec![0, page(1), page(2), page(3), END, END];
    let mut worker = setup.open(&program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    drop(worker);
    // Once more from the oplog: the same, and the server sees nothing.
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("what the guest got before", &invoke(&mut worker, "a").await?, &expected)?;
    check("requests", &setup.server.page_counts(), &once(pages))
}

async fn astray() -> TestResult {
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(Protocol::Http, &reads(Pages::Url, ASTRAY, 3))?).await?;
    let denied = error(ErrorKind::Denied);
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, page(1), denied, denied])?;
    check("requests", &setup.server.page_counts(), &PageCounts::from([((Pages::Url, 1), 1)]))
}

/// The service is asked by the name that its certificate would have, and names its pages by that. They are asked for where it is.
async fn by_authority() -> TestResult {
    for (authority, id) in [(Some("ledger.test:1"), BY_NAME), (Some("ledger.test:1"), "2"), (None, BY_NAME)] {
        let setup = Setup::new().await?;
        let file = ApiFile::of(&ledger::bundle(Protocol::Http, InDoubt::default()));
        let mut dependency = Dependency::new(file, Some(Endpoint::parse(setup.server.url())?));
        dependency.route.link.tls.authority = authority.map(Authority::parse).transpose()?;
        let wasm = reads(Pages::Url, id, 3).build()?;
        let mut worker = setup.open(&setup.executor.load(wasm, &[dependency])?).await?;
        check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, page(1), page(2), END])?;
        let asked = [1, 2].map(|number| ((Pages::Url, number), 1));
        check("requests", &setup.server.page_counts(), &PageCounts::from(asked))?;
    }
    // Another name than either is not asked, by whatever name the service is.
    let setup = Setup::new().await?;
    let file = ApiFile::of(&ledger::bundle(Protocol::Http, InDoubt::default()));
    let mut dependency = Dependency::new(file, Some(Endpoint::parse(setup.server.url())?));
    dependency.route.link.tls.authority = Some(Authority::parse("ledger.test:1")?);
    let wasm = reads(Pages::Url, ASTRAY, 2).build()?;
    let mut worker = setup.open(&setup.executor.load(wasm, &[dependency])?).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, page(1), error(ErrorKind::Denied)])
}

async fn relative() -> TestResult {
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(Protocol::Http, &reads(Pages::Url, RELATIVE, 4))?).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, page(1), page(2), page(3), END])?;
    check("requests", &setup.server.page_counts(), &once(Pages::Url))
}

async fn endless() -> TestResult {
    for pages in Pages::ALL {
        let setup = Setup::new().await?;
        let mut worker = setup.open(&setup.load(Protocol::Http, &reads(pages, ENDLESS, 5))?).await?;
        check("what the guest got", &invoke(&mut worker, "a").await?, &vec![0, page(1), page(2), page(3), END, END])?;
        check("requests", &setup.server.page_counts(), &once(pages))?;
    }
    Ok(())
}

/// The key in the query comes back in the URL of the next page and in a header. It is sent with each page, and in no entry.
async fn echoed() -> TestResult {
    const SECRET: &str = "s3cret-k3y";
    let (server, _held) = Server::start().await?;
    let directory = tempfile::tempdir()?;
    let executor = executor(Arc::new(SqliteStore::open(directory.path().join("store.db"))?))?;
    let mut api = explicit_api(Protocol::Http, InDoubt::OutcomeUnknown);
    let script = Script::new([print_package(&api)])
        .create("c", TYPES, "call")
        .open("p", PAGES, format!("by-url(\"{ECHO}\")"))
        .with("c");
    let script =
        (0..3).fold(script, |script, _| script.method("p", "next()")).method("c", "attempts()").method("p", "next()");
    let kind = AuthKind::QueryKey { name: "api_key".to_owned() };
    let scheme = api.schemes.push(AuthScheme { name: "apiKey".to_owned(), kind, record: None });
    for (_, operation) in api.operations.iter_mut() {
        operation.auth.alternatives = vec![vec![scheme]];
    }
    let mut dependency = Dependency::new(ApiFile::of(&Bundle { apis: vec![api] }), Some(Endpoint::parse(server.url())?));
    dependency.credentials = Credentials::none().with("apiKey", Source::Literal(SECRET.to_owned()));
    let program = executor.load(script.build()?, &[dependency])?;
    executor.create(&worker_id(), &program, String::new()).await?;
    let expected = vec![0, 0, page(1), page(2), page(3), Script::VALUE + 1, END];
    let mut worker = executor.open(&worker_id(), &program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    drop(worker);
    executor.open(&worker_id(), &program).await?.resume(None).await?;
    check("requests", &server.page_counts(), &once(Pages::Url))?;
    check("what the server got", &server.page_arrivals().credentials, &vec![SECRET.to_owned(); 3])?;
    let stored = files_in(directory.path())?;
    let holds = |text: &str| stored.windows(text.len()).any(|w| w == text.as_bytes());
    check("whether the store has the URLs", &(holds("echo?cursor=2"), holds("echo?cursor=3>")), &(true, true))?;
    check("whether the store has the key", &holds(SECRET), &false)
}

async fn keyed() -> TestResult {
    let setup = Setup::new().await?;
    let script = Script::new([print_package(&explicit_api(Protocol::Http, InDoubt::OutcomeUnknown))])
        .create("c", TYPES, "call")
        .method("c", "set-idempotency-key(\"mine\")")
        .open("p", PAGES, "by-key(\"3\", none)")
        .with("c");
    let script = (0..4).fold(script, |script, _| script.method("p", "next()"));
    let program = setup.load(Protocol::Http, &script)?;
    let expected = vec![0, 0, 0, page(1), page(2), page(3), END];
    let mut worker = setup.open(&program).await?;
    check("what the guest got", &invoke(&mut worker, "a").await?, &expected)?;
    drop(worker);
    let mut worker = setup.open(&program).await?;
    worker.resume(None).await?;
    check("what the guest got before", &invoke(&mut worker, "a").await?, &expected)?;
    check("requests", &setup.server.page_counts(), &once(Pages::Keyed))?;
    let keys = setup.server.page_arrivals().keys;
    check("the first key", &keys.first().map(String::as_str), &Some("mine"))?;
    check("keys", &keys.iter().collect::<BTreeSet<_>>().len(), &3)
}

async fn described() -> TestResult {
    let setup = Setup::new().await?;
    let mut worker = setup.open(&setup.load(Protocol::Http, &reads(Pages::Cursor, "2", 2))?).await?;
    invoke(&mut worker, "a").await?;
    let entries = setup.entries().await?;
    let api = std::sync::Arc::new(crate::ledger::api(Protocol::Http, InDoubt::OutcomeUnknown));
    let ir = entries.iter().find_map(|(_, e)| match &e.event {
        Event::Started(started) => Some(started.ir),
        _ => None,
    });
    let apis = std::collections::HashMap::from([(ir.ok_or("no call")?, vec![api])]);
    let lines: Vec<String> = describe(&entries, &apis).iter().map(ToString::to_string).collect();
    let expected = [
        "finished #1 ok(<resource 0>)",
        "started test:ledger/pages@1.2.0#[method]by-cursor-pager.next(\"2\", none) [unsafe]",
        "finished #3 ok(some({number: 1, next: some(\"2\")}))",
        "started test:ledger/pages@1.2.0#[method]by-cursor-pager.next(\"2\", some(\"2\")) [unsafe]",
        "finished #5 ok(some({number: 2}))",
    ];
    for (line, expected) in lines[2..].iter().zip(expected) {
        contains(line, expected)?;
    }
    Ok(())
}

/// `Invoked` is 0, the opening 1 and 2, the pages are from 3, two entries each.
const KILLS: [(&str, u64); 4] =
    [("recorded", 1), ("before-recorded", 5), ("recorded-not-returned", 5), ("before-recorded", 7)];

/// The server sees no page twice.
async fn killed(pages: Pages, window: &'static str, ordinal: u64) -> TestResult {
    let case = Case::over(Protocol::Http, &reads(pages, "3", 4), InDoubt::OutcomeUnknown).await?;
    let first = wait(case.spawn(&["order"], None, Some((window, Ordinal::new(ordinal))))?).await?;
    check("the signal that ended the first process", &first.status.signal(), &Some(9))?;
    let line = case.process(&["order"], None).await?.lines.concat();
    check("what the guest got", &parse_numbers(&line)?, &vec![0, page(1), page(2), page(3), END])?;
    check("requests", &case.server.page_counts(), &once(pages))?;
    check("what a resumed worker prints", &case.process(&[], None).await?.lines, &Vec::new())?;
    check("the stored result", &case.process(&["order"], None).await?.lines.concat(), &line)?;
    check("requests after the end", &case.server.page_counts(), &once(pages))
}

/// The second page's call was durable, and it is not known whether it was sent.
async fn in_doubt() -> TestResult {
    let case = Case::over(Protocol::Http, &reads(Pages::Cursor, "3", 4), InDoubt::OutcomeUnknown).await?;
    wait(case.spawn(&["order"], None, Some(("recorded", Ordinal::new(5))))?).await?;
    let got = parse_numbers(&case.process(&["order"], None).await?.lines.concat())?;
    check("what the guest got", &got, &vec![0, page(1), error(ErrorKind::OutcomeUnknown), page(2), page(3)])?;
    check("requests", &case.server.page_counts(), &once(Pages::Cursor))
}
