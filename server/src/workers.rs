//! Workers that are alive, each behind a lock: one invocation at a time.

mod order;

pub(crate) use order::Progress;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};
use witwire_deployment::{ComponentName, Revision};
use witwire_executor::oplog::{self, Status, Store, StoreError, WorkerId};
use witwire_executor::{Interrupter, Program, Worker, WorkerError};
use witwire_ir::InDoubt;

use crate::catalog::Catalog;
use crate::problem::{Code, Problem};
use crate::queue::{Queue, Request, Ticket};

/// How many workers stay instantiated after their invocation. The others are rebuilt from their oplogs when they are needed.
const KEPT: usize = 256;
/// How many workers a refusal names.
const NAMED: usize = 20;

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

/// A worker's place.
#[derive(Debug, Default)]
struct Slot {
    /// `None` while this process does not own it.
    worker: tokio::sync::Mutex<Option<Worker>>,
    /// Stops what has the lock.
    interrupter: Interrupter,
    /// When it was last used, in uses of all.
    used: AtomicU64,
    /// How often somebody asked for the queue to be emptied since nobody does; only the first of them does it.
    drains: AtomicU64,
    /// Locked while an invocation arrives: a key is looked for and taken, so that it is taken once, and a place is.
    taking: tokio::sync::Mutex<()>,
    /// The invocations whose callers wait, each with the last one in the queue that came before. They may not have begun, and are
    /// not in the queue.
    direct: Mutex<Vec<(Option<Ticket>, Request)>>,
}

impl Slot {
    fn direct(&self) -> MutexGuard<'_, Vec<(Option<Ticket>, Request)>> {
        self.direct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All workers.
#[derive(Debug, Clone)]
pub(crate) struct Workers {
    catalog: Catalog,
    queue: Queue,
    slots: Arc<Mutex<HashMap<WorkerId, Arc<Slot>>>>,
    /// How often slots were used.
    uses: Arc<AtomicU64>,
    /// Read by everything under way, so that a shutdown can wait for it.
    under_way: Arc<RwLock<()>>,
    /// Whether a shutdown has begun: what waits in the queue is left for the next start.
    stopping: Arc<AtomicBool>,
    /// Read while a worker is created, so that no component is deleted meanwhile.
    creating: Arc<RwLock<()>>,
    /// Read while an invocation is kept, so that its worker is not deleted meanwhile.
    keeping: Arc<RwLock<()>>,
}

impl Workers {
    /// `waiting`: how many invocations may wait for a worker.
    pub(crate) fn new(catalog: Catalog, waiting: u32) -> Self {
        let queue = Queue::new(catalog.registry.clone(), waiting);
        let (under_way, creating, keeping) = (Arc::default(), Arc::default(), Arc::default());
        let (slots, uses, stopping) = (Arc::default(), Arc::default(), Arc::default());
        Self { catalog, queue, slots, uses, under_way, stopping, creating, keeping }
    }

    fn store(&self) -> &Arc<dyn Store> {
        self.catalog.executor.store()
    }

    /// Creates a worker of a revision, or of the newest.
    pub(crate) async fn create(
        &self,
        id: &WorkerId,
        component: &ComponentName,
        revision: Option<Revision>,
    ) -> Result<oplog::Worker, Problem> {
        let _component_stays = self.creating.read().await;
        let current = self.catalog.registry.current(component).await?;
        let origin = Origin { component: component.clone(), revision: revision.unwrap_or(current) };
        let program = self.catalog.program(&origin.component, origin.revision).await?;
        let config = serde_json::to_string(&origin).map_err(|e| Problem::new(Code::Bug, e))?;
        self.catalog.executor.create(id, &program, config).await?;
        self.find(id).await
    }

    pub(crate) async fn list(&self) -> Result<Vec<oplog::Worker>, Problem> {
        Ok(self.store().workers().await?)
    }

    pub(crate) async fn find(&self, id: &WorkerId) -> Result<oplog::Worker, Problem> {
        let found = self.store().worker(id).await?;
        Ok(found.ok_or_else(|| StoreError::NoSuchWorker(id.clone()))?)
    }

    /// Stops what a worker does, and waits until it has stopped.
    pub(crate) async fn interrupt(&self, id: &WorkerId) -> Result<(), Problem> {
        self.find(id).await?;
        let slot = self.slots().get(id).cloned();
        let Some(slot) = slot else { return Ok(()) };
        self.detached(async move {
            slot.interrupter.interrupt();
            // Whoever has the lock stops, and so does everybody who waits for it before us.
            let _stopped = slot.worker.lock().await;
            slot.interrupter.clear();
            Ok(())
        })
        .await
    }

