//! Executors, programs and child processes for the tests of workers.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tokio::process::Command;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{
    Entry, FunctionName, IdempotencyKey, MemoryStore, Ordinal, Outcome, SqliteStore, Store, WorkerId,
};
use witwire_executor::transport::{Endpoint, SendProbe, SendStage, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, Probe, Program, Window, Worker};
use witwire_ir::InDoubt;
use witwire_ir::container::Bundle;
use witwire_test_support::Script;

use crate::ledger::{self, INTERFACE, Operation, Protocol, Server};

/// Far longer than a child process takes on a busy machine.
const LONGEST: Duration = Duration::from_mins(2);

/// The first argument of a child process of these tests.
pub(crate) const CHILD: &str = "--worker-child";

pub(crate) type TestResult = Result<(), Failed>;

/// A trial that runs on a runtime of its own.
pub(crate) fn trial<F, Fut>(name: impl Into<String>, test: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = TestResult>,
{
    Trial::test(name, move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(test())
    })
}

pub(crate) fn check<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> TestResult {
    if got == expected { Ok(()) } else { Err(format!("{what}:\n     got {got:?}\nexpected {expected:?}").into()) }
}

pub(crate) fn contains(text: &str, part: &str) -> TestResult {
    if text.contains(part) { Ok(()) } else { Err(format!("`{part}` is not in: {text}").into()) }
}

/// Where a process is to end itself: at a window of the call whose `Started` is, or will be, at the ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KillWindow {
    Worker(Window),
    Transport(SendStage),
    /// The ordinal counts messages that are half sent.
    HalfSent,
}

impl KillWindow {
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("before-recorded", Self::Worker(Window::BeforeRecorded)),
        ("recorded", Self::Worker(Window::Recorded)),
        ("request-half-sent", Self::Transport(SendStage::RequestHalfSent)),
        ("between-attempts", Self::Transport(SendStage::BetweenAttempts)),
        ("half-sent", Self::HalfSent),
        ("step-taken", Self::Worker(Window::StepTaken)),
        ("response-read", Self::Transport(SendStage::ResponseRead)),
        ("recorded-not-returned", Self::Worker(Window::RecordedNotReturned)),
    ];
}

/// Ends the process at a window, at once: no destructor runs, nothing is flushed.
#[derive(Debug)]
struct KillAt {
    window: KillWindow,
    target: Ordinal,
    /// The call under way: the transport does not know it.
    current: AtomicU64,
    /// Messages that were half sent.
    halves: AtomicU64,
}

impl KillAt {
    fn at(&self, window: KillWindow) {
        if window == self.window && self.current.load(Ordering::SeqCst) == self.target.get() {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
    }
}

impl Probe for KillAt {
    fn reached(&self, window: Window, call: Ordinal) {
        self.current.store(call.get(), Ordering::SeqCst);
        self.at(KillWindow::Worker(window));
    }
}

impl SendProbe for KillAt {
    fn reached(&self, stage: SendStage) {
        self.at(KillWindow::Transport(stage));
        if stage == SendStage::RequestHalfSent && self.window == KillWindow::HalfSent {
            let half = self.halves.fetch_add(1, Ordering::SeqCst) + 1;
            self.current.store(half, Ordering::SeqCst);
            self.at(KillWindow::HalfSent);
        }
    }
}

/// An executor that may connect to loopback.
pub(crate) fn executor(store: Arc<dyn Store>) -> Result<Executor, Failed> {
    Ok(Executor::new(ExecutorConfig::new(store, transport(Arc::new(()))?))?)
}

pub(crate) fn transport(probe: Arc<dyn SendProbe>) -> Result<Transport, Failed> {
    let egress = EgressPolicy::parse(["127.0.0.1"], ["127.0.0.0/8"])?;
    Ok(Transport::new(TransportConfig { egress, probe, ..TransportConfig::default() })?)
}

/// A component linked with the ledger's API.
pub(crate) fn load(
    executor: &Executor,
    wasm: Vec<u8>,
    protocol: Protocol,
    in_doubt: InDoubt,
    url: &str,
) -> Result<Program, Failed> {
    // A component that makes settings of calls imports their constructor.
    let constructor = b"[constructor]call";
    let file = if wasm.windows(constructor.len()).any(|w| w == constructor) {
        ApiFile::of(&Bundle { apis: vec![ledger::explicit_api(protocol, in_doubt)] })
    } else {
        ApiFile::of(&ledger::bundle(protocol, in_doubt))
    };
    Ok(executor.load(wasm, &[Dependency::new(file, Some(Endpoint::parse(url)?))])?)
}

/// A script over the ledger's API.
pub(crate) fn script(protocol: Protocol) -> Script {
    Script::new([ledger::wit(protocol)])
}

/// A script that performs an operation once for each id.
pub(crate) fn calls(protocol: Protocol, operation: Operation, ids: &[&str]) -> Script {
    ids.iter().fold(script(protocol), |script, id| script.call(INTERFACE, operation.wave(protocol, id)))
}

/// The export of a script.
pub(crate) fn run() -> FunctionName {
    FunctionName::world("run")
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).expect("a literal key")
}

