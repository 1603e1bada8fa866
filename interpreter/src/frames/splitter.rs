//! One reader for all framings.

use bytes::Bytes;
use witwire_ir::operation::http::{Framing, StreamBody};

use super::{Event, Events, FrameError, Lines, Records};

/// An item of a body, as its framing cuts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A server-sent event.
    Event(Event),
    /// A line, or a JSON text of a sequence.
    Text(String),
    /// Bytes as they came; never none.
    Bytes(Bytes),
}

/// Cuts a body into items, whatever its framing.
#[derive(Debug)]
pub struct Splitter {
    cut: Cut,
    /// Data of an event that are no item but the end.
    end: Option<String>,
    /// Whether the body has ended.
    finished: bool,
    /// Whether an event said that it is the last.
    ended: bool,
}

#[derive(Debug)]
enum Cut {
    Events(Events),
    Lines(Lines),
    Records(Records),
    Chunks(Bytes),
}

impl Splitter {
    /// A reader of a body, none of whose items may be larger than `limit` bytes.
    pub fn new(stream: &StreamBody, limit: usize) -> Self {
        let cut = match stream.framing {
            Framing::Events => Cut::Events(Events::new(limit)),
            Framing::Lines => Cut::Lines(Lines::new(limit)),
            Framing::Records => Cut::Records(Records::new(limit)),
            Framing::Chunks => Cut::Chunks(Bytes::new()),
        };
        Self { cut, end: stream.end.clone(), finished: false, ended: false }
    }

    /// Takes the next bytes of the body. All items of the bytes before must have been taken: [`Splitter::take`] gave `None`.
    pub fn push(&mut self, bytes: Bytes) {
        match &mut self.cut {
            Cut::Events(events) => events.push(&bytes),
            Cut::Lines(lines) => lines.push(&bytes),
            Cut::Records(records) => records.push(&bytes),
            Cut::Chunks(chunk) => *chunk = bytes,
        }
    }

    /// The body has ended.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next whole item. `None` until more bytes come, or for ever once the body or the stream has ended.
    ///
    /// # Errors
    /// [`FrameError`]; the body is of no more use.
    pub fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.ended {
            return Ok(None);
        }
        Ok(match &mut self.cut {
            Cut::Events(events) => {
                let event = events.take()?;
                if event.is_some() && event.as_ref().map(|event| &event.data) == self.end.as_ref() {
                    self.ended = true;
                    return Ok(None);
                }
                event.map(Frame::Event)
            }
            Cut::Lines(lines) => (if self.finished { lines.finish() } else { lines.take() })?.map(Frame::Text),
            Cut::Records(records) => (if self.finished { records.finish() } else { records.take() })?.map(Frame::Text),
            Cut::Chunks(chunk) => Some(std::mem::take(chunk)).filter(|chunk| !chunk.is_empty()).map(Frame::Bytes),
        })
    }

    /// Whether no more items come: the stream said so, or its body has ended.
    pub fn is_ended(&self) -> bool {
        self.ended || self.finished
    }
}
