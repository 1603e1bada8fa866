//! What a build command reads: the component's sources, by digest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::glob;
use crate::file::{self, FileError};
use crate::model::Component;
use crate::project::Project;

/// Folders that hold what tools made, not what people wrote.
const MADE: &[&str] = &["target", "node_modules", "__pycache__"];

/// Files below the manifest's folder → their digests.
pub(super) type Inputs = BTreeMap<String, String>;

/// The inputs of a component as they are now.
pub(super) fn inputs(project: &Project, component: &Component) -> Result<Inputs, FileError> {
    let root = if project.root.as_os_str().is_empty() { Path::new(".") } else { &project.root };
    let mut found = Inputs::new();
    if component.inputs.is_empty() {
        let home = component.wit.parent().unwrap_or(Path::new(""));
        walk(root, home, &mut |_| true, &mut found)?;
    } else {
        let wanted = |path: &str| component.inputs.iter().any(|pattern| glob::matches(pattern, path));
        walk(root, Path::new(""), &mut |path| wanted(path), &mut found)?;
    }
    // The WIT is always read, wherever it is.
    walk(root, &component.wit, &mut |_| true, &mut found)?;
    found.remove(&slashed(&component.wasm));
    Ok(found)
}

/// The patterns that match none of the inputs. Hidden files and what is outside of the manifest's folder match none.
pub(super) fn unmatched<'a>(component: &'a Component, found: &Inputs) -> impl Iterator<Item = &'a str> {
    let matches = |pattern: &str| found.keys().any(|path| glob::matches(pattern, path));
    component.inputs.iter().map(String::as_str).filter(move |pattern| !matches(pattern))
}

fn walk(root: &Path, folder: &Path, wanted: &mut dyn FnMut(&str) -> bool, found: &mut Inputs) -> Result<(), FileError> {
    let at = root.join(folder);
    let failed = |e: std::io::Error| FileError::new("read", &at, &e);
    for entry in std::fs::read_dir(&at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        if name.starts_with('.') || MADE.contains(&name.as_str()) {
            continue;
        }
        let kind = entry.file_type().map_err(failed)?;
        // Links to folders are not followed: they can lead back.
        if kind.is_dir() {
            walk(root, &path, wanted, found)?;
            continue;
        }
        let path = slashed(&path);
        if Path::new(&path).extension().is_some_and(|e| e == "wasm") || found.contains_key(&path) || !wanted(&path) {
            continue;
        }
        if let Some(digest) = file::digest_of(&root.join(&path)) {
            found.insert(path, digest);
        }
    }
    Ok(())
}

/// A path as patterns and states write it.
fn slashed(path: &Path) -> String {
    let parts: PathBuf = path.components().filter(|c| !matches!(c, std::path::Component::CurDir)).collect();
    parts.to_string_lossy().replace('\\', "/")
}
