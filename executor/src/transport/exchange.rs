//! One call as its caller sees it: how it is to be sent, and what came of it.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use witwire_interpreter::{GrpcResponse, Metadata, MetadataText, Response};

use super::coding::Compression;
use super::error::SendError;
use super::retry::{Pushback, Repeat};

/// How one call is to be sent. What is `None` is as the route says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallOptions {
    /// How long the call may take: every attempt and the pauses between them.
    pub deadline: Duration,
    /// When the call began, where that was before it is sent: the deadline counts from then.
    pub begun: Option<Instant>,
    /// When it may be sent again.
    pub repeat: Repeat,
    /// How the message of a gRPC call is compressed. An HTTP body is, where this says how; the route's own compression is for gRPC.
    pub compression: Option<Compression>,
    /// Whether to go on connecting until the deadline, instead of giving up after a few attempts.
    pub wait_for_ready: Option<bool>,
}

impl CallOptions {
    /// What the route says, within a deadline.
    pub const fn new(deadline: Duration, repeat: Repeat) -> Self {
        Self { deadline, begun: None, repeat, compression: None, wait_for_ready: None }
    }

    /// When the deadline passes.
    pub(crate) fn end(&self) -> Instant {
        Deadline::since(self.begun.unwrap_or_else(Instant::now), self.deadline).end
    }
}

/// How a call that lasts is to be made. What is `None` is as the route says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamOptions {
    /// How long the whole stream may take, from its opening to its end; without, as long as it likes.
    pub deadline: Option<Duration>,
    /// When the call began, where that was before it is opened: the deadline counts from then.
    pub begun: Option<Instant>,
    /// How messages of gRPC are compressed. An HTTP body is, where this says how; the route's own compression is for gRPC.
    pub compression: Option<Compression>,
}

impl StreamOptions {
    /// When the deadline passes, where there is one.
    pub(super) fn end(&self) -> Option<Deadline> {
        self.deadline.map(|given| Deadline::since(self.begun.unwrap_or_else(Instant::now), given))
    }
}

/// When something has to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    given: Duration,
    end: Instant,
}

const THIRTY_YEARS: Duration = Duration::from_hours(24 * 365 * 30);

impl Deadline {
    /// So long from now on.
    pub fn after(given: Duration) -> Self {
        Self::since(Instant::now(), given)
    }

    fn since(begun: Instant, given: Duration) -> Self {
        // A deadline beyond what the clock can tell is none; thirty years are as good.
        Self { given, end: begun.checked_add(given).unwrap_or_else(|| Instant::now() + THIRTY_YEARS) }
    }

    /// The one that passes first, of those that there are.
    pub(super) fn first(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).min_by_key(|deadline| deadline.end)
    }

    /// How long it is until then.
    pub(super) fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub(super) fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// What a future gives; where the deadline passes before that, how long it was. A deadline that has passed is so also where the future
    /// has something to give.
    pub(super) async fn meet<T>(this: Option<Self>, future: impl Future<Output = T>) -> Result<T, Duration> {
        match this {
            None => Ok(future.await),
            Some(this) if this.has_passed() => Err(this.given),
            Some(Self { given, end }) => timeout_at(end, future).await.map_err(|_| given),
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The response, or why there is none.
    pub outcome: Result<Response, SendError>,
    /// How often it was tried, at least 1. A try that found no endpoint to connect to counts too.
    pub attempts: u32,
    /// The headers of the last attempt's response: initial metadata over gRPC, without the protocol's own keys; over HTTP, all
    /// headers. Empty where no response began, and for a gRPC response of trailers alone.
    pub initial: Metadata,
}

impl Exchange {
    /// Trailing metadata of a gRPC response, without the protocol's own keys. None over HTTP, or without a response.
    pub fn trailing(&self) -> &[(String, MetadataText)] {
        match &self.outcome {
            Ok(Response::Grpc(GrpcResponse::Ok { trailers, .. })) => trailers,
            Ok(Response::Grpc(GrpcResponse::Status(status))) => &status.trailers,
            Ok(Response::Http(_)) | Err(_) => &[],
        }
    }

    /// Whether the service refused the credentials: 401, or `UNAUTHENTICATED`.
    pub fn unauthenticated(&self) -> bool {
        const UNAUTHENTICATED: u32 = 16;
        match &self.outcome {
            Ok(Response::Http(response)) => response.status == 401,
            Ok(Response::Grpc(GrpcResponse::Status(status))) => status.code == UNAUTHENTICATED,
            Ok(Response::Grpc(GrpcResponse::Ok { .. })) | Err(_) => false,
        }
    }
}

/// What came of one attempt.
#[derive(Debug)]
pub(super) struct Attempted {
    pub(super) outcome: Result<Response, SendError>,
    pub(super) initial: Metadata,
    pub(super) pushback: Pushback,
}

impl From<SendError> for Attempted {
    fn from(error: SendError) -> Self {
        Self { outcome: Err(error), initial: Metadata::new(), pushback: Pushback::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data that is always there would outlast any deadline.
    #[tokio::test]
    async fn a_deadline_that_has_passed_goes_before_what_is_there() {
        let ready = || std::future::ready(7);
        let (passed, later) = (Deadline::after(Duration::ZERO), Deadline::after(Duration::from_hours(1)));
        assert_eq!(Deadline::meet(Some(passed), ready()).await, Err(Duration::ZERO));
        assert_eq!(Deadline::meet(Some(later), ready()).await, Ok(7));
        assert_eq!(Deadline::meet(None, ready()).await, Ok(7));
    }
}