pub(crate) fn worker_id() -> WorkerId {
    WorkerId::new("w").expect("a literal name")
}

/// The numbers that a script returned.
pub(crate) fn numbers(outcome: &Outcome) -> Result<Vec<u64>, Failed> {
    match outcome {
        Outcome::Returned(Some(wave)) => parse_numbers(wave.as_str()),
        other => Err(format!("not a result: {other:?}").into()),
    }
}

pub(crate) fn parse_numbers(wave: &str) -> Result<Vec<u64>, Failed> {
    let inner = wave.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split(',').filter(|n| !n.trim().is_empty()).map(|n| Ok(n.trim().parse()?)).collect()
}

/// A worker over the ledger, in memory.
pub(crate) struct Setup {
    pub(crate) server: Server,
    pub(crate) held: tokio::sync::mpsc::UnboundedReceiver<()>,
    pub(crate) executor: Executor,
}

impl Setup {
    pub(crate) async fn new() -> Result<Self, Failed> {
        let (server, held) = Server::start().await?;
        Ok(Self { server, held, executor: executor(Arc::new(MemoryStore::new()))? })
    }

    pub(crate) fn load(&self, protocol: Protocol, script: &Script) -> Result<Program, Failed> {
        load(&self.executor, script.build()?, protocol, InDoubt::OutcomeUnknown, self.server.url())
    }

    pub(crate) async fn open(&self, program: &Program) -> Result<Worker, Failed> {
        if self.executor.store().worker(&worker_id()).await?.is_none() {
            self.executor.create(&worker_id(), program, String::new()).await?;
        }
        Ok(self.executor.open(&worker_id(), program).await?)
    }

    pub(crate) async fn entries(&self) -> Result<Vec<(Ordinal, Entry)>, Failed> {
        Ok(self.executor.store().read(&worker_id(), Ordinal::ZERO).await?)
    }
}

/// Invokes a script, and gives its numbers.
pub(crate) async fn invoke(worker: &mut Worker, name: &str) -> Result<Vec<u64>, Failed> {
    numbers(&worker.invoke(&key(name), &run(), &[]).await?)
}

/// The bytes of all files in a folder.
pub(crate) fn files_in(directory: &std::path::Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        bytes.extend(if path.is_dir() { files_in(&path)? } else { std::fs::read(path)? });
    }
    Ok(bytes)
}

/// What a child process is to do.
#[derive(Debug, Clone)]
pub(crate) struct Child<'a> {
    pub(crate) database: &'a Path,
    pub(crate) url: &'a str,
    pub(crate) protocol: Protocol,
    /// The component's file.
    pub(crate) wasm: &'a Path,
    pub(crate) in_doubt: InDoubt,
    /// The keys under which `run` is invoked, one after the other; empty: the worker is only resumed.
    pub(crate) keys: &'a [&'a str],
    /// A person's decision about a call in doubt, with which the worker is resumed before it is invoked.
    pub(crate) decision: Option<InDoubt>,
    /// Where it ends itself.
    pub(crate) kill: Option<(&'static str, Ordinal)>,
}

