//! The service. It counts requests and effects, and can hold a request before or after its effect.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post, put};
use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use http_body_util::StreamBody;
use prost::Message;
use tokio::sync::mpsc;

use super::Operation;
use super::feeds::{self, Feed, FeedCounts};
use super::pages::{self, PageArrivals, PageCounts, Pages};
use super::streams::{self, Stream, StreamCounts};

/// Where a request can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    /// The whole request has arrived; nothing has happened.
    Arrived,
    /// The effect has happened; no response is sent.
    Done,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) text: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Receipt {
    #[prost(uint64, tag = "1")]
    pub(super) number: u64,
}

/// What the server saw.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    /// Whole requests by operation and id.
    pub(crate) requests: BTreeMap<(Operation, String), u32>,
    /// Effects by operation and id; looking has none.
    pub(crate) effects: BTreeMap<(Operation, String), u32>,
    /// The `Authorization` headers that came, in order.
    pub(crate) authorizations: Vec<String>,
    /// The `X-Trace` headers that came, in order.
    pub(crate) traces: Vec<String>,
    /// The heads of all requests, in order.
    pub(crate) heads: Vec<HeaderMap>,
    /// The idempotency keys that came with each id.
    pub(crate) keys: BTreeMap<String, BTreeSet<String>>,
    hold: Option<(Point, String)>,
    refuse: Option<String>,
    admit: Option<String>,
    garbled: bool,
    receipts: BTreeMap<String, u64>,
    feeds: FeedCounts,
    pages: PageCounts,
    page_arrivals: PageArrivals,
    streams: StreamCounts,
    hold_stream: Option<(Stream, u64)>,
    hold_unread: Option<Stream>,
    garbled_stream: Option<Stream>,
}

/// Why a request had no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotNow,
    Unauthenticated,
}

/// A running server; it ends with its runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    counts: Arc<Mutex<Counts>>,
    held: mpsc::UnboundedSender<()>,
    release: Arc<tokio::sync::Notify>,
    cancelled: Arc<tokio::sync::Semaphore>,
    url: String,
}

impl Server {
    /// Serves on a port of loopback. The receiver is told when a request is held.
    pub(crate) async fn start() -> std::io::Result<(Self, mpsc::UnboundedReceiver<()>)> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (held, is_held) = mpsc::unbounded_channel();
        let server = Self {
            counts: Arc::default(),
            held,
            release: Arc::default(),
            cancelled: Arc::new(tokio::sync::Semaphore::new(0)),
            url: format!("http://{}", listener.local_addr()?),
        };
        let router = Router::new()
            .route("/entries/{id}", get(look))
            .route("/entries", put(|s, h, b| json(s, Operation::Store, h, b)))
            .route("/payments", post(|s, h, b| json(s, Operation::Pay, h, b)))
            .route("/messages", post(|s, h, b| json(s, Operation::Post, h, b)))
            .route("/pages/{list}/{id}", get(pages::serve).post(pages::serve))
            .route("/feeds/{feed}/{id}", get(feeds::serve).post(feeds::serve))
            .route("/test.Ledger/{operation}", post(grpc))
            .route("/test.Streams/{stream}", post(streams::serve))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((server, is_held))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What it saw of streams.
    pub(crate) fn stream_counts(&self) -> StreamCounts {
        self.lock().streams.clone()
    }

    /// How often each page was asked for.
    pub(crate) fn page_counts(&self) -> PageCounts {
        self.lock().pages.clone()
    }

    /// What came with requests for pages.
    pub(crate) fn page_arrivals(&self) -> PageArrivals {
        self.lock().page_arrivals.clone()
    }

    pub(super) fn count_page(&self, pages: Pages, number: usize, credential: Option<String>, key: Option<String>) {
        let mut counts = self.lock();
        *counts.pages.entry((pages, number)).or_default() += 1;
        counts.page_arrivals.credentials.extend(credential);
        counts.page_arrivals.keys.extend(key);
    }

    /// What it saw of feeds.
    pub(crate) fn feed_counts(&self) -> FeedCounts {
        self.lock().feeds.clone()
    }

    /// From now on every opening of events begins anew, whatever it asks for.
    pub(crate) fn forget_events(&self) {
        self.lock().feeds.forgetful = true;
    }

    /// The next opening of a feed is held before its item of that number, for ever; before its head at 0.
    pub(crate) fn hold_at_item(&self, feed: Feed, number: usize) {
        self.lock().feeds.hold = Some((feed, number));
    }

