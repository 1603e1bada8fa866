//! Protobuf beside prost's static messages, which know the types when they are compiled, and prost-reflect's `DynamicMessage`,
//! which like witwire learns them at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use witwire_interpreter::{GrpcResponse, Plan, Request, Response};
use witwire_ir::{Id as _, OperationId, Value};

use crate::Case;
use crate::specification::{Specification, only};

const FILE: &str = "report.proto";
const SOURCE: &str = include_str!("../data/report.proto");
const ITEMS: u32 = 1000;

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
enum Priority {
    Unspecified = 0,
    Low = 1,
    High = 2,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Position {
    #[prost(double, tag = "1")]
    latitude: f64,
    #[prost(double, tag = "2")]
    longitude: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Item {
    #[prost(uint32, tag = "1")]
    number: u32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(double, tag = "3")]
    weight: f64,
    #[prost(bool, tag = "4")]
    fragile: bool,
    #[prost(string, repeated, tag = "5")]
    tags: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Report {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    title: String,
    #[prost(string, tag = "3")]
    author: String,
    #[prost(string, optional, tag = "4")]
    note: Option<String>,
    #[prost(bool, tag = "5")]
    closed: bool,
    #[prost(int32, tag = "6")]
    revision: i32,
    #[prost(int64, tag = "7")]
    created: i64,
    #[prost(uint32, tag = "8")]
    pages: u32,
    #[prost(uint64, tag = "9")]
    reads: u64,
    #[prost(sint32, tag = "10")]
    offset: i32,
    #[prost(sint64, tag = "11")]
    balance: i64,
    #[prost(fixed32, tag = "12")]
    checksum: u32,
    #[prost(fixed64, tag = "13")]
    serial: u64,
    #[prost(float, tag = "14")]
    score: f32,
    #[prost(double, tag = "15")]
    total: f64,
    #[prost(enumeration = "Priority", tag = "16")]
    priority: i32,
    #[prost(message, optional, tag = "17")]
    position: Option<Position>,
    #[prost(int64, repeated, tag = "18")]
    samples: Vec<i64>,
    #[prost(btree_map = "string, string", tag = "19")]
    labels: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "20")]
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
        priority: Priority::High.into(),
        position: Some(Position { latitude: 60.1675, longitude: 24.9425 }),
        samples: (0..100).map(|n: i64| n * n * 1013).collect(),
        labels: ["colour", "floor", "owner"].map(|key| (key.to_owned(), format!("value of {key}"))).into(),
        items: (1..=ITEMS).map(item).collect(),
    }
}

fn item(number: u32) -> Item {
    Item {
        number,
        name: format!("item number {number}"),
        weight: f64::from(number) + 0.25,
        fragile: number.is_multiple_of(2),
        tags: (0..number % 3).map(|tag| format!("tag-{tag}")).collect(),
    }
}

/// The report as a guest gives it, written down apart from both libraries.
fn value(report: &Report) -> Value {
    let text = |text: &str| Value::String(text.into());
    let labels: Vec<Value> = report.labels.iter().map(|(k, v)| Value::tuple([text(k), text(v)])).collect();
    let samples: Vec<Value> = report.samples.iter().map(|n| Value::S64(*n)).collect();
    let items: Vec<Value> = report.items.iter().map(item_value).collect();
    let place = report.position.map(|at| Value::record([Value::F64(at.latitude), Value::F64(at.longitude)]));
    Value::record([
        text(&report.id),
        text(&report.title),
        text(&report.author),
        Value::option(report.note.as_deref().map(text)),
        Value::Bool(report.closed),
        Value::S32(report.revision),
        Value::S64(report.created),
        Value::U32(report.pages),
        Value::U64(report.reads),
        Value::S32(report.offset),
        Value::S64(report.balance),
        Value::U32(report.checksum),
        Value::U64(report.serial),
        Value::F32(report.score),
        Value::F64(report.total),
        Value::Variant(report.priority as u32, None),
        Value::option(place),
        Value::list(samples),
        Value::list(labels),
        Value::list(items),
    ])
}

