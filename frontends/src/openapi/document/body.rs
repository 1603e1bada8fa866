//! Request bodies and media types.

use witwire_ir::operation::http::{BodyEncoding, Framing};

use crate::Code;
use crate::openapi::context::Context;
use crate::openapi::tree::NodeId;

/// A request body.
#[derive(Debug)]
pub(crate) struct BodyView {
    /// Whether the document requires it.
    pub(crate) required: bool,
    /// Its media types in document order.
    pub(crate) media: Vec<Media>,
    /// The request body object.
    pub(crate) node: NodeId,
}

/// A media type of a body or response.
#[derive(Debug, Clone)]
pub(crate) struct Media {
    /// As written, parameters included.
    pub(crate) name: String,
    /// Without parameters, in lower case.
    pub(crate) essence: String,
    /// Its schema.
    pub(crate) schema: Option<NodeId>,
    /// The schema of one item of a stream (OpenAPI 3.2, `itemSchema`).
    pub(crate) item: Option<NodeId>,
    /// The media type object.
    pub(crate) node: NodeId,
}

/// Families of media types, in the order in which they are preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    /// `application/json`
    Json,
    /// `…+json`
    PlusJson,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/…`
    Multipart,
    /// `text/…`, XML included
    Text,
    /// Anything else.
    Other,
}

impl Media {
    /// The media type's family.
    pub(crate) fn family(&self) -> Family {
        let essence = self.essence.as_str();
        if matches!(essence, "application/json" | "text/json" | "undefined") || essence == "json" {
            Family::Json
        } else if essence.ends_with("+json") || essence.ends_with("/json") {
            Family::PlusJson
        } else if essence == "application/x-www-form-urlencoded" {
            Family::Form
        } else if essence.starts_with("multipart/") {
            Family::Multipart
        } else if essence.starts_with("text/")
            || essence.ends_with("/xml")
            || essence.ends_with("+xml")
            || essence.ends_with("yaml")
        {
            Family::Text
        } else {
            Family::Other
        }
    }

    /// What a request says: the media type as written, or where that is a range or no media type at all, that of its encoding.
    pub(crate) fn sent(&self, encoding: &BodyEncoding) -> String {
        let written = |part: &str| !part.is_empty() && part != "*" && part.bytes().all(|b| b.is_ascii_graphic());
        if self.essence.split_once('/').is_some_and(|(kind, of)| written(kind) && written(of)) {
            return self.name.clone();
        }
        match encoding {
            BodyEncoding::Json => "application/json",
            BodyEncoding::Form(_) => "application/x-www-form-urlencoded",
            BodyEncoding::Multipart(_) => "multipart/form-data",
            BodyEncoding::Text => "text/plain",
            BodyEncoding::Binary => "application/octet-stream",
        }
        .to_owned()
    }

    /// How a body of this type is cut into items; `None` where it is one value.
    pub(crate) fn framing(&self) -> Option<Framing> {
        Some(match self.essence.as_str() {
            "text/event-stream" => Framing::Events,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/stream+json"
            | "application/x-json-stream"
            | "text/x-ndjson"
            | "text/jsonl" => Framing::Lines,
            "application/json-seq" => Framing::Records,
            essence if essence.ends_with("+json-seq") => Framing::Records,
            essence if essence.ends_with("+jsonl") || essence.ends_with("+ndjson") => Framing::Lines,
            _ => return None,
        })
    }

    /// Whether it is JSON text.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.family(), Family::Json | Family::PlusJson)
    }
}

/// A media type without parameters, in lower case.
pub(super) fn essence(name: &str) -> String {
    name.split(';').next().unwrap_or(name).trim().to_ascii_lowercase()
}

/// The media types of a `content` object.
pub(super) fn media(cx: &Context<'_>, content: NodeId) -> Vec<Media> {
    cx.tree
        .entries(content)
        .iter()
        .filter(|(name, _)| !name.starts_with("x-"))
        .filter_map(|(name, node)| {
            let node = cx.follow(*node)?;
            Some(Media {
                name: name.trim().to_owned(),
                essence: essence(name),
                schema: cx.tree.get(node, "schema").filter(|n| !is_boolean_or_null(cx, *n)),
                item: cx.tree.get(node, "itemSchema").filter(|n| !is_boolean_or_null(cx, *n)),
                node,
            })
        })
        .collect()
}

fn is_boolean_or_null(cx: &Context<'_>, node: NodeId) -> bool {
    !cx.tree.is_map(node)
}

/// Reads a request body, through its reference.
pub(super) fn read(cx: &Context<'_>, node: NodeId) -> Option<BodyView> {
    let node = cx.follow(node)?;
    if !cx.tree.is_map(node) {
        cx.warn(Code::WrongKind, node, "a request body must be an object; it is dropped", "correct the document");
        return None;
    }
    let media = cx.tree.get(node, "content").map(|c| media(cx, c)).unwrap_or_default();
    (!media.is_empty()).then(|| BodyView { required: cx.tree.get_bool(node, "required").unwrap_or(false), media, node })
}
