//! How a JSON value finds its arm of a union: decided once, from what the arms say.

use std::collections::{BTreeMap, HashMap, HashSet};

use witwire_ir::wire::json::{Arm, Kind, Literal, Rung};

use super::flat::{Flat, Part};
use super::kinds::Kinds;
use super::object::literal_of;
use super::view::{DEPTH, Views};
use crate::openapi::tree::NodeId;

/// Keys of an arm behind these play no part in telling arms apart.
const KEYS: usize = 500;

/// What the ladder needs to know of an arm.
pub(super) struct ArmView {
    kinds: Kinds,
    /// Discriminator values.
    values: Vec<String>,
    /// String constants by key.
    constants: BTreeMap<String, String>,
    /// Declared keys, and the kind where there is one.
    keys: HashMap<String, Option<Kind>>,
    required: HashSet<String>,
    constant: bool,
}

impl ArmView {
    pub(super) fn new(views: &Views<'_>, flat: &Flat, arm: &Arm, values: Vec<String>) -> Self {
        let mut constants = BTreeMap::new();
        let mut keys = HashMap::new();
        for property in flat.properties.iter().take(KEYS) {
            if let Some(value) = views.single_value(&property.parts)
                && let Literal::String(text) = literal_of(views.cx.tree, value)
            {
                constants.insert(property.key.to_string(), text);
            }
            keys.insert(property.key.to_string(), single_kind(views, &property.parts));
        }
        let constant = match arm {
            Arm::Constant(Literal::Json(_)) | Arm::Value(_) => false,
            Arm::Constant(_) => true,
        };
        let kinds = if flat.typed { flat.kinds } else { Kinds::ALL };
        let kinds = if flat.choices.is_empty() { kinds } else { kinds_of_choices(views, flat) };
        let required = flat.required.iter().map(ToString::to_string).collect();
        Self { kinds, values, constants, keys, required, constant }
    }

    fn is_object(&self) -> bool {
        self.kinds == Kinds::OBJECT
    }
}

fn single_kind(views: &Views<'_>, parts: &[Part]) -> Option<Kind> {
    let flat = views.flat(parts);
    if !flat.typed || !flat.choices.is_empty() {
        return None;
    }
    let mut kinds = flat.kinds.each();
    match (kinds.next(), kinds.next()) {
        (Some((_, kind)), None) => Some(kind),
        _ => None,
    }
}

/// The kinds of a union's arms together.
fn kinds_of_choices(views: &Views<'_>, flat: &Flat) -> Kinds {
    flat.choices.iter().fold(flat.kinds, |all, choice| {
        all.and(choice.arms.iter().fold(Kinds::NONE, |k, arm| k.or(kinds_of(views, *arm, 0))))
    })
}

/// The kinds of a schema, through unions of unions.
fn kinds_of(views: &Views<'_>, node: NodeId, depth: usize) -> Kinds {
    if depth > DEPTH {
        return Kinds::ALL;
    }
    if let Some(&known) = views.kinds.borrow().get(&node) {
        return known;
    }
    // A cycle may be anything while it is open.
    views.kinds.borrow_mut().insert(node, Kinds::ALL);
    let flat = views.flat(&[Part::whole(node)]);
    let own = if flat.typed || !flat.choices.is_empty() { flat.kinds } else { Kinds::ALL };
    let kinds = flat.choices.iter().fold(own, |all, choice| {
        all.and(choice.arms.iter().fold(Kinds::NONE, |k, arm| k.or(kinds_of(views, *arm, depth + 1))))
    });
    views.kinds.borrow_mut().insert(node, kinds);
    kinds
}

