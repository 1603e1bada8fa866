//! Instructions, counted by callgrind. A side is run N and 2N times; the difference, divided by N, is one run without set-up and
//! warm-up.
//!
//! callgrind knows no instructions newer than AVX2. No flags are set, so that the build is the one that users have; wasmtime asks
//! the processor, which under valgrind has what valgrind knows.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Case, Entry};

/// Whether valgrind is installed.
pub fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// How many instructions the work of each side takes once; `None` where they are not counted. `factor` times as many runs are
/// made as the entry says. `runner` is this package's program.
///
/// # Errors
/// valgrind fails, in its own words.
pub fn count(runner: &Path, entry: &Entry, case: &Case, factor: u32) -> Result<Vec<Option<f64>>, String> {
    let runs = entry.counted * factor;
    let each = |side: &'static str| {
        if runs == 0 {
            return Ok(None);
        }
        let total = |runs: u32| total(runner, &[entry.name, side, &runs.to_string()]);
        let (once, twice) = (total(runs)?, total(2 * runs)?);
        Ok(Some((twice - once) / f64::from(runs) / f64::from(case.times)))
    };
    case.sides.iter().map(|side| each(side.name)).collect()
}

/// The instructions of a whole process of this package's program.
pub(crate) fn total(runner: &Path, arguments: &[&str]) -> Result<f64, String> {
    let directory = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let file = directory.path().join("out");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(runner)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("valgrind does not start: {e}"))?;
    if !output.status.success() {
        return Err(format!("`{}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    let text = std::fs::read_to_string(&file).map_err(|e| format!("callgrind left nothing to read: {e}"))?;
    read_total(&text).ok_or_else(|| "callgrind told no total".to_owned())
}

/// The sum of all instructions in callgrind's file.
fn read_total(text: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (key, number) = line.split_once(": ")?;
        matches!(key, "totals" | "summary").then(|| number.trim().parse().ok())?
    })
}
