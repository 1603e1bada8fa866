//! Every input that is kept, one trial each, and the seeds of every target. Nothing here is random.

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use witwire_fuzz_targets::{TARGETS, find};

fn kept(folder: &str) -> Vec<(&'static witwire_fuzz_targets::Target, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&root).unwrap_or_else(|e| panic!("{}: {e}", root.display())).flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = find(&name).unwrap_or_else(|| panic!("fuzz/{folder}/{name} is no target's folder"));
        let inputs = std::fs::read_dir(entry.path()).unwrap_or_else(|e| panic!("fuzz/{folder}/{name}: {e}"));
        found.extend(inputs.flatten().map(|input| (target, input.path())));
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

fn main() {
    let mut trials = Vec::new();
    for target in TARGETS {
        trials.push(Trial::test(format!("{}: seeds", target.name), move || {
            let seeds = (target.seeds)();
            if seeds.is_empty() {
                return Err(Failed::from("a target begins with something"));
            }
            for seed in &seeds {
                (target.run)(seed);
            }
            Ok(())
        }));
    }
    for folder in ["corpus", "found"] {
        for (target, path) in kept(folder) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            trials.push(Trial::test(format!("{}: {folder}/{name}", target.name), move || {
                (target.run)(&std::fs::read(&path)?);
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
