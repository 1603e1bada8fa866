//! The typed bodies of errors, over the whole document.

use std::collections::HashMap;

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json, Rung, Union};
use witwire_ir::{Case, Shape, Type, TypeId};

use crate::names::{Scope, name};
use crate::openapi::document::{Media, OperationView, ResponseView};
use crate::openapi::schema::{At, Direction, Origin, Part, Role, Root, Schemas, Views, Wish, known_name};
use crate::openapi::tree::NodeId;

/// More named bodies than this are `json`.
const MOST: usize = 16;

/// Which type the body of an error has.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// The type inside the option of the error's `body`.
    pub(crate) ty: Option<TypeId>,
    /// Schema → type and case.
    by_schema: HashMap<NodeId, (TypeId, Option<u16>)>,
    /// Schemas written in place, by their text.
    by_text: HashMap<String, NodeId>,
    /// `record file-part`, once it is needed.
    pub(super) file_part: Option<TypeId>,
}

/// The JSON schema of an error response.
pub(super) fn error_schema(view: &ResponseView) -> Option<(&Media, NodeId)> {
    let media = view.media.iter().filter(|m| m.is_json() || m.essence == "*/*").min_by_key(|m| m.family())?;
    Some((media, media.schema?))
}

/// The responses that are errors.
pub(crate) fn error_responses(view: &OperationView) -> impl Iterator<Item = &ResponseView> {
    let any_success = view.responses.iter().any(ResponseView::is_success);
    view.responses
        .iter()
        .filter(move |r| !r.is_success() && (any_success || r.status != witwire_ir::operation::http::StatusMatch::Default))
}

impl Errors {
    /// Collects the bodies of all error responses and makes their type.
    pub(crate) fn collect(schemas: &mut Schemas<'_>, operations: &[(usize, &OperationView)]) -> Self {
        let mut out = Self::default();
        let mut found: Vec<(NodeId, NodeId, usize, String)> = Vec::new();
        for (number, view) in operations {
            for response in error_responses(view) {
                let Some((_, schema)) = error_schema(response) else { continue };
                let views = schemas.views;
                if schemas.unit(&[Part::whole(schema)], Direction::Received, 0).is_some() {
                    continue;
                }
                let key = out.key(views, schema);
                if found.iter().all(|(k, ..)| *k != key) && found.len() <= 10 * MOST {
                    found.push((key, schema, *number, crate::openapi::tree::Tree::pointer(views.cx.tree, key)));
                }
            }
        }
        // The order of the document does not matter to names.
        found.sort_by(|a, b| a.3.cmp(&b.3));
        let named: Vec<NodeId> = found.iter().map(|f| f.0).filter(|k| schemas.views.is_named(*k)).collect();
        match (found.as_slice(), named.len()) {
            ([], _) => {}
            ([(key, schema, number, _)], _) => {
                let root = Root::Function(*number, Role::Error(String::new()));
                let at = At { direction: Direction::Received, context: Some(root.clone()), fallback: Origin::new(root) };
                let ty = schemas.node(*schema, &at).ty;
                out.ty = Some(ty);
                out.by_schema.insert(*key, (ty, None));
            }
            (_, 1..=MOST) => {
                let json = schemas.json();
                let mut scope = Scope::new();
                scope.wish(0, known_name("other"), None, "");
                for key in &named {
                    let own = crate::openapi::schema::own_name(schemas.views.cx.tree, *key);
                    scope.wish(1, name(&own, "body", &own), None, schemas.views.cx.tree.pointer(*key));
                }
                let names = scope.give().names;
                let mut cases = Vec::new();
                let mut arms = Vec::new();
                for (i, key) in named.iter().enumerate() {
                    let ty = schemas.named(*key, Direction::Received);
                    out.by_schema.insert(*key, (ty, Some(i as u16)));
                    arms.push(Arm::Value(ty));
                    cases.push(Case { name: names[i + 1].clone(), ty: Some(ty), docs: None });
                }
                let other = cases.len() as u16;
                cases.push(Case { name: names[0].clone(), ty: Some(json), docs: None });
                for (key, ..) in &found {
                    out.by_schema.entry(*key).or_insert((json, Some(other)));
                }
                let ladder = vec![Rung::Best((0..other).collect())];
                let docs = schemas.text(Some("The body of an error, by what the API declares for its status.".to_owned()));
                let wire = Wire::Json(Json::Union(Union { arms, ladder }));
                let ty = Type { docs, ..Type::with_wire(Shape::Variant(cases), wire) };
                out.ty = Some(schemas.declare(ty, Wish::Fixed("error-body")));
            }
            _ => {
                let json = schemas.json();
                for key in &named {
                    // Every named schema that is reached is printed.
                    schemas.named(*key, Direction::Received);
                }
                out.ty = Some(json);
                for (key, ..) in &found {
                    out.by_schema.insert(*key, (json, None));
                }
            }
        }
        out
    }

    /// What stands for a schema: the schema that is meant, or the first that is written alike.
    fn key(&mut self, views: &Views<'_>, schema: NodeId) -> NodeId {
        let node = views.peel(schema).node;
        if views.is_named(node) {
            return node;
        }
        match views.cx.tree.json(node, 2_000) {
            Some(text) => *self.by_text.entry(text).or_insert(node),
            None => node,
        }
    }

    /// The type and case of an error's body.
    pub(super) fn of(&mut self, views: &Views<'_>, schema: NodeId) -> Option<(TypeId, Option<u16>)> {
        let key = self.key(views, schema);
        self.by_schema.get(&key).copied()
    }
}
