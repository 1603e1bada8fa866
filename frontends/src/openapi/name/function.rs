//! Names of functions: from the operationId, else from method and path.

use std::collections::{HashMap, HashSet};

use witwire_ir::operation::http::Method;
use witwire_ir::{MAX_NAME, WitName};

use super::{is_lower_plural, is_version_like, sing};
use crate::Code;
use crate::names::{Scope, from_words, hash, words};
use crate::openapi::context::Context;
use crate::openapi::document::{OperationView, PathKey, Piece, Segment};

/// A function that wants a name.
pub(crate) struct Wanted<'a> {
    pub(crate) view: &'a OperationView,
    pub(crate) interface: &'a WitName,
    /// Appended for another body or response of the same operation: `form`, `multipart`, `stream`, ...
    pub(crate) suffix: Option<String>,
    /// It is another response of an operation that has a function already: its name is made up here, and steps back before one that a
    /// document gives.
    pub(crate) derived: bool,
}

/// The names that a function may take, best first.
struct Candidates {
    /// Given by the author or the manifest: it never steps back.
    fixed: Option<WitName>,
    levels: [Vec<String>; 3],
    source: String,
}

/// What paths of a document tell about each other.
struct Paths {
    /// Path without its last segment, where that is a parameter.
    collections: HashSet<String>,
    /// Path → its methods.
    methods: HashMap<String, Vec<Method>>,
}