    /// Whether somebody waits for a worker to stop.
    pub(crate) fn is_interrupted(&self, id: &WorkerId) -> bool {
        self.slots().get(id).is_some_and(|slot| slot.interrupter.is_requested())
    }

    pub(crate) async fn resume(&self, id: &WorkerId, decision: Option<InDoubt>) -> Result<(), Problem> {
        self.find(id).await?;
        let (this, worker) = (self.clone(), id.clone());
        self.detached(async move {
            let result = this.resume_here(&worker, decision).await;
            this.evict();
            result
        })
        .await?;
        tokio::spawn(self.clone().drain(id.clone()));
        Ok(())
    }

    async fn resume_here(&self, id: &WorkerId, decision: Option<InDoubt>) -> Result<(), Problem> {
        let slot = self.slot(id);
        let mut place = slot.worker.lock().await;
        let result = self.opened(&mut place, id, &slot.interrupter).await?.resume(decision).await;
        settle(&mut place, result)
    }

    /// Waits until the worker is done, and deletes it with its oplog.
    pub(crate) async fn delete(&self, id: &WorkerId) -> Result<(), Problem> {
        self.find(id).await?;
        let (this, id) = (self.clone(), id.clone());
        self.detached(async move { this.delete_here(&id).await }).await
    }

    async fn delete_here(&self, id: &WorkerId) -> Result<(), Problem> {
        let slot = self.slot(id);
        let mut place = slot.worker.lock().await;
        *place = None;
        let lease = self.store().acquire(id).await?;
        {
            let _nobody_keeps = self.keeping.write().await;
            // Before the worker is gone: a new one of the name must not find it.
            self.queue.forget(id).await?;
            self.store().delete(lease).await?;
        }
        drop(place);
        let mut slots = self.slots();
        // The map's and this one: nobody waits for the worker.
        if Arc::strong_count(&slot) == 2 {
            slots.remove(id);
        }
        Ok(())
    }

    /// Deletes a component that has no workers.
    pub(crate) async fn delete_component(&self, name: &ComponentName) -> Result<(), Problem> {
        let _nobody_creates = self.creating.write().await;
        self.catalog.registry.current(name).await?;
        let of_it = |worker: &oplog::Worker| Origin::of(worker).is_some_and(|origin| origin.component == *name);
        let workers: Vec<_> = self.list().await?.into_iter().filter(of_it).collect();
        if workers.is_empty() {
            return self.catalog.delete(name).await;
        }
        let named: Vec<_> = workers.iter().take(NAMED).map(|worker| format!("`{}`", worker.id)).collect();
        let more = if workers.len() > NAMED { ", …" } else { "" };
        let detail =
            format!("component `{name}` has {} workers: {}{more}; delete them first", workers.len(), named.join(", "));
        Err(Problem::new(Code::ComponentInUse, detail))
    }

