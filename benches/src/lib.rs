//! What witwire costs, beside libraries that do the same.
//!
//! A [`Case`] is one piece of work with one or more [`Side`]s. Making a case checks that its sides agree, so that no side is
//! measured doing less than another: each `make` panics where they do not. The cases are run by criterion
//! (`benches/beside_peers.rs`), by the clock and by callgrind for the book's page ([`page`], `callgrind.sh`), and made by a test.

pub mod callgrind;
pub mod google_protos;
pub mod large;
pub mod machine;
pub mod measure;
pub mod page;
pub mod plot;
pub mod table;
pub mod wit;

mod compile;
mod corpus;
mod guest;
mod host_call;
mod json;
mod protobuf;
mod specification;
mod whole_call;

/// One piece of work, done by witwire and by its peers.
pub struct Case {
    /// Who does it; witwire first.
    pub sides: Vec<Side>,
    /// How often one run of a side does it.
    pub times: u32,
}

/// One way to do the work of a [`Case`].
pub struct Side {
    /// The library: `witwire`, `prost`.
    pub name: &'static str,
    /// Does the work [`Case::times`] times; the result is dropped as part of it.
    pub run: Box<dyn Fn()>,
}

/// The name of witwire's own side.
pub const OWN: &str = "witwire";

impl Case {
    fn new<T>(work: impl Fn() -> T + 'static) -> Self {
        Self { sides: Vec::new(), times: 1 }.beside(OWN, work)
    }

    fn beside<T>(mut self, name: &'static str, work: impl Fn() -> T + 'static) -> Self {
        let run = Box::new(move || drop(std::hint::black_box(work())));
        self.sides.push(Side { name, run });
        self
    }
}

/// A case by name, not made yet: making one compiles specifications and builds data.
#[derive(Debug)]
pub struct Entry {
    /// The name of the case: `protobuf-encode`.
    pub name: &'static str,
    /// How many items the case is about, where it is one of several sizes: its name ends in that number.
    pub size: Option<u32>,
    /// How many runs callgrind counts. 0: none, where other threads and the kernel do part of the work.
    pub counted: u32,
    /// A file of the corpus, which is no part of the project.
    needs: Option<&'static str>,
    make: fn() -> Case,
}

impl Entry {
    const fn new(name: &'static str, make: fn() -> Case) -> Self {
        Self { name, size: None, counted: 5, needs: None, make }
    }

    const fn sized(name: &'static str, size: u32, make: fn() -> Case) -> Self {
        Self { size: Some(size), ..Self::new(name, make) }
    }

    const fn needing(self, file: &'static str) -> Self {
        Self { needs: Some(file), ..self }
    }

    const fn counted(self, counted: u32) -> Self {
        Self { counted, ..self }
    }

    /// The file that the case needs and that is not there.
    pub fn missing(&self) -> Option<&'static str> {
        self.needs.filter(|file| !corpus::has(file))
    }

    /// Makes the case. `None` where a file is [missing](Self::missing).
    ///
    /// # Panics
    /// The sides of the case do not agree.
    pub fn make(&self) -> Option<Case> {
        self.missing().is_none().then(self.make)
    }

    /// The name without the size: the same for the points of one curve.
    pub fn group(&self) -> &'static str {
        self.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
    }
}

/// All cases, in the order of the published table.
pub const CASES: &[Entry] = &[
    Entry::new("compile-openapi", compile::openapi),
    Entry::new("compile-protobuf", compile::protobuf),
    Entry::new("compile-github", compile::github).needing(compile::GITHUB).counted(1),
    Entry::new("container-write", compile::write),
    Entry::new("container-read", compile::read),
    Entry::new("plan-openapi", compile::plan_openapi),
    Entry::new("plan-protobuf", compile::plan_protobuf),
    Entry::new("protobuf-encode", protobuf::encode),
    Entry::new("protobuf-decode", protobuf::decode),
    Entry::new("json-encode", json::encode),
    Entry::new("json-decode", json::decode),
    Entry::new("json-check", json::check),
    Entry::new("host-call-record", host_call::record).counted(40),
    Entry::new("host-call-bytes", host_call::bytes).counted(20),
    Entry::sized("host-call-1", 1, host_call::list::<1>).counted(40),
    Entry::sized("host-call-10", 10, host_call::list::<10>).counted(20),
    Entry::sized("host-call-100", 100, host_call::list::<100>).counted(20),
    Entry::sized("host-call-1000", 1000, host_call::list::<1000>).counted(20),
    Entry::new("grpc-add", whole_call::grpc_add).counted(0),
    Entry::sized("grpc-list-1", 1, whole_call::grpc_list::<1>).counted(0),
    Entry::sized("grpc-list-10", 10, whole_call::grpc_list::<10>).counted(0),
    Entry::sized("grpc-list-100", 100, whole_call::grpc_list::<100>).counted(0),
    Entry::sized("grpc-list-1000", 1000, whole_call::grpc_list::<1000>).counted(0),
    Entry::sized("rest-list-1", 1, whole_call::rest_list::<1>).counted(0),
    Entry::sized("rest-list-10", 10, whole_call::rest_list::<10>).counted(0),
    Entry::sized("rest-list-100", 100, whole_call::rest_list::<100>).counted(0),
];
