//! The component's own build command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::inputs::{Inputs, inputs, unmatched};
use super::{BuildError, Builder, Event};
use crate::bundle;
use crate::file::{self, FileError, WORK};
use crate::mistake::Code;

/// The last run that succeeded.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    command: String,
    inputs: Inputs,
    /// The digest of what it left at `wasm`.
    wasm: Option<String>,
}

/// Runs the command where its inputs, its output or the command itself are not those of the last run; whether it ran.
pub(super) fn run(builder: &Builder<'_>, tell: &mut dyn FnMut(Event<'_>)) -> Result<bool, BuildError> {
    let Some(command) = &builder.component.build else { return Ok(false) };
    if builder.options.no_command {
        return Ok(false);
    }
    let project = builder.project;
    let wasm = project.path(&builder.component.wasm);
    let state_path = state_path(builder);
    let mut now =
        State { command: command.clone(), inputs: inputs(project, builder.component)?, wasm: file::digest_of(&wasm) };
    let last: Option<State> = file::read(&state_path)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if !builder.options.force && now.wasm.is_some() && last.as_ref() == Some(&now) {
        warn_of_unmatched(builder, &now.inputs, tell);
        return Ok(false);
    }
    tell(Event::Running { component: builder.name, command });
    shell(builder, command, &project.root)?;
    // What the command itself has made, such as a lock file, is as it left it. A file that was there before counts as it was
    // before: it may have been edited while the command ran.
    for (path, digest) in inputs(project, builder.component)? {
        now.inputs.entry(path).or_insert(digest);
    }
    warn_of_unmatched(builder, &now.inputs, tell);
    now.wasm = file::digest_of(&wasm);
    file::write(&state_path, &serde_json::to_vec(&now).expect("maps of texts are JSON"))?;
    Ok(true)
}

fn warn_of_unmatched(builder: &Builder<'_>, inputs: &Inputs, tell: &mut dyn FnMut(Event<'_>)) {
    for pattern in unmatched(builder.component, inputs) {
        let name = builder.name;
        tell(Event::Warning(&format!(
            "`inputs` of `{name}` has `{pattern}`, which matches no file below the manifest's folder that could be an input"
        )));
    }
}

fn state_path(builder: &Builder<'_>) -> PathBuf {
    let name = bundle::file_stem(builder.name);
    builder.project.path(WORK).join("state").join(format!("{name}.json"))
}

/// Runs a command in the manifest's folder. All that it prints goes to standard error: standard output is ours.
fn shell(builder: &Builder<'_>, command: &str, root: &Path) -> Result<(), BuildError> {
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::from(std::io::stderr()))
        .status()
        .map_err(|e| BuildError::File(FileError::new("run", Path::new("sh"), &e)))?;
    if status.success() {
        return Ok(());
    }
    Err(builder.mistake(Code::CommandFailed, "build", format!("`{command}` failed ({status}); it has said why above")))
}
