//! `witwire manifest`, and what all commands that read a manifest share.

use serde_json::{Value, json};
use witwire_manifest::build::{self, BuildError, Event};
use witwire_manifest::{LockPolicy, Mistake, Project, schema};

use crate::args::{ManifestArgs, ManifestCommand};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::reflection::Asker;
use crate::spec;

pub(crate) fn run(command: &ManifestCommand, output: Output) -> Result<(), CliError> {
    match command {
        ManifestCommand::Schema => output.json(schema::schema()),
        ManifestCommand::Check(args) => check(args, output),
    }
}

fn check(args: &ManifestArgs, output: Output) -> Result<(), CliError> {
    let project = open(args, output)?;
    let mut told = Told::new(output);
    build::check(&project, policy(args), &Asker, &mut |event| told.event(&event)).map_err(|e| told.failed(e))?;
    if output.is_json() {
        return output.json(&json!({ "components": names(&project), "findings": told.findings }));
    }
    output.line(&format!("{}: no mistakes in {}", args.file.display(), names(&project).join(", ")))
}

fn names(project: &Project) -> Vec<String> {
    project.manifest.components.keys().map(ToString::to_string).collect()
}

/// Reads the manifest; its mistakes are printed.
pub(crate) fn open(args: &ManifestArgs, output: Output) -> Result<Project, CliError> {
    Project::open(&args.file, args.environment.as_deref()).map_err(|mistakes| refused(&mistakes, &[], output))
}

/// How the lock may be used, where documents are not to be fetched anew.
pub(crate) fn policy(args: &ManifestArgs) -> LockPolicy {
    LockPolicy { locked: args.locked, offline: args.offline, update: false }
}

/// Prints mistakes to standard error.
fn refused(mistakes: &[Mistake], findings: &[Value], output: Output) -> CliError {
    if output.is_json() {
        eprintln!("{}", json!({ "mistakes": mistakes, "findings": findings }));
    } else {
        for mistake in mistakes {
            let text = mistake.to_string();
            let (head, rest) = text.split_once(": ").unwrap_or((&text, ""));
            eprintln!("{} {rest}", output.paint_err(Tone::Error, &format!("{head}:")));
        }
    }
    CliError::Refused
}

/// Tells what happens as it happens; a program gets it at the end.
pub(crate) struct Told {
    output: Output,
    pub(crate) findings: Vec<Value>,
}

impl Told {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, findings: Vec::new() }
    }

    pub(crate) fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Finding(diagnostic) if self.output.is_json() => self.findings.push(spec::diagnostic_json(diagnostic)),
            Event::Finding(diagnostic) => eprintln!("{}", spec::render(self.output, diagnostic)),
            Event::Warning(text) if self.output.is_json() => {
                self.findings.push(json!({ "severity": "warning", "message": text }));
            }
            Event::Warning(text) => eprintln!("{} {text}", self.output.paint_err(Tone::Warning, "warning:")),
            Event::Removed(path) if self.output.is_json() => {
                let message = format!("removed `{}`: the manifest has no such component", path.display());
                self.findings.push(json!({ "severity": "note", "message": message }));
            }
            Event::Removed(path) => eprintln!(
                "{} {}: the manifest has no such component",
                self.output.paint_err(Tone::Note, "removed"),
                path.display()
            ),
            Event::Running { component, command } => {
                if !self.output.is_json() {
                    eprintln!("{} {component}: {command}", self.output.paint_err(Tone::Heading, "running"));
                }
            }
        }
    }

    /// Prints what a build failed of.
    pub(crate) fn failed(&self, error: BuildError) -> CliError {
        match error {
            BuildError::Mistakes(mistakes) => refused(&mistakes, &self.findings, self.output),
            BuildError::File(error) => CliError::Io(error.to_string()),
        }
    }
}
