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
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: BTreeMap<u32, OpenCall>,
    next: u32,
}

/// One handle. Never the settings: they may be secret.
#[derive(Default)]
struct OpenCall {
    entries: Vec<Value>,
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
    /// A new handle. Handles are counted, so that one is the same in playback.
    pub(crate) fn insert(&mut self) -> u32 {
        let handle = self.next;
        self.next += 1;
        self.open.insert(handle, OpenCall::default());
        handle
    }

    pub(crate) fn drop_handle(&mut self, handle: u32) {
        self.open.remove(&handle);
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
    pub(crate) fn method(&mut self, handle: u32, part: CallPart, args: Vec<Value>) -> Option<Value> {
        let open = self.open.get_mut(&handle)?;
        let mut args = args.into_iter();
        match part {
            CallPart::AddMetadata | CallPart::AddHeader => {
                // One more than may be sent is kept, so that the call is refused; a guest must not fill the host's memory.
                if open.entries.len() <= CallSettings::MAX_ENTRIES {
                    open.entries.push(Value::Tuple(args.map(shortened).collect()));
                }
                None
            }
            CallPart::SetDeadline | CallPart::SetCompression | CallPart::SetIdempotencyKey => {
                let slot = match part {
                    CallPart::SetDeadline => &mut open.deadline,
                    CallPart::SetCompression => &mut open.compression,
                    _ => &mut open.key,
                };
                *slot = args.next();
                None
            }
            CallPart::Headers | CallPart::Initial => Some(open.part(INITIAL, || Value::list([]))),
            CallPart::Trailing => Some(open.part(TRAILING, || Value::list([]))),
            CallPart::Attempts => Some(open.part(ATTEMPTS, || Value::U32(0))),
            CallPart::New => None,
        }
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
