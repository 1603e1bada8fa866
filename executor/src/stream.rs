//! Open streams, as their worker keeps them.

mod http;
mod progress;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use witwire_interpreter::Metadata;
use witwire_ir::Value;

pub(crate) use http::{HttpLine, HttpLineError};
pub(crate) use progress::{Count, Ending, Progress};

use crate::callee::Callee;
use crate::calls;
use crate::credentials::Gathered;
use crate::oplog::{Ordinal, Started, Timestamp};
use crate::transport::GrpcStream;

/// The streams that a guest has handles of.
#[derive(Debug)]
pub(crate) struct Streams {
    open: BTreeMap<u32, OpenStream>,
    next: u32,
    /// How many there may be at once.
    most: usize,
}

/// A guest holds as many streams and pagers as it may. It traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component holds {0} streams and pagers, as many as it may at once, and opens another; it has to drop those that it no \
     longer reads"
)]
pub(crate) struct TooManyStreams(usize);

/// A stream that was opened, in this process or in one before.
pub(crate) struct OpenStream {
    pub(crate) callee: Arc<Callee>,
    /// The arguments that it was opened with.
    pub(crate) args: Vec<Value>,
    /// The handle whose settings it was opened with.
    pub(crate) handle: Option<u32>,
    /// What is known beside its items.
    pub(crate) beside: Option<Value>,
    /// The ordinal of its [`Started`].
    pub(crate) call: Ordinal,
    pub(crate) at: Timestamp,
    pub(crate) started: Started,
    pub(crate) progress: Progress,
    pub(crate) line: Line,
}

/// The way to the server.
pub(crate) enum Line {
    /// There is none: the process that had it is gone, or the stream ended.
    None,
    /// A gRPC call is under way.
    Grpc(Box<Connected>),
    /// A response over HTTP is being read.
    Http(Box<HttpLine>),
    /// A pager's next call: its arguments, or none behind the last page.
    Pages(Option<Vec<Value>>),
}

/// A gRPC call under way.
pub(crate) struct Connected {
    pub(crate) stream: GrpcStream,
    /// What the step behind the last one is told: a message that breaks the contract came behind others that the guest got first.
    pub(crate) failed: Option<Value>,
    /// Where its tokens came from.
    pub(crate) tokens: Option<Gathered>,
}

impl Line {
    /// Begins to send.
    pub(crate) fn start(&mut self) {
        match self {
            Self::None | Self::Pages(_) => {}
            Self::Grpc(connected) => connected.stream.start(),
            Self::Http(line) => line.start(),
        }
    }

    /// What the server has said beside its items: initial and trailing metadata, or headers.
    fn metadata(&self) -> Option<(Metadata, Metadata)> {
        match self {
            Self::None | Self::Pages(_) => None,
            Self::Grpc(connected) => Some((connected.stream.initial().clone(), connected.stream.trailing().clone())),
            Self::Http(line) => Some((line.headers().unwrap_or_default(), Metadata::new())),
        }
    }
}

impl OpenStream {
    /// What is known beside the items, where there is somebody to tell and it is not as it was.
    pub(crate) fn new_beside(&self) -> Option<Value> {
        self.handle?;
        let (mut initial, trailing) = self.line.metadata()?;
        self.callee.plan.clean_headers(&mut initial);
        let beside = calls::beside(self.callee.plan.api().protocol, &initial, &trailing, 1);
        (self.beside.as_ref() != Some(&beside)).then_some(beside)
    }
}

/// Never an argument, an item or what the server said: any of them may be secret.
impl fmt::Debug for OpenStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream")
            .field("function", &self.callee.name)
            .field("call", &self.call)
            .field("sequence", &self.progress.sequence)
            .field("received", &self.progress.received)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Grpc(connected) => connected.stream.fmt(f),
            Self::Http(line) => line.fmt(f),
            Self::Pages(next) => f.write_str(if next.is_some() { "Pages" } else { "Pages, behind the last" }),
        }
    }
}

impl Streams {
    /// For at most so many at once.
    pub(crate) const fn new(most: usize) -> Self {
        Self { open: BTreeMap::new(), next: 0, most }
    }

    /// Finds whether there may be one more.
    pub(crate) fn room(&self) -> Result<(), TooManyStreams> {
        if self.open.len() < self.most { Ok(()) } else { Err(TooManyStreams(self.most)) }
    }

    /// Keeps a stream, and gives the number of its handle. Handles are counted, so that a stream has the same one in playback.
    pub(crate) fn insert(&mut self, stream: OpenStream) -> u32 {
        let handle = self.next_handle();
        self.put_back(handle, stream);
        self.next += 1;
        handle
    }

    /// The number of the next handle.
    pub(crate) fn next_handle(&self) -> u32 {
        self.next
    }

    /// Takes a stream for a step.
    pub(crate) fn take(&mut self, handle: u32) -> Option<OpenStream> {
        self.open.remove(&handle)
    }

    /// Puts a stream back after a step.
    pub(crate) fn put_back(&mut self, handle: u32, stream: OpenStream) {
        self.open.insert(handle, stream);
    }

    /// Gives a stream up; a call under way is cancelled.
    pub(crate) fn drop_handle(&mut self, handle: u32) {
        self.open.remove(&handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callee;
    use crate::oplog::{Class, Digest, Recorded, RequestDigest};
    use crate::transport::StreamOptions;

    /// Debug output goes to logs.
    #[test]
    fn no_secret_is_shown() {
        let secret = || Value::string("s3cret");
        let callee = Arc::new(callee::tests::callee());
        let transport = crate::transport::Transport::new(crate::transport::TransportConfig {
            egress: crate::egress::EgressPolicy::parse(["a.example"], [""; 0]).expect("a rule"),
            ..crate::transport::TransportConfig::default()
        });
        let request = witwire_interpreter::GrpcRequest {
            path: "/a.B/C".to_owned(),
            metadata: vec![("authorization".to_owned(), witwire_interpreter::MetadataText::Ascii("s3cret".to_owned()))],
            message: bytes::Bytes::from_static(b"s3cret"),
            secrets: witwire_interpreter::Secrets::default(),
        };
        let stream = transport.expect("a transport").stream(&callee.route, &request, true, &StreamOptions::default());
        let stream = stream.expect("a stream");
        let grpc = Connected { stream, failed: Some(Value::err(secret())), tokens: None };
        for line in [Line::None, Line::Pages(Some(vec![secret()])), Line::Grpc(Box::new(grpc))] {
            let mut progress = Progress::new(Count::Items);
            progress.sent.push(bytes::Bytes::from_static(b"s3cret"));
            progress.ending = Some(Ending::Failed(Value::err(secret())));
            let stream = OpenStream {
                callee: callee.clone(),
                args: vec![secret()],
                handle: None,
                beside: Some(secret()),
                call: Ordinal::ZERO,
                at: Timestamp::from_millis(0),
                started: Started {
                    function: callee.name.clone(),
                    ir: callee.ir,
                    digest: RequestDigest(Digest::of(b"")),
                    request: Recorded::Typed(vec![secret()]),
                    class: Class::Safe,
                    key: None,
                },
                progress,
                line,
            };
            let mut streams = Streams::new(1);
            streams.insert(stream);
            let shown = format!("{streams:#?}");
            assert!(shown.contains("a:b/c@1.0.0") && !shown.contains("s3cret"), "{shown}");
        }
    }
}
