//! Reads `.proto` files and everything that they import, and lets protox check them.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use prost::Message as _;
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::files::normalize;
use crate::{Code, Files, Location};

use super::super::descriptor::FileDescriptorSet;
use super::super::findings::Findings;
use super::{Sources, absorb, edition, in_file, shown, unreadable};

pub(super) fn load(roots: &[PathBuf], includes: &[PathBuf], files: &dyn Files, findings: &mut Findings) -> Option<Sources> {
    let includes = if includes.is_empty() { directories(roots) } else { includes.iter().map(|i| normalize(i)).collect() };
    let mut reader = Reader { files, includes, read: BTreeMap::new(), findings };
    let roots = reader.roots(roots);
    if roots.is_empty() && !reader.findings.has_errors() {
        reader.findings.error(Code::BadProto, Location::default(), "no `.proto` file was given");
    }
    reader.imports(&roots);
    let Reader { read, findings, .. } = reader;
    if findings.has_errors() {
        return None;
    }
    let mut digest = blake3::Hasher::new();
    for (name, source) in &read {
        absorb(&mut digest, name, source.text.as_deref().unwrap_or_default().as_bytes());
    }
    let bytes = check(&roots, &read, findings)?;
    let set = match FileDescriptorSet::decode(&bytes[..]) {
        Ok(set) => set,
        Err(e) => {
            findings.error(Code::BadProto, Location::default(), format!("the compiled sources cannot be read back: {e}"));
            return None;
        }
    };
    let shown = read.into_iter().map(|(name, source)| (name, source.shown)).collect();
    Some(Sources { set, roots, shown, digest })
}

/// The directories of files, each once.
fn directories(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = Vec::new();
    for file in files {
        let directory = normalize(file.parent().unwrap_or(Path::new("")));
        if !out.contains(&directory) {
            out.push(directory);
        }
    }
    out
}

/// A source that was read and parsed.
struct Source {
    /// The path as the user knows it.
    shown: String,
    /// `None` for a file that is built in.
    text: Option<String>,
    parsed: File,
}

/// Reads files by the names under which they are imported.
struct Reader<'a> {
    files: &'a dyn Files,
    includes: Vec<PathBuf>,
    read: BTreeMap<String, Source>,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    /// Reads the files that were given, and returns their import names.
    fn roots(&mut self, paths: &[PathBuf]) -> Vec<String> {
        let mut names = Vec::new();
        for path in paths {
            let path = normalize(path);
            let Some(name) = self.import_name(&path) else {
                self.findings
                    .error(Code::ImportNotFound, in_file(&path), "the file is in none of the include directories")
                    .help(format!(
                        "add one: `-I {}`, or `includes:` of the manifest",
                        shown(path.parent().unwrap_or(&path))
                    ));
                continue;
            };
            match self.files.read(&path) {
                Ok(bytes) => {
                    if !names.contains(&name) {
                        self.add(&name, &path, bytes);
                        names.push(name);
                    }
                }
                Err(e) => unreadable(self.findings, &path, &e.reason),
            }
        }
        names
    }

    /// The path from the first include directory that holds the file, as protoc names it.
    fn import_name(&self, path: &Path) -> Option<String> {
        self.includes.iter().find_map(|i| path.strip_prefix(i).ok()).map(shown)
    }

    /// Reads all that is imported, breadth first.
    fn imports(&mut self, roots: &[String]) {
        let mut queue: Vec<String> = roots.to_vec();
        while let Some(name) = queue.pop() {
            let Some(source) = self.read.get(&name) else { continue };
            let imports = source.parsed.file_descriptor_proto().dependency.clone();
            for (index, import) in imports.iter().enumerate() {
                if !self.read.contains_key(import) {
                    if self.find(import) {
                        queue.push(import.clone());
                    } else {
                        self.missing(&name, index, import);
                    }
                }
            }
        }
    }

    /// Reads an import from the include directories, else from the files that come with protobuf. Those stand in, too, for a copy of
    /// one of them that is newer than the parser.
    fn find(&mut self, name: &str) -> bool {
        let bundled = guarded(|| GoogleFileResolver::new().open_file(name)).and_then(Result::ok);
        for include in self.includes.clone() {
            let path = normalize(&include.join(name));
            if let Ok(bytes) = self.files.read(&path) {
                if bundled.is_some() && !is_parsed(name, &bytes) {
                    break;
                }
                self.add(name, &path, bytes);
                return true;
            }
        }
        bundled.is_some_and(|parsed| {
            self.read.insert(name.to_owned(), Source { shown: name.to_owned(), text: None, parsed });
            true
        })
    }

    /// Parses a source; a bad one is reported and stands as an empty file, so that the others are still looked at.
    fn add(&mut self, name: &str, path: &Path, bytes: Vec<u8>) {
        let shown = shown(path);
        let text = String::from_utf8(bytes).unwrap_or_else(|e| {
            let at = e.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(e.as_bytes()).into_owned();
            let location = located(&shown, &text, at);
            self.findings.error(Code::BadProto, location, "the file is not UTF-8");
            String::new()
        });
        let parsed = if let Some(declared) = edition::declared(&text) {
            let (line, column) = edition::position(&text);
            let location = Location { file: shown.clone(), line, column, pointer: String::new() };
            self.findings
                .error(
                    Code::UnsupportedEdition,
                    location,
                    format!("the source needs edition {declared}; sources may be proto2 or proto3"),
                )
                .help(format!(
                    "editions are read from descriptor sets: `protoc --include_imports --include_source_info \
                     --descriptor_set_out=api.fds {name}`, then give `api.fds`"
                ));
            None
        } else {
            match guarded(|| File::from_source(name, &text)) {
                Some(Ok(file)) => Some(file),
                Some(Err(e)) => {
                    report(self.findings, &e, &shown, &text);
                    None
                }
                None => {
                    let message = "the parser failed on this file; it may be valid all the same";
                    self.findings
                        .error(Code::BadProto, in_file(path), message)
                        .help("compile it with protoc to a descriptor set");
                    None
                }
            }
        };
        let parsed = parsed.unwrap_or_else(|| File::from_file_descriptor_proto(prost_types::FileDescriptorProto::default()));
        self.read.insert(name.to_owned(), Source { shown, text: Some(text), parsed });
    }

    fn missing(&mut self, importer: &str, index: usize, import: &str) {
        let Some(source) = self.read.get(importer) else { return };
        let info = source.parsed.file_descriptor_proto().source_code_info.as_ref();
        let path = [3, index as i32];
        let span = info.and_then(|i| i.location.iter().find(|l| l.path == path)).map(|l| &l.span[..]);
        let (line, column) = match span {
            Some([line, column, ..]) => (*line as u32 + 1, *column as u32 + 1),
            _ => (0, 0),
        };
        let location = Location { file: source.shown.clone(), line, column, pointer: String::new() };
        let looked = self.includes.iter().map(|i| if i.as_os_str().is_empty() { ".".into() } else { shown(i) });
        let looked: Vec<String> = looked.map(|i| format!("`{i}`")).collect();
        self.findings
            .error(Code::ImportNotFound, location, format!("the import `{import}` is in none of {}", looked.join(", ")))
            .help(format!("give the directory that `{import}` is relative to: `-I DIR`, or `includes:` of the manifest"));
    }
}

