//! The server over real HTTP on loopback, against a real service. The binary also plays the server processes that tests kill.

mod client;
mod deploy;
mod document;
mod errors;
mod invocations;
mod lifecycle;
mod process;
mod setup;

use libtest_mimic::{Arguments, Trial};

/// A test that fails by panicking.
fn test(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, || {
        run();
        Ok(())
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|a| a == process::CHILD) {
        return process::child(&arguments[2..]);
    }
    let mut trials = Vec::new();
    trials.extend(lifecycle::trials());
    trials.extend(invocations::trials());
    trials.extend(deploy::trials());
    trials.extend(document::trials());
    trials.extend(errors::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
