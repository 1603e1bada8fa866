//! Telling a test how far a call has come.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Extensions;
use http_body::{Body, Frame, SizeHint};
use hyper_util::client::legacy::connect::CaptureConnection;
use tokio::sync::watch;

use super::grpc::outbox::OutboxBody;

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendStage {
    /// The first half of the request's body is with the operating system, the rest is not. Never reached by a body of less than
    /// two bytes; the body of a gRPC call has at least five.
    RequestHalfSent,
    /// The whole response was read.
    ResponseRead,
    /// An attempt has failed, and another one is to be made.
    BetweenAttempts,
}

/// Is told how far calls have come, so that a test can end the process there. `()` is told nothing and costs nothing.
pub trait SendProbe: fmt::Debug + Send + Sync {
    /// The call has come this far; it goes on when this returns.
    fn reached(&self, stage: SendStage);

    /// Whether bodies are to be sent in halves at all.
    fn halves_requests(&self) -> bool {
        true
    }
}

impl SendProbe for () {
    fn reached(&self, _stage: SendStage) {}

    fn halves_requests(&self) -> bool {
        false
    }
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum RequestBody {
    /// Sent in one piece; `None` when sent, or when there is nothing to send.
    Whole(Option<Bytes>),
    /// Sent in two, with a probe between them.
    Halves(Box<Halves>),
    /// Messages as they come.
    Stream(Box<StreamBody>),
}

/// The messages of a streaming call.
#[derive(Debug)]
pub(super) struct StreamBody {
    messages: OutboxBody,
    /// Where a probe wants each message in halves: what it needs for that, and the message under way.
    probed: Option<(Arc<dyn SendProbe>, CaptureConnection)>,
    halves: Option<Halves>,
}

#[derive(Debug)]
pub(super) struct Halves {
    probe: Arc<dyn SendProbe>,
    connection: CaptureConnection,
    rest: Bytes,
    state: HalvesState,
}

enum HalvesState {
    First(Bytes),
    /// Waits until the first half has left.
    Sending(Pin<Box<dyn Future<Output = ()> + Send>>),
    Done,
}

impl fmt::Debug for HalvesState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First(_) => "First",
            Self::Sending(_) => "Sending",
            Self::Done => "Done",
        })
    }
}

impl RequestBody {
    pub(super) fn new(body: Bytes, probe: &Arc<dyn SendProbe>, connection: &CaptureConnection) -> Self {
        if body.is_empty() {
            return Self::Whole(None);
        }
        if body.len() < 2 || !probe.halves_requests() {
            return Self::Whole(Some(body));
        }
        let mut rest = body;
        let first = rest.split_to(rest.len() / 2);
        Self::Halves(Box::new(Halves {
            probe: probe.clone(),
            connection: connection.clone(),
            rest,
            state: HalvesState::First(first),
        }))
    }

    pub(super) fn stream(messages: OutboxBody, probe: &Arc<dyn SendProbe>, connection: &CaptureConnection) -> Self {
        let probed = probe.halves_requests().then(|| (probe.clone(), connection.clone()));
        Self::Stream(Box::new(StreamBody { messages, probed, halves: None }))
    }
}

impl StreamBody {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        loop {
            if let Some(halves) = &mut self.halves {
                match std::task::ready!(halves.poll(cx)) {
                    Some(data) => return Poll::Ready(Some(Ok(data))),
                    None => self.halves = None,
                }
            }
            let message = std::task::ready!(self.messages.poll(cx));
            match (message, &self.probed) {
                (Some(Ok(mut rest)), Some((probe, connection))) => {
                    let first = rest.split_to(rest.len() / 2);
                    let (probe, connection) = (probe.clone(), connection.clone());
                    self.halves = Some(Halves { probe, connection, rest, state: HalvesState::First(first) });
                }
                (message, _) => return Poll::Ready(message),
            }
        }
    }
}

impl Halves {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.state {
            HalvesState::First(first) => {
                let first = std::mem::take(first);
                let sent = wait_until_sent(&self.connection, first.len());
                self.state = HalvesState::Sending(Box::pin(sent));
                Poll::Ready(Some(first))
            }
            HalvesState::Sending(sent) => {
                std::task::ready!(sent.as_mut().poll(cx));
                self.state = HalvesState::Done;
                self.probe.reached(SendStage::RequestHalfSent);
                Poll::Ready(Some(std::mem::take(&mut self.rest)))
            }
            HalvesState::Done => Poll::Ready(None),
        }
    }
}

