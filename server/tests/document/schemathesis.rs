//! An independent judge: schemathesis makes requests from the document, good and bad ones, and checks every answer against it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use witwire_test_support::wat_guest;

use crate::client::Request;
use crate::process::Process;

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// What is done, with how many examples for each operation; sequences of requests take longest.
const RUNS: [(&str, &str); 2] = [("coverage,fuzzing", "1000"), ("stateful", "100")];
/// How long a run may take, in seconds: minutes on an idle machine, and more on one that does other things.
const BOUND: &str = "5400";
/// Most names that a judge makes up name nothing: these do. What it sends as files are no components, and most functions that it
/// names are not exported (422): no schema can say either.
const CONFIG: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409"]

# Wrong bodies may be large, and the server of the tests takes small ones only.
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415"]

[[operations]]
include-name = ["POST /v1/components", "PUT /v1/components/{name}", "POST /v1/workers/{name}/invoke", "POST /v1/workers/{name}/invocations"]
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422"]

[[operations]]
include-name = "GET /v1/workers/{name}/invocations/{key}"
parameters = { "path.name" = "w", "path.key" = "k" }

[[operations]]
include-path-regex = "^/v1/workers/.name./"
parameters = { "path.name" = "w" }

[[operations]]
include-name = "GET /v1/workers/{name}"
parameters = { "path.name" = "w" }

[[operations]]
include-path-regex = "^/v1/components/.name./revisions"
parameters = { "path.name" = "seven" }

[[operations]]
include-name = "GET /v1/components/{name}"
parameters = { "path.name" = "seven" }
"#;

fn tool() -> PathBuf {
    let tools = std::env::var_os("WITWIRE_TOOLS").map(PathBuf::from);
    let tools = tools.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools"));
    tools.join("schemathesis/bin/schemathesis")
}

pub(super) fn finds_nothing() {
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    if !full {
        return println!("skipped: schemathesis runs with WITWIRE_FULL=1");
    }
    let tool = tool();
    if !tool.exists() {
        assert!(std::env::var_os("CI").is_none(), "`.ci/tools schemathesis` installs it");
        return println!("skipped: `.ci/tools schemathesis` installs it");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let server = Process::start(directory.path(), None, Some(KEY));
    let authorized = |line: &str| Request::new(line).header("authorization", &format!("Bearer {KEY}"));
    let core = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;
    let wasm = wat_guest("package a:b; world w { export run: func() -> u32; }", "w", core).expect("a component");
    let metadata = json!({ "name": "seven" }).to_string();
    let parts = [("metadata", metadata.as_bytes()), ("component", &*wasm)];
    authorized("POST /v1/components").parts(&parts).call(server.address).ok();
    let worker = json!({ "name": "w", "component": "seven" });
    authorized("POST /v1/workers").json(&worker).call(server.address).ok();
    let invocation = json!({ "function": "run", "key": "k" });
    authorized("POST /v1/workers/w/invoke").json(&invocation).call(server.address).ok();

    std::fs::write(directory.path().join("schemathesis.toml"), CONFIG).expect("written");
    for (phases, examples) in RUNS {
        // Whatever it waits for, the test ends.
        let output = Command::new("timeout")
            .args(["--kill-after=10", BOUND])
            .arg(&tool)
            .current_dir(directory.path())
            .args(["run", &format!("http://{}/v1/openapi.json", server.address), "--no-color", "--checks", "all"])
            .args(["--header", &format!("Authorization: Bearer {KEY}"), "--continue-on-failure", "--seed", "1"])
            .args(["--phases", phases, "--max-examples", examples])
            .output()
            .expect("schemathesis runs");
        let report = String::from_utf8_lossy(&output.stdout);
        println!("{}", report.lines().skip_while(|line| !line.contains("SUMMARY")).collect::<Vec<_>>().join("\n"));
        assert!(output.status.success(), "{report}");
    }
}
