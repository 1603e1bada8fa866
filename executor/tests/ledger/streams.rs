//! The ledger's streams: each kind of method once safe or idempotent, and once unsafe. Over gRPC alone.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use tokio::sync::mpsc;
use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::{CallClass, InDoubt};

use super::Operation;
use super::server::{Entry, Receipt, Server, refusal};

/// A streaming method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stream {
    /// Gives receipts 1 to the number that is the request's id. Safe.
    Watch,
    /// The same, unsafe.
    Tail,
    /// Takes entries, and gives a receipt of how many. Idempotent.
    Gather,
    /// The same, unsafe.
    Deposit,
    /// The same, keyed.
    Pledge,
    /// Gives a receipt of how many so far for every entry, for one whose id is [`LATER`] once the client's side has ended. Idempotent.
    Chat,
    /// The same, unsafe.
    Talk,
}

impl Stream {
    pub(crate) const ALL: [Self; 7] =
        [Self::Watch, Self::Tail, Self::Gather, Self::Deposit, Self::Pledge, Self::Chat, Self::Talk];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Tail => "tail",
            Self::Gather => "gather",
            Self::Deposit => "deposit",
            Self::Pledge => "pledge",
            Self::Chat => "chat",
            Self::Talk => "talk",
        }
    }

    pub(crate) fn kind(self) -> StreamKind {
        match self {
            Self::Watch | Self::Tail => StreamKind::ServerStreaming,
            Self::Gather | Self::Deposit | Self::Pledge => StreamKind::ClientStreaming,
            Self::Chat | Self::Talk => StreamKind::Bidirectional,
        }
    }

    pub(crate) fn class(self, in_doubt: InDoubt) -> CallClass {
        match self {
            Self::Watch => CallClass::Safe,
            Self::Gather | Self::Chat => CallClass::Idempotent,
            Self::Pledge => Operation::Pay.class(in_doubt),
            Self::Tail | Self::Deposit | Self::Talk => CallClass::Unsafe(in_doubt),
        }
    }
}

/// The id of an entry that [`Stream::Chat`] answers at the end.
pub(crate) const LATER: &str = "later";

/// What the server saw of streams.
#[derive(Debug, Default, Clone)]
pub(crate) struct StreamCounts {
    /// How often each was opened.
    pub(crate) opened: BTreeMap<Stream, u32>,
    /// The ids of the entries that came whole, over all calls of a method.
    pub(crate) entries: BTreeMap<Stream, Vec<String>>,
    /// How often the effect of a method happened, once all of a client's stream had come.
    pub(crate) effects: BTreeMap<Stream, u32>,
    /// How often a client gave a call up before its end.
    pub(crate) cancelled: BTreeMap<Stream, u32>,
}

/// Sends response frames; an error means that the client has given up.
type Out = mpsc::Sender<Result<Frame<Bytes>, Infallible>>;

pub(super) async fn serve(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let stream = Stream::ALL.into_iter().find(|s| s.name() == name).expect("only known methods are called");
    *server.streams().opened.entry(stream).or_default() += 1;
    if !server.admits(&headers) {
        return refusal("16");
    }
    // No frame is made before the one before it is taken, so that the client's pace is seen.
    let (out, mut frames) = mpsc::channel(1);
    tokio::spawn(async move {
        let conversation = async {
            match stream.kind() {
                StreamKind::ServerStreaming => give(&server, stream, body, &out).await,
                StreamKind::ClientStreaming => take(&server, stream, body, &out).await,
                _ => answer(&server, stream, body, &out).await,
            }
        };
        let over = tokio::select! {
            over = conversation => over,
            () = out.closed() => None,
        };
        if over.is_none() {
            *server.streams().cancelled.entry(stream).or_default() += 1;
            server.tell_cancelled();
        }
    });
    let frames = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

async fn give(server: &Server, stream: Stream, body: Body, out: &Out) -> Option<()> {
    let request = Entries::new(body).next().await?;
    let count: u64 = request.id.parse().expect("a number");
    if server.garbles(stream) {
        let last = framed(b"\x08");
        let all = (1..count).map(|number| framed(&Receipt { number }.encode_to_vec())).chain([last]);
        out.send(Ok(Frame::data(all.flatten().collect()))).await.ok()?;
        return end(out).await;
    }
    for number in 1..=count {
        server.hold_stream(stream, number).await;
        send(out, number).await?;
    }
    end(out).await
}

async fn take(server: &Server, stream: Stream, body: Body, out: &Out) -> Option<()> {
    server.hold_unread(stream).await;
    let mut entries = Entries::new(body);
    let mut number = 0;
    while let Some(entry) = entries.next().await {
        number += 1;
        server.streams().entries.entry(stream).or_default().push(entry.id);
    }
    if entries.broken {
        return None;
    }
    *server.streams().effects.entry(stream).or_default() += 1;
    server.hold_stream(stream, number).await;
    send(out, number).await?;
    end(out).await
}

async fn answer(server: &Server, stream: Stream, body: Body, out: &Out) -> Option<()> {
    let mut entries = Entries::new(body);
    let (mut number, mut later) = (0, Vec::new());
    while let Some(entry) = entries.next().await {
        number += 1;
        let waits = entry.id == LATER;
        server.streams().entries.entry(stream).or_default().push(entry.id);
        server.hold_stream(stream, number).await;
        if waits {
            later.push(number);
        } else {
            send(out, number).await?;
        }
    }
    if entries.broken {
        return None;
    }
    for number in later {
        send(out, number).await?;
    }
    end(out).await
}

async fn send(out: &Out, number: u64) -> Option<()> {
    out.send(Ok(Frame::data(framed(&Receipt { number }.encode_to_vec())))).await.ok()
}

fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a short message"));
    frame.put_slice(message);
    frame.freeze()
}

async fn end(out: &Out) -> Option<()> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-end", HeaderValue::from_static("1"));
    out.send(Ok(Frame::trailers(trailers))).await.ok()
}

/// Entries as they come.
struct Entries {
    body: Body,
    buffer: BytesMut,
    /// Whether the client gave up in the middle.
    broken: bool,
}

impl Entries {
    fn new(body: Body) -> Self {
        Self { body, buffer: BytesMut::new(), broken: false }
    }

    async fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(length) = self.buffer.get(1..5) {
                let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
                if self.buffer.len() >= 5 + length {
                    let message = self.buffer.split_to(5 + length).split_off(5);
                    return Some(Entry::decode(message).expect("a message of the API"));
                }
            }
            if let Ok(frame) = self.body.frame().await? {
                self.buffer.extend_from_slice(&frame.into_data().unwrap_or_default());
            } else {
                self.broken = true;
                return None;
            }
        }
    }
}
