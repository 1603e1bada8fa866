//! Workers that are alive, each behind a lock: one invocation at a time, in the order of arrival.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;
use witwire_deployment::{ComponentName, Revision};
use witwire_executor::oplog::{self, FunctionName, IdempotencyKey, Outcome, Status, Store, StoreError, Wave, WorkerId};
use witwire_executor::{Worker, WorkerError};
use witwire_ir::InDoubt;

use crate::catalog::Catalog;
use crate::problem::{Code, Problem};

/// How many workers stay instantiated after their invocation. The others are rebuilt from their oplogs when they are needed.
const KEPT: usize = 256;

/// What a worker was created from. Kept with it, so that it stays on its revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) component: ComponentName,
    pub(crate) revision: Revision,
}

impl Origin {
    /// The origin of a worker; `None` where it was not created by a server.
    pub(crate) fn of(worker: &oplog::Worker) -> Option<Self> {
        serde_json::from_str(&worker.config).ok()
    }
}

/// What is to be done with a worker.
enum Action {
    Invoke { key: IdempotencyKey, function: FunctionName, arguments: Vec<Wave> },
    Resume(Option<InDoubt>),
}

/// A worker's place. `None` while this process does not own it.
type Slot = Arc<tokio::sync::Mutex<Option<Worker>>>;

/// All workers.
#[derive(Debug, Clone)]
pub(crate) struct Workers {
    catalog: Catalog,
    slots: Arc<Mutex<HashMap<WorkerId, Slot>>>,
    /// Read by everything under way, so that a shutdown can wait for it.
    under_way: Arc<RwLock<()>>,
}

