//! What the manifest asks for beyond the default: typed `Any`s, unknown fields, extension fields. Bytes are compared with those of
//! `prost` for the same message, or written out.

use std::sync::Arc;

use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Extensions, MemoryFiles, Options, UnknownFields};
use witwire_interpreter::{GrpcResponse, Plan, Request, Response};
use witwire_ir::{OperationId, Value};

use super::merging::hex;

struct Echo {
    plan: Plan,
}

impl Echo {
    /// A service with one method that takes and gives the message `M` of a source.
    fn new(source: &str, options: &Options) -> Self {
        let source = format!("{source}\nservice Echo {{ rpc Echo(M) returns (M); }}");
        let files = MemoryFiles::new().with("echo.proto", source.into_bytes());
        let input = Input::Protos { files: vec!["echo.proto".into()], includes: Vec::new() };
        let mut compiled = compile(&input, &files, options);
        let api = compiled.apis.pop().unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
        api.check().unwrap_or_else(|e| panic!("{e:?}"));
        Self { plan: Plan::new(Arc::new(api)).unwrap_or_else(|e| panic!("{e}")) }
    }

    fn operation(&self) -> OperationId {
        self.plan.api().find("echo", "echo").expect("the method")
    }

    fn read(&self, bytes: &str) -> Result<Value, String> {
        let response = GrpcResponse::Ok { message: hex(bytes).into(), trailers: Vec::new() };
        let result = self.plan.response(self.operation(), &[], &Response::Grpc(response));
        let operation = &self.plan.api().operations[self.operation()];
        result.conforms(self.plan.api(), operation.result).expect("every result is one of its type");
        match result {
            Value::Result(Ok(Some(value))) => Ok(*value),
            other => Err(format!("{other:?}")),
        }
    }

