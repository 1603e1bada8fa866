//! JSON against `serde_json` as the oracle, and what the wire map makes of it.

use proptest::prelude::*;
use serde_json::Value as Json;
use witwire_ir::host::http::ErrorKind;
use witwire_ir::wire::json::{Arm, Json as Wire, Kind, Literal, Object, Presence, Rung, Union};
use witwire_ir::{Shape, TypeId, Value};

use crate::http::build::{self, Builder, object, reader, request, writer};

fn raw(b: &mut Builder) -> TypeId {
    b.json(Shape::String, Wire::Raw)
}

fn text(b: &mut Builder) -> TypeId {
    b.plain(Shape::String)
}

fn read(build: impl FnOnce(&mut Builder) -> TypeId, json: &str) -> Result<Value, String> {
    let (plan, operation) = reader(build);
    build::read(&plan, operation, json).map_err(|(kind, message)| {
        assert_eq!(kind, ErrorKind::InvalidResponse as u32);
        message
    })
}

/// Asserts that a JSON text is refused with a message that says this.
fn refused(build: impl FnOnce(&mut Builder) -> TypeId, json: &str, words: &str) {
    let message = read(build, json).expect_err(json);
    assert!(message.contains(words), "{json}: `{message}` does not say `{words}`");
}

fn written(build: impl FnOnce(&mut Builder) -> TypeId, value: Value) -> Result<String, Vec<String>> {
    let (plan, operation) = writer(build);
    let body = request(&plan, operation, &[value])?.body.expect("a body");
    Ok(String::from_utf8(body.to_vec()).expect("UTF-8"))
}

/// JSON values whose texts are also damaged.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_filter_map("finite", |f| serde_json::Number::from_f64(f).map(Json::Number)),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|m| Json::Object(m.into_iter().collect())),
        ]
    })
}

/// Texts near the border of JSON: a value with a few bytes cut, doubled or replaced.
fn near_json() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(r#"{}[]",:\0123456789.-+eE tfnulrs/b"#.chars().collect::<Vec<_>>()),
    );
    (json(), prop::collection::vec(change, 0..4)).prop_map(|(json, changes)| {
        let mut chars: Vec<char> = json.to_string().chars().collect();
        for (index, c) in changes {
            match c {
                ' ' if !chars.is_empty() => drop(chars.remove(index.index(chars.len()))),
                c if chars.is_empty() => chars.push(c),
                c => {
                    let at = index.index(chars.len());
                    if c.is_ascii_alphabetic() { chars[at] = c } else { chars.insert(at, c) }
                }
            }
        }
        chars.into_iter().collect()
    })
}

