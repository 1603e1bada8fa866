//! A real third-party service: keys are put, read and deleted in etcd through a guest.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{FunctionName, IdempotencyKey, MemoryStore, Outcome, Wave, WorkerId};
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig};
use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::container::Bundle;
use witwire_ir::print_package;
use witwire_test_support::proxy_guest;

use crate::Add;

pub(crate) fn trials(add: Add<'_>) {
    add("etcd::keys_through_a_guest", keys_through_a_guest);
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

fn keys_through_a_guest() {
    let Some(etcd) = Etcd::start() else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "etcd is not on the PATH, and CI must have it");
        println!("skipped: etcd is not on the PATH");
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kv.proto");
    let includes = vec![file.parent().expect("a folder").to_owned()];
    let compiled = proto::compile(&proto::Input::Protos { files: vec![file], includes }, &DiskFiles, &Options::default());
    assert!(!compiled.is_refused(), "{:?}", compiled.diagnostics);
    let guest = proxy_guest(&print_package(&compiled.apis[0]), "kv").expect("a guest of the printed WIT");

    let server = Endpoint::parse(&format!("http://{}", etcd.clients)).expect("a URL");
    let egress = EgressPolicy::exactly([&server]);
    let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("a transport");
    let executor = Executor::new(ExecutorConfig::new(Arc::new(MemoryStore::new()), transport)).expect("an executor");
    let dependency = Dependency::new(ApiFile::of(&Bundle { apis: compiled.apis }), Some(server));
    let program = executor.load(guest, &[dependency]).expect("the guest links");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let worker_id = WorkerId::new("etcd").expect("a name");
    let mut worker = runtime.block_on(async {
        executor.create(&worker_id, &program, String::new()).await.expect("a worker");
        executor.open(&worker_id, &program).await.expect("the worker")
    });
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
