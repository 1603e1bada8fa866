//! What an oplog holds.

use std::fmt;

use witwire_ir::{CallClass, Step, Value};

use super::digest::{ComponentDigest, IrDigest, RequestDigest};
use super::id::{IdempotencyKey, Ordinal, Timestamp};

/// One entry of a worker's oplog. Its [`Ordinal`] is its position and is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it was made.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// An entry made at a time.
    pub fn new(at: Timestamp, event: impl Into<Event>) -> Self {
        Self { at, event: event.into() }
    }
}

/// What happened to a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An invocation began. It lasts until its `Completed`.
    Invoked(Invoked),
    /// A call began.
    Started(Started),
    /// A call's result is known.
    Finished(Finished),
    /// A stream took a step.
    Stepped(Stepped),
    /// The guest read a clock.
    Clock(ClockReading),
    /// The guest read random bytes.
    Random(RandomBytes),
    /// An invocation ended.
    Completed(Completed),
}

impl Event {
    /// The event's name in output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Invoked(_) => "invoked",
            Self::Started(_) => "started",
            Self::Finished(_) => "finished",
            Self::Stepped(_) => "stepped",
            Self::Clock(_) => "clock",
            Self::Random(_) => "random",
            Self::Completed(_) => "completed",
        }
    }
}

macro_rules! from {
    ($($name:ident($ty:ty))*) => {$(
        impl From<$ty> for Event {
            fn from(event: $ty) -> Self {
                Self::$name(event)
            }
        }
    )*};
}

from! { Invoked(Invoked) Started(Started) Finished(Finished) Stepped(Stepped) Clock(ClockReading) Random(RandomBytes) Completed(Completed) }

/// The name of a function that a component imports or exports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionName {
    /// The interface as a component names it: `core:todo/todo-service@1.0.0`; `None` for a function of the world itself.
    pub interface: Option<Box<str>>,
    /// The function: `todo-add`; for a resource's method as a component names it: `[method]stream.next`.
    pub function: Box<str>,
}

impl FunctionName {
    /// A function of an interface.
    pub fn of(interface: impl Into<Box<str>>, function: impl Into<Box<str>>) -> Self {
        Self { interface: Some(interface.into()), function: function.into() }
    }

    /// A function of the world itself.
    pub fn world(function: impl Into<Box<str>>) -> Self {
        Self { interface: None, function: function.into() }
    }
}

/// `core:todo/todo-service@1.0.0#todo-add`
impl FunctionName {
    /// The resource, where this is a method of one.
    pub fn resource(&self) -> Option<&str> {
        Some(self.function.strip_prefix("[method]")?.split_once('.')?.0)
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interface) = &self.interface {
            write!(f, "{interface}#")?;
        }
        f.write_str(&self.function)
    }
}

/// A component value as WAVE text: how values of a component's own exports are kept, whose types are in the component and in
/// no API.
#[derive(Clone, PartialEq, Eq)]
pub struct Wave(Box<str>);

impl Wave {
    /// Wraps a text in WAVE format.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the text: it may hold what a caller keeps secret.
impl fmt::Debug for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wave({} bytes)", self.0.len())
    }
}

/// An invocation of one of the component's exports began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoked {
    /// The number of the invocation among the worker's: 0, 1, 2, …
    pub invocation: u64,
    /// The key that its caller gave, or a random one; unique among the worker's invocations.
    pub key: IdempotencyKey,
    /// The export.
    pub function: FunctionName,
    /// The arguments, each as WAVE text.
    pub arguments: Vec<Wave>,
    /// The component that ran.
    pub component: ComponentDigest,
    /// The API files that it was linked with.
    pub irs: Vec<IrDigest>,
}

/// A call began.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The import that was called.
    pub function: FunctionName,
    /// The API file that gives the types of request and response.
    pub ir: IrDigest,
    /// Tells this request from others of the worker.
    pub digest: RequestDigest,
    /// The request itself.
    pub request: Recorded,
    /// What may be done with the call while it is in doubt.
    pub class: Class,
    /// The key that is sent with it, exactly where the class is [`Class::Keyed`].
    pub key: Option<IdempotencyKey>,
}

/// What is kept of a request.
#[derive(Clone, PartialEq)]
pub enum Recorded {
    /// The arguments in order, without credentials (see `Plan::redact`).
    Typed(Vec<Value>),
    /// Nothing but the digest (`record: digest` in the manifest).
    Digest,
}