/// A record with a member of every kind that has an oracle.
fn wide(b: &mut Builder) -> TypeId {
    use Presence::{Optional, Required};
    let string = text(b);
    let [n, u, f, single, bytes] =
        [Shape::S64, Shape::U64, Shape::F64, Shape::F32, Shape::Bytes].map(|shape| b.plain(shape));
    let list = b.list(string);
    let tags = b.option(list);
    let members = [
        ("title", string, Required),
        ("n", n, Required),
        ("u", u, Required),
        ("f", f, Required),
        ("single", single, Required),
        ("tags", tags, Optional),
        ("bytes", bytes, Required),
    ];
    b.record("r", &members)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_text_is_accepted_exactly_where_serde_json_accepts_it(text in near_json()) {
        let (plan, operation) = reader(raw);
        let ours = build::read(&plan, operation, &text);
        let theirs = serde_json::from_str::<Json>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let (plan, operation) = reader(|b| {
            let text = text(b);
            let list = b.list(text);
            b.record("r", &[("a", list, Presence::Required)])
        });
        let _ = build::read(&plan, operation, &bytes);
    }

    #[test]
    fn strings_read_as_serde_json_reads_them(content in any::<String>(), escape in any::<bool>()) {
        let json = if escape {
            let units = content.encode_utf16().map(|u| format!("\\u{u:04x}")).collect::<Vec<_>>().concat();
            format!("\"{units}\"")
        } else {
            Json::from(content.clone()).to_string()
        };
        prop_assert_eq!(read(text, &json), Ok(Value::string(content)));
    }

    #[test]
    fn floats_read_as_the_standard_library_parses_them(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for json in [format!("{float:?}"), format!("{float:e}"), format!("{float}")] {
            prop_assert_eq!(read(|b| b.plain(Shape::F64), &json), Ok(Value::F64(json.parse().expect("a number"))));
        }
    }

    #[test]
    fn integers_read_exactly_in_every_spelling(n in any::<i64>(), zeros in 0_usize..5) {
        let spellings = [n.to_string(), format!("{n}.{}", "0".repeat(zeros + 1)), format!("{n}{}e-{zeros}", "0".repeat(zeros)), format!("{n}e0")];
        for json in spellings {
            prop_assert_eq!(read(|b| b.plain(Shape::S64), &json), Ok(Value::S64(n)), "{}", json);
        }
    }

    #[test]
    fn what_is_written_is_what_serde_json_reads(
        title in any::<String>(), n in any::<i64>(), u in any::<u64>(), f in any::<f64>().prop_filter("finite", |f| f.is_finite()),
        single in any::<f32>().prop_filter("finite", |f| f.is_finite()), tags in prop::option::of(prop::collection::vec(any::<String>(), 0..4)),
        bytes in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let tags_value = tags.clone().map(|tags| Value::list(tags.into_iter().map(Value::string).collect::<Vec<_>>()));
        let value = Value::record([Value::string(title.clone()), Value::S64(n), Value::U64(u), Value::F64(f), Value::F32(single), Value::option(tags_value), Value::Bytes(bytes.into())]);
        let json = written(wide, value.clone()).expect("writable");
        let theirs: Json = serde_json::from_str(&json).expect("JSON");
        prop_assert_eq!(&theirs["title"], &Json::from(title));
        prop_assert_eq!(theirs["n"].as_i64(), Some(n));
        prop_assert_eq!(theirs["u"].as_u64(), Some(u));
        prop_assert_eq!(theirs["f"].to_string().parse::<f64>().map(f64::to_bits), Ok(f.to_bits()));
        prop_assert_eq!(theirs["single"].to_string().parse::<f32>().map(f32::to_bits), Ok(single.to_bits()));
        prop_assert_eq!(theirs.get("tags").cloned(), tags.map(Json::from));
        prop_assert_eq!(read(wide, &json), Ok(value));
    }
}

#[test]
fn integers_out_of_range_or_with_a_fraction_are_refused() {
    let int = |shape: Shape| move |b: &mut Builder| b.plain(shape);
    assert_eq!(read(int(Shape::U64), "18446744073709551615"), Ok(Value::U64(u64::MAX)));
    assert_eq!(read(int(Shape::U8), "2.55e2"), Ok(Value::U8(255)));
    assert_eq!(read(int(Shape::S8), "-0.0"), Ok(Value::S8(0)));
    refused(int(Shape::U64), "18446744073709551616", "`$`: expected an integer from 0 to 18446744073709551615");
    refused(int(Shape::U8), "256", "expected an integer from 0 to 255");
    refused(int(Shape::S32), "1.5", "expected an integer");
    refused(int(Shape::S64), "1e400", "expected an integer");
    refused(int(Shape::S64), "1e99999999999999999999", "expected an integer");
    refused(int(Shape::S64), "1e-99999999999999999999", "expected an integer");
    refused(
        int(Shape::S64),
        "\"1\"",
        "expected an integer from -9223372036854775808 to 9223372036854775807, found a string",
    );
    refused(int(Shape::F64), "1e999", "within the range of 64-bit floats");
}

#[test]
fn integer_strings_are_exact_both_ways() {
    let int = |b: &mut Builder| b.json(Shape::S64, Wire::IntegerString);
    assert_eq!(written(int, Value::S64(i64::MIN)), Ok("\"-9223372036854775808\"".to_owned()));
    assert_eq!(read(int, "\"-9223372036854775808\""), Ok(Value::S64(i64::MIN)));
    assert_eq!(read(int, "7"), Ok(Value::S64(7)));
    for bad in ["\"\"", "\"+1\"", "\" 1\"", "\"1.0\"", "\"9223372036854775808\""] {
        refused(int, bad, "expected an integer");
    }
}

