//! What figures were measured on.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// The lines above the published table: the date, the source, the tools and the machine. What cannot be found out is left out.
pub fn description() -> String {
    let mut text = format!("Measured on {}", date());
    if let Some(commit) = commit() {
        let _ = write!(text, " at commit {commit}");
    }
    let _ = write!(text, ", with {}", env!("BENCH_RUSTC"));
    if let Some(valgrind) = run("valgrind", &["--version"]) {
        let _ = write!(text, " and callgrind of {valgrind}");
    }
    text.push_str(".\n\n");
    let machine = [
        processors(),
        field("/proc/meminfo", "MemTotal").and_then(|text| gibibytes(&text)),
        fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| format!("Linux {}", text.trim())),
        load().map(|load| format!("a load of {load} when the run began")),
    ];
    let machine: Vec<String> = machine.into_iter().flatten().collect();
    let _ = writeln!(text, "* machine: {}", machine.join(", "));
    let _ = writeln!(text, "* libraries: {}", libraries().join(", "));
    text
}

/// The day, by Greenwich (Howard Hinnant's algorithm).
fn date() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() / 86_400);
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", year + 400 * era)
}

fn commit() -> Option<String> {
    let commit = run("git", &["rev-parse", "--short", "HEAD"])?;
    let changed = run("git", &["status", "--porcelain", "--untracked-files=no"]).is_some();
    Some(format!("`{commit}`{}", if changed { ", with changes" } else { "" }))
}

fn processors() -> Option<String> {
    let count = std::thread::available_parallelism().ok()?;
    let model = field("/proc/cpuinfo", "model name")?;
    let virtual_machine = field("/proc/cpuinfo", "flags").is_some_and(|flags| flags.split(' ').any(|f| f == "hypervisor"));
    let kind = if virtual_machine { "a virtual machine with " } else { "" };
    Some(format!("{kind}{count} processors ({model}, {})", std::env::consts::ARCH))
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn gibibytes(kibibytes: &str) -> Option<String> {
    let number: u64 = kibibytes.split(' ').next()?.parse().ok()?;
    Some(format!("{} GiB of memory", (number + (1 << 19)) >> 20))
}

fn load() -> Option<String> {
    Some(fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.to_owned())
}

/// A program's output, if it succeeds and says anything.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn libraries() -> Vec<String> {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let version = |name: &str| {
        let package = LOCK.split("[[package]]").find(|package| package.contains(&format!("name = \"{name}\"\n")))?;
        let version = package.lines().find_map(|line| line.strip_prefix("version = "))?;
        Some(format!("{name} {}", version.trim_matches('"')))
    };
    ["wasmtime", "prost", "prost-reflect", "serde_json", "tonic", "hyper"].into_iter().filter_map(version).collect()
}
