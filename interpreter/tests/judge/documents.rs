//! The documents of the corpus that are judged.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

/// The documents of the short run: of different vendors, generators and encodings.
const EIGHT: [&str; 8] = [
    "apis-guru/asana.com.json",
    "apis-guru/box.com.json",
    "apis-guru/slack.com.json",
    "apis-guru/twilio.com/api.json",
    "chroma/openapi.json",
    "discord/specs/openapi.json",
    "kubernetes/api/v1.json",
    "prefect/openapi.json",
];

/// A document of the corpus.
pub(super) struct Document {
    /// Its path in the corpus.
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// The OpenAPI corpus. Without it: a failure under CI, else a plain line.
pub(super) fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("WITWIRE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from)
        .join("openapi");
    if corpus.is_dir() {
        return Some(corpus);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {}", corpus.display());
    println!("skipped: corpus not found");
    None
}

pub(super) fn eight(corpus: &Path) -> Vec<Document> {
    EIGHT.iter().map(|name| document(corpus, name)).collect()
}

/// All that a vendor published and that must load.
pub(super) fn of_vendors(corpus: &Path) -> Vec<Document> {
    let index = fs::read_to_string(corpus.join("INDEX.tsv")).expect("the corpus has an index");
    let mut lines = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().expect("the index has a header");
    let column = |name: &str| header.iter().position(|h| *h == name).expect("the index has the column");
    let (path, kind, expect) = (column("path"), column("kind"), column("expect"));
    let vendors = lines.filter(|line| line[kind] == "vendor" && line[expect] == "load").map(|line| line[path]);
    // Not in the index, and harder than most of it.
    vendors.chain(["cloudflare/openapi.yaml"]).map(|name| document(corpus, name)).collect()
}

fn document(corpus: &Path, name: &str) -> Document {
    Document { name: name.to_owned(), path: corpus.join(name) }
}

impl Document {
    /// As the judge reads it, in one file: it does not follow references to other files. Examples are left out, so that responses
    /// are made of schemas, and so are extensions, in which references may lead nowhere. All else is as it was published.
    pub(super) fn in_one_file(&self) -> Result<tempfile::NamedTempFile, String> {
        let root = self.path.canonicalize().map_err(|e| e.to_string())?;
        let mut bundle = Bundle { root: root.clone(), waiting: vec![root], files: Map::new() };
        let mut whole = Json::Null;
        while let Some(file) = bundle.waiting.pop() {
            let error = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
            let text = fs::read_to_string(&file).map_err(|e| error(&e))?;
            let mut tree: Json = match serde_json::from_str(&text) {
                Ok(tree) => tree,
                Err(_) => serde_saphyr::from_str(&text).map_err(|e| error(&e))?,
            };
            leave_out(&mut tree, file != bundle.root);
            bundle.rewrite(&mut tree, &file);
            if file == bundle.root {
                whole = tree;
            } else {
                bundle.files.insert(file.to_string_lossy().into_owned(), tree);
            }
        }
        if !bundle.files.is_empty() {
            whole["x-files"] = Json::Object(bundle.files);
            place_operations(&mut whole);
        }
        let file = tempfile::Builder::new().suffix(".json").tempfile().map_err(|e| e.to_string())?;
        fs::write(file.path(), whole.to_string()).map_err(|e| e.to_string())?;
        Ok(file)
    }
}

/// Keys whose value has keys of the document's own.
const NAMES: [&str; 16] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "dependentRequired",
    "$defs",
    "definitions",
    "schemas",
    "parameters",
    "responses",
    "requestBodies",
    "headers",
    "securitySchemes",
    "links",
    "callbacks",
    "pathItems",
    "mapping",
];
/// Keys whose value is any JSON value.
const VALUES: [&str; 3] = ["default", "enum", "const"];

/// Leaves out examples and extensions. `names`: the keys of this map are the document's own, as those of other files may be.
fn leave_out(tree: &mut Json, names: bool) {
    match tree {
        Json::Array(items) => items.iter_mut().for_each(|item| leave_out(item, false)),
        Json::Object(members) => {
            if !names {
                members.retain(|key, _| key != "example" && key != "examples" && !key.starts_with("x-"));
            }
            for (key, value) in members.iter_mut().filter(|(key, _)| names || !VALUES.contains(&key.as_str())) {
                leave_out(value, !names && NAMES.contains(&key.as_str()));
            }
        }
        _ => {}
    }
}

/// Puts operations in the place of references to them, which OpenAPI does not know and the judge does not follow.
fn place_operations(whole: &mut Json) {
    let all = whole.clone();
    let Some(Json::Object(paths)) = whole.get_mut("paths") else { return };
    for operation in paths.values_mut().filter_map(Json::as_object_mut).flat_map(Map::values_mut) {
        let target = operation.get("$ref").and_then(Json::as_str).and_then(|r| all.pointer(r.strip_prefix('#')?));
        if let Some(target) = target {
            *operation = target.clone();
        }
    }
}

struct Bundle {
    root: PathBuf,
    waiting: Vec<PathBuf>,
    /// The files by path; those that wait are `null`.
    files: Map<String, Json>,
}

impl Bundle {
    fn rewrite(&mut self, tree: &mut Json, file: &Path) {
        match tree {
            Json::Array(items) => items.iter_mut().for_each(|item| self.rewrite(item, file)),
            Json::Object(members) => {
                if let Some(Json::String(reference)) = members.get_mut("$ref") {
                    *reference = self.inside(reference, file);
                }
                members.values_mut().for_each(|member| self.rewrite(member, file));
            }
            _ => {}
        }
    }

    /// The reference as one within the bundle.
    fn inside(&mut self, reference: &str, from: &Path) -> String {
        let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let target =
            if path.is_empty() { Ok(from.to_path_buf()) } else { from.with_file_name("").join(path).canonicalize() };
        let Ok(target) = target else { return reference.to_owned() };
        if target == self.root {
            return format!("#{pointer}");
        }
        let key = target.to_string_lossy().into_owned();
        if !self.files.contains_key(&key) {
            self.files.insert(key.clone(), json!(null));
            self.waiting.push(target);
        }
        format!("#/x-files/{}{pointer}", key.replace('~', "~0").replace('/', "~1"))
    }
}
