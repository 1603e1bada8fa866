//! `witwire.lock`: the digests of what comes from the network, documents and what servers say of themselves, and copies of it beside
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use witwire_frontends::Location;

use crate::file::{self, FileError, WORK};
use crate::mistake::{Code, Mistake};
use crate::reflection::{Reflect, Reflected};
use crate::remote::{self, Roots};

/// The lock's name, beside the manifest.
const FILE: &str = "witwire.lock";

/// How the lock and the network may be used. As of cargo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LockPolicy {
    /// The lock must not change: a document that it does not pin is a mistake.
    pub locked: bool,
    /// The network is not used: only documents with a copy can be read.
    pub offline: bool,
    /// Documents are fetched anew and pinned as they are now.
    pub update: bool,
}

/// The content of the lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    /// URL → `blake3:` and 64 hexadecimal digits.
    documents: BTreeMap<String, String>,
    /// URL of a server → the same of the descriptor set that it says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reflections: BTreeMap<String, String>,
}

/// What a URL gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Document,
    Reflection,
}

impl Content {
    fn of(&mut self, kind: Kind) -> &mut BTreeMap<String, String> {
        match kind {
            Kind::Document => &mut self.documents,
            Kind::Reflection => &mut self.reflections,
        }
    }
}

/// The newest format that is read and written.
const VERSION: u32 = 1;
const SCHEME: &str = "blake3:";

/// The lock in use.
#[derive(Debug)]
pub(crate) struct Lock {
    root: PathBuf,
    content: Content,
    policy: LockPolicy,
    used: BTreeSet<(Kind, String)>,
}

impl Lock {
    /// Reads the lock; none is an empty one.
    pub(crate) fn open(root: &Path, policy: LockPolicy) -> Result<Self, Mistake> {
        let path = root.join(FILE);
        let place = Location { file: path.display().to_string(), ..Location::default() };
        let unreadable = |reason: String| {
            let help = "remove it and build again; what it pinned is then fetched anew";
            Mistake::new(Code::Unreadable, place.clone(), format!("the lock cannot be read: {reason}")).help(help)
        };
        let content = match file::read(&path).map_err(|e| unreadable(e.reason))? {
            None => Content { version: VERSION, ..Content::default() },
            Some(bytes) => {
                let content: Content = serde_json::from_slice(&bytes).map_err(|e| unreadable(e.to_string()))?;
                if content.version != VERSION {
                    return Err(unreadable(format!("it has version {}, and this witwire knows {VERSION}", content.version)));
                }
                if let Some((url, _)) =
                    content.documents.iter().chain(&content.reflections).find(|(_, pinned)| hex(pinned).is_none())
                {
                    return Err(unreadable(format!("the digest of `{url}` is not `{SCHEME}` and 64 hexadecimal digits")));
                }
                content
            }
        };
        Ok(Self { root: root.to_owned(), content, policy, used: BTreeSet::new() })
    }

    /// The document behind a URL, as it is pinned; pins it where it is not.
    pub(crate) fn document(&mut self, url: &str, place: &Location) -> Result<Vec<u8>, Mistake> {
        self.pinned(Kind::Document, url, place, &|| remote::fetch(url, &Roots::default()))
    }

    /// The descriptor set that a server says of itself, in the same way.
    pub(crate) fn reflection(
        &mut self,
        server: &Reflected,
        place: &Location,
        reflect: &dyn Reflect,
    ) -> Result<Vec<u8>, Mistake> {
        self.pinned(Kind::Reflection, server.server.as_str(), place, &|| reflect.descriptor_set(server))
    }

    /// Whether what the lock says of a document lets it be another one than that of a digest: it is to be pinned anew, or pinned otherwise.
    pub(crate) fn may_replace(&self, url: &str, digest: Option<&str>) -> bool {
        self.policy.update || self.content.documents.get(url).and_then(|text| hex(text)) != digest
    }

    fn pinned(
        &mut self,
        kind: Kind,
        url: &str,
        place: &Location,
        fetch: &dyn Fn() -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, Mistake> {
        let (subject, check) = match kind {
            Kind::Document => (format!("`{url}`"), "check the URL"),
            Kind::Reflection => {
                (format!("the reflection of `{url}`"), "is it the right `endpoint`, and does the server run?")
            }
        };
        // What several dependencies name is fetched once, so that all get what is pinned.
        let anew = self.used.insert((kind, url.to_owned())) && self.policy.update;
        let pinned = self.content.of(kind).get(url).and_then(|text| hex(text)).map(str::to_owned);
        let wrong = |code, message: String, help: &str| Err(Mistake::new(code, place.clone(), message).help(help));
        if let Some(digest) = pinned.as_deref().filter(|_| !anew)
            && let Some(copy) = self.copy(digest)
        {
            return Ok(copy);
        }
        if pinned.is_none() && self.policy.locked {
            let message = format!("{subject} is not pinned in {FILE}, which may not change");
            return wrong(Code::NotLocked, message, "build without `--locked` once, and commit the lock");
        }
        if self.policy.offline {
            let message = format!("there is no copy of {subject} here, and the network may not be used");
            return wrong(Code::NotFetched, message, "build without `--offline` once");
        }
        let bytes = match fetch() {
            Ok(bytes) => bytes,
            Err(reason) => return wrong(Code::NotFetched, format!("{subject} cannot be fetched: {reason}"), check),
        };
        let digest = file::digest(&bytes);
        match pinned {
            Some(pinned) if pinned != digest && !self.policy.update => {
                let message =
                    format!("{subject} has changed: {FILE} pins {}, the server has {}", &pinned[..12], &digest[..12]);
                return wrong(
                    Code::Changed,
                    message,
                    "look at what changed; `witwire build --update-lock` takes it as it is now",
                );
            }
            Some(pinned) if pinned != digest && self.policy.locked => {
                let message = format!("{subject} has changed, and {FILE} may not change");
                return wrong(Code::NotLocked, message, "build without `--locked`");
            }
            _ => {}
        }
        if let Err(e) = file::work_folder(&self.root).and_then(|()| file::write(&self.copy_path(&digest), &bytes)) {
            return wrong(Code::NotFetched, e.to_string(), "the copy belongs there");
        }
        self.content.of(kind).insert(url.to_owned(), format!("{SCHEME}{digest}"));
        Ok(bytes)
    }

    fn copy_path(&self, digest: &str) -> PathBuf {
        self.root.join(WORK).join("specs").join(digest)
    }

    /// A copy that is still what it was.
    fn copy(&self, digest: &str) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.copy_path(digest)).ok()?;
        (file::digest(&bytes) == digest).then_some(bytes)
    }

    /// Writes what changed. `whole`: everything in the manifest was asked for, so that what was not used is forgotten.
    pub(crate) fn save(mut self, whole: bool) -> Result<(), FileError> {
        if self.policy.locked {
            return Ok(());
        }
        if whole {
            for kind in [Kind::Document, Kind::Reflection] {
                let used = &self.used;
                self.content.of(kind).retain(|url, _| used.contains(&(kind, url.clone())));
            }
        }
        let path = self.root.join(FILE);
        if self.content.documents.is_empty() && self.content.reflections.is_empty() && !path.exists() {
            return Ok(());
        }
        let mut text = serde_json::to_string_pretty(&self.content).expect("maps of texts are JSON");
        text.push('\n');
        file::update(&path, text.as_bytes()).map(drop)
    }
}

fn hex(pinned: &str) -> Option<&str> {
    pinned.strip_prefix(SCHEME).filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