/// Never the values.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed(values) => write!(f, "Typed({} values)", values.len()),
            Self::Digest => f.write_str("Digest"),
        }
    }
}

/// What may be done with a call in doubt. The name of [`witwire_ir::CallClass`] without its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Without effect.
    Safe,
    /// Twice is as good as once.
    Idempotent,
    /// Carries an idempotency key.
    Keyed,
    /// Everything else.
    Unsafe,
}

impl Class {
    /// Whether the call's [`Started`] must be durable before its first byte leaves.
    ///
    /// A safe or idempotent call may always be sent again. Its [`Started`] and [`Finished`] are appended together once the
    /// response is there, so that it costs one commit and is never in doubt.
    pub const fn starts_durably(self) -> bool {
        matches!(self, Self::Keyed | Self::Unsafe)
    }

    /// The class's name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Idempotent => "idempotent",
            Self::Keyed => "keyed",
            Self::Unsafe => "unsafe",
        }
    }
}

impl From<&CallClass> for Class {
    fn from(class: &CallClass) -> Self {
        match class {
            CallClass::Safe => Self::Safe,
            CallClass::Idempotent => Self::Idempotent,
            CallClass::Keyed(_) => Self::Keyed,
            CallClass::Unsafe(_) => Self::Unsafe,
        }
    }
}

/// A call's result is known.
#[derive(Clone, PartialEq)]
pub struct Finished {
    /// The ordinal of the call's [`Started`].
    pub call: Ordinal,
    /// What the guest got: the whole `result<_, error>`, of the type that the operation has in the [`Started`]'s API.
    pub response: Value,
    /// What came beside it, where the guest gave settings of the call (`calls: explicit`): a record of initial metadata or headers, trailing
    /// metadata, and how often the call was tried.
    pub beside: Option<Value>,
}

/// Never the response.
impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").field("call", &self.call).finish_non_exhaustive()
    }
}

/// An open stream took a step: the guest called a method of it, and this is what it got.
///
/// A stream is opened by a call of its own, whose [`Finished`] says only that the request was sound; what the network had to say
/// is told by the steps.
#[derive(Clone, PartialEq)]
pub struct Stepped {
    /// The ordinal of the [`Started`] of the call that opened the stream.
    pub stream: Ordinal,
    /// The number of the step among the stream's: 0, 1, 2, …
    pub sequence: u64,
    /// Which step.
    pub step: Step,
    /// Tells this step's arguments from others.
    pub digest: RequestDigest,
    /// The arguments, in order, without `self`.
    pub request: Recorded,
    /// What the guest got, of the type that the method has in the [`Started`]'s API; `None` where it has no result.
    pub response: Option<Value>,
    /// Whether the stream ended with this step: no later one asks the network.
    pub ended: bool,
    /// As in [`Finished`], where it is not as it was before.
    pub beside: Option<Value>,
}

/// Never the item.
impl fmt::Debug for Stepped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepped")
            .field("stream", &self.stream)
            .field("sequence", &self.sequence)
            .field("step", &self.step)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Which clock a guest reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// The time of day.
    Wall,
    /// A clock that only goes forwards.
    Monotonic,
}

/// What a guest read from a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockReading {
    /// `wasi:clocks/wall-clock`: time since 1970-01-01T00:00:00Z.
    Wall {
        /// Whole seconds.
        seconds: u64,
        /// 0 to 999,999,999.
        nanoseconds: u32,
    },
    /// `wasi:clocks/monotonic-clock`: nanoseconds since a point of the host's choice.
    Monotonic(u64),
}

impl ClockReading {
    /// Which clock was read.
    pub const fn kind(self) -> ClockKind {
        match self {
            Self::Wall { .. } => ClockKind::Wall,
            Self::Monotonic(_) => ClockKind::Monotonic,
        }
    }
}

/// Random bytes that a guest got.
#[derive(Clone, PartialEq, Eq)]
pub struct RandomBytes(pub Box<[u8]>);

/// Never the bytes: a guest may make secrets of them.
impl fmt::Debug for RandomBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RandomBytes({})", self.0.len())
    }
}

/// An invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// The number that its [`Invoked`] gave.
    pub invocation: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The export returned; its result as WAVE text, if it has one.
    Returned(Option<Wave>),
    /// The guest trapped, with this message.
    Trapped(String),
}
