//! Parameters on the wire.

use witwire_ir::operation::http::{HttpCall, Location, Method, ParameterEncoding, PathPart, Style};
use witwire_ir::wire::json::{Json, Presence};
use witwire_ir::{Shape, TypeId, Value};

use crate::http::build::{Builder, call, parameter, request, style};

fn style_of(text: &str) -> Style {
    match text {
        "matrix" => Style::Matrix,
        "label" => Style::Label,
        "simple" => Style::Simple,
        "form" => Style::Form,
        "spaceDelimited" => Style::SpaceDelimited,
        "pipeDelimited" => Style::PipeDelimited,
        "deepObject" => Style::DeepObject,
        other => panic!("no style `{other}`"),
    }
}

/// What a parameter `color` of a type looks like.
fn sent(
    encoding: &ParameterEncoding,
    location: &str,
    build: impl FnOnce(&mut Builder) -> TypeId,
    value: Value,
) -> Result<String, Vec<String>> {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let place = match location {
        "path" => Location::Path,
        "query" => Location::Query,
        "header" => Location::Header,
        "cookie" => Location::Cookie,
        other => panic!("no location `{other}`"),
    };
    let mut http = HttpCall { parameters: vec![parameter("color", place, encoding.clone(), 0, ty)], ..call(Method::Get) };
    if place == Location::Path {
        http.path = vec![PathPart::Literal("/".to_owned()), PathPart::Parameter(0)];
    }
    let operation = b.operation("send", &[("color", ty)], None, http);
    let request = request(&b.plan(), operation, &[value])?;
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    Ok(match place {
        Location::Path => request.target.strip_prefix('/').expect("a path").to_owned(),
        Location::Query => request.target.strip_prefix("/things").expect("the path").trim_start_matches('?').to_owned(),
        Location::Header => header("color").unwrap_or_default(),
        Location::Cookie => header("cookie").unwrap_or_default(),
    })
}

fn string(b: &mut Builder) -> TypeId {
    b.plain(Shape::String)
}

fn array(b: &mut Builder) -> TypeId {
    let item = string(b);
    b.list(item)
}

fn rgb(b: &mut Builder) -> TypeId {
    let int = b.plain(Shape::U32);
    let members = ["R", "G", "B"].map(|key| (key, int, Presence::Required));
    b.record("rgb", &members)
}

fn strings(items: &[&str]) -> Value {
    Value::list(items.iter().map(|item| Value::string(*item)).collect::<Vec<_>>())
}

#[test]
fn every_cell_of_the_style_table() {
    let mut cells = 0;
    for row in include_str!("styles.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<_> = row.split('\t').collect();
        let [style_name, explode, location, expected @ ..] = &columns[..] else { panic!("{row}") };
        let encoding = style(style_of(style_name), *explode == "true");
        let blue = ["blue", "black", "brown"];
        let actual = [
            sent(&encoding, location, string, Value::string("")),
            sent(&encoding, location, string, Value::string("blue")),
            sent(&encoding, location, array, strings(&blue)),
            sent(&encoding, location, rgb, Value::record([100, 200, 150].map(Value::U32))),
        ];
        for (actual, expected) in actual.into_iter().zip(expected) {
            let actual = actual.unwrap_or_else(|violations| {
                assert_eq!(violations, ["color path"], "{row}");
                "refused".to_owned()
            });
            assert_eq!(actual, *expected, "{row}");
            cells += 1;
        }
    }
    assert_eq!(cells, 18 * 4);
}

#[test]
fn a_path_value_is_one_segment_whatever_it_holds() {
    let simple = style(Style::Simple, false);
    let sent = |text: &str| sent(&simple, "path", string, Value::string(text));
    assert_eq!(sent("a/b?c#d%2F é+~"), Ok("a%2Fb%3Fc%23d%252F%20%C3%A9%2B~".to_owned()));
    assert_eq!(sent("..."), Ok("...".to_owned()));
    for refused in ["", ".", ".."] {
        assert_eq!(sent(refused), Err(vec!["color path".to_owned()]), "{refused}");
    }
}

