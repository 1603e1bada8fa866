//! Every way in which a call fails, as the WIT `error`.

use std::sync::Arc;

use prost::Message;
use prost_reflect::{DynamicMessage, Value as Dynamic};
use witwire_interpreter::{Failure, GrpcResponse, GrpcStatus, MetadataText, Plan, Request, Response};
use witwire_ir::host::Violation;
use witwire_ir::host::grpc::{DETAILS, KIND, MESSAGE, TRAILERS};
use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::{Call, OperationId, Shape, Value};

use super::OPEN;
use super::lower::Lowered;

const METHOD: &str = "open.Scalars";

/// The slots of the error in a result that is one of its type.
fn error(result: Value) -> [Value; 4] {
    let ty = OPEN.api.operations[OPEN.operation(METHOD)].result;
    result.conforms(&OPEN.api, ty).expect("every result is one of its type");
    match result {
        Value::Result(Err(Some(error))) => match *error {
            Value::Record(slots) => slots.into_vec().try_into().expect("four slots"),
            other => panic!("a record: {other:?}"),
        },
        other => panic!("an error: {other:?}"),
    }
}

/// The name of the error's kind, by the type that guests see.
fn kind(kind: &Value) -> String {
    let error = OPEN.api.host.as_ref().expect("the API has an error").error;
    let Shape::Record(fields) = OPEN.api.shape(error) else { panic!("a record") };
    let Shape::Variant(cases) = OPEN.api.shape(fields[KIND].ty) else { panic!("a variant") };
    match kind {
        Value::Variant(case, _) => cases[*case as usize].name.as_str().to_owned(),
        other => panic!("a variant: {other:?}"),
    }
}

fn respond(status: GrpcStatus) -> [Value; 4] {
    error(OPEN.plan.response(OPEN.operation(METHOD), &[], &Response::Grpc(GrpcResponse::Status(status))))
}

#[test]
fn every_code_has_its_kind() {
    for (code, expected) in [
        (0, "unknown"),
        (1, "cancelled"),
        (2, "unknown"),
        (3, "invalid-argument"),
        (4, "deadline-exceeded"),
        (5, "not-found"),
        (6, "already-exists"),
        (7, "permission-denied"),
        (8, "resource-exhausted"),
        (9, "failed-precondition"),
        (10, "aborted"),
        (11, "out-of-range"),
        (12, "unimplemented"),
        (13, "internal"),
        (14, "unavailable"),
        (15, "data-loss"),
        (16, "unauthenticated"),
        (17, "unknown"),
        (99, "unknown"),
        (u32::MAX, "unknown"),
    ] {
        let slots = respond(GrpcStatus { code, message: format!("code {code}"), details: None, trailers: Vec::new() });
        assert_eq!(kind(&slots[KIND]), expected, "{code}");
        assert_eq!(slots[MESSAGE], Value::string(format!("code {code}")));
        assert_eq!((&slots[DETAILS], &slots[TRAILERS]), (&Value::list([]), &Value::list([])));
    }
}

#[test]
fn trailers_are_text_or_bytes() {
    let slots = respond(GrpcStatus {
        code: 5,
        message: String::new(),
        details: None,
        trailers: vec![
            ("x-id".to_owned(), MetadataText::Ascii("7".to_owned())),
            ("x-id".to_owned(), MetadataText::Ascii("8".to_owned())),
            ("trace-bin".to_owned(), MetadataText::Binary(vec![0, 255].into())),
        ],
    });
    let expected = r#"[("x-id", #0("7")), ("x-id", #0("8")), ("trace-bin", #1(bytes[0, 255]))]"#;
    assert_eq!(format!("{:?}", slots[TRAILERS]), expected);
}

