//! Rules of `buf.validate` and of `google.api.field_behavior`: what is refused before sending, where and by which rule.

use std::sync::Arc;

use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{Code, Diagnostic, MemoryFiles, Options};
use witwire_interpreter::Plan;
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{Value, wave};

/// As much of `buf/validate/validate.proto` as the test uses: numbers are protovalidate's.
const VALIDATE: &str = r#"
syntax = "proto2";
package buf.validate;
import "google/protobuf/descriptor.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
extend google.protobuf.MessageOptions { optional MessageRules message = 1159; }
extend google.protobuf.FieldOptions { optional FieldRules field = 1159; }
extend google.protobuf.OneofOptions { optional OneofRules oneof = 1159; }
message MessageRules { repeated Rule cel = 3; repeated MessageOneofRule oneof = 4; }
message MessageOneofRule { repeated string fields = 1; optional bool required = 2; }
message OneofRules { optional bool required = 1; }
message Rule { optional string id = 1; optional string expression = 3; }
message FieldRules {
  repeated Rule cel = 23;
  optional bool required = 25;
  optional int32 ignore = 27;
  oneof type {
    FloatRules float = 1; DoubleRules double = 2; Int32Rules int32 = 3; Int64Rules int64 = 4; UInt64Rules uint64 = 6; SInt64Rules sint64 = 8; BoolRules bool = 13; StringRules string = 14;
    BytesRules bytes = 15; EnumRules enum = 16; RepeatedRules repeated = 18; MapRules map = 19; DurationRules duration = 21;
    FieldMaskRules field_mask = 28;
  }
}
message DoubleRules { optional double const = 1; optional double lte = 3; optional double gt = 4; }
message Int64Rules { optional int64 lt = 2; optional int64 lte = 3; optional int64 gt = 4; optional int64 gte = 5; repeated int64 example = 9; }
message UInt64Rules { optional uint64 lt = 2; optional uint64 lte = 3; optional uint64 gt = 4; optional uint64 gte = 5; }
message FieldMaskRules {
  optional google.protobuf.FieldMask const = 1; repeated string in = 2; repeated string not_in = 3;
  repeated google.protobuf.FieldMask example = 4;
}
message FloatRules { optional float lt = 2; optional float gte = 5; optional bool finite = 8; }
message Int32Rules { optional int32 const = 1; optional int32 lte = 3; optional int32 gt = 4; repeated int32 in = 6; repeated int32 not_in = 7; }
message SInt64Rules { optional sint64 gte = 5; repeated sint64 in = 6 [packed = true]; }
message BoolRules { optional bool const = 1; optional bool later = 99; repeated bool example = 2; }
message StringRules {
  optional uint64 min_len = 2; optional uint64 max_len = 3; optional uint64 max_bytes = 5; optional string pattern = 6;
  optional string prefix = 7; optional string suffix = 8; optional string not_contains = 23; repeated string in = 10;
  optional bool email = 12; optional bool hostname = 13; optional bool ip = 14; optional bool ipv4 = 15; optional bool ipv6 = 16;
  optional bool uri = 17; optional bool address = 21; optional bool uuid = 22; optional bool later = 99; optional bool own = 1001;
  repeated string example = 34; optional bool uri_ref = 18;
  optional bool ipv4_with_prefixlen = 27; optional int32 well_known_regex = 24; optional bool strict = 25;
}
message BytesRules { optional uint64 min_len = 2; repeated bytes not_in = 9; optional bool ipv4 = 11; optional bool uuid = 15; optional bool later = 99; }
message EnumRules { optional bool defined_only = 2; repeated int32 not_in = 4; optional bool later = 99; }
message RepeatedRules { optional uint64 min_items = 1; optional uint64 max_items = 2; optional bool unique = 3; optional FieldRules items = 4; optional bool later = 99; }
message MapRules { optional bool later = 99; optional uint64 max_pairs = 2; optional FieldRules keys = 4; optional FieldRules values = 5; }
message DurationRules { optional google.protobuf.Duration lte = 4; optional google.protobuf.Duration gt = 5; optional bool later = 99; }
"#;

const BEHAVIOR: &str = r#"
syntax = "proto3";
package google.api;
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { repeated FieldBehavior field_behavior = 1052 [packed = false]; }
enum FieldBehavior { FIELD_BEHAVIOR_UNSPECIFIED = 0; OPTIONAL = 1; REQUIRED = 2; }
"#;