/// How a child process ended, and what it printed: the result of each invocation, a line each.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
}

fn policy_name(policy: Option<InDoubt>) -> &'static str {
    match policy {
        None => "none",
        Some(InDoubt::OutcomeUnknown) => "outcome-unknown",
        Some(InDoubt::Retry) => "retry",
        Some(InDoubt::Suspend) => "suspend",
    }
}

fn policy(name: &str) -> Option<InDoubt> {
    [InDoubt::OutcomeUnknown, InDoubt::Retry, InDoubt::Suspend].into_iter().find(|p| policy_name(Some(*p)) == name)
}

impl Child<'_> {
    /// Starts the process: this same binary.
    pub(crate) fn spawn(&self) -> Result<tokio::process::Child, Failed> {
        let (window, ordinal) = self.kill.map_or(("none", Ordinal::ZERO), |(w, o)| (w, o));
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(CHILD)
            .args([self.database, self.wasm])
            .args([self.url, self.protocol.name(), policy_name(Some(self.in_doubt)), policy_name(self.decision)])
            .args([window, &ordinal.to_string()])
            .args(self.keys);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
    }

    /// Runs the process to its end.
    pub(crate) async fn finish(&self) -> Result<Finished, Failed> {
        wait(self.spawn()?).await
    }
}

/// Waits for a child process; one that hangs is killed, and fails its test.
pub(crate) async fn wait(child: tokio::process::Child) -> Result<Finished, Failed> {
    let output = tokio::time::timeout(LONGEST, child.wait_with_output()).await.map_err(|_| "the child process hangs")??;
    let lines = String::from_utf8(output.stdout)?.lines().map(ToOwned::to_owned).collect();
    Ok(Finished { status: output.status, lines })
}

/// The child's side.
pub(crate) fn child(arguments: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let Err(error) = runtime.block_on(child_run(arguments)) {
        eprintln!("the child process failed: {}", error.message().unwrap_or("?"));
        std::process::exit(2);
    }
}

async fn child_run(arguments: &[String]) -> TestResult {
    let [database, wasm, url, protocol, in_doubt, decision, window, ordinal, keys @ ..] = arguments else {
        return Err("wrong arguments".into());
    };
    let protocol = Protocol::parse(protocol).ok_or("no such protocol")?;
    let in_doubt = policy(in_doubt).ok_or("no such policy")?;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(database)?);
    let config = match KillWindow::ALL.into_iter().find(|(name, _)| name == window) {
        None => ExecutorConfig::new(store, transport(Arc::new(()))?),
        Some((_, window)) => {
            let target = Ordinal::new(ordinal.parse()?);
            let probe = Arc::new(KillAt { window, target, current: AtomicU64::new(u64::MAX), halves: AtomicU64::new(0) });
            ExecutorConfig { probe: probe.clone(), ..ExecutorConfig::new(store, transport(probe)?) }
        }
    };
    let executor = Executor::new(config)?;
    let program = load(&executor, std::fs::read(wasm)?, protocol, in_doubt, url)?;
    let id = worker_id();
    if executor.store().worker(&id).await?.is_none() {
        executor.create(&id, &program, String::new()).await?;
    }
    let mut worker = executor.open(&id, &program).await?;
    if decision != "none" || keys.is_empty() {
        worker.resume(policy(decision)).await?;
    }
    for text in keys {
        match worker.invoke(&key(text), &run(), &[]).await {
            Ok(Outcome::Returned(Some(wave))) => println!("{}", wave.as_str()),
            Ok(other) => println!("{other:?}"),
            Err(error) => println!("error: {error}"),
        }
    }
    Ok(())
}
