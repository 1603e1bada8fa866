//! Every refusal: `cases/NAME.request` is sent, `cases/NAME.expected` is what comes back. `BLESS=1` writes the latter anew.
//!
//! A request is a request line, headers, and behind an empty line the body: `part NAME: VALUE` for each part of form data, where
//! the value may be one of the files below (`@agent`), or the body itself. In it `{{x ff}}` is a byte and `{{n*2000}}` 2,000 letters.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use witwire_server::Code;
use witwire_test_support::Script;

use crate::client::{Request, Response};
use crate::document::declares;
use crate::setup::{AGENT, Platform, agent, config, grpc_ir, rest_ir, run};

/// These need a state that requests alone do not make: a wrong key, a body that stops, a worker in doubt, another process, a long
/// queue, a broken disk.
const ELSEWHERE: [&str; 10] = ["S007", "S010", "S209", "S211", "S212", "S214", "S901", "S902", "S903", "S904"];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![crate::test("errors::every_code_is_shown", every_code_is_shown)];
    for request in requests() {
        let name = request.file_stem().expect("a name").to_string_lossy().into_owned();
        trials.push(crate::test(format!("errors::{name}"), move || case(&request)));
    }
    trials
}

fn requests() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/cases");
    let files = std::fs::read_dir(folder).expect("the cases").map(|file| file.expect("a file").path());
    let mut requests: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == "request")).collect();
    requests.sort();
    requests
}

fn every_code_is_shown() {
    let requests = requests();
    assert!(requests.len() >= 30, "{} cases", requests.len());
    let shown: BTreeSet<String> = requests
        .iter()
        .filter_map(|request| std::fs::read_to_string(request.with_extension("expected")).ok())
        .filter_map(|text| Some(text.split_once("\"code\": \"")?.1[..4].to_owned()))
        .collect();
    let missing: Vec<_> =
        Code::ALL.iter().map(|c| c.as_str()).filter(|c| !ELSEWHERE.contains(c) && !shown.contains(*c)).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

/// One server for all: what is refused changes nothing.
static SERVER: LazyLock<Platform> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("server-errors");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    let server = Platform::start(config(&directory));
    prepare(&server);
    server.stop()();
    spoil(&directory);
    Platform::start(config(&directory))
});

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
    for name in ["other-settings", "no-revision"] {
        agent("POST /v1/components", &json!({ "name": name, "dependencies": dependencies })).call(server.address).ok();
    }
    let workers = [("w", "agent"), ("broken", "trap"), ("other-settings", "other-settings"), ("no-revision", "no-revision")];
    for (worker, component) in workers {
        server.post("/v1/workers", &json!({ "name": worker, "component": component }));
    }
    server.post("/v1/workers/w/invoke", &run("ada", "used"));
    let trapped = server.post("/v1/workers/broken/invoke", &json!({ "function": "run", "key": "k" }));
    assert_eq!(trapped["outcome"], json!("trapped"));
}

/// Makes components such that they cannot be loaded any more.
fn spoil(directory: &Path) {
    let registry = rusqlite::Connection::open(directory.join("store.db.registry")).expect("the registry");
    let spoilt = r#"
        UPDATE dependencies SET settings = json_set(settings, '$.credentials', json('{ "none": { "env": "NONE" } }'))
            WHERE component = 'other-settings';
        DELETE FROM dependencies WHERE component = 'no-revision';
        DELETE FROM revisions WHERE component = 'no-revision';
    "#;
    registry.execute_batch(spoilt).expect("written");
}

fn case(file: &Path) {
    let text = std::fs::read_to_string(file).expect("a request");
    let response = read(&text).call(SERVER.address);
    check(&response);
    declares(text.lines().next().unwrap_or_default(), &response);
    let mut shown = format!("{}\n", response.status);
    for header in ["content-type", "allow"] {
        if let Some(value) = response.header(header) {
            let _ = writeln!(shown, "{header}: {value}");
        }
    }
    let _ = writeln!(shown, "\n{:#}", response.json());
    let golden = file.with_extension("expected");
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(golden, shown).expect("written");
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert_eq!(shown, expected, "BLESS=1 writes {} anew", golden.display());
}

/// Reads a request file.
fn read(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut request = Request::new(lines.next().expect("a request line"));
    let mut media_type = String::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        if name == "content-type" {
            value.clone_into(&mut media_type);
        }
        request = request.header(name, value);
    }
    let part = |line: &str| {
        let (name, value) = line.strip_prefix("part ")?.split_once(": ")?;
        Some((name.to_owned(), named(value)))
    };
    let parts: Vec<(String, Vec<u8>)> = body.lines().filter_map(part).collect();
    if !parts.is_empty() {
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        return request.parts(&parts);
    }
    let body = expand(body.strip_suffix('\n').unwrap_or(body));
    if media_type.is_empty() { request } else { request.body(&media_type, body) }
}

fn named(value: &str) -> Vec<u8> {
    match value {
        "@agent" => AGENT.to_vec(),
        "@grpc-ir" => grpc_ir(),
        "@rest-ir" => rest_ir(),
        "@rest-ir-cut" => rest_ir()[..100].to_vec(),
        "@core-module" => b"\0asm\x01\0\0\0".to_vec(),
        text => text.as_bytes().to_vec(),
    }
}

/// Puts bytes and repetitions in the places of `{{…}}`.
fn expand(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inside, after) = behind.split_once("}}").expect("a closing `}}`");
        bytes.extend_from_slice(before.as_bytes());
        match (inside.strip_prefix("x "), inside.split_once('*')) {
            (Some(hex), _) => bytes.push(u8::from_str_radix(hex, 16).expect("two hexadecimal digits")),
            (_, Some((text, count))) => bytes.extend(text.repeat(count.parse().expect("a count")).bytes()),
            _ => panic!("`{inside}` is nothing that is known here"),
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// What holds for every refusal.
fn check(response: &Response) {
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{response:?}");
    let body: Value = response.json();
    // The caller's mistakes, and one that is none.
    assert!((400..500).contains(&response.status) || body["code"] == "S905", "{response:?}");
    assert_eq!(body["status"], json!(response.status));
    assert_eq!(body["type"], json!("about:blank"));
    assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    let code = Code::ALL.iter().find(|c| body["code"] == c.as_str()).expect("a known code");
    assert_eq!(code.status().as_u16(), response.status);
    assert!(!response.body.contains("hunter2"), "{body}");
    assert_eq!(response.header("allow").is_some(), response.status == 405, "{response:?}");
}
