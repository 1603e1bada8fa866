//! Responses over HTTP that are read as they come.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::time::Instant;
use witwire_interpreter::{HttpRequest, HttpResponse};

use super::{Head, assemble, forget_coding, read_head, too_large, undecodable};
use crate::transport::attempt;
use crate::transport::classify::{Phase, classify};
use crate::transport::coding::{Compression, DecodeError, Unpacker};
use crate::transport::error::{SendError, SendErrorKind};
use crate::transport::grpc::outbox::Driven;
use crate::transport::probe::RequestBody;
use crate::transport::route::{Route, Target};
use crate::transport::{Deadline, Limits, StreamOptions, Transport};

/// A call whose response is read as it comes. Dropped before the response's end, it is cancelled: over HTTP/2 by a reset of its
/// stream, over HTTP/1 by the end of the connection.
///
/// Nothing is read ahead beyond the connection's own buffers and HTTP/2's window: the server is as fast as its reader.
pub struct HttpStream {
    destination: String,
    target: Arc<Target>,
    begun: Instant,
    limits: Limits,
    deadline: Option<Deadline>,
    connection: CaptureConnection,
    side: Side,
    head: Option<Arc<HttpResponse>>,
}

enum Side {
    /// Nothing was sent.
    Ready(Box<Ready>),
    /// The head of the response has not come.
    Waiting(Driven<Result<::http::Response<Incoming>, hyper_util::client::legacy::Error>>),
    /// The body comes.
    Reading(Box<Reading>),
    /// No more comes: all was received, or an error, which every later reader gets again.
    Ended(Result<(), SendError>),
}

struct Ready {
    request: ::http::Request<RequestBody>,
}

struct Reading {
    status: u16,
    body: Incoming,
    unpacker: Option<Unpacker>,
    /// What came and is not unpacked.
    packed: Bytes,
}

impl Transport {
    /// Prepares a call whose response is read as it comes. Nothing is sent before [`HttpStream::start`].
    ///
    /// It goes to one endpoint and is never retried: its reader has to know what came of it so far.
    ///
    /// # Errors
    /// [`SendError`] where it cannot be sent: a header that cannot be written, a destination that is denied.
    pub fn open(&self, route: &Route, request: &HttpRequest, options: &StreamOptions) -> Result<HttpStream, SendError> {
        let inner = &*self.inner;
        let target = inner.one_target(route)?;
        let coding = options.compression.and_then(Compression::coding);
        let (mut head, body) = assemble(&target.face, request, route.inner.settings.max_request, coding)?;
        let connection = capture_connection(&mut head);
        let body = RequestBody::new(body, &inner.probe, &connection);
        let ready = Ready { request: head.map(|()| body) };
        Ok(HttpStream {
            destination: target.endpoint.destination(),
            target: target.clone(),
            begun: Instant::now(),
            limits: inner.limits_of(route),
            deadline: options.end(),
            connection,
            side: Side::Ready(Box::new(ready)),
            head: None,
        })
    }
}

impl HttpStream {
    /// Begins to send, and goes on by itself: whoever opened the stream need not wait for it. Runs on tokio.
    pub fn start(&mut self) {
        match std::mem::replace(&mut self.side, Side::Ended(Ok(()))) {
            Side::Ready(ready) => {
                let request = ready.request;
                self.side = Side::Waiting(Driven::spawn(self.target.clients.http.request(request)));
            }
            other => self.side = other,
        }
    }

    /// Status and headers, where they have come.
    pub(crate) fn seen(&self) -> Option<&HttpResponse> {
        self.head.as_deref()
    }

    /// Host and port, for messages.
    pub(crate) fn destination(&self) -> &str {
        &self.destination
    }

    /// Whether the service refused the credentials: 401.
    pub(crate) fn unauthenticated(&self) -> bool {
        const UNAUTHORIZED: u16 = 401;
        self.head.as_ref().is_some_and(|head| head.status == UNAUTHORIZED)
    }

    /// How large one piece of what is received may be, in bytes.
    pub fn limit(&self) -> usize {
        self.limits.max_response
    }

    /// Status and headers, without a body. Safe to be given up while it waits.
    ///
    /// # Errors
    /// [`SendError`], again for every later reader.
    pub async fn head(&mut self) -> Result<Arc<HttpResponse>, SendError> {
        // What has come stays as it is, and so does an end.
        if let Some(head) = &self.head {
            return Ok(head.clone());
        }
        if let Side::Ended(Err(error)) = &self.side {
            return Err(error.clone());
        }
        match Deadline::meet(self.deadline, self.await_head()).await {
            Ok(head) => head,
            Err(deadline) => Err(self.time_out(deadline)),
        }
    }

