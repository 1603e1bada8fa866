//! The embedded store: SQLite with a write-ahead log, synced at every commit.

mod rows;
mod schema;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use self::rows::EncodedEntry;
use self::schema::Files;
use self::writer::{WriteError, Writer};
use super::digest::{Digest, DigestKey};
use super::entry::Entry;
use super::id::{IdempotencyKey, Ordinal, WorkerId};
use super::store::{Invocation, Lease, NewWorker, Status, Store, StoreError, StoreFuture, Ticket, Worker};

/// A store in one SQLite file.
///
/// Several processes may use it at once, each worker by one of them. Writes that arrive together are committed together, each
/// commit synced to the disk. Dropping the store waits until all that was appended is committed.
///
/// Beside the file stand SQLite's `-wal` and `-shm`, and a directory `.locks`. The file must be on a local disk: neither
/// SQLite's log nor file locks can be relied upon over a network.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Writer,
    reader: Arc<Mutex<Connection>>,
    files: Files,
}

impl SqliteStore {
    /// Opens a store, and creates it with its directories where there is none.
    ///
    /// It blocks while files are opened, for a few milliseconds.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`], [`StoreError::NewerStore`], or that the file cannot be used.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let files = Files::prepare(path.as_ref())?;
        let (writer, reader) = files.open()?;
        Ok(Self { writer: Writer::spawn(writer)?, reader: Arc::new(Mutex::new(reader)), files })
    }

    /// Reads on the reader's connection, on a thread where blocking is allowed.
    fn query<'a, T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        let reader = Arc::clone(&self.reader);
        let run = move || query(&reader.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move {
            tokio::task::spawn_blocking(run)
                .await
                .unwrap_or_else(|e| Err(StoreError::Database { doing: "read", message: e.to_string() }))
        })
    }

    /// Writes what belongs to no lease.
    fn send(&self, change: impl FnOnce(&Connection) -> Result<(), WriteError> + Send + 'static) -> Ticket {
        self.writer.send(None, Box::new(change))
    }

    /// Writes under a lease, unless an earlier such write was lost.
    fn send_leased(
        &self,
        lease: &Lease,
        change: impl FnOnce(&Connection, &WorkerId) -> Result<(), WriteError> + Send + 'static,
    ) -> Ticket {
        let (worker, held) = (lease.worker().clone(), Arc::clone(lease.held()));
        let change = move |connection: &Connection| {
            if held.is_lost() {
                return Err(WriteError::Refused(StoreError::LeaseLost(worker)));
            }
            change(connection, &worker)
        };
        self.writer.send(Some(Arc::clone(lease.held())), Box::new(change))
    }
}

impl Store for SqliteStore {
    fn put_blob(&self, bytes: Vec<u8>) -> StoreFuture<'_, Digest> {
        let digest = Digest::of(&bytes);
        let ticket = self.send(move |connection| rows::put_blob(connection, digest, &bytes));
        Box::pin(async move { ticket.durable().await.map(|()| digest) })
    }

    fn blob(&self, digest: Digest) -> StoreFuture<'_, Option<Vec<u8>>> {
        self.query(move |connection| rows::blob(connection, digest))
    }

    fn create(&self, new: NewWorker) -> StoreFuture<'_, Worker> {
        Box::pin(async move {
            let key = DigestKey::random().map_err(|e| StoreError::randomness(&e))?;
            let worker = Worker::new(new, key);
            let row = worker.clone();
            self.send(move |connection| rows::create(connection, &row)).durable().await?;
            Ok(worker)
        })
    }

    fn worker<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Option<Worker>> {
        let id = id.clone();
        self.query(move |connection| Ok(rows::workers(connection, Some(&id))?.into_iter().next()))
    }

    fn workers(&self) -> StoreFuture<'_, Vec<Worker>> {
        self.query(|connection| rows::workers(connection, None))
    }

    fn acquire<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Lease> {
        Box::pin(async move {
            // Goes through the writer, so that appends under a lease that was just dropped are done before.
            let worker = id.clone();
            self.send(move |connection| rows::check_worker(connection, &worker)).durable().await?;
            let lock = self.files.lock_worker(id)?;
            Ok(Lease::new(id.clone(), Box::new(lock)))
        })
    }

    fn append(&self, lease: &Lease, next: Ordinal, entries: Vec<Entry>) -> Ticket {
        let entries: Vec<EncodedEntry> = entries.iter().map(EncodedEntry::new).collect();
        let largest = entries.iter().map(EncodedEntry::len).max().unwrap_or(0);
        self.send_leased(lease, move |connection, worker| {
            if largest > rows::MAX_ENTRY {
                let (worker, max) = (worker.clone(), rows::MAX_ENTRY);
                return Err(WriteError::Refused(StoreError::TooLarge { worker, len: largest, max }));
            }
            rows::append(connection, worker, next, entries)
        })
    }

    fn page<'a>(&'a self, id: &'a WorkerId, from: Ordinal, limit: u64) -> StoreFuture<'a, Vec<(Ordinal, Entry)>> {
        let id = id.clone();
        self.query(move |connection| rows::read(connection, &id, from, limit))
    }

    fn invocation<'a>(&'a self, id: &'a WorkerId, key: &'a IdempotencyKey) -> StoreFuture<'a, Option<Invocation>> {
        let (id, key) = (id.clone(), key.clone());
        self.query(move |connection| rows::invocation(connection, &id, &key))
    }

    fn set_status(&self, lease: &Lease, status: Status) -> Ticket {
        self.send_leased(lease, move |connection, worker| rows::set_status(connection, worker, &status))
    }

    fn delete(&self, lease: Lease) -> StoreFuture<'_, ()> {
        // Deleting is allowed under a lost lease: it leaves nothing that could have a gap.
        let worker = lease.worker().clone();
        let ticket =
            self.writer.send(Some(Arc::clone(lease.held())), Box::new(move |connection| rows::delete(connection, &worker)));
        drop(lease);
        Box::pin(ticket.durable())
    }
}
