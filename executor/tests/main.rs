//! The executor's integration tests: one binary, which also plays the child processes that tests kill.

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let _ = &arguments;
    let trials: Vec<Trial> = Vec::new();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
