//! Objects: records, maps, and what has no member to choose.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Literal, Member, Object, Presence};
use witwire_ir::{Field, Shape, TextId, Type, TypeId};

use super::Schemas;
use super::flat::{Additional, Flat, Part};
use super::kinds::Kinds;
use super::lower::{At, Built};
use super::usage::{Direction, Mode};
use super::view::Views;
use crate::names::{Scope, from_words, words};
use crate::openapi::tree::{NodeId, Scalar, Tree, json_number, push_string};

/// The members of an object, before they have slots.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) members: Vec<MemberPlan>,
    pub(crate) constants: Vec<(String, Literal)>,
    /// The type of the slot for other keys.
    pub(crate) additional: Option<TypeId>,
}

/// A member that has a slot.
#[derive(Debug, Clone)]
pub(crate) struct MemberPlan {
    pub(crate) key: String,
    /// A name that somebody gave.
    pub(crate) renamed: Option<String>,
    /// The slot's type.
    pub(crate) ty: TypeId,
    pub(crate) presence: Presence,
    pub(crate) docs: Option<TextId>,
}

/// Nested constant objects deeper than this are not looked into.
const UNIT_DEPTH: usize = 6;
/// Nor are longer ones written out.
const UNIT_TEXT: usize = 4_096;

impl Schemas<'_> {
    pub(super) fn object(&mut self, flat: &Flat, at: &At, mode: Mode) -> Built {
        if flat.properties.is_empty() {
            return self.without_properties(flat, at, mode);
        }
        let fields = self.fields(flat, at, mode);
        if fields.members.is_empty() && fields.additional.is_none() {
            return Built::Existing(self.json());
        }
        let required = fields.constants.len() + fields.members.iter().filter(|m| m.presence != Presence::Optional).count();
        let checks = if mode == Mode::Received { Vec::new() } else { self.views.object_checks(flat, required) };
        let parent = flat.leaves.first().map(|n| self.views.cx.tree.source(*n)).unwrap_or_default();
        let (fields, object) = self.record(&parent, fields);
        Built::New(Type { checks, ..Type::with_wire(Shape::Record(fields), Wire::Json(Json::Object(object))) })
    }

    /// A map, or `json`.
    fn without_properties(&mut self, flat: &Flat, at: &At, mode: Mode) -> Built {
        let Additional::Schema(parts) = &flat.additional else { return Built::Existing(self.json()) };
        let checks = if mode == Mode::Received { Vec::new() } else { self.views.object_checks(flat, 0) };
        let map = self.map(parts, at);
        Built::New(Type { checks, ..self.api.types[map].clone() })
    }

    fn map(&mut self, parts: &[Part], at: &At) -> TypeId {
        let value_at = At { fallback: at.fallback.child("value"), ..at.clone() };
        let value = if self.unit(parts, at.direction, 0).is_some() {
            self.json()
        } else {
            let value = self.value(parts, &value_at);
            if value.nullable { self.option(value.ty) } else { value.ty }
        };
        self.map_of(value)
    }

    /// The members of an object.
    pub(crate) fn fields(&mut self, flat: &Flat, at: &At, mode: Mode) -> Fields {
        let mut out = Fields::default();
        let updating = mode == Mode::Sent && flat.leaves.iter().all(|n| self.usage.only_updates(*n));
        for property in &flat.properties {
            if self.is_left_out(&property.parts, mode) {
                continue;
            }
            let node = property.parts[0].node;
            let required = flat.required.contains(&property.key) && !self.views.cx.named.is_lenient(node);
            let key = property.key.to_string();
            if required && let Some(literal) = self.views.constant(&property.parts) {
                out.constants.push((key, literal));
                continue;
            }
            let unit = self.unit(&property.parts, at.direction, 0);
            if required && let Some(json) = unit {
                out.constants.push((key, Literal::Json(json)));
                continue;
            }
            let (ty, presence) = if unit.is_some() {
                (self.inline(Type::with_wire(Shape::Bool, Wire::Json(Json::EmptyObject))), Presence::Optional)
            } else {
                let child_at = At { fallback: at.fallback.child(&key), ..at.clone() };
                let lowered = self.value(&property.parts, &child_at);
                match (required, lowered.nullable) {
                    (true, false) => (lowered.ty, Presence::Required),
                    (true, true) if self.is_json(lowered.ty) => (lowered.ty, Presence::Required),
                    (true, true) => (self.option(lowered.ty), Presence::Nullable),
                    (false, true) if updating && !self.is_json(lowered.ty) => {
                        let or_null = self.or_null(lowered.ty);
                        (self.option(or_null), Presence::Optional)
                    }
                    (false, _) => (self.option(lowered.ty), Presence::Optional),
                }
            };
            let docs = self.member_docs(&property.parts, ty, !required && mode != Mode::Received);
            let renamed = self.views.cx.renamed(node).map(str::to_owned);
            out.members.push(MemberPlan { key, renamed, ty, presence, docs });
        }
        if let Additional::Schema(parts) = &flat.additional {
            out.additional = Some(self.map(parts, at));
        }
        out
    }

    pub(super) fn is_json(&self, ty: TypeId) -> bool {
        matches!(self.api.types[self.api.resolve(ty)].wire, Wire::Json(Json::Raw))
    }

    fn is_left_out(&self, parts: &[Part], mode: Mode) -> bool {
        let key = match mode {
            Mode::Sent => "readOnly",
            Mode::Received => "writeOnly",
            Mode::Both => return false,
        };
        parts.iter().any(|p| self.views.flag(p.node, key))
    }

    /// What stands above a field or parameter: description, constraints, default.
    pub(crate) fn member_docs(&mut self, parts: &[Part], ty: TypeId, optional: bool) -> Option<TextId> {
        let views = self.views;
        let tree = views.cx.tree;
        let mut outer: Vec<NodeId> = Vec::new();
        for part in parts {
            outer.push(part.node);
            outer.extend(views.peel(part.node).outer);
        }
        let described = outer.iter().find_map(|n| tree.get_text(*n, "description").and_then(super::description));
        let mut lines: Vec<String> = described.iter().map(|d| super::sentence(d)).collect();
        lines.extend(super::docs::of_checks(&self.written_checks(ty)));
        if optional {
            let flat = views.flat(parts);
            lines.extend(views.default_note(&flat, &outer));
        }
        (!lines.is_empty()).then(|| self.api.texts.push(lines.join(" ")))
    }

    /// The checks of what is written in place; a named type says its own.
    fn written_checks(&self, mut ty: TypeId) -> Vec<witwire_ir::Check> {
        for _ in 0..4 {
            let item = &self.api.types[ty];
            match item.shape {
                Shape::Option(inner) if item.name.is_none() => ty = inner,
                _ => break,
            }
        }
        let item = &self.api.types[ty];
        // Named types have a source or are host aliases; both are declared with their own documentation.
        if item.source.is_some() { Vec::new() } else { item.checks.clone() }
    }

    /// Gives members slots and names.
    pub(crate) fn record(&mut self, parent: &str, fields: Fields) -> (Vec<Field>, Object) {
        let mut scope = Scope::new();
        for member in &fields.members {
            let source = format!("{parent}/{}", member.key);
            let spelled = member.renamed.as_deref().unwrap_or(&member.key);
            scope.wish(u8::from(member.renamed.is_none()), member_name(spelled, &source), None, source);
        }
        if fields.additional.is_some() {
            scope.wish(2, super::lower::known_name("additional-properties"), None, parent);
        }
        let names = scope.give().names;
        let mut object = Object { constants: fields.constants, ..Object::default() };
        let mut record: Vec<Field> = Vec::new();
        for (slot, (member, name)) in fields.members.into_iter().zip(&names).enumerate() {
            object.members.push(Member { key: member.key, slot: slot as u16, presence: member.presence });
            record.push(Field { name: name.clone(), ty: member.ty, docs: member.docs });
        }
        if let (Some(ty), Some(name)) = (fields.additional, names.get(record.len())) {
            object.additional = Some(record.len() as u16);
            let docs = Some(self.api.texts.push("Members of any other name."));
            record.push(Field { name: name.clone(), ty, docs });
        }
        (record, object)
    }

    /// An object without a member to choose: its JSON text.
    pub(crate) fn unit(&self, parts: &[Part], direction: Direction, depth: usize) -> Option<String> {
        if depth > UNIT_DEPTH || !parts.iter().all(|p| self.views.may_be_unit(*p)) {
            return None;
        }
        let [only] = parts else { return self.compute_unit(parts, direction, depth) };
        let node = if only.own { only.node } else { self.views.peel(only.node).node };
        let key = (node, only.own, direction);
        if let Some(known) = self.units.borrow().get(&key) {
            return known.clone();
        }
        // A cycle is answered "no" while it is open.
        self.units.borrow_mut().insert(key, None);
        let answer = self.compute_unit(parts, direction, depth);
        self.units.borrow_mut().insert(key, answer.clone());
        answer
    }

    fn compute_unit(&self, parts: &[Part], direction: Direction, depth: usize) -> Option<String> {
        let flat = self.views.flat(parts);
        if !flat.is_object() {
            return None;
        }
        if flat.properties.is_empty() {
            return (flat.additional == Additional::None).then(|| "{}".to_owned());
        }
        if matches!(flat.additional, Additional::Schema(_) | Additional::Any) {
            return None;
        }
        let mode = self.mode(parts, direction);
        let mut out = String::from("{");
        for property in &flat.properties {
            if self.is_left_out(&property.parts, mode) {
                continue;
            }
            if !flat.required.contains(&property.key) || out.len() > UNIT_TEXT {
                return None;
            }
            let value = match self.views.constant(&property.parts) {
                Some(literal) => literal_text(&literal),
                None => self.unit(&property.parts, direction, depth + 1)?,
            };
            if out.len() > 1 {
                out.push(',');
            }
            push_string(&mut out, &property.key);
            out.push(':');
            out.push_str(&value);
        }
        out.push('}');
        Some(out)
    }
}

