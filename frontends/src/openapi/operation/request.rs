//! The parameters of a function: path parameters one by one, the rest in a request record.

use std::collections::HashMap;

use witwire_ir::operation::http::{
    Body, BodyValue, Location, MediaTypeChoice, Parameter, ParameterEncoding, ParameterValue, Style,
};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Literal, Member, Object, Presence};
use witwire_ir::{AuthRequirement, Field, Label, Param, Place, Shape, TextId, Type, TypeId, WitName};

use super::body::Lowered as LoweredBody;
use super::parameter::Fate;
use super::{Function, Lowering};
use crate::names::{Scope, from_words, name, words};
use crate::openapi::document::ParameterView;
use crate::openapi::schema::{Wish, known_name, symbol_words};

/// The sending half of a function.
#[derive(Clone)]
pub(crate) struct Request {
    pub(super) params: Vec<Param>,
    pub(super) parameters: Vec<Parameter>,
    /// Path parameter → its position in `parameters`.
    pub(super) path_indices: HashMap<String, u16>,
    pub(super) body: Option<Body>,
    pub(super) auth: AuthRequirement,
    /// Whether the body's member `stream` is the host's to set.
    flag: bool,
}

impl Request {
    /// The same request of a function that streams.
    pub(super) fn streaming(mut self) -> Self {
        if self.flag
            && let Some(BodyValue::Members { object, .. }) = self.body.as_mut().map(|body| &mut body.value)
        {
            object.constants.retain(|(key, _)| key != FLAG);
            object.constants.push((FLAG.to_owned(), Literal::Bool(true)));
        }
        self
    }
}

/// The member of a body that says whether the response is to be a stream.
pub(super) const FLAG: &str = "stream";

/// A field of the request before it has a slot.
struct Wished {
    /// As the source spells it.
    spelled: String,
    /// Precedence in a clash of names, and what the loser's name ends in.
    rank: u8,
    suffix: &'static str,
    ty: TypeId,
    docs: Option<TextId>,
    required: bool,
    role: Role,
}

enum Role {
    Auth,
    MediaType(Vec<String>),
    /// The position in `parameters`.
    Parameter(usize),
    /// A member of the body.
    Member {
        key: String,
        presence: Presence,
    },
    Additional,
    Body,
}

impl Lowering<'_, '_> {
    pub(super) fn request(&mut self, function: &Function<'_>) -> Request {
        let mut needed = {
            let Self { schemas, auth, .. } = self;
            auth.needed(schemas, function.view.node, &function.view.parameters)
        };
        let mut out = Request {
            params: Vec::new(),
            parameters: Vec::new(),
            path_indices: HashMap::new(),
            body: None,
            auth: std::mem::take(&mut needed.requirement),
            flag: false,
        };
        let mut wished: Vec<Wished> = Vec::new();
        if let Some(ty) = needed.guest {
            let required = !out.auth.optional;
            wished.push(Wished {
                spelled: "auth".into(),
                rank: 0,
                suffix: "auth",
                ty,
                docs: None,
                required,
                role: Role::Auth,
            });
        }
        self.path_parameters(function, &mut out);
        for location in [Location::Query, Location::Header, Location::Cookie] {
            for view in function.view.parameters.iter().filter(|p| p.location == location) {
                self.other_parameter(function, view, &mut out, &mut wished);
            }
        }
        let version = self.expected_version(function, &mut out);
        let mut taken: Vec<String> = wished.iter().map(|w| words(&w.spelled).concat()).collect();
        taken.extend(version.iter().map(|w| words(&w.spelled).concat()));
        let body = self.body(function, &taken);
        out.flag = matches!(body, LoweredBody::Flat { flag: true, .. });
        let pending = self.body_fields(function, body, &mut wished);
        wished.extend(version);
        self.arguments(function, wished, pending, &mut out);
        out
    }

