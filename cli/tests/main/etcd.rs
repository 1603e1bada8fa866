//! A real third-party service: a guest puts, reads and watches keys in etcd.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Runtime;
use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{
    Event, FunctionName, IdempotencyKey, MemoryStore, Ordinal, Outcome, Wave, WorkerId, describe,
};
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig, Worker};
use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::container::Bundle;
use witwire_ir::{Api, print_package};
use witwire_test_support::{Script, proxy_guest};

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("etcd::keys_through_a_guest", keys_through_a_guest);
    add("etcd::transactions_watches_and_leases", streams_through_a_guest);
}

/// A running etcd; it is stopped when this is dropped.
struct Etcd {
    child: Child,
    clients: String,
    _data: tempfile::TempDir,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

impl Etcd {
    /// `None` where it is not on the PATH.
    fn start() -> Option<Self> {
        let data = tempfile::tempdir().expect("a temporary folder");
        let (clients, peers) = (free_address(), free_address());
        let (client_url, peer_url) = (format!("http://{clients}"), format!("http://{peers}"));
        let spawned = Command::new("etcd")
            .arg("--data-dir")
            .arg(data.path())
            .args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url])
            .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &format!("default={peer_url}")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return None,
            Err(e) => panic!("etcd does not start: {e}"),
        };
        let log = child.stderr.take().expect("its log");
        let (ready, wait) = mpsc::channel();
        // Reads on to the end, so that etcd never waits for a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if line.contains("serving insecure client requests") {
                    let _ = ready.send(());
                }
            }
        });
        let etcd = Self { child, clients, _data: data };
        wait.recv_timeout(Duration::from_mins(1)).expect("etcd serves within a minute");
        Some(etcd)
    }

    /// What etcd's own JSON gateway says of a key: another way to look, without our code.
    fn gateway(&self, base64_key: &str) -> String {
        let mut stream = TcpStream::connect(&self.clients).expect("a connection");
        let body = format!("{{\"key\":\"{base64_key}\"}}");
        write!(
            stream,
            "POST /v3/kv/range HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.clients,
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

/// etcd, unless it is missing here.
fn etcd() -> Option<Etcd> {
    let etcd = Etcd::start();
    if etcd.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "etcd is not on the PATH, and CI must have it");
        println!("skipped: etcd is not on the PATH");
    }
    etcd
}

/// The API of the test's own file.
fn api() -> Vec<Api> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kv.proto");
    let includes = vec![file.parent().expect("a folder").to_owned()];
    let compiled = proto::compile(&proto::Input::Protos { files: vec![file], includes }, &DiskFiles, &Options::default());
    assert!(!compiled.is_refused(), "{:?}", compiled.diagnostics);
    compiled.apis
}

/// A worker of a guest that calls etcd, and what runs it.
fn worker(etcd: &Etcd, guest: Vec<u8>, apis: Vec<Api>) -> (Runtime, Executor, Worker) {
    let server = Endpoint::parse(&format!("http://{}", etcd.clients)).expect("a URL");
    let egress = EgressPolicy::exactly([&server]);
    let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("a transport");
    let executor = Executor::new(ExecutorConfig::new(Arc::new(MemoryStore::new()), transport)).expect("an executor");
    let dependency = Dependency::new(ApiFile::of(&Bundle { apis }), Some(server));
    let program = executor.load(guest, &[dependency]).expect("the guest links");
    let runtime = Runtime::new().expect("a runtime");
    let id = WorkerId::new("etcd").expect("a name");
    let worker = runtime.block_on(async {
        executor.create(&id, &program, String::new()).await.expect("a worker");
        executor.open(&id, &program).await.expect("the worker")
    });
    (runtime, executor, worker)
}

