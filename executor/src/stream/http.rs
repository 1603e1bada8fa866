//! The way to the server of a stream over HTTP: bytes as they come, cut into items.

use std::fmt;
use std::sync::Arc;

use witwire_interpreter::frames::{Frame, FrameError, Splitter};
use witwire_interpreter::{HttpResponse, Metadata, MetadataText};

use super::{Count, Progress};
use crate::callee::Callee;
use crate::credentials::Gathered;
use crate::transport::{HttpStream, SendError, SendErrorKind};

/// A stream over HTTP.
pub(crate) struct HttpLine {
    stream: HttpStream,
    reading: Option<Reading>,
    /// Where its tokens came from.
    tokens: Option<Gathered>,
    /// An item that was read to find out where the stream is, and that the guest has not got.
    next: Option<Frame>,
}

struct Reading {
    head: Arc<HttpResponse>,
    splitter: Splitter,
}

/// Never a header or an item.
impl fmt::Debug for HttpLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLine").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Why there is no item.
pub(crate) enum HttpLineError {
    /// The service answered with something else than items: an error, most often.
    Answer(Box<HttpResponse>),
    /// The call broke.
    Broken {
        error: SendError,
        /// Whether the response had begun.
        begun: bool,
    },
    /// The body cannot be cut into items.
    Framing(Arc<HttpResponse>, FrameError),
}

impl HttpLine {
    pub(crate) const fn new(stream: HttpStream, tokens: Option<Gathered>) -> Self {
        Self { stream, reading: None, tokens, next: None }
    }

    /// The headers of the response, once they have come.
    pub(crate) fn headers(&self) -> Option<Metadata> {
        let headers = &self.stream.seen()?.headers;
        Some(headers.iter().map(|(name, value)| (name.clone(), MetadataText::Ascii(value.clone()))).collect())
    }

    pub(crate) fn tokens(&self) -> Option<&Gathered> {
        self.tokens.as_ref()
    }

    /// Whether the service refused the credentials.
    pub(crate) fn unauthenticated(&self) -> bool {
        self.stream.unauthenticated()
    }

    pub(crate) fn start(&mut self) {
        self.stream.start();
    }

    /// The next item, and the head of the response that it is of; `None` at the end.
    pub(crate) async fn next(&mut self, callee: &Callee) -> Result<(Arc<HttpResponse>, Option<Frame>), HttpLineError> {
        let Self { stream, reading, next, .. } = self;
        let Reading { head, splitter } = match reading {
            Some(reading) => reading,
            none => {
                let head = stream.head().await.map_err(|error| HttpLineError::Broken { error, begun: false })?;
                let Some(splitter) = callee.plan.splitter(callee.operation, &head, stream.limit()) else {
                    let whole = stream.whole().await.map_err(|error| HttpLineError::Broken { error, begun: true })?;
                    return Err(HttpLineError::Answer(Box::new(whole)));
                };
                none.insert(Reading { head, splitter })
            }
        };
        if let Some(frame) = next.take() {
            return Ok((head.clone(), Some(frame)));
        }
        loop {
            let taken = splitter.take().map_err(|error| HttpLineError::Framing(head.clone(), error))?;
            if taken.is_some() || splitter.is_ended() {
                return Ok((head.clone(), taken));
            }
            match stream.chunk().await.map_err(|error| HttpLineError::Broken { error, begun: true })? {
                Some(bytes) => splitter.push(bytes),
                None => splitter.finish(),
            }
        }
    }

    /// Comes to where an earlier call of the same request was: passes over what the guest had received.
    ///
    /// A server that was asked to go on behind an event (`Last-Event-ID`) and began anew is told by the id of its first event. One
    /// that begins with any other has gone on, or gives what happens now: nothing is passed over.
    pub(crate) async fn catch_up(&mut self, callee: &Callee, progress: &Progress) -> Result<(), HttpLineError> {
        let mut left = progress.received;
        let mut first = true;
        while left > 0 {
            let (_, frame) = self.next(callee).await?;
            let ids = progress.resumable().filter(|_| std::mem::take(&mut first));
            match (ids, frame) {
                // Nothing has happened since.
                (Some(_), None) => return Ok(()),
                (Some(ids), Some(Frame::Event(event))) if event.id.as_deref() != Some(&*ids.first) => {
                    self.next = Some(Frame::Event(event));
                    return Ok(());
                }
                (_, None) => return Err(self.ended_early(progress.received - left, progress.received)),
                (_, Some(Frame::Bytes(bytes))) if progress.count == Count::Bytes => {
                    let length = bytes.len() as u64;
                    if length > left {
                        // Fewer than the piece has.
                        self.next = Some(Frame::Bytes(bytes.slice(left as usize..)));
                    }
                    left = left.saturating_sub(length);
                }
                (_, Some(_)) => left -= 1,
            }
        }
        Ok(())
    }

    fn ended_early(&self, passed: u64, received: u64) -> HttpLineError {
        let message = format!(
            "the stream was opened again after a restart, and {} gave {passed} of the {received} items or bytes that it gave before",
            self.stream.destination()
        );
        HttpLineError::Broken { error: SendError::new(SendErrorKind::Unprocessed, message), begun: true }
    }
}
