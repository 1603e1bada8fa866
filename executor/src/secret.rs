//! Where secrets come from.

use std::fmt;
use std::path::PathBuf;

/// Where a secret comes from. Debug output and text show the place, and nothing of a [`Source::Literal`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// An environment variable.
    Environment(String),
    /// A file's content, without the line break at its end.
    File(PathBuf),
    /// The secret itself: for tests, and for hosts that have read it already.
    Literal(String),
}

impl Source {
    /// Reads the secret, which is never empty. A file is read on a thread that may wait: it may be on a slow mount.
    ///
    /// # Errors
    /// Why it cannot be read, without a word of it.
    pub(crate) async fn read(&self) -> Result<String, String> {
        let secret = match self {
            Self::Environment(name) => std::env::var(name).map_err(|e| match e {
                std::env::VarError::NotPresent => "the variable is not set".to_owned(),
                std::env::VarError::NotUnicode(_) => "its value is not UTF-8".to_owned(),
            })?,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
                let text = read.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
                text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t).to_owned()).unwrap_or(text)
            }
            Self::Literal(secret) => secret.clone(),
        };
        if secret.is_empty() { Err("it is empty".to_owned()) } else { Ok(secret) }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Literal(_) => f.write_str("(given directly)"),
        }
    }
}
