//! Documents of the corpus that may be refused, each in a process of its own with a limit on memory and on time of the processor: none
//! panics, hangs or takes more.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Failed, Trial};
use witwire_frontends::openapi::compile;
use witwire_frontends::{DiskFiles, Options};

use super::corpus::{index, with_corpus};

/// 1 GiB, in KiB, and 10 s.
const LIMITED: &str = "ulimit -v 1048576 && ulimit -t 10 && exec \"$0\"";
/// Tells this program to compile a document and do nothing else.
const DOCUMENT: &str = "WITWIRE_TEST_COMPILE";

/// How many of them there are at least.
const LEAST: usize = 64;

pub(super) fn trials() -> Vec<Trial> {
    vec![Trial::test("openapi::may_fail", || with_corpus(run))]
}

/// The child's part: compiles the document that the environment names, if any, and says what came of it.
pub(crate) fn child() -> Option<ExitCode> {
    let document = std::env::var_os(DOCUMENT)?;
    let compiled = compile(Path::new(&document), &DiskFiles, &Options::default());
    let printed: usize = compiled.apis.iter().map(|api| witwire_ir::print_package(api).len()).sum();
    println!("{}", if compiled.is_refused() { "refused".to_owned() } else { format!("{printed} bytes of WIT") });
    // The most memory that was resident (proc(5)).
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    println!("{}", peak.unwrap_or(0_u64));
    Some(ExitCode::SUCCESS)
}

fn run(corpus: &Path) -> Result<(), Failed> {
    let (mut compiled, mut refused, mut most) = (0, 0, 0);
    let mut faults = Vec::new();
    for entry in index(corpus)?.iter().filter(|entry| entry.expect == "may-fail") {
        let output = limited(&corpus.join(&entry.path))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines();
        let what = lines.next();
        most = most.max(lines.next().and_then(|line| line.parse().ok()).unwrap_or(0_u64));
        match what {
            Some("refused") => refused += 1,
            Some(_) => compiled += 1,
            None => {
                let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
                faults.push(format!("{}: {}: {}", entry.path, output.status, complaint.lines().take(3).collect::<String>()));
            }
        }
    }
    println!("may fail: {compiled} compiled, {refused} refused; the largest took {} MiB", most >> 10);
    if compiled + refused + faults.len() < LEAST {
        faults.push(format!("only {} documents, where there were at least {LEAST}", compiled + refused + faults.len()));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn limited(document: &Path) -> std::io::Result<std::process::Output> {
    let program = std::env::current_exe()?;
    Command::new("sh").args([OsStr::new("-c"), OsStr::new(LIMITED), program.as_os_str()]).env(DOCUMENT, document).output()
}
