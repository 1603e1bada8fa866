//! Where a schema is written: what its type is named after.

use super::view::Views;
use crate::openapi::tree::{NodeId, Step, Tree};

/// Where a type comes from. Two types of one origin collide and are told apart by the naming pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    /// What the name starts with.
    pub(crate) root: Root,
    /// Words after it, as the source writes them.
    pub(crate) steps: Vec<String>,
}

/// What a type's name starts with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Root {
    /// A schema with a name of its own.
    Schema(NodeId),
    /// A component: its key, and `body` or `response`.
    Component(String, &'static str),
    /// Written in an operation: the number of its function.
    Function(usize, Role),
}

/// What a schema written in an operation is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    /// A parameter or header, by its name.
    Parameter(String),
    /// The request body.
    Body,
    /// The response body; the case's name where there are several.
    Result(Option<String>),
    /// An item of a response that is read item by item.
    Event,
    /// The body of an error. It is declared beside `error`.
    Error(String),
}

impl Origin {
    pub(crate) const fn new(root: Root) -> Self {
        Self { root, steps: Vec::new() }
    }

    /// For what is written in no place that could name it.
    pub(crate) const fn nowhere() -> Self {
        Self::new(Root::Function(usize::MAX, Role::Body))
    }

    /// The origin of a part.
    pub(crate) fn child(&self, step: &str) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step.to_owned());
        Self { root: self.root.clone(), steps }
    }

    /// The function in whose interface the type is declared; `None`: in `types`.
    pub(crate) const fn function(&self) -> Option<usize> {
        match &self.root {
            Root::Function(_, Role::Error(_)) => None,
            Root::Function(function, _) => Some(*function),
            _ => None,
        }
    }
}

/// Whether a node stands directly under a file's `components.schemas`.
pub(super) fn is_component(tree: &Tree, node: NodeId) -> bool {
    component_key(tree, node, "schemas").is_some()
}

/// The key of a node directly under `components.<kind>` of a file.
fn component_key<'t>(tree: &'t Tree, node: NodeId, kind: &str) -> Option<&'t str> {
    let (parent, Step::Key(key)) = tree.parent(node)? else { return None };
    let (components, Step::Key(name)) = tree.parent(parent)? else { return None };
    let (root, Step::Key("components")) = tree.parent(components)? else { return None };
    (name == kind && tree.parent(root).is_none()).then_some(key)
}

/// The name that a schema has by where it stands, for those that are named: key, file stem or last pointer part.
pub(crate) fn own_name(tree: &Tree, node: NodeId) -> String {
    match tree.parent(node) {
        Some((_, Step::Key(key))) => key.to_owned(),
        Some((parent, Step::Index(index))) => match tree.parent(parent) {
            Some((_, Step::Key(key))) => format!("{key}-{index}"),
            _ => index.to_string(),
        },
        None => {
            let path = &tree.files()[tree.file(node)].path;
            path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
        }
    }
}

/// Whether a map holds properties by name, so that its keys are no keywords.
fn holds_properties(tree: &Tree, node: NodeId) -> bool {
    let mut holds = false;
    let mut chain = 0;
    let mut at = node;
    // `properties` inside of `properties` is a property of that name.
    while let Some((parent, Step::Key("properties"))) = tree.parent(at) {
        chain += 1;
        at = parent;
    }
    if chain % 2 == 1 {
        holds = true;
    }
    holds
}

impl Views<'_> {
    /// Where a schema is written. `context` is the place in an operation that is being lowered, if any.
    pub(crate) fn origin(&self, node: NodeId, context: Option<&Root>) -> Origin {
        let tree = self.cx.tree;
        let mut steps: Vec<String> = Vec::new();
        let mut at = node;
        let mut meant = None;
        let root = loop {
            if is_component(tree, at) {
                break Root::Schema(at);
            }
            if meant.is_none() && self.is_named(at) {
                meant = Some((at, steps.len()));
            }
            let Some((parent, step)) = tree.parent(at) else {
                break Root::Schema(at);
            };
            match step {
                Step::Index(index) => {
                    let Some((holder, Step::Key(keyword))) = tree.parent(parent) else { break self.fallback(context, at) };
                    match keyword {
                        "allOf" => {}
                        "oneOf" | "anyOf" => steps.push(self.arm_name(holder, at)),
                        "prefixItems" | "items" => steps.push(format!("item-{index}")),
                        _ => break self.fallback(context, at),
                    }
                    at = holder;
                }
                Step::Key(key) if holds_properties(tree, parent) => {
                    steps.push(key.to_owned());
                    let Some((holder, _)) = tree.parent(parent) else { break self.fallback(context, at) };
                    at = holder;
                }
                Step::Key(key) => match key {
                    "items" => {
                        steps.push("item".to_owned());
                        at = parent;
                    }
                    "additionalProperties" => {
                        steps.push("value".to_owned());
                        at = parent;
                    }
                    "not" | "if" | "then" | "else" | "contains" => {
                        steps.push(key.to_owned());
                        at = parent;
                    }
                    "schema" | "itemSchema" => break self.holder(parent, context),
                    _ => match tree.parent(parent) {
                        Some((holder, Step::Key("patternProperties"))) => {
                            steps.push("value".to_owned());
                            at = holder;
                        }
                        Some((_, Step::Key("$defs" | "definitions"))) => break Root::Schema(at),
                        _ => break self.fallback(context, at),
                    },
                },
            }
        };
        // Written in no place that has a name: the nearest schema that a reference means names it.
        let (root, kept) = match (&root, meant) {
            (Root::Function(usize::MAX, _), Some((named, kept))) => (Root::Schema(named), kept),
            _ => (root, steps.len()),
        };
        steps.truncate(kept);
        steps.reverse();
        Origin { root, steps }
    }

    fn fallback(&self, context: Option<&Root>, at: NodeId) -> Root {
        match context {
            Some(root) => root.clone(),
            None if self.is_named(at) => Root::Schema(at),
            None => Root::Function(usize::MAX, Role::Body),
        }
    }

    /// The root for the schema of a media type, parameter or header.
    fn holder(&self, holder: NodeId, context: Option<&Root>) -> Root {
        let tree = self.cx.tree;
        if let Some((content, _)) = tree.parent(holder)
            && let Some((body, Step::Key("content"))) = tree.parent(content)
        {
            if let Some(key) = component_key(tree, body, "requestBodies") {
                return Root::Component(key.to_owned(), "body");
            }
            if let Some(key) = component_key(tree, body, "responses") {
                return Root::Component(key.to_owned(), "response");
            }
        }
        self.fallback(context, holder)
    }
}
