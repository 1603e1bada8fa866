//! Runs a component over its oplog again: a pure state machine.

use std::collections::{HashSet, VecDeque};
use std::fmt;

use witwire_ir::Value;

use super::digest::{IrDigest, RequestDigest};
use super::entry::{
    ClockKind, ClockReading, Completed, Entry, Event, Finished, FunctionName, Invoked, Outcome, RandomBytes, Started,
    Stepped,
};
use super::id::{Ordinal, Timestamp};

/// An oplog being replayed.
///
/// Whatever the component does that the outside could answer differently is put to the playback first. It answers from the
/// oplog as long as there are entries; then it says [`Step::Live`], for ever. After a [`Divergence`] every question gets the
/// same one, so that nothing can be sent.
#[derive(Debug, Clone)]
pub struct Playback {
    /// What is left to be replayed.
    records: VecDeque<Box<Record>>,
    end: Ordinal,
    diverged: Option<Divergence>,
}

/// What the component did once: an entry, or a call with its result.
#[derive(Debug, Clone)]
struct Record {
    ordinal: Ordinal,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Invocation(Invoked),
    Call { started: Started, at: Timestamp, finished: Option<Finished> },
    Step(Stepped),
    Clock(ClockReading),
    Random(RandomBytes),
    Completion(Completed),
}

/// What a question of the component gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// What the oplog says.
    Replayed(T),
    /// The oplog is at its end: ask the outside, and append what it says.
    Live,
}

/// What a call of the component gets.
#[derive(Debug, Clone, PartialEq)]
pub enum CallStep {
    /// The recorded result. Nothing is sent.
    Replayed {
        /// The ordinal of the call's [`Started`].
        call: Ordinal,
        /// When it was started.
        at: Timestamp,
        /// What was started.
        started: Started,
        /// What came of it.
        response: Value,
        /// What came beside it.
        beside: Option<Value>,
    },
    /// The call was started and has no result: [`super::settle`] it, and append a [`Finished`] for this ordinal.
    InDoubt {
        /// The ordinal of the call's [`Started`].
        call: Ordinal,
        /// When it was started.
        at: Timestamp,
        /// What was started.
        started: Started,
    },
    /// The oplog is at its end: append a [`Started`] as the call's class demands, and send it.
    Live,
}

/// What a component does, as playback compares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// It is ready for an invocation, or in one of a function.
    Invocation(Option<FunctionName>),
    /// It calls a function.
    Call {
        /// The import.
        function: FunctionName,
        /// The API file that it is linked with.
        ir: IrDigest,
        /// The request.
        digest: RequestDigest,
    },
    /// It calls a method of a stream.
    Step {
        /// The ordinal of the call that opened the stream.
        stream: Ordinal,
        /// The number of the step among the stream's.
        sequence: u64,
        /// Which step.
        step: witwire_ir::Step,
        /// Its arguments.
        digest: RequestDigest,
    },
    /// It reads a clock.
    Clock(ClockKind),
    /// It reads so many random bytes.
    Random(usize),
    /// The invocation ends, with a result or a trap.
    Completion {
        /// The number of the invocation.
        invocation: u64,
        /// Whether it ends with a trap.
        trapped: bool,
    },
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invocation(None) => f.write_str("waits for an invocation"),
            Self::Invocation(Some(function)) => write!(f, "is invoked as `{function}`"),
            Self::Call { function, ir, digest } => {
                write!(f, "calls `{function}` (API {}, request {})", ir.0.short(), digest.0.short())
            }
            Self::Step { stream, sequence, step, digest } => {
                write!(f, "calls `{}` of stream {stream}, step {sequence} (arguments {})", step.name(), digest.0.short())
            }
            Self::Clock(ClockKind::Wall) => f.write_str("reads the wall clock"),
            Self::Clock(ClockKind::Monotonic) => f.write_str("reads the monotonic clock"),
            Self::Random(len) => write!(f, "reads {len} random bytes"),
            Self::Completion { invocation, trapped: false } => write!(f, "returns from invocation {invocation}"),
            Self::Completion { invocation, trapped: true } => write!(f, "traps in invocation {invocation}"),
        }
    }
}

