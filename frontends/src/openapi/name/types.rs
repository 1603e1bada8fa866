//! Names of types, and the order in which they are printed.

mod or_null;

use std::collections::{BTreeMap, HashMap, HashSet};

use witwire_ir::host::call;
use witwire_ir::{Api, InterfaceId, Shape, TypeId, TypeName, WitName};

use self::or_null::or_null;
use crate::names::{Named, Scope, from_words, name, suffixed, words};
use crate::openapi::context::Context;
use crate::openapi::schema::{Declared, Origin, Role, Root, Wish, known_name, own_name, position};
use crate::openapi::tree::{NodeId, Tree};
use crate::{Calls, Code};

/// Names in `types` that the host takes, used or not.
const HOST_NAMES: &[&str] = &[
    "error",
    "error-kind",
    "error-body",
    "violation",
    "missing",
    "json",
    "file-part",
    "sse-event",
    "date-time",
    "date",
    "time",
    "duration",
    "uuid",
    "uri",
    "email",
];

/// Names in `types` that the host takes in this document.
fn host_names(cx: &Context<'_>) -> impl Iterator<Item = &'static str> {
    let calls: &[&str] = if cx.options.calls == Calls::Explicit { call::NAMES } else { &[] };
    HOST_NAMES.iter().chain(calls).copied()
}

/// Who keeps a name that several wish for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Host,
    Function,
    Given,
    Schema,
    Derived,
    Credentials,
    Synthesized,
}

/// Functions, as types are named after them.
pub(crate) struct FunctionName {
    pub(crate) interface: InterfaceId,
    pub(crate) interface_name: WitName,
    pub(crate) name: WitName,
}

/// Where a type is printed: class, position of what it belongs to, position of its own.
type Order = (u8, usize, usize);

struct Wished {
    ty: TypeId,
    home: InterfaceId,
    rank: Rank,
    name: Named,
    suffix: &'static str,
    source: String,
    /// Where it is printed.
    order: Order,
    node: Option<NodeId>,
}

/// Gives all declared types their names and places.
pub(crate) fn types(
    cx: &Context<'_>,
    api: &mut Api,
    types: InterfaceId,
    declared: &[Declared],
    functions: &[FunctionName],
    root: NodeId,
) {
    let dotted = dotted_names(cx.tree, declared);
    let mut wished: Vec<Wished> = Vec::new();
    let mut late: Vec<(TypeId, TypeId)> = Vec::new();
    for item in declared {
        match &item.wish {
            Wish::OrNull(of) => late.push((item.ty, *of)),
            wish => wished.push(wish_of(cx, api, types, functions, &dotted, item.ty, wish)),
        }
    }
    // Schemas put together from several places may share one; a scope wants them apart.
    let mut sources: HashMap<String, usize> = HashMap::new();
    for w in &mut wished {
        let times = sources.entry(w.source.clone()).or_default();
        *times += 1;
        if *times > 1 {
            w.source = format!("{} ({times})", w.source);
        }
    }
    let mut names: HashMap<TypeId, (InterfaceId, WitName)> = HashMap::new();
    give(cx, api, types, &wished, &mut names, root);
    or_null(cx, api, types, &late, &mut names);
    for (ty, (interface, name)) in &names {
        api.types[*ty].name = Some(TypeName { interface: *interface, name: name.clone() });
    }
    let mut order: BTreeMap<InterfaceId, Vec<(Order, usize, TypeId)>> = BTreeMap::new();
    let host: Vec<TypeId> = std::mem::take(&mut api.interfaces[types].types);
    let places: HashMap<TypeId, Order> = wished.iter().map(|w| (w.ty, w.order)).collect();
    for w in &wished {
        order.entry(names[&w.ty].0).or_default().push((w.order, position(w.ty), w.ty));
    }
    for (ty, of) in &late {
        let home = names[ty].0;
        let after = places.get(of).copied().unwrap_or((1, 0, 0));
        order.entry(home).or_default().push(((after.0, after.1, usize::MAX), position(*ty), *ty));
    }
    for (interface, mut list) in order {
        list.sort_unstable();
        api.interfaces[interface].types.extend(list.into_iter().map(|(_, _, ty)| ty));
    }
    api.interfaces[types].types.extend(host);
    rename_imports(api, types);
}

