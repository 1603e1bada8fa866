//! What this process took so far, as Linux tells it.

use std::fs;

/// Processor time outside of the kernel, in seconds.
pub(crate) fn user_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold anything; the user time is the twelfth field behind it, in `USER_HZ`,
    // of which every Linux has 100 in a second.
    let ticks: u64 = text.rsplit_once(')')?.1.split_ascii_whitespace().nth(11)?.parse().ok()?;
    Some(ticks as f64 / 100.0)
}

/// The most memory that was resident.
pub(crate) fn peak_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}
