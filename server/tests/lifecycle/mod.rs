//! What happens to components and workers. Effects are counted at the service.

use std::io::Write as _;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;
use todo_service::{Misbehavior, Operation, Point};
use witwire_ir::container;
use witwire_server::{ApiKey, Server, ServerConfig, ServerError};

use crate::client::{self, Request};
use crate::document::declares;
use crate::setup::{AGENT, EFFECTS, Platform, Todo, agent, config, grpc_ir, rest_ir, run, runtime};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::test("lifecycle::a_worker_stays_on_its_revision", a_worker_stays_on_its_revision),
        crate::test(
            "lifecycle::the_oplog_shows_typed_values_and_no_credential",
            the_oplog_shows_typed_values_and_no_credential,
        ),
        crate::test(
            "lifecycle::a_server_that_was_cut_off_finishes_when_it_is_started_again",
            a_server_that_was_cut_off_finishes_when_it_is_started_again,
        ),
        crate::test(
            "lifecycle::a_stop_waits_for_invocations_whose_callers_wait_or_are_gone",
            a_stop_waits_for_invocations_whose_callers_wait_or_are_gone,
        ),
        crate::test("lifecycle::a_worker_that_waits_holds_up_no_other", a_worker_that_waits_holds_up_no_other),
        crate::test("lifecycle::documentation_makes_no_other_api", documentation_makes_no_other_api),
        crate::test("lifecycle::a_body_that_stops_is_refused", a_body_that_stops_is_refused),
        crate::test("lifecycle::a_body_that_never_ends_is_refused", a_body_that_never_ends_is_refused),
        crate::test("lifecycle::an_api_key_opens_the_door", an_api_key_opens_the_door),
        crate::test("lifecycle::without_a_key_it_listens_on_loopback_only", without_a_key_it_listens_on_loopback_only),
    ]
}

fn a_worker_stays_on_its_revision() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let (old, new) = (Todo::start(&services), Todo::start(&services));
    let server = Platform::start(config(directory.path()));

    let metadata = json!({ "name": "app:agent", "dependencies": old.dependencies(directory.path()) });
    let created = agent("POST /v1/components", &metadata).call(server.address);
    assert_eq!((created.status, created.header("location")), (201, Some("/v1/components/app:agent")), "{created:?}");
    assert_eq!(created.json(), json!({ "name": "app:agent", "revision": 1 }));

    let worker = server.post("/v1/workers", &json!({ "name": "one", "component": "app:agent" }));
    let idle = json!({ "name": "one", "status": "idle", "component": "app:agent", "revision": 1, "entries": 0 });
    assert_eq!(worker, idle);
    let first = server.post("/v1/workers/one/invoke", &run("ada", "k1"));
    let text = r#"ok("Bake a cake: done. The household finished 2 of 2; the user had 1 on the page.")"#;
    assert_eq!(first, json!({ "outcome": "returned", "result": text }));
    assert_eq!(old.effects(), EFFECTS);
    let requests = old.service.control.all_requests();
    assert_eq!(server.post("/v1/workers/one/invoke", &run("ada", "k1")), first, "the same key, the stored result");
    assert_eq!(old.service.control.all_requests(), requests);

    let metadata = json!({ "revision": 1, "dependencies": new.dependencies(directory.path()) });
    let update = agent("PUT /v1/components/app:agent", &metadata);
    assert_eq!(update.call(server.address).ok(), json!({ "name": "app:agent", "revision": 2 }));
    let stale = update.call(server.address);
    assert_eq!((stale.status, &stale.json()["code"]), (409, &json!("S104")), "{stale:?}");
    assert_eq!(server.get("/v1/components"), json!([{ "name": "app:agent", "revision": 2 }]));

    server.post("/v1/workers/one/invoke", &run("ada", "k2"));
    assert_eq!((old.effects(), new.effects()), (2 * EFFECTS, 0));
    assert_eq!(server.post("/v1/workers", &json!({ "name": "two", "component": "app:agent" }))["revision"], json!(2));
    server.post("/v1/workers/two/invoke", &run("bob", "k1"));
    assert_eq!((old.effects(), new.effects()), (2 * EFFECTS, EFFECTS));

    server.stop()();
    let server = Platform::start(config(directory.path()));
    assert_eq!(server.post("/v1/workers/one/invoke", &run("ada", "k1")), first);
    assert_eq!((old.effects(), new.effects()), (2 * EFFECTS, EFFECTS), "a restart repeats nothing");
    server.post("/v1/workers/one/invoke", &run("ada", "k3"));
    server.post("/v1/workers/two/invoke", &run("bob", "k2"));
    assert_eq!((old.effects(), new.effects()), (3 * EFFECTS, 2 * EFFECTS));

    let shown = server.get("/v1/components/app:agent?revision=1");
    assert_eq!((&shown["revision"], &shown["current"]), (&json!(1), &json!(2)));
    assert_eq!(shown["dependencies"][1]["packages"], json!(["api:todos@1.0.0"]));
    assert_eq!(shown["dependencies"][0]["settings"]["server"], old.dependencies(directory.path())[0]["server"]);

    let statuses: Vec<_> = server.get("/v1/workers").as_array().expect("a list").iter().map(|w| w["name"].clone()).collect();
    assert_eq!(statuses, ["one", "two"]);
    let deleted = Request::new("DELETE /v1/workers/one").call(server.address);
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(Request::new("GET /v1/workers/one").call(server.address).status, 404);
    server.post("/v1/workers", &json!({ "name": "one", "component": "app:agent", "revision": 1 }));
    server.post("/v1/workers/one/invoke", &run("ada", "k4"));
    assert_eq!((old.effects(), new.effects()), (4 * EFFECTS, 2 * EFFECTS), "a new worker of an old name and revision");
    server.stop()();
}