/// Of keys with four or more dotted parts only the last is taken, where that is unique.
fn dotted_names(tree: &Tree, declared: &[Declared]) -> HashMap<NodeId, String> {
    let mut last: HashMap<String, HashSet<NodeId>> = HashMap::new();
    let mut all: HashMap<NodeId, String> = HashMap::new();
    for item in declared {
        let (Wish::Origin { origin, .. } | Wish::Node { origin, .. }) = &item.wish else { continue };
        if let Origin { root: Root::Schema(node), .. } = origin {
            let own = own_name(tree, *node);
            let short = own.rsplit('.').next().unwrap_or(&own).to_owned();
            last.entry(words(&short).concat()).or_default().insert(*node);
            all.insert(*node, own);
        }
    }
    for own in all.values_mut() {
        let short = own.rsplit('.').next().unwrap_or(own).to_owned();
        let many = own.split('.').filter(|p| !p.is_empty()).count() >= 4;
        if many && !words(&short).is_empty() && last.get(&words(&short).concat()).is_some_and(|n| n.len() == 1) {
            *own = short;
        }
    }
    all
}

fn wish_of(
    cx: &Context<'_>,
    api: &Api,
    types: InterfaceId,
    functions: &[FunctionName],
    dotted: &HashMap<NodeId, String>,
    ty: TypeId,
    wish: &Wish,
) -> Wished {
    let suffix = kind_word(&api.types[ty].shape);
    let made = |home, rank, name: Named, suffix, source: String, order| Wished {
        ty,
        home,
        rank,
        name,
        suffix,
        source,
        order,
        node: None,
    };
    match wish {
        Wish::Host(alias) => {
            let order = (0, *alias as usize, 0);
            made(types, Rank::Host, name(alias.name(), "json", ""), suffix, alias.name().to_owned(), order)
        }
        Wish::Fixed(text) => made(types, Rank::Host, name(text, "x", ""), suffix, (*text).to_owned(), (3, 0, 0)),
        Wish::Credentials(text) => {
            made(types, Rank::Credentials, name(text, "credentials", text), suffix, format!("credentials {text}"), (2, 0, 0))
        }
        Wish::Synthesized { function, suffix, otherwise } => {
            let Some(f) = functions.get(*function) else {
                return made(types, Rank::Synthesized, name(suffix, "x", ""), otherwise, suffix.clone(), (4, 0, 0));
            };
            let mut of = words(f.name.as_str());
            of.extend(words(suffix));
            let source = format!("{}.{} {suffix}", f.interface_name.as_str(), f.name.as_str());
            let named = from_words(&of, "x", &source);
            made(f.interface, Rank::Synthesized, named, otherwise, source, (0, *function, position(ty)))
        }
        Wish::OrNull(_) => made(types, Rank::Synthesized, name("or-null", "x", ""), suffix, String::new(), (4, 0, 0)),
        Wish::Node { of, origin, input, word } => {
            let wish = Wish::Origin { origin: origin.clone(), input: *input };
            let whole = wish_of(cx, api, types, functions, dotted, ty, &wish);
            let name = Named { name: suffixed(&whole.name.name, word, &whole.source), cut: whole.name.cut };
            let source = format!("{} ({word})", whole.source);
            let order = (whole.order.0, whole.order.1, position(*of));
            Wished { name, source, order, rank: Rank::Derived, node: None, ..whole }
        }
        Wish::Origin { origin, input } => {
            let function = origin.function().and_then(|f| functions.get(f).map(|name| (f, name)));
            let home = function.map_or(types, |(_, f)| f.interface);
            let source = api.text(api.types[ty].source).unwrap_or("").to_owned();
            let (mut of, rank, order) = match &origin.root {
                Root::Schema(node) => {
                    let own = dotted.get(node).cloned().unwrap_or_else(|| own_name(cx.tree, *node));
                    let rank = if origin.steps.is_empty() { Rank::Schema } else { Rank::Derived };
                    (words(&own), rank, (1, node.index()))
                }
                Root::Component(key, what) => {
                    let mut of = words(key);
                    of.extend(words(what));
                    (of, Rank::Derived, (1, usize::MAX / 2))
                }
                Root::Function(number, role) => {
                    let Some(f) = functions.get(*number) else {
                        return made(types, Rank::Derived, name("value", "x", &source), suffix, source, (1, usize::MAX, 0));
                    };
                    let mut of = words(f.name.as_str());
                    match role {
                        Role::Parameter(p) => of.extend(words(p)),
                        Role::Body => of.push("body".to_owned()),
                        Role::Event => of.push("event".to_owned()),
                        Role::Result(None) => of.push("result".to_owned()),
                        Role::Result(Some(case)) => {
                            of.extend(words(case));
                            of.push("result".to_owned());
                        }
                        Role::Error(_) => {
                            let mut whole = words(f.interface_name.as_str());
                            whole.append(&mut of);
                            whole.push("error".to_owned());
                            of = whole;
                        }
                    }
                    (of, Rank::Derived, (0, *number))
                }
            };
            for step in &origin.steps {
                of.extend(words(step));
            }
            if *input {
                of.push("input".to_owned());
            }
            let source = if *input { format!("{source} (input)") } else { source };
            let node = match &origin.root {
                Root::Schema(node) if origin.steps.is_empty() => Some(*node),
                _ => None,
            };
            let mut named = from_words(&of, "value", &source);
            let mut rank = rank;
            if let Some(given) = node.and_then(|n| cx.renamed(n)) {
                match WitName::new(given) {
                    Ok(name) => {
                        let name = if *input { suffixed(&name, "input", &source) } else { name };
                        named = Named { name, cut: false };
                        rank = Rank::Given;
                    }
                    Err(e) => {
                        if let Some(node) = node {
                            cx.warn(Code::BadRename, node, e.to_string(), "give lower-case words joined by hyphens");
                        }
                    }
                }
            }
            Wished { ty, home, rank, name: named, suffix, source, order: (order.0, order.1, position(ty)), node }
        }
    }
}

