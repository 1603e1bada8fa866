//! One lossless tree of all source files: raw scalars with line and column, keys in order.

mod json;

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use self::json::is_number;
pub(crate) use self::json::{json_number, push_string};
use crate::Location;

/// A node of the [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// The position in the tree's arena.
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The nodes of all files in one arena.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    files: Vec<SourceFile>,
    /// Line and column of the keys that values stand under, where the loader was asked to keep them.
    keys: HashMap<NodeId, (u32, u32)>,
}

/// A file of the tree.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// As the user named it, or as it was reached from there.
    pub(crate) name: String,
    /// Where it was read.
    pub(crate) path: PathBuf,
    /// Its root; `None` where it could not be parsed.
    pub(crate) root: Option<NodeId>,
}

#[derive(Debug)]
struct Node {
    content: Content,
    line: u32,
    column: u32,
    parent: u32,
    /// The position among the parent's entries or items.
    slot: u32,
    file: u32,
}

const NO_PARENT: u32 = u32::MAX;

#[derive(Debug)]
pub(super) enum Content {
    Scalar { text: Box<str>, plain: bool },
    List(Vec<NodeId>),
    Map(Map),
}

/// Entries in document order, with an index where there are many.
#[derive(Debug, Default)]
pub(super) struct Map {
    entries: Vec<(Box<str>, NodeId)>,
    index: Option<HashMap<Box<str>, u32>>,
}

/// Maps up to this size are searched entry by entry.
const INDEX_FROM: usize = 12;

impl Map {
    pub(super) fn new(entries: Vec<(Box<str>, NodeId)>) -> Self {
        let index = (entries.len() >= INDEX_FROM)
            .then(|| entries.iter().enumerate().map(|(i, (key, _))| (key.clone(), i as u32)).collect());
        Self { entries, index }
    }

    fn get(&self, key: &str) -> Option<NodeId> {
        match &self.index {
            Some(index) => index.get(key).and_then(|&i| self.entries.get(i as usize)),
            None => self.entries.iter().find(|(k, _)| &**k == key),
        }
        .map(|(_, node)| *node)
    }
}