fn the_oplog_shows_typed_values_and_no_credential() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let server = deployed(&directory, &todo);
    server.post("/v1/workers/w/invoke", &run("ada", "k"));
    let oplog = server.get("/v1/workers/w/oplog");
    let entries = oplog["entries"].as_array().expect("entries");
    let find = |event: &str| entries.iter().find(|e| e["event"] == event).expect("such an entry");
    assert_eq!((&find("invoked")["function"], &find("invoked")["text"]), (&json!("run"), &json!("\"ada\"")));
    let started = find("started");
    assert_eq!((&started["function"], &started["class"]), (&json!("api:todos/todos@1.0.0#create"), &json!("keyed")));
    let text = started["text"].as_str().expect("a text");
    assert!(text.starts_with(r#"{user-id: "ada", title: "Bake a cake""#), "{text}");
    assert_eq!(find("finished")["call"], started["ordinal"]);
    assert!(!oplog.to_string().contains(Todo::TOKEN));

    let paged = |server: &Platform, limit: usize| {
        let (mut paged, mut pages, mut from) = (Vec::new(), 0, Some(0));
        while let Some(at) = from {
            let page = server.get(&format!("/v1/workers/w/oplog?from={at}&limit={limit}"));
            let part = page["entries"].as_array().expect("entries");
            assert!(!part.is_empty() && part.len() <= limit, "{page}");
            paged.extend(part.clone());
            pages += 1;
            from = page.get("next").and_then(serde_json::Value::as_u64);
        }
        (paged, pages)
    };
    assert_eq!(paged(&server, 5), (entries.clone(), entries.len().div_ceil(5)));
    server.stop()();
    // An entry is answered however large it is.
    let mut small = config(directory.path());
    small.limits.oplog = 1;
    let server = Platform::start(small);
    assert_eq!(paged(&server, 5), (entries.clone(), entries.len()));
    server.stop()();
}

fn a_server_that_was_cut_off_finishes_when_it_is_started_again() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let control = &todo.service.control;
    let server = deployed(&directory, &todo);
    control.once(Operation::Create, Point::Done, Misbehavior::Park);
    let caller = Request::new("POST /v1/workers/w/invoke").json(&run("ada", "k")).send(server.address);
    services.block_on(control.parked(1));
    server.crash();
    control.release();
    drop(caller);

    let server = Platform::start(config(directory.path()));
    let result = server.post("/v1/workers/w/invoke", &run("ada", "k"));
    assert_eq!(result["outcome"], json!("returned"));
    assert!(result["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{result}");
    assert_eq!(todo.effects(), EFFECTS, "the call in doubt carries its key, so that it has one effect");
    assert_eq!(server.get("/v1/workers/w")["status"], json!("idle"));
    server.stop()();
}

/// At the start of a server, where workers are rebuilt one after the other.
fn a_worker_that_waits_holds_up_no_other() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let control = &todo.service.control;
    let park = || control.once(Operation::List, Point::Arrived, Misbehavior::Park);
    let server = deployed(&directory, &todo);
    server.post("/v1/workers", &json!({ "name": "x", "component": "agent" }));
    for (name, under_way) in [("w", 1), ("x", 2)] {
        park();
        server.post(&format!("/v1/workers/{name}/invocations"), &run("ada", "k"));
        services.block_on(control.parked(under_way));
    }
    server.crash();
    control.release();

    park();
    park();
    let server = Platform::start(ServerConfig { rebuilt_at_once: 1, ..config(directory.path()) });
    // Both are with the service, and neither goes on.
    services.block_on(control.parked(4));
    control.release();
    for name in ["w", "x"] {
        let ended = server.post(&format!("/v1/workers/{name}/invoke"), &run("ada", "k"));
        assert_eq!(ended["outcome"], json!("returned"));
    }
    assert_eq!(todo.effects(), 2 * EFFECTS);
    server.stop()();
}

