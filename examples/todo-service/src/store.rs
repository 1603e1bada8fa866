//! The todos, in memory, behind both protocols.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

/// A todo.
#[derive(Debug, Clone, PartialEq)]
pub struct Todo {
    /// UUID.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// 1 to 200 characters.
    pub title: String,
    /// At most 2000 characters.
    pub notes: Option<String>,
    /// Open or done.
    pub done: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// Words (REST).
    pub tags: Vec<String>,
    /// Names and values (gRPC).
    pub labels: BTreeMap<String, String>,
    /// Who is to do it (gRPC).
    pub assignee: Option<Assignee>,
    /// When it is due.
    pub due: Option<OffsetDateTime>,
    /// When it was made.
    pub created: OffsetDateTime,
    /// When it was last changed.
    pub changed: OffsetDateTime,
    /// When it was done.
    pub completed: Option<OffsetDateTime>,
    /// Grows by one at each change.
    pub version: u64,
}

/// How urgent a todo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    /// Some day.
    Low,
    /// Soon.
    #[default]
    Normal,
    /// Now.
    High,
}

/// Who is to do a todo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    /// A person, by mail address.
    Person(String),
    /// A team, by number.
    Team(u32),
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// There is no such todo.
    NotFound,
    /// The todo has another version than the caller expects.
    Stale,
    /// It is done already.
    AlreadyDone,
}

#[derive(Debug, Default)]
struct Inner {
    todos: BTreeMap<String, Todo>,
    by_key: BTreeMap<String, String>,
    next: u64,
}

/// All todos.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
}

impl Store {
    /// Creates a todo; the same key again returns the first one (`false`: nothing was created).
    pub fn create(&self, key: Option<&str>, new: impl FnOnce(String, OffsetDateTime) -> Todo) -> (Todo, bool) {
        let mut inner = self.inner();
        if let Some(known) = key.and_then(|k| inner.by_key.get(k)).and_then(|id| inner.todos.get(id)) {
            return (known.clone(), false);
        }
        inner.next += 1;
        // A counter in the form of a version 4 UUID, so that runs can be compared.
        let id = format!("00000000-0000-4000-8000-{:012x}", inner.next);
        let todo = new(id.clone(), OffsetDateTime::now_utc());
        if let Some(key) = key {
            inner.by_key.insert(key.to_owned(), id.clone());
        }
        inner.todos.insert(id, todo.clone());
        (todo, true)
    }

    /// A todo.
    pub fn get(&self, id: &str) -> Result<Todo, StoreError> {
        self.inner().todos.get(id).cloned().ok_or(StoreError::NotFound)
    }

    /// The todos that are wanted, in order of creation.
    pub fn filter(&self, wanted: impl Fn(&Todo) -> bool) -> Vec<Todo> {
        self.inner().todos.values().filter(|t| wanted(t)).cloned().collect()
    }

    /// Changes a todo if it still has the expected version.
    pub fn update(
        &self,
        id: &str,
        expected: Option<u64>,
        change: impl FnOnce(&mut Todo, OffsetDateTime) -> Result<(), StoreError>,
    ) -> Result<Todo, StoreError> {
        let mut inner = self.inner();
        let todo = inner.todos.get_mut(id).ok_or(StoreError::NotFound)?;
        if expected.is_some_and(|v| v != todo.version) {
            return Err(StoreError::Stale);
        }
        let now = OffsetDateTime::now_utc();
        let mut changed = todo.clone();
        change(&mut changed, now)?;
        changed.version += 1;
        changed.changed = now;
        *todo = changed.clone();
        Ok(changed)
    }

    /// Deletes a todo if it still has the expected version.
    pub fn delete(&self, id: &str, expected: Option<u64>) -> Result<Todo, StoreError> {
        let mut inner = self.inner();
        let todo = inner.todos.get(id).ok_or(StoreError::NotFound)?;
        if expected.is_some_and(|v| v != todo.version) {
            return Err(StoreError::Stale);
        }
        inner.todos.remove(id).ok_or(StoreError::NotFound)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is made on a copy and stored whole, so a panic elsewhere leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks a todo as done.
pub(crate) fn complete(todo: &mut Todo, now: OffsetDateTime) -> Result<(), StoreError> {
    if todo.done {
        return Err(StoreError::AlreadyDone);
    }
    todo.done = true;
    todo.completed = Some(now);
    Ok(())
}
