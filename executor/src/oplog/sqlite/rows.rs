//! Statements: what is written and read, row by row.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::codec::{self, DecodeError};
use super::super::digest::{ComponentDigest, Digest, DigestKey, IrDigest};
use super::super::entry::{Completed, Entry, Event, Invoked};
use super::super::id::{IdempotencyKey, Ordinal, WorkerId};
use super::super::store::{Invocation, Status, StoreError, SuspendReason, Worker};
use super::schema::database_error;
use super::writer::WriteError;

/// Entries larger than this stand out of line.
const INLINE: usize = 4096;
/// The largest entry: SQLite's own limit is 1,000,000,000 bytes for a row.
pub(super) const MAX_ENTRY: usize = 512 << 20;

/// An entry, encoded before it is sent to the writer.
pub(super) struct EncodedEntry {
    bytes: Vec<u8>,
    index: Index,
}

/// What the invocation table must know of an entry.
enum Index {
    Nothing,
    Invoked { number: u64, key: IdempotencyKey },
    Completed { number: u64 },
}

impl EncodedEntry {
    pub(super) fn new(entry: &Entry) -> Self {
        let index = match &entry.event {
            Event::Invoked(Invoked { invocation, key, .. }) => Index::Invoked { number: *invocation, key: key.clone() },
            Event::Completed(Completed { invocation, .. }) => Index::Completed { number: *invocation },
            _ => Index::Nothing,
        };
        Self { bytes: codec::encode(entry), index }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// A number as SQL has it. Beyond [`Ordinal::MAX`] it is a number that no row has.
fn sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A row's id of a worker.
fn row_id(connection: &Connection, worker: &WorkerId) -> Result<i64, WriteError> {
    connection
        .prepare_cached("SELECT id FROM workers WHERE name = ?1")?
        .query_row([worker.as_str()], |row| row.get(0))
        .optional()?
        .ok_or_else(|| WriteError::Refused(StoreError::NoSuchWorker(worker.clone())))
}

/// Refuses an unknown worker.
pub(super) fn check_worker(connection: &Connection, worker: &WorkerId) -> Result<(), WriteError> {
    row_id(connection, worker).map(drop)
}

pub(super) fn append(
    connection: &Connection,
    worker: &WorkerId,
    next: Ordinal,
    entries: Vec<EncodedEntry>,
) -> Result<(), WriteError> {
    let id = row_id(connection, worker)?;
    let actual = end(connection, id)?;
    if next != actual {
        return Err(WriteError::Refused(StoreError::Conflict { worker: worker.clone(), next, actual }));
    }
    let mut insert =
        connection.prepare_cached("INSERT INTO entries (worker, ordinal, bytes, payload) VALUES (?1, ?2, ?3, ?4)")?;
    for (EncodedEntry { bytes, index }, i) in entries.into_iter().zip(0..) {
        let ordinal = sql(next.plus(i).get());
        if bytes.len() <= INLINE {
            insert.execute(params![id, ordinal, bytes, None::<i64>])?;
        } else {
            connection.prepare_cached("INSERT INTO payloads (bytes) VALUES (?1)")?.execute([bytes])?;
            insert.execute(params![id, ordinal, None::<&[u8]>, connection.last_insert_rowid()])?;
        }
        match index {
            Index::Nothing => {}
            Index::Invoked { number, key } => {
                let inserted = connection
                    .prepare_cached(
                        "INSERT INTO invocations (worker, key, number, invoked) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![id, key.as_str(), number as i64, ordinal])?;
                if inserted == 0 {
                    return Err(WriteError::Refused(StoreError::KeyUsed { worker: worker.clone(), key }));
                }
            }
            Index::Completed { number } => {
                connection
                    .prepare_cached(
                        "UPDATE invocations SET completed = ?3 WHERE worker = ?1 AND number = ?2 AND completed IS NULL",
                    )?
                    .execute(params![id, number as i64, ordinal])?;
            }
        }
    }
    Ok(())
}

/// How many entries a worker has.
fn end(connection: &Connection, id: i64) -> rusqlite::Result<Ordinal> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(ordinal) FROM entries WHERE worker = ?1")?
        .query_row([id], |row| row.get(0))?;
    Ok(last.map_or(Ordinal::ZERO, |last| Ordinal::new(last as u64).plus(1)))
}

pub(super) fn put_blob(connection: &Connection, digest: Digest, bytes: &[u8]) -> Result<(), WriteError> {
    connection
        .prepare_cached("INSERT INTO blobs (digest, bytes) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![digest.as_bytes(), bytes])?;
    Ok(())
}

pub(super) fn blob(connection: &Connection, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM blobs WHERE digest = ?1")
        .and_then(|mut s| s.query_row([digest.as_bytes()], |row| row.get(0)).optional())
        .map_err(|e| database_error("read a file", &e))?;
    match bytes {
        Some(bytes) if Digest::of(&bytes) != digest => {
            Err(StoreError::Damaged(format!("the bytes of {digest} have another digest")))
        }
        bytes => Ok(bytes),
    }
}

pub(super) fn create(connection: &Connection, worker: &Worker) -> Result<(), WriteError> {
    let taken = connection.prepare_cached("SELECT 1 FROM workers WHERE name = ?1")?.exists([worker.id.as_str()])?;
    if taken {
        return Err(WriteError::Refused(StoreError::WorkerExists(worker.id.clone())));
    }
    for digest in std::iter::once(worker.component.0).chain(worker.irs.iter().map(|ir| ir.0)) {
        let known = connection.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?.exists([digest.as_bytes()])?;
        if !known {
            return Err(WriteError::Refused(StoreError::NoSuchBlob(digest)));
        }
    }
    let (status, detail) = status_text(&worker.status);
    connection
        .prepare_cached(
            "INSERT INTO workers (name, component, config, digest_key, status, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            worker.id.as_str(),
            worker.component.0.as_bytes(),
            worker.config,
            worker.digest_key.as_bytes(),
            status,
            detail
        ])?;
    let id = connection.last_insert_rowid();
    for (ir, position) in worker.irs.iter().zip(0i64..) {
        connection.prepare_cached("INSERT INTO irs (worker, position, digest) VALUES (?1, ?2, ?3)")?.execute(params![
            id,
            position,
            ir.0.as_bytes()
        ])?;
    }
    Ok(())
}

pub(super) fn delete(connection: &Connection, worker: &WorkerId) -> Result<(), WriteError> {
    let id = row_id(connection, worker)?;
    let payloads: Vec<i64> = connection
        .prepare_cached("SELECT payload FROM entries WHERE worker = ?1 AND payload IS NOT NULL")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for sql in [
        "DELETE FROM invocations WHERE worker = ?1",
        "DELETE FROM entries WHERE worker = ?1",
        "DELETE FROM irs WHERE worker = ?1",
        "DELETE FROM workers WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    for payload in payloads {
        connection.prepare_cached("DELETE FROM payloads WHERE id = ?1")?.execute([payload])?;
    }
    Ok(())
}

pub(super) fn set_status(connection: &Connection, worker: &WorkerId, status: &Status) -> Result<(), WriteError> {
    let id = row_id(connection, worker)?;
    let (status, detail) = status_text(status);
    connection
        .prepare_cached("UPDATE workers SET status = ?2, detail = ?3 WHERE id = ?1")?
        .execute(params![id, status, detail])?;
    Ok(())
}

fn status_text(status: &Status) -> (&'static str, &str) {
    match status {
        Status::Idle => ("idle", ""),
        Status::Running => ("running", ""),
        Status::Suspended { reason: SuspendReason::Divergence, detail } => ("suspended: divergence", detail),
        Status::Suspended { reason: SuspendReason::InDoubt, detail } => ("suspended: in doubt", detail),
        Status::Suspended { reason: SuspendReason::Interrupted, detail } => ("suspended: interrupted", detail),
        Status::Failed { detail } => ("failed", detail),
    }
}

fn status(text: &str, detail: String) -> Option<Status> {
    let suspended = |reason| Status::Suspended { reason, detail: detail.clone() };
    Some(match text {
        "idle" => Status::Idle,
        "running" => Status::Running,
        "suspended: divergence" => suspended(SuspendReason::Divergence),
        "suspended: in doubt" => suspended(SuspendReason::InDoubt),
        "suspended: interrupted" => suspended(SuspendReason::Interrupted),
        "failed" => Status::Failed { detail },
        _ => return None,
    })
}

/// The workers of a name, or all, by name.
pub(super) fn workers(connection: &Connection, name: Option<&WorkerId>) -> Result<Vec<Worker>, StoreError> {
    let failed = |e: rusqlite::Error| database_error("read the workers", &e);
    let mut select = connection
        .prepare_cached(
            "SELECT id, name, component, config, digest_key, status, detail FROM workers
             WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
        )
        .map_err(failed)?;
    let rows: Vec<WorkerRow> =
        select.query_map([name.map(WorkerId::as_str)], WorkerRow::read).and_then(Iterator::collect).map_err(failed)?;
    rows.into_iter().map(|row| row.worker(connection)).collect()
}

struct WorkerRow {
    id: i64,
    name: String,
    component: [u8; 32],
    config: String,
    digest_key: [u8; 32],
    status: String,
    detail: String,
}

impl WorkerRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            component: row.get(2)?,
            config: row.get(3)?,
            digest_key: row.get(4)?,
            status: row.get(5)?,
            detail: row.get(6)?,
        })
    }

    fn worker(self, connection: &Connection) -> Result<Worker, StoreError> {
        let failed = |e: rusqlite::Error| database_error("read a worker", &e);
        let damaged = |what: &str| StoreError::Damaged(format!("a worker's {what} is none: `{}`", self.name));
        let irs = connection
            .prepare_cached("SELECT digest FROM irs WHERE worker = ?1 ORDER BY position")
            .and_then(|mut s| s.query_map([self.id], |row| Ok(IrDigest(Digest::from_bytes(row.get(0)?))))?.collect())
            .map_err(failed)?;
        Ok(Worker {
            status: status(&self.status, self.detail).ok_or_else(|| damaged("status"))?,
            id: WorkerId::new(self.name.as_str()).map_err(|_| damaged("name"))?,
            component: ComponentDigest(Digest::from_bytes(self.component)),
            irs,
            config: self.config,
            digest_key: DigestKey::from_bytes(self.digest_key),
            entries: end(connection, self.id).map_err(failed)?,
        })
    }
}

