//! A recursive group as tables of nodes: one list per type, references by position, the root at position 0 of its own list.
//!
//! ```text
//! record expr { exprs: list<expr-node> }          // the table; what mentioned `expr` from outside still does
//! record expr-node { op: string, args: list<expr-ref> }
//! type expr-ref = u32;
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Table};
use witwire_ir::{Api, Field, Shape, Type, TypeId, WitName};

use super::json::parts_mut;
use super::mentions;
use crate::names::{self, Scope};
use crate::openapi::graph::groups;
use crate::openapi::schema::{Declared, Origin, Wish, known_name};

/// The most lists of a table.
pub(super) const MOST: usize = 8;

/// A group that became nodes.
#[derive(Debug)]
pub(crate) struct Group {
    /// By list, the type that its nodes are of: the table where there is one, else the node.
    members: Vec<TypeId>,
    references: Vec<TypeId>,
    /// The tables and the list of each one's root.
    tables: Vec<(TypeId, u16)>,
}

/// What types are to be called, and who uses them.
pub(super) struct Wishes {
    of: BTreeMap<TypeId, Wish>,
    order: Vec<TypeId>,
    /// Named types by the named types that mention them.
    users: HashMap<TypeId, Vec<TypeId>>,
    /// What operations and the host mention.
    outer: HashSet<TypeId>,
}

impl Wishes {
    pub(super) fn new(api: &Api, declared: &[Declared], named: &HashSet<TypeId>) -> Self {
        let mut users: HashMap<TypeId, Vec<TypeId>> = HashMap::new();
        for item in declared {
            for target in mentions(api, named, item.ty).into_keys() {
                users.entry(target).or_default().push(item.ty);
            }
        }
        Self {
            of: declared.iter().map(|d| (d.ty, d.wish.clone())).collect(),
            order: declared.iter().map(|d| d.ty).collect(),
            users,
            outer: outer(api, named),
        }
    }

    /// Writes the wishes back: what is no longer declared goes, what is new comes behind.
    pub(super) fn into_declared(mut self, declared: &mut Vec<Declared>) {
        let wishes = self.order.iter().filter_map(|ty| self.of.remove(ty).map(|wish| Declared { ty: *ty, wish }));
        *declared = wishes.collect();
    }

    fn add(&mut self, ty: TypeId, wish: Wish) {
        self.of.insert(ty, wish);
        self.order.push(ty);
    }
}

/// The named types that operations and the host's types mention, through types written in place.
fn outer(api: &Api, named: &HashSet<TypeId>) -> HashSet<TypeId> {
    let mut stack: Vec<TypeId> =
        api.operations.iter().flat_map(|(_, o)| o.params.iter().map(|p| p.ty).chain([o.result])).collect();
    stack.extend(api.operations.iter().flat_map(|(_, o)| o.call.types()));
    stack.extend(api.host.iter().flat_map(|h| std::iter::once(h.error).chain(h.error_body)));
    let mut seen = HashSet::new();
    let mut out = HashSet::new();
    while let Some(ty) = stack.pop() {
        if named.contains(&ty) {
            out.insert(ty);
        } else if seen.insert(ty) {
            stack.extend(api.types[ty].shape.parts());
        }
    }
    out
}

/// How a group becomes nodes.
pub(super) struct Plan {
    /// The types that get a list each.
    lists: Vec<TypeId>,
    /// The types that nodes see through: aliases, lists with a name, and `<t>-or-null`.
    through: HashSet<TypeId>,
    /// Those that something outside of the group mentions.
    tables: HashSet<TypeId>,
}

