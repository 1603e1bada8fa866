//! Messages that both sides know: compiled by protoc, and of its descriptor set by the frontend.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Code, DiskFiles, Extensions, Options, UnknownFields};
use witwire_interpreter::{GrpcResponse, Plan, Request, Response};
use witwire_ir::{Api, Call, OperationId, TypeId, Value};

use super::process::Oracle;

/// Of an edition without a number, for what is not released.
const UNRELEASED: &str = "conformance/test_protos/test_messages_edition_unstable.proto";

/// The corpus of protobuf trees. Missing: a failure under CI, else a plain line.
pub(super) fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("WITWIRE_CORPUS").map_or(beside, PathBuf::from).join("proto");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "corpus not found; set WITWIRE_CORPUS");
    println!("skipped: corpus not found");
    None
}

/// A message of the sources, which an operation sends and receives.
pub(super) struct Message {
    pub(super) name: String,
    pub(super) ty: TypeId,
    operation: OperationId,
    plan: Arc<Plan>,
}

/// The sources of a tree.
pub(super) struct Sources {
    /// How many messages with fields the tree declares.
    pub(super) declared: u64,
    pub(super) messages: Vec<Message>,
}

impl Sources {
    /// Compiles all files of a tree. `messages` chooses some, as `Judge.compile` says.
    pub(super) fn compile(oracle: &mut Oracle, tree: &Path, messages: &Json, unknown_fields: UnknownFields) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the descriptor set");
        let set = directory.path().join("api.fds");
        let request = json!({ "do": "compile", "includes": [tree], "files": files(tree), "messages": messages, "set": set });
        let answer = oracle.ask(&request).expect("sources are no message");
        let options = Options { extensions: Extensions::Fields, unknown_fields, ..Options::default() };
        let compiled = compile(&Input::DescriptorSet(set), &DiskFiles, &options);
        let names: BTreeMap<&str, &str> = answer["methods"]
            .as_object()
            .expect("methods by path")
            .iter()
            .filter_map(|(path, name)| Some((path.as_str(), name.as_str()?)))
            .collect();
        let mut messages = Vec::new();
        for api in compiled.apis {
            let plan = Arc::new(Plan::new(Arc::new(api)).unwrap_or_else(|e| panic!("{e}")));
            for (operation, found) in plan.api().operations.iter() {
                let Call::Grpc(call) = &found.call else { panic!("a gRPC method") };
                let ty = call.request.expect("messages without fields are not chosen");
                let name = names[&call.path[..]].to_owned();
                messages.push(Message { name, ty, operation, plan: Arc::clone(&plan) });
            }
        }
        let too_large = compiled.diagnostics.iter().filter(|d| d.code == Code::UnsupportedMethod).count();
        assert_eq!(messages.len() + too_large, names.len(), "{}: {:#?}", tree.display(), compiled.diagnostics);
        Self { declared: answer["declared"].as_u64().expect("a count"), messages }
    }

    pub(super) fn message(&self, name: &str) -> &Message {
        self.messages.iter().find(|m| m.name == name).unwrap_or_else(|| panic!("{name} was not chosen"))
    }
}

/// The files that a tree declares itself.
fn files(tree: &Path) -> Vec<PathBuf> {
    match std::fs::read_to_string(tree.join("OWN.txt")) {
        Ok(list) => list.lines().filter(|l| !l.is_empty() && *l != UNRELEASED).map(|l| tree.join(l)).collect(),
        Err(_) => vec![tree.join("todo.proto")],
    }
}

impl Message {
    pub(super) fn api(&self) -> &Api {
        self.plan.api()
    }

    /// The bytes of a value of the message, or why there are none.
    pub(super) fn encode(&self, value: &Value) -> Result<Vec<u8>, String> {
        match self.plan.request(self.operation, std::slice::from_ref(value)) {
            Ok(Request::Grpc(request)) => Ok(request.message.to_vec()),
            other => Err(format!("{other:?}")),
        }
    }

    /// The value of bytes, or why there is none.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Value, String> {
        let response = GrpcResponse::Ok { message: bytes.to_vec().into(), trailers: Vec::new() };
        let result = self.plan.response(self.operation, &[], &Response::Grpc(response));
        result.conforms(self.api(), self.api().operations[self.operation].result).map_err(|e| e.to_string())?;
        match result {
            Value::Result(Ok(Some(value))) => Ok(*value),
            other => Err(format!("{other:?}")),
        }
    }
}
