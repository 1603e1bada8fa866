//! The API's own document: committed, compiled by our compiler, called by our guest, shown in the book.

mod page;
mod schemathesis;

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use witwire_frontends::{MemoryFiles, Options, openapi};
use witwire_ir::container::{self, Bundle};
use witwire_ir::print_package;
use witwire_test_support::proxy_guest;

use crate::client::{Request, Response};
use crate::setup::{Platform, config};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::test("document::is_committed", is_committed),
        crate::test("document::is_served", is_served),
        crate::test("document::the_book_shows_it", the_book_shows_it),
        crate::test("document::our_compiler_takes_all_of_it", our_compiler_takes_all_of_it),
        crate::test("document::a_guest_calls_the_server", a_guest_calls_the_server),
        crate::test("document::schemathesis_finds_nothing", schemathesis::finds_nothing),
    ]
}

/// Checks that the document has the code among those with which the operation of a request line refuses.
pub(crate) fn declares(line: &str, refused: &Response) {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    let path: Vec<_> = target.split('?').next().unwrap_or_default().split('/').collect();
    let is_it = |template: &str| {
        let template: Vec<_> = template.split('/').collect();
        let same = |(t, p): (&&str, &&str)| t.starts_with('{') || t == p;
        template.len() == path.len() && template.iter().zip(&path).all(same)
    };
    let document = witwire_server::openapi();
    let paths = document["paths"].as_object().expect("paths");
    let item = paths.iter().find(|(template, _)| is_it(template)).map(|(_, item)| &item[method.to_lowercase()]);
    let code = refused.json()["code"].as_str().expect("a code").to_owned();
    let Some(operation) = item.filter(|operation| operation.is_object()) else {
        return assert!(["S005", "S006", "S008"].contains(&&*code), "{line}: {code} of no operation");
    };
    let described = operation["responses"][refused.status.to_string()]["description"].as_str().unwrap_or_default();
    assert!(described.contains(&format!("{code}: ")), "{line}: {} {code} is not declared", refused.status);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden(file: &str, text: &str) {
    let path = root().join(file);
    if std::env::var_os("BLESS").is_some() {
        return std::fs::write(path, text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "`{file}` is not what the types say; BLESS=1 writes it anew");
}

fn is_committed() {
    golden("docs/openapi.json", &format!("{:#}\n", witwire_server::openapi()));
}

fn the_book_shows_it() {
    golden("docs/src/rest.md", &page::page(&witwire_server::openapi()));
}

fn is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let server = Platform::start(config(directory.path()));
    let served = Request::new("GET /v1/openapi.json").call(server.address);
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.ok(), witwire_server::openapi());
    server.stop()();
}

fn compiled() -> witwire_frontends::Compiled {
    let files = MemoryFiles::new().with("openapi.json", witwire_server::openapi().to_string());
    let options: Options = serde_json::from_str(r#"{ "auth": "host" }"#).expect("options");
    openapi::compile(Path::new("openapi.json"), &files, &options)
}

fn our_compiler_takes_all_of_it() {
    let compiled = compiled();
    assert!(compiled.skipped.is_empty(), "{:?}", compiled.skipped);
    let diagnostics: Vec<_> = compiled.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
    assert_eq!(diagnostics, Vec::<String>::new());
    golden("server/tests/document/api.wit", &print_package(&compiled.apis[0]));
}

/// A worker of one server does with workers of another whatever the API can do with them.
fn a_guest_calls_the_server() {
    let (here, there) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let called = Platform::start(config(there.path()));
    let core = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;
    let wasm = witwire_test_support::wat_guest("package a:b; world w { export run: func() -> u32; }", "w", core);
    let metadata = json!({ "name": "seven" }).to_string();
    let parts = [("metadata", metadata.as_bytes()), ("component", &wasm.expect("a component"))];
    Request::new("POST /v1/components").parts(&parts).call(called.address).ok();

    let calling = Platform::start(config(here.path()));
    let apis = compiled().apis;
    let proxy = proxy_guest(&print_package(&apis[0]), "workers").expect("a component");
    let ir = container::write(&Bundle { apis });
    let dependencies = json!([{ "server": format!("http://{}", called.address) }]);
    let metadata = json!({ "name": "proxy", "dependencies": dependencies }).to_string();
    let parts = [("metadata", metadata.as_bytes()), ("component", &*proxy), ("ir", &*ir)];
    Request::new("POST /v1/components").parts(&parts).call(calling.address).ok();
    calling.post("/v1/workers", &json!({ "name": "p", "component": "proxy" }));

    let mut number = 0;
    let mut call = |function: &str, arguments: Value| {
        number += 1;
        let function = format!("api:witwire/workers@{}#{function}", env!("CARGO_PKG_VERSION"));
        let body = json!({ "function": function, "arguments": arguments, "key": number.to_string() });
        let ended = calling.post("/v1/workers/p/invoke", &body);
        ended["result"].as_str().unwrap_or_else(|| panic!("{ended}")).to_owned()
    };
    let created = call("create", json!([r#"{name: "w", component: "seven"}"#]));
    assert!(created.starts_with("ok(") && created.contains("status: idle"), "{created}");
    let ended = call("invoke", json!([r#""w""#, r#"{function: "run", key: "k"}"#]));
    assert!(ended.contains(r#"returned({result: some("7")})"#), "{ended}");
    let shown = call("get", json!([r#""w""#]));
    assert!(shown.contains("entries: 2"), "{shown}");
    let missing = call("get", json!([r#""nobody""#]));
    assert!(missing.starts_with("err(") && missing.contains("not-found") && missing.contains("S202"), "{missing}");
    let refused = call("create", json!([r#"{name: "w", component: "seven"}"#]));
    assert!(refused.contains("conflict") && refused.contains("S203"), "{refused}");

    let started = call("start-invocation", json!([r#""w""#, r#"{function: "run", key: "a/b"}"#]));
    let location = r#"location: some("/v1/workers/w/invocations/a%2Fb")"#;
    assert!(started.starts_with("ok(") && started.contains(location), "{started}");
    // Whoever waits for it has its result; afterwards it can be shown.
    let ended = call("invoke", json!([r#""w""#, r#"{function: "run", key: "a/b"}"#]));
    assert!(ended.contains(r#"returned({result: some("7")})"#), "{ended}");
    let invocation = call("get-invocation", json!([r#""w""#, r#""a/b""#]));
    assert!(invocation.contains("status: ended") && invocation.contains(r#"some("7")"#), "{invocation}");
    let oplog = call("get-oplog", json!([r#""w""#, "some({limit: some(3)})"]));
    assert!(oplog.contains(r#"event: "invoked""#) && oplog.contains("next: some(3)"), "{oplog}");
    let rest = call("get-oplog", json!([r#""w""#, "some({%from: some(3)})"]));
    assert!(rest.contains("ordinal: 3") && !rest.contains("next:"), "{rest}");
    for (function, arguments) in [("interrupt", json!([r#""w""#])), ("resume", json!([r#""w""#, "{:}"]))] {
        let idle = call(function, arguments);
        assert!(idle.starts_with("ok(") && idle.contains("status: idle"), "{function}: {idle}");
    }
    let listed = call("list", json!([r#"some({component: some("seven")})"#]));
    assert!(listed.contains(r#"name: "w""#), "{listed}");
    assert_eq!(called.get("/v1/workers/w")["entries"], json!(4));
    assert_eq!(call("delete", json!([r#""w""#])), "ok");
    assert_eq!(Request::new("GET /v1/workers/w").call(called.address).status, 404);
    calling.stop()();
    called.stop()();
}
