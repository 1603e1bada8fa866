//! The commands that talk to a server, against one in a process of its own. Effects are counted at the Todo service.

use todo_service::{Misbehavior, Operation, Point};

use crate::Add;
use crate::platform::{Platform, Todo};
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("client::components_and_workers", components_and_workers);
    add("client::refusals_are_told_with_their_code", refusals_are_told_with_their_code);
    add("client::the_key_opens_the_door_and_is_not_shown", the_key_opens_the_door_and_is_not_shown);
    add("client::a_caller_who_was_cut_off_continues", a_caller_who_was_cut_off_continues);
    add("client::an_invocation_is_started_and_left", an_invocation_is_started_and_left);
    add("client::what_is_no_server_is_said_to_be", what_is_no_server_is_said_to_be);
    add("client::the_doctor_says_what_to_do", the_doctor_says_what_to_do);
}

const PARTY: &str = r#"ok("Bake a cake: done. The household finished 2 of 2; the user had 1 on the page.")"#;

/// A folder with the agent's IR containers, and the settings of its dependencies.
fn compiled(todo: &Todo) -> tempfile::TempDir {
    let dir = folder(&[]);
    let at = |name: &str| dir.path().join(name).display().to_string();
    let manifest = std::fs::read_to_string(root().join("examples/todo-agent/witwire.yaml")).expect("the agent's manifest");
    let manifest: serde_json::Value = serde_saphyr::from_str(&manifest).expect("YAML");
    let rest = &manifest["dependencies"]["app:todo-agent"][1];
    let settings = ["auth", "idempotency"].map(|key| format!("{key}={}", rest[key]));
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--manifest", setting]).collect();
    witwire(&root(), &["compile", "examples/todo-service/proto/todo.proto", "-o", &at("todo.ir")]).exits(0);
    let rest = ["compile", "examples/todo-service/openapi.yaml", "-o", &at("todos.ir")];
    witwire(&root(), &[&rest[..], &settings].concat()).exits(0);
    write_metadata(dir.path(), todo);
    std::fs::copy(root().join("examples/todo-agent/todo-agent.wasm"), dir.path().join("agent.wasm")).expect("copied");
    dir
}

fn write_metadata(dir: &std::path::Path, todo: &Todo) {
    let metadata = serde_json::json!({ "dependencies": [
        { "server": todo.running.url() },
        { "server": todo.running.rest_url(), "credentials": { "bearerAuth": { "env": "TODO_TOKEN" } } },
    ] });
    std::fs::write(dir.join("metadata.json"), metadata.to_string()).expect("written");
}

/// The words behind `component create` and `update` that name the agent's files.
const FILES: [&str; 9] =
    ["agent", "--wasm", "agent.wasm", "--ir", "todo.ir", "--ir", "todos.ir", "--metadata", "metadata.json"];

