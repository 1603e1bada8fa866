//! Streaming calls over gRPC.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::time::Instant;
use witwire_interpreter::{GrpcRequest, GrpcResponse, GrpcStatus, Metadata};

use super::frame::{Frames, Trouble};
use super::outbox::{Driven, Outbox};
use super::response::{self, Head, UNAUTHENTICATED};
use super::{GRPC_STATUS, encode, metadata, prepare};
use crate::transport::attempt::{refusal_or, stream_timed_out, too_large};
use crate::transport::classify::{Phase, classify};
use crate::transport::coding::Compression;
use crate::transport::error::{SendError, SendErrorKind};
use crate::transport::probe::RequestBody;
use crate::transport::route::{Route, Target};
use crate::transport::{Deadline, SendProbe, SendStage, StreamOptions, Transport};

/// Why a stream has no more messages, other than that all were received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamError {
    /// The server ended it with this status, which is not OK.
    Status(GrpcStatus),
    /// It broke, or the server broke the protocol.
    Broken(SendError),
}

impl From<SendError> for StreamError {
    fn from(error: SendError) -> Self {
        Self::Broken(error)
    }
}

/// A streaming call. Dropped before its end, it is cancelled by a reset of its HTTP/2 stream.
///
/// Nothing is read ahead beyond HTTP/2's window for the stream, and one message at most waits to be sent: each side is as slow
/// as the other.
pub struct GrpcStream {
    target: Arc<Target>,
    destination: String,
    /// When it began to be sent.
    begun: Instant,
    /// The largest message that is sent; `None`: the protocol's own limit.
    max_request: Option<usize>,
    /// The largest message that is received.
    limit: usize,
    compression: Compression,
    /// Whether messages are left as they are all the same.
    plainly: bool,
    deadline: Option<Deadline>,
    probe: Arc<dyn SendProbe>,
    connection: CaptureConnection,
    /// The client's side; `None` once it has ended.
    outbox: Option<Outbox>,
    incoming: Side,
    frames: Frames,
    initial: Metadata,
    trailing: Metadata,
}

/// The server's side.
enum Side {
    /// Nothing was sent.
    Ready(Box<Ready>),
    /// The head of the response has not come.
    Waiting(Driven<Result<http::Response<Incoming>, hyper_util::client::legacy::Error>>),
    /// Messages come.
    Reading {
        body: Incoming,
        status: u16,
        encoding: Option<String>,
        /// Only where a status among them says how the call ended.
        headers: HeaderMap,
    },
    /// No more comes: all was received, or an error, which every later reader gets again.
    Ended(Result<(), StreamError>),
}

/// A request that can be sent.
struct Ready {
    request: http::Request<RequestBody>,
    /// The framed request, where the client sends only one.
    only: Option<Bytes>,
}

impl Transport {
    /// Prepares a streaming call. Nothing is sent before [`GrpcStream::start`].
    ///
    /// `takes_request`: the request's message is the only one that the client sends. Else it sends its own by
    /// [`GrpcStream::send`]. A stream is never retried: its reader has to know what came of it so far.
    ///
    /// # Errors
    /// [`SendError`] where it cannot be sent: metadata that cannot be written, a destination that is denied.
    pub fn stream(
        &self,
        route: &Route,
        request: &GrpcRequest,
        takes_request: bool,
        options: &StreamOptions,
    ) -> Result<GrpcStream, SendError> {
        let inner = &*self.inner;
        let settings = &route.inner.settings;
        let compression = options.compression.unwrap_or(settings.compression);
        let target = inner.one_target(route)?;
        let deadline = options.end();
        let mut head = prepare(&target.face, request, deadline.map(Deadline::left), compression)?;
        let only = takes_request.then(|| framed(&request.message, settings.max_request, compression)).transpose()?;
        let connection = capture_connection(&mut head);
        let (outbox, body) = Outbox::new();
        let body = RequestBody::stream(body, &inner.probe, &connection);
        let ready = Ready { request: head.map(|()| body), only };
        let limit = inner.limits_of(route).max_response;
        Ok(GrpcStream {
            destination: target.endpoint.destination(),
            target: target.clone(),
            begun: Instant::now(),
            max_request: settings.max_request,
            limit,
            compression,
            plainly: false,
            deadline,
            probe: inner.probe.clone(),
            connection,
            outbox: Some(outbox),
            incoming: Side::Ready(Box::new(ready)),
            frames: Frames::new(limit),
            initial: Metadata::new(),
            trailing: Metadata::new(),
        })
    }
}