/// A watch tells of a key that a transaction puts, and a lease is kept alive: the guest reads both from streams.
fn streams_through_a_guest() {
    let Some(etcd) = etcd() else { return };
    let apis = api();
    let package = |interface: &str| format!("grpc:etcdserverpb/{interface}@0.1.0");
    // "k" is [107], "one" [111, 110, 101]. The key is put because its version is 0: it does not exist.
    let transaction = "txn({compare: [{%result: equal, target: version, key: [107], target-union: some(version(0))}], \
                       success: [{request: some(request-put({key: [107], value: [111, 110, 101], lease: 5, prev-kv: false}))}], \
                       failure: []})";
    let guest = Script::new([print_package(&apis[0])])
        .open("watch", package("watch"), "watch()")
        .method(
            "watch",
            "send({request-union: some(create-request({key: [107], range-end: [], start-revision: 0, watch-id: 7}))})",
        )
        .method("watch", "next()")
        .call(package("lease"), "lease-grant({ttl: 60, id: 5})")
        .call(package("kv"), transaction)
        .method("watch", "next()")
        .open("lease", package("lease"), "lease-keep-alive()")
        .method("lease", "send({id: 5})")
        .method("lease", "next()")
        .method("lease", "close-send()")
        .method("lease", "next()")
        .method("watch", "cancel()");
    let (runtime, executor, mut worker) = worker(&etcd, guest.build().expect("a guest of the printed WIT"), apis.clone());
    let key = IdempotencyKey::new("run").expect("a key");
    let outcome = runtime.block_on(worker.invoke(&key, &FunctionName::world("run"), &[])).expect("the invocation");
    // The number of a response is its first field: the watch's, the lease's.
    let Outcome::Returned(Some(numbers)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(numbers.as_str(), "[0, 0, 1000007, 0, 0, 1000007, 0, 0, 1000005, 0, 1000000, 0]");
    assert!(etcd.gateway("aw==").contains("\"value\":\"b25l\""), "{}", etcd.gateway("aw=="));

    // What the guest read is in the oplog, as typed values.
    let entries = runtime.block_on(executor.store().read(worker.id(), Ordinal::ZERO)).expect("the oplog");
    let ir = entries.iter().find_map(|(_, entry)| match &entry.event {
        Event::Started(started) => Some(started.ir),
        _ => None,
    });
    let apis = HashMap::from([(ir.expect("a call"), vec![Arc::new(apis[0].clone())])]);
    let described: Vec<String> = describe(&entries, &apis).iter().map(ToString::to_string).collect();
    let told =
        |part: &str| assert!(described.iter().any(|line| line.contains(part)), "`{part}` in\n{}", described.join("\n"));
    told("events: [{type: put, kv: some({key: [107], ");
    told("value: [111, 110, 101], lease: 5");
    told("next() -> ok(some({id: 5, ttl: 60}))");
    println!("etcd: 2 calls, 2 streams of 9 steps");
}

fn keys_through_a_guest() {
    let Some(etcd) = etcd() else { return };
    let apis = api();
    let guest = proxy_guest(&print_package(&apis[0]), "kv").expect("a guest of the printed WIT");
    let (runtime, _executor, mut worker) = worker(&etcd, guest, apis);
    let mut number = 0;
    let mut call = |function: &str, argument: &str| {
        number += 1;
        let key = IdempotencyKey::new(format!("call-{number}")).expect("a key");
        let name = FunctionName::of("grpc:etcdserverpb/kv@0.1.0", function);
        match runtime.block_on(worker.invoke(&key, &name, &[Wave::new(argument)])).expect("the invocation") {
            Outcome::Returned(Some(result)) => result.as_str().to_owned(),
            other => panic!("{function}: {other:?}"),
        }
    };

    // "k" is [107], "one" [111, 110, 101], "two" [116, 119, 111]; in base64 "aw==", "b25l", "dHdv".
    let first = call("put", "{key: [107], value: [111, 110, 101], lease: 0, prev-kv: true}");
    assert_eq!(first, "ok({:})", "nothing was there before");
    let second = call("put", "{key: [107], value: [116, 119, 111], lease: 0, prev-kv: true}");
    assert!(second.starts_with("ok({prev-kv: some({key: [107], ") && second.contains("value: [111, 110, 101]"), "{second}");
    assert!(etcd.gateway("aw==").contains("\"value\":\"dHdv\""), "{}", etcd.gateway("aw=="));

    let read = call("range", "{key: [107], range-end: [], limit: 0}");
    assert!(read.contains("value: [116, 119, 111]") && read.contains("version: 2") && read.contains("count: 1"), "{read}");
    let deleted = call("delete-range", "{key: [107], range-end: []}");
    assert_eq!(deleted, "ok({deleted: 1})");
    assert!(!etcd.gateway("aw==").contains("\"kvs\""), "{}", etcd.gateway("aw=="));
    assert_eq!(call("range", "{key: [107], range-end: [], limit: 0}"), "ok({kvs: [], more: false, count: 0})");
    // etcd refuses an empty key: its status is the error's kind.
    let refused = call("put", "{key: [], value: [1], lease: 0, prev-kv: false}");
    assert!(refused.starts_with("err({kind: invalid-argument, message: "), "{refused}");
    println!("etcd: 7 calls");
}
