//! An HTTP operation, and every way in which it can contradict its function.

use witwire_ir::operation::http::{
    Body, BodyEncoding, BodyValue, ErrorBody, Framing, HttpCall, ItemEncoding, Location, MediaTypeChoice, Method,
    MissingFrom, OkShape, Outcome, Pager, Parameter, ParameterEncoding, ParameterValue, PathPart, Response, ResponseBody,
    ResponseEncoding, ResponseHeader, StatusMatch, StreamBody,
};
use witwire_ir::operation::{Call, CallClass, Place};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::wire::json::{Literal, Member, Object, Presence};
use witwire_ir::{
    Api, Check, Id, InterfaceId, OperationId, Param, Protocol, Resource, Rule, Schema, Shape, Step, TypeId, Value, host,
};

use crate::small::{Builder, case, labels};

fn response_body(ty: TypeId) -> ResponseBody {
    ResponseBody { media_type: "application/json".to_owned(), encoding: ResponseEncoding::Json, ty, unwrap: None }
}

/// `put: func(id: string, request: put-request) -> result<put-response, error>`, whose request holds a query parameter, a choice of
/// media type and the body's members, and whose response has a case with a header.
fn api() -> Api {
    let mut b = Builder::new();
    b.api.protocol = Protocol::Http;
    let types = b.interface("types", None);
    let string = b.inline(Shape::String);
    let option = b.inline(Shape::Option(string));
    let list = b.inline(Shape::List(string));
    let fields = b.fields(&[("reason", string, None)]);
    let problem = b.declare(types, "problem", None, fields);
    let cases = Shape::Variant(vec![case("problem", Some(problem)), case("other", Some(string))]);
    let error_body = b.declare(types, "error-body", None, cases);
    host::http::declare(&mut b.api, types, Some(error_body));

    let media_type = b.declare(types, "media-type", None, Shape::Enum(labels(&["json", "merge"])));
    let fields = b.fields(&[
        ("verbose", option, None),
        ("media-type", media_type, None),
        ("title", option, None),
        ("tags", list, None),
        ("owner", string, None),
    ]);
    let request = b.declare(types, "put-request", None, fields);
    let fields = b.fields(&[("body", string, None), ("version", option, None)]);
    let created = b.declare(types, "put-created", None, fields);
    let cases = Shape::Variant(vec![case("ok", Some(string)), case("created", Some(created)), case("no-content", None)]);
    let ok = b.declare(types, "put-response", None, cases);
    let err = b.api.host.as_ref().map(|h| h.error);
    let result = b.inline(Shape::Result { ok: Some(ok), err });
    let id = b.operation(types, "put", &[("id", string), ("request", request)], result);

    let member = |key: &str, slot, presence| Member { key: key.to_owned(), slot, presence };
    let schema = b.api.schemas.push(Schema { json: "{}".to_owned(), pointer: "#".to_owned() });
    let parameter = |name: &str, location, place, ty| Parameter {
        name: name.to_owned(),
        location,
        encoding: ParameterEncoding::Text,
        value: ParameterValue::Argument { place, ty },
    };
    let success = |status, case, shape| Response { status, outcome: Outcome::Ok { case: Some(case), shape } };
    let failure = |status, case, ty| Response {
        status,
        outcome: Outcome::Error { body: Some(ErrorBody { body: response_body(ty), case: Some(case) }) },
    };
    let operation = &mut b.api.operations[id];
    operation.class = CallClass::Idempotent;
    operation.call = Call::Http(HttpCall {
        method: Method::Put,
        template: "/things/{id}".to_owned(),
        servers: vec![],
        path: vec![PathPart::Literal("/things/".to_owned()), PathPart::Parameter(0)],
        fixed_query: None,
        parameters: vec![
            parameter("id", Location::Path, Place::argument(0), string),
            parameter("verbose", Location::Query, Place::slot(1, 0), option),
        ],
        body: Some(Body {
            media_type: "application/json".to_owned(),
            media_type_from: Some(MediaTypeChoice { place: Place::slot(1, 1), media_types: vec![String::new(); 2] }),
            encoding: BodyEncoding::Json,
            value: BodyValue::Members {
                argument: 1,
                ty: request,
                object: Object {
                    members: vec![
                        member("owner", 4, Presence::Required),
                        member("title", 2, Presence::Optional),
                        member("tags", 3, Presence::Optional),
                    ],
                    constants: vec![("kind".to_owned(), Literal::Bool(true))],
                    additional: None,
                },
                checks: vec![Check::MinProperties(3), Check::Schema(schema)],
            },
            required: true,
        }),
        accept: vec![],
        responses: vec![
            success(StatusMatch::Exact(200), 0, OkShape::Body(response_body(string))),
            success(
                StatusMatch::Exact(201),
                1,
                OkShape::Record {
                    ty: created,
                    body: Some((0, response_body(string))),
                    headers: vec![ResponseHeader { name: "etag".to_owned(), slot: 1, ty: option }],
                },
            ),
            success(StatusMatch::Class(2), 2, OkShape::None),
            failure(StatusMatch::Class(4), 0, problem),
            failure(StatusMatch::Default, 1, string),
        ],
        pager: None,
        missing: MissingFrom { resource: "things".to_owned(), id: Some(0) },
    });
    b.api
}

