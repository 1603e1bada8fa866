//! containerd: namespaces with labels, a field mask, contents over a bidirectional stream, leases, images, and events, whose types are
//! told without a host (`containerd.events.…`). What the guest did is read back by containerd's own client.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use witwire_frontends::{DiskFiles, Options, proto};
use witwire_ir::{Api, print_package};
use witwire_test_support::Script;

use super::Guest;
use crate::process::{Running, bridge, full, installed};
use crate::tool::root;

const NAMESPACES: &str = "containerd:services-namespaces/namespaces@1.0.0";
const EVENTS: &str = "containerd:services-events/events@1.0.0";
const VERSION: &str = "containerd:services-version/version@1.0.0";
const CONTENT: &str = "containerd:services-content/content@1.0.0";
const LEASES: &str = "containerd:services-leases/leases@1.0.0";
const IMAGES: &str = "containerd:services-images/images@1.0.0";

/// Of "hello".
const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// The sources of containerd's API; they are no part of the project.
fn sources() -> Option<PathBuf> {
    let corpus = std::env::var_os("WITWIRE_CORPUS").map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    let folder = corpus.join("proto/containerd");
    if !folder.exists() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no corpus at {}", corpus.display());
        println!("skipped: no corpus");
    }
    folder.exists().then_some(folder)
}

/// A running containerd.
struct Containerd {
    _running: Running,
    client: PathBuf,
    socket: PathBuf,
    url: String,
    apis: Vec<Api>,
    _folder: tempfile::TempDir,
}

impl Containerd {
    /// `None` where something is missing.
    fn start() -> Option<Self> {
        let (daemon, client) = (installed("containerd", "containerd")?, installed("containerd", "ctr")?);
        let sources = sources()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        if folder.path().metadata().expect("a folder").uid() != 0 {
            println!("skipped: containerd runs as root");
            return None;
        }
        let services = ["namespaces/v1/namespace", "events/v1/events", "version/v1/version"];
        let services = services.iter().chain(&["content/v1/content", "leases/v1/leases", "images/v1/images"]);
        let mut files: Vec<_> = services.map(|name| sources.join(format!("services/{name}.proto"))).collect();
        files.push(sources.join("events/namespace.proto"));
        let any =
            r#"{ "any": ["containerd.events.NamespaceCreate", "containerd.events.NamespaceUpdate"], "calls": "explicit" }"#;
        let options: Options = serde_json::from_str(any).expect("settings");
        let compiled = proto::compile(&proto::Input::Protos { files, includes: vec![sources] }, &DiskFiles, &options);
        assert!(!compiled.is_refused() && compiled.skipped.is_empty(), "{:?}", compiled.diagnostics);

        let socket = folder.path().join("socket");
        let mut running = start(&daemon, folder.path(), &socket);
        running.until(|| UnixStream::connect(&socket).ok());
        // Over TCP containerd serves next to nothing.
        let url = format!("http://{}", bridge(&socket));
        Some(Self { _running: running, client, socket, url, apis: compiled.apis, _folder: folder })
    }

    fn script(&self) -> Script {
        Script::new(self.apis.iter().map(print_package))
    }

    fn guest(&self, script: &Script) -> Guest {
        Guest::new(script.build().expect("a guest of the printed WIT"), &self.apis, &self.url)
    }

