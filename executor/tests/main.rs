//! The executor's integration tests: one binary, which also plays the child processes that tests kill.

mod durable;
mod explicit;
mod feeds;
mod guest;
mod interrupt;
mod kill;
mod ledger;
mod link;
mod oplog;
mod pages;
mod setup;
mod streams;
mod transport;

use libtest_mimic::{Arguments, Trial};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|a| a == oplog::CHILD) {
        return oplog::child(&arguments[2..]);
    }
    if arguments.get(1).is_some_and(|a| a == setup::CHILD) {
        return setup::child(&arguments[2..]);
    }
    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(link::trials());
    trials.extend(durable::trials());
    trials.extend(explicit::trials());
    trials.extend(guest::trials());
    trials.extend(interrupt::trials());
    trials.extend(kill::trials());
    trials.extend(streams::trials());
    trials.extend(feeds::trials());
    trials.extend(pages::trials());
    trials.extend(oplog::trials());
    trials.extend(transport::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
