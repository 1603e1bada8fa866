//! Schemas to types.

mod shared;
mod whole;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Api, Id, Shape, TextId, Type, TypeId};

use self::shared::PlainKey;
use super::declared::{Declared, HostAlias, Wish};
use super::flat::{Flat, Part};
use super::kinds::Kinds;
use super::origin::{Origin, Root};
use super::usage::{Direction, Mode, Usage};
use super::view::Views;
use crate::Code;
use crate::openapi::tree::NodeId;

/// Lowers schemas on demand. Types get their names later, over the whole document.
pub(crate) struct Schemas<'a> {
    pub(crate) views: &'a Views<'a>,
    pub(crate) usage: &'a Usage,
    pub(crate) api: Api,
    /// Types that need names, in order of first use.
    pub(crate) declared: Vec<Declared>,
    /// Where schemas became `json` though they say more.
    pub(crate) degraded: Vec<NodeId>,
    /// Where declared types are written.
    pub(crate) nodes: HashMap<TypeId, NodeId>,
    memo: HashMap<Key, TypeId>,
    plain: HashMap<PlainKey, TypeId>,
    aliases: HashMap<HostAlias, TypeId>,
    null_or: HashMap<TypeId, TypeId>,
    work: VecDeque<Pending>,
    depth: usize,
    /// Schemas put together from several places so far.
    joined: usize,
    /// Schemas kept for validation, by their text.
    kept: HashMap<String, witwire_ir::SchemaId>,
    /// Types written in place that are being built, and whether they were met inside of themselves.
    open: HashMap<TypeId, bool>,
    /// Objects without members to choose, as far as asked.
    pub(super) units: RefCell<HashMap<(NodeId, bool, Direction), Option<String>>>,
}

/// Where a schema is being lowered.
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) direction: Direction,
    /// The place in an operation, for schemas written there.
    pub(crate) context: Option<Root>,
    /// Names types whose schemas are merged from several places.
    pub(crate) fallback: Origin,
}

/// A lowered schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lowered {
    pub(crate) ty: TypeId,
    /// Whether the value may be null; the type is that of the other values.
    pub(crate) nullable: bool,
}

/// What building a type gave.
pub(super) enum Built {
    /// A type that is there already.
    Existing(TypeId),
    /// A new one, not yet in the arena.
    New(Type),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    parts: Vec<Part>,
    mode: Mode,
    context: Option<Root>,
}

struct Pending {
    ty: TypeId,
    node: NodeId,
    at: At,
}

/// How deep types written in place may nest; the component model allows little more.
const DEPTH: usize = 32;
/// How many types a package may have; documents of intertwined `allOf` could ask for any number.
const TYPES: usize = 400_000;
/// How many schemas may be put together from several places; the largest published documents need some thousands.
const JOINED: usize = 20_000;

impl<'a> Schemas<'a> {
    pub(crate) fn new(views: &'a Views<'a>, usage: &'a Usage, api: Api) -> Self {
        Self {
            views,
            usage,
            api,
            declared: Vec::new(),
            degraded: Vec::new(),
            nodes: HashMap::new(),
            memo: HashMap::new(),
            plain: HashMap::new(),
            aliases: HashMap::new(),
            null_or: HashMap::new(),
            work: VecDeque::new(),
            depth: 0,
            joined: 0,
            kept: HashMap::new(),
            open: HashMap::new(),
            units: RefCell::default(),
        }
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: Option<String>) -> Option<TextId> {
        text.map(|t| self.api.texts.push(t))
    }

    /// Adds a type that needs a name.
    pub(crate) fn declare(&mut self, ty: Type, wish: Wish) -> TypeId {
        let id = self.api.types.push(ty);
        self.declared.push(Declared { ty: id, wish });
        id
    }

