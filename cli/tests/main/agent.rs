//! The committed guest still fits the WIT and IR of today.

use std::sync::Arc;

use witwire_executor::oplog::MemoryStore;
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig};
use witwire_ir::container::{self, Bundle};

use crate::Add;
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("agent::its_wit_is_what_is_printed_today", its_wit_is_what_is_printed_today);
    add("agent::it_links_with_the_ir_of_today", it_links_with_the_ir_of_today);
    add("agent::it_is_small", it_is_small);
    add("agent::another_api_is_refused_by_name", another_api_is_refused_by_name);
}

const PROTO: &str = "examples/todo-service/proto/todo.proto";
const OPENAPI: &str = "examples/todo-service/openapi.yaml";

/// `--manifest` words for the REST dependency.
fn settings() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("examples/todo-agent/api.settings")).expect("the agent's settings");
    text.lines().filter(|l| !l.is_empty()).flat_map(|l| ["--manifest".to_owned(), l.to_owned()]).collect()
}

fn with_settings<'a>(words: &[&'a str], settings: &'a [String]) -> Vec<&'a str> {
    words.iter().copied().chain(settings.iter().map(String::as_str)).collect()
}

fn its_wit_is_what_is_printed_today() {
    let dir = folder(&[]);
    let out = dir.path().display().to_string();
    let settings = settings();
    witwire(&root(), &["wit", PROTO, "-o", &out]).exits(0);
    witwire(&root(), &with_settings(&["wit", OPENAPI, "-o", &out], &settings)).exits(0);
    for file in ["demo_todo/todo.wit", "api_todos/todos.wit"] {
        let printed = std::fs::read_to_string(dir.path().join(file)).expect("a written package");
        let committed =
            std::fs::read_to_string(root().join("examples/todo-agent/wit/deps").join(file)).expect("a committed package");
        assert_eq!(printed, committed, "{file}: run examples/todo-agent/build.sh");
    }
}

fn agent() -> Vec<u8> {
    std::fs::read(root().join("examples/todo-agent/todo-agent.wasm")).expect("the built agent")
}

fn executor() -> Executor {
    let transport = Transport::new(TransportConfig::default()).expect("a transport");
    Executor::new(ExecutorConfig::new(Arc::new(MemoryStore::new()), transport)).expect("an executor")
}

fn dependency(words: &[&str]) -> Dependency {
    let dir = folder(&[]);
    let file = dir.path().join("api.ir");
    let settings = settings();
    let words: Vec<&str> = if words.contains(&OPENAPI) { with_settings(words, &settings) } else { words.to_vec() };
    let name = file.display().to_string();
    witwire(&root(), &[&["compile", "-o", &name], &words[..]].concat()).exits(0);
    let bundle = container::read(&std::fs::read(&file).expect("a container")).expect("a valid container");
    let server = Endpoint::parse("http://127.0.0.1:9").expect("a URL");
    Dependency::new(ApiFile::of(&Bundle { apis: bundle.apis }), Some(server))
}

fn it_links_with_the_ir_of_today() {
    executor().load(agent(), &[dependency(&[PROTO]), dependency(&[OPENAPI])]).expect("the agent links");
}

fn it_is_small() {
    let size = agent().len();
    assert!(size < 64 << 10, "{size} bytes");
}

fn another_api_is_refused_by_name() {
    let error = executor().load(agent(), &[dependency(&[PROTO])]).expect_err("api:todos is missing").to_string();
    assert!(error.contains("api:todos/todos@1.0.0"), "{error}");
}
