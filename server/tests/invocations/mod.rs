//! Invocations without waiting, their stops, and what follows.

use std::net::TcpStream;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use todo_service::{Misbehavior, Operation, Point};
use tokio::runtime::Runtime;
use witwire_ir::{container, print_package};
use witwire_server::ServerConfig;
use witwire_test_support::{Script, wat_guest};

use crate::client::{self, Request};
use crate::setup::{EFFECTS, Platform, Todo, agent, config, grpc_ir, run, runtime};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::test("invocations::without_waiting", without_waiting),
        crate::test("invocations::an_interrupted_call_is_not_repeated", an_interrupted_call_is_not_repeated),
        crate::test("invocations::an_interrupt_without_its_caller_ends", an_interrupt_without_its_caller_ends),
        crate::test("invocations::an_interrupted_loop_stops", an_interrupted_loop_stops),
        crate::test("invocations::a_failed_worker_refuses_what_waits", a_failed_worker_refuses_what_waits),
        crate::test("invocations::what_was_accepted_comes_first", what_was_accepted_comes_first),
        crate::test("invocations::whoever_comes_later_begins_later", whoever_comes_later_begins_later),
        crate::test("invocations::a_restarted_server_keeps_the_order", a_restarted_server_keeps_the_order),
        crate::test("invocations::what_a_worker_runs_is_not_linked_again", what_a_worker_runs_is_not_linked_again),
        crate::test("invocations::a_queue_has_a_limit", a_queue_has_a_limit),
        crate::test("invocations::a_component_without_workers_can_be_deleted", a_component_without_workers_can_be_deleted),
    ]
}

/// A server with the component `agent` and the worker `w`, whose next listing is parked.
struct Parked {
    server: Platform,
    todo: Todo,
    services: Runtime,
    _directory: tempfile::TempDir,
}

impl Parked {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
        let todo = Todo::start(&services);
        let mut config = config(directory.path());
        change(&mut config);
        let server = Platform::start(config);
        let metadata = json!({ "name": "agent", "dependencies": todo.dependencies(directory.path()) });
        agent("POST /v1/components", &metadata).call(server.address).ok();
        server.post("/v1/workers", &json!({ "name": "w", "component": "agent" }));
        todo.service.control.once(Operation::List, Point::Arrived, Misbehavior::Park);
        Self { server, todo, services, _directory: directory }
    }

    fn wait(&self) {
        self.wait_for(1);
    }

    /// Waits until so many listings in all have been parked.
    fn wait_for(&self, count: u64) {
        self.services.block_on(self.todo.service.control.parked(count));
    }

    /// Parks another listing.
    fn park_another(&self) {
        self.todo.service.control.once(Operation::List, Point::Arrived, Misbehavior::Park);
    }

    /// Invokes with a caller who waits.
    fn call(&self, user: &str, key: &str) -> TcpStream {
        let caller = Request::new("POST /v1/workers/w/invoke").json(&run(user, key)).send(self.server.address);
        self.arrived(key);
        caller
    }

    fn release(&self) {
        self.todo.service.control.release();
    }

    /// Waits until an invocation waits, whose caller waits as well: before, nobody knows its key.
    fn arrived(&self, key: &str) {
        let show = Request::new(&format!("GET /v1/workers/w/invocations/{key}"));
        loop {
            let shown = show.call(self.server.address);
            match shown.status {
                404 => assert_eq!(shown.json()["code"], json!("S213")),
                _ => return assert_eq!(shown.ok()["status"], json!("waiting")),
            }
        }
    }

    fn start(&self, body: &Value) -> client::Response {
        Request::new("POST /v1/workers/w/invocations").json(body).call(self.server.address)
    }
}

fn is_ok(ended: &Value) -> bool {
    ended["result"].as_str().is_some_and(|r| r.starts_with("ok("))
}