fn is_parsed(name: &str, bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        edition::declared(text).is_none() && guarded(|| File::from_source(name, text)).is_some_and(|parsed| parsed.is_ok())
    })
}

/// Links and checks everything; the encoded set of all files, imports first.
fn check(roots: &[String], read: &BTreeMap<String, Source>, findings: &mut Findings) -> Option<Vec<u8>> {
    let parsed = read.iter().map(|(name, source)| (name.clone(), source.parsed.clone())).collect();
    let mut compiler = protox::Compiler::with_file_resolver(Parsed(parsed));
    compiler.include_imports(true).include_source_info(true);
    let mut good = true;
    for root in roots {
        match guarded(|| compiler.open_file(root).map(|_| ())) {
            Some(Ok(())) => {}
            Some(Err(e)) => {
                good = false;
                let file = e.file().unwrap_or(root);
                let (shown, text) = read.get(file).map_or((file, ""), |s| (&s.shown, s.text.as_deref().unwrap_or_default()));
                report(findings, &e, shown, text);
            }
            None => {
                good = false;
                let shown = read.get(root).map_or(root, |s| &s.shown);
                let location = Location { file: shown.clone(), ..Location::default() };
                findings
                    .error(Code::BadProto, location, "the compiler failed on this file; it may be valid all the same")
                    .help("compile it with protoc to a descriptor set");
            }
        }
    }
    good.then(|| guarded(|| compiler.encode_file_descriptor_set()))?
}

/// Sources that were parsed before.
struct Parsed(HashMap<String, File>);

impl FileResolver for Parsed {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        self.0.get(name).cloned().ok_or_else(|| protox::Error::file_not_found(name))
    }
}

/// Runs a library that may panic on some input. `None`: it did.
fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    // What the closures touch is dropped after a panic, so no broken invariant can be seen.
    catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Reports everything that the parser or the linker found.
fn report(findings: &mut Findings, error: &dyn miette::Diagnostic, file: &str, text: &str) {
    let mut labels = error.labels().into_iter().flatten();
    let location = labels.next().map_or_else(
        || Location { file: file.to_owned(), ..Location::default() },
        |label| located(file, text, label.offset()),
    );
    let others: Vec<String> = labels
        .map(|label| {
            let (line, _) = line_and_column(text, label.offset());
            format!("line {line}: {}", label.label().unwrap_or("here"))
        })
        .collect();
    let mut message = error.to_string();
    if !others.is_empty() {
        message = format!("{message} ({})", others.join("; "));
    }
    let diagnostic = findings.error(Code::BadProto, location, message);
    if let Some(help) = error.help() {
        diagnostic.help(help.to_string());
    }
    for related in error.related().into_iter().flatten() {
        report(findings, related, file, text);
    }
}

fn located(file: &str, text: &str, offset: usize) -> Location {
    let (line, column) = line_and_column(text, offset);
    Location { file: file.to_owned(), line, column, pointer: String::new() }
}

/// Line and column of a byte offset, 1-based; columns count characters.
pub(super) fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (line as u32, column as u32)
}
