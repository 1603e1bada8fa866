//! Large specifications, compiled once each in a process of its own: what a user waits for, and how much memory it takes.

pub(crate) mod process;

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use witwire_frontends::{DiskFiles, Options, openapi};
use witwire_ir::container::{self, Bundle};
use witwire_ir::print_package;

use crate::{callgrind, corpus};

/// The documents, files of the corpus: the largest, the one with the most unions, and a usual one to compare with.
const DOCUMENTS: [(&str, &str, Bounds); 3] = [
    ("GitHub", crate::compile::GITHUB, Bounds { seconds: 3.0, bytes: 600 << 20 }),
    ("Stripe", "openapi/apis-guru/stripe.com.json", Bounds { seconds: 2.0, bytes: 600 << 20 }),
    (USUAL, "openapi/apis-guru/box.com.json", Bounds { seconds: 2.0, bytes: 600 << 20 }),
];
/// The document whose time a function is the measure for the largest.
const USUAL: &str = "Box";
/// How many times that time a function of the largest may take: a pass that is quadratic shows here first.
const TIMES: f64 = 3.0;

/// What a document may take at the most.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Processor time outside of the kernel.
    seconds: f64,
    /// Resident memory.
    bytes: u64,
}

/// What one document takes.
#[derive(Debug, Clone)]
pub struct Large {
    /// Whose document it is.
    pub name: &'static str,
    /// `None` where its file of the corpus is missing.
    pub cost: Option<Cost>,
}

/// The price of a process that compiles a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// The document, in bytes.
    pub bytes: u64,
    /// The functions that were made of it.
    pub functions: u64,
    /// Processor time outside of the kernel, in seconds: the median of five runs.
    pub user_seconds: f64,
    /// The most memory that was resident, in bytes.
    pub peak_bytes: u64,
    /// The instructions of the whole process, where they were counted.
    pub instructions: Option<f64>,
}

/// Compiles a document, prints its WIT and writes its container, and prints what that took: [`Cost`] as one line.
///
/// # Errors
/// In words why that is not possible.
pub fn compile(file: &str) -> Result<String, String> {
    let path = corpus::path(file);
    let bytes = fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?.len();
    let compiled = openapi::compile(&path, &DiskFiles, &Options::default());
    let functions: usize = compiled.apis.iter().map(|api| api.operations.len()).sum();
    if functions == 0 {
        return Err(format!("{file}: no function was made of it"));
    }
    for api in &compiled.apis {
        black_box(print_package(api));
    }
    black_box(container::write(&Bundle { apis: compiled.apis }));
    let seconds = process::user_seconds().ok_or("the system does not tell the processor time")?;
    let peak = process::peak_bytes().ok_or("the system does not tell the memory")?;
    Ok(format!("{bytes} {functions} {peak} {seconds}"))
}

/// Measures all documents. `runner` is this package's program.
///
/// # Errors
/// A document cannot be compiled, in words.
pub fn measure(runner: &Path, count: bool) -> Result<Vec<Large>, String> {
    DOCUMENTS
        .iter()
        .map(|(name, file, _)| {
            let cost = corpus::has(file).then(|| cost(runner, file, count)).transpose()?;
            Ok(Large { name, cost })
        })
        .collect()
}

/// Measures all documents, and says what they took.
///
/// # Errors
/// A document is missing, cannot be compiled, or takes more than it may, in words.
pub fn within_bounds(runner: &Path) -> Result<String, String> {
    let mut said = String::new();
    let mut beyond = Vec::new();
    let mut a_function = Vec::new();
    for (large, (name, file, bounds)) in measure(runner, false)?.into_iter().zip(DOCUMENTS) {
        let cost = large.cost.ok_or_else(|| format!("{file} is missing"))?;
        let each = cost.user_seconds / cost.functions as f64;
        let (seconds, mebibytes) = (cost.user_seconds, cost.peak_bytes >> 20);
        let _ = writeln!(
            said,
            "{name}: {} functions, {seconds:.2} s, {:.0} µs a function, {mebibytes} MiB",
            cost.functions,
            each * 1e6
        );
        if seconds > bounds.seconds || cost.peak_bytes > bounds.bytes {
            beyond.push(format!("{name} may take {} s and {} MiB", bounds.seconds, bounds.bytes >> 20));
        }
        a_function.push((name, each));
    }
    let of = |wanted: &str| a_function.iter().find(|(name, _)| *name == wanted).map_or(f64::NAN, |(_, each)| *each);
    let times = of(DOCUMENTS[0].0) / of(USUAL);
    let _ = writeln!(said, "a function of {} takes {times:.1} times one of {USUAL}", DOCUMENTS[0].0);
    // What cannot be compared is beyond as well.
    if !matches!(times.partial_cmp(&TIMES), Some(Ordering::Less | Ordering::Equal)) {
        beyond.push(format!("{TIMES} times are allowed"));
    }
    if beyond.is_empty() { Ok(said) } else { Err(format!("{said}too much: {}", beyond.join("; "))) }
}

fn cost(runner: &Path, file: &str, count: bool) -> Result<Cost, String> {
    let mut runs: Vec<Cost> = (0..5).map(|_| once(runner, file)).collect::<Result<_, _>>()?;
    runs.sort_by(|a, b| a.user_seconds.total_cmp(&b.user_seconds));
    let instructions = count.then(|| callgrind::total(runner, &["compile", file])).transpose()?;
    Ok(Cost { instructions, ..runs[runs.len() / 2] })
}

fn once(runner: &Path, file: &str) -> Result<Cost, String> {
    let output = Command::new(runner).args(["compile", file]).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    read(&line).ok_or_else(|| format!("not what `compile` prints: {line}"))
}

fn read(line: &str) -> Option<Cost> {
    let mut parts = line.split_ascii_whitespace();
    Some(Cost {
        bytes: parts.next()?.parse().ok()?,
        functions: parts.next()?.parse().ok()?,
        peak_bytes: parts.next()?.parse().ok()?,
        user_seconds: parts.next()?.parse().ok()?,
        instructions: None,
    })
}
