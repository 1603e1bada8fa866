//! Repeating a call: the one layer that does.
//!
//! [`decide`] is the whole rule, as a function of what is known. [`Run`] carries it out: it waits by tokio's clock, draws pauses
//! at random, and asks a [`Budget`] of the destination.

mod backoff;
mod budget;
mod pushback;

use std::time::Duration;

use tokio::time::Instant;
use witwire_interpreter::{GrpcResponse, Response};
use witwire_ir::{CallClass, InDoubt};

pub use backoff::{Jitter, SystemJitter};
pub(super) use budget::{Budget, Budgets};
pub use budget::{BudgetConfig, BudgetError};
pub(super) use pushback::{Pushback, of_grpc, of_http};

use super::error::SendErrorKind;
use super::exchange::Attempted;
use super::probe::{SendProbe, SendStage};

/// How calls are repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is sent at most, the first time included; at least 1. Default: 5.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with each further one. Default: 100 ms.
    pub base: Duration,
    /// The longest pause of all. Default: 20 s.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, base: Duration::from_millis(100), cap: Duration::from_secs(20) }
    }
}

impl RetryPolicy {
    /// Every call is sent once.
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }
}

/// When a call may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Whenever it failed in a way that may pass: it does no harm twice.
    Freely,
    /// Only where it surely was not processed.
    Unprocessed,
}

impl Repeat {
    /// By a call's class, and whether it carries an idempotency key.
    pub const fn of(class: &CallClass, has_key: bool) -> Self {
        match class {
            CallClass::Safe | CallClass::Idempotent | CallClass::Unsafe(InDoubt::Retry) => Self::Freely,
            CallClass::Keyed(_) if has_key => Self::Freely,
            CallClass::Keyed(_) | CallClass::Unsafe(InDoubt::OutcomeUnknown | InDoubt::Suspend) => Self::Unprocessed,
        }
    }
}

/// What an attempt says about another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It succeeded.
    Done,
    /// Another attempt would end in the same way, or there is no time for it.
    Final,
    /// There was no connection.
    NoConnection,
    /// The request was surely not processed, though there was a connection.
    Unprocessed,
    /// The channel broke, and the request may have been processed.
    Broken,
    /// The server, or a proxy before it, answered that it cannot at the moment.
    Refused(Pushback),
}

impl Verdict {
    pub(super) fn of(attempted: &Attempted) -> Self {
        const UNAVAILABLE: u32 = 14;
        match &attempted.outcome {
            Ok(Response::Http(response)) => match response.status {
                429 | 502 | 503 | 504 => Self::Refused(attempted.pushback),
                100..=399 => Self::Done,
                _ => Self::Final,
            },
            Ok(Response::Grpc(GrpcResponse::Ok { .. })) => Self::Done,
            Ok(Response::Grpc(GrpcResponse::Status(status))) if status.code == UNAVAILABLE => {
                Self::Refused(attempted.pushback)
            }
            Ok(Response::Grpc(GrpcResponse::Status(_))) => Self::Final,
            Err(error) => match error.kind {
                SendErrorKind::NoConnection { lasting: false } | SendErrorKind::Timeout { maybe_processed: false } => {
                    Self::NoConnection
                }
                SendErrorKind::Unprocessed => Self::Unprocessed,
                SendErrorKind::MaybeProcessed { .. } => Self::Broken,
                SendErrorKind::NoConnection { lasting: true }
                | SendErrorKind::Timeout { maybe_processed: true }
                | SendErrorKind::Denied
                | SendErrorKind::InvalidRequest { .. }
                | SendErrorKind::InvalidResponse { .. }
                | SendErrorKind::TooLarge { .. } => Self::Final,
            },
        }
    }
}

/// What is known when an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) repeat: Repeat,
    /// Whether to go on connecting until the deadline.
    pub(super) wait_for_ready: bool,
    pub(super) verdict: Verdict,
    /// The attempt that has ended, from 1; with `wait_for_ready`, those without a connection are not counted.
    pub(super) attempt: u32,
    /// What is left of the deadline.
    pub(super) left: Duration,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The attempt's outcome is the call's.
    Stop,
    /// Again, after a pause between nothing and this, drawn at random.
    Backoff(Duration),
    /// Again, after exactly this pause.
    After(Duration),
}

/// Whether a call is sent again. A pause that outlasts the deadline is not begun.
pub(super) fn decide(policy: &RetryPolicy, situation: Situation) -> Decision {
    let Situation { repeat, wait_for_ready, verdict, attempt, left } = situation;
    let waits = wait_for_ready && verdict == Verdict::NoConnection;
    if left.is_zero() || (attempt >= policy.attempts && !waits) {
        return Decision::Stop;
    }
    let backoff = Decision::Backoff(backoff::ceiling(policy, attempt));
    match (verdict, repeat) {
        (Verdict::Done | Verdict::Final, _) => Decision::Stop,
        (Verdict::NoConnection | Verdict::Unprocessed, _) | (Verdict::Broken, Repeat::Freely) => backoff,
        (Verdict::Refused(pushback), Repeat::Freely) => match pushback {
            Pushback::None => backoff,
            Pushback::After(pause) if pause < left => Decision::After(pause),
            Pushback::After(_) | Pushback::Never => Decision::Stop,
        },
        (Verdict::Broken | Verdict::Refused(_), Repeat::Unprocessed) => Decision::Stop,
    }
}

/// What sends: the layer below.
pub(super) trait Attempt: Sync {
    /// Sends once. `left` is what remains of the deadline. Also gives the budget of the destination that it ended at.
    fn attempt(&self, left: Duration) -> impl Future<Output = (Attempted, Option<&Budget>)> + Send;
}

/// How one call is repeated.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) policy: &'a RetryPolicy,
    pub(super) jitter: &'a dyn Jitter,
    pub(super) probe: &'a dyn SendProbe,
    pub(super) repeat: Repeat,
    pub(super) wait_for_ready: bool,
    pub(super) end: Instant,
}

impl Run<'_> {
    /// Sends until a rule says that it is enough. Gives what came of the last attempt, and how many there were.
    pub(super) async fn run(&self, layer: &impl Attempt) -> (Attempted, u32) {
        let (mut attempts, mut counted) = (0_u32, 0_u32);
        loop {
            let (attempted, budget) = layer.attempt(self.end.saturating_duration_since(Instant::now())).await;
            attempts = attempts.saturating_add(1);
            let verdict = Verdict::of(&attempted);
            let waits = self.wait_for_ready && verdict == Verdict::NoConnection;
            if !waits {
                counted += 1;
            }
            let left = self.end.saturating_duration_since(Instant::now());
            let decision = decide(
                self.policy,
                Situation {
                    repeat: self.repeat,
                    wait_for_ready: self.wait_for_ready,
                    verdict,
                    attempt: if waits { attempts } else { counted },
                    left,
                },
            );
            let allowed = waits || budget.is_some_and(|budget| budget.record(verdict));
            let pause = match decision {
                Decision::Backoff(ceiling) => self.jitter.up_to(ceiling),
                Decision::After(pause) => pause,
                Decision::Stop => return (attempted, attempts),
            };
            if !allowed || pause >= left {
                return (attempted, attempts);
            }
            self.probe.reached(SendStage::BetweenAttempts);
            tokio::time::sleep(pause).await;
        }
    }
}

#[cfg(test)]
mod tests;
