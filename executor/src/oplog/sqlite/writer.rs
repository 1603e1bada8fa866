//! The one thread that writes: what arrives while a commit is under way goes into the next one together.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::store::{Held, StoreError, Ticket};

/// How many writes one commit takes at most, so that the first of them does not wait for ever.
const BATCH: usize = 1024;

/// Changes the database inside a transaction. It is run once, on the writer's thread.
type Change = Box<dyn FnOnce(&Connection) -> Result<(), WriteError> + Send>;

/// Why a change was not made.
pub(super) enum WriteError {
    /// The change is not allowed. Others are not touched by it.
    Refused(StoreError),
    /// The database failed.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

struct Write {
    change: Change,
    /// The lease that the write is made under. Held until the write is committed, so that nobody else owns the worker before.
    held: Option<Arc<Held>>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

/// The writer's thread. Dropping it commits what was sent and waits for that.
#[derive(Debug)]
pub(super) struct Writer {
    sender: Option<Mutex<Sender<Write>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn spawn(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("oplog-writer".to_owned())
            .spawn(move || run(connection, &receiver))
            .map_err(|e| StoreError::Database { doing: "start the writer", message: e.to_string() })?;
        Ok(Self { sender: Some(Mutex::new(sender)), thread: Some(thread) })
    }

    /// Sends a change. The order of sends is the order of changes.
    pub(super) fn send(&self, held: Option<Arc<Held>>, change: Change) -> Ticket {
        let (done, ticket) = oneshot::channel();
        if let Some(sender) = &self.sender {
            // Where the thread is gone, `done` is dropped, and the ticket says that the store is closed.
            let _ = sender.lock().unwrap_or_else(PoisonError::into_inner).send(Write { change, held, done });
        }
        Ticket::waiting(ticket)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by its own thread; tickets say that the store is closed.
            let _ = thread.join();
        }
    }
}

fn run(mut connection: Connection, receiver: &Receiver<Write>) {
    let mut poison: Option<StoreError> = None;
    while let Ok(first) = receiver.recv() {
        let batch: Vec<Write> = std::iter::once(first).chain(receiver.try_iter().take(BATCH - 1)).collect();
        let mut waiting = Vec::with_capacity(batch.len());
        let mut changes = Vec::with_capacity(batch.len());
        for Write { change, held, done } in batch {
            waiting.push((held, done));
            changes.push(change);
        }
        let results = match &poison {
            Some(error) => Err(error.clone()),
            None => commit(&mut connection, changes, &waiting).map_err(|cause| {
                // Rolled back or unknown: only a new look at the file can tell. Nothing is written from here on.
                poison.insert(StoreError::Poisoned { cause: cause.to_string().into() }).clone()
            }),
        };
        let mut results = match results {
            Ok(results) => results.into_iter(),
            Err(error) => vec![Err(error); waiting.len()].into_iter(),
        };
        for (held, done) in waiting {
            let result = results.next().unwrap_or_else(|| Err(StoreError::closed()));
            if let (Err(_), Some(held)) = (&result, &held) {
                held.lose();
            }
            // The lease goes before the word: whoever hears it may acquire the worker.
            drop(held);
            // Nobody need wait for it.
            let _ = done.send(result);
        }
    }
}

type Waiting = (Option<Arc<Held>>, oneshot::Sender<Result<(), StoreError>>);

/// Makes changes in one transaction. One result for each, or the failure of all.
fn commit(
    connection: &mut Connection,
    changes: Vec<Change>,
    waiting: &[Waiting],
) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(changes.len());
    for (change, (held, _)) in changes.into_iter().zip(waiting) {
        let result = apply(&transaction, change)?;
        if let (Err(_), Some(held)) = (&result, held) {
            // Later changes of the same batch must know.
            held.lose();
        }
        results.push(result);
    }
    transaction.commit()?;
    Ok(results)
}

/// Makes one change whole or not at all.
fn apply(transaction: &Transaction<'_>, change: Change) -> rusqlite::Result<Result<(), StoreError>> {
    transaction.prepare_cached("SAVEPOINT change")?.execute([])?;
    let result = match change(transaction) {
        Ok(()) => Ok(()),
        Err(WriteError::Refused(error)) => {
            transaction.prepare_cached("ROLLBACK TO change")?.execute([])?;
            Err(error)
        }
        Err(WriteError::Failed(error)) => return Err(error),
    };
    transaction.prepare_cached("RELEASE change")?.execute([])?;
    Ok(result)
}