    pub(crate) fn host_alias(&mut self, alias: HostAlias) -> TypeId {
        if let Some(&known) = self.aliases.get(&alias) {
            return known;
        }
        let mut target = Type::plain(Shape::String);
        if let Some(format) = alias.format() {
            target.checks.push(witwire_ir::Check::Format(format));
        } else {
            target.wire = Wire::Json(Json::Raw);
        }
        let target = self.api.types.push(target);
        let docs = Some(self.api.texts.push(alias.docs()));
        let id = self.declare(Type { docs, ..Type::plain(Shape::Alias(target)) }, Wish::Host(alias));
        self.aliases.insert(alias, id);
        id
    }

    /// `type json = string`
    pub(crate) fn json(&mut self) -> TypeId {
        self.host_alias(HostAlias::Json)
    }

    /// `json` for a schema that says more than that.
    pub(super) fn degrade(&mut self, node: NodeId, why: &str, help: &str) -> TypeId {
        self.views.cx.warn(Code::Degraded, node, format!("{why}; the value is taken as `json`"), help);
        self.degraded.push(node);
        self.json()
    }

    /// The variant `{ null, value(t) }`.
    pub(super) fn or_null(&mut self, ty: TypeId) -> TypeId {
        if let Some(&known) = self.null_or.get(&ty) {
            return known;
        }
        let case = |name: &str, ty| witwire_ir::Case { name: known_name(name), ty, docs: None };
        let cases = vec![case("null", None), case("value", Some(ty))];
        let id = self.declare(Type::with_wire(Shape::Variant(cases), Wire::Json(Json::NullOr)), Wish::OrNull(ty));
        self.null_or.insert(ty, id);
        id
    }

    /// A body that must be sent and may be null.
    pub(crate) fn or_null_of(&mut self, ty: TypeId) -> TypeId {
        if matches!(self.api.types[self.api.resolve(ty)].wire, Wire::Json(Json::Raw)) { ty } else { self.or_null(ty) }
    }

    /// Rules about an object as a whole; `always` members are always there.
    pub(crate) fn checks_of_object(&self, flat: &Flat, always: usize) -> Vec<witwire_ir::Check> {
        self.views.object_checks(flat, always)
    }

    /// Lowers one schema where it is used.
    pub(crate) fn node(&mut self, node: NodeId, at: &At) -> Lowered {
        self.value(&[Part::whole(node)], at)
    }

    /// Lowers a conjunction where it is used.
    pub(crate) fn value(&mut self, parts: &[Part], at: &At) -> Lowered {
        let nullable = !parts.is_empty() && parts.iter().all(|p| self.views.nullable(p.node));
        let parts = self.simplify(parts);
        let ty = match parts.as_slice() {
            [] => self.json(),
            [Part { node, own: false }] => {
                let peeled = self.views.peel(*node);
                if peeled.broken {
                    self.degraded.push(*node);
                    self.json()
                } else if self.views.is_named(peeled.node) {
                    self.named(peeled.node, at.direction)
                } else {
                    self.in_place(&[Part::whole(peeled.node)], at)
                }
            }
            _ => self.in_place(&parts, at),
        };
        Lowered { ty, nullable }
    }

    /// Leaves out what adds nothing: equal parts, parts of annotations only, and bare kinds that another part has.
    fn simplify(&self, parts: &[Part]) -> Vec<Part> {
        if parts.len() < 2 {
            return parts.to_vec();
        }
        let mut out: Vec<Part> = Vec::new();
        for part in parts {
            let part = if part.own { *part } else { Part::whole(self.views.peel(part.node).node) };
            if !out.contains(&part) && !(self.views.says_nothing(part)) {
                out.push(part);
            }
        }
        // `anyOf: [object, array, string]` beside a schema of an object adds nothing.
        let mut at = 0;
        while out.len() > 1 && out.len() <= 8 && at < out.len() {
            let others = out.iter().enumerate().filter(|(i, _)| *i != at);
            if others.into_iter().any(|(_, by)| self.views.is_implied(out[at], &self.views.flat(&[*by]))) {
                out.remove(at);
            } else {
                at += 1;
            }
        }
        if out.is_empty() { parts[..1].to_vec() } else { out }
    }