/// A worker's entries from an ordinal on, at most `limit`.
pub(super) fn read(
    connection: &Connection,
    worker: &WorkerId,
    from: Ordinal,
    limit: u64,
) -> Result<Vec<(Ordinal, Entry)>, StoreError> {
    let failed = |e: rusqlite::Error| database_error("read the oplog", &e);
    let id = known_row_id(connection, worker)?;
    let mut select = connection
        .prepare_cached(
            "SELECT ordinal, coalesce(entries.bytes, payloads.bytes) FROM entries
             LEFT JOIN payloads ON payloads.id = entries.payload
             WHERE worker = ?1 AND ordinal >= ?2 ORDER BY ordinal LIMIT ?3",
        )
        .map_err(failed)?;
    let mut rows = select.query(params![id, sql(from.get()), sql(limit)]).map_err(failed)?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let ordinal = Ordinal::new(row.get::<_, i64>(0).map_err(failed)? as u64);
        let bad = |source| StoreError::BadEntry { worker: worker.clone(), ordinal, source };
        let bytes = row.get_ref(1).map_err(failed)?;
        let bytes = bytes.as_blob_or_null().ok().flatten().ok_or_else(|| bad(DecodeError::Checksum))?;
        entries.push((ordinal, codec::decode(bytes).map_err(bad)?));
    }
    Ok(entries)
}

