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
    lines.filter(|line| line[kind] == "vendor" && line[expect] == "load").map(|line| document(corpus, line[path])).collect()
}

fn document(corpus: &Path, name: &str) -> Document {
    Document { name: name.to_owned(), path: corpus.join(name) }
}

/// A file that the judge reads; a temporary one goes with this.
pub(super) enum OneFile {
    Itself(PathBuf),
    Bundle(tempfile::NamedTempFile),
}

impl OneFile {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Itself(path) => path,
            Self::Bundle(file) => file.path(),
        }
    }
}

impl Document {
    /// The judge does not follow references to other files: where a document has some, the files that it is made of are put into
    /// one, unchanged but for the references between them.
    pub(super) fn in_one_file(&self) -> Result<OneFile, String> {
        let text = fs::read_to_string(&self.path).map_err(|e| e.to_string())?;
        let outside =
            |line: &str| line.contains("$ref") && !line.contains('#') && (line.contains(".y") || line.contains(".json"));
        if !text.lines().any(outside) {
            return Ok(OneFile::Itself(self.path.clone()));
        }
        let root = self.path.canonicalize().map_err(|e| e.to_string())?;
        let mut bundle = Bundle { root: root.clone(), waiting: vec![root], files: Map::new() };
        let mut whole = Json::Null;
        while let Some(file) = bundle.waiting.pop() {
            let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
            let mut tree: Json = serde_saphyr::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
            bundle.rewrite(&mut tree, &file);
            if file == bundle.root {
                whole = tree;
            } else {
                bundle.files.insert(file.to_string_lossy().into_owned(), tree);
            }
        }
        whole["x-files"] = Json::Object(bundle.files);
        place_operations(&mut whole);
        let file = tempfile::Builder::new().suffix(".json").tempfile().map_err(|e| e.to_string())?;
        fs::write(file.path(), whole.to_string()).map_err(|e| e.to_string())?;
        Ok(OneFile::Bundle(file))
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