/// The API of a service whose method takes the message `M` with these fields.
fn plan(fields: &str) -> (Plan, Vec<Diagnostic>) {
    plan_of(&format!(
        "syntax = \"proto3\";\nimport \"google/protobuf/field_mask.proto\";\n{HEAD}\
         enum Color {{ COLOR_UNSPECIFIED = 0; COLOR_RED = 1; COLOR_OLD = 2; }}\n\
         message P {{ string name = 1 [(buf.validate.field).string.min_len = 2]; }}\n\
         message M {{ {fields} }}\nservice S {{ rpc Put(M) returns (M); }}"
    ))
}

/// As [`plan`], of proto2 fields.
fn plan_proto2(fields: &str) -> (Plan, Vec<Diagnostic>) {
    plan_of(&format!("syntax = \"proto2\";\n{HEAD}message M {{ {fields} }}\nservice S {{ rpc Put(M) returns (M); }}"))
}

/// What stands before the messages.
const HEAD: &str = "package r;\nimport \"validate.proto\";\nimport \"behavior.proto\";\n\
     import \"google/protobuf/duration.proto\";\nimport \"google/protobuf/wrappers.proto\";\n";

fn plan_of(source: &str) -> (Plan, Vec<Diagnostic>) {
    let files = MemoryFiles::new()
        .with("r.proto", source.as_bytes().to_vec())
        .with("validate.proto", VALIDATE.as_bytes().to_vec())
        .with("behavior.proto", BEHAVIOR.as_bytes().to_vec());
    let input = Input::Protos { files: vec!["r.proto".into()], includes: Vec::new() };
    let mut compiled = compile(&input, &files, &Options::default());
    let api = compiled.apis.pop().unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    api.check().unwrap_or_else(|e| panic!("{e:?}"));
    (Plan::new(Arc::new(api)).unwrap_or_else(|e| panic!("{e}")), compiled.diagnostics)
}

/// `location rule` of every violation of a request in WAVE.
fn violations(plan: &Plan, request: &str) -> Vec<String> {
    let api = plan.api();
    let call = wave::parse_call(api, &format!("s.put({request})")).unwrap_or_else(|e| panic!("{request}: {e}"));
    plan.check(call.operation, &call.args).iter().map(|v| format!("{} {}", v.location, v.rule)).collect()
}

/// A field with rules, requests that keep them, and requests that break them with what is reported.
fn check(fields: &str, good: &[&str], bad: &[(&str, &str)]) {
    check_plan(&plan(fields).0, fields, good, bad);
}

fn check_plan(plan: &Plan, fields: &str, good: &[&str], bad: &[(&str, &str)]) {
    for request in good {
        assert_eq!(violations(plan, request), [""; 0], "{fields}: {request}");
    }
    for (request, expected) in bad {
        assert_eq!(violations(plan, request).join(", "), *expected, "{fields}: {request}");
    }
}

/// Of rules about a field itself, samples keep lengths, bounds, values, formats and that it is told: also by a number, a flag or a case.
#[test]
fn samples_keep_simple_rules() {
    let (plan, _) = plan(
        "string s = 1 [(buf.validate.field).string = { min_len: 2, max_len: 3 }]; \
         optional string ip = 2 [(buf.validate.field).string.ip = true]; \
         int32 n = 3 [(buf.validate.field).int32 = { gt: 0, lte: 10 }]; \
         sint64 i = 4 [(buf.validate.field).sint64 = { in: [-1, 7] }]; \
         bool b = 5 [(buf.validate.field).bool.const = true]; \
         repeated P p = 6 [(buf.validate.field).required = true]; \
         bool flag = 7 [(buf.validate.field).required = true]; uint32 count = 8 [(buf.validate.field).required = true]; \
         int32 below = 9 [(buf.validate.field) = { required: true, int32: { lte: 0 } }]; \
         double ratio = 10 [(buf.validate.field) = { required: true, double: { lte: 1 } }]; \
         Color color = 11 [(buf.validate.field).required = true]; bytes b2 = 12 [(buf.validate.field).required = true]; \
         optional bool told = 13 [(buf.validate.field).required = true];",
    );
    let (id, operation) = plan.api().operations.iter().next().expect("an operation");
    for seed in 0..50 {
        let args = sample_arguments(plan.api(), operation, &mut SplitMix64::new(seed));
        assert_eq!(plan.check(id, &args), [], "{args:?}");
        // That it may be false is no reason for it to be.
        let Value::Record(slots) = &args[0] else { panic!("a record") };
        assert_eq!(slots[12], Value::some(Value::Bool(true)), "{args:?}");
    }
}

