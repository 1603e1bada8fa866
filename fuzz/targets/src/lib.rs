//! What the fuzzer runs: each [`Target`] takes any bytes and panics where witwire breaks a promise.
//!
//! A promise is more than "no panic". What was compiled is sound and prints as WIT that parses; what was encoded can be read by
//! a library that shares no code with the interpreter; what was decoded and encoded again is the same; pieces of a stream mean the
//! same wherever the network cut them.
//!
//! `fuzz/run` has libFuzzer look for inputs that break one. `tests/main.rs` runs every input that is kept: those of `fuzz/corpus`,
//! which reach much, and those of `fuzz/found`, each of which once broke a promise.

mod compile;
mod container;
mod descriptors;
mod frames;
mod http;
mod manifest;
mod openapi;
mod protobuf;
mod protos;
mod seeds;
mod source;
mod use_all;
mod wave;

/// A function of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name: that of its folders in `fuzz/corpus` and `fuzz/found`.
    pub name: &'static str,
    /// Runs one input.
    ///
    /// # Panics
    /// A promise is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with, made of the specifications in `specs/`.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "openapi", run: openapi::run, seeds: seeds::openapi },
    Target { name: "protos", run: protos::run, seeds: seeds::protos },
    Target { name: "descriptors", run: descriptors::run, seeds: seeds::descriptors },
    Target { name: "http-requests", run: http::requests, seeds: seeds::http_requests },
    Target { name: "http-responses", run: http::responses, seeds: seeds::http_responses },
    Target { name: "protobuf-requests", run: protobuf::requests, seeds: seeds::protobuf_requests },
    Target { name: "protobuf-responses", run: protobuf::responses, seeds: seeds::protobuf_responses },
    Target { name: "container", run: container::run, seeds: seeds::container },
    Target { name: "manifest", run: manifest::run, seeds: seeds::manifest },
    Target { name: "frames", run: frames::run, seeds: seeds::frames },
    Target { name: "wave", run: wave::run, seeds: seeds::wave },
];

/// A target by its name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
