//! Responses that a guest reads item by item: which functions an operation becomes, and the resources that give the items.

use witwire_ir::operation::http::{Framing, ItemEncoding, OkShape, Outcome, Response, StatusMatch, StreamBody};
use witwire_ir::wire::json::{Literal, Presence};
use witwire_ir::{Field, Id, Method, OperationId, Resource, Shape, Step, Type, TypeId};

use super::request::FLAG;
use super::response::choose;
use super::{Function, Lowering, is_called};
use crate::Code;
use crate::openapi::document::{Media, OperationView, ResponseView};
use crate::openapi::schema::{At, Direction, Fields, Kinds, Origin, Part, Role, Root, Views, Wish, known_name};
use crate::openapi::tree::NodeId;

/// What a function of an operation returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The response as a value. `beside`: the same operation has a function that streams.
    Value { beside: bool },
    /// A resource that gives the response's items.
    Stream,
    /// A resource that gives one response after the other.
    Pages,
}

/// Data that are no JSON and that end a stream of JSON wherever they are used.
const DONE: &str = "[DONE]";

/// What an event may say of itself. An object of nothing else describes a whole event.
const EVENT_FIELDS: &[&str] = &["id", "event", "data", "retry"];

/// The functions that an operation becomes, one per kind of response.
pub(crate) fn replies(view: &OperationView) -> Vec<Reply> {
    let media = || good(view).into_iter().flat_map(|response| &response.media);
    let streams = media().any(|media| media.framing().is_some());
    let values = media().any(|media| media.framing().is_none());
    match (streams, values) {
        (false, _) => vec![Reply::Value { beside: false }],
        (true, false) => vec![Reply::Stream],
        (true, true) => vec![Reply::Value { beside: true }, Reply::Stream],
    }
}

/// The responses of success: 2xx, else `default`.
pub(super) fn good(view: &OperationView) -> Vec<&ResponseView> {
    let declared: Vec<&ResponseView> = view.responses.iter().filter(|r| r.is_success()).collect();
    if declared.is_empty() { view.responses.iter().filter(|r| r.status == StatusMatch::Default).collect() } else { declared }
}

/// The statuses that a response of success speaks of.
pub(super) fn status_of(view: &ResponseView) -> StatusMatch {
    if view.status == StatusMatch::Default { StatusMatch::Class(2) } else { view.status }
}

impl Lowering<'_, '_> {
    /// The successes of a function that streams, and the resource that it returns.
    pub(super) fn streams(&mut self, function: &Function<'_>, accept: &mut Vec<String>, out: &mut Vec<Response>) -> TypeId {
        let mut first: Option<StreamBody> = None;
        for view in good(function.view) {
            let found = view.media.iter().filter_map(|media| Some((media, media.framing()?)));
            let Some((media, framing)) = found.min_by_key(|(_, framing)| *framing as u8) else { continue };
            let stream = self.stream_body(function, media, framing);
            match &first {
                Some(first) if first.ty != stream.ty || first.framing != stream.framing => {
                    let message = "its items are not those of the other responses; the response is unexpected";
                    let help = "give all successful responses one schema";
                    self.schemas.views.cx.warn(Code::Ignored, media.node, message, help);
                    continue;
                }
                Some(_) => {}
                None => first = Some(stream.clone()),
            }
            if !accept.contains(&media.name) {
                accept.push(media.name.clone());
            }
            let outcome = Outcome::Ok { case: None, shape: OkShape::Stream(stream) };
            out.push(Response { status: status_of(view), outcome });
        }
        let item = match first {
            Some(stream) => stream.ty,
            None => self.schemas.json(),
        };
        self.resource(function, item, "events", "The next event; `none` at the end.")
    }

    /// Whether the manifest wants the response's bytes.
    pub(super) fn is_download(&self, function: &Function<'_>) -> bool {
        self.schemas.views.cx.options.stream.iter().any(|key| is_called(function, key))
    }

