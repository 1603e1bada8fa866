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

/// A line that has no end yet.
#[derive(Debug)]
struct Line {
    worker: WorkerId,
    name: &'static str,
    text: Vec<u8>,
}

impl Line {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.text.extend_from_slice(piece);
            if self.text.ends_with(b"\n") || self.text.len() > MAX_LINE {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        tracing::info!(target: "witwire::guest", worker = %self.worker, stream = self.name, "{}", text.trim_end());
        self.text.clear();
    }
}

/// What has no line end is logged when the worker goes.
impl Drop for Line {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.end();
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
            self.line.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes);
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
