//! HTTP/1.1 by hand, so that a test can send what no client library would.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

/// A request, as it is written on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The JSON of a success.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.json()
    }
}

impl Request {
    /// `GET /v1/workers`
    pub(crate) fn new(line: &str) -> Self {
        Self { line: line.to_owned(), headers: vec![("host".into(), "localhost".into())], body: Vec::new() }
    }

    /// Sets a header; it replaces one of the name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        self.header("content-type", media_type).header("content-length", &length)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Multipart form data of these parts.
    pub(crate) fn parts(self, parts: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            body.extend(format!("--line\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").into_bytes());
            body.extend_from_slice(bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--line--\r\n");
        self.body("multipart/form-data; boundary=line", body)
    }

    /// Sends it, and leaves the answer to the caller.
    pub(crate) fn send(&self, to: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(to).expect("the server listens");
        let mut head = format!("{} HTTP/1.1\r\nconnection: close\r\n", self.line);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        // A server that refuses early does not read the rest.
        let _ = stream.write_all(&self.body);
        stream
    }

    pub(crate) fn call(&self, to: SocketAddr) -> Response {
        read(self.send(to))
    }
}

/// The answer on a connection that closes behind it.
pub(crate) fn read(stream: TcpStream) -> Response {
    try_read(stream).expect("an answer")
}

/// The same; `None` where the connection ends without one.
pub(crate) fn try_read(mut stream: TcpStream) -> Option<Response> {
    let mut bytes = Vec::new();
    let cut = stream.read_to_end(&mut bytes).is_err();
    if bytes.is_empty() {
        return None;
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    // A server that does not read the rest of a request cuts the connection behind its answer.
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert!(cut, "a head and a body: {text}");
        return None;
    };
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let response = Response { status, headers, body: body.to_owned() };
    let is_whole = response.header("content-length") == Some(&*body.len().to_string());
    (is_whole || !cut).then_some(response)
}
