//! One attempt of a call: over the endpoints of its route until one can be connected to.

use std::time::Duration;

use ::http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::time::Instant;
use witwire_interpreter::{Metadata, MetadataText, Request, Response};

use super::classify::{Phase, classify, of_refusal};
use super::coding::{Coding, Compression};
use super::error::{SendError, SendErrorKind};
use super::exchange::Attempted;
use super::probe::{RequestBody, SendStage};
use super::retry::{Attempt, Budget};
use super::route::{Route, Target};
use super::tls::{Refusal, Refused};
use super::{Inner, grpc, http};

/// What every attempt of a call has in common.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) transport: &'a Inner,
    pub(super) route: &'a Route,
    pub(super) request: &'a Request,
    pub(super) compression: Compression,
    /// How an HTTP body is compressed.
    pub(super) body_coding: Option<Coding>,
    /// The whole call's, for messages.
    pub(super) deadline: Duration,
}

impl Attempt for Sending<'_> {
    async fn attempt(&self, left: Duration) -> (Attempted, Option<&Budget>) {
        let end = Instant::now() + left;
        let mut last = None;
        for target in self.route.inner.turn() {
            let attempted = self.send_once(target, end).await;
            let no_connection = matches!(&attempted.outcome, Err(e) if e.kind.is_no_connection());
            target.connected(!no_connection);
            if !no_connection || Instant::now() >= end {
                return (attempted, Some(&*target.budget));
            }
            // It was passed over: no retry burdened it.
            last = Some((attempted, Some(&*target.budget)));
        }
        last.unwrap_or_else(|| {
            // A route is never made without one.
            (SendError::from(super::route::NoEndpoint).into(), None)
        })
    }
}

impl Sending<'_> {
    async fn send_once(&self, target: &Target, end: Instant) -> Attempted {
        let inner = self.transport;
        let destination = target.endpoint.destination();
        let limits = inner.limits_of(self.route);
        if let Err(denied) = inner.admit(target) {
            return denied.into();
        }
        let (pool, mut head, body) = match self.prepare(target, end) {
            Ok(prepared) => prepared,
            Err(error) => return error.into(),
        };
        let begun = Instant::now();
        let connection = capture_connection(&mut head);
        let body = RequestBody::new(body, &inner.probe, &connection);
        let outgoing = pool.request(head.map(|()| body));
        let exchange = async {
            let incoming = outgoing.await.map_err(|e| {
                let connected = connection.connection_metadata().is_some();
                classify(&e, if connected { Phase::Sent } else { Phase::Connecting }, &destination)
            })?;
            match self.request {
                Request::Http(_) => {
                    let (response, pushback) = http::receive(incoming, &limits, &destination).await?;
                    let initial = text_metadata(&response.headers);
                    Ok::<_, SendError>(Attempted { outcome: Ok(Response::Http(response)), initial, pushback })
                }
                Request::Grpc(_) => {
                    let received = grpc::receive(incoming, limits.max_response, &destination).await?;
                    let grpc::Received { response, initial, pushback } = received;
                    Ok(Attempted { outcome: Ok(Response::Grpc(response)), initial, pushback })
                }
            }
        };
        match tokio::time::timeout_at(end, exchange).await {
            Ok(Ok(attempted)) => {
                inner.probe.reached(SendStage::ResponseRead);
                attempted
            }
            Ok(Err(error)) => {
                let error = refusal_or(error, &connection, target, begun);
                match self.request {
                    Request::Http(_) => error.over_http().into(),
                    Request::Grpc(_) => Attempted::from(error),
                }
            }
            Err(_) => timed_out(&connection, &destination, self.deadline).into(),
        }
    }

    fn prepare<'a>(&self, target: &'a Target, end: Instant) -> Result<Prepared<'a>, SendError> {
        let clients = &*target.clients;
        let limit = self.route.inner.settings.max_request;
        match self.request {
            Request::Http(request) => {
                let (head, body) = http::assemble(&target.face, request, limit, self.body_coding)?;
                Ok((&clients.http, head, body))
            }
            Request::Grpc(request) => {
                if let Some(limit) = limit.filter(|limit| request.message.len() > *limit) {
                    return Err(too_large("message", request.message.len(), limit));
                }
                let left = end.saturating_duration_since(Instant::now());
                let head = grpc::prepare(&target.face, request, Some(left), self.compression)?;
                Ok((&clients.grpc, head, grpc::body(request, self.compression)?))
            }
        }
    }
}

/// The pool, the head and the body of a request.
type Prepared<'a> = (&'a super::pool::Pool, ::http::Request<()>, bytes::Bytes);

/// The request is larger than the route lets it be.
pub(super) fn too_large(what: &str, size: usize, limit: usize) -> SendError {
    SendError::invalid_request(
        "request",
        format!("the request's {what} of {size} bytes is larger than the limit of {limit}"),
    )
}

fn text_metadata(headers: &[(String, String)]) -> Metadata {
    headers.iter().map(|(name, value)| (name.clone(), MetadataText::Ascii(value.clone()))).collect()
}

/// The error, or the refusal of our certificate that is behind it.
pub(super) fn refusal_or(error: SendError, connection: &CaptureConnection, target: &Target, begun: Instant) -> SendError {
    let destination = target.endpoint.destination();
    // What another connection was refused says something of this call only where nothing of it was processed.
    let others = || target.clients.refusals.since(begun, &destination).filter(|_| error.unprocessed());
    match refusal(connection).or_else(others) {
        Some(refused) => of_refusal(refused, &destination),
        None => error,
    }
}

/// Whether the server refused our certificate on the request's connection.
fn refusal(connection: &CaptureConnection) -> Option<Refused> {
    let mut extensions = Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extensions);
    extensions.get::<Refusal>()?.get()
}

/// The deadline has passed.
pub(super) fn timed_out(connection: &CaptureConnection, destination: &str, deadline: Duration) -> SendError {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        // It may be dead without anybody having said so; later calls take another one.
        connected.poison();
    }
    overdue(connection, destination, deadline)
}

/// The deadline of a stream has passed. `begun`: its response had begun, so that the connection is not dead but in use, also by others.
pub(super) fn stream_timed_out(
    connection: &CaptureConnection,
    destination: &str,
    deadline: Duration,
    begun: bool,
) -> SendError {
    let report = if begun { overdue } else { timed_out };
    report(connection, destination, deadline)
}

fn overdue(connection: &CaptureConnection, destination: &str, deadline: Duration) -> SendError {
    let maybe_processed = connection.connection_metadata().is_some();
    let step = if maybe_processed { "no complete response" } else { "no connection" };
    SendError::new(
        SendErrorKind::Timeout { maybe_processed },
        format!("{step} from {destination} within the deadline of {deadline:?}"),
    )
}
