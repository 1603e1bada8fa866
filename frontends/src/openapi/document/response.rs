//! Responses.

use witwire_ir::operation::http::StatusMatch;

use super::body::{Media, media};
use crate::Code;
use crate::openapi::context::Context;
use crate::openapi::tree::NodeId;

/// A declared response.
#[derive(Debug)]
pub(crate) struct ResponseView {
    /// Which statuses it speaks of.
    pub(crate) status: StatusMatch,
    /// Its headers in document order, `Content-Type` left out.
    pub(crate) headers: Vec<HeaderView>,
    /// Its media types in document order.
    pub(crate) media: Vec<Media>,
}

/// A declared response header.
#[derive(Debug)]
pub(crate) struct HeaderView {
    /// As written.
    pub(crate) name: String,
    /// Its schema.
    pub(crate) schema: Option<NodeId>,
    /// The header object.
    pub(crate) node: NodeId,
}

impl ResponseView {
    /// Whether it is about success: 2xx.
    pub(crate) const fn is_success(&self) -> bool {
        matches!(self.status, StatusMatch::Exact(200..=299) | StatusMatch::Class(2))
    }
}

/// Reads an operation's responses.
pub(super) fn read_all(cx: &Context<'_>, operation: NodeId) -> Vec<ResponseView> {
    let mut out: Vec<ResponseView> = Vec::new();
    for (key, node) in cx.tree.get_entries(operation, "responses") {
        if key.starts_with("x-") {
            continue;
        }
        let Some(status) = status(key) else {
            cx.warn(Code::Ignored, *node, format!("`{key}` is no HTTP status; the response is dropped"), "correct the key");
            continue;
        };
        // A dangling reference leaves a response without a body: the status is still known.
        let target = cx.follow(*node).unwrap_or(*node);
        if !out.iter().any(|r| r.status == status) {
            out.push(read(cx, status, target));
        }
    }
    out
}

fn read(cx: &Context<'_>, status: StatusMatch, node: NodeId) -> ResponseView {
    let tree = cx.tree;
    let headers = tree
        .get_entries(node, "headers")
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type") && !name.starts_with("x-wit-"))
        .filter_map(|(name, header)| {
            let header = cx.follow(*header)?;
            let schema = tree.get(header, "schema").filter(|s| tree.is_map(*s));
            Some(HeaderView { name: name.to_string(), schema, node: header })
        })
        .collect();
    let media = tree.get(node, "content").map(|c| media(cx, c)).unwrap_or_default();
    ResponseView { status, headers, media }
}

/// `200`, `2XX` in any case, `default`.
fn status(key: &str) -> Option<StatusMatch> {
    let lower = key.trim().to_ascii_lowercase();
    if lower == "default" {
        return Some(StatusMatch::Default);
    }
    if let Some(class) = lower.strip_suffix("xx") {
        return class.parse().ok().filter(|c| (1..=5).contains(c)).map(StatusMatch::Class);
    }
    lower.parse().ok().filter(|s| (100..=599).contains(s)).map(StatusMatch::Exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(status("200"), Some(StatusMatch::Exact(200)));
        assert_eq!(status("4xx"), Some(StatusMatch::Class(4)));
        assert_eq!(status("2XX"), Some(StatusMatch::Class(2)));
        assert_eq!(status("default"), Some(StatusMatch::Default));
        for bad in ["", "99", "600", "6xx", "ok", "2x"] {
            assert_eq!(status(bad), None, "{bad}");
        }
    }
}
