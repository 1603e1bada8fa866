//! `resource call`: what a guest says of one call, and what came beside its result. Only with `calls: explicit`.
//!
//! A guest passes a borrowed handle as the last argument. As a [`Value`](crate::Value) the argument is the record of settings that the
//! handle stands for, so that it is checked, recorded and written as text like any other argument.

use super::{Builder, name};
use crate::api::{Api, Protocol};
use crate::id::{InterfaceId, TypeId};
use crate::name::WitName;
use crate::operation::Operation;
use crate::types::{CallMethod, CallPart, CallResource, Field, Label, Param, Shape};

/// Names that these types take in the interface `types` before any name of a specification.
pub const NAMES: &[&str] = &["call", "compression"];

/// Slot of the entries in the record of settings: metadata (gRPC), headers (HTTP). A list of names and values.
pub const ENTRIES: usize = 0;
/// Slot of `deadline`: `option<u64>`, milliseconds.
pub const DEADLINE: usize = 1;
/// Slot of `compression`: `option<compression>`.
pub const COMPRESSION: usize = 2;
/// Slot of `idempotency-key`: `option<string>`.
pub const KEY: usize = 3;
/// How many slots there are.
pub const SLOTS: usize = 4;

/// Cases of `enum compression`; the discriminant is the case index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Compression {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// All, in the order of the cases.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Gzip, Self::Zstd];

    /// The case's name, which is the coding's in headers too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What a protocol calls the entries.
pub const fn entries(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "headers",
        Protocol::Grpc => "metadata",
    }
}

/// Gives every operation a last parameter `call: option<borrow<call>>`, and adds the resource to the interface that declares the host's
/// `error`, which must be there before; else nothing is done.
pub fn declare(api: &mut Api) {
    let Some(interface) = api.host.as_ref().and_then(|host| api.types[host.error].name.as_ref()).map(|n| n.interface) else {
        return;
    };
    let Some(entries_type) = entries_type(api) else { return };
    let protocol = api.protocol;
    let enum_name = free(api, interface, NAMES[1], None);
    let resource_name = free(api, interface, NAMES[0], None);
    let mut b = Builder { api, interface };
    let string = b.inline(Shape::String);
    let u32_ = b.inline(Shape::U32);
    let u64_ = b.inline(Shape::U64);
    let labels = Compression::ALL.map(|c| Label { name: name(c.name()), docs: None }).to_vec();
    let compression = b.declare(enum_name.as_str(), Some("How what is sent is compressed."), Shape::Enum(labels));
    let mut option = |ty| b.inline(Shape::Option(ty));
    let (deadline, coding, key) = (option(u64_), option(compression), option(string));
    let field = |text, ty| Field { name: name(text), ty, docs: None };
    let settings = b.inline(Shape::Record(vec![
        field(entries(protocol), entries_type),
        field("deadline", deadline),
        field("compression", coding),
        field("idempotency-key", key),
    ]));
    let value = pair(b.api, entries_type).unwrap_or(string);
    let mut method = |part: CallPart, params: &[(&str, TypeId)], result, docs: &str| CallMethod {
        part,
        params: params.iter().map(|(text, ty)| Param { name: name(text), ty: *ty }).collect(),
        result,
        docs: Some(b.api.texts.push(docs)),
    };
    let mut methods = vec![method(CallPart::New, &[], None, "A call as the deployment says.")];
    let (add, deadline_docs) = match protocol {
        Protocol::Http => (
            method(
                CallPart::AddHeader,
                &[("name", string), ("value", string)],
                None,
                "Sends a header beside those of the API.",
            ),
            "The whole call may take so many milliseconds, repetitions included; at least 1.",
        ),
        Protocol::Grpc => (
            method(
                CallPart::AddMetadata,
                &[("key", string), ("value", value)],
                None,
                "Sends metadata; binary where the key ends in `-bin`.",
            ),
            "The whole call may take so many milliseconds, repetitions included; at least 1. A stream may, from its opening to its end.",
        ),
    };
    methods.push(add);
    methods.push(method(CallPart::SetDeadline, &[("milliseconds", u64_)], None, deadline_docs));
    let docs = match protocol {
        Protocol::Http => "Compresses the request's body.",
        Protocol::Grpc => {
            "Compresses the messages of the request. On an open stream `identity` leaves later messages as they are, and anything else \
             compresses them as it was opened."
        }
    };
    methods.push(method(CallPart::SetCompression, &[("compression", compression)], None, docs));
    let docs = "Sends this idempotency key in place of the host's own.";
    methods.push(method(CallPart::SetIdempotencyKey, &[("key", string)], None, docs));
    match protocol {
        Protocol::Http => {
            let docs = "The headers of the last response; names in lower case.";
            methods.push(method(CallPart::Headers, &[], Some(entries_type), docs));
        }
        Protocol::Grpc => {
            let docs = "The initial metadata of the last response; of a stream, once its first message or its end has come.";
            methods.push(method(CallPart::Initial, &[], Some(entries_type), docs));
            let docs = "The trailing metadata of the last response; of a stream, once it has ended.";
            methods.push(method(CallPart::Trailing, &[], Some(entries_type), docs));
        }
    }
    methods.push(method(CallPart::Attempts, &[], Some(u32_), "How often the last call was sent or tried to be."));
    let docs = "Settings of a call, and afterwards what came beside its result.";
    let resource = b.declare(resource_name.as_str(), Some(docs), Shape::Call(CallResource { settings, methods }));
    let argument = b.inline(Shape::Option(resource));
    parameters(api, interface, resource, argument);
}

