//! A server in a process of its own, and the Todo service that its workers call.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use todo_service::{Effect, Running, Service};
use tokio::runtime::Runtime;

use crate::tool::{Ran, witwire};

/// The Todo service on loopback, which counts.
pub(crate) struct Todo {
    pub(crate) service: Service,
    pub(crate) running: Running,
    runtime: Runtime,
}

impl Todo {
    pub(crate) const TOKEN: &'static str = "todo-token-17";
    /// How many effects one run of the agent has.
    pub(crate) const EFFECTS: usize = 4;

    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("threads");
        let service = Service::new(Some(Self::TOKEN));
        let running = runtime.block_on(service.start()).expect("a port");
        Self { service, running, runtime }
    }

    /// Waits until so many requests in all have been held.
    pub(crate) fn held(&self, count: u64) {
        self.runtime.block_on(self.service.control.parked(count));
    }

    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.service.control.effects()
    }

    /// Asserts that no effect was repeated, and that there are so many.
    #[track_caller]
    pub(crate) fn each_once(&self, count: usize) {
        let effects = self.effects();
        assert_eq!(effects.len(), count, "{effects:#?}");
        let keyed: Vec<_> = effects.iter().filter_map(|e| e.key.as_ref()).collect();
        let different: std::collections::BTreeSet<_> = keyed.iter().collect();
        assert_eq!(different.len(), keyed.len(), "{effects:#?}");
    }
}

/// `witwire server`. Killed when it is dropped.
pub(crate) struct Platform {
    child: Child,
    pub(crate) url: String,
    dir: PathBuf,
    more: Vec<String>,
}

impl Platform {
    /// Starts a server whose store is in a folder, and waits until it listens.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Self {
        let more = more.iter().map(|&word| word.to_owned()).collect();
        Self::listen(dir, "127.0.0.1:0", more)
    }

    fn listen(dir: &Path, address: &str, more: Vec<String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_witwire"))
            .args(["server", "--listen", address, "--store", "witwire.db", "--credential", "env:TODO_TOKEN"])
            .args(["--allow", "127.0.0.1", "--allow-private", "127.0.0.0/8"])
            .args(&more)
            .current_dir(dir)
            .env("TODO_TOKEN", Todo::TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("it prints where it listens");
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("the server printed: {line}"));
        Self { url: url.to_owned(), child, dir: dir.to_owned(), more }
    }

    /// Ends it as a crash does, in the middle of everything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        assert!(sent.expect("a shell").success(), "it runs");
    }

    /// Waits until it has ended; its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }

    /// Starts it again, where it was.
    pub(crate) fn restart(mut self) -> Self {
        // It may have ended already.
        let _ = self.child.kill();
        self.ended();
        let address = self.url.trim_start_matches("http://").to_owned();
        let (dir, more) = (self.dir.clone(), std::mem::take(&mut self.more));
        drop(self);
        Self::listen(&dir, &address, more)
    }

    /// A command of the client, run in the folder.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        witwire(&self.dir, &[words, &["--server", &self.url]].concat())
    }

    /// A command of the client that is under way.
    pub(crate) fn begin(&self, words: &[&str]) -> Begun {
        let line = [words, &["--server", &self.url]].concat().iter().map(|&w| w.to_owned()).collect();
        let child = crate::tool::command(&self.dir)
            .args(words)
            .args(["--server", &self.url])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program under test starts");
        Begun { child, line }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that has not ended.
pub(crate) struct Begun {
    child: Child,
    line: Vec<String>,
}

impl Begun {
    pub(crate) fn end(self) -> Ran {
        let output = self.child.wait_with_output().expect("it ends");
        Ran::new(&self.line.iter().map(String::as_str).collect::<Vec<_>>(), &output)
    }
}
