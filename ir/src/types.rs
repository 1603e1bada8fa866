//! The type arena's items: each type carries its WIT shape and its wire map.

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::id::{InterfaceId, OperationId, TextId, TypeId};
use crate::name::WitName;
use crate::wire::Wire;

/// One type: what the guest sees (`shape`), how it travels (`wire`), and what must hold before it is sent (`checks`).
///
/// Two types may print alike and travel differently: a `list<u8>` that is base64 in JSON and one that is a raw body are two
/// entries of the arena.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Type {
    /// Where it is declared; `None` for a type written in place (`list<u32>`, `option<todo>`).
    pub name: Option<TypeName>,
    /// The WIT shape.
    pub shape: Shape,
    /// The wire map of the API's protocol.
    pub wire: Wire,
    /// Rules checked before a value is sent; each speaks of this value only (children carry their own).
    pub checks: Vec<Check>,
    /// Documentation printed above the declaration.
    pub docs: Option<TextId>,
    /// Where it comes from: a JSON pointer (`todo.yaml#/components/schemas/Todo`) or a full protobuf name.
    pub source: Option<TextId>,
}

impl Type {
    /// A type written in place that travels as its shape says.
    pub fn plain(shape: Shape) -> Self {
        Self { name: None, shape, wire: Wire::Plain, checks: Vec::new(), docs: None, source: None }
    }

    /// A type written in place with a wire map.
    pub fn with_wire(shape: Shape, wire: Wire) -> Self {
        Self { wire, ..Self::plain(shape) }
    }
}

/// The interface that declares a type, and its name there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TypeName {
    /// The declaring interface.
    pub interface: InterfaceId,
    /// The name in that interface.
    pub name: WitName,
}

/// The WIT shape of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `s8`
    S8,
    /// `s16`
    S16,
    /// `s32`
    S32,
    /// `s64`
    S64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// `string`
    String,
    /// `list<u8>`, held as bytes.
    Bytes,
    /// `list<t>`; never of `u8`, which is [`Shape::Bytes`].
    List(TypeId),
    /// `option<t>`
    Option(TypeId),
    /// `tuple<…>`, at least one element.
    Tuple(Vec<TypeId>),
    /// `result<ok, err>`
    Result {
        /// The payload of `ok`.
        ok: Option<TypeId>,
        /// The payload of `err`.
        err: Option<TypeId>,
    },
    /// `record`, at least one field. Named.
    Record(Vec<Field>),
    /// `variant`, at least one case. Named.
    Variant(Vec<Case>),
    /// `enum`, at least one case. Named.
    Enum(Vec<Label>),
    /// `flags`, 1 to 32. Named.
    Flags(Vec<Label>),
    /// `type x = …`: values are those of the target. Named.
    Alias(TypeId),
    /// A stream of calls. Named.
    Resource(Resource),
    /// Settings of one call, and what came beside its result (see [`crate::host::call`]). Named; stands only in an option that is the last
    /// parameter of operations, where WIT has `option<borrow<…>>`. Values are those of the settings.
    Call(CallResource),
}

impl Shape {
    /// The types that this one is made of, in order. A resource's parts are what its methods take and give.
    pub fn parts(&self) -> impl Iterator<Item = TypeId> {
        let (one, two, list): (Option<TypeId>, Option<TypeId>, Vec<TypeId>) = match self {
            Self::List(t) | Self::Option(t) | Self::Alias(t) => (Some(*t), None, Vec::new()),
            Self::Result { ok, err } => (*ok, *err, Vec::new()),
            Self::Tuple(types) => (None, None, types.clone()),
            Self::Record(fields) => (None, None, fields.iter().map(|f| f.ty).collect()),
            Self::Variant(cases) => (None, None, cases.iter().filter_map(|c| c.ty).collect()),
            Self::Resource(resource) => (None, None, resource.parts().collect()),
            Self::Call(call) => (Some(call.settings), None, call.parts().collect()),
            _ => (None, None, Vec::new()),
        };
        one.into_iter().chain(two).chain(list)
    }

    /// Whether WIT can write the type only as a declaration with a name.
    pub const fn needs_name(&self) -> bool {
        matches!(
            self,
            Self::Record(_)
                | Self::Variant(_)
                | Self::Enum(_)
                | Self::Flags(_)
                | Self::Alias(_)
                | Self::Resource(_)
                | Self::Call(_)
        )
    }
}

