//! OpenAPI documents to WIT.

mod corpus;
mod famous;
mod golden;
mod hostile;
mod may_fail;
mod wire;

use libtest_mimic::Trial;

pub(crate) use may_fail::child;

/// All trials of this frontend.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = golden::trials();
    trials.extend(hostile::trials());
    trials.extend(corpus::trials());
    trials.extend(may_fail::trials());
    trials.extend(famous::trials());
    trials
}