fn call(api: &mut Api) -> &mut HttpCall {
    match &mut api.operations[Id::new(0)].call {
        Call::Http(call) => call,
        Call::Grpc(_) => panic!("an HTTP API"),
    }
}

fn ok_shape(api: &mut Api, response: usize) -> (&mut Option<u16>, &mut OkShape) {
    match &mut call(api).responses[response].outcome {
        Outcome::Ok { case, shape } => (case, shape),
        Outcome::Error { .. } => panic!("a success"),
    }
}

fn error_case(api: &mut Api, response: usize) -> &mut Option<u16> {
    match &mut call(api).responses[response].outcome {
        Outcome::Error { body: Some(body) } => &mut body.case,
        _ => panic!("an error with a body"),
    }
}

fn members(api: &mut Api) -> (&mut u16, &mut TypeId, &mut Object) {
    match &mut call(api).body.as_mut().unwrap().value {
        BodyValue::Members { argument, ty, object, .. } => (argument, ty, object),
        _ => panic!("a flattened body"),
    }
}

#[track_caller]
fn breaks(rule: Rule, change: impl FnOnce(&mut Api)) {
    let mut api = api();
    change(&mut api);
    let rules: Vec<Rule> = api.check().err().into_iter().flatten().map(|c| c.rule).collect();
    assert_eq!(rules, [rule]);
}

/// The type of `problem`, which nothing else here has.
fn other(api: &Api) -> TypeId {
    let named = |id: &TypeId| api.types[*id].name.as_ref().is_some_and(|n| n.name.as_str() == "problem");
    api.types.ids().find(named).unwrap()
}

#[test]
fn it_fits() {
    assert_eq!(api().check(), Ok(()));
    assert_eq!(api().prune(|_, _| true).check(), Ok(()));
}

#[test]
fn parameters_fit() {
    let value = |api: &mut Api, i: usize, place: Place| match &mut call(api).parameters[i].value {
        ParameterValue::Argument { place: p, .. } => *p = place,
        ParameterValue::Fixed(_) => panic!("an argument"),
    };
    breaks(Rule::Place, |api| value(api, 0, Place::argument(1)));
    breaks(Rule::Place, |api| value(api, 0, Place::argument(2)));
    breaks(Rule::Place, |api| value(api, 1, Place::slot(1, 3)));
    breaks(Rule::Place, |api| value(api, 1, Place::slot(0, 0)));
    breaks(Rule::Place, |api| call(api).path.push(PathPart::Parameter(2)));
    breaks(Rule::Place, |api| call(api).path.push(PathPart::Parameter(1)));
    breaks(Rule::Place, |api| call(api).missing.id = Some(1));
}