fn without_waiting() {
    let parked = Parked::new();
    let server = &parked.server;
    let started = parked.start(&run("ada", "a/b?c%d"));
    assert_eq!(started.status, 202, "{started:?}");
    let location = started.header("location").expect("where it is").to_owned();
    assert_eq!(location, "/v1/workers/w/invocations/a%2Fb%3Fc%25d");
    parked.wait();
    let running = json!({ "key": "a/b?c%d", "function": "run", "status": "running" });
    assert_eq!(server.get(&location), running);
    assert_eq!(server.get("/v1/workers/w")["status"], json!("running"));

    let behind = parked.start(&run("bob", "behind")).ok();
    assert_eq!(behind["status"], json!("waiting"));
    assert_eq!(parked.start(&run("bob", "behind")).ok()["status"], json!("waiting"), "the same key, the same invocation");
    let other = parked.start(&run("eve", "behind"));
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("S208")), "{other:?}");

    parked.release();
    // Whoever waits for a key that was started gets its result.
    let ended = server.post("/v1/workers/w/invoke", &run("bob", "behind"));
    assert!(is_ok(&ended), "{ended}");
    let shown = server.get("/v1/workers/w/invocations/behind");
    assert_eq!((&shown["status"], &shown["ended"]), (&json!("ended"), &ended));
    assert!(is_ok(&server.get(&location)["ended"]), "it came first");
    assert_eq!(parked.todo.effects(), 2 * EFFECTS);
    assert_eq!(parked.start(&run("bob", "behind")).ok(), shown, "it is not done again");
    assert_eq!(parked.todo.effects(), 2 * EFFECTS);
}

fn an_interrupted_call_is_not_repeated() {
    let parked = Parked::new();
    let server = &parked.server;
    let caller = Request::new("POST /v1/workers/w/invoke").json(&run("ada", "k")).send(server.address);
    parked.wait();
    assert_eq!(parked.start(&run("bob", "behind")).ok()["status"], json!("waiting"));
    let requests = parked.todo.service.control.all_requests();
    let interrupt = Request::new("POST /v1/workers/w/interrupt").send(server.address);
    while server.get("/v1/workers/w")["interrupting"] != json!(true) {}
    // It waits for the call's result, so that nothing is in doubt.
    parked.release();
    let stopped = client::read(interrupt).ok();
    assert_eq!((&stopped["status"], &stopped["reason"]), (&json!("suspended"), &json!("interrupted")));
    let refused = client::read(caller);
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("S209")), "{refused:?}");
    assert_eq!(parked.todo.service.control.all_requests(), requests, "nothing was sent behind the call");
    assert_eq!(server.get("/v1/workers/w/invocations/k")["status"], json!("suspended"));
    assert_eq!(server.get("/v1/workers/w/invocations/behind")["status"], json!("waiting"));

    let resumed = server.post("/v1/workers/w/resume", &json!({}));
    assert!(resumed["status"] == json!("idle") || resumed["status"] == json!("running"), "{resumed}");
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("ada", "k"))));
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("bob", "behind"))));
    assert_eq!(parked.todo.effects(), 2 * EFFECTS);
    assert_eq!(parked.todo.service.control.requests(Operation::List), 4, "two in each run: the parked one was not repeated");

    let idle = Request::new("POST /v1/workers/w/interrupt").call(server.address).ok();
    assert_eq!(idle["status"], json!("idle"), "nothing is under way");
}

/// A request to stop that outlived its caller would stop the worker whenever it is resumed.
fn an_interrupt_without_its_caller_ends() {
    let parked = Parked::new();
    let server = &parked.server;
    let caller = Request::new("POST /v1/workers/w/invoke").json(&run("ada", "k")).send(server.address);
    parked.wait();
    let interrupt = Request::new("POST /v1/workers/w/interrupt").send(server.address);
    while server.get("/v1/workers/w")["interrupting"] != json!(true) {}
    drop(interrupt);
    parked.release();
    assert_eq!(client::read(caller).status, 409);
    assert_eq!(server.post("/v1/workers/w/resume", &json!({}))["status"], json!("idle"));
    assert_eq!(parked.todo.effects(), EFFECTS);
}

fn deploy(server: &Platform, name: &str, wasm: &[u8]) {
    let metadata = json!({ "name": name }).to_string();
    let request = Request::new("POST /v1/components").parts(&[("metadata", metadata.as_bytes()), ("component", wasm)]);
    request.call(server.address).ok();
}

fn an_interrupted_loop_stops() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Platform::start(config(directory.path()));
    let core = r#"(module (func (export "run") (result i32) (loop (br 0)) unreachable))"#;
    let wasm = wat_guest("package a:b; world w { export run: func() -> u32; }", "w", core).expect("a component");
    deploy(&server, "loop", &wasm);
    server.post("/v1/workers", &json!({ "name": "w", "component": "loop" }));
    let started = server.post("/v1/workers/w/invocations", &json!({ "function": "run", "key": "k" }));
    assert!(started["status"] == json!("waiting") || started["status"] == json!("running"), "{started}");
    // A stop does not wait for a beginning: ask until it has begun.
    let stopped = loop {
        let worker = Request::new("POST /v1/workers/w/interrupt").call(server.address).ok();
        if worker["status"] == json!("suspended") {
            break worker;
        }
    };
    assert_eq!(stopped["reason"], json!("interrupted"));
    assert_eq!(Request::new("DELETE /v1/workers/w").call(server.address).status, 204);
    server.stop()();
}

