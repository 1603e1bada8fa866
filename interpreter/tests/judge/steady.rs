//! `steady` (npm `@stdy/cli`): a mock that tells what of a request breaks the OpenAPI document. One process per document.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use bytes::Bytes;
use witwire_interpreter::{HttpRequest, HttpResponse};

/// Where `.ci/tools steady` puts it. Missing: a failure under CI, else a plain line.
pub(super) fn installed() -> Option<PathBuf> {
    let tools = std::env::var_os("WITWIRE_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools"), PathBuf::from);
    let binary = tools.join("steady/node_modules/.bin/steady");
    if binary.is_file() {
        return Some(binary);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "`.ci/tools steady` was not run: {}", binary.display());
    println!("skipped: steady is not installed (`.ci/tools steady` installs it)");
    None
}

/// A running judge of one document.
pub(super) struct Steady {
    process: Child,
    address: SocketAddr,
}

/// What the judge says of a request.
pub(super) struct Verdict {
    /// Empty where it accepts the request.
    pub(super) objections: Vec<Objection>,
    /// What it answered, where it made the answer from the operation's schema.
    pub(super) generated: Option<HttpResponse>,
}

/// One violation as the judge tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objection {
    /// `E3003`
    pub(super) code: String,
    /// `query.limit`, `body.name`
    pub(super) place: String,
    pub(super) message: String,
}

impl Steady {
    /// Starts it on a document. `Err` tells why the judge does not take the document.
    pub(super) fn start(binary: &Path, document: &Path) -> Result<Self, String> {
        // The port may be taken by another process before the judge has it: then the next one is tried.
        let mut last = String::new();
        for _ in 0..5 {
            match Self::on_a_free_port(binary, document) {
                Ok(steady) => return Ok(steady),
                Err(said) if said.contains("AddrInUse") || said.contains("in use") => last = said,
                Err(said) => return Err(said),
            }
        }
        Err(last)
    }

    fn on_a_free_port(binary: &Path, document: &Path) -> Result<Self, String> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).map_err(|e| e.to_string())?;
        let mut process = Command::new(binary)
            // On a build machine it writes a log of another form, which does not say when it is ready.
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .args([
                "--host",
                "127.0.0.1",
                "--quiet",
                "--no-color",
                "--validator-strict-oneof",
                "--stream-count=1",
                "--generator-seed=1",
                "-p",
            ])
            .arg(address.port().to_string())
            .arg(document)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", binary.display()))?;
        // Both outputs are read to their end, so that the process never waits for a reader.
        let complaints = process.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut text = String::new();
                // What could be read is told.
                let _ = stderr.read_to_string(&mut text);
                text
            })
        });
        let mut said = String::new();
        if let Some(stdout) = process.stdout.take() {
            let mut lines = BufReader::new(stdout).lines();
            for line in lines.by_ref().map_while(Result::ok) {
                if line.contains("Ready to accept requests") {
                    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
                    return Ok(Self { process, address });
                }
                said.push_str(&line);
                said.push('\n');
            }
        }
        let complaint = complaints.and_then(|c| c.join().ok()).unwrap_or_default();
        // It ended by itself: its output did.
        let _ = process.wait();
        Err(said + &complaint)
    }

    /// What the judge says. `hints` are headers for the judge alone.
    pub(super) fn judge(&self, request: &HttpRequest, hints: &[(&str, &str)]) -> Result<Verdict, String> {
        let answer = self.send(request, hints).map_err(|e| format!("the judge does not answer: {e}"))?;
        let find = |name: &str| answer.header(name);
        let accepted = match find("x-steady-request-valid") {
            Some("true") => true,
            Some("false") => false,
            _ => return Err(format!("the judge gives no verdict: {answer:?}")),
        };
        let objections: Vec<_> = (1..)
            .map_while(|n| {
                let field = |name: &str| find(&format!("x-steady-error-{n}-{name}")).map(str::to_owned);
                Some(Objection {
                    code: field("code")?,
                    place: field("path").unwrap_or_default(),
                    message: field("message").unwrap_or_default(),
                })
            })
            .filter(|_| !accepted)
            .collect();
        if objections.is_empty() != accepted {
            return Err(format!("the judge refuses without a word: {answer:?}"));
        }
        let is_generated = accepted && find("x-steady-example-source") == Some("generated");
        Ok(Verdict { objections, generated: is_generated.then_some(answer) })
    }

    /// Sends the request as it is, and gives the answer.
    fn send(&self, request: &HttpRequest, hints: &[(&str, &str)]) -> std::io::Result<HttpResponse> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", request.method, request.target, self.address);
        let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(hints.iter().copied()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = request.body.as_deref().unwrap_or_default();
        if request.body.is_some() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or(ErrorKind::InvalidData)?;
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = HttpResponse { status, headers, body: Bytes::new() };
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            read_chunks(&mut reader, &mut body)?;
        } else if let Some(length) = answer.header("content-length").and_then(|text| text.parse().ok()) {
            // The answer to HEAD has a length and no body.
            reader.take(length).read_to_end(&mut body)?;
        } else {
            reader.read_to_end(&mut body)?;
        }
        answer.body = body.into();
        Ok(answer)
    }
}

/// RFC 9112 section 7.1; trailers are passed over.
fn read_chunks(reader: &mut impl BufRead, body: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = line.trim().split(';').next().and_then(|hex| u64::from_str_radix(hex, 16).ok());
        let size = size.ok_or(ErrorKind::InvalidData)?;
        if size == 0 {
            return Ok(());
        }
        reader.by_ref().take(size).read_to_end(body)?;
        reader.read_line(&mut String::new())?;
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        // A process that ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