const fn kind_word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Record(_) => "record",
        Shape::Variant(_) => "variant",
        Shape::Enum(_) => "enum",
        Shape::Flags(_) => "flags",
        Shape::Resource(_) => "resource",
        _ => "type",
    }
}

/// Names per interface.
fn give(
    cx: &Context<'_>,
    api: &Api,
    types: InterfaceId,
    wished: &[Wished],
    names: &mut HashMap<TypeId, (InterfaceId, WitName)>,
    root: NodeId,
) {
    let mut homes: BTreeMap<InterfaceId, Vec<&Wished>> = BTreeMap::new();
    for w in wished {
        homes.entry(w.home).or_default().push(w);
    }
    // `types` first: other interfaces use its names.
    let mut order: Vec<InterfaceId> = homes.keys().copied().collect();
    order.sort_by_key(|i| *i != types);
    for home in order {
        let list = &homes[&home];
        let mut scope = Scope::new();
        let mut reserved = 0;
        if home == types {
            let have: HashSet<&str> = list.iter().filter(|w| w.rank == Rank::Host).map(|w| w.name.name.as_str()).collect();
            for text in host_names(cx).filter(|n| !have.contains(n)) {
                scope.wish(Rank::Host, known_name(text), None, text);
                reserved += 1;
            }
        } else {
            for operation in &api.interfaces[home].operations {
                let function = &api.operations[*operation].name;
                scope.wish(Rank::Function, function.clone(), None, function.as_str());
                reserved += 1;
            }
            for used in used(api, home, names, types) {
                scope.wish(Rank::Schema, used.clone(), Some("record"), format!("types.{}", used.as_str()));
                reserved += 1;
            }
        }
        for w in list {
            // The synthesized take another word instead of their last; all others take their kind as well.
            let suffix = if w.rank == Rank::Synthesized { None } else { Some(w.suffix) };
            scope.wish(w.rank, w.name.name.clone(), suffix, w.source.as_str());
        }
        let mut given = scope.give();
        let lost: Vec<usize> = given
            .collisions
            .iter()
            .map(|c| c.wish)
            .filter(|i| *i >= reserved && list[i - reserved].rank == Rank::Synthesized)
            .collect();
        if !lost.is_empty() {
            // Again, with `-params` for `-request` and `-reply` for `-response`.
            let mut again = Scope::new();
            let mut all: Vec<(Rank, WitName, Option<&str>, String)> = Vec::new();
            for (i, name) in given.names.iter().enumerate().take(reserved) {
                all.push((Rank::Host, name.clone(), None, format!("reserved {i}")));
            }
            for (i, w) in list.iter().enumerate() {
                let index = i + reserved;
                let name =
                    if lost.contains(&index) { other_word(&w.name.name, w.suffix) } else { given.names[index].clone() };
                all.push((w.rank, name, Some("record"), w.source.clone()));
            }
            for (rank, name, suffix, source) in all {
                again.wish(rank, name, suffix, source);
            }
            given.names = again.give().names;
        }
        for collision in &given.collisions {
            let Some(w) = collision.wish.checked_sub(reserved).and_then(|i| list.get(i)) else { continue };
            if w.rank >= Rank::Credentials {
                continue;
            }
            let to = given.names[collision.wish].as_str();
            let message = format!(
                "`{}` wished to be called `{}`, which is taken by `{}`; it is `{to}`",
                w.source,
                collision.wished.as_str(),
                collision.kept_by
            );
            let help = "give it a name with `x-wit-name`, or `rename:` in the manifest";
            let by_host = host_names(cx).any(|name| name == collision.kept_by.as_str());
            let node = w.node.unwrap_or(root);
            if by_host {
                cx.note(Code::NameCollision, node, message, help);
            } else {
                cx.warn(Code::NameCollision, node, message, help);
            }
        }
        for (w, name) in list.iter().zip(&given.names[reserved..]) {
            if w.name.cut && w.rank < Rank::Credentials {
                let message = format!("the name of `{}` is cut to `{}`", w.source, name.as_str());
                cx.note(Code::NameCut, w.node.unwrap_or(root), message, "give it a name with `x-wit-name`");
            }
            names.insert(w.ty, (home, name.clone()));
        }
    }
}

