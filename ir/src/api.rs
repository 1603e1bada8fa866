//! One WIT package: all that is known of an API.

use serde::{Deserialize, Serialize};

use crate::auth::{AuthKind, AuthMode, AuthScheme};
use crate::check::Schema;
use crate::id::{Arena, Id, InterfaceId, OperationId, SchemaId, SchemeId, TextId, TypeId};
use crate::name::{PackageName, WitName};
use crate::operation::Operation;
use crate::operation::http::Server;
use crate::types::{CallResource, Method, Resource, Shape, Step, Type};

/// One WIT package and how to perform its functions. Immutable once built; share it in an `Arc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Api {
    /// The package's name and version.
    pub package: PackageName,
    /// What the functions speak.
    pub protocol: Protocol,
    /// BLAKE3 of the sources and of the settings that shaped the result.
    pub source_digest: [u8; 32],
    /// Who gives credentials.
    pub auth_mode: AuthMode,
    /// Documentation of the package.
    pub docs: Option<TextId>,
    /// All types.
    pub types: Arena<TypeId, Type>,
    /// All interfaces, in print order.
    pub interfaces: Arena<InterfaceId, Interface>,
    /// All operations, in document order.
    pub operations: Arena<OperationId, Operation>,
    /// All authentication schemes.
    pub schemes: Arena<SchemeId, AuthScheme>,
    /// Servers of the document; empty for gRPC.
    pub servers: Vec<Server>,
    /// Schemas kept for validation.
    pub schemas: Arena<SchemaId, Schema>,
    /// Worlds to print.
    pub worlds: Vec<World>,
    /// The host's own types; `None` for a package without operations.
    pub host: Option<HostTypes>,
    /// Documentation and source locations, in a section of their own so that an executor need not load them.
    #[serde(skip)]
    pub texts: Texts,
}

/// The protocol of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP, from an OpenAPI document.
    Http,
    /// gRPC, from protobuf sources.
    Grpc,
}

/// An interface of the package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Unique in the package.
    pub name: WitName,
    /// Documentation.
    pub docs: Option<TextId>,
    /// The types declared here, in print order.
    pub types: Vec<TypeId>,
    /// The functions declared here, in print order.
    pub operations: Vec<OperationId>,
    /// Types of other interfaces that are known here by another name (`use types.{todo as todo-record}`).
    pub renames: Vec<(TypeId, WitName)>,
}

/// A world: a set of imports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Unique in the package, interfaces included.
    pub name: WitName,
    /// The imported interfaces.
    pub imports: Vec<InterfaceId>,
}

/// The host's own types of a package, by role (see [`crate::host`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTypes {
    /// `record error`
    pub error: TypeId,
    /// The type in the option of the error's `body` (HTTP only): one declared type, or the variant `error-body`.
    pub error_body: Option<TypeId>,
}

/// Interned texts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Texts {
    items: Vec<String>,
}

impl Texts {
    /// Adds a text.
    pub fn push(&mut self, text: impl Into<String>) -> TextId {
        self.items.push(text.into());
        TextId::new(self.items.len() - 1)
    }

    /// The text; `None` where the section was not loaded.
    pub fn get(&self, id: TextId) -> Option<&str> {
        self.items.get(id.index()).map(String::as_str)
    }

    /// All texts, in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.items.iter().map(String::as_str)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Api {
    /// An empty package.
    pub fn new(package: PackageName, protocol: Protocol) -> Self {
        Self {
            package,
            protocol,
            source_digest: [0; 32],
            auth_mode: AuthMode::Host,
            docs: None,
            types: Arena::new(),
            interfaces: Arena::new(),
            operations: Arena::new(),
            schemes: Arena::new(),
            servers: Vec::new(),
            schemas: Arena::new(),
            worlds: Vec::new(),
            host: None,
            texts: Texts::default(),
        }
    }

    /// A text, if it was given and is loaded.
    pub fn text(&self, id: Option<TextId>) -> Option<&str> {
        id.and_then(|id| self.texts.get(id))
    }

    /// The type behind aliases; that of the settings behind the resource `call`. Terminates for every API that passes [`Api::check`], which
    /// refuses cycles.
    pub fn resolve(&self, mut ty: TypeId) -> TypeId {
        while let Shape::Alias(target) | Shape::Call(CallResource { settings: target, .. }) = self.types[ty].shape {
            ty = target;
        }
        ty
    }

    /// The shape behind aliases.
    pub fn shape(&self, ty: TypeId) -> &Shape {
        &self.types[self.resolve(ty)].shape
    }

    /// The interface's import name: `core:todo/todo-service@1.0.0`.
    pub fn import_name(&self, interface: InterfaceId) -> String {
        self.package.import_name(&self.interfaces[interface].name)
    }

    /// Finds an operation by interface and function name, both without `%`.
    pub fn find(&self, interface: &str, function: &str) -> Option<OperationId> {
        self.operations
            .iter()
            .find(|(_, o)| o.name.as_str() == function && self.interfaces[o.interface].name.as_str() == interface)
            .map(|(id, _)| id)
    }

    /// The payloads of an operation's result: `ok`, `err`.
    pub fn result(&self, operation: &Operation) -> (Option<TypeId>, Option<TypeId>) {
        match self.shape(operation.result) {
            Shape::Result { ok, err } => (*ok, *err),
            _ => (None, None),
        }
    }

    /// The names of query members that carry credentials.
    pub fn query_keys(&self) -> Vec<&str> {
        self.schemes
            .iter()
            .filter_map(|(_, scheme)| match &scheme.kind {
                AuthKind::QueryKey { name } => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The value of a page, where an operation opens a pager.
    pub fn page(&self, operation: &Operation) -> Option<TypeId> {
        let Shape::Resource(resource) = self.shape(self.result(operation).0?) else { return None };
        let next = resource.methods.iter().find(|method| method.step == Step::Next)?.result?;
        match self.shape(next) {
            Shape::Result { ok: Some(ok), .. } => match self.shape(*ok) {
                Shape::Option(page) => Some(*page),
                _ => None,
            },
            _ => None,
        }
    }

    /// The resource that an operation opens; `None` where it opens no stream.
    pub fn stream(&self, operation: OperationId) -> Option<&Resource> {
        match self.shape(self.result(&self.operations[operation]).0?) {
            Shape::Resource(resource) => Some(resource),
            _ => None,
        }
    }

    /// The method by which a step is taken on the stream that an operation opens.
    pub fn step(&self, operation: OperationId, step: Step) -> Option<&Method> {
        self.stream(operation)?.methods.iter().find(|method| method.step == step)
    }
}
