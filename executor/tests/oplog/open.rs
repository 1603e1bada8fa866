//! Files that are no store, that are newer, or that are damaged.

use std::fs;
use std::path::Path;
use std::sync::Barrier;

use rusqlite::Connection;
use witwire_executor::oplog::{DecodeError, Digest, Ordinal, SqliteStore, Store, StoreError};

use super::{block_on, create, numbered, open, oplog, worker};

pub(super) fn new_directories() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("a/b/c/oplog.db");
    block_on(async { drop(create(&open(&database), "w").await) });
    block_on(async { assert_eq!(open(&database).workers().await.unwrap().len(), 1) });
}

pub(super) fn not_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    for content in ["x".to_owned(), "dear diary, ".to_owned(), "dear diary, ".repeat(1000)] {
        fs::write(&text, &content).unwrap();
        let error = SqliteStore::open(&text).unwrap_err();
        assert!(matches!(&error, StoreError::NotAStore { path, .. } if *path == text), "{error:?}");
        assert!(error.to_string().contains("notes.txt` is not a witwire store (it is not an SQLite database)"), "{error}");
        assert_eq!(fs::read_to_string(&text).unwrap(), content);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is written beside it");
    }
    let mut header = b"SQLite format 3\0".to_vec();
    header.extend([0xff; 200]);
    fs::write(&text, header).unwrap();
    assert!(matches!(SqliteStore::open(&text), Err(StoreError::NotAStore { .. } | StoreError::Damaged(_))));
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    // An empty file is the beginning of a store.
    fs::write(&text, "").unwrap();
    drop(open(&text));
}

pub(super) fn another_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(error.to_string().contains("it is an SQLite database of something else"), "{error}");
}

pub(super) fn newer_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::NewerStore { found: 99, known: 1, .. }), "{error:?}");
    assert!(error.to_string().contains("use a newer witwire"), "{error}");
}

pub(super) fn opened_by_many_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = directory.path().join(format!("{round}/oplog.db"));
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for i in 0..8 {
                let (path, barrier) = (&path, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    block_on(async { drop(create(&open(path), &format!("w{i}")).await) });
                });
            }
        });
        block_on(async { assert_eq!(open(&path).workers().await.unwrap().len(), 8) });
    }
}

/// A store with three entries, the second out of line, changed by SQL.
fn damaged(path: &Path, change: impl FnOnce(&Connection)) {
    block_on(async {
        let store = open(path);
        let lease = create(&store, "w").await;
        let entries = vec![numbered(0, 10), numbered(1, 10_000), numbered(2, 10)];
        store.append(&lease, Ordinal::ZERO, entries).durable().await.unwrap();
    });
    change(&Connection::open(path).unwrap());
}

/// The entry that cannot be read, and why.
fn bad_entry(path: &Path) -> (Ordinal, DecodeError) {
    block_on(async {
        let error = open(path).read(&worker("w"), Ordinal::ZERO).await.unwrap_err();
        match error {
            StoreError::BadEntry { worker: id, ordinal, source } if id == worker("w") => (ordinal, source),
            other => panic!("{other:?}"),
        }
    })
}

pub(super) fn damaged_entry() {
    let directory = tempfile::tempdir().unwrap();
    for (name, ordinal, sql) in [
        (
            "changed",
            2,
            "UPDATE entries SET bytes = CAST(substr(bytes, 1, 12) || x'00' || substr(bytes, 14) AS BLOB) WHERE ordinal = 2",
        ),
        ("cut", 0, "UPDATE entries SET bytes = substr(bytes, 1, 4) WHERE ordinal = 0"),
        ("changed-out-of-line", 1, "UPDATE payloads SET bytes = CAST(bytes || x'00' AS BLOB)"),
    ] {
        let path = directory.path().join(name);
        damaged(&path, |connection| assert_eq!(connection.execute(sql, []).unwrap(), 1));
        assert_eq!(bad_entry(&path), (Ordinal::new(ordinal), DecodeError::Checksum), "{name}");
    }
}

pub(super) fn newer_entry() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    damaged(&path, |connection| {
        // The frame of every version: 8 bytes of BLAKE3 of what follows, the version, the entry.
        let newer = [4, 1, 2, 3];
        let mut bytes = blake3::hash(&newer).as_bytes()[..8].to_vec();
        bytes.extend(newer);
        assert_eq!(connection.execute("UPDATE entries SET bytes = ?1 WHERE ordinal = 2", [bytes]).unwrap(), 1);
    });
    assert_eq!(bad_entry(&path), (Ordinal::new(2), DecodeError::Newer { found: 4, known: 3 }));
    block_on(async {
        let error = open(&path).read(&worker("w"), Ordinal::ZERO).await.unwrap_err().to_string();
        assert!(error.contains("entry 2 of worker `w`") && error.contains("use a newer witwire"), "{error}");
    });
}

pub(super) fn missing_payload() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    damaged(&path, |connection| {
        connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM payloads").unwrap();
    });
    assert_eq!(bad_entry(&path), (Ordinal::new(1), DecodeError::Checksum));
}

pub(super) fn damaged_blob() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    damaged(&path, |connection| assert_eq!(connection.execute("UPDATE blobs SET bytes = x'00'", []).unwrap(), 1));
    block_on(async {
        let error = open(&path).blob(Digest::of(b"component")).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    });
}

/// Overwritten pages: every answer is an error or the truth.
pub(super) fn damaged_pages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    damaged(&path, |connection| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    });
    let truth = block_on(async { oplog(&open(&path), "w").await });
    let whole = fs::read(&path).unwrap();
    let (mut errors, mut truths) = (0, 0);
    for page in 0..whole.len() / 8192 {
        let mut bytes = whole.clone();
        bytes[page * 8192..(page + 1) * 8192].fill(0xa5);
        let copy = directory.path().join(format!("page-{page}"));
        fs::write(&copy, bytes).unwrap();
        let read =
            SqliteStore::open(&copy).and_then(|store| block_on(async { store.read(&worker("w"), Ordinal::ZERO).await }));
        match read {
            Ok(entries) => {
                assert_eq!(entries, truth, "page {page}");
                truths += 1;
            }
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 0 && truths > 0, "{errors} errors, {truths} truths");
}
