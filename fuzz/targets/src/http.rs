//! HTTP: any values out, any answers in.

mod texts;

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Uri};
use witwire_frontends::{Bodies, Options};
use witwire_interpreter::{HttpRequest, HttpResponse, Plan, Request, Response};
use witwire_ir::{AuthMode, Id, OperationId, Value};

use crate::compile::{self, REST};
use crate::source::Source;
use crate::use_all;

/// As a guest has it who passes the key himself.
static FLAT: LazyLock<Plan> =
    LazyLock::new(|| compile::plan(compile::document(REST, &Options { auth: Some(AuthMode::Guest), ..Options::default() })));

/// A body is one argument, and nothing else is, so that a result can be sent as it came.
static WHOLE: LazyLock<Plan> = LazyLock::new(|| {
    let options = Options { auth: Some(AuthMode::Host), bodies: Bodies::Whole, ..Options::default() };
    compile::plan(compile::document(REST, &options))
});

fn chosen(plan: &Plan, source: &mut Source<'_>) -> OperationId {
    OperationId::new(usize::from(source.byte()) % plan.api().operations.len())
}

/// What is sent is HTTP, says what the guest said, and can be read.
pub(crate) fn requests(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let plan = if source.byte() & 1 == 0 { &*FLAT } else { &*WHOLE };
    let operation = chosen(plan, &mut source);
    let args = source.arguments(plan.api(), &plan.api().operations[operation]);
    let violations = plan.check(operation, &args);
    let _ = plan.redact(operation, &args);
    let Ok(request) = plan.request(operation, &args) else { return };
    let Request::Http(request) = request else { panic!("an HTTP operation sends an HTTP request") };
    is_http(&request);
    texts::said(plan.api(), operation, &args, &request);
    if violations.is_empty() {
        read_back(plan, operation, &args, &request);
    }
}

fn is_http(request: &HttpRequest) {
    let HttpRequest { target, headers, body, .. } = request;
    assert!(target.starts_with('/') && target.is_ascii(), "a target: {target}");
    let uri: Uri = format!("https://echo.test{target}").parse().unwrap_or_else(|e| panic!("{e}: {target}"));
    assert_eq!(uri.host(), Some("echo.test"), "a target says nothing of the server: {target}");
    for (name, value) in headers {
        assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "a header's name: {name:?}");
        assert!(HeaderValue::from_bytes(value.as_bytes()).is_ok(), "a header's value: {value:?}");
    }
    let json = headers.iter().any(|(name, value)| name == "content-type" && value.ends_with("json"));
    if let Some(body) = body.as_ref().filter(|_| json)
        && let Err(error) = serde_json::from_slice::<serde_json::Value>(body)
    {
        panic!("a body is JSON: {error}: {}", String::from_utf8_lossy(body));
    }
}

/// Whether an operation of [`WHOLE`] gives back what it is given.
fn echoes(plan: &Plan, operation: OperationId) -> bool {
    std::ptr::eq(plan, &raw const *WHOLE)
        && ["json", "merge", "tree", "union", "upload", "note"].contains(&plan.api().operations[operation].name.as_str())
}

/// The answer of a server that gives back the body.
fn answer(plan: &Plan, operation: OperationId, args: &[Value], request: &HttpRequest) -> Value {
    let content_type = match plan.api().operations[operation].name.as_str() {
        "upload" => "application/octet-stream",
        "note" => "text/plain; charset=utf-8",
        _ => "application/json",
    };
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    let body = request.body.clone().unwrap_or_default();
    plan.response(operation, args, &Response::Http(HttpResponse { status: 200, headers, body }))
}

/// What keeps the document's rules can be read when it comes back, and is sent as it was sent before.
fn read_back(plan: &Plan, operation: OperationId, args: &[Value], request: &HttpRequest) {
    if !echoes(plan, operation) {
        return;
    }
    let read = match answer(plan, operation, args, request) {
        Value::Result(Ok(Some(value))) => *value,
        other => panic!("what is sent cannot be read: {other:?}\n{:?}", request.body),
    };
    let again = plan.request(operation, std::slice::from_ref(&read));
    let Ok(Request::Http(again)) = again else { panic!("what was read can be sent: {again:?}\n{read:?}") };
    let json = |request: &HttpRequest| {
        let body = request.body.clone().unwrap_or_default();
        // A text's byte order mark says how it is encoded and is no part of it.
        let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body).to_vec();
        serde_json::from_slice(&body).map(as_read).map_err(|_| text)
    };
    assert_eq!(json(&again), json(request), "what was read and is sent again is the same");
}

/// Optional members that may be null, which is read as absent. What is in maps is data.
const NULLABLE: [&str; 4] = ["free", "number", "object", "scalar"];

/// JSON as it is read: without optional members that are null, and with one zero.
fn as_read(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(key, value)| !(value.is_null() && NULLABLE.contains(&&**key)));
            Value::Object(kept.map(|(key, value)| (key, as_read(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(as_read).collect()),
        Value::Number(number) if number.as_f64() == Some(0.0) => 0.into(),
        other => other,
    }
}

const STATUSES: [u16; 8] = [200, 201, 204, 302, 400, 404, 429, 500];
const MEDIA_TYPES: [&str; 8] = [
    "application/json",
    "text/plain",
    "application/octet-stream",
    "application/problem+json",
    "",
    "text/plain; charset=latin1",
    "text/event-stream",
    "application/x-ndjson",
];

/// Whatever a server answers, the result is one of its type; what is read can be sent and is read again as it was.
pub(crate) fn responses(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let plan = if source.byte() & 1 == 0 { &*FLAT } else { &*WHOLE };
    let operation = chosen(plan, &mut source);
    let status = STATUSES[usize::from(source.byte()) % STATUSES.len()];
    let media_type = MEDIA_TYPES[usize::from(source.byte()) % MEDIA_TYPES.len()];
    let rest = source.rest();
    // What stands before the first empty line are headers.
    let (head, body) = match rest.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (&rest[..0], rest),
    };
    let mut headers: Vec<(String, String)> = String::from_utf8_lossy(head)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.push(("content-type".to_owned(), media_type.to_owned()));
    let body = body.to_vec().into();

    let api = plan.api();
    let args =
        witwire_ir::sample::sample_arguments(api, &api.operations[operation], &mut witwire_ir::sample::SplitMix64::new(0));
    let response = Response::Http(HttpResponse { status, headers, body });
    use_all::answered(plan, operation, &args, &response);
    if !echoes(plan, operation) || status != 200 {
        return;
    }
    let Value::Result(Ok(Some(value))) = plan.response(operation, &args, &response) else { return };
    let args = [*value];
    // A server may break its own rules; then a guest may not.
    if !plan.check(operation, &args).is_empty() {
        return;
    }
    let request = plan.request(operation, &args);
    let Ok(Request::Http(request)) = request else { panic!("what was read can be sent: {request:?}\n{args:?}") };
    let [value] = args;
    let again = answer(plan, operation, std::slice::from_ref(&value), &request);
    assert_eq!(again, Value::ok(Some(value)), "what was read and is sent again is the same: {:?}", request.body);
}