#[test]
fn two_path_values_do_not_make_a_dot_segment_together() {
    let mut b = Builder::new();
    let ty = string(&mut b);
    let encoding = style(Style::Label, false);
    let parameters = vec![
        parameter("a", Location::Path, encoding, 0, ty),
        parameter("b", Location::Path, style(Style::Simple, false), 1, ty),
    ];
    let path = vec![
        PathPart::Literal("/x".to_owned()),
        PathPart::Parameter(0),
        PathPart::Literal("/".to_owned()),
        PathPart::Literal(".".to_owned()),
        PathPart::Parameter(1),
    ];
    let operation = b.operation("send", &[("a", ty), ("b", ty)], None, HttpCall { path, parameters, ..call(Method::Get) });
    let plan = b.plan();
    let send = |a, b| request(&plan, operation, &[Value::string(a), Value::string(b)]).map(|r| r.target);
    assert_eq!(send("v", "w"), Ok("/x.v/.w".to_owned()));
    assert_eq!(send("v", "."), Err(vec!["b path".to_owned()]));
}

#[test]
fn delimiters_inside_values_are_encoded() {
    let sent = |name, explode, location, value| sent(&style(style_of(name), explode), location, array, value);
    let odd = || strings(&["a,b", "c d", "e|f", "g&h=i"]);
    assert_eq!(sent("form", false, "query", odd()), Ok("color=a%2Cb,c%20d,e%7Cf,g%26h%3Di".to_owned()));
    assert_eq!(sent("pipeDelimited", false, "query", odd()), Ok("color=a%2Cb%7Cc%20d%7Ce%7Cf%7Cg%26h%3Di".to_owned()));
    assert_eq!(sent("simple", false, "path", strings(&["a,b", "/"])), Ok("a%2Cb,%2F".to_owned()));
    assert_eq!(
        sent("form", true, "cookie", strings(&["a;b", "ü", "100%"])),
        Ok("color=a%3Bb; color=%C3%BC; color=100%25".to_owned())
    );
}

#[test]
fn an_empty_array_is_left_out() {
    for (name, explode) in [("form", true), ("form", false), ("pipeDelimited", false), ("deepObject", true)] {
        assert_eq!(sent(&style(style_of(name), explode), "query", array, strings(&[])), Ok(String::new()), "{name}");
    }
}

#[test]
fn reserved_characters_stay_where_the_document_allows_but_never_end_the_value() {
    let allow = |style| ParameterEncoding::Style { style, explode: false, allow_reserved: true };
    let text = "a/b?c:d@e!$'()*,;=%41%zz &+#[]";
    let query = sent(&allow(Style::Form), "query", string, Value::string(text));
    assert_eq!(query, Ok("color=a/b?c:d@e!$'()*,;=%41%25zz%20%26%2B%23%5B%5D".to_owned()));
    let path = sent(&allow(Style::Simple), "path", string, Value::string(text));
    assert_eq!(path, Ok("a%2Fb%3Fc:d@e!$'()*,;=%41%25zz%20&+%23%5B%5D".to_owned()));
}

#[test]
fn deep_objects_nest() {
    let deep = |b: &mut Builder| {
        let text = string(b);
        let texts = array(b);
        let option = b.option(text);
        let inner = b.record("inner", &[("x y", text, Presence::Required), ("gone", option, Presence::Optional)]);
        b.record("outer", &[("a", inner, Presence::Required), ("l", texts, Presence::Required)])
    };
    let value = Value::record([Value::record([Value::string("1&2"), Value::none()]), strings(&["p", "q"])]);
    let sent = sent(&style(Style::DeepObject, true), "query", deep, value);
    assert_eq!(sent, Ok("color%5Ba%5D%5Bx%20y%5D=1%262&color%5Bl%5D%5B%5D=p&color%5Bl%5D%5B%5D=q".to_owned()));
}

