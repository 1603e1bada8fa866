//! The database file: opening, creating, recognising.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::super::id::WorkerId;
use super::super::store::StoreError;

/// Marks a database as a store: "wwop" in ASCII.
const APPLICATION: i64 = 0x7777_6f70;
/// The format that is written, and the newest that is read.
const FORMAT: i64 = 1;
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
    /// Makes the directories. Refuses a file that cannot be a database before anything is written beside it.
    pub(super) fn prepare(database: &Path) -> Result<Self, StoreError> {
        recognise(database)?;
        let mut locks = database.as_os_str().to_owned();
        locks.push(".locks");
        let files = Self { database: database.to_owned(), locks: locks.into() };
        create_directory(&files.locks)?;
        Ok(files)
    }

    /// Opens the database, and creates it first if need be. Gives a connection that writes and one that reads.
    pub(super) fn open(&self) -> Result<(Connection, Connection), StoreError> {
        // One process at a time, since SQLite's change to WAL does not wait for others.
        let lock = self.lock_file("open")?;
        lock.lock().map_err(|e| file_error("lock", &self.locks, &e))?;
        let mut writer = self.connect()?;
        self.create_or_check(&mut writer).map_err(|e| self.open_error(e))??;
        let set_up = |connection: &Connection, pragmas: &str| connection.execute_batch(pragmas);
        set_up(&writer, "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;")
            .map_err(|e| self.open_error(e))?;
        let reader = self.connect()?;
        set_up(&reader, "PRAGMA query_only = ON;").map_err(|e| self.open_error(e))?;
        Ok((writer, reader))
    }

    /// Takes a worker's lock for as long as the file is open.
    pub(super) fn lock_worker(&self, worker: &WorkerId) -> Result<File, StoreError> {
        // Some file systems do not distinguish the case of names, workers do.
        let file = self.lock_file(&blake3::hash(worker.as_str().as_bytes()).to_hex()[..32])?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StoreError::Owned(worker.clone())),
            Err(TryLockError::Error(e)) => Err(file_error("lock", &self.locks, &e)),
        }
    }

    fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        let path = self.locks.join(name);
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| file_error("open", &path, &e))
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.database, flags).map_err(|e| self.open_error(e))?;
        connection.busy_timeout(BUSY).map_err(|e| self.open_error(e))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// The outer result is SQLite's, the inner one ours.
    fn create_or_check(&self, connection: &mut Connection) -> rusqlite::Result<Result<(), StoreError>> {
        let number = |connection: &Connection, sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let tables = number(connection, "SELECT count(*) FROM sqlite_master")?;
        if tables == 0 {
            // The page size holds for what is written after it; the mark and the tables come in one transaction, and WAL mode
            // last, so that a file cut short by a crash is empty or whole.
            connection.execute_batch("PRAGMA page_size = 8192; PRAGMA synchronous = FULL;")?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            transaction.execute_batch(TABLES)?;
            transaction.commit()?;
        } else {
            let path = self.database.clone();
            if number(connection, "PRAGMA application_id")? != APPLICATION {
                return Ok(Err(StoreError::NotAStore { path, found: "it is an SQLite database of something else" }));
            }
            let found = number(connection, "PRAGMA user_version")?;
            if found > FORMAT {
                return Ok(Err(StoreError::NewerStore { path, found, known: FORMAT }));
            }
        }
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Ok(Err(StoreError::Database {
                doing: "open the store",
                message: "its file system does not support SQLite's write-ahead log".to_owned(),
            }));
        }
        Ok(Ok(()))
    }

    fn open_error(&self, error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                StoreError::NotAStore { path: self.database.clone(), found: "it is not an SQLite database" }
            }
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                StoreError::File { doing: "open", path: self.database.clone(), message: error.to_string() }
            }
            _ => database_error("open the store", &error),
        }
    }
}

/// Refuses an existing file that does not begin like an SQLite database.
fn recognise(database: &Path) -> Result<(), StoreError> {
    let mut head = Vec::new();
    match File::open(database).and_then(|file| file.take(16).read_to_end(&mut head)) {
        Ok(0) => Ok(()),
        Ok(_) if head == b"SQLite format 3\0" => Ok(()),
        Ok(_) => Err(StoreError::NotAStore { path: database.to_owned(), found: "it is not an SQLite database" }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(file_error("open", database, &e)),
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
