//! `use` lines, derived from what an interface mentions.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::api::Api;
use crate::id::{InterfaceId, TypeId};
use crate::name::WitName;
use crate::types::Shape;

use super::INDENT;

/// The lines of one interface, sorted by the other interface's name; names in them are sorted too.
pub(super) fn lines(api: &Api, scope: InterfaceId) -> Vec<String> {
    let mut by_interface: BTreeMap<&WitName, BTreeSet<(&WitName, Option<&WitName>)>> = BTreeMap::new();
    for id in mentioned(api, scope) {
        let Some(declared) = &api.types[id].name else { continue };
        if declared.interface == scope {
            continue;
        }
        let renamed = api.interfaces[scope].renames.iter().find(|(ty, _)| *ty == id).map(|(_, name)| name);
        by_interface.entry(&api.interfaces[declared.interface].name).or_default().insert((&declared.name, renamed));
    }
    by_interface
        .into_iter()
        .map(|(interface, names)| {
            let names: Vec<String> = names
                .into_iter()
                .map(|(name, renamed)| renamed.map_or_else(|| name.to_string(), |r| format!("{name} as {r}")))
                .collect();
            use_line(interface, &names)
        })
        .collect()
}

/// The widest `use` that stands in one line, its indentation included.
const WIDTH: usize = 100;

/// One `use`, in as many lines as it needs.
fn use_line(interface: &WitName, names: &[String]) -> String {
    let one = format!("use {interface}.{{{}}};", names.join(", "));
    if INDENT.len() + one.len() <= WIDTH {
        return one;
    }
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if 2 * INDENT.len() + line.len() + name.len() + 2 <= WIDTH => {
                line.push(' ');
                line.push_str(name);
                line.push(',');
            }
            _ => lines.push(format!("{name},")),
        }
    }
    let margin = format!("\n{INDENT}{INDENT}");
    format!("use {interface}.{{{margin}{}\n{INDENT}}};", lines.join(&margin))
}

/// The named types that an interface's declarations and functions name directly.
pub(crate) fn mentioned(api: &Api, scope: InterfaceId) -> HashSet<TypeId> {
    let mut walk = Walk { api, named: HashSet::new(), inline: HashSet::new() };
    let interface = &api.interfaces[scope];
    for &ty in &interface.types {
        walk.parts(&api.types[ty].shape);
    }
    for &operation in &interface.operations {
        let operation = &api.operations[operation];
        operation.params.iter().for_each(|p| walk.reference(p.ty));
        walk.reference(operation.result);
    }
    walk.named
}

struct Walk<'a> {
    api: &'a Api,
    named: HashSet<TypeId>,
    inline: HashSet<TypeId>,
}

impl Walk<'_> {
    fn reference(&mut self, id: TypeId) {
        let ty = &self.api.types[id];
        if ty.name.is_some() {
            self.named.insert(id);
        } else if self.inline.insert(id) {
            self.parts(&ty.shape);
        }
    }

    fn parts(&mut self, shape: &Shape) {
        match shape {
            // The settings are not written.
            Shape::Call(call) => call.parts().for_each(|part| self.reference(part)),
            _ => shape.parts().for_each(|part| self.reference(part)),
        }
    }
}
