//! Components that can run: the registry, and what its revisions are linked to.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use witwire_deployment::{ComponentName, Reference, Revision, Settings};
use witwire_executor::oplog::{Digest, IrDigest};
use witwire_executor::{ApiFile, Dependency, Executor, LoadError, Program, SettingsError, WeakProgram};
use witwire_ir::container::ContainerError;

use crate::component::Deployment;
use crate::probe::{DeployProbe, DeployStage};
use crate::problem::{Code, Problem};
use crate::registry::{Registry, RegistryError};

/// How many linked revisions are kept. The others are linked again when they are needed, where no worker runs them.
const KEPT: usize = 64;

/// The right to compile.
type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

/// Linked revisions.
#[derive(Debug, Default)]
struct Programs {
    /// Each with its last use, in uses of all.
    kept: HashMap<(ComponentName, Revision), (Program, u64)>,
    /// Those that made room. Workers may run them still.
    others: HashMap<(ComponentName, Revision), WeakProgram>,
    uses: u64,
    /// How many components were deleted. A revision that was linked meanwhile may be of a component that is gone.
    deleted: u64,
}

impl Programs {
    fn find(&mut self, key: (ComponentName, Revision)) -> Option<Program> {
        self.uses += 1;
        if let Some((program, used)) = self.kept.get_mut(&key) {
            *used = self.uses;
            return Some(program.clone());
        }
        let program = self.others.get(&key)?.upgrade()?;
        self.keep(key, program.clone());
        Some(program)
    }

    /// Keeps one; that which was not used for longest makes room.
    fn keep(&mut self, key: (ComponentName, Revision), program: Program) {
        while self.kept.len() >= KEPT {
            let oldest = self.kept.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone());
            let Some((oldest, (program, _))) = oldest.and_then(|key| self.kept.remove_entry(&key)) else { break };
            self.others.insert(oldest, program.downgrade());
        }
        self.others.retain(|_, program| program.upgrade().is_some());
        self.uses += 1;
        self.kept.insert(key, (program, self.uses));
    }

    fn delete(&mut self, name: &ComponentName) {
        self.deleted += 1;
        self.kept.retain(|(of, _), _| of != name);
        self.others.retain(|(of, _), _| of != name);
    }
}

