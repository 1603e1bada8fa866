//! The example service on a thread of its own.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use todo_service::{Assignee, Priority, Service, Store, Todo};
use tokio::sync::oneshot;

/// The token of the REST face.
pub(super) const TOKEN: &str = "bench";

/// A service that runs until this is dropped.
pub(super) struct Served {
    /// The gRPC endpoint.
    pub(super) grpc: String,
    /// The REST server's base URL.
    pub(super) rest: String,
    _stop: oneshot::Sender<()>,
}

impl Served {
    /// Serves so many items. Answers are not compressed: that would cost the service more than a call costs its host.
    pub(super) fn start(items: u32) -> Self {
        let service = Service::new(Some(TOKEN)).uncompressed();
        fill(&service.store, items);
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of one thread");
            runtime.block_on(async {
                let running = service.start().await.expect("a port of the loopback interface");
                let _ = tell.send((running.url(), running.rest_url()));
                // Ends when the sender is dropped.
                let _ = stopped.await;
            });
        });
        let (grpc, rest) = told.recv().expect("the service starts");
        Self { grpc, rest, _stop: stop }
    }
}

/// One label each: the order of several is another one in every answer.
fn fill(store: &Store, items: u32) {
    for n in 1..=items {
        store.create(None, |id, now| Todo {
            id,
            user: "ada".to_owned(),
            title: format!("Thing number {n} to be done"),
            notes: n.is_multiple_of(2).then(|| "Better today than tomorrow.".to_owned()),
            done: n.is_multiple_of(5),
            priority: [Priority::Low, Priority::Normal, Priority::High][n as usize % 3],
            tags: vec!["house".to_owned(), format!("room-{}", n % 7)],
            labels: BTreeMap::from([("room".to_owned(), format!("{}", n % 7))]),
            assignee: match n % 3 {
                0 => None,
                1 => Some(Assignee::Person("ada@example.org".to_owned())),
                _ => Some(Assignee::Team(n)),
            },
            due: n.is_multiple_of(4).then_some(now),
            created: now,
            changed: now,
            completed: None,
            version: 1,
        });
    }
}
