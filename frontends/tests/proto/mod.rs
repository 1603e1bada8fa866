//! Protobuf sources to WIT.

mod corpus;
mod example;
mod golden;
mod protoc;
mod services;
pub(crate) mod structure;
mod wire;

use libtest_mimic::Trial;

/// All trials of this frontend.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = golden::trials();
    trials.extend(corpus::trials());
    trials.extend(example::trials());
    trials
}
