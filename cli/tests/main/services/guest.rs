//! A guest that calls a service, and the worker that it runs in.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Runtime;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{
    Event, FunctionName, IdempotencyKey, MemoryStore, Ordinal, Outcome, Wave, WorkerId, describe,
};
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, Worker};
use witwire_ir::Api;
use witwire_ir::container::Bundle;

/// A worker with nothing behind it yet.
pub(crate) struct Guest {
    runtime: Runtime,
    executor: Executor,
    worker: Worker,
    apis: Vec<Api>,
    calls: usize,
}

impl Guest {
    /// Runs a component over APIs that are served at one URL. It can reach nothing else.
    pub(crate) fn new(component: Vec<u8>, apis: &[Api], server: &str) -> Self {
        Self::with(component, apis, server, |_| {})
    }

    /// The same, with other settings of the calls.
    pub(crate) fn with(component: Vec<u8>, apis: &[Api], server: &str, change: impl FnOnce(&mut Dependency)) -> Self {
        let server = Endpoint::parse(server).expect("a URL");
        let egress = EgressPolicy::exactly([&server]);
        let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("a transport");
        let executor = Executor::new(ExecutorConfig::new(Arc::new(MemoryStore::new()), transport)).expect("an executor");
        let mut dependency = Dependency::new(ApiFile::of(&Bundle { apis: apis.to_vec() }), Some(server));
        change(&mut dependency);
        let program = executor.load(component, &[dependency]).expect("the guest links");
        let runtime = Runtime::new().expect("a runtime");
        let id = WorkerId::new("guest").expect("a name");
        let worker = runtime.block_on(async {
            executor.create(&id, &program, String::new()).await.expect("a worker");
            executor.open(&id, &program).await.expect("the worker")
        });
        Self { runtime, executor, worker, apis: apis.to_vec(), calls: 0 }
    }

    /// Invokes a function of an interface, as the first time: arguments and result in WAVE.
    pub(crate) fn call(&mut self, interface: &str, function: &str, arguments: &[&str]) -> String {
        self.invoke(&FunctionName::of(interface, function), arguments)
    }

    /// Invokes a script's `run`.
    pub(crate) fn run(&mut self) -> String {
        self.invoke(&FunctionName::world("run"), &[])
    }

    /// How many invocations there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    fn invoke(&mut self, name: &FunctionName, arguments: &[&str]) -> String {
        self.calls += 1;
        let key = IdempotencyKey::new(format!("call-{}", self.calls)).expect("a key");
        let arguments: Vec<_> = arguments.iter().map(|&text| Wave::new(text)).collect();
        match self.runtime.block_on(self.worker.invoke(&key, name, &arguments)) {
            Ok(Outcome::Returned(Some(result))) => result.as_str().to_owned(),
            other => panic!("{name}({arguments:?}): {other:?}"),
        }
    }

    /// What the guest did and was told, from its oplog: a line for each entry, as typed values.
    pub(crate) fn story(&self) -> String {
        let read = self.executor.store().read(self.worker.id(), Ordinal::ZERO);
        let entries = self.runtime.block_on(read).expect("the oplog");
        let ir = entries.iter().find_map(|(_, entry)| match &entry.event {
            Event::Started(started) => Some(started.ir),
            _ => None,
        });
        let apis = self.apis.iter().cloned().map(Arc::new).collect();
        let apis = HashMap::from([(ir.expect("a call"), apis)]);
        describe(&entries, &apis).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    /// Asserts that the oplog has a text.
    #[track_caller]
    pub(crate) fn told(&self, part: &str) {
        let story = self.story();
        assert!(story.contains(part), "no `{part}` in\n{story}");
    }
}