fn a_stop_waits_for_invocations_whose_callers_wait_or_are_gone() {
    for gone in [false, true] {
        let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
        let todo = Todo::start(&services);
        let control = &todo.service.control;
        let server = deployed(&directory, &todo);
        control.once(Operation::List, Point::Arrived, Misbehavior::Park);
        let caller = Request::new("POST /v1/workers/w/invoke").json(&run("ada", "k")).send(server.address);
        services.block_on(control.parked(1));
        let caller = (!gone).then_some(caller);
        let stopped = server.stop();
        control.release();
        stopped();
        if let Some(caller) = caller {
            assert_eq!(client::read(caller).ok()["outcome"], json!("returned"));
        }
        assert_eq!(todo.effects(), EFFECTS, "gone: {gone}");
        let requests = control.all_requests();
        let server = Platform::start(config(directory.path()));
        assert_eq!(server.get("/v1/workers/w")["status"], json!("idle"));
        server.post("/v1/workers/w/invoke", &run("ada", "k"));
        assert_eq!(control.all_requests(), requests, "it was done before the server stopped");
        server.stop()();
    }
}

fn a_body_that_stops_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = config(directory.path());
    // Each of the stalled ones has the only place for an upload until it is refused.
    (config.limits.pause, config.limits.uploads_at_once) = (Duration::from_millis(20), 1);
    let server = Platform::start(config);
    let started = "--line\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n{";
    let stalled = |line: &'static str, media_type: &str, body: &str| {
        let request = Request::new(line).body(media_type, body).header("content-length", "1000");
        (line, request.send(server.address))
    };
    let form = "multipart/form-data; boundary=line";
    let requests = [
        stalled("POST /v1/components", form, ""),
        stalled("POST /v1/components", form, started),
        stalled("POST /v1/workers", "application/json", "{"),
        stalled("POST /v1/workers/w/invoke", "application/json", "{"),
        stalled("POST /v1/workers/w/invocations", "application/json", "{"),
        stalled("POST /v1/workers/w/resume", "application/json", "{"),
    ];
    for (line, request) in requests {
        let refused = client::read(request);
        assert_eq!((refused.status, &refused.json()["code"]), (408, &json!("S010")), "{refused:?}");
        declares(line, &refused);
    }
    assert_eq!(server.get("/v1/components"), json!([]));
    server.stop()();
}

