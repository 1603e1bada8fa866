//! An IR that contradicts itself is refused when the plan is made, and never panics.

use std::sync::Arc;

use witwire_interpreter::Plan;
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field, Message, Presence, Scalar};
use witwire_ir::{Api, Call, Shape, TypeId, Value};

use super::{CLOSED, OPEN};

/// Why a changed API is refused.
fn refusal(change: impl FnOnce(&mut Api)) -> String {
    let mut api = (*OPEN.api).clone();
    change(&mut api);
    match Plan::new(Arc::new(api)) {
        Err(error) => format!("{}: {}", error.operation, error.message),
        Ok(_) => panic!("a plan was made"),
    }
}

fn fields(api: &mut Api, message: &str) -> (TypeId, Vec<Field>) {
    let ty = OPEN.ty(message);
    match &api.types[ty].wire {
        Wire::Message(map) => (ty, map.fields.clone()),
        other => panic!("a message: {other:?}"),
    }
}

/// Replaces the field in a slot.
fn replace(api: &mut Api, message: &str, slot: usize, field: Field) {
    let (ty, _) = fields(api, message);
    if let Wire::Message(map) = &mut api.types[ty].wire {
        map.fields[slot] = field;
    }
}

fn singular(number: u32, codec: Codec) -> Field {
    Field::Singular { number, name: "f".to_owned(), codec, presence: Presence::Implicit }
}

#[test]
fn a_wire_map_must_fit_its_shape() {
    let at = "test.Echo/open.Scalars: the field `f` of the message `open.Scalars`:";
    // Slot 0 is an f64.
    for (field, expected) in [
        (singular(1, Codec::Scalar(Scalar::Int32)), "Int32 does not fit its type"),
        (singular(0, Codec::Scalar(Scalar::Double)), "the field number 0 is out of range"),
        (singular(1 << 29, Codec::Scalar(Scalar::Double)), "the field number 536870912 is out of range"),
        (singular(1, Codec::Empty), "a message without fields has no value here"),
        (singular(1, Codec::FieldMask), "its slot is no list"),
        (singular(1, Codec::Message(OPEN.ty("open.Inner"))), "its slot has another type"),
        (singular(1, Codec::Node { list: 0, group: false }), "its slot has another type"),
        (
            Field::Singular {
                number: 1,
                name: "f".to_owned(),
                codec: Codec::Scalar(Scalar::Double),
                presence: Presence::Explicit,
            },
            "its slot is no option",
        ),
        (
            Field::Repeated { number: 1, name: "f".to_owned(), codec: Codec::Scalar(Scalar::Double), packed: true },
            "its slot is no list",
        ),
        (Field::Map { number: 1, name: "f".to_owned(), key: Scalar::Int32, value: Codec::Empty }, "its slot is no list"),
        (Field::Oneof { name: "f".to_owned(), cases: Vec::new() }, "its slot is no option"),
        (Field::EmptyFlag { number: 1, name: "f".to_owned(), group: false }, "its slot has another type"),
        (Field::EmptyCount { number: 1, name: "f".to_owned(), group: false }, "its slot has another type"),
    ] {
        assert_eq!(refusal(|api| replace(api, "open.Scalars", 0, field)), format!("{at} {expected}"));
    }
}

#[test]
fn field_numbers_are_unique_and_slots_complete() {
    assert_eq!(
        refusal(|api| replace(api, "open.Scalars", 0, singular(2, Codec::Scalar(Scalar::Double)))),
        "test.Echo/open.Scalars: the message `open.Scalars`: the field number 2 stands twice"
    );
    assert_eq!(
        refusal(|api| {
            let (ty, mut fields) = fields(api, "open.Deep");
            fields.pop();
            api.types[ty].wire = Wire::Message(Message { full_name: "open.Deep".to_owned(), fields });
        }),
        "test.Echo/open.Optionals: the message `open.Deep` has 3 slots for 2 fields"
    );
}

