//! witwire's side: a worker that is invoked again and again.

use std::slice;
use std::sync::Arc;

use tempfile::TempDir;
use witwire_executor::credentials::{Credentials, Source};
use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{FunctionName, IdempotencyKey, MemoryStore, Outcome, SqliteStore, Store, Wave, WorkerId};
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, Program, Worker};
use witwire_ir::Protocol;
use witwire_ir::container::Bundle;

use super::Call;
use super::service::TOKEN;

/// The store in memory looks through all that it has, so that there a worker is deleted and created again after so many
/// invocations.
const RENEWED: u64 = 64;

/// Invokes one function of a worker, each time with another key.
pub(super) struct Invoker {
    executor: Executor,
    program: Program,
    worker: Option<Worker>,
    function: FunctionName,
    argument: Wave,
    invocations: u64,
    renewed: Option<u64>,
    _directory: Option<TempDir>,
}

impl Invoker {
    /// With its oplog in a file of the system's folder for temporary ones: what a deployed worker has.
    pub(super) async fn on_disk(call: &Call) -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let store = SqliteStore::open(directory.path().join("oplog")).expect("a new store");
        Self::start(call, Arc::new(store), None, Some(directory)).await
    }

    /// With its oplog in memory.
    pub(super) async fn in_memory(call: &Call) -> Self {
        Self::start(call, Arc::new(MemoryStore::new()), Some(RENEWED), None).await
    }

    async fn start(call: &Call, store: Arc<dyn Store>, renewed: Option<u64>, directory: Option<TempDir>) -> Self {
        let egress = EgressPolicy::parse(["127.0.0.1"], ["127.0.0.0/8"]).expect("a policy for loopback");
        let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("no certificates");
        let executor = Executor::new(ExecutorConfig::new(store, transport)).expect("wasmtime runs on this machine");
        let program = executor.load(call.package.proxy(), &[dependency(call)]).expect("the imports are the package's");
        let mut invoker = Self {
            executor,
            program,
            worker: None,
            function: FunctionName::of(call.package.import_name(), call.function),
            argument: Wave::new(call.argument),
            invocations: 0,
            renewed,
            _directory: directory,
        };
        invoker.create().await;
        invoker
    }

    /// One invocation from its beginning to its end, which is durable then.
    pub(super) async fn invoke(&mut self) -> Wave {
        if self.renewed.is_some_and(|renewed| self.invocations == renewed) {
            self.delete().await;
            self.create().await;
        }
        let key = IdempotencyKey::new(format!("invocation-{}", self.invocations)).expect("a key");
        self.invocations += 1;
        let worker = self.worker.as_mut().expect("there is a worker between two invocations");
        match worker.invoke(&key, &self.function, slice::from_ref(&self.argument)).await {
            Ok(Outcome::Returned(Some(result))) => result,
            other => panic!("the call succeeds: {other:?}"),
        }
    }

    async fn create(&mut self) {
        self.executor.create(&id(), &self.program, String::new()).await.expect("there is no such worker");
        self.worker = Some(self.executor.open(&id(), &self.program).await.expect("nobody else has the worker"));
        self.invocations = 0;
    }

    async fn delete(&mut self) {
        // Its lease ends with it.
        self.worker = None;
        let store = self.executor.store();
        let lease = store.acquire(&id()).await.expect("nobody has the worker");
        store.delete(lease).await.expect("the worker is there");
    }
}

fn id() -> WorkerId {
    WorkerId::new("bench").expect("a name")
}

fn dependency(call: &Call) -> Dependency {
    let api = &call.package.api;
    let file = ApiFile::of(&Bundle { apis: vec![(**api).clone()] });
    let (server, credentials) = match api.protocol {
        Protocol::Grpc => (&call.served.grpc, Credentials::none()),
        Protocol::Http => (&call.served.rest, Credentials::none().with("bearerAuth", Source::Literal(TOKEN.to_owned()))),
    };
    let server = Endpoint::parse(server).expect("the service's URL");
    Dependency { credentials, ..Dependency::new(file, Some(server)) }
}
