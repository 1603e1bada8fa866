//! What a guest writes, as log lines.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::oplog::WorkerId;

/// The longest line that is kept together, in bytes.
const MAX_LINE: usize = 8 << 10;
/// The most bytes that a guest writes at once.
const PERMIT: usize = 64 << 10;

/// Whether output is shown: not in playback, when it was shown before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch(Arc<AtomicBool>);

impl Switch {
    pub(crate) fn set(&self, on: bool) {
        self.0.store(on, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Standard output and standard error of a worker.
pub(crate) fn streams(worker: &WorkerId) -> (Lines, Lines, Switch) {
    let switch = Switch::default();
    let lines = |name| {
        let line = Line { worker: worker.clone(), name, text: Vec::new() };
        Lines { line: Arc::new(Mutex::new(line)), switch: switch.clone() }
    };
    (lines("stdout"), lines("stderr"), switch.clone())
}

/// An output stream whose lines are logged.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    line: Arc<Mutex<Line>>,
    switch: Switch,
}

/// A worker's line that has no end yet.
#[derive(Debug)]
struct Line {
    worker: WorkerId,
    name: &'static str,
    text: Vec<u8>,
}

impl Line {
    /// Takes bytes, and gives every line that is whole now. A line that is too long is cut.
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for chunk in piece.chunks(MAX_LINE) {
                self.text.extend_from_slice(chunk);
                if self.text.ends_with(b"\n") || self.text.len() >= MAX_LINE {
                    lines.push(self.end());
                }
            }
        }
        lines
    }

    fn end(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        String::from_utf8_lossy(&text).trim_end_matches(['\n', '\r']).to_owned()
    }

    fn log(&self, line: &str) {
        tracing::info!(target: "witwire::guest", worker = %self.worker, stream = self.name, "{line}");
    }
}

/// What has no line end is logged when the worker goes.
impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            let line = self.end();
            self.log(&line);
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    /// Asked for by WASI 0.3 only, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.switch.is_on() {
            // A panic elsewhere leaves at worst half a line.
            let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
            for whole in line.take(&bytes) {
                line.log(&whole);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

/// Always ready. (The trait's method is an `async fn` behind a macro; this is what the macro makes of one.)
impl Pollable for Lines {
    fn ready<'s, 'f>(&'s mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_any_pieces_become_lines() {
        let mut line = Line { worker: WorkerId::new("w").unwrap(), name: "stdout", text: Vec::new() };
        assert_eq!(line.take(b"a"), Vec::<String>::new());
        assert_eq!(line.take(b"b\nc\r\n\nd"), ["ab", "c", ""]);
        assert_eq!(line.take(&[0xff, b'\n']), ["d\u{fffd}"]);
        let long = vec![b'x'; 2 * MAX_LINE + 1];
        assert_eq!(line.take(&long).iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE, MAX_LINE]);
        assert_eq!(line.take(b"\n"), ["x"]);
    }
}
