//! `oneOf`, `anyOf` and lists of types: variants.

use std::collections::HashSet;
use std::rc::Rc;

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json, Kind, Literal, Rung, Union};
use witwire_ir::{Case, Shape, Type};

use super::flat::{Additional, Choice, Flat, Part};
use super::kinds::Kinds;
use super::ladder::{ArmView, ladder};
use super::lower::{At, Built, known_name, needs_name};
use super::usage::Mode;
use super::{Schemas, discriminator};
use crate::names::{Scope, name};
use crate::openapi::tree::NodeId;

/// An arm before it is lowered.
struct Candidate {
    name: String,
    parts: Vec<Part>,
    arm: Option<NodeId>,
}

/// More arms than this become `json`.
const MOST_ARMS: usize = 500;
/// How many arms unions that must all hold may make together.
const MOST_PRODUCTS: usize = 64;

impl Schemas<'_> {
    pub(super) fn union(&mut self, parts: &[Part], flat: &Rc<Flat>, at: &At) -> Built {
        let node = parts[0].node;
        if let Some(built) = self.scalar_union(flat, at) {
            return built;
        }
        let siblings: Vec<Part> =
            if flat.properties.is_empty() && flat.required.is_empty() && flat.additional == Additional::Unstated {
                Vec::new()
            } else {
                flat.leaves.iter().map(|n| Part::own(*n)).collect()
            };
        let Some(candidates) = self.candidates(&flat.choices, &siblings) else {
            return Built::Existing(self.degrade(node, "a union has too many arms", "split the schema"));
        };
        // An arm that what stands beside the union rules out is none.
        let candidates: Vec<Candidate> = candidates
            .into_iter()
            .filter(|c| {
                let arm = self.views.flat(&c.parts);
                let ruled_out = flat.typed && arm.typed && arm.kinds.and(flat.kinds).is_empty();
                !(arm.contradiction || ruled_out)
            })
            .collect();
        if candidates.is_empty() {
            return Built::Existing(self.degrade(node, "the schema contradicts itself", "correct the schema"));
        }
        if candidates.len() == 1 {
            let built = self.views.flat(&candidates[0].parts);
            return self.build(&candidates[0].parts, &built, at);
        }
        let by = match flat.choices.as_slice() {
            [only] => self.views.discriminator(only.owner),
            _ => None,
        };
        let mut arms = Vec::new();
        let mut views = Vec::new();
        let mut names = Vec::new();
        let mut told = Vec::new();
        for Candidate { name, parts, arm } in candidates {
            let arm_flat = self.views.flat(&parts);
            let values = match (&by, arm) {
                (Some(d), Some(arm)) => {
                    let mut values = d.values.get(&arm).cloned().unwrap_or_default();
                    // What the arm itself says wins over the name of its component.
                    if let Some(own) = self.views.constant_at(arm, &d.key).filter(|own| !values.contains(own)) {
                        values = vec![own];
                    } else if d.mapped.contains(&arm) {
                        told.push(discriminator::told(arms.len(), &values));
                    }
                    values
                }
                _ => Vec::new(),
            };
            let lowered = self.arm(&parts, &name, at);
            views.push(ArmView::new(self.views, &arm_flat, &lowered, values));
            arms.push(lowered);
            names.push(name);
        }
        let key = by.map(|d| d.key);
        let mode = self.mode(parts, at.direction);
        let mut ty = self.variant(node, &names, arms, ladder(key.as_deref(), &views), mode);
        if mode != Mode::Received {
            ty.checks = told;
        }
        Built::New(ty)
    }

    fn arm(&mut self, parts: &[Part], name: &str, at: &At) -> Arm {
        if let Some(literal) = self.views.constant(parts) {
            return Arm::Constant(literal);
        }
        if let Some(json) = self.unit(parts, at.direction, 0) {
            return Arm::Constant(Literal::Json(json));
        }
        let arm_at = At { fallback: at.fallback.child(name), ..at.clone() };
        Arm::Value(self.value(parts, &arm_at).ty)
    }

    /// All arms, siblings joined; unions that must all hold are multiplied out.
    fn candidates(&self, choices: &[Choice], siblings: &[Part]) -> Option<Vec<Candidate>> {
        let mut out = vec![Candidate { name: String::new(), parts: siblings.to_vec(), arm: None }];
        for choice in choices {
            let mut next = Vec::new();
            let mut seen = HashSet::new();
            for arm in &choice.arms {
                if !seen.insert(self.views.peel(*arm).node) {
                    continue;
                }
                let arm_name = self.views.arm_name(choice.owner, *arm);
                for before in &out {
                    let name = if before.name.is_empty() { arm_name.clone() } else { format!("{}-{arm_name}", before.name) };
                    let mut parts = before.parts.clone();
                    parts.push(Part::whole(*arm));
                    next.push(Candidate { name, parts, arm: Some(*arm) });
                    let most = if choices.len() > 1 || !siblings.is_empty() { MOST_PRODUCTS } else { MOST_ARMS };
                    if next.len() > most {
                        return None;
                    }
                }
            }
            out = next;
        }
        Some(out)
    }

    /// Unions of strings or of one other scalar kind, which no ladder could tell apart.
    fn scalar_union(&mut self, flat: &Flat, at: &At) -> Option<Built> {
        let [choice] = flat.choices.as_slice() else { return None };
        let flats: Vec<Rc<Flat>> = choice.arms.iter().map(|a| self.views.flat(&[Part::whole(*a)])).collect();
        let kinds = flats[0].kinds;
        let scalar = [Kinds::STRING, Kinds::INTEGER, Kinds::NUMBER, Kinds::BOOL].contains(&kinds);
        if !scalar || flats.iter().any(|f| f.kinds != kinds || !f.choices.is_empty() || f.contradiction) {
            return None;
        }
        let mode = self.mode(&choice.arms.iter().map(|a| Part::whole(*a)).collect::<Vec<_>>(), at.direction);
        let tree = self.views.cx.tree;
        let (open, closed): (Vec<_>, Vec<_>) = flats.iter().partition(|f| f.values.is_none());
        let values: Vec<NodeId> = closed.iter().flat_map(|f| f.values.clone().unwrap_or_default()).collect();
        if !open.is_empty() {
            let only_empty = values.iter().all(|v| super::enumeration::is_empty_string(tree, *v));
            if kinds != Kinds::STRING || only_empty {
                // Formats of strings differ in no way that a type could say.
                return Some(match (kinds, closed.is_empty(), open.as_slice()) {
                    (Kinds::STRING, true, [first, rest @ ..]) if rest.iter().all(|f| f.format == first.format) => {
                        let mut first = Flat::clone(first);
                        // Rules that differ are the union's, not the type's.
                        if !rest.iter().all(|f| self.views.has_equal_rules(&first, f)) {
                            first.leaves.clear();
                        }
                        self.string(&first, mode)
                    }
                    (Kinds::STRING, ..) => Built::New(Type::plain(Shape::String)),
                    (Kinds::INTEGER, ..) => Built::New(Type::plain(Shape::S64)),
                    (Kinds::NUMBER, ..) => Built::New(Type::plain(Shape::F64)),
                    _ => Built::New(Type::plain(Shape::Bool)),
                });
            }
            return Some(self.values(&values, &flat.leaves, kinds, mode, None, "other"));
        }
        // Constants with titles name themselves, which is what such unions are for; plain enums are one enum.
        (kinds != Kinds::BOOL).then(|| self.values(&values, &flat.leaves, kinds, mode, Some(choice.owner), "unrecognized"))
    }

    /// A schema of several kinds.
    pub(super) fn kinds_union(&mut self, parts: &[Part], flat: &Rc<Flat>, at: &At) -> Built {
        let node = parts[0].node;
        let mode = self.mode(parts, at.direction);
        let mut names = Vec::new();
        let mut arms = Vec::new();
        let mut kinds_of = Vec::new();
        for (kinds, kind) in flat.kinds.each() {
            let word = Kinds::word(kind);
            names.push(word.to_owned());
            let arm_at = At { fallback: at.fallback.child(word), ..at.clone() };
            let ty = match self.kind(kinds, parts, flat, &arm_at) {
                Built::Existing(id) => id,
                Built::New(ty) if needs_name(&ty.shape) => {
                    let source = Some(self.api.texts.push(self.views.cx.tree.source(node)));
                    let wish = super::declared::Wish::Origin { origin: arm_at.fallback, input: false };
                    self.declare(Type { source, ..ty }, wish)
                }
                Built::New(ty) => self.inline(ty),
            };
            let arm = u16::try_from(arms.len()).unwrap_or(u16::MAX);
            kinds_of.push((kind, arm));
            if kind == Kind::Number {
                kinds_of.push((Kind::Integer, arm));
            }
            arms.push(Arm::Value(ty));
        }
        Built::New(self.variant(node, &names, arms, vec![Rung::Kind(kinds_of)], mode))
    }

    fn variant(&mut self, node: NodeId, names: &[String], arms: Vec<Arm>, ladder: Vec<Rung>, mode: Mode) -> Type {
        let open = mode != Mode::Sent;
        let mut scope = Scope::new();
        scope.wish(0, known_name("unrecognized"), None, "");
        let parent = self.views.cx.tree.source(node);
        for text in names {
            scope.wish(1, name(text, "value", text), None, format!("{parent}/{text}"));
        }
        let given = scope.give().names;
        let mut cases: Vec<Case> = given[1..]
            .iter()
            .zip(&arms)
            .map(|(name, arm)| {
                let ty = match arm {
                    Arm::Value(ty) => Some(*ty),
                    Arm::Constant(_) => None,
                };
                Case { name: name.clone(), ty, docs: None }
            })
            .collect();
        if open {
            let json = self.json();
            cases.push(Case { name: given[0].clone(), ty: Some(json), docs: None });
        }
        Type::with_wire(Shape::Variant(cases), Wire::Json(Json::Union(Union { arms, ladder })))
    }
}
