//! protoc, from the Python package `grpcio-tools` that `.ci/tools grpc` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Compiled, DiskFiles, Options};

/// A protoc that is there.
pub(super) struct Protoc {
    python: PathBuf,
}

impl Protoc {
    /// `None` where it is not installed, which is said; an error where it must be there.
    pub(super) fn find() -> Result<Option<Self>, Failed> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
        let tools = std::env::var_os("WITWIRE_TOOLS").map_or(beside, PathBuf::from);
        let python = tools.join("grpc/bin/python");
        if python.is_file() {
            return Ok(Some(Self { python }));
        }
        if std::env::var("CI").is_ok_and(|v| v == "true") {
            return Err("protoc not found; run `.ci/tools grpc`".into());
        }
        println!("skipped: protoc not found; `.ci/tools grpc` installs it");
        Ok(None)
    }

    /// The encoded descriptor set of files and all their imports.
    pub(super) fn set(&self, includes: &[&Path], files: &[PathBuf]) -> Result<Vec<u8>, Failed> {
        let directory = tempfile::tempdir()?;
        let set = directory.path().join("api.fds");
        let mut command = Command::new(&self.python);
        command.args(["-m", "grpc_tools.protoc", "--experimental_editions"]);
        for include in includes {
            command.arg("-I").arg(include);
        }
        command.args(["--include_imports", "--include_source_info", "-o"]).arg(&set).args(files);
        let output = command.output()?;
        if !output.status.success() {
            return Err(format!("protoc: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(std::fs::read(&set)?)
    }
}

/// Compiles an encoded descriptor set.
pub(super) fn compile_set(set: &[u8]) -> Result<Compiled, Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("api.fds");
    std::fs::write(&path, set)?;
    Ok(compile(&Input::DescriptorSet(path), &DiskFiles, &Options::default()))
}

/// The set with one more file per package of the named files: a service with a method for every message of theirs.
///
/// Sets are concatenated as bytes, since the library that reads them here does not keep what editions add.
pub(super) fn with_every_message(set: &[u8], files: &[String]) -> Result<(Vec<u8>, usize), Failed> {
    let read = FileDescriptorSet::decode(set)?;
    let mut added: Vec<FileDescriptorProto> = Vec::new();
    let mut count = 0;
    for file in read.file.iter().filter(|f| files.iter().any(|name| name == f.name())) {
        let mut names = Vec::new();
        for message in &file.message_type {
            message_names(file.package(), message, &mut names);
        }
        count += names.len();
        let methods = names.iter().map(|name| MethodDescriptorProto {
            name: Some(name[file.package().len()..].replace('.', "_")),
            input_type: Some(format!(".{name}")),
            output_type: Some(format!(".{name}")),
            ..MethodDescriptorProto::default()
        });
        let host = if let Some(index) = added.iter().position(|f| f.package() == file.package()) {
            index
        } else {
            added.push(FileDescriptorProto {
                name: Some(format!("every_message/{}.proto", file.package())),
                package: file.package.clone(),
                service: vec![ServiceDescriptorProto {
                    name: Some("EveryMessage".to_owned()),
                    ..ServiceDescriptorProto::default()
                }],
                syntax: Some("proto3".to_owned()),
                ..FileDescriptorProto::default()
            });
            added.len() - 1
        };
        added[host].dependency.push(file.name().to_owned());
        added[host].service[0].method.extend(methods);
    }
    let mut all = set.to_vec();
    FileDescriptorSet { file: added }.encode(&mut all)?;
    Ok((all, count))
}

fn message_names(scope: &str, message: &DescriptorProto, out: &mut Vec<String>) {
    if message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
        return;
    }
    let name = if scope.is_empty() { message.name().to_owned() } else { format!("{scope}.{}", message.name()) };
    for nested in &message.nested_type {
        message_names(&name, nested, out);
    }
    out.push(name);
}
