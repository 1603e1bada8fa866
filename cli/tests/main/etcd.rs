//! A real third-party service: a guest puts, reads and watches keys in etcd.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::{Api, print_package};
use witwire_test_support::{Script, proxy_guest};

use crate::Add;
use crate::process::{Running, free_address};
use crate::services::Guest;

pub(crate) fn trials(add: Add<'_>) {
    add("etcd::keys_through_a_guest", keys_through_a_guest);
    add("etcd::transactions_watches_and_leases", streams_through_a_guest);
}

/// A running etcd.
struct Etcd {
    _running: Running,
    clients: String,
    _data: tempfile::TempDir,
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
        let etcd = Self { _running: Running(child), clients, _data: data };
        wait.recv_timeout(Duration::from_mins(1)).expect("etcd serves within a minute");
        Some(etcd)
    }

    fn url(&self) -> String {
        format!("http://{}", self.clients)
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

/// A watch tells of a key that a transaction puts, and a lease is kept alive: the guest reads both from streams.
fn streams_through_a_guest() {
    let Some(etcd) = etcd() else { return };
    let apis = api();
    let package = |interface: &str| format!("grpc:etcdserverpb/{interface}@0.1.0");
    // "k" is [107], "one" [111, 110, 101]. The key is put because its version is 0: it does not exist.
    let transaction = "txn({compare: [{%result: equal, target: version, key: [107], target-union: some(version(0))}], \
                       success: [{request: some(put({key: [107], value: [111, 110, 101], lease: 5, prev-kv: false}))}], \
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
    let mut guest = Guest::new(guest.build().expect("a guest of the printed WIT"), &apis, &etcd.url());
    // The number of a response is its first field: the watch's, the lease's.
    assert_eq!(guest.run(), "[0, 0, 1000007, 0, 0, 1000007, 0, 0, 1000005, 0, 1000000, 0]");
    assert!(etcd.gateway("aw==").contains("\"value\":\"b25l\""), "{}", etcd.gateway("aw=="));

    // What the guest read is in the oplog, as typed values.
    guest.told("events: [{type: put, kv: some({key: [107], ");
    guest.told("value: [111, 110, 101], lease: 5");
    guest.told("next() -> ok(some({id: 5, ttl: 60}))");
    println!("etcd: 2 calls, 2 streams of 9 steps");
}

fn keys_through_a_guest() {
    let Some(etcd) = etcd() else { return };
    let apis = api();
    let guest = proxy_guest(&print_package(&apis[0]), "kv").expect("a guest of the printed WIT");
    let mut guest = Guest::new(guest, &apis, &etcd.url());
    let mut call = |function: &str, argument: &str| guest.call("grpc:etcdserverpb/kv@0.1.0", function, &[argument]);

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