    fn path_parameters(&mut self, function: &Function<'_>, out: &mut Request) {
        let views: Vec<&ParameterView> = function.view.parameters.iter().filter(|p| p.location == Location::Path).collect();
        let mut scope = Scope::new();
        for view in &views {
            let spelled = self.schemas.views.cx.renamed(view.node).unwrap_or(&view.name);
            scope.wish(0, name(spelled, "parameter", &view.name), None, view.name.as_str());
        }
        let names = scope.give().names;
        for (view, name) in views.into_iter().zip(names) {
            let index = out.parameters.len() as u16;
            out.path_indices.insert(view.name.clone(), index);
            let fate = self.fate(function, view, &out.auth);
            let lowered = self.parameter(function, view);
            let value = match (fate, lowered.constant) {
                (Fate::Fixed(literal), _) | (_, Some(literal)) => ParameterValue::Fixed(literal),
                _ => {
                    let place = Place::argument(out.params.len() as u16);
                    out.params.push(Param { name, ty: lowered.ty });
                    ParameterValue::Argument { place, ty: lowered.ty }
                }
            };
            out.parameters.push(Parameter {
                name: view.name.clone(),
                location: view.location,
                encoding: view.encoding.clone(),
                value,
            });
        }
    }

    fn other_parameter(
        &mut self,
        function: &Function<'_>,
        view: &ParameterView,
        out: &mut Request,
        wished: &mut Vec<Wished>,
    ) {
        let literal = match self.fate(function, view, &out.auth) {
            Fate::Gone => return,
            Fate::Fixed(literal) => Some(literal),
            Fate::Argument => None,
        };
        let lowered = if literal.is_none() { Some(self.parameter(function, view)) } else { None };
        let literal = literal.or_else(|| lowered.as_ref().and_then(|l| l.constant.clone()));
        let placeholder = ParameterValue::Fixed(literal.clone().unwrap_or(Literal::Null));
        let index = out.parameters.len();
        out.parameters.push(Parameter {
            name: view.name.clone(),
            location: view.location,
            encoding: view.encoding.clone(),
            value: placeholder,
        });
        let (None, Some(lowered)) = (literal, lowered) else { return };
        let is_match = view.location == Location::Header && view.name.eq_ignore_ascii_case("if-match");
        let (spelled, docs) = match self.schemas.views.cx.renamed(view.node) {
            Some(given) => (given.to_owned(), lowered.docs),
            None if is_match => ("expected-version".to_owned(), Some(self.sent_as_if_match(lowered.docs))),
            None => (view.name.clone(), lowered.docs),
        };
        let ty = if view.required { lowered.ty } else { self.schemas.option(lowered.ty) };
        let (rank, suffix) = match view.location {
            Location::Query | Location::Path => (1, "query"),
            Location::Header => (2, "header"),
            Location::Cookie => (3, "cookie"),
        };
        wished.push(Wished { spelled, rank, suffix, ty, docs, required: view.required, role: Role::Parameter(index) });
    }

    fn sent_as_if_match(&mut self, docs: Option<TextId>) -> TextId {
        let before = docs.and_then(|d| self.schemas.api.texts.get(d).map(str::to_owned));
        let text = before.into_iter().chain(["Sent as `If-Match`.".to_owned()]).collect::<Vec<_>>().join(" ");
        self.schemas.api.texts.push(text)
    }

    /// `If-Match`, where a response of the path declares `ETag` and nobody declares `If-Match`.
    fn expected_version(&mut self, function: &Function<'_>, out: &mut Request) -> Option<Wished> {
        use witwire_ir::operation::http::Method::{Delete, Patch, Put};
        let changes = matches!(function.view.method, Put | Patch | Delete);
        let declared = function
            .view
            .parameters
            .iter()
            .any(|p| p.location == Location::Header && p.name.eq_ignore_ascii_case("if-match"));
        if !changes || declared || !self.versioned.contains(&function.view.item) {
            return None;
        }
        let string = self.schemas.shape(Shape::String);
        let ty = self.schemas.option(string);
        let index = out.parameters.len();
        out.parameters.push(Parameter {
            name: "If-Match".to_owned(),
            location: Location::Header,
            encoding: ParameterEncoding::Style { style: Style::Simple, explode: false, allow_reserved: false },
            value: ParameterValue::Fixed(Literal::Null),
        });
        let docs = Some(self.sent_as_if_match(None));
        let role = Role::Parameter(index);
        Some(Wished { spelled: "expected-version".into(), rank: 5, suffix: "header", ty, docs, required: false, role })
    }