impl Views<'_> {
    /// A quick answer before the keywords are merged: scalars and lists are no objects without members.
    fn may_be_unit(&self, part: Part) -> bool {
        let tree = self.cx.tree;
        tree.get(part.node, "items").is_none() && tree.get_text(part.node, "type").is_none_or(|t| t == "object")
    }

    /// The one scalar that a schema allows, null not included.
    pub(crate) fn constant(&self, parts: &[Part]) -> Option<Literal> {
        if parts.iter().any(|p| self.nullable(p.node)) {
            return None;
        }
        let value = self.single_value(parts)?;
        Some(literal_of(self.cx.tree, value)).filter(|l| !matches!(l, Literal::Json(_)))
    }

    /// Whether a part adds no rule.
    pub(super) fn says_nothing(&self, part: Part) -> bool {
        let flat = self.flat(&[part]);
        !flat.typed
            && flat.choices.is_empty()
            && flat.values.is_none()
            && flat.properties.is_empty()
            && flat.kinds == Kinds::ALL.without(Kinds::NULL)
    }
}

/// The field name for a key; symbols become words where nothing else is there.
fn member_name(key: &str, source: &str) -> witwire_ir::WitName {
    let mut of = words(key);
    if of.is_empty() {
        of = symbol_words(key);
    }
    match key.chars().next() {
        Some('-') if key.len() > 1 => of.insert(0, "minus".to_owned()),
        Some('+') if key.len() > 1 => of.insert(0, "plus".to_owned()),
        _ => {}
    }
    from_words(&of, "field", source).name
}

