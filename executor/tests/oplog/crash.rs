//! What is left after a kill, or after a log that ends anywhere.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use witwire_executor::oplog::{Ordinal, Store};

use super::{CHILD, block_on, create, numbered, open, oplog, worker};

/// Entries that are appended together.
const GROUP: u64 = 3;
/// Appends on their way at a time.
const FLYING: u64 = 8;

/// An entry of the killed worker. Some stand out of line.
fn entry(ordinal: u64) -> witwire_executor::oplog::Entry {
    numbered(ordinal, if ordinal.is_multiple_of(7) { 20_000 } else { 100 })
}

/// Appends for ever; says after each group how many entries are durable.
pub(super) async fn child(database: &Path) {
    let store = open(database);
    let lease = store.acquire(&worker("w")).await.unwrap();
    let mut end = store.worker(&worker("w")).await.unwrap().unwrap().entries.get();
    let mut flying = std::collections::VecDeque::new();
    loop {
        let group = (end..end + GROUP).map(entry).collect();
        let ticket = store.append(&lease, Ordinal::new(end), group);
        end += GROUP;
        flying.push_back((end, ticket));
        if flying.len() as u64 == FLYING {
            let (durable, ticket) = flying.pop_front().unwrap();
            ticket.durable().await.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "{durable}").and_then(|()| out.flush()).unwrap();
        }
    }
}

/// The oplog is a prefix of what was appended, in whole groups; its length.
fn check(entries: &[(Ordinal, witwire_executor::oplog::Entry)]) -> u64 {
    for (i, (ordinal, found)) in (0u64..).zip(entries) {
        assert_eq!(ordinal.get(), i);
        assert_eq!(*found, entry(i));
    }
    assert_eq!(entries.len() as u64 % GROUP, 0, "a group is half there");
    entries.len() as u64
}

pub(super) fn killed_while_appending() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("oplog.db");
    block_on(async { drop(create(&open(&database), "w").await) });
    let mut length = 0;
    for round in 1..=12usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([CHILD, "append"])
            .arg(&database)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut durable: u64 = 0;
        for _ in 0..round * 3 {
            durable = lines.next().expect("the child appends until it is killed").unwrap().parse().unwrap();
        }
        child.kill().unwrap();
        // What it said before it died counts too; a last line may be cut.
        for line in lines.map_while(Result::ok) {
            durable = line.parse().map_or(durable, |n: u64| n.max(durable));
        }
        assert!(!child.wait().unwrap().success());
        block_on(async {
            let store = open(&database);
            drop(store.acquire(&worker("w")).await.expect("the lease dies with its process"));
            let now = check(&oplog(&store, "w").await);
            assert!(now >= durable, "{durable} entries were durable, {now} are there");
            assert!(now > length, "round {round} appended nothing");
            length = now;
        });
    }
}

/// A power cut may leave any beginning of the log: each is a prefix of the oplog, in whole groups.
pub(super) fn log_cut_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("oplog.db");
    block_on(async {
        // All but the worker itself stays in the log.
        drop(create(&open(&database), "w").await);
        let store = open(&database);
        let lease = store.acquire(&worker("w")).await.unwrap();
        for end in (0..30).step_by(GROUP as usize) {
            let group = (end..end + GROUP).map(entry).collect();
            store.append(&lease, Ordinal::new(end), group).durable().await.unwrap();
        }
        let (whole, log) = (fs::read(&database).unwrap(), fs::read(directory.path().join("oplog.db-wal")).unwrap());
        assert!(log.len() > 100_000, "the log is {} bytes only", log.len());
        let mut lengths = Vec::new();
        let cuts = (0..=log.len()).step_by(log.len() / 60).chain([log.len()]);
        for cut in cuts {
            let copy = directory.path().join(format!("cut-{cut}"));
            fs::create_dir(&copy).unwrap();
            fs::write(copy.join("oplog.db"), &whole).unwrap();
            fs::write(copy.join("oplog.db-wal"), &log[..cut]).unwrap();
            lengths.push(check(&oplog(&open(&copy.join("oplog.db")), "w").await));
        }
        assert!(lengths.is_sorted());
        assert_eq!((lengths.first(), lengths.last()), (Some(&0), Some(&30)));
    });
}
