//! From a page to the call of the next one.

use witwire_interpreter::Plan;
use witwire_ir::operation::http::{
    HttpCall, Location, Method, OkShape, Outcome, Pager, Parameter, ParameterValue, Response as Declared, ResponseBody,
    ResponseEncoding, ResponseHeader, StatusMatch, Style,
};
use witwire_ir::wire::json::Presence;
use witwire_ir::{
    Api, AuthKind, AuthScheme, CallClass, Id, KeyFormat, KeyHeader, OperationId, Place, Resource, Shape, Step, Type,
    TypeName, Value, host, wave,
};

use crate::http::build::{Builder, call, name, ok, parameter, response, style};

/// Slots of the request.
const CURSOR: u16 = 0;
const MARK: u16 = 1;
const PAGE: u16 = 2;
const LIMIT: u16 = 3;

/// `list: func(request: option<things-request>) -> result<list-pager, error>`, `GET /things`, whose members are query parameters. A page
/// is `{items?, next?, mark?, total?, meta: {next?}?}`; with the header `Link` where that is followed.
struct Things {
    plan: Plan,
    operation: OperationId,
}

impl Things {
    fn new(pager: Pager) -> Self {
        Self::with(pager, |_, _| ())
    }

    fn with(pager: Pager, change: impl FnOnce(&mut Api, OperationId)) -> Self {
        let mut b = Builder::new();
        let [text, signed, unsigned, wide] = [Shape::String, Shape::S32, Shape::U32, Shape::S64].map(|s| b.plain(s));
        let [text_, signed_, unsigned_, wide_] = [text, signed, unsigned, wide].map(|ty| b.option(ty));
        let list = b.list(text);
        let list_ = b.option(list);
        let optional = Presence::Optional;
        let members = [
            ("cursor", text_, optional),
            ("mark", signed_, optional),
            ("page", unsigned_, optional),
            ("limit", wide_, optional),
        ];
        let request = b.record("things-request", &members);
        let request_ = b.option(request);
        let meta = b.record("things-meta", &[("next", text_, optional)]);
        let meta_ = b.option(meta);
        let page = b.record(
            "things-page",
            &[
                ("items", list_, optional),
                ("next", text_, optional),
                ("mark", wide_, optional),
                ("total", unsigned_, optional),
                ("meta", meta_, optional),
            ],
        );
        let mut declared = ok(StatusMatch::Exact(200), "application/json", ResponseEncoding::Json, page);
        let mut whole = page;
        if let Pager::Link { .. } = &pager {
            whole = b.record("things-response", &[("body", page, Presence::Required), ("link", text_, optional)]);
            let body = ResponseBody {
                media_type: "application/json".to_owned(),
                encoding: ResponseEncoding::Json,
                ty: page,
                unwrap: None,
            };
            let headers = vec![ResponseHeader { name: "link".to_owned(), slot: 1, ty: text_ }];
            let shape = OkShape::Record { ty: whole, body: Some((0, body)), headers };
            declared = Declared { outcome: Outcome::Ok { case: None, shape }, ..declared };
        }
        let error = b.errors(None);
        let next = b.option(whole);
        let next = b.plain(Shape::Result { ok: Some(next), err: Some(error) });
        let methods = vec![witwire_ir::Method { step: Step::Next, params: Vec::new(), result: Some(next), docs: None }];
        let resource = Shape::Resource(Resource { operation: Id::new(b.api.operations.len()), methods });
        let resource_name = TypeName { interface: b.interface, name: name("list-pager") };
        let resource = b.api.types.push(Type { name: Some(resource_name), ..Type::plain(resource) });
        b.api.interfaces[b.interface].types.push(resource);
        let query = |(slot, (wire_name, ty)): (u16, (&str, _))| Parameter {
            value: ParameterValue::Argument { place: Place::slot(0, slot), ty },
            ..parameter(wire_name, Location::Query, style(Style::Form, true), 0, ty)
        };
        let parameters = [("cursor", text_), ("mark", signed_), ("page", unsigned_), ("limit", wide_)];
        let call = HttpCall {
            parameters: (0..).zip(parameters).map(query).collect(),
            responses: vec![declared],
            pager: Some(pager),
            ..call(Method::Get)
        };
        let operation = b.operation("list", &[("request", request_)], Some(resource), call);
        change(&mut b.api, operation);
        assert_eq!(b.api.check(), Ok(()));
        Self { plan: b.plan(), operation }
    }