fn components_and_workers() {
    let (old, new) = (Todo::start(), Todo::start());
    let dir = compiled(&old);
    let server = Platform::start(dir.path(), &[]);
    server.run(&["component", "list"]).exits(0).is("NAME  REVISION\n");
    server.run(&[&["component", "create"], &FILES[..]].concat()).exits(0).is("agent is at revision 1\n");
    server.run(&["component", "list"]).exits(0).is("NAME   REVISION\nagent  1\n");
    server
        .run(&["worker", "create", "w", "--component", "agent"])
        .exits(0)
        .is("worker w of agent revision 1: idle, 0 entries\n");

    // The result alone is on standard output.
    let ran = server.run(&["worker", "invoke", "w", "run(\"ada\")", "--follow"]).exits(0).is(&format!("{PARTY}\n"));
    let key = ran.err.lines().next().and_then(|l| l.strip_prefix("note: key ")).expect("a key is printed first").to_owned();
    let ran = ran.complains("started   api:todos/todos@1.0.0#create({user-id: \"ada\"").complains("completed");
    assert!(!ran.err.contains(Todo::TOKEN), "{}", ran.err);
    old.each_once(Todo::EFFECTS);

    let requests = old.service.control.all_requests();
    let again = server.run(&["worker", "invoke", "w", "run(\"ada\")", "--key", &key, "--format", "json"]).exits(0).json();
    assert_eq!(again, serde_json::json!({ "outcome": "returned", "result": PARTY, "key": key }));
    assert_eq!(old.service.control.all_requests(), requests, "the same key, the stored result");

    // The server and the reader of its store tell the same.
    let told = server.run(&["oplog", "w", "--format", "json"]).exits(0).json();
    let stored = witwire(dir.path(), &["oplog", "w", "--store", "witwire.db", "--format", "json"]).exits(0).json();
    assert_eq!(told["entries"], stored["entries"]);
    let entries = told["entries"].as_array().expect("entries").len();
    server.run(&["oplog", "w"]).exits(0).says("worker w idle\n").says("invoked   run(\"ada\")");
    server
        .run(&["worker", "list"])
        .exits(0)
        .is(&format!("NAME  COMPONENT  REVISION  STATUS  ENTRIES\nw     agent      1         idle    {entries}\n"));

    write_metadata(dir.path(), &new);
    server.run(&[&["component", "update"], &FILES[..]].concat()).exits(0).is("agent is at revision 2\n");
    let stale = [&["component", "update"], &FILES[..], &["--revision", "1"]].concat();
    server.run(&stale).exits(1).complains("error: S104: ").complains("help: somebody else updated it");
    server.run(&["component", "show", "agent"]).exits(0).says("agent revision 2 (the newest)\n").says("demo:todo@1.0.0");
    let shown = server.run(&["component", "show", "agent", "--revision", "1"]).exits(0);
    let shown = shown.says("agent revision 1 (the newest is 2)\n").says(&format!("server: {}", old.running.rest_url()));
    assert!(!shown.out.contains(Todo::TOKEN), "{}", shown.out);
    let revisions = server.run(&["component", "revisions", "agent", "--format", "json"]).exits(0).json();
    let numbers: Vec<_> = revisions.as_array().expect("a list").iter().map(|r| r["revision"].clone()).collect();
    assert_eq!(numbers, [2, 1]);

    server.run(&["worker", "create", "v", "--component", "agent"]).exits(0).says("revision 2");
    server.run(&["worker", "invoke", "v", "run(\"bob\")"]).exits(0).is(&format!("{PARTY}\n"));
    server.run(&["worker", "create", "u", "--component", "agent", "--revision", "1"]).exits(0).says("revision 1");
    old.each_once(Todo::EFFECTS);
    new.each_once(Todo::EFFECTS);
    let of = server.run(&["worker", "list", "--component", "agent", "--format", "json"]).exits(0).json();
    let names: Vec<_> = of.as_array().expect("a list").iter().map(|w| w["name"].clone()).collect();
    assert_eq!(names, ["u", "v", "w"]);
    server.run(&["worker", "list", "--component", "other"]).exits(0).is("NAME  COMPONENT  REVISION  STATUS  ENTRIES\n");
    server.run(&["worker", "delete", "w"]).exits(0).is("w is deleted\n");
    server.run(&["worker", "show", "w"]).exits(1).complains("S202");

    // An `err` of the guest has the exit code of a call that failed.
    new.service.control.once(Operation::Complete, Point::Done, Misbehavior::HangUp);
    server.run(&["worker", "invoke", "v", "run(\"cyd\")"]).exits(4).says("err(\"nobody knows");
}

fn refusals_are_told_with_their_code() {
    let todo = Todo::start();
    let dir = compiled(&todo);
    std::fs::write(dir.path().join("text.wasm"), "nonsense").expect("written");
    std::fs::write(dir.path().join("list.json"), "[]").expect("written");
    let server = Platform::start(dir.path(), &[]);
    let create = |files: &[&str]| server.run(&[&["component", "create"], files].concat());
    create(&["a", "--wasm", "missing.wasm"]).exits(3).complains("missing.wasm");
    create(&["a", "--wasm", "agent.wasm", "--metadata", "list.json"]).exits(1).complains("not a JSON object");
    create(&["a", "--wasm", "text.wasm"]).exits(1).complains("S107: ");
    create(&["a", "--wasm", "agent.wasm"]).exits(1).complains("S108: ").complains("demo:todo/todo-service@1.0.0");
    create(&["a/b", "--wasm", "agent.wasm"]).exits(1).complains("`a/b` is not a component's name");
    create(&["a", "--wasm", "agent.wasm", "--ir", "agent.wasm"]).exits(1).complains("S106: ");
    server.run(&["component", "show", "a"]).exits(1).complains("S102: ").complains("witwire component list");
    server.run(&["component", "show", "a/../b"]).exits(1).complains("S101: ");
    server.run(&["worker", "create", "w", "--component", "a"]).exits(1).complains("S102: ");
    create(&FILES).exits(0);
    create(&FILES).exits(1).complains("S103: ");
    server.run(&["worker", "create", "w", "--component", "agent"]).exits(0);
    let invoke = |call: &str| server.run(&["worker", "invoke", "w", call]);
    invoke("run").exits(2).complains("parentheses");
    invoke("ran(\"x\")").exits(1).complains("S206: ").complains("run");
    invoke("run(1)").exits(1).complains("S207: ");
    server.run(&["worker", "invoke", "w", "run(\"x\")", "--key", "a b"]).exits(2).complains("idempotency key");
    let refused = server.run(&["worker", "show", "v", "--format", "json"]).exits(1);
    let told: serde_json::Value = serde_json::from_str(&refused.err).expect("JSON on standard error");
    assert_eq!(told["error"]["code"], "S202");
    todo.each_once(0);
}