fn a_failed_worker_refuses_what_waits() {
    let parked = Parked::new();
    let server = &parked.server;
    // Reads the list, where it is held, and traps.
    let wit = print_package(&container::read(&grpc_ir()).expect("a container").apis[0]);
    let guest =
        Script::new([wit]).call("demo:todo/todo-service@1.0.0", "list-todos({at-least: unspecified, limit: 0})").trap();
    let metadata = json!({ "name": "trap", "dependencies": [{ "server": parked.todo.url() }] }).to_string();
    let wasm = guest.build().expect("a component");
    let parts = [("metadata", metadata.as_bytes()), ("component", &*wasm), ("ir", &*grpc_ir())];
    Request::new("POST /v1/components").parts(&parts).call(server.address).ok();
    server.post("/v1/workers", &json!({ "name": "t", "component": "trap" }));
    let start = |key: &str| {
        let body = json!({ "function": "run", "key": key });
        Request::new("POST /v1/workers/t/invocations").json(&body).call(server.address)
    };
    start("k").ok();
    parked.wait();
    assert_eq!(start("behind").ok()["status"], json!("waiting"));
    parked.release();
    // Asked for once more, it gives what it ended with.
    let ended = server.post("/v1/workers/t/invoke", &json!({ "function": "run", "key": "k" }));
    assert_eq!(ended["outcome"], json!("trapped"));
    let shown = server.get("/v1/workers/t/invocations/k");
    assert_eq!((&shown["status"], &shown["ended"]), (&json!("ended"), &ended));
    assert_eq!(server.get("/v1/workers/t/invocations/behind")["status"], json!("refused"));
    for refused in [start("later"), start("behind")] {
        assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("S210")), "{refused:?}");
    }
}

/// The users for which a worker was invoked, in the order in which that began.
fn begun(server: &Platform) -> Vec<Value> {
    let oplog = server.get("/v1/workers/w/oplog");
    let entries = oplog["entries"].as_array().expect("entries");
    entries.iter().filter(|entry| entry["event"] == "invoked").map(|entry| entry["text"].clone()).collect()
}

fn what_was_accepted_comes_first() {
    let parked = Parked::new();
    let server = &parked.server;
    parked.start(&run("ada", "1")).ok();
    parked.wait();
    parked.start(&run("bob", "2")).ok();
    let refused = Request::new("POST /v1/workers/w/invoke").json(&run("eve", "2")).call(server.address);
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("S208")), "{refused:?}");
    let waits = parked.call("cyd", "3");
    parked.release();
    assert!(is_ok(&client::read(waits).ok()));
    assert_eq!(begun(server), in_order(&["ada", "bob", "cyd"]));
    assert!(is_ok(&server.get("/v1/workers/w/invocations/2")["ended"]), "it was accepted, and it was done");
    assert_eq!(parked.todo.effects(), 3 * EFFECTS);
}

fn in_order(users: &[&str]) -> Vec<Value> {
    users.iter().map(|user| json!(format!("\"{user}\""))).collect()
}

/// The one that comes last comes when the queue is empty and callers wait.
fn whoever_comes_later_begins_later() {
    let parked = Parked::new();
    let server = &parked.server;
    // A run lists twice: the second run is to be held as well.
    parked.todo.service.control.once(Operation::List, Point::Arrived, Misbehavior::Delay(Duration::ZERO));
    parked.park_another();
    parked.start(&run("ada", "1")).ok();
    parked.wait();
    let callers = [parked.call("bob", "2"), parked.call("cyd", "3")];
    parked.release();
    parked.wait_for(2);
    parked.start(&run("dan", "4")).ok();
    parked.release();
    for caller in callers {
        assert!(is_ok(&client::read(caller).ok()));
    }
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("dan", "4"))));
    assert_eq!(begun(server), in_order(&["ada", "bob", "cyd", "dan"]));
}

