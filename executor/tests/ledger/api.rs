//! The API, as a frontend would make it.

use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::operation::http::{
    Body, BodyEncoding, BodyValue, HttpCall, ItemEncoding, Location, Method, MissingFrom, OkShape, Outcome, Parameter,
    ParameterEncoding, ParameterValue, PathPart, Response, ResponseBody, ResponseEncoding, StatusMatch, StreamBody, Style,
};
use witwire_ir::wire::{Wire, json, proto};
use witwire_ir::{
    Api, AuthKind, AuthMode, AuthRequirement, AuthScheme, Call, Check, Field, InDoubt, Interface, InterfaceId, PackageName,
    Param, Place, SchemeId, Shape, Step, Type, TypeId, TypeName, WitName,
};

use super::{Feed, Operation, Pages, Protocol, Stream};

fn name(text: &str) -> WitName {
    WitName::new(text).expect("a literal of this file")
}

struct Builder {
    api: Api,
    types: InterfaceId,
    /// Where operations are declared.
    ledger: InterfaceId,
    bearer: SchemeId,
    /// The type of the parameter `auth`, if there is one.
    auth: Option<TypeId>,
}

/// The ledger's API; `in_doubt` is the policy of its unsafe operation.
pub(crate) fn api(protocol: Protocol, in_doubt: InDoubt) -> Api {
    build(protocol, in_doubt, Variation::Plain)
}

