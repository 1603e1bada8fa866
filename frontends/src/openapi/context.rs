//! What all passes share: the tree, its references, the settings and the findings.

use std::cell::RefCell;
use std::collections::HashSet;

use super::resolve::References;
use super::settings::Named;
use super::tree::{NodeId, Tree};
use crate::{Code, Diagnostic, Options, Setting, Severity};

/// The OpenAPI version, as far as it changes what keywords mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 3.0: `nullable`, boolean `exclusiveMinimum`, siblings of `$ref` mean nothing.
    V30,
    /// 3.1 and later: JSON Schema 2020-12.
    V31,
}

/// Shared by reference through all passes.
pub(crate) struct Context<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) references: &'a References,
    pub(crate) options: &'a Options,
    pub(crate) version: Version,
    /// What the settings name.
    pub(crate) named: Named<'a>,
    findings: RefCell<Findings>,
}

#[derive(Default)]
struct Findings {
    diagnostics: Vec<Diagnostic>,
    seen: HashSet<(NodeId, Code, String)>,
}

/// More findings than anybody reads; a hostile document could cause any number.
const MAX_FINDINGS: usize = 20_000;

impl<'a> Context<'a> {
    pub(crate) fn new(tree: &'a Tree, references: &'a References, options: &'a Options, version: Version) -> Self {
        let named = Named::new(tree, options);
        Self { tree, references, options, version, named, findings: RefCell::default() }
    }

    /// Reports something about a node, once.
    pub(crate) fn report(
        &self,
        severity: Severity,
        code: Code,
        node: NodeId,
        message: impl Into<String>,
        help: Option<&str>,
    ) {
        self.add(
            node,
            Diagnostic {
                severity,
                code,
                location: self.tree.location(node),
                message: message.into(),
                help: help.map(str::to_owned),
                setting: None,
            },
        );
    }

    /// Reports a setting that is wrong for the document.
    pub(crate) fn refuse_setting(&self, code: Code, node: NodeId, setting: Setting, message: String, help: &str) {
        self.add(
            node,
            Diagnostic {
                severity: Severity::Error,
                code,
                location: self.tree.location(node),
                message,
                help: Some(help.to_owned()),
                setting: Some(setting),
            },
        );
    }

    fn add(&self, node: NodeId, diagnostic: Diagnostic) {
        let mut findings = self.findings.borrow_mut();
        let key = (node, diagnostic.code, diagnostic.message.clone());
        if findings.diagnostics.len() < MAX_FINDINGS && findings.seen.insert(key) {
            findings.diagnostics.push(diagnostic);
        }
    }

    /// Reports a degradation.
    pub(crate) fn warn(&self, code: Code, node: NodeId, message: impl Into<String>, help: &str) {
        self.report(Severity::Warning, code, node, message, Some(help));
    }

    /// Reports a decision.
    pub(crate) fn note(&self, code: Code, node: NodeId, message: impl Into<String>, help: &str) {
        self.report(Severity::Note, code, node, message, Some(help));
    }

    /// All findings; none are left.
    pub(crate) fn take_findings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.findings.borrow_mut().diagnostics)
    }

    /// Follows the node's references; a wrong one is reported.
    pub(crate) fn follow(&self, node: NodeId) -> Option<NodeId> {
        match self.references.follow(node) {
            Ok(node) => Some(node),
            Err((at, why)) => {
                self.warn(Code::BadReference, at, why, "correct the reference");
                None
            }
        }
    }

    /// A name that the author of the document gave (`x-wit-name`), or the manifest (`rename:`), for this node.
    pub(crate) fn renamed(&self, node: NodeId) -> Option<&'a str> {
        self.named.name(node).or_else(|| self.tree.get_text(node, "x-wit-name"))
    }

    /// The properties of a schema. Some documents refer to all of them at once (`properties: { $ref: … }`), which JSON Schema does not
    /// know.
    pub(crate) fn properties(&self, schema: NodeId) -> &'a [(Box<str>, NodeId)] {
        self.properties_node(schema).map_or(&[], |map| self.tree.entries(map))
    }

    /// The map of [`Self::properties`].
    pub(crate) fn properties_node(&self, schema: NodeId) -> Option<NodeId> {
        let map = self.tree.get(schema, "properties")?;
        Some(self.follow(map).unwrap_or(map))
    }
}