#[test]
fn every_failure_has_its_kind() {
    let violation =
        Violation { location: "request.a".to_owned(), rule: "maxLength".to_owned(), message: "is too long".to_owned() };
    for (failure, expected, message) in [
        (Failure::InvalidRequest(vec![violation.clone()]), "invalid-request", "`request.a`: is too long; nothing was sent"),
        (
            Failure::InvalidRequest(vec![violation.clone(), violation.clone(), violation]),
            "invalid-request",
            "`request.a`: is too long, and 2 more; nothing was sent",
        ),
        (Failure::InvalidResponse { message: "m".to_owned(), raw: None, status: None }, "invalid-response", "m"),
        (Failure::Unavailable("m".to_owned()), "unavailable", "m"),
        (Failure::Timeout("m".to_owned()), "deadline-exceeded", "m"),
        (Failure::OutcomeUnknown("m".to_owned()), "outcome-unknown", "m"),
        (Failure::Denied("m".to_owned()), "denied", "m"),
        (Failure::Unauthenticated("m".to_owned()), "unauthenticated", "m"),
        (Failure::Unimplemented("m".to_owned()), "unimplemented", "m"),
    ] {
        let slots = error(OPEN.plan.failure(OPEN.operation(METHOD), failure));
        assert_eq!(kind(&slots[KIND]), expected);
        assert_eq!(slots[MESSAGE], Value::string(message));
    }
    let failure = Failure::InvalidRequest(vec![Violation {
        location: "request.a".to_owned(),
        rule: "required".to_owned(),
        message: "is needed".to_owned(),
    }]);
    let slots = error(OPEN.plan.failure(OPEN.operation(METHOD), failure));
    assert_eq!(format!("{:?}", slots[KIND]), r#"#16([{"request.a", "required", "is needed"}])"#);
}

/// A message of `details.proto` with some fields.
fn message(details: &Lowered, name: &str, fields: &[(&str, Dynamic)]) -> DynamicMessage {
    let mut message = DynamicMessage::new(details.message(name));
    for (field, value) in fields {
        message.set_field_by_name(field, value.clone());
    }
    message
}

fn text(text: &str) -> Dynamic {
    Dynamic::String(text.to_owned())
}

fn list(messages: impl IntoIterator<Item = DynamicMessage>) -> Dynamic {
    Dynamic::List(messages.into_iter().map(Dynamic::Message).collect())
}

/// A status that holds one detail.
fn status(details: &Lowered, url: &str, value: Vec<u8>) -> Vec<u8> {
    let any = message(details, "google.protobuf.Any", &[("type_url", text(url)), ("value", Dynamic::Bytes(value.into()))]);
    let fields = [("code", Dynamic::I32(3)), ("message", text("from the details")), ("details", list([any]))];
    message(details, "google.rpc.Status", &fields).encode_to_vec()
}

fn read(bytes: Vec<u8>) -> String {
    let slots = respond(GrpcStatus { code: 3, message: "m".to_owned(), details: Some(bytes.into()), trailers: Vec::new() });
    assert_eq!(slots[MESSAGE], Value::string("m"));
    format!("{:?}", slots[DETAILS])
}

#[test]
fn details_are_typed() {
    let d = Lowered::new("details.proto");
    let duration = |seconds: i64, nanos: i32| {
        let fields = [("seconds", Dynamic::I64(seconds)), ("nanos", Dynamic::I32(nanos))];
        let delay = message(&d, "google.protobuf.Duration", &fields);
        message(&d, "google.rpc.RetryInfo", &[("retry_delay", Dynamic::Message(delay))])
    };
    let metadata = [(prost_reflect::MapKey::String("k".to_owned()), text("v"))].into_iter().collect();
    let violation = |name: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, text(value))).collect();
        message(&d, name, &fields)
    };
    let cases = [
        (
            message(
                &d,
                "google.rpc.ErrorInfo",
                &[("reason", text("R")), ("domain", text("d.example")), ("metadata", Dynamic::Map(metadata))],
            ),
            r#"[#0({"R", "d.example", [("k", "v")]})]"#,
        ),
        (duration(2, 500_000_001), "[#1(2501u64)]"),
        (duration(-1, 0), "[#1(0u64)]"),
        (duration(i64::MAX, 999_999_999), "[#1(18446744073709551615u64)]"),
        (duration(0, 0), "[#1(0u64)]"),
        (
            message(
                &d,
                "google.rpc.BadRequest",
                &[(
                    "field_violations",
                    list([
                        violation(
                            "google.rpc.BadRequest.FieldViolation",
                            &[("field", "a.b"), ("description", "too long"), ("reason", "TOO_LONG")],
                        ),
                        violation("google.rpc.BadRequest.FieldViolation", &[("field", "c")]),
                    ]),
                )],
            ),
            r#"[#2([{"a.b", "TOO_LONG", "too long"}, {"c", "", ""}])]"#,
        ),
        (
            message(
                &d,
                "google.rpc.PreconditionFailure",
                &[(
                    "violations",
                    list([violation(
                        "google.rpc.PreconditionFailure.Violation",
                        &[("type", "TOS"), ("subject", "s"), ("description", "accept them")],
                    )]),
                )],
            ),
            r#"[#3([{"TOS", "s", "accept them"}])]"#,
        ),
        (
            message(
                &d,
                "google.rpc.QuotaFailure",
                &[(
                    "violations",
                    list([violation("google.rpc.QuotaFailure.Violation", &[("subject", "s"), ("description", "d")])]),
                )],
            ),
            r#"[#4([{"s", "d"}])]"#,
        ),
        (
            violation(
                "google.rpc.ResourceInfo",
                &[("resource_type", "t"), ("resource_name", "n"), ("owner", "o"), ("description", "d")],
            ),
            r#"[#5({"t", "n", "o", "d"})]"#,
        ),
        (
            violation("google.rpc.LocalizedMessage", &[("locale", "de-CH"), ("message", "nein")]),
            r#"[#6(("de-CH", "nein"))]"#,
        ),
        (
            message(
                &d,
                "google.rpc.Help",
                &[("links", list([violation("google.rpc.Help.Link", &[("description", "d"), ("url", "u")])]))],
            ),
            r#"[#7([("d", "u")])]"#,
        ),
        (
            violation("google.rpc.Help.Link", &[("url", "u")]),
            r#"[#8({"type.googleapis.com/google.rpc.Help.Link", bytes[18, 1, 117]})]"#,
        ),
    ];
    for (detail, expected) in cases {
        let name = prost_reflect::ReflectMessage::descriptor(&detail).full_name().to_owned();
        assert_eq!(read(status(&d, &format!("type.googleapis.com/{name}"), detail.encode_to_vec())), expected, "{name}");
    }
}