/// `None` where the group is too large, or a value could be a node within a node without anything between them.
pub(super) fn plan(api: &Api, wishes: &Wishes, named: &HashSet<TypeId>, group: &[TypeId]) -> Option<Plan> {
    // A few members more than lists: some are seen through.
    if group.len() > 4 * MOST {
        return None;
    }
    let inside: HashSet<TypeId> = group.iter().copied().collect();
    let is_through = |ty: &TypeId| {
        let shape = &api.types[*ty].shape;
        matches!(shape, Shape::Alias(_)) || !shape.needs_name() || matches!(wishes.of.get(ty), Some(Wish::OrNull(_)))
    };
    let mut through: HashSet<TypeId> = group.iter().copied().filter(is_through).collect();
    // A cycle must meet a list: an alias of a list of itself is one.
    for member in cycles(&through, |ty| mentions(api, named, ty).into_keys().collect()) {
        if matches!(wishes.of.get(&member), Some(Wish::OrNull(_))) {
            return None;
        }
        through.remove(&member);
    }
    let lists: Vec<TypeId> = group.iter().copied().filter(|ty| !through.contains(ty)).collect();
    let named_after = |ty: &TypeId| matches!(wishes.of.get(ty), Some(Wish::Origin { .. }));
    if lists.len() > MOST || !lists.iter().all(named_after) || !cycles(&inside, |ty| bare_mentions(api, ty)).is_empty() {
        return None;
    }
    let is_outside = |ty: &TypeId| {
        wishes.outer.contains(ty) || wishes.users.get(ty).is_some_and(|by| by.iter().any(|user| !inside.contains(user)))
    };
    let mut tables: HashSet<TypeId> = group.iter().copied().filter(is_outside).collect();
    // What is seen through stays as it is for those outside, and so needs tables for what it mentions.
    let mut open: Vec<TypeId> = tables.iter().copied().filter(|ty| through.contains(ty)).collect();
    while let Some(ty) = open.pop() {
        for target in mentions(api, named, ty).into_keys().filter(|t| inside.contains(t)) {
            if tables.insert(target) && through.contains(&target) {
                open.push(target);
            }
        }
    }
    if !lists.iter().any(|ty| tables.contains(ty)) {
        tables.extend(&lists);
    }
    Some(Plan { lists, through, tables })
}

/// The nodes of a graph that reach themselves.
fn cycles(nodes: &HashSet<TypeId>, edges: impl Fn(TypeId) -> Vec<TypeId>) -> Vec<TypeId> {
    let mut list: Vec<TypeId> = nodes.iter().copied().collect();
    list.sort_unstable();
    let number: HashMap<TypeId, usize> = list.iter().enumerate().map(|(i, ty)| (*ty, i)).collect();
    let edges = |i: usize| edges(list[i]).iter().filter_map(|t| number.get(t).copied()).collect();
    groups(list.len(), edges).into_iter().flatten().map(|i| list[i]).collect()
}

/// The types that a value of the type may be itself, not hold: arms and targets.
fn bare_mentions(api: &Api, ty: TypeId) -> Vec<TypeId> {
    let mut out = Vec::new();
    let mut stack = vec![ty];
    let mut seen = HashSet::new();
    while let Some(ty) = stack.pop() {
        let direct: Vec<TypeId> = match &api.types[ty].shape {
            Shape::Alias(target) | Shape::Option(target) => vec![*target],
            Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).collect(),
            _ => Vec::new(),
        };
        for part in direct {
            out.push(part);
            if seen.insert(part) && api.types[part].name.is_none() && matches!(api.types[part].shape, Shape::Option(_)) {
                stack.push(part);
            }
        }
    }
    out
}

/// Makes the nodes, references and tables of a group.
pub(super) fn build(api: &mut Api, wishes: &mut Wishes, named: &mut HashSet<TypeId>, plan: &Plan) -> Group {
    // The node of a type that has a table is a type of its own; it is filled below.
    let mut nodes: Vec<TypeId> = Vec::new();
    for ty in &plan.lists {
        let is_table = plan.tables.contains(ty);
        nodes.push(if is_table { api.types.push(Type::plain(Shape::Bool)) } else { *ty });
    }
    let number = api.types.push(Type::plain(Shape::U32));
    let mut references = Vec::new();
    for (list, ty) in plan.lists.iter().enumerate() {
        // At most `MOST` lists.
        let wire = Wire::Json(Json::Node { list: list as u16 });
        let source = api.types[*ty].source;
        let reference = api.types.push(Type { source, ..Type::with_wire(Shape::Alias(number), wire) });
        references.push(reference);
        named.insert(reference);
        let wish = node_wish(wishes, *ty, "ref");
        wishes.add(reference, wish);
    }
    let mut known: HashMap<TypeId, TypeId> = plan.lists.iter().copied().zip(references.iter().copied()).collect();
    for (ty, id) in plan.lists.iter().zip(&nodes) {
        let mut node = api.types[*ty].clone();
        Rewriting { api, wishes, named, plan, known: &mut known }.parts(&mut node);
        let wish = node_wish(wishes, *ty, "node");
        if id == ty {
            wishes.of.insert(*id, wish);
        } else {
            node.docs = None;
            named.insert(*id);
            wishes.add(*id, wish);
        }
        api.types[*id] = node;
    }
    let mut tables = Vec::new();
    let lists: Vec<TypeId> = nodes.iter().map(|node| api.types.push(Type::plain(Shape::List(*node)))).collect();
    for (root, ty) in plan.lists.iter().enumerate().filter(|(_, ty)| plan.tables.contains(ty)) {
        let root = root as u16;
        // The names are given when those of the types are known.
        let fields = lists.iter().map(|list| Field { name: known_name("nodes"), ty: *list, docs: None }).collect();
        let table = &mut api.types[*ty];
        table.shape = Shape::Record(fields);
        table.wire = Wire::Json(Json::Table(Table { nodes: nodes.clone(), root }));
        table.checks = Vec::new();
        tables.push((*ty, root));
    }
    for ty in plan.through.iter().filter(|ty| !plan.tables.contains(ty)) {
        // Nothing mentions it any more.
        api.types[*ty] = Type::plain(Shape::Bool);
        wishes.of.remove(ty);
        named.remove(ty);
    }
    Group { members: plan.lists.clone(), references, tables }
}

