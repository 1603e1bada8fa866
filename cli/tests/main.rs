//! What a person at the command line sees, and what holds for the whole house.

#[path = "main/bad_input.rs"]
mod bad_input;
#[path = "main/book.rs"]
mod book;
#[path = "main/build.rs"]
mod build;
#[path = "main/calls.rs"]
mod calls;
#[path = "main/client.rs"]
mod client;
#[path = "main/commands.rs"]
mod commands;
#[path = "main/documents.rs"]
mod documents;
#[path = "main/etcd.rs"]
mod etcd;
#[path = "main/house.rs"]
mod house;
#[path = "main/interop.rs"]
mod interop;
#[path = "main/platform.rs"]
mod platform;
#[path = "main/process.rs"]
mod process;
#[path = "main/services/mod.rs"]
mod services;
#[path = "main/sources.rs"]
mod sources;
#[path = "main/system.rs"]
mod system;
#[path = "main/tool.rs"]
mod tool;
#[path = "main/tour.rs"]
mod tour;
#[path = "main/tutorial.rs"]
mod tutorial;

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
    bad_input::trials(&mut add);
    book::trials(&mut add);
    build::trials(&mut add);
    calls::trials(&mut add);
    client::trials(&mut add);
    commands::trials(&mut add);
    etcd::trials(&mut add);
    house::trials(&mut add);
    sources::trials(&mut add);
    services::trials(&mut add);
    system::trials(&mut add);
    interop::trials(&mut add);
    tour::trials(&mut add);
    tutorial::trials(&mut add);
    libtest_mimic::run(&arguments, trials).exit();
}

/// Takes a trial: a name and what runs; a panic is a failure.
type Add<'a> = &'a mut dyn FnMut(&str, fn());
