//! The whole way, with real processes: manifest → build → server → deploy → invoke → the server is killed in the middle of a call →
//! it is started again → a second revision. Effects are counted at the Todo service.

use std::path::{Path, PathBuf};

use todo_service::{Misbehavior, Operation, Point};

use crate::Add;
use crate::platform::{Platform, Todo};
use crate::tool::{example, folder, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("system::from_a_manifest_to_a_second_revision", from_a_manifest_to_a_second_revision);
    add("system::workers_under_way_stay_on_their_revision", workers_under_way_stay_on_their_revision);
    add("system::an_environment_is_told", an_environment_is_told);
    add("system::a_second_signal_ends_a_server_that_waits", a_second_signal_ends_a_server_that_waits);
    add("system::a_bundle_is_deployed_as_it_is", a_bundle_is_deployed_as_it_is);
}

const AGENT: &str = "app:todo-agent";

/// `examples/`, copied, so that the project may be changed.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new(todo: &Todo) -> Self {
        let project = Self { dir: example() };
        project.calls(todo);
        project
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("todo-agent")
    }

    /// Changes the manifest so that the component calls this service.
    fn calls(&self, todo: &Todo) {
        let file = self.path().join("witwire.yaml");
        let text = std::fs::read_to_string(&file).expect("the manifest");
        let line = |line: &str| {
            let indent = &line[..line.len() - line.trim_start().len()];
            match line.trim_start().split_once(": ") {
                Some(("endpoint", _)) => format!("{indent}endpoint: {}\n", todo.running.url()),
                Some(("server", _)) => format!("{indent}server: {}\n", todo.running.rest_url()),
                _ => format!("{line}\n"),
            }
        };
        let changed: String = text.lines().map(line).collect();
        assert!(changed.contains(&todo.running.url()) && changed.contains(&todo.running.rest_url()), "{changed}");
        std::fs::write(file, changed).expect("written");
    }

    /// Makes another build of the component: the same code, and a custom section (name `x`, empty).
    fn rebuild(&self) {
        let file = self.path().join("todo-agent.wasm");
        let mut wasm = std::fs::read(&file).expect("the component");
        wasm.extend([0, 2, 1, b'x']);
        std::fs::write(file, wasm).expect("written");
    }

    fn build(&self) -> crate::tool::Ran {
        witwire(&self.path(), &["build", "--no-command"]).exits(0)
    }
}

/// `witwire build` and `witwire deploy`.
fn deploy(server: &Platform, project: &Project, more: &[&str]) -> crate::tool::Ran {
    project.build();
    run(server, &project.path(), &[&["deploy"], more].concat()).exits(0)
}

/// A client's command in the project's folder.
fn run(server: &Platform, project: &Path, words: &[&str]) -> crate::tool::Ran {
    witwire(project, &[words, &["--server", &server.url]].concat())
}

fn a_second_signal_ends_a_server_that_waits() {
    let todo = Todo::start();
    let project = Project::new(&todo);
    let at = project.path();
    let store = folder(&[]);
    let mut server = Platform::start(store.path(), &[]);
    deploy(&server, &project, &[]);
    run(&server, &at, &["worker", "create", "party", "--component", AGENT]).exits(0);
    todo.service.control.once(Operation::Create, Point::Done, Misbehavior::Park);
    let invoke = ["worker", "invoke", "party", "run(\"ada\")", "--key", "k1"];
    let caller = server.begin(&invoke);
    todo.held(1);

    server.terminate();
    // It has heard that: it takes nothing more. The call under way is not over, and it waits for it.
    let address = server.url.trim_start_matches("http://").to_owned();
    while std::net::TcpStream::connect(&address).is_ok() {}
    server.terminate();
    assert_eq!(server.ended(), Some(143));
    drop(caller.end());
    todo.service.control.release();

    let server = server.restart();
    run(&server, &at, &invoke).exits(0).says("Bake a cake: done");
    todo.each_once(Todo::EFFECTS);
}