    /// What containerd's client prints.
    fn ctr(&self, arguments: &[&str]) -> String {
        let output =
            Command::new(&self.client).arg("--address").arg(&self.socket).args(arguments).output().expect("ctr runs");
        assert!(output.status.success(), "ctr {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }
}

pub(super) fn calls() {
    if !full("containerd") {
        return;
    }
    let Some(containerd) = Containerd::start() else { return };
    namespaces(&containerd);
    contents(&containerd);
    events(&containerd);
    println!("containerd: 20 methods in 22 calls and 4 streams");
}

/// Adds handles for calls of these packages, each named as its package: what is called is that of the namespace `blue`.
fn within(script: Script, packages: &[&str]) -> Script {
    packages.iter().fold(script, |script, package| {
        script
            .create(*package, format!("containerd:services-{package}/types@1.0.0"), "call")
            .method(*package, r#"add-metadata("containerd-namespace", ascii("blue"))"#)
    })
}

/// Without a namespace in the metadata, containerd does what it is told, and fails to tell of it as an event.
fn namespaces(containerd: &Containerd) {
    let script = within(containerd.script(), &["namespaces"])
        .call(VERSION, "version()")
        .call(NAMESPACES, r#"create({namespace: some({name: "blue", labels: [("tier", "one"), ("zone", "a")]})})"#)
        .with("namespaces")
        .call(NAMESPACES, r#"create({namespace: some({name: "red", labels: []})})"#)
        .with("namespaces")
        .call(
            NAMESPACES,
            r#"update({namespace: some({name: "blue", labels: [("tier", "two"), ("zone", "b")]}), update-mask: some(["labels.tier"])})"#,
        )
        .with("namespaces")
        .call(NAMESPACES, "list({filter: \"\"})")
        .call(NAMESPACES, r#"delete({name: "red"})"#)
        .with("namespaces")
        .call(NAMESPACES, r#"delete({name: "red"})"#)
        .with("namespaces")
        .call(NAMESPACES, r#"create({namespace: some({name: "blue", labels: []})})"#)
        .call(NAMESPACES, r#"get({name: "blue"})"#)
        .call(NAMESPACES, r#"create({namespace: some({name: "green", labels: []})})"#);
    let mut guest = containerd.guest(&script);
    let (missing, existing, unknown) = (5, 6, 2);
    assert_eq!(guest.run(), format!("[0, 0, 0, 0, 0, 0, 0, 0, {missing}, {existing}, 0, {unknown}]"));
    guest.told("ok({version: \"1.");
    guest.told("{name: \"red\", labels: []}");
    // The mask named one label. The order of labels is another each time.
    let (tier, zone) = (r#"("tier", "two")"#, r#"("zone", "a")"#);
    let story = guest.story();
    let shown =
        |first, second| story.contains(&format!("ok({{namespace: some({{name: \"blue\", labels: [{first}, {second}]}})}})"));
    assert!(shown(tier, zone) || shown(zone, tier), "{story}");
    guest.told("message: \"failed publishing event: namespace is required: failed precondition\"");
    let text = containerd.ctr(&["namespaces", "ls"]);
    assert!(text.contains("blue") && text.contains("tier=two,zone=a") && !text.contains("red"), "{text}");
}

/// Contents, leases and images are those of a namespace.
fn contents(containerd: &Containerd) {
    // "hello", in two pieces, and committed.
    let item = |action: &str, offset: u8, expected: &str, data: &str| {
        format!(
            "send({{action: {action}, ref: \"upload\", total: 5, expected: \"{expected}\", offset: {offset}, data: {data}, labels: []}})"
        )
    };
    let info = format!("info({{digest: \"{DIGEST}\"}})");
    let target = format!(
        "some({{media-type: \"application/vnd.oci.image.manifest.v1+json\", digest: \"{DIGEST}\", size: 5, annotations: []}})"
    );
    let image = |tier: &str| {
        format!("image: some({{name: \"example.org/a:1\", labels: [(\"tier\", \"{tier}\")], target: {target}}})")
    };
    // Without a lease, containerd collects what nothing refers to.
    let script = within(containerd.script(), &["content", "leases", "images"])
        .call(LEASES, r#"create({id: "held", labels: [("tier", "one")]})"#)
        .with("leases")
        .method("content", r#"add-metadata("containerd-lease", ascii("held"))"#)
        .open("upload", CONTENT, "write()")
        .with("content")
        .method("upload", item("write", 0, "", "[104, 101]"))
        .method("upload", "next()")
        .method("upload", item("write", 2, "", "[108, 108, 111]"))
        .method("upload", "next()")
        .method("upload", item("commit", 5, DIGEST, "[]"))
        .method("upload", "next()")
        .method("upload", "close-send()")
        .method("upload", "next()")
        .call(CONTENT, info.as_str())
        .with("content")
        .open("list", CONTENT, "list({filters: []})")
        .with("content")
        .method("list", "next()")
        .method("list", "next()")
        .open("read", CONTENT, format!("read({{digest: \"{DIGEST}\", offset: 1, size: 3}})"))
        .with("content")
        .method("read", "next()")
        .method("read", "next()")
        .call(LEASES, r#"list({filters: ["id==held"]})"#)
        .with("leases")
        .call(LEASES, r#"list-resources({id: "held"})"#)
        .with("leases")
        .call(IMAGES, format!("create({{{}}})", image("one")))
        .with("images")
        .call(IMAGES, format!("update({{{}, update-mask: some([\"labels.tier\"])}})", image("two")))
        .with("images")
        .call(IMAGES, r#"get({name: "example.org/a:1"})"#)
        .with("images")
        .call(IMAGES, r#"get({name: "example.org/a:1"})"#);
    let mut guest = containerd.guest(&script);
    guest.run();
    guest.told("next() -> ok(some({action: commit, ");
    guest.told(&format!("ok({{info: some({{digest: \"{DIGEST}\", size: 5, "));
    guest.told(&format!("next() -> ok(some({{info: [{{digest: \"{DIGEST}\", size: 5, "));
    // It answers 0, whatever was asked for.
    guest.told("next() -> ok(some({offset: 0, data: [101, 108, 108]}))");
    guest.told("leases: [{id: \"held\", ");
    guest.told(&format!("resources: [{{id: \"{DIGEST}\", type: \"content\"}}]"));
    guest.told("labels: [(\"tier\", \"two\")]");
    // The last one names no namespace.
    guest.told("err({kind: failed-precondition, message: \"namespace is required");
    assert_eq!(containerd.ctr(&["-n", "blue", "content", "get", DIGEST]), "hello");
    let images = containerd.ctr(&["-n", "blue", "images", "ls", "-q"]);
    assert_eq!(images.trim(), "example.org/a:1");

    let script = within(containerd.script(), &["content", "leases", "images"])
        .call(IMAGES, r#"delete({name: "example.org/a:1", sync: false})"#)
        .with("images")
        .call(CONTENT, format!("delete({{digest: \"{DIGEST}\"}})"))
        .with("content")
        .call(LEASES, r#"delete({id: "held", sync: true})"#)
        .with("leases")
        .call(CONTENT, info)
        .with("content");
    let mut guest = containerd.guest(&script);
    guest.run();
    guest.told("err({kind: not-found, ");
    for arguments in [["images", "ls", "-q"], ["content", "ls", "-q"], ["leases", "ls", "-q"]] {
        let left = containerd.ctr(&[&["-n", "blue"], &arguments[..]].concat());
        assert_eq!(left.trim(), "", "{arguments:?}");
    }
}

/// containerd says nothing to who subscribes, not even headers, before there is an event, and none is kept for who comes later: others
/// are caused until the guest was told of one.
fn events(containerd: &Containerd) {
    let script = containerd
        .script()
        .create("patience", "containerd:services-events/types@1.0.0", "call")
        .method("patience", "set-deadline(60000)")
        .open("events", EVENTS, r#"subscribe({filters: ["topic~=/namespaces/"]})"#)
        .with("patience")
        .method("events", "next()")
        .drop_handle("events");
    let mut guest = containerd.guest(&script);
    let guest = std::thread::scope(|scope| {
        let running = scope.spawn(move || {
            guest.run();
            guest
        });
        let mut caused = 0;
        while !running.is_finished() {
            caused += 1;
            containerd.ctr(&["namespaces", "create", &format!("event-{caused}"), "tier=one"]);
        }
        running.join().expect("the invocation")
    });
    guest.told("topic: \"/namespaces/create\", event: some(namespace-create({name: \"event-");
    guest.told("labels: [(\"tier\", \"one\")]}))");
}

fn start(daemon: &Path, folder: &Path, socket: &Path) -> Running {
    let at = |name: &str| folder.join(name).display().to_string();
    let config = format!(
        "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = {:?}\n[ttrpc]\naddress = {:?}\n[plugins.\"io.containerd.internal.v1.opt\"]\npath = {:?}\n",
        at("root"),
        at("state"),
        socket.display().to_string(),
        at("ttrpc"),
        at("opt"),
    );
    let file = folder.join("config.toml");
    std::fs::write(&file, config).expect("written");
    let command = Command::new(daemon).arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Running(command.expect("containerd starts"))
}
