//! The specifications of this crate, and compiling bytes as one.

use std::path::PathBuf;
use std::sync::Arc;

use witwire_frontends::proto::{self, Input};
use witwire_frontends::{Compiled, MemoryFiles, Options, openapi};
use witwire_interpreter::Plan;
use witwire_ir::AuthMode;

pub(crate) const ECHO: &str = include_str!("../specs/echo.proto");
pub(crate) const ECHO2: &str = include_str!("../specs/echo2.proto");
pub(crate) const REST: &str = include_str!("../specs/echo.yaml");

pub(crate) fn document(text: impl Into<Vec<u8>>, options: &Options) -> Compiled {
    let files = MemoryFiles::new().with("api.yaml", text);
    openapi::compile("api.yaml".as_ref(), &files, options)
}

pub(crate) fn source(text: impl Into<Vec<u8>>, options: &Options) -> Compiled {
    let files = MemoryFiles::new().with("api.proto", text);
    let input = Input::Protos { files: vec![PathBuf::from("api.proto")], includes: Vec::new() };
    proto::compile(&input, &files, options)
}

pub(crate) fn descriptor_set(bytes: impl Into<Vec<u8>>, options: &Options) -> Compiled {
    let files = MemoryFiles::new().with("api.binpb", bytes);
    proto::compile(&Input::DescriptorSet(PathBuf::from("api.binpb")), &files, options)
}

/// The plan of a specification of this crate.
pub(crate) fn plan(compiled: Compiled) -> Plan {
    let Compiled { apis, diagnostics, .. } = compiled;
    let api = apis.into_iter().next().unwrap_or_else(|| panic!("a specification of this crate compiles: {diagnostics:?}"));
    Plan::new(Arc::new(api)).expect("a frontend makes no contradictory package")
}

/// The options that change most in what comes out, besides the default ones.
pub(crate) fn other_options() -> Options {
    Options {
        auth: Some(AuthMode::Guest),
        calls: witwire_frontends::Calls::Explicit,
        bodies: witwire_frontends::Bodies::Whole,
        presence: witwire_frontends::PresenceMode::Bare,
        extensions: witwire_frontends::Extensions::Fields,
        unknown_fields: witwire_frontends::UnknownFields::Keep,
        ..Options::default()
    }
}
