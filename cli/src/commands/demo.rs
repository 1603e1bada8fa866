//! `witwire demo`: the two-minute tour. Everything in it is real: the services, the component, the kills.

mod server;
mod service;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use todo_service::{Control, Misbehavior, Operation, Point, Running, Service};
use tokio::process::{Child, Command};
use witwire_executor::oplog::IdempotencyKey;
use witwire_frontends::{Compiled, MemoryFiles, Options, openapi, proto};
use witwire_ir::container::{self, Bundle};
use witwire_ir::print_package;

use super::oplog;
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::network;
use crate::output::{Output, Tone};

/// The Rust guest of `examples/todo-agent`, built; a test holds it to the WIT that is printed today.
pub(crate) const AGENT: &[u8] = include_bytes!("../../../examples/todo-agent/todo-agent.wasm");
/// Its manifest, which has the settings of the REST dependency.
const MANIFEST: &str = include_str!("../../../examples/todo-agent/witwire.yaml");

/// How long a step of the tour may take before it counts as failed.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn run(args: &DemoArgs, output: Output) -> Result<(), CliError> {
    let dir = tempfile::Builder::new().prefix("witwire-demo-").tempdir().map_err(|e| CliError::Io(e.to_string()))?;
    if args.service {
        return network::runtime()?.block_on(service::run(args, output));
    }
    if args.server {
        return network::runtime()?.block_on(server::run(args, dir.path(), output));
    }
    let report = network::runtime()?.block_on(tour(dir.path(), output))?;
    if args.keep {
        let kept = dir.keep();
        output.line(&format!("\nkept: {}", kept.display()))?;
    }
    if output.is_json() {
        output.json(&report)?;
    }
    Ok(())
}

/// Prints for a person; silent where a program reads.
struct Guide(Output);

impl Guide {
    fn chapter(&self, number: u8, title: &str) -> Result<(), CliError> {
        self.say(&format!("\n{}", self.0.paint(Tone::Heading, &format!("{number}. {title}"))))
    }

    fn say(&self, text: &str) -> Result<(), CliError> {
        if self.0.is_json() { Ok(()) } else { self.0.line(text) }
    }
}

async fn tour(dir: &Path, output: Output) -> Result<serde_json::Value, CliError> {
    let guide = Guide(output);

    guide.chapter(1, "Two services on loopback, over one store of todos")?;
    let token = IdempotencyKey::random().map_err(|e| CliError::Io(e.to_string()))?;
    let service = Service::new(Some(token.as_str()));
    let running = service.start().await.map_err(|e| CliError::Io(format!("cannot listen on loopback: {e}")))?;
    guide.say(&format!("   gRPC {}\n   REST {} (needs a bearer token)", running.url(), running.rest_url()))?;

    guide.chapter(2, "Their specifications become WIT for the guest and IR for the host")?;
    let grpc = compile(dir, "todo.ir", "todo.proto", &guide)?;
    let rest = compile(dir, "todos.ir", "openapi.yaml", &guide)?;

    guide.chapter(3, "A Rust component imports both; nobody generated a client")?;
    let agent = dir.join("todo-agent.wasm");
    std::fs::write(&agent, AGENT).map_err(|e| CliError::file("write", &agent, &e))?;
    guide.say(&format!(
        "   examples/todo-agent: {} bytes; `run` makes six calls, three over REST, three over gRPC",
        AGENT.len()
    ))?;
    let worker = Runner { dir, agent, apis: [grpc, rest], running: &running, token: token.as_str() };

    guide.chapter(4, "It runs, and its process is killed")?;
    let control = &service.control;
    control.once(Operation::Create, Point::Done, Misbehavior::Park);
    killed_when_held(&worker, control, 1).await?;
    guide.say("   SIGKILL in the 1st call: the service has created the todo, its answer never arrived.")?;
    guide.say("   The call carries an idempotency key, so a new process may send it again with the same key.")?;

    control.once(Operation::List, Point::Arrived, Misbehavior::Park);
    killed_when_held(&worker, control, 2).await?;
    guide.say("   SIGKILL behind the 2nd call: two calls are done and recorded, the third (a GET) waits for its answer.")?;

    guide.chapter(5, "A third process finishes")?;
    let result = finish(&worker).await?;
    guide.say(&format!("   {}", output.paint(Tone::Good, &result)))?;

    guide.chapter(6, "What the worker recorded")?;
    if !output.is_json() {
        oplog::stored(WORKER, &worker.store()).await?.print(false, output)?;
    }

    guide.chapter(7, "What really happened, counted at the service")?;
    let effects = control.effects();
    for effect in &effects {
        let key = effect.key.as_deref().map(|k| format!("  key {k}")).unwrap_or_default();
        guide.say(&format!(
            "   {:<8} {:?} over {}{key}",
            format!("{:?}", effect.operation).to_lowercase(),
            effect.title,
            effect.protocol
        ))?;
    }
    let requests = control.all_requests();
    let repeated = effects.iter().enumerate().any(|(i, e)| effects[..i].contains(e));
    if repeated || effects.len() != 4 {
        return Err(CliError::Io(format!("{} effects were counted where 4 were expected, each once", effects.len())));
    }
    guide.say(&output.paint(
        Tone::Good,
        &format!("   {} effects, each once, from {requests} requests and three processes", effects.len()),
    ))?;
    Ok(serde_json::json!({ "result": result, "kills": 2, "requests": requests, "effects": effects }))
}

