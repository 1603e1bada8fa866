//! Protobuf and gRPC.
//!
//! The passes, each a module: `load` reads sources into one descriptor set, `resolve` makes a `model` of it in which every
//! name is a link and every edition feature a fact, `plan` decides which WIT packages there are and what each holds, `naming`
//! names everything, `types` and `operations` lower, `check` looks at what came out.
//!
//! The only library that sees unchecked input is protox, behind one guard in `load`. Descriptor sets, editions included, are read
//! from their raw bytes.

mod check;
mod descriptor;
mod docs;
mod extent;
mod features;
mod findings;
mod graph;
mod load;
mod model;
mod naming;
mod operations;
mod package;
mod plan;
mod resolve;
mod rules;
mod settings;
mod sharing;
mod spelling;
mod streams;
#[cfg(test)]
mod tests;
mod types;
mod well_known;

use std::path::PathBuf;

use crate::{Compiled, Files, Options};
use findings::Findings;

/// Where services are described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Protobuf sources.
    Protos {
        /// The files whose services are wanted.
        files: Vec<PathBuf>,
        /// Directories in which imports are looked up, in order; empty: the directories of `files`.
        includes: Vec<PathBuf>,
    },
    /// An encoded `google.protobuf.FileDescriptorSet` with all imports. All its services are wanted.
    DescriptorSet(PathBuf),
}

/// Compiles protobuf sources: one [`witwire_ir::Api`] per protobuf package that has services, ordered by package name.
///
/// It never panics and reports everything it finds. With an error among the diagnostics there are no packages.
pub fn compile(input: &Input, files: &dyn Files, options: &Options) -> Compiled {
    let mut findings = Findings::default();
    let apis = load::load(input, files, &mut findings)
        .and_then(|sources| {
            let mut model = resolve::resolve(&sources, options, &mut findings)?;
            settings::know_any(&mut model, &options.any, &mut findings);
            let settings = settings::Settings::new(&model, options, &mut findings);
            let digest = sources.digest(options);
            let graph = graph::Graph::new(&model);
            let mut plans = plan::plans(&model, &graph, &settings, &mut findings);
            let lower = |plan| operations::lower(&model, &settings, plan, digest, &mut findings);
            Some(plans.iter_mut().map(lower).collect())
        })
        .unwrap_or_default();
    let apis = check::check(apis, &mut findings);
    findings.into_compiled(apis, options.strict)
}
