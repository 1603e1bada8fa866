//! Reads an encoded `FileDescriptorSet`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use prost::Message as _;

use crate::{Code, Files};

use super::super::descriptor::FileDescriptorSet;
use super::super::findings::Findings;
use super::{Sources, absorb, in_file, shown, unreadable};

const HOW: &str = "make it with `protoc --include_imports --include_source_info --descriptor_set_out=api.fds FILES`, \
                   or `buf build -o api.binpb`";

pub(super) fn load(path: &Path, files: &dyn Files, findings: &mut Findings) -> Option<Sources> {
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(e) => {
            unreadable(findings, path, &e.reason);
            return None;
        }
    };
    let set = match FileDescriptorSet::decode(&bytes[..]) {
        Ok(set) if !set.file.is_empty() => set,
        Ok(_) => {
            findings.error(Code::BadDescriptorSet, in_file(path), "is an empty descriptor set").help(HOW);
            return None;
        }
        Err(e) => {
            findings.error(Code::BadDescriptorSet, in_file(path), format!("is not a descriptor set: {e}")).help(HOW);
            return None;
        }
    };
    let known: BTreeSet<&str> = set.file.iter().map(super::super::descriptor::FileDescriptorProto::name).collect();
    let mut complete = true;
    for file in &set.file {
        for import in file.dependency.iter().filter(|d| !known.contains(d.as_str())) {
            complete = false;
            let message = format!("lacks `{import}`, which `{}` imports", file.name());
            findings.error(Code::BadDescriptorSet, in_file(path), message).help(HOW);
        }
    }
    let mut digest = blake3::Hasher::new();
    absorb(&mut digest, "", &bytes);
    let roots = set.file.iter().filter(|f| !f.service.is_empty()).map(|f| f.name().to_owned()).collect();
    let shown_set = shown(path);
    let shown: BTreeMap<_, _> =
        set.file.iter().map(|f| (f.name().to_owned(), format!("{shown_set}!{}", f.name()))).collect();
    complete.then_some(Sources { set, roots, shown, digest })
}
