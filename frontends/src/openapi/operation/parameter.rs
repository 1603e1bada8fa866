//! Parameters of a function.

use witwire_ir::operation::http::Location;
use witwire_ir::wire::json::Literal;
use witwire_ir::{AuthRequirement, SchemeId, Shape, TextId, TypeId};

use super::{Function, Lowering, idempotency};
use crate::openapi::document::{ParameterSchema, ParameterView};
use crate::openapi::schema::{At, Direction, Origin, Part, Role, Root};
use crate::{Code, ParameterOverride};

/// Headers that say how a message stands on its connection (RFC 9110, 7.6.1; RFC 9112): the transport writes them, from the truth.
const FRAMING: &[&str] =
    &["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

/// A parameter with its type.
pub(super) struct Lowered {
    pub(super) ty: TypeId,
    pub(super) docs: Option<TextId>,
    pub(super) constant: Option<Literal>,
}

/// What becomes of a parameter.
pub(super) enum Fate {
    /// An argument.
    Argument,
    /// Sent with one value.
    Fixed(Literal),
    /// Not sent, or sent by somebody else.
    Gone,
}

impl Lowering<'_, '_> {
    /// What becomes of a parameter, before its schema is looked at.
    pub(super) fn fate(&self, function: &Function<'_>, view: &ParameterView, auth: &AuthRequirement) -> Fate {
        let cx = self.schemas.views.cx;
        if view.location == Location::Path {
            return match cx.options.parameters.get(&view.name) {
                Some(ParameterOverride::Fixed(text)) => Fate::Fixed(Literal::String(text.clone())),
                _ => Fate::Argument,
            };
        }
        match cx.options.parameters.get(&view.name) {
            Some(ParameterOverride::Fixed(text)) => return Fate::Fixed(Literal::String(text.clone())),
            Some(ParameterOverride::Hide) => return Fate::Gone,
            None => {}
        }
        if view.location == Location::Header {
            let lower = view.name.to_ascii_lowercase();
            if matches!(lower.as_str(), "accept" | "content-type" | "authorization") {
                return Fate::Gone;
            }
            if FRAMING.contains(&lower.as_str()) {
                let message = format!("header `{}` tells how a message is sent; the transport writes it", view.name);
                cx.note(Code::Ignored, view.node, message, "remove the parameter from the document");
                return Fate::Gone;
            }
            if idempotency(self.schemas, function).is_some_and(|i| i.header.eq_ignore_ascii_case(&view.name)) {
                return Fate::Gone;
            }
        }
        let fills = |scheme: &SchemeId| super::auth::fills(&self.schemas.api.schemes[*scheme].kind, view);
        if auth.alternatives.iter().flatten().any(fills) {
            let message = format!("parameter `{}` carries credentials that a security scheme gives already", view.name);
            cx.note(Code::Ignored, view.node, message, "remove the parameter from the document");
            return Fate::Gone;
        }
        Fate::Argument
    }

    pub(super) fn parameter(&mut self, function: &Function<'_>, view: &ParameterView) -> Lowered {
        let root = Root::Function(function.shared, Role::Parameter(view.name.clone()));
        let at = At { direction: Direction::Sent, context: Some(root.clone()), fallback: Origin::new(root) };
        let ParameterSchema::Node(node) = view.schema else {
            let ty = self.schemas.shape(Shape::String);
            return Lowered { ty, docs: self.parameter_docs(view, &[], ty), constant: None };
        };
        let parts = [Part::whole(node)];
        let constant = self.schemas.views.constant(&parts).filter(|_| view.required);
        let ty = match &constant {
            Some(_) => self.schemas.shape(Shape::String),
            None => self.schemas.value(&parts, &at).ty,
        };
        Lowered { ty, docs: self.parameter_docs(view, &parts, ty), constant }
    }

    fn parameter_docs(&mut self, view: &ParameterView, parts: &[Part], ty: TypeId) -> Option<TextId> {
        let tree = self.schemas.views.cx.tree;
        let own = tree.get_text(view.node, "description").and_then(crate::openapi::schema::description);
        let own = own
            .filter(|_| !parts.is_empty() || view.schema != ParameterSchema::Missing)
            .map(|d| crate::openapi::schema::sentence(&d));
        let rest = if parts.is_empty() { None } else { self.schemas.member_docs(parts, ty, !view.required) };
        let rest = rest.and_then(|id| self.schemas.api.texts.get(id).map(str::to_owned)).filter(|r| Some(r) != own.as_ref());
        let text: Vec<String> = own.into_iter().chain(rest).collect();
        (!text.is_empty()).then(|| self.schemas.api.texts.push(text.join(" ")))
    }
}
