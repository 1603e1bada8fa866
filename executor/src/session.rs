//! What a running component does is decided here: told from the oplog, or done and recorded.

mod pages;
mod steps;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use witwire_interpreter::{CallSettings, Failure, Request};
use witwire_ir::{CallClass, InDoubt, Value};

use crate::authorize::{self, Authorized, authorize};
use crate::callee::Callee;
use crate::calls::{self, Calls};
use crate::interrupt::Interrupter;
use crate::journal::{Journal, now};
use crate::oplog::{
    CallStep, Class, ClockKind, ClockReading, DigestKey, Divergence, Event, Finished, FunctionName, IdempotencyKey, Ordinal,
    Playback, RandomBytes, Recorded, Settlement, Started, Step, StoreError, WorkerId, request_digest, settle,
};
use crate::probe::{Probe, Window};
use crate::stream::Streams;
use crate::transport::{CallOptions, Compression, Repeat, SendError, Transport};
use crate::wasi::Switch;

/// Why a worker cannot go on. The guest is stopped in the middle of a host call; nothing of it is recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Stop {
    /// The component does not do what its oplog says.
    #[error(transparent)]
    Divergence(Box<Divergence>),
    /// An unsafe call is in doubt, and the manifest says to ask.
    #[error(
        "the call of `{function}` (entry {call}) was started and its outcome is unknown; find out whether it happened, then \
         resume the worker with the decision"
    )]
    InDoubt {
        /// The import.
        function: FunctionName,
        /// The ordinal of its `Started`.
        call: Ordinal,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The oplog holds a value that the API's types do not admit.
    #[error(
        "the recorded result of `{function}` does not fit its type ({what}); the API file is not the one it was recorded with"
    )]
    Unusable {
        /// The import.
        function: FunctionName,
        /// What does not fit.
        what: String,
    },
    /// The component cannot be instantiated.
    #[error("the component cannot be instantiated: {0}")]
    Instantiate(String),
    /// Somebody asked for it.
    #[error("it was interrupted; resume it to carry on")]
    Interrupted,
    /// The host has no randomness.
    #[error("the operating system gives no random bytes: {0}")]
    Random(String),
}

impl From<Divergence> for Stop {
    fn from(divergence: Divergence) -> Self {
        Self::Divergence(Box::new(divergence))
    }
}

/// One worker's life: its oplog, the place where it stands in it, and the way out.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) worker: WorkerId,
    pub(crate) digest_key: DigestKey,
    pub(crate) playback: Playback,
    pub(crate) journal: Journal,
    pub(crate) transport: Transport,
    pub(crate) probe: Arc<dyn Probe>,
    /// The streams that the guest has handles of.
    pub(crate) streams: Streams,
    /// The settings of calls that the guest has handles of.
    pub(crate) calls: Calls,
    /// The key of the invocation under way.
    pub(crate) invocation: Option<IdempotencyKey>,
    /// A person's decision about the call in doubt, used once.
    pub(crate) decision: Option<InDoubt>,
    /// Whether somebody wants the guest to stop.
    pub(crate) interrupter: Interrupter,
    /// Why the guest was stopped.
    pub(crate) stop: Option<Stop>,
    /// The latest reading of the monotonic clock.
    pub(crate) monotonic: u64,
    /// Whether the guest's output is shown.
    pub(crate) output: Switch,
    /// The turn in which the worker is rebuilt, until it is.
    pub(crate) turn: Option<OwnedSemaphorePermit>,
}

/// A call that is to be sent.
struct Outgoing {
    /// When the call began.
    begun: Instant,
    authorized: Authorized,
    key: Option<IdempotencyKey>,
    settings: CallSettings,
}

/// A result, and what came beside it.
struct Answer {
    value: Value,
    beside: Option<Value>,
}

impl Answer {
    /// A result without a response.
    fn alone(callee: &Callee, handle: Option<u32>, value: Value) -> Self {
        Self { value, beside: handle.map(|_| calls::nothing_beside(callee.plan.api().protocol)) }
    }
}

impl Session {
    /// Performs a call of the guest: from the oplog, or over the network.
    ///
    /// `handle` is the one whose settings stand in the last argument.
    pub(crate) async fn call(&mut self, callee: &Arc<Callee>, args: &[Value], handle: Option<u32>) -> Result<Value, Stop> {
        self.perform(callee, &callee.name, args, handle).await
    }

