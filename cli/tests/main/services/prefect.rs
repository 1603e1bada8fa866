//! Prefect, an orchestrator of workflows, from its own document: flows and their runs, variables, limits and artifacts are made,
//! read, changed and deleted by guests, and looked up over plain HTTP.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use witwire_executor::credentials::Credentials;

use super::application::{Application, text_of};
use super::web;
use crate::process::{Running, free_address, full, installed};

pub(super) fn operations() {
    if !full("Prefect") {
        return;
    }
    let Some(program) = installed("prefect", "prefect") else { return };
    let (folder, address) = (tempfile::tempdir().expect("a temporary folder"), free_address());
    let (host, port) = address.split_once(':').expect("an address with a port");
    // Its background services write to the same SQLite, and a request that comes across them is answered 503.
    let child = Command::new(program)
        .args(["server", "start", "--host", host, "--port", port, "--no-services", "--no-ui"])
        .envs([("PREFECT_SERVER_ANALYTICS_ENABLED", "false"), ("DO_NOT_TRACK", "1")])
        .env("PREFECT_HOME", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut running = Running(child.expect("Prefect starts"));
    running.until(|| web::json(&address, "GET /api/health", None));
    let document = web::json(&address, "GET /openapi.json", None).expect("its document");
    // The document names no server: its paths are below `/api`.
    let mut prefect = Application::new(&document.to_string(), "{}", &format!("http://{address}/api"), Credentials::none);
    let state = |line: &str, body: Option<&Value>| web::json(&address, line, body);

    prefect.says("root.health-check", &[], &["ok(true)"]);
    let version = prefect.ok("root.server-version", &[]);
    let version = version.trim_start_matches("ok(").trim_end_matches(')');

    let created =
        prefect.ok("flows.create", &[r#"{name: "tidy", tags: some(["a", "b"]), labels: some([("n", integer(3))])}"#]);
    let flow = text_of(&created, "id");
    let (id, none) = (format!("\"{flow}\""), "none");
    assert_eq!(state(&format!("GET /api/flows/{flow}"), None).expect("a flow")["labels"]["n"], json!(3));
    prefect.says("flows.read-flow", &[&id], &[&id, r#"tags: some(["a", "b"])"#]);
    prefect.says("flows.read-by-name", &[r#""tidy""#, none], &[&id]);
    prefect.says("flows.read-by-name", &[r#""untidy""#], &["err(", "not-found"]);
    prefect.ok("flows.update", &[&id, r#"{tags: some(["c"])}"#]);
    assert_eq!(state(&format!("GET /api/flows/{flow}"), None).expect("a flow")["tags"], json!(["c"]));
    prefect.says("flows.count", &[r#"some({flows: some({name: some({any: some(["tidy"])})})})"#], &["ok(1)"]);
    prefect.says("flows.read-flows", &[r#"some({flows: some({name: some({like: some("tid")})}), limit: some(5)})"#], &[&id]);

    let run = format!(
        "{{flow-id: {id}, name: some(\"first\"), state: some({{%type: pending}}), parameters: some(\"{{\\\"x\\\":[1]}}\")}}"
    );
    let run = text_of(&prefect.says("flow-runs.create", &[&run], &[r#"name: some("first")"#, "type: pending"]), "id");
    let quoted = format!("\"{run}\"");
    prefect.says(
        "flow-runs.set-state",
        &[&quoted, r#"{state: {%type: running, message: some("go")}, force: some(true)}"#],
        &["status: accept"],
    );
    let shown = state(&format!("GET /api/flow_runs/{run}"), None).expect("a run");
    assert_eq!((&shown["state"]["type"], &shown["state"]["message"]), (&json!("RUNNING"), &json!("go")), "{shown}");
    assert_eq!(shown["parameters"], json!({ "x": [1] }));
    prefect.says("flow-runs.read-flow-run", &[&quoted], &[r#"message: some("go")"#]);
    prefect.ok("flow-runs.update", &[&quoted, r#"{name: some(value("second"))}"#]);
    prefect.says("flow-runs.read-flow-runs", &["some({limit: some(3)})"], &[r#"name: some("second")"#]);
    prefect.ok("flow-runs.delete", &[&quoted]);
    assert_eq!(web::ask(&address, &format!("GET /api/flow_runs/{run}"), None).map(|(status, _)| status), Some(404));

    prefect.says(
        "variables.create",
        &[r#"{name: "limit", value: some(object("{\"a\":[1,null]}")), tags: some(["t"])}"#],
        &[r#"name: "limit""#],
    );
    let variable = || state("GET /api/variables/name/limit", None);
    assert_eq!(variable().expect("a variable")["value"], json!({ "a": [1, null] }));
    prefect.ok("variables.update-by-name", &[r#""limit""#, "{value: some(value(integer(7)))}"]);
    assert_eq!(variable().expect("a variable")["value"], json!(7));
    // Absent and null are not the same.
    prefect.ok("variables.update-by-name", &[r#""limit""#, r#"{tags: some(value(["u"]))}"#]);
    assert_eq!(
        (&variable().expect("a variable")["value"], &variable().expect("a variable")["tags"]),
        (&json!(7), &json!(["u"]))
    );
    prefect.ok("variables.update-by-name", &[r#""limit""#, "{value: some(null)}"]);
    assert_eq!(variable().expect("a variable")["value"], Value::Null);
    prefect.says("variables.read-by-name", &[r#""limit""#], &[r#"name: "limit""#]);
    prefect.says("variables.count", &[], &["ok(1)"]);
    prefect.says("variables.create", &[r#"{name: "limit"}"#], &["err(", "conflict"]);
    prefect.ok("variables.delete-by-name", &[r#""limit""#]);
    assert_eq!(variable(), None);

    let limits = "concurrency-limits-v2";
    prefect.ok(&format!("{limits}.create"), &[r#"{name: "db", limit: 2}"#]);
    prefect.ok(&format!("{limits}.bulk-increment-active-slots"), &[r#"{slots: 1, names: ["db"]}"#]);
    prefect.ok(&format!("{limits}.update"), &[r#""db""#, "{limit: some(value(5))}"]);
    let shown = state("GET /api/v2/concurrency_limits/db", None).expect("a limit");
    assert_eq!((&shown["limit"], &shown["active_slots"]), (&json!(5), &json!(1)));
    prefect.says(&format!("{limits}.read"), &[r#""db""#], &["limit: 5", "active-slots: 1"]);
    prefect.ok(&format!("{limits}.delete"), &[r#""db""#]);
    assert_eq!(state("GET /api/v2/concurrency_limits/db", None), None);

    let made =
        r#"{key: some("report"), %type: some("markdown"), data: some(value("\"text\"")), metadata: some([("k", "v")])}"#;
    let artifact = text_of(&prefect.ok("artifacts.create", &[made]), "id");
    let quoted = format!("\"{artifact}\"");
    prefect.says("artifacts.read-artifact", &[&quoted], &["report"]);
    prefect.ok("artifacts.update", &[&quoted, r#"{description: some(value("new"))}"#]);
    let shown = state(&format!("GET /api/artifacts/{artifact}"), None).expect("an artifact");
    assert_eq!(
        (&shown["data"], &shown["description"], &shown["metadata_"]["k"]),
        (&json!("text"), &json!("new"), &json!("v"))
    );
    prefect.ok("artifacts.delete", &[&quoted]);

    prefect.ok("flows.delete", &[&id]);
    assert_eq!(state("POST /api/flows/count", Some(&json!({}))), Some(json!(0)));
    assert!(prefect.operations() >= 15);
    println!("Prefect, version {version} of its API: {}", prefect.figures());
}