#[test]
fn bodies_fit() {
    breaks(Rule::Place, |api| *members(api).0 = 0);
    breaks(Rule::Place, |api| *members(api).0 = 7);
    breaks(Rule::Place, |api| {
        let problem = other(api);
        *members(api).1 = problem;
    });
    breaks(Rule::Wire, |api| members(api).2.members[0].slot = 5);
    breaks(Rule::Wire, |api| members(api).2.members[0].slot = 2);
    breaks(Rule::Wire, |api| members(api).2.members[0].presence = Presence::Nullable);
    breaks(Rule::Wire, |api| members(api).2.additional = Some(0));
    breaks(Rule::Ids, |api| match &mut call(api).body.as_mut().unwrap().value {
        BodyValue::Members { checks, .. } => checks.push(Check::Schema(Id::new(1))),
        _ => panic!("a flattened body"),
    });
    let choice =
        |api: &mut Api, f: fn(&mut MediaTypeChoice)| f(call(api).body.as_mut().unwrap().media_type_from.as_mut().unwrap());
    breaks(Rule::Place, |api| choice(api, |c| c.media_types.truncate(1)));
    breaks(Rule::Place, |api| choice(api, |c| c.place = Place::slot(1, 0)));
    breaks(Rule::Place, |api| {
        let ty = other(api);
        call(api).body.as_mut().unwrap().value = BodyValue::Whole { place: Place::argument(1), ty };
    });
}

#[test]
fn responses_fit() {
    breaks(Rule::Call, |api| call(api).responses[0].status = StatusMatch::Exact(600));
    breaks(Rule::Call, |api| call(api).responses[0].status = StatusMatch::Class(0));
    breaks(Rule::Call, |api| *ok_shape(api, 0).0 = Some(3));
    breaks(Rule::Call, |api| *ok_shape(api, 0).0 = Some(1));
    breaks(Rule::Call, |api| *ok_shape(api, 0).0 = None);
    breaks(Rule::Call, |api| *ok_shape(api, 0).1 = OkShape::None);
    breaks(Rule::Call, |api| *ok_shape(api, 2).0 = Some(0));
    let record = |api: &mut Api, f: fn(&mut u16, &mut u16)| match ok_shape(api, 1).1 {
        OkShape::Record { body: Some((body, _)), headers, .. } => f(body, &mut headers[0].slot),
        _ => panic!("a record with a body"),
    };
    breaks(Rule::Call, |api| record(api, |body, _| *body = 2));
    breaks(Rule::Call, |api| record(api, |_, header| *header = 0));
    breaks(Rule::Call, |api| *error_case(api, 3) = Some(2));
    breaks(Rule::Call, |api| *error_case(api, 3) = Some(1));
    breaks(Rule::Call, |api| *error_case(api, 3) = None);
}

/// `watch: func() -> result<watch-events, error>`, whose items are `sse-event`.
fn streaming(framing: Framing, item: ItemEncoding, item_shape: impl FnOnce(&mut Builder, InterfaceId) -> TypeId) -> Api {
    let mut b = Builder::new();
    b.api.protocol = Protocol::Http;
    let types = b.interface("types", None);
    let error = host::http::declare(&mut b.api, types, None);
    let ty = item_shape(&mut b, types);
    let next = b.inline(Shape::Option(ty));
    let next = b.inline(Shape::Result { ok: Some(next), err: Some(error) });
    let next = witwire_ir::Method { step: Step::Next, params: vec![], result: Some(next), docs: None };
    let resource = Shape::Resource(Resource { operation: Id::new(0), methods: vec![next] });
    let resource = b.declare(types, "watch-events", None, resource);
    let result = b.inline(Shape::Result { ok: Some(resource), err: Some(error) });
    let id = b.operation(types, "watch", &[], result);
    let stream = StreamBody { media_type: "text/event-stream".to_owned(), framing, item, ty, end: None };
    b.api.operations[id].call = Call::Http(HttpCall {
        method: Method::Get,
        template: "/events".to_owned(),
        servers: vec![],
        path: vec![PathPart::Literal("/events".to_owned())],
        fixed_query: None,
        parameters: vec![],
        body: None,
        accept: vec![],
        responses: vec![Response {
            status: StatusMatch::Exact(200),
            outcome: Outcome::Ok { case: None, shape: OkShape::Stream(stream) },
        }],
        pager: None,
        missing: MissingFrom::default(),
    });
    b.api
}

