//! The writing end of one worker's oplog.

use std::sync::Arc;
use std::time::SystemTime;

use crate::oplog::{Entry, Event, Lease, Ordinal, Status, Store, StoreError, Ticket, Timestamp};

/// Appends to the oplog of one worker.
#[derive(Debug)]
pub(crate) struct Journal {
    store: Arc<dyn Store>,
    lease: Lease,
    next: Ordinal,
    /// The newest write. It is durable only if all before it are.
    newest: Option<Ticket>,
}

impl Journal {
    /// Continues an oplog that has so many entries.
    pub(crate) fn new(store: Arc<dyn Store>, lease: Lease, next: Ordinal) -> Self {
        Self { store, lease, next, newest: None }
    }

    /// The ordinal of the next entry.
    pub(crate) fn next(&self) -> Ordinal {
        self.next
    }

    /// Appends events that become durable together. They are durable after [`Journal::durable`].
    pub(crate) fn append<const N: usize>(&mut self, events: [Event; N]) {
        let at = now();
        let entries = events.into_iter().map(|event| Entry { at, event }).collect();
        self.newest = Some(self.store.append(&self.lease, self.next, entries));
        self.next = self.next.plus(N as u64);
    }

    /// Sets the worker's status, in order with its entries.
    pub(crate) fn set_status(&mut self, status: Status) {
        self.newest = Some(self.store.set_status(&self.lease, status));
    }

    /// Gives the right to write back. What was appended under it becomes durable nevertheless.
    pub(crate) fn into_lease(self) -> Lease {
        self.lease
    }

    /// Waits until all that was written is durable.
    pub(crate) async fn durable(&mut self) -> Result<(), StoreError> {
        match self.newest.take() {
            Some(ticket) => ticket.durable().await,
            None => Ok(()),
        }
    }
}

/// The time by the host's wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
