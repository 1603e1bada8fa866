//! A plain HTTP client, which shares no code with what is tested.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// Asks `ADDRESS` for something, such as `GET /path`. The status and the body; `None` where there is no answer.
pub(crate) fn ask(address: &str, line: &str, body: Option<&Value>) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let body = body.map(Value::to_string).unwrap_or_default();
    // HTTP/1.0 has no chunks.
    let head = format!(
        "{line} HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// The JSON of a success.
pub(crate) fn json(address: &str, line: &str, body: Option<&Value>) -> Option<Value> {
    let (status, text) = ask(address, line, body)?;
    (200..300).contains(&status).then(|| serde_json::from_str(&text).ok())?
}
