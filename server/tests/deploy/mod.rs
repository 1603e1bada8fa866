//! Deployments: killed at every stage, and made while workers are busy.

use std::path::Path;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::json;
use todo_service::{Misbehavior, Operation, Point};

use crate::client::{self, Request};
use crate::process::{Process, STAGES};
use crate::setup::{EFFECTS, Platform, Todo, agent, config, run, runtime};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        crate::test("deploy::an_update_under_load", an_update_under_load),
        crate::test("deploy::a_stop_loses_no_invocation", a_stop_loses_no_invocation),
        crate::test("deploy::a_kill_loses_no_invocation", a_kill_loses_no_invocation),
    ];
    for (stage, _) in STAGES {
        trials.push(crate::test(format!("deploy::killed::create::{stage}"), move || killed_in_create(stage)));
        trials.push(crate::test(format!("deploy::killed::update::{stage}"), move || killed_in_update(stage)));
    }
    trials
}

fn create(todo: &Todo, directory: &Path) -> Request {
    agent("POST /v1/components", &json!({ "name": "agent", "dependencies": todo.dependencies(directory) }))
}

fn update(todo: &Todo, directory: &Path) -> Request {
    agent("PUT /v1/components/agent", &json!({ "revision": 1, "dependencies": todo.dependencies(directory) }))
}

/// Deploys to a process that kills itself, whose caller gets no answer.
fn deploy_and_die(directory: &Path, stage: &str, request: &Request) {
    let mut process = Process::start(directory, Some(stage), None);
    assert_eq!(client::try_read(request.send(process.address)), None, "it died before it could answer");
    assert_eq!(process.ended(), Some(9));
}