    /// The successes of a function that gives bytes as they come, and the resource that it returns.
    pub(super) fn download(&mut self, function: &Function<'_>, accept: &mut Vec<String>, out: &mut Vec<Response>) -> TypeId {
        let ty = self.schemas.shape(Shape::Bytes);
        let bytes = |status, media_type: &str| {
            let (framing, item) = (Framing::Chunks, ItemEncoding::Binary);
            let stream = StreamBody { media_type: media_type.to_owned(), framing, item, ty, end: None };
            Response { status, outcome: Outcome::Ok { case: None, shape: OkShape::Stream(stream) } }
        };
        for view in good(function.view) {
            let media = choose(&view.media);
            accept.extend(media.map(|media| media.name.clone()).filter(|name| !accept.contains(name)));
            out.push(bytes(status_of(view), media.map_or("*/*", |media| &media.essence)));
        }
        if out.is_empty() {
            out.push(bytes(StatusMatch::Class(2), "*/*"));
        }
        self.resource(function, ty, "download", "The next bytes, as many as came; `none` at the end.")
    }

    /// The resource of a pager, in a result.
    pub(super) fn pager(&mut self, function: &Function<'_>, page: TypeId) -> TypeId {
        let resource = self.resource(function, page, "pager", "The next page; `none` behind the last.");
        self.schemas.shape(Shape::Result { ok: Some(resource), err: Some(self.error) })
    }

    /// The resource of a stream.
    fn resource(&mut self, function: &Function<'_>, item: TypeId, suffix: &str, docs: &str) -> TypeId {
        let next = self.schemas.option(item);
        let result = self.schemas.shape(Shape::Result { ok: Some(next), err: Some(self.error) });
        let docs = self.schemas.text(Some(docs.to_owned()));
        let next = Method { step: Step::Next, params: Vec::new(), result: Some(result), docs };
        // Operations are numbered as their functions are.
        let resource = Resource { operation: OperationId::new(function.number), methods: vec![next] };
        let what = match function.reply {
            Reply::Pages => "Responses that continue one another. Each is a call of its own.",
            _ => "A response that is read piece by piece. Dropped, it is given up.",
        };
        let docs = self.schemas.text(Some(what.to_owned()));
        let wish = Wish::Synthesized { function: function.shared, suffix: suffix.to_owned(), otherwise: "stream" };
        self.schemas.declare(Type { docs, ..Type::plain(Shape::Resource(resource)) }, wish)
    }

    fn stream_body(&mut self, function: &Function<'_>, media: &Media, framing: Framing) -> StreamBody {
        let views = self.schemas.views;
        let parts = item_parts(views, media);
        let said = parts.as_deref().map(|parts| views.flat(parts));
        // A document that calls the items strings, or says nothing, means the text of the body.
        let untold = said.as_ref().is_none_or(|flat| {
            flat.choices.is_empty() && flat.properties.is_empty() && (!flat.typed || flat.kinds == Kinds::STRING)
        });
        let (item, ty) = match (framing, &parts) {
            (Framing::Chunks, _) => (ItemEncoding::Binary, self.schemas.shape(Shape::Bytes)),
            (Framing::Events, _) if untold => (ItemEncoding::Event, self.sse_event()),
            (Framing::Lines, Some(_)) if untold && said.is_some_and(|flat| flat.typed) => {
                (ItemEncoding::Text, self.schemas.shape(Shape::String))
            }
            (_, Some(parts)) if !untold => {
                let whole = framing == Framing::Events && is_event(views, parts, 0);
                (if whole { ItemEncoding::Object } else { ItemEncoding::Json }, self.item_type(function, parts))
            }
            _ => (ItemEncoding::Json, self.schemas.json()),
        };
        let end = (framing == Framing::Events)
            .then(|| self.said_end(function, media).or_else(|| (item == ItemEncoding::Json).then(|| DONE.to_owned())));
        let media_type = media.essence.clone();
        StreamBody { media_type, framing, item, ty, end: end.flatten() }
    }

