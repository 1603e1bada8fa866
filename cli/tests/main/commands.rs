//! The commands' own work.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::Add;
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("commands::help_teaches", help_teaches);
    add("commands::inspect_as_json", inspect_as_json);
    add("commands::examples_are_valid_calls", examples_are_valid_calls);
    add("commands::compile_and_inspect_the_container", compile_and_inspect_the_container);
    add("commands::dry_run_hides_credentials", dry_run_hides_credentials);
    add("commands::a_canned_response_is_decoded", a_canned_response_is_decoded);
    add("commands::a_deadline_ends_what_is_read_item_by_item", a_deadline_ends_what_is_read_item_by_item);
    add("commands::fixtures_run", fixtures_run);
    add("commands::a_server_without_a_key_stays_on_loopback", a_server_without_a_key_stays_on_loopback);
    add("commands::completions", completions);
    add("commands::settings_are_those_of_the_manifest", settings_are_those_of_the_manifest);
}

const OPENAPI: &str = "examples/todo-service/openapi.yaml";
const PROTO: &str = "examples/todo-service/proto/todo.proto";

fn help_teaches() {
    witwire(&root(), &["--help"]).exits(0).says("Exit codes").says("witwire demo");
    for command in ["wit", "compile", "inspect", "call", "run", "oplog", "server", "demo", "completions"] {
        witwire(&root(), &[command, "--help"]).exits(0).says("Usage");
    }
}

fn inspect_as_json() {
    let report = witwire(&root(), &["inspect", PROTO, "--format", "json"]).exits(0).json();
    assert_eq!(report["package"], "demo:todo@1.0.0");
    let operations = report["operations"].as_array().expect("operations");
    assert_eq!(operations.len(), 6);
    let get = operations.iter().find(|o| o["function"] == "get-todo").expect("get-todo");
    assert_eq!(get["interface"], "todo-service");
    assert_eq!(get["source"], "demo.todo.v1.TodoService/GetTodo");
    assert_eq!(get["class"], "safe");
    assert_eq!(get["degraded"], serde_json::json!([]));
    assert_eq!(report["skipped"], serde_json::json!([]));
    let diagnostics = report["diagnostics"].as_array().expect("diagnostics");
    for key in ["severity", "code", "pointer", "message"] {
        assert!(diagnostics.iter().all(|d| d[key].is_string()), "{diagnostics:?}");
    }
}

/// What `--example` prints can be called: the same text goes through `call --dry-run`.
fn examples_are_valid_calls() {
    for (spec, function, seed) in [
        (OPENAPI, "todos.create", "1"),
        (OPENAPI, "todos.list", "2"),
        (OPENAPI, "todos.update", "3"),
        (PROTO, "todo-service.add-todo", "4"),
        (PROTO, "todo-service.list-todos", "5"),
    ] {
        let settings = ["--manifest", "auth=guest"];
        let example = |seed: &str| {
            let words = [&["inspect", spec, "-f", function, "--example", "--seed", seed], &settings[..]].concat();
            witwire(&root(), &words).exits(0).out.trim().to_owned()
        };
        let call = example(seed);
        assert_eq!(call, example(seed), "equal seeds give equal examples");
        assert_ne!(call, example("99"), "{function}");
        witwire(&root(), &[&["call", spec, &call, "--dry-run"], &settings[..]].concat()).exits(0);
    }
}

fn compile_and_inspect_the_container() {
    let dir = folder(&[]);
    let file = dir.path().join("api.ir").display().to_string();
    let report = witwire(&root(), &["compile", OPENAPI, "-o", &file, "--format", "json"]).exits(0).json();
    assert_eq!(report["operations"], 6);
    assert_eq!(report["packages"], serde_json::json!(["api:todos@1.0.0"]));
    let table = witwire(&root(), &["inspect", &file]).exits(0);
    assert_eq!(table.out, witwire(&root(), &["inspect", OPENAPI]).exits(0).out, "the container says what its source says");
    // Nothing is called without the types: WIT can be printed from the container alone.
    let wit = witwire(&root(), &["wit", &file]).exits(0).out;
    assert_eq!(wit, witwire(&root(), &["wit", OPENAPI]).exits(0).out);
}