/// A new worker runs, and its effects are at this service alone.
fn runs_at(process: &Process, worker: &str, revision: u32, todo: &Todo) {
    let created = process.post("/v1/workers", &json!({ "name": worker, "component": "agent" }));
    assert_eq!(created["revision"], json!(revision));
    let before = todo.effects();
    let ended = process.post(&format!("/v1/workers/{worker}/invoke"), &run("ada", "k"));
    assert!(ended["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{ended}");
    assert_eq!(todo.effects() - before, EFFECTS);
}

fn killed_in_create(stage: &str) {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let request = create(&todo, directory.path());
    deploy_and_die(directory.path(), stage, &request);

    let process = Process::start(directory.path(), None, None);
    if stage == "committed" {
        assert_eq!(process.get("/v1/components"), json!([{ "name": "agent", "revision": 1 }]));
        assert_eq!(request.call(process.address).status, 409);
    } else {
        assert_eq!(process.get("/v1/components"), json!([]));
        assert_eq!(Request::new("GET /v1/components/agent").call(process.address).status, 404);
        assert_eq!(request.call(process.address).status, 201, "it can be deployed again");
    }
    runs_at(&process, "w", 1, &todo);
}

fn killed_in_update(stage: &str) {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let (old, new) = (Todo::start(&services), Todo::start(&services));
    let process = Process::start(directory.path(), None, None);
    create(&old, directory.path()).call(process.address).ok();
    runs_at(&process, "before", 1, &old);
    process.kill();
    let request = update(&new, directory.path());
    deploy_and_die(directory.path(), stage, &request);

    let process = Process::start(directory.path(), None, None);
    let committed = stage == "committed";
    let (revision, todo) = if committed { (2, &new) } else { (1, &old) };
    let shown = process.get("/v1/components/agent");
    assert_eq!((&shown["revision"], &shown["current"]), (&json!(revision), &json!(revision)));
    let revisions = process.get("/v1/components/agent/revisions");
    assert_eq!(revisions.as_array().map(Vec::len), Some(revision as usize));
    let missing = format!("GET /v1/components/agent?revision={}", revision + 1);
    assert_eq!(Request::new(&missing).call(process.address).status, 404, "no half of a revision");
    runs_at(&process, "after", revision, todo);
    process.post("/v1/workers/before/invoke", &run("bob", "again"));
    assert_eq!(request.call(process.address).status, if committed { 409 } else { 200 });
    runs_at(&process, "at-last", 2, &new);
    assert_eq!(process.get("/v1/workers/before")["revision"], json!(1));
}

/// Twenty workers wait at the service while their component is updated.
fn an_update_under_load() {
    const WORKERS: usize = 20;
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let (old, new) = (Todo::start(&services), Todo::start(&services));
    let server = Platform::start(config(directory.path()));
    create(&old, directory.path()).call(server.address).ok();
    let control = &old.service.control;
    let callers: Vec<_> = (0..WORKERS)
        .map(|i| {
            server.post("/v1/workers", &json!({ "name": format!("w{i}"), "component": "agent" }));
            control.once(Operation::List, Point::Arrived, Misbehavior::Park);
            Request::new(&format!("POST /v1/workers/w{i}/invoke")).json(&run(&format!("u{i}"), "k")).send(server.address)
        })
        .collect();
    services.block_on(control.parked(WORKERS as u64));
    let before = old.effects();
    assert!(before > 0 && before < WORKERS * EFFECTS, "{before}: they are in the middle");

    assert_eq!(update(&new, directory.path()).call(server.address).ok()["revision"], json!(2));
    assert_eq!(server.post("/v1/workers", &json!({ "name": "late", "component": "agent" }))["revision"], json!(2));
    server.post("/v1/workers/late/invoke", &run("late", "k"));
    assert_eq!((old.effects(), new.effects()), (before, EFFECTS), "the new one calls where the new revision says");

    control.release();
    for caller in callers {
        let ended = client::read(caller).ok();
        assert!(ended["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{ended}");
    }
    assert_eq!((old.effects(), new.effects()), (WORKERS * EFFECTS, EFFECTS));
    let workers = server.get("/v1/workers?component=agent");
    let on = |revision| workers.as_array().map(|w| w.iter().filter(|w| w["revision"] == json!(revision)).count());
    assert_eq!((on(1), on(2)), (Some(WORKERS), Some(1)));
    server.stop()();
}

/// Five invocations at the service, some with a caller who waits, some without.
fn busy(process: &Process, todo: &Todo, directory: &Path) -> Vec<std::net::TcpStream> {
    create(todo, directory).call(process.address).ok();
    let mut callers = Vec::new();
    for i in 0..5 {
        process.post("/v1/workers", &json!({ "name": format!("w{i}"), "component": "agent" }));
        todo.service.control.once(Operation::List, Point::Done, Misbehavior::Park);
        let body = run(&format!("u{i}"), "k");
        if i < 3 {
            callers.push(Request::new(&format!("POST /v1/workers/w{i}/invoke")).json(&body).send(process.address));
        } else {
            process.post(&format!("/v1/workers/w{i}/invocations"), &body);
            // This one waits behind the other, in the queue.
            process.post(&format!("/v1/workers/w{i}/invocations"), &run(&format!("v{i}"), "behind"));
        }
    }
    callers
}

/// Waits until an invocation has ended by itself. It is only looked at: to invoke with its key would do anew what was lost.
fn ends(process: &Process, path: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let shown = process.get(path);
        if shown["status"] == json!("ended") {
            return;
        }
        assert!(shown["status"] == json!("waiting") || shown["status"] == json!("running"), "{path}: {shown}");
        assert!(Instant::now() < deadline, "{path} is not carried on: {shown}");
    }
}

/// All seven invocations have ended well, and have had their effects once.
fn all_done(process: &Process, todo: &Todo) {
    for i in 0..5 {
        ends(process, &format!("/v1/workers/w{i}/invocations/k"));
    }
    for i in 3..5 {
        ends(process, &format!("/v1/workers/w{i}/invocations/behind"));
    }
    for i in 0..5 {
        let ended = process.post(&format!("/v1/workers/w{i}/invoke"), &run(&format!("u{i}"), "k"));
        assert!(ended["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{ended}");
    }
    for i in 3..5 {
        let ended = process.post(&format!("/v1/workers/w{i}/invoke"), &run(&format!("v{i}"), "behind"));
        assert!(ended["result"].as_str().is_some_and(|r| r.starts_with("ok(")), "{ended}");
    }
    assert_eq!(todo.effects(), 7 * EFFECTS);
}

fn a_stop_loses_no_invocation() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let process = Process::start(directory.path(), None, None);
    let callers = busy(&process, &todo, directory.path());
    services.block_on(todo.service.control.parked(5));
    let stopped = process.terminate();
    todo.service.control.release();
    for caller in callers {
        assert_eq!(client::read(caller).ok()["outcome"], json!("returned"));
    }
    stopped();
    all_done(&Process::start(directory.path(), None, None), &todo);
}

fn a_kill_loses_no_invocation() {
    let (directory, services) = (tempfile::tempdir().expect("a directory"), runtime());
    let todo = Todo::start(&services);
    let process = Process::start(directory.path(), None, None);
    let callers = busy(&process, &todo, directory.path());
    services.block_on(todo.service.control.parked(5));
    process.kill();
    todo.service.control.release();
    drop(callers);
    all_done(&Process::start(directory.path(), None, None), &todo);
}
