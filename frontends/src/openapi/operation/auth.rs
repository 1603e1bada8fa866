//! Security schemes and requirements.

use std::collections::{BTreeSet, HashMap};

use openapiv3::{APIKeyLocation, SecurityScheme};
use witwire_ir::operation::http::Location;
use witwire_ir::wire::Wire;
use witwire_ir::{Api, AuthKind, AuthMode, AuthRequirement, AuthScheme, Case, Field, SchemeId, Shape, Type, TypeId};

use crate::Code;
use crate::names::name;
use crate::openapi::context::Context;
use crate::openapi::document::ParameterView;
use crate::openapi::schema::{Schemas, Wish, known_name};
use crate::openapi::tree::NodeId;

/// The document's schemes, and the types for combinations of them.
pub(crate) struct Auth {
    mode: AuthMode,
    by_name: HashMap<String, SchemeId>,
    /// The document's own requirement.
    default: Option<NodeId>,
    /// Alternatives → the type of their credentials.
    types: HashMap<Vec<Vec<SchemeId>>, TypeId>,
}

/// A requirement before it has a place in the arguments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needed {
    pub(crate) requirement: AuthRequirement,
    /// The type of the argument, where the guest gives credentials.
    pub(crate) guest: Option<TypeId>,
}

/// What a scheme fills, so that schemes that fill one place count once.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord, Clone)]
enum Filled {
    Authorization(String),
    Header(String),
    Query(String),
    Cookie(String),
    Channel,
}

fn filled(kind: &AuthKind) -> Filled {
    match kind {
        AuthKind::Bearer | AuthKind::OAuth2 { .. } | AuthKind::OpenIdConnect { .. } => {
            Filled::Authorization("bearer".into())
        }
        AuthKind::Basic => Filled::Authorization("basic".into()),
        AuthKind::OtherHttp { scheme } => Filled::Authorization(scheme.to_ascii_lowercase()),
        AuthKind::HeaderKey { name } => Filled::Header(name.to_ascii_lowercase()),
        AuthKind::QueryKey { name } => Filled::Query(name.clone()),
        AuthKind::CookieKey { name } => Filled::Cookie(name.clone()),
        AuthKind::MutualTls => Filled::Channel,
    }
}

/// Reads the schemes into the API.
pub(crate) fn schemes(cx: &Context<'_>, api: &mut Api, root: NodeId, operations: &[NodeId]) -> Auth {
    let tree = cx.tree;
    let mut by_name = HashMap::new();
    if let Some(components) = tree.get(root, "components") {
        for (scheme_name, node) in tree.get_entries(components, "securitySchemes") {
            let Some(kind) = cx.follow(*node).and_then(|node| kind(cx, node)) else { continue };
            let id = api.schemes.push(AuthScheme { name: scheme_name.to_string(), kind, record: None });
            by_name.insert(scheme_name.to_string(), id);
        }
    }
    let default = tree.get(root, "security");
    let demands = |node: Option<NodeId>| {
        node.is_some_and(|list| {
            tree.items(list).iter().any(|r| tree.entries(*r).iter().any(|(n, _)| by_name.contains_key(&**n)))
        })
    };
    let needed = operations.iter().any(|op| demands(tree.get(*op, "security").or(default)));
    let mode = super::auth_mode(cx.options, needed);
    api.auth_mode = mode;
    Auth { mode, by_name, default, types: HashMap::new() }
}