fn dry_run_hides_credentials() {
    let dir = folder(&[("token", b"hunter2\n")]);
    let auth = format!("bearerAuth=file:{}", dir.path().join("token").display());
    let ran = witwire(&root(), &["call", OPENAPI, "todos.list({user-id: \"u\"})", "--auth", &auth, "--dry-run"])
        .exits(0)
        .says("GET /todos?userId=u")
        .says("authorization: [removed]");
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"), "{ran:?}");
}

fn a_canned_response_is_decoded() {
    let dir = folder(&[("response.txt", b"grpc-status: 5\ngrpc-message: no such todo\n")]);
    let file = dir.path().join("response.txt").display().to_string();
    let call = "todo-service.get-todo({id: \"1\"})";
    let report = witwire(&root(), &["call", PROTO, call, "--response", &file, "--format", "json"]).exits(4).json();
    assert_eq!(report["ok"], false);
    assert!(report["result"].as_str().is_some_and(|r| r.contains("not-found") && r.contains("no such todo")), "{report}");
}

/// The server gives one item, and then nothing until the client is gone.
fn a_deadline_ends_what_is_read_item_by_item() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte)?;
            head.extend(byte);
        }
        connection.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"n\":7}\n\r\n",
        )?;
        // Whether it ends or breaks, the client is gone.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
        std::io::Result::Ok(())
    });
    let spec = include_bytes!("../data/numbers.yaml");
    let dir = folder(&[("numbers.yaml", spec)]);
    let args = ["call", "numbers.yaml", "numbers.watch()", "--server", &url, "--deadline", "500"];
    let ran = witwire(dir.path(), &args).exits(4).says("ok(some({n: 7}))\n");
    ran.says("kind: timeout").says("within the deadline of 500ms");
    server.join().expect("no panic").expect("a connection");
}

fn fixtures_run() {
    let fixture = "wave-tests/fixtures/grpc/get.wave";
    witwire(&root(), &["call", PROTO, "--fixture", fixture]).exits(0).says("holds");
    let text = std::fs::read_to_string(root().join(fixture)).expect("a fixture");
    let dir = folder(&[("wrong.wave", text.replace("id: \"t1\"", "id: \"t2\"").as_bytes())]);
    let file = dir.path().join("wrong.wave").display().to_string();
    witwire(&root(), &["call", PROTO, "--fixture", &file]).exits(1).says("--- expected");
    let dir = folder(&[("typo.wave", text.replace("id: \"t1\"", "idd: \"t1\"").as_bytes())]);
    let file = dir.path().join("typo.wave").display().to_string();
    witwire(&root(), &["call", PROTO, "--fixture", &file]).exits(1).complains("has no field `idd`");
}

fn a_server_without_a_key_stays_on_loopback() {
    let dir = folder(&[]);
    witwire(dir.path(), &["server", "--listen", "0.0.0.0:0", "--store", "s.db"]).exits(2).complains("--api-key-file");
}

fn completions() {
    witwire(&root(), &["completions", "bash"]).exits(0).says("_witwire");
}

fn settings_are_those_of_the_manifest() {
    let wit = |extra: &[&str]| witwire(&root(), &[&["wit", PROTO], extra].concat());
    wit(&["--package", "my:household", "--api-version", "2.1.0"]).exits(0).says("package my:household@2.1.0;");
    wit(&["--manifest", "operations=[GetTodo]"]).exits(1).complains("GetTodo");
    wit(&["--manifest", "operations=[demo.todo.v1.TodoService/GetTodo]"]).exits(0).says("get-todo: func");
    wit(&["--manifest", "colour=red"]).exits(2).complains("colour");
}
