//! Every refusal in one file: `errors.txt` beside this one. `BLESS=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use witwire_server::Code;
use witwire_test_support::Script;

use crate::client::{Request, Response};
use crate::setup::{AGENT, Platform, agent, config, grpc_ir, rest_ir, run};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/errors/errors.txt");

#[test]
fn refusals_are_as_written_down() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Platform::start(config(directory.path()));
    prepare(&server);
    let mut text = String::new();
    let mut seen = Vec::new();
    for (title, request) in requests() {
        let response = request.call(server.address);
        check(title, &response);
        seen.push(response.json()["code"].as_str().map(str::to_owned).expect("a code"));
        let allow = response.header("allow").map(|a| format!("allow: {a}\n")).unwrap_or_default();
        let body = response.json();
        let (code, detail) = (body["code"].as_str().unwrap_or_default(), body["detail"].as_str().unwrap_or_default());
        let _ = writeln!(text, "# {title}\n{} {code}\n{allow}{detail}\n", response.status);
    }
    server.stop()();
    compare(&text);
    // These need a state that requests alone do not make: a wrong key, a worker in doubt, another process, a broken disk.
    let elsewhere = ["S007", "S114", "S209", "S211", "S212", "S901", "S902", "S903", "S904"];
    let missing: Vec<_> =
        Code::ALL.iter().map(|c| c.as_str()).filter(|c| !elsewhere.contains(c) && !seen.iter().any(|s| s == c)).collect();
    assert!(missing.is_empty(), "no request shows {missing:?}");
}

/// A component and workers to fail at.
fn prepare(server: &Platform) {
    let dependencies = json!([{ "server": "http://127.0.0.1:9" }, { "server": "http://127.0.0.1:9" }]);
    agent("POST /v1/components", &json!({ "name": "agent", "dependencies": dependencies })).call(server.address).ok();
    let trap = Script::new::<String>([]).trap().build().expect("a component");
    let metadata = json!({ "name": "trap" }).to_string();
    Request::new("POST /v1/components")
        .parts(&[("metadata", metadata.as_bytes()), ("component", &trap)])
        .call(server.address)
        .ok();
    for (worker, component) in [("w", "agent"), ("broken", "trap")] {
        server.post("/v1/workers", &json!({ "name": worker, "component": component }));
    }
    let invoke = |worker: &str, body: &Value| server.post(&format!("/v1/workers/{worker}/invoke"), body);
    let trapped = invoke("broken", &json!({ "function": "run", "key": "k" }));
    assert_eq!(trapped["outcome"], json!("trapped"));
    // Nobody listens: the component gets an error, and returns it.
    assert_eq!(invoke("w", &run("ada", "used"))["outcome"], json!("returned"));
}

