//! What a test or the demo can ask of the service: count effects, misbehave at a given point.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{Notify, watch};

/// An operation of the service, the same for REST and gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Lists todos.
    List,
    /// Creates a todo.
    Create,
    /// Returns a todo.
    Get,
    /// Changes a todo.
    Update,
    /// Deletes a todo.
    Delete,
    /// Marks a todo as done.
    Complete,
    /// Watches a user's todos.
    Watch,
}

/// Where in a request the service may be told to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The request has arrived; nothing has happened.
    Arrived,
    /// The effect has happened; the response is not sent.
    Done,
}

/// What to do at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehavior {
    /// Wait before going on.
    Delay(Duration),
    /// Answer 500, or gRPC `INTERNAL`.
    Fail,
    /// Close the connection without an answer.
    HangUp,
    /// Hold the request until [`Control::release`]; [`Control::parked`] tells that it is held.
    Park,
}

/// One thing that really happened to the stored todos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// What was done.
    pub operation: Operation,
    /// `rest` or `grpc`.
    pub protocol: &'static str,
    /// To which todo: its title.
    pub title: String,
    /// The idempotency key that the request carried.
    pub key: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    rules: BTreeMap<(Operation, Point), Vec<Misbehavior>>,
    requests: BTreeMap<Operation, u64>,
    effects: Vec<Effect>,
    /// How long every request is held back when it arrives.
    slowness: Duration,
}

/// Shared between the service and whoever steers it.
#[derive(Debug, Clone)]
pub struct Control {
    state: Arc<Mutex<State>>,
    parked: Arc<watch::Sender<u64>>,
    release: Arc<Notify>,
}

impl Default for Control {
    fn default() -> Self {
        Self { state: Arc::default(), parked: Arc::new(watch::channel(0).0), release: Arc::default() }
    }
}

impl Control {
    /// The next request of the operation that gets to the point misbehaves once. Several are taken in order.
    pub fn once(&self, operation: Operation, point: Point, misbehavior: Misbehavior) {
        self.state().rules.entry((operation, point)).or_default().push(misbehavior);
    }

    /// Every request takes so much longer from now on.
    pub fn slow(&self, time: Duration) {
        self.state().slowness = time;
    }

    /// Waits until `count` requests in all have been parked.
    pub async fn parked(&self, count: u64) {
        let mut parked = self.parked.subscribe();
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = parked.wait_for(|n| *n >= count).await;
    }

    /// Lets all parked requests go on.
    pub fn release(&self) {
        self.release.notify_waiters();
    }

    /// How many requests of an operation have arrived.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.state().requests.get(&operation).copied().unwrap_or(0)
    }

    /// How many requests have arrived in all.
    pub fn all_requests(&self) -> u64 {
        self.state().requests.values().sum()
    }

    /// Everything that really happened, in order.
    pub fn effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    pub(crate) fn arrived(&self, operation: Operation) {
        *self.state().requests.entry(operation).or_default() += 1;
    }

    pub(crate) fn record(&self, effect: Effect) {
        self.state().effects.push(effect);
    }

    /// Misbehaves if told to.
    pub(crate) async fn reach(&self, operation: Operation, point: Point, connection: &Connection) -> Result<(), Failed> {
        let (next, slowness) = {
            let mut state = self.state();
            let slowness = if point == Point::Arrived { state.slowness } else { Duration::ZERO };
            let next =
                state.rules.get_mut(&(operation, point)).filter(|rules| !rules.is_empty()).map(|rules| rules.remove(0));
            (next, slowness)
        };
        if !slowness.is_zero() {
            tokio::time::sleep(slowness).await;
        }
        match next {
            None => Ok(()),
            Some(Misbehavior::Delay(time)) => {
                tokio::time::sleep(time).await;
                Ok(())
            }
            Some(Misbehavior::Fail) => Err(Failed),
            Some(Misbehavior::HangUp) => connection.hang_up().await,
            Some(Misbehavior::Park) => {
                let released = self.release.notified();
                self.parked.send_modify(|n| *n += 1);
                released.await;
                Ok(())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; the counts would be right even then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The service was told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed;

/// The connection that a request came on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connection {
    closing: Arc<Notify>,
}

impl Connection {
    /// Closes the connection; the request that asks for it never ends by itself.
    async fn hang_up(&self) -> Result<(), Failed> {
        self.closing.notify_one();
        std::future::pending().await
    }

    /// Waits until a request asks to close.
    pub(crate) async fn closing(&self) {
        self.closing.notified().await;
    }
}
