//! The pass that looks at what came out: the limits of component tools.

use std::collections::BTreeSet;

use witwire_ir::{Api, Id, InterfaceId, Shape, TypeId};

use crate::{Code, Location};

use super::findings::Findings;

/// Fields and cases of one type, of the component model's tools.
const MAX_MEMBERS: usize = 10_000;
/// Nesting of one type, likewise.
const MAX_DEPTH: u32 = 100;
/// Size of one type with everything in it written out, likewise.
const MAX_SIZE: u64 = 1_000_000;

/// Reports types that no tool could read, and leaves out worlds that none could load: a guest then imports what it needs of the
/// interfaces in a world of its own.
pub(super) fn check(mut apis: Vec<Api>, findings: &mut Findings) -> Vec<Api> {
    for api in &mut apis {
        let extents = extents(api);
        members_and_depth(api, &extents, findings);
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
            findings
                .warning(Code::ProtoDegraded, at, message)
                .help("import single interfaces in a world of your own, or select `operations:`");
            false
        });
    }
    apis
}

/// How large a type is.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Types in it, itself included, each counted wherever it is mentioned.
    size: u64,
    /// Levels, itself included.
    depth: u32,
}

/// The extents of all types. A type stands behind those that it mentions, so one pass does.
fn extents(api: &Api) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    for (_, ty) in api.types.iter() {
        let mut own = Extent { size: 1, depth: 1 };
        for child in children(&ty.shape) {
            let child = extents.get(child.index()).copied().unwrap_or(Extent { size: 1, depth: 1 });
            own.size = own.size.saturating_add(child.size);
            own.depth = own.depth.max(child.depth.saturating_add(1));
        }
        extents.push(own);
    }
    extents
}

fn children(shape: &Shape) -> Vec<TypeId> {
    match shape {
        Shape::List(t) | Shape::Option(t) | Shape::Alias(t) => vec![*t],
        Shape::Tuple(ts) => ts.clone(),
        Shape::Result { ok, err } => ok.iter().chain(err).copied().collect(),
        Shape::Record(fields) => fields.iter().map(|f| f.ty).collect(),
        Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).collect(),
        _ => Vec::new(),
    }
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
    signatures.iter().for_each(|ty| named(api, *ty, &mut known));
    known.iter().chain(&signatures).map(size).fold(1, u64::saturating_add)
}

/// Collects the named types that a signature mentions.
fn named(api: &Api, ty: TypeId, out: &mut BTreeSet<TypeId>) {
    let of = &api.types[ty];
    if of.name.is_some() {
        out.insert(ty);
    } else {
        // Types written in place nest a few levels at most: lists in options in results.
        children(&of.shape).into_iter().for_each(|child| named(api, child, out));
    }
}

fn members_and_depth(api: &Api, extents: &[Extent], findings: &mut Findings) {
    for ((_, ty), extent) in api.types.iter().zip(extents) {
        let members = match &ty.shape {
            Shape::Record(fields) => fields.len(),
            Shape::Variant(cases) => cases.len(),
            Shape::Enum(labels) => labels.len(),
            _ => 0,
        };
        let what = if members > MAX_MEMBERS {
            format!("has {members} members; components allow {MAX_MEMBERS}")
        } else if extent.depth > MAX_DEPTH && ty.name.is_some() {
            format!("is nested {} levels deep; components allow {MAX_DEPTH}", extent.depth)
        } else {
            continue;
        };
        let source = api.text(ty.source).unwrap_or_default().to_owned();
        let message = format!("`{source}` {what}");
        findings.error(Code::UnsupportedMethod, Location { pointer: source, ..Location::default() }, message);
    }
}
