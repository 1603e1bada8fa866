//! What a function returns: bodies and headers of success, and which body an error has.

use witwire_ir::operation::http::{
    ErrorBody, OkShape, Outcome, Response, ResponseBody, ResponseEncoding, ResponseHeader, StatusMatch, Unwrap,
};
use witwire_ir::{Case, Field, Shape, TextId, Type, TypeId};

use super::body::same_text;
use super::stream::{good, status_of};
use super::{Function, Lowering, Reply};
use crate::names::{Scope, name};
use crate::openapi::document::{Family, HeaderView, Media, ResponseView};
use crate::openapi::schema::{
    Additional, At, Direction, Kinds, Origin, Part, Role, Root, Wish, description, known_name, sentence,
};
use crate::openapi::tree::NodeId;

/// The receiving half of a function.
pub(super) struct Responses {
    pub(super) result: TypeId,
    pub(super) accept: Vec<String>,
    pub(super) declared: Vec<Response>,
}

/// Type, unwrapped member and encoding of a body.
type BodyKey<'b> = (TypeId, Option<&'b str>, ResponseEncoding);

/// A response of success before it has a shape.
struct Success<'v> {
    status: StatusMatch,
    case: String,
    body: Option<ResponseBody>,
    headers: Vec<&'v HeaderView>,
}

impl Success<'_> {
    /// What makes two responses one shape.
    fn key(&self) -> (Option<BodyKey<'_>>, Vec<String>) {
        let body = self.body.as_ref().map(|b| (b.ty, b.unwrap.as_ref().map(|u| u.key.as_str()), b.encoding));
        (body, self.headers.iter().map(|h| h.name.to_ascii_lowercase()).collect())
    }
}

impl Lowering<'_, '_> {
    pub(super) fn responses(&mut self, function: &Function<'_>) -> Responses {
        let good = good(function.view);
        let mut accept = Vec::new();
        let mut responses = Vec::new();
        let ok = if function.reply == Reply::Stream {
            Some(self.streams(function, &mut accept, &mut responses))
        } else if self.is_download(function) {
            Some(self.download(function, &mut accept, &mut responses))
        } else {
            let successes: Vec<Success<'_>> =
                good.iter().enumerate().map(|(i, r)| self.success(function, &good[..i], r, &mut accept)).collect();
            let ok = self.shapes(function, &successes, &mut responses);
            if successes.is_empty() {
                let outcome = Outcome::Ok { case: None, shape: OkShape::None };
                responses.push(Response { status: StatusMatch::Class(2), outcome });
            }
            ok
        };
        for view in function.view.responses.iter().filter(|view| !good.iter().any(|g| g.status == view.status)) {
            let body = self.error_body(view);
            if let Some(body) = &body
                && !accept.contains(&body.body.media_type)
            {
                accept.push(body.body.media_type.clone());
            }
            responses.push(Response { status: view.status, outcome: Outcome::Error { body } });
        }
        let result = self.schemas.shape(Shape::Result { ok, err: Some(self.error) });
        Responses { result, accept, declared: responses }
    }

