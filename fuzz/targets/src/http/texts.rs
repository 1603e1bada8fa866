//! A text in any place of a request arrives as the guest wrote it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use witwire_interpreter::HttpRequest;
use witwire_ir::{Api, Operation, OperationId, Shape, Value};

/// Looks at the operation `texts`; any other passes.
pub(super) fn said(api: &Api, operation: OperationId, args: &[Value], request: &HttpRequest) {
    let operation = &api.operations[operation];
    if operation.name.as_str() != "texts" {
        return;
    }
    let texts = texts(api, operation, args);
    let text = |name: &str| texts.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let segments: Vec<&str> = path.split('/').collect();
    let [_, _, in_path, _, label, matrix] = segments[..] else { panic!("no segment is made or lost: {path}") };
    same("in-path", text("in-path"), Some(&percent(in_path)));
    same("label", text("label"), label.strip_prefix('.').map(percent).as_deref());
    same(
        "matrix",
        text("matrix"),
        matrix.strip_prefix(";matrix").map(|m| percent(m.strip_prefix('=').unwrap_or(m))).as_deref(),
    );
    let pair = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, value)| value);
    same("in-query", text("in-query"), pair("in query").as_deref());
    // A triplet of percent-encoding stays one (RFC 6570, section 3.2.3), so that a text that holds one says another thing.
    if !text("reserved").is_some_and(|text| text.contains('%')) {
        same("reserved", text("reserved"), pair("reserved").as_deref());
    }
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    same("x-in-header", text("x-in-header"), header("x-in-header"));
    let body = request.body.clone().unwrap_or_default();
    if let Some(wanted) = text("field-one") {
        let field = url::form_urlencoded::parse(&body).find(|(n, _)| n == "field one").map(|(_, value)| value.into_owned());
        assert_eq!(field.as_deref(), Some(wanted), "`field one` arrives as it was written");
    }
}

fn percent(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn same(name: &str, wanted: Option<&str>, found: Option<&str>) {
    assert_eq!(found, wanted, "`{name}` arrives as it was written");
}

/// The texts that are given, by their names in WIT; those of a record by its fields' names.
fn texts(api: &Api, operation: &Operation, args: &[Value]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (param, value) in operation.params.iter().zip(args) {
        match (api.shape(param.ty), value) {
            (Shape::Record(fields), Value::Record(slots)) => {
                let slots = fields.iter().zip(slots);
                found.extend(slots.filter_map(|(field, slot)| Some((field.name.as_str().to_owned(), text(slot)?))));
            }
            (_, value) => found.extend(text(value).map(|text| (param.name.as_str().to_owned(), text))),
        }
    }
    found
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Option(Some(inner)) => text(inner),
        _ => None,
    }
}