    /// Performs a call under a name: that of its function, or, of a page, that of the method that gives it.
    async fn perform(
        &mut self,
        callee: &Arc<Callee>,
        name: &FunctionName,
        args: &[Value],
        handle: Option<u32>,
    ) -> Result<Value, Stop> {
        let operation = callee.operation();
        let opens_stream = callee.opens_stream() && *name == callee.name;
        let recorded = callee.plan.redact(callee.operation, args);
        let digest = request_digest(&self.digest_key, name, &recorded);
        let step = self.playback.next_call(name, callee.ir, digest)?;
        self.show_new_output();
        match step {
            CallStep::Replayed { call, at, started, response, beside } => {
                self.begin_with(handle, call);
                self.tell(handle, call, beside.as_ref());
                Ok(if opens_stream { self.opened(callee, args, handle, (call, at, started), response) } else { response })
            }
            CallStep::InDoubt { call, at, started } => {
                self.begin_with(handle, call);
                self.settle(callee, args, handle, (call, at, started)).await
            }
            CallStep::Live => {
                let request = if callee.record_requests { Recorded::Typed(recorded) } else { Recorded::Digest };
                let class = Class::from(&operation.class);
                let started = Started { function: name.clone(), ir: callee.ir, digest, request, class, key: None };
                self.begin_with(handle, self.journal.next());
                if opens_stream {
                    self.open(callee, args, handle, started).await
                } else {
                    self.begin(callee, args, handle, started).await
                }
            }
        }
    }

    /// A call is made with a handle.
    fn begin_with(&mut self, handle: Option<u32>, call: Ordinal) {
        if let Some(handle) = handle {
            self.calls.begin(handle, call);
        }
    }

    /// What came beside the result of a call.
    fn tell(&mut self, handle: Option<u32>, call: Ordinal, beside: Option<&Value>) {
        if let Some(handle) = handle {
            self.calls.tell(handle, call, beside);
        }
    }

    /// A call that the oplog does not know.
    async fn begin(
        &mut self,
        callee: &Callee,
        args: &[Value],
        handle: Option<u32>,
        mut started: Started,
    ) -> Result<Value, Stop> {
        let call = self.journal.next();
        self.probe.reached(Window::BeforeRecorded, call);
        started.key = self.key(callee, args, call);
        let answer = match prepare(&self.transport, callee, args, started.key.as_ref()).await {
            Err(failure) => Answer::alone(callee, handle, callee.failure(failure)),
            Ok(outgoing) if started.class.starts_durably() => {
                started.key.clone_from(&outgoing.key);
                self.journal.append([Event::Started(started)]);
                self.journal.durable().await?;
                self.probe.reached(Window::Recorded, call);
                let answer = self.send(callee, args, handle, outgoing, call).await?;
                return self.finish(call, handle, answer, |finished| [finished]).await;
            }
            Ok(outgoing) => {
                self.journal.durable().await?;
                self.send(callee, args, handle, outgoing, call).await?
            }
        };
        // A failure that the host finds before anything is sent is recorded as well: another version of the host may judge
        // otherwise, and playback must not depend on it.
        self.finish(call, handle, answer, |finished| [Event::Started(started), finished]).await
    }

    /// The idempotency key of a call, where its class has one: the guest's, or one of the host's. A call made while the component is instantiated belongs to no
    /// invocation: it has no key, and counts as unsafe.
    fn key(&self, callee: &Callee, args: &[Value], call: Ordinal) -> Option<IdempotencyKey> {
        let CallClass::Keyed(_) = callee.operation().class else { return None };
        // What is none is refused before anything is sent.
        if let Some(key) = callee.plan.settings(callee.operation, args).key {
            return IdempotencyKey::new(key).ok();
        }
        self.invocation.as_ref().map(|invocation| invocation.for_call(&self.worker, call))
    }

