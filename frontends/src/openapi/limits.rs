//! What component tools can load: depth and size of types, of interfaces and of worlds.

use std::collections::{BTreeSet, HashMap, HashSet};

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Api, Id, InterfaceId, Shape, Type, TypeId, TypeName};

use super::context::Context;
use super::recursion::{is_table, mentions, replace};
use super::tree::NodeId;
use crate::{Code, Severity};

/// The largest size that tools accept, of a type, an interface and a world alike.
const MOST: u64 = 1_000_000;
/// The deepest nesting of named types and types written in place. Tools accept about 100 levels, which a function, its
/// interface and its world share.
const DEPTH: u32 = 70;
/// How often an interface's types are cut before its world is given up.
const ROUNDS: usize = 64;

/// All types, each behind those that it mentions. The types are not recursive.
fn bottom_up(api: &Api) -> Vec<TypeId> {
    let mut out = Vec::with_capacity(api.types.len());
    let mut entered = vec![false; api.types.len()];
    let mut stack: Vec<(TypeId, bool)> = api.types.ids().rev().map(|t| (t, false)).collect();
    while let Some((ty, left)) = stack.pop() {
        if left {
            out.push(ty);
        } else if !std::mem::replace(&mut entered[ty.index()], true) {
            stack.push((ty, true));
            stack.extend(api.types[ty].shape.parts().filter(|p| !entered[p.index()]).map(|p| (p, false)));
        }
    }
    out
}

/// References to named types that would nest too deep become `json`.
pub(super) fn depth(cx: &Context<'_>, api: &mut Api, named: &HashSet<TypeId>, json: TypeId, root: NodeId) {
    let mut depths: HashMap<TypeId, u32> = HashMap::new();
    for ty in bottom_up(api) {
        let deepest = |api: &Api, depths: &HashMap<TypeId, u32>| {
            api.types[ty].shape.parts().map(|p| depths.get(&p).copied().unwrap_or(1)).max().unwrap_or(0)
        };
        let mut own = 1 + deepest(api, &depths);
        if own > DEPTH && named.contains(&ty) {
            let mentioned = mentions(api, named, ty).into_keys();
            let gone: HashSet<TypeId> = mentioned.filter(|n| depths.get(n).is_some_and(|d| *d > DEPTH / 2)).collect();
            replace(api, named, ty, &gone, json);
            let source = api.text(api.types[ty].source).unwrap_or("a schema");
            let message = format!("`{source}` nests deeper than components allow; its deepest parts are `json`");
            cx.warn(Code::Degraded, root, message, "name fewer levels, or make the parts lists of records");
            own = 2;
        }
        depths.insert(ty, own);
    }
}

/// How large types are when everything in them is written out.
fn sizes(api: &Api) -> Vec<u64> {
    let mut sizes = vec![1_u64; api.types.len()];
    for ty in bottom_up(api) {
        let parts = api.types[ty].shape.parts().map(|p| sizes[p.index()]);
        sizes[ty.index()] = parts.fold(1, u64::saturating_add);
    }
    sizes
}

/// The size of an interface: the types that it declares and uses, and its functions.
fn interface_size(api: &Api, id: InterfaceId, sizes: &[u64]) -> u64 {
    let interface = &api.interfaces[id];
    let signatures: Vec<TypeId> = interface
        .operations
        .iter()
        .map(|o| &api.operations[*o])
        .flat_map(|o| o.params.iter().map(|p| p.ty).chain([o.result]))
        .collect();
    let mut known: BTreeSet<TypeId> = interface.types.iter().copied().collect();
    let mut seen = HashSet::new();
    let mut stack = signatures.clone();
    stack.extend(interface.types.iter().flat_map(|t| api.types[*t].shape.parts()));
    while let Some(ty) = stack.pop() {
        if api.types[ty].name.is_some() {
            known.insert(ty);
        } else if seen.insert(ty) {
            stack.extend(api.types[ty].shape.parts());
        }
    }
    known.iter().chain(&signatures).map(|t| sizes[t.index()]).fold(1, u64::saturating_add)
}

