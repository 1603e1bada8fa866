//! The steps of open streams: told from the oplog, or taken and recorded.
//!
//! Opening a stream is a call whose result says only that the request is sound. It is durable before anything is sent, so that
//! it is never in doubt. What came of a step is recorded before the guest has the next one; what was not recorded when a process
//! ended is asked for again where the call's class allows it, and else the stream is `unavailable`.

mod grpc;
mod http;

use std::sync::Arc;

use witwire_interpreter::{CallSettings, Failure, GrpcStatus, Request};
use witwire_ir::{CallClass, InDoubt, Step, Value};

use super::{Outgoing, Session, Stop, prepare, request, settled};
use crate::callee::Callee;
use crate::credentials::Gathered;
use crate::journal::now;
use crate::oplog::{
    Event, Finished, FunctionName, Ordinal, Recorded, Settlement, Started, Stepped, Timestamp, request_digest, settle,
};
use crate::probe::Window;
use crate::stream::{Connected, Ending, HttpLine, Line, OpenStream, Progress};
use crate::transport::{Compression, Deadline, StreamError, StreamOptions};

/// `CANCELLED`
const CANCELLED: u32 = 1;
/// `FAILED_PRECONDITION`
const FAILED_PRECONDITION: u32 = 9;

/// What came of a step.
struct Taken {
    response: Option<Value>,
    ended: bool,
}

impl Taken {
    fn goes_on(response: Value) -> Self {
        Self { response: Some(response), ended: false }
    }

    fn ends(response: Value) -> Self {
        Self { response: Some(response), ended: true }
    }
}

impl Session {
    /// Opens a stream that the oplog does not know.
    pub(super) async fn open(
        &mut self,
        callee: &Arc<Callee>,
        args: &[Value],
        handle: Option<u32>,
        mut started: Started,
    ) -> Result<Value, Stop> {
        let call = self.journal.next();
        self.probe.reached(Window::BeforeRecorded, call);
        started.key = self.key(callee, args, call);
        let line = if callee.opens_pager() {
            // Each page is a call of its own, with a key of its own.
            started.key = None;
            request(callee, args, None).map(|_| Line::Pages(Some(args.to_vec())))
        } else {
            let prepared = prepare(&self.transport, callee, args, started.key.as_ref()).await;
            prepared.and_then(|outgoing| self.line(callee, outgoing))
        };
        let value = match &line {
            Ok(_) => Value::ok(Some(Value::Handle(self.streams.next_handle()))),
            Err(failure) => callee.failure(failure.clone()),
        };
        let finished = Finished { call, response: value.clone(), beside: None };
        self.journal.append([Event::Started(started.clone()), Event::Finished(finished)]);
        self.journal.durable().await?;
        self.probe.reached(Window::Recorded, call);
        if let Ok(mut line) = line {
            line.start();
            let stream = OpenStream {
                callee: callee.clone(),
                args: args.to_vec(),
                handle,
                beside: None,
                call,
                at: now(),
                started,
                progress: Progress::new(callee.count()),
                line,
            };
            self.streams.insert(stream);
        }
        self.probe.reached(Window::RecordedNotReturned, call);
        Ok(value)
    }

    /// A stream that the oplog knows. Nothing is sent.
    pub(super) fn opened(
        &mut self,
        callee: &Arc<Callee>,
        args: &[Value],
        handle: Option<u32>,
        (call, at, started): (Ordinal, Timestamp, Started),
        response: Value,
    ) -> Value {
        if let Value::Result(Err(_)) = response {
            return response;
        }
        let progress = Progress::new(callee.count());
        let (callee, args) = (callee.clone(), args.to_vec());
        let line = if callee.opens_pager() { Line::Pages(Some(args.clone())) } else { Line::None };
        let stream = OpenStream { callee, args, handle, beside: None, call, at, started, progress, line };
        Value::ok(Some(Value::Handle(self.streams.insert(stream))))
    }