/// Names all functions.
pub(crate) fn functions(cx: &Context<'_>, operations: &[OperationView], wanted: &[Wanted<'_>]) -> Vec<WitName> {
    let paths = Paths::new(operations);
    let candidates: Vec<Candidates> = wanted.iter().map(|w| Candidates::new(cx, &paths, w)).collect();
    let mut levels = vec![0_usize; wanted.len()];
    let name_at = |i: usize, level: usize| -> WitName {
        let candidate = &candidates[i];
        candidate.fixed.clone().unwrap_or_else(|| from_words(&candidate.levels[level], "call", &candidate.source).name)
    };
    // Each round moves at least one function a step back, so it ends; three steps are all there are.
    for _ in 0..8 {
        let mut groups: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        for (i, w) in wanted.iter().enumerate() {
            groups.entry((w.interface.as_str(), name_at(i, levels[i]).collision_key())).or_default().push(i);
        }
        let mut moved = false;
        for group in groups.values().filter(|g| g.len() > 1) {
            let is_contested = group.iter().filter(|i| !wanted[**i].derived).count() > 1;
            for &i in group {
                if levels[i] < 2 && candidates[i].fixed.is_none() && (wanted[i].derived || is_contested) {
                    levels[i] += 1;
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
    }
    // What still clashes (two functions that somebody gave one name) is told apart by a hash.
    let mut scopes: HashMap<&str, (Scope<u8>, Vec<usize>)> = HashMap::new();
    for (i, w) in wanted.iter().enumerate() {
        let (scope, of) = scopes.entry(w.interface.as_str()).or_insert_with(|| (Scope::new(), Vec::new()));
        let rank = if w.derived { 2 } else { u8::from(candidates[i].fixed.is_none()) };
        scope.wish(rank, name_at(i, levels[i]), None, candidates[i].source.as_str());
        of.push(i);
    }
    let mut out: Vec<WitName> = (0..wanted.len()).map(|i| name_at(i, levels[i])).collect();
    for (scope, of) in scopes.into_values() {
        for (i, name) in of.into_iter().zip(scope.give().names) {
            out[i] = name;
        }
    }
    for (i, w) in wanted.iter().enumerate() {
        let cut = out[i].as_str().len() > MAX_NAME - 8;
        if levels[i] == 2 || (cut && candidates[i].levels[levels[i]].join("-").len() > MAX_NAME) {
            let code = if levels[i] == 2 { Code::NameCollision } else { Code::NameCut };
            let message = format!("`{}` is called `{}.{}`", candidates[i].source, w.interface.as_str(), out[i].as_str());
            cx.warn(code, w.view.node, message, "give it a name with `x-wit-name`, or `rename:` in the manifest");
        }
    }
    out
}

impl Paths {
    fn new(operations: &[OperationView]) -> Self {
        let mut out = Self { collections: HashSet::new(), methods: HashMap::new() };
        for operation in operations {
            let path = spelled(&operation.path);
            if operation.path.segments.last().is_some_and(Segment::has_parameter)
                && let Some((collection, _)) = path.rsplit_once('/')
            {
                out.collections.insert(collection.to_owned());
            }
            out.methods.entry(path).or_default().push(operation.method);
        }
        out
    }
}

/// The path with all parameters alike, so that `/a/{x}` and `/a/{y}` are one.
fn spelled(path: &PathKey) -> String {
    let mut out = String::new();
    for segment in &path.segments {
        out.push('/');
        match segment.literal() {
            Some(text) => out.push_str(text),
            None => out.push_str("{}"),
        }
    }
    out.trim_end_matches('/').to_owned()
}

impl Candidates {
    fn new(cx: &Context<'_>, paths: &Paths, wanted: &Wanted<'_>) -> Self {
        let view = wanted.view;
        let source = view.source();
        let mut interface = words(wanted.interface.as_str());
        // `api20100401-call` is about calls.
        let version = |word: &str| is_version_like(word) || word.strip_prefix("api").is_some_and(is_version_like);
        let versions = interface.iter().take_while(|word| version(word)).count();
        if versions < interface.len() {
            interface.drain(..versions);
        }
        let with_suffix = |mut of: Vec<String>| {
            of.extend(wanted.suffix.iter().flat_map(|s| words(s)));
            of
        };
        let given = cx
            .options
            .rename
            .get(&source)
            .or_else(|| view.id.as_ref().and_then(|id| cx.options.rename.get(id)))
            .map(String::as_str)
            .or_else(|| cx.renamed(view.node));
        let given = given.and_then(|text| match WitName::new(text) {
            Ok(_) => Some(words(text)),
            Err(e) => {
                cx.warn(Code::BadRename, view.node, e.to_string(), "give a WIT name: lower-case words joined by hyphens");
                None
            }
        });
        if let Some(given) = given.clone().filter(|_| wanted.derived) {
            let mut third = given.clone();
            third.push(hash(&source));
            return Self { fixed: None, levels: [given.clone(), given, third].map(with_suffix), source };
        }
        let fixed = given.map(|given| from_words(&with_suffix(given), "call", &source).name);
        let (first, second) = from_id(view, &interface).unwrap_or_else(|| {
            let name = from_path(view, paths, &interface);
            let mut by = name.clone();
            let parameters: Vec<String> = view.path.parameters().flat_map(words).collect();
            if !parameters.is_empty() {
                by.push("by".to_owned());
                by.extend(parameters);
            }
            (name, by)
        });
        let mut third = second.clone();
        third.push(hash(&source));
        Self { fixed, levels: [first, second, third].map(with_suffix), source }
    }
}

/// The name from the operationId, and the one before the interface's words were removed.
fn from_id(view: &OperationView, interface: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let id = view.id.as_deref()?;
    let method = view.method.as_str().to_ascii_lowercase();
    let path: Vec<String> = view
        .path
        .segments
        .iter()
        .flat_map(|s| &s.0)
        .flat_map(|p| match p {
            Piece::Literal(text) | Piece::Parameter(text) => words(text),
        })
        .collect();
    let all = words(id);
    let spelled = all.concat();
    let pieces = spellings(&view.path);
    if [spelled.strip_prefix(&method), spelled.strip_suffix(&method)].into_iter().flatten().any(|rest| spells(rest, &pieces))
    {
        return None;
    }
    // FastAPI: `read_item_items__item_id__get`.
    let mut tail = path.clone();
    tail.push(method);
    let mut kept = if path.is_empty() || !all.ends_with(&tail) { all } else { all[..all.len() - tail.len()].to_vec() };
    let parts: Vec<&str> = id.split(['.', '/']).collect();
    if parts.len() > 1 {
        let same = |part: &str| {
            let of = words(part);
            !of.is_empty() && of.iter().map(|w| sing(w)).eq(interface.iter().map(|w| sing(w)))
        };
        if let Some(at) = parts.iter().rposition(|p| same(p)) {
            let behind = words(&parts[at + 1..].join("."));
            if !behind.is_empty() {
                kept = behind;
            }
        }
    }
    if kept.is_empty() {
        return None;
    }
    let mut short = kept.clone();
    let n = interface.len();
    let matches = |of: &[String]| of.iter().map(|w| sing(w)).eq(interface.iter().map(|w| sing(w)));
    if n > 0 && short.len() > n && matches(&short[..n]) {
        short.drain(..n);
    } else if n > 0 && short.len() > n && matches(&short[1..=n]) {
        short.drain(1..=n);
    }
    Some((short, kept))
}

/// How the pieces of a path may be spelled in an id: what is like a version may be left out, and a parameter may be called by its
/// last word or `id`.
fn spellings(path: &PathKey) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    for segment in &path.segments {
        let version = segment.literal().is_some_and(is_version_like);
        for piece in &segment.0 {
            let mut ways = match piece {
                Piece::Literal(text) => vec![words(text).concat()],
                Piece::Parameter(text) => {
                    let of = words(text);
                    let last = of.last().cloned().unwrap_or_default();
                    vec![of.concat(), last, "id".to_owned()]
                }
            };
            if version {
                ways.push(String::new());
            }
            ways.dedup();
            out.push(ways);
        }
    }
    out
}

/// Whether a text is the pieces one after the other, each in one of its ways.
fn spells(text: &str, pieces: &[Vec<String>]) -> bool {
    // All that may be left of the text behind the pieces so far.
    let mut left: HashSet<&str> = HashSet::from([text]);
    for ways in pieces {
        left = left.iter().flat_map(|rest| ways.iter().filter_map(|way| rest.strip_prefix(way.as_str()))).collect();
    }
    left.contains("")
}

/// The name from method and path.
fn from_path(view: &OperationView, paths: &Paths, interface: &[String]) -> Vec<String> {
    let in_interface = |segment: &str| {
        let of = words(segment);
        !of.is_empty() && of.iter().all(|w| interface.iter().any(|i| sing(i) == sing(w)))
    };
    // Of `thumbnail.{extension}` the words count.
    let literal = |segment: &'_ Segment| -> Option<String> {
        let texts = segment.0.iter().filter_map(|piece| match piece {
            Piece::Literal(text) if !words(text).is_empty() => Some(text.trim_end_matches(['.', ':', '-', '_'])),
            _ => None,
        });
        Some(texts.collect::<Vec<_>>().join("-")).filter(|text| !text.is_empty())
    };
    let literals: Vec<String> = view.path.segments.iter().filter_map(literal).collect();
    let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
    let left: Vec<&str> = literals.iter().copied().filter(|l| !is_version_like(l) && !in_interface(l)).collect();
    let path = spelled(&view.path);
    let methods = paths.methods.get(&path).map_or(&[][..], Vec::as_slice);
    let item = view.path.segments.last().is_some_and(Segment::has_parameter);
    let last_plural = literals.last().is_some_and(|l| is_lower_plural(l));
    let collection =
        !item && (paths.collections.contains(&path) || left.is_empty() || (view.method == Method::Post && last_plural));
    let other = match view.method {
        Method::Get => "get",
        Method::Put => "replace",
        Method::Patch => "update",
        Method::Delete => "delete",
        Method::Head => "head",
        Method::Options => "options",
        Method::Trace => "trace",
        Method::Post => "create",
    };
    let verb = if item {
        match view.method {
            Method::Post if methods.contains(&Method::Put) || methods.contains(&Method::Patch) => "post",
            Method::Post => "update",
            _ => other,
        }
    } else if collection {
        match view.method {
            Method::Get => "list",
            Method::Put => "replace-all",
            Method::Patch => "update-all",
            Method::Delete => "delete-all",
            _ => other,
        }
    } else if view.method == Method::Post && methods.len() == 1 {
        ""
    } else {
        other
    };
    let mut out = words(verb);
    let mut rest: Vec<String> = left.iter().flat_map(|l| words(l)).collect();
    if (item || verb == "create")
        && let Some(last) = rest.last_mut()
    {
        *last = sing(last);
    }
    out.append(&mut rest);
    if out.is_empty() {
        out.push(other.to_owned());
    }
    out
}
