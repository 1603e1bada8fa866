//! Rules that only the whole schema says, beside the type that it becomes.

use std::rc::Rc;

use witwire_ir::{Check, Shape, Type};

use super::{At, Built, Schemas};
use crate::Code;
use crate::openapi::schema::beyond::Beyond;
use crate::openapi::schema::flat::{Flat, Part};
use crate::openapi::schema::usage::Mode;
use crate::openapi::tree::NodeId;

impl Schemas<'_> {
    /// Builds the type of a conjunction, with the rules of the whole. A schema with a name keeps them even where its type is
    /// another's.
    pub(super) fn build_checked(&mut self, parts: &[Part], flat: &Rc<Flat>, at: &At, named: bool) -> Built {
        let built = self.build(parts, flat, at);
        if self.mode(parts, at.direction) == Mode::Received {
            return built;
        }
        match (self.whole_check(flat), built) {
            (None, built) => built,
            (Some(check), Built::New(mut ty)) => {
                ty.checks.push(check);
                Built::New(ty)
            }
            (Some(check), Built::Existing(target)) if named => {
                Built::New(Type { checks: vec![check], ..Type::plain(Shape::Alias(target)) })
            }
            // A type of its own, since what others share has no such rule.
            (Some(check), Built::Existing(target)) if !self.is_json(target) => {
                let target = self.api.types[self.api.resolve(target)].clone();
                let checks = target.checks.iter().cloned().chain([check]).collect();
                Built::New(Type { checks, ..target })
            }
            (Some(_), built) => {
                if let Some(node) = flat.leaves.first() {
                    self.unchecked(*node, "a value of any kind");
                }
                built
            }
        }
    }

    /// The rule for what simple rules cannot say.
    pub(crate) fn whole_check(&mut self, flat: &Flat) -> Option<Check> {
        let beyond = match self.views.beyond(flat) {
            Ok(beyond) => beyond?,
            Err(node) => {
                self.unchecked(node, "a schema that refers to very much");
                return None;
            }
        };
        Some(self.keep(beyond))
    }

    /// The rule that items of one value, which are `json`, have the members of that value.
    pub(super) fn items_of_unit(&mut self, items: &[Part], text: &str, mode: Mode) -> Option<Check> {
        let all = self.views.items(items).filter(|_| text != "{}" && mode != Mode::Received)?;
        Some(self.keep(all))
    }

    /// The rule that a schema holds; equal ones are kept once.
    fn keep(&mut self, beyond: Beyond) -> Check {
        let pointer = self.views.cx.tree.source(beyond.node);
        let kept = if let Some(&kept) = self.kept.get(&beyond.json) {
            kept
        } else {
            let kept = self.api.schemas.push(witwire_ir::Schema { json: beyond.json.clone(), pointer });
            self.kept.insert(beyond.json, kept);
            kept
        };
        Check::Schema(kept)
    }

    fn unchecked(&self, node: NodeId, what: &str) {
        let message = format!("rules of {what} are not checked before sending; the server checks them");
        let help = "name the schema under `components.schemas`, or make it smaller";
        self.views.cx.report(crate::Severity::Note, Code::NotChecked, node, message, Some(help));
    }
}
