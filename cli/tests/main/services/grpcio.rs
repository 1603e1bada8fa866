//! The services that come with grpcio, Google's implementation for Python: health, reflection, channelz.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::{Api, print_package};
use witwire_test_support::{Script, proxy_guest};

use super::Guest;
use crate::process::{Running, installed};
use crate::tool::root;

/// A server over grpcio, and what it says.
pub(crate) struct Server {
    _running: Running,
    input: ChildStdin,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    pub(crate) address: String,
    apis: Vec<Api>,
}

impl Server {
    /// `None` where grpcio is not installed.
    pub(crate) fn start() -> Option<Self> {
        let python = installed("grpc", "python")?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let set = folder.path().join("services.binpb");
        let mut child = Command::new(python)
            .arg(root().join("cli/tests/data/grpcio_services.py"))
            .arg(&set)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let input = child.stdin.take().expect("its input");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let running = Running(child);
        let address = lines.next().expect("the server starts").expect("text");
        let compiled = proto::compile(&proto::Input::DescriptorSet(set), &DiskFiles, &Options::default());
        assert!(!compiled.is_refused() && compiled.skipped.is_empty(), "{:?}", compiled.diagnostics);
        Some(Self { _running: running, input, lines, address, apis: compiled.apis })
    }

    /// The API of a package, such as `health`.
    pub(crate) fn api(&self, name: &str) -> Api {
        let found = self.apis.iter().find(|api| api.package.name.as_str() == name);
        found.unwrap_or_else(|| panic!("no package {name}")).clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a call has arrived.
    fn arrived(&mut self, method: &str) {
        let wanted = format!("call {method}");
        while self.lines.next().expect("the server runs").expect("text") != wanted {}
    }

    /// Asks the server's own side.
    pub(crate) fn command(&mut self, line: &str) -> Value {
        self.command_after(line).0
    }

    /// The same, with the calls that had arrived since the last time.
    pub(crate) fn command_after(&mut self, line: &str) -> (Value, Vec<String>) {
        writeln!(self.input, "{line}").expect("the server reads");
        let mut calls = Vec::new();
        loop {
            let line = self.lines.next().expect("the server runs").expect("text");
            match line.split_once(' ') {
                Some(("answer", answer)) => return (serde_json::from_str(answer).expect("JSON"), calls),
                Some(("call", method)) => calls.push(method.to_owned()),
                _ => panic!("the server printed: {line}"),
            }
        }
    }
}

pub(super) fn health() {
    let Some(mut server) = Server::start() else { return };
    let api = server.api("health");
    let interface = "grpc:health/health@1.0.0";
    let check = r#"check({service: "demo"})"#;
    let script = Script::new([print_package(&api)]).call(interface, check);
    let mut guest =
        Guest::new(script.build().expect("a guest of the printed WIT"), std::slice::from_ref(&api), &server.url());
    guest.run();
    guest.told("err({kind: not-found, message: ");
    for (status, expected) in [("SERVING", "serving"), ("NOT_SERVING", "not-serving"), ("UNKNOWN", "unknown")] {
        server.command(&format!("set demo {status}"));
        guest.run();
        guest.told(&format!(" ok({{status: {expected}}})"));
    }

    // A stream over which the server tells of a change: what is set while the guest waits for its second message.
    server.command("set demo SERVING");
    let script = Script::new([print_package(&api)])
        .open("watch", interface, r#"watch({service: "demo"})"#)
        .method("watch", "next()")
        .call(interface, check)
        .method("watch", "next()")
        .drop_handle("watch");
    let mut guest = Guest::new(script.build().expect("a guest of the printed WIT"), &[api], &server.url());
    let guest = std::thread::scope(|scope| {
        let running = scope.spawn(move || {
            guest.run();
            guest
        });
        server.arrived("/grpc.health.v1.Health/Watch");
        server.arrived("/grpc.health.v1.Health/Check");
        server.command("set demo NOT_SERVING");
        running.join().expect("the invocation")
    });
    guest.told("next() -> ok(some({status: serving}))");
    guest.told("next() -> ok(some({status: not-serving}))");
    println!("grpcio: 4 checks, a watch of 2 messages");
}

pub(super) fn reflection() {
    let Some(mut server) = Server::start() else { return };
    let api = server.api("reflection");
    let script = Script::new([print_package(&api)])
        .open("call", "grpc:reflection/server-reflection@1.0.0-alpha", "server-reflection-info()")
        .method("call", r#"send({host: "", message-request: some(list-services(""))})"#)
        .method("call", "next()")
        .method("call", r#"send({host: "", message-request: some(file-containing-symbol("grpc.health.v1.Health"))})"#)
        .method("call", r#"send({host: "", message-request: some(file-by-filename("no/such.proto"))})"#)
        .method("call", "next()")
        .method("call", "next()")
        .method("call", "close-send()")
        .method("call", "next()");
    let mut guest = Guest::new(script.build().expect("a guest of the printed WIT"), &[api], &server.url());
    guest.run();
    let python = server.command("reflection");
    let names = python["services"].as_array().expect("names").iter().map(|name| format!("{{name: {name}}}"));
    guest.told(&format!("list-services({{service: [{}]}})", names.collect::<Vec<_>>().join(", ")));
    let bytes = python["health"].as_array().expect("bytes").iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    guest.told(&format!("file-descriptor({{file-descriptor-proto: [[{bytes}]]}})"));
    guest.told("error({error-code: 5, ");
    guest.told("next() -> ok(none)");
    println!(
        "grpcio: a reflection stream of 8 steps, the descriptor of {} bytes as Python has it",
        python["health"].as_array().map_or(0, Vec::len)
    );
}

pub(super) fn channelz() {
    let Some(mut server) = Server::start() else { return };
    let api = server.api("channelz");
    let interface = "grpc:channelz/channelz@1.0.0";
    let mut guest = Guest::new(
        proxy_guest(&print_package(&api), "channelz").expect("a guest of the printed WIT"),
        &[api],
        &server.url(),
    );
    let python = server.command("channelz");
    let number = |value: &Value| value.as_i64().expect("a number");
    let id = number(&python["servers"][0]);
    assert_eq!((&python["servers"], python["started"].as_i64()), (&json!([id]), Some(1)));

    // Python's own two calls came before; its channel is the only one, since the guest's is on our side.
    let servers = guest.call(interface, "get-servers", &["{start-server-id: 0, max-results: 0}"]);
    let listening = number(&python["listening"][0]);
    assert!(servers.starts_with(&format!("ok({{server: [{{ref: some({{server-id: {id}, ")), "{servers}");
    assert!(servers.contains("calls-started: 3, "), "{servers}");
    assert!(
        servers.contains(&format!("listen-socket: [{{socket-id: {listening}, ")) && servers.contains("end: true"),
        "{servers}"
    );
    let channels = guest.call(interface, "get-top-channels", &["{start-channel-id: 0, max-results: 0}"]);
    let (channel, target) = (number(&python["channels"][0][0]), &python["channels"][0][1]);
    assert!(channels.starts_with(&format!("ok({{channel: [{{ref: some({{channel-id: {channel}, ")), "{channels}");
    assert!(channels.contains(&format!("target: {target}")) && channels.contains("state: ready"), "{channels}");

    let one = guest.call(interface, "get-server", &[&format!("{{server-id: {id}}}")]);
    assert!(one.starts_with(&format!("ok({{server: some({{ref: some({{server-id: {id}, ")), "{one}");
    let sockets =
        guest.call(interface, "get-server-sockets", &[&format!("{{server-id: {id}, start-socket-id: 0, max-results: 0}}")]);
    assert_eq!(sockets.matches("socket-id: ").count(), 2, "Python's connection and ours: {sockets}");
    let socket = guest.call(interface, "get-socket", &[&format!("{{socket-id: {listening}, summary: false}}")]);
    // Addresses are bytes: 127.0.0.1.
    assert!(socket.contains("ip-address: [127, 0, 0, 1]"), "{socket}");
    let missing = guest.call(interface, "get-server", &["{server-id: 1000000}"]);
    assert!(missing.starts_with("err({kind: not-found, "), "{missing}");

    let python = server.command("channelz");
    // The two of its first view, ours, and the one that it counts in.
    assert_eq!(python["started"].as_u64(), Some(2 + guest.calls() as u64 + 1), "{python}");
    println!("grpcio: {} calls of channelz", guest.calls());
}
