//! Responses into results.

use proptest::prelude::*;
use witwire_interpreter::{Failure, Plan};
use witwire_ir::host::Violation;
use witwire_ir::host::http::ErrorKind;
use witwire_ir::operation::http::{
    ErrorBody, HttpCall, Location, Method, MissingFrom, OkShape, Outcome, PathPart, Response as Declared, ResponseBody,
    ResponseEncoding, ResponseHeader, StatusMatch, Style, Unwrap,
};
use witwire_ir::wire::json::{Json, Object, Presence};
use witwire_ir::{Field, OperationId, Shape, Value};

use crate::http::build::{Builder, call, name, ok, outcome, parameter, response, style};

/// `GET /users/{user}/todos/{id}`: 200 a JSON string, 404 the declared error body `{ code: string }`, others by `default`.
fn todo() -> (Plan, OperationId) {
    let mut b = Builder::new();
    let (text, int) = (b.plain(Shape::String), b.plain(Shape::U64));
    let body = b.record("error-body", &[("code", text, Presence::Required)]);
    b.errors(Some(body));
    let error = |status| {
        let body =
            ResponseBody { media_type: "application/json".into(), encoding: ResponseEncoding::Json, ty: body, unwrap: None };
        Declared { status, outcome: Outcome::Error { body: Some(ErrorBody { body, case: None }) } }
    };
    let literal = |text: &str| PathPart::Literal(text.to_owned());
    let simple = || style(Style::Simple, false);
    let call = HttpCall {
        template: "/users/{user}/todos/{id}".to_owned(),
        path: vec![literal("/users/"), PathPart::Parameter(0), literal("/todos/"), PathPart::Parameter(1)],
        parameters: vec![
            parameter("user", Location::Path, simple(), 0, text),
            parameter("id", Location::Path, simple(), 1, int),
        ],
        responses: vec![
            error(StatusMatch::Default),
            ok(StatusMatch::Exact(200), "application/json", ResponseEncoding::Json, text),
            error(StatusMatch::Exact(404)),
        ],
        missing: MissingFrom { resource: "todos".to_owned(), id: Some(1) },
        ..call(Method::Get)
    };
    let operation = b.operation("get", &[("user", text), ("id", int)], Some(text), call);
    (b.plan(), operation)
}

fn result(status: u16, headers: &[(&str, &str)], body: &str) -> Value {
    let (plan, operation) = todo();
    plan.response(operation, &[Value::string("u/1"), Value::U64(17)], &response(status, headers, body))
}

