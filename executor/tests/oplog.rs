//! The oplog's stores: the SQLite store against the model, under kills, cuts and damage.

#![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

mod arbitrary;
mod crash;
mod model;
mod open;
mod ownership;
mod poison;
mod secrets;

use std::future::Future;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use witwire_executor::oplog::{
    ComponentDigest, Entry, Event, IdempotencyKey, Lease, NewWorker, Ordinal, RandomBytes, SqliteStore, Store, Timestamp,
    WorkerId,
};

/// The argument after which this binary plays a child of these tests.
pub(crate) const CHILD: &str = "--oplog-child";

/// Plays a child: the arguments after [`CHILD`].
pub(crate) fn child(arguments: &[String]) {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["append", database] => block_on(crash::child(Path::new(database))),
        ["hold", database, worker] => block_on(ownership::child(Path::new(database), worker)),
        other => panic!("no such child: {other:?}"),
    }
}

/// All trials of this module.
pub(crate) fn trials() -> Vec<Trial> {
    let trials: &[(&str, fn())] = &[
        ("model/operations", model::operations),
        ("model/a_dropped_lease_is_free_at_once", model::a_dropped_lease_is_free_at_once),
        ("crash/killed_while_appending", crash::killed_while_appending),
        ("crash/log_cut_anywhere", crash::log_cut_anywhere),
        ("ownership/of_another_process", ownership::of_another_process),
        ("ownership/within_a_process", ownership::within_a_process),
        ("ownership/workers_of_two_processes", ownership::workers_of_two_processes),
        ("open/new_directories", open::new_directories),
        ("open/not_a_database", open::not_a_database),
        ("open/another_database", open::another_database),
        ("open/newer_store", open::newer_store),
        ("open/opened_by_many_at_once", open::opened_by_many_at_once),
        ("damage/entry", open::damaged_entry),
        ("damage/newer_entry", open::newer_entry),
        ("damage/missing_payload", open::missing_payload),
        ("damage/blob", open::damaged_blob),
        ("damage/pages", open::damaged_pages),
        ("poison/failed_commit", poison::failed_commit),
        ("secrets/nothing_secret_is_written_or_shown", secrets::nothing_secret_is_written_or_shown),
    ];
    let trial = |(name, run): &(&str, fn())| {
        let run = *run;
        Trial::test(format!("oplog/{name}"), move || {
            run();
            Ok::<(), Failed>(())
        })
    };
    trials.iter().map(trial).collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn open(database: &Path) -> SqliteStore {
    SqliteStore::open(database).unwrap()
}

fn worker(name: &str) -> WorkerId {
    WorkerId::new(name).unwrap()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

/// Creates a worker of a component that is no component, and acquires it.
async fn create(store: &dyn Store, name: &str) -> Lease {
    let component = ComponentDigest(store.put_blob(b"component".to_vec()).await.unwrap());
    let new = NewWorker { id: worker(name), component, irs: Vec::new(), config: "{}".into() };
    store.create(new).await.unwrap();
    store.acquire(&worker(name)).await.unwrap()
}

/// An entry of so many bytes that tells its ordinal.
fn numbered(ordinal: u64, len: usize) -> Entry {
    let mut bytes = vec![ordinal as u8; len];
    bytes.extend_from_slice(&ordinal.to_le_bytes());
    Entry { at: Timestamp::from_millis(ordinal), event: Event::Random(RandomBytes(bytes.into())) }
}

/// The whole oplog of a worker.
async fn oplog(store: &dyn Store, name: &str) -> Vec<(Ordinal, Entry)> {
    store.read(&worker(name), Ordinal::ZERO).await.unwrap()
}
