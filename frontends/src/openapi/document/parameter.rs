//! Parameters.

use witwire_ir::operation::http::{Location, ParameterEncoding, Style};

use super::body::{Media, media};
use super::path::PathKey;
use crate::Code;
use crate::openapi::context::Context;
use crate::openapi::tree::NodeId;

/// A parameter of an operation.
#[derive(Debug)]
pub(crate) struct ParameterView {
    /// The name on the wire.
    pub(crate) name: String,
    /// Where it is sent.
    pub(crate) location: Location,
    /// Whether it must be sent.
    pub(crate) required: bool,
    /// How it is written.
    pub(crate) encoding: ParameterEncoding,
    /// What it is.
    pub(crate) schema: ParameterSchema,
    /// The parameter object; the operation where none declares a parameter of the path.
    pub(crate) node: NodeId,
}

/// A parameter's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterSchema {
    /// As declared.
    Node(NodeId),
    /// Not declared: a string.
    Missing,
}

/// Reads parameters; a later one replaces an earlier one of the same name and place.
pub(super) fn read_all(cx: &Context<'_>, operation: NodeId, path: &PathKey, nodes: &[NodeId]) -> Vec<ParameterView> {
    let mut out: Vec<ParameterView> = Vec::new();
    let mut at = std::collections::HashMap::new();
    for node in nodes {
        let Some(view) = cx.follow(*node).and_then(|node| read(cx, node)) else { continue };
        let key = (view.name.clone(), view.location as u8);
        if let Some(&i) = at.get(&key) {
            out[i] = view;
        } else {
            at.insert(key, out.len());
            out.push(view);
        }
    }
    let mut in_path: Vec<ParameterView> = Vec::new();
    for name in path.parameters() {
        if in_path.iter().any(|p| p.name == name) {
            continue;
        }
        let declared = out.iter().position(|p| p.location == Location::Path && p.name == name);
        in_path.push(if let Some(i) = declared {
            out.remove(i)
        } else {
            cx.note(
                Code::Ignored,
                operation,
                format!("the path has a parameter `{name}` that nobody declares; it is taken as a string"),
                "declare it under `parameters`",
            );
            ParameterView {
                name: name.to_owned(),
                location: Location::Path,
                required: true,
                encoding: style(Style::Simple, false, false),
                schema: ParameterSchema::Missing,
                node: operation,
            }
        });
    }
    // `/a?b={c}` with `c` as a path parameter: it is sent as the query's `b`.
    let in_query: Vec<&str> = out.iter().filter(|p| p.location == Location::Query).map(|p| p.name.as_str()).collect();
    let keys: Vec<_> = path.query_parameters.iter().filter(|(key, _)| !in_query.contains(&key.as_str())).collect();
    for view in out.iter_mut().filter(|p| p.location == Location::Path) {
        if let Some((key, _)) = keys.iter().find(|(_, parameter)| *parameter == view.name) {
            view.name.clone_from(key);
            view.location = Location::Query;
            view.encoding = style(Style::Form, true, false);
        }
    }
    out.retain(|p| {
        let stray = p.location == Location::Path;
        if stray {
            let message = format!("parameter `{}` is not in the path; it is dropped", p.name);
            cx.note(Code::Ignored, p.node, message, "remove it, or put it into the path");
        }
        !stray
    });
    in_path.extend(out);
    in_path
}

const fn style(style: Style, explode: bool, allow_reserved: bool) -> ParameterEncoding {
    ParameterEncoding::Style { style, explode, allow_reserved }
}

fn read(cx: &Context<'_>, node: NodeId) -> Option<ParameterView> {
    let tree = cx.tree;
    let name = tree.get_text(node, "name").map(str::to_owned);
    let location = match tree.get_text(node, "in") {
        Some("path") => Some(Location::Path),
        Some("query") => Some(Location::Query),
        Some("header") => Some(Location::Header),
        Some("cookie") => Some(Location::Cookie),
        _ => None,
    };
    let (Some(name), Some(location)) = (name, location) else {
        let message = "a parameter needs `name` and `in` (path, query, header or cookie); it is dropped";
        cx.warn(Code::WrongKind, node, message, "correct the parameter");
        return None;
    };
    let (schema, encoding) = match content(cx, node) {
        Some(content) => {
            let encoding = if content.is_json() { ParameterEncoding::Json } else { ParameterEncoding::Text };
            (content.schema, encoding)
        }
        None => (tree.get(node, "schema"), styled(cx, node, location)),
    };
    Some(ParameterView {
        required: location == Location::Path || tree.get_bool(node, "required").unwrap_or(false),
        schema: schema.map_or(ParameterSchema::Missing, ParameterSchema::Node),
        name,
        location,
        encoding,
        node,
    })
}

fn content(cx: &Context<'_>, node: NodeId) -> Option<Media> {
    let content = cx.tree.get(node, "content")?;
    media(cx, content).into_iter().next()
}

fn styled(cx: &Context<'_>, node: NodeId, location: Location) -> ParameterEncoding {
    let tree = cx.tree;
    let default = match location {
        Location::Path | Location::Header => Style::Simple,
        Location::Query | Location::Cookie => Style::Form,
    };
    let chosen = match tree.get_text(node, "style") {
        None => default,
        Some("matrix") => Style::Matrix,
        Some("label") => Style::Label,
        Some("simple") => Style::Simple,
        Some("form" | "cookie") => Style::Form,
        Some("spaceDelimited") => Style::SpaceDelimited,
        Some("pipeDelimited") => Style::PipeDelimited,
        Some("deepObject") => Style::DeepObject,
        Some(other) => {
            cx.warn(Code::Ignored, node, format!("style `{other}` is not known; the default is taken"), "correct the style");
            default
        }
    };
    let fits = match location {
        Location::Path => matches!(chosen, Style::Matrix | Style::Label | Style::Simple),
        Location::Header => chosen == Style::Simple,
        Location::Query => !matches!(chosen, Style::Matrix | Style::Label | Style::Simple),
        Location::Cookie => chosen == Style::Form,
    };
    if !fits {
        let message = "the style is not one for this place; the default is taken";
        cx.warn(Code::Ignored, node, message, "see the OpenAPI Specification, \"Style Values\"");
    }
    let chosen = if fits { chosen } else { default };
    let explode = tree.get_bool(node, "explode").unwrap_or(matches!(chosen, Style::Form | Style::DeepObject));
    style(chosen, explode, tree.get_bool(node, "allowReserved").unwrap_or(false))
}
