//! References: every `$ref` of the document to the node that it means, other files included.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::load::Loader;
use super::tree::{NodeId, Tree};

/// Where references lead.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// The object that holds `$ref` → what it means, or in words why not.
    targets: HashMap<NodeId, Result<NodeId, String>>,
    /// What some reference means.
    meant: HashSet<NodeId>,
    /// Objects whose `$dynamicRef` may mean something else, by who refers to them, with the anchor's name.
    uncertain: Vec<(NodeId, String)>,
}

/// How many references in a row are followed before they count as a cycle.
const HOPS: usize = 64;

impl References {
    /// What the node's own `$ref` means; `None` where it has none.
    pub(crate) fn of(&self, node: NodeId) -> Option<Result<NodeId, &str>> {
        self.targets.get(&node).map(|r| r.as_ref().copied().map_err(String::as_str))
    }

    /// Whether some reference means the node.
    pub(crate) fn is_meant(&self, node: NodeId) -> bool {
        self.meant.contains(&node)
    }

    /// Objects whose `$dynamicRef` may mean other schemas than the one that it is read as, and the name that all of these have.
    pub(crate) fn uncertain(&self) -> &[(NodeId, String)] {
        &self.uncertain
    }

    /// Follows references until a node has none.
    ///
    /// # Errors
    /// The node whose reference is wrong, and in words why.
    pub(crate) fn follow(&self, mut node: NodeId) -> Result<NodeId, (NodeId, String)> {
        for _ in 0..HOPS {
            match self.of(node) {
                None => return Ok(node),
                Some(Ok(next)) => node = next,
                Some(Err(why)) => return Err((node, why.to_owned())),
            }
        }
        Err((node, "the references lead in a circle".to_owned()))
    }
}

/// Names that stand for nodes, of all files.
#[derive(Default)]
struct Anchors {
    /// `$anchor` and `$dynamicAnchor` by the schema resource: the nearest node with `$id`, or the file.
    by_resource: HashMap<(NodeId, Box<str>), NodeId>,
    /// The first of a file, for documents that refer past `$id`.
    by_file: HashMap<(usize, Box<str>), NodeId>,
    /// Who has a `$dynamicAnchor`, by its name.
    dynamic: HashMap<Box<str>, HashSet<NodeId>>,
    /// `$id` as it is written.
    ids: HashMap<Box<str>, NodeId>,
    /// References that were followed inside of pointers; nested ones could ask for any number.
    through: Cell<usize>,
}

/// How many references inside of pointers are followed for one document.
const THROUGH: usize = 100_000;

/// Finds all references, loading the files that they name.
pub(crate) fn resolve(loader: &mut Loader<'_>) -> References {
    let mut references = References::default();
    let mut anchors = Anchors::default();
    let mut pending: Vec<(NodeId, String)> = Vec::new();
    let mut next = 0;
    loop {
        while let Some(node) = loader.tree.at(next) {
            next += 1;
            if loader.tree.is_map(node) {
                collect(&loader.tree, node, &mut anchors, &mut pending);
            }
        }
        if pending.is_empty() {
            break;
        }
        // The files of all references first, so that their anchors are known when the references are looked up.
        let mut failed = HashMap::new();
        for (node, text) in &pending {
            if let Err(why) = load_file_of(loader, *node, text, &anchors) {
                failed.insert(*node, why);
            }
        }
        let mut at = next;
        while let Some(node) = loader.tree.at(at) {
            at += 1;
            if loader.tree.is_map(node) {
                collect(&loader.tree, node, &mut anchors, &mut Vec::new());
            }
        }
        for (node, text) in std::mem::take(&mut pending) {
            let target = match failed.remove(&node) {
                Some(why) => Err(why),
                None => look_up(loader, node, &text, &anchors, 0),
            };
            if let Ok(target) = target {
                references.meant.insert(target);
            }
            references.targets.insert(node, target);
        }
    }
    references.uncertain = uncertain(&loader.tree, &references, &anchors);
    references
}

/// What dynamic references mean depends on who refers to their schema where several schemas have the anchor (JSON Schema 2020-12,
/// section 8.2.3.2).
fn uncertain(tree: &Tree, references: &References, anchors: &Anchors) -> Vec<(NodeId, String)> {
    let several = |name: &str| anchors.dynamic.get(name).is_some_and(|nodes| nodes.len() > 1);
    let mut found: Vec<(NodeId, String)> = Vec::new();
    for (&node, target) in &references.targets {
        let Ok(target) = *target else { continue };
        let name = tree.get_text(target, "$dynamicAnchor").filter(|name| several(name));
        let asks = |name: &str| tree.get_text(node, "$dynamicRef").is_some_and(|text| text.ends_with(&format!("#{name}")));
        if let Some(name) = name.filter(|name| tree.get(node, "$ref").is_none() && asks(name)) {
            found.push((node, name.to_owned()));
        }
    }
    found.sort();
    found
}

/// The schema resource in which a node stands.
fn resource(tree: &Tree, mut node: NodeId) -> NodeId {
    while tree.get_text(node, "$id").is_none() {
        let Some((parent, _)) = tree.parent(node) else { break };
        node = parent;
    }
    node
}

