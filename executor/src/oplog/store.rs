//! What a store of oplogs must do, whatever it is made of.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::codec::DecodeError;
use super::digest::{ComponentDigest, Digest, DigestKey, IrDigest};
use super::entry::{Entry, Invoked, Outcome};
use super::id::{IdempotencyKey, Ordinal, WorkerId};

/// What an asynchronous method of a [`Store`] returns. Await it inside a tokio runtime.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps workers, their oplogs, and the files they run from.
///
/// * Reading shows what is durable, nothing else.
/// * Writing needs a [`Lease`], which one owner at a time can have, across processes too.
/// * The appends of a worker are durable in the order in which they were made. When one fails, every later one made under the
///   same lease fails too: an oplog never has a gap.
/// * After a failed commit nothing more can be written through this store ([`StoreError::Poisoned`]): what the disk holds is
///   unknown until the store is opened anew.
pub trait Store: fmt::Debug + Send + Sync {
    /// Keeps bytes by their digest, durably. Keeping the same bytes again changes nothing.
    fn put_blob(&self, bytes: Vec<u8>) -> StoreFuture<'_, Digest>;

    /// The bytes of a digest, checked against it; `None` if they were never put.
    fn blob(&self, digest: Digest) -> StoreFuture<'_, Option<Vec<u8>>>;

    /// Creates a worker, durably. Its component and API files were put before ([`StoreError::NoSuchBlob`]), so that a new
    /// process can continue the worker from the store alone.
    fn create(&self, worker: NewWorker) -> StoreFuture<'_, Worker>;

    /// A worker; `None` if there is none of the name.
    fn worker<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Option<Worker>>;

    /// All workers, by name.
    fn workers(&self) -> StoreFuture<'_, Vec<Worker>>;

    /// Takes the exclusive right to write a worker. It waits for nobody: [`StoreError::Owned`] where another has it. The right
    /// ends with the [`Lease`] and all appends made under it, and with the process, however that dies.
    fn acquire<'a>(&'a self, id: &'a WorkerId) -> StoreFuture<'a, Lease>;

    /// Appends entries at `next`, which is the number of entries that the oplog has, those on their way included. The order of
    /// calls is the order of entries; the ticket tells when they are durable.
    fn append(&self, lease: &Lease, next: Ordinal, entries: Vec<Entry>) -> Ticket;

    /// The entries from an ordinal on, in order, at most `limit`.
    fn page<'a>(&'a self, id: &'a WorkerId, from: Ordinal, limit: u64) -> StoreFuture<'a, Vec<(Ordinal, Entry)>>;

    /// The entries from an ordinal on, in order, to the end.
    fn read<'a>(&'a self, id: &'a WorkerId, from: Ordinal) -> StoreFuture<'a, Vec<(Ordinal, Entry)>> {
        self.page(id, from, u64::MAX)
    }

    /// The invocation that has a key; `None` if the worker has none.
    fn invocation<'a>(&'a self, id: &'a WorkerId, key: &'a IdempotencyKey) -> StoreFuture<'a, Option<Invocation>>;

    /// Sets a worker's status, in order with its appends.
    fn set_status(&self, lease: &Lease, status: Status) -> Ticket;

    /// Deletes a worker and its oplog. Blobs stay.
    fn delete(&self, lease: Lease) -> StoreFuture<'_, ()>;
}

/// A worker to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorker {
    /// Its name, not yet used in the store.
    pub id: WorkerId,
    /// The component that it runs.
    pub component: ComponentDigest,
    /// The API files that the component is linked with.
    pub irs: Vec<IrDigest>,
    /// Settings, in a form that the caller chooses. Never a secret: credentials stand in it by reference.
    pub config: String,
}

/// A worker, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its name.
    pub id: WorkerId,
    /// The component that it runs.
    pub component: ComponentDigest,
    /// The API files that the component is linked with.
    pub irs: Vec<IrDigest>,
    /// The settings that it was created with.
    pub config: String,
    /// The key of its request digests.
    pub digest_key: DigestKey,
    /// What it does.
    pub status: Status,
    /// How many entries its oplog has.
    pub entries: Ordinal,
}

impl Worker {
    /// As it is created.
    pub(super) fn new(new: NewWorker, digest_key: DigestKey) -> Self {
        let NewWorker { id, component, irs, config } = new;
        Self { id, component, irs, config, digest_key, status: Status::Idle, entries: Ordinal::ZERO }
    }
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Status {
    /// It waits for an invocation.
    #[default]
    Idle,
    /// An invocation is under way. Where nobody has the worker's lease, the process that ran it is gone, and the next one
    /// carries on.
    Running,
    /// It does nothing until a person decides.
    Suspended {
        /// Why.
        reason: SuspendReason,
        /// What happened, for a person.
        detail: String,
    },
    /// It cannot run.
    Failed {
        /// Why, for a person.
        detail: String,
    },
}

impl Status {
    /// The status's name in output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Suspended { .. } => "suspended",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Why a worker is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuspendReason {
    /// The component did not do what its oplog says.
    Divergence,
    /// An unsafe call is in doubt, and the manifest says to ask.
    InDoubt,
    /// A person interrupted it.
    Interrupted,
}

impl SuspendReason {
    /// The reason's name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Divergence => "divergence",
            Self::InDoubt => "in-doubt",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An invocation that a store knows by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Where it began.
    pub ordinal: Ordinal,
    /// What was invoked. A caller who uses a key again means the same function and arguments.
    pub invoked: Invoked,
    /// How it ended; `None` while it is under way.
    pub outcome: Option<Outcome>,
}

/// The exclusive right to write one worker. See [`Store::acquire`].
pub struct Lease {
    worker: WorkerId,
    held: Arc<Held>,
}

/// What a lease keeps as long as it or an append made under it lives.
pub(super) struct Held {
    /// Set when an append under the lease failed, so that none follows it.
    lost: AtomicBool,
    /// Ends the ownership when dropped.
    _guard: Box<dyn Send + Sync>,
}

impl Held {
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }
}

