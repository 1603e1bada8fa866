//! A line on the terminal that shows how much of an upload was sent.

use std::io::{IsTerminal, Write};

use crate::output::Output;

/// How wide the bar is, in characters.
const WIDTH: u64 = 30;

/// A progress bar. Silent where standard error is not a terminal, or a program reads.
pub(crate) struct Progress {
    shown: bool,
    total: u64,
    sent: u64,
    /// The thousandth that was drawn last: it is not drawn twice.
    drawn: Option<u64>,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        Self { shown: !output.is_json() && std::io::stderr().is_terminal(), ..Self::silent() }
    }

    pub(crate) const fn silent() -> Self {
        Self { shown: false, total: 0, sent: 0, drawn: None }
    }

    pub(super) const fn begin(&mut self, total: u64) {
        self.total = total;
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        self.sent += bytes;
        let thousandth = self.sent.saturating_mul(1000) / self.total.max(1);
        if self.shown && self.drawn != Some(thousandth) {
            self.drawn = Some(thousandth);
            // A terminal that cannot be written to must not stop an upload.
            let _ = write!(std::io::stderr(), "\r{}", bar(self.sent, self.total));
        }
    }

    /// Clears the line.
    pub(super) fn finish(&mut self) {
        if self.shown && self.drawn.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// A failed upload leaves no half line either.
impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar(sent: u64, total: u64) -> String {
    let done = (sent.saturating_mul(WIDTH) / total.max(1)).min(WIDTH) as usize;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!("[{}{}] {:.1} of {:.1} MiB", "#".repeat(done), " ".repeat(WIDTH as usize - done), mib(sent), mib(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        assert_eq!(bar(0, 3 << 20), format!("[{}] 0.0 of 3.0 MiB", " ".repeat(30)));
        assert_eq!(bar(1 << 20, 2 << 20), format!("[{}{}] 1.0 of 2.0 MiB", "#".repeat(15), " ".repeat(15)));
        assert_eq!(bar(2 << 20, 2 << 20), format!("[{}] 2.0 of 2.0 MiB", "#".repeat(30)));
        assert!(bar(0, 0).ends_with("0.0 MiB"));
    }
}