fn sse_event(b: &mut Builder, types: InterfaceId) -> TypeId {
    let string = b.inline(Shape::String);
    let option = b.inline(Shape::Option(string));
    let fields = b.fields(&[("id", option, None), ("event", option, None), ("data", string, None)]);
    b.declare(types, "sse-event", None, fields)
}

#[test]
fn streams_fit() {
    let string = |b: &mut Builder, _| b.inline(Shape::String);
    let bytes = |b: &mut Builder, _| b.inline(Shape::Bytes);
    let rules = |api: &Api| api.check().err().into_iter().flatten().map(|c| c.rule).collect::<Vec<_>>();
    let sound = [
        streaming(Framing::Events, ItemEncoding::Event, sse_event),
        streaming(Framing::Events, ItemEncoding::Json, string),
        streaming(Framing::Lines, ItemEncoding::Text, string),
        streaming(Framing::Records, ItemEncoding::Json, sse_event),
        streaming(Framing::Chunks, ItemEncoding::Binary, bytes),
    ];
    for api in &sound {
        assert_eq!(api.check(), Ok(()));
        let file = witwire_ir::container::write(&witwire_ir::container::Bundle { apis: vec![api.clone()] });
        assert_eq!(witwire_ir::container::read(&file).as_ref().map(|bundle| bundle.apis.as_slice()), Ok(&[api.clone()][..]));
        assert_eq!(api.prune(|_, _| true).check(), Ok(()));
    }
    // Another type than the encoding gives, and framings that have no such items.
    for api in [
        streaming(Framing::Events, ItemEncoding::Event, string),
        streaming(Framing::Lines, ItemEncoding::Text, bytes),
        streaming(Framing::Lines, ItemEncoding::Event, sse_event),
        streaming(Framing::Records, ItemEncoding::Text, string),
        streaming(Framing::Lines, ItemEncoding::Binary, bytes),
        streaming(Framing::Chunks, ItemEncoding::Json, string),
    ] {
        assert_eq!(rules(&api), [Rule::Call]);
    }
    let mut other_item = streaming(Framing::Events, ItemEncoding::Json, string);
    let ty = host_error(&other_item);
    match ok_shape(&mut other_item, 0).1 {
        OkShape::Stream(stream) => stream.ty = ty,
        _ => panic!("a stream"),
    }
    assert_eq!(rules(&other_item), [Rule::Call]);
    // A resource for what is a value, and no response at all behind one.
    let mut value = streaming(Framing::Events, ItemEncoding::Json, string);
    *ok_shape(&mut value, 0).1 = OkShape::Body(response_body(ty));
    assert_eq!(rules(&value), [Rule::Call]);
    call(&mut value).responses.clear();
    assert_eq!(rules(&value), [Rule::Call]);
    // A stream of what returns a value.
    breaks(Rule::Call, |api| {
        let ty = other(api);
        let stream =
            StreamBody { media_type: String::new(), framing: Framing::Lines, item: ItemEncoding::Json, ty, end: None };
        *ok_shape(api, 0).1 = OkShape::Stream(stream);
    });
}

