//! Protobuf sources with every name resolved and every feature decided.

use witwire_ir::wire::proto::Scalar;
use witwire_ir::{Arena, Id};

use crate::Location;

use super::well_known::{WellKnown, well_known};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) struct $name(usize);
        impl Id for $name {
            fn new(index: usize) -> Self {
                Self(index)
            }
            fn index(self) -> usize {
                self.0
            }
        }
    )*};
}

ids! {
    /// A message of a [`Model`].
    MessageId
    /// An enum of a [`Model`].
    EnumId
    /// A service of a [`Model`].
    ServiceId
}

/// All sources of one compilation.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// In source order: files as in the descriptor set, nested messages behind their parents.
    pub(super) messages: Arena<MessageId, Message>,
    /// Likewise.
    pub(super) enums: Arena<EnumId, Enum>,
    /// Likewise.
    pub(super) services: Arena<ServiceId, Service>,
    /// Messages that an `Any` holds as themselves.
    pub(super) any: Vec<MessageId>,
}

/// What all elements have.
#[derive(Debug, Clone)]
pub(super) struct Element {
    /// `core.todo.v1.Todo`, without a leading dot. For enum values that of the enum goes before.
    pub(super) full_name: String,
    /// Where it is declared.
    pub(super) at: Location,
    /// Its comment, if there is one.
    pub(super) docs: Option<String>,
    pub(super) deprecated: bool,
}

/// Where an element stands among packages and files.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The protobuf package; may be empty.
    pub(super) package: String,
    /// Simple names from the outermost message to the element.
    pub(super) path: Vec<String>,
    /// Whether its file was given, not only imported.
    pub(super) in_root: bool,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) element: Element,
    pub(super) home: Home,
    /// In field-number order.
    pub(super) fields: Vec<Field>,
    pub(super) oneofs: Vec<Oneof>,
    /// `(buf.validate.message)`, encoded.
    pub(super) rules: Option<Vec<u8>>,
    /// The entry of a `map` field.
    pub(super) map_entry: bool,
    /// Names of extension fields that the sources declare for it and that are no fields here.
    pub(super) extensions: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Oneof {
    pub(super) element: Element,
    /// `(buf.validate.oneof)`, encoded.
    pub(super) rules: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) element: Element,
    /// The simple name.
    pub(super) name: String,
    /// 1 to 2²⁹ − 1.
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) cardinality: Cardinality,
    /// A group or an editions `DELIMITED` message.
    pub(super) group: bool,
    /// The oneof, an index into [`Message::oneofs`]; `None` for a synthetic one.
    pub(super) oneof: Option<usize>,
    /// `(google.api.field_behavior) = REQUIRED`
    pub(super) behavior_required: bool,
    /// `(buf.validate.field)`, encoded.
    pub(super) rules: Option<Vec<u8>>,
    /// The name in JSON, where it is not the one that follows from the field's.
    pub(super) json_name: Option<String>,
    /// The default of proto2 and editions, as the source writes it.
    pub(super) default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Scalar),
    Enum(EnumId),
    Message(MessageId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cardinality {
    /// Absent is zero.
    Implicit,
    /// Absent is absent.
    Explicit,
    /// proto2 `required`.
    Required,
    Repeated {
        packed: bool,
    },
    /// The kind is the entry message.
    Map,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) element: Element,
    pub(super) home: Home,
    /// At least one, in source order, aliases removed.
    pub(super) values: Vec<EnumValue>,
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) struct EnumValue {
    pub(super) element: Element,
    pub(super) name: String,
    pub(super) number: i32,
}

#[derive(Debug)]
pub(super) struct Service {
    pub(super) element: Element,
    pub(super) home: Home,
    /// The simple name.
    pub(super) name: String,
    pub(super) methods: Vec<Method>,
}

#[derive(Debug)]
pub(super) struct Method {
    pub(super) element: Element,
    /// The simple name.
    pub(super) name: String,
    /// `core.todo.v1.TodoService/TodoAdd`
    pub(super) path: String,
    pub(super) input: MessageId,
    pub(super) output: MessageId,
    pub(super) client_streaming: bool,
    pub(super) server_streaming: bool,
    pub(super) idempotency: Idempotency,
    /// `(google.api.http)`: `GET /v1/{name}`.
    pub(super) http: Option<String>,
}

/// `option idempotency_level`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotency {
    Unknown,
    NoSideEffects,
    Idempotent,
}

impl Model {
    /// Whether a message has no fields on the wire that we know.
    pub(super) fn is_empty(&self, message: MessageId) -> bool {
        self.messages[message].fields.is_empty()
    }

    /// Key and value of a map entry.
    pub(super) fn map_entry(&self, entry: MessageId) -> Option<(&Field, &Field)> {
        match &self.messages[entry].fields[..] {
            [key, value] if key.number == 1 && value.number == 2 => Some((key, value)),
            _ => None,
        }
    }

    /// What a message holds because it is an `Any`.
    pub(super) fn held_by_any(&self, message: MessageId) -> &[MessageId] {
        let is_any = well_known(&self.messages[message].element.full_name) == Some(WellKnown::Any);
        if is_any { &self.any } else { &[] }
    }

    /// The message with a full name.
    pub(super) fn find(&self, full_name: &str) -> Option<MessageId> {
        self.messages.iter().find(|(_, m)| m.element.full_name == full_name).map(|(id, _)| id)
    }

    /// The kind of a field's values: that of the map's values for a map.
    pub(super) fn value_kind(&self, field: &Field) -> Kind {
        match (field.cardinality, field.kind) {
            (Cardinality::Map, Kind::Message(entry)) => self.map_entry(entry).map_or(field.kind, |(_, value)| value.kind),
            _ => field.kind,
        }
    }
}