fn node_wish(wishes: &Wishes, ty: TypeId, word: &'static str) -> Wish {
    match wishes.of.get(&ty) {
        Some(Wish::Origin { origin, input } | Wish::Node { origin, input, .. }) => {
            Wish::Node { of: ty, origin: origin.clone(), input: *input, word }
        }
        // A plan has none else.
        _ => Wish::Node { of: ty, origin: Origin::nowhere(), input: false, word },
    }
}

/// Puts references in the place of a group's members.
struct Rewriting<'a> {
    api: &'a mut Api,
    wishes: &'a mut Wishes,
    named: &'a mut HashSet<TypeId>,
    plan: &'a Plan,
    /// What stands for a type within nodes.
    known: &'a mut HashMap<TypeId, TypeId>,
}

impl Rewriting<'_> {
    fn parts(&mut self, ty: &mut Type) {
        for part in parts_mut(ty) {
            *part = self.part(*part);
        }
    }

    fn part(&mut self, ty: TypeId) -> TypeId {
        if let Some(&known) = self.known.get(&ty) {
            return known;
        }
        let through = self.plan.through.contains(&ty);
        if self.named.contains(&ty) && !through {
            return ty;
        }
        let new = match self.api.types[ty].shape {
            Shape::Alias(target) if through => self.part(target),
            _ => self.rewritten(ty, through),
        };
        self.known.insert(ty, new);
        new
    }

    /// The type with references in its parts; itself, where it has none.
    fn rewritten(&mut self, ty: TypeId, through: bool) -> TypeId {
        let before = self.api.types[ty].clone();
        let mut after = before.clone();
        self.parts(&mut after);
        if through && !after.shape.needs_name() {
            // Written in place, so that it has no name to be documented with.
            return self.api.types.push(Type { docs: None, source: None, ..after });
        }
        if after == before {
            return ty;
        }
        let new = self.api.types.push(after);
        if through
            && let Shape::Variant(cases) = &self.api.types[new].shape
            && let Some(of) = cases.iter().find_map(|c| c.ty)
        {
            self.named.insert(new);
            self.wishes.add(new, Wish::OrNull(of));
        }
        new
    }
}

/// Names the lists of tables after their types, and says in words how they are meant.
pub(in crate::openapi) fn name_lists(api: &mut Api, group: &Group) {
    let base = |ty: TypeId| {
        let name = api.types[ty].name.as_ref().map_or("nodes", |n| n.name.as_str());
        name.strip_suffix("-node").unwrap_or(name).to_owned()
    };
    let mut scope = Scope::new();
    for (i, ty) in group.members.iter().enumerate() {
        let plural = names::plural(&base(*ty));
        scope.wish((), names::name(&plural, "nodes", &plural).name, None, i.to_string());
    }
    let lists: Vec<WitName> = scope.give().names;
    let say = |api: &mut Api, ty: TypeId, text: String| {
        let before = api.text(api.types[ty].docs).map(|docs| format!("{docs}\n\n")).unwrap_or_default();
        let docs = api.texts.push(format!("{before}{text}"));
        api.types[ty].docs = Some(docs);
    };
    for (table, root) in &group.tables {
        if let Shape::Record(fields) = &mut api.types[*table].shape {
            fields.iter_mut().zip(&lists).for_each(|(field, name)| field.name = name.clone());
        }
        let root = &lists[usize::from(*root)];
        say(api, *table, format!("Recursive: `{root}[0]` is the root, the other nodes are referred to by position."));
    }
    for (reference, list) in group.references.iter().zip(&lists) {
        say(api, *reference, format!("A position in `{list}`."));
    }
}
