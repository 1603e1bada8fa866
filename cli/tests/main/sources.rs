//! Specifications that are not on this machine: what gRPC servers say of themselves, and documents that others refer to.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use witwire_test_support::hostile::Authority;
use witwire_test_support::hostile::http1::{Http1, Step};

use crate::Add;
use crate::documents::{Documents, project};
use crate::platform::Todo;
use crate::process::{Running, installed};
use crate::tool::{folder, root, witwire};

pub(crate) fn trials(add: Add<'_>) {
    add("reflection::a_server_says_what_its_sources_say", a_server_says_what_its_sources_say);
    add("reflection::a_manifest_pins_what_a_server_says", a_manifest_pins_what_a_server_says);
    add("reflection::a_server_without_it_is_told", a_server_without_it_is_told);
    add("remote::documents_of_a_manifest", documents_of_a_manifest);
    add("remote::documents_beside_a_url", documents_beside_a_url);
    add("remote::documents_of_the_command_line", documents_of_the_command_line);
    add("remote::documents_under_a_private_authority", documents_under_a_private_authority);
    add("remote::documents_that_are_no_longer_wanted", documents_that_are_no_longer_wanted);
}

const DATA: &str = "cli/tests/data";
const TODO: &str = "examples/todo-service/proto/todo.proto";
const KV: &str = "cli/tests/data/kv.proto";
const BUILD: &[&str] = &["build", "--no-command"];

/// A gRPC server over grpcio that describes itself; it is stopped when this is dropped.
struct Described {
    _running: Running,
    address: String,
}

impl Described {
    /// `None` where the Python environment is not installed.
    fn start(version: &str, port: &str, proto: &str) -> Option<Self> {
        let python = installed("grpc", "python")?;
        let mut child = Command::new(python)
            .arg(root().join(DATA).join("reflection_server.py"))
            .args([version, port])
            .arg(root().join(proto))
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let running = Running(child);
        let address = lines.next().expect("the server starts").expect("text");
        Some(Self { _running: running, address })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap_or_default()
    }
}