/// The ledger's API with a last parameter `auth`, in which the guest passes a token.
pub(crate) fn guest_auth_api(protocol: Protocol) -> Api {
    build(protocol, InDoubt::default(), Variation::GuestAuth)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variation {
    Plain,
    GuestAuth,
}

fn build(protocol: Protocol, in_doubt: InDoubt, variation: Variation) -> Api {
    let package = PackageName { namespace: name("test"), name: name("ledger"), version: "1.2.0".to_owned() };
    let mut api = Api::new(
        package,
        match protocol {
            Protocol::Http => witwire_ir::Protocol::Http,
            Protocol::Grpc => witwire_ir::Protocol::Grpc,
        },
    );
    let interface = |text: &str| Interface {
        name: name(text),
        docs: None,
        types: Vec::new(),
        operations: Vec::new(),
        renames: Vec::new(),
    };
    let types = api.interfaces.push(interface("types"));
    let ledger = api.interfaces.push(interface("ledger"));
    let bearer = api.schemes.push(AuthScheme { name: "bearerAuth".to_owned(), kind: AuthKind::Bearer, record: None });
    let mut builder = Builder { api, types, ledger, bearer, auth: None };
    if variation == Variation::GuestAuth {
        let token = builder.plain(Shape::String);
        let fields = vec![Field { name: name("token"), ty: token, docs: None }];
        let record = builder.declare(types, "bearer-auth", Shape::Record(fields), Wire::Plain);
        builder.auth = Some(record);
        builder.api.auth_mode = AuthMode::Guest;
        builder.api.schemes[bearer].record = Some(record);
    }
    let error = match protocol {
        Protocol::Http => witwire_ir::host::http::declare(&mut builder.api, types, None),
        Protocol::Grpc => witwire_ir::host::grpc::declare(&mut builder.api, types),
    };
    builder.operations(protocol, in_doubt, error);
    if protocol == Protocol::Grpc {
        builder.ledger = builder.api.interfaces.push(interface("streams"));
        for stream in Stream::ALL {
            builder.stream(stream, in_doubt, error);
        }
    }
    if protocol == Protocol::Http {
        builder.ledger = builder.api.interfaces.push(interface("feeds"));
        for feed in Feed::ALL {
            builder.feed(feed, in_doubt, error);
        }
        builder.ledger = builder.api.interfaces.push(interface("pages"));
        let string = builder.plain(Shape::String);
        let (next, number) = (builder.plain(Shape::Option(string)), builder.plain(Shape::U64));
        let page = builder.page(number, next);
        for pages in Pages::ALL {
            builder.pages(pages, page, next, in_doubt, error);
        }
    }
    builder.api.check().expect("a sound API");
    builder.api
}

impl Builder {
    fn plain(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    fn declare(&mut self, interface: InterfaceId, type_name: &str, shape: Shape, wire: Wire) -> TypeId {
        let ty = Type { name: Some(TypeName { interface, name: name(type_name) }), wire, ..Type::plain(shape) };
        let id = self.api.types.push(ty);
        self.api.interfaces[interface].types.push(id);
        id
    }

    fn record(&mut self, protocol: Protocol, record: &str, fields: &[(&str, TypeId, proto::Scalar)]) -> TypeId {
        let slots = fields.iter().map(|(n, ty, _)| Field { name: name(n), ty: *ty, docs: None }).collect();
        let wire = match protocol {
            Protocol::Http => Wire::Json(json::Json::Object(object(fields.iter().map(|(n, ..)| *n)))),
            Protocol::Grpc => Wire::Message(proto::Message {
                full_name: format!("test.{record}"),
                fields: (1..)
                    .zip(fields)
                    .map(|(number, (n, _, scalar))| proto::Field::Singular {
                        number,
                        name: (*n).to_owned(),
                        codec: proto::Codec::Scalar(*scalar),
                        presence: proto::Presence::Implicit,
                    })
                    .collect(),
            }),
        };
        self.declare(self.types, record, Shape::Record(slots), wire)
    }

    fn operations(&mut self, protocol: Protocol, in_doubt: InDoubt, error: TypeId) {
        let id = self.api.types.push(Type { checks: vec![Check::MaxLength(8)], ..Type::plain(Shape::String) });
        let (text, number) = (self.plain(Shape::String), self.plain(Shape::U64));
        let entry =
            self.record(protocol, "entry", &[("id", id, proto::Scalar::String), ("text", text, proto::Scalar::String)]);
        let receipt = self.record(protocol, "receipt", &[("number", number, proto::Scalar::Uint64)]);
        let result = self.plain(Shape::Result { ok: Some(receipt), err: Some(error) });
        for operation in Operation::ALL {
            let by_id = protocol == Protocol::Http && operation == Operation::Look;
            let call = match protocol {
                Protocol::Http => Call::Http(http_call(operation, id, entry, receipt)),
                Protocol::Grpc => Call::Grpc(GrpcCall {
                    path: format!("/test.Ledger/{}", operation.name()),
                    kind: StreamKind::Unary,
                    request: Some(entry),
                    response: Some(receipt),
                }),
            };
            let param = if by_id { ("id", id) } else { ("request", entry) };
            self.operation(operation.name(), vec![param], result, call, operation.class(in_doubt));
        }
    }

    /// A function that opens a stream.
    fn stream(&mut self, stream: Stream, in_doubt: InDoubt, error: TypeId) {
        let [entry, receipt] =
            ["entry", "receipt"].map(|n| self.api.types.iter().find(|(_, t)| named(t, n)).expect("declared before").0);
        let kind = stream.kind();
        let item = || vec![Param { name: name("item"), ty: entry }];
        let mut methods = Vec::new();
        let mut add = |step, params, result| methods.push(witwire_ir::Method { step, params, result, docs: None });
        let done = self.plain(Shape::Result { ok: None, err: Some(error) });
        let receipts = self.plain(Shape::List(receipt));
        let optional = self.plain(Shape::Option(receipt));
        let next = self.plain(Shape::Result { ok: Some(optional), err: Some(error) });
        let max = self.plain(Shape::U32);
        match kind {
            StreamKind::ClientStreaming => {
                let finished = self.plain(Shape::Result { ok: Some(receipt), err: Some(error) });
                add(Step::Send, item(), Some(done));
                add(Step::Finish, Vec::new(), Some(finished));
            }
            StreamKind::Bidirectional => {
                add(Step::Send, item(), Some(done));
                add(Step::CloseSend, Vec::new(), Some(done));
                add(Step::Next, Vec::new(), Some(next));
                add(Step::Cancel, Vec::new(), None);
            }
            _ => {
                let batch = self.plain(Shape::Result { ok: Some(receipts), err: Some(error) });
                add(Step::Next, Vec::new(), Some(next));
                add(Step::NextBatch, vec![Param { name: name("max"), ty: max }], Some(batch));
            }
        }
        let operation = witwire_ir::Id::new(self.api.operations.len());
        let resource = Shape::Resource(witwire_ir::Resource { operation, methods });
        let resource = self.declare(self.ledger, &format!("{}-stream", stream.name()), resource, Wire::Plain);
        let result = self.plain(Shape::Result { ok: Some(resource), err: Some(error) });
        let path = format!("/test.Streams/{}", stream.name());
        let call = Call::Grpc(GrpcCall { path, kind, request: Some(entry), response: Some(receipt) });
        let params = if kind.takes_request() { vec![("request", entry)] } else { Vec::new() };
        self.operation(stream.name(), params, result, call, stream.class(in_doubt));
    }

    /// `record page { number: u64, next: option<string> }`
    fn page(&mut self, number: TypeId, next: TypeId) -> TypeId {
        let field = |n: &str, ty| Field { name: name(n), ty, docs: None };
        let mut object = object(["number", "next"].into_iter());
        object.members[1].presence = json::Presence::Optional;
        let fields = Shape::Record(vec![field("number", number), field("next", next)]);
        self.declare(self.types, "page", fields, Wire::Json(json::Json::Object(object)))
    }

    /// A function that gives a pager.
    fn pages(&mut self, pages: Pages, page: TypeId, cursor: TypeId, in_doubt: InDoubt, error: TypeId) {
        let id = self.plain(Shape::String);
        let optional = self.plain(Shape::Option(page));
        let next = self.plain(Shape::Result { ok: Some(optional), err: Some(error) });
        let methods = vec![witwire_ir::Method { step: Step::Next, params: Vec::new(), result: Some(next), docs: None }];
        let operation = witwire_ir::Id::new(self.api.operations.len());
        let resource = Shape::Resource(witwire_ir::Resource { operation, methods });
        let resource = self.declare(self.ledger, &format!("{}-pager", pages.name()), resource, Wire::Plain);
        let result = self.plain(Shape::Result { ok: Some(resource), err: Some(error) });
        let mut call = HttpCall {
            method: pages.method(),
            path: vec![PathPart::Literal(format!("/pages/{}/", pages.name())), PathPart::Parameter(0)],
            template: format!("/pages/{}/{{id}}", pages.name()),
            pager: Some(pages.pager()),
            ..http_call(Operation::Look, id, id, page)
        };
        let mut params = vec![("id", id)];
        if pages != Pages::Url {
            params.push(("cursor", cursor));
            call.parameters.push(Parameter {
                name: "cursor".to_owned(),
                location: Location::Query,
                encoding: ParameterEncoding::Text,
                value: ParameterValue::Argument { place: Place::argument(1), ty: cursor },
            });
        }
        self.operation(pages.name(), params, result, Call::Http(call), pages.class(in_doubt));
    }

    /// A function whose response is read item by item.
    fn feed(&mut self, feed: Feed, in_doubt: InDoubt, error: TypeId) {
        let receipt = self.api.types.iter().find(|(_, t)| named(t, "receipt")).expect("declared before").0;
        let (id, text, bytes) = (self.plain(Shape::String), self.plain(Shape::String), self.plain(Shape::Bytes));
        let (media_type, framing, item) = feed.framing();
        let ty = match item {
            ItemEncoding::Event => {
                let optional = self.plain(Shape::Option(text));
                let field = |n: &str, ty| Field { name: name(n), ty, docs: None };
                let fields = vec![field("id", optional), field("event", optional), field("data", text)];
                self.declare(self.types, "sse-event", Shape::Record(fields), Wire::Plain)
            }
            ItemEncoding::Binary => bytes,
            _ => receipt,
        };
        let optional = self.plain(Shape::Option(ty));
        let next = self.plain(Shape::Result { ok: Some(optional), err: Some(error) });
        let methods = vec![witwire_ir::Method { step: Step::Next, params: Vec::new(), result: Some(next), docs: None }];
        let operation = witwire_ir::Id::new(self.api.operations.len());
        let resource = Shape::Resource(witwire_ir::Resource { operation, methods });
        let resource = self.declare(self.ledger, &format!("{}-feed", feed.name()), resource, Wire::Plain);
        let result = self.plain(Shape::Result { ok: Some(resource), err: Some(error) });
        let end = (feed == Feed::Ask).then(|| "[DONE]".to_owned());
        let stream = StreamBody { media_type: media_type.to_owned(), framing, item, ty, end };
        let template = format!("/feeds/{}/{{id}}", feed.name());
        let call = HttpCall {
            method: feed.method(),
            path: vec![PathPart::Literal(format!("/feeds/{}/", feed.name())), PathPart::Parameter(0)],
            accept: vec![media_type.to_owned()],
            responses: vec![Response {
                status: StatusMatch::Exact(200),
                outcome: Outcome::Ok { case: None, shape: OkShape::Stream(stream) },
            }],
            template,
            ..http_call(Operation::Look, id, id, receipt)
        };
        self.operation(feed.name(), vec![("id", id)], result, Call::Http(call), feed.class(in_doubt));
    }

    fn operation(
        &mut self,
        function: &str,
        mut params: Vec<(&str, TypeId)>,
        result: TypeId,
        call: Call,
        class: witwire_ir::CallClass,
    ) {
        let guest = self.auth.map(|_| Place::argument(params.len() as u16));
        params.extend(self.auth.map(|auth| ("auth", auth)));
        let id = self.api.operations.push(witwire_ir::Operation {
            interface: self.ledger,
            name: name(function),
            params: params.into_iter().map(|(n, ty)| Param { name: name(n), ty }).collect(),
            result,
            call,
            class,
            // The host may send credentials, and need not.
            auth: AuthRequirement { alternatives: vec![vec![self.bearer]], optional: guest.is_none(), guest },
            source: None,
            docs: None,
            deprecated: false,
        });
        self.api.interfaces[self.ledger].operations.push(id);
    }
}

fn named(ty: &Type, wanted: &str) -> bool {
    ty.name.as_ref().is_some_and(|n| n.name.as_str() == wanted)
}

fn object<'a>(keys: impl Iterator<Item = &'a str>) -> json::Object {
    let member = |(slot, key): (u16, &str)| json::Member { key: key.to_owned(), slot, presence: json::Presence::Required };
    json::Object { members: (0..).zip(keys).map(member).collect(), constants: Vec::new(), additional: None }
}

fn http_call(operation: Operation, id: TypeId, entry: TypeId, receipt: TypeId) -> HttpCall {
    let (method, template) = match operation {
        Operation::Look => (Method::Get, "/entries/{id}"),
        Operation::Store => (Method::Put, "/entries"),
        Operation::Pay => (Method::Post, "/payments"),
        Operation::Post => (Method::Post, "/messages"),
    };
    let by_id = operation == Operation::Look;
    let style = ParameterEncoding::Style { style: Style::Simple, explode: false, allow_reserved: false };
    let parameter = Parameter {
        name: "id".to_owned(),
        location: Location::Path,
        encoding: style,
        value: ParameterValue::Argument { place: Place::argument(0), ty: id },
    };
    HttpCall {
        method,
        template: template.to_owned(),
        servers: Vec::new(),
        path: if by_id {
            vec![PathPart::Literal("/entries/".to_owned()), PathPart::Parameter(0)]
        } else {
            vec![PathPart::Literal(template.to_owned())]
        },
        fixed_query: None,
        parameters: if by_id { vec![parameter] } else { Vec::new() },
        body: (!by_id).then(|| Body {
            media_type: "application/json".to_owned(),
            media_type_from: None,
            encoding: BodyEncoding::Json,
            value: BodyValue::Whole { place: Place::argument(0), ty: entry },
            required: true,
        }),
        accept: vec!["application/json".to_owned()],
        responses: vec![Response {
            status: StatusMatch::Exact(200),
            outcome: Outcome::Ok {
                case: None,
                shape: OkShape::Body(ResponseBody {
                    media_type: "application/json".to_owned(),
                    encoding: ResponseEncoding::Json,
                    ty: receipt,
                    unwrap: None,
                }),
            },
        }],
        pager: None,
        missing: MissingFrom::default(),
    }
}
