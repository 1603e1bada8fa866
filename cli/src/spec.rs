//! From the words on the command line to an IR bundle.

use std::path::{Path, PathBuf};

use witwire_frontends::{Compiled, Diagnostic, DiskFiles, FileError, Files, MemoryFiles, Options, Severity, openapi, proto};
use witwire_ir::container::{self, Bundle};
use witwire_manifest::remote::{self, Allowed, Roots};

use crate::args::{SpecSettings, TrustArgs};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::{network, reflection, settings};

/// What a SPEC is, by its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    OpenApi,
    Proto,
    DescriptorSet,
    Container,
}

impl Kind {
    fn of(path: &Path) -> Self {
        match path.extension().and_then(|e| e.to_str()) {
            Some("proto") => Self::Proto,
            Some("fds" | "binpb" | "pb" | "protoset" | "desc") => Self::DescriptorSet,
            Some("ir") => Self::Container,
            _ => Self::OpenApi,
        }
    }
}

/// A loaded SPEC: packages and what there is to say about them.
pub(crate) struct Spec {
    pub(crate) bundle: Bundle,
    pub(crate) compiled: Compiled,
}

/// Compiles or loads; findings are not printed yet.
pub(crate) fn load(specs: &[PathBuf], given: &SpecSettings, trust: &TrustArgs) -> Result<Spec, CliError> {
    load_with(specs, given, trust, |_| {})
}

/// The same where the command itself says more of the options.
pub(crate) fn load_with(
    specs: &[PathBuf],
    given: &SpecSettings,
    trust: &TrustArgs,
    more: impl FnOnce(&mut Options),
) -> Result<Spec, CliError> {
    let mut options = settings::options(given)?;
    more(&mut options);
    let allowed = given.allow_remote.iter().map(|url| allowed(url)).collect::<Result<Vec<_>, _>>()?;
    let roots = roots(trust)?;
    if let Some(server) = &given.reflection {
        if let Some(spec) = specs.first() {
            let message = format!("`{}`: a SPEC and `--reflection` exclude each other", spec.display());
            return Err(CliError::Usage(message));
        }
        let set = reflection::of_named(server, trust)?;
        let files = MemoryFiles::new().with(server, set);
        return Ok(Spec::of(proto::compile(&proto::Input::DescriptorSet(server.into()), &files, &options)));
    }
    let [first, rest @ ..] = specs else {
        return Err(CliError::Usage("name a SPEC".to_owned()));
    };
    let kind = Kind::of(first);
    if let Some(other) = rest.iter().find(|p| Kind::of(p) != kind) {
        return Err(CliError::Usage(format!(
            "`{}` and `{}` are of different kinds: compile them one by one",
            first.display(),
            other.display()
        )));
    }
    if kind != Kind::Proto && !rest.is_empty() {
        return Err(CliError::Usage("only `.proto` files may be several; compile other SPECs one by one".to_owned()));
    }
    if let Some(missing) = specs.iter().find(|p| !p.exists()) {
        return Err(CliError::Io(format!("cannot read `{}`: no such file", missing.display())));
    }
    let files = Sources { allowed, roots };
    let compiled = match kind {
        Kind::OpenApi => openapi::compile(first, &files, &options),
        Kind::Proto => {
            let input = proto::Input::Protos { files: specs.to_vec(), includes: given.includes.clone() };
            proto::compile(&input, &DiskFiles, &options)
        }
        Kind::DescriptorSet => proto::compile(&proto::Input::DescriptorSet(first.clone()), &DiskFiles, &options),
        Kind::Container => {
            let bundle = read_container(first)?;
            return Ok(Spec { bundle, compiled: Compiled::default() });
        }
    };
    Ok(Spec::of(compiled))
}

/// Where documents may be fetched from. Not read by clap, which repeats what it refuses, a password included.
fn allowed(url: &str) -> Result<Allowed, CliError> {
    url.parse().map_err(|e| CliError::Usage(format!("`--allow-remote {}`: {e}", network::shown(url))))
}

/// Whom to trust when these are fetched.
fn roots(args: &TrustArgs) -> Result<Roots, CliError> {
    args.ca.iter().try_fold(Roots::default(), |roots, path| {
        let pem = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
        roots.with_pem(&pem).map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))
    })
}

/// Files of this machine, and documents of others where these were allowed.
struct Sources {
    allowed: Vec<Allowed>,
    roots: Roots,
}

impl Files for Sources {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FileError> {
        DiskFiles.read(path)
    }

    fn remote(&self, url: &str) -> Result<Vec<u8>, FileError> {
        let error = |reason: String| FileError { path: url.to_owned(), reason };
        if self.allowed.iter().any(|allowed| allowed.allows(url)) {
            return remote::fetch(url, &self.roots).map_err(error);
        }
        Err(error(match Allowed::beside(url) {
            Some(folder) => format!("it is on another machine; `--allow-remote {folder}` allows it"),
            None => "it is on another machine; save it beside the document".to_owned(),
        }))
    }
}

/// Reads an IR container.
pub(crate) fn read_container(path: &Path) -> Result<Bundle, CliError> {
    let bytes = std::fs::read(path).map_err(|e| CliError::file("read", path, &e))?;
    container::read(&bytes).map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))
}

impl Spec {
    fn of(mut compiled: Compiled) -> Self {
        let bundle = Bundle { apis: std::mem::take(&mut compiled.apis) };
        Self { bundle, compiled }
    }

    /// Prints the findings to standard error; refuses where the input was refused.
    pub(crate) fn report(&self, output: Output) -> Result<(), CliError> {
        self.report_from(Severity::Note, output)
    }

    /// The same, without notes and warnings.
    pub(crate) fn report_refusal(&self, output: Output) -> Result<(), CliError> {
        self.report_from(Severity::Error, output)
    }

    fn report_from(&self, least: Severity, output: Output) -> Result<(), CliError> {
        if !output.is_json() {
            for diagnostic in self.compiled.diagnostics.iter().filter(|d| d.severity >= least) {
                eprintln!("{}", render(output, diagnostic));
            }
        } else if self.compiled.is_refused() {
            let value = serde_json::json!({ "diagnostics": diagnostics_json(&self.compiled) });
            eprintln!("{value}");
        }
        if self.compiled.is_refused() { Err(CliError::Refused) } else { Ok(()) }
    }
}

/// The diagnostics as `inspect --format json` prints them.
pub(crate) fn diagnostics_json(compiled: &Compiled) -> serde_json::Value {
    compiled.diagnostics.iter().map(diagnostic_json).collect()
}

/// One diagnostic for a program.
pub(crate) fn diagnostic_json(d: &Diagnostic) -> serde_json::Value {
    serde_json::json!({
        "severity": d.severity,
        "code": d.code,
        "file": d.location.file,
        "line": d.location.line,
        "column": d.location.column,
        "pointer": d.location.pointer,
        "message": d.message,
        "help": d.help,
    })
}

pub(crate) fn render(output: Output, diagnostic: &Diagnostic) -> String {
    let tone = match diagnostic.severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
        Severity::Note => Tone::Note,
    };
    let head = output.paint_err(tone, &format!("{}[{}]:", diagnostic.severity, diagnostic.code));
    let mut text = format!("{head} {}: {}", diagnostic.location, diagnostic.message);
    if let Some(help) = &diagnostic.help {
        text.push_str("\n  help: ");
        text.push_str(help);
    }
    text
}
