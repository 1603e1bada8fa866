//! Collects what there is to say.

use witwire_ir::Api;

use crate::{Code, Compiled, Diagnostic, Location, Setting, SettingKey, Severity, Skipped};

/// All findings of one compilation.
#[derive(Debug, Default)]
pub(super) struct Findings {
    diagnostics: Vec<Diagnostic>,
    skipped: Vec<Skipped>,
}

impl Findings {
    pub(super) fn error(&mut self, code: Code, at: Location, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, code, at, message.into())
    }

    pub(super) fn warning(&mut self, code: Code, at: Location, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, code, at, message.into())
    }

    pub(super) fn note(&mut self, code: Code, at: Location, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Note, code, at, message.into())
    }

    fn push(&mut self, severity: Severity, code: Code, location: Location, message: String) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic { severity, code, location, message, help: None, setting: None });
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    /// A method that is left out.
    pub(super) fn skip(&mut self, code: Code, at: Location, source: String, message: String) {
        self.warning(code, at, message.clone());
        self.skipped.push(Skipped { source, code, message });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// Orders and deduplicates the findings; an error leaves no packages, and where `strict` a warning is an error.
    pub(super) fn into_compiled(mut self, apis: Vec<Api>, strict: bool) -> Compiled {
        for diagnostic in self.diagnostics.iter_mut().filter(|d| strict && d.severity == Severity::Warning) {
            diagnostic.severity = Severity::Error;
        }
        let refused = self.has_errors();
        self.diagnostics.sort_by(|a, b| (&a.location, a.code, &a.message).cmp(&(&b.location, b.code, &b.message)));
        self.diagnostics.dedup();
        Compiled { apis: if refused { Vec::new() } else { apis }, diagnostics: self.diagnostics, skipped: self.skipped }
    }
}

impl Diagnostic {
    /// Adds what to do about it.
    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// Adds which setting is wrong.
    pub(super) fn setting(&mut self, key: SettingKey, text: &str) -> &mut Self {
        self.setting = Some(Setting::new(key, text));
        self
    }
}