fn requests() -> Vec<(&'static str, Request)> {
    let two = || json!([{}, {}]);
    let create = |metadata: Value| agent("POST /v1/components", &metadata);
    let parts = |parts: &[(&str, &[u8])]| Request::new("POST /v1/components").parts(parts);
    let metadata = |dependencies: Value| json!({ "name": "new", "dependencies": dependencies });
    let worker = |body: Value| Request::new("POST /v1/workers").json(&body);
    let invoke = |body: Value| Request::new("POST /v1/workers/w/invoke").json(&body);
    let raw = |media_type: &str, body: &str| Request::new("POST /v1/workers").body(media_type, body);
    let plain = metadata(json!([])).to_string();
    let plain = plain.as_bytes();
    vec![
        ("no such path", Request::new("GET /v2/workers")),
        ("no such path below a worker", Request::new("GET /v1/workers/w/logs")),
        ("another method", Request::new("PATCH /v1/workers/w")),
        ("another method than invoke takes", Request::new("GET /v1/workers/w/invoke")),
        ("from a web page", Request::new("GET /v1/workers").header("origin", "http://example.com")),
        ("for another host", Request::new("GET /v1/workers").header("host", "example.com")),
        ("a path that is not UTF-8", Request::new("GET /v1/workers/%ff")),
        ("a query parameter that does not exist", Request::new("GET /v1/workers/w/oplog?since=1")),
        ("a query parameter of another type", Request::new("GET /v1/workers/w/oplog?from=-1")),
        ("a revision that is no number", Request::new("GET /v1/components/agent?revision=new")),
        ("revision 0", Request::new("GET /v1/components/agent?revision=0")),
        ("JSON without its media type", raw("text/plain", "{}")),
        ("not JSON", raw("application/json", "{\"name\": ")),
        ("an empty body", raw("application/json", "")),
        ("JSON of another form", raw("application/json", "[1, 2]")),
        ("JSON that is not UTF-8 text", Request::new("POST /v1/workers").body("application/json", *b"\"\xff\"")),
        ("deeply nested JSON", raw("application/json", &format!("{{\"name\": {}", "[".repeat(1000)))),
        ("a field too many", worker(json!({ "name": "n", "component": "agent", "colour": "red" }))),
        ("a field too few", worker(json!({ "name": "n" }))),
        ("a body too large", worker(json!({ "name": "n".repeat(2000), "component": "agent" }))),
        ("JSON where form data belongs", Request::new("POST /v1/components").json(&json!({}))),
        (
            "form data without its end",
            Request::new("POST /v1/components").body("multipart/form-data; boundary=line", "--line\r\n"),
        ),
        ("form data that has nothing", parts(&[])),
        ("no component", parts(&[("metadata", plain)])),
        ("two components", parts(&[("metadata", plain), ("component", AGENT), ("component", AGENT)])),
        ("a part that nobody knows", parts(&[("metadata", plain), ("readme", b"hello")])),
        ("metadata that is not JSON", parts(&[("metadata", b"name: new"), ("component", AGENT)])),
        ("metadata with an unknown field", create(json!({ "name": "new", "dependencies": two(), "owner": "me" }))),
        ("metadata with an unknown setting", create(metadata(json!([{ "url": "http://127.0.0.1" }, {}])))),
        ("a secret instead of a reference", create(metadata(json!([{}, { "credentials": { "bearerAuth": "hunter2" } }])))),
        ("a secret instead of references", create(metadata(json!([{}, { "credentials": "hunter2" }])))),
        ("a secret under another key", create(metadata(json!([{}, { "credentials": { "b": { "is": "hunter2" } } }])))),
        ("a path with a component's name with a space", Request::new("GET /v1/components/my%20agent")),
        (
            "settings that contradict each other",
            create(metadata(json!([{}, { "server": "http://a", "endpoints": ["http://b"] }]))),
        ),
        ("a component's name with a space", create(json!({ "name": "my agent", "dependencies": two() }))),
        ("a component that exists", create(json!({ "name": "agent", "dependencies": two() }))),
        ("not an IR container", parts(&[("metadata", plain), ("component", AGENT), ("ir", b"openapi: 3.1.0")])),
        ("an IR container cut short", parts(&[("metadata", plain), ("component", AGENT), ("ir", &rest_ir()[..100])])),
        ("fewer dependencies than containers", create(metadata(json!([{}])))),
        ("containers in the wrong order", create(metadata(json!([{ "package": "api:todos" }, {}])))),
        ("not a component", parts(&[("metadata", plain), ("component", b"hello")])),
        ("a core module", parts(&[("metadata", plain), ("component", b"\0asm\x01\0\0\0")])),
        ("imports without dependencies", parts(&[("metadata", plain), ("component", AGENT)])),
        ("half of the dependencies", {
            let metadata = metadata(json!([{}])).to_string();
            parts(&[("metadata", metadata.as_bytes()), ("component", AGENT), ("ir", &grpc_ir())])
        }),
        ("no server", create(metadata(two()))),
        ("a server that is no URL", create(metadata(json!([{ "server": "todo" }, {}])))),
        ("a server with a password", create(metadata(json!([{ "server": "http://me:hunter2@127.0.0.1" }, {}])))),
        (
            "a credential that the operator has not named",
            create(metadata(json!([{}, { "credentials": { "bearerAuth": { "env": "HOME" } } }]))),
        ),
        ("a credential for a scheme that the API does not have", {
            let credentials = json!({ "bearerauth": { "env": "NEVER_READ" } });
            create(metadata(json!([{}, { "server": "http://127.0.0.1:9", "credentials": credentials }])))
        }),
        ("an update of nothing", agent("PUT /v1/components/new", &json!({ "revision": 1, "dependencies": two() }))),
        ("a stale revision", agent("PUT /v1/components/agent", &json!({ "revision": 7, "dependencies": two() }))),
        ("an update without a revision", agent("PUT /v1/components/agent", &json!({ "dependencies": two() }))),
        ("a component that does not exist", Request::new("GET /v1/components/nothing")),
        ("a worker's name with a slash", worker(json!({ "name": "a/b", "component": "agent" }))),
        ("a worker that exists", worker(json!({ "name": "w", "component": "agent" }))),
        ("a worker of no component", worker(json!({ "name": "n", "component": "nothing" }))),
        ("a worker of no revision", worker(json!({ "name": "n", "component": "agent", "revision": 9 }))),
        ("a worker that does not exist", Request::new("GET /v1/workers/nobody")),
        ("the oplog of a worker that does not exist", Request::new("GET /v1/workers/nobody/oplog")),
        ("the end of a worker that does not exist", Request::new("DELETE /v1/workers/nobody")),
        ("an invocation of nobody", Request::new("POST /v1/workers/nobody/invoke").json(&run("ada", "k"))),
        ("a key with a space", invoke(run("ada", "my key"))),
        ("a function's name with arguments", invoke(json!({ "function": "run(1)", "key": "k" }))),
        ("a function's name that is none", invoke(json!({ "function": "a b", "key": "k" }))),
        ("a function that is not exported", invoke(json!({ "function": "walk", "key": "k" }))),
        ("too few arguments", invoke(json!({ "function": "run", "key": "k" }))),
        ("an argument of another type", invoke(json!({ "function": "run", "arguments": ["7"], "key": "k" }))),
        ("an argument that is not WAVE", invoke(json!({ "function": "run", "arguments": ["\"ada"], "key": "k" }))),
        ("a key for something else", invoke(run("bob", "used"))),
        (
            "an invocation of a worker that trapped",
            Request::new("POST /v1/workers/broken/invoke").json(&json!({ "function": "run", "key": "k2" })),
        ),
        ("resuming a worker that trapped", Request::new("POST /v1/workers/broken/resume").json(&json!({}))),
        ("a decision that is none", Request::new("POST /v1/workers/w/resume").json(&json!({ "decision": "maybe" }))),
    ]
}

/// What holds for every refusal.
fn check(title: &str, response: &Response) {
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{title}: {response:?}");
    assert!((400..500).contains(&response.status), "{title}: {response:?}");
    let body = response.json();
    assert_eq!(body["status"], json!(response.status), "{title}");
    assert_eq!(body["type"], json!("about:blank"), "{title}");
    assert!(body["title"].is_string() && body["detail"].is_string(), "{title}: {body}");
    let code = Code::ALL.iter().find(|c| body["code"] == c.as_str()).expect("a known code");
    assert_eq!(code.status().as_u16(), response.status, "{title}");
    assert!(!response.body.contains("hunter2"), "{title}: {body}");
    assert_eq!(response.header("allow").is_some(), response.status == 405, "{title}: {response:?}");
}

fn compare(text: &str) {
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(GOLDEN, text).expect("written");
    }
    let expected = std::fs::read_to_string(Path::new(GOLDEN)).unwrap_or_default();
    for (got, expected) in text.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(got, expected, "BLESS=1 writes {GOLDEN} anew");
    }
    assert_eq!(text, expected, "BLESS=1 writes {GOLDEN} anew");
}