fn known_row_id(connection: &Connection, worker: &WorkerId) -> Result<i64, StoreError> {
    row_id(connection, worker).map_err(|e| match e {
        WriteError::Refused(error) => error,
        WriteError::Failed(error) => database_error("read a worker", &error),
    })
}

pub(super) fn invocation(
    connection: &Connection,
    worker: &WorkerId,
    key: &IdempotencyKey,
) -> Result<Option<Invocation>, StoreError> {
    let id = known_row_id(connection, worker)?;
    let row: Option<(i64, Option<i64>)> = connection
        .prepare_cached("SELECT invoked, completed FROM invocations WHERE worker = ?1 AND key = ?2")
        .and_then(|mut s| s.query_row(params![id, key.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .map_err(|e| database_error("read an invocation", &e))?;
    let Some((invoked, completed)) = row else { return Ok(None) };
    let ordinal = Ordinal::new(invoked as u64);
    let entry = |ordinal: i64| {
        let entries = read(connection, worker, Ordinal::new(ordinal as u64), 1)?;
        entries.into_iter().next().map(|(_, entry)| entry.event).ok_or_else(|| lost(worker, ordinal))
    };
    let Event::Invoked(invoked) = entry(invoked)? else { return Err(lost(worker, invoked)) };
    let outcome = match completed {
        None => None,
        Some(completed) => match entry(completed)? {
            Event::Completed(Completed { outcome, .. }) => Some(outcome),
            _ => return Err(lost(worker, completed)),
        },
    };
    Ok(Some(Invocation { ordinal, invoked, outcome }))
}

fn lost(worker: &WorkerId, ordinal: i64) -> StoreError {
    StoreError::Damaged(format!("entry {ordinal} of worker `{worker}` is not what the invocations say"))
}
