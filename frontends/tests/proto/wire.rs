//! The wire maps of a package as text: what a reader checks against the `.proto`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use witwire_frontends::Compiled;
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field};
use witwire_ir::{Api, Shape, TypeId};

/// One line per message, enum, table and method.
pub(super) fn describe(compiled: &Compiled) -> String {
    compiled.apis.iter().map(describe_api).collect()
}

/// The same as a set of lines.
pub(super) fn lines(api: &Api) -> BTreeSet<String> {
    describe_api(api).lines().map(str::to_owned).collect()
}

/// Full message name → its fields, with types only by kind.
pub(super) fn fields(api: &Api) -> BTreeMap<String, Vec<String>> {
    let messages = api.types.iter().filter_map(|(_, ty)| match &ty.wire {
        Wire::Message(message) => Some(message),
        _ => None,
    });
    let anonymous = |f: &Field| {
        let text = format!("{f:?}");
        let mut parts = text.split("TypeId(");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |out, part| out + part.split_once(')').map_or("", |(_, rest)| rest))
    };
    messages.map(|m| (m.full_name.clone(), m.fields.iter().map(anonymous).collect())).collect()
}

fn describe_api(api: &Api) -> String {
    let mut out = String::new();
    for interface in api.interfaces.iter().map(|(_, i)| i) {
        for &ty in &interface.types {
            describe_type(&mut out, api, ty);
        }
    }
    for (_, operation) in api.operations.iter() {
        let _ = writeln!(out, "{}: {:?}", operation.source_name(), operation.class);
    }
    out
}

fn describe_type(out: &mut String, api: &Api, id: TypeId) {
    let ty = &api.types[id];
    let name = ty.name.as_ref().map_or("?", |n| n.name.as_str());
    let checks = if ty.checks.is_empty() { String::new() } else { format!(" {:?}", ty.checks) };
    match &ty.wire {
        Wire::Message(message) => {
            let fields: Vec<String> = message.fields.iter().map(|f| field(api, f)).collect();
            let _ = writeln!(out, "{name} = {}{checks}: {}", message.full_name, fields.join(", "));
            if let Shape::Record(shape) = &ty.shape {
                assert_eq!(shape.len(), message.fields.len(), "{name}");
            }
        }
        Wire::ProtoEnum(e) => {
            let closed = if e.closed { "closed" } else { "open" };
            let _ = writeln!(out, "{name} = {}: {closed} {:?}, default {}", e.full_name, e.numbers, e.default);
        }
        Wire::AnyOf(any) => {
            let known: Vec<&str> = any.known.iter().map(|k| &k.full_name[..]).collect();
            let _ = writeln!(out, "{name} = google.protobuf.Any of {}", known.join(", "));
        }
        Wire::Table(table) => {
            let nodes: Vec<&str> = table.nodes.iter().map(|n| type_name(api, *n)).collect();
            let _ = writeln!(out, "{name}: table of {}, root {}", nodes.join(", "), table.root);
        }
        Wire::Plain | Wire::Json(_) => {}
    }
}

fn field(api: &Api, field: &Field) -> String {
    match field {
        Field::Singular { number, name, codec: c, presence } => {
            format!("{number} {name} {} {}", codec(api, c), format!("{presence:?}").to_lowercase())
        }
        Field::Repeated { number, name, codec: c, packed } => {
            format!("{number} {name} {} {}", codec(api, c), if *packed { "packed" } else { "repeated" })
        }
        Field::Map { number, name, key, value } => {
            format!("{number} {name} map {} to {}", format!("{key:?}").to_lowercase(), codec(api, value))
        }
        Field::Oneof { name, cases } => {
            let cases: Vec<String> =
                cases.iter().map(|c| format!("{} {} {}", c.number, c.name, codec(api, &c.codec))).collect();
            format!("oneof {name} ({})", cases.join(", "))
        }
        Field::Unknown => "unknown fields".to_owned(),
        Field::EmptyFlag { number, name, group } => format!("{number} {name} empty{}", group_mark(*group)),
        Field::EmptyCount { number, name, group } => format!("{number} {name} empty repeated{}", group_mark(*group)),
    }
}

fn group_mark(group: bool) -> &'static str {
    if group { " group" } else { "" }
}

fn codec(api: &Api, codec: &Codec) -> String {
    match codec {
        Codec::Scalar(s) => format!("{s:?}").to_lowercase(),
        Codec::Null => "null".to_owned(),
        Codec::Any(ty) | Codec::Enum(ty) | Codec::Message(ty) => type_name(api, *ty).to_owned(),
        Codec::Group(ty) => format!("group {}", type_name(api, *ty)),
        Codec::Node { list, group } => format!("node {list}{}", group_mark(*group)),
        Codec::Empty => "empty".to_owned(),
        Codec::Wrapper(s) => format!("wrapper {}", format!("{s:?}").to_lowercase()),
        Codec::FieldMask => "field-mask".to_owned(),
    }
}

fn type_name(api: &Api, ty: TypeId) -> &str {
    api.types[ty].name.as_ref().map_or("?", |n| n.name.as_str())
}