#[test]
fn texts() {
    check(
        "string s = 1 [(buf.validate.field).string = { min_len: 2, max_len: 3 }];",
        &["{s: \"ab\"}", "{s: \"äöü\"}"],
        &[
            ("{s: \"a\"}", "request.s minLength"),
            ("{s: \"abcd\"}", "request.s maxLength"),
            ("{s: \"\"}", "request.s minLength"),
        ],
    );
    check(
        "string s = 1 [(buf.validate.field).string.max_bytes = 3];",
        &["{s: \"abc\"}"],
        &[("{s: \"äö\"}", "request.s maxBytes")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.in = \"a\", (buf.validate.field).string.in = \"b\"];",
        &["{s: \"b\"}"],
        &[("{s: \"c\"}", "request.s in")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.ip = true];",
        &["{s: \"::1\"}", "{s: \"10.0.0.1\"}"],
        &[("{s: \"x\"}", "request.s format")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.prefix = \"a.\"];",
        &["{s: \"a.b\"}"],
        &[("{s: \"abb\"}", "request.s pattern")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.suffix = \".z\"];",
        &["{s: \"a.z\"}"],
        &[("{s: \"a.zz\"}", "request.s pattern")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.not_contains = \"x\"];",
        &["{s: \"abc\"}"],
        &[("{s: \"a\\nx\"}", "request.s pattern")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.ipv4_with_prefixlen = true];",
        &["{s: \"10.0.0.255/8\"}", "{s: \"0.0.0.0/32\"}"],
        &[("{s: \"10.0.0.256/8\"}", "request.s pattern"), ("{s: \"10.0.0.1/33\"}", "request.s pattern")],
    );
    check(
        "string s = 1 [(buf.validate.field).string.well_known_regex = 1];",
        &["{s: \"x-id\"}", "{s: \":path\"}"],
        &[("{s: \"a b\"}", "request.s pattern"), ("{s: \"\"}", "request.s pattern")],
    );
    check(
        "string s = 1 [(buf.validate.field).string = { well_known_regex: 2, strict: false }];",
        &["{s: \"\"}", "{s: \"a\\u{7f}\"}"],
        &[("{s: \"a\\nb\"}", "request.s pattern")],
    );
    // With presence, absence keeps the rule; without, the empty text breaks it, unless the zero value is let through.
    check(
        "optional string s = 1 [(buf.validate.field).string.min_len = 1];",
        &["{}", "{s: some(\"a\")}"],
        &[("{s: some(\"\")}", "request.s minLength")],
    );
    check(
        "string s = 1 [(buf.validate.field) = { ignore: 1, string: { min_len: 2 } }];",
        &["{s: \"\"}", "{s: \"ab\"}"],
        &[("{s: \"a\"}", "request.s minLength")],
    );
    check("string s = 1 [(buf.validate.field) = { ignore: 3, string: { min_len: 2 } }];", &["{s: \"a\"}"], &[]);
}

#[test]
fn numbers_bytes_and_enums() {
    check(
        "int32 n = 1 [(buf.validate.field).int32 = { gt: 0, lte: 10 }];",
        &["{n: 1}", "{n: 10}"],
        &[("{n: 0}", "request.n exclusiveMinimum"), ("{n: 11}", "request.n maximum")],
    );
    check("sint64 n = 1 [(buf.validate.field).sint64 = { gte: -5 }];", &["{n: -5}"], &[("{n: -6}", "request.n minimum")]);
    check(
        "sint64 n = 1 [(buf.validate.field).sint64 = { in: [-1, 7] }];",
        &["{n: -1}", "{n: 7}"],
        &[("{n: 1}", "request.n in")],
    );
    check(
        "float n = 1 [(buf.validate.field).float = { gte: 0.5, lt: 1, finite: true }];",
        &["{n: 0.5}"],
        &[("{n: 1}", "request.n exclusiveMaximum")],
    );
    check("bool b = 1 [(buf.validate.field).bool.const = true];", &["{b: true}"], &[("{b: false}", "request.b in")]);
    check(
        "bytes b = 1 [(buf.validate.field).bytes = { min_len: 1, not_in: \"x\" }];",
        &["{b: [1]}"],
        &[("{b: []}", "request.b minLength"), ("{b: [120]}", "request.b notIn")],
    );
    check(
        "bytes b = 1 [(buf.validate.field).bytes.ipv4 = true];",
        &["{b: [127, 0, 0, 1]}"],
        &[("{b: [1]}", "request.b minLength"), ("{b: [1, 2, 3, 4, 5]}", "request.b maxLength")],
    );
    check(
        "Color c = 1 [(buf.validate.field).enum = { defined_only: true, not_in: 2 }];",
        &["{c: red}", "{c: unspecified}"],
        &[("{c: unrecognized(9)}", "request.c definedOnly"), ("{c: old}", "request.c notIn")],
    );
    check(
        "google.protobuf.Int32Value n = 1 [(buf.validate.field).int32.gt = 3];",
        &["{}", "{n: some(4)}"],
        &[("{n: some(3)}", "request.n exclusiveMinimum")],
    );
    check(
        "google.protobuf.Duration d = 1 [(buf.validate.field).duration = { gt: { seconds: 1 }, lte: { seconds: 5 } }];",
        &["{}", "{d: some({seconds: 1, nanoseconds: 1})}"],
        &[
            ("{d: some({seconds: 1, nanoseconds: 0})}", "request.d exclusiveMinimum"),
            ("{d: some({seconds: 5, nanoseconds: 1})}", "request.d maximum"),
        ],
    );
}

#[test]
fn lists_maps_and_messages() {
    check(
        "repeated string s = 1 [(buf.validate.field).repeated = { min_items: 1, max_items: 2, unique: true, items: { string: { min_len: 1 } } }];",
        &["{s: [\"a\"]}"],
        &[
            ("{s: []}", "request.s minItems"),
            ("{s: [\"a\", \"a\"]}", "request.s uniqueItems"),
            ("{s: [\"a\", \"\"]}", "request.s[1] minLength"),
        ],
    );
    check(
        "map<string, int32> m = 1 [(buf.validate.field).map = { max_pairs: 1, keys: { string: { min_len: 1 } }, values: { int32: { gt: 0 } } }];",
        &["{m: [(\"a\", 1)]}", "{m: []}"],
        &[
            ("{m: [(\"\", 1)]}", "request.m[0] minLength"),
            ("{m: [(\"a\", 0)]}", "request.m[0] exclusiveMinimum"),
            ("{m: [(\"a\", 1), (\"b\", 1)]}", "request.m maxItems"),
        ],
    );
    // Rules of a message hold wherever it stands.
    check(
        "P p = 1; repeated P more = 2; oneof o { P case = 3; string text = 4 [(buf.validate.field).string.email = true]; }",
        &["{more: []}", "{p: some({name: \"ab\"}), more: []}"],
        &[
            ("{p: some({name: \"a\"}), more: []}", "request.p.name minLength"),
            ("{more: [{name: \"ab\"}, {name: \"\"}]}", "request.more[1].name minLength"),
            ("{more: [], o: some(%case({name: \"\"}))}", "request.o.case.name minLength"),
            ("{more: [], o: some(text(\"x\"))}", "request.o.text format"),
        ],
    );
}

#[test]
fn required() {
    check(
        "P p = 1 [(buf.validate.field).required = true]; string s = 2 [(buf.validate.field).required = true]; int32 n = 3 [(buf.validate.field).required = true];",
        &["{p: some({name: \"ab\"}), s: \"a\", n: 1}"],
        &[("{s: \"\", n: 0}", "request.p required, request.s required, request.n required")],
    );
    check(
        "oneof o { option (buf.validate.oneof).required = true; string a = 1; string b = 2; }",
        &["{o: some(a(\"\"))}"],
        &[("{o: none}", "request.o required")],
    );
    // Of `field_behavior` a zero number may be meant, an empty text or list is not.
    check(
        "string s = 1 [(google.api.field_behavior) = REQUIRED]; repeated string l = 2 [(google.api.field_behavior) = REQUIRED]; int32 n = 3 [(google.api.field_behavior) = REQUIRED];",
        &["{s: \"a\", l: [\"\"], n: 0}"],
        &[("{s: \"\", l: [], n: 0}", "request.s required, request.l required")],
    );
}

/// An item, and a field that proto2 requires, is there whatever it is.
#[test]
fn required_of_what_is_always_set() {
    check(
        "repeated int32 l = 1 [(buf.validate.field).repeated.items = { required: true, int32: { lte: 5 } }]; \
         map<string, int32> m = 2 [(buf.validate.field).map = { keys: { required: true }, values: { required: true } }];",
        &["{l: [0], m: [(\"\", 0)]}"],
        &[("{l: [6], m: []}", "request.l[0] maximum")],
    );
    let fields = "required int32 n = 1 [(buf.validate.field).required = true]; \
                  required google.protobuf.Int32Value w = 2 [(buf.validate.field).required = true]; \
                  required string s = 3 [(buf.validate.field) = { required: true, string: { max_len: 1 } }];";
    let (plan, _) = plan_proto2(fields);
    check_plan(&plan, fields, &["{n: 0, w: 0, s: \"\"}"], &[("{n: 0, w: 0, s: \"ab\"}", "request.s maxLength")]);
}

/// A path covers those below it, and is no prefix of a name.
#[test]
fn paths_of_a_field_mask() {
    check(
        "google.protobuf.FieldMask m = 1 [(buf.validate.field).field_mask = { in: [\"a\", \"b.c\"] }];",
        &["{}", "{m: some([])}", "{m: some([\"a\", \"a.x\", \"b.c\", \"b.c.d\"])}"],
        &[
            ("{m: some([\"ab\"])}", "request.m[0] pattern"),
            ("{m: some([\"a\", \"b\"])}", "request.m[1] pattern"),
            ("{m: some([\"bxc\"])}", "request.m[0] pattern"),
        ],
    );
    check(
        "google.protobuf.FieldMask m = 1 [(buf.validate.field).field_mask = { not_in: [\"a\", \"b.c\"] }];",
        &["{m: some([\"ab\", \"b\", \"b.cd\"])}"],
        &[("{m: some([\"a\"])}", "request.m[0] pattern"), ("{m: some([\"b.c.d\"])}", "request.m[0] pattern")],
    );
}

/// Texts that protovalidate knows, whatever other standards have under these names.
#[test]
fn formats_of_texts() {
    let trial = |rule: &str, good: &[&str], bad: &[&str]| {
        let fields = format!("string s = 1 [(buf.validate.field).string.{rule} = true];");
        let (plan, _) = plan(&fields);
        for text in good {
            assert_eq!(violations(&plan, &format!("{{s: {text:?}}}")), [""; 0], "{rule}: {text}");
        }
        for text in bad {
            assert_eq!(violations(&plan, &format!("{{s: {text:?}}}")), ["request.s format"], "{rule}: {text}");
        }
    };
    let long = format!("{}@example.com", "a".repeat(65));
    trial("email", &["a@b", "a..b@example.com", ".a@example.com", &long], &["", "a", "@b", "a@", "a@b.", "a@-b", "a@b@c"]);
    trial("email", &["a!#$%&'*+/=?^_`{|}~-@b"], &["a b@c", "\"a b\"@c", "a@[127.0.0.1]", "ä@b", "a@b_c"]);
    trial("ipv6", &["::1", "fe80::1%eth0", "fe80::1%a%b"], &["fe80::1%", "1.2.3.4", "1.2.3.4%eth0", "x%eth0"]);
    trial("ip", &["::1", "fe80::1%eth0", "1.2.3.4"], &["fe80::1%", "1.2.3.4%eth0", "example.com"]);
    trial("ipv4", &["1.2.3.4"], &["::1", "1.2.3.04"]);
    trial("hostname", &["a", "example.com", "example.com.", "1.a"], &["", ".", "a..", "a.1", "a.1.", "-a", "a_b"]);
    trial("address", &["example.com.", "fe80::1%eth0", "127.0.0.1"], &["", "127.0.0.300", "a b"]);
    trial("uri", &["https://[fe80::1%25eth0]/a", "a:b"], &["https://[fe80::1%25]/a", "https://[fe80::1%eth0]/a", "/a"]);
    let full = format!("{}.{}", vec!["a".repeat(49); 5].join("."), "abc");
    trial("hostname", &[&full, &format!("{full}.")], &[&format!("{full}d")]);
}

/// Bounds of 64 bits are compared as they are written; as floats these are equal.
#[test]
fn bounds_are_exact() {
    check(
        "int64 n = 1 [(buf.validate.field).int64 = { gt: 9007199254740992, lt: 9007199254740994 }];",
        &["{n: 9007199254740993}"],
        &[("{n: 9007199254740992}", "request.n exclusiveMinimum"), ("{n: 9007199254740994}", "request.n exclusiveMaximum")],
    );
    check(
        "uint64 n = 1 [(buf.validate.field).uint64 = { gte: 18446744073709551615, lte: 18446744073709551615 }];",
        &["{n: 18446744073709551615}"],
        &[("{n: 18446744073709551614}", "request.n minimum")],
    );
    // The upper bound is one below the lower one, so that what is between them is excluded: left to the server.
    let fields = "int64 n = 1 [(buf.validate.field).int64 = { lt: 9007199254740992, gte: 9007199254740993 }];";
    check(fields, &["{n: 1}", "{n: 9007199254740992}"], &[]);
    assert_eq!(told(&plan(fields).1), ["rules that are left to the server: excluded range"]);
}

/// Of fields of which at most one may be told, one that is not keeps its rules.
#[test]
fn one_of_some_fields() {
    let fields = "option (buf.validate.message).oneof = { fields: [\"a\", \"b\"] }; \
                  string a = 1 [(buf.validate.field).string.min_len = 2]; int32 b = 2 [(buf.validate.field).int32.gt = 3]; \
                  string c = 3 [(buf.validate.field).string.min_len = 2];";
    check(
        fields,
        &["{a: \"\", b: 4, c: \"cc\"}", "{a: \"aa\", b: 0, c: \"cc\"}"],
        &[("{a: \"a\", b: 1, c: \"\"}", "request.a minLength, request.b exclusiveMinimum, request.c minLength")],
    );
    assert_eq!(told(&plan(fields).1), ["rules that are left to the server: oneof"]);
}

/// What is told of rules that are left to the server.
fn told(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().filter(|d| d.code == Code::RulesNotChecked).map(|d| &d.message[..]).collect()
}

#[test]
fn what_is_not_checked_is_told() {
    let cases = [
        ("string s = 1", "{ cel: { id: \"x\", expression: \"this != ''\" }, string: { uri_ref: true } }", "cel, uri_ref"),
        ("string s = 1", "{ string: { own: true } }", "predefined"),
        ("string s = 1", "{ string: { later: true } }", "string number 99"),
        ("bytes b = 1", "{ bytes: { later: true } }", "bytes number 99"),
        ("bool b = 1", "{ bool: { later: true } }", "bool number 99"),
        ("Color c = 1", "{ enum: { later: true } }", "enum number 99"),
        ("repeated string l = 1", "{ repeated: { later: true } }", "repeated number 99"),
        ("map<string, string> m = 1", "{ map: { later: true } }", "map number 99"),
        ("google.protobuf.Duration d = 1", "{ duration: { later: true } }", "time number 99"),
        ("google.protobuf.FieldMask m = 1", "{ field_mask: { const: { paths: \"a\" } } }", "const of a field mask"),
        ("double d = 1", "{ double: { const: nan } }", "not a number"),
        ("repeated string l = 1", "{ repeated: { items: { repeated: { min_items: 1 } } } }", "rules of lists within lists"),
        ("string s = 1", "{ ignore: 2, string: { min_len: 2 } }", "all of a field with an unknown `ignore`"),
    ];
    for (field, rules, expected) in cases {
        let fields = format!("{field} [(buf.validate.field) = {rules}];");
        assert_eq!(told(&plan(&fields).1), [format!("rules that are left to the server: {expected}")], "{fields}");
    }
    // Examples and rules that are switched off are none.
    for (field, rules) in [
        ("string s = 1", "{ string: { email: false, example: \"x\", strict: false } }"),
        ("int64 n = 1", "{ int64: { example: 1 } }"),
        ("bool b = 1", "{ bool: { example: true } }"),
        ("google.protobuf.FieldMask m = 1", "{ field_mask: { example: { paths: \"a\" } } }"),
    ] {
        let fields = format!("{field} [(buf.validate.field) = {rules}];");
        assert_eq!(told(&plan(&fields).1), [""; 0], "{fields}");
    }
}