impl GrpcStream {
    /// Begins to send, and goes on by itself: whoever opened the stream need not wait for it. Runs on tokio.
    pub fn start(&mut self) {
        let ended = Side::Ended(Ok(()));
        match std::mem::replace(&mut self.incoming, ended) {
            Side::Ready(ready) => {
                let Ready { request, only } = *ready;
                self.begun = Instant::now();
                self.incoming = Side::Waiting(Driven::spawn(self.target.clients.grpc.request(request)));
                if let Some(only) = only
                    && let Some(outbox) = self.outbox.take()
                {
                    outbox.send_first(only);
                    outbox.close();
                }
            }
            other => self.incoming = other,
        }
    }

    /// The next message; `None` once all were received and the status is OK. Safe to be given up while it waits.
    ///
    /// # Errors
    /// [`StreamError`], again for every later call.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StreamError> {
        // An end stays as it is.
        if let Side::Ended(ended) = &self.incoming {
            return ended.clone().map(|()| None);
        }
        match Deadline::meet(self.deadline, self.receive()).await {
            Ok(received) => received,
            Err(deadline) => Err(self.end(Err(self.timed_out(deadline).into()))),
        }
    }

    /// The messages that have come, 1 to `max`: it waits for the first, and takes no further one once they are as large as a single message
    /// may be. Empty once all were received, or where `max` is 0.
    ///
    /// # Errors
    /// As [`GrpcStream::next`], but only once all messages before it were taken.
    pub async fn batch(&mut self, max: usize) -> Result<Vec<Bytes>, StreamError> {
        let mut messages = Vec::new();
        if max == 0 {
            return Ok(messages);
        }
        messages.extend(self.next().await?);
        // A message that is empty takes room as well.
        let size = |messages: &[Bytes]| messages.last().map_or(0, |message| message.len() + size_of::<Bytes>());
        let mut taken = size(&messages);
        let overdue = |deadline: Option<Deadline>| deadline.is_some_and(Deadline::has_passed);
        while !messages.is_empty() && messages.len() < max && taken < self.limit && !overdue(self.deadline) {
            // What has come is there without waiting.
            tokio::select! {
                biased;
                // An end is kept for the next reader.
                received = self.receive() => match received {
                    Ok(Some(message)) => {
                        messages.push(message);
                        taken += size(&messages);
                    }
                    Ok(None) | Err(_) => break,
                },
                () = std::future::ready(()) => break,
            }
        }
        Ok(messages)
    }

    /// Sends a message, as soon as the server's window has room for the one before it.
    ///
    /// # Errors
    /// [`StreamError`] where the server takes no more: its reader is told why.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), StreamError> {
        let compression = if self.plainly { Compression::None } else { self.compression };
        let frame = framed(message, self.max_request, compression)?;
        let Some(outbox) = &self.outbox else { return Err(self.takes_no_more()) };
        match Deadline::meet(self.deadline, outbox.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.takes_no_more()),
            Err(deadline) => Err(self.end(Err(self.timed_out(deadline).into()))),
        }
    }

    /// Says whether the messages from here on are left as they are, whatever the stream was opened with.
    pub const fn send_plainly(&mut self, plainly: bool) {
        self.plainly = plainly;
    }

    /// Ends the client's side.
    pub fn close(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            outbox.close();
        }
    }

    /// Reads the one response of a call whose client streams, within a deadline.
    ///
    /// # Errors
    /// [`SendError`], as for a unary call.
    pub async fn finish(&mut self, deadline: Deadline) -> Result<GrpcResponse, SendError> {
        let response = async {
            match self.next().await {
                Ok(Some(message)) => match self.next().await {
                    Ok(None) => Ok(GrpcResponse::Ok { message, trailers: self.trailing.clone() }),
                    Ok(Some(_)) => Err(StreamError::from(self.invalid(Trouble::SecondMessage))),
                    Err(error) => Err(error),
                },
                Ok(None) => Err(self.invalid(Trouble::NoMessage).into()),
                Err(error) => Err(error),
            }
        };
        match Deadline::meet(Some(deadline), response).await {
            Ok(Ok(response)) => {
                self.probe.reached(SendStage::ResponseRead);
                Ok(response)
            }
            Ok(Err(StreamError::Status(status))) => Ok(GrpcResponse::Status(status)),
            Ok(Err(StreamError::Broken(error))) => Err(error),
            Err(deadline) => {
                let error = self.timed_out(deadline);
                self.end(Err(error.clone().into()));
                Err(error)
            }
        }
    }

    /// Comes to where an earlier call of the same request was: sends what that one had sent, ends the client's side if that one had, and
    /// passes over what it had received. `deadline` is that of whoever waits for it, beside the stream's own.
    ///
    /// # Errors
    /// [`StreamError`]; also where the server ends before it has given as much as then.
    pub async fn catch_up(
        &mut self,
        sent: Vec<Bytes>,
        closed: bool,
        received: u64,
        deadline: Option<Deadline>,
    ) -> Result<(), StreamError> {
        let deadline = Deadline::first(self.deadline, deadline);
        match Deadline::meet(deadline, self.go_through(sent, closed, received)).await {
            Ok(caught_up) => caught_up,
            Err(deadline) => Err(self.end(Err(self.timed_out(deadline).into()))),
        }
    }

    async fn go_through(&mut self, sent: Vec<Bytes>, closed: bool, received: u64) -> Result<(), StreamError> {
        let frames =
            sent.iter().map(|message| framed(message, self.max_request, self.compression)).collect::<Result<Vec<_>, _>>()?;
        // The server may wait for us, and we for the server: both go on at once.
        let mut outbox = self.outbox.take();
        let sending = async {
            for frame in frames {
                let Some(outbox) = &outbox else { break };
                if outbox.send(frame).await.is_err() {
                    break;
                }
            }
            // The server may give nothing before this.
            if closed && let Some(outbox) = outbox.take() {
                outbox.close();
            }
            Ok(())
        };
        let receiving = async {
            for passed in 0..received {
                if self.next().await?.is_none() {
                    let message = format!(
                        "the stream was opened again after a restart, and {} gave {passed} of the {received} messages that it gave \
                         before",
                        self.destination
                    );
                    return Err(StreamError::from(SendError::new(SendErrorKind::MaybeProcessed { reset: None }, message)));
                }
            }
            Ok(())
        };
        tokio::try_join!(sending, receiving)?;
        self.outbox = outbox.filter(|_| !matches!(self.incoming, Side::Ended(_)));
        Ok(())
    }

    /// Initial metadata, without the protocol's own keys; empty before the first response has come.
    pub fn initial(&self) -> &Metadata {
        &self.initial
    }

    /// Trailing metadata, without the protocol's own keys; empty before the end.
    pub fn trailing(&self) -> &Metadata {
        &self.trailing
    }

    /// Whether the service has ended it since it refuses the credentials.
    pub(crate) fn unauthenticated(&self) -> bool {
        matches!(&self.incoming, Side::Ended(Err(StreamError::Status(status))) if status.code == UNAUTHENTICATED)
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            match &mut self.incoming {
                Side::Ended(ended) => return ended.clone().map(|()| None),
                Side::Ready(_) => self.start(),
                Side::Waiting(head) => {
                    let Some(head) = head.await else { return Err(self.end(Err(self.gone().into()))) };
                    self.begin(head);
                }
                Side::Reading { body, status, encoding, .. } => {
                    let status = *status;
                    match self.frames.next() {
                        Ok(Some(frame)) => match frame.message(encoding.as_deref(), self.limit) {
                            Ok(message) => return Ok(Some(message)),
                            Err(t) => return Err(self.end(Err(self.invalid(t).into()))),
                        },
                        Ok(None) => {}
                        Err(t) => return Err(self.end(Err(self.invalid(t).into()))),
                    }
                    match body.frame().await {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(data) => self.frames.push(&data),
                            Err(frame) => {
                                if let Ok(trailers) = frame.into_trailers() {
                                    self.trailers(status, &trailers);
                                }
                            }
                        },
                        Some(Err(e)) => {
                            let error = classify(&e, Phase::Receiving { status }, &self.destination);
                            return Err(self.end(Err(error.into())));
                        }
                        None => self.trailers(status, &HeaderMap::new()),
                    }
                }
            }
        }
    }

    /// The head of the response has come.
    fn begin(&mut self, head: Result<http::Response<Incoming>, hyper_util::client::legacy::Error>) {
        let response = match head {
            Ok(response) => response,
            Err(e) => {
                let connected = self.connection.connection_metadata().is_some();
                let error = classify(&e, if connected { Phase::Sent } else { Phase::Connecting }, &self.destination);
                let error = refusal_or(error, &self.connection, &self.target, self.begun);
                self.target.connected(!error.kind.is_no_connection());
                self.end(Err(error.into()));
                return;
            }
        };
        self.target.connected(true);
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        // A status among the headers ends the call ("Trailers-Only"): they are trailers, and there is no initial metadata.
        if head.headers.contains_key(GRPC_STATUS) {
            self.trailing = metadata::read(&head.headers);
        } else {
            self.initial = metadata::read(&head.headers);
        }
        match response::head(status, &head.headers, &self.destination) {
            Ok(Head::Messages { encoding }) => {
                self.incoming = Side::Reading { body, status, encoding, headers: head.headers };
            }
            Ok(Head::Ended(status)) => drop(self.end(Err(StreamError::Status(status)))),
            Err(error) => drop(self.end(Err(error.into()))),
        }
    }

    /// The body has ended, with these trailers.
    fn trailers(&mut self, status: u16, trailers: &HeaderMap) {
        let headers = match std::mem::replace(&mut self.incoming, Side::Ended(Ok(()))) {
            Side::Reading { headers, .. } => headers,
            _ => HeaderMap::new(),
        };
        let trailers = if trailers.contains_key(GRPC_STATUS) { trailers } else { &headers };
        self.trailing = metadata::read(trailers);
        let end = match response::end(status, trailers, &self.destination) {
            Err(error) => Err(error.into()),
            Ok(Some(status)) => Err(StreamError::Status(status)),
            Ok(None) if self.frames.has_rest() => Err(self.invalid(Trouble::Cut).into()),
            Ok(None) => Ok(()),
        };
        self.end(end);
    }

    /// Ends both sides; gives the error, if it is one, for whoever waits.
    fn end(&mut self, end: Result<(), StreamError>) -> StreamError {
        let error = end.clone().err();
        self.incoming = Side::Ended(end);
        self.outbox = None;
        error.unwrap_or_else(|| self.gone().into())
    }

    /// The deadline has passed here: the server has not said so, and what it did is not known.
    fn timed_out(&self, deadline: Duration) -> SendError {
        let begun = !matches!(self.incoming, Side::Ready(_) | Side::Waiting(_));
        stream_timed_out(&self.connection, &self.destination, deadline, begun)
    }

    fn takes_no_more(&self) -> StreamError {
        let message = format!("{} takes no more messages: read on to learn how the call ended", self.destination);
        SendError::new(SendErrorKind::MaybeProcessed { reset: None }, message).into()
    }

    fn gone(&self) -> SendError {
        let message = format!("the call to {} is over", self.destination);
        SendError::new(SendErrorKind::MaybeProcessed { reset: None }, message)
    }

    fn invalid(&self, what: Trouble) -> SendError {
        response::trouble(what, 200, self.limit, &self.destination)
    }
}