    /// The type of a schema that has a name; its contents are lowered later.
    pub(crate) fn named(&mut self, node: NodeId, direction: Direction) -> TypeId {
        let mode = self.usage.mode(node, direction);
        let key = Key { parts: vec![Part::whole(node)], mode, context: None };
        if let Some(&known) = self.memo.get(&key) {
            return known;
        }
        let origin = self.views.origin(node, None);
        if let Some(alias) = self.is_host_alias(node, &origin) {
            let id = self.host_alias(alias);
            self.memo.insert(key, id);
            return id;
        }
        let docs = super::docs::of_schema(self.views.cx.tree, node);
        let docs = self.text(docs);
        let source = Some(self.api.texts.push(self.views.cx.tree.source(node)));
        let placeholder = Type { docs, source, ..Type::plain(Shape::Bool) };
        let input = mode == Mode::Sent && self.usage.is_split(node);
        let ty = self.declare(placeholder, Wish::Origin { origin: origin.clone(), input });
        self.memo.insert(key, ty);
        self.nodes.insert(ty, node);
        self.work.push_back(Pending { ty, node, at: At { direction, context: None, fallback: origin } });
        ty
    }

    /// A schema named like a format that is just that format.
    fn is_host_alias(&self, node: NodeId, origin: &Origin) -> Option<HostAlias> {
        if !origin.steps.is_empty() {
            return None;
        }
        let flat = self.views.flat(&[Part::whole(node)]);
        let alias = HostAlias::of_format(flat.format.as_deref()?)?;
        let own = super::origin::own_name(self.views.cx.tree, node);
        let same = crate::names::words(&own).concat() == alias.name().replace('-', "");
        let just = flat.kinds == Kinds::STRING && Self::is_plain_scalar(&flat) && self.views.string_checks(&flat).is_empty();
        (same && just).then_some(alias)
    }

    /// Lowers the contents of all named schemas that were met.
    pub(crate) fn finish(&mut self) {
        while let Some(Pending { ty, node, at }) = self.work.pop_front() {
            let peeled = self.views.peel(node);
            let built = if peeled.broken {
                Built::Existing(self.json())
            } else if peeled.node != node && self.views.is_named(peeled.node) {
                Built::Existing(self.named(peeled.node, at.direction))
            } else {
                let parts = [Part::whole(peeled.node)];
                let flat = self.views.flat(&parts);
                self.build_checked(&parts, &flat, &at, true)
            };
            self.settle(ty, built);
        }
        self.place_discriminators();
    }

    /// Gives a reserved type its contents.
    fn settle(&mut self, id: TypeId, built: Built) {
        let built = match built {
            Built::Existing(target) if !self.ends(target, id) => Built::Existing(self.json()),
            other => other,
        };
        let ty = &mut self.api.types[id];
        match built {
            Built::Existing(target) => ty.shape = Shape::Alias(target),
            Built::New(new) => {
                ty.shape = new.shape;
                ty.wire = new.wire;
                ty.checks = new.checks;
            }
        }
        let notes = super::docs::of_checks(&self.api.types[id].checks);
        if !notes.is_empty() && !matches!(self.api.types[id].shape, Shape::Alias(_)) {
            let before = self.api.text(self.api.types[id].docs).map(sentence_of);
            let text = before.into_iter().chain(notes).collect::<Vec<_>>().join(" ");
            let docs = self.api.texts.push(text);
            self.api.types[id].docs = Some(docs);
        }
    }

    /// Whether a chain of aliases ends without meeting `id`.
    fn ends(&self, mut ty: TypeId, id: TypeId) -> bool {
        const LONGEST: usize = 200;
        for _ in 0..LONGEST {
            if ty == id {
                return false;
            }
            match self.api.types[ty].shape {
                Shape::Alias(next) => ty = next,
                _ => return true,
            }
        }
        false
    }