/// Discriminator → JSON kind → shared constant → a key that no sibling has → kind at a key → the best fit.
pub(super) fn ladder(discriminator: Option<&str>, arms: &[ArmView]) -> Vec<Rung> {
    let index = |i: usize| i as u16;
    let mut out = Vec::new();
    if let Some(key) = discriminator {
        let values: Vec<(String, u16)> =
            arms.iter().enumerate().flat_map(|(i, a)| a.values.iter().map(move |v| (v.clone(), index(i)))).collect();
        if !values.is_empty() {
            out.push(Rung::Discriminator { key: key.to_owned(), values });
        }
    }
    let (by_kind, shared) = kinds(arms);
    if !by_kind.is_empty() {
        out.push(Rung::Kind(by_kind));
    }
    if shared.is_empty() {
        return out;
    }
    let objects: Vec<usize> = shared.iter().copied().filter(|i| arms[*i].is_object()).collect();
    if objects.len() > 1 {
        if let Some((key, values)) = shared_constant(arms, &objects)
            && discriminator != Some(key.as_str())
        {
            out.push(Rung::Discriminator { key, values });
        }
        let own = own_keys(arms, &objects);
        if !own.is_empty() {
            out.push(Rung::Key(own));
        }
        let by_key_kind = key_kinds(arms, &objects);
        if !by_key_kind.is_empty() {
            out.push(Rung::KeyKind(by_key_kind));
        }
    }
    // Constants fit only themselves, so they go first.
    let (constants, others): (Vec<usize>, Vec<usize>) = shared.into_iter().partition(|i| arms[*i].constant);
    out.push(Rung::Best(constants.into_iter().chain(others).map(index).collect()));
    out
}

/// Kinds that only one arm has, and the arms that share one.
fn kinds(arms: &[ArmView]) -> (Vec<(Kind, u16)>, Vec<usize>) {
    let any_integer = arms.iter().any(|a| a.kinds.has(Kinds::INTEGER) && !a.kinds.has(Kinds::NUMBER));
    let mut by_kind: BTreeMap<u8, (Kind, Vec<usize>)> = BTreeMap::new();
    for (i, arm) in arms.iter().enumerate() {
        for (kinds, kind) in arm.kinds.each() {
            let mut add = |code: u8, kind: Kind| by_kind.entry(code).or_insert((kind, Vec::new())).1.push(i);
            match kind {
                Kind::Null => {}
                Kind::Number => {
                    add(3, Kind::Number);
                    if !any_integer {
                        add(2, Kind::Integer);
                    }
                }
                Kind::Integer => add(2, Kind::Integer),
                Kind::Bool => add(1, Kind::Bool),
                Kind::String => add(4, Kind::String),
                Kind::Array => add(5, Kind::Array),
                Kind::Object => add(6, Kind::Object),
            }
            let _ = kinds;
        }
    }
    let mut single = Vec::new();
    let mut shared = std::collections::BTreeSet::new();
    for (kind, of) in by_kind.into_values() {
        match of.as_slice() {
            [only] => single.push((kind, *only as u16)),
            several => shared.extend(several.iter().copied()),
        }
    }
    (single, shared.into_iter().collect())
}

/// A key that has a string constant of its own in every object arm.
fn shared_constant(arms: &[ArmView], objects: &[usize]) -> Option<(String, Vec<(String, u16)>)> {
    let first = &arms[objects[0]];
    first.constants.keys().take(50).find_map(|key| {
        let mut seen = HashSet::new();
        let mut values = Vec::new();
        for &i in objects {
            let value = arms[i].constants.get(key)?;
            seen.insert(value).then_some(())?;
            values.push((value.clone(), i as u16));
        }
        Some((key.clone(), values))
    })
}

/// Required keys that no other object arm declares.
fn own_keys(arms: &[ArmView], objects: &[usize]) -> Vec<(String, u16)> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for &i in objects {
        for key in arms[i].keys.keys() {
            *count.entry(key).or_default() += 1;
        }
    }
    objects
        .iter()
        .filter_map(|&i| {
            let key = arms[i].required.iter().filter(|k| count.get(k.as_str()) == Some(&1)).min()?;
            Some((key.clone(), i as u16))
        })
        .collect()
}

/// Keys whose value is of another kind in each arm that requires them.
fn key_kinds(arms: &[ArmView], objects: &[usize]) -> Vec<(String, Kind, u16)> {
    let Some(&first) = objects.first() else { return Vec::new() };
    let mut keys: Vec<&String> = arms[first].required.iter().collect();
    keys.sort();
    for key in keys.into_iter().take(50) {
        let mut seen = Vec::new();
        let mut out = Vec::new();
        for &i in objects {
            let Some(Some(kind)) = arms[i].keys.get(key) else { break };
            if seen.contains(kind) || !arms[i].required.contains(key) {
                break;
            }
            seen.push(*kind);
            out.push((key.clone(), *kind, i as u16));
        }
        if out.len() == objects.len() {
            return out;
        }
    }
    Vec::new()
}
