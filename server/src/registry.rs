//! Which components there are: names, revisions and settings, in one SQLite file. The bytes stand in the executor's store, where
//! they are put before a revision names them; a revision is written in one transaction. Whoever dies in between leaves bytes that
//! nothing names, and the revision before.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use witwire_deployment::{ComponentName, Revision};
use witwire_executor::oplog::{ComponentDigest, Digest, IrDigest, Timestamp};

use crate::component::Deployment;

/// Marks a database as a registry: "wwre" in ASCII.
const APPLICATION: i64 = 0x7777_7265;
/// The format that is written and read.
const FORMAT: i64 = 1;
/// How long a write waits for another process's.
const BUSY: Duration = Duration::from_secs(30);

const TABLES: &str = "
CREATE TABLE components (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE revisions (
    component TEXT NOT NULL REFERENCES components (name),
    revision INTEGER NOT NULL,
    wasm BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (component, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE dependencies (
    component TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    ir BLOB NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (component, revision, position),
    FOREIGN KEY (component, revision) REFERENCES revisions (component, revision)
) STRICT, WITHOUT ROWID;
";

/// Why the registry did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The name is taken.
    #[error("there is a component `{0}` already; update it, or choose another name")]
    Exists(ComponentName),
    /// There is no such component.
    #[error("there is no component `{0}`")]
    NoSuchComponent(ComponentName),
    /// Somebody else updated the component.
    #[error("component `{name}` is at revision {current}, not {seen}: it was updated in between")]
    Stale {
        /// Which.
        name: ComponentName,
        /// The revision that the caller saw.
        seen: Revision,
        /// The newest one.
        current: Revision,
    },
    /// The file is something else, or was written by a newer witwire.
    #[error("`{0}` is not a registry that this witwire knows; name another store")]
    NotARegistry(String),
    /// What is stored contradicts itself.
    #[error("the registry is damaged: {0}")]
    Damaged(String),
    /// The database failed.
    #[error("the registry cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The registry. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    connection: Arc<Mutex<Connection>>,
}

impl Registry {
    /// Opens a registry, and creates it where there is none. Blocks for a few milliseconds.
    ///
    /// # Errors
    /// [`RegistryError::NotARegistry`], or the file cannot be used.
    pub(crate) fn open(path: &Path) -> Result<Self, RegistryError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| foreign(e, path))?;
        let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
        if number("SELECT count(*) FROM sqlite_master")? == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        } else if number("PRAGMA application_id")? != APPLICATION || number("PRAGMA user_version")? != FORMAT {
            return Err(RegistryError::NotARegistry(path.display().to_string()));
        }
        transaction.commit()?;
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs on a thread where blocking is allowed, in a transaction that is committed where it succeeds.
    async fn transact<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let connection = Arc::clone(&self.connection);
        let run = move || {
            // A panic inside a transaction rolls it back; the connection stays usable.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|e| Err(RegistryError::Damaged(e.to_string())))
    }

    /// All components, by name, with their newest revision.
    pub(crate) async fn components(&self) -> Result<Vec<(ComponentName, Revision)>, RegistryError> {
        self.transact(|t| {
            let mut statement = t.prepare_cached("SELECT name, revision FROM components ORDER BY name")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))?;
            rows.map(|row| {
                let (name, revision) = row?;
                let name = ComponentName::try_from(name).map_err(|e| RegistryError::Damaged(e.to_string()))?;
                Ok((name, self::revision(revision)?))
            })
            .collect()
        })
        .await
    }

    /// The newest revision of a component.
    pub(crate) async fn current(&self, name: &ComponentName) -> Result<Revision, RegistryError> {
        let name = name.clone();
        self.transact(move |t| current(t, &name)?.ok_or(RegistryError::NoSuchComponent(name))).await
    }

    /// One revision of a component; `None` if there is none of the number.
    pub(crate) async fn deployment(
        &self,
        name: &ComponentName,
        revision: Revision,
    ) -> Result<Option<Deployment>, RegistryError> {
        let name = name.clone();
        self.transact(move |t| read(t, &name, revision)).await
    }

    /// A component's first revision.
    ///
    /// # Errors
    /// [`RegistryError::Exists`]
    pub(crate) async fn create(&self, name: &ComponentName, deployment: Deployment) -> Result<Revision, RegistryError> {
        let name = name.clone();
        self.transact(move |t| {
            if current(t, &name)?.is_some() {
                return Err(RegistryError::Exists(name));
            }
            t.execute("INSERT INTO components VALUES (?1, ?2)", params![name.as_str(), Revision::FIRST.get()])?;
            write(t, &name, Revision::FIRST, &deployment)
        })
        .await
    }

    /// A component's next revision, where the newest is still the one that the caller saw.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchComponent`], [`RegistryError::Stale`]
    pub(crate) async fn update(
        &self,
        name: &ComponentName,
        seen: Revision,
        deployment: Deployment,
    ) -> Result<Revision, RegistryError> {
        let name = name.clone();
        self.transact(move |t| {
            let Some(current) = current(t, &name)? else { return Err(RegistryError::NoSuchComponent(name)) };
            if current != seen {
                return Err(RegistryError::Stale { name, seen, current });
            }
            let next = seen.next().ok_or_else(|| RegistryError::Damaged("no revision is left".to_owned()))?;
            t.execute("UPDATE components SET revision = ?2 WHERE name = ?1", params![name.as_str(), next.get()])?;
            write(t, &name, next, &deployment)
        })
        .await
    }
}