    /// Finishes what a process before began, and begins what it accepted. Each worker on its own, so many of them rebuilt at a time;
    /// what goes wrong is in its status or the log.
    pub(crate) async fn recover(&self, at_once: usize) -> Result<(), Problem> {
        let mut waiting: BTreeSet<_> = self.queue.workers().await?.into_iter().collect();
        let workers = self.list().await?.into_iter().filter_map(|worker| {
            let waits = waiting.remove(&worker.id);
            let runs = worker.status == Status::Running && Origin::of(&worker).is_some();
            (runs || waits).then_some((worker.id, runs || worker.status == Status::Idle))
        });
        let workers: Vec<_> = workers.collect();
        let this = self.clone();
        tokio::spawn(async move {
            let turns = Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)));
            for (id, goes_on) in workers {
                let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { return };
                tokio::spawn(this.clone().recover_one(id, goes_on.then_some(turn)));
            }
        });
        Ok(())
    }

    /// With a turn it is rebuilt first, so that only this is done in the turn. It stays awake until what waits for it was begun:
    /// rebuilt once more, it would be outside of any turn.
    async fn recover_one(self, id: WorkerId, turn: Option<OwnedSemaphorePermit>) {
        let awake = self.slot(&id);
        if let Some(turn) = turn {
            let (this, worker) = (self.clone(), id.clone());
            let resumed = self.detached(async move { this.resume_in_turn(&worker, turn).await }).await;
            if let Err(problem) = resumed {
                self.failed(&id, &problem);
            }
        }
        self.clone().drain(id).await;
        drop(awake);
        self.evict();
    }

    async fn resume_in_turn(&self, id: &WorkerId, turn: OwnedSemaphorePermit) -> Result<(), Problem> {
        let slot = self.slot(id);
        let (mut place, turn) = if let Ok(place) = slot.worker.try_lock() {
            (place, Some(turn))
        } else {
            // Somebody came before. A turn is not for waiting.
            drop(turn);
            (slot.worker.lock().await, None)
        };
        // Somebody may have stopped it: then it is not for us to resume it.
        order::refuse_if_stopped(&self.find(id).await?)?;
        let result = self.opened(&mut place, id, &slot.interrupter).await?.resume_in_turn(turn).await;
        settle(&mut place, result)
    }

    /// Writes into the log what nobody waits for. What is in a worker's status, or is left for the next start, is not written.
    fn failed(&self, id: &WorkerId, problem: &Problem) {
        let known = matches!(problem.code(), Code::Suspended | Code::Failed | Code::NoSuchWorker);
        if !known && !self.stopping.load(Ordering::SeqCst) {
            tracing::error!(worker = %id, %problem, "a worker cannot be carried on");
        }
    }

    /// Waits until nothing is under way. Nothing begins afterwards.
    pub(crate) async fn finish(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _nothing = self.under_way.write().await;
        let slots = std::mem::take(&mut *self.slots());
        drop(slots);
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<WorkerId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: &WorkerId) -> Arc<Slot> {
        let slot = Arc::clone(self.slots().entry(id.clone()).or_default());
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        slot
    }

    /// Does something in a task of its own: a caller who goes away cancels nothing, and a shutdown waits for it.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = Arc::clone(&self.under_way).read_owned().await;
        // What waited for its turn until the shutdown was over would be cut off with the process.
        if self.stopping.load(Ordering::SeqCst) {
            return Err(Problem::new(Code::Host, "the server is stopping"));
        }
        let task = tokio::spawn(async move {
            let _turn = turn;
            work.await
        });
        task.await.unwrap_or_else(|e| Err(Problem::new(Code::Bug, e)))
    }

    /// Opens the worker, where this process does not own it yet.
    async fn opened<'a>(
        &self,
        place: &'a mut Option<Worker>,
        id: &WorkerId,
        interrupter: &Interrupter,
    ) -> Result<&'a mut Worker, Problem> {
        if place.is_none() {
            let program = self.program(&self.find(id).await?).await?;
            let worker = self.catalog.executor.open(id, &program).await?;
            *place = Some(worker.interrupted_by(interrupter.clone()));
        }
        place.as_mut().ok_or_else(|| Problem::new(Code::Bug, "a worker was opened and is not there"))
    }

    /// What a worker runs.
    async fn program(&self, worker: &oplog::Worker) -> Result<Program, Problem> {
        let origin = Origin::of(worker).ok_or_else(|| {
            let detail = format!("worker `{}` was created by `witwire run`; continue it there", worker.id);
            Problem::new(Code::NotOurs, detail)
        })?;
        let program = self.catalog.program(&origin.component, origin.revision).await;
        program.map_err(|problem| match problem.code() {
            // A worker keeps its component from being deleted, so that this is no caller's mistake.
            Code::NoSuchRevision => Problem::new(Code::Unloadable, problem.detail()),
            _ => problem,
        })
    }

    /// Gives idle workers up while there are more than are kept, those first that were not used for longest.
    fn evict(&self) {
        let mut slots = self.slots();
        let excess = slots.len().saturating_sub(KEPT);
        if excess == 0 {
            return;
        }
        // Nobody else has the slot, so nobody waits for the worker.
        let idle = slots.iter().filter(|(_, slot)| Arc::strong_count(slot) == 1);
        let mut idle: Vec<_> = idle.map(|(id, slot)| (slot.used.load(Ordering::Relaxed), id.clone())).collect();
        idle.sort_unstable_by_key(|(used, _)| *used);
        for (_, id) in idle.into_iter().take(excess) {
            slots.remove(&id);
        }
    }
}

/// Gives a worker up that is of no more use.
fn settle<T>(place: &mut Option<Worker>, result: Result<T, WorkerError>) -> Result<T, Problem> {
    if result.as_ref().is_err_and(is_lost) {
        *place = None;
    }
    Ok(result?)
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