/// Resolves when `length` more bytes of body have been flushed on the request's connection.
///
/// Called when the body is first asked for: the connection is known then, and nothing of the body is written. Over HTTP/1 the
/// head is not written either; it leaves with the first half.
fn wait_until_sent(connection: &CaptureConnection, length: usize) -> impl Future<Output = ()> + Send + 'static {
    let mut extensions = Extensions::new();
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.get_extras(&mut extensions);
    }
    let flushed = extensions.remove::<Meter>().map(|meter| meter.flushed.subscribe());
    let target = flushed.as_ref().map_or(0, |flushed| *flushed.borrow() + length as u64);
    async move {
        if let Some(mut flushed) = flushed {
            // An error means that the connection is gone; the request then fails by itself.
            let _ = flushed.wait_for(|bytes| *bytes >= target).await;
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let data = match &mut *self {
            Self::Whole(body) => body.take(),
            Self::Halves(halves) => std::task::ready!(halves.poll(cx)),
            Self::Stream(stream) => return stream.poll(cx).map(|data| data.map(|data| data.map(Frame::data))),
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_none(),
            Self::Halves(halves) => matches!(halves.state, HalvesState::Done),
            // Only the next poll tells whether more comes.
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Stream(_) => return SizeHint::default(),
            Self::Whole(body) => body.as_ref().map_or(0, Bytes::len) as u64,
            Self::Halves(halves) => match &halves.state {
                HalvesState::First(first) => (first.len() + halves.rest.len()) as u64,
                HalvesState::Sending(_) | HalvesState::Done => halves.rest.len() as u64,
            },
        })
    }
}

/// Tells how much a connection has flushed: every byte over HTTP/1, the payload of DATA frames over HTTP/2.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    flushed: Arc<watch::Sender<u64>>,
}

/// The connection's side of a [`Meter`].
#[derive(Debug)]
pub(super) struct Counter {
    meter: Meter,
    frames: Option<FrameScanner>,
    /// Written and not flushed yet.
    written: u64,
}

impl Counter {
    pub(super) fn new(http2: bool) -> Self {
        let meter = Meter { flushed: Arc::new(watch::Sender::new(0)) };
        Self { meter, frames: http2.then(FrameScanner::new), written: 0 }
    }

    pub(super) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        self.written += match &mut self.frames {
            None => bytes.len() as u64,
            Some(scanner) => scanner.data_in(bytes),
        };
    }

    pub(super) fn flushed(&mut self) {
        if self.written > 0 {
            let written = std::mem::take(&mut self.written);
            self.meter.flushed.send_modify(|flushed| *flushed += written);
        }
    }
}

/// Follows the frames of an HTTP/2 connection (RFC 9113, section 4.1) and counts the payload of DATA frames.
#[derive(Debug)]
struct FrameScanner {
    /// Bytes to pass over: the connection preface, then payloads.
    skip: usize,
    /// Whether what is passed over is the payload of a DATA frame.
    data: bool,
    header: [u8; 9],
    /// How much of `header` is there.
    filled: usize,
}

impl FrameScanner {
    const PREFACE: usize = 24;
    const DATA: u8 = 0;

    fn new() -> Self {
        Self { skip: Self::PREFACE, data: false, header: [0; 9], filled: 0 }
    }

    fn data_in(&mut self, mut bytes: &[u8]) -> u64 {
        let mut counted = 0;
        while !bytes.is_empty() {
            if self.skip > 0 {
                let n = self.skip.min(bytes.len());
                if self.data {
                    counted += n as u64;
                }
                self.skip -= n;
                bytes = &bytes[n..];
                continue;
            }
            let n = (self.header.len() - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + n].copy_from_slice(&bytes[..n]);
            self.filled += n;
            bytes = &bytes[n..];
            if self.filled == self.header.len() {
                let [a, b, c, kind, ..] = self.header;
                self.skip = u32::from_be_bytes([0, a, b, c]) as usize;
                self.data = kind == Self::DATA;
                self.filled = 0;
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_payload_of_data_frames_counts_however_it_is_cut() {
        let mut connection = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        for (kind, payload) in [(4, &b"settings"[..]), (1, b"headers"), (0, b"abc"), (0, b""), (8, b"wind"), (0, b"defgh")] {
            connection.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
            connection.extend_from_slice(&[kind, 0, 0, 0, 0, 1]);
            connection.extend_from_slice(payload);
        }
        for size in 1..=connection.len() {
            let mut scanner = FrameScanner::new();
            let counted: u64 = connection.chunks(size).map(|piece| scanner.data_in(piece)).sum();
            assert_eq!(counted, 8, "in pieces of {size}");
        }
    }
}