fn from_a_manifest_to_a_second_revision() {
    let (old, new) = (Todo::start(), Todo::start());
    let project = Project::new(&old);
    let at = project.path();
    project.build().says(AGENT);
    assert!(at.join("wit/deps/demo_todo/todo.wit").exists() && at.join("wit/deps/api_todos/todos.wit").exists());

    let store = folder(&[]);
    let mut server = Platform::start(store.path(), &[]);
    run(&server, &at, &["deploy", "--from", "nowhere"]).exits(1).complains("witwire build");
    deploy(&server, &project, &["--dry-run"]).is("app:todo-agent: would be created\n");
    run(&server, &at, &["component", "list"]).is("NAME  REVISION\n");
    deploy(&server, &project, &[]).is("app:todo-agent: created, revision 1\n");
    deploy(&server, &project, &[AGENT]).is("app:todo-agent: unchanged, revision 1\n");
    run(&server, &at, &["deploy", "app:other"]).exits(1).complains("`app:other` is not built").complains(AGENT);
    run(&server, &at, &["worker", "create", "party", "--component", AGENT]).exits(0);

    // Killed when the first effect has happened and its answer is on the way, and again behind it, in a read.
    let control = &old.service.control;
    control.once(Operation::Create, Point::Done, Misbehavior::Park);
    let invoke = ["worker", "invoke", "party", "run(\"ada\")", "--key", "k1"];
    let caller = server.begin(&invoke);
    old.held(1);
    control.once(Operation::List, Point::Arrived, Misbehavior::Park);
    server.kill();
    caller.end().exits(3).complains("--key k1");
    control.release();
    // The server goes on by itself.
    let mut server = server.restart();
    old.held(2);
    server.kill();
    control.release();
    let server = server.restart();
    let result = run(&server, &at, &invoke).exits(0).says("ok(\"Bake a cake: done.").out;
    old.each_once(Todo::EFFECTS);
    let requests = control.all_requests();
    // Six calls, and the two that were cut were sent again.
    assert_eq!(requests, 8);
    run(&server, &at, &invoke).exits(0).is(&result);
    assert_eq!(control.all_requests(), requests, "the same key, the stored result");

    project.calls(&new);
    project.rebuild();
    let changes =
        "  another component\n  demo:todo@1.0.0: other settings: server\n  api:todos@1.0.0: other settings: server\n";
    deploy(&server, &project, &["--dry-run"]).is(&format!("app:todo-agent: would be updated from revision 1\n{changes}"));
    deploy(&server, &project, &[]).is(&format!("app:todo-agent: updated, revision 1 → 2\n{changes}"));
    run(&server, &at, &["worker", "create", "feast", "--component", AGENT]).exits(0).says("revision 2");
    run(&server, &at, &["worker", "invoke", "feast", "run(\"bob\")"]).exits(0).says("ok(");
    old.each_once(Todo::EFFECTS);
    new.each_once(Todo::EFFECTS);
    run(&server, &at, &["worker", "invoke", "party", "run(\"ada\")", "--key", "k2"]).exits(0).says("ok(");
    old.each_once(2 * Todo::EFFECTS);
    new.each_once(Todo::EFFECTS);

    let oplog = run(&server, &at, &["oplog", "party", "--format", "json"]).exits(0);
    assert!(!oplog.out.contains(Todo::TOKEN), "{}", oplog.out);
    let oplog = oplog.json();
    let entries = oplog["entries"].as_array().expect("entries");
    let count = |event: &str| entries.iter().filter(|e| e["event"] == event).count();
    assert_eq!((count("invoked"), count("completed")), (2, 2));
    let ordinals: Vec<_> = entries.iter().filter_map(|e| e["ordinal"].as_u64()).collect();
    assert_eq!(ordinals, (0..ordinals.len() as u64).collect::<Vec<_>>(), "three processes wrote one oplog without a gap");
    run(&server, &at, &["oplog", "feast"])
        .exits(0)
        .says("worker feast idle\n")
        .says("api:todos/todos@1.0.0#create({user-id: \"bob\"");
}

