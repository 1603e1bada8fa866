//! YAML and JSON files as a lossless tree with places: raw scalars, keys in order, line and column of every key and value.
//!
//! OpenAPI documents are read with it; so are other files whose mistakes are told with their place.

use std::path::Path;

use crate::openapi::load::{Budget, Loader};
use crate::openapi::tree::{NodeId, Scalar, Tree};
use crate::{Diagnostic, Files, Location};

/// A file that was read.
#[derive(Debug)]
pub struct Document {
    tree: Tree,
    root: Option<NodeId>,
    diagnostics: Vec<Diagnostic>,
}

/// A value of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Node<'d> {
    tree: &'d Tree,
    id: NodeId,
}

/// What a value is, by the YAML 1.2 core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'d> {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as written.
    Number(&'d str),
    /// Any other scalar, and every quoted one.
    Text(&'d str),
    /// A list.
    List,
    /// A map.
    Map,
}

impl Document {
    /// Reads a file. What is wrong in it is in [`Document::diagnostics`]; a key that stands twice is a warning there, and the last
    /// one counts.
    ///
    /// # Errors
    /// In words why there is no such file.
    pub fn read(path: &Path, files: &dyn Files) -> Result<Self, String> {
        let mut loader = Loader::new(files, Budget { nodes: 200_000, ..Budget::default() });
        loader.key_places = true;
        let file = loader.load(path)?;
        let root = loader.tree.files()[file].root;
        Ok(Self { root, tree: loader.tree, diagnostics: loader.diagnostics })
    }

    /// The whole content; `None` where the text could not be read.
    pub fn root(&self) -> Option<Node<'_>> {
        self.root.map(|id| Node { tree: &self.tree, id })
    }

    /// What is wrong with the text itself.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl<'d> Node<'d> {
    /// What the value is.
    pub fn kind(self) -> Kind<'d> {
        match self.tree.scalar(self.id) {
            Some(Scalar::Null) => Kind::Null,
            Some(Scalar::Bool(value)) => Kind::Bool(value),
            Some(Scalar::Number(text)) => Kind::Number(text),
            Some(Scalar::String(text)) => Kind::Text(text),
            None if self.tree.is_list(self.id) => Kind::List,
            None => Kind::Map,
        }
    }

    /// The value at a key of a map.
    pub fn get(self, key: &str) -> Option<Self> {
        self.tree.get(self.id, key).map(|id| Self { id, ..self })
    }

    /// The entries of a map in order; none where the value is no map.
    pub fn entries(self) -> impl Iterator<Item = (&'d str, Self)> {
        self.tree.entries(self.id).iter().map(move |(key, id)| (&**key, Self { id: *id, ..self }))
    }

    /// The items of a list in order; none where the value is no list.
    pub fn items(self) -> impl Iterator<Item = Self> {
        self.tree.items(self.id).iter().map(move |id| Self { id: *id, ..self })
    }

    /// Where the value stands.
    pub fn location(self) -> Location {
        self.tree.location(self.id)
    }

    /// Where the key stands that the value is under; the value's own place where there is none.
    pub fn key_location(self) -> Location {
        let mut location = self.location();
        if let Some((line, column)) = self.tree.key_place(self.id) {
            (location.line, location.column) = (line, column);
        }
        location
    }
}
