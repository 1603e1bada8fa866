//! `openapi-core` (PyPI): the second opinion, by a validator in another language. One process per document.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use witwire_interpreter::HttpRequest;

use super::steady::Objection;

/// The interpreter of the environment where `.ci/tools openapi-core` puts it. Missing: a failure under CI, else a plain line.
pub(super) fn installed() -> Option<PathBuf> {
    let tools = std::env::var_os("WITWIRE_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools"), PathBuf::from);
    let python = tools.join("openapi-core/bin/python");
    if python.is_file() {
        return Some(python);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "`.ci/tools openapi-core` was not run: {}", python.display());
    println!("skipped: openapi-core is not installed (`.ci/tools openapi-core` installs it)");
    None
}

/// What it objects to, request by request.
pub(super) fn judge(python: &Path, document: &Path, requests: &[&HttpRequest]) -> Result<Vec<Vec<Objection>>, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge/by_openapi_core.py");
    let mut process = Command::new(python)
        .arg(script)
        .arg(document)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", python.display()))?;
    let lines = requests.iter().map(|request| line(request).to_string()).collect::<Vec<_>>().join("\n") + "\n";
    let mut input = process.stdin.take().ok_or("the judge takes no requests")?;
    // On a thread of its own, since the judge answers while it is still asked.
    let asking = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = process.wait_with_output().map_err(|e| e.to_string())?;
    asking.join().map_err(|_| "the judge was not asked".to_owned())?.map_err(|e| format!("the judge stopped: {e}"))?;
    let verdicts: Vec<_> =
        String::from_utf8_lossy(&output.stdout).lines().map(verdict).collect::<Option<_>>().unwrap_or_default();
    if verdicts.len() == requests.len() {
        Ok(verdicts)
    } else {
        Err(format!("{} verdicts of {}", verdicts.len(), requests.len()))
    }
}

fn line(request: &HttpRequest) -> Json {
    json!({
        "method": request.method.as_str(),
        "target": request.target,
        "headers": request.headers,
        "body": request.body.as_ref().map(|body| STANDARD.encode(body)),
    })
}

fn verdict(line: &str) -> Option<Vec<Objection>> {
    let list: Vec<Json> = serde_json::from_str(line).ok()?;
    let objection = |json: &Json| {
        let text = |key: &str| json.get(key)?.as_str().map(str::to_owned);
        Some(Objection { code: text("code")?, place: text("place")?, message: text("message")? })
    };
    list.iter().map(objection).collect()
}