    async fn await_head(&mut self) -> Result<Arc<HttpResponse>, SendError> {
        loop {
            if let Some(head) = &self.head {
                return Ok(head.clone());
            }
            match &mut self.side {
                Side::Ready(_) => self.start(),
                Side::Waiting(head) => {
                    let began = match head.await {
                        Some(Ok(response)) => {
                            self.target.connected(true);
                            self.begin(response)
                        }
                        Some(Err(e)) => {
                            let connected = self.connection.connection_metadata().is_some();
                            let phase = if connected { Phase::Sent } else { Phase::Connecting };
                            let error = classify(&e, phase, &self.destination);
                            let error = attempt::refusal_or(error, &self.connection, &self.target, self.begun);
                            self.target.connected(!error.kind.is_no_connection());
                            Err(error)
                        }
                        None => Err(self.gone()),
                    };
                    if let Err(error) = began {
                        return Err(self.end(error));
                    }
                }
                Side::Ended(Err(error)) => return Err(error.clone()),
                Side::Reading(_) | Side::Ended(Ok(())) => return Err(self.gone()),
            }
        }
    }

    /// The next bytes of the body, content codings removed, never none; `None` at its end. Safe to be given up while it waits.
    ///
    /// # Errors
    /// [`SendError`], again for every later reader.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        self.head().await?;
        let reading = match &mut self.side {
            Side::Reading(reading) => reading,
            Side::Ended(ended) => return ended.clone().map(|()| None),
            Side::Ready(_) | Side::Waiting(_) => return Err(self.gone()),
        };
        match Deadline::meet(self.deadline, reading.chunk(&self.destination)).await {
            Ok(Ok(Some(bytes))) => Ok(Some(bytes)),
            Ok(Ok(None)) => {
                self.side = Side::Ended(Ok(()));
                Ok(None)
            }
            Ok(Err(error)) => Err(self.end(error)),
            Err(deadline) => Err(self.time_out(deadline)),
        }
    }

    /// The whole response, for one that is not read piece by piece.
    ///
    /// # Errors
    /// [`SendError`]; also where it is larger than the limit.
    pub async fn whole(&mut self) -> Result<HttpResponse, SendError> {
        let head = self.head().await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > self.limits.max_response - body.len() {
                let error = too_large(head.status, self.limits.max_response, &self.destination);
                return Err(self.end(error));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { body: body.freeze(), ..(*head).clone() })
    }

    /// Gives the call up, whose deadline has passed.
    fn time_out(&mut self, deadline: Duration) -> SendError {
        let begun = self.head.is_some();
        self.end(attempt::stream_timed_out(&self.connection, &self.destination, deadline, begun))
    }

    /// The head of the response has come.
    fn begin(&mut self, response: ::http::Response<Incoming>) -> Result<(), SendError> {
        let (parts, body) = response.into_parts();
        let Head { mut response, coding, .. } = read_head(&parts, &self.limits, &self.destination)?;
        let status = response.status;
        if coding.is_some() {
            forget_coding(&mut response);
        }
        let unpacker = coding.map(Unpacker::new).transpose().map_err(|e| undecodable(&e, status, 0, &self.destination))?;
        self.head = Some(Arc::new(response));
        self.side = Side::Reading(Box::new(Reading { status, body, unpacker, packed: Bytes::new() }));
        Ok(())
    }

    fn end(&mut self, error: SendError) -> SendError {
        let error = error.over_http();
        self.side = Side::Ended(Err(error.clone()));
        error
    }

    fn gone(&self) -> SendError {
        let message = format!("the call to {} is over", self.destination);
        SendError::new(SendErrorKind::MaybeProcessed { reset: None }, message)
    }
}

impl Reading {
    async fn chunk(&mut self, destination: &str) -> Result<Option<Bytes>, SendError> {
        let status = self.status;
        loop {
            if let Some(unpacker) = &mut self.unpacker {
                let piece = unpacker.next(&mut self.packed).map_err(|e| undecodable(&e, status, 0, destination))?;
                if piece.is_some() {
                    return Ok(piece);
                }
            }
            let Some(frame) = self.body.frame().await else {
                // A response to HEAD tells the coding of a body that is not there.
                return match &self.unpacker {
                    Some(unpacker) if !unpacker.may_end() => {
                        let cut = DecodeError::Malformed("it was cut off".to_owned());
                        Err(undecodable(&cut, status, 0, destination))
                    }
                    _ => Ok(None),
                };
            };
            let frame = frame.map_err(|e| classify(&e, Phase::Receiving { status }, destination))?;
            match frame.into_data() {
                Ok(data) if self.unpacker.is_some() => self.packed = data,
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            }
        }
    }
}

/// Never a header or a body.
impl fmt::Debug for HttpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match &self.side {
            Side::Ready(_) => "Ready",
            Side::Waiting(_) => "Waiting",
            Side::Reading(_) => "Reading",
            Side::Ended(_) => "Ended",
        };
        f.debug_struct("HttpStream").field("destination", &self.destination).field("side", &side).finish_non_exhaustive()
    }
}
