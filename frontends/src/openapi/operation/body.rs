//! Request bodies: which media types make one function, and whether members become fields of the request.

use witwire_ir::operation::http::{BodyEncoding, ParameterEncoding, Style};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Presence};
use witwire_ir::{Check, Field, Shape, Type, TypeId};

use super::stream::set_flag;
use super::{Function, Lowering};
use crate::openapi::context::Context;
use crate::openapi::document::{BodyView, Family, Media};
use crate::openapi::schema::{
    Additional, At, Direction, Fields, Flat, Kinds, Mode, Origin, Part, Role, Root, Views, Wish, known_name,
};
use crate::openapi::tree::{NodeId, Tree};

/// Media types that one function sends: those of one schema.
#[derive(Debug)]
pub(crate) struct Group {
    /// The best media type first.
    pub(crate) media: Vec<Media>,
    /// What the function's name ends in; `None` for the first group.
    pub(crate) suffix: Option<String>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Json,
    UrlEncoded,
    Multipart,
    Text,
    Binary,
}

/// The body of a function.
pub(super) enum Lowered {
    /// None is sent.
    Nothing,
    /// The same for every call.
    Fixed { text: String, encoding: BodyEncoding },
    /// Members become fields of the request.
    Flat {
        fields: Fields,
        checks: Vec<Check>,
        required: bool,
        encoding: BodyEncoding,
        /// Whether the member `stream` is the host's to set.
        flag: bool,
    },
    /// One value.
    Whole { ty: TypeId, required: bool, encoding: BodyEncoding },
}

impl Lowered {
    /// How it is written; `None` where nothing is.
    pub(super) const fn encoding(&self) -> Option<&BodyEncoding> {
        match self {
            Self::Nothing => None,
            Self::Fixed { encoding, .. } | Self::Flat { encoding, .. } | Self::Whole { encoding, .. } => Some(encoding),
        }
    }
}

/// Groups the media types of a body by schema, in order of preference.
pub(crate) fn groups(views: &Views<'_>, body: &BodyView) -> Vec<Group> {
    let mut media: Vec<&Media> = body.media.iter().collect();
    media.sort_by_key(|m| (m.is_json() && m.schema.is_none(), m.family()));
    let mut out: Vec<(Option<NodeId>, Family, Vec<Media>)> = Vec::new();
    for m in media {
        let schema = m.schema.map(|s| views.peel(s).node);
        let same = out.iter_mut().find(|(s, family, of)| {
            *s == schema && (schema.is_some() || *family == m.family())
                || matches!((*s, schema), (Some(a), Some(b)) if same_text(views.cx.tree, a, b) && !of.is_empty())
        });
        match same {
            Some((_, _, of)) => of.push(m.clone()),
            None => out.push((schema, m.family(), vec![m.clone()])),
        }
    }
    let mut used: std::collections::HashMap<&'static str, usize> = std::collections::HashMap::new();
    out.into_iter()
        .enumerate()
        .map(|(i, (_, family, media))| {
            let word = match family {
                Family::Json | Family::PlusJson => "json",
                Family::Form => "form",
                Family::Multipart => "multipart",
                Family::Text => "text",
                Family::Other => "binary",
            };
            let suffix = (i > 0).then(|| {
                let times = used.entry(word).or_default();
                *times += 1;
                if *times > 1 { format!("{word}-{times}") } else { word.to_owned() }
            });
            Group { media, suffix }
        })
        .collect()
}

/// Whether two schemas are written alike.
pub(super) fn same_text(tree: &Tree, a: NodeId, b: NodeId) -> bool {
    const SMALL: usize = 2_000;
    a == b || matches!((tree.json(a, SMALL), tree.json(b, SMALL)), (Some(a), Some(b)) if a == b)
}

impl Group {
    /// Several `…+json` media types of one schema, of which the guest chooses.
    pub(super) fn choices(&self) -> Vec<String> {
        let plus: Vec<String> =
            self.media.iter().filter(|m| m.family() == Family::PlusJson).map(|m| m.name.clone()).collect();
        if self.media.first().is_some_and(|m| m.family() == Family::PlusJson) && plus.len() > 1 { plus } else { Vec::new() }
    }
}

