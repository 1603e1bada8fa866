//! Rules that only the whole schema says, beside the type that it becomes.

use std::rc::Rc;

use witwire_ir::{Check, Shape, Type};

use super::{At, Built, Schemas};
use crate::Code;
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
        let pointer = self.views.cx.tree.source(beyond.node);
        let kept = if let Some(&kept) = self.kept.get(&beyond.json) {
            kept
        } else {
            let kept = self.api.schemas.push(witwire_ir::Schema { json: beyond.json.clone(), pointer });
            self.kept.insert(beyond.json, kept);
            kept
        };
        Some(Check::Schema(kept))
    }

    fn unchecked(&self, node: NodeId, what: &str) {
        let message = format!("rules of {what} are not checked before sending; the server checks them");
        let help = "name the schema under `components.schemas`, or make it smaller";
        self.views.cx.report(crate::Severity::Note, Code::NotChecked, node, message, Some(help));
    }
}
