//! New projects.

use std::path::{Path, PathBuf};

use witwire_ir::WitName;

use crate::file::{self, FileError};

/// Files of a new project: path, and content in which `{{name}}` is the project's name and `{{crate}}` Rust's form of it.
pub type Template = &'static [(&'static str, &'static str)];

/// A Rust component that calls an HTTP API.
pub const RUST: Template = &[
    ("witwire.yaml", include_str!("../templates/rust/witwire.yaml")),
    ("specs/notes.yaml", include_str!("../templates/rust/notes.yaml")),
    ("wit/world.wit", include_str!("../templates/rust/world.wit")),
    ("Cargo.toml", include_str!("../templates/rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("../templates/rust/lib.rs")),
    (".gitignore", include_str!("../templates/rust/gitignore.txt")),
    ("README.md", include_str!("../templates/rust/README.md")),
];

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The folder's name is none that a WIT package can have.
    #[error(
        "`{name}` cannot be the name of a component ({reason}); use lower-case words joined by hyphens, as in `todo-agent`"
    )]
    Name {
        /// As given.
        name: String,
        /// Why.
        reason: String,
    },
    /// The folder has something in it.
    #[error("`{}` exists and is not empty; choose another name", .0.display())]
    NotEmpty(PathBuf),
    /// Writing failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Makes a project in a folder, which is made too; the component has its name. The written files, in order.
///
/// # Errors
/// [`NewError`]; nothing is written unless the name is good and the folder empty.
pub fn create(folder: &Path, template: Template) -> Result<Vec<PathBuf>, NewError> {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = WitName::new(name.as_str()).map_err(|e| NewError::Name { name: name.clone(), reason: e.to_string() })?;
    match std::fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(NewError::NotEmpty(folder.to_owned()));
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(FileError::new("read", folder, &e).into()),
    }
    let mut written = Vec::new();
    for (path, content) in template {
        let path = folder.join(path);
        let content = content.replace("{{name}}", name.as_str()).replace("{{crate}}", &name.as_str().replace('-', "_"));
        file::write(&path, content.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}
