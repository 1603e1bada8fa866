//! How a command ends.

use std::path::Path;
use std::process::ExitCode;

/// Why a command did not do what it was asked. The exit codes are documented in `--help` and in the book.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The input is wrong; the reasons are in the message, one a line.
    #[error("{0}")]
    Input(String),
    /// The input is wrong, and the reasons were printed already.
    #[error("the input was refused")]
    Refused,
    /// The words of the command do not fit together.
    #[error("{0}")]
    Usage(String),
    /// Reading, writing or the network failed.
    #[error("{0}")]
    Io(String),
    /// A server did not do what it was asked.
    #[error("{message}")]
    Server {
        /// Its code: `S104`.
        code: String,
        /// The code, what happened, what to do.
        message: String,
        /// The server failed, rather than refused.
        failed: bool,
    },
    /// The call returned an `err`, which was printed.
    #[error("the call returned an err")]
    CallFailed,
}

impl CliError {
    /// Reading or writing a file failed.
    pub(crate) fn file(doing: &str, path: &Path, error: &dyn std::fmt::Display) -> Self {
        Self::Io(format!("cannot {doing} `{}`: {error}", path.display()))
    }

    /// Whether a message is still to be printed.
    pub(crate) const fn is_silent(&self) -> bool {
        matches!(self, Self::Refused | Self::CallFailed)
    }

    /// The server's code, for programs.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Server { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input(_) | Self::Refused | Self::Server { failed: false, .. } => 1,
            Self::Usage(_) => 2,
            Self::Io(_) | Self::Server { failed: true, .. } => 3,
            Self::CallFailed => 4,
        })
    }
}
