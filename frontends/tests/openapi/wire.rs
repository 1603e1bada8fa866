//! The calls of a package as text: what a reader checks against the document.

use std::fmt::Write as _;

use witwire_frontends::Compiled;
use witwire_ir::operation::http::{
    Body, BodyValue, HttpCall, OkShape, Outcome, Parameter, ParameterEncoding, ParameterValue, PathPart, Response,
    ResponseBody, StreamBody,
};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Object};
use witwire_ir::{Api, Call, Operation, Place, TypeId};

/// A few lines per function.
pub(super) fn describe(compiled: &Compiled) -> String {
    let mut out = String::new();
    for api in &compiled.apis {
        tables(&mut out, api);
        for (_, schema) in api.schemas.iter() {
            let _ = writeln!(out, "schema {}: {}", schema.pointer, schema.json);
        }
        for (_, operation) in api.operations.iter() {
            let Call::Http(call) = &operation.call else { continue };
            let interface = api.interfaces[operation.interface].name.as_str();
            let _ = writeln!(
                out,
                "{interface}.{}: {} {} [{}]",
                operation.name.as_str(),
                call.method,
                path(call),
                operation.class.name()
            );
            credentials(&mut out, api, operation);
            call.parameters.iter().for_each(|p| parameter(&mut out, p));
            call.body.iter().for_each(|b| body(&mut out, b));
            call.responses.iter().for_each(|r| response(&mut out, r));
            if let Some(pager) = &call.pager {
                let _ = writeln!(out, "  pages by {pager:?}");
            }
        }
    }
    out
}

/// The tables of nodes, and the lists that references mean.
fn tables(out: &mut String, api: &Api) {
    let name = |ty: TypeId| api.types[ty].name.as_ref().map_or("?", |n| n.name.as_str());
    for (id, ty) in api.types.iter() {
        match &ty.wire {
            Wire::Json(Json::Table(table)) => {
                let nodes: Vec<&str> = table.nodes.iter().map(|n| name(*n)).collect();
                let _ = writeln!(out, "{}: table of {}, root {}", name(id), nodes.join(", "), table.root);
            }
            Wire::Json(Json::Node { list }) => {
                let _ = writeln!(out, "{}: node of list {list}", name(id));
            }
            _ => {}
        }
    }
}

fn path(call: &HttpCall) -> String {
    let part = |part: &PathPart| match part {
        PathPart::Literal(text) => text.clone(),
        PathPart::Parameter(index) => format!("{{{}}}", call.parameters[usize::from(*index)].name),
    };
    let path: String = call.path.iter().map(part).collect();
    call.fixed_query.iter().fold(path, |path, query| format!("{path}?{query}"))
}

/// `1.0`: the first slot of the second argument.
fn place(place: &Place) -> String {
    place.slots.iter().fold(place.argument.to_string(), |out, slot| format!("{out}.{slot}"))
}

fn credentials(out: &mut String, api: &Api, operation: &Operation) {
    let auth = &operation.auth;
    if auth.alternatives.is_empty() {
        return;
    }
    let all = |schemes: &Vec<_>| schemes.iter().map(|s| api.schemes[*s].name.as_str()).collect::<Vec<_>>().join(" and ");
    let any: Vec<String> = auth.alternatives.iter().map(all).collect();
    let optional = if auth.optional { ", or none" } else { "" };
    let from = auth.guest.as_ref().map(|p| format!(" from {}", place(p))).unwrap_or_default();
    let _ = writeln!(out, "  auth {}{optional}{from}", any.join(", or "));
}

fn encoding(encoding: &ParameterEncoding) -> String {
    match encoding {
        ParameterEncoding::Style { style, explode, allow_reserved } => {
            let explode = if *explode { ", exploded" } else { "" };
            let reserved = if *allow_reserved { ", reserved allowed" } else { "" };
            format!("{style:?}{explode}{reserved}")
        }
        other => format!("{other:?}"),
    }
}

fn parameter(out: &mut String, parameter: &Parameter) {
    let from = match &parameter.value {
        ParameterValue::Argument { place: at, .. } => place(at),
        ParameterValue::Fixed(literal) => format!("{literal:?}"),
    };
    let Parameter { name, location, .. } = parameter;
    let _ = writeln!(out, "  {location:?} {name} ({}) from {from}", encoding(&parameter.encoding));
}

fn object(object: &Object) -> String {
    let mut out: Vec<String> = object.members.iter().map(|m| format!("{} {:?} .{}", m.key, m.presence, m.slot)).collect();
    out.extend(object.constants.iter().map(|(key, value)| format!("{key} = {value:?}")));
    out.extend(object.additional.map(|slot| format!("others .{slot}")));
    out.join(", ")
}

fn body(out: &mut String, body: &Body) {
    let from = match &body.value {
        BodyValue::Whole { place: at, .. } => place(at),
        BodyValue::Members { argument, object: members, checks, .. } => {
            let checks = if checks.is_empty() { String::new() } else { format!(" {checks:?}") };
            format!("{argument} {{ {} }}{checks}", object(members))
        }
        BodyValue::Fixed(literal) => format!("{literal:?}"),
    };
    let required = if body.required { "" } else { ", optional" };
    let choice = body.media_type_from.as_ref().map(|c| format!(", or by {}: {}", place(&c.place), c.media_types.join(" ")));
    let _ = writeln!(
        out,
        "  body {}{}{required} ({:?}) from {from}",
        body.media_type,
        choice.unwrap_or_default(),
        body.encoding
    );
}

fn response_body(body: &ResponseBody) -> String {
    let unwrap = body.unwrap.as_ref().map(|u| format!(", member {}{}", u.key, if u.required { "" } else { "?" }));
    format!("{} as {:?}{}", body.media_type, body.encoding, unwrap.unwrap_or_default())
}

fn response(out: &mut String, response: &Response) {
    let what = match &response.outcome {
        Outcome::Error { body: None } => "error".to_owned(),
        Outcome::Error { body: Some(body) } => {
            let case = body.case.map(|c| format!(", case {c}")).unwrap_or_default();
            format!("error with {}{case}", response_body(&body.body))
        }
        Outcome::Ok { case, shape } => {
            let case = case.map(|c| format!(" case {c}")).unwrap_or_default();
            let shape = match shape {
                OkShape::None => String::new(),
                OkShape::Stream(StreamBody { media_type, framing, item, end, .. }) => {
                    let end = end.as_ref().map(|end| format!(", up to `{end}`")).unwrap_or_default();
                    format!(" {media_type}, {framing:?} as {item:?}{end}")
                }
                OkShape::Body(body) => format!(" {}", response_body(body)),
                OkShape::Record { body, headers, .. } => {
                    let body = body.as_ref().map(|(slot, b)| format!(" .{slot} {}", response_body(b))).unwrap_or_default();
                    headers.iter().fold(body, |out, h| format!("{out} .{} {}", h.slot, h.name))
                }
            };
            format!("ok{case}{shape}")
        }
    };
    let _ = writeln!(out, "  {:?} → {what}", response.status);
}
