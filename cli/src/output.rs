//! Printing for a person or a program.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::{ColorChoice, Format};
use crate::error::CliError;

/// Where a command prints: results to standard output, findings to standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    stdout_color: bool,
    stderr_color: bool,
}

/// What a piece of text is, which decides its colour.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Error,
    Warning,
    Note,
    Heading,
    Good,
    Dim,
}

impl Tone {
    fn style(self) -> Style {
        let color = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
        match self {
            Self::Error => color(AnsiColor::Red).bold(),
            Self::Warning => color(AnsiColor::Yellow).bold(),
            Self::Note => color(AnsiColor::Cyan),
            Self::Heading => Style::new().bold(),
            Self::Good => color(AnsiColor::Green),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

impl Output {
    pub(crate) fn new(format: Format, color: ColorChoice) -> Self {
        let wanted = |terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        Self {
            format,
            stdout_color: wanted(std::io::stdout().is_terminal()),
            stderr_color: wanted(std::io::stderr().is_terminal()),
        }
    }

    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether standard error takes colours.
    pub(crate) const fn stderr_color(self) -> bool {
        self.stderr_color
    }

    /// Paints text for standard output.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        paint(self.stdout_color, tone, text)
    }

    /// Paints text for standard error.
    pub(crate) fn paint_err(self, tone: Tone, text: &str) -> String {
        paint(self.stderr_color, tone, text)
    }

    /// Prints a line to standard output. A closed pipe ends the program quietly, as in other tools.
    pub(crate) fn line(self, text: &str) -> Result<(), CliError> {
        self.raw(&format!("{text}\n"))
    }

    /// Prints text to standard output as it is.
    #[expect(clippy::unused_self, reason = "what is printed goes through the chosen output")]
    pub(crate) fn raw(self, text: &str) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            other => other.map_err(|e| CliError::Io(format!("cannot write to standard output: {e}"))),
        }
    }

    /// Prints a value as JSON to standard output.
    pub(crate) fn json(self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string_pretty(value).map_err(|e| CliError::Io(format!("cannot print as JSON: {e}")))?;
        self.line(&text)
    }

    /// Prints an error that ends the command.
    pub(crate) fn error(self, error: &CliError) {
        if self.is_json() {
            let mut body = serde_json::json!({ "message": error.to_string() });
            if let Some(code) = error.code() {
                body["code"] = code.into();
            }
            eprintln!("{}", serde_json::json!({ "error": body }));
        } else {
            eprintln!("{} {error}", self.paint_err(Tone::Error, "error:"));
        }
    }
}

fn paint(on: bool, tone: Tone, text: &str) -> String {
    if on {
        let style = tone.style();
        format!("{style}{text}{style:#}")
    } else {
        text.to_owned()
    }
}