/// Reads one scheme; the typed fragment is `openapiv3`'s.
fn kind(cx: &Context<'_>, node: NodeId) -> Option<AuthKind> {
    let tree = cx.tree;
    // Newer than `openapiv3`, or often written incompletely.
    match tree.get_text(node, "type") {
        Some("mutualTLS") => return Some(AuthKind::MutualTls),
        Some("openIdConnect") => {
            return Some(AuthKind::OpenIdConnect { url: tree.get_text(node, "openIdConnectUrl").unwrap_or("").to_owned() });
        }
        Some("oauth2") => {
            let flow = tree.get(node, "flows").and_then(|f| tree.get(f, "clientCredentials"));
            let token_url = flow.and_then(|f| tree.get_text(f, "tokenUrl")).map(str::to_owned);
            let scopes = flow.map(|f| tree.get_entries(f, "scopes").iter().map(|(s, _)| s.to_string()).collect());
            return Some(AuthKind::OAuth2 { token_url, scopes: scopes.unwrap_or_default() });
        }
        _ => {}
    }
    let text = tree.json(node, 1_000)?;
    match serde_json::from_str::<SecurityScheme>(&text) {
        Ok(SecurityScheme::APIKey { location, name, .. }) => Some(match location {
            APIKeyLocation::Header => AuthKind::HeaderKey { name },
            APIKeyLocation::Query => AuthKind::QueryKey { name },
            APIKeyLocation::Cookie => AuthKind::CookieKey { name },
        }),
        Ok(SecurityScheme::HTTP { scheme, .. }) => Some(match scheme.to_ascii_lowercase().as_str() {
            "bearer" => AuthKind::Bearer,
            "basic" => AuthKind::Basic,
            _ => AuthKind::OtherHttp { scheme },
        }),
        Ok(_) => None,
        Err(e) => {
            cx.warn(Code::WrongKind, node, format!("not a security scheme: {e}"), "correct the scheme");
            None
        }
    }
}

impl Auth {
    /// What an operation needs. Its own `security` replaces the document's, also when it is empty. A required parameter in the
    /// place of one alternative's scheme makes that scheme a part of every alternative.
    pub(crate) fn needed(&mut self, schemas: &mut Schemas<'_>, operation: NodeId, parameters: &[ParameterView]) -> Needed {
        let cx = schemas.views.cx;
        let tree = cx.tree;
        let Some(list) = tree.get(operation, "security").or(self.default) else { return Needed::default() };
        let mut alternatives: Vec<Vec<SchemeId>> = Vec::new();
        let mut optional = false;
        let mut seen = BTreeSet::new();
        'requirements: for requirement in tree.items(list) {
            let mut schemes: Vec<SchemeId> = Vec::new();
            let mut places = BTreeSet::new();
            let mut names: Vec<&str> = tree.entries(*requirement).iter().map(|(n, _)| &**n).collect();
            names.sort_unstable();
            for scheme in names {
                let Some(&id) = self.by_name.get(scheme) else {
                    let message = format!("security scheme `{scheme}` is not declared; the alternative is dropped");
                    cx.warn(Code::BadReference, *requirement, message, "declare it under `components.securitySchemes`");
                    continue 'requirements;
                };
                let kind = &schemas.api.schemes[id].kind;
                let for_guest = self.mode == AuthMode::Host || !matches!(kind, AuthKind::MutualTls);
                if for_guest && places.insert(filled(kind)) {
                    schemes.push(id);
                }
            }
            if schemes.is_empty() {
                optional = true;
            } else if seen.insert(places) {
                alternatives.push(schemes);
            }
        }
        join_required(schemas, parameters, &mut alternatives);
        if self.mode == AuthMode::Guest {
            alternatives
                .sort_by_key(|schemes| schemes.iter().map(|s| schemas.api.schemes[*s].name.clone()).collect::<Vec<_>>());
        }
        let guest = (self.mode == AuthMode::Guest && !alternatives.is_empty()).then(|| {
            let ty = self.credentials(schemas, &alternatives);
            if optional { schemas.option(ty) } else { ty }
        });
        Needed { requirement: AuthRequirement { alternatives, optional, guest: None }, guest }
    }

    fn credentials(&mut self, schemas: &mut Schemas<'_>, alternatives: &[Vec<SchemeId>]) -> TypeId {
        if let Some(&known) = self.types.get(alternatives) {
            return known;
        }
        let mut parts: Vec<(String, TypeId)> = Vec::new();
        for schemes in alternatives {
            let records: Vec<(String, TypeId)> =
                schemes.iter().map(|s| (schemas.api.schemes[*s].name.clone(), record(schemas, *s))).collect();
            parts.push(if let [only] = records.as_slice() {
                only.clone()
            } else {
                let joined = records.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join("-and-");
                let key = vec![schemes.clone()];
                let ty = if let Some(&known) = self.types.get(&key) {
                    known
                } else {
                    let fields =
                        records.iter().map(|(n, ty)| Field { name: name(n, "scheme", n).name, ty: *ty, docs: None });
                    let shape = Shape::Record(fields.collect());
                    let docs = schemas.text(Some("Credentials that are needed together.".to_owned()));
                    let ty = schemas.declare(Type { docs, ..Type::plain(shape) }, Wish::Credentials(joined.clone()));
                    self.types.insert(key, ty);
                    ty
                };
                (joined, ty)
            });
        }
        let ty = if let [(_, only)] = parts.as_slice() {
            *only
        } else {
            let cases = parts.iter().map(|(n, ty)| Case { name: name(n, "scheme", n).name, ty: Some(*ty), docs: None });
            let shape = Shape::Variant(cases.collect());
            let joined = parts.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join("-or-");
            let docs = schemas.text(Some("Credentials of which one is needed.".to_owned()));
            schemas.declare(Type { docs, wire: Wire::Plain, ..Type::plain(shape) }, Wish::Credentials(joined))
        };
        self.types.insert(alternatives.to_vec(), ty);
        ty
    }
}

