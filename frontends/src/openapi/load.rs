//! Text to tree: YAML 1.2 and JSON, by one parser.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle};

use super::tree::{Content, Map, NodeId, SourceFile, Tree};
use crate::{Code, Diagnostic, FileError, Files, Location, Severity};

/// Limits against hostile documents. The largest published documents stay far below each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Nodes of all files together (13 MB of JSON have 1 million).
    pub(crate) nodes: usize,
    /// Levels of lists and maps.
    pub(crate) depth: usize,
    /// Bytes of all files together.
    pub(crate) bytes: usize,
    /// Files.
    pub(crate) files: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 4_000_000, depth: 200, bytes: 128 << 20, files: 10_000 }
    }
}

/// Files into one tree, within a budget.
pub(crate) struct Loader<'f> {
    files: &'f dyn Files,
    budget: Budget,
    bytes: usize,
    /// The tree so far.
    pub(crate) tree: Tree,
    /// Findings so far.
    pub(crate) diagnostics: Vec<Diagnostic>,
    by_path: HashMap<std::path::PathBuf, Result<usize, String>>,
    /// Whether the places of keys are kept: a manifest's mistakes are told there.
    pub(crate) key_places: bool,
    /// Entries copied by merge keys, of which a short text can ask for any number.
    merged: usize,
    /// Of all contents, in the order of loading.
    pub(crate) digest: blake3::Hasher,
}

/// A list or map that is being read.
struct Open {
    id: NodeId,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<NodeId>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Box<str>, NodeId)>,
    /// Where each key stands in `entries`.
    seen: HashMap<Box<str>, usize>,
    /// The key whose value comes next.
    key: Option<Key>,
    merges: Vec<NodeId>,
}

struct Key {
    /// `None` where the key is a list, a map or an alias of one.
    text: Option<Box<str>>,
    merge: bool,
    line: u32,
    column: u32,
}

