//! Google's published protos (npm `google-proto-files`), package by package: every file and every method, within bounds of time
//! and memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Code, DiskFiles, Options, Severity};
use witwire_ir::print_package;

use crate::large::process;

/// The most that all of it may take: seconds of user time, and bytes resident.
const BOUNDS: (f64, u64) = (60.0, 2 << 30);

/// Compiles all packages, prints their WIT, and tells what that took, in words.
///
/// # Errors
/// What did not compile or was skipped, or the bound that was not met.
pub fn run() -> Result<String, String> {
    let tools = std::env::var_os("WITWIRE_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from);
    let root = tools.join("google-protos/node_modules/google-proto-files");
    let mut files = Vec::new();
    for folder in ["google", "gapic", "grafeas"] {
        find(&root.join(folder), &mut files).map_err(|e| format!("`.ci/tools google-protos` fetches them: {e}"))?;
    }
    // protobuf's own files are not Google's services: among them are tests whose imports the package does not hold.
    files.retain(|file| !file.starts_with(root.join("google/protobuf")));
    let packages = by_package(&files).map_err(|e| format!("a file cannot be read: {e}"))?;
    let (mut methods, mut services, mut slowest, mut failed) = (0, 0, (0.0, String::new()), Vec::new());
    for (package, files) in &packages {
        let before = process::user_seconds().unwrap_or_default();
        let input = Input::Protos { files: files.clone(), includes: vec![root.clone()] };
        let compiled = compile(&input, &DiskFiles, &Options::default());
        for api in &compiled.apis {
            std::hint::black_box(print_package(api));
            services += api.interfaces.len() - 1;
            methods += api.operations.len();
        }
        let took = process::user_seconds().unwrap_or_default() - before;
        if took > slowest.0 {
            slowest = (took, package.clone());
        }
        // A package of messages alone is compiled as far as there is anything to call.
        let of_package = |d: &&witwire_frontends::Diagnostic| d.severity == Severity::Error && d.code != Code::NoService;
        failed.extend(compiled.diagnostics.iter().filter(of_package).map(|d| format!("{package}: {d}")));
        failed.extend(compiled.skipped.iter().map(|s| format!("{package}: skipped: {}: {}", s.source, s.message)));
    }
    let seconds = process::user_seconds().ok_or("the system does not tell the processor time")?;
    let peak = process::peak_bytes().ok_or("the system does not tell the memory")?;
    let (count, all) = (packages.len(), files.len());
    let text = format!(
        "{all} files, {count} packages, {services} services, {methods} methods compiled; {seconds:.1} s of user time, \
         the slowest {} with {:.2} s; {} MB at the peak",
        slowest.1,
        slowest.0,
        peak / 1_000_000
    );
    if seconds > BOUNDS.0 || peak > BOUNDS.1 {
        failed.push(format!("more than {} s or {} bytes", BOUNDS.0, BOUNDS.1));
    }
    if failed.is_empty() { Ok(text) } else { Err(format!("{text}\n{} failures:\n{}", failed.len(), failed.join("\n"))) }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn find(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            find(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}

/// The files of each package, by the line that declares it.
fn by_package(files: &[PathBuf]) -> std::io::Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut packages: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(file)?;
        let package = text.lines().find_map(|line| line.strip_prefix("package ")?.split(';').next());
        packages.entry(package.unwrap_or_default().trim().to_owned()).or_default().push(file.clone());
    }
    Ok(packages)
}