    fn first(request: &[(u16, Value)]) -> Vec<Value> {
        let slot = |slot| Value::option(request.iter().find(|(of, _)| *of == slot).map(|(_, value)| value.clone()));
        vec![if request.is_empty() {
            Value::none()
        } else {
            Value::some(Value::record((CURSOR..=LIMIT).map(slot).collect::<Vec<_>>()))
        }]
    }

    /// The page that a response is.
    fn page(&self, args: &[Value], headers: &[(&str, &str)], body: &str) -> Value {
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
        self.plan.response(self.operation, args, &response(200, &headers, body))
    }

    /// The arguments of the call for the page behind this one.
    fn next(&self, args: &[Value], headers: &[(&str, &str)], body: &str) -> Option<Vec<Value>> {
        self.plan.further(self.operation, args, &self.page(args, headers, body))
    }

    /// The same as text: the request and the URL.
    fn shown(&self, args: &[Value], headers: &[(&str, &str)], body: &str) -> String {
        let Some(next) = self.next(args, headers, body) else { return "the end".to_owned() };
        let request = self.plan.api().operations[self.operation].params[0].ty;
        let request = wave::print_value(self.plan.api(), request, &next[0]);
        match &next[1..] {
            [] => request,
            [Value::String(url)] => format!("{request} {url}"),
            other => panic!("{other:?}"),
        }
    }
}

fn url() -> Pager {
    Pager::Url { url: vec![1] }
}

