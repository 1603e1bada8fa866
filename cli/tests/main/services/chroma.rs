//! Chroma, a database of vectors, from its own document: tenants, databases, collections and records are made, read, changed and
//! deleted by guests, and looked up over plain HTTP.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use witwire_executor::credentials::{Credentials, Source};

use super::application::{Application, text_of};
use super::web;
use crate::process::{Running, free_address, full, installed};

const BASE: &str = "/api/v2/tenants/acme/databases/main/collections";

pub(super) fn operations() {
    if !full("Chroma") {
        return;
    }
    let Some(program) = installed("chroma", "chroma") else { return };
    let (folder, address) = (tempfile::tempdir().expect("a temporary folder"), free_address());
    let (host, port) = address.split_once(':').expect("an address with a port");
    let child = Command::new(program)
        .args(["run", "--host", host, "--port", port, "--path"])
        .arg(folder.path())
        .env("ANONYMIZED_TELEMETRY", "False")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.expect("Chroma starts"));
    let document = running.until(|| web::json(&address, "GET /openapi.json", None));
    // Its only scheme, an API key, is not asked for here, and has to be given all the same.
    let credentials = || Credentials::none().with("ApiKeyAuth", Source::Literal("any".to_owned()));
    let (text, url) = (document.to_string(), format!("http://{address}"));
    let mut chroma = Application::new(&text, r#"{ "auth": "host" }"#, &url, credentials);
    let state = |path: &str| web::json(&address, &format!("GET {path}"), None);

    chroma.ok("system.heartbeat", &[]);
    let version = web::json(&address, "GET /api/v2/version", None).expect("a version");
    // The document declares plain text: what comes is that text, though Chroma sends JSON, with its quotes.
    chroma.says("system.version", &[], &[&format!("ok({:?})", version.to_string())]);
    chroma.says("system.pre-flight-checks", &[], &["max-batch-size: "]);
    chroma.says("authentication.get-user-identity", &[], &["tenant: \"default_tenant\""]);

    chroma.ok("tenant.create", &[r#"{name: "acme"}"#]);
    chroma.says("tenant.get", &[r#""acme""#], &[r#"ok({name: "acme""#]);
    chroma.says("tenant.get", &[r#""nobody""#], &["err(", "not-found"]);
    chroma.ok("database.create", &[r#""acme""#, r#"{name: "main"}"#]);
    chroma.says("database.get", &[r#""acme""#, r#""main""#], &[r#"name: "main", tenant: "acme""#]);

    // Two mistakes of its document are told as what they are: a text that is an object, and databases that are collections.
    for (name, arguments, trouble) in [
        ("system.healthcheck", &[] as &[&str], "`$`: expected a string, found an object"),
        ("database.list", &[r#""acme""#], "`$[0]`: the required member `configuration_json` is absent or null"),
    ] {
        chroma.says(name, arguments, &["err({kind: invalid-response, ", trouble]);
    }

    let tenant = [r#""acme""#, r#""main""#];
    let with = |more: &[&str]| -> Vec<String> { tenant.iter().chain(more).map(|text| (*text).to_owned()).collect() };
    let mut at = |name: &str, more: &[&str], parts: &[&str]| {
        let arguments = with(more);
        chroma.says(name, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), parts)
    };
    let metadata =
        r#"some([("colour", %string("blue")), ("rank", integer(7)), ("weight", number(0.5)), ("kept", boolean(true))])"#;
    let created = at("collection.create", &[&format!("{{name: \"notes\", metadata: {metadata}}}")], &[r#"name: "notes""#]);
    let id = text_of(&created, "id");
    assert_eq!(state(&format!("{BASE}/notes")).expect("it is there")["metadata"]["rank"], json!(7));
    at("collection.get", &[r#""notes""#], &[&format!("id: \"{id}\""), r#"string("blue")"#]);
    at("collection.list", &["some({limit: some(10)})"], &[&id]);
    at("collection.count", &[], &["ok(1)"]);

    let quoted = format!("\"{id}\"");
    let added = "{ids: [\"a\", \"b\", \"c\"], embeddings: list-of-list-of-number([[1, 0], [0, 1], [1, 1]]), \
                 documents: some([some(\"first\"), none, some(\"third\")]), \
                 metadatas: some([some([(\"n\", integer(1))]), none, some([(\"n\", integer(3))])])}";
    at("record.collection-add", &[&quoted, added], &["ok("]);
    at("record.collection-count", &[&quoted], &["ok(3)"]);
    let get = "{ids: some([\"a\", \"b\"]), %include: some([documents, metadatas, embeddings])}";
    at("record.collection-get", &[&quoted, get], &[r#"ids: ["a", "b"]"#, r#"documents: some([some("first"), none])"#]);
    let query = "{query-embeddings: [[1, 0.1]], n-results: some(2), %include: some([distances])}";
    at("record.collection-query", &[&quoted, query], &[r#"ids: [["a", "c"]]"#]);
    let filtered = r#"{where: some("{\"n\":{\"$gt\":2}}")}"#;
    at("record.collection-get", &[&quoted, filtered], &[r#"ids: ["c"]"#]);
    at("record.collection-update", &[&quoted, r#"{ids: ["b"], documents: some([some("second")])}"#], &["ok("]);
    let upserted = "{ids: [\"c\", \"d\"], embeddings: list-of-list-of-number([[2, 2], [3, 3]])}";
    at("record.collection-upsert", &[&quoted, upserted], &["ok("]);
    at("record.collection-delete", &[&quoted, r#"{ids: some(["a"])}"#], &["ok("]);
    let everything = json!({ "include": ["documents", "embeddings"] });
    let records = web::json(&address, &format!("POST {BASE}/{id}/get"), Some(&everything)).expect("records");
    assert_eq!(records["ids"], json!(["b", "c", "d"]));
    assert_eq!(records["documents"], json!(["second", "third", null]));
    assert_eq!(records["embeddings"], json!([[0.0, 1.0], [2.0, 2.0], [3.0, 3.0]]));

    at("collection.update", &[&quoted, r#"{new-name: some(value("papers"))}"#], &["ok("]);
    let names =
        state(BASE).expect("a list").as_array().expect("a list").iter().map(|c| c["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names, ["papers"]);
    at("collection.get", &[r#""notes""#], &["err(", "not-found"]);
    at("collection.delete", &[r#""papers""#], &["ok("]);
    assert_eq!(state(BASE), Some(Value::Array(Vec::new())));
    at("database.delete", &[], &["ok("]);
    assert_eq!(web::ask(&address, "GET /api/v2/tenants/acme/databases/main", None).map(|(status, _)| status), Some(404));
    assert!(chroma.operations() >= 15);
    println!("Chroma {version}: {}", chroma.figures());
}
