//! The store as a model: what every other store must do, in the plainest form. It keeps nothing beyond its own life.

use std::collections::BTreeMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::digest::{Digest, DigestKey};
use super::entry::{Entry, Event, Invoked};
use super::id::{IdempotencyKey, Ordinal, WorkerId};
use super::store::{Invocation, Lease, NewWorker, Status, Store, StoreError, StoreFuture, Ticket, Worker};

/// A store in memory. Its clones are the same store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    blobs: BTreeMap<Digest, Vec<u8>>,
    workers: BTreeMap<WorkerId, Slot>,
    /// Tells the leases of one worker apart.
    leases: u64,
}

struct Slot {
    worker: Worker,
    oplog: Vec<Entry>,
    /// The lease that is held, by its number.
    owner: Option<u64>,
}

/// Ends the ownership when dropped.
struct Guard {
    store: MemoryStore,
    worker: WorkerId,
    lease: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(slot) = self.store.state().workers.get_mut(&self.worker)
            && slot.owner == Some(self.lease)
        {
            slot.owner = None;
        }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic elsewhere leaves the state whole: it is changed only after every check.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, lease: &Lease, write: impl FnOnce(&mut Slot) -> Result<(), StoreError>) -> Ticket {
        let worker = lease.worker();
        let result = if lease.held().is_lost() {
            Err(StoreError::LeaseLost(worker.clone()))
        } else {
            let mut state = self.state();
            state.slot(worker).and_then(write)
        };
        if result.is_err() {
            lease.held().lose();
        }
        Ticket::known(result)
    }
}

impl State {
    fn slot(&mut self, id: &WorkerId) -> Result<&mut Slot, StoreError> {
        self.workers.get_mut(id).ok_or_else(|| StoreError::NoSuchWorker(id.clone()))
    }
}

impl Slot {
    fn end(&self) -> Ordinal {
        Ordinal::new(self.oplog.len() as u64)
    }

    fn show(&self) -> Worker {
        Worker { entries: self.end(), ..self.worker.clone() }
    }

    fn find(&self, key: &IdempotencyKey) -> Option<Invocation> {
        let (ordinal, invoked) = self.oplog.iter().enumerate().find_map(|(i, entry)| match &entry.event {
            Event::Invoked(invoked) if invoked.key == *key => Some((Ordinal::new(i as u64), invoked.clone())),
            _ => None,
        })?;
        let outcome = self.oplog[ordinal.get() as usize..].iter().find_map(|entry| match &entry.event {
            Event::Completed(completed) if completed.invocation == invoked.invocation => Some(completed.outcome.clone()),
            _ => None,
        });
        Some(Invocation { ordinal, invoked, outcome })
    }
}

impl Store for MemoryStore {
    fn put_blob(&self, bytes: Vec<u8>) -> StoreFuture<'_, Digest> {
        let digest = Digest::of(&bytes);
        self.state().blobs.insert(digest, bytes);
        Box::pin(ready(Ok(digest)))
    }

    fn blob(&self, digest: Digest) -> StoreFuture<'_, Option<Vec<u8>>> {
        Box::pin(ready(Ok(self.state().blobs.get(&digest).cloned())))
    }

    fn create(&self, new: NewWorker) -> StoreFuture<'_, Worker> {
        let create = || {
            let mut state = self.state();
            if state.workers.contains_key(&new.id) {
                return Err(StoreError::WorkerExists(new.id));
            }
            for digest in std::iter::once(new.component.0).chain(new.irs.iter().map(|ir| ir.0)) {
                if !state.blobs.contains_key(&digest) {
                    return Err(StoreError::NoSuchBlob(digest));
                }
            }
            let worker = Worker::new(new, DigestKey::random().map_err(|e| StoreError::randomness(&e))?);
            let slot = Slot { worker: worker.clone(), oplog: Vec::new(), owner: None };
            state.workers.insert(worker.id.clone(), slot);
            Ok(worker)
        };
        Box::pin(ready(create()))
    }

    fn worker<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Option<Worker>> {
        Box::pin(ready(Ok(self.state().workers.get(id).map(Slot::show))))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<Worker>> {
        Box::pin(ready(Ok(self.state().workers.values().map(Slot::show).collect())))
    }

    fn acquire<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Lease> {
        let acquire = || {
            let mut state = self.state();
            state.leases += 1;
            let lease = state.leases;
            let slot = state.slot(id)?;
            if slot.owner.is_some() {
                return Err(StoreError::Owned(id.clone()));
            }
            slot.owner = Some(lease);
            let guard = Guard { store: self.clone(), worker: id.clone(), lease };
            Ok(Lease::new(id.clone(), Box::new(guard)))
        };
        Box::pin(ready(acquire()))
    }

    fn append(&self, lease: &Lease, next: Ordinal, entries: Vec<Entry>) -> Ticket {
        self.write(lease, |slot| {
            let worker = lease.worker();
            if next != slot.end() {
                return Err(StoreError::Conflict { worker: worker.clone(), next, actual: slot.end() });
            }
            for (i, entry) in entries.iter().enumerate() {
                let Event::Invoked(Invoked { key, .. }) = &entry.event else { continue };
                let twice = entries[..i].iter().any(|e| matches!(&e.event, Event::Invoked(other) if other.key == *key));
                if twice || slot.find(key).is_some() {
                    return Err(StoreError::KeyUsed { worker: worker.clone(), key: key.clone() });
                }
            }
            slot.oplog.extend(entries);
            Ok(())
        })
    }

    fn page<'a>(&'a self, id: &'a WorkerId, from: Ordinal, limit: u64) -> StoreFuture<'a, Vec<(Ordinal, Entry)>> {
        let read = || {
            let mut state = self.state();
            let entries = state.slot(id)?.oplog.iter().zip(0..).map(|(entry, i)| (Ordinal::new(i), entry));
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let page = entries.filter(|(ordinal, _)| *ordinal >= from).take(limit);
            Ok(page.map(|(ordinal, entry)| (ordinal, entry.clone())).collect())
        };
        Box::pin(ready(read()))
    }

    fn invocation<'a>(&'a self, id: &'a WorkerId, key: &'a IdempotencyKey) -> StoreFuture<'a, Option<Invocation>> {
        Box::pin(ready(self.state().slot(id).map(|slot| slot.find(key))))
    }

    fn set_status(&self, lease: &Lease, status: Status) -> Ticket {
        self.write(lease, |slot| {
            slot.worker.status = status;
            Ok(())
        })
    }

    fn delete(&self, lease: Lease) -> StoreFuture<'_, ()> {
        let removed = self.state().workers.remove(lease.worker());
        let result = removed.map(drop).ok_or_else(|| StoreError::NoSuchWorker(lease.worker().clone()));
        Box::pin(ready(result))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