fn foreign(error: rusqlite::Error, path: &Path) -> RegistryError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => RegistryError::NotARegistry(path.display().to_string()),
        _ => error.into(),
    }
}

fn revision(number: u32) -> Result<Revision, RegistryError> {
    Revision::new(number).ok_or_else(|| RegistryError::Damaged("revision 0".to_owned()))
}

fn current(t: &Transaction<'_>, name: &ComponentName) -> Result<Option<Revision>, RegistryError> {
    let mut statement = t.prepare_cached("SELECT revision FROM components WHERE name = ?1")?;
    statement.query_row([name.as_str()], |row| row.get(0)).optional()?.map(revision).transpose()
}

fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get(column).map(Digest::from_bytes)
}

fn read(t: &Transaction<'_>, name: &ComponentName, revision: Revision) -> Result<Option<Deployment>, RegistryError> {
    let key = params![name.as_str(), revision.get()];
    let found = t
        .prepare_cached("SELECT wasm, at FROM revisions WHERE component = ?1 AND revision = ?2")?
        .query_row(key, |row| Ok((ComponentDigest(digest(row, 0)?), row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((wasm, at)) = found else { return Ok(None) };
    let mut statement =
        t.prepare_cached("SELECT ir, settings FROM dependencies WHERE component = ?1 AND revision = ?2 ORDER BY position")?;
    let rows = statement.query_map(key, |row| Ok((IrDigest(digest(row, 0)?), row.get::<_, String>(1)?)))?;
    let dependencies = rows
        .map(|row| {
            let (ir, settings) = row?;
            let settings = serde_json::from_str(&settings).map_err(|e| RegistryError::Damaged(e.to_string()))?;
            Ok((ir, settings))
        })
        .collect::<Result<_, RegistryError>>()?;
    Ok(Some(Deployment { wasm, dependencies, at: Timestamp::from_millis(u64::try_from(at).unwrap_or(0)) }))
}

fn write(
    t: &Transaction<'_>,
    name: &ComponentName,
    revision: Revision,
    deployment: &Deployment,
) -> Result<Revision, RegistryError> {
    let Deployment { wasm, dependencies, at } = deployment;
    t.execute(
        "INSERT INTO revisions VALUES (?1, ?2, ?3, ?4)",
        params![name.as_str(), revision.get(), wasm.0.as_bytes(), i64::try_from(at.millis()).unwrap_or(i64::MAX)],
    )?;
    for (position, (ir, settings)) in (0_u32..).zip(dependencies) {
        let settings = serde_json::to_string(settings).map_err(|e| RegistryError::Damaged(e.to_string()))?;
        t.execute(
            "INSERT INTO dependencies VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name.as_str(), revision.get(), position, ir.0.as_bytes(), settings],
        )?;
    }
    Ok(revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(wasm: &[u8]) -> Deployment {
        let settings = serde_json::from_str(r#"{ "server": "http://127.0.0.1:1" }"#).expect("settings");
        let dependencies = vec![(IrDigest(Digest::of(b"ir")), settings)];
        Deployment { wasm: ComponentDigest(Digest::of(wasm)), dependencies, at: Timestamp::from_millis(7) }
    }

    fn name() -> ComponentName {
        "app:agent".parse().expect("a name")
    }

    #[tokio::test]
    async fn what_fails_half_way_leaves_the_revision_before() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registry");
        let registry = Registry::open(&path).expect("a registry");
        let first = registry.create(&name(), deployment(b"one")).await.expect("created");
        // The last row of a revision cannot be written.
        let broken = "CREATE TRIGGER t BEFORE INSERT ON dependencies BEGIN SELECT RAISE(ABORT, 'broken'); END";
        Connection::open(&path).and_then(|c| c.execute_batch(broken)).expect("a trigger");
        let error = registry.update(&name(), first, deployment(b"two")).await.expect_err("it cannot be written");
        assert!(matches!(error, RegistryError::Database(_)), "{error}");
        let other = "other".parse().expect("a name");
        registry.create(&other, deployment(b"one")).await.expect_err("it cannot be written");

        let registry = Registry::open(&path).expect("the registry");
        assert_eq!(registry.components().await.expect("a list"), [(name(), first)]);
        assert_eq!(registry.deployment(&name(), first).await.expect("read"), Some(deployment(b"one")));
        let second = first.next().expect("a revision");
        assert_eq!(registry.deployment(&name(), second).await.expect("read"), None);
    }

    #[tokio::test]
    async fn of_two_updates_one_wins() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("registry");
        let registries = [Registry::open(&path).expect("a registry"), Registry::open(&path).expect("the same registry")];
        let first = registries[0].create(&name(), deployment(b"one")).await.expect("created");
        let name = name();
        let update = |registry: &Registry| {
            let (registry, name) = (registry.clone(), name.clone());
            tokio::spawn(async move { registry.update(&name, first, deployment(b"two")).await.is_ok() })
        };
        let updates = [update(&registries[0]), update(&registries[1])];
        let mut won = 0;
        for task in updates {
            won += usize::from(task.await.expect("no panic"));
        }
        assert_eq!(won, 1);
        assert_eq!(registries[0].current(&name).await.expect("there").get(), 2);
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let text = directory.path().join("text");
        std::fs::write(&text, "x".repeat(4096)).expect("written");
        assert!(matches!(Registry::open(&text), Err(RegistryError::NotARegistry(_))));
        let other = directory.path().join("other");
        Connection::open(&other).and_then(|c| c.execute_batch("CREATE TABLE t (a)")).expect("a database");
        assert!(matches!(Registry::open(&other), Err(RegistryError::NotARegistry(_))));
    }
}