/// WIT without its documentation, of which compiled descriptors have none.
fn bare(wit: &str) -> String {
    wit.lines().filter(|line| !line.trim_start().starts_with("//") && !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

fn a_server_says_what_its_sources_say() {
    let mut seen = Vec::new();
    for (version, proto) in [("v1", TODO), ("v1alpha", TODO), ("v1alpha", KV)] {
        let Some(server) = Described::start(version, "0", proto) else { return };
        let asked = witwire(&root(), &["wit", "--reflection", &server.url()]).exits(0);
        let sources = witwire(&root(), &["wit", proto]).exits(0);
        assert_eq!(bare(&asked.out), bare(&sources.out), "{version}");
        assert!(!asked.out.contains("server-reflection"), "{}", asked.out);
        seen.push(asked.out.lines().filter(|line| line.contains(": func(")).count());
    }
    assert!(seen.iter().all(|functions| *functions > 5), "{seen:?}");
    println!("reflection: v1 and v1alpha over grpcio, {seen:?} functions");
    let Some(server) = Described::start("v1", "0", TODO) else { return };
    let url = server.url();
    let with = |words: &[&str]| witwire(&root(), &[words, &["--reflection", &url]].concat());
    with(&["inspect"]).exits(0).says("todo-service.get-todo");
    let dir = folder(&[]);
    let ir = dir.path().join("api.ir").display().to_string();
    with(&["compile", "-o", &ir]).exits(0);
    witwire(&root(), &["inspect", &ir]).exits(0).says("todo-service.get-todo");
    // The call goes to the server that was asked, which has no methods.
    with(&["call", r#"todo-service.get-todo({id: "a"})"#]).exits(4).says("unimplemented");
    with(&["call", r#"todo-service.watch-todos({id: ""})"#]).exits(4).says("unimplemented");
    with(&["wit", "openapi.yaml"]).exits(2).complains("exclude each other");
    with(&["call"]).exits(2);
    drop(server);
    with(&["wit"]).exits(3).complains(&url);
}

fn read(dir: &Path, file: &str) -> String {
    std::fs::read_to_string(dir.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn a_manifest_pins_what_a_server_says() {
    let Some(server) = Described::start("v1alpha", "0", TODO) else { return };
    let project = project(&format!("{{ type: grpc, reflection: true, endpoint: \"{}\" }}", server.url()));
    let dir = project.path();
    let build = |words: &[&str]| witwire(dir, &[BUILD, words].concat());
    build(&["--locked"]).exits(1).complains("error[M020]").complains("witwire.yaml:5");
    build(&["--offline"]).exits(1).complains("error[M021]");
    build(&[]).exits(0);
    let (lock, wit) = (read(dir, "witwire.lock"), read(dir, "wit/deps/demo_todo/todo.wit"));
    assert!(lock.contains("reflections") && lock.contains(&server.url()), "{lock}");
    assert!(wit.contains("get-todo: func("), "{wit}");
    // Another service at the same place. The copy is what counts, until it is gone or is to be replaced.
    let port = server.port().to_owned();
    drop(server);
    build(&["--locked", "--offline"]).exits(0);
    build(&["--update-lock"]).exits(1).complains("error[M021]").complains("does the server run");
    let Some(_other) = Described::start("v1", &port, KV) else { return };
    build(&[]).exits(0);
    std::fs::remove_dir_all(dir.join(".witwire")).expect("removed");
    build(&[]).exits(1).complains("error[M022]").complains("`witwire build --update-lock`");
    assert_eq!((read(dir, "witwire.lock"), read(dir, "wit/deps/demo_todo/todo.wit")), (lock.clone(), wit));
    build(&["--update-lock"]).exits(0);
    assert_ne!(read(dir, "witwire.lock"), lock);
    assert!(!dir.join("wit/deps/demo_todo").exists());
    build(&["--locked", "--offline", "--force"]).exits(0);
    // Another server. What was compiled before is not taken for it.
    let Some(moved) = Described::start("v1", "0", TODO) else { return };
    let manifest = read(dir, "witwire.yaml");
    let old = format!("http://127.0.0.1:{port}\"");
    assert!(manifest.contains(&old), "{manifest}");
    std::fs::write(dir.join("witwire.yaml"), manifest.replace(&old, &format!("{}\"", moved.url()))).expect("written");
    build(&["--locked"]).exits(1).complains("error[M020]");
    build(&[]).exits(0);
    assert!(read(dir, "wit/deps/demo_todo/todo.wit").contains("get-todo: func("));
    let lock = read(dir, "witwire.lock");
    assert!(lock.contains(&moved.url()) && !lock.contains(&old), "{lock}");
}

fn a_server_without_it_is_told() {
    let todo = Todo::start();
    let ran = witwire(&root(), &["wit", "--reflection", &todo.running.url()]).exits(3);
    ran.complains("no reflection, neither v1 nor v1alpha");
    if let Some(partial) = Described::start("v1-partial", "0", TODO) {
        let ran = witwire(&root(), &["wit", "--reflection", &partial.url()]).exits(3);
        ran.complains("does not describe the file `google/protobuf/timestamp.proto`: not here (status 5)");
    }
    witwire(&root(), &["wit", "--reflection", "shop"]).exits(2).complains("--reflection shop");
}

/// A document whose one operation answers with a schema elsewhere.
fn notes(reference: &str) -> String {
    format!(
        "openapi: 3.1.0
info: {{ title: Notes, version: 1.0.0 }}
servers: [{{ url: https://notes.example.com }}]
paths:
  /notes:
    get:
      operationId: getNote
      tags: [notes]
      responses:
        200:
          description: The note.
          content: {{ application/json: {{ schema: {{ $ref: \"{reference}\" }} }} }}
"
    )
}

const MODELS: &str =
    "Note: { type: object, required: [author], properties: { author: { $ref: 'deep/people.yaml#/Person' } } }\n";
const PEOPLE: &str = "Person: { type: object, required: [nick], properties: { nick: { type: string } } }\n";
const WIT: &str = "wit/deps/api_notes/notes.wit";

fn documents_of_a_manifest() {
    let server = Documents::serve(&[("/specs/models.yaml", MODELS), ("/specs/deep/people.yaml", PEOPLE)]);
    let project = project("{ type: openapi, path: notes.yaml }");
    let dir = project.path();
    std::fs::write(dir.join("notes.yaml"), notes(&format!("{}/specs/models.yaml#/Note", server.url))).expect("written");
    let build = |words: &[&str]| witwire(dir, &[BUILD, words].concat());
    // Nothing is fetched, and the line that would allow it is told.
    let line = format!("remote: [\"{}/specs/\"]", server.url);
    build(&[]).exits(0).complains("warning[O010]").complains(&line);
    assert_eq!(server.asked(), [""; 0]);
    assert!(!dir.join("witwire.lock").exists() && !read(dir, WIT).contains("nick"));

    let manifest = read(dir, "witwire.yaml").replace("path: notes.yaml", &format!("path: notes.yaml, {line}"));
    std::fs::write(dir.join("witwire.yaml"), manifest).expect("written");
    build(&["--locked"]).exits(1).complains("error[M020]").complains("#/dependencies/app:a/0/remote");
    assert_eq!(server.asked(), [""; 0]);
    build(&[]).exits(0);
    assert!(read(dir, WIT).contains("nick: string"), "{}", read(dir, WIT));
    assert_eq!(server.asked(), ["/specs/models.yaml", "/specs/deep/people.yaml"]);
    let lock = read(dir, "witwire.lock");
    assert_eq!(lock.matches("blake3:").count(), 2, "{lock}");
    build(&["--offline", "--locked"]).exits(0).says("unchanged");
    build(&["--offline", "--locked", "--force"]).exits(0);

    // Another document than the one that was pinned.
    server.set("/specs/deep/people.yaml", &PEOPLE.replace("nick", "name"));
    build(&[]).exits(0);
    assert_eq!(server.asked(), [""; 0]);
    std::fs::remove_dir_all(dir.join(".witwire")).expect("removed");
    build(&[]).exits(1).complains("error[M022]").complains("/specs/deep/people.yaml` has changed");
    assert_eq!(read(dir, "witwire.lock"), lock);
    build(&["--update-lock"]).exits(0);
    assert!(read(dir, WIT).contains("name: string"), "{}", read(dir, WIT));
    // What is no longer asked for is forgotten.
    let own = notes("#/components/schemas/Note") + "components: { schemas: { Note: { type: string } } }\n";
    std::fs::write(dir.join("notes.yaml"), own).expect("written");
    build(&[]).exits(0);
    assert!(!read(dir, "witwire.lock").contains("blake3:"));
}

fn documents_beside_a_url() {
    let server = Documents::serve(&[
        ("/specs/notes.yaml", &notes("models.yaml#/Note")),
        ("/specs/models.yaml", MODELS),
        ("/specs/deep/people.yaml", &PEOPLE.replace("type: string", "$ref: '../../private/nick.yaml'")),
        ("/private/nick.yaml", "type: string"),
    ]);
    let project = project(&format!("{{ type: openapi, url: \"{}/specs/notes.yaml\" }}", server.url));
    let dir = project.path();
    let line = format!("remote: [\"{}/private/\"]", server.url);
    witwire(dir, BUILD).exits(0).complains("warning[O010]").complains(&line);
    assert_eq!(server.asked(), ["/specs/notes.yaml", "/specs/models.yaml", "/specs/deep/people.yaml"]);
    assert!(read(dir, WIT).contains("nick"), "{}", read(dir, WIT));
    // Allowed, and not there.
    let manifest = read(dir, "witwire.yaml").replace("notes.yaml\"", &format!("notes.yaml\", {line}"));
    std::fs::write(dir.join("witwire.yaml"), manifest).expect("written");
    server.remove("/private/nick.yaml");
    witwire(dir, BUILD)
        .exits(1)
        .complains("error[M021]")
        .complains("/private/nick.yaml` cannot be fetched")
        .complains("404");
    assert_eq!(server.asked(), ["/private/nick.yaml"]);
}

fn documents_of_the_command_line() {
    let server = Documents::serve(&[("/specs/models.yaml", MODELS), ("/specs/deep/people.yaml", PEOPLE)]);
    let document = notes(&format!("{}/specs/models.yaml#/Note", server.url));
    let dir = folder(&[("notes.yaml", document.as_bytes())]);
    let folder = format!("{}/specs/", server.url);
    witwire(dir.path(), &["wit", "notes.yaml"]).exits(0).complains(&format!("`--allow-remote {folder}` allows it"));
    assert_eq!(server.asked(), [""; 0]);
    witwire(dir.path(), &["wit", "notes.yaml", "--allow-remote", &folder]).exits(0).says("nick: string");
    assert_eq!(server.asked(), ["/specs/models.yaml", "/specs/deep/people.yaml"]);
    let one = format!("{folder}models.yaml");
    witwire(dir.path(), &["wit", "notes.yaml", "--allow-remote", &one]).exits(0).complains("deep/people.yaml");
    assert_eq!(server.asked(), ["/specs/models.yaml"]);
    witwire(dir.path(), &["wit", "notes.yaml", "--allow-remote", "specs/"]).exits(2).complains("is not a URL");
}

fn documents_under_a_private_authority() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let authority = Authority::new().expect("an authority");
    let tls = authority.acceptor(&["127.0.0.1"], &["http/1.1"]).expect("a certificate");
    let body = "Note: { type: object, required: [text], properties: { text: { type: string } } }";
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let script = move |_, _| vec![Step::write(answer.clone())];
    let server = runtime.block_on(Http1::start_with(Some(tls), script)).expect("a port");
    let url = format!("{}/models.yaml", server.server.url());
    let other = Authority::new().expect("an authority").pem();
    let files = [
        ("notes.yaml", notes(&format!("{url}#/Note"))),
        ("ca.pem", authority.pem()),
        ("other.pem", other),
        ("text.pem", "nonsense".to_owned()),
    ];
    let dir = folder(&files.each_ref().map(|(name, text)| (*name, text.as_bytes())));
    let wit = |more: &[&str]| witwire(dir.path(), &[&["wit", "notes.yaml", "--allow-remote", &url], more].concat());
    wit(&["--ca", "ca.pem"]).exits(0).says("text: string");
    assert_eq!(server.requests().len(), 1);
    wit(&["--ca", "other.pem", "--ca", "ca.pem"]).exits(0).says("text: string");
    for more in [&[][..], &["--ca", "other.pem"]] {
        wit(more).exits(0).complains("warning[O010]").complains("certificate");
    }
    assert_eq!(server.requests().len(), 2);
    wit(&["--ca", "text.pem"]).exits(1).complains("`text.pem`: it holds no certificate");
    wit(&["--ca", "missing.pem"]).exits(3).complains("missing.pem");
}

/// A document to which nothing refers any more is not asked for: it may be gone.
fn documents_that_are_no_longer_wanted() {
    let server = Documents::serve(&[
        ("/specs/notes.yaml", &notes("models.yaml#/Note")),
        ("/specs/models.yaml", MODELS),
        ("/specs/deep/people.yaml", PEOPLE),
    ]);
    let [here, there] = [(); 2].map(|()| project(&format!("{{ type: openapi, url: \"{}/specs/notes.yaml\" }}", server.url)));
    let pins = |dir: &Path| read(dir, "witwire.lock").matches("blake3:").count();
    for project in [&here, &there] {
        witwire(project.path(), BUILD).exits(0);
        assert_eq!(pins(project.path()), 3);
    }
    server.asked();
    let update = [BUILD, &["--update-lock"]].concat();
    // Of two documents that are no longer wanted one is gone, and one still there.
    server.set("/specs/notes.yaml", &notes("small.yaml#/Note"));
    server.set("/specs/small.yaml", "Note: { type: object, required: [text], properties: { text: { type: string } } }");
    server.remove("/specs/models.yaml");
    witwire(here.path(), &update).exits(0);
    assert_eq!(server.asked(), ["/specs/notes.yaml", "/specs/small.yaml"]);
    assert_eq!(pins(here.path()), 2);
    assert!(read(here.path(), WIT).contains("text: string"), "{}", read(here.path(), WIT));
    witwire(here.path(), &[BUILD, &["--offline", "--locked"]].concat()).exits(0).says("unchanged");

    // Another checkout gets the new lock; what it has compiled before asked for more.
    std::fs::copy(here.path().join("witwire.lock"), there.path().join("witwire.lock")).expect("copied");
    witwire(there.path(), &[BUILD, &["--locked"]].concat()).exits(0);
    assert_eq!(server.asked(), ["/specs/notes.yaml", "/specs/small.yaml"]);
    assert!(read(there.path(), WIT).contains("text: string"), "{}", read(there.path(), WIT));
}