/// Compiles one embedded specification, shows its functions, writes its IR.
fn compile(dir: &Path, ir: &str, name: &str, guide: &Guide) -> Result<PathBuf, CliError> {
    let begun = Instant::now();
    let compiled = specification(name)?;
    let bundle = Bundle { apis: compiled.apis };
    let bytes = container::write(&bundle);
    let took = begun.elapsed();
    for api in &bundle.apis {
        let wit = print_package(api);
        guide.say(&format!(
            "   {name} → package {}: {} lines of WIT, {} bytes of IR, {:.1} ms",
            api.package,
            wit.lines().count(),
            bytes.len(),
            took.as_secs_f64() * 1000.0
        ))?;
        for line in
            wit.lines().map(str::trim).filter(|l| l.contains(": func(") && l.contains(", error>;") && !l.starts_with("next"))
        {
            guide.say(&format!("      {}", guide.0.paint(Tone::Dim, line)))?;
        }
    }
    let path = dir.join(ir);
    std::fs::write(&path, bytes).map_err(|e| CliError::file("write", &path, &e))?;
    Ok(path)
}

/// Compiles an embedded specification as `witwire build` does in `examples/todo-agent`.
pub(crate) fn specification(name: &str) -> Result<Compiled, CliError> {
    let files = MemoryFiles::new().with("openapi.yaml", todo_service::OPENAPI).with("todo.proto", todo_service::PROTO);
    let compiled = if name == "todo.proto" {
        let input = proto::Input::Protos { files: vec![name.into()], includes: Vec::new() };
        proto::compile(&input, &files, &Options::default())
    } else {
        let manifest = settings()?;
        let options = crate::settings::options(&crate::args::SpecSettings { manifest, ..Default::default() })?;
        openapi::compile(Path::new(name), &files, &options)
    };
    if compiled.is_refused() {
        let reasons: Vec<String> = compiled.diagnostics.iter().map(ToString::to_string).collect();
        return Err(CliError::Input(reasons.join("\n")));
    }
    Ok(compiled)
}

/// What shapes the REST dependency's WIT, as `--manifest` words.
fn settings() -> Result<Vec<String>, CliError> {
    let manifest: serde_json::Value = serde_saphyr::from_str(MANIFEST).map_err(|e| CliError::Input(e.to_string()))?;
    let rest = &manifest["dependencies"]["app:todo-agent"][1];
    Ok(["auth", "idempotency"].iter().map(|key| format!("{key}={}", rest[key])).collect())
}

const WORKER: &str = "party";

/// Starts processes that run the worker.
struct Runner<'a> {
    dir: &'a Path,
    agent: PathBuf,
    apis: [PathBuf; 2],
    running: &'a Running,
    token: &'a str,
}

impl Runner<'_> {
    fn store(&self) -> PathBuf {
        self.dir.join("oplog.db")
    }

    /// `witwire run …` in a process of its own.
    fn start(&self) -> Result<Child, CliError> {
        let program = std::env::current_exe().map_err(|e| CliError::Io(format!("cannot find this program: {e}")))?;
        let mut command = Command::new(program);
        command.arg("run").arg(&self.agent).args(["--invoke", "run(\"ada\")", "--worker", WORKER]);
        for api in &self.apis {
            command.arg("--api").arg(api);
        }
        command
            .arg("--server")
            .arg(format!("demo:todo={}", self.running.url()))
            .arg("--server")
            .arg(format!("api:todos={}", self.running.rest_url()))
            .args(["--auth", "bearerAuth=env:TODO_TOKEN"])
            .arg("--store")
            .arg(self.store())
            .env("TODO_TOKEN", self.token)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().map_err(|e| CliError::Io(format!("cannot start a process: {e}")))
    }
}

/// Runs the worker until the service holds a request of it, and kills its process there.
async fn killed_when_held(worker: &Runner<'_>, control: &Control, held: u64) -> Result<(), CliError> {
    let mut child = worker.start()?;
    let ended = tokio::select! {
        () = control.parked(held) => None,
        status = child.wait() => Some(status),
        () = tokio::time::sleep(PATIENCE) => return Err(CliError::Io("the component made no call in a minute".to_owned())),
    };
    if ended.is_some() {
        return Err(unexpected_end(child).await);
    }
    child.kill().await.map_err(|e| CliError::Io(format!("cannot kill the process: {e}")))?;
    control.release();
    Ok(())
}

async fn finish(worker: &Runner<'_>) -> Result<String, CliError> {
    let child = worker.start()?;
    let done = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .map_err(|_| CliError::Io("the component did not finish in a minute".to_owned()))?
        .map_err(|e| CliError::Io(e.to_string()))?;
    if !done.status.success() {
        return Err(CliError::Io(format!(
            "the worker ended with {}: {}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        )));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

async fn unexpected_end(child: Child) -> CliError {
    match child.wait_with_output().await {
        Ok(done) => CliError::Io(format!(
            "the worker ended before it was killed ({}): {}{}",
            done.status,
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        )),
        Err(e) => CliError::Io(e.to_string()),
    }
}
