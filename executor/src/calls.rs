//! The handles of the resource `call` that a guest has: what it set for its next call, and what came beside the result of the last one.
//!
//! All of it follows from what the guest does and from what calls recorded, so that it needs no entries of its own.

use std::collections::BTreeMap;

use witwire_interpreter::{CallSettings, Metadata, MetadataText};
use witwire_ir::host::call::{COMPRESSION, DEADLINE, KEY};
use witwire_ir::host::grpc::MetadataValue;
use witwire_ir::{CallPart, Protocol, Value};

use crate::oplog::Ordinal;

/// The calls that a guest has handles of.
#[derive(Debug)]
pub(crate) struct Calls {
    open: BTreeMap<u32, OpenCall>,
    next: u32,
    /// How many there may be at once.
    most: usize,
    /// How much is set, in bytes, and how much may be.
    size: usize,
    largest: usize,
}

/// A guest holds as much as it may. It traps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// Too many handles.
    #[error(
        "the component holds {0} settings of calls, as many as it may at once, and makes others; it has to drop those that it no \
         longer needs"
    )]
    Handles(usize),
    /// Too much in them.
    #[error(
        "the settings of calls that the component holds take more than {0} bytes together; it has to drop those that it no longer \
         needs"
    )]
    Size(usize),
}

/// One handle. Never the settings: they may be secret.
#[derive(Default)]
struct OpenCall {
    entries: Vec<Value>,
    /// How much is set, in bytes.
    size: usize,
    deadline: Option<Value>,
    compression: Option<Value>,
    key: Option<Value>,
    /// The call that was made with it last.
    last: Option<Ordinal>,
    beside: Option<Value>,
}

impl std::fmt::Debug for OpenCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenCall").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Calls {
    /// For at most so many at once, in which at most so many bytes are set.
    pub(crate) const fn new(most: usize, largest: usize) -> Self {
        Self { open: BTreeMap::new(), next: 0, most, size: 0, largest }
    }

    /// A new handle. Handles are counted, so that one is the same in playback.
    pub(crate) fn insert(&mut self) -> Result<u32, Full> {
        if self.open.len() >= self.most {
            return Err(Full::Handles(self.most));
        }
        let handle = self.next;
        self.next += 1;
        self.open.insert(handle, OpenCall::default());
        Ok(handle)
    }

    pub(crate) fn drop_handle(&mut self, handle: u32) {
        self.size -= self.open.remove(&handle).map_or(0, |open| open.size);
    }

    /// The record of settings that the handle stands for.
    pub(crate) fn settings(&self, handle: u32) -> Option<Value> {
        let call = self.open.get(&handle)?;
        Some(Value::record([
            Value::List(call.entries.clone().into()),
            Value::option(call.deadline.clone()),
            Value::option(call.compression.clone()),
            Value::option(call.key.clone()),
        ]))
    }

    /// Whether the messages that an open stream sends are to be left as they are.
    pub(crate) fn sends_plainly(&self, handle: u32) -> Option<bool> {
        match self.open.get(&handle)?.compression {
            Some(Value::Enum(case)) => Some(case == witwire_ir::host::call::Compression::Identity as u32),
            _ => None,
        }
    }

    /// A call is made with a handle.
    pub(crate) fn begin(&mut self, handle: u32, call: Ordinal) {
        if let Some(open) = self.open.get_mut(&handle) {
            (open.last, open.beside) = (Some(call), None);
        }
    }

    /// What came beside the result of a call, unless another one was made with the handle since.
    pub(crate) fn tell(&mut self, handle: u32, call: Ordinal, beside: Option<&Value>) {
        if let Some(open) = self.open.get_mut(&handle)
            && open.last == Some(call)
            && beside.is_some()
        {
            open.beside = beside.cloned();
        }
    }

    /// Calls a method of a handle, other than the constructor. `None`: it gives nothing.
    ///
    /// # Errors
    /// [`Full`], where what it sets is too much.
    pub(crate) fn method(&mut self, handle: u32, part: CallPart, args: Vec<Value>) -> Result<Option<Value>, Full> {
        let Some(open) = self.open.get_mut(&handle) else { return Ok(None) };
        // No more is kept than shows that it is too long: a guest must not fill the host's memory.
        let mut args = args.into_iter().map(shortened);
        let before = open.size;
        let value = match part {
            CallPart::AddMetadata | CallPart::AddHeader => {
                // One more than may be sent is kept, so that the call is refused.
                if open.entries.len() <= CallSettings::MAX_ENTRIES {
                    let entry = Value::Tuple(args.collect());
                    open.size += size(&entry);
                    open.entries.push(entry);
                }
                None
            }
            CallPart::SetDeadline | CallPart::SetCompression | CallPart::SetIdempotencyKey => {
                let slot = match part {
                    CallPart::SetDeadline => &mut open.deadline,
                    CallPart::SetCompression => &mut open.compression,
                    _ => &mut open.key,
                };
                open.size -= slot.as_ref().map_or(0, size);
                *slot = args.next();
                open.size += slot.as_ref().map_or(0, size);
                None
            }
            CallPart::Headers | CallPart::Initial => Some(open.part(INITIAL, || Value::list([]))),
            CallPart::Trailing => Some(open.part(TRAILING, || Value::list([]))),
            CallPart::Attempts => Some(open.part(ATTEMPTS, || Value::U32(0))),
            CallPart::New => None,
        };
        self.size = self.size - before + open.size;
        if self.size > self.largest { Err(Full::Size(self.largest)) } else { Ok(value) }
    }
}

