//! Generated WIT packages in a component's `wit/deps`, and the component's own world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wit_parser::Resolve;
use witwire_ir::{Api, print_package};

use crate::file::{self, FileError};

/// What was generated, beside it: so that it can be repaired and removed, also in another checkout, and so that what somebody has
/// changed is told from it. WIT tools pass over the file.
const RECORD: &str = ".witwire.json";

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// Path below `deps` → digest of the content.
    generated: BTreeMap<PathBuf, String>,
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Updated {
    /// Files that were written or removed.
    pub(super) changed: Vec<PathBuf>,
    /// Files that were generated and that somebody has edited, and in words what became of them.
    pub(super) edited: Vec<(PathBuf, &'static str)>,
}

/// Why packages cannot be written.
#[derive(Debug)]
pub(super) enum WitError {
    /// A file that was not generated stands in the way.
    Foreign(PathBuf),
    /// Reading or writing failed.
    File(FileError),
}

impl From<FileError> for WitError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// `<ns>_<name>`: where the tools of guests look for a package.
pub(super) fn folder(api: &Api) -> String {
    format!("{}_{}", api.package.namespace.as_str(), api.package.name.as_str())
}

/// Writes packages that are not there as they should be, and removes those that were generated and are no longer wanted. What was
/// not generated is not touched, and what was edited is not removed.
pub(super) fn update(wit: &Path, apis: &[&Api]) -> Result<Updated, WitError> {
    let deps = wit.join("deps");
    let record_path = deps.join(RECORD);
    // A record that cannot be read is as none: then only equal content counts as generated.
    let old: Record = file::read(&record_path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut wanted: BTreeMap<PathBuf, String> = BTreeMap::new();
    for api in apis {
        let path = Path::new(&folder(api)).join(format!("{}.wit", api.package.name.as_str()));
        wanted.insert(path, print_package(api));
    }
    let mut updated = Updated::default();
    for (path, text) in &wanted {
        let Some(found) = file::read(&deps.join(path))?.filter(|found| found != text.as_bytes()) else { continue };
        match old.generated.get(path) {
            None => return Err(WitError::Foreign(deps.join(path))),
            Some(digest) if file::digest(&found) != *digest => {
                updated.edited.push((deps.join(path), "it was generated again"));
            }
            Some(_) => {}
        }
    }
    let generated = wanted.iter().map(|(path, text)| (path.clone(), file::digest(text.as_bytes()))).collect();
    let new = Record { generated };
    // First the record, of all that may be there: whatever is interrupted, nothing generated is taken for foreign afterwards.
    let mut both = Record { generated: old.generated.clone() };
    both.generated.extend(new.generated.iter().map(|(path, digest)| (path.clone(), digest.clone())));
    if both != old {
        file::write(&record_path, &json(&both))?;
    }
    for (path, text) in &wanted {
        let path = deps.join(path);
        if file::update(&path, text.as_bytes())? {
            updated.changed.push(path);
        }
    }
    for (path, digest) in old.generated.iter().filter(|(path, _)| !wanted.contains_key(*path) && is_below(path)) {
        let path = deps.join(path);
        if let Some(found) = file::read(&path)? {
            if file::digest(&found) != *digest {
                updated.edited.push((path, "it is no longer wanted, and was left: remove it"));
                continue;
            }
            std::fs::remove_file(&path).map_err(|e| FileError::new("remove", &path, &e))?;
            updated.changed.push(path.clone());
        }
        // Only where nothing else is in it.
        let _ = path.parent().map(std::fs::remove_dir);
    }
    if both != new {
        file::write(&record_path, &json(&new))?;
    }
    Ok(updated)
}

/// Whether a recorded path stays below `deps`, whatever was written into the record.
fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn json(record: &Record) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(record).expect("a map of texts is JSON");
    text.push(b'\n');
    text
}

/// Reads the component's WIT with its packages, and looks for the world.
pub(super) fn check_world(wit: &Path, world: Option<&str>) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).map_err(|e| format!("`{}`: {e:#}", wit.display()))?;
    let worlds: Vec<&str> = resolve.packages[package].worlds.keys().map(String::as_str).collect();
    match (world, worlds.as_slice()) {
        (Some(name), all) if all.contains(&name) => Ok(()),
        (None, [_]) => Ok(()),
        (Some(name), all) => Err(format!("`{}` has no world `{name}`; it has {}", wit.display(), list(all))),
        (None, []) => Err(format!("`{}` has no world", wit.display())),
        (None, all) => Err(format!("`{}` has several worlds: {}; name one as `world`", wit.display(), list(all))),
    }
}

fn list(names: &[&str]) -> String {
    crate::schema::check::quoted(names.iter().copied(), "and")
}
