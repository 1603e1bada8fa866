//! Names are unique in their scope without regard to hyphens, and declared where they say.

use std::collections::{HashMap, HashSet};

use super::{Checker, Item, Rule};
use crate::id::InterfaceId;
use crate::name::WitName;
use crate::print::mentioned;
use crate::types::Shape;

pub(super) fn check(c: &mut Checker<'_>) {
    let api = c.api;
    let package = api.interfaces.iter().map(|(_, i)| &i.name).chain(api.worlds.iter().map(|w| &w.name));
    unique(c, &"the package", package);
    for (id, ty) in api.types.iter() {
        let at = Item::Type(api, id);
        match &ty.shape {
            Shape::Record(fields) => unique(c, &at, fields.iter().map(|f| &f.name)),
            Shape::Variant(cases) => unique(c, &at, cases.iter().map(|k| &k.name)),
            Shape::Enum(labels) | Shape::Flags(labels) => unique(c, &at, labels.iter().map(|l| &l.name)),
            Shape::Resource(resource) => {
                let steps: HashSet<_> = resource.methods.iter().map(|m| m.step).collect();
                c.ensure(steps.len() == resource.methods.len(), &at, Rule::Names, "a method stands twice");
                for method in &resource.methods {
                    unique(c, &at, method.params.iter().map(|p| &p.name));
                }
            }
            Shape::Call(call) => {
                let parts: HashSet<_> = call.methods.iter().map(|m| m.part).collect();
                c.ensure(parts.len() == call.methods.len(), &at, Rule::Names, "a method stands twice");
                for method in &call.methods {
                    unique(c, &at, method.params.iter().map(|p| &p.name));
                }
            }
            _ => {}
        }
    }
    for (id, operation) in api.operations.iter() {
        unique(c, &Item::Operation(api, id), operation.params.iter().map(|p| &p.name));
        let listed = api.interfaces[operation.interface].operations.iter().filter(|o| **o == id).count();
        c.ensure(listed == 1, Item::Operation(api, id), Rule::Names, "its interface does not list it once");
    }
    let declared = declarations(c);
    for id in api.interfaces.ids() {
        scope(c, id, &declared);
    }
}

/// The types that interfaces declare.
fn declarations(c: &mut Checker<'_>) -> HashSet<crate::id::TypeId> {
    let api = c.api;
    let mut declared = HashSet::new();
    for (id, interface) in api.interfaces.iter() {
        for &ty in &interface.types {
            let here = api.types[ty].name.as_ref().is_some_and(|n| n.interface == id);
            c.ensure(here, Item::Type(api, ty), Rule::Names, "another interface than its own declares it");
            c.ensure(declared.insert(ty), Item::Type(api, ty), Rule::Names, "it is declared twice");
        }
        for &operation in &interface.operations {
            let here = api.operations[operation].interface == id;
            c.ensure(here, Item::Operation(api, operation), Rule::Names, "another interface than its own declares it");
        }
    }
    declared
}

fn scope(c: &mut Checker<'_>, id: InterfaceId, declared: &HashSet<crate::id::TypeId>) {
    let api = c.api;
    let interface = &api.interfaces[id];
    let renames: HashMap<_, _> = interface.renames.iter().map(|(ty, name)| (*ty, name)).collect();
    let mut used: Vec<&WitName> = Vec::new();
    for ty in mentioned(api, id) {
        let Some(name) = &api.types[ty].name else { continue };
        c.ensure(declared.contains(&ty), Item::Type(api, ty), Rule::Names, "it is used but declared nowhere");
        if name.interface != id {
            used.push(renames.get(&ty).copied().unwrap_or(&name.name));
        }
    }
    let types = interface.types.iter().filter_map(|t| api.types[*t].name.as_ref()).map(|n| &n.name);
    let functions = interface.operations.iter().map(|o| &api.operations[*o].name);
    unique(c, &Item::Interface(api, id), types.chain(functions).chain(used));
}

fn unique<'n>(c: &mut Checker<'_>, at: &dyn std::fmt::Display, names: impl Iterator<Item = &'n WitName>) {
    let mut seen = HashSet::new();
    for name in names {
        let new = seen.insert(name.collision_key());
        c.ensure(new, at, Rule::Names, format!("two names collide at `{}`", name.as_str()));
    }
}
