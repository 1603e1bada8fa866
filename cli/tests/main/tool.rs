//! The program under test, and files around it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where `.ci/tools` installs.
pub(crate) fn tools() -> PathBuf {
    std::env::var_os("WITWIRE_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from)
}

/// `witwire` without arguments, to be run in a folder, untouched by the environment of whoever tests.
pub(crate) fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_witwire"));
    command.current_dir(dir);
    for name in ["NO_COLOR", "RUST_BACKTRACE", "WITWIRE_SERVER", "WITWIRE_API_KEY_FILE", "WITWIRE_LOG"] {
        command.env_remove(name);
    }
    command
}

/// `witwire` with arguments, run in a folder.
pub(crate) fn witwire(dir: &Path, args: &[&str]) -> Ran {
    let output = command(dir).args(args).output().expect("the program under test starts");
    Ran::new(args, &output)
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ran {
    line: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(args: &[&str], output: &Output) -> Self {
        Self {
            line: args.join(" "),
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "witwire {}\n{}\n{}", self.line, self.out, self.err);
        self
    }

    /// Asserts what standard output is.
    #[track_caller]
    pub(crate) fn is(self, text: &str) -> Self {
        assert_eq!(self.out, text, "witwire {}\n{}", self.line, self.err);
        self
    }

    /// Asserts that standard output has a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "witwire {}: no `{text}` in\n{}\n{}", self.line, self.out, self.err);
        self
    }

    /// Asserts that standard error has a text, and that nothing there is a panic.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "witwire {}: no `{text}` in\n{}\n{}", self.line, self.out, self.err);
        assert!(!self.err.contains("panicked"), "witwire {}\n{}", self.line, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("witwire {}: {e}\n{}\n{}", self.line, self.out, self.err))
    }
}

/// A folder of its own for a test, with files in it.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).expect("a file in a temporary folder");
    }
    dir
}

/// The project of `examples/` in a folder of its own, without what a build makes.
pub(crate) fn example() -> tempfile::TempDir {
    let dir = folder(&[]);
    for file in [
        "todo-agent/witwire.yaml",
        "todo-agent/todo-agent.wasm",
        "todo-agent/wit/world.wit",
        "todo-service/openapi.yaml",
        "todo-service/proto/todo.proto",
    ] {
        let to = dir.path().join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(root().join("examples").join(file), to).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
    dir
}