/// A text or bytes, of which no more is kept than shows that they are too long.
fn shortened(value: Value) -> Value {
    const MOST: usize = CallSettings::MAX_VALUE + 1;
    match value {
        Value::String(text) if text.len() > MOST => Value::string(&text[..text.ceil_char_boundary(MOST)]),
        Value::Bytes(bytes) if bytes.len() > MOST => Value::Bytes(bytes[..MOST].into()),
        Value::Variant(case, Some(inner)) => Value::case(case, shortened(*inner)),
        other => other,
    }
}

/// How much a value takes that is set, in bytes.
fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Variant(_, Some(inner)) => size(inner),
            Value::Tuple(values) => values.iter().map(size).sum(),
            _ => 0,
        }
}

impl OpenCall {
    fn part(&self, slot: usize, absent: impl FnOnce() -> Value) -> Value {
        match &self.beside {
            Some(Value::Record(slots)) => slots.get(slot).cloned().unwrap_or_else(absent),
            _ => absent(),
        }
    }
}

/// The slots of what is recorded beside a result.
const INITIAL: usize = 0;
const TRAILING: usize = 1;
const ATTEMPTS: usize = 2;

// The order in which `Calls::settings` writes them.
const _: () = assert!(DEADLINE == 1 && COMPRESSION == 2 && KEY == 3);

/// What came beside a result, as it is recorded: initial metadata or headers, trailing metadata, attempts.
pub(crate) fn beside(
    protocol: Protocol,
    initial: &[(String, MetadataText)],
    trailing: &[(String, MetadataText)],
    attempts: u32,
) -> Value {
    let list = |entries: &[(String, MetadataText)]| {
        // A cookie that the server sets is a credential.
        let told = entries.iter().filter(|(name, _)| name != "set-cookie");
        Value::List(told.map(|(name, value)| entry(protocol, name, value)).collect())
    };
    Value::record([list(initial), list(trailing), Value::U32(attempts)])
}

/// The same before there is a response.
pub(crate) fn nothing_beside(protocol: Protocol) -> Value {
    beside(protocol, &Metadata::new(), &Metadata::new(), 0)
}

fn entry(protocol: Protocol, name: &str, value: &MetadataText) -> Value {
    let value = match (protocol, value) {
        (Protocol::Http, MetadataText::Ascii(text)) => Value::string(text.as_str()),
        // HTTP has no binary headers.
        (Protocol::Http, MetadataText::Binary(_)) => Value::string(""),
        (Protocol::Grpc, MetadataText::Ascii(text)) => {
            Value::case(MetadataValue::Ascii as u32, Value::string(text.as_str()))
        }
        (Protocol::Grpc, MetadataText::Binary(bytes)) => {
            Value::case(MetadataValue::Binary as u32, Value::Bytes(bytes.to_vec().into()))
        }
    };
    Value::tuple([Value::string(name), value])
}