/// An update while workers are in the middle of calls: they finish on their revision, new ones get the new revision.
fn workers_under_way_stay_on_their_revision() {
    const WORKERS: usize = 20;
    let (old, new) = (Todo::start(), Todo::start());
    let project = Project::new(&old);
    let at = project.path();
    let store = folder(&[]);
    let server = Platform::start(store.path(), &[]);
    deploy(&server, &project, &[]);
    let mut callers = Vec::new();
    for number in 0..WORKERS {
        let name = format!("w{number}");
        run(&server, &at, &["worker", "create", &name, "--component", AGENT]).exits(0);
        old.service.control.once(Operation::List, Point::Arrived, Misbehavior::Park);
        callers.push(server.begin(&["worker", "invoke", &name, "run(\"ada\")", "--key", "k"]));
    }
    old.held(WORKERS as u64);
    project.calls(&new);
    deploy(&server, &project, &[]).says("revision 1 → 2");
    run(&server, &at, &["worker", "create", "late", "--component", AGENT]).exits(0).says("revision 2");
    run(&server, &at, &["worker", "invoke", "late", "run(\"bob\")"]).exits(0).says("ok(");
    old.service.control.release();
    for caller in callers {
        caller.end().exits(0).says("ok(");
    }
    old.each_once(WORKERS * Todo::EFFECTS);
    new.each_once(Todo::EFFECTS);
    let workers = run(&server, &at, &["worker", "list", "--format", "json"]).exits(0).json();
    for worker in workers.as_array().expect("a list") {
        let wanted = if worker["name"] == "late" { 2 } else { 1 };
        assert_eq!((&worker["revision"], &worker["status"]), (&wanted.into(), &"idle".into()), "{worker}");
    }
}

/// A bundle tells for which environment it was built, and is refused for another.
fn an_environment_is_told() {
    let (todo, staging) = (Todo::start(), Todo::start());
    let project = Project::new(&todo);
    let at = project.path();
    let environment =
        format!("environments:\n  staging:\n    {AGENT}:\n      todos: {{ server: {} }}\n", staging.running.rest_url());
    let manifest = std::fs::read_to_string(at.join("witwire.yaml")).expect("the manifest");
    std::fs::write(at.join("witwire.yaml"), manifest + &environment).expect("written");
    let store = folder(&[]);
    let server = Platform::start(store.path(), &[]);
    let deploy = |more: &[&str]| run(&server, &at, &[&["deploy"], more].concat());
    project.build();
    deploy(&["--environment", "staging"]).exits(1).complains("`app:todo-agent` was built for no environment");
    run(&server, &at, &["component", "list"]).is("NAME  REVISION\n");
    witwire(&at, &["build", "--no-command", "--environment", "staging"]).exits(0);
    deploy(&["--environment", "production"]).exits(1).complains("was built for `staging`, not for `production`");
    deploy(&["--dry-run"]).exits(0).is("app:todo-agent (built for staging): would be created\n");
    deploy(&["--environment", "staging"]).exits(0).is("app:todo-agent (built for staging): created, revision 1\n");
    let report = deploy(&["--format", "json"]).exits(0).json();
    assert_eq!(report["deployed"][0]["environment"], "staging");
}

/// A bundle is deployed from elsewhere, and what is no bundle is refused.
fn a_bundle_is_deployed_as_it_is() {
    let todo = Todo::start();
    let project = Project::new(&todo);
    let store = folder(&[("text.witwire", b"nonsense")]);
    let server = Platform::start(store.path(), &[]);
    deploy(&server, &project, &[]);
    let bundle = project.path().join(".witwire/build/app_todo-agent.witwire").display().to_string();
    // From another place, and without the manifest.
    let other = |more: &[&str]| run(&server, store.path(), &[&["deploy", "--bundle", &bundle], more].concat());
    other(&[]).exits(0).is("app:todo-agent: unchanged, revision 1\n");
    project.rebuild();
    deploy(&server, &project, &[]).is("app:todo-agent: updated, revision 1 → 2\n  another component\n");
    let report = other(&["--format", "json"]).exits(0).json();
    assert_eq!(
        report,
        serde_json::json!({ "dryRun": false, "deployed": [
            { "component": AGENT, "revision": 2, "replaced": 2, "changes": [] },
        ] })
    );
    other(&[AGENT]).exits(2);
    let refused = |file: &str| run(&server, store.path(), &["deploy", "--bundle", file]);
    refused("text.witwire").exits(1).complains("not a witwire bundle");
    refused("missing.witwire").exits(3).complains("missing.witwire");
}