    fn write(&self, value: &Value) -> Result<String, String> {
        match self.plan.request(self.operation(), std::slice::from_ref(value)) {
            Ok(Request::Grpc(request)) => {
                Ok(request.message.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "))
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// Bytes that are read as a value and written again as they were.
    fn keeps(&self, bytes: &str, value: &str) {
        let read = self.read(bytes).unwrap_or_else(|e| panic!("{bytes}: {e}"));
        assert_eq!(format!("{read:?}"), value, "{bytes}");
        assert_eq!(self.write(&read).as_deref(), Ok(bytes));
    }
}

const ANY: &str = r#"
syntax = "proto3";
package a;
import "google/protobuf/any.proto";
message M { google.protobuf.Any any = 1; repeated google.protobuf.Any more = 2; oneof o { google.protobuf.Any case = 3; } }
message Known { string id = 1; Known.Part part = 2; message Part { int32 n = 1; } }
message Nothing {}
"#;

/// `type.googleapis.com/` and a name.
fn url(name: &str) -> String {
    let text = format!("type.googleapis.com/{name}");
    let bytes: Vec<String> = text.bytes().map(|b| format!("{b:02x}")).collect();
    format!("0a {:02x} {}", text.len(), bytes.join(" "))
}

fn field(number: u8, content: &str) -> String {
    let length = content.split_whitespace().count();
    format!("{:02x} {length:02x} {content}", number << 3 | 2)
}

#[test]
fn known_messages_are_told_apart_in_an_any() {
    let options = Options { any: vec!["a.Known".to_owned(), "a.Nothing".to_owned()], ..Options::default() };
    let echo = Echo::new(ANY, &options);
    // With fields, nested ones too.
    let known = format!("{} {}", url("a.Known"), field(2, "0a 01 61 12 02 08 05"));
    echo.keeps(&field(1, &known), "{some(#0({\"a\", some({5s32})})), [], none}");
    // Empty: the bytes are left out.
    echo.keeps(&field(1, &url("a.Known")), "{some(#0({\"\", none})), [], none}");
    echo.keeps(&field(1, &url("a.Nothing")), "{some(#1), [], none}");
    // Repeated, and a case.
    let twice = format!("{} {}", field(2, &url("a.Nothing")), field(2, &known));
    echo.keeps(&twice, "{none, [#1, #0({\"a\", some({5s32})})], none}");
    echo.keeps(&field(3, &known), "{none, [], some(#0(#0({\"a\", some({5s32})})))}");
    // Another message stays as it is, also one of which the bytes are not read.
    let other = format!("{} {}", url("a.Other"), field(2, "ff ff"));
    let value = echo.read(&field(1, &other)).expect("any bytes");
    assert!(format!("{value:?}").starts_with("{some(#2({\"type.googleapis.com/a.Other\""), "{value:?}");
    assert_eq!(echo.write(&value), Ok(field(1, &other)));
    let broken = format!("{} {}", url("a.Known"), field(2, "0a 05 61"));
    let value = echo.read(&field(1, &broken)).expect("a known name with bytes that cannot be read");
    assert!(format!("{value:?}").starts_with("{some(#2({\"type.googleapis.com/a.Known\""), "{value:?}");
    // Any prefix of the name, and none.
    let text = field(1, &format!("{} {}", field(1, "78 2f 61 2e 4b 6e 6f 77 6e"), field(2, "0a 01 62")));
    assert_eq!(format!("{:?}", echo.read(&text)), "Ok({some(#0({\"b\", none})), [], none})");
    // The parts of a message that stands twice are one.
    let parts = format!("{} {}", field(1, &url("a.Known")), field(1, &field(2, "0a 01 63")));
    assert_eq!(format!("{:?}", echo.read(&parts)), "Ok({some(#0({\"c\", none})), [], none})");
    // An `Any` that is cut is no message.
    assert!(echo.read("0a 03 0a 05 61").is_err());
}

const DEEP: &str = r#"
syntax = "proto3";
package a;
import "google/protobuf/any.proto";
message M { M next = 1; google.protobuf.Any any = 2; }
message Known { string id = 1; }
"#;

/// A message that may nest as deep as it does, but not with what its `Any` holds, is read: the `Any` is a type URL and bytes.
#[test]
fn an_any_that_is_too_deep_is_read_as_bytes() {
    let typed = Echo::new(DEEP, &Options { any: vec!["a.Known".to_owned()], ..Options::default() });
    let plain = Echo::new(DEEP, &Options::default());
    let any = format!("{} {}", url("a.Known"), field(2, "0a 01 61"));
    let mut deepest = None;
    let mut message = field(2, &any);
    for levels in 1..=102 {
        let read = typed.read(&message);
        assert_eq!(read.is_ok(), plain.read(&message).is_ok(), "{levels} levels");
        if let Ok(value) = read {
            assert_eq!(typed.write(&value), Ok(message.clone()));
            deepest = Some(format!("{value:?}"));
        }
        let content = hex(&message);
        let mut length = Vec::new();
        prost::encoding::encode_varint(content.len() as u64, &mut length);
        let length: Vec<String> = length.iter().map(|b| format!("{b:02x}")).collect();
        message = format!("0a {} {message}", length.join(" "));
    }
    let deepest = deepest.expect("a message that is not too deep");
    assert!(deepest.contains("#1({\"type.googleapis.com/a.Known\""), "{deepest}");
}

const UNKNOWN: &str = r#"
syntax = "proto2";
package u;
message M { optional int32 n = 1; optional Color color = 2; repeated Color colors = 3; optional M.Part part = 4; message Part { optional string s = 1; } }
enum Color { RED = 0; BLUE = 1; }
"#;

#[test]
fn unknown_fields_are_kept_on_request() {
    let options = Options { unknown_fields: UnknownFields::Keep, ..Options::default() };
    let echo = Echo::new(UNKNOWN, &options);
    echo.keeps("08 01", "{some(1s32), none, [], none, bytes[]}");
    let kept = |bytes: &str| match echo.read(bytes) {
        Ok(Value::Record(slots)) => match slots.last() {
            Some(Value::Bytes(bytes)) => bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    // Every wire type, a group with its content, in the order of the input.
    let all = "78 05 7a 01 61 7d 01 02 03 04 79 01 02 03 04 05 06 07 08 7b 08 07 7c";
    assert_eq!(kept(&format!("08 01 {all}")), all);
    assert_eq!(echo.write(&echo.read(all).expect("unknown fields only")).as_deref(), Ok(all));
    // A known number with another wire type, and an unknown number of a closed enum.
    assert_eq!(kept("0d 01 02 03 04"), "0d 01 02 03 04");
    assert_eq!(kept("10 07"), "10 07");
    assert_eq!(kept("18 07 18 01"), "18 07");
    // Each message keeps its own.
    echo.keeps("22 05 0a 01 61 78 09", "{none, none, [], some({some(\"a\"), bytes[120, 9]}), bytes[]}");
    // What is no field is not written.
    let Ok(Value::Record(mut slots)) = echo.read("08 01") else { panic!("a record") };
    if let Some(last) = slots.last_mut() {
        *last = Value::Bytes(vec![0x08].into());
    }
    let refused = echo.write(&Value::Record(slots));
    assert!(refused.as_ref().is_err_and(|e| e.contains("not well-formed")), "{refused:?}");
    // By default they are dropped.
    let echo = Echo::new(UNKNOWN, &Options::default());
    assert_eq!(echo.write(&echo.read(&format!("08 01 {all}")).expect("known")).as_deref(), Ok("08 01"));
}

#[test]
fn unknown_numbers_of_closed_enums_are_kept_on_request() {
    let source = r#"
syntax = "proto2";
package c;
message M { repeated Color colors = 3 [packed = true]; map<string, Color> named = 5; }
enum Color { RED = 0; BLUE = 1; }
"#;
    let options = Options { unknown_fields: UnknownFields::Keep, ..Options::default() };
    let written = |echo: &Echo, bytes: &str| echo.write(&echo.read(bytes).expect("it is read"));
    let echo = Echo::new(source, &options);
    // Of a packed list those that are unknown stand behind it, one by one; of a map the whole entry.
    assert_eq!(written(&echo, "1a 04 00 07 01 09").as_deref(), Ok("1a 02 00 01 18 07 18 09"));
    assert_eq!(written(&echo, "2a 05 0a 01 61 10 07").as_deref(), Ok("2a 05 0a 01 61 10 07"));
    assert_eq!(written(&Echo::new(source, &Options::default()), "2a 05 0a 01 61 10 07 1a 01 07").as_deref(), Ok(""));
}

#[test]
fn extension_fields_are_fields_on_request() {
    let source = r#"
syntax = "proto2";
package e;
message M { optional string name = 1; extensions 100 to max; }
extend M { optional int32 size = 100; repeated string tags = 101; }
"#;
    let options = Options { extensions: Extensions::Fields, ..Options::default() };
    Echo::new(source, &options)
        .keeps("0a 01 61 a0 06 05 aa 06 01 78 aa 06 01 79", "{some(\"a\"), some(5s32), [\"x\", \"y\"]}");
    let dropped = Echo::new(source, &Options::default()).read("0a 01 61 a0 06 05").expect("an extension is unknown");
    assert_eq!(format!("{dropped:?}"), "{some(\"a\")}");
}

#[test]
fn a_null_has_no_payload() {
    let source = r#"
syntax = "proto3";
package n;
import "google/protobuf/struct.proto";
message M { oneof o { google.protobuf.NullValue null = 1; string text = 2; } google.protobuf.NullValue plain = 3; }
"#;
    let echo = Echo::new(source, &Options::default());
    echo.keeps("08 00", "{some(#0), #0}");
    // Any number is the null, and the last case wins.
    assert_eq!(format!("{:?}", echo.read("12 01 61 08 05")), "Ok({some(#0), #0})");
    assert_eq!(format!("{:?}", echo.read("08 00 12 01 61")), "Ok({some(#1(\"a\")), #0})");
}
