//! Bad input: a clear error, the right exit code, nothing lost.

use std::path::Path;

use crate::Add;
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("bad_input::specifications", specifications);
    add("bad_input::all_mistakes_at_once", all_mistakes_at_once);
    add("bad_input::containers", containers);
    add("bad_input::calls", calls);
    add("bad_input::components", components);
    add("bad_input::secrets_in_urls", secrets_in_urls);
    add("bad_input::a_server_that_is_down", a_server_that_is_down);
    add("bad_input::a_response_that_breaks_the_contract", a_response_that_breaks_the_contract);
    add("bad_input::an_output_is_not_touched_by_a_failure", an_output_is_not_touched_by_a_failure);
}

const OPENAPI: &str = "examples/todo-service/openapi.yaml";
const GET: &str = r#"todos.get("00000000-0000-4000-8000-000000000001", {token: "t"})"#;

fn specifications() {
    let dir = folder(&[
        ("broken.yaml", b"a: [1\n"),
        ("other.yaml", b"hello: world\n"),
        ("swagger.yaml", b"swagger: '2.0'\ninfo: {title: t, version: '1'}\npaths: {}\n"),
        ("bad.proto", b"syntax = \"proto3\"; message M { int32 a = ; }\n"),
    ]);
    let at = dir.path();
    witwire(at, &["wit", "missing.yaml"]).exits(3).complains("missing.yaml");
    witwire(at, &["wit", "broken.yaml"]).exits(1).complains("error[O001]: broken.yaml:1:");
    witwire(at, &["wit", "other.yaml"]).exits(1).complains("error[O002]: other.yaml");
    witwire(at, &["wit", "swagger.yaml"]).exits(1).complains("error[O003]").complains("swagger2openapi");
    witwire(at, &["wit", "bad.proto"]).exits(1).complains("error[P001]: bad.proto:1:");
    witwire(at, &["wit", "bad.proto", "other.yaml"]).exits(2).complains("different kinds");
    witwire(at, &["wit"]).exits(2).complains("SPEC");
}

/// One run tells of every mistake, each with its line.
fn all_mistakes_at_once() {
    let document = "openapi: 3.1.0
info: {title: t, version: 1.0.0}
paths:
  /a:
    get: {operationId: a, responses: {'200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Nope'}}}}}}
  /b:
    get: {operationId: b, responses: {'200': {description: d, content: {application/json: {schema: {$ref: '#/nowhere'}}}}}}
";
    let dir = folder(&[("api.yaml", document.as_bytes())]);
    witwire(dir.path(), &["wit", "api.yaml", "--strict"])
        .exits(1)
        .complains("api.yaml:5:")
        .complains("api.yaml:7:")
        .complains("#/components/schemas/Nope");
}

fn containers() {
    let dir = folder(&[("text.ir", b"nonsense")]);
    let at = dir.path();
    let name = at.join("api.ir").display().to_string();
    witwire(&root(), &["compile", OPENAPI, "--manifest", "auth=guest", "-o", &name]).exits(0);
    let good = std::fs::read(&name).expect("a container");
    let damaged = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        std::fs::write(at.join(file), bytes).expect("a file");
    };
    // The format's number follows the magic of eight bytes.
    damaged("newer.ir", &|b| b[8] = 99);
    damaged("cut.ir", &|b| b.truncate(b.len() / 2));
    damaged("flipped.ir", &|b| {
        let last = b.len() - 1;
        b[last] ^= 1;
    });
    witwire(at, &["inspect", "text.ir"]).exits(1).complains("not a witwire IR file");
    witwire(at, &["inspect", "newer.ir"]).exits(1).complains("newer witwire: format 99");
    witwire(at, &["inspect", "cut.ir"]).exits(1).complains("cut.ir");
    witwire(at, &["inspect", "flipped.ir"]).exits(1).complains("checksum");
}

