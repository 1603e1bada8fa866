//! The integration tests of the frontends: one trial per test file. `BLESS=1` regenerates the expected files.

mod expected;
mod openapi;
mod proto;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Some(done) = openapi::child() {
        return done;
    }
    let arguments = Arguments::from_args();
    let mut trials = openapi::trials();
    trials.extend(proto::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
