//! Specifications, compiled from memory.

use std::path::{Path, PathBuf};

use witwire_frontends::{Bodies, Compiled, MemoryFiles, Options, openapi, proto};
use witwire_ir::Api;

/// A specification and where its frontend finds it.
pub(crate) struct Specification {
    name: &'static str,
    files: MemoryFiles,
}

impl Specification {
    pub(crate) fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, files: MemoryFiles::new().with(name, text) }
    }

    /// Compiles it as OpenAPI; bodies stay whole, so that a body is one argument.
    pub(crate) fn openapi(&self) -> Compiled {
        let options = Options { bodies: Bodies::Whole, ..Options::default() };
        openapi::compile(Path::new(self.name), &self.files, &options)
    }

    /// Compiles it as protobuf.
    pub(crate) fn protobuf(&self) -> Compiled {
        let input = proto::Input::Protos { files: vec![PathBuf::from(self.name)], includes: Vec::new() };
        proto::compile(&input, &self.files, &Options::default())
    }
}

/// The only package of a compilation that went well.
pub(crate) fn only(compiled: Compiled) -> Api {
    let [api] = <[Api; 1]>::try_from(compiled.apis)
        .unwrap_or_else(|_| panic!("a benchmark's specification makes one package: {:?}", compiled.diagnostics));
    api
}