    fn success<'v>(
        &mut self,
        function: &Function<'_>,
        before: &[&'v ResponseView],
        view: &'v ResponseView,
        accept: &mut Vec<String>,
    ) -> Success<'v> {
        let case = case_name(view.status);
        let body = choose(&view.media).and_then(|media| {
            // An equal schema written twice is one type.
            let schema = media.schema.map(|schema| {
                let mut earlier = before.iter().filter_map(|v| choose(&v.media)?.schema);
                earlier.find(|s| same_text(self.schemas.views.cx.tree, *s, schema)).unwrap_or(schema)
            });
            let several = function.view.responses.iter().filter(|r| r.is_success() && !r.media.is_empty()).count() > 1;
            let role = Role::Result(several.then(|| case.clone()));
            let body = self.response_body(media, schema, Root::Function(function.shared, role), true);
            if !accept.contains(&media.name) {
                accept.push(media.name.clone());
            }
            body
        });
        // A header twice in different case is one.
        let mut headers: Vec<&HeaderView> = Vec::new();
        for header in &view.headers {
            if !headers.iter().any(|h| h.name.eq_ignore_ascii_case(&header.name)) {
                headers.push(header);
            }
        }
        Success { status: status_of(view), case, body, headers }
    }

    /// The type of a body; `None` where it says nothing.
    pub(super) fn response_body(
        &mut self,
        media: &Media,
        schema: Option<NodeId>,
        root: Root,
        unwrap: bool,
    ) -> Option<ResponseBody> {
        let at = At { direction: Direction::Received, context: Some(root.clone()), fallback: Origin::new(root) };
        let encoding = self.response_encoding(media, schema);
        let media_type = if media.essence == "undefined" { "*/*".to_owned() } else { media.essence.clone() };
        let (ty, unwrap) = match (encoding, schema) {
            (ResponseEncoding::Text, _) => (self.schemas.shape(Shape::String), None),
            (ResponseEncoding::Binary, _) => (self.schemas.shape(Shape::Bytes), None),
            (ResponseEncoding::Json, None) => (self.schemas.json(), None),
            (ResponseEncoding::Json, Some(schema)) => {
                let parts = [Part::whole(schema)];
                if self.schemas.unit(&parts, Direction::Received, 0).is_some() {
                    return None;
                }
                if let Some((inner, unwrap)) = self.envelope(schema).filter(|_| unwrap) {
                    // The envelope is printed too, where it has a name.
                    self.schemas.node(schema, &at);
                    let inner_at = At { fallback: at.fallback.child(&unwrap.key), ..at };
                    let ty = self.schemas.value(&inner, &inner_at).ty;
                    (if unwrap.required { ty } else { self.schemas.option(ty) }, Some(unwrap))
                } else {
                    let lowered = self.schemas.node(schema, &at);
                    (if lowered.nullable { self.schemas.option(lowered.ty) } else { lowered.ty }, None)
                }
            }
        };
        Some(ResponseBody { media_type, encoding, ty, unwrap })
    }

    fn response_encoding(&self, media: &Media, schema: Option<NodeId>) -> ResponseEncoding {
        match media.family() {
            Family::Json | Family::PlusJson => ResponseEncoding::Json,
            Family::Text => ResponseEncoding::Text,
            Family::Form | Family::Multipart | Family::Other => {
                let any = matches!(media.essence.as_str(), "application/octet-stream" | "*/*" | "application/*");
                let Some(schema) = schema.filter(|_| any) else { return ResponseEncoding::Binary };
                let flat = self.schemas.views.flat(&[Part::whole(schema)]);
                let structured = [Kinds::OBJECT, Kinds::ARRAY].contains(&flat.kinds) || !flat.choices.is_empty();
                if structured { ResponseEncoding::Json } else { ResponseEncoding::Binary }
            }
        }
    }

    /// An object that is only received and whose one declared property is an object or array.
    fn envelope(&self, schema: NodeId) -> Option<(Vec<Part>, Unwrap)> {
        let views = self.schemas.views;
        let node = views.peel(schema).node;
        if views.nullable(schema) || self.schemas.usage.is_sent(node) || self.schemas.usage.is_recursive(node) {
            return None;
        }
        let flat = views.flat(&[Part::whole(node)]);
        let [property] = flat.properties.as_slice() else { return None };
        if !flat.is_object() || matches!(flat.additional, Additional::Schema(_)) {
            return None;
        }
        let value = views.flat(&property.parts);
        let structured = [Kinds::OBJECT, Kinds::ARRAY].contains(&value.kinds) && value.typed && value.choices.is_empty();
        if !structured || self.schemas.unit(&property.parts, Direction::Received, 0).is_some() {
            return None;
        }
        let nullable = property.parts.iter().all(|p| views.nullable(p.node));
        let required = flat.required.contains(&property.key) && !nullable;
        Some((property.parts.clone(), Unwrap { key: property.key.to_string(), required }))
    }

    /// Puts bodies and headers together; the type of `ok`.
    fn shapes(&mut self, function: &Function<'_>, successes: &[Success<'_>], out: &mut Vec<Response>) -> Option<TypeId> {
        let same = successes.windows(2).all(|w| w[0].key() == w[1].key());
        if same {
            let first = successes.first()?;
            let (ty, shape) = self.shape(function, first, None);
            for success in successes {
                let mut shape = shape.clone();
                if let (OkShape::Body(body) | OkShape::Record { body: Some((_, body)), .. }, Some(own)) =
                    (&mut shape, &success.body)
                {
                    body.media_type.clone_from(&own.media_type);
                }
                out.push(Response { status: success.status, outcome: Outcome::Ok { case: None, shape } });
            }
            return ty;
        }
        let mut cases = Vec::new();
        for (i, success) in successes.iter().enumerate() {
            let (ty, shape) = self.shape(function, success, Some(&success.case));
            cases.push(Case { name: known_name(&success.case), ty, docs: None });
            out.push(Response { status: success.status, outcome: Outcome::Ok { case: Some(i as u16), shape } });
        }
        let docs = self.schemas.text(Some("One case per status.".to_owned()));
        let wish = Wish::Synthesized { function: function.number, suffix: "response".to_owned(), otherwise: "reply" };
        Some(self.schemas.declare(Type { docs, ..Type::plain(Shape::Variant(cases)) }, wish))
    }

    /// The shape of one success, and the type of its value.
    fn shape(&mut self, function: &Function<'_>, success: &Success<'_>, case: Option<&str>) -> (Option<TypeId>, OkShape) {
        if success.headers.is_empty() {
            return match &success.body {
                None => (None, OkShape::None),
                Some(body) => (Some(body.ty), OkShape::Body(body.clone())),
            };
        }
        let mut scope = Scope::new();
        if success.body.is_some() {
            scope.wish(0, known_name("body"), None, "");
        }
        for header in &success.headers {
            let wish = match header.name.to_ascii_lowercase().as_str() {
                "etag" => known_name("version"),
                "last-modified" => known_name("last-updated"),
                _ => name(&header.name, "header", &header.name).name,
            };
            scope.wish(1, wish, Some("header"), header.name.to_ascii_lowercase());
        }
        let names = scope.give().names;
        let mut fields = Vec::new();
        if let Some(body) = &success.body {
            fields.push(Field { name: known_name("body"), ty: body.ty, docs: None });
        }
        let mut headers = Vec::new();
        for header in &success.headers {
            let slot = fields.len() as u16;
            let ty = self.header_type(header);
            let docs = self.header_docs(header);
            let Some(name) = names.get(fields.len()).cloned() else { break };
            fields.push(Field { name, ty, docs });
            headers.push(ResponseHeader { name: header.name.to_ascii_lowercase(), slot, ty });
        }
        let (suffix, otherwise) = case.map_or(("response", "reply"), |case| (case, "reply"));
        let wish = Wish::Synthesized { function: function.number, suffix: suffix.to_owned(), otherwise };
        let ty = self.schemas.declare(Type::plain(Shape::Record(fields)), wish);
        let body = success.body.clone().map(|b| (0, b));
        (Some(ty), OkShape::Record { ty, body, headers })
    }

    /// Headers are read tolerantly: kinds only, always optional.
    fn header_type(&mut self, header: &HeaderView) -> TypeId {
        let views = self.schemas.views;
        let scalar = |kinds: Kinds| match kinds {
            Kinds::INTEGER => Shape::S64,
            Kinds::NUMBER => Shape::F64,
            Kinds::BOOL => Shape::Bool,
            _ => Shape::String,
        };
        let shape = match header.schema.map(|s| views.flat(&[Part::whole(s)])) {
            Some(flat) if flat.choices.is_empty() && flat.kinds == Kinds::ARRAY => {
                let item = views.flat(&flat.items);
                let item = self.schemas.shape(scalar(item.kinds));
                Shape::List(item)
            }
            Some(flat) if flat.choices.is_empty() => scalar(flat.kinds),
            _ => Shape::String,
        };
        let ty = self.schemas.shape(shape);
        self.schemas.option(ty)
    }

    fn header_docs(&mut self, header: &HeaderView) -> Option<TextId> {
        let described =
            self.schemas.views.cx.tree.get_text(header.node, "description").and_then(description).map(|d| sentence(&d));
        let from = match header.name.to_ascii_lowercase().as_str() {
            "etag" | "last-modified" => Some(format!("From `{}`.", header.name)),
            _ => None,
        };
        let text: Vec<String> = described.into_iter().chain(from).collect();
        (!text.is_empty()).then(|| self.schemas.api.texts.push(text.join(" ")))
    }

    fn error_body(&mut self, view: &ResponseView) -> Option<ErrorBody> {
        let (media, schema) = super::error::error_schema(view)?;
        let (ty, case) = self.errors.of(self.schemas.views, schema)?;
        let media_type = media.essence.clone();
        let body = ResponseBody { media_type, encoding: ResponseEncoding::Json, ty, unwrap: None };
        Some(ErrorBody { body, case })
    }
}

/// The media type that is asked for: the first family in order, schemaless JSON last. Streams have functions of their own.
pub(super) fn choose(media: &[Media]) -> Option<&Media> {
    let last = |m: &&Media| m.is_json() && m.schema.is_none();
    media.iter().filter(|m| m.framing().is_none()).min_by_key(|m| (last(m), m.family()))
}

fn case_name(status: StatusMatch) -> String {
    match status {
        StatusMatch::Exact(200) => "ok".to_owned(),
        StatusMatch::Exact(201) => "created".to_owned(),
        StatusMatch::Exact(202) => "accepted".to_owned(),
        StatusMatch::Exact(204) => "no-content".to_owned(),
        StatusMatch::Exact(status) => format!("status-{status}"),
        StatusMatch::Class(class) => format!("status-{class}xx"),
        StatusMatch::Default => "default".to_owned(),
    }
}
