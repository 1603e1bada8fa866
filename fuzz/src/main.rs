//! libFuzzer over one target, which the variable `WITWIRE_FUZZ_TARGET` names. With `WITWIRE_FUZZ_SEEDS=FOLDER` the target's seeds
//! are written into the folder first. `fuzz/run` calls this with libFuzzer's own arguments.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use witwire_fuzz_targets::{TARGETS, Target, find};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("WITWIRE_FUZZ_TARGET").unwrap_or_default();
    find(&name).unwrap_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        panic!("WITWIRE_FUZZ_TARGET is `{name}` and must be one of {}", names.join(", "))
    })
});

fn write_seeds() {
    let Some(folder) = std::env::var_os("WITWIRE_FUZZ_SEEDS") else { return };
    for (number, seed) in (TARGET.seeds)().into_iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).expect("the folder can be written to");
    }
}

fuzz_target!(init: write_seeds(), |bytes: &[u8]| (TARGET.run)(bytes));