#[test]
fn a_cursor_is_sent_as_long_as_it_moves() {
    let things = Things::new(Pager::Cursor { cursor: vec![4, 0], argument: Place::slot(0, CURSOR) });
    let (none, a) = (Things::first(&[]), Things::first(&[(CURSOR, Value::string("a")), (LIMIT, Value::S64(2))]));
    for (args, body, expected) in [
        (&none, r#"{"meta":{"next":"a"}}"#, "some({cursor: some(\"a\")})"),
        (&a, r#"{"meta":{"next":"b"}}"#, "some({cursor: some(\"b\"), limit: some(2)})"),
        (&a, r#"{"meta":{"next":"a"}}"#, "the end"),
        (&a, r#"{"meta":{"next":""}}"#, "the end"),
        (&a, r#"{"meta":{}}"#, "the end"),
        (&a, r#"{"next":"b"}"#, "the end"),
    ] {
        assert_eq!(things.shown(args, &[], body), expected, "{body}");
    }
    assert_eq!(things.next(&a, &[], r#"{"meta":{"next":1}}"#), None, "an error leads nowhere");
}

/// The page's integer and the argument are of different types.
#[test]
fn an_integer_is_a_cursor_too() {
    let things = Things::new(Pager::Cursor { cursor: vec![2], argument: Place::slot(0, MARK) });
    let (none, five) = (Things::first(&[]), Things::first(&[(MARK, Value::S32(5))]));
    for (args, body, expected) in [
        (&none, r#"{"mark":5}"#, "some({mark: some(5)})"),
        (&five, r#"{"mark":-7}"#, "some({mark: some(-7)})"),
        (&five, r#"{"mark":5}"#, "the end"),
        (&five, r#"{"mark":3000000000}"#, "the end"),
        (&five, "{}", "the end"),
    ] {
        assert_eq!(things.shown(args, &[], body), expected, "{body}");
    }
}

#[test]
fn pages_are_counted_up_to_the_last() {
    let pager = |items: Option<u16>, pages: Option<u16>| Pager::Page {
        argument: Place::slot(0, PAGE),
        first: 1,
        items: items.map(|slot| vec![slot]),
        pages: pages.map(|slot| vec![slot]),
    };
    let (none, four) = (Things::first(&[]), Things::first(&[(PAGE, Value::U32(4))]));
    let last = Things::first(&[(PAGE, Value::U32(u32::MAX))]);
    let some = r#"{"items":["x"]}"#;
    for (pager, args, body, expected) in [
        (pager(Some(0), None), &none, some, "some({page: some(2)})"),
        (pager(Some(0), None), &four, some, "some({page: some(5)})"),
        (pager(Some(0), None), &four, r#"{"items":[]}"#, "the end"),
        (pager(Some(0), None), &four, "{}", "the end"),
        (pager(Some(0), None), &last, some, "the end"),
        (pager(Some(0), Some(3)), &four, r#"{"items":["x"],"total":5}"#, "some({page: some(5)})"),
        (pager(Some(0), Some(3)), &four, r#"{"items":["x"],"total":4}"#, "the end"),
        (pager(Some(0), Some(3)), &four, r#"{"items":[],"total":5}"#, "the end"),
        (pager(Some(0), Some(3)), &four, some, "some({page: some(5)})"),
        (pager(None, Some(3)), &none, r#"{"total":2}"#, "some({page: some(2)})"),
        (pager(None, Some(3)), &none, r#"{"total":1}"#, "the end"),
        (pager(None, Some(3)), &none, r#"{"total":0}"#, "the end"),
        // Without the number of pages, and without items, no page would ever be the last.
        (pager(None, Some(3)), &none, some, "the end"),
    ] {
        assert_eq!(Things::new(pager.clone()).shown(args, &[], body), expected, "{body} by {pager:?}");
    }
    let from_zero = Pager::Page { argument: Place::slot(0, PAGE), first: 0, items: None, pages: Some(vec![3]) };
    assert_eq!(Things::new(from_zero.clone()).shown(&none, &[], r#"{"total":2}"#), "some({page: some(1)})");
    let one = Things::first(&[(PAGE, Value::U32(1))]);
    assert_eq!(Things::new(from_zero).shown(&one, &[], r#"{"total":2}"#), "the end");
}

#[test]
fn items_are_counted_up_to_a_short_page() {
    let offset = |limit: Option<u16>| {
        let limit = limit.map(|slot| Place::slot(0, slot));
        Things::new(Pager::Offset { argument: Place::slot(0, PAGE), first: 0, items: vec![0], limit })
    };
    let (none, five) = (Things::first(&[]), Things::first(&[(PAGE, Value::U32(5)), (LIMIT, Value::S64(2))]));
    for (limit, args, body, expected) in [
        (None, &none, r#"{"items":["x","y"]}"#, "some({page: some(2)})"),
        (None, &none, r#"{"items":[]}"#, "the end"),
        (None, &none, "{}", "the end"),
        (Some(LIMIT), &none, r#"{"items":["x"]}"#, "some({page: some(1)})"),
        (Some(LIMIT), &five, r#"{"items":["x","y"]}"#, "some({page: some(7), limit: some(2)})"),
        (Some(LIMIT), &five, r#"{"items":["x"]}"#, "the end"),
    ] {
        assert_eq!(offset(limit).shown(args, &[], body), expected, "{body}");
    }
}

/// Each page is asked for by what the one before it named.
fn walk(things: &Things, named: &[(&str, &str)]) {
    let mut args = Things::first(&[(LIMIT, Value::S64(2))]);
    for (next, expected) in named {
        let body = format!("{{\"next\":\"{next}\"}}");
        let url = things.next(&args, &[], &body);
        let got = url.as_ref().map_or("the end", |next| match &next[1] {
            Value::String(url) => url,
            other => panic!("{other:?}"),
        });
        assert_eq!(&got, expected, "{next}");
        args = url.unwrap_or(args);
    }
}

#[test]
fn a_url_is_followed_as_long_as_it_leads_elsewhere() {
    let end = "the end";
    let things = Things::new(url());
    walk(&things, &[("", end), (" ", end), ("?limit=2", end), ("/v1/things?limit=2", end), ("#top", end)]);
    walk(
        &things,
        &[
            ("https://a.test/v1/things?limit=2", end),
            ("https://a.test/v1/things?limit=3", "https://a.test/v1/things?limit=3"),
        ],
    );
    walk(
        &things,
        &[("https://a.test/x?p=2", "https://a.test/x?p=2"), (" https://a.test/x?p=2#again ", end), ("/x?p=2", end)],
    );
    // From where it stood, not from where the first page was.
    walk(
        &things,
        &[("/other/x?p=2", "/other/x?p=2"), ("?p=3", "/other/x?p=3"), ("y?p=4", "/other/y?p=4"), ("", end), ("?p=4", end)],
    );
    walk(
        &things,
        &[("?p=2", "?p=2"), ("?p=3", "?p=3"), ("https://a.test/x", "https://a.test/x"), ("y", "https://a.test/y")],
    );
    assert_eq!(things.next(&Things::first(&[]), &[], r#"{"next":null}"#), None);
}

/// A server sends one line, or several; the page has all of them.
#[test]
fn all_links_are_read() {
    let things = Things::new(Pager::Link { header: vec![1] });
    let first = Things::first(&[]);
    for (lines, expected) in [
        (&["<?p=1>; rel=\"prev\", <?p=3>; rel=\"next\""][..], "none ?p=3"),
        (&["<?p=1>; rel=\"prev\"", "<?p=9>; rel=last", "<?p=3>; REL=\"alternate Next\""], "none ?p=3"),
        (&["<?p=1>; rel=\"prev\""], "the end"),
        (&["<>; rel=next"], "the end"),
        (&[], "the end"),
    ] {
        let headers: Vec<(&str, &str)> = lines.iter().map(|line| ("link", *line)).collect();
        assert_eq!(things.shown(&first, &headers, "{}"), expected, "{lines:?}");
    }
    let Value::Result(Ok(Some(page))) = things.page(&first, &[("link", "<a>; rel=x"), ("link", "<b>; rel=y")], "{}") else {
        panic!("a page")
    };
    let Value::Option(Some(page)) = *page else { panic!("{page:?}") };
    let Value::Record(slots) = *page else { panic!("{page:?}") };
    assert_eq!(slots[1], Value::some(Value::string("<a>; rel=x, <b>; rel=y")));
}

/// The API has a key in the query.
fn key(api: &mut Api, operation: OperationId) {
    let kind = AuthKind::QueryKey { name: "api_key".to_owned() };
    let scheme = api.schemes.push(AuthScheme { name: "key".to_owned(), kind, record: None });
    api.operations[operation].auth.alternatives = vec![vec![scheme]];
}

/// A page that has a credential all the same, since it was recorded so.
#[test]
fn no_credential_is_in_the_next_request() {
    let first = Things::first(&[]);
    let page = Things::new(url()).page(&first, &[], r#"{"next":"?api_key=hunter2&p=2"}"#);
    assert!(format!("{page:?}").contains("hunter2"));
    let things = Things::with(url(), key);
    let next = things.plan.further(things.operation, &first, &page).expect("a page");
    assert_eq!(next, [Value::none(), Value::string("?p=2")]);
}

/// What a service repeats of its request is neither in a page nor in the next request, which has the credential anyway.
#[test]
fn no_credential_is_in_a_page() {
    let first = Things::first(&[]);
    let body = r#"{"next":"https://a.test/things?api_key=hunter2&p=2"}"#;
    let link = [("link", "</things?p=2&api%5Fkey=hunter2>; rel=next, </things?api_key=hunter2>; rel=first")];
    for (pager, headers, body, expected) in [
        (url(), &[][..], body, "none https://a.test/things?p=2"),
        (Pager::Link { header: vec![1] }, &link, "{}", "none /things?p=2"),
    ] {
        let things = Things::with(pager, key);
        let page = format!("{:?}", things.page(&first, headers, body));
        assert!(page.contains("p=2") && !page.contains("hunter2"), "{page}");
        assert_eq!(things.shown(&first, headers, body), expected);
    }
    let moved = [("location", "/other?api_key=hunter2"), ("content-location", "/x?api_key=hunter2")];
    let things = Things::with(url(), key);
    let error = things.plan.response(things.operation, &first, &response(302, &moved, ""));
    let error = format!("{error:?}");
    assert!(error.contains("/other") && !error.contains("hunter2"), "{error}");
    // A member of that name that is no credential.
    assert_eq!(Things::new(url()).shown(&first, &[], body), "none https://a.test/things?api_key=hunter2&p=2");
}

/// A page that had the key of another would be answered with that other one.
#[test]
fn a_key_is_given_with_the_first_page() {
    let things = Things::with(url(), |api, operation| {
        let (name, format) = ("idempotency-key".to_owned(), KeyFormat::Raw);
        api.operations[operation].class = CallClass::Keyed(KeyHeader { name, format, window_seconds: None });
        host::call::declare(api);
    });
    let mut settings = vec![Value::list([]), Value::none(), Value::none(), Value::none()];
    settings[host::call::DEADLINE] = Value::some(Value::U64(5));
    settings[host::call::KEY] = Value::some(Value::string("mine"));
    let first = vec![Value::none(), Value::some(Value::record(settings))];
    let of = |args: &[Value]| things.plan.settings(things.operation, args);
    assert_eq!(of(&first).key.as_deref(), Some("mine"));
    let second = things.next(&first, &[], r#"{"next":"?p=2"}"#).expect("a page");
    assert_eq!((of(&second).key, of(&second).deadline), (None, of(&first).deadline));
    assert_eq!(second[2], Value::string("?p=2"));
}
