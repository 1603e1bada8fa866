//! `witwire run`: a durable one-shot on the embedded store.

use std::path::Path;
use std::sync::Arc;

use witwire_executor::credentials::Credentials;
use witwire_executor::oplog::{IdempotencyKey, SqliteStore, WorkerId};
use witwire_executor::transport::{Endpoint, Transport};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, WorkerError};

use crate::args::RunArgs;
use crate::error::CliError;
use crate::invocation;
use crate::network;
use crate::output::{Output, Tone};

pub(crate) fn run(args: &RunArgs, output: Output) -> Result<(), CliError> {
    let (function, arguments) = invocation::parse(&args.invoke)?;
    let worker = WorkerId::new(args.worker.as_str()).map_err(|e| CliError::Usage(e.to_string()))?;
    let key = match &args.key {
        Some(key) => IdempotencyKey::new(key.as_str()).map_err(|e| CliError::Usage(e.to_string()))?,
        None => derived_key(&args.invoke)?,
    };
    let dependencies = dependencies(args)?;
    let wasm = std::fs::read(&args.component).map_err(|e| CliError::file("read", &args.component, &e))?;
    let endpoints = dependencies.iter().flat_map(|d| &d.servers);
    let config = network::transport(endpoints, &args.network)?;

    let outcome = network::runtime()?.block_on(async {
        let store = SqliteStore::open(&args.store).map_err(|e| CliError::Io(format!("`{}`: {e}", args.store.display())))?;
        let transport = Transport::new(config).map_err(|e| CliError::Input(e.to_string()))?;
        let executor =
            Executor::new(ExecutorConfig::new(Arc::new(store), transport)).map_err(|e| CliError::Io(e.to_string()))?;
        let program = executor
            .load(wasm, &dependencies)
            .map_err(|e| CliError::Input(format!("`{}`: {e}", args.component.display())))?;
        match executor.store().worker(&worker).await.map_err(|e| store_error(&e))? {
            None => executor.create(&worker, &program, String::new()).await.map_err(|e| store_error(&e))?,
            Some(known) if known.component != program.digest() => eprintln!(
                "{} worker `{worker}` was created with another build of the component; its past is replayed with this one",
                output.paint_err(Tone::Note, "note:")
            ),
            Some(_) => {}
        }
        let mut worker = executor.open(&worker, &program).await.map_err(|e| worker_error(&e))?;
        worker.invoke(&key, &function, &arguments).await.map_err(|e| worker_error(&e))
    })?;
    invocation::print(&outcome.into(), output)
}

fn store_error(error: &dyn std::fmt::Display) -> CliError {
    CliError::Io(error.to_string())
}

fn worker_error(error: &WorkerError) -> CliError {
    match error {
        WorkerError::Store(_) | WorkerError::Damaged(_) | WorkerError::Host(_) => CliError::Io(error.to_string()),
        _ => CliError::Input(error.to_string()),
    }
}

/// The same call is the same invocation, so that running a line again continues it.
fn derived_key(call: &str) -> Result<IdempotencyKey, CliError> {
    let normal: String = call.split_whitespace().collect::<Vec<_>>().join(" ");
    let digest = witwire_executor::oplog::Digest::of(normal.as_bytes());
    // Half of the digest: 128 bits leave no room for chance, and the key stays readable.
    let digest = digest.to_string();
    IdempotencyKey::new(format!("run-{}", &digest[..32])).map_err(|e| CliError::Usage(e.to_string()))
}

fn read_api(path: &Path) -> Result<ApiFile, CliError> {
    let bytes = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
    ApiFile::read(bytes).map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))
}

fn dependencies(args: &RunArgs) -> Result<Vec<Dependency>, CliError> {
    let files = args.api.iter().map(|path| read_api(path)).collect::<Result<Vec<_>, _>>()?;
    let mut dependencies: Vec<Dependency> = files.into_iter().map(|file| Dependency::new(file, None)).collect();
    for server in &args.server {
        set_server(&mut dependencies, server)?;
    }
    for reference in &args.auth {
        set_credentials(&mut dependencies, reference)?;
    }
    // Without a server of its own, a dependency is called at the first server that its document names; resolve it here, so that
    // the egress list is the whole truth about where this command may connect.
    for dependency in &mut dependencies {
        if dependency.servers.is_empty()
            && let Some(api) = dependency.file.apis().first()
        {
            let package = &api.package;
            let endpoint = Endpoint::from_servers(&api.servers, None).map_err(|e| {
                CliError::Usage(format!(
                    "{package}: {e}; `--server {}:{}=URL`",
                    package.namespace.as_str(),
                    package.name.as_str()
                ))
            })?;
            dependency.servers = vec![endpoint];
        }
    }
    Ok(dependencies)
}

/// `PACKAGE=URL`, or a URL alone where there is one dependency.
fn set_server(dependencies: &mut [Dependency], text: &str) -> Result<(), CliError> {
    let usage = |why: String| CliError::Usage(format!("`--server {}`: {why}", network::shown(text)));
    let (package, url) = match text.split_once('=') {
        Some((package, url)) if !package.contains("//") => (Some(package), url),
        _ => (None, text),
    };
    let endpoint = Endpoint::parse(url).map_err(|e| usage(e.to_string()))?;
    let names = |d: &Dependency| -> Vec<String> {
        d.file.apis().iter().map(|a| format!("{}:{}", a.package.namespace.as_str(), a.package.name.as_str())).collect()
    };
    let known: Vec<String> = dependencies.iter().flat_map(names).collect();
    let dependency = match (package, dependencies) {
        (Some(package), all) => all.iter_mut().find(|d| names(d).iter().any(|n| n == package)),
        (None, [only]) => Some(only),
        (None, _) => return Err(usage(format!("say which package it serves: {}", known.join(", ")))),
    };
    let dependency = dependency.ok_or_else(|| usage(format!("no such package; there are: {}", known.join(", "))))?;
    dependency.servers = vec![endpoint];
    Ok(())
}

/// Gives a credential to every dependency whose API has its scheme.
fn set_credentials(dependencies: &mut [Dependency], reference: &str) -> Result<(), CliError> {
    let parsed = Credentials::none().parse(reference).map_err(|e| CliError::Usage(e.to_string()))?;
    let mut trouble = None;
    let mut used = false;
    for dependency in dependencies {
        for api in dependency.file.apis() {
            match parsed.check(api) {
                Ok(()) => {
                    let credentials = std::mem::take(&mut dependency.credentials);
                    dependency.credentials = credentials.parse(reference).map_err(|e| CliError::Usage(e.to_string()))?;
                    used = true;
                    break;
                }
                Err(e) => trouble = Some(e),
            }
        }
    }
    match trouble {
        Some(trouble) if !used => Err(CliError::Input(trouble.to_string())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_is_the_same_invocation() {
        let key = |text| derived_key(text).expect("a valid key");
        assert_eq!(key("run(\"x\",  1)"), key("run(\"x\", 1)"));
        assert_ne!(key("run(\"x\")"), key("run(\"y\")"));
    }
}
