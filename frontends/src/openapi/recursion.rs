//! WIT has no recursive types: small groups become tables of nodes, larger ones are cut where it costs least.

mod json;
mod nodes;

use std::collections::{BTreeMap, HashMap, HashSet};

use witwire_ir::{Api, TypeId};

use super::graph::groups;
use super::schema::Declared;

pub(super) use json::{is_table, replace};
pub(super) use nodes::name_lists;

/// Groups larger than this lose all references inside of the group at once.
const LARGEST: usize = 2_000;

/// What became of recursive types.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The types to which references became `json`.
    pub(crate) cut: Vec<TypeId>,
    /// The groups that became nodes.
    pub(crate) tables: Vec<nodes::Group>,
}

/// Resolves all cycles. `json` gives the alias.
///
/// First unions of a string and what it stands for keep the string only (an id, or the expanded thing). Then groups of up to
/// [`nodes::MOST`] types become tables of nodes; of a larger group the member that is mentioned most becomes `json`, and what is left
/// is looked at again.
pub(crate) fn resolve(api: &mut Api, declared: &mut Vec<Declared>, json: TypeId) -> Resolved {
    let mut named: HashSet<TypeId> = declared.iter().map(|d| d.ty).collect();
    json::cut_in_place(api, &named);
    let mut resolved = Resolved::default();
    let mut members: Vec<TypeId> = named.iter().copied().collect();
    members.sort_unstable();
    let mut pending = find(api, &named, &members);
    if pending.is_empty() {
        return resolved;
    }
    let mut wishes = nodes::Wishes::new(api, declared, &named);
    while let Some(group) = pending.pop() {
        let inside: HashSet<TypeId> = group.iter().copied().collect();
        if json::cut_expandable(api, &named, &inside, json) {
            pending.extend(find(api, &named, &group));
            continue;
        }
        if let Some(plan) = nodes::plan(api, &wishes, &named, &group) {
            resolved.tables.push(nodes::build(api, &mut wishes, &mut named, &plan));
            continue;
        }
        let mut count: HashMap<TypeId, usize> = HashMap::new();
        for member in &group {
            for (target, times) in mentions(api, &named, *member) {
                if inside.contains(&target) {
                    *count.entry(target).or_default() += times;
                }
            }
        }
        let targets: Vec<TypeId> = if group.len() > LARGEST {
            group.clone()
        } else {
            let key = |ty: &TypeId| (count.get(ty).copied().unwrap_or(0), std::cmp::Reverse(source(api, *ty)));
            group.iter().copied().max_by(|a, b| key(a).cmp(&key(b))).into_iter().collect()
        };
        let gone: HashSet<TypeId> = targets.iter().copied().collect();
        for member in &group {
            replace(api, &named, *member, &gone, json);
        }
        resolved.cut.extend(targets);
        if group.len() <= LARGEST {
            pending.extend(find(api, &named, &group));
        }
    }
    resolved.cut.sort_unstable();
    wishes.into_declared(declared);
    resolved
}

fn source(api: &Api, ty: TypeId) -> &str {
    api.text(api.types[ty].source).unwrap_or("")
}

/// The groups of named types among `members`.
fn find(api: &Api, named: &HashSet<TypeId>, members: &[TypeId]) -> Vec<Vec<TypeId>> {
    let number: HashMap<TypeId, usize> = members.iter().enumerate().map(|(i, t)| (*t, i)).collect();
    let edges = |i: usize| mentions(api, named, members[i]).keys().filter_map(|t| number.get(t).copied()).collect();
    groups(members.len(), edges).into_iter().map(|g| g.into_iter().map(|i| members[i]).collect()).collect()
}

/// The named types that a type mentions, through types written in place, and how often.
pub(super) fn mentions(api: &Api, named: &HashSet<TypeId>, ty: TypeId) -> BTreeMap<TypeId, usize> {
    let mut out = BTreeMap::new();
    let mut stack: Vec<TypeId> = api.types[ty].shape.parts().collect();
    let mut seen = HashSet::new();
    while let Some(part) = stack.pop() {
        if named.contains(&part) {
            *out.entry(part).or_default() += 1;
        } else if seen.insert(part) {
            stack.extend(api.types[part].shape.parts());
        }
    }
    out
}
