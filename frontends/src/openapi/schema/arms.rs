//! Names of the arms of a union, each by itself.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::flat::Part;
use super::kinds::Kinds;
use super::origin::own_name;
use super::view::Views;
use crate::openapi::tree::{NodeId, Scalar};

impl Views<'_> {
    /// The name of one arm: of a schema's `oneOf` or `anyOf`.
    pub(super) fn arm_name(&self, owner: NodeId, arm: NodeId) -> String {
        if let Some(names) = self.arms.borrow().get(&owner) {
            return names.get(&arm).cloned().unwrap_or_default();
        }
        let tree = self.cx.tree;
        let mut names = HashMap::new();
        for key in ["oneOf", "anyOf"] {
            let arms = tree.get_items(owner, key);
            names.extend(arms.iter().copied().zip(self.arm_names(owner, arms)));
        }
        let name = names.get(&arm).cloned().unwrap_or_default();
        self.arms.borrow_mut().insert(owner, Rc::new(names));
        name
    }

    /// The names of all arms, in order, as the source writes them; of equal ones the later get their first required key, then
    /// a number.
    fn arm_names(&self, owner: NodeId, arms: &[NodeId]) -> Vec<String> {
        let discriminator = self.discriminator(owner);
        let mut names: Vec<String> = arms.iter().map(|arm| self.one_arm(discriminator.as_ref(), *arm)).collect();
        let key = |name: &String| crate::names::words(name).concat();
        let mut count: HashMap<String, usize> = HashMap::new();
        for name in &names {
            *count.entry(key(name)).or_default() += 1;
        }
        for (name, arm) in names.iter_mut().zip(arms) {
            if count.get(&key(name)).is_some_and(|n| *n > 1)
                && let Some(required) = self.first_required(*arm)
            {
                *name = format!("{name}-{required}");
            }
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        for name in &mut names {
            let times = seen.entry(key(name)).or_default();
            *times += 1;
            if *times > 1 {
                *name = format!("{name}-{times}");
            }
        }
        names
    }

    /// The discriminator of a union: key, and value by arm.
    pub(super) fn discriminator(&self, owner: NodeId) -> Option<Discriminator> {
        let tree = self.cx.tree;
        let node = tree.get(owner, "discriminator")?;
        let key = tree.get_text(node, "propertyName")?.to_owned();
        let mut called: HashMap<String, NodeId> = HashMap::new();
        for arm in tree.get_items(owner, "oneOf").iter().chain(tree.get_items(owner, "anyOf")) {
            if let Some(Ok(target)) = self.cx.references.of(*arm) {
                called.entry(own_name(tree, target)).or_insert(*arm);
            }
        }
        let mut values: HashMap<NodeId, Vec<String>> = HashMap::new();
        let mut mapped = HashSet::new();
        for (value, target) in tree.get_entries(node, "mapping") {
            // A mapping is a reference in words: the name of a component, or a URI reference.
            let Some(text) = tree.text(*target) else { continue };
            let name = text.rsplit(['/', '#']).find(|part| !part.is_empty()).unwrap_or(text);
            let stem = name.split('.').next().unwrap_or(name);
            if let Some(arm) = called.get(name).or_else(|| called.get(stem)) {
                values.entry(*arm).or_default().push(value.to_string());
                mapped.insert(*arm);
            }
        }
        // Without a mapping the name of the component is the value.
        for (name, arm) in called {
            values.entry(arm).or_insert_with(|| vec![name]);
        }
        Some(Discriminator { key, values, mapped })
    }

    fn one_arm(&self, discriminator: Option<&Discriminator>, arm: NodeId) -> String {
        let tree = self.cx.tree;
        if let Some(discriminator) = discriminator {
            if let Some([value, ..]) = discriminator.values.get(&arm).map(Vec::as_slice) {
                return value.clone();
            }
            if let Some(value) = self.constant_at(arm, &discriminator.key) {
                return value;
            }
        }
        if let Some(value) = self.first_constant(arm) {
            return value;
        }
        if let Some(Ok(target)) = self.cx.references.of(arm) {
            return own_name(tree, target);
        }
        if let Some(title) = tree.get_text(arm, "title").filter(|t| !crate::names::words(t).is_empty()) {
            return title.to_owned();
        }
        let peeled = self.peel(arm).node;
        if peeled != arm && self.is_named(peeled) {
            return own_name(tree, peeled);
        }
        self.kind_name(arm, 0)
    }

    fn kind_name(&self, arm: NodeId, depth: usize) -> String {
        let flat = self.flat(&[Part::whole(arm)]);
        let mut kinds = flat.kinds.each();
        let (Some((kind, word)), None) = (kinds.next(), kinds.next()) else { return "value".to_owned() };
        if kind == Kinds::ARRAY
            && let [item] = flat.items.as_slice()
            && depth < 4
        {
            let peeled = self.peel(item.node).node;
            let of =
                if self.is_named(peeled) { own_name(self.cx.tree, peeled) } else { self.kind_name(item.node, depth + 1) };
            return format!("list-of-{of}");
        }
        if let Some(values) = &flat.values {
            if let [only] = values.as_slice()
                && let Some(text) = self.cx.tree.text(*only)
            {
                return text.to_owned();
            }
            return "enum".to_owned();
        }
        Kinds::word(word).to_owned()
    }

    /// The constant of a property.
    pub(super) fn constant_at(&self, arm: NodeId, key: &str) -> Option<String> {
        let flat = self.flat(&[Part::whole(arm)]);
        let property = flat.properties.iter().find(|p| &*p.key == key)?;
        let value = self.single_value(&property.parts)?;
        self.cx.tree.text(value).map(str::to_owned)
    }

    /// The first required string constant.
    fn first_constant(&self, arm: NodeId) -> Option<String> {
        let flat = self.flat(&[Part::whole(arm)]);
        flat.properties.iter().filter(|p| flat.required.contains(&p.key)).find_map(|p| {
            let value = self.single_value(&p.parts)?;
            match self.cx.tree.scalar(value)? {
                Scalar::String(text) if !crate::names::words(text).is_empty() => Some(text.to_owned()),
                _ => None,
            }
        })
    }

    fn first_required(&self, arm: NodeId) -> Option<String> {
        let flat = self.flat(&[Part::whole(arm)]);
        flat.properties.iter().find(|p| flat.required.contains(&p.key)).map(|p| p.key.to_string())
    }

    /// The one value that a schema allows.
    pub(super) fn single_value(&self, parts: &[Part]) -> Option<NodeId> {
        let flat = self.flat(parts);
        match flat.values.as_deref() {
            Some([only]) if flat.choices.is_empty() && !flat.contradiction => Some(*only),
            _ => None,
        }
    }
}

/// A union's discriminator.
#[derive(Debug)]
pub(super) struct Discriminator {
    /// The key whose value names the arm.
    pub(super) key: String,
    /// Arm → values that `mapping` gives, or the name of its component.
    pub(super) values: HashMap<NodeId, Vec<String>>,
    /// The arms of `mapping`.
    pub(super) mapped: HashSet<NodeId>,
}