impl Lease {
    /// For stores: a lease that lasts until `guard` is dropped.
    pub(super) fn new(worker: WorkerId, guard: Box<dyn Send + Sync>) -> Self {
        Self { worker, held: Arc::new(Held { lost: AtomicBool::new(false), _guard: guard }) }
    }

    /// Whose lease it is.
    pub fn worker(&self) -> &WorkerId {
        &self.worker
    }

    pub(super) fn held(&self) -> &Arc<Held> {
        &self.held
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// Tells when a write is durable.
///
/// Whoever needs only that *everything so far* is durable keeps the newest ticket of a worker: it is durable only if all
/// earlier ones are.
#[must_use = "a write is durable only once its ticket says so"]
#[derive(Debug)]
pub struct Ticket(TicketState);

#[derive(Debug)]
enum TicketState {
    Known(Result<(), StoreError>),
    Waiting(oneshot::Receiver<Result<(), StoreError>>),
}

impl Ticket {
    pub(super) fn known(result: Result<(), StoreError>) -> Self {
        Self(TicketState::Known(result))
    }

    pub(super) fn waiting(receiver: oneshot::Receiver<Result<(), StoreError>>) -> Self {
        Self(TicketState::Waiting(receiver))
    }

    /// Waits until the write is durable.
    ///
    /// # Errors
    /// Why it is not, and never will be.
    pub async fn durable(self) -> Result<(), StoreError> {
        match self.0 {
            TicketState::Known(result) => result,
            TicketState::Waiting(receiver) => receiver.await.unwrap_or_else(|_| Err(StoreError::closed())),
        }
    }
}

/// Why a store did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A file or directory cannot be used.
    #[error("cannot {doing} `{}`: {message}", path.display())]
    File {
        /// What was tried: `open`, `create`.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        message: String,
    },
    /// The file is something else.
    #[error("`{}` is not a witwire store ({found}); name another file, or a new one to create a store", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The store was written by a newer witwire.
    #[error("the store `{}` has format {found}, this witwire knows up to {known}; use a newer witwire", path.display())]
    NewerStore {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that is known here.
        known: i64,
    },
    /// The name is taken.
    #[error("a worker `{0}` exists already; choose another name, or delete it first")]
    WorkerExists(WorkerId),
    /// There is no such worker.
    #[error("there is no worker `{0}` in this store")]
    NoSuchWorker(WorkerId),
    /// A worker was to be created from bytes that the store does not have.
    #[error("the store has no component or API file {0}; put it before a worker is created from it")]
    NoSuchBlob(Digest),
    /// Another owner runs the worker.
    #[error("worker `{0}` is running in another process, or elsewhere in this one; wait until that one is done, or stop it")]
    Owned(WorkerId),
    /// The oplog does not end where the writer thinks.
    #[error("worker `{worker}` was to get entry {next}, but its oplog has {actual} entries: somebody else wrote it")]
    Conflict {
        /// The worker.
        worker: WorkerId,
        /// Where the entries were to stand.
        next: Ordinal,
        /// How many entries there are.
        actual: Ordinal,
    },
    /// A second invocation was to begin under a used key.
    #[error("worker `{worker}` was invoked with the idempotency key `{key}` before; its stored result is the answer")]
    KeyUsed {
        /// The worker.
        worker: WorkerId,
        /// The key.
        key: IdempotencyKey,
    },
    /// An earlier append under the same lease failed.
    #[error("worker `{0}` can get no more entries under this lease, because an earlier one was not written")]
    LeaseLost(WorkerId),
    /// An entry is larger than the store takes.
    #[error(
        "an entry of {len} bytes for worker `{worker}` is too large: the store takes up to {max}; limit the size of responses"
    )]
    TooLarge {
        /// The worker.
        worker: WorkerId,
        /// The entry's size.
        len: usize,
        /// The largest size.
        max: usize,
    },
    /// A commit failed earlier.
    #[error(
        "the store takes no more writes, because one failed: {cause}; open the store anew to carry on from what is durable"
    )]
    Poisoned {
        /// How the first write failed.
        cause: Arc<str>,
    },
    /// A stored entry cannot be read.
    #[error("entry {ordinal} of worker `{worker}` cannot be read: {source}")]
    BadEntry {
        /// The worker.
        worker: WorkerId,
        /// The entry.
        ordinal: Ordinal,
        /// Why.
        source: DecodeError,
    },
    /// Something else that is stored contradicts itself.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The database failed.
    #[error("cannot {doing}: {message}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// What the database says.
        message: String,
    },
}

impl StoreError {
    /// The operating system gave no random bytes for a worker's digest key.
    pub(super) fn randomness(error: &std::io::Error) -> Self {
        Self::Database { doing: "make the worker's digest key", message: error.to_string() }
    }

    /// The store's writer is gone.
    pub(super) fn closed() -> Self {
        Self::Poisoned { cause: "the store was closed".into() }
    }
}