impl Workers {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { catalog, slots: Arc::default(), under_way: Arc::default() }
    }

    fn store(&self) -> &Arc<dyn Store> {
        self.catalog.executor.store()
    }

    pub(crate) async fn create(&self, id: &WorkerId, origin: &Origin) -> Result<(), Problem> {
        let program = self.catalog.program(&origin.component, origin.revision).await?;
        let config = serde_json::to_string(origin).map_err(|e| Problem::new(Code::Bug, e))?;
        Ok(self.catalog.executor.create(id, &program, config).await?)
    }

    pub(crate) async fn list(&self) -> Result<Vec<oplog::Worker>, Problem> {
        Ok(self.store().workers().await?)
    }

    pub(crate) async fn find(&self, id: &WorkerId) -> Result<oplog::Worker, Problem> {
        let found = self.store().worker(id).await?;
        Ok(found.ok_or_else(|| StoreError::NoSuchWorker(id.clone()))?)
    }

    pub(crate) async fn invoke(
        &self,
        id: &WorkerId,
        key: IdempotencyKey,
        function: FunctionName,
        arguments: Vec<Wave>,
    ) -> Result<Outcome, Problem> {
        match self.perform(id, Action::Invoke { key, function, arguments }).await? {
            Some(outcome) => Ok(outcome),
            None => Err(Problem::new(Code::Bug, "an invocation had no outcome")),
        }
    }

    pub(crate) async fn resume(&self, id: &WorkerId, decision: Option<InDoubt>) -> Result<(), Problem> {
        self.perform(id, Action::Resume(decision)).await.map(|_| ())
    }

    /// Waits until the worker is done, and deletes it with its oplog.
    pub(crate) async fn delete(&self, id: &WorkerId) -> Result<(), Problem> {
        self.find(id).await?;
        let slot = self.slot(id);
        let mut place = slot.lock().await;
        *place = None;
        let lease = self.store().acquire(id).await?;
        self.store().delete(lease).await?;
        drop(place);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: nobody waits for the worker.
        if Arc::strong_count(&slot) == 2 {
            slots.remove(id);
        }
        Ok(())
    }

    /// Finishes what a process before began. Each worker on its own; what goes wrong is in its status.
    pub(crate) async fn recover(&self) -> Result<(), Problem> {
        for worker in self.list().await? {
            if worker.status == Status::Running && Origin::of(&worker).is_some() {
                let this = self.clone();
                tokio::spawn(async move { this.resume(&worker.id, None).await });
            }
        }
        Ok(())
    }

    /// Waits until nothing is under way. Nothing begins afterwards.
    pub(crate) async fn finish(&self) {
        let _nothing = self.under_way.write().await;
        let slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        drop(slots);
    }

    fn slot(&self, id: &WorkerId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id.clone()).or_default())
    }

    /// Does something with a worker, in a task of its own: a caller who goes away cancels nothing.
    async fn perform(&self, id: &WorkerId, action: Action) -> Result<Option<Outcome>, Problem> {
        // Before it gets a slot: names of no worker must leave no trace.
        self.find(id).await?;
        let (this, id) = (self.clone(), id.clone());
        let turn = Arc::clone(&self.under_way).read_owned().await;
        let task = tokio::spawn(async move {
            let _turn = turn;
            let result = this.perform_here(&id, action).await;
            this.evict();
            result
        });
        task.await.unwrap_or_else(|e| Err(Problem::new(Code::Bug, e)))
    }

    async fn perform_here(&self, id: &WorkerId, action: Action) -> Result<Option<Outcome>, Problem> {
        let slot = self.slot(id);
        let mut place = slot.lock().await;
        let worker = self.opened(&mut place, id).await?;
        let result = match action {
            Action::Invoke { key, function, arguments } => worker.invoke(&key, &function, &arguments).await.map(Some),
            Action::Resume(decision) => worker.resume(decision).await.map(|()| None),
        };
        if result.as_ref().is_err_and(is_lost) {
            *place = None;
        }
        Ok(result?)
    }

    /// Opens the worker, where this process does not own it yet.
    async fn opened<'a>(&self, place: &'a mut Option<Worker>, id: &WorkerId) -> Result<&'a mut Worker, Problem> {
        if place.is_none() {
            let record = self.find(id).await?;
            let origin = Origin::of(&record).ok_or_else(|| {
                let detail = format!("worker `{id}` was created by `witwire run`; continue it there");
                Problem::new(Code::NotOurs, detail)
            })?;
            let program = self.catalog.program(&origin.component, origin.revision).await?;
            *place = Some(self.catalog.executor.open(id, &program).await?);
        }
        place.as_mut().ok_or_else(|| Problem::new(Code::Bug, "a worker was opened and is not there"))
    }

    /// Gives idle workers up while there are more than are kept.
    fn evict(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = slots.len().saturating_sub(KEPT);
        // Nobody else has the slot, so nobody waits for the worker.
        let idle: Vec<WorkerId> =
            slots.iter().filter(|(_, slot)| Arc::strong_count(slot) == 1).map(|(id, _)| id.clone()).take(excess).collect();
        for id in idle {
            slots.remove(&id);
        }
    }
}

/// Whether the worker object is of no more use, and has to be opened again.
const fn is_lost(error: &WorkerError) -> bool {
    match error {
        WorkerError::Store(_) | WorkerError::Damaged(_) | WorkerError::Host(_) | WorkerError::Lost { .. } => true,
        WorkerError::Suspended { .. }
        | WorkerError::Failed { .. }
        | WorkerError::NoExport { .. }
        | WorkerError::Arguments { .. }
        | WorkerError::KeyReused { .. } => false,
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::WorkerExists(_) => Code::WorkerExists,
            StoreError::NoSuchWorker(_) => Code::NoSuchWorker,
            StoreError::Owned(_) => Code::Elsewhere,
            StoreError::KeyUsed { .. } => Code::KeyReused,
            StoreError::BadEntry { .. } | StoreError::Damaged(_) => Code::Damaged,
            _ => Code::Store,
        };
        Self::new(code, error)
    }
}

impl From<WorkerError> for Problem {
    fn from(error: WorkerError) -> Self {
        let code = match error {
            WorkerError::Store(error) => return error.into(),
            WorkerError::Damaged(_) => Code::Damaged,
            WorkerError::Suspended { .. } => Code::Suspended,
            WorkerError::Failed { .. } => Code::Failed,
            WorkerError::NoExport { .. } => Code::NoSuchFunction,
            WorkerError::Arguments { .. } => Code::Arguments,
            WorkerError::KeyReused { .. } => Code::KeyReused,
            WorkerError::Host(_) | WorkerError::Lost { .. } => Code::Host,
        };
        Self::new(code, error)
    }
}
