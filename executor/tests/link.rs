//! Loading components: what fits is called, what does not is refused by name.

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    Vec::new()
}