    /// A schema written in place. Its type has a name only where WIT wants one.
    fn in_place(&mut self, parts: &[Part], at: &At) -> TypeId {
        // Schemas that are put together from several places are new ones, of which unions inside of unions make any number.
        self.joined += usize::from(parts.len() > 1);
        let flat = if self.joined > JOINED { Rc::new(Flat::new()) } else { self.views.flat(parts) };
        if self.depth >= DEPTH || self.api.types.len() >= TYPES || self.joined > JOINED {
            let node = parts.first().map_or_else(|| flat.leaves.first().copied(), |p| Some(p.node));
            return match node {
                Some(node) => self.degrade(
                    node,
                    "the schema nests deeper, or is put together from more parts, than components allow",
                    "name its parts",
                ),
                None => self.json(),
            };
        }
        let mode = self.mode(parts, at.direction);
        if Self::is_plain_scalar(&flat) {
            let check = if mode == Mode::Received { None } else { self.whole_check(&flat) };
            return match (self.scalar(&flat, mode), check) {
                (Built::Existing(id), None) => id,
                (Built::New(ty), None) => self.inline(ty),
                // A type of its own, since what others share has no such rule.
                (Built::Existing(id), Some(check)) => {
                    let target = self.api.types[self.api.resolve(id)].clone();
                    let checks = target.checks.iter().cloned().chain([check]).collect();
                    self.inline(Type { checks, ..target })
                }
                (Built::New(mut ty), Some(check)) => {
                    ty.checks.push(check);
                    self.inline(ty)
                }
            };
        }
        let origin = match parts {
            [Part { node, own: false }] => self.views.origin(*node, at.context.as_ref()),
            _ => at.fallback.clone(),
        };
        let context = matches!(origin.root, Root::Function(..)).then(|| origin.root.clone());
        let key = Key { parts: parts.to_vec(), mode, context: context.clone() };
        if let Some(&known) = self.memo.get(&key) {
            if let Some(met) = self.open.get_mut(&known) {
                *met = true;
            }
            return known;
        }
        let node = parts[0].node;
        let docs = super::docs::of_schema(self.views.cx.tree, node);
        let id = self.api.types.push(Type::plain(Shape::Bool));
        self.memo.insert(key.clone(), id);
        self.open.insert(id, false);
        let at = At { direction: at.direction, context, fallback: origin.clone() };
        self.depth += 1;
        let built = self.build_checked(parts, &flat, &at, false);
        self.depth -= 1;
        let met = self.open.remove(&id) == Some(true);
        if let (Built::Existing(target), false) = (&built, met) {
            // The reserved place stays empty; nothing refers to it.
            self.memo.insert(key, *target);
            return *target;
        }
        self.settle(id, built);
        if needs_name(&self.api.types[id].shape) {
            let docs = self.text(docs);
            let source = self.api.texts.push(self.views.cx.tree.source(node));
            let ty = &mut self.api.types[id];
            ty.docs = docs.or(ty.docs);
            ty.source = Some(source);
            self.nodes.insert(id, node);
            let input = mode == Mode::Sent && parts.iter().any(|p| self.usage.is_split(p.node));
            self.declared.push(Declared { ty: id, wish: Wish::Origin { origin, input } });
        }
        id
    }

    pub(super) fn mode(&self, parts: &[Part], direction: Direction) -> Mode {
        let modes = parts.iter().map(|p| self.usage.mode(p.node, direction));
        modes.fold(Mode::Both, |a, b| if b == Mode::Both { a } else { b })
    }

    fn scalar(&mut self, flat: &Flat, mode: Mode) -> Built {
        match flat.kinds {
            Kinds::BOOL => Built::New(Type::plain(Shape::Bool)),
            Kinds::INTEGER => self.integer(flat, mode),
            Kinds::NUMBER => self.number(flat, mode),
            _ => self.string(flat, mode),
        }
    }