/// `list: func(cursor: option<string>, request: option<list-request>) -> result<list-pager, error>`; a page is
/// `{items, next?, mark?, meta?: {total}}`, the request `{page?: u32, filter?: string}`.
fn paged(pager: Pager) -> Api {
    let mut b = Builder::new();
    b.api.protocol = Protocol::Http;
    let types = b.interface("types", None);
    let error = host::http::declare(&mut b.api, types, None);
    let [text, narrow, wide] = [Shape::String, Shape::U32, Shape::S64].map(|shape| b.inline(shape));
    let [text_, narrow_, wide_] = [text, narrow, wide].map(|ty| b.inline(Shape::Option(ty)));
    let list = b.inline(Shape::List(text));
    let fields = b.fields(&[("total", wide, None)]);
    let meta = b.declare(types, "meta", None, fields);
    let meta_ = b.inline(Shape::Option(meta));
    let fields = b.fields(&[("items", list, None), ("next", text_, None), ("mark", wide_, None), ("meta", meta_, None)]);
    let page = b.declare(types, "page", None, fields);
    let fields = b.fields(&[("page", narrow_, None), ("filter", text_, None)]);
    let request = b.declare(types, "list-request", None, fields);
    let request_ = b.inline(Shape::Option(request));
    let next = b.inline(Shape::Option(page));
    let next = b.inline(Shape::Result { ok: Some(next), err: Some(error) });
    let next = witwire_ir::Method { step: Step::Next, params: vec![], result: Some(next), docs: None };
    let resource = Shape::Resource(Resource { operation: Id::new(0), methods: vec![next] });
    let resource = b.declare(types, "list-pager", None, resource);
    let result = b.inline(Shape::Result { ok: Some(resource), err: Some(error) });
    let id = b.operation(types, "list", &[("cursor", text_), ("request", request_)], result);
    b.api.operations[id].call = Call::Http(HttpCall {
        method: Method::Get,
        template: "/things".to_owned(),
        servers: vec![],
        path: vec![PathPart::Literal("/things".to_owned())],
        fixed_query: None,
        parameters: vec![],
        body: None,
        accept: vec![],
        responses: vec![Response {
            status: StatusMatch::Exact(200),
            outcome: Outcome::Ok { case: None, shape: OkShape::Body(response_body(page)) },
        }],
        pager: Some(pager),
        missing: MissingFrom::default(),
    });
    b.api
}

