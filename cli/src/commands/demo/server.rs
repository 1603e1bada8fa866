//! `witwire demo --server`: the Todo service, and a server with its agent deployed, to be tried from another terminal. A server that
//! is killed is started again, as a supervisor would.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use todo_service::{Running, Service};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use witwire_deployment::{ComponentName, Credential, NewComponent, Reference, ServerUrl, Settings};
use witwire_executor::oplog::IdempotencyKey;
use witwire_ir::container::{self, Bundle};

use super::{AGENT, PATIENCE, specification};
use crate::args::{DemoArgs, ServerAddress};
use crate::client::{Client, Progress, Upload};
use crate::error::CliError;
use crate::output::{Output, Tone};

/// Where `witwire server` listens by default, and where the client looks for it.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9080);
const COMPONENT: &str = "app:todo-agent";
const WORKER: &str = "party";
/// The variable that holds the Todo service's token, in the server's process only.
const TOKEN: &str = "TODO_TOKEN";

pub(super) async fn run(args: &DemoArgs, dir: &Path, output: Output) -> Result<(), CliError> {
    // Before anything is printed: whoever reads it may stop the demo.
    let stop = |kind| signal(kind).map_err(|e| CliError::Io(format!("cannot listen for signals: {e}")));
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let token = IdempotencyKey::random().map_err(|e| CliError::Io(e.to_string()))?;
    let service = Service::new(Some(token.as_str()));
    service.control.slow(Duration::from_millis(args.delay));
    let todo = service.start().await.map_err(|e| CliError::Io(format!("cannot listen on loopback: {e}")))?;
    let mut server = match args.listen {
        Some(address) => Server::start(dir, address, &token).await?,
        // Where another server listens already, any port does.
        None => match Server::start(dir, USUAL, &token).await {
            Ok(server) => server,
            Err(_) => Server::start(dir, (Ipv4Addr::LOCALHOST, 0).into(), &token).await?,
        },
    };
    let metadata = metadata(&todo)?;
    let url = server.url();
    tokio::task::spawn_blocking(move || deploy(&url, &metadata))
        .await
        .map_err(|e| CliError::Io(format!("the deployment was given up: {e}")))??;
    server.tell(&todo, output)?;
    loop {
        tokio::select! {
            _ = server.child.wait() => {
                server = Server::start(dir, server.address, &token).await?;
                server.tell_restart(output)?;
            }
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    server.child.kill().await.map_err(|e| CliError::Io(format!("cannot stop the server: {e}")))
}

/// `witwire server` in a process of its own.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    async fn start(dir: &Path, address: SocketAddr, token: &IdempotencyKey) -> Result<Self, CliError> {
        let failed = |why: &dyn std::fmt::Display| CliError::Io(format!("cannot start a server at {address}: {why}"));
        let program = std::env::current_exe().map_err(|e| failed(&e))?;
        let mut child = Command::new(program)
            .args(["server", "--listen", &address.to_string(), "--credential", "env:TODO_TOKEN"])
            .args(["--allow", "127.0.0.1", "--allow-private", "127.0.0.0/8", "--store"])
            .arg(dir.join("witwire.db"))
            .env(TOKEN, token.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed(&e))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            let read = tokio::time::timeout(PATIENCE, BufReader::new(out).read_line(&mut line)).await;
            read.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
        }
        let address = line.trim().strip_prefix("listening on http://").and_then(|a| a.parse().ok());
        let address = address.ok_or_else(|| failed(&"it ended at once"))?;
        Ok(Self { child, address })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process, for a person who wants to kill it. 0 once it has ended.
    fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    fn tell(&self, todo: &Running, output: Output) -> Result<(), CliError> {
        if output.is_json() {
            return output.json(&serde_json::json!({
                "server": self.url(), "pid": self.pid(), "component": COMPONENT, "worker": WORKER, "todo": todo.url(),
            }));
        }
        output.line(&output.paint(Tone::Heading, "A Todo service, and a server that runs its agent"))?;
        output.line(&format!("   Todo service    gRPC {}, REST {}", todo.url(), todo.rest_url()))?;
        output.line(&format!("   witwire server  {}, process {}", self.url(), self.pid()))?;
        output.line(&format!("   component       {COMPONENT}, revision 1"))?;
        output.line(&format!("   worker          {WORKER}"))?;
        output.line(&format!("\n{}", output.paint(Tone::Heading, "Now, in another terminal:")))?;
        let program = program();
        let server = if self.address == USUAL { String::new() } else { format!(" --server {}", self.url()) };
        for command in [
            format!("worker invoke {WORKER} 'run(\"ada\")' --follow --key k1"),
            format!("oplog {WORKER}"),
            format!("component show {COMPONENT}"),
        ] {
            output.line(&format!("   {program} {command}{server}"))?;
        }
        output.line(&format!("   kill -9 {}", self.pid()))?;
        output.line(
            "\nKill it while the worker runs: it is started again, and goes on where it was. The same line with the same\n\
             key then waits for the result. Ctrl-C here ends both services.",
        )
    }

    fn tell_restart(&self, output: Output) -> Result<(), CliError> {
        if output.is_json() {
            return output.json(&serde_json::json!({ "restarted": self.pid() }));
        }
        output.line(&format!("The server has ended; a new one goes on, process {}", self.pid()))
    }
}

/// This program as a person here would call it.
fn program() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "witwire".into());
    let here = std::env::current_dir().ok();
    let near = here.and_then(|here| program.strip_prefix(here).ok().map(Path::to_owned));
    near.unwrap_or(program).display().to_string()
}

/// The agent's dependencies: gRPC and REST, the latter with the token that only the server knows.
fn metadata(todo: &Running) -> Result<NewComponent, CliError> {
    let bad = |e: &dyn std::fmt::Display| CliError::Io(e.to_string());
    let server = |url: String| url.parse::<ServerUrl>().map(Some).map_err(|e| bad(&e));
    let credentials = BTreeMap::from([("bearerAuth".to_owned(), Credential::Secret(Reference::Env(TOKEN.to_owned())))]);
    Ok(NewComponent {
        name: COMPONENT.parse::<ComponentName>().map_err(|e| bad(&e))?,
        dependencies: vec![
            Settings { server: server(todo.url())?, ..Settings::default() },
            Settings { server: server(todo.rest_url())?, credentials, ..Settings::default() },
        ],
    })
}

fn deploy(url: &str, metadata: &NewComponent) -> Result<(), CliError> {
    let client = Client::new(&ServerAddress { server: url.to_owned(), api_key_file: None, ca: Vec::new() })?;
    let mut upload = Upload::new(metadata, Progress::silent())?.part("component", AGENT.to_vec());
    for name in ["todo.proto", "openapi.yaml"] {
        upload = upload.part("ir", container::write(&Bundle { apis: specification(name)?.apis }));
    }
    client.create_component(upload)?;
    client.create_worker(WORKER, COMPONENT, None)?;
    Ok(())
}
