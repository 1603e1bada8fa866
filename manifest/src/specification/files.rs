//! The files that a specification is read from, those of other machines included.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use witwire_frontends::{DiskFiles, FileError, Files, Location, url_of};

use crate::file;
use crate::lock::Lock;
use crate::mistake::Mistake;
use crate::remote::Allowed;

/// The project's files, and a note of each that was asked for.
pub(super) struct Recorded<'a> {
    root: &'a Path,
    /// What the network gave for the dependency itself, under its URL.
    given: Option<(String, Vec<u8>)>,
    /// Where other documents may be fetched from.
    allowed: Vec<Allowed>,
    lock: RefCell<&'a mut Lock>,
    /// Where the manifest allows these, or could.
    place: Location,
    asked: RefCell<BTreeMap<PathBuf, Option<String>>>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(
        root: &'a Path,
        given: Option<(String, Vec<u8>)>,
        allowed: Vec<Allowed>,
        lock: &'a mut Lock,
        place: Location,
    ) -> Self {
        let (asked, mistakes) = (RefCell::default(), RefCell::default());
        Self { root, given, allowed, lock: RefCell::new(lock), place, asked, mistakes }
    }

    /// Every file that was asked for, and the digest of what it holds; none where it could not be read.
    pub(super) fn asked(&self) -> BTreeMap<PathBuf, Option<String>> {
        self.asked.borrow().clone()
    }

    /// What is wrong with documents that are allowed: they cannot be fetched, or are not what was pinned.
    pub(super) fn take_mistakes(&self) -> Vec<Mistake> {
        self.mistakes.take()
    }

    pub(super) fn digest(&self, path: &Path) -> Option<String> {
        self.get(path).ok().map(|bytes| file::digest(&bytes))
    }

    /// Whether no other machine has to be asked for a file: it is on this one, or was given.
    pub(super) fn is_at_hand(&self, path: &Path) -> bool {
        let is_given = self.given.as_ref().is_some_and(|(url, _)| path.to_str() == Some(url));
        is_given || url_of(path).is_none()
    }

    /// Whether a document of another machine may be another one than that of a digest. Nobody is asked.
    pub(super) fn may_differ(&self, path: &Path, digest: Option<&str>) -> bool {
        path.to_str().is_none_or(|url| self.lock.borrow().may_replace(url, digest))
    }

    fn get(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        match (&self.given, url_of(path)) {
            (Some((given, bytes)), _) if path.to_str() == Some(given) => Ok(bytes.clone()),
            (_, Some(url)) => self.fetched(url),
            (_, None) => DiskFiles.read(&self.root.join(path)),
        }
    }

    fn fetched(&self, url: &str) -> Result<Vec<u8>, FileError> {
        let error = |reason: String| FileError { path: url.to_owned(), reason };
        if !self.allowed.iter().any(|allowed| allowed.allows(url)) {
            let line = Allowed::beside(url).map_or_else(
                || "save it beside the document".to_owned(),
                |folder| format!("the line `remote: [\"{folder}\"]` of this dependency in the manifest allows it"),
            );
            return Err(error(format!("it is on another machine; {line}")));
        }
        self.lock.borrow_mut().document(url, &self.place).map_err(|mistake| {
            let reason = mistake.message.clone();
            let mut mistakes = self.mistakes.borrow_mut();
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
            error(reason)
        })
    }
}

impl Files for Recorded<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        let read = self.get(path);
        self.asked.borrow_mut().insert(path.to_owned(), read.as_ref().ok().map(|bytes| file::digest(bytes)));
        read
    }

    fn remote(&self, url: &str) -> Result<Vec<u8>, FileError> {
        self.read(Path::new(url))
    }
}