/// The component does not do what its oplog says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the component diverged from its oplog at entry {ordinal}: recorded is that it {expected}, now it {got}{}; \
     run it with the component and API files that it was recorded with",
    if expected == got { " with another result" } else { "" }
)]
pub struct Divergence {
    /// The entry.
    pub ordinal: Ordinal,
    /// What is recorded there.
    pub expected: Box<Observation>,
    /// What the component does.
    pub got: Box<Observation>,
}

/// An oplog that no worker can have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the oplog is damaged at entry {ordinal}: {what}")]
pub struct Malformed {
    /// The entry.
    pub ordinal: Ordinal,
    /// What is wrong.
    pub what: &'static str,
}

impl Playback {
    /// Begins at the first entry.
    ///
    /// # Errors
    /// [`Malformed`] where ordinals have a gap, a result has no call, a step no stream, or anything but a result follows a call
    /// in doubt.
    pub fn new(entries: Vec<(Ordinal, Entry)>) -> Result<Self, Malformed> {
        let mut end = Ordinal::ZERO;
        let mut records: VecDeque<Box<Record>> = VecDeque::with_capacity(entries.len());
        let mut invocation = None;
        let mut calls = HashSet::new();
        for (ordinal, Entry { at, event }) in entries {
            let malformed = |what| Malformed { ordinal, what };
            if ordinal != end {
                return Err(malformed("the entries before it are missing"));
            }
            end = end.plus(1);
            let open = match records.back_mut().map(AsMut::as_mut) {
                Some(Record { ordinal, action: Action::Call { finished: open @ None, .. } }) => Some((*ordinal, open)),
                _ => None,
            };
            let action = match (event, open) {
                (Event::Finished(finished), Some((ordinal, open))) if ordinal == finished.call => {
                    *open = Some(finished);
                    continue;
                }
                (Event::Finished(_), _) => return Err(malformed("it is the result of a call that is not open")),
                (_, Some(_)) => return Err(malformed("the call before it has no result")),
                (Event::Invoked(invoked), None) => {
                    if invocation.replace(invoked.invocation).is_some() {
                        return Err(malformed("the invocation before it has not ended"));
                    }
                    Action::Invocation(invoked)
                }
                (Event::Completed(completed), None) => {
                    if invocation.take() != Some(completed.invocation) {
                        return Err(malformed("it ends an invocation that has not begun"));
                    }
                    Action::Completion(completed)
                }
                (Event::Started(started), None) => {
                    calls.insert(ordinal);
                    Action::Call { started, at, finished: None }
                }
                (Event::Stepped(stepped), None) => {
                    if !calls.contains(&stepped.stream) {
                        return Err(malformed("it is a step of a stream that was not opened"));
                    }
                    Action::Step(stepped)
                }
                (Event::Clock(reading), None) => Action::Clock(reading),
                (Event::Random(bytes), None) => Action::Random(bytes),
            };
            records.push_back(Box::new(Record { ordinal, action }));
        }
        Ok(Self { records, end, diverged: None })
    }

    /// Whether all entries are replayed. What the component does now is new. A call in doubt counts as replayed once it was
    /// handed out.
    pub fn is_live(&self) -> bool {
        self.diverged.is_none() && self.records.is_empty()
    }

    /// How many entries the oplog had when it was read: where the first new one goes.
    pub fn end(&self) -> Ordinal {
        self.end
    }

    /// The component is ready for an invocation: which one comes?
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that it did something else first.
    pub fn next_invocation(&mut self) -> Result<Step<Invoked>, Divergence> {
        let got = || Observation::Invocation(None);
        self.take(got, |record| match record.action {
            Action::Invocation(invoked) => Ok(invoked),
            _ => Err(record),
        })
    }

    /// The component calls a function: is it sent?
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that it did something else.
    pub fn next_call(
        &mut self,
        function: &FunctionName,
        ir: IrDigest,
        digest: RequestDigest,
    ) -> Result<CallStep, Divergence> {
        let got = || Observation::Call { function: function.clone(), ir, digest };
        let step = self.take(got, |record| match record.action {
            Action::Call { started, at, finished }
                if started.function == *function && started.ir == ir && started.digest == digest =>
            {
                Ok(match finished {
                    Some(Finished { response, beside, .. }) => {
                        CallStep::Replayed { call: record.ordinal, at, started, response, beside }
                    }
                    None => CallStep::InDoubt { call: record.ordinal, at, started },
                })
            }
            _ => Err(record),
        })?;
        Ok(match step {
            Step::Replayed(step) => step,
            Step::Live => CallStep::Live,
        })
    }

