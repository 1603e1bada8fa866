//! A commit that fails.

use rusqlite::Connection;
use witwire_executor::oplog::{Ordinal, Store, StoreError};

use super::{block_on, create, numbered, open, oplog, worker};

/// Lets the commit itself fail, as a full disk would: a foreign key that is looked at only then.
const FAIL: &str = "
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER fail AFTER INSERT ON entries BEGIN INSERT INTO child VALUES (1); END;
";
const HEAL: &str = "DROP TRIGGER fail; DROP TABLE child; DROP TABLE parent;";

pub(super) fn failed_commit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("oplog.db");
    block_on(async {
        let store = open(&path);
        let (one, two) = (create(&store, "one").await, create(&store, "two").await);
        store.append(&one, Ordinal::ZERO, vec![numbered(0, 1)]).durable().await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch(FAIL).unwrap();

        let tickets = [
            store.append(&one, Ordinal::new(1), vec![numbered(1, 1)]),
            store.append(&one, Ordinal::new(2), vec![numbered(2, 1)]),
        ];
        for ticket in tickets {
            let error = ticket.durable().await.unwrap_err();
            assert!(matches!(&error, StoreError::Poisoned { .. }), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("FOREIGN KEY") && text.contains("open the store anew"), "{text}");
        }
        // The cause is gone, and still nothing more is written: not of this worker, not of another, not anything.
        other.execute_batch(HEAL).unwrap();
        let next = store.append(&one, Ordinal::new(1), vec![numbered(1, 1)]);
        assert!(matches!(next.durable().await, Err(StoreError::Poisoned { .. })));
        let next = store.append(&two, Ordinal::ZERO, vec![numbered(0, 1)]);
        assert!(matches!(next.durable().await, Err(StoreError::Poisoned { .. })));
        assert!(matches!(store.put_blob(vec![1]).await, Err(StoreError::Poisoned { .. })));
        drop((one, two));
        assert!(matches!(store.acquire(&worker("one")).await, Err(StoreError::Poisoned { .. })));
        // What was durable can be read.
        assert_eq!(oplog(&store, "one").await.len(), 1);

        drop(store);
        let store = open(&path);
        assert_eq!(oplog(&store, "one").await, [(Ordinal::ZERO, numbered(0, 1))]);
        let lease = store.acquire(&worker("one")).await.unwrap();
        store.append(&lease, Ordinal::new(1), vec![numbered(1, 1)]).durable().await.unwrap();
    });
}