/// JSON allows characters that YAML does not; in JSON they stand in quotes, where both know an escape for them.
fn printable(text: &str) -> Cow<'_, str> {
    let refused = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if !text.trim_start().starts_with(['{', '[']) || !text.contains(refused) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if refused(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

impl<'f> Loader<'f> {
    pub(crate) fn new(files: &'f dyn Files, budget: Budget) -> Self {
        Self {
            files,
            budget,
            bytes: 0,
            tree: Tree::default(),
            diagnostics: Vec::new(),
            by_path: HashMap::new(),
            key_places: false,
            merged: 0,
            digest: blake3::Hasher::new(),
        }
    }

    /// Loads a file once; the number of the file.
    ///
    /// # Errors
    /// In words why there is no such file; what is wrong inside a file is in `diagnostics`.
    pub(crate) fn load(&mut self, path: &Path) -> Result<usize, String> {
        let normal = crate::files::normalize(path);
        if let Some(known) = self.by_path.get(&normal) {
            return known.clone();
        }
        let loaded = self.read(path);
        self.by_path.insert(normal, loaded.clone());
        loaded
    }

    fn read(&mut self, path: &Path) -> Result<usize, String> {
        if self.tree.files().len() >= self.budget.files {
            return Err(format!("more than {} files", self.budget.files));
        }
        let read = match crate::files::url_of(path) {
            Some(url) => self.files.remote(url),
            None => self.files.read(path),
        };
        let bytes = read.map_err(|FileError { reason, path }| format!("cannot read `{path}`: {reason}"))?;
        self.digest.update(&(bytes.len() as u64).to_le_bytes());
        self.digest.update(&bytes);
        self.bytes += bytes.len();
        if self.bytes > self.budget.bytes {
            return Err(format!("more than {} bytes in all files together", self.budget.bytes));
        }
        let name = path.display().to_string();
        let file = self.tree.add_file(SourceFile { name: name.clone(), path: path.to_owned(), root: None });
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let line = e.as_bytes()[..e.utf8_error().valid_up_to()].split(|b| *b == b'\n').count() as u32;
                self.error(&name, line, 0, Code::NotYaml, "the file is not UTF-8 text", "save it as UTF-8");
                return Ok(file);
            }
        };
        self.parse(file, &name, &text);
        Ok(file)
    }

    fn error(&mut self, file: &str, line: u32, column: u32, code: Code, message: impl Into<String>, help: &str) {
        self.push(Severity::Error, file, (line, column), code, message.into(), help);
    }

    fn push(&mut self, severity: Severity, file: &str, at: (u32, u32), code: Code, message: String, help: &str) {
        let location = Location { file: file.to_owned(), line: at.0, column: at.1, pointer: String::new() };
        self.diagnostics.push(Diagnostic { severity, code, location, message, help: Some(help.to_owned()), setting: None });
    }

    fn parse(&mut self, file: usize, name: &str, text: &str) {
        let depth = self.budget.depth;
        let options = granit_parser::options! {
            flow_nesting_limit: depth,
            block_nesting_limit: depth,
            simple_key_max_lookahead: 65_536,
        };
        let text = &*printable(text.strip_prefix('\u{feff}').unwrap_or(text));
        let mut parser = Parser::new_from_str_with_options(text, options);
        let mut open: Vec<Open> = Vec::new();
        let mut anchors: HashMap<usize, NodeId> = HashMap::new();
        let mut root = None;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(e) => {
                    let (line, column) = (e.marker().line() as u32, e.marker().col() as u32 + 1);
                    let message = e.to_string();
                    let message = message.split(" at ").next().unwrap_or(&message).to_owned();
                    let help = "the document must be YAML 1.2 or JSON";
                    self.error(name, line, column, Code::NotYaml, format!("not YAML: {message}"), help);
                    return;
                }
            };
            let (line, column) = (span.start.line() as u32, span.start.col() as u32 + 1);
            if self.tree.len() >= self.budget.nodes || self.merged > self.budget.nodes || open.len() > depth {
                let message = format!(
                    "the document is larger than the budget of {} values, or deeper than {depth} levels",
                    self.budget.nodes
                );
                self.error(name, line, column, Code::Budget, message, "split the document, or select part of it");
                return;
            }
            let done = match event {
                Event::Scalar(value, style, anchor, _) => {
                    let plain = style == ScalarStyle::Plain;
                    if let Some(Open { kind: OpenKind::Map(map), .. }) = open.last_mut()
                        && map.key.is_none()
                    {
                        let text: Box<str> = value.into();
                        let merge = plain && &*text == "<<";
                        if anchor != 0 {
                            let node = self.tree.add(Content::Scalar { text: text.clone(), plain }, file, line, column);
                            anchors.insert(anchor, node);
                        }
                        map.key = Some(Key { text: Some(text), merge, line, column });
                        continue;
                    }
                    let node = self.tree.add(Content::Scalar { text: value.into(), plain }, file, line, column);
                    if anchor != 0 {
                        anchors.insert(anchor, node);
                    }
                    node
                }
                Event::SequenceStart(_, anchor, _) => {
                    let id = self.tree.add(Content::List(Vec::new()), file, line, column);
                    open.push(Open { id, anchor, kind: OpenKind::List(Vec::new()) });
                    continue;
                }
                Event::MappingStart(_, anchor, _) => {
                    let id = self.tree.add(Content::Map(Map::default()), file, line, column);
                    open.push(Open { id, anchor, kind: OpenKind::Map(OpenMap::default()) });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(Open { id, anchor, kind }) = open.pop() else { continue };
                    let content = match kind {
                        OpenKind::List(items) => Content::List(items),
                        OpenKind::Map(map) => Content::Map(self.close(map)),
                    };
                    self.tree.complete(id, content);
                    if anchor != 0 {
                        anchors.insert(anchor, id);
                    }
                    id
                }
                Event::Alias(anchor) => {
                    if let Some(&node) = anchors.get(&anchor) {
                        node
                    } else {
                        let message = "an alias stands inside of what it names";
                        self.error(name, line, column, Code::NotYaml, message, "write the value out");
                        return;
                    }
                }
                Event::DocumentEnd if root.is_some() => break,
                _ => continue,
            };
            match open.last_mut() {
                None => root = Some(done),
                Some(Open { kind: OpenKind::List(items), .. }) => items.push(done),
                Some(Open { kind: OpenKind::Map(map), .. }) => match map.key.take() {
                    None => {
                        let text = self.tree.text(done).map(Into::into);
                        map.key = Some(Key { text, merge: false, line, column });
                    }
                    Some(Key { text: None, line, column, .. }) => {
                        let message = "a key that is not a text is ignored".to_owned();
                        self.push(Severity::Warning, name, (line, column), Code::Ignored, message, "use a text as the key");
                    }
                    Some(Key { merge: true, .. }) => map.merges.push(done),
                    Some(Key { text: Some(text), line, column, .. }) => {
                        if let Some(&at) = map.seen.get(&text) {
                            map.entries[at].1 = done;
                            let message = format!("the key `{text}` stands twice in one object; the last one counts");
                            self.push(Severity::Warning, name, (line, column), Code::DuplicateKey, message, "remove one");
                        } else {
                            if self.key_places {
                                self.tree.place_key(done, line, column);
                            }
                            map.seen.insert(text.clone(), map.entries.len());
                            map.entries.push((text, done));
                        }
                    }
                },
            }
        }
        if let Some(root) = root {
            self.tree.set_root(file, root);
        } else {
            self.error(name, 1, 1, Code::NotYaml, "the file is empty", "give an OpenAPI document");
        }
    }

    /// Applies merge keys (`<<`): what the map has itself wins, then the first merged map.
    fn close(&mut self, map: OpenMap) -> Map {
        let OpenMap { mut entries, mut seen, merges, .. } = map;
        for merge in merges {
            let sources = if self.tree.is_list(merge) { self.tree.items(merge).to_vec() } else { vec![merge] };
            for source in sources {
                for (key, value) in self.tree.entries(source) {
                    self.merged += 1;
                    if self.merged > self.budget.nodes {
                        break;
                    }
                    if !seen.contains_key(key) {
                        seen.insert(key.clone(), entries.len());
                        entries.push((key.clone(), *value));
                    }
                }
            }
        }
        Map::new(entries)
    }
}
