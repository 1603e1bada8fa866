//! Invocations that were accepted and have not begun: in the registry's file, so that a restart forgets none.

use rusqlite::{OptionalExtension, Row, params};
use witwire_executor::oplog::{FunctionName, IdempotencyKey, Wave, WorkerId};

use crate::problem::{Code, Problem};
use crate::registry::{Registry, RegistryError};

// An id is never used again, also where the row that had the largest is gone: who came later has a larger one.
pub(crate) const TABLE: &str = "
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    worker TEXT NOT NULL,
    key TEXT NOT NULL,
    interface TEXT,
    function TEXT NOT NULL,
    arguments TEXT NOT NULL,
    UNIQUE (worker, key)
) STRICT;
";

/// Brings a table up to date whose ids were used again.
pub(crate) const RENEW: [&str; 3] = [
    "ALTER TABLE waiting RENAME TO reused",
    TABLE,
    "INSERT INTO waiting SELECT id, worker, key, interface, function, arguments FROM reused; DROP TABLE reused",
];

/// An invocation, as it was asked for. Its arguments are in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) key: IdempotencyKey,
    pub(crate) function: FunctionName,
    pub(crate) arguments: Vec<Wave>,
}

/// A place in the queue: what came later has a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(i64);

/// The invocations of all workers that have not begun, in the order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    registry: Registry,
    /// How many a worker may have.
    limit: u32,
}

impl Queue {
    pub(crate) fn new(registry: Registry, limit: u32) -> Self {
        Self { registry, limit }
    }

    /// Keeps an invocation, durably. Where one of its key waits already, gives that one, and changes nothing.
    ///
    /// # Errors
    /// [`Code::QueueFull`], or the registry fails.
    pub(crate) async fn put(&self, worker: &WorkerId, request: Request) -> Result<Option<Request>, Problem> {
        match self.put_within_limit(worker, request).await? {
            Put::Done => Ok(None),
            Put::Known(known) => Ok(Some(known)),
            Put::Full => {
                let detail =
                    format!("{} invocations wait for worker `{worker}`; try again when some have ended", self.limit);
                Err(Problem::new(Code::QueueFull, detail))
            }
        }
    }

    async fn put_within_limit(&self, worker: &WorkerId, request: Request) -> Result<Put, RegistryError> {
        let (worker, limit) = (worker.clone(), self.limit);
        self.registry
            .transact(move |t| {
                if let Some(known) = find(t, &worker, &request.key)? {
                    return Ok(Put::Known(known));
                }
                let sql = "SELECT count(*) FROM waiting WHERE worker = ?1";
                let waiting: u32 = t.prepare_cached(sql)?.query_row([worker.as_str()], |row| row.get(0))?;
                if waiting >= limit {
                    return Ok(Put::Full);
                }
                let Request { key, function, arguments } = &request;
                let arguments: Vec<_> = arguments.iter().map(Wave::as_str).collect();
                let arguments = serde_json::to_string(&arguments).map_err(|e| RegistryError::Damaged(e.to_string()))?;
                t.execute(
                    "INSERT INTO waiting (worker, key, interface, function, arguments) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![worker.as_str(), key.as_str(), function.interface, function.function, arguments],
                )?;
                Ok(Put::Done)
            })
            .await
    }

    /// The invocation of a key that waits.
    pub(crate) async fn find(&self, worker: &WorkerId, key: &IdempotencyKey) -> Result<Option<Request>, RegistryError> {
        let (worker, key) = (worker.clone(), key.clone());
        self.registry.look(move |t| find(t, &worker, &key)).await
    }

    /// The same, and the place of the invocation of the worker that came last.
    pub(crate) async fn find_and_last(
        &self,
        worker: &WorkerId,
        key: &IdempotencyKey,
    ) -> Result<(Option<Request>, Option<Ticket>), RegistryError> {
        let (worker, key) = (worker.clone(), key.clone());
        self.registry
            .look(move |t| {
                let found = find(t, &worker, &key)?;
                let sql = "SELECT max(id) FROM waiting WHERE worker = ?1";
                let last: Option<i64> = t.prepare_cached(sql)?.query_row([worker.as_str()], |row| row.get(0))?;
                Ok((found, last.map(Ticket)))
            })
            .await
    }

    /// The invocation of a worker that waits longest.
    pub(crate) async fn first(&self, worker: &WorkerId) -> Result<Option<(Ticket, Request)>, RegistryError> {
        let worker = worker.clone();
        self.registry
            .look(move |t| {
                let sql =
                    "SELECT key, interface, function, arguments, id FROM waiting WHERE worker = ?1 ORDER BY id LIMIT 1";
                let found = |found: &Row<'_>| Ok((Ticket(found.get(4)?), row(found)?));
                let found = t.prepare_cached(sql)?.query_row([worker.as_str()], found).optional()?;
                found.map(|(ticket, request)| Ok((ticket, request?))).transpose()
            })
            .await
    }

    /// The workers for which something waits.
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerId>, RegistryError> {
        self.registry
            .look(|t| {
                let mut statement = t.prepare_cached("SELECT DISTINCT worker FROM waiting")?;
                let names = statement.query_map([], |row| row.get::<_, String>(0))?;
                names.map(|name| WorkerId::new(name?).map_err(|e| RegistryError::Damaged(e.to_string()))).collect()
            })
            .await
    }

    /// Forgets an invocation, which has ended.
    pub(crate) async fn remove(&self, worker: &WorkerId, key: &IdempotencyKey) -> Result<(), RegistryError> {
        let (worker, key) = (worker.clone(), key.clone());
        self.registry
            .transact(move |t| {
                t.execute("DELETE FROM waiting WHERE worker = ?1 AND key = ?2", [worker.as_str(), key.as_str()])?;
                Ok(())
            })
            .await
    }

    /// Forgets all of a worker.
    pub(crate) async fn forget(&self, worker: &WorkerId) -> Result<(), RegistryError> {
        let worker = worker.clone();
        self.registry
            .transact(move |t| {
                t.execute("DELETE FROM waiting WHERE worker = ?1", [worker.as_str()])?;
                Ok(())
            })
            .await
    }
}

/// What became of an invocation that was to be kept.
enum Put {
    Done,
    Known(Request),
    Full,
}

fn find(t: &rusqlite::Transaction<'_>, worker: &WorkerId, key: &IdempotencyKey) -> Result<Option<Request>, RegistryError> {
    let sql = "SELECT key, interface, function, arguments FROM waiting WHERE worker = ?1 AND key = ?2";
    t.prepare_cached(sql)?.query_row([worker.as_str(), key.as_str()], row).optional()?.transpose()
}

/// A row's columns are key, interface, function, arguments.
fn row(row: &Row<'_>) -> rusqlite::Result<Result<Request, RegistryError>> {
    let (key, arguments): (String, String) = (row.get(0)?, row.get(3)?);
    let interface: Option<String> = row.get(1)?;
    let function = FunctionName { interface: interface.map(Into::into), function: row.get::<_, String>(2)?.into() };
    let damaged = |e: &dyn std::error::Error| RegistryError::Damaged(e.to_string());
    let read = || {
        let arguments: Vec<String> = serde_json::from_str(&arguments).map_err(|e| damaged(&e))?;
        let key = IdempotencyKey::new(key).map_err(|e| damaged(&e))?;
        Ok(Request { key, function, arguments: arguments.into_iter().map(Wave::new).collect() })
    };
    Ok(read())
}

#[cfg(test)]
mod tests;