    /// A call that was started by a process that is gone.
    async fn settle(
        &mut self,
        callee: &Callee,
        args: &[Value],
        handle: Option<u32>,
        (call, at, started): (Ordinal, crate::oplog::Timestamp, Started),
    ) -> Result<Value, Stop> {
        let alone = |failure| Answer::alone(callee, handle, callee.failure(failure));
        let class = match self.decision.take() {
            Some(decision) => &CallClass::Unsafe(decision),
            None => &callee.operation().class,
        };
        let answer = match settle(class, &started, at, now(), callee.unkeyed) {
            Settlement::SendAgain { key } => match prepare(&self.transport, callee, args, key.as_ref()).await {
                Ok(outgoing) => {
                    self.journal.durable().await?;
                    self.send(callee, args, handle, outgoing, call).await?
                }
                // It was sent once, so that only its outcome is unknown, not the request wrong.
                Err(_) => alone(outcome_unknown(callee)),
            },
            Settlement::OutcomeUnknown => alone(outcome_unknown(callee)),
            Settlement::Suspend => return Err(Stop::InDoubt { function: callee.name.clone(), call }),
        };
        self.finish(call, handle, answer, |finished| [finished]).await
    }

    /// Sends a request. What comes of it is a value of the operation's result, except where the worker is to be suspended.
    async fn send(
        &mut self,
        callee: &Callee,
        args: &[Value],
        handle: Option<u32>,
        mut outgoing: Outgoing,
        call: Ordinal,
    ) -> Result<Answer, Stop> {
        let class = &callee.operation().class;
        let options = CallOptions {
            compression: outgoing.settings.compression.map(Compression::from),
            ..CallOptions::new(
                outgoing.settings.deadline.unwrap_or(callee.deadline),
                Repeat::of(class, outgoing.key.is_some()),
            )
        };
        let mut exchange = authorize::call(&self.transport, callee, &mut outgoing.authorized, outgoing.begun, options).await;
        callee.plan.clean_headers(&mut exchange.initial);
        let protocol = callee.plan.api().protocol;
        let beside = handle.map(|_| calls::beside(protocol, &exchange.initial, exchange.trailing(), exchange.attempts));
        let value = match exchange.outcome {
            Ok(response) => callee.response(args, &response),
            Err(error) => settled(callee, args, class, error, call)?,
        };
        Ok(Answer { value, beside })
    }

    /// Records a result. It need not be durable before the guest has it: it is before anything else is sent, and before the
    /// invocation is called complete.
    async fn finish<const N: usize>(
        &mut self,
        call: Ordinal,
        handle: Option<u32>,
        Answer { value, beside }: Answer,
        entries: impl FnOnce(Event) -> [Event; N],
    ) -> Result<Value, Stop> {
        self.tell(handle, call, beside.as_ref());
        self.journal.append(entries(Event::Finished(Finished { call, response: value.clone(), beside })));
        if self.probe.waits_for_results() {
            self.journal.durable().await?;
            self.probe.reached(Window::RecordedNotReturned, call);
        }
        Ok(value)
    }

    /// Performs a call as [`Session::call`] does, and stops the guest before or behind it where it is interrupted: never in the
    /// middle, so that the call is either not begun or recorded whole.
    pub(crate) async fn interruptible_call(
        &mut self,
        callee: &Arc<Callee>,
        args: &[Value],
        handle: Option<u32>,
    ) -> Result<Value, Stop> {
        self.stop_if_interrupted()?;
        let outside = self.interrupter.outside();
        let value = self.call(callee, args, handle).await?;
        drop(outside);
        self.stop_if_interrupted()?;
        Ok(value)
    }

    /// Takes a step as [`Session::step`] does, and stops the guest before or behind it likewise. A step that waits is given up in the
    /// middle, since nothing says how long it may wait: it has come to nothing then, and is taken again when the worker is resumed.
    pub(crate) async fn interruptible_step(
        &mut self,
        handle: u32,
        method: &FunctionName,
        step: witwire_ir::Step,
        args: &[Value],
    ) -> Result<Option<Value>, Stop> {
        self.stop_if_interrupted()?;
        let value = self.step(handle, method, step, args).await?;
        self.stop_if_interrupted()?;
        Ok(value)
    }

    fn stop_if_interrupted(&self) -> Result<(), Stop> {
        if self.interrupter.is_requested() { Err(Stop::Interrupted) } else { Ok(()) }
    }