#[test]
fn details_that_cannot_be_read_are_kept_or_left_out() {
    let d = Lowered::new("details.proto");
    let url = "type.googleapis.com/google.rpc.ErrorInfo";
    assert_eq!(read(status(&d, url, vec![0x0a])), r#"[#8({"type.googleapis.com/google.rpc.ErrorInfo", bytes[10]})]"#);
    assert_eq!(read(vec![0x0a, 0x05]), "[]");
    assert_eq!(read(Vec::new()), "[]");
    // Header limits cut `grpc-message` first.
    let bytes = status(&d, url, Vec::new());
    let slots = respond(GrpcStatus { code: 3, message: String::new(), details: Some(bytes.into()), trailers: Vec::new() });
    assert_eq!(slots[MESSAGE], Value::string("from the details"));
}

#[test]
fn another_protocols_answer_is_an_invalid_response() {
    let response = witwire_interpreter::HttpResponse { status: 200, headers: Vec::new(), body: Vec::new().into() };
    let slots = error(OPEN.plan.response(OPEN.operation(METHOD), &[], &Response::Http(response)));
    assert_eq!(kind(&slots[KIND]), "invalid-response");
}

/// The plan of an API whose methods stream.
fn streaming(kind: StreamKind) -> (Plan, OperationId) {
    let mut api = (*OPEN.api).clone();
    let id = OPEN.operation(METHOD);
    let Call::Grpc(call) = &mut api.operations[id].call else { panic!("a gRPC method") };
    call.kind = kind;
    (Plan::new(Arc::new(api)).expect("a streaming method is part of a plan"), id)
}

#[test]
fn items_of_a_stream_go_one_by_one() {
    for stream in [StreamKind::ServerStreaming, StreamKind::ClientStreaming, StreamKind::Bidirectional] {
        let (plan, id) = streaming(stream);
        let value = OPEN.decode(METHOD, b"").expect("an empty message");
        let bytes = plan.item(id, Some(&value)).expect("an item");
        let Ok(Request::Grpc(request)) = plan.request(id, std::slice::from_ref(&value)) else { panic!("a gRPC request") };
        // Where the client streams, the request has no message of its own.
        assert_eq!(request.message, if stream == StreamKind::ServerStreaming { bytes.clone() } else { bytes::Bytes::new() });
        assert_eq!(plan.next(id, Some(&bytes)), Ok(Value::ok(Some(Value::some(value.clone())))));
        assert_eq!(plan.next(id, None), Ok(Value::ok(Some(Value::none()))));
        let both = Value::ok(Some(Value::list([value.clone(), value])));
        assert_eq!(plan.batch(id, &[bytes.clone(), bytes.clone()]), Ok((both.clone(), None)));
        assert_eq!(plan.batch(id, &[]), Ok((Value::ok(Some(Value::list([]))), None)));
        // Half a field. What came before it is not lost.
        let half = bytes::Bytes::from_static(b"\x08");
        let (before, behind) = plan.batch(id, &[bytes.clone(), bytes.clone(), half.clone(), bytes]).expect("good ones");
        assert_eq!(before, both);
        let alone = plan.batch(id, std::slice::from_ref(&half)).expect_err("no good one");
        for wrong in [plan.next(id, Some(&half)).expect_err("half a field"), alone, behind.expect("an error")] {
            let slots = error(wrong);
            assert_eq!(kind(&slots[KIND]), "invalid-response");
        }
    }
}

#[test]
fn a_request_names_its_method() {
    let value = OPEN.decode(METHOD, b"").expect("an empty message");
    let Ok(Request::Grpc(request)) = OPEN.plan.request(OPEN.operation(METHOD), &[value]) else { panic!("a gRPC request") };
    assert_eq!((request.path.as_str(), request.message.len(), request.metadata.len()), ("/test.Echo/open.Scalars", 0, 0));
    // A request without fields has no argument.
    let Ok(Request::Grpc(request)) = OPEN.plan.request(OPEN.operation("open.Nothing"), &[]) else {
        panic!("a gRPC request")
    };
    assert!(request.message.is_empty());
}