/// A field of a record; its position is its slot in [`crate::Value::Record`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Unique in the record.
    pub name: WitName,
    /// The field's type.
    pub ty: TypeId,
    /// Documentation.
    pub docs: Option<TextId>,
}

/// A case of a variant; its position is the index in [`crate::Value::Variant`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Unique in the variant.
    pub name: WitName,
    /// The payload.
    pub ty: Option<TypeId>,
    /// Documentation.
    pub docs: Option<TextId>,
}

/// A case of an enum or a flag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// Unique in its type.
    pub name: WitName,
    /// Documentation.
    pub docs: Option<TextId>,
}

/// A resource that stands for an open streaming call. Dropping it cancels the call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// The operation that opens it.
    pub operation: OperationId,
    /// What a guest can do with it.
    pub methods: Vec<Method>,
}

impl Resource {
    /// The types that the methods take and give.
    pub fn parts(&self) -> impl Iterator<Item = TypeId> {
        self.methods.iter().flat_map(|m| m.params.iter().map(|p| p.ty).chain(m.result))
    }
}

/// A method of a [`Resource`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// The step that it takes, which gives its name too.
    pub step: Step,
    /// Parameters after `self`.
    pub params: Vec<Param>,
    /// The result, if there is one.
    pub result: Option<TypeId>,
    /// Documentation.
    pub docs: Option<TextId>,
}

/// One step of a stream. The method's WIT name is [`Step::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// The next item; `none` at the end.
    Next,
    /// Up to `max` items that have arrived; at least one unless the stream ended.
    NextBatch,
    /// Sends one item.
    Send,
    /// Ends the sending side and waits for the response (client streaming).
    Finish,
    /// Ends the sending side (bidirectional streaming).
    CloseSend,
    /// Gives the call up.
    Cancel,
}

impl Step {
    /// The method's name in WIT.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::NextBatch => "next-batch",
            Self::Send => "send",
            Self::Finish => "finish",
            Self::CloseSend => "close-send",
            Self::Cancel => "cancel",
        }
    }
}

/// The resource with which a guest speaks of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallResource {
    /// The record of settings that a handle stands for. It has no name, as WIT does not show it.
    pub settings: TypeId,
    /// What a guest can do with it.
    pub methods: Vec<CallMethod>,
}

impl CallResource {
    /// The types that the methods take and give.
    pub fn parts(&self) -> impl Iterator<Item = TypeId> {
        self.methods.iter().flat_map(|m| m.params.iter().map(|p| p.ty).chain(m.result))
    }
}

/// A method of a [`CallResource`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallMethod {
    /// What it does, which gives its name too.
    pub part: CallPart,
    /// Parameters after `self`.
    pub params: Vec<Param>,
    /// The result, if there is one. A constructor's is not written.
    pub result: Option<TypeId>,
    /// Documentation.
    pub docs: Option<TextId>,
}

/// What a method of a [`CallResource`] does. Its WIT name is [`CallPart::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallPart {
    /// The constructor.
    New,
    /// Sends metadata (gRPC).
    AddMetadata,
    /// Sends a header (HTTP).
    AddHeader,
    /// How long the call may take.
    SetDeadline,
    /// How what is sent is compressed.
    SetCompression,
    /// The idempotency key.
    SetIdempotencyKey,
    /// The last response's headers (HTTP).
    Headers,
    /// The last response's initial metadata (gRPC).
    Initial,
    /// The last response's trailing metadata (gRPC).
    Trailing,
    /// How often the last call was tried.
    Attempts,
}

impl CallPart {
    /// The method's name in WIT.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "constructor",
            Self::AddMetadata => "add-metadata",
            Self::AddHeader => "add-header",
            Self::SetDeadline => "set-deadline",
            Self::SetCompression => "set-compression",
            Self::SetIdempotencyKey => "set-idempotency-key",
            Self::Headers => "headers",
            Self::Initial => "initial",
            Self::Trailing => "trailing",
            Self::Attempts => "attempts",
        }
    }
}

/// A parameter of a function or method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Unique in the function.
    pub name: WitName,
    /// The parameter's type.
    pub ty: TypeId,
}