impl Lowering<'_, '_> {
    pub(super) fn body(&mut self, function: &Function<'_>, taken: &[String]) -> Lowered {
        let (Some(view), Some(group)) = (&function.view.body, function.group) else { return Lowered::Nothing };
        let Some(media) = group.media.first() else { return Lowered::Nothing };
        let root = Root::Function(function.shared, Role::Body);
        let at = At { direction: Direction::Sent, context: Some(root.clone()), fallback: Origin::new(root) };
        let views = self.schemas.views;
        let Some(schema) = media.schema else { return self.without_schema(media, view) };
        let peeled = views.peel(schema).node;
        let parts = [Part::whole(peeled)];
        let flat = views.flat(&parts);
        let form = form(media, &flat);
        let nullable = views.nullable(schema);
        if matches!(form, Written::Json | Written::UrlEncoded | Written::Multipart)
            && views.cx.options.bodies == crate::Bodies::Flat
            && !nullable
            && let Some(flat) = self.flattened(function, media, form, peeled, &at, taken)
        {
            return flat;
        }
        let (ty, encoding) = match form {
            Written::Text => (self.schemas.shape(Shape::String), BodyEncoding::Text),
            Written::Binary => (self.schemas.shape(Shape::Bytes), BodyEncoding::Binary),
            Written::Json => {
                let lowered = self.schemas.node(schema, &at);
                let ty = if lowered.nullable && view.required { self.schemas.or_null_of(lowered.ty) } else { lowered.ty };
                (ty, BodyEncoding::Json)
            }
            Written::UrlEncoded => (self.schemas.node(schema, &at).ty, BodyEncoding::Form(form_encodings(views.cx, media))),
            Written::Multipart => self.whole_multipart(media, peeled, &flat, &at),
        };
        if matches!(encoding, BodyEncoding::Json | BodyEncoding::Form(_))
            && let Some(text) = self.schemas.unit(&parts, Direction::Sent, 0)
        {
            return if view.required { Lowered::Fixed { text, encoding } } else { Lowered::Nothing };
        }
        Lowered::Whole { ty, required: view.required, encoding }
    }

    fn without_schema(&mut self, media: &Media, view: &BodyView) -> Lowered {
        let (ty, encoding) = match media.family() {
            Family::Json | Family::PlusJson => (self.schemas.json(), BodyEncoding::Json),
            Family::Form => {
                let string = self.schemas.shape(Shape::String);
                (self.schemas.map_of(string), BodyEncoding::Form(Vec::new()))
            }
            Family::Multipart => {
                let part = self.file_part();
                (self.schemas.map_of(part), BodyEncoding::Multipart(Vec::new()))
            }
            Family::Text => (self.schemas.shape(Shape::String), BodyEncoding::Text),
            Family::Other => (self.schemas.shape(Shape::Bytes), BodyEncoding::Binary),
        };
        Lowered::Whole { ty, required: view.required, encoding }
    }

    fn flattened(
        &mut self,
        function: &Function<'_>,
        media: &Media,
        form: Written,
        node: NodeId,
        at: &At,
        taken: &[String],
    ) -> Option<Lowered> {
        let flat = &*self.schemas.views.flat(&[Part::whole(node)]);
        let usage = self.schemas.usage;
        let fits = flat.is_object()
            && !flat.properties.is_empty()
            && !matches!(flat.additional, Additional::Schema(_))
            && !usage.is_received(node)
            && !usage.is_recursive(node)
            && self.schemas.views.spend(flat.properties.len());
        if !fits {
            return None;
        }
        let clash = flat.properties.iter().any(|p| taken.contains(&crate::names::words(&p.key).concat()));
        if clash {
            return None;
        }
        let views = self.schemas.views;
        if views.is_named(node) {
            // Printed under its own name too, so that other operations and tools find it.
            self.schemas.named(node, Direction::Sent);
        }
        let mut fields = self.schemas.fields(flat, at, Mode::Sent);
        let flag = set_flag(views, node, function.reply, &mut fields);
        let encoding = match form {
            Written::UrlEncoded => BodyEncoding::Form(form_encodings(views.cx, media)),
            Written::Multipart => {
                self.file_parts(flat, &mut fields);
                BodyEncoding::Multipart(part_types(views.cx, media))
            }
            _ => BodyEncoding::Json,
        };
        let always = fields.constants.len() + fields.members.iter().filter(|m| m.presence != Presence::Optional).count();
        let required = function.view.body.as_ref().is_some_and(|body| body.required) || always > 0;
        if fields.members.is_empty() {
            let text = self.schemas.unit(&[Part::whole(node)], Direction::Sent, 0).unwrap_or_else(|| "{}".to_owned());
            return Some(if required { Lowered::Fixed { text, encoding } } else { Lowered::Nothing });
        }
        let mut checks = self.schemas.checks_of_object(flat, always);
        checks.extend(self.schemas.whole_check(flat));
        Some(Lowered::Flat { fields, checks, required, encoding, flag })
    }

    /// A multipart body that is one value: a record of its own, since its files are no base64.
    fn whole_multipart(&mut self, media: &Media, node: NodeId, flat: &Flat, at: &At) -> (TypeId, BodyEncoding) {
        let cx = self.schemas.views.cx;
        let encoding = BodyEncoding::Multipart(part_types(cx, media));
        if !flat.is_object() || flat.properties.is_empty() {
            let part = self.file_part();
            return (self.schemas.map_of(part), encoding);
        }
        let mut fields = self.schemas.fields(flat, at, Mode::Sent);
        fields.additional = None;
        self.file_parts(flat, &mut fields);
        if fields.members.is_empty() {
            let part = self.file_part();
            return (self.schemas.map_of(part), encoding);
        }
        let (record, object) = self.schemas.record(&cx.tree.source(node), fields);
        let source = Some(self.schemas.api.texts.push(cx.tree.source(node)));
        let ty = Type { source, ..Type::with_wire(Shape::Record(record), Wire::Json(Json::Object(object))) };
        (self.schemas.declare(ty, Wish::Origin { origin: at.fallback.clone(), input: false }), encoding)
    }