    /// The component calls a method of a stream: is the network asked?
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that it did something else.
    pub fn next_step(
        &mut self,
        stream: Ordinal,
        sequence: u64,
        step: witwire_ir::Step,
        digest: RequestDigest,
    ) -> Result<Step<Stepped>, Divergence> {
        let got = || Observation::Step { stream, sequence, step, digest };
        self.take(got, |record| match record.action {
            Action::Step(stepped)
                if (stepped.stream, stepped.sequence, stepped.step, stepped.digest) == (stream, sequence, step, digest) =>
            {
                Ok(stepped)
            }
            _ => Err(record),
        })
    }

    /// The component reads a clock.
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that it did something else.
    pub fn next_clock(&mut self, kind: ClockKind) -> Result<Step<ClockReading>, Divergence> {
        let got = || Observation::Clock(kind);
        self.take(got, |record| match record.action {
            Action::Clock(reading) if reading.kind() == kind => Ok(reading),
            _ => Err(record),
        })
    }

    /// The component reads random bytes.
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that it did something else, or read another number of bytes.
    pub fn next_random(&mut self, len: usize) -> Result<Step<Box<[u8]>>, Divergence> {
        let got = || Observation::Random(len);
        self.take(got, |record| match record.action {
            Action::Random(RandomBytes(bytes)) if bytes.len() == len => Ok(bytes),
            _ => Err(record),
        })
    }

    /// An invocation ended. It gives the recorded outcome, which is the one that its caller was told: two traps count as equal
    /// even where their messages differ, since messages change with the engine.
    ///
    /// # Errors
    /// [`Divergence`] where the oplog says that more happened first, or that it ended otherwise.
    pub fn complete(&mut self, completed: &Completed) -> Result<Step<Outcome>, Divergence> {
        let same = |recorded: &Outcome| match (recorded, &completed.outcome) {
            (Outcome::Trapped(_), Outcome::Trapped(_)) => true,
            (recorded, now) => recorded == now,
        };
        let got = || observe_completion(completed);
        self.take(got, |record| match record.action {
            Action::Completion(Completed { invocation, outcome })
                if invocation == completed.invocation && same(&outcome) =>
            {
                Ok(outcome)
            }
            _ => Err(record),
        })
    }

    /// Replays the next record if `accept` takes it; what it gives back stays, and `got` is a divergence from it.
    fn take<T>(
        &mut self,
        got: impl FnOnce() -> Observation,
        accept: impl FnOnce(Box<Record>) -> Result<T, Box<Record>>,
    ) -> Result<Step<T>, Divergence> {
        if let Some(divergence) = &self.diverged {
            return Err(divergence.clone());
        }
        let Some(record) = self.records.pop_front() else {
            return Ok(Step::Live);
        };
        match accept(record) {
            Ok(replayed) => Ok(Step::Replayed(replayed)),
            Err(record) => {
                let (expected, got) = (Box::new(record.action.observe()), Box::new(got()));
                let divergence = Divergence { ordinal: record.ordinal, expected, got };
                self.records.push_front(record);
                Err(self.diverged.insert(divergence).clone())
            }
        }
    }
}

impl Action {
    fn observe(&self) -> Observation {
        match self {
            Self::Invocation(invoked) => Observation::Invocation(Some(invoked.function.clone())),
            Self::Call { started, .. } => {
                Observation::Call { function: started.function.clone(), ir: started.ir, digest: started.digest }
            }
            Self::Step(Stepped { stream, sequence, step, digest, .. }) => {
                Observation::Step { stream: *stream, sequence: *sequence, step: *step, digest: *digest }
            }
            Self::Clock(reading) => Observation::Clock(reading.kind()),
            Self::Random(RandomBytes(bytes)) => Observation::Random(bytes.len()),
            Self::Completion(completed) => observe_completion(completed),
        }
    }
}

fn observe_completion(completed: &Completed) -> Observation {
    Observation::Completion { invocation: completed.invocation, trapped: matches!(completed.outcome, Outcome::Trapped(_)) }
}

#[cfg(test)]
mod tests;
