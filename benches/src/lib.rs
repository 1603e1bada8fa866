//! What witwire costs, beside libraries that do the same.
//!
//! A [`Case`] is one piece of work with one or more [`Side`]s. Making a case checks that its sides agree, so that no side is
//! measured doing less than another: each `make` panics where they do not. The cases are run by criterion
//! (`benches/beside_peers.rs`), by a runner for callgrind (`src/main.rs`, `callgrind.sh`), and made by a test.

mod compile;
mod json;
mod protobuf;
mod specification;

/// One piece of work, done by witwire and by its peers.
pub struct Case {
    /// What is done: `protobuf-encode`.
    pub name: &'static str,
    /// Who does it; witwire first.
    pub sides: Vec<Side>,
}

/// One way to do the work of a [`Case`].
pub struct Side {
    /// The library: `witwire`, `prost`.
    pub name: &'static str,
    /// Does the work once; the result is dropped as part of it.
    pub run: Box<dyn Fn()>,
}

/// The name of witwire's own side.
pub const OWN: &str = "witwire";

impl Case {
    fn new<T>(name: &'static str, work: impl Fn() -> T + 'static) -> Self {
        Self { name, sides: Vec::new() }.beside(OWN, work)
    }

    fn beside<T>(mut self, name: &'static str, work: impl Fn() -> T + 'static) -> Self {
        let run = Box::new(move || drop(std::hint::black_box(work())));
        self.sides.push(Side { name, run });
        self
    }
}

/// A case by name, not made yet: making one compiles specifications and builds data.
pub struct Entry {
    /// The name of the case.
    pub name: &'static str,
    /// Makes the case.
    ///
    /// Panics where the sides of the case do not agree.
    pub make: fn() -> Case,
}

/// All cases, in the order of the published table.
pub const CASES: &[Entry] = &[
    Entry { name: "compile-openapi", make: compile::openapi },
    Entry { name: "compile-protobuf", make: compile::protobuf },
    Entry { name: "container-write", make: compile::write },
    Entry { name: "container-read", make: compile::read },
    Entry { name: "plan-openapi", make: compile::plan_openapi },
    Entry { name: "plan-protobuf", make: compile::plan_protobuf },
    Entry { name: "protobuf-encode", make: protobuf::encode },
    Entry { name: "protobuf-decode", make: protobuf::decode },
    Entry { name: "json-encode", make: json::encode },
    Entry { name: "json-decode", make: json::decode },
    Entry { name: "json-check", make: json::check },
];