    /// Members that are files become `file-part`.
    fn file_parts(&mut self, flat: &Flat, fields: &mut Fields) {
        let views = self.schemas.views;
        for member in &mut fields.members {
            let Some(property) = flat.properties.iter().find(|p| *p.key == *member.key) else { continue };
            let value = views.flat(&property.parts);
            let item = (value.kinds == Kinds::ARRAY).then(|| views.flat(&value.items));
            let is_list = item.as_ref().is_some_and(|i| is_file(views.cx.tree, i));
            if !is_list && !is_file(views.cx.tree, &value) {
                continue;
            }
            let part = self.file_part();
            let ty = if is_list { self.schemas.shape(Shape::List(part)) } else { part };
            member.ty = if member.presence == Presence::Required { ty } else { self.schemas.option(ty) };
        }
    }

    /// `record file-part`
    fn file_part(&mut self) -> TypeId {
        if let Some(known) = self.errors.file_part {
            return known;
        }
        let string = self.schemas.shape(Shape::String);
        let option = self.schemas.option(string);
        let bytes = self.schemas.shape(Shape::Bytes);
        let field = |name: &str, ty| Field { name: known_name(name), ty, docs: None };
        let fields = vec![field("filename", option), field("content-type", option), field("data", bytes)];
        let docs = self.schemas.text(Some("A file in a multipart body.".to_owned()));
        let ty = self.schemas.declare(Type { docs, ..Type::plain(Shape::Record(fields)) }, Wish::Fixed("file-part"));
        self.errors.file_part = Some(ty);
        ty
    }
}

/// A string of bytes: `format: binary`, `contentEncoding: binary` (RFC 2045: none), or content of another media type that is not encoded
/// as text.
fn is_file(tree: &Tree, flat: &Flat) -> bool {
    let said = |key: &str| flat.leaves.iter().any(|n| tree.get(*n, key).is_some());
    let raw = flat.encoded.as_deref().is_some_and(|encoding| encoding.eq_ignore_ascii_case("binary"));
    flat.choices.is_empty()
        && (raw || flat.encoded.is_none())
        && (raw
            || flat.format.as_deref() == Some("binary")
            || (said("contentMediaType") && (flat.kinds == Kinds::STRING || !flat.typed))
            || flat.leaves.iter().any(|n| tree.get_text(*n, "type") == Some("file")))
}

/// How a media type with a schema is written. `octet-stream` and `*/*` with an object or array schema are JSON.
fn form(media: &Media, flat: &Flat) -> Written {
    match media.family() {
        Family::Json | Family::PlusJson => Written::Json,
        Family::Form => Written::UrlEncoded,
        Family::Multipart => Written::Multipart,
        Family::Text => Written::Text,
        Family::Other => {
            let structured = [Kinds::OBJECT, Kinds::ARRAY].contains(&flat.kinds) || !flat.choices.is_empty();
            if structured && matches!(media.essence.as_str(), "application/octet-stream" | "*/*" | "application/*") {
                Written::Json
            } else {
                Written::Binary
            }
        }
    }
}

/// `encoding` of a form: style and explode by property, or a content type.
fn form_encodings(cx: &Context<'_>, media: &Media) -> Vec<(String, ParameterEncoding)> {
    cx.tree
        .get_entries(media.node, "encoding")
        .iter()
        .filter_map(|(key, node)| {
            let style = match cx.tree.get_text(*node, "style") {
                Some("spaceDelimited") => Some(Style::SpaceDelimited),
                Some("pipeDelimited") => Some(Style::PipeDelimited),
                Some("deepObject") => Some(Style::DeepObject),
                Some("form") => Some(Style::Form),
                _ => None,
            };
            let explode = cx.tree.get_bool(*node, "explode");
            let allow_reserved = cx.tree.get_bool(*node, "allowReserved");
            if style.is_some() || explode.is_some() || allow_reserved.is_some() {
                let style = style.unwrap_or(Style::Form);
                let explode = explode.unwrap_or(matches!(style, Style::Form | Style::DeepObject));
                return Some((
                    key.to_string(),
                    ParameterEncoding::Style { style, explode, allow_reserved: allow_reserved.unwrap_or(false) },
                ));
            }
            let json = cx.tree.get_text(*node, "contentType").is_some_and(|t| t.contains("json"));
            json.then(|| (key.to_string(), ParameterEncoding::Json))
        })
        .collect()
}

/// `encoding` of a multipart body: the content types of parts.
fn part_types(cx: &Context<'_>, media: &Media) -> Vec<(String, String)> {
    cx.tree
        .get_entries(media.node, "encoding")
        .iter()
        .filter_map(|(key, node)| {
            // Of several the first is sent: a file says its own.
            let text = cx.tree.get_text(*node, "contentType")?.split(',').next()?.trim().to_owned();
            Some((key.to_string(), text)).filter(|(_, t)| !t.contains('*'))
        })
        .collect()
}