fn collect(tree: &Tree, node: NodeId, anchors: &mut Anchors, pending: &mut Vec<(NodeId, String)>) {
    let text_at = |key: &str| match tree.scalar(tree.get(node, key)?)? {
        super::tree::Scalar::String(text) => Some(text),
        _ => None,
    };
    if let Some(text) = text_at("$ref").or_else(|| text_at("$dynamicRef")) {
        pending.push((node, text.to_owned()));
    }
    for key in ["$anchor", "$dynamicAnchor"] {
        if let Some(text) = text_at(key) {
            anchors.by_resource.entry((resource(tree, node), text.into())).or_insert(node);
            if key == "$dynamicAnchor" {
                anchors.dynamic.entry(text.into()).or_default().insert(node);
            }
            anchors.by_file.entry((tree.file(node), text.into())).or_insert(node);
        }
    }
    if let Some(text) = text_at("$id") {
        anchors.ids.entry(text.into()).or_insert(node);
    }
}

/// The file part of a reference, made a path beside the file that holds it.
fn path_of(tree: &Tree, node: NodeId, text: &str) -> Option<PathBuf> {
    let file = text.split('#').next().unwrap_or("");
    if file.is_empty() {
        return None;
    }
    let base = &tree.files()[tree.file(node)].path;
    if let Some(url) = crate::files::url_of(base) {
        return Some(PathBuf::from(crate::files::join_url(url, file)));
    }
    if crate::files::url_of(std::path::Path::new(file)).is_some() {
        return Some(PathBuf::from(file));
    }
    let file = percent_decode(file);
    Some(base.parent().map_or_else(|| PathBuf::from(&file), |dir| dir.join(&file)))
}

fn load_file_of(loader: &mut Loader<'_>, node: NodeId, text: &str, anchors: &Anchors) -> Result<(), String> {
    let file = text.split('#').next().unwrap_or("");
    if anchors.ids.contains_key(file) || anchors.ids.contains_key(text) {
        return Ok(());
    }
    let is_url = crate::files::url_of(std::path::Path::new(file)).is_some();
    if (file.contains("://") || file.starts_with("urn:")) && !is_url {
        return Err(format!("`{text}` is neither a file nor a URL that could be fetched; use a file instead"));
    }
    match path_of(&loader.tree, node, text) {
        None => Ok(()),
        Some(path) => loader.load(&path).map(|_| ()),
    }
}

fn look_up(loader: &mut Loader<'_>, node: NodeId, text: &str, anchors: &Anchors, hops: usize) -> Result<NodeId, String> {
    if let Some(&target) = anchors.ids.get(text) {
        return Ok(target);
    }
    let (file_part, fragment) = text.split_once('#').unwrap_or((text, ""));
    let root = if let Some(&target) = anchors.ids.get(file_part).filter(|_| !file_part.is_empty()) {
        target
    } else {
        let file = match path_of(&loader.tree, node, text) {
            None => loader.tree.file(node),
            Some(path) => loader.load(&path)?,
        };
        loader.tree.files()[file].root.ok_or_else(|| format!("the file of `{text}` cannot be read"))?
    };
    if fragment.is_empty() {
        return Ok(root);
    }
    if !fragment.starts_with('/') {
        let name: Box<str> = percent_decode(fragment).into();
        let within = resource(&loader.tree, if file_part.is_empty() { node } else { root });
        let found = anchors.by_resource.get(&(within, name.clone()));
        let found = found.or_else(|| anchors.by_file.get(&(loader.tree.file(root), name)));
        return found.copied().ok_or_else(|| format!("there is no anchor `{fragment}`"));
    }
    let mut at = root;
    for raw in fragment.split('/').skip(1) {
        at = step(loader, at, raw, anchors, hops)
            .ok_or_else(|| format!("`{text}` leads nowhere: {} has no `{raw}`", loader.tree.pointer(at)))?;
    }
    Ok(at)
}

/// One step of a JSON pointer (RFC 6901), through references on the way.
fn step(loader: &mut Loader<'_>, at: NodeId, raw: &str, anchors: &Anchors, hops: usize) -> Option<NodeId> {
    let unescape = |text: &str| text.replace("~1", "/").replace("~0", "~");
    if loader.tree.is_list(at) {
        return raw.parse::<usize>().ok().and_then(|i| loader.tree.items(at).get(i).copied());
    }
    let found = loader.tree.get(at, &unescape(&percent_decode(raw))).or_else(|| loader.tree.get(at, &unescape(raw)));
    if found.is_some() || hops >= HOPS || anchors.through.get() >= THROUGH {
        return found;
    }
    anchors.through.set(anchors.through.get() + 1);
    let through = loader.tree.get_text(at, "$ref").map(str::to_owned)?;
    let target = look_up(loader, at, &through, anchors, hops + 1).ok()?;
    step(loader, target, raw, anchors, hops + 1)
}

/// RFC 3986 percent decoding; what is not an escape stays.
pub(crate) fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape =
            (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = escape {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}