fn framed(message: &[u8], limit: Option<usize>, compression: Compression) -> Result<Bytes, SendError> {
    if let Some(limit) = limit.filter(|limit| message.len() > *limit) {
        return Err(too_large("message", message.len(), limit));
    }
    encode(message, compression).map_err(|e| SendError::invalid_request("item", e.to_string()))
}

/// Never a message or metadata.
impl fmt::Debug for GrpcStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match &self.incoming {
            Side::Ready(_) => "Ready",
            Side::Waiting(_) => "Waiting",
            Side::Reading { .. } => "Reading",
            Side::Ended(_) => "Ended",
        };
        f.debug_struct("GrpcStream")
            .field("destination", &self.destination)
            .field("incoming", &side)
            .field("closed", &self.outbox.is_none())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::EgressPolicy;
    use crate::transport::{Endpoint, RouteSettings, TransportConfig};

    fn stream(incoming: Side) -> GrpcStream {
        let egress = EgressPolicy::parse(["a.example"], [""; 0]).expect("a rule");
        let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("a transport");
        let endpoint = Endpoint::parse("http://a.example").expect("a URL");
        let route = transport.route(vec![endpoint], RouteSettings::default()).expect("an endpoint");
        let request = GrpcRequest {
            path: "/a.B/C".to_owned(),
            metadata: Vec::new(),
            message: Bytes::new(),
            secrets: witwire_interpreter::Secrets::default(),
        };
        let options = StreamOptions { deadline: Some(Duration::ZERO), ..StreamOptions::default() };
        let stream = transport.stream(&route, &request, true, &options).expect("a stream");
        GrpcStream { incoming, ..stream }
    }

    /// The deadline is the call's; what came of the call within it can be asked for later.
    #[tokio::test]
    async fn an_end_outlasts_the_deadline() {
        assert_eq!(stream(Side::Ended(Ok(()))).next().await, Ok(None));
        let status = GrpcStatus { code: 5, message: String::new(), details: None, trailers: Vec::new() };
        let error = StreamError::Status(status);
        assert_eq!(stream(Side::Ended(Err(error.clone()))).next().await, Err(error));
    }
}