/// Words for a text without letters and digits.
pub(crate) fn symbol_words(text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec!["empty".to_owned()];
    }
    let word = |c: char| {
        Some(match c {
            '+' => "plus",
            '-' => "minus",
            '*' => "star",
            '/' => "slash",
            '=' => "equal",
            '<' => "less",
            '>' => "greater",
            '!' => "not",
            '~' => "tilde",
            '%' => "percent",
            '&' => "and",
            '|' => "or",
            '?' => "question",
            '.' => "dot",
            ',' => "comma",
            ':' => "colon",
            ';' => "semicolon",
            '#' => "hash",
            '@' => "at",
            '$' => "dollar",
            '^' => "caret",
            '_' => "underscore",
            ' ' => "space",
            _ => return None,
        })
    };
    text.chars().take(8).filter_map(word).map(str::to_owned).collect()
}

/// A node as a literal.
pub(crate) fn literal_of(tree: &Tree, node: NodeId) -> Literal {
    match tree.scalar(node) {
        Some(Scalar::Null) => Literal::Null,
        Some(Scalar::Bool(b)) => Literal::Bool(b),
        Some(Scalar::String(s)) => Literal::String(s.to_owned()),
        Some(Scalar::Number(n)) => {
            let text = json_number(n);
            text.parse().map_or(Literal::Number(text), Literal::Int)
        }
        None => Literal::Json(tree.json(node, 1_000).unwrap_or_else(|| "null".to_owned())),
    }
}

/// A literal as JSON text.
pub(crate) fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(b) => b.to_string(),
        Literal::Int(n) => n.to_string(),
        Literal::Number(n) | Literal::Json(n) => n.clone(),
        Literal::String(s) => {
            let mut out = String::new();
            push_string(&mut out, s);
            out
        }
    }
}