fn parameters(api: &mut Api, interface: InterfaceId, resource: TypeId, argument: TypeId) {
    for (_, operation) in api.operations.iter_mut() {
        let name = free_parameter(operation);
        operation.params.push(Param { name, ty: argument });
    }
    let Some(own) = api.types[resource].name.clone() else { return };
    for user in api.interfaces.ids().collect::<Vec<_>>() {
        if user == interface || api.interfaces[user].operations.is_empty() {
            continue;
        }
        let known = free(api, user, own.name.as_str(), Some(resource));
        if known != own.name {
            api.interfaces[user].renames.push((resource, known));
        }
    }
}

/// The list of names and values that the protocol's `error` has.
fn entries_type(api: &Api) -> Option<TypeId> {
    let Shape::Record(fields) = api.shape(api.host.as_ref()?.error) else { return None };
    // Trailers over gRPC, headers over HTTP: the last field.
    fields.last().map(|field| field.ty)
}

/// The value's type of a list of pairs.
fn pair(api: &Api, list: TypeId) -> Option<TypeId> {
    let Shape::List(item) = api.shape(list) else { return None };
    let Shape::Tuple(types) = api.shape(*item) else { return None };
    types.get(1).copied()
}

/// A name that nothing else in the interface has than the type itself, the wanted one if that is free.
fn free(api: &Api, interface: InterfaceId, wanted: &str, itself: Option<TypeId>) -> WitName {
    let scope = &api.interfaces[interface];
    let mut taken: Vec<String> =
        scope.types.iter().filter_map(|ty| api.types[*ty].name.as_ref()).map(|n| n.name.collision_key()).collect();
    taken.extend(scope.operations.iter().map(|o| api.operations[*o].name.collision_key()));
    for ty in crate::print::mentioned(api, interface).into_iter().filter(|ty| Some(*ty) != itself) {
        let renamed = scope.renames.iter().find(|(id, _)| *id == ty).map(|(_, name)| name);
        let own = api.types[ty].name.as_ref().filter(|n| n.interface != interface).map(|n| &n.name);
        taken.extend(renamed.or(own).map(WitName::collision_key));
    }
    first_free(wanted, &taken)
}

fn free_parameter(operation: &Operation) -> WitName {
    let taken: Vec<_> = operation.params.iter().map(|p| p.name.collision_key()).collect();
    first_free(NAMES[0], &taken)
}