    pub(super) fn feeds(&self) -> FeedGuard<'_> {
        FeedGuard(self.lock())
    }

    pub(super) async fn hold_feed(&self, feed: Feed, number: usize) {
        let held = self.lock().feeds.hold.take_if(|hold| *hold == (feed, number)).is_some();
        if held {
            let _ = self.held.send(());
            std::future::pending::<()>().await;
        }
    }

    /// The next call of a stream is held before its message of that number, or, where the client streams, after the effect of so
    /// many; for ever.
    pub(crate) fn hold_at_message(&self, stream: Stream, number: u64) {
        self.lock().hold_stream = Some((stream, number));
    }

    /// Nothing of the next call of a stream whose client streams is read, until it is released.
    pub(crate) fn hold_before_reading(&self, stream: Stream) {
        self.lock().hold_unread = Some(stream);
    }

    pub(super) async fn hold_unread(&self, stream: Stream) {
        let held = self.lock().hold_unread.take_if(|hold| *hold == stream).is_some();
        if held {
            let _ = self.held.send(());
            self.release.notified().await;
        }
    }

    /// Waits until a client has given a stream up.
    pub(crate) async fn cancellation(&self) {
        self.cancelled.acquire().await.expect("it is never closed").forget();
    }

    pub(super) fn tell_cancelled(&self) {
        self.cancelled.add_permits(1);
    }

    /// From now on this stream gives all its messages at once, and its last one is not what the API says.
    pub(crate) fn garble_last(&self, stream: Stream) {
        self.lock().garbled_stream = Some(stream);
    }

    pub(super) fn garbles(&self, stream: Stream) -> bool {
        self.lock().garbled_stream == Some(stream)
    }

    pub(super) fn streams(&self) -> MappedCounts<'_> {
        MappedCounts(self.lock())
    }

    pub(super) async fn hold_stream(&self, stream: Stream, number: u64) {
        let held = {
            let mut counts = self.lock();
            let held = counts.hold_stream == Some((stream, number));
            if held {
                counts.hold_stream = None;
            }
            held
        };
        if held {
            let _ = self.held.send(());
            std::future::pending::<()>().await;
        }
    }

    /// The next request for the id is held at the point, until it is released.
    pub(crate) fn hold(&self, point: Point, id: &str) {
        self.lock().hold = Some((point, id.to_owned()));
    }

    /// From now on only requests with this `Authorization` are admitted.
    pub(crate) fn admit(&self, authorization: &str) {
        self.lock().admit = Some(authorization.to_owned());
    }

    /// The next request for the id is answered with "not now", and has no effect.
    pub(crate) fn refuse(&self, id: &str) {
        self.lock().refuse = Some(id.to_owned());
    }

    /// Lets the request go that is held.
    pub(crate) fn release(&self) {
        self.release.notify_one();
    }

    /// From now on responses are not what the API says, or are again.
    pub(crate) fn garble(&self, garbled: bool) {
        self.lock().garbled = garbled;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> u32 {
        self.lock().requests.values().sum()
    }

    /// Whole requests for an id, and its effects.
    pub(crate) fn of(&self, operation: Operation, id: &str) -> (u32, u32) {
        let counts = self.lock();
        let at = (operation, id.to_owned());
        let count = |map: &BTreeMap<_, u32>| map.get(&at).copied().unwrap_or(0);
        (count(&counts.requests), count(&counts.effects))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no test panics while it counts")
    }

    /// The receipt's number.
    async fn perform(&self, operation: Operation, id: &str, headers: &HeaderMap) -> Result<u64, Refusal> {
        let at = (operation, id.to_owned());
        let key = headers.get("idempotency-key").map(|key| key.to_str().expect("a key is ASCII").to_owned());
        let mut seen_before = false;
        let admitted = self.admits(headers);
        {
            let mut counts = self.lock();
            *counts.requests.entry(at.clone()).or_default() += 1;
            if let Some(key) = &key {
                counts.keys.entry(id.to_owned()).or_default().insert(key.clone());
                seen_before = counts.receipts.contains_key(key);
            }
            if counts.refuse.as_deref() == Some(id) {
                counts.refuse = None;
                return Err(Refusal::NotNow);
            }
        }
        if !admitted {
            return Err(Refusal::Unauthenticated);
        }
        self.hold_at(Point::Arrived, id).await;
        let number = {
            let mut counts = self.lock();
            if operation != Operation::Look && !seen_before {
                *counts.effects.entry(at).or_default() += 1;
            }
            let next = counts.requests.values().sum::<u32>().into();
            match key {
                Some(key) => *counts.receipts.entry(key).or_insert(next),
                None => next,
            }
        };
        self.hold_at(Point::Done, id).await;
        Ok(number)
    }

    /// Takes note of the `Authorization`, and says whether it is admitted.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let authorization = headers.get("authorization").map(|value| value.to_str().expect("ASCII").to_owned());
        let mut counts = self.lock();
        counts.heads.push(headers.clone());
        counts.authorizations.extend(authorization.clone());
        counts.traces.extend(headers.get("x-trace").map(|value| value.to_str().expect("ASCII").to_owned()));
        counts.admit.is_none() || counts.admit == authorization
    }

    async fn hold_at(&self, point: Point, id: &str) {
        let wanted = (point, id.to_owned());
        let held = {
            let mut counts = self.lock();
            let held = counts.hold.as_ref() == Some(&wanted);
            if held {
                counts.hold = None;
            }
            held
        };
        if held {
            // Nobody listens where a test does not ask for it.
            let _ = self.held.send(());
            self.release.notified().await;
        }
    }
}

