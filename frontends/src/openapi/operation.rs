//! Operations: functions with parameters, bodies, responses, errors and credentials.

pub(crate) mod auth;
mod body;
mod error;
pub(crate) mod pager;
mod parameter;
mod request;
mod response;
mod stream;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use witwire_ir::operation::http::{HttpCall, Method, MissingFrom, PathPart};
use witwire_ir::{AuthMode, Call, CallClass, InterfaceId, KeyHeader, Operation, TypeId, WitName};

pub(crate) use body::{Group, groups};
pub(crate) use error::Errors;
pub(crate) use request::Request;
pub(crate) use stream::{Reply, replies};

use super::document::{OperationView, Piece, Segment};
use super::schema::{Schemas, description, sentence};
use super::tree::NodeId;
use crate::Idempotency;

/// A function before its types are known: an operation with one of its bodies.
pub(crate) struct Function<'v> {
    pub(crate) view: &'v OperationView,
    pub(crate) interface: InterfaceId,
    pub(crate) interface_name: WitName,
    pub(crate) name: WitName,
    /// Which of the operation's bodies.
    pub(crate) group: Option<&'v Group>,
    /// The function's number, as [`super::schema::Root::Function`] has it.
    pub(crate) number: usize,
    /// The number under which what its operation declares is named: that of the operation's first function with the same body.
    pub(crate) shared: usize,
    /// What it returns.
    pub(crate) reply: Reply,
    /// How the pages follow one another, of an operation that has a function for them.
    pub(crate) pagination: Option<&'v pager::Declared>,
}

/// What lowering operations needs besides schemas.
pub(crate) struct Lowering<'l, 'a> {
    pub(crate) schemas: &'l mut Schemas<'a>,
    pub(crate) auth: auth::Auth,
    pub(crate) errors: Errors,
    /// The record `error`.
    pub(crate) error: TypeId,
    /// Path items with a response that declares `ETag`.
    pub(crate) versioned: HashSet<NodeId>,
    /// `record sse-event`, once it is needed.
    pub(crate) sse_event: Option<TypeId>,
    /// Requests that a second function of the same operation sends as well, by [`Function::shared`].
    pub(crate) requests: HashMap<usize, Request>,
    /// Pagers whose places are to be found.
    pub(crate) pending: Vec<pager::Pending>,
}

/// The path items with a response that declares `ETag`.
pub(crate) fn versioned(views: &[OperationView]) -> HashSet<NodeId> {
    let declares =
        |view: &&OperationView| view.responses.iter().any(|r| r.headers.iter().any(|h| h.name.eq_ignore_ascii_case("etag")));
    views.iter().filter(declares).map(|v| v.item).collect()
}

impl Lowering<'_, '_> {
    /// Lowers one function.
    pub(crate) fn function(&mut self, function: &Function<'_>) -> Operation {
        if let (Reply::Pages, Some(declared)) = (function.reply, function.pagination) {
            return self.pages(function, declared.clone());
        }
        let view = function.view;
        let tree = self.schemas.views.cx.tree;
        let shared = self.requests.remove(&function.shared).filter(|_| function.reply == Reply::Stream);
        let request = shared.map_or_else(|| self.request(function), request::Request::streaming);
        if function.reply == (Reply::Value { beside: true }) {
            self.requests.insert(function.number, request.clone());
        }
        let responses = self.responses(function);
        let docs = self.docs(function);
        let path = path_parts(view, &request.path_indices);
        let call = HttpCall {
            method: view.method,
            template: view.path.template.clone(),
            servers: servers_of(tree, view),
            path,
            fixed_query: view.path.query.clone(),
            pager: None,
            missing: missing(view, &request.path_indices),
            parameters: request.parameters,
            body: request.body,
            accept: responses.accept,
            responses: responses.declared,
        };
        let source = Some(self.schemas.api.texts.push(tree.source(view.node)));
        Operation {
            interface: function.interface,
            name: function.name.clone(),
            params: request.params,
            result: responses.result,
            class: self.class(function),
            call: Call::Http(call),
            auth: request.auth,
            source,
            docs,
            deprecated: tree.get_bool(view.node, "deprecated").unwrap_or(false),
        }
    }

