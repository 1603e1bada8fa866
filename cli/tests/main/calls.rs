//! `witwire call`: what is sent, what is refused, and what is shown.

use witwire_test_support::hostile::http1::{Http1, Step};

use crate::Add;
use crate::tool::{Ran, folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("calls::a_stream_of_requests_is_refused", a_stream_of_requests_is_refused);
    add("calls::a_canned_stream_is_shown_item_by_item", a_canned_stream_is_shown_item_by_item);
    add("calls::settings_in_a_fixture_are_sent", settings_in_a_fixture_are_sent);
}

const OPENAPI: &str = "examples/todo-service/openapi.yaml";
const TODO: &str = "examples/todo-service/proto/todo.proto";
const TALLY: &str = "cli/tests/data/tally.proto";

fn a_stream_of_requests_is_refused() {
    // No connection is made: there is nobody.
    let server = ["--server", "http://127.0.0.1:1"];
    for (method, kind) in [("sum", "client-streaming"), ("mirror", "bidirectional")] {
        let call = format!("tally-service.{method}()");
        for how in [&server[..], &["--dry-run"]] {
            let ran = witwire(&root(), &[&["call", TALLY, &call], how].concat()).exits(2);
            ran.complains(kind).complains("call it from a component").complains("witwire run");
        }
        let dir = folder(&[("call.wave", format!("call: {call}\n").as_bytes())]);
        let fixture = dir.path().join("call.wave").display().to_string();
        witwire(&root(), &[&["call", TALLY, "--fixture", &fixture], &server[..]].concat()).exits(2).complains(kind);
    }
}

fn canned(spec: &str, call: &str, response: &str) -> Ran {
    let dir = folder(&[("response.txt", response.as_bytes())]);
    let file = dir.path().join("response.txt").display().to_string();
    witwire(&root(), &["call", spec, call, "--response", &file])
}

fn a_canned_stream_is_shown_item_by_item() {
    let watch = r#"todo-service.watch-todos({id: ""})"#;
    // Of fields 1 and 4.
    canned(TODO, watch, "grpc-status: 0\n\n0807 22027431\n")
        .exits(0)
        .is("ok(some({sequence: 7, change: some(removed(\"t1\"))}))\n");
    canned(TODO, watch, "grpc-status: 14\n").exits(4).says("err({kind: unavailable");
    canned(TODO, watch, "grpc-status: 0\n\n08\n").exits(4).says("err({kind: invalid-response");
    let duplex = "tally-service.mirror()";
    canned(TALLY, duplex, "grpc-status: 0\n\n0801\n").exits(0).is("ok(some({value: 1}))\n");
    // Only the client streams: there is one response, which `finish` gives.
    let sink = "tally-service.sum()";
    canned(TALLY, sink, "grpc-status: 0\n\n0807\n").exits(0).is("ok({sum: 7})\n");
    canned(TALLY, sink, "grpc-status: 5\n").exits(4).says("err({kind: not-found");
}

fn settings_in_a_fixture_are_sent() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let answer = || vec![Step::write("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")];
    let server = runtime.block_on(Http1::start(answer())).expect("a port");
    let call = "call: todos.create({auth: {token: \"t\"}, user-id: \"ada\", title: \"Bake\"}, some({headers: [], compression: some(gzip)}))\n";
    let dir = folder(&[("create.wave", call.as_bytes())]);
    let fixture = dir.path().join("create.wave").display().to_string();
    let manifest = ["--manifest", "auth=guest", "--manifest", "calls=explicit"];
    let url = server.server.url();
    let words = [&["call", OPENAPI, "--fixture", &fixture, "--server", &url], &manifest[..]].concat();
    // It says nothing of the request and the result, so that they differ.
    witwire(&root(), &words).exits(1).says("POST /todos");
    let requests = server.requests();
    assert!(requests.len() == 1 && requests[0].contains("content-encoding: gzip\r\n"), "{requests:?}");
    // They stand in the fixture, and nowhere else.
    for option in [["--deadline", "5"], ["--metadata", "a=b"], ["--compression", "gzip"], ["--idempotency-key", "k"]] {
        witwire(&root(), &[&words[..], &option].concat()).exits(2).complains("cannot be used with").complains(option[0]);
    }
    assert_eq!(server.requests().len(), 1);
}