#[test]
fn pagers_fit() {
    let url = |slots: &[u16]| Pager::Url { url: slots.to_vec() };
    let cursor = |slots: &[u16], argument| Pager::Cursor { cursor: slots.to_vec(), argument };
    let page = |argument, items: Option<&[u16]>, pages: Option<&[u16]>| {
        let [items, pages] = [items, pages].map(|slots| slots.map(<[u16]>::to_vec));
        Pager::Page { argument, first: 1, items, pages }
    };
    let offset = |argument, items: &[u16], limit| Pager::Offset { argument, first: 0, items: items.to_vec(), limit };
    let (text, filter, number) = (Place::argument(0), Place::slot(1, 1), Place::slot(1, 0));
    for pager in [
        url(&[1]),
        Pager::Link { header: vec![1] },
        cursor(&[1], text.clone()),
        cursor(&[1], filter.clone()),
        cursor(&[2], number.clone()),
        page(number.clone(), Some(&[0]), Some(&[3, 0])),
        page(number.clone(), Some(&[0]), None),
        page(number.clone(), None, Some(&[2])),
        offset(number.clone(), &[0], Some(number.clone())),
        offset(number.clone(), &[0], None),
    ] {
        let api = paged(pager.clone());
        assert_eq!(api.check(), Ok(()), "{pager:?}");
        let file = witwire_ir::container::write(&witwire_ir::container::Bundle { apis: vec![api.clone()] });
        assert_eq!(witwire_ir::container::read(&file).as_ref().map(|bundle| bundle.apis.as_slice()), Ok(&[api][..]));
    }
    for pager in [
        // No slot, one too many, or none at all.
        url(&[4]),
        url(&[u16::MAX]),
        url(&[1, 0]),
        url(&[3, 1]),
        url(&[]),
        Pager::Link { header: vec![9] },
        page(number.clone(), Some(&[4]), None),
        page(number.clone(), None, Some(&[3, 1])),
        offset(number.clone(), &[4], None),
        // What stands there is of another kind.
        url(&[0]),
        Pager::Link { header: vec![2] },
        cursor(&[0], text.clone()),
        cursor(&[2], text.clone()),
        cursor(&[1], number.clone()),
        page(number.clone(), Some(&[1]), None),
        page(number.clone(), None, Some(&[1])),
        offset(number.clone(), &[3], None),
        // The argument is not there, or of another kind.
        cursor(&[1], Place::argument(2)),
        cursor(&[1], Place::argument(1)),
        cursor(&[1], Place::slot(0, 0)),
        cursor(&[1], Place::slot(1, 2)),
        page(text.clone(), Some(&[0]), None),
        offset(Place::slot(1, 2), &[0], None),
        offset(number.clone(), &[0], Some(filter)),
        offset(number.clone(), &[0], Some(Place::argument(7))),
        // No page would be the last.
        page(number, None, None),
    ] {
        assert_eq!(rules_of(&paged(pager.clone())), [Rule::Place], "{pager:?}");
    }
    let rules = |change: &dyn Fn(&mut Api)| {
        let mut api = paged(Pager::Url { url: vec![1] });
        change(&mut api);
        rules_of(&api)
    };
    // A request that may be absent, and of which something must be given, cannot be made for the page behind the first.
    let mut needy = paged(cursor(&[1], Place::slot(1, 1)));
    let (text, request) = (Shape::String, needy.operations[OperationId::new(0)].params[1].ty);
    let text = needy.types.push(witwire_ir::Type::plain(text));
    let Shape::Option(record) = needy.types[request].shape else { panic!("an option") };
    let Shape::Record(fields) = &mut needy.types[record].shape else { panic!("a record") };
    fields[1].ty = text;
    assert_eq!(rules_of(&needy), [Rule::Place]);
    needy.operations[OperationId::new(0)].params[1].ty = record;
    assert_eq!(needy.check(), Ok(()));
    // Only a GET has URLs for pages; a pager without responses, or of what is no resource.
    assert_eq!(rules(&|api| call(api).method = Method::Post), [Rule::Call]);
    assert_eq!(rules(&|api| call(api).responses.clear()), [Rule::Call]);
    assert_eq!(rules(&|api| call(api).pager = None), [Rule::Call]);
    let mut value = api();
    call(&mut value).pager = Some(Pager::Url { url: vec![1] });
    assert_eq!(rules_of(&value), [Rule::Call]);
}

fn rules_of(api: &Api) -> Vec<Rule> {
    api.check().err().into_iter().flatten().map(|c| c.rule).collect()
}

fn host_error(api: &Api) -> TypeId {
    api.host.as_ref().expect("there are functions").error
}

#[test]
fn the_host_has_a_slot_for_error_bodies() {
    breaks(Rule::Host, |api| api.host.as_mut().unwrap().error_body = None);
    breaks(Rule::Host, |api| {
        let problem = other(api);
        api.host.as_mut().unwrap().error_body = Some(problem);
    });
}

#[test]
fn an_example_keeps_the_bodys_rules() {
    let api = api();
    let operation = &api.operations[OperationId::new(0)];
    for seed in 0..64 {
        let args = sample_arguments(&api, operation, &mut SplitMix64::new(seed));
        assert!(operation.params.iter().zip(&args).all(|(Param { ty, .. }, v)| v.conforms(&api, *ty).is_ok()));
        let Value::Record(slots) = &args[1] else { panic!("a record") };
        // Of three members two are always there, so the third must be.
        assert_ne!(slots[2], Value::none(), "seed {seed}");
    }
}