/// The counts of streams, locked.
pub(super) struct MappedCounts<'a>(MutexGuard<'a, Counts>);

impl std::ops::Deref for MappedCounts<'_> {
    type Target = StreamCounts;

    fn deref(&self) -> &StreamCounts {
        &self.0.streams
    }
}

impl std::ops::DerefMut for MappedCounts<'_> {
    fn deref_mut(&mut self) -> &mut StreamCounts {
        &mut self.0.streams
    }
}

/// The counts of feeds, locked.
pub(super) struct FeedGuard<'a>(MutexGuard<'a, Counts>);

impl std::ops::Deref for FeedGuard<'_> {
    type Target = FeedCounts;

    fn deref(&self) -> &FeedCounts {
        &self.0.feeds
    }
}

impl std::ops::DerefMut for FeedGuard<'_> {
    fn deref_mut(&mut self) -> &mut FeedCounts {
        &mut self.0.feeds
    }
}

async fn look(State(server): State<Server>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(&server, server.perform(Operation::Look, &id, &headers).await)
}

/// What was sent before it was compressed.
fn unpacked(headers: &HeaderMap, header: &str, packed: &[u8]) -> Vec<u8> {
    let coding = headers.get(header).map(|coding| coding.to_str().expect("ASCII"));
    match coding {
        None => packed.to_vec(),
        Some("gzip") => {
            let mut out = Vec::new();
            flate2::read::GzDecoder::new(packed).read_to_end(&mut out).expect("gzip");
            out
        }
        Some("zstd") => zstd::decode_all(packed).expect("zstd"),
        Some(other) => panic!("compressed by {other}"),
    }
}

/// Reads no more of the JSON than the test needs: the id.
async fn json(State(server): State<Server>, operation: Operation, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(unpacked(&headers, "content-encoding", &body)).expect("JSON is UTF-8");
    let id = body.split('"').nth(3).unwrap_or_default().to_owned();
    answer(&server, server.perform(operation, &id, &headers).await)
}

fn answer(server: &Server, number: Result<u64, Refusal>) -> Response {
    let number = match number {
        Ok(number) => number,
        Err(refusal) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = match refusal {
                Refusal::NotNow => StatusCode::SERVICE_UNAVAILABLE,
                Refusal::Unauthenticated => StatusCode::UNAUTHORIZED,
            };
            return response;
        }
    };
    let number = if server.lock().garbled { "\"many\"".to_owned() } else { number.to_string() };
    let mut response = Response::new(Body::from(format!("{{\"number\":{number}}}")));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

/// The end of a gRPC call that was not looked at.
pub(super) fn refusal(status: &'static str) -> Response {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-status", HeaderValue::from_static(status));
    response
}

async fn grpc(State(server): State<Server>, Path(operation): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let operation = Operation::parse(&operation).expect("only known methods are called");
    let message = if body[0] == 1 { unpacked(&headers, "grpc-encoding", &body[5..]) } else { body[5..].to_vec() };
    let entry = Entry::decode(&*message).expect("a message of the API");
    let number = match server.perform(operation, &entry.id, &headers).await {
        Ok(number) => number,
        Err(reason) => {
            let status = match reason {
                Refusal::NotNow => "14",
                Refusal::Unauthenticated => "16",
            };
            return refusal(status);
        }
    };
    let garbled = server.lock().garbled;
    let message = if garbled { b"\x08".to_vec() } else { Receipt { number }.encode_to_vec() };
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a short message"));
    frame.put_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-end", HeaderValue::from_static("1"));
    let frames = [Frame::data(frame.freeze()), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::new(StreamBody::new(futures_util::stream::iter(frames))));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}
