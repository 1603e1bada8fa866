//! In which order a worker performs its invocations: that of their arrival, whether their callers wait or not.
//!
//! An invocation without a caller who waits has a ticket in the queue. One with such a caller knows the last ticket before it, and
//! waits for the lock of its worker, which is fair. Both take their places one at a time. So whoever has the lock knows whether it is
//! its turn: a caller performs the tickets before it first, and what empties the queue lets a caller go first who came before the
//! first ticket.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use tokio::sync::MutexGuard;
use witwire_executor::oplog::{self, FunctionName, IdempotencyKey, Outcome, Status, WorkerId};
use witwire_executor::{Interrupter, Worker, WorkerError};

use super::{Slot, Workers, is_lost, settle};
use crate::problem::{Code, Problem};
use crate::queue::{Request, Ticket};

/// How far an invocation is.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It has not begun.
    Waiting,
    /// It is under way.
    Running,
    /// It is under way, and its worker suspended.
    Suspended,
    /// It has ended.
    Ended(Outcome),
    /// It will never begin.
    Refused,
}

/// An invocation whose caller waits. Its key is taken until it is dropped.
#[derive(Debug)]
struct Direct {
    slot: Arc<Slot>,
    request: Request,
    /// The last one in the queue that came before.
    behind: Option<Ticket>,
}

impl Drop for Direct {
    fn drop(&mut self) {
        let mut direct = self.slot.direct();
        // Where there are two of them, one is as good as the other.
        let is_this = |(behind, request): &(_, _)| (behind, request) == (&self.behind, &self.request);
        if let Some(position) = direct.iter().position(is_this) {
            direct.swap_remove(position);
        }
    }
}

impl Workers {
    /// Performs an invocation, behind those that came before.
    pub(crate) async fn invoke(&self, id: &WorkerId, request: Request) -> Result<Outcome, Problem> {
        // Before it gets a slot: names of no worker must leave no trace.
        let worker = self.find(id).await?;
        let this = self.clone();
        self.detached(async move {
            let result = this.invoke_here(&worker, request).await;
            this.evict();
            result
        })
        .await
    }

    async fn invoke_here(&self, worker: &oplog::Worker, mut request: Request) -> Result<Outcome, Problem> {
        let id = &worker.id;
        let slot = self.slot(id);
        let program = self.program(worker).await?;
        request.arguments = program.arguments(&self.catalog.executor, &request.function, &request.arguments)?;
        let (mut place, direct) = self.take(id, &slot, request).await?;
        // What has begun came before everything that waits.
        if direct.behind.is_some() && self.store().invocation(id, &direct.request.key).await?.is_none() {
            while let Some((ticket, request)) = self.queue.first(id).await? {
                if direct.behind.is_none_or(|last| ticket > last) {
                    break;
                }
                if self.stopping.load(Ordering::SeqCst) {
                    return Err(Problem::new(Code::Host, "the server is stopping"));
                }
                if !self.next(&mut place, id, &slot.interrupter, request).await? {
                    break;
                }
            }
        }
        let Request { key, function, arguments } = &direct.request;
        let worker = self.opened(&mut place, id, &slot.interrupter).await?;
        let result = worker.invoke(key, function, arguments).await;
        settle(&mut place, result)
    }

