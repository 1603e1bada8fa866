//! The database file: opening, creating, recognising.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::super::id::WorkerId;
use super::super::store::StoreError;
use super::writer::WriteError;

/// Marks a database as a store: "wwop" in ASCII.
const APPLICATION: i64 = 0x7777_6f70;
/// The format that is written, and the newest that is read.
const FORMAT: i64 = 1;
/// The smallest database, in bytes. SQLite overwrites smaller files as if they were empty.
const SMALLEST: u64 = 512;
/// How long a write waits for another process's commit.
const BUSY: Duration = Duration::from_secs(30);

/// Entries stand in the order of their arrival, whatever worker they are of: appends then go to the end of the file. Large
/// entries stand in a table of their own, so that the pages of `entries` stay dense.
const TABLES: &str = "
CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE workers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    component BLOB NOT NULL REFERENCES blobs (digest),
    config TEXT NOT NULL,
    digest_key BLOB NOT NULL,
    status TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE irs (
    worker INTEGER NOT NULL REFERENCES workers (id),
    position INTEGER NOT NULL,
    digest BLOB NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (worker, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE payloads (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
    arrival INTEGER PRIMARY KEY,
    worker INTEGER NOT NULL REFERENCES workers (id),
    ordinal INTEGER NOT NULL,
    bytes BLOB,
    payload INTEGER REFERENCES payloads (id),
    UNIQUE (worker, ordinal),
    CHECK ((bytes IS NULL) <> (payload IS NULL))
) STRICT;
CREATE TABLE invocations (
    worker INTEGER NOT NULL REFERENCES workers (id),
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    invoked INTEGER NOT NULL,
    completed INTEGER,
    PRIMARY KEY (worker, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX invocations_by_number ON invocations (worker, number);
";

/// The files of a store: the database, and beside it a directory of lock files, which the operating system frees when a process
/// dies. Lock files are never deleted: whoever opened one before would then lock another file than whoever opens it after.
#[derive(Debug, Clone)]
pub(super) struct Files {
    database: PathBuf,
    locks: PathBuf,
}

impl Files {
    /// Makes the directories. Refuses a file that is something else before anything is written beside it.
    pub(super) fn prepare(database: &Path) -> Result<Self, StoreError> {
        // Absolute, so that no name means something special to SQLite, and the working directory may change.
        let database = std::path::absolute(database).map_err(|e| file_error("find", database, &e))?;
        let mut locks = database.clone().into_os_string();
        locks.push(".locks");
        let files = Self { database, locks: locks.into() };
        match fs::metadata(&files.database) {
            // Only SQLite itself may open the file: closing it elsewhere would end the locks that this process has on it.
            Ok(metadata) if metadata.is_file() && (1..SMALLEST).contains(&metadata.len()) => {
                let found = "it is not an SQLite database";
                return Err(StoreError::NotAStore { path: files.database, found });
            }
            Ok(metadata) if metadata.len() > 0 => {
                let connection = files.connect(OpenFlags::empty())?;
                files.tell(files.recognise(&connection))?;
            }
            _ => {}
        }
        create_directory(&files.locks)?;
        Ok(files)
    }

    /// Opens the database, and creates it first if need be. Gives a connection that writes and one that reads.
    pub(super) fn open(&self) -> Result<(Connection, Connection), StoreError> {
        // One process at a time, since SQLite's change to WAL does not wait for others.
        let lock = Lock(self.lock_file("open")?);
        lock.0.lock().map_err(|e| file_error("lock", &self.locks, &e))?;
        let mut writer = self.connect(OpenFlags::SQLITE_OPEN_CREATE)?;
        self.tell(self.set_up(&mut writer))?;
        let reader = self.connect(OpenFlags::empty())?;
        self.tell(reader.execute_batch("PRAGMA query_only = ON").map_err(WriteError::from))?;
        Ok((writer, reader))
    }

    /// Takes a worker's lock.
    pub(super) fn lock_worker(&self, worker: &WorkerId) -> Result<Lock, StoreError> {
        // Some file systems do not distinguish the case of names, workers do.
        let file = self.lock_file(&blake3::hash(worker.as_str().as_bytes()).to_hex()[..32])?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Owned(worker.clone())),
            Err(TryLockError::Error(e)) => Err(file_error("lock", &self.locks, &e)),
        }
    }

    fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        let path = self.locks.join(name);
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| file_error("open", &path, &e))
    }

    fn connect(&self, create: OpenFlags) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let connection = Connection::open_with_flags(&self.database, flags).map_err(|e| self.open_error(&e))?;
        connection.busy_timeout(BUSY).map_err(|e| self.open_error(&e))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// Whether the database has the tables of a store (`true`) or none at all.
    fn recognise(&self, connection: &Connection) -> Result<bool, WriteError> {
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        if number("SELECT count(*) FROM sqlite_master")? == 0 {
            return Ok(false);
        }
        let path = || self.database.clone();
        if number("PRAGMA application_id")? != APPLICATION {
            let found = "it is an SQLite database of something else";
            return Err(WriteError::Refused(StoreError::NotAStore { path: path(), found }));
        }
        let found = number("PRAGMA user_version")?;
        if found > FORMAT {
            return Err(WriteError::Refused(StoreError::NewerStore { path: path(), found, known: FORMAT }));
        }
        Ok(true)
    }

    /// Creates what is missing, and sets the connection up to write.
    fn set_up(&self, connection: &mut Connection) -> Result<(), WriteError> {
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;")?;
        if !self.recognise(connection)? {
            // The page size holds for what is written after it; the mark and the tables come in one transaction, and WAL mode
            // last, so that a file cut short by a crash is empty or whole.
            connection.execute_batch("PRAGMA page_size = 8192")?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            transaction.execute_batch(TABLES)?;
            transaction.commit()?;
        }
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode == "wal" {
            Ok(())
        } else {
            let message = "its file system does not support SQLite's write-ahead log".to_owned();
            Err(WriteError::Refused(StoreError::Database { doing: "open the store", message }))
        }
    }

    fn tell<T>(&self, result: Result<T, WriteError>) -> Result<T, StoreError> {
        result.map_err(|error| match error {
            WriteError::Refused(error) => error,
            WriteError::Failed(error) => self.open_error(&error),
        })
    }

    fn open_error(&self, error: &rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                StoreError::NotAStore { path: self.database.clone(), found: "it is not an SQLite database" }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                StoreError::File { doing: "open", path: self.database.clone(), message: error.to_string() }
            }
            _ => database_error("open the store", error),
        }
    }
}