    fn item_type(&mut self, function: &Function<'_>, parts: &[Part]) -> TypeId {
        if self.schemas.unit(parts, Direction::Received, 0).is_some() {
            return self.schemas.json();
        }
        let root = Root::Function(function.shared, Role::Event);
        let at = At { direction: Direction::Received, context: Some(root.clone()), fallback: Origin::new(root) };
        let lowered = self.schemas.value(parts, &at);
        if lowered.nullable { self.schemas.option(lowered.ty) } else { lowered.ty }
    }

    /// Data that the document says to end the stream.
    fn said_end(&self, function: &Function<'_>, media: &Media) -> Option<String> {
        let tree = self.schemas.views.cx.tree;
        let of_media = tree.get_text(media.node, "x-speakeasy-sse-sentinel");
        let of_operation =
            || tree.get(function.view.node, "x-fern-streaming").and_then(|node| tree.get_text(node, "terminator"));
        of_media.or_else(of_operation).map(str::to_owned)
    }

    /// `record sse-event`
    fn sse_event(&mut self) -> TypeId {
        if let Some(known) = self.sse_event {
            return known;
        }
        let string = self.schemas.shape(Shape::String);
        let option = self.schemas.option(string);
        let mut field = |name: &str, ty, docs: &str| {
            let docs = self.schemas.text(Some(docs.to_owned()));
            Field { name: known_name(name), ty, docs }
        };
        let fields = vec![
            field("id", option, "The last id that the stream gave."),
            field("event", option, "Its type."),
            field("data", string, "The lines of its data."),
        ];
        let docs = self.schemas.text(Some("A server-sent event.".to_owned()));
        let ty = self.schemas.declare(Type { docs, ..Type::plain(Shape::Record(fields)) }, Wish::Fixed("sse-event"));
        self.sse_event = Some(ty);
        ty
    }
}

/// The schema of an item: `itemSchema`; else what the items of an array are, for a stream's `schema` speaks of all of it; else the
/// schema itself.
fn item_parts(views: &Views<'_>, media: &Media) -> Option<Vec<Part>> {
    if let Some(node) = media.item {
        return Some(vec![Part::whole(node)]);
    }
    let whole = vec![Part::whole(media.schema?)];
    let flat = views.flat(&whole);
    let is_list = flat.kinds == Kinds::ARRAY && flat.choices.is_empty() && !flat.items.is_empty();
    Some(if is_list { flat.items.clone() } else { whole })
}

/// Whether a schema describes an event as it is sent, and not what its data hold.
fn is_event(views: &Views<'_>, parts: &[Part], depth: usize) -> bool {
    let flat = views.flat(parts);
    if !flat.properties.iter().all(|property| EVENT_FIELDS.contains(&&*property.key)) {
        return false;
    }
    if !flat.choices.is_empty() {
        let arms = || flat.choices.iter().flat_map(|choice| &choice.arms);
        return depth < 4 && arms().count() <= 1_000 && arms().all(|arm| is_event(views, &[Part::whole(*arm)], depth + 1));
    }
    flat.is_object() && flat.properties.iter().any(|property| &*property.key == "data")
}

/// Sets the boolean member `stream` of a body, so that it is as the function says and no argument. Whether it is there.
pub(super) fn set_flag(views: &Views<'_>, node: NodeId, reply: Reply, fields: &mut Fields) -> bool {
    let streams = match reply {
        Reply::Value { beside: false } | Reply::Pages => return false,
        Reply::Value { beside: true } => false,
        Reply::Stream => true,
    };
    let flat = views.flat(&[Part::whole(node)]);
    let is_bool = |parts: &[Part]| views.flat(parts).kinds == Kinds::BOOL;
    let declared = flat.properties.iter().any(|property| &*property.key == FLAG && is_bool(&property.parts));
    // A body of nothing else stays as it is.
    let at = fields.members.iter().position(|member| member.key == FLAG).filter(|_| declared && fields.members.len() > 1);
    let Some(at) = at else { return false };
    let member = fields.members.remove(at);
    if streams || member.presence != Presence::Optional {
        fields.constants.push((FLAG.to_owned(), Literal::Bool(streams)));
    }
    true
}