/// While it carries on, some begin what others were to begin.
fn a_restarted_server_keeps_the_order() {
    let parked = Parked::new();
    parked.start(&run("ada", "1")).ok();
    parked.wait();
    parked.start(&run("bob", "2")).ok();
    let Parked { server, todo, services, _directory: directory } = parked;
    server.crash();
    todo.service.control.release();
    todo.service.control.once(Operation::List, Point::Arrived, Misbehavior::Park);
    let parked = Parked { server: Platform::start(config(directory.path())), todo, services, _directory: directory };
    let server = &parked.server;
    parked.wait_for(2);

    let cyd = parked.call("cyd", "3");
    // Whoever looks after the queue now finds that it was emptied for the caller before, and what came behind the next caller.
    assert_eq!(parked.start(&run("bob", "2")).ok()["status"], json!("waiting"));
    let dan = parked.call("dan", "4");
    parked.start(&run("eve", "5")).ok();
    parked.release();
    for caller in [cyd, dan] {
        assert!(is_ok(&client::read(caller).ok()));
    }
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("eve", "5"))));
    assert_eq!(begun(server), in_order(&["ada", "bob", "cyd", "dan", "eve"]));
    assert_eq!(parked.todo.effects(), 5 * EFFECTS);
}

fn a_queue_has_a_limit() {
    let parked = Parked::with(|config| config.waiting = 2);
    let server = &parked.server;
    parked.start(&run("ada", "1")).ok();
    parked.wait();
    parked.start(&run("bob", "2")).ok();
    let full = parked.start(&run("cyd", "3"));
    assert_eq!((full.status, &full.json()["code"]), (429, &json!("S214")), "{full:?}");
    assert_eq!(parked.start(&run("bob", "2")).ok()["status"], json!("waiting"), "it has its place");
    parked.release();
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("bob", "2"))));
    parked.start(&run("cyd", "3")).ok();
    assert!(is_ok(&server.post("/v1/workers/w/invoke", &run("cyd", "3"))));
    assert_eq!(begun(server), in_order(&["ada", "bob", "cyd"]));
}

/// A component that gives a number.
fn guest(number: u32) -> Vec<u8> {
    let core = format!(r#"(module (func (export "run") (result i32) (i32.const {number})))"#);
    wat_guest("package a:b; world w { export run: func() -> u32; }", "w", &core).expect("a component")
}

/// Where there are more components than are kept linked. Here it could not be linked again.
fn what_a_worker_runs_is_not_linked_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Platform::start(config(directory.path()));
    let invoke = |server: &Platform, key: &str| {
        let body = json!({ "function": "run", "key": key });
        Request::new("POST /v1/workers/w/invoke").json(&body).call(server.address)
    };
    deploy(&server, "first", &guest(7));
    server.post("/v1/workers", &json!({ "name": "w", "component": "first" }));
    assert_eq!(invoke(&server, "1").ok()["result"], json!("7"));
    for number in 0..64 {
        deploy(&server, &format!("other-{number}"), &guest(number));
    }
    let registry = rusqlite::Connection::open(directory.path().join("store.db.registry")).expect("the registry");
    registry.execute("DELETE FROM revisions WHERE component = 'first'", []).expect("deleted");
    assert_eq!(invoke(&server, "2").ok()["result"], json!("7"));

    server.stop()();
    let server = Platform::start(config(directory.path()));
    let refused = invoke(&server, "3");
    assert_eq!((refused.status, &refused.json()["code"]), (500, &json!("S905")), "{refused:?}");
    server.stop()();
}

fn a_component_without_workers_can_be_deleted() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Platform::start(config(directory.path()));
    let result = |worker: &str| {
        server.post("/v1/workers", &json!({ "name": worker, "component": "c" }));
        server.post(&format!("/v1/workers/{worker}/invoke"), &json!({ "function": "run", "key": "k" }))["result"].clone()
    };
    deploy(&server, "c", &guest(1));
    assert_eq!(result("w"), json!("1"));
    let delete = Request::new("DELETE /v1/components/c");
    let refused = delete.call(server.address);
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("S115")));
    assert!(refused.body.contains("`w`"), "{refused:?}");
    assert_eq!(Request::new("DELETE /v1/workers/w").call(server.address).status, 204);
    assert_eq!(delete.call(server.address).status, 204);
    assert_eq!(server.get("/v1/components"), json!([]));
    // A new component of the name is another one, from its first revision on.
    deploy(&server, "c", &guest(2));
    assert_eq!(result("w"), json!("2"));
}
