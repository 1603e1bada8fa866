//! The document's frame: version, servers, paths; operations as typed views of the tree.

mod body;
mod parameter;
mod path;
mod response;

use witwire_ir::operation::http::{Method, Server};

pub(crate) use body::{BodyView, Family, Media};
pub(crate) use parameter::{ParameterSchema, ParameterView};
pub(crate) use path::{PathKey, Piece, Segment};
pub(crate) use response::{HeaderView, ResponseView};

use super::context::{Context, Version};
use super::tree::{NodeId, Tree};
use crate::{Code, Diagnostic, Location, Severity, Skipped};

/// An operation of the document.
#[derive(Debug)]
pub(crate) struct OperationView {
    /// The path key.
    pub(crate) path: PathKey,
    /// The method.
    pub(crate) method: Method,
    /// The operation object.
    pub(crate) node: NodeId,
    /// The path item object.
    pub(crate) item: NodeId,
    /// `operationId`
    pub(crate) id: Option<String>,
    /// The first tag.
    pub(crate) tag: Option<String>,
    /// Parameters of the path and the operation, the latter overriding; path ones in template order first.
    pub(crate) parameters: Vec<ParameterView>,
    /// The request body.
    pub(crate) body: Option<BodyView>,
    /// Responses in document order.
    pub(crate) responses: Vec<ResponseView>,
}

impl OperationView {
    /// `GET /todos`
    pub(crate) fn source(&self) -> String {
        format!("{} {}", self.method, self.path.template)
    }
}

/// All operations that can be read, and those that cannot.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub(crate) views: Vec<OperationView>,
    pub(crate) skipped: Vec<Skipped>,
}

/// Which OpenAPI version a document is of.
///
/// # Errors
/// Why it cannot be compiled.
pub(crate) fn version(tree: &Tree, root: NodeId) -> Result<Version, Box<Diagnostic>> {
    let error = |node: Option<NodeId>, code: Code, message: String, help: &str| {
        let location = tree.location(node.unwrap_or(root));
        Err(Box::new(Diagnostic {
            severity: Severity::Error,
            code,
            location,
            message,
            help: Some(help.to_owned()),
            setting: None,
        }))
    };
    if let Some(swagger) = tree.get(root, "swagger") {
        let message = format!("this is Swagger {}, the format before OpenAPI 3", tree.text(swagger).unwrap_or("2.0"));
        let help = "convert it first: `npx swagger2openapi FILE -o openapi.yaml`, or https://converter.swagger.io";
        return error(Some(swagger), Code::Swagger2, message, help);
    }
    let Some(node) = tree.get(root, "openapi") else {
        let what = if tree.get(root, "asyncapi").is_some() {
            "this is an AsyncAPI document"
        } else if tree.is_map(root) {
            "this is not an OpenAPI document: it has no key `openapi`"
        } else {
            "this is not an OpenAPI document: it is not an object"
        };
        return error(
            None,
            Code::NotOpenApi,
            what.to_owned(),
            "give a document that starts with `openapi: 3.0.x` or `openapi: 3.1.x`",
        );
    };
    let text = tree.text(node).unwrap_or("");
    let mut numbers = text.split('.');
    match (numbers.next(), numbers.next()) {
        (Some("3"), Some("0")) => Ok(Version::V30),
        (Some("3"), Some("1" | "2")) => Ok(Version::V31),
        _ => error(
            Some(node),
            Code::UnsupportedVersion,
            format!("OpenAPI version `{text}` is not supported"),
            "versions 3.0 and 3.1 are",
        ),
    }
}

/// Whether the document says a version that is read as another.
pub(crate) fn is_newer(tree: &Tree, root: NodeId) -> bool {
    tree.get_text(root, "openapi").is_some_and(|v| v.starts_with("3.2"))
}

/// A place for findings about the document as a whole.
pub(crate) fn whole_file(name: &str) -> Location {
    Location { file: name.to_owned(), ..Location::default() }
}

const METHODS: [(&str, Method); 8] = [
    ("get", Method::Get),
    ("put", Method::Put),
    ("post", Method::Post),
    ("delete", Method::Delete),
    ("options", Method::Options),
    ("head", Method::Head),
    ("patch", Method::Patch),
    ("trace", Method::Trace),
];

/// Reads all operations in document order.
pub(crate) fn operations(cx: &Context<'_>, root: NodeId) -> Operations {
    let tree = cx.tree;
    let mut out = Operations::default();
    for (key, item) in tree.get_entries(root, "paths") {
        if key.starts_with("x-") {
            continue;
        }
        let Some(target) = cx.follow(*item) else {
            out.skipped.push(skip(key, "the path's reference leads nowhere"));
            continue;
        };
        if !tree.is_map(target) {
            continue;
        }
        for (name, node) in tree.entries(target) {
            let Some(&(_, method)) = METHODS.iter().find(|(n, _)| n == &&**name) else { continue };
            let source = format!("{method} {key}");
            // An operation may stand in a file of its own.
            let Some(operation) = cx.follow(*node) else {
                out.skipped.push(skip(&source, "the operation's reference leads nowhere"));
                continue;
            };
            if !tree.is_map(operation) {
                cx.warn(Code::WrongKind, *node, "an operation must be an object; it is skipped", "correct the document");
                out.skipped.push(skip(&source, "the operation is not an object"));
                continue;
            }
            out.views.push(read(cx, key, *item, target, method, operation));
        }
    }
    out
}

fn skip(source: &str, message: &str) -> Skipped {
    Skipped { source: source.to_owned(), code: Code::BadReference, message: message.to_owned() }
}

fn read(cx: &Context<'_>, key: &str, outer: NodeId, item: NodeId, method: Method, node: NodeId) -> OperationView {
    let tree = cx.tree;
    let path = PathKey::new(key);
    let mut nodes = Vec::new();
    if outer != item {
        nodes.extend_from_slice(tree.get_items(outer, "parameters"));
    }
    nodes.extend_from_slice(tree.get_items(item, "parameters"));
    nodes.extend_from_slice(tree.get_items(node, "parameters"));
    OperationView {
        parameters: parameter::read_all(cx, node, &path, &nodes),
        path,
        method,
        node,
        item,
        id: tree.get_text(node, "operationId").map(str::to_owned).filter(|id| !id.trim().is_empty()),
        tag: tree.get_items(node, "tags").first().and_then(|t| tree.text(*t)).map(str::to_owned),
        body: tree.get(node, "requestBody").and_then(|body| body::read(cx, body)),
        responses: response::read_all(cx, node),
    }
}

/// Servers of the document, a path or an operation.
pub(crate) fn servers(tree: &Tree, node: NodeId) -> Vec<Server> {
    let variables = |server: NodeId| {
        tree.get_entries(server, "variables")
            .iter()
            .map(|(name, v)| {
                let default =
                    tree.get_text(*v, "default").or_else(|| tree.get_items(*v, "enum").first().and_then(|e| tree.text(*e)));
                (name.to_string(), default.unwrap_or("").to_owned())
            })
            .collect()
    };
    tree.get_items(node, "servers")
        .iter()
        .filter_map(|s| Some(Server { url: tree.get_text(*s, "url")?.to_owned(), variables: variables(*s) }))
        .collect()
}
