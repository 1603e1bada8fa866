//! Services, servers, and the component that runs between them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use todo_service::Service;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use witwire_deployment::Reference;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::transport::TransportConfig;
use witwire_frontends::{MemoryFiles, Options, openapi, proto};
use witwire_ir::container::{self, Bundle};
use witwire_server::{BodyLimits, Server, ServerConfig, ServerError};

use crate::client::Request;

/// The guest of `examples/todo-agent`: `run(user)` has four effects, two over REST and two over gRPC.
pub(crate) const AGENT: &[u8] = include_bytes!("../../../examples/todo-agent/todo-agent.wasm");
/// How many effects a run has.
pub(crate) const EFFECTS: usize = 4;
const SETTINGS: &str = r#"{ "auth": "host",
    "idempotency": { "header": "Idempotency-Key", "format": "raw", "operations": ["createTodo"] } }"#;

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// The IR of a specification, as the command line would compile it: gRPC.
pub(crate) fn grpc_ir() -> Vec<u8> {
    let files = MemoryFiles::new().with("todo.proto", todo_service::PROTO);
    let input = proto::Input::Protos { files: vec!["todo.proto".into()], includes: vec![PathBuf::new()] };
    container::write(&Bundle { apis: proto::compile(&input, &files, &Options::default()).apis })
}

/// The same of REST.
pub(crate) fn rest_ir() -> Vec<u8> {
    let files = MemoryFiles::new().with("openapi.yaml", todo_service::OPENAPI);
    let options: Options = serde_json::from_str(SETTINGS).expect("the settings of the example");
    container::write(&Bundle { apis: openapi::compile(Path::new("openapi.yaml"), &files, &options).apis })
}

/// A Todo service that needs a token.
pub(crate) struct Todo {
    pub(crate) service: Service,
    running: todo_service::Running,
}

impl Todo {
    pub(crate) const TOKEN: &str = "the-token-of-the-service";

    pub(crate) fn start(runtime: &Runtime) -> Self {
        let service = Service::new(Some(Self::TOKEN));
        let running = runtime.block_on(service.start()).expect("a port");
        Self { service, running }
    }

    /// Where its gRPC API is served.
    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    pub(crate) fn effects(&self) -> usize {
        self.service.control.effects().len()
    }

    /// The dependencies of the agent on this service.
    pub(crate) fn dependencies(&self, directory: &Path) -> Value {
        json!([
            { "package": "demo:todo", "server": self.running.url() },
            {
                "package": "api:todos",
                "server": self.running.rest_url(),
                "credentials": { "bearerAuth": { "file": token(directory) } },
            },
        ])
    }
}

fn token(directory: &Path) -> PathBuf {
    directory.join("token")
}

/// The configuration of a server whose files are in a directory.
pub(crate) fn config(directory: &Path) -> ServerConfig {
    std::fs::write(token(directory), Todo::TOKEN).expect("written");
    let egress = EgressPolicy::parse(["127.0.0.1"], ["127.0.0.0/8"]).expect("patterns");
    let listen = "127.0.0.1:0".parse().expect("an address");
    ServerConfig {
        transport: TransportConfig { egress, ..TransportConfig::default() },
        credentials: [Reference::File(token(directory)), Reference::Env("NEVER_READ".to_owned())].into(),
        limits: BodyLimits { json: 1 << 10, ..BodyLimits::default() },
        ..ServerConfig::new(listen, directory.join("store.db"))
    }
}

/// A server on a runtime of its own, so that it can be cut off.
pub(crate) struct Platform {
    pub(crate) address: std::net::SocketAddr,
    runtime: Runtime,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Platform {
    pub(crate) fn start(config: ServerConfig) -> Self {
        let runtime = runtime();
        let server = runtime.block_on(Server::bind(config)).expect("a server");
        let address = server.address();
        let (shutdown, stopped) = oneshot::channel();
        let task = runtime.spawn(server.serve(async move {
            let _ = stopped.await;
        }));
        Self { address, runtime, shutdown, task }
    }

    /// Asks it to stop. The result waits until it has.
    pub(crate) fn stop(self) -> impl FnOnce() {
        let Self { runtime, shutdown, task, .. } = self;
        shutdown.send(()).expect("it runs");
        move || runtime.block_on(task).expect("no panic").expect("a clean stop")
    }

    /// Ends it in the middle of everything, as a crash does: nothing under way goes on.
    pub(crate) fn crash(self) {
        drop(self.runtime);
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        Request::new(&format!("GET {path}")).call(self.address).ok()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        Request::new(&format!("POST {path}")).json(body).call(self.address).ok()
    }
}

/// A request with the agent and its IR.
pub(crate) fn agent(line: &str, metadata: &Value) -> Request {
    Request::new(line).parts(&[
        ("metadata", metadata.to_string().as_bytes()),
        ("component", AGENT),
        ("ir", &grpc_ir()),
        ("ir", &rest_ir()),
    ])
}

/// The body of an invocation of the agent.
pub(crate) fn run(user: &str, key: &str) -> Value {
    json!({ "function": "run", "arguments": [format!("\"{user}\"")], "key": key })
}
