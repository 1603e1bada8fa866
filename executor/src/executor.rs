//! What all workers of a process share.

use std::fmt;
use std::sync::Arc;

use crate::engine::{Engine, GuestLimits};
use crate::oplog::{NewWorker, Store, StoreError, WorkerId};
use crate::probe::Probe;
use crate::program::{Dependency, LoadError, Program};
use crate::transport::Transport;
use crate::worker::{Worker, WorkerError};

/// What an executor is made of.
#[derive(Debug, Clone)]
pub struct ExecutorConfig {
    /// Where oplogs are kept.
    pub store: Arc<dyn Store>,
    /// What sends requests.
    pub transport: Transport,
    /// What guests may use.
    pub limits: GuestLimits,
    /// Who is told where workers stand. For tests.
    pub probe: Arc<dyn Probe>,
}

impl ExecutorConfig {
    /// Default limits, no probe.
    pub fn new(store: Arc<dyn Store>, transport: Transport) -> Self {
        Self { store, transport, limits: GuestLimits::default(), probe: Arc::new(()) }
    }
}

/// Loads components and runs workers. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Executor {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) config: ExecutorConfig,
}

impl Executor {
    /// Sets wasmtime up.
    ///
    /// # Errors
    /// wasmtime cannot run on this machine.
    pub fn new(config: ExecutorConfig) -> Result<Self, LoadError> {
        let engine = Engine::new().map_err(|e| LoadError::Component(crate::program::full(&e)))?;
        Ok(Self { inner: Arc::new(Inner { engine, config }) })
    }

    /// Where oplogs are kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.config.store
    }

    /// Compiles a component and links it with APIs. Takes seconds for a component of megabytes, and blocks the thread.
    ///
    /// # Errors
    /// [`LoadError`], with all reasons at once where imports do not fit.
    pub fn load(&self, wasm: impl Into<Vec<u8>>, dependencies: &[Dependency]) -> Result<Program, LoadError> {
        Program::load(&self.inner.engine, &self.inner.config.transport, wasm.into(), dependencies)
    }

    /// Creates a worker, durably: afterwards it can be opened by every process that opens the store. `config` is kept as it is
    /// for whoever opens it; it must hold no secret.
    ///
    /// # Errors
    /// [`StoreError::WorkerExists`], or the store fails.
    pub async fn create(&self, id: &WorkerId, program: &Program, config: String) -> Result<(), StoreError> {
        let store = self.store();
        let irs = program.inner.files.iter().map(crate::program::ApiFile::digest).collect();
        let worker = NewWorker { id: id.clone(), component: program.digest(), irs, config };
        // Nearly always the bytes are there already: a component has many workers.
        match store.create(worker.clone()).await {
            Err(StoreError::NoSuchBlob(_)) => {}
            created => return created.map(|_| ()),
        }
        store.put_blob(program.inner.wasm.clone()).await?;
        for file in &program.inner.files {
            store.put_blob(file.bytes().to_vec()).await?;
        }
        store.create(worker).await.map(|_| ())
    }

    /// Takes a worker over. It is instantiated, and its past replayed, when it is first needed.
    ///
    /// `program` is the component that it was created with, linked as then; with another one its playback may diverge, which
    /// suspends it and changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NoSuchWorker`], [`StoreError::Owned`] where it runs elsewhere, or the store fails.
    pub async fn open(&self, id: &WorkerId, program: &Program) -> Result<Worker, WorkerError> {
        Worker::open(self.clone(), id, program.clone()).await
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("config", &self.inner.config).finish_non_exhaustive()
    }
}
