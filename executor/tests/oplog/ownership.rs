//! One owner at a time, also across processes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use witwire_executor::oplog::{Ordinal, Store, StoreError};

use super::{CHILD, block_on, create, numbered, open, oplog, worker};

/// Holds a worker until it is killed.
pub(super) async fn child(database: &Path, name: &str) {
    let store = open(database);
    let lease = store.acquire(&worker(name)).await.unwrap();
    store.append(&lease, Ordinal::ZERO, vec![numbered(0, 1)]).durable().await.unwrap();
    println!("held");
    // Waits for a word that never comes.
    let _ = std::io::stdin().read(&mut [0]);
    drop(lease);
}

/// A child that holds a worker.
fn holder(database: &Path, name: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([CHILD, "hold"])
        .arg(database)
        .arg(name)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "held");
    child
}

pub(super) fn of_another_process() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("oplog.db");
    block_on(async {
        let store = open(&database);
        drop(create(&store, "w").await);
        let mut child = holder(&database, "w");
        let error = store.acquire(&worker("w")).await.unwrap_err();
        assert!(matches!(&error, StoreError::Owned(id) if *id == worker("w")), "{error:?}");
        assert!(error.to_string().contains("worker `w` is running in another process"), "{error}");
        // Reading needs no right.
        assert_eq!(oplog(&store, "w").await, [(Ordinal::ZERO, numbered(0, 1))]);
        child.kill().unwrap();
        child.wait().unwrap();
        let lease = store.acquire(&worker("w")).await.unwrap();
        store.append(&lease, Ordinal::new(1), vec![numbered(1, 1)]).durable().await.unwrap();
    });
}

pub(super) fn within_a_process() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("oplog.db");
    block_on(async {
        let (one, two) = (open(&database), open(&database));
        let lease = create(&one, "w").await;
        for store in [&one, &two] {
            assert!(matches!(store.acquire(&worker("w")).await, Err(StoreError::Owned(_))));
        }
        // The right lasts until what was appended under it is durable.
        let ticket = one.append(&lease, Ordinal::ZERO, (0..500).map(|i| numbered(i, 5000)).collect());
        drop(lease);
        ticket.durable().await.unwrap();
        let lease = two.acquire(&worker("w")).await.unwrap();
        two.append(&lease, Ordinal::new(500), vec![numbered(500, 1)]).durable().await.unwrap();
        assert_eq!(oplog(&one, "w").await.len(), 501);
        // Whoever counts wrongly is told, and can append nothing more.
        let conflict = two.append(&lease, Ordinal::new(500), vec![numbered(500, 1)]).durable().await.unwrap_err();
        assert!(matches!(conflict, StoreError::Conflict { actual, .. } if actual == Ordinal::new(501)), "{conflict:?}");
        let lost = two.append(&lease, Ordinal::new(501), vec![numbered(501, 1)]).durable().await.unwrap_err();
        assert!(matches!(lost, StoreError::LeaseLost(_)), "{lost:?}");
    });
}

/// Two processes share a store, each with workers of its own.
pub(super) fn workers_of_two_processes() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("oplog.db");
    block_on(async {
        let store = open(&database);
        let mine = create(&store, "mine").await;
        drop(create(&store, "theirs").await);
        let mut child = holder(&database, "theirs");
        store.append(&mine, Ordinal::ZERO, vec![numbered(0, 1)]).durable().await.unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        for name in ["mine", "theirs"] {
            assert_eq!(oplog(&store, name).await, [(Ordinal::ZERO, numbered(0, 1))]);
        }
    });
}
