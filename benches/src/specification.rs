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
    pub(crate) fn new(name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        Self { name, files: MemoryFiles::new().with(name, text) }
    }

    /// Compiles it as OpenAPI; bodies stay whole, so that a body is one argument.
    pub(crate) fn openapi(&self) -> Compiled {
        self.openapi_as(&Options { bodies: Bodies::Whole, ..Options::default() })
    }

    /// Compiles it as OpenAPI.
    pub(crate) fn openapi_as(&self, options: &Options) -> Compiled {
        openapi::compile(Path::new(self.name), &self.files, options)
    }

    /// Compiles it as protobuf with default options.
    pub(crate) fn protobuf(&self) -> Compiled {
        self.protobuf_as(&Options::default())
    }

    /// Compiles it as protobuf.
    pub(crate) fn protobuf_as(&self, options: &Options) -> Compiled {
        let input = proto::Input::Protos { files: vec![PathBuf::from(self.name)], includes: Vec::new() };
        proto::compile(&input, &self.files, options)
    }
}

/// The only package of a compilation that went well.
pub(crate) fn only(compiled: Compiled) -> Api {
    let [api] = <[Api; 1]>::try_from(compiled.apis)
        .unwrap_or_else(|_| panic!("a benchmark's specification makes one package: {:?}", compiled.diagnostics));
    api
}
