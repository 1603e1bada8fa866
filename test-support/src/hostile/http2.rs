//! HTTP/2 by scripted frames.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{PingPong, Reason, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

use super::{Connection, Server};

/// What happens on one call.
#[derive(Debug, Clone)]
pub enum Step {
    /// A HEADERS frame with a status; `end` ends the stream.
    Head {
        /// The HTTP status.
        status: u16,
        /// Header names and values.
        headers: Vec<(&'static str, String)>,
        /// Whether the stream ends with it.
        end: bool,
    },
    /// A DATA frame, which does not end the stream.
    Data(Vec<u8>),
    /// The end of the stream, without trailers.
    End,
    /// A HEADERS frame that ends the stream.
    Trailers(Vec<(&'static str, String)>),
    /// Waits until the client has answered a PING, and so has read everything before it.
    Flush,
    /// A RST_STREAM frame.
    Reset(Reason),
    /// The connection is closed without another frame.
    Disconnect,
    /// The stream stays open and silent until the client resets it.
    Hang,
}

/// A request that was read whole.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `:authority`.
    pub authority: String,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A server that reads each call and plays a script.
#[derive(Debug)]
pub struct Http2 {
    /// The server under it.
    pub server: Server,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Notify>,
    cancelled: Arc<Mutex<Vec<Reason>>>,
    cancellation: Arc<Notify>,
}

/// What a server and its connections share.
#[derive(Clone)]
struct Shared {
    script: Arc<dyn Fn(usize) -> Vec<Step> + Send + Sync>,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Notify>,
    cancelled: Arc<Mutex<Vec<Reason>>>,
    cancellation: Arc<Notify>,
}

impl Http2 {
    /// Plays one script on every call.
    pub async fn start(script: Vec<Step>) -> std::io::Result<Self> {
        Self::start_with(None, script).await
    }

    /// The same, optionally under TLS.
    pub async fn start_with(tls: Option<TlsAcceptor>, script: Vec<Step>) -> std::io::Result<Self> {
        Self::start_scripts(tls, move |_| script.clone()).await
    }

    /// Plays the script that is chosen by the number of the call, from 0.
    pub async fn start_scripts(
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let shared = Shared {
            script: Arc::new(script),
            seen: Arc::default(),
            arrived: Arc::default(),
            cancelled: Arc::default(),
            cancellation: Arc::default(),
        };
        let Shared { seen, arrived, cancelled, cancellation, .. } = shared.clone();
        let handler = move |connection, _| serve(connection, shared.clone());
        let server = match tls {
            None => Server::start(handler).await?,
            Some(acceptor) => Server::start_tls(acceptor, handler).await?,
        };
        Ok(Self { server, seen, arrived, cancelled, cancellation })
    }

    /// The requests that were read whole.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// Waits until the client has reset a call that hung, and gives the reason.
    pub async fn cancelled(&self) -> Option<Reason> {
        self.cancellation.notified().await;
        self.cancelled.lock().ok().and_then(|reasons| reasons.last().copied())
    }

    /// How many calls that hung the client has reset.
    pub fn resets(&self) -> usize {
        self.cancelled.lock().map_or(0, |reasons| reasons.len())
    }

    /// Waits for a request.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

async fn serve(connection: Connection, shared: Shared) {
    let Ok(mut connection) = h2::server::handshake(connection).await else { return };
    let pings = Arc::new(tokio::sync::Mutex::new(connection.ping_pong()));
    let (disconnect, mut disconnected) = mpsc::channel::<()>(1);
    loop {
        // The connection moves its frames only while it is asked for the next call.
        let call = tokio::select! {
            call = connection.accept() => call,
            _ = disconnected.recv() => return,
        };
        let Some(Ok((request, respond))) = call else { return };
        let (shared, pings, disconnect) = (shared.clone(), pings.clone(), disconnect.clone());
        tokio::spawn(async move {
            let (head, mut incoming) = request.into_parts();
            let mut body = Vec::new();
            while let Some(data) = incoming.data().await {
                let Ok(data) = data else { return };
                body.extend_from_slice(&data);
                let _ = incoming.flow_control().release_capacity(data.len());
            }
            let number = shared.seen.lock().map_or(0, |mut seen| {
                let authority = head.uri.authority().map(ToString::to_string).unwrap_or_default();
                seen.push(Seen { authority, path: head.uri.path().to_owned(), headers: head.headers, body: body.into() });
                seen.len() - 1
            });
            shared.arrived.notify_one();
            if let Some(reason) = play(&(shared.script)(number), respond, &pings, &disconnect).await {
                if let Ok(mut cancelled) = shared.cancelled.lock() {
                    cancelled.push(reason);
                }
                shared.cancellation.notify_one();
            }
        });
    }
}

type Pings = tokio::sync::Mutex<Option<PingPong>>;

/// Plays a script. Gives the reason where the client reset the call while it hung.
async fn play(
    script: &[Step],
    mut respond: SendResponse<Bytes>,
    pings: &Pings,
    disconnect: &mpsc::Sender<()>,
) -> Option<Reason> {
    let mut stream: Option<SendStream<Bytes>> = None;
    for step in script {
        // A step that fails means that the client has gone; the test sees that on its own side.
        let _ = match step {
            Step::Head { status, headers, end } => {
                let mut response = Response::new(());
                if let Ok(status) = http::StatusCode::from_u16(*status) {
                    *response.status_mut() = status;
                }
                *response.headers_mut() = header_map(headers);
                respond.send_response(response, *end).map(|s| stream = Some(s))
            }
            Step::Data(data) => with(&mut stream, |s| s.send_data(Bytes::from(data.clone()), false)),
            Step::End => with(&mut stream, |s| s.send_data(Bytes::new(), true)),
            Step::Trailers(trailers) => with(&mut stream, |s| s.send_trailers(header_map(trailers))),
            Step::Flush => match pings.lock().await.as_mut() {
                Some(pings) => pings.ping(h2::Ping::opaque()).await.map(drop),
                None => Ok(()),
            },
            Step::Reset(reason) => {
                match &mut stream {
                    Some(stream) => stream.send_reset(*reason),
                    None => respond.send_reset(*reason),
                }
                Ok(())
            }
            Step::Disconnect => {
                let _ = disconnect.send(()).await;
                // To let go of the stream would reset it.
                std::future::pending().await
            }
            Step::Hang => {
                let reset = poll_fn(|cx| match &mut stream {
                    Some(stream) => stream.poll_reset(cx),
                    None => respond.poll_reset(cx),
                });
                // An error means that the connection is gone.
                return reset.await.ok();
            }
        };
    }
    None
}

fn with(
    stream: &mut Option<SendStream<Bytes>>,
    send: impl FnOnce(&mut SendStream<Bytes>) -> Result<(), h2::Error>,
) -> Result<(), h2::Error> {
    stream.as_mut().map_or(Ok(()), send)
}

fn header_map(headers: &[(&'static str, String)]) -> HeaderMap {
    headers
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
        .collect()
}

/// A server that answers the first HEADERS frame of each connection with bytes, and closes: for frames that `h2` would not send.
pub async fn raw(answer: Vec<u8>) -> std::io::Result<Server> {
    raw_each(move |_| answer.clone()).await
}

/// The same, where the answer is chosen by the number of the connection, from 0.
pub async fn raw_each(answer: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static) -> std::io::Result<Server> {
    Server::start(move |mut connection, number| {
        let answer = answer(number);
        async move {
            const HEADERS: u8 = 1;
            let mut preface = [0; 24];
            if connection.read_exact(&mut preface).await.is_err() || connection.write_all(&SETTINGS).await.is_err() {
                return;
            }
            loop {
                let mut header = [0; 9];
                if connection.read_exact(&mut header).await.is_err() {
                    return;
                }
                let [a, b, c, kind, ..] = header;
                let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
                if connection.read_exact(&mut payload).await.is_err() {
                    return;
                }
                if kind == HEADERS {
                    break;
                }
            }
            let _ = connection.write_all(&answer).await;
            let _ = connection.shutdown().await;
            // What the client still sends is read, as closing with unread bytes would reset the connection and lose the answer.
            let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
        }
    })
    .await
}

/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// A GOAWAY frame (RFC 9113, section 6.8).
pub fn goaway(last_stream: u32, reason: Reason) -> Vec<u8> {
    frame(7, 0, 0, &[last_stream.to_be_bytes(), u32::from(reason).to_be_bytes()].concat())
}

/// A gRPC response of one message on stream 1, in frames.
pub fn grpc_response(message: &[u8]) -> Vec<u8> {
    const END_HEADERS: u8 = 4;
    const END_STREAM: u8 = 1;
    let (data, headers) = (0, 1);
    // `:status: 200` of the static table, and literals without indexing (RFC 7541, section 6.2.2).
    let mut head = vec![0x88];
    literal(&mut head, "content-type", "application/grpc");
    let mut trailers = Vec::new();
    literal(&mut trailers, "grpc-status", "0");
    let framed = [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat();
    [
        frame(headers, END_HEADERS, 1, &head),
        frame(data, 0, 1, &framed),
        frame(headers, END_HEADERS | END_STREAM, 1, &trailers),
    ]
    .concat()
}

/// A frame (RFC 9113, section 4.1) of less than 64 KiB.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [.., a, b] = (payload.len() as u32).to_be_bytes();
    [&[0, a, b, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// A header of less than 127 bytes each.
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        block.push(text.len() as u8);
        block.extend_from_slice(text.as_bytes());
    }
}
