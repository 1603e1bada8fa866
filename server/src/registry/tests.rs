//! What the registry promises.

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
    let registry = Registry::open(&path, Arc::new(())).expect("a registry");
    let first = registry.create(&name(), deployment(b"one")).await.expect("created");
    // The last row of a revision cannot be written.
    let broken = "CREATE TRIGGER t BEFORE INSERT ON dependencies BEGIN SELECT RAISE(ABORT, 'broken'); END";
    Connection::open(&path).and_then(|c| c.execute_batch(broken)).expect("a trigger");
    let error = registry.update(&name(), first, deployment(b"two")).await.expect_err("it cannot be written");
    assert!(matches!(error, RegistryError::Database(_)), "{error}");
    let other = "other".parse().expect("a name");
    registry.create(&other, deployment(b"one")).await.expect_err("it cannot be written");

    let registry = Registry::open(&path, Arc::new(())).expect("the registry");
    assert_eq!(registry.components().await.expect("a list"), [(name(), first)]);
    assert_eq!(registry.deployment(&name(), first).await.expect("read"), Some(deployment(b"one")));
    let second = first.next().expect("a revision");
    assert_eq!(registry.deployment(&name(), second).await.expect("read"), None);
}

#[tokio::test]
async fn of_two_updates_one_wins() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("registry");
    let registries = [
        Registry::open(&path, Arc::new(())).expect("a registry"),
        Registry::open(&path, Arc::new(())).expect("the same registry"),
    ];
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
    assert!(matches!(Registry::open(&text, Arc::new(())), Err(RegistryError::NotARegistry(_))));
    let other = directory.path().join("other");
    Connection::open(&other).and_then(|c| c.execute_batch("CREATE TABLE t (a)")).expect("a database");
    assert!(matches!(Registry::open(&other, Arc::new(())), Err(RegistryError::NotARegistry(_))));
}

#[tokio::test]
async fn a_registry_of_the_first_format_gets_a_queue() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("registry");
    drop(Registry::open(&path, Arc::new(())).expect("a registry"));
    let old = "DROP TABLE waiting; PRAGMA user_version = 1";
    Connection::open(&path).and_then(|c| c.execute_batch(old)).expect("an old registry");
    let registry = Registry::open(&path, Arc::new(())).expect("brought up to date");
    assert!(queue::Queue::new(registry, 1).workers().await.expect("a queue").is_empty());
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_its_name_free() {
    let directory = tempfile::tempdir().expect("a directory");
    let registry = Registry::open(&directory.path().join("registry"), Arc::new(())).expect("a registry");
    let first = registry.create(&name(), deployment(b"one")).await.expect("created");
    registry.update(&name(), first, deployment(b"two")).await.expect("updated");
    let numbers = |revisions: Vec<(Revision, Timestamp)>| revisions.iter().map(|(r, _)| r.get()).collect::<Vec<_>>();
    assert_eq!(numbers(registry.revisions(&name()).await.expect("a list")), [2, 1]);
    registry.delete(&name()).await.expect("deleted");
    for gone in [registry.delete(&name()).await.err(), registry.revisions(&name()).await.err()] {
        assert!(matches!(gone, Some(RegistryError::NoSuchComponent(_))), "{gone:?}");
    }
    assert_eq!(registry.deployment(&name(), first).await.expect("read"), None);
    assert_eq!(registry.create(&name(), deployment(b"three")).await.expect("created"), first);
}