    /// The body's fields; what remains of the body waits for slots.
    fn body_fields(&mut self, function: &Function<'_>, body: LoweredBody, wished: &mut Vec<Wished>) -> Option<PendingBody> {
        let group = function.group?;
        let media_type = body.encoding().map(|encoding| group.media.first().map(|m| m.sent(encoding)))??;
        let choices = group.choices();
        if !choices.is_empty() && !matches!(body, LoweredBody::Nothing) {
            let ty = self.media_type_enum(function, &choices);
            let role = Role::MediaType(choices);
            wished.push(Wished {
                spelled: "media-type".into(),
                rank: 4,
                suffix: "body",
                ty,
                docs: None,
                required: true,
                role,
            });
        }
        let body_docs = self.schemas.views.cx.tree.get_text(function.view.body.as_ref()?.node, "description");
        let body_docs = body_docs.and_then(crate::openapi::schema::description);
        match body {
            LoweredBody::Nothing => None,
            LoweredBody::Fixed { text, encoding } => Some(PendingBody {
                body: Body {
                    media_type,
                    media_type_from: None,
                    encoding,
                    value: BodyValue::Fixed(Literal::Json(text)),
                    required: true,
                },
                flat: None,
            }),
            LoweredBody::Whole { ty, required, encoding } => {
                let ty = if required { ty } else { self.schemas.option(ty) };
                let docs = self.schemas.text(body_docs);
                wished.push(Wished {
                    spelled: "body".into(),
                    rank: 4,
                    suffix: "body",
                    ty,
                    docs,
                    required,
                    role: Role::Body,
                });
                let value = BodyValue::Whole { place: Place::argument(0), ty };
                Some(PendingBody { body: Body { media_type, media_type_from: None, encoding, value, required }, flat: None })
            }
            LoweredBody::Flat { fields, checks, required, encoding, .. } => {
                for member in fields.members {
                    wished.push(Wished {
                        spelled: member.renamed.unwrap_or_else(|| member.key.clone()),
                        rank: 4,
                        suffix: "body",
                        ty: member.ty,
                        docs: member.docs,
                        required: member.presence == Presence::Required,
                        role: Role::Member { key: member.key, presence: member.presence },
                    });
                }
                if let Some(ty) = fields.additional {
                    let spelled = "additional-properties".to_owned();
                    let role = Role::Additional;
                    wished.push(Wished { spelled, rank: 5, suffix: "body", ty, docs: None, required: true, role });
                }
                let object = Object { constants: fields.constants, ..Object::default() };
                let value = BodyValue::Fixed(Literal::Null);
                let body = Body { media_type, media_type_from: None, encoding, value, required };
                Some(PendingBody { body, flat: Some((object, checks)) })
            }
        }
    }

    fn media_type_enum(&mut self, function: &Function<'_>, choices: &[String]) -> TypeId {
        let mut scope = Scope::new();
        for choice in choices {
            let short = choice.split('/').next_back().unwrap_or(choice).trim_end_matches("+json");
            scope.wish(0, name(short, "json", choice), None, choice.as_str());
        }
        let labels = scope.give().names.into_iter().map(|name| Label { name, docs: None }).collect();
        let literals = choices.iter().map(|c| Literal::String(c.clone())).collect();
        let ty = Type::with_wire(Shape::Enum(labels), Wire::Json(Json::Literals(literals)));
        let suffix = "media-type".to_owned();
        self.schemas.declare(ty, Wish::Synthesized { function: function.number, suffix, otherwise: "media-type-enum" })
    }