#[test]
fn nodes_stay_in_their_tables() {
    let Wire::Table(table) = &OPEN.api.types[OPEN.ty("open.Tree")].wire else { panic!("a table") };
    let node = table.nodes[0];
    let outside = refusal(|api| {
        // A request that is a bare node.
        let id = OPEN.operation("open.Deep");
        let result = api.operations[id].result;
        if let Shape::Result { ok, .. } = &mut api.types[result].shape {
            *ok = Some(node);
        }
        api.operations[id].params[0].ty = node;
        if let Call::Grpc(call) = &mut api.operations[id].call {
            (call.request, call.response) = (Some(node), Some(node));
        }
    });
    assert!(
        outside.ends_with("a reference to no list of its table")
            || outside.ends_with("a node of a recursive message stands outside of its table"),
        "{outside}"
    );
    let root = refusal(|api| {
        let ty = OPEN.ty("open.Tree");
        if let Wire::Table(table) = &mut api.types[ty].wire {
            table.root = 9;
        }
    });
    assert!(root.ends_with("a table of nodes has no root"), "{root}");
}

#[test]
fn an_operations_types_are_its_messages() {
    let id = OPEN.operation("open.Scalars");
    assert_eq!(
        refusal(|api| api.operations[id].params.clear()),
        "test.Echo/open.Scalars: its first parameter is not the request message"
    );
    let other = OPEN.ty("open.Inner");
    assert_eq!(
        refusal(|api| {
            if let Call::Grpc(call) = &mut api.operations[id].call {
                call.response = Some(other);
            }
        }),
        "test.Echo/open.Scalars: its result is not the response message"
    );
}

#[test]
fn messages_that_are_never_absent_have_defaults() {
    // `presence: bare`: the singular messages of `open.Messages` without their options.
    let mut api = (*OPEN.api).clone();
    let ty = OPEN.ty("open.Optionals");
    let inner = OPEN.ty("open.Inner");
    if let Shape::Record(slots) = &mut api.types[ty].shape {
        slots[16].ty = inner;
    }
    replace(
        &mut api,
        "open.Optionals",
        16,
        Field::Singular { number: 17, name: "inner".to_owned(), codec: Codec::Message(inner), presence: Presence::Bare },
    );
    let api = Arc::new(api);
    let plan = Plan::new(Arc::clone(&api)).expect("a plan");
    let id = OPEN.operation("open.Optionals");
    let response = |bytes: &[u8]| {
        let response = witwire_interpreter::GrpcResponse::Ok { message: bytes.to_vec().into(), trailers: Vec::new() };
        let value = plan.response(id, &[], &witwire_interpreter::Response::Grpc(response));
        value.conforms(&api, api.operations[id].result).expect("a result of its type");
        let Value::Result(Ok(Some(value))) = value else { panic!("ok: {value:?}") };
        *value
    };
    let Value::Record(slots) = response(b"") else { panic!("a record") };
    assert_eq!(format!("{:?}", slots[16]), r#"{0s32, "", none, [], []}"#);
    // It is always written.
    let Ok(witwire_interpreter::Request::Grpc(request)) = plan.request(id, &[response(b"")]) else { panic!("a request") };
    assert_eq!(&request.message[..], b"\x8a\x01\x00");
}

#[test]
fn rules_are_checked_with_their_place() {
    let Ok(Value::Record(mut slots)) = OPEN.decode("open.Messages", b"") else { panic!("a record") };
    let timestamp = |seconds, nanoseconds| Value::record([Value::S64(seconds), Value::U32(nanoseconds)]);
    slots[5] = Value::some(timestamp(0, 1_000_000_000));
    slots[10] = Value::list([timestamp(0, 0), timestamp(253_402_300_800, 0)]);
    let violations = OPEN.plan.check(OPEN.operation("open.Messages"), &[Value::Record(slots)]);
    let found: Vec<_> = violations.iter().map(|v| (v.location.as_str(), v.rule.as_str())).collect();
    assert_eq!(found, [("request.at", "format"), ("request.times[1]", "format")]);
    let value = CLOSED.decode("closed.Chain", b"").expect("an empty message");
    assert_eq!(CLOSED.plan.check(CLOSED.operation("closed.Chain"), &[value]), []);
}
