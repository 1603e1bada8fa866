//! `witwire build`

use std::sync::Arc;

use witwire_executor::oplog::MemoryStore;
use witwire_executor::transport::{Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, LinkError, LoadError};
use witwire_ir::container::Bundle;
use witwire_manifest::LockPolicy;
use witwire_manifest::build::{self, BuildOptions, Built, Linked, Linker, Refusal};

use super::manifest::{Told, open, policy};
use crate::args::BuildArgs;
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::reflection::Asker;

pub(crate) fn run(args: &BuildArgs, output: Output) -> Result<(), CliError> {
    let project = open(&args.manifest, output)?;
    let options = BuildOptions {
        components: args.components.clone(),
        lock: LockPolicy { update: args.update_lock, ..policy(&args.manifest) },
        force: args.force,
        no_command: args.no_command,
        out: args.output.clone(),
    };
    let linker = ByExecutor::new()?;
    let mut told = Told::new(output);
    let built =
        build::build(&project, &options, &linker, &Asker, &mut |event| told.event(&event)).map_err(|e| told.failed(e))?;
    if output.is_json() {
        return output.json(&serde_json::json!({ "built": built, "findings": told.findings }));
    }
    built.iter().try_for_each(|built| output.line(&line(built, output)))
}

fn line(built: &Built, output: Output) -> String {
    let what = if built.changed { output.paint(Tone::Good, "built") } else { output.paint(Tone::Dim, "unchanged") };
    let mut text = format!("{what} {}: {} ({} bytes)", built.component, built.bundle.display(), built.bytes);
    for path in &built.wit {
        let verb = if path.exists() { "wrote" } else { "removed" };
        text.push_str(&format!("\n  {verb} {}", path.display()));
    }
    text
}

/// Links as the server will, without a network.
struct ByExecutor {
    executor: Executor,
    /// Loading belongs into a runtime, as on the server.
    runtime: tokio::runtime::Runtime,
}

impl ByExecutor {
    fn new() -> Result<Self, CliError> {
        let io = |e: &dyn std::fmt::Display| CliError::Io(e.to_string());
        let transport = Transport::new(TransportConfig::default()).map_err(|e| io(&e))?;
        let config = ExecutorConfig::new(Arc::new(MemoryStore::new()), transport);
        let executor = Executor::new(config).map_err(|e| io(&e))?;
        Ok(Self { executor, runtime: crate::network::runtime()? })
    }
}

impl Linker for ByExecutor {
    fn imported(&self, component: &[u8], dependencies: &[Bundle]) -> Result<Vec<Bundle>, Vec<String>> {
        self.executor.imported(component, dependencies).map_err(reasons)
    }

    fn link(&self, component: &[u8], dependencies: &[Linked]) -> Result<(), Refusal> {
        let _inside = self.runtime.enter();
        let mut loaded = Vec::new();
        for (index, dependency) in dependencies.iter().enumerate() {
            let file = ApiFile::read(dependency.ir.clone()).map_err(|e| Refusal::Component(vec![e.to_string()]))?;
            let settings = Dependency::from_settings(file, &dependency.settings);
            loaded.push(settings.map_err(|e| Refusal::Settings { dependency: index, reason: e.to_string() })?);
        }
        self.executor.load(component, &loaded).map(drop).map_err(|e| Refusal::Component(reasons(e)))
    }
}

fn reasons(error: LoadError) -> Vec<String> {
    match error {
        LoadError::Link(LinkError { problems }) => problems.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}