/// The name with its last word exchanged.
fn other_word(name: &WitName, word: &str) -> WitName {
    let stem = name.as_str().rsplit_once('-').map_or("", |(stem, _)| stem);
    WitName::new(format!("{stem}-{word}")).unwrap_or_else(|_| name.clone())
}

/// Names of `types` that an interface uses.
fn used(api: &Api, home: InterfaceId, names: &HashMap<TypeId, (InterfaceId, WitName)>, types: InterfaceId) -> Vec<WitName> {
    let mut out: HashSet<&WitName> = HashSet::new();
    let mut seen = HashSet::new();
    let mut stack: Vec<TypeId> = mentioned(api, home).collect();
    while let Some(ty) = stack.pop() {
        if !seen.insert(ty) {
            continue;
        }
        match names.get(&ty) {
            Some((interface, name)) if *interface == types => {
                out.insert(name);
            }
            _ => match api.types[ty].name.as_ref() {
                Some(named) if named.interface == types => {
                    out.insert(&named.name);
                }
                _ => stack.extend(api.types[ty].shape.parts()),
            },
        }
    }
    let mut out: Vec<WitName> = out.into_iter().cloned().collect();
    out.sort();
    out
}

/// The types of an interface's parameters and results.
fn mentioned(api: &Api, home: InterfaceId) -> impl Iterator<Item = TypeId> {
    let operations = api.interfaces[home].operations.iter().map(|o| &api.operations[*o]);
    operations.flat_map(|o| o.params.iter().map(|p| p.ty).chain([o.result]))
}

/// A type of `types` whose name a function or type of the interface bears is imported as `x-record`.
fn rename_imports(api: &mut Api, types: InterfaceId) {
    let all: Vec<InterfaceId> = api.interfaces.ids().filter(|i| *i != types).collect();
    for home in all {
        let mut taken: HashSet<String> = HashSet::new();
        taken.extend(api.interfaces[home].operations.iter().map(|o| api.operations[*o].name.collision_key()));
        for ty in &api.interfaces[home].types {
            taken.extend(api.types[*ty].name.iter().map(|n| n.name.collision_key()));
        }
        let mut seen = HashSet::new();
        let mut used: Vec<(WitName, TypeId)> = Vec::new();
        let mut stack: Vec<TypeId> = api.interfaces[home].types.clone();
        stack.extend(mentioned(api, home));
        while let Some(ty) = stack.pop() {
            if !seen.insert(ty) {
                continue;
            }
            match &api.types[ty].name {
                Some(named) if named.interface != home => used.push((named.name.clone(), ty)),
                _ => stack.extend(api.types[ty].shape.parts()),
            }
        }
        used.sort();
        let (clash, clear): (Vec<_>, Vec<_>) = used.into_iter().partition(|(n, _)| taken.contains(&n.collision_key()));
        taken.extend(clear.iter().map(|(n, _)| n.collision_key()));
        let mut renames = Vec::new();
        for (name, ty) in clash {
            let mut new = suffixed(&name, kind_word(&api.types[ty].shape), name.as_str());
            while !taken.insert(new.collision_key()) {
                new = suffixed(&new, "of-types", name.as_str());
            }
            renames.push((ty, new));
        }
        api.interfaces[home].renames = renames;
    }
}
