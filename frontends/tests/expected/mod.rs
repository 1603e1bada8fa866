//! Expected files.

use std::fmt::Write;
use std::path::Path;

use libtest_mimic::Failed;
use witwire_frontends::Compiled;

/// The printed packages, and behind them, as comments, the diagnostics and what is said of the wire.
pub(crate) fn render(compiled: &Compiled, title: &str, wire: &str) -> String {
    let mut out: String = compiled.apis.iter().map(witwire_ir::print_package).collect::<Vec<_>>().join("\n");
    let diagnostics: Vec<String> = compiled.diagnostics.iter().map(ToString::to_string).collect();
    for (title, text) in [("diagnostics", diagnostics.join("\n").as_str()), (title, wire)] {
        if !text.is_empty() {
            let lines: Vec<String> = text.lines().map(|l| format!("//   {l}").trim_end().to_owned()).collect();
            // Writing to a `String` cannot fail.
            let _ = write!(out, "\n// {title}\n{}\n", lines.join("\n"));
        }
    }
    out.trim_start().to_owned()
}

/// Compares what a test made with the expected file; `BLESS=1` writes the file.
pub(crate) fn compare(expected: &Path, actual: &str) -> Result<(), Failed> {
    if std::env::var_os("BLESS").is_some() {
        if let Some(folder) = expected.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(expected, actual)?;
        return Ok(());
    }
    let name = expected.display();
    let text = std::fs::read_to_string(expected).map_err(|e| format!("{name}: {e}; `BLESS=1` writes it"))?;
    if actual == text {
        return Ok(());
    }
    let same = text.lines().zip(actual.lines()).take_while(|(a, b)| a == b).count();
    let (was, is) = (text.lines().nth(same), actual.lines().nth(same));
    Err(format!("{name} differs, first in line {}: {was:?}, now {is:?}; `BLESS=1` rewrites it", same + 1).into())
}