/// A lock on a file, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

/// Unlocks by word, not by closing: a process that is just being spawned may share the open file for a moment.
impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file, which comes next, is the second way to unlock it.
        let _ = self.0.unlock();
    }
}

/// Creates a directory and its parents, durably: on Unix a new name is only as durable as the directory that it stands in.
fn create_directory(path: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    fs::create_dir_all(path).map_err(|e| file_error("create", path, &e))?;
    #[cfg(unix)]
    for directory in missing {
        let parent = directory.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|d| d.sync_all()).map_err(|e| file_error("sync", parent, &e))?;
    }
    Ok(())
}

fn file_error(doing: &'static str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::File { doing, path: path.to_owned(), message: error.to_string() }
}

/// What SQLite says.
pub(super) fn database_error(doing: &'static str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged(format!("SQLite cannot {doing}: {error}"))
        }
        _ => StoreError::Database { doing, message: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

    use super::*;

    /// What durability rests on. The synchronous mode belongs to a connection and cannot be seen from outside.
    #[test]
    fn the_writer_syncs_at_every_commit() {
        let directory = tempfile::tempdir().unwrap();
        let (writer, reader) = Files::prepare(&directory.path().join("oplog.db")).unwrap().open().unwrap();
        let number = |c: &Connection, sql: &str| c.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number(&writer, "PRAGMA synchronous"), 2, "2 is FULL");
        assert_eq!(number(&writer, "PRAGMA foreign_keys"), 1);
        assert_eq!(number(&reader, "PRAGMA query_only"), 1);
        assert_eq!(number(&reader, "PRAGMA page_size"), 8192);
        let mode: String = writer.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }
}