/// Some of it comes all the time.
fn a_body_that_never_ends_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = config(directory.path());
    config.limits.upload_time = Duration::from_millis(20);
    let (upload, server) = (config.limits.upload, Platform::start(config));
    let form = "multipart/form-data; boundary=line";
    let begun = "--line\r\ncontent-disposition: form-data; name=\"component\"\r\n\r\n";
    let request = Request::new("POST /v1/components").body(form, begun).header("content-length", &upload.to_string());
    let mut stream = request.send(server.address);
    let answered = stream.try_clone().expect("the connection");
    let sending = std::thread::spawn(move || while stream.write_all(b"x").is_ok() {});
    // It would be too large at some time: byte for byte, that is much later.
    let refused = client::read(answered);
    assert_eq!((refused.status, &refused.json()["code"]), (408, &json!("S010")), "{refused:?}");
    sending.join().expect("it ends with the connection");
    server.stop()();
}

fn an_api_key_opens_the_door() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = "0123456789abcdef";
    let config = ServerConfig {
        api_keys: vec![ApiKey::new("fedcba9876543210").expect("a key"), ApiKey::new(key).expect("a key")],
        ..config(directory.path())
    };
    let server = Platform::start(config);
    let call = |header: Option<&str>| {
        let request = Request::new("GET /v1/workers");
        header.map_or(request.clone(), |value| request.header("authorization", value)).call(server.address)
    };
    // Two keys, so that one can be replaced while both open the door.
    for good in [format!("Bearer {key}"), format!("bearer {key}"), "Bearer fedcba9876543210".to_owned()] {
        assert_eq!(call(Some(&good)).status, 200, "{good}");
    }
    for bad in
        [None, Some("Bearer"), Some("Bearer "), Some("Bearer 0123456789abcdeg"), Some("Basic 0123456789abcdef"), Some(key)]
    {
        let refused = call(bad);
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")), "{bad:?}");
        assert!(!refused.body.contains(key), "{refused:?}");
    }
    // What needs no worker needs the key as well.
    assert_eq!(Request::new("GET /nowhere").call(server.address).status, 401);
    server.stop()();
}

fn without_a_key_it_listens_on_loopback_only() {
    let directory = tempfile::tempdir().expect("a directory");
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let listen = listen.parse().expect("an address");
        let refused = runtime().block_on(Server::bind(ServerConfig { listen, ..config(directory.path()) }));
        assert!(matches!(refused, Err(ServerError::KeyNeeded(_))), "{refused:?}");
    }
}

fn documentation_makes_no_other_api() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let server = deployed(&directory, &todo);
    let mut bundle = container::read(&rest_ir()).expect("a container");
    assert_ne!(bundle.apis[0].texts, witwire_ir::Texts::default());
    bundle.apis[0].texts = witwire_ir::Texts::default();
    let plain = container::write(&bundle);
    assert_ne!(plain, rest_ir());
    let metadata = json!({ "revision": 1, "dependencies": todo.dependencies(directory.path()) }).to_string();
    let (metadata, grpc) = (metadata.as_bytes(), grpc_ir());
    let parts = [("metadata", metadata), ("component", AGENT), ("ir", &*grpc), ("ir", &*plain)];
    Request::new("PUT /v1/components/agent").parts(&parts).call(server.address).ok();
    let irs = |revision| {
        let shown = server.get(&format!("/v1/components/agent?revision={revision}"));
        shown["dependencies"].as_array().map(|d| d.iter().map(|d| d["ir"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(irs(1), irs(2));
    server.stop()();
}

/// A server with the component `agent` and the worker `w`.
fn deployed(directory: &tempfile::TempDir, todo: &Todo) -> Platform {
    let server = Platform::start(config(directory.path()));
    let metadata = json!({ "name": "agent", "dependencies": todo.dependencies(directory.path()) });
    agent("POST /v1/components", &metadata).call(server.address).ok();
    server.post("/v1/workers", &json!({ "name": "w", "component": "agent" }));
    server
}