/// The slots of the error: kind, message, status, body, raw, headers.
fn error(result: Value) -> [Value; 6] {
    match result {
        Value::Result(Err(Some(error))) => match *error {
            Value::Record(slots) => slots.into_vec().try_into().expect("six slots"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_status_has_its_kind_and_a_message_that_says_what_where_and_what_to_do() {
    let (plan, operation) = todo();
    let args = [Value::string("u"), Value::U64(17)];
    for status in 100..=599_u16 {
        let result = plan.response(operation, &args, &response(status, &[], "\"x\""));
        result.conforms(plan.api(), plan.api().operations[operation].result).expect("a value of the result's type");
        if status == 200 {
            assert_eq!(result, Value::ok(Some(Value::string("x"))));
            continue;
        }
        let expected = match status {
            400 => ErrorKind::BadRequest,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            412 => ErrorKind::PreconditionFailed,
            422 => ErrorKind::Unprocessable,
            429 => ErrorKind::RateLimited,
            304 => ErrorKind::NotModified,
            300..=399 => ErrorKind::Redirected,
            500..=599 => ErrorKind::ServerError,
            _ => ErrorKind::UnexpectedStatus,
        };
        let [kind, message, number, body, raw, _] = error(result);
        assert!(matches!(kind, Value::Variant(kind, _) if kind == expected as u32), "{status}: {kind:?}");
        assert_eq!(number, Value::some(Value::U16(status)));
        let Value::String(message) = message else { panic!("{message:?}") };
        assert!(message.starts_with(&format!("`GET /users/{{user}}/todos/{{id}}` answered {status}")), "{message}");
        assert!(message.split_once(": ").is_some_and(|(_, advice)| advice.len() > 20), "{message}");
        assert_eq!((body, raw), (Value::none(), Value::some(Value::string("\"x\""))), "a string is not the declared body");
    }
}

#[test]
fn not_found_names_the_resource_and_the_id_from_the_path() {
    let [kind, _, _, body, raw, headers] = error(result(404, &[("x-a", "1"), ("x-a", "2")], r#"{"code":"gone"}"#));
    let missing = Value::record([Value::string("todos"), Value::some(Value::string("17"))]);
    assert_eq!(kind, Value::case(ErrorKind::NotFound as u32, missing));
    assert_eq!(body, Value::some(Value::record([Value::string("gone")])));
    assert_eq!(raw, Value::none());
    let header = |v| Value::tuple([Value::string("x-a"), Value::string(v)]);
    assert_eq!(headers, Value::list([header("1"), header("2")]));
}

#[test]
fn retry_after_is_seconds_or_a_date_counted_from_the_responses_own() {
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    type Headers = &'static [(&'static str, &'static str)];
    let cases: &[(Headers, Option<u32>)] = &[
        (&[("retry-after", "120")], Some(120)),
        (&[("retry-after", " 0 ")], Some(0)),
        (&[("retry-after", "99999999999")], Some(u32::MAX)),
        (&[("retry-after", "-1")], None),
        (&[("retry-after", "soon")], None),
        (&[], None),
        (&[DATE, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], Some(30)),
        (&[DATE, ("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT")], Some(30)),
        (&[DATE, ("retry-after", "Sun Nov  6 08:50:07 1994")], Some(30)),
        (&[DATE, ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], Some(0)),
        (&[("date", "Wed, 28 Feb 2024 23:59:59 GMT"), ("retry-after", "Thu, 29 Feb 2024 00:00:00 GMT")], Some(1)),
        (&[("date", "Sat, 31 Dec 2022 23:59:59 GMT"), ("retry-after", "Sun, 01 Jan 2023 00:00:01 GMT")], Some(2)),
        (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
        (&[DATE, ("retry-after", "Sun, 06 Foo 1994 08:50:07 GMT")], None),
        (&[DATE, ("retry-after", "Sun, 06 Nov 1994 25:50:07 GMT")], None),
    ];
    for (headers, expected) in cases {
        let [kind, ..] = error(result(429, headers, ""));
        assert_eq!(kind, Value::case(ErrorKind::RateLimited as u32, Value::option(expected.map(Value::U32))), "{headers:?}");
    }
}

#[test]
fn a_redirect_tells_where_and_is_not_followed() {
    let [kind, ..] = error(result(302, &[("location", "https://example.com/x")], ""));
    let to = Value::some(Value::string("https://example.com/x"));
    assert_eq!(kind, Value::case(ErrorKind::Redirected as u32, to));
}

#[test]
fn a_success_that_does_not_read_is_an_invalid_response() {
    let cases = [
        ("application/json", "17", "`$`: expected a string, found an integer"),
        ("application/json", "", "the body is empty"),
        ("text/html; charset=utf-8", "<html>", "expected a JSON value (it is `text/html`)"),
        ("application/json", "\"a", "not JSON at byte 2"),
    ];
    for (content_type, body, words) in cases {
        let [kind, message, status, _, raw, headers] = error(result(200, &[("content-type", content_type)], body));
        assert_eq!(kind, Value::Variant(ErrorKind::InvalidResponse as u32, None));
        assert!(matches!(&message, Value::String(m) if m.contains(words)), "{message:?}");
        assert_eq!(status, Value::some(Value::U16(200)));
        assert_eq!(raw, Value::option((!body.is_empty()).then(|| Value::string(body))));
        assert!(matches!(headers, Value::List(all) if all.len() == 1));
    }
    assert_eq!(
        result(200, &[("content-type", "text/plain")], "\"x\""),
        Value::ok(Some(Value::string("x"))),
        "sloppy is fine"
    );
}

#[test]
fn raw_is_text_of_at_most_64_kib_cut_at_a_character_and_never_binary() {
    let (plan, operation) = todo();
    let args = [Value::string("u"), Value::U64(17)];
    let raw = |body: &[u8], content_type| {
        let [.., raw, _] = error(plan.response(operation, &args, &response(500, &[("content-type", content_type)], body)));
        match raw {
            Value::Option(None) => None,
            Value::Option(Some(text)) => match *text {
                Value::String(text) => Some(text.into_string()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let long = format!("a{}", "é".repeat(65_536));
    let cut = raw(long.as_bytes(), "text/plain").expect("text");
    assert_eq!(cut.len(), 65_535);
    assert!(long.starts_with(&cut));
    assert_eq!(raw("x".repeat(65_536).as_bytes(), "text/plain").map(|t| t.len()), Some(65_536));
    assert_eq!(raw(b"\x89PNG\r\n", "image/png"), None);
    assert_eq!(raw(b"a\0b", "application/octet-stream"), None);
    assert_eq!(raw(b"caf\xe9", "text/plain; charset=ISO-8859-1"), Some("café".to_owned()));
    assert_eq!(raw(b"caf\xe9", "text/plain"), None);
    assert_eq!(raw(b"", "text/plain"), None);
}

/// An operation whose successes are a variant: 200 a record with headers, 201 without, 2XX bytes, text.
#[test]
fn successes_by_status_with_headers_envelopes_and_other_media_types() {
    let mut b = Builder::new();
    let (text, int, bytes) = (b.plain(Shape::String), b.plain(Shape::S64), b.plain(Shape::Bytes));
    let flag = b.plain(Shape::Bool);
    let level = b.enumeration("level", &["low", "high"]);
    let list = b.list(int);
    let header_types = [text, int, flag, level, list].map(|ty| b.option(ty));
    let names = ["version", "count", "flag", "level", "all"];
    let mut fields = vec![Field { name: name("body"), ty: text, docs: None }];
    fields.extend(names.iter().zip(header_types).map(|(n, ty)| Field { name: name(n), ty, docs: None }));
    let record = b.plain(Shape::Record(fields));
    let string_option = b.option(text);
    let cases = [
        ("ok", Some(record)),
        ("created", None),
        ("other", Some(bytes)),
        ("page", Some(text)),
        ("envelope", Some(string_option)),
    ];
    let variant = b.variant("all-responses", &cases, Json::Raw);
    b.api.types[variant].wire = witwire_ir::wire::Wire::Plain;
    let headers = ["etag", "x-count", "x-flag", "x-level", "x-all"];
    let headers = headers.iter().zip(header_types).enumerate();
    let headers = headers.map(|(i, (n, ty))| ResponseHeader { name: (*n).to_owned(), slot: i as u16 + 1, ty }).collect();
    let body =
        |media_type: &str, encoding, ty| ResponseBody { media_type: media_type.to_owned(), encoding, ty, unwrap: None };
    let json = body("application/json", ResponseEncoding::Json, text);
    let envelope = ResponseBody {
        unwrap: Some(Unwrap { key: "data".to_owned(), required: false }),
        ..body("application/json", ResponseEncoding::Json, string_option)
    };
    let declare = |status, case, shape| Declared { status, outcome: Outcome::Ok { case: Some(case), shape } };
    let responses = vec![
        declare(StatusMatch::Class(2), 2, OkShape::Body(body("application/octet-stream", ResponseEncoding::Binary, bytes))),
        declare(StatusMatch::Exact(200), 0, OkShape::Record { ty: record, body: Some((0, json)), headers }),
        declare(StatusMatch::Exact(201), 1, OkShape::None),
        declare(StatusMatch::Exact(203), 3, OkShape::Body(body("text/html", ResponseEncoding::Text, text))),
        declare(StatusMatch::Exact(203), 4, OkShape::Body(envelope)),
    ];
    let operation = b.operation("get", &[], Some(variant), HttpCall { responses, ..call(Method::Get) });
    let plan = b.plan();
    let got = |status, headers: &[(&str, &str)], body: &[u8]| {
        let result = plan.response(operation, &[], &response(status, headers, body));
        result.conforms(plan.api(), plan.api().operations[operation].result).expect("conforms");
        outcome(result).map(|payload| payload.expect("a case"))
    };
    let headers =
        [("etag", "W/\"1\""), ("x-count", "7"), ("x-flag", "true"), ("x-level", "high"), ("x-all", "1, 2"), ("x-all", "3")];
    let all = Value::list([1, 2, 3].map(Value::S64));
    let record = |headers: [Option<Value>; 5]| {
        let mut slots = vec![Value::string("b")];
        slots.extend(headers.map(Value::option));
        Ok(Value::case(0, Value::record(slots)))
    };
    assert_eq!(
        got(200, &headers, b"\"b\""),
        record([
            Some(Value::string("W/\"1\"")),
            Some(Value::S64(7)),
            Some(Value::Bool(true)),
            Some(Value::Enum(1)),
            Some(all)
        ])
    );
    let unreadable = [("x-count", "many"), ("x-flag", "yes"), ("x-level", "mid"), ("x-all", "1,x")];
    assert_eq!(got(200, &unreadable, b"\"b\""), record([None, None, None, None, None]));
    assert_eq!(got(201, &[], b"ignored"), Ok(Value::Variant(1, None)));
    assert_eq!(got(299, &[], b"\x00\xff"), Ok(Value::case(2, Value::Bytes([0, 255].into()))));
    assert_eq!(got(203, &[("content-type", "text/html")], b"<p>"), Ok(Value::case(3, Value::string("<p>"))));
    let json = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(got(203, &json, br#"{"meta":{},"data":"x"}"#), Ok(Value::case(4, Value::some(Value::string("x")))));
    assert_eq!(got(203, &json, b"{}"), Ok(Value::case(4, Value::none())));
    assert_eq!(got(203, &[("content-type", "text/html; charset=latin1")], b"\xe9"), Ok(Value::case(3, Value::string("é"))));
    let (kind, message) = got(203, &[("content-type", "text/html")], b"\xe9").expect_err("not UTF-8");
    assert_eq!(kind, ErrorKind::InvalidResponse as u32);
    assert!(message.contains("not text in the charset"), "{message}");
}

#[test]
fn of_several_declarations_the_media_range_that_fits_is_taken() {
    let mut b = Builder::new();
    let (text, bytes) = (b.plain(Shape::String), b.plain(Shape::Bytes));
    let variant = b.variant("either", &[("image", Some(bytes)), ("text", Some(text))], Json::Raw);
    b.api.types[variant].wire = witwire_ir::wire::Wire::Plain;
    let declare = |case, media_type: &str, encoding, ty| {
        let body = ResponseBody { media_type: media_type.to_owned(), encoding, ty, unwrap: None };
        Declared { status: StatusMatch::Exact(200), outcome: Outcome::Ok { case: Some(case), shape: OkShape::Body(body) } }
    };
    let responses =
        vec![declare(0, "image/*", ResponseEncoding::Binary, bytes), declare(1, "text/*", ResponseEncoding::Text, text)];
    let operation = b.operation("get", &[], Some(variant), HttpCall { responses, ..call(Method::Get) });
    let plan = b.plan();
    let got = |content_type| plan.response(operation, &[], &response(200, &[("content-type", content_type)], "x"));
    let image = Value::ok(Some(Value::case(0, Value::Bytes([b'x'].into()))));
    assert_eq!(got("IMAGE/png"), image);
    assert_eq!(got("text/csv; header=present"), Value::ok(Some(Value::case(1, Value::string("x")))));
    assert_eq!(got("video/mp4"), image, "else the first");
}

#[test]
fn an_undeclared_success_is_unexpected() {
    let [kind, _, status, ..] = error(result(202, &[], ""));
    assert_eq!(kind, Value::Variant(ErrorKind::UnexpectedStatus as u32, None));
    assert_eq!(status, Value::some(Value::U16(202)));
}

#[test]
fn every_failure_of_the_host_has_its_kind() {
    let (plan, operation) = todo();
    let violation = |location: &str| Violation {
        location: location.to_owned(),
        rule: "maxLength".to_owned(),
        message: "is too long: give at most 3 characters".to_owned(),
    };
    let text = || "m".to_owned();
    let cases = [
        (Failure::Unavailable(text()), ErrorKind::Unavailable),
        (Failure::Timeout(text()), ErrorKind::Timeout),
        (Failure::OutcomeUnknown(text()), ErrorKind::OutcomeUnknown),
        (Failure::Denied(text()), ErrorKind::Denied),
        (Failure::Unauthenticated(text()), ErrorKind::Unauthorized),
        (Failure::Unimplemented(text()), ErrorKind::Unavailable),
        (
            Failure::InvalidResponse { message: text(), raw: Some("r".to_owned()), status: Some(200) },
            ErrorKind::InvalidResponse,
        ),
        (Failure::InvalidRequest(vec![violation("a"), violation("b")]), ErrorKind::InvalidRequest),
    ];
    for (failure, kind) in cases {
        let result = plan.failure(operation, failure.clone());
        result.conforms(plan.api(), plan.api().operations[operation].result).expect("conforms");
        let (found, message) = outcome(result).expect_err("a failure");
        assert_eq!(found, kind as u32, "{failure:?}");
        match failure {
            Failure::InvalidRequest(_) => {
                assert_eq!(message, "nothing was sent: `a` is too long: give at most 3 characters (and 1 more)");
            }
            _ => assert_eq!(message, "m"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_response_becomes_a_value_of_the_results_type(
        status in 100..600_u16, content_type in "[a-z/;= -]{0,20}", extra in prop::collection::vec(("[a-z-]{1,12}", ".{0,20}"), 0..4),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (plan, operation) = todo();
        let mut headers = vec![("content-type", content_type.as_str())];
        headers.extend(extra.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        headers.push(("retry-after", extra.first().map_or("", |(_, v)| v)));
        let result = plan.response(operation, &[Value::string("u"), Value::U64(1)], &response(status, &headers, body));
        prop_assert_eq!(result.conforms(plan.api(), plan.api().operations[operation].result), Ok(()));
    }
}

#[test]
fn a_header_of_object_type_is_read_exploded_or_not() {
    let mut b = Builder::new();
    let (text, int) = (b.plain(Shape::String), b.plain(Shape::S64));
    let some_int = b.option(int);
    let limit = b.record("limit", &[("unit", text, Presence::Required), ("left", some_int, Presence::Optional)]);
    let some_limit = b.option(limit);
    let field = Field { name: name("limit"), ty: some_limit, docs: None };
    let record = b.object("get-response", vec![field], Object::default());
    b.api.types[record].wire = witwire_ir::wire::Wire::Plain;
    let headers = vec![ResponseHeader { name: "x-limit".to_owned(), slot: 0, ty: some_limit }];
    let shape = OkShape::Record { ty: record, body: None, headers };
    let responses = vec![Declared { status: StatusMatch::Exact(200), outcome: Outcome::Ok { case: None, shape } }];
    let operation = b.operation("get", &[], Some(record), HttpCall { responses, ..call(Method::Get) });
    let plan = b.plan();
    let got = |header: &str| {
        let result = plan.response(operation, &[], &response(200, &[("x-limit", header)], ""));
        match outcome(result).expect("a success").expect("a record") {
            Value::Record(slots) => slots[0].clone(),
            other => panic!("{other:?}"),
        }
    };
    let limit = |left: Option<i64>| Value::some(Value::record([Value::string("hour"), Value::option(left.map(Value::S64))]));
    assert_eq!(got("unit=hour,left=7"), limit(Some(7)));
    assert_eq!(got("left, 7, unit, hour, other, x"), limit(Some(7)));
    assert_eq!(got("unit,hour"), limit(None));
    assert_eq!(got("left,7"), Value::none());
}