/// A scalar by the YAML 1.2 core schema, which is JSON's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar<'t> {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as written.
    Number(&'t str),
    /// Anything else.
    String(&'t str),
}

/// How a node hangs in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'t> {
    /// Under a key of a map.
    Key(&'t str),
    /// In a list.
    Index(usize),
}

impl Tree {
    /// Adds a file and returns its number.
    pub(super) fn add_file(&mut self, file: SourceFile) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }

    pub(super) fn set_root(&mut self, file: usize, root: NodeId) {
        self.files[file].root = Some(root);
    }

    /// Adds a node whose parent is not yet known.
    pub(super) fn add(&mut self, content: Content, file: usize, line: u32, column: u32) -> NodeId {
        self.nodes.push(Node { content, line, column, parent: NO_PARENT, slot: 0, file: file as u32 });
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Completes a list or map; its children learn their parent unless they have one (an alias keeps its first place).
    pub(super) fn complete(&mut self, id: NodeId, content: Content) {
        let adopt = |nodes: &mut Vec<Node>, slot: usize, child: NodeId| {
            let child = &mut nodes[child.index()];
            if child.parent == NO_PARENT {
                child.parent = id.0;
                child.slot = slot as u32;
            }
        };
        match &content {
            Content::Scalar { .. } => {}
            Content::List(items) => items.iter().enumerate().for_each(|(i, c)| adopt(&mut self.nodes, i, *c)),
            Content::Map(map) => map.entries.iter().enumerate().for_each(|(i, (_, c))| adopt(&mut self.nodes, i, *c)),
        }
        self.nodes[id.index()].content = content;
    }

    /// Keeps where the key of a value stands; an alias keeps its first key.
    pub(super) fn place_key(&mut self, value: NodeId, line: u32, column: u32) {
        self.keys.entry(value).or_insert((line, column));
    }

    /// Line and column of the key that a value stands under, where they were kept.
    pub(crate) fn key_place(&self, value: NodeId) -> Option<(u32, u32)> {
        self.keys.get(&value).copied()
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node at a position.
    pub(crate) fn at(&self, index: usize) -> Option<NodeId> {
        (index < self.nodes.len()).then_some(NodeId(index as u32))
    }

    /// All files.
    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The number of the node's file.
    pub(crate) fn file(&self, id: NodeId) -> usize {
        self.nodes[id.index()].file as usize
    }

    fn content(&self, id: NodeId) -> &Content {
        &self.nodes[id.index()].content
    }

    /// A map's value.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        match self.content(id) {
            Content::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// A map's entries; none where the node is no map.
    pub(crate) fn entries(&self, id: NodeId) -> &[(Box<str>, NodeId)] {
        match self.content(id) {
            Content::Map(map) => &map.entries,
            _ => &[],
        }
    }

    /// A list's items; none where the node is no list.
    pub(crate) fn items(&self, id: NodeId) -> &[NodeId] {
        match self.content(id) {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn is_map(&self, id: NodeId) -> bool {
        matches!(self.content(id), Content::Map(_))
    }

    pub(crate) fn is_list(&self, id: NodeId) -> bool {
        matches!(self.content(id), Content::List(_))
    }

    /// What a scalar is; `None` for lists and maps.
    pub(crate) fn scalar(&self, id: NodeId) -> Option<Scalar<'_>> {
        match self.content(id) {
            Content::Scalar { text, plain: false } => Some(Scalar::String(text)),
            Content::Scalar { text, plain: true } => Some(match &**text {
                "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
                "true" | "True" | "TRUE" => Scalar::Bool(true),
                "false" | "False" | "FALSE" => Scalar::Bool(false),
                text if is_number(text) => Scalar::Number(text),
                text => Scalar::String(text),
            }),
            _ => None,
        }
    }

    /// A scalar's text, whatever its kind; `None` for null, lists and maps.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match (self.content(id), self.scalar(id)?) {
            (_, Scalar::Null) => None,
            (Content::Scalar { text, .. }, _) => Some(text),
            _ => None,
        }
    }

    /// The text at a key.
    pub(crate) fn get_text(&self, id: NodeId, key: &str) -> Option<&str> {
        self.text(self.get(id, key)?)
    }

    /// The boolean at a key.
    pub(crate) fn get_bool(&self, id: NodeId, key: &str) -> Option<bool> {
        match self.scalar(self.get(id, key)?)? {
            Scalar::Bool(b) => Some(b),
            _ => None,
        }
    }

    /// The items of the list at a key.
    pub(crate) fn get_items(&self, id: NodeId, key: &str) -> &[NodeId] {
        self.get(id, key).map_or(&[], |n| self.items(n))
    }

    /// The entries of the map at a key.
    pub(crate) fn get_entries(&self, id: NodeId, key: &str) -> &[(Box<str>, NodeId)] {
        self.get(id, key).map_or(&[], |n| self.entries(n))
    }

    /// The parent, and how the node hangs there.
    pub(crate) fn parent(&self, id: NodeId) -> Option<(NodeId, Step<'_>)> {
        let node = &self.nodes[id.index()];
        if node.parent == NO_PARENT {
            return None;
        }
        let parent = NodeId(node.parent);
        let slot = node.slot as usize;
        let step = match self.content(parent) {
            Content::Map(map) => Step::Key(map.entries.get(slot).map_or("", |(k, _)| k)),
            _ => Step::Index(slot),
        };
        Some((parent, step))
    }

    /// The JSON pointer in its file, with `#`.
    pub(crate) fn pointer(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some((parent, step)) = self.parent(at) {
            steps.push(match step {
                Step::Key(key) => key.replace('~', "~0").replace('/', "~1"),
                Step::Index(index) => index.to_string(),
            });
            at = parent;
        }
        let mut out = String::from("#");
        for step in steps.iter().rev() {
            out.push('/');
            out.push_str(step);
        }
        out
    }

    /// `file#/pointer`, as sources are written in the IR.
    pub(crate) fn source(&self, id: NodeId) -> String {
        format!("{}{}", self.file_name(&self.files[self.file(id)]), self.pointer(id))
    }

    /// A file's name in sources.
    fn file_name(&self, file: &SourceFile) -> String {
        beside(Path::new(&self.files[0].name), Path::new(&file.name))
    }

    /// The nodes that a source names: one at most for `file#/pointer`, one of each file for a bare `#/pointer`.
    pub(crate) fn find(&self, source: &str) -> Vec<NodeId> {
        let Some((file, pointer)) = source.split_once('#') else { return Vec::new() };
        let files = self.files.iter().filter(|f| file.is_empty() || self.file_name(f) == file);
        files.filter_map(|f| self.walk(f.root?, pointer)).collect()
    }

    /// The node at a JSON pointer below another.
    fn walk(&self, from: NodeId, pointer: &str) -> Option<NodeId> {
        pointer.split('/').skip(1).try_fold(from, |at, step| match step.parse::<usize>() {
            Ok(index) if self.is_list(at) => self.items(at).get(index).copied(),
            _ => self.get(at, &step.replace("~1", "/").replace("~0", "~")),
        })
    }

    /// The place for a diagnostic.
    pub(crate) fn location(&self, id: NodeId) -> Location {
        let node = &self.nodes[id.index()];
        Location {
            file: self.files[node.file as usize].name.clone(),
            line: node.line,
            column: node.column,
            pointer: self.pointer(id),
        }
    }
}

/// A file's name as seen from the folder of the document, so that names made of it are the same wherever the files lie. A file of
/// another machine keeps its whole name.
fn beside(document: &Path, file: &Path) -> String {
    let whole = || file.display().to_string();
    let (document, file) = match (origin(document), origin(file)) {
        (None, None) if document.is_absolute() == file.is_absolute() => (document, file),
        (Some((there, document)), Some((here, file))) if there == here => {
            (Path::new(document.trim_start_matches('/')), Path::new(file.trim_start_matches('/')))
        }
        _ => return whole(),
    };
    let folder: Vec<_> = document.parent().map(|parent| parent.components().collect()).unwrap_or_default();
    let parts: Vec<_> = file.components().collect();
    let common = folder.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let up = folder[common..].iter().map(|_| Component::ParentDir);
    up.chain(parts[common..].iter().copied()).collect::<PathBuf>().display().to_string()
}

/// A URL's scheme and host, and its path.
fn origin(path: &Path) -> Option<(&str, &str)> {
    let url = crate::files::url_of(path)?;
    let host = url.find("://")? + 3;
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    Some(url.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_document() {
        for (document, file, name) in [
            ("/a/b/api.yaml", "/a/b/api.yaml", "api.yaml"),
            ("/a/b/api.yaml", "/a/b/parts/x.yaml", "parts/x.yaml"),
            ("/a/b/api.yaml", "/a/common/x.yaml", "../common/x.yaml"),
            ("api.yaml", "parts/x.yaml", "parts/x.yaml"),
            ("specs/api.yaml", "common/x.yaml", "../common/x.yaml"),
        ] {
            assert_eq!(beside(Path::new(document), Path::new(file)), name, "{file}");
        }
        let remote = "https://example.com/specs/x.yaml";
        for (document, name) in [
            ("specs/api.yaml", remote),
            ("/specs/api.yaml", remote),
            ("https://example.com/specs/api.yaml", "x.yaml"),
            ("https://example.com/other/api.yaml", "../specs/x.yaml"),
            ("https://example.com", "specs/x.yaml"),
            ("https://example.org/specs/api.yaml", remote),
            ("https://example.com:8443/specs/api.yaml", remote),
            ("http://example.com/specs/api.yaml", remote),
        ] {
            assert_eq!(beside(Path::new(document), Path::new(remote)), name, "{document}");
        }
        let local = "/specs/x.yaml";
        assert_eq!(beside(Path::new("https://example.com/specs/api.yaml"), Path::new(local)), local);
    }
}