/// Cuts interfaces that are too large for a world of their own, and leaves out the world of all where that is too large.
///
/// `types` is the first interface; `json`, where it is not there yet, is added to it.
pub(super) fn worlds(cx: &Context<'_>, api: &mut Api, root: NodeId) {
    let types = InterfaceId::new(0);
    if api.interfaces.is_empty() {
        return;
    }
    let mut now = sizes(api);
    for _ in 0..ROUNDS {
        let shared = interface_size(api, types, &now);
        let too_large = api.interfaces.ids().any(|i| interface_size(api, i, &now).saturating_add(shared) > MOST);
        if !too_large || !cut_one(cx, api, types, &now, root) {
            break;
        }
        now = sizes(api);
    }
    let interfaces: Vec<u64> = api.interfaces.ids().map(|i| interface_size(api, i, &now)).collect();
    let shared = interfaces[types.index()];
    let mut left_out = Vec::new();
    api.worlds.retain(|world| {
        let size = world.imports.iter().map(|i| interfaces[i.index()]).fold(shared, u64::saturating_add);
        if size > MOST {
            left_out.push(world.name.clone());
        }
        size <= MOST
    });
    for name in left_out {
        let message = format!("world `{name}` is left out: its types written out are larger than component tools accept");
        cx.warn(Code::Degraded, root, message, "import single interfaces in a world of your own, or select `operations:`");
    }
}

/// Replaces references to the largest type that is mentioned least.
fn cut_one(cx: &Context<'_>, api: &mut Api, types: InterfaceId, sizes: &[u64], root: NodeId) -> bool {
    let named: HashSet<TypeId> = api.types.iter().filter(|(_, t)| t.name.is_some()).map(|(id, _)| id).collect();
    let mut mentioned: HashMap<TypeId, (usize, Vec<TypeId>)> = HashMap::new();
    for &ty in &named {
        for (target, times) in mentions(api, &named, ty) {
            let entry = mentioned.entry(target).or_default();
            entry.0 += times;
            entry.1.push(ty);
        }
    }
    let large = sizes.iter().copied().max().unwrap_or(0).min(MOST) / 20;
    let source = |ty: TypeId| api.text(api.types[ty].source).unwrap_or("").to_owned();
    // A table's lists keep their nodes.
    let nodes: HashSet<TypeId> =
        api.types.iter().filter(|(_, t)| is_table(t)).flat_map(|(id, _)| mentions(api, &named, id).into_keys()).collect();
    let chosen = mentioned
        .iter()
        .filter(|(ty, _)| sizes[ty.index()] > large.max(50) && api.types[**ty].source.is_some() && !nodes.contains(ty))
        .min_by_key(|(ty, (count, _))| (*count, std::cmp::Reverse(sizes[ty.index()]), source(**ty), **ty))
        .map(|(ty, (_, by))| (*ty, by.clone()));
    let Some((target, mut by)) = chosen else { return false };
    // Copies are made in this order, and the package is the same each time.
    by.sort_unstable();
    let message = format!("`{}` is too large to be part of others; references to it are `json`", source(target));
    cx.warn(Code::Degraded, root, message, "select fewer `operations:`");
    let gone = HashSet::from([target]);
    let json = json_alias(api, types);
    for ty in by {
        replace(api, &named, ty, &gone, json);
    }
    true
}

/// The alias `json` of a package.
fn json_alias(api: &mut Api, types: InterfaceId) -> TypeId {
    let name = super::schema::known_name("json");
    let declared = &api.interfaces[types].types;
    if let Some(known) = declared.iter().find(|t| api.types[**t].name.as_ref().is_some_and(|n| n.name == name)) {
        return *known;
    }
    let target = api.types.push(Type::with_wire(Shape::String, Wire::Json(Json::Raw)));
    let named = Some(TypeName { interface: types, name });
    let id = api.types.push(Type { name: named, ..Type::plain(Shape::Alias(target)) });
    api.interfaces[types].types.push(id);
    id
}

/// A package that contradicts itself is refused, with the reason.
pub(super) fn check(cx: &Context<'_>, api: &Api, root: NodeId) {
    for contradiction in api.check().err().into_iter().flatten().take(20) {
        let message = format!("the document cannot be made a package: {contradiction}");
        cx.report(Severity::Error, Code::Unsupported, root, message, Some("select other `operations:`"));
    }
}