fn item_value(item: &Item) -> Value {
    let tags: Vec<Value> = item.tags.iter().map(|tag| Value::String(tag.as_str().into())).collect();
    Value::record([
        Value::U32(item.number),
        Value::String(item.name.as_str().into()),
        Value::F64(item.weight),
        Value::Bool(item.fragile),
        Value::list(tags),
    ])
}

fn descriptor() -> MessageDescriptor {
    let file = protox::file::File::from_source(FILE, SOURCE).expect("the source of the cases is valid");
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).expect("the source of the cases imports nothing");
    pool.get_message_by_name("bench.report.v1.Report").expect("the source declares the message")
}

/// One message in the three forms, which are the same message: that is checked here.
struct Sides {
    plan: Plan,
    operation: OperationId,
    arguments: [Value; 1],
    fixed: Report,
    dynamic: DynamicMessage,
    bytes: Vec<u8>,
}

impl Sides {
    fn new() -> Self {
        let fixed = report();
        let bytes = fixed.encode_to_vec();
        let dynamic = DynamicMessage::decode(descriptor(), &bytes[..]).expect("prost-reflect reads what prost writes");
        let plan = Plan::new(Arc::new(only(Specification::new(FILE, SOURCE).protobuf()))).expect("the package is sound");
        let operation = OperationId::new(0);
        let Value::Result(Ok(Some(read))) = receive(&plan, operation, &response(&bytes)) else {
            panic!("witwire reads what prost writes")
        };
        let sides = Self { plan, operation, arguments: [value(&fixed)], fixed, dynamic, bytes };
        assert_eq!(*read, sides.arguments[0], "witwire reads the values that were written");
        let sent = send(&sides.plan, sides.operation, &sides.arguments);
        assert_eq!(sent, sides.bytes, "witwire writes the bytes that prost writes");
        assert_eq!(Report::decode(&sent[..]).as_ref(), Ok(&sides.fixed), "prost reads what witwire writes");
        // A map of prost-reflect has no fixed order, so its bytes are compared by what they mean.
        let reflected = sides.dynamic.encode_to_vec();
        assert_eq!(Report::decode(&reflected[..]).as_ref(), Ok(&sides.fixed), "prost reads what prost-reflect writes");
        assert_eq!(reflected.len(), sides.bytes.len(), "prost-reflect writes as much as prost");
        sides
    }
}

fn response(bytes: &[u8]) -> Response {
    Response::Grpc(GrpcResponse::Ok { message: Bytes::copy_from_slice(bytes), trailers: Vec::new() })
}

fn receive(plan: &Plan, operation: OperationId, response: &Response) -> Value {
    plan.response(operation, &[], response)
}

fn send(plan: &Plan, operation: OperationId, arguments: &[Value]) -> Bytes {
    match plan.request(operation, arguments) {
        Ok(Request::Grpc(request)) => request.message,
        other => panic!("a message that was read can be sent: {other:?}"),
    }
}

pub(crate) fn encode() -> Case {
    let Sides { plan, operation, arguments, fixed, dynamic, .. } = Sides::new();
    Case::new(move || send(&plan, operation, &arguments))
        .beside("prost", move || fixed.encode_to_vec())
        .beside("prost-reflect", move || dynamic.encode_to_vec())
}

pub(crate) fn decode() -> Case {
    let Sides { plan, operation, dynamic, bytes, .. } = Sides::new();
    let received = response(&bytes);
    let for_reflection = bytes.clone();
    let descriptor = descriptor_of(&dynamic);
    Case::new(move || receive(&plan, operation, &received))
        .beside("prost", move || Report::decode(&bytes[..]))
        .beside("prost-reflect", move || DynamicMessage::decode(descriptor.clone(), &for_reflection[..]))
}

fn descriptor_of(message: &DynamicMessage) -> MessageDescriptor {
    prost_reflect::ReflectMessage::descriptor(message)
}