fn first_free(wanted: &str, taken: &[String]) -> WitName {
    let suffixed = (2..).map(|n| name(&format!("{wanted}-x{n}")));
    let candidates = [name(wanted), name(&format!("{wanted}-resource"))].into_iter().chain(suffixed);
    let mut free = candidates.filter(|name| !taken.contains(&name.collision_key()));
    // There are more candidates than names that are taken.
    free.next().unwrap_or_else(|| name(wanted))
}

impl Api {
    /// The position of the argument with the call's own settings: the last one of every operation, with `calls: explicit`.
    pub fn settings(&self, operation: &Operation) -> Option<usize> {
        let last = operation.params.len().checked_sub(1)?;
        self.call_resource(operation.params[last].ty).map(|_| last)
    }

    /// The resource `call` behind a parameter's type, and its own type.
    pub fn call_resource(&self, parameter: TypeId) -> Option<(TypeId, &CallResource)> {
        let Shape::Option(inner) = self.types[parameter].shape else { return None };
        match &self.types[inner].shape {
            Shape::Call(resource) => Some((inner, resource)),
            _ => None,
        }
    }
}

/// Whether a resource is as [`declare`] makes it.
pub(crate) fn is_sound(api: &Api, resource: &CallResource) -> bool {
    let Shape::Record(fields) = &api.types[resource.settings].shape else { return false };
    let shape = |ty: TypeId| api.shape(ty);
    let optional = |slot: usize| {
        fields.get(slot).map(|f| shape(f.ty)).and_then(|s| if let Shape::Option(t) = s { Some(*t) } else { None })
    };
    let Some(entries) = fields.first().map(|f| f.ty).filter(|_| fields.len() == SLOTS) else { return false };
    let Some(value) = pair(api, entries) else { return false };
    let Shape::List(item) = shape(entries) else { return false };
    let Shape::Tuple(types) = shape(*item) else { return false };
    let value_fits = match (api.protocol, shape(value)) {
        (Protocol::Http, Shape::String) => true,
        (Protocol::Grpc, Shape::Variant(cases)) => {
            matches!(&cases[..], [ascii, binary]
                if ascii.ty.is_some_and(|t| matches!(shape(t), Shape::String)) && binary.ty.is_some_and(|t| matches!(shape(t), Shape::Bytes)))
        }
        _ => false,
    };
    let compression = optional(COMPRESSION);
    let settings = types.len() == 2
        && matches!(shape(types[0]), Shape::String)
        && value_fits
        && optional(DEADLINE).is_some_and(|t| matches!(shape(t), Shape::U64))
        && compression.is_some_and(|t| matches!(shape(t), Shape::Enum(labels) if labels.len() == Compression::ALL.len()))
        && optional(KEY).is_some_and(|t| matches!(shape(t), Shape::String));
    let is = |ty: TypeId, of: TypeId| api.resolve(ty) == api.resolve(of);
    let methods = resource.methods.iter().all(|method| {
        let params: Vec<TypeId> = method.params.iter().map(|p| p.ty).collect();
        match (method.part, &params[..], method.result) {
            (CallPart::New, [], None) => true,
            (CallPart::AddMetadata | CallPart::AddHeader, [key, of], None) => {
                matches!(shape(*key), Shape::String) && same_value(api, *of, value)
            }
            (CallPart::SetDeadline, [milliseconds], None) => matches!(shape(*milliseconds), Shape::U64),
            (CallPart::SetCompression, [coding], None) => compression.is_some_and(|known| is(*coding, known)),
            (CallPart::SetIdempotencyKey, [key], None) => matches!(shape(*key), Shape::String),
            (CallPart::Headers | CallPart::Initial | CallPart::Trailing, [], Some(list)) => is(list, entries),
            (CallPart::Attempts, [], Some(count)) => matches!(shape(count), Shape::U32),
            _ => false,
        }
    });
    settings && methods
}

fn same_value(api: &Api, ty: TypeId, value: TypeId) -> bool {
    api.resolve(ty) == api.resolve(value) || matches!((api.shape(ty), api.shape(value)), (Shape::String, Shape::String))
}
