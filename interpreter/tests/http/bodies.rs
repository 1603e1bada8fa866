//! Request bodies.

use witwire_ir::operation::http::{
    Body, BodyEncoding, BodyValue, HttpCall, MediaTypeChoice, Method, ParameterEncoding, Style,
};
use witwire_ir::wire::json::{Literal, Presence};
use witwire_ir::{Check, Field, Place, Shape, TypeId, Value};

use crate::http::build::{self, Builder, call, name, object, request, style, whole};

/// Content type and body of a call whose only argument is the body.
fn sent(
    media_type: &str,
    encoding: BodyEncoding,
    build: impl FnOnce(&mut Builder) -> TypeId,
    value: Value,
) -> Result<Option<(String, String)>, Vec<String>> {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let body = Some(whole(media_type, encoding, ty));
    let operation = b.operation("send", &[("body", ty)], None, HttpCall { body, ..call(Method::Post) });
    let request = request(&b.plan(), operation, &[value])?;
    Ok(request.body.map(|body| {
        let content_type = request.headers.iter().find(|(name, _)| name == "content-type").expect("a content type");
        (content_type.1.clone(), String::from_utf8_lossy(&body).into_owned())
    }))
}

/// A content type and a body.
fn pair(content_type: &str, body: &str) -> (String, String) {
    (content_type.to_owned(), body.to_owned())
}

fn strings(items: &[&str]) -> Value {
    Value::list(items.iter().map(|item| Value::string(*item)).collect::<Vec<_>>())
}

/// `{ a: string, l: option<list<string>>, o: option<record { x: u32, y: u32 }> }`
fn members(b: &mut Builder) -> TypeId {
    let (text, int) = (b.plain(Shape::String), b.plain(Shape::U32));
    let list = b.list(text);
    let list = b.option(list);
    let point = b.record("point", &[("x", int, Presence::Required), ("y", int, Presence::Required)]);
    let point = b.option(point);
    b.record("r", &[("a", text, Presence::Required), ("l", list, Presence::Optional), ("o", point, Presence::Optional)])
}