    /// Decides the arguments and gives every field its place.
    fn arguments(&mut self, function: &Function<'_>, wished: Vec<Wished>, pending: Option<PendingBody>, out: &mut Request) {
        let argument = out.params.len() as u16;
        let free = |wish: &str| -> WitName {
            let taken = |n: &str| out.params.iter().any(|p| p.name.collision_key() == n.replace('-', ""));
            let mut text = wish.to_owned();
            while taken(&text) {
                text.push_str("-argument");
            }
            known_name(&text)
        };
        let alone = match wished.as_slice() {
            [] => {
                out.body = pending.map(|p| p.body);
                return;
            }
            [Wished { role: Role::Auth, .. }] => Some("auth"),
            [Wished { role: Role::Body, .. }] => Some("body"),
            _ => None,
        };
        let mut body = pending;
        if let (Some(word), Some(only)) = (alone, wished.first()) {
            let param = Param { name: free(word), ty: only.ty };
            match only.role {
                Role::Auth => out.auth.guest = Some(Place::argument(argument)),
                _ => {
                    if let Some(PendingBody { body, .. }) = &mut body {
                        body.value = BodyValue::Whole { place: Place::argument(argument), ty: only.ty };
                    }
                }
            }
            out.params.push(param);
            out.body = body.map(|p| p.body);
            return;
        }
        let request_name = free("request");
        let mut scope = Scope::new();
        let mut times: HashMap<String, usize> = HashMap::new();
        for w in &wished {
            *times.entry(words(&w.spelled).concat()).or_default() += 1;
        }
        for (i, w) in wished.iter().enumerate() {
            let mut of = words(&w.spelled);
            if times.get(&of.concat()).is_some_and(|n| *n > 1) {
                // `StartTime<` and `StartTime>` beside `StartTime`.
                let end = w.spelled.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
                of.extend(Some(&w.spelled[end..]).filter(|symbols| !symbols.is_empty()).into_iter().flat_map(symbol_words));
            }
            let wish = from_words(&of, "field", &w.spelled).name;
            scope.wish(w.rank, wish, Some(w.suffix), format!("{}#{}#{i}", function.view.source(), w.spelled));
        }
        let names = scope.give().names;
        let body_required = body.as_ref().is_some_and(|p| p.body.required);
        let optional = !body_required && wished.iter().all(|w| !w.required);
        let mut fields = Vec::new();
        for (slot, (w, name)) in wished.into_iter().zip(names).enumerate() {
            let slot = slot as u16;
            let place = Place::slot(argument, slot);
            match w.role {
                Role::Auth => out.auth.guest = Some(place),
                Role::Parameter(index) => {
                    if let Some(parameter) = out.parameters.get_mut(index) {
                        parameter.value = ParameterValue::Argument { place, ty: w.ty };
                    }
                }
                Role::MediaType(media_types) => {
                    if let Some(p) = &mut body {
                        p.body.media_type_from = Some(MediaTypeChoice { place, media_types });
                    }
                }
                Role::Body => {
                    if let Some(p) = &mut body {
                        p.body.value = BodyValue::Whole { place, ty: w.ty };
                    }
                }
                Role::Member { key, presence } => {
                    if let Some(PendingBody { flat: Some((object, _)), .. }) = &mut body {
                        object.members.push(Member { key, slot, presence });
                    }
                }
                Role::Additional => {
                    if let Some(PendingBody { flat: Some((object, _)), .. }) = &mut body {
                        object.additional = Some(slot);
                    }
                }
            }
            fields.push(Field { name, ty: w.ty, docs: w.docs });
        }
        let wish = Wish::Synthesized { function: function.number, suffix: "request".to_owned(), otherwise: "params" };
        let record = self.schemas.declare(Type::plain(Shape::Record(fields)), wish);
        let ty = if optional { self.schemas.option(record) } else { record };
        out.params.push(Param { name: request_name, ty });
        out.body = body.map(|PendingBody { mut body, flat }| {
            if let Some((object, checks)) = flat {
                body.value = BodyValue::Members { argument, ty: record, object, checks };
            }
            body
        });
    }
}

/// A body whose fields have no slots yet.
struct PendingBody {
    body: Body,
    /// Constants, and rules about the whole, of a flattened body.
    flat: Option<(Object, Vec<witwire_ir::Check>)>,
}
