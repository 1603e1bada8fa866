//! JSON beside serde_json: into structs, which know the types when they are compiled, and into `serde_json::Value`, which knows
//! none.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use witwire_interpreter::{HttpResponse, Plan, Request, Response};
use witwire_ir::{Id as _, OperationId, Value};

use crate::Case;
use crate::specification::{Specification, only};

const FILE: &str = "report.yaml";
const SOURCE: &str = include_str!("../data/report.yaml");
const ITEMS: i32 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Priority {
    Low = 0,
    High = 1,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Position {
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    number: i32,
    name: String,
    weight: f64,
    fragile: bool,
    tags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Report {
    id: String,
    title: String,
    author: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    closed: bool,
    revision: i32,
    created: i64,
    pages: i32,
    reads: i64,
    offset: i32,
    balance: i64,
    checksum: i64,
    serial: i64,
    score: f64,
    total: f64,
    priority: Priority,
    position: Position,
    samples: Vec<i64>,
    labels: BTreeMap<String, String>,
    items: Vec<Item>,
}

fn report() -> Report {
    Report {
        id: "2f8b6c1e-report".to_owned(),
        title: "Stock of the northern warehouse".to_owned(),
        author: "clerk@example.org".to_owned(),
        note: Some("Counted twice; the second count holds.".to_owned()),
        closed: true,
        revision: -7,
        created: 1_732_000_000_123,
        pages: 48,
        reads: 9_007_199_254_740_993,
        offset: -90,
        balance: -123_456_789_012,
        checksum: 0xfeed_beef,
        serial: 0x0123_4567_89ab_cdef,
        score: 0.75,
        total: 1234.5625,
        priority: Priority::High,
        position: Position { latitude: 60.1675, longitude: 24.9425 },
        samples: (0..100).map(|n: i64| n * n * 1013).collect(),
        labels: ["colour", "floor", "owner"].map(|key| (key.to_owned(), format!("value of {key}"))).into(),
        items: (1..=ITEMS).map(item).collect(),
    }
}

fn item(number: i32) -> Item {
    Item {
        number,
        name: format!("item number {number}"),
        weight: f64::from(number) + 0.25,
        fragile: number % 2 == 0,
        tags: (0..number % 3).map(|tag| format!("tag-{tag}")).collect(),
    }
}

/// The report as a guest gives it, written down apart from both libraries.
fn value(report: &Report) -> Value {
    let text = |text: &str| Value::String(text.into());
    let labels: Vec<Value> = report.labels.iter().map(|(k, v)| Value::tuple([text(k), text(v)])).collect();
    let samples: Vec<Value> = report.samples.iter().map(|n| Value::S64(*n)).collect();
    let items: Vec<Value> = report.items.iter().map(item_value).collect();
    let place = Value::record([Value::F64(report.position.latitude), Value::F64(report.position.longitude)]);
    Value::record([
        text(&report.id),
        text(&report.title),
        text(&report.author),
        Value::option(report.note.as_deref().map(text)),
        Value::Bool(report.closed),
        Value::S32(report.revision),
        Value::S64(report.created),
        Value::S32(report.pages),
        Value::S64(report.reads),
        Value::S32(report.offset),
        Value::S64(report.balance),
        Value::S64(report.checksum),
        Value::S64(report.serial),
        Value::F64(report.score),
        Value::F64(report.total),
        Value::Variant(report.priority as u32, None),
        place,
        Value::list(samples),
        Value::list(labels),
        Value::list(items),
    ])
}

fn item_value(item: &Item) -> Value {
    let tags: Vec<Value> = item.tags.iter().map(|tag| Value::String(tag.as_str().into())).collect();
    Value::record([
        Value::S32(item.number),
        Value::String(item.name.as_str().into()),
        Value::F64(item.weight),
        Value::Bool(item.fragile),
        Value::list(tags),
    ])
}

/// One document in the three forms, which are the same document: that is checked here.
struct Sides {
    plan: Plan,
    operation: OperationId,
    arguments: [Value; 1],
    fixed: Report,
    tree: serde_json::Value,
    text: Vec<u8>,
}

impl Sides {
    fn new() -> Self {
        let fixed = report();
        let text = serde_json::to_vec(&fixed).expect("the report is JSON");
        let tree: serde_json::Value = serde_json::from_slice(&text).expect("serde_json reads what it writes");
        let plan = Plan::new(Arc::new(only(Specification::new(FILE, SOURCE).openapi()))).expect("the package is sound");
        let operation = OperationId::new(0);
        let Value::Result(Ok(Some(read))) = receive(&plan, operation, &response(&text)) else {
            panic!("witwire reads what serde_json writes")
        };
        let sides = Self { plan, operation, arguments: [value(&fixed)], fixed, tree, text };
        let parameter = sides.plan.api().operations[operation].params[0].ty;
        assert_eq!(sides.arguments[0].conforms(sides.plan.api(), parameter), Ok(()), "the body is the only argument");
        assert_eq!(*read, sides.arguments[0], "witwire reads the values that were written");
        let sent = send(&sides.plan, operation, &sides.arguments);
        assert_eq!(text_of(&sent), text_of(&sides.text), "witwire writes the text that serde_json writes");
        assert_eq!(serde_json::from_slice::<Report>(&sent).ok().as_ref(), Some(&sides.fixed), "serde_json reads it back");
        let from_tree = serde_json::to_vec(&sides.tree).expect("a tree is JSON");
        assert_eq!(text_of(&from_tree), text_of(&sides.text), "the tree says the same");
        sides
    }
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("JSON is UTF-8")
}

fn response(text: &[u8]) -> Response {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Response::Http(HttpResponse { status: 200, headers, body: Bytes::copy_from_slice(text) })
}

fn receive(plan: &Plan, operation: OperationId, response: &Response) -> Value {
    plan.response(operation, &[], response)
}

fn send(plan: &Plan, operation: OperationId, arguments: &[Value]) -> Bytes {
    match plan.request(operation, arguments) {
        Ok(Request::Http(request)) => request.body.expect("the operation has a body"),
        other => panic!("a document that was read can be sent: {other:?}"),
    }
}

pub(crate) fn encode() -> Case {
    let Sides { plan, operation, arguments, fixed, tree, .. } = Sides::new();
    Case::new(move || send(&plan, operation, &arguments))
        .beside("serde_json, structs", move || serde_json::to_vec(&fixed))
        .beside("serde_json::Value", move || serde_json::to_vec(&tree))
}

pub(crate) fn decode() -> Case {
    let Sides { plan, operation, text, .. } = Sides::new();
    let received = response(&text);
    let for_tree = text.clone();
    Case::new(move || receive(&plan, operation, &received))
        .beside("serde_json, structs", move || serde_json::from_slice::<Report>(&text))
        .beside("serde_json::Value", move || serde_json::from_slice::<serde_json::Value>(&for_tree))
}

/// The rules of the document, before a request is sent: the items' lengths, counts and bounds.
pub(crate) fn check() -> Case {
    let Sides { plan, operation, arguments, .. } = Sides::new();
    assert_eq!(plan.check(operation, &arguments), Vec::new(), "the document keeps the rules");
    Case::new(move || plan.check(operation, &arguments))
}