    /// Builds the type of a conjunction.
    pub(super) fn build(&mut self, parts: &[Part], flat: &Rc<Flat>, at: &At) -> Built {
        let mode = self.mode(parts, at.direction);
        let node = parts.first().map(|p| p.node);
        if flat.contradiction && !flat.leaves.is_empty() && flat.leaves.iter().all(|leaf| self.views.is_null_schema(*leaf)) {
            // Only null: a JSON text says all that there is to say.
            return Built::Existing(self.json());
        }
        if flat.contradiction {
            return Built::Existing(match node {
                Some(node) => self.degrade(node, "the schema contradicts itself", "correct the schema"),
                None => self.json(),
            });
        }
        if !flat.choices.is_empty() && flat.values.is_none() {
            return self.union(parts, flat, at);
        }
        if flat.values.is_some() && flat.kinds != Kinds::BOOL {
            return self.enumeration(flat, mode, node);
        }
        if !flat.typed || flat.kinds == Kinds::ALL.without(Kinds::NULL) {
            return Built::Existing(self.json());
        }
        self.kind(flat.kinds, parts, flat, at)
    }

    /// Builds the type for some of the kinds that a flat allows.
    pub(super) fn kind(&mut self, kinds: Kinds, parts: &[Part], flat: &Rc<Flat>, at: &At) -> Built {
        let mode = self.mode(parts, at.direction);
        match kinds {
            Kinds::BOOL => Built::New(Type::plain(Shape::Bool)),
            Kinds::INTEGER => self.integer(flat, mode),
            Kinds::NUMBER => self.number(flat, mode),
            Kinds::STRING => self.string(flat, mode),
            Kinds::ARRAY => self.array(flat, at, mode),
            Kinds::OBJECT => self.object(flat, at, mode),
            _ => self.kinds_union(parts, flat, at),
        }
    }

    fn array(&mut self, flat: &Flat, at: &At, mode: Mode) -> Built {
        let mut checks = if mode == Mode::Received { Vec::new() } else { self.views.array_checks(flat) };
        let item_at = |step: &str| At { fallback: at.fallback.child(step), ..at.clone() };
        if !flat.prefix.is_empty() && flat.items.is_empty() && flat.prefix.len() <= 16 && self.is_closed_tuple(flat) {
            let mut items = Vec::new();
            for (i, node) in flat.prefix.iter().enumerate() {
                let item = self.node(*node, &item_at(&format!("item-{i}")));
                items.push(if item.nullable { self.option(item.ty) } else { item.ty });
            }
            return Built::New(Type { checks, ..Type::with_wire(Shape::Tuple(items), Wire::Json(Json::Array)) });
        }
        let item = if flat.items.is_empty() {
            self.json()
        } else if let Some(text) = self.unit(&flat.items, at.direction, 0) {
            checks.extend(self.items_of_unit(&flat.items, &text, mode));
            self.json()
        } else {
            let item = self.value(&flat.items, &item_at("item"));
            if item.nullable { self.option(item.ty) } else { item.ty }
        };
        Built::New(Type { checks, ..Type::plain(Shape::List(item)) })
    }

    /// Whether exactly the prefix items are there: `items: false`, or equal `minItems` and `maxItems`.
    fn is_closed_tuple(&self, flat: &Flat) -> bool {
        let len = flat.prefix.len() as u64;
        let least = self.views.count_at(flat, "minItems", true);
        let greatest = self.views.count_at(flat, "maxItems", false);
        let closed = flat.leaves.iter().any(|n| self.views.cx.tree.get_bool(*n, "items") == Some(false));
        (closed || greatest == Some(len)) && least == Some(len)
    }
}

fn sentence_of(text: &str) -> String {
    super::docs::sentence(text)
}

/// A name written in this crate.
pub(crate) fn known_name(text: &str) -> witwire_ir::WitName {
    crate::names::name(text, "x", text).name
}

/// Whether WIT has no way to write the shape in place.
pub(crate) const fn needs_name(shape: &Shape) -> bool {
    shape.needs_name()
}

/// The position of a type in the arena, for sorting.
pub(crate) fn position(ty: TypeId) -> usize {
    ty.index()
}