#[test]
fn surrogates_pair_or_are_refused() {
    assert_eq!(read(text, r#""\ud83d\ude00""#), Ok(Value::string("😀")));
    refused(text, r#""\ud83d""#, "surrogate pair");
    refused(text, r#""\ud83dx""#, "surrogate pair");
    refused(text, r#""\ude00""#, "surrogate pair");
    refused(text, r#""\ud83d\u0041""#, "surrogate pair");
    // Where nobody reads it, it does no harm.
    let empty = |b: &mut Builder| {
        let text = text(b);
        let option = b.option(text);
        b.record("r", &[("a", option, Presence::Optional)])
    };
    assert_eq!(read(empty, r#"{"b":"\ud83d"}"#), Ok(Value::record([Value::none()])));
}

#[test]
fn invalid_utf8_and_control_characters_are_refused() {
    let (plan, operation) = reader(text);
    let (_, message) = build::read(&plan, operation, b"\"a\xFF\"").expect_err("no UTF-8");
    assert!(message.contains("byte 2 is not UTF-8"), "{message}");
    refused(text, "\"a\nb\"", "control character");
    assert_eq!(build::read(&plan, operation, "\u{feff}\"a\""), Ok(Value::string("a")), "a byte order mark is skipped");
}

#[test]
fn depth_ends_at_128() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(raw, &nested(128)).is_ok());
    refused(raw, &nested(129), "nested deeper than 128 levels");
    refused(raw, &"[".repeat(1_000_000), "nested deeper than 128 levels");
    assert!(read(raw, &format!("[{}]", vec!["[[]]"; 1000].join(","))).is_ok(), "siblings are not deeper");
}

/// Members `a` (required string), `b` (optional integer), `c` (nullable string).
fn abc(b: &mut Builder) -> TypeId {
    let text = text(b);
    let int = b.plain(Shape::S64);
    let (int, nullable) = (b.option(int), b.option(text));
    b.record("abc", &[("a", text, Presence::Required), ("b", int, Presence::Optional), ("c", nullable, Presence::Nullable)])
}

#[test]
fn members_are_found_in_any_order_and_the_last_of_equal_keys_wins() {
    let value = Value::record([Value::string("x"), Value::some(Value::S64(2)), Value::none()]);
    assert_eq!(read(abc, r#"{"b":2,"unknown":[{}],"a":"x"}"#), Ok(value.clone()));
    assert_eq!(read(abc, r#"{"a":"y","b":1,"a":"x","b":2}"#), Ok(value));
}

#[test]
fn null_is_absence_but_not_of_a_required_member() {
    let absent = Value::record([Value::string("x"), Value::none(), Value::none()]);
    assert_eq!(read(abc, r#"{"a":"x","b":null,"c":null}"#), Ok(absent.clone()));
    assert_eq!(read(abc, r#"{"a":"x"}"#), Ok(absent.clone()));
    assert_eq!(written(abc, absent), Ok(r#"{"a":"x","c":null}"#.to_owned()));
    refused(abc, r#"{"b":1}"#, "`$`: the required member `a` is absent or null");
    refused(abc, r#"{"a":null}"#, "`$.a`: expected a string, found null");
}

#[test]
fn faults_name_their_place() {
    let deep = |b: &mut Builder| {
        let abc = abc(b);
        let list = b.list(abc);
        b.map(list)
    };
    refused(deep, r#"{"k 1":[{"a":"x"},{"a":"x","b":true}]}"#, "`$[\"k 1\"][1].b`: expected an integer");
    refused(deep, r#"{"k":[{}]}"#, "`$.k[0]`: the required member `a`");
    refused(deep, r#"{"k":[}"#, "not JSON at byte 6");
    refused(deep, "", "the body is empty");
    refused(deep, "{} x", "expected the end of the text");
}

#[test]
fn null_or_value_tells_null_from_absence() {
    let patch = |b: &mut Builder| {
        let text = text(b);
        let or_null = b.variant("text-or-null", &[("null", None), ("value", Some(text))], Wire::NullOr);
        let option = b.option(or_null);
        b.record("patch", &[("a", option, Presence::Optional)])
    };
    let cases = [
        (Value::none(), "{}"),
        (Value::some(Value::Variant(0, None)), r#"{"a":null}"#),
        (Value::some(Value::case(1, Value::string("x"))), r#"{"a":"x"}"#),
    ];
    for (slot, json) in cases {
        let value = Value::record([slot]);
        assert_eq!(written(patch, value.clone()), Ok(json.to_owned()));
        assert_eq!(read(patch, json), Ok(value));
    }
}

#[test]
fn constants_are_written_and_other_members_collected() {
    let open = |b: &mut Builder| {
        let text = text(b);
        let int = b.plain(Shape::S64);
        let pair = b.plain(Shape::Tuple(vec![text, int]));
        let more = b.list(pair);
        let (mut fields, mut members) = object(&[("a", text, Presence::Required)]);
        fields.push(witwire_ir::Field { name: build::name("additional-properties"), ty: more, docs: None });
        members.constants.push(("kind".to_owned(), Literal::String("é".to_owned())));
        members.additional = Some(1);
        b.object("open", fields, members)
    };
    let entry = |key: &str, n| Value::tuple([Value::string(key), Value::S64(n)]);
    let value = Value::record([Value::string("x"), Value::list([entry("b", 1), entry("c", 2)])]);
    assert_eq!(written(open, value.clone()), Ok(r#"{"kind":"é","a":"x","b":1,"c":2}"#.to_owned()));
    assert_eq!(read(open, r#"{"c":9,"kind":7,"b":1,"c":null,"a":"x","c":3}"#), {
        Ok(Value::record([Value::string("x"), Value::list([entry("c", 3), entry("b", 1)])]))
    });
    let twice = |key| Value::record([Value::string("x"), Value::list([entry("b", 1), entry(key, 2)])]);
    for key in ["b", "a", "kind"] {
        assert_eq!(written(open, twice(key)), Err(vec!["body.additional-properties[1] uniqueKeys".to_owned()]));
    }
}

#[test]
fn large_maps_keep_the_last_of_equal_keys() {
    let ints = |b: &mut Builder| {
        let int = b.plain(Shape::S64);
        b.map(int)
    };
    let members: Vec<_> = (0..100).chain(0..50).enumerate().map(|(i, k)| format!("\"k{k}\":{i}")).collect();
    let expected = (0..100).map(|k| {
        let last = if k < 50 { 100 + k } else { k };
        Value::tuple([Value::string(format!("k{k}")), Value::S64(last)])
    });
    assert_eq!(read(ints, &format!("{{{}}}", members.join(","))), Ok(Value::list(expected.collect::<Vec<_>>())));
}

#[test]
fn enums_keep_unknown_values_where_they_can() {
    let literals = || vec![Literal::String("A".to_owned()), Literal::String("b c".to_owned())];
    let open = |b: &mut Builder| {
        let text = text(b);
        b.variant("open", &[("a", None), ("b-c", None), ("unrecognized", Some(text))], Wire::Literals(literals()))
    };
    for (json, value) in [(r#""b c""#, Value::Variant(1, None)), (r#""new\"""#, Value::case(2, Value::string("new\"")))] {
        assert_eq!(read(open, json), Ok(value.clone()));
        assert_eq!(written(open, value), Ok(json.to_owned()));
    }
    refused(open, "[]", "expected a scalar, found an array");
    refused(|b| b.enumeration("closed", &["A", "B"]), "\"c\"", "expected one of \"A\", \"B\"");
    let numbers = |b: &mut Builder| {
        let text = text(b);
        let literals = vec![Literal::Int(5), Literal::Number("0.5".to_owned())];
        b.variant("numbers", &[("n5", None), ("half", None), ("unrecognized", Some(text))], Wire::Literals(literals))
    };
    assert_eq!(read(numbers, "5.0"), Ok(Value::Variant(0, None)));
    assert_eq!(read(numbers, "5e-1"), Ok(Value::Variant(1, None)));
    assert_eq!(read(numbers, "7"), Ok(Value::case(2, Value::string("7"))));
    assert_eq!(written(numbers, Value::case(2, Value::string("7"))), Ok("7".to_owned()));
    assert_eq!(written(numbers, Value::case(2, Value::string("x"))), Ok("\"x\"".to_owned()));
}

#[test]
fn raw_json_is_checked_and_embedded() {
    assert_eq!(written(raw, Value::string(" {\"a\": [1.0]}\n")), Ok("{\"a\": [1.0]}".to_owned()));
    assert_eq!(read(raw, " {\"a\": 1e5} "), Ok(Value::string("{\"a\": 1e5}")));
    for bad in ["", "{", "nul", "1 2", "{\"a\":1}}"] {
        assert_eq!(written(raw, Value::string(bad)), Err(vec!["body json".to_owned()]), "{bad}");
    }
}

#[test]
fn numbers_that_json_cannot_say_are_refused_with_their_place() {
    let floats = |b: &mut Builder| {
        let float = b.plain(Shape::F64);
        let list = b.list(float);
        b.record("r", &[("all values", list, Presence::Required)])
    };
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let value = Value::record([Value::list([Value::F64(0.1), Value::F64(bad)])]);
        assert_eq!(written(floats, value), Err(vec!["body.all-values[1] number".to_owned()]));
    }
    let value = Value::record([Value::list([1.0, -0.0, 1e300, 5e-324, 123.456].map(Value::F64))]);
    assert_eq!(written(floats, value), Ok(r#"{"all values":[1,-0,1e300,5e-324,123.456]}"#.to_owned()));
}

#[test]
fn base64_reads_both_alphabets_padded_or_not() {
    let bytes = |url_safe| move |b: &mut Builder| b.json(Shape::Bytes, Wire::Base64 { url_safe });
    let value = || Value::Bytes([0xFB, 0xFF, 0xFE, 0x01].into());
    assert_eq!(written(bytes(false), value()), Ok("\"+//+AQ==\"".to_owned()));
    assert_eq!(written(bytes(true), value()), Ok("\"-__-AQ==\"".to_owned()));
    for json in ["\"+//+AQ==\"", "\"-__-AQ\"", "\"+/\\r\\n/+AQ=\\n=\""] {
        assert_eq!(read(bytes(false), json), Ok(value()), "{json}");
    }
    refused(bytes(false), "\"a\"", "expected a base64 string");
    refused(bytes(false), "\"*\"", "expected a base64 string");
}

#[test]
fn empty_objects_and_tuples() {
    let flag = |b: &mut Builder| {
        let flag = b.json(Shape::Bool, Wire::EmptyObject);
        b.record("r", &[("f", flag, Presence::Optional)])
    };
    for (json, set) in [("{}", false), (r#"{"f":{}}"#, true)] {
        assert_eq!(read(flag, json), Ok(Value::record([Value::Bool(set)])));
        assert_eq!(written(flag, Value::record([Value::Bool(set)])), Ok(json.to_owned()));
    }
    assert_eq!(read(flag, r#"{"f":{"x":1}}"#), Ok(Value::record([Value::Bool(true)])));
    let tuple = |b: &mut Builder| {
        let (text, int) = (text(b), b.plain(Shape::S64));
        let int = b.option(int);
        b.json(Shape::Tuple(vec![text, int]), Wire::Array)
    };
    let value = |n| Value::tuple([Value::string("x"), n]);
    assert_eq!(read(tuple, r#"["x",1,"more"]"#), Ok(value(Value::some(Value::S64(1)))));
    assert_eq!(read(tuple, r#"["x"]"#), Ok(value(Value::none())));
    assert_eq!(written(tuple, value(Value::none())), Ok(r#"["x",null]"#.to_owned()));
    refused(tuple, "[]", "an array with more items");
}

/// A union of two records, a string and a number, with the ladder of the test.
fn union(ladder: Vec<Rung>, open: bool) -> impl Fn(&mut Builder) -> TypeId {
    move |b| {
        let (text, float) = (text(b), b.plain(Shape::F64));
        let option = b.option(text);
        let cat = b.record("cat", &[("type", text, Presence::Required), ("meow", option, Presence::Optional)]);
        let dog = b.record("dog", &[("type", text, Presence::Required), ("bark", option, Presence::Optional)]);
        let mut cases =
            vec![("cat", Some(cat)), ("dog", Some(dog)), ("word", Some(text)), ("number", Some(float)), ("auto", None)];
        let mut arms: Vec<_> = [cat, dog, text, float].map(Arm::Value).into();
        arms.push(Arm::Constant(Literal::String("auto".to_owned())));
        let json = b.json(Shape::String, Wire::Raw);
        cases.extend(open.then_some(("unrecognized", Some(json))));
        b.variant("pet", &cases, Wire::Union(Union { arms, ladder: ladder.clone() }))
    }
}

/// The case that a union's value is read as, and that it is written back as it was.
fn case(ladder: &[Rung], json: &str) -> Option<u32> {
    let open = union(ladder.to_vec(), true);
    let value = read(&open, json).expect("an open union reads everything");
    let back = written(&open, value.clone()).expect("writable");
    assert_eq!(serde_json::from_str::<Json>(&back).ok(), serde_json::from_str::<Json>(json).ok(), "{json}");
    match value {
        Value::Variant(5, payload) => {
            assert_eq!(payload.as_deref(), Some(&Value::string(json)));
            let (_, message) =
                build::read(&reader(union(ladder.to_vec(), false)).0, reader(&open).1, json).expect_err("closed");
            assert!(message.contains("fits none of the declared alternatives"), "{message}");
            None
        }
        Value::Variant(case, _) => Some(case),
        other => panic!("{other:?}"),
    }
}

#[test]
fn unions_follow_their_ladder() {
    let discriminator =
        Rung::Discriminator { key: "type".to_owned(), values: vec![("Cat".to_owned(), 0), ("Dog".to_owned(), 1)] };
    let kinds = Rung::Kind(vec![(Kind::String, 2), (Kind::Number, 3)]);
    let ladder = [discriminator, kinds];
    assert_eq!(case(&ladder, r#"{"meow":"m","type":"Dog"}"#.replace("meow", "bark").as_str()), Some(1));
    assert_eq!(case(&ladder, r#"{"type":"Cat"}"#), Some(0));
    assert_eq!(case(&ladder, r#"{"type":"Cow"}"#), None);
    assert_eq!(case(&ladder, r#"{"type":7}"#), None);
    assert_eq!(case(&ladder, r#""Cat""#), Some(2));
    assert_eq!(case(&ladder, "1.5"), Some(3));
    assert_eq!(case(&ladder, "1"), Some(3), "an integer is a number");
    assert_eq!(case(&ladder, "null"), None);

    let keys = [Rung::Key(vec![("meow".to_owned(), 0), ("bark".to_owned(), 1)])];
    assert_eq!(case(&keys, r#"{"type":"","bark":"w"}"#), Some(1));
    assert_eq!(case(&keys, r#"{"type":""}"#), None);
    assert_eq!(case(&keys, "[]"), None);

    let kinds = [Rung::KeyKind(vec![("type".to_owned(), Kind::Array, 0), ("type".to_owned(), Kind::String, 1)])];
    assert_eq!(case(&kinds, r#"{"type":"x","bark":"w"}"#), Some(1));
    assert_eq!(case(&kinds, r#"{"type":null}"#), None);

    let best = [Rung::Best(vec![4, 0, 1, 2])];
    assert_eq!(case(&best, r#"{"type":"x","bark":"w"}"#), Some(1), "more declared members win");
    assert_eq!(case(&best, r#"{"type":"x"}"#), Some(0), "else the first");
    assert_eq!(case(&best, r#""auto""#), Some(4));
    assert_eq!(case(&best, r#""other""#), Some(2));
    assert_eq!(case(&best, "[]"), None);
}

/// A union of two objects whose member `type` is told: by a constant, or by a field of the record.
fn told(fields: [bool; 2], open: bool) -> impl Fn(&mut Builder) -> TypeId {
    move |b| {
        let text = text(b);
        let option = b.option(text);
        let arms =
            [("cat", "Cat", "meow"), ("dog", "Dog", "bark")].into_iter().zip(fields).map(|((name, value, own), field)| {
                let mut members = vec![(own, option, Presence::Optional)];
                members.extend(field.then_some(("type", text, Presence::Required)));
                let (record, mut object) = object(&members);
                if !field {
                    object.constants.push(("type".to_owned(), Literal::String(value.to_owned())));
                }
                b.object(name, record, object)
            });
        let arms: Vec<TypeId> = arms.collect();
        let mut cases = vec![("cat", Some(arms[0])), ("dog", Some(arms[1])), ("word", Some(text))];
        let json = b.json(Shape::String, Wire::Raw);
        cases.extend(open.then_some(("unrecognized", Some(json))));
        let values = vec![("Cat".to_owned(), 0), ("Dog".to_owned(), 1)];
        let ladder = vec![Rung::Discriminator { key: "type".to_owned(), values }, Rung::Best(vec![0, 1, 2])];
        let arms = [arms[0], arms[1], text].map(Arm::Value).into();
        b.variant("pet", &cases, Wire::Union(Union { arms, ladder }))
    }
}

#[test]
fn an_undeclared_discriminator_value_is_no_declared_arm() {
    let cow = r#"{"type":"Cow","meow":"m"}"#;
    let arm = |fields, open, json: &str| match read(told(fields, open), json) {
        Ok(Value::Variant(case, _)) => case,
        other => panic!("{other:?}"),
    };
    let constants = [false, false];
    assert_eq!(arm(constants, true, &cow.replace("Cow", "Cat")), 0);
    assert_eq!(arm(constants, true, cow), 3, "whatever else it has");
    assert_eq!(arm(constants, true, r#"{"meow":"m"}"#), 0, "nothing is said");
    assert_eq!(arm(constants, true, r#""word""#), 2, "no object, which the discriminator says nothing of");
    assert_eq!(arm(constants, false, cow), 0, "closed, the nearest arm is better than a refusal");
    // A field may have values that the union does not know of.
    assert_eq!(arm([true, true], true, cow), 0);
    assert_eq!(arm([false, true], true, &cow.replace("meow", "bark")), 1);
}

#[test]
fn an_arm_that_the_ladder_names_must_read() {
    let kinds = vec![Rung::Kind(vec![(Kind::Object, 0)])];
    refused(union(kinds, true), r#"{"type":1}"#, "`$.type`: expected a string, found an integer");
}

#[test]
fn unions_within_unions_end_in_time() {
    // Each level tries the level below twice: 2⁴⁰ tries without a bound.
    let nested = |b: &mut Builder| {
        let mut ty = b.plain(Shape::Bool);
        for level in 0..40 {
            let option = b.option(ty);
            let name = format!("level-{level}");
            let record = b.record(&format!("{name}-r"), &[("a", option, Presence::Optional)]);
            let arms = vec![Arm::Value(record), Arm::Value(record)];
            let ladder = vec![Rung::Best(vec![0, 1])];
            ty = b.variant(&name, &[("x", Some(record)), ("y", Some(record))], Wire::Union(Union { arms, ladder }));
        }
        ty
    };
    let json = format!("{}true{}", "{\"a\":".repeat(40), "}".repeat(40));
    refused(nested, &json, "too many of the declared alternatives");
}

#[test]
fn an_object_reads_what_it_writes_with_any_keys() {
    let odd = |b: &mut Builder| {
        let text = text(b);
        let fields = ["a", "b"].map(|n| witwire_ir::Field { name: build::name(n), ty: text, docs: None });
        let member =
            |key: &str, slot| witwire_ir::wire::json::Member { key: key.to_owned(), slot, presence: Presence::Required };
        let members = vec![member("\"\\\n\u{1}é", 1), member("", 0)];
        b.object("odd", fields.to_vec(), Object { members, ..Object::default() })
    };
    let value = Value::record([Value::string("x"), Value::string("y")]);
    let json = written(odd, value.clone()).expect("writable");
    assert_eq!(json, "{\"\\\"\\\\\\n\\u0001é\":\"y\",\"\":\"x\"}");
    assert_eq!(read(odd, &json), Ok(value));
}
