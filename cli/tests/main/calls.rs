//! `witwire call`: what is sent, what is refused, and what is shown.

use witwire_test_support::hostile::http1::{Http1, Step};

use crate::Add;
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("calls::settings_in_a_fixture_are_sent", settings_in_a_fixture_are_sent);
}

const OPENAPI: &str = "examples/todo-service/openapi.yaml";

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
