//! The SQLite store does what the model does, also when it is closed and opened in between.

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use witwire_executor::oplog::{
    ComponentDigest, Digest, DigestKey, Entry, IdempotencyKey, IrDigest, Lease, MemoryStore, NewWorker, Ordinal,
    SqliteStore, Status, Store, StoreError, SuspendReason, Ticket, Worker, WorkerId,
};

use super::arbitrary;
use super::{block_on, create, numbered, oplog, worker};

/// What can be done to a store. Workers and blobs are a few, so that operations meet.
#[derive(Debug, Clone)]
enum Operation {
    PutBlob(u8),
    Blob(u8),
    Create {
        worker: u8,
        component: u8,
        irs: Vec<u8>,
        config: String,
    },
    Acquire(u8),
    Release(u8),
    /// At the end of the oplog, so many places off.
    Append {
        worker: u8,
        off: i8,
        entries: Vec<Entry>,
    },
    SetStatus(u8, Status),
    Delete(u8),
    /// Waits for everything that was appended.
    Await,
    Reopen,
    Read {
        worker: u8,
        from: u64,
    },
    Invocation(u8, IdempotencyKey),
}

fn status() -> impl Strategy<Value = Status> {
    let reason =
        prop_oneof![Just(SuspendReason::Divergence), Just(SuspendReason::InDoubt), Just(SuspendReason::Interrupted)];
    prop_oneof![
        Just(Status::Idle),
        Just(Status::Running),
        (reason, any::<String>()).prop_map(|(reason, detail)| Status::Suspended { reason, detail }),
        any::<String>().prop_map(|detail| Status::Failed { detail }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let w = || 0u8..2;
    let off = prop_oneof![12 => Just(0i8), 1 => -2i8..3];
    prop_oneof![
        2 => (0u8..3).prop_map(Operation::PutBlob),
        1 => (0u8..3).prop_map(Operation::Blob),
        2 => (w(), 0u8..3, prop::collection::vec(0u8..3, 0..3), any::<String>())
            .prop_map(|(worker, component, irs, config)| Operation::Create { worker, component, irs, config }),
        4 => w().prop_map(Operation::Acquire),
        1 => w().prop_map(Operation::Release),
        10 => (w(), off, prop::collection::vec(arbitrary::entry(), 0..4))
            .prop_map(|(worker, off, entries)| Operation::Append { worker, off, entries }),
        1 => (w(), status()).prop_map(|(worker, status)| Operation::SetStatus(worker, status)),
        1 => w().prop_map(Operation::Delete),
        2 => Just(Operation::Await),
        1 => Just(Operation::Reopen),
        3 => (w(), 0u64..8).prop_map(|(worker, from)| Operation::Read { worker, from }),
        3 => (w(), arbitrary::key()).prop_map(|(worker, key)| Operation::Invocation(worker, key)),
    ]
}

/// Both stores, and what is held in both.
struct Pair {
    path: PathBuf,
    /// `None` only while it is being opened anew.
    sqlite: Option<SqliteStore>,
    model: MemoryStore,
    leases: HashMap<u8, (Lease, Lease)>,
    tickets: Vec<(Ticket, Ticket)>,
}

fn name(worker: u8) -> WorkerId {
    WorkerId::new(format!("worker-{worker}")).unwrap()
}

fn content(blob: u8) -> Vec<u8> {
    vec![blob; usize::from(blob) * 5000]
}

/// Equal results: equal values, or errors that say the same.
fn assert_same<T: Debug + PartialEq>(sqlite: &Result<T, StoreError>, model: &Result<T, StoreError>, what: &str) {
    match (sqlite, model) {
        (Ok(a), Ok(b)) => assert_eq!(a, b, "{what}"),
        (Err(a), Err(b)) => assert_eq!(format!("{a:?}"), format!("{b:?}"), "{what}"),
        _ => panic!("{what}: {sqlite:?} is not {model:?}"),
    }
}

/// A worker without what is random in it.
fn plain(worker: Worker) -> Worker {
    Worker { digest_key: DigestKey::from_bytes([0; 32]), ..worker }
}

impl Pair {
    fn new(path: PathBuf) -> Self {
        let sqlite = Some(SqliteStore::open(&path).unwrap());
        Self { path, sqlite, model: MemoryStore::new(), leases: HashMap::new(), tickets: Vec::new() }
    }

    fn sqlite(&self) -> &SqliteStore {
        self.sqlite.as_ref().unwrap()
    }

    async fn settle(&mut self) {
        for (sqlite, model) in self.tickets.drain(..) {
            assert_same(&sqlite.durable().await, &model.durable().await, "a ticket");
        }
    }

    async fn apply(&mut self, operation: Operation) {
        let what = format!("{operation:?}");
        match operation {
            Operation::PutBlob(blob) => {
                let results = (self.sqlite().put_blob(content(blob)).await, self.model.put_blob(content(blob)).await);
                assert_same(&results.0, &results.1, &what);
            }
            Operation::Blob(blob) => {
                let digest = Digest::of(&content(blob));
                assert_same(&self.sqlite().blob(digest).await, &self.model.blob(digest).await, &what);
            }
            Operation::Create { worker, component, irs, config } => {
                let new = NewWorker {
                    id: name(worker),
                    component: ComponentDigest(Digest::of(&content(component))),
                    irs: irs.into_iter().map(|ir| IrDigest(Digest::of(&content(ir)))).collect(),
                    config,
                };
                let sqlite = self.sqlite().create(new.clone()).await.map(plain);
                assert_same(&sqlite, &self.model.create(new).await.map(plain), &what);
            }
            Operation::Acquire(worker) => {
                let sqlite = self.sqlite().acquire(&name(worker)).await;
                let model = self.model.acquire(&name(worker)).await;
                let same = |lease: &Result<Lease, StoreError>| match lease {
                    Ok(lease) => Ok(lease.worker().clone()),
                    Err(error) => Err(error.clone()),
                };
                assert_same(&same(&sqlite), &same(&model), &what);
                if let (Ok(sqlite), Ok(model)) = (sqlite, model) {
                    self.leases.insert(worker, (sqlite, model));
                }
            }
            Operation::Release(worker) => drop(self.leases.remove(&worker)),
            Operation::Append { worker, off, entries } => {
                let Some((sqlite, model)) = self.leases.get(&worker) else { return };
                let end = self.model.worker(&name(worker)).await.unwrap().map_or(0, |w| w.entries.get());
                let next = Ordinal::new(end.saturating_add_signed(i64::from(off)));
                let tickets = (self.sqlite().append(sqlite, next, entries.clone()), self.model.append(model, next, entries));
                self.tickets.push(tickets);
            }
            Operation::SetStatus(worker, status) => {
                let Some((sqlite, model)) = self.leases.get(&worker) else { return };
                let tickets = (self.sqlite().set_status(sqlite, status.clone()), self.model.set_status(model, status));
                self.tickets.push(tickets);
            }
            Operation::Delete(worker) => {
                let Some((sqlite, model)) = self.leases.remove(&worker) else { return };
                let results = (self.sqlite().delete(sqlite).await, self.model.delete(model).await);
                assert_same(&results.0, &results.1, &what);
            }
            Operation::Await => self.settle().await,
            Operation::Reopen => {
                // What was appended and not awaited is committed on the way.
                self.leases.clear();
                drop(self.sqlite.take());
                self.sqlite = Some(SqliteStore::open(&self.path).unwrap());
            }
            Operation::Read { worker, from } => {
                self.settle().await;
                let (worker, from) = (name(worker), Ordinal::new(from));
                let results = (self.sqlite().read(&worker, from).await, self.model.read(&worker, from).await);
                assert_same(&results.0, &results.1, &what);
            }
            Operation::Invocation(worker, key) => {
                self.settle().await;
                let worker = name(worker);
                let results = (self.sqlite().invocation(&worker, &key).await, self.model.invocation(&worker, &key).await);
                assert_same(&results.0, &results.1, &what);
            }
        }
    }

    async fn compare(&mut self) {
        self.settle().await;
        let all = |workers: Vec<Worker>| workers.into_iter().map(plain).collect::<Vec<_>>();
        let (sqlite, model) = (self.sqlite().workers().await, self.model.workers().await);
        assert_same(&sqlite.map(all), &model.map(all), "all workers");
        for worker in [0, 1].map(name) {
            let (sqlite, model) = (self.sqlite().worker(&worker).await, self.model.worker(&worker).await);
            assert_same(&sqlite.map(|w| w.map(plain)), &model.map(|w| w.map(plain)), "a worker");
            let (sqlite, model) =
                (self.sqlite().read(&worker, Ordinal::ZERO).await, self.model.read(&worker, Ordinal::ZERO).await);
            assert_same(&sqlite, &model, "an oplog");
        }
    }
}

pub(super) fn operations() {
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    // A worker that exists and is owned comes first, so that most operations have something to work on.
    let begin = [
        Operation::PutBlob(0),
        Operation::Create { worker: 0, component: 0, irs: vec![0], config: String::new() },
        Operation::Acquire(0),
    ];
    TestRunner::new(config)
        .run(&prop::collection::vec(operation(), 1..40), |operations| {
            let directory = tempfile::tempdir().unwrap();
            block_on(async {
                let mut pair = Pair::new(directory.path().join("oplog.db"));
                for operation in begin.iter().cloned().chain(operations) {
                    pair.apply(operation).await;
                }
                pair.compare().await;
                pair.apply(Operation::Reopen).await;
                pair.compare().await;
            });
            Ok(())
        })
        .unwrap();
}

/// Appends that nobody waited for are in the oplog that the next owner reads.
pub(super) fn a_dropped_lease_is_free_at_once() {
    let directory = tempfile::tempdir().unwrap();
    block_on(async {
        let store = super::open(&directory.path().join("oplog.db"));
        let mut lease = create(&store, "w").await;
        for round in 0..50u64 {
            drop(store.append(&lease, Ordinal::new(round), vec![numbered(round, 10)]));
            drop(lease);
            lease = store.acquire(&worker("w")).await.unwrap();
            assert_eq!(oplog(&store, "w").await.len() as u64, round + 1);
        }
    });
}
