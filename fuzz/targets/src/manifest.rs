//! Any bytes as a manifest.

use std::path::Path;

use witwire_frontends::MemoryFiles;
use witwire_manifest::{FILE, Project};

pub(crate) fn run(bytes: &[u8]) {
    let files = MemoryFiles::new().with(FILE, bytes);
    for environment in [None, Some("production")] {
        if let Err(mistakes) = Project::read(Path::new(FILE), environment, &files) {
            assert!(!mistakes.is_empty(), "a manifest is refused for a reason");
            for mistake in mistakes {
                assert!(!mistake.to_string().is_empty(), "a mistake says what is wrong");
            }
        }
    }
}
