//! What the queue promises.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::*;

fn worker() -> WorkerId {
    WorkerId::new("w".to_owned()).expect("a name")
}

fn request(key: &str) -> Request {
    let key = IdempotencyKey::new(key.to_owned()).expect("a key");
    Request { key, function: FunctionName::world("run"), arguments: vec![Wave::new("1".to_owned())] }
}

fn open(path: &Path) -> Queue {
    Queue::new(Registry::open(path, Arc::new(())).expect("a registry"), 10)
}

async fn put(queue: &Queue, key: &str) -> Ticket {
    assert_eq!(queue.put(&worker(), request(key)).await.expect("kept"), None);
    last(queue).await
}

async fn last(queue: &Queue) -> Ticket {
    let (_, last) = queue.find_and_last(&worker(), &request("nobody").key).await.expect("read");
    last.expect("it waits")
}

#[tokio::test]
async fn what_comes_later_has_a_later_ticket_when_the_queue_was_empty_in_between() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("registry");
    let queue = open(&path);
    let first = put(&queue, "1").await;
    queue.remove(&worker(), &request("1").key).await.expect("removed");
    let second = put(&queue, "2").await;
    assert!(first < second, "{first:?} {second:?}");
    queue.forget(&worker()).await.expect("forgotten");
    let third = put(&open(&path), "3").await;
    assert!(second < third, "{second:?} {third:?}");
}

#[tokio::test]
async fn a_queue_that_used_ids_again_is_brought_up_to_date_with_all_that_waits() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("registry");
    drop(open(&path));
    let old = TABLE.replace(" AUTOINCREMENT", "");
    assert_ne!(old, TABLE);
    let connection = Connection::open(&path).expect("the file");
    connection.execute_batch(&format!("DROP TABLE waiting; {old}; PRAGMA user_version = 2")).expect("an old registry");
    let row = "INSERT INTO waiting VALUES (?1, 'w', ?2, NULL, 'run', '[\"1\"]')";
    for (id, key) in [(7, "second"), (3, "first")] {
        connection.execute(row, params![id, key]).expect("it waits");
    }
    drop(connection);

    let queue = open(&path);
    let last = last(&queue).await;
    for key in ["first", "second"] {
        let (ticket, found) = queue.first(&worker()).await.expect("read").expect("it waits");
        assert_eq!(found, request(key));
        assert!(ticket <= last);
        queue.remove(&worker(), &found.key).await.expect("removed");
    }
    assert!(last < put(&queue, "third").await);
}