fn the_key_opens_the_door_and_is_not_shown() {
    let key = "0123456789abcdef-key";
    let dir = folder(&[("key", format!("{key}\n").as_bytes()), ("other", b"0123456789abcdef-odd")]);
    let server = Platform::start(dir.path(), &["--api-key-file", "key"]);
    server.run(&["worker", "list"]).exits(1).complains("S007: ").complains("--api-key-file");
    server.run(&["worker", "list", "--api-key-file", "other"]).exits(1).complains("S007: ");
    server.run(&["worker", "list", "--api-key-file", "none"]).exits(3).complains("`none`");
    let ran = server.run(&["worker", "list", "--api-key-file", "key"]).exits(0);
    assert!(!format!("{ran:?}").contains(key));
    // A refused upload is told as such, however large it is.
    std::fs::write(dir.path().join("large.wasm"), vec![0; 8 << 20]).expect("written");
    server.run(&["component", "create", "a", "--wasm", "large.wasm"]).exits(1).complains("S007: ");
    let plain = ["worker", "list", "--api-key-file", "key", "--server", "http://witwire.example.com"];
    let refused = witwire(dir.path(), &plain).exits(2).complains("unencrypted");
    assert!(!refused.err.contains(key));
    let env = crate::tool::command(dir.path())
        .args(["worker", "list"])
        .env("WITWIRE_SERVER", &server.url)
        .env("WITWIRE_API_KEY_FILE", "key")
        .output()
        .expect("it starts");
    assert_eq!(String::from_utf8_lossy(&env.stdout), "NAME  COMPONENT  REVISION  STATUS  ENTRIES\n");
}

/// A server with the agent and a worker `w` of it, and the folder of both.
fn with_a_worker(todo: &Todo) -> (tempfile::TempDir, Platform) {
    let dir = compiled(todo);
    let server = Platform::start(dir.path(), &[]);
    server.run(&[&["component", "create"], &FILES[..]].concat()).exits(0);
    server.run(&["worker", "create", "w", "--component", "agent"]).exits(0);
    (dir, server)
}

/// The server dies in the middle of a call; who invoked is told how to go on, and does.
fn a_caller_who_was_cut_off_continues() {
    let todo = Todo::start();
    let (_dir, mut server) = with_a_worker(&todo);
    todo.service.control.once(Operation::Create, Point::Done, Misbehavior::Park);
    let caller = server.begin(&["worker", "invoke", "w", "run(\"ada\")", "--key", "k1", "--follow"]);
    todo.held(1);
    server.kill();
    caller.end().exits(3).complains("broke before it answered").complains("--key k1");
    todo.service.control.release();
    let server = server.restart();
    server.run(&["worker", "invoke", "w", "run(\"ada\")", "--key", "k1"]).exits(0).is(&format!("{PARTY}\n"));
    todo.each_once(Todo::EFFECTS);
}

fn an_invocation_is_started_and_left() {
    let todo = Todo::start();
    let (_dir, mut server) = with_a_worker(&todo);
    todo.service.control.once(Operation::Create, Point::Done, Misbehavior::Park);
    let line = ["worker", "invoke", "w", "run(\"ada\")", "--key", "k1"];
    let detached = [&line[..], &["--detach"]].concat();
    server.run(&detached).exits(0).says("wait for it: witwire worker invoke w 'run(\"ada\")' --key k1");
    todo.held(1);
    // The same key is the same invocation, also where the server died in the middle of it.
    assert_eq!(server.run(&[&detached[..], &["--format", "json"]].concat()).exits(0).json()["status"], "running");
    server.kill();
    todo.service.control.release();
    let server = server.restart();
    server.run(&line).exits(0).is(&format!("{PARTY}\n"));
    server.run(&detached).exits(0).says("ended, key k1");
    todo.each_once(Todo::EFFECTS);
    server.run(&["worker", "invoke", "nobody", "run(\"ada\")", "--detach"]).exits(1).complains("S202");
    server.run(&[&detached[..], &["--follow"]].concat()).exits(2);
}

fn what_is_no_server_is_said_to_be() {
    let todo = Todo::start();
    let dir = folder(&[]);
    let list = |server: &str| witwire(dir.path(), &["worker", "list", "--server", server]);
    list("http://127.0.0.1:1").exits(3).complains("there is no server at http://127.0.0.1:1").complains("witwire server");
    list(&todo.running.url()).exits(3).complains("does not answer as a witwire server");
    list("127.0.0.1:9080").exits(2).complains("write `http://HOST:PORT`");
    list("ftp://127.0.0.1").exits(2).complains("scheme");
}

fn the_doctor_says_what_to_do() {
    let dir = folder(&[]);
    let server = Platform::start(dir.path(), &[]);
    server.run(&["doctor"]).exits(0).says("ok      store").says(&format!("{} answers, components: 0", server.url));
    let nobody = ["doctor", "--server", "http://127.0.0.1:1", "--store", "missing/witwire.db"];
    let ill = witwire(dir.path(), &nobody).exits(1);
    let ill = ill.says("problem store        `missing/witwire.db` cannot be written").says("`--store FILE`");
    ill.says("problem server       there is no server at http://127.0.0.1:1").says("start one with `witwire server`");
    let checks = witwire(dir.path(), &[&nobody[..], &["--format", "json"]].concat()).exits(1).json();
    let states: Vec<_> = checks.as_array().expect("a list").iter().map(|c| (&c["what"], &c["state"])).collect();
    assert!(states.contains(&(&"server".into(), &"problem".into())), "{checks}");
}
