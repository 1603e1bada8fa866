//! A server in a process of its own, which can be killed.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};
use witwire_server::{ApiKey, DeployProbe, DeployStage, Server, ServerConfig};

use crate::client::Request;
use crate::setup::{config, runtime};

/// The argument that makes the test binary a server.
pub(crate) const CHILD: &str = "--server-child";

/// Where a process ends itself.
pub(crate) const STAGES: [(&str, DeployStage); 4] = [
    ("linked", DeployStage::Linked),
    ("stored", DeployStage::Stored),
    ("written", DeployStage::Written),
    ("committed", DeployStage::Committed),
];

/// A server process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
    /// Kept open: a server that prints into a closed pipe fails.
    _output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a server whose files are in a directory. It kills itself where a deployment comes to the stage.
    pub(crate) fn start(directory: &Path, kill: Option<&str>, api_key: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.arg(CHILD).arg(directory).arg(kill.unwrap_or("-")).arg(api_key.unwrap_or("-"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a process");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        let address = line.trim().parse().expect("an address");
        Self { address, child, _output: output }
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        Request::new(&format!("GET {path}")).call(self.address).ok()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        Request::new(&format!("POST {path}")).json(body).call(self.address).ok()
    }

    /// Kills it from outside, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        assert_eq!(self.ended(), Some(9));
    }

    /// Waits until it is gone; the signal that ended it, if one did.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").signal()
    }

    /// Asks it to stop. The result waits until it has.
    pub(crate) fn terminate(mut self) -> impl FnOnce() {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        move || assert!(self.child.wait().expect("it ends").success(), "a clean stop")
    }
}

/// A test that fails leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
struct KillAt(DeployStage);

impl DeployProbe for KillAt {
    fn reached(&self, stage: DeployStage) {
        if stage == self.0 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}

/// The child's side.
pub(crate) fn child(arguments: &[String]) {
    let [directory, kill, api_key] = arguments else { panic!("a directory, a stage and a key") };
    let mut config = ServerConfig { ..config(Path::new(directory)) };
    if let Some((_, stage)) = STAGES.into_iter().find(|(name, _)| name == kill) {
        config.probe = Arc::new(KillAt(stage));
    }
    if api_key != "-" {
        config.api_keys = vec![ApiKey::new(api_key).expect("a key")];
    }
    runtime().block_on(async {
        let mut terminate = signal(SignalKind::terminate()).expect("signals");
        let server = Server::bind(config).await.expect("a server");
        println!("{}", server.address());
        let stopped = async move {
            terminate.recv().await;
        };
        server.serve(stopped).await.expect("it serves");
    });
}
