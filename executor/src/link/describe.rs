//! Types as short WIT text, from both sides, so that a mismatch can be read.

use wasmtime::component::Type;
use witwire_ir::{Api, Shape, TypeId};

/// Deeper types are `…`: a message is to be read.
const DEPTH: usize = 3;
/// More members are `…`.
const MEMBERS: usize = 4;

/// A type of an API.
pub(super) fn api_type(api: &Api, ty: TypeId) -> String {
    describe_api(api, ty, DEPTH)
}

fn describe_api(api: &Api, ty: TypeId, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    let of = |ty: TypeId| describe_api(api, ty, depth);
    let optional = |ty: &Option<TypeId>| ty.map(of);
    match api.shape(ty) {
        Shape::Bool => "bool".to_owned(),
        Shape::U8 => "u8".to_owned(),
        Shape::U16 => "u16".to_owned(),
        Shape::U32 => "u32".to_owned(),
        Shape::U64 => "u64".to_owned(),
        Shape::S8 => "s8".to_owned(),
        Shape::S16 => "s16".to_owned(),
        Shape::S32 => "s32".to_owned(),
        Shape::S64 => "s64".to_owned(),
        Shape::F32 => "f32".to_owned(),
        Shape::F64 => "f64".to_owned(),
        Shape::Char => "char".to_owned(),
        Shape::String => "string".to_owned(),
        Shape::Bytes => "list<u8>".to_owned(),
        Shape::List(item) => format!("list<{}>", of(*item)),
        Shape::Option(some) => format!("option<{}>", of(*some)),
        Shape::Tuple(items) => generic("tuple", items.iter().map(|t| of(*t))),
        Shape::Result { ok, err } => result(optional(ok), optional(err)),
        Shape::Record(fields) => braced("record", fields.iter().map(|f| format!("{}: {}", f.name, of(f.ty)))),
        Shape::Variant(cases) => {
            braced("variant", cases.iter().map(|c| with_payload(&c.name.to_string(), c.ty.map(of).as_deref())))
        }
        Shape::Enum(labels) => braced("enum", labels.iter().map(|l| l.name.to_string())),
        Shape::Flags(labels) => braced("flags", labels.iter().map(|l| l.name.to_string())),
        Shape::Resource(_) => "resource".to_owned(),
        // `Api::shape` looks through these.
        Shape::Call(_) | Shape::Alias(_) => "type".to_owned(),
    }
}

/// A type of a component.
pub(super) fn component_type(ty: &Type) -> String {
    describe_component(ty, DEPTH)
}

fn describe_component(ty: &Type, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return "…".to_owned() };
    let of = |ty: &Type| describe_component(ty, depth);
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) => format!("list<{}>", of(&list.ty())),
        Type::FixedLengthList(list) => format!("list<{}, {}>", of(&list.ty()), list.len()),
        Type::Map(map) => format!("map<{}, {}>", of(&map.key()), of(&map.value())),
        Type::Option(some) => format!("option<{}>", of(&some.ty())),
        Type::Tuple(tuple) => generic("tuple", tuple.types().map(|t| of(&t))),
        Type::Result(r) => result(r.ok().as_ref().map(of), r.err().as_ref().map(of)),
        Type::Record(record) => braced("record", record.fields().map(|f| format!("{}: {}", f.name, of(&f.ty)))),
        Type::Variant(variant) => {
            braced("variant", variant.cases().map(|c| with_payload(c.name, c.ty.as_ref().map(of).as_deref())))
        }
        Type::Enum(labels) => braced("enum", labels.names().map(ToOwned::to_owned)),
        Type::Flags(labels) => braced("flags", labels.names().map(ToOwned::to_owned)),
        Type::Own(_) => "resource".to_owned(),
        Type::Borrow(_) => "borrow<resource>".to_owned(),
        Type::Future(_) => "future".to_owned(),
        Type::Stream(_) => "stream".to_owned(),
        Type::ErrorContext => "error-context".to_owned(),
    }
}

fn with_payload(name: &str, payload: Option<&str>) -> String {
    payload.map_or_else(|| name.to_owned(), |payload| format!("{name}({payload})"))
}

fn result(ok: Option<String>, err: Option<String>) -> String {
    match (ok, err) {
        (None, None) => "result".to_owned(),
        (Some(ok), None) => format!("result<{ok}>"),
        (ok, Some(err)) => format!("result<{}, {err}>", ok.as_deref().unwrap_or("_")),
    }
}

fn generic(keyword: &str, items: impl Iterator<Item = String>) -> String {
    format!("{keyword}<{}>", some_of(items))
}

fn braced(keyword: &str, items: impl Iterator<Item = String>) -> String {
    format!("{keyword} {{ {} }}", some_of(items))
}

fn some_of(mut items: impl Iterator<Item = String>) -> String {
    let mut shown: Vec<String> = items.by_ref().take(MEMBERS).collect();
    if items.next().is_some() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