    fn docs(&mut self, function: &Function<'_>) -> Option<witwire_ir::TextId> {
        let tree = self.schemas.views.cx.tree;
        let node = function.view.node;
        let mut paragraphs = Vec::new();
        let summary = tree.get_text(node, "summary").and_then(description).map(|s| sentence(&s));
        let described = tree.get_text(node, "description").and_then(description).map(|s| sentence(&s));
        paragraphs.extend(summary.clone());
        paragraphs.extend(described.filter(|d| Some(d) != summary.as_ref()));
        paragraphs.push(format!("`{}`", function.view.source()));
        self.schemas.text(Some(paragraphs.join("\n\n")))
    }

    fn class(&self, function: &Function<'_>) -> CallClass {
        let options = self.schemas.views.cx.options;
        match function.view.method {
            Method::Get | Method::Head | Method::Options | Method::Trace => return CallClass::Safe,
            Method::Put | Method::Delete => return CallClass::Idempotent,
            Method::Post | Method::Patch => {}
        }
        if let Some(idempotency) = idempotency(self.schemas, function) {
            return CallClass::Keyed(KeyHeader {
                name: idempotency.header.clone(),
                format: idempotency.format,
                window_seconds: idempotency.window_seconds,
            });
        }
        let chosen = options.in_doubt.iter().find(|(key, _)| is_called(function, key));
        CallClass::Unsafe(chosen.map(|(_, choice)| *choice).unwrap_or_default())
    }
}

/// The idempotency key that the manifest wants for a function.
pub(crate) fn idempotency<'s>(schemas: &'s Schemas<'_>, function: &Function<'_>) -> Option<&'s Idempotency> {
    let idempotency = schemas.views.cx.options.idempotency.as_ref()?;
    idempotency.operations.iter().any(|key| is_called(function, key)).then_some(idempotency)
}

/// Whether the manifest means this function: operationId, `METHOD path` or `interface.function`.
pub(crate) fn is_called(function: &Function<'_>, key: &str) -> bool {
    function.view.id.as_deref() == Some(key)
        || function.view.source() == key
        || key.split_once('.').is_some_and(|(i, f)| i == function.interface_name.as_str() && f == function.name.as_str())
}

fn servers_of(tree: &super::tree::Tree, view: &OperationView) -> Vec<witwire_ir::operation::http::Server> {
    let own = super::document::servers(tree, view.node);
    if own.is_empty() { super::document::servers(tree, view.item) } else { own }
}

fn path_parts(view: &OperationView, indices: &HashMap<String, u16>) -> Vec<PathPart> {
    let mut out: Vec<PathPart> = Vec::new();
    let mut text = String::new();
    for segment in &view.path.segments {
        text.push('/');
        for piece in &segment.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(&encode(literal)),
                Piece::Parameter(name) => {
                    if let Some(&index) = indices.get(name) {
                        if !text.is_empty() {
                            out.push(PathPart::Literal(std::mem::take(&mut text)));
                        }
                        out.push(PathPart::Parameter(index));
                    }
                }
            }
        }
    }
    if !text.is_empty() {
        out.push(PathPart::Literal(text));
    }
    out
}

/// Percent-encodes what RFC 3986 does not allow in a path; escapes that are there stay.
fn encode(literal: &str) -> String {
    let mut out = String::new();
    for byte in literal.bytes() {
        let allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte);
        if allowed {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The last literal segment before the last parameter, or the last segment.
fn missing(view: &OperationView, indices: &HashMap<String, u16>) -> MissingFrom {
    let segments = &view.path.segments;
    let last = segments.iter().rposition(Segment::has_parameter);
    let before = &segments[..last.unwrap_or(segments.len())];
    let resource = before.iter().rev().find_map(|s| s.literal().filter(|l| !l.is_empty())).unwrap_or("").to_owned();
    let id = last.and_then(|i| {
        segments[i].0.iter().rev().find_map(|p| match p {
            Piece::Parameter(name) => indices.get(name).copied(),
            Piece::Literal(_) => None,
        })
    });
    MissingFrom { resource, id }
}

/// Who gives credentials.
pub(crate) fn auth_mode(options: &crate::Options, needed: bool) -> AuthMode {
    options.auth.unwrap_or(if options.credentials_configured || !needed { AuthMode::Host } else { AuthMode::Guest })
}