    /// Takes a step of a stream: from the oplog, or over the network.
    pub(crate) async fn step(
        &mut self,
        handle: u32,
        method: &FunctionName,
        step: Step,
        args: &[Value],
    ) -> Result<Option<Value>, Stop> {
        let Some(mut stream) = self.streams.take(handle) else {
            // wasmtime knows the handles of a guest, and a dropped one is none.
            return Err(Stop::Unusable { function: method.clone(), what: "the handle is unknown".to_owned() });
        };
        if stream.callee.opens_pager() {
            let page = self.page(&mut stream, method).await?;
            self.streams.put_back(handle, stream);
            return Ok(Some(page));
        }
        let digest = request_digest(&self.digest_key, method, args);
        let sequence = stream.progress.sequence;
        let recorded = self.playback.next_step(stream.call, sequence, step, digest)?;
        self.show_new_output();
        let (response, beside) = match recorded {
            crate::oplog::Step::Replayed(stepped) => {
                // An item was encoded before it was sent; what cannot be encoded was never sent. It is kept where it may be sent again.
                let kept = step == Step::Send && self.may_reopen(&stream.callee);
                let item = kept.then(|| stream.callee.plan.item(stream.callee.operation, args.first()).ok());
                stream.progress.note(step, stepped.response.as_ref(), stepped.ended, item.flatten());
                (stepped.response, stepped.beside)
            }
            crate::oplog::Step::Live => {
                let at = self.journal.next();
                self.probe.reached(Window::BeforeRecorded, at);
                let taken = self.take_step(&mut stream, step, args).await?;
                let response = taken.response.map(|value| stream.callee.checked_step(step, value));
                self.probe.reached(Window::StepTaken, at);
                let request = if stream.callee.record_requests { Recorded::Typed(args.to_vec()) } else { Recorded::Digest };
                let beside = stream.new_beside();
                self.journal.append([Event::Stepped(Stepped {
                    stream: stream.call,
                    sequence,
                    step,
                    digest,
                    request,
                    response: response.clone(),
                    ended: taken.ended,
                    beside: beside.clone(),
                })]);
                if self.probe.waits_for_results() {
                    self.journal.durable().await?;
                    self.probe.reached(Window::RecordedNotReturned, at);
                }
                stream.progress.note(step, response.as_ref(), taken.ended, None);
                (response, beside)
            }
        };
        self.tell(stream.handle, stream.call, beside.as_ref());
        stream.beside = beside.or(stream.beside);
        if stream.progress.ending.is_some() {
            stream.line = Line::None;
        }
        self.streams.put_back(handle, stream);
        Ok(response)
    }

    /// The guest dropped its handle.
    pub(crate) fn drop_stream(&mut self, handle: u32) {
        self.streams.drop_handle(handle);
    }

    async fn take_step(&mut self, stream: &mut OpenStream, step: Step, args: &[Value]) -> Result<Taken, Stop> {
        let callee = stream.callee.clone();
        if let Some(ending) = &stream.progress.ending {
            return Ok(after(&callee, ending, step));
        }
        if step == Step::Cancel {
            stream.line = Line::None;
            return Ok(Taken { response: None, ended: true });
        }
        if stream.progress.closed && matches!(step, Step::Send | Step::CloseSend | Step::Finish) {
            return Ok(Taken::goes_on(misuse(&callee, "the sending side has been ended")));
        }
        // An item that cannot be sent leaves the stream as it is.
        let item = match step {
            Step::Send => match callee.plan.item(callee.operation, args.first()) {
                Ok(item) => Some(item),
                Err(failure) => return Ok(Taken::goes_on(callee.failure(failure))),
            },
            _ => None,
        };
        // The only step with an outcome that could be lost; it has a deadline.
        let deadline = (step == Step::Finish).then(|| {
            let own = callee.plan.settings(callee.operation, &stream.args).deadline;
            Deadline::after(own.unwrap_or(callee.deadline))
        });
        // It is waited for, also while it comes to where an earlier process was.
        let _outside = (step == Step::Finish).then(|| self.interrupter.outside());
        if matches!(stream.line, Line::None) {
            match self.reopen(stream, step, deadline).await? {
                Ok(line) => stream.line = line,
                Err(error) => return Ok(Taken::ends(error)),
            }
        }
        match &mut stream.line {
            Line::Grpc(_) => self.take_grpc_step(stream, step, args, item, deadline).await,
            Line::Http(line) if step == Step::Next => {
                let taken = http::next(&callee, &stream.args, line, stream.call).await;
                refuse_tokens(line.unauthenticated(), line.tokens()).await;
                taken
            }
            Line::Http(_) | Line::Pages(_) | Line::None => Ok(Taken::ends(misuse(&callee, "it is not open"))),
        }
    }

