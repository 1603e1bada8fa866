//! References that become `json`.

use std::collections::{HashMap, HashSet};

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json};
use witwire_ir::{Api, Id, Shape, Type, TypeId};

use super::mentions;
use crate::openapi::graph::groups;

/// Types written in place that contain themselves (merged schemas can): one of each cycle becomes `json`.
pub(super) fn cut_in_place(api: &mut Api, named: &HashSet<TypeId>) {
    loop {
        let edges = |i: usize| {
            let ty = TypeId::new(i);
            if named.contains(&ty) {
                return Vec::new();
            }
            api.types[ty].shape.parts().filter(|p| !named.contains(p)).map(Id::index).collect()
        };
        let found = groups(api.types.len(), edges);
        if found.is_empty() {
            return;
        }
        for group in found {
            if let Some(first) = group.first() {
                // A name is for the alias; a type written in place is what it stands for.
                api.types[TypeId::new(*first)] = Type::with_wire(Shape::String, Wire::Json(Json::Raw));
            }
        }
    }
}

/// Arms beside a string arm: an id, or the thing itself. The id stays.
pub(super) fn cut_expandable(api: &mut Api, named: &HashSet<TypeId>, inside: &HashSet<TypeId>, json: TypeId) -> bool {
    let mut changed = false;
    let mut members: Vec<TypeId> = inside.iter().copied().collect();
    members.sort_unstable();
    for member in members {
        let Shape::Variant(cases) = &api.types[member].shape else { continue };
        let is_union = matches!(api.types[member].wire, Wire::Json(Json::Union(_)));
        let is_string =
            |ty: &Option<TypeId>| ty.is_some_and(|t| matches!(api.shape(t), Shape::String) && t != json && !is_raw(api, t));
        if !is_union || !cases.iter().any(|c| is_string(&c.ty)) {
            continue;
        }
        let leads_inside = |ty: TypeId| {
            inside.contains(&ty) || (!named.contains(&ty) && mentions(api, named, ty).keys().any(|t| inside.contains(t)))
        };
        let to_cut: Vec<usize> =
            cases.iter().enumerate().filter(|(_, c)| c.ty.is_some_and(leads_inside)).map(|(i, _)| i).collect();
        let ty = &mut api.types[member];
        for i in to_cut {
            if let Shape::Variant(cases) = &mut ty.shape {
                cases[i].ty = Some(json);
            }
            if let Wire::Json(Json::Union(union)) = &mut ty.wire
                && let Some(arm) = union.arms.get_mut(i)
            {
                *arm = Arm::Value(json);
            }
            changed = true;
        }
    }
    changed
}

fn is_raw(api: &Api, ty: TypeId) -> bool {
    matches!(api.types[api.resolve(ty)].wire, Wire::Json(Json::Raw))
}

/// Replaces references to some types in a type. Types written in place are copied, since others may share them.
pub(in crate::openapi) fn replace(
    api: &mut Api,
    named: &HashSet<TypeId>,
    member: TypeId,
    gone: &HashSet<TypeId>,
    json: TypeId,
) {
    let mut done: HashMap<TypeId, TypeId> = HashMap::new();
    let mut ty = api.types[member].clone();
    rewrite(api, named, &mut ty, gone, json, &mut done);
    api.types[member] = ty;
}

fn rewrite(
    api: &mut Api,
    named: &HashSet<TypeId>,
    ty: &mut Type,
    gone: &HashSet<TypeId>,
    json: TypeId,
    done: &mut HashMap<TypeId, TypeId>,
) -> bool {
    let mut changed = false;
    for part in parts_mut(ty) {
        if gone.contains(part) {
            *part = json;
            changed = true;
        } else if !named.contains(part) {
            let new = if let Some(&new) = done.get(part) {
                new
            } else {
                let mut inner = api.types[*part].clone();
                let new = if rewrite(api, named, &mut inner, gone, json, done) { api.types.push(inner) } else { *part };
                done.insert(*part, new);
                new
            };
            changed |= new != *part;
            *part = new;
        }
    }
    changed
}

/// All references of a type, those of its wire map included. The lists of a table of nodes are none: they belong to the table.
pub(super) fn parts_mut(ty: &mut Type) -> Vec<&mut TypeId> {
    if is_table(ty) {
        return Vec::new();
    }
    let mut out: Vec<&mut TypeId> = match &mut ty.shape {
        Shape::List(t) | Shape::Option(t) | Shape::Alias(t) => vec![t],
        Shape::Tuple(ts) => ts.iter_mut().collect(),
        Shape::Record(fields) => fields.iter_mut().map(|f| &mut f.ty).collect(),
        Shape::Variant(cases) => cases.iter_mut().filter_map(|c| c.ty.as_mut()).collect(),
        Shape::Result { ok, err } => ok.iter_mut().chain(err.iter_mut()).collect(),
        _ => Vec::new(),
    };
    if let Wire::Json(Json::Union(union)) = &mut ty.wire {
        out.extend(union.arms.iter_mut().filter_map(|arm| match arm {
            Arm::Value(t) => Some(t),
            Arm::Constant(_) => None,
        }));
    }
    out
}

/// Whether a type is a table of nodes.
pub(in crate::openapi) const fn is_table(ty: &Type) -> bool {
    matches!(ty.wire, Wire::Json(Json::Table(_)))
}