    /// Reads a clock, or what it said.
    pub(crate) fn clock(&mut self, kind: ClockKind) -> Result<ClockReading, Stop> {
        let step = self.playback.next_clock(kind)?;
        self.show_new_output();
        let reading = match step {
            Step::Replayed(reading) => reading,
            Step::Live => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let reading = match kind {
                    ClockKind::Wall => {
                        ClockReading::Wall { seconds: since_epoch.as_secs(), nanoseconds: since_epoch.subsec_nanos() }
                    }
                    ClockKind::Monotonic => ClockReading::Monotonic(monotonic(self.monotonic)),
                };
                self.journal.append([Event::Clock(reading)]);
                reading
            }
        };
        if let ClockReading::Monotonic(nanoseconds) = reading {
            self.monotonic = nanoseconds;
        }
        Ok(reading)
    }

    /// Reads random bytes, or those that were read.
    pub(crate) fn random(&mut self, len: usize) -> Result<Box<[u8]>, Stop> {
        let step = self.playback.next_random(len)?;
        self.show_new_output();
        match step {
            Step::Replayed(bytes) => Ok(bytes),
            Step::Live => {
                let mut bytes = vec![0; len].into_boxed_slice();
                getrandom::fill(&mut bytes).map_err(|e| Stop::Random(e.to_string()))?;
                self.journal.append([Event::Random(RandomBytes(bytes.clone()))]);
                Ok(bytes)
            }
        }
    }

    /// Shows what the guest writes from here on if nothing is left to be replayed: what it wrote before was shown when it ran
    /// for the first time.
    pub(crate) fn show_new_output(&mut self) {
        self.output.set(self.playback.is_live());
        self.end_turn();
    }

    /// Gives the turn back if nothing is left to be replayed: nobody knows how long the rest takes.
    pub(crate) fn end_turn(&mut self) {
        if self.playback.is_live() {
            self.turn = None;
        }
    }
}

/// A monotonic clock that goes on across processes and machines: the time of day, held back so that it never runs backwards.
pub(crate) fn monotonic(latest: u64) -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX).max(latest)
}

/// Makes the request of a call without the host's credentials, or finds why it cannot be sent.
fn request(callee: &Callee, args: &[Value], key: Option<&IdempotencyKey>) -> Result<Request, Failure> {
    let violations = callee.plan.check(callee.operation, args);
    if !violations.is_empty() {
        return Err(Failure::InvalidRequest(violations));
    }
    let mut request = callee.plan.request(callee.operation, args)?;
    if let Some(key) = key {
        callee.plan.put_key(callee.operation, &mut request, key.as_str());
    }
    pages::resolve(callee, &mut request)?;
    Ok(request)
}

/// Makes the request of a call, whole, or finds why it cannot be sent.
async fn prepare(
    transport: &Transport,
    callee: &Callee,
    args: &[Value],
    key: Option<&IdempotencyKey>,
) -> Result<Outgoing, Failure> {
    let begun = Instant::now();
    let request = request(callee, args, key)?;
    let settings = callee.plan.settings(callee.operation, args);
    let deadline = settings.deadline.unwrap_or(callee.deadline);
    let end = CallOptions { begun: Some(begun), ..CallOptions::new(deadline, Repeat::Unprocessed) }.end();
    Ok(Outgoing { begun, settings, authorized: authorize(transport, callee, request, end).await?, key: key.cloned() })
}

/// What a guest is told of a call without a response. Where a person has to decide about it, the worker stops.
fn settled(callee: &Callee, args: &[Value], class: &CallClass, error: SendError, call: Ordinal) -> Result<Value, Stop> {
    if error.in_doubt() && *class == CallClass::Unsafe(InDoubt::Suspend) {
        return Err(Stop::InDoubt { function: callee.name.clone(), call });
    }
    Ok(match error.settle(class) {
        Ok(response) => callee.response(args, &response),
        Err(failure) => callee.failure(failure),
    })
}

fn outcome_unknown(callee: &Callee) -> Failure {
    Failure::OutcomeUnknown(format!(
        "the call of `{}` was started and the process ended before its result was known: it may or may not have happened; ask \
         the service before it is repeated",
        callee.name
    ))
}