    /// Whether a stream may be opened again, so that what was sent on it is needed.
    fn may_reopen(&self, callee: &Callee) -> bool {
        match callee.operation().class {
            CallClass::Safe | CallClass::Idempotent | CallClass::Keyed(_) | CallClass::Unsafe(InDoubt::Retry) => true,
            CallClass::Unsafe(InDoubt::OutcomeUnknown | InDoubt::Suspend) => self.decision.is_some(),
        }
    }

    /// A stream whose process is gone: sent again as far as it had come, or an `err`. `step` is what it is needed for, `deadline` that step's.
    async fn reopen(
        &mut self,
        stream: &mut OpenStream,
        step: Step,
        deadline: Option<Deadline>,
    ) -> Result<Result<Line, Value>, Stop> {
        let callee = &stream.callee;
        let class = match self.decision.take() {
            Some(decision) => &CallClass::Unsafe(decision),
            None => &callee.operation().class,
        };
        let key = match settle(class, &stream.started, stream.at, now(), callee.unkeyed) {
            Settlement::SendAgain { key } => key,
            Settlement::OutcomeUnknown => return Ok(Err(callee.failure(cut(callee)))),
            Settlement::Suspend => return Err(Stop::InDoubt { function: callee.name.clone(), call: stream.call }),
        };
        let prepared = prepare(&self.transport, callee, &stream.args, key.as_ref()).await;
        let line = prepared.and_then(|mut outgoing| {
            http::go_on(&mut outgoing.authorized.request, &stream.progress);
            self.line(callee, outgoing)
        });
        let mut line = match line {
            Ok(line) => line,
            // It was sent once, so that it is cut, not wrong or denied.
            Err(failure) => return Ok(Err(callee.failure(not_reopened(callee, failure)))),
        };
        self.journal.durable().await?;
        line.start();
        let caught_up = match &mut line {
            Line::Grpc(line) => {
                let sent = std::mem::take(&mut stream.progress.sent);
                let Progress { closed, received, .. } = stream.progress;
                let caught_up = line.stream.catch_up(sent, closed, received, deadline).await;
                if caught_up.is_err() {
                    refuse_tokens(line.stream.unauthenticated(), line.tokens.as_ref()).await;
                }
                match caught_up {
                    Ok(()) => Ok(()),
                    // The process that is gone may have taken this very step, so that its class is asked, as by the step itself.
                    Err(StreamError::Broken(error)) if step == Step::Finish => {
                        Err(settled(callee, &stream.args, &callee.operation().class, error, stream.call)?)
                    }
                    Err(error) => Err(grpc::failed(callee, error)),
                }
            }
            Line::Http(line) => {
                let caught_up = line.catch_up(callee, &stream.progress).await;
                if caught_up.is_err() {
                    refuse_tokens(line.unauthenticated(), line.tokens()).await;
                }
                match caught_up {
                    Ok(()) => Ok(()),
                    Err(error) => Err(http::failed(callee, &stream.args, error, stream.call)?),
                }
            }
            Line::Pages(_) | Line::None => Ok(()),
        };
        Ok(caught_up.map(|()| line))
    }