fn value() -> Value {
    let point = Value::record([1, 2].map(Value::U32));
    Value::record([Value::string("a b&é~*"), Value::some(strings(&["p", "q+"])), Value::some(point)])
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn forms_are_urlencoded_with_objects_as_json() {
    let sent = |encodings| sent(FORM, BodyEncoding::Form(encodings), members, value());
    assert_eq!(sent(vec![]), Ok(Some(pair(FORM, "a=a+b%26%C3%A9%7E*&l=p&l=q%2B&o=%7B%22x%22%3A1%2C%22y%22%3A2%7D"))));
    let encodings = vec![
        ("l".to_owned(), style(Style::Form, false)),
        ("o".to_owned(), style(Style::DeepObject, true)),
        ("a".to_owned(), ParameterEncoding::Json),
    ];
    assert_eq!(sent(encodings), Ok(Some(pair(FORM, "a=%22a+b%26%C3%A9%7E*%22&l=p,q%2B&o%5Bx%5D=1&o%5By%5D=2"))));
}

/// `{ title: string, tags: list<string>, meta: option<map>, file: file-part }`
fn upload(b: &mut Builder) -> TypeId {
    let (text, bytes) = (b.plain(Shape::String), b.plain(Shape::Bytes));
    let option = b.option(text);
    let field = |field: &str, ty| Field { name: name(field), ty, docs: None };
    let file = b.plain(Shape::Record(vec![field("filename", option), field("content-type", option), field("data", bytes)]));
    let (list, meta) = (b.list(text), b.map(text));
    let meta = b.option(meta);
    let members = [
        ("title", text, Presence::Required),
        ("tags", list, Presence::Required),
        ("meta", meta, Presence::Optional),
        ("file", file, Presence::Required),
        ("raw", bytes, Presence::Required),
    ];
    b.record("upload", &members)
}

fn upload_value(filename: &str, content_type: Option<&str>, data: &[u8]) -> Value {
    let meta = Value::list([Value::tuple([Value::string("k"), Value::string("v")])]);
    let content_type = Value::option(content_type.map(Value::string));
    let file = Value::record([Value::some(Value::string(filename)), content_type, Value::Bytes(data.into())]);
    Value::record([Value::string("é"), strings(&["a", "b"]), Value::some(meta), file, Value::Bytes([1, 2].into())])
}

#[test]
fn multipart_has_a_part_per_item_and_names_its_files() {
    let types = vec![("title".to_owned(), "text/plain; charset=utf-8".to_owned())];
    let encoding = || BodyEncoding::Multipart(types.clone());
    let value = upload_value("a\"b\r\n.txt", Some("text/csv"), b"1,2\r\n");
    let (content_type, body) =
        sent("multipart/form-data", encoding(), upload, value.clone()).expect("encodable").expect("a body");
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").expect("a boundary").to_owned();
    let part =
        |head: &str, data: &str| format!("--{boundary}\r\ncontent-disposition: form-data; name={head}\r\n\r\n{data}\r\n");
    let expected = [
        part("\"title\"\r\ncontent-type: text/plain; charset=utf-8", "é"),
        part("\"tags\"", "a"),
        part("\"tags\"", "b"),
        part("\"meta\"\r\ncontent-type: application/json", r#"{"k":"v"}"#),
        part("\"file\"; filename=\"a%22b%0D%0A.txt\"\r\ncontent-type: text/csv", "1,2\r\n"),
        part("\"raw\"\r\ncontent-type: application/octet-stream", "\u{1}\u{2}"),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(body, expected.concat());

    let again = sent("multipart/form-data", encoding(), upload, value).expect("encodable").expect("a body");
    assert_eq!(again, (content_type.clone(), body), "the same call is the same bytes");
    let other =
        sent("multipart/form-data", encoding(), upload, upload_value("c", None, b"")).expect("encodable").expect("a body");
    assert_ne!(other.0, content_type);
}

#[test]
fn no_content_type_of_a_file_adds_a_header() {
    let value = upload_value("f", Some("text/csv\r\nx: y"), b"");
    let refused = sent("multipart/form-data", BodyEncoding::Multipart(vec![]), upload, value);
    assert_eq!(refused, Err(vec!["body header".to_owned()]));
}

#[test]
fn texts_and_bytes_are_sent_as_they_are() {
    let text = |b: &mut Builder| b.plain(Shape::String);
    assert_eq!(sent("text/plain", BodyEncoding::Text, text, Value::string("a")), Ok(Some(pair("text/plain", "a"))));
    assert_eq!(
        sent("text/plain", BodyEncoding::Text, text, Value::string("é")),
        Ok(Some(pair("text/plain; charset=utf-8", "é")))
    );
    let bytes = |b: &mut Builder| b.plain(Shape::Bytes);
    let binary = sent("image/png", BodyEncoding::Binary, bytes, Value::Bytes(b"\x89PNG"[1..].into()));
    assert_eq!(binary, Ok(Some(pair("image/png", "PNG"))));
}

#[test]
fn an_absent_optional_body_is_not_sent() {
    let optional = |b: &mut Builder| {
        let text = b.plain(Shape::String);
        b.option(text)
    };
    assert_eq!(sent("text/plain", BodyEncoding::Text, optional, Value::none()), Ok(None));
    assert_eq!(
        sent("text/plain", BodyEncoding::Text, optional, Value::some(Value::string(""))),
        Ok(Some(pair("text/plain", "")))
    );
}

/// A flattened JSON body of `a` and `b`, both optional strings, beside a header field that is no member.
fn flattened(required: bool, optional_argument: bool) -> (witwire_interpreter::Plan, witwire_ir::OperationId) {
    let mut b = Builder::new();
    let text = b.plain(Shape::String);
    let option = b.option(text);
    let (mut fields, object) = object(&[("a", option, Presence::Optional), ("b", option, Presence::Optional)]);
    fields.push(Field { name: name("expected-version"), ty: option, docs: None });
    let record = b.plain(Shape::Record(fields));
    let argument = if optional_argument { b.option(record) } else { record };
    let checks = vec![Check::MinProperties(1)];
    let body = Body {
        media_type: "application/json".to_owned(),
        media_type_from: None,
        encoding: BodyEncoding::Json,
        value: BodyValue::Members { argument: 0, ty: record, object, checks },
        required,
    };
    let call = HttpCall { body: Some(body), ..call(Method::Patch) };
    let operation = b.operation("send", &[("request", argument)], None, call);
    (b.plan(), operation)
}

#[test]
fn a_flattened_body_is_sent_if_a_member_is_there_or_it_is_required() {
    let slots = |a: Option<&str>| {
        Value::record([Value::option(a.map(Value::string)), Value::none(), Value::some(Value::string("v"))])
    };
    let body = |(plan, operation): &(_, _), value| {
        request(plan, *operation, &[value]).map(|r| r.body.map(|b| String::from_utf8_lossy(&b).into_owned()))
    };
    let violations = |(plan, operation): &(witwire_interpreter::Plan, _), value| {
        let all = plan.check(*operation, &[value]);
        all.into_iter().map(|v| format!("{} {}: {}", v.location, v.rule, v.message)).collect::<Vec<_>>()
    };
    let optional = flattened(false, false);
    assert_eq!(body(&optional, slots(Some("x"))), Ok(Some(r#"{"a":"x"}"#.to_owned())));
    assert_eq!(body(&optional, slots(None)), Ok(None));
    assert!(violations(&optional, slots(None)).is_empty(), "no body, no rule about it");
    let required = flattened(true, false);
    assert_eq!(body(&required, slots(None)), Ok(Some("{}".to_owned())));
    assert_eq!(violations(&required, slots(None)), ["request minProperties: has too few fields: give at least 1 field"]);
    assert!(violations(&required, slots(Some("x"))).is_empty());
    let absent = flattened(false, true);
    assert_eq!(body(&absent, Value::none()), Ok(None));
    assert_eq!(body(&absent, Value::some(slots(Some("x")))), Ok(Some(r#"{"a":"x"}"#.to_owned())));
}

#[test]
fn a_fixed_body_and_a_chosen_media_type() {
    let mut b = Builder::new();
    let (choice, text) = (b.enumeration("media-type", &["one", "two"]), b.plain(Shape::String));
    let mut body = whole("application/one+json", BodyEncoding::Json, text);
    body.value = BodyValue::Whole { place: Place::argument(1), ty: text };
    let media_types = vec!["application/one+json".to_owned(), "application/two+json".to_owned()];
    body.media_type_from = Some(MediaTypeChoice { place: Place::argument(0), media_types });
    let chosen = b.operation(
        "chosen",
        &[("media-type", choice), ("body", text)],
        None,
        HttpCall { body: Some(body), ..call(Method::Post) },
    );
    let mut body = whole("application/json", BodyEncoding::Json, text);
    body.value = BodyValue::Fixed(Literal::Json("{}".to_owned()));
    let fixed = b.operation("fixed", &[], None, HttpCall { body: Some(body), ..call(Method::Post) });
    let plan = b.plan();
    let sent = build::request(&plan, chosen, &[Value::Enum(1), Value::string("x")]).expect("encodable");
    assert_eq!(sent.headers, [("content-type".to_owned(), "application/two+json".to_owned())]);
    assert_eq!(sent.body.as_deref(), Some(&b"\"x\""[..]));
    assert_eq!(build::request(&plan, fixed, &[]).expect("encodable").body.as_deref(), Some(&b"{}"[..]));
}

#[test]
fn a_free_form_body_is_json_text_in_every_encoding() {
    use witwire_ir::wire::json::Json;
    let raw = |b: &mut Builder| b.json(Shape::String, Json::Raw);
    let value = || Value::string(r#"{"a":"x y","l":[1,2],"o":{"p":null}}"#);
    let form = sent(FORM, BodyEncoding::Form(vec![]), raw, value());
    assert_eq!(form, Ok(Some(pair(FORM, "a=x+y&l=1&l=2&o=%7B%22p%22%3Anull%7D"))));
    let json = sent("application/json", BodyEncoding::Json, raw, value());
    assert_eq!(json, Ok(Some(pair("application/json", r#"{"a":"x y","l":[1,2],"o":{"p":null}}"#))));
    let (_, body) =
        sent("multipart/form-data", BodyEncoding::Multipart(vec![]), raw, value()).expect("encodable").expect("a body");
    assert!(body.contains("name=\"a\"\r\n\r\nx y\r\n"), "{body}");
    assert!(body.contains("name=\"o\"\r\ncontent-type: application/json\r\n\r\n{\"p\":null}\r\n"), "{body}");
    let text = |b: &mut Builder| b.plain(Shape::String);
    let encoded = sent(FORM, BodyEncoding::Form(vec![]), text, Value::string("a=1&b=%20"));
    assert_eq!(encoded, Ok(Some(pair(FORM, "a=1&b=%20"))), "a string is the encoded form itself");
    assert_eq!(sent(FORM, BodyEncoding::Form(vec![]), raw, Value::string("[1]")), Err(vec!["body encoding".to_owned()]));
}