#[test]
fn nested_values_of_other_styles_and_content_parameters_are_json() {
    let nested = |b: &mut Builder| {
        let texts = array(b);
        b.record("outer", &[("l", texts, Presence::Required)])
    };
    let value = || Value::record([strings(&["p", "é"])]);
    assert_eq!(sent(&style(Style::Form, true), "query", nested, value()), Ok("l=%5B%22p%22%2C%22%C3%A9%22%5D".to_owned()));
    let json = ParameterEncoding::Json;
    assert_eq!(sent(&json, "query", nested, value()), Ok("color=%7B%22l%22%3A%5B%22p%22%2C%22%C3%A9%22%5D%7D".to_owned()));
    assert_eq!(sent(&json, "header", nested, value()), Ok(r#"{"l":["p","\u00e9"]}"#.to_owned()));
    assert_eq!(sent(&ParameterEncoding::Text, "query", string, Value::string("a b")), Ok("color=a%20b".to_owned()));
}

#[test]
fn no_header_value_ends_its_header() {
    let simple = style(Style::Simple, false);
    let sent = |text: &str| sent(&simple, "header", string, Value::string(text));
    assert_eq!(sent("a b;c=\"d\""), Ok("a b;c=\"d\"".to_owned()));
    for refused in ["a\r\nx: y", "a\nb", "a\rb", "\0", "é", " a", "a\t", "\u{7f}"] {
        assert_eq!(sent(refused), Err(vec!["color header".to_owned()]), "{refused:?}");
    }
}

#[test]
fn scalars_are_written_as_json_has_them_without_quotes() {
    let form = style(Style::Form, true);
    let cases: [(Shape, Value, &str); 7] = [
        (Shape::Bool, Value::Bool(true), "true"),
        (Shape::S64, Value::S64(i64::MIN), "-9223372036854775808"),
        (Shape::U64, Value::U64(u64::MAX), "18446744073709551615"),
        (Shape::F64, Value::F64(1.0), "1"),
        (Shape::F64, Value::F64(1e21), "1e21"),
        (Shape::F32, Value::F32(0.1), "0.1"),
        (Shape::Bytes, Value::Bytes([0xFB, 0xFF].into()), "%2B%2F8%3D"),
    ];
    for (shape, value, expected) in cases {
        let actual = sent(&form, "query", |b| b.plain(shape.clone()), value);
        assert_eq!(actual, Ok(format!("color={expected}")));
    }
    let text = sent(&form, "query", |b| b.json(Shape::S64, Json::IntegerString), Value::S64(-7));
    assert_eq!(text, Ok("color=-7".to_owned()));
    let infinite = sent(&form, "query", |b| b.plain(Shape::F64), Value::F64(f64::INFINITY));
    assert_eq!(infinite, Err(vec!["color number".to_owned()]));
}

#[test]
fn an_absent_option_is_not_sent() {
    let optional = |b: &mut Builder| {
        let text = string(b);
        b.option(text)
    };
    for location in ["query", "header", "cookie"] {
        let simple = style(if location == "header" { Style::Simple } else { Style::Form }, true);
        assert_eq!(sent(&simple, location, optional, Value::none()), Ok(String::new()));
    }
}

#[test]
fn a_text_that_is_json_is_sent_as_what_it_says() {
    let raw = |b: &mut Builder| b.json(Shape::String, Json::Raw);
    let sent = |style: &ParameterEncoding, json: &str| sent(style, "query", raw, Value::string(json));
    let form = style(Style::Form, true);
    assert_eq!(sent(&form, r#""a\u00e9""#), Ok("color=a%C3%A9".to_owned()));
    assert_eq!(sent(&form, " 1.50 "), Ok("color=1.50".to_owned()));
    assert_eq!(sent(&form, r#"["a",{"b":1}]"#), Ok("color=a&color=%7B%22b%22%3A1%7D".to_owned()));
    assert_eq!(sent(&form, r#"{"R":100,"G":null}"#), Ok("R=100".to_owned()));
    assert_eq!(
        sent(&style(Style::DeepObject, true), r#"{"a":{"b":[true]}}"#),
        Ok("color%5Ba%5D%5Bb%5D%5B%5D=true".to_owned())
    );
    assert_eq!(sent(&form, "null"), Ok(String::new()));
    assert_eq!(sent(&form, "blue"), Err(vec!["color json".to_owned()]));
}