    /// The call of a stream, ready to be started.
    fn line(&self, callee: &Callee, outgoing: Outgoing) -> Result<Line, Failure> {
        let CallSettings { deadline, compression, .. } = outgoing.settings;
        let begun = Some(outgoing.begun);
        let options = StreamOptions { deadline, begun, compression: compression.map(Compression::from) };
        let (request, tokens) = outgoing.authorized.into_parts();
        let line = match request {
            Request::Grpc(request) => {
                let takes_request = callee.takes_request();
                let stream = self.transport.stream(&callee.route, &request, takes_request, &options);
                stream.map(|stream| Line::Grpc(Box::new(Connected { stream, tokens, failed: None })))
            }
            Request::Http(request) => {
                let stream = self.transport.open(&callee.route, &request, &options);
                stream.map(|stream| Line::Http(Box::new(HttpLine::new(stream, tokens))))
            }
        };
        // Nothing was sent, so that no class is asked.
        line.map_err(|error| match error.settle(&CallClass::Safe) {
            Err(failure) => failure,
            Ok(_) => Failure::Unavailable(format!("`{}` cannot be called", callee.name)),
        })
    }
}

/// A step of a stream that has ended.
fn after(callee: &Callee, ending: &Ending, step: Step) -> Taken {
    let operation = callee.operation;
    let response = match (ending, step) {
        (_, Step::Cancel) => return Taken { response: None, ended: true },
        (Ending::Complete, Step::Next) => callee.plan.next(operation, None).unwrap_or_else(|error| error),
        (Ending::Complete, Step::NextBatch) => callee.plan.batch(operation, &[]).map_or_else(|error| error, |(end, _)| end),
        (Ending::Complete, _) => misuse(callee, "the stream has ended"),
        (Ending::Failed(error), _) => error.clone(),
        (Ending::Cancelled, _) => {
            let message = "the call was cancelled".to_owned();
            callee.plan.ended(operation, &GrpcStatus { code: CANCELLED, message, details: None, trailers: Vec::new() })
        }
    };
    Taken::ends(response)
}

/// The guest asked for what the stream's state does not allow.
fn misuse(callee: &Callee, what: &str) -> Value {
    let message = format!("`{}`: {what}; nothing was sent", callee.name);
    let status = GrpcStatus { code: FAILED_PRECONDITION, message, details: None, trailers: Vec::new() };
    callee.plan.ended(callee.operation, &status)
}

/// Lets go of the tokens of a stream where the service has ended it since it refuses them: the next call fetches others.
async fn refuse_tokens(refused: bool, tokens: Option<&Gathered>) {
    if let Some(tokens) = tokens.filter(|_| refused) {
        tokens.refuse().await;
    }
}

/// A stream that would be opened again, and cannot.
fn not_reopened(callee: &Callee, failure: Failure) -> Failure {
    let reason = match failure {
        Failure::InvalidRequest(violations) => violations.first().map_or_else(String::new, |first| first.message.clone()),
        Failure::InvalidResponse { message, .. }
        | Failure::Unavailable(message)
        | Failure::Timeout(message)
        | Failure::OutcomeUnknown(message)
        | Failure::Denied(message)
        | Failure::Unauthenticated(message)
        | Failure::Unimplemented(message) => message,
    };
    Failure::Unavailable(format!(
        "the stream of `{}` was cut when its worker was stopped, or its process ended, and cannot be opened again: {reason}",
        callee.name
    ))
}

fn cut(callee: &Callee) -> Failure {
    Failure::Unavailable(format!(
        "the stream of `{}` was cut when its worker was stopped, or its process ended, and its class does not allow to open it again: what was \
         sent may have been processed; ask the service before it is repeated",
        callee.name
    ))
}
