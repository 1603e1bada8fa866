//! The process of `oracle.py`: requests and answers as JSON, each behind its length.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value as Json;

const SCRIPT: &str = "tests/grpc/python/oracle.py";

/// Python with protobuf's runtime and protoc, where `.ci/tools grpc` puts it. Missing: a failure under CI, else a plain line.
fn installed() -> Option<PathBuf> {
    let tools = std::env::var_os("WITWIRE_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools"), PathBuf::from);
    let python = tools.join("grpc/bin/python");
    if python.is_file() {
        return Some(python);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "`.ci/tools grpc` was not run: {}", python.display());
    println!("skipped: protobuf's Python runtime is not installed (`.ci/tools grpc` installs it)");
    None
}

/// A running oracle. It ends with its input.
pub(super) struct Oracle {
    process: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
}

impl Oracle {
    /// `None` where it is not installed, which is said.
    pub(super) fn start() -> Option<Self> {
        let mut process = Command::new(installed()?)
            .arg("-B")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("an installed Python starts");
        let (requests, answers) = (process.stdin.take(), process.stdout.take().expect("it is piped"));
        Some(Self { process, requests, answers })
    }

    /// Asks for something. `Err` tells why the runtime refuses a message.
    ///
    /// # Panics
    /// Where the process fails.
    pub(super) fn ask(&mut self, request: &Json) -> Result<Json, String> {
        let answer = self.exchange(request).unwrap_or_else(|e| panic!("the oracle does not answer: {e}"));
        assert!(answer.get("failed").is_none(), "the oracle failed: {}", answer["failed"].as_str().unwrap_or_default());
        match answer.get("refused") {
            Some(reason) => Err(reason.as_str().unwrap_or_default().to_owned()),
            None => Ok(answer),
        }
    }

    fn exchange(&mut self, request: &Json) -> std::io::Result<Json> {
        let text = serde_json::to_vec(request)?;
        let requests = self.requests.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        let length = u32::try_from(text.len()).map_err(std::io::Error::other)?;
        requests.write_all(&length.to_be_bytes())?;
        requests.write_all(&text)?;
        requests.flush()?;
        let mut length = [0; 4];
        self.answers.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer)?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.requests.take());
        // Nothing depends on how it ends.
        let _ = self.process.wait();
    }
}
