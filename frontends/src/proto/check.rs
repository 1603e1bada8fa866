//! The pass that looks at what came out: the limits of component tools.

use std::collections::BTreeSet;

use witwire_ir::{Api, Id, InterfaceId, Shape, TypeId};

use crate::{Code, Location};

use super::extent::{Extent, MAX_SIZE, children, extents};
use super::findings::Findings;

/// Refuses packages that contradict themselves or the limits of WIT, and leaves out worlds that no tool could load.
pub(super) fn check(mut apis: Vec<Api>, findings: &mut Findings) -> Vec<Api> {
    for api in &mut apis {
        let extents = extents(api);
        for contradiction in api.check().err().into_iter().flatten() {
            let at = Location { pointer: api.package.to_string(), ..Location::default() };
            findings.error(Code::UnsupportedMethod, at, format!("the package cannot be used: {contradiction}"));
        }
        let interfaces: Vec<u64> = api.interfaces.ids().map(|i| interface_size(api, i, &extents)).collect();
        let package = api.package.to_string();
        api.worlds.retain(|world| {
            let size = world.imports.iter().map(|i| interfaces[i.index()]).fold(interfaces[0], u64::saturating_add);
            if size <= MAX_SIZE {
                return true;
            }
            let at = Location { pointer: package.clone(), ..Location::default() };
            let message =
                format!("the world `{}` is left out: its types written out are larger than tools accept", world.name);
            let help = if world.imports.len() > 1 {
                "import single interfaces in a world of your own, or select `operations:`"
            } else {
                "select `operations:`; fewer functions mention fewer types"
            };
            findings.warning(Code::ProtoDegraded, at, message).help(help);
            false
        });
    }
    apis
}

/// The size of an interface: the types that it declares and uses, and its functions.
fn interface_size(api: &Api, id: InterfaceId, extents: &[Extent]) -> u64 {
    let size = |ty: &TypeId| extents[ty.index()].size;
    let interface = &api.interfaces[id];
    let mut signatures: Vec<TypeId> = Vec::new();
    for operation in &interface.operations {
        let operation = &api.operations[*operation];
        signatures.extend(operation.params.iter().map(|p| p.ty));
        signatures.push(operation.result);
    }
    for ty in &interface.types {
        if let Shape::Resource(resource) = &api.types[*ty].shape {
            for method in &resource.methods {
                signatures.extend(method.params.iter().map(|p| p.ty).chain(method.result));
            }
        }
    }
    let mut known: BTreeSet<TypeId> = interface.types.iter().copied().collect();
    for ty in &signatures {
        named(api, *ty, &mut known);
    }
    known.iter().chain(&signatures).map(size).fold(1, u64::saturating_add)
}

/// Collects the named types that a signature mentions.
fn named(api: &Api, ty: TypeId, out: &mut BTreeSet<TypeId>) {
    let of = &api.types[ty];
    if of.name.is_some() {
        out.insert(ty);
    } else {
        // Types written in place nest a few levels at most: lists in options in results.
        for child in children(&of.shape) {
            named(api, child, out);
        }
    }
}