/// Whether a parameter is sent in the place that a scheme fills.
pub(super) fn fills(kind: &AuthKind, parameter: &ParameterView) -> bool {
    match (kind, parameter.location) {
        (AuthKind::HeaderKey { name }, Location::Header) => name.eq_ignore_ascii_case(&parameter.name),
        (AuthKind::QueryKey { name }, Location::Query) | (AuthKind::CookieKey { name }, Location::Cookie) => {
            *name == parameter.name
        }
        _ => false,
    }
}

/// Adds to every alternative the schemes of the others whose place is a required parameter.
fn join_required(schemas: &Schemas<'_>, parameters: &[ParameterView], alternatives: &mut Vec<Vec<SchemeId>>) {
    let kind = |id: SchemeId| &schemas.api.schemes[id].kind;
    let required: Vec<SchemeId> = alternatives
        .iter()
        .flatten()
        .copied()
        .filter(|id| parameters.iter().any(|p| p.required && fills(kind(*id), p)))
        .collect();
    if alternatives.len() < 2 || required.is_empty() {
        return;
    }
    let mut seen = BTreeSet::new();
    for schemes in alternatives.iter_mut() {
        for id in &required {
            if !schemes.iter().any(|s| filled(kind(*s)) == filled(kind(*id))) {
                schemes.push(*id);
            }
        }
        schemes.sort_by_key(|s| schemas.api.schemes[*s].name.clone());
    }
    alternatives.retain(|schemes| seen.insert(schemes.iter().map(|s| filled(kind(*s))).collect::<BTreeSet<_>>()));
}

/// The record of one scheme's credentials.
fn record(schemas: &mut Schemas<'_>, scheme: SchemeId) -> TypeId {
    if let Some(known) = schemas.api.schemes[scheme].record {
        return known;
    }
    let AuthScheme { name, kind, .. } = schemas.api.schemes[scheme].clone();
    let string = schemas.shape(Shape::String);
    let fields = kind.parts().iter().map(|part| Field { name: known_name(part), ty: string, docs: None }).collect();
    let how = match &kind {
        AuthKind::Bearer | AuthKind::OAuth2 { .. } | AuthKind::OpenIdConnect { .. } => {
            "`Authorization: Bearer <token>`".to_owned()
        }
        AuthKind::Basic => "`Authorization: Basic …`".to_owned(),
        AuthKind::OtherHttp { scheme } => format!("`Authorization: {scheme} <token>`"),
        AuthKind::HeaderKey { name } => format!("header `{name}`"),
        AuthKind::QueryKey { name } => format!("query parameter `{name}`"),
        AuthKind::CookieKey { name } => format!("cookie `{name}`"),
        AuthKind::MutualTls => "a client certificate".to_owned(),
    };
    let docs = schemas.text(Some(format!("Credentials for `{name}`: {how}.")));
    let ty = schemas.declare(Type { docs, ..Type::plain(Shape::Record(fields)) }, Wish::Credentials(name));
    schemas.api.schemes[scheme].record = Some(ty);
    ty
}
