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
use crate::probe::{DeployProbe, DeployStage};
use crate::queue;

/// Marks a database as a registry: "wwre" in ASCII.
const APPLICATION: i64 = 0x7777_7265;
/// The format that is written and read.
const FORMAT: i64 = 3;
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
    probe: Arc<dyn DeployProbe>,
}

impl Registry {
    /// Opens a registry, and creates it where there is none. Blocks for a few milliseconds.
    ///
    /// # Errors
    /// [`RegistryError::NotARegistry`], or the file cannot be used.
    pub(crate) fn open(path: &Path, probe: Arc<dyn DeployProbe>) -> Result<Self, RegistryError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| foreign(e, path))?;
        let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
        if number("SELECT count(*) FROM sqlite_master")? == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(queue::TABLE)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        } else if number("PRAGMA application_id")? != APPLICATION {
            return Err(RegistryError::NotARegistry(path.display().to_string()));
        } else {
            match number("PRAGMA user_version")? {
                FORMAT => {}
                // The first format had no queue, and the second used its ids again.
                1 => {
                    transaction.execute_batch(queue::TABLE)?;
                    transaction.pragma_update(None, "user_version", FORMAT)?;
                }
                2 => {
                    queue::RENEW.iter().try_for_each(|step| transaction.execute_batch(step))?;
                    transaction.pragma_update(None, "user_version", FORMAT)?;
                }
                _ => return Err(RegistryError::NotARegistry(path.display().to_string())),
            }
        }
        transaction.commit()?;
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), probe })
    }

    /// Runs on a thread where blocking is allowed, in a transaction that is committed where it succeeds.
    pub(crate) async fn transact<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.run(TransactionBehavior::Immediate, change).await
    }

    /// Runs on such a thread what only reads, in a transaction that does not take the right to write.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Transaction<'_>) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.run(TransactionBehavior::Deferred, look).await
    }

    async fn run<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let connection = Arc::clone(&self.connection);
        let run = move || {
            // A panic inside a transaction rolls it back; the connection stays usable.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        tokio::task::spawn_blocking(run).await.unwrap_or_else(|e| Err(RegistryError::Damaged(e.to_string())))
    }

    /// All components, by name, with their newest revision.
    pub(crate) async fn components(&self) -> Result<Vec<(ComponentName, Revision)>, RegistryError> {
        self.look(|t| {
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
        self.look(move |t| current(t, &name)?.ok_or(RegistryError::NoSuchComponent(name))).await
    }

    /// One revision of a component; `None` if there is none of the number.
    pub(crate) async fn deployment(
        &self,
        name: &ComponentName,
        revision: Revision,
    ) -> Result<Option<Deployment>, RegistryError> {
        let name = name.clone();
        self.look(move |t| read(t, &name, revision)).await
    }

    /// A component's first revision.
    ///
    /// # Errors
    /// [`RegistryError::Exists`]
    pub(crate) async fn create(&self, name: &ComponentName, deployment: Deployment) -> Result<Revision, RegistryError> {
        let (name, probe) = (name.clone(), Arc::clone(&self.probe));
        self.transact(move |t| {
            if current(t, &name)?.is_some() {
                return Err(RegistryError::Exists(name));
            }
            t.execute("INSERT INTO components VALUES (?1, ?2)", params![name.as_str(), Revision::FIRST.get()])?;
            write(t, &name, Revision::FIRST, &deployment)?;
            probe.reached(DeployStage::Written);
            Ok(Revision::FIRST)
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
        let (name, probe) = (name.clone(), Arc::clone(&self.probe));
        self.transact(move |t| {
            let Some(current) = current(t, &name)? else { return Err(RegistryError::NoSuchComponent(name)) };
            if current != seen {
                return Err(RegistryError::Stale { name, seen, current });
            }
            let next = seen.next().ok_or_else(|| RegistryError::Damaged("no revision is left".to_owned()))?;
            t.execute("UPDATE components SET revision = ?2 WHERE name = ?1", params![name.as_str(), next.get()])?;
            write(t, &name, next, &deployment)?;
            probe.reached(DeployStage::Written);
            Ok(next)
        })
        .await
    }

    /// All revisions of a component with the times when they were deployed, the newest first.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchComponent`]
    pub(crate) async fn revisions(&self, name: &ComponentName) -> Result<Vec<(Revision, Timestamp)>, RegistryError> {
        let name = name.clone();
        self.look(move |t| {
            let mut statement =
                t.prepare_cached("SELECT revision, at FROM revisions WHERE component = ?1 ORDER BY revision DESC")?;
            let rows = statement.query_map([name.as_str()], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?)))?;
            let found = rows
                .map(|row| {
                    let (number, at) = row?;
                    Ok((revision(number)?, timestamp(at)))
                })
                .collect::<Result<Vec<_>, RegistryError>>()?;
            if found.is_empty() { Err(RegistryError::NoSuchComponent(name.clone())) } else { Ok(found) }
        })
        .await
    }

    /// Deletes a component with all its revisions. The bytes stay.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchComponent`]
    pub(crate) async fn delete(&self, name: &ComponentName) -> Result<(), RegistryError> {
        let name = name.clone();
        self.transact(move |t| {
            t.execute("DELETE FROM dependencies WHERE component = ?1", [name.as_str()])?;
            t.execute("DELETE FROM revisions WHERE component = ?1", [name.as_str()])?;
            match t.execute("DELETE FROM components WHERE name = ?1", [name.as_str()])? {
                0 => Err(RegistryError::NoSuchComponent(name)),
                _ => Ok(()),
            }
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

/// As stored: SQL integers are signed.
fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
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
    Ok(Some(Deployment { wasm, dependencies, at: timestamp(at) }))
}

fn write(
    t: &Transaction<'_>,
    name: &ComponentName,
    revision: Revision,
    deployment: &Deployment,
) -> Result<(), RegistryError> {
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
    Ok(())
}

#[cfg(test)]
mod tests;