    /// Takes the key of an invocation whose caller waits, where no other invocation has it, and its place behind what came before;
    /// waits for the lock. The invocation is dropped before the lock: whoever has it next does not wait for this one.
    async fn take<'a>(
        &self,
        id: &WorkerId,
        slot: &'a Arc<Slot>,
        request: Request,
    ) -> Result<(MutexGuard<'a, Option<Worker>>, Direct), Problem> {
        let taking = slot.taking.lock().await;
        let direct = slot.direct().iter().map(|(_, other)| other).find(|other| other.key == request.key).cloned();
        let (queued, behind) = self.queue.find_and_last(id, &request.key).await?;
        for other in [direct, queued].into_iter().flatten() {
            if other != request {
                return Err(reused(&request.key, other.function).into());
            }
        }
        slot.direct().push((behind, request.clone()));
        let direct = Direct { slot: Arc::clone(slot), request, behind };
        // It is asked for once before the next one arrives, which gives it a place in the lock's own queue.
        let mut lock = pin!(tokio::task::unconstrained(slot.worker.lock()));
        let place = poll_fn(|context| Poll::Ready(lock.as_mut().poll(context))).await;
        drop(taking);
        let place = match place {
            Poll::Ready(place) => place,
            Poll::Pending => lock.await,
        };
        Ok((place, direct))
    }

    /// Performs what waits longest. Whether the worker takes more.
    async fn next(
        &self,
        place: &mut Option<Worker>,
        id: &WorkerId,
        interrupter: &Interrupter,
        request: Request,
    ) -> Result<bool, Problem> {
        let Request { key, function, arguments } = request;
        let result = self.opened(place, id, interrupter).await?.invoke(&key, &function, &arguments).await;
        match &result {
            Ok(_) => {}
            // It stays in the queue: until the worker is resumed, or for ever.
            Err(WorkerError::Suspended { .. } | WorkerError::Failed { .. }) => return Ok(false),
            Err(error) if is_lost(error) => {}
            // It was checked before it was kept, so that only another process can have made it impossible.
            Err(error) => {
                tracing::error!(worker = %id, %key, %error, "an invocation that was accepted cannot be done, and is given up");
                self.queue.remove(id, &key).await?;
                return Ok(true);
            }
        }
        settle(place, result)?;
        self.queue.remove(id, &key).await?;
        Ok(true)
    }

    /// Keeps an invocation, which begins when the worker has done what came before.
    pub(crate) async fn start(&self, id: &WorkerId, request: Request) -> Result<(), Problem> {
        let (this, id) = (self.clone(), id.clone());
        self.detached(async move { this.start_here(&id, request).await }).await
    }

    async fn start_here(&self, id: &WorkerId, mut request: Request) -> Result<(), Problem> {
        let worker = self.find(id).await?;
        let program = self.program(&worker).await?;
        request.arguments = program.arguments(&self.catalog.executor, &request.function, &request.arguments)?;
        let key = &request.key;
        let slot = self.slot(id);
        let taking = slot.taking.lock().await;
        let direct = slot.direct().iter().map(|(_, other)| other).find(|other| other.key == *key).cloned();
        if let Some(direct) = direct.filter(|direct| *direct != request) {
            return Err(reused(key, direct.function).into());
        }
        // Behind those whose callers wait: one of them that has ended is in the oplog.
        if let Some(known) = self.store().invocation(id, key).await? {
            let known = known.invoked;
            let same = known.function == request.function && known.arguments == request.arguments;
            return if same { Ok(()) } else { Err(reused(key, known.function).into()) };
        }
        refuse_if_stopped(&worker)?;
        let known = {
            let _worker_stays = self.keeping.read().await;
            self.find(id).await?;
            self.queue.put(id, request.clone()).await?
        };
        drop(taking);
        if let Some(known) = known.filter(|known| *known != request) {
            return Err(reused(key, known.function).into());
        }
        // One that waits already may wait for nobody, where the worker could not run when it came.
        tokio::spawn(self.clone().drain(id.clone()));
        Ok(())
    }

    /// How far the invocation of a key is, and which function it invokes.
    pub(crate) async fn progress(&self, id: &WorkerId, key: &IdempotencyKey) -> Result<(FunctionName, Progress), Problem> {
        // Those that wait first: one that does no more is in the oplog.
        let slot = self.slots().get(id).cloned();
        let direct =
            slot.and_then(|slot| slot.direct().iter().map(|(_, direct)| direct).find(|direct| direct.key == *key).cloned());
        let waiting = match direct {
            Some(direct) => Some(direct),
            None => self.queue.find(id, key).await?,
        };
        let worker = self.find(id).await?;
        if let Some(known) = self.store().invocation(id, key).await? {
            let progress = match (known.outcome, &worker.status) {
                (Some(outcome), _) => Progress::Ended(outcome),
                (None, Status::Suspended { .. }) => Progress::Suspended,
                (None, _) => Progress::Running,
            };
            return Ok((known.invoked.function, progress));
        }
        let Some(waiting) = waiting else {
            let detail = format!("worker `{id}` has no invocation with the key `{key}`");
            return Err(Problem::new(Code::NoSuchInvocation, detail));
        };
        let failed = matches!(worker.status, Status::Failed { .. });
        Ok((waiting.function, if failed { Progress::Refused } else { Progress::Waiting }))
    }

    /// Performs what waits for a worker, until there is nothing more or the worker is stopped. Where somebody does already, that
    /// one looks again.
    pub(super) async fn drain(self, id: WorkerId) {
        // Before it gets a slot.
        if self.find(&id).await.is_err() {
            return;
        }
        let slot = self.slot(&id);
        if slot.drains.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        loop {
            let seen = slot.drains.load(Ordering::SeqCst);
            while !self.stopping.load(Ordering::SeqCst) {
                let (this, worker, slot) = (self.clone(), id.clone(), Arc::clone(&slot));
                let more = self.detached(async move { this.drain_one(&worker, &slot).await }).await;
                self.evict();
                match more {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(problem) => {
                        self.failed(&id, &problem);
                        break;
                    }
                }
            }
            if slot.drains.compare_exchange(seen, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                return;
            }
        }
    }

    /// Performs what waits longest. Whether there may be more.
    async fn drain_one(&self, id: &WorkerId, slot: &Slot) -> Result<bool, Problem> {
        let mut place = slot.worker.lock().await;
        let Some((ticket, request)) = self.queue.first(id).await? else { return Ok(false) };
        // Whoever came before it waits for the lock already.
        if slot.direct().iter().any(|(behind, _)| behind.is_none_or(|last| last < ticket)) {
            return Ok(true);
        }
        self.next(&mut place, id, &slot.interrupter, request).await
    }
}

fn reused(key: &IdempotencyKey, function: FunctionName) -> WorkerError {
    WorkerError::KeyReused { key: key.clone(), function }
}

pub(super) fn refuse_if_stopped(worker: &oplog::Worker) -> Result<(), WorkerError> {
    let id = worker.id.clone();
    match &worker.status {
        Status::Idle | Status::Running => Ok(()),
        Status::Suspended { reason, detail } => {
            Err(WorkerError::Suspended { worker: id, reason: *reason, detail: detail.clone() })
        }
        Status::Failed { detail } => Err(WorkerError::Failed { worker: id, detail: detail.clone() }),
    }
}
