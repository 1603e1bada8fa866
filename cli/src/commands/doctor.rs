//! `witwire doctor`: looks at what a person needs, and says what to do about what is missing.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::args::DoctorArgs;
use crate::client::{Client, ClientError};
use crate::error::CliError;
use crate::output::{Output, Tone};

/// A target that Rust guests are built for; the first that is installed does.
const TARGETS: &[&str] = &["wasm32-wasip2", "wasm32-unknown-unknown"];

pub(crate) fn run(args: &DoctorArgs, output: Output) -> Result<(), CliError> {
    let checks = [rust(), target(), store(&args.store), server(args)];
    if output.is_json() {
        output.json(&checks)?;
    } else {
        checks.iter().try_for_each(|check| check.print(output))?;
    }
    if checks.iter().any(|check| check.state == State::Problem) { Err(CliError::Refused) } else { Ok(()) }
}

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Only some work needs it.
    Note,
    Problem,
}

#[derive(Debug, Serialize)]
struct Check {
    what: &'static str,
    state: State,
    found: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Check {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Ok, found: found.into(), help: None }
    }

    fn note(what: &'static str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what, state: State::Note, found: found.into(), help: Some(help.into()) }
    }

    fn problem(what: &'static str, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what, state: State::Problem, found: found.into(), help: Some(help.into()) }
    }

    fn print(&self, output: Output) -> Result<(), CliError> {
        let (tone, word) = match self.state {
            State::Ok => (Tone::Good, "ok     "),
            State::Note => (Tone::Note, "note   "),
            State::Problem => (Tone::Error, "problem"),
        };
        output.line(&format!("{} {:<12} {}", output.paint(tone, word), self.what, self.found))?;
        self.help.as_ref().map_or(Ok(()), |help| output.line(&format!("        {:<12} {help}", "")))
    }
}

/// What a program prints about itself, in one line.
fn told(program: &str, words: &[&str]) -> Option<String> {
    let ran = Command::new(program).args(words).output().ok().filter(|ran| ran.status.success())?;
    let text = String::from_utf8(ran.stdout).ok()?;
    Some(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn rust() -> Check {
    match told("rustc", &["--version"]) {
        Some(version) => Check::ok("rust", version),
        None => Check::note(
            "rust",
            "there is no `rustc`",
            "Rust guests need it; guests in other languages do not: https://rustup.rs",
        ),
    }
}

/// Whether the standard library of a wasm target is there.
fn target() -> Check {
    let installed = |target: &&&str| {
        let folder = told("rustc", &["--print", "target-libdir", "--target", target]);
        folder.is_some_and(|folder| Path::new(&folder).is_dir())
    };
    match TARGETS.iter().find(installed) {
        Some(target) => Check::ok("wasm target", *target),
        None => Check::note(
            "wasm target",
            format!("none of {} is installed", TARGETS.join(" and ")),
            format!("to build Rust guests: `rustup target add {}`", TARGETS[0]),
        ),
    }
}

/// Whether `witwire run` and `witwire server` could keep their store there.
fn store(file: &Path) -> Check {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let writable = if file.exists() {
        // Opened only: a server may be using it.
        std::fs::OpenOptions::new().append(true).open(file).map(drop)
    } else {
        tempfile::NamedTempFile::new_in(folder).map(drop)
    };
    match writable {
        Ok(()) => Check::ok("store", format!("`{}` can be written", file.display())),
        Err(e) => Check::problem(
            "store",
            format!("`{}` cannot be written: {e}", file.display()),
            "name another place with `--store FILE`, here and to `witwire run` and `witwire server`",
        ),
    }
}

fn server(args: &DoctorArgs) -> Check {
    let client = match Client::new(&args.server) {
        Ok(client) => client,
        Err(error) => return Check::problem("server", error.to_string(), "correct the address or the files"),
    };
    answer(client.server(), client.components().map(|components| components.len()), args.server.is_default())
}

/// What the answer of a server means, which is the number of its components.
fn answer(server: &str, components: Result<usize, ClientError>, is_default: bool) -> Check {
    match components {
        Ok(components) => Check::ok("server", format!("{server} answers, components: {components}")),
        Err(ClientError::Unreachable { server, .. }) if is_default => Check::note(
            "server",
            format!("there is no server at {server}"),
            "to deploy, start one with `witwire server`, or say where it is with `--server`",
        ),
        Err(error) => {
            let text = CliError::from(error).to_string();
            let (found, help) = text.split_once("\n  help: ").or(text.split_once("; ")).unwrap_or((&text, "see its log"));
            Check::problem("server", found, help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_named_no_server_may_need_none() {
        let nobody = || Err(ClientError::Unreachable { server: "http://h".to_owned(), reason: "refused".to_owned() });
        let note = answer("http://h", nobody(), true);
        assert_eq!((note.state, note.found.as_str()), (State::Note, "there is no server at http://h"));
        assert!(note.help.is_some_and(|help| help.contains("start one with `witwire server`")));
        assert_eq!(answer("http://h", nobody(), false).state, State::Problem);
        // What is there and is no server is a problem for everyone.
        let other = ClientError::Unexpected { server: "http://h".to_owned(), detail: "status 404".to_owned() };
        assert_eq!(answer("http://h", Err(other), true).state, State::Problem);
        assert_eq!(answer("http://h", Ok(2), true).state, State::Ok);
    }
}