fn calls() {
    let call = |text: &str| witwire(&root(), &["call", OPENAPI, text, "--manifest", "auth=guest", "--dry-run"]).exits(1);
    call("todos.list({auth: {token: \"t\"}, user-id: 3})").complains("expected `string`, found a number");
    call("todos.list({auth: {token: \"t\"}, user-id: \"u\", limitt: 3})").complains("did you mean `limit`?");
    call("todos.list({auth: {token: \"t\"}})").complains("user-id: string");
    call("todos.lst({})").complains("did you mean `todos.list`?");
    call("todos.list({").complains("column");
    witwire(&root(), &["call", OPENAPI, GET, "--manifest", "auth=guest", "--auth", "bearerAuth=hunter2"])
        .exits(2)
        .complains("bearerAuth");
}

fn components() {
    let dir = folder(&[("text.wasm", b"nonsense")]);
    let at = dir.path();
    let api = at.join("api.ir").display().to_string();
    let agent = root().join("examples/todo-agent/todo-agent.wasm").display().to_string();
    witwire(&root(), &["compile", OPENAPI, "--manifest", "auth=guest", "-o", &api]).exits(0);
    let run = |component: &str, call: &str| {
        witwire(at, &["run", component, "--api", &api, "--server", "http://127.0.0.1:9", "--invoke", call])
    };
    run("missing.wasm", "run()").exits(3).complains("missing.wasm");
    run("text.wasm", "run()").exits(1).complains("not a WebAssembly component");
    run(&agent, "run").exits(2).complains("parentheses");
    // No API for one import, and an API that was compiled otherwise for the other: all told, by name.
    run(&agent, "run(\"x\")")
        .exits(1)
        .complains("no API for the import `demo:todo/todo-service@1.0.0`")
        .complains("`api:todos/todos@1.0.0#list`: parameter `request`")
        .complains("witwire wit");
}

fn a_server_that_is_down() {
    witwire(&root(), &["call", OPENAPI, GET, "--manifest", "auth=guest", "--server", &closed_port()])
        .exits(4)
        .says("err({kind: unavailable")
        .says("127.0.0.1");
}

/// What stands before an `@`, or in a query, may be a secret: it is refused, and not repeated.
fn secrets_in_urls() {
    let dir = folder(&[]);
    let proto = "examples/todo-service/proto/todo.proto";
    let api = dir.path().join("api.ir").display().to_string();
    witwire(&root(), &["compile", proto, "-o", &api]).exits(0);
    for url in ["http://me:hunter2@127.0.0.1:9", "ftp://me:hunter2@127.0.0.1", "http://127.0.0.1:9/?token=hunter2"] {
        let get = "todo-service.get-todo({id: \"1\"})";
        let package = format!("demo:todo={url}");
        for words in [
            &["wit", "--reflection", url] as &[&str],
            &["call", proto, get, "--server", url],
            &["wit", proto, "--allow-remote", url],
            &["run", "a.wasm", "--api", &api, "--invoke", "run()", "--server", &package],
            &["worker", "list", "--server", url],
        ] {
            let ran = witwire(&root(), words).exits(2);
            assert!(!ran.err.contains("hunter2") && !ran.out.contains("hunter2"), "{ran:?}");
        }
    }
}

/// A URL on which nobody listens.
fn closed_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

fn a_response_that_breaks_the_contract() {
    let dir = folder(&[("response.txt", b"200 OK\ncontent-type: application/json\n\n{\"data\": {\"id\": 3}}\n")]);
    let file = dir.path().join("response.txt").display().to_string();
    witwire(&root(), &["call", OPENAPI, GET, "--manifest", "auth=guest", "--response", &file])
        .exits(4)
        .says("invalid-response")
        .says("data.id");
}

/// What was written before is still there when a later run is refused.
fn an_output_is_not_touched_by_a_failure() {
    let dir = folder(&[("bad.yaml", b"hello: world\n"), ("api.ir", b"precious")]);
    witwire(dir.path(), &["compile", "bad.yaml", "-o", "api.ir"]).exits(1);
    let kept = std::fs::read(dir.path().join(Path::new("api.ir"))).expect("the file");
    assert_eq!(kept, b"precious");
}
