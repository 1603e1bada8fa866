//! The manifest's tests, one binary; golden trials are one per file.

mod bundle;
mod golden;
mod published;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let mut add = |name: &str, run: fn()| {
        trials.push(Trial::test(name, move || {
            run();
            Ok(())
        }));
    };
    bundle::trials(&mut add);
    published::trials(&mut add);
    trials.extend(golden::trials());
    libtest_mimic::run(&arguments, trials).exit();
}

/// Takes a trial: a name and what runs; a panic is a failure.
type Add<'a> = &'a mut dyn FnMut(&str, fn());