/// Deploys components, and gives the programs of their revisions.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pub(crate) executor: Executor,
    pub(crate) registry: Registry,
    /// The credentials that deployments may name.
    pub(crate) credentials: Arc<BTreeSet<Reference>>,
    programs: Arc<Mutex<Programs>>,
    probe: Arc<dyn DeployProbe>,
    /// Compiling takes all cores; one at a time.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Catalog {
    pub(crate) fn new(
        executor: Executor,
        registry: Registry,
        credentials: BTreeSet<Reference>,
        probe: Arc<dyn DeployProbe>,
    ) -> Self {
        let credentials = Arc::new(credentials);
        Self { executor, registry, credentials, programs: Arc::default(), probe, loading: Arc::default() }
    }

    /// Deploys a component's first revision.
    pub(crate) async fn create(&self, name: &ComponentName, new: New) -> Result<Revision, Problem> {
        match self.registry.current(name).await {
            Ok(_) => return Err(RegistryError::Exists(name.clone()).into()),
            Err(RegistryError::NoSuchComponent(_)) => {}
            Err(other) => return Err(other.into()),
        }
        let (program, deployment) = self.prepare(new).await?;
        let deleted = self.programs().deleted;
        let revision = self.registry.create(name, deployment).await?;
        self.probe.reached(DeployStage::Committed);
        self.keep(name, revision, program, deleted);
        Ok(revision)
    }

    /// Deploys a component's next revision, where nobody else did since the caller saw `seen`.
    pub(crate) async fn update(&self, name: &ComponentName, seen: Revision, new: New) -> Result<Revision, Problem> {
        let current = self.registry.current(name).await?;
        if current != seen {
            return Err(RegistryError::Stale { name: name.clone(), seen, current }.into());
        }
        let (program, deployment) = self.prepare(new).await?;
        let deleted = self.programs().deleted;
        let revision = self.registry.update(name, seen, deployment).await?;
        self.probe.reached(DeployStage::Committed);
        self.keep(name, revision, program, deleted);
        Ok(revision)
    }

    /// Deletes a component. Its caller knows that it has no workers.
    pub(crate) async fn delete(&self, name: &ComponentName) -> Result<(), Problem> {
        self.registry.delete(name).await?;
        self.programs().delete(name);
        Ok(())
    }

    /// One revision of a component.
    pub(crate) async fn deployment(&self, name: &ComponentName, revision: Revision) -> Result<Deployment, Problem> {
        let found = self.registry.deployment(name, revision).await?;
        found
            .ok_or_else(|| Problem::new(Code::NoSuchRevision, format_args!("component `{name}` has no revision {revision}")))
    }

    /// A revision, linked.
    pub(crate) async fn program(&self, name: &ComponentName, revision: Revision) -> Result<Program, Problem> {
        if let Some(program) = self.kept(name, revision) {
            return Ok(program);
        }
        let turn = self.loading.lock().await;
        let deleted = self.programs().deleted;
        // Whoever had the turn before may have linked it.
        if let Some(program) = self.kept(name, revision) {
            return Ok(program);
        }
        let deployment = self.deployment(name, revision).await?;
        let wasm = self.blob(deployment.wasm.0).await?;
        let mut dependencies = Vec::new();
        for (ir, settings) in &deployment.dependencies {
            let file = self.file(*ir).await?;
            dependencies.push(Dependency::from_settings(file, settings).map_err(|e| unloadable(name, revision, e))?);
        }
        let loaded = self.load(&turn, wasm, dependencies).await?;
        let program = loaded.map_err(|e| unloadable(name, revision, e))?;
        self.keep(name, revision, program.clone(), deleted);
        Ok(program)
    }

    /// An IR container that was deployed.
    pub(crate) async fn file(&self, ir: IrDigest) -> Result<ApiFile, Problem> {
        let unreadable = |e| Problem::new(Code::Unloadable, format_args!("the IR container {ir}: {e}"));
        read_file(self.blob(ir.0).await?).await?.map_err(unreadable)
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, Problem> {
        let bytes = self.executor.store().blob(digest).await?;
        bytes.ok_or_else(|| Problem::new(Code::Store, format_args!("the store has lost the file {}", digest.short())))
    }

    /// Links it, which checks all of it, and puts its bytes into the store.
    async fn prepare(&self, new: New) -> Result<(Program, Deployment), Problem> {
        let New { wasm, files, settings } = new;
        if files.len() != settings.len() {
            let detail = format!(
                "there are {} `ir` parts and {} dependencies in the metadata; each dependency describes one part",
                files.len(),
                settings.len()
            );
            return Err(Problem::new(Code::Dependencies, detail));
        }
        for reference in settings.iter().flat_map(Settings::references) {
            if !self.credentials.contains(reference) {
                let detail = format!("the operator has not named `{reference}`: `--credential {reference}` allows it");
                return Err(Problem::new(Code::CredentialDenied, detail));
            }
        }
        let mut dependencies = Vec::new();
        for (file, settings) in files.iter().zip(&settings) {
            dependencies.push(Dependency::from_settings(file.clone(), settings)?);
        }
        let turn = self.loading.lock().await;
        let program = self.load(&turn, wasm.clone(), dependencies).await??;
        drop(turn);
        self.probe.reached(DeployStage::Linked);
        let store = self.executor.store();
        store.put_blob(wasm).await?;
        for file in &files {
            store.put_blob(file.bytes().to_vec()).await?;
        }
        self.probe.reached(DeployStage::Stored);
        let dependencies = files.iter().map(ApiFile::digest).zip(settings).collect();
        let deployment = Deployment { wasm: program.digest(), dependencies, at: SystemTime::now().into() };
        Ok((program, deployment))
    }

    async fn load(
        &self,
        _turn: &Turn<'_>,
        wasm: Vec<u8>,
        dependencies: Vec<Dependency>,
    ) -> Result<Result<Program, LoadError>, Problem> {
        let executor = self.executor.clone();
        let loaded = tokio::task::spawn_blocking(move || executor.load(wasm, &dependencies)).await;
        loaded.map_err(|e| Problem::new(Code::Bug, e))
    }

    fn programs(&self) -> MutexGuard<'_, Programs> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, name: &ComponentName, revision: Revision) -> Option<Program> {
        self.programs().find((name.clone(), revision))
    }

    /// Keeps a program that was linked when so many components had been deleted.
    fn keep(&self, name: &ComponentName, revision: Revision, program: Program, deleted: u64) {
        let mut programs = self.programs();
        if programs.deleted == deleted {
            programs.keep((name.clone(), revision), program);
        }
    }
}

/// Reads a container where blocking is allowed: it may be as large as an upload.
pub(crate) async fn read_file(bytes: Vec<u8>) -> Result<Result<ApiFile, ContainerError>, Problem> {
    let read = tokio::task::spawn_blocking(|| ApiFile::read(bytes)).await;
    read.map_err(|e| Problem::new(Code::Bug, e))
}

/// What was deployed was checked then, so that this is no caller's mistake.
fn unloadable(name: &ComponentName, revision: Revision, error: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Unloadable, format_args!("revision {revision} of component `{name}`: {error}"))
}

/// A component to be deployed.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) wasm: Vec<u8>,
    pub(crate) files: Vec<ApiFile>,
    /// One for each file.
    pub(crate) settings: Vec<Settings>,
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        let code = match &error {
            RegistryError::Exists(_) => Code::ComponentExists,
            RegistryError::NoSuchComponent(_) => Code::NoSuchComponent,
            RegistryError::Stale { .. } => Code::StaleRevision,
            RegistryError::NotARegistry(_) | RegistryError::Damaged(_) | RegistryError::Database(_) => Code::Store,
        };
        Self::new(code, error)
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        let code = match &error {
            SettingsError::Contradiction(_) => Code::Settings,
            SettingsError::Package { .. } => Code::Dependencies,
            SettingsError::Server(_) | SettingsError::Authority(_) => Code::Server,
            SettingsError::Unsupported(_) => Code::Unsupported,
        };
        Self::new(code, error)
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        let code = match &error {
            LoadError::Component(_) => Code::Component,
            LoadError::Link(_) => Code::Link,
            LoadError::Plan(_) => Code::Ir,
            LoadError::Server { .. } => Code::Server,
            LoadError::Credentials { .. } => Code::Credentials,
        };
        Self::new(code, error)
    }
}
