//! What the settings name, and whether the document has it.

use std::collections::{HashMap, HashSet};

use super::context::Context;
use super::document::OperationView;
use super::operation::{self, Function, Reply, is_called};
use super::tree::{NodeId, Tree};
use crate::{Code, Options, Setting, SettingKey};

/// The nodes that settings name, each by its JSON pointer: in all files, or behind `file#` in one, as sources are printed.
#[derive(Debug, Default)]
pub(crate) struct Named<'a> {
    renamed: HashMap<NodeId, &'a str>,
    lenient: HashSet<NodeId>,
}

impl<'a> Named<'a> {
    pub(crate) fn new(tree: &Tree, options: &'a Options) -> Self {
        let renamed = options.rename.iter().flat_map(|(source, name)| {
            let nodes = tree.find(source);
            nodes.into_iter().map(move |node| (node, name.as_str()))
        });
        let lenient = options.lenient.iter().flat_map(|source| tree.find(source));
        Self { renamed: renamed.collect(), lenient: lenient.collect() }
    }

    /// The name that `rename` gives the node.
    pub(crate) fn name(&self, node: NodeId) -> Option<&'a str> {
        self.renamed.get(&node).copied()
    }

    /// Whether the property at the node may be absent in spite of the document.
    pub(crate) fn is_lenient(&self, node: NodeId) -> bool {
        self.lenient.contains(&node)
    }
}

/// Reports what settings name and the document does not have. `operations` is looked at where it is applied.
pub(super) fn check(cx: &Context<'_>, operations: &[OperationView], functions: &[Function<'_>], root: NodeId) {
    let options = cx.options;
    let report = |code: Code, (key, text): (SettingKey, &str), message: String, help: &str| {
        cx.refuse_setting(code, root, Setting::new(key, text), message, help);
    };
    for source in options.rename.keys() {
        let is_operation = |view: &OperationView| view.id.as_deref() == Some(source) || view.source() == *source;
        if cx.tree.find(source).is_empty() && !operations.iter().any(is_operation) {
            let message = format!("`rename` has `{source}`, which is not in the document");
            let help = "give a JSON pointer (`#/components/schemas/Pet`), `METHOD /path` or an operationId";
            report(Code::BadRename, (SettingKey::Rename, source), message, help);
        }
    }
    for source in options.lenient.iter().filter(|source| cx.tree.find(source).is_empty()) {
        let message = format!("`lenient: [{source}]` names nothing");
        let help = "give the JSON pointer of a property: `#/components/schemas/Pet/properties/name`";
        report(Code::UnknownSelection, (SettingKey::Lenient, source), message, help);
    }
    for name in options.parameters.keys() {
        if !operations.iter().flat_map(|view| &view.parameters).any(|parameter| parameter.name == *name) {
            let message = format!("`parameters` has `{name}`, which no operation has");
            let help = "give a parameter's name as the document spells it";
            report(Code::UnknownSelection, (SettingKey::Parameters, name), message, help);
        }
    }
    for key in options.pagination.keys().filter(|key| operation::pager::names_nothing(key, operations)) {
        let help = "give an operationId or `METHOD /path`";
        let message = format!("`pagination` has `{key}`, which names no operation");
        report(Code::UnknownSelection, (SettingKey::Pagination, key), message, help);
    }
    let idempotency = options.idempotency.iter().flat_map(|idempotency| &idempotency.operations);
    let keyed = idempotency.map(|key| (SettingKey::Idempotency, "idempotency", key));
    let in_doubt = options.in_doubt.keys().map(|key| (SettingKey::InDoubt, "inDoubt", key));
    let streams = options.stream.iter().map(|key| (SettingKey::Stream, "stream", key));
    for (setting, name, key) in keyed.chain(in_doubt).chain(streams) {
        let called: Vec<&Function<'_>> = functions.iter().filter(|function| is_called(function, key)).collect();
        if called.is_empty() {
            let help = "give an operationId, `METHOD /path` or `interface.function`";
            report(Code::UnknownSelection, (setting, key), format!("`{name}` has `{key}`, which names no operation"), help);
        } else if let [pages] = called[..]
            && pages.reply == Reply::Pages
        {
            let plain = format!("{}.{}", pages.interface_name.as_str(), functions[pages.shared].name.as_str());
            let message = format!("`{name}` has `{key}`, whose pages are calls of `{plain}`");
            let help = format!("give `{plain}`: what holds for it holds for its pages");
            report(Code::UnknownSelection, (setting, key), message, &help);
        }
    }
}
