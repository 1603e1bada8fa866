//! Rules checked before anything is sent.

use witwire_ir::operation::http::{HttpCall, Method};
use witwire_ir::wire::json::Presence;
use witwire_ir::{Check, Format, Number, Shape, Value};

use crate::http::build::{Builder, call};

/// What breaks a type's rules, as `location rule`.
fn broken(build: impl FnOnce(&mut Builder) -> witwire_ir::TypeId, value: Value) -> Vec<String> {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let operation = b.operation("send", &[("request", ty)], None, HttpCall { ..call(Method::Get) });
    b.plan().check(operation, &[value]).into_iter().map(|v| format!("{} {}", v.location, v.rule)).collect()
}

/// Whether a value keeps one rule.
fn keeps(shape: Shape, check: Check, value: Value) -> bool {
    let rule = check.rule();
    let broken = broken(|b| b.checked(shape, vec![check]), value);
    assert!(broken.is_empty() || broken == [format!("request {rule}")], "{broken:?}");
    broken.is_empty()
}

fn text(check: Check, value: &str) -> bool {
    keeps(Shape::String, check, Value::string(value))
}

#[test]
fn lengths_count_unicode_scalar_values() {
    assert!(text(Check::MinLength(2), "é😀"));
    assert!(!text(Check::MinLength(3), "é😀"));
    assert!(text(Check::MaxLength(2), "é😀"));
    assert!(!text(Check::MaxLength(1), "é😀"));
    assert!(text(Check::MaxLength(0), ""));
}

#[test]
fn bounds_are_exact() {
    let int = |check, n| keeps(Shape::S64, check, Value::S64(n));
    let float = |check, n| keeps(Shape::F64, check, Value::F64(n));
    use Check::{ExclusiveMaximum, ExclusiveMinimum, Maximum, Minimum};
    assert!(int(Minimum(Number::Int(5)), 5) && !int(Minimum(Number::Int(5)), 4));
    assert!(!int(ExclusiveMinimum(Number::Int(5)), 5) && int(ExclusiveMaximum(Number::Int(5)), 4));
    assert!(int(Maximum(Number::Float(2.5)), 2) && !int(Maximum(Number::Float(2.5)), 3));
    assert!(int(Minimum(Number::Float(-2.5)), -2) && !int(Minimum(Number::Float(-2.5)), -3));
    // 2⁶³ − 1 becomes 2⁶³ as a float.
    let limit = Number::Float(9_223_372_036_854_775_808.0);
    assert!(int(ExclusiveMaximum(limit), i64::MAX) && !int(Minimum(limit), i64::MAX));
    let u64_ = |check, n| keeps(Shape::U64, check, Value::U64(n));
    assert!(
        u64_(Maximum(Number::Int(u64::MAX.into())), u64::MAX) && !u64_(Maximum(Number::Int(u64::MAX as i128 - 1)), u64::MAX)
    );
    assert!(float(Maximum(Number::Int(1)), 1.0) && !float(Maximum(Number::Int(1)), 1.0 + f64::EPSILON));
    assert!(float(Maximum(Number::Float(1e300)), 1e299) && !float(Minimum(Number::Int(i128::MAX)), f64::NEG_INFINITY));
    assert!(!float(Maximum(Number::Int(1)), f64::NAN));
}

#[test]
fn multiples_are_exact_for_integers_and_decimal_for_decimals() {
    let int = |divisor, n| keeps(Shape::S64, Check::MultipleOf(divisor), Value::S64(n));
    let float = |divisor, n| keeps(Shape::F64, Check::MultipleOf(divisor), Value::F64(n));
    assert!(int(Number::Int(3), -9) && !int(Number::Int(3), 10) && int(Number::Int(7), 0));
    assert!(int(Number::Float(2.5), 5) && !int(Number::Float(2.5), 6));
    assert!(float(Number::Float(0.1), 0.3) && float(Number::Float(0.01), 19.99) && float(Number::Float(0.0001), 0.0075));
    assert!(!float(Number::Float(0.0001), 0.00751) && !float(Number::Float(0.01), 19.995));
    assert!(float(Number::Int(2), 1e30) && !float(Number::Float(0.123_456_789), 1e308));
    assert!(float(Number::Float(1e-8), 12_391_239_123.0));
}

#[test]
fn lists_count_and_hold_each_item_once_in_linear_time() {
    let list = |check: Check, items: Vec<Value>| {
        broken(
            |b| {
                let item = b.plain(Shape::F64);
                b.checked(Shape::List(item), vec![check])
            },
            Value::list(items),
        )
        .is_empty()
    };
    let floats = |items: &[f64]| items.iter().map(|f| Value::F64(*f)).collect::<Vec<_>>();
    assert!(list(Check::MinItems(2), floats(&[1.0, 2.0])) && !list(Check::MinItems(3), floats(&[1.0, 2.0])));
    assert!(list(Check::MaxItems(2), floats(&[1.0, 2.0])) && !list(Check::MaxItems(1), floats(&[1.0, 2.0])));
    assert!(list(Check::UniqueItems, floats(&[1.0, 2.0])) && !list(Check::UniqueItems, floats(&[1.0, 2.0, 1.0])));
    assert!(!list(Check::UniqueItems, floats(&[0.0, -0.0])), "equal numbers are equal");
    // Comparing all pairs would take 10¹⁰ steps.
    assert!(list(Check::UniqueItems, (0..200_000).map(|n| Value::F64(f64::from(n))).collect()));
}

#[test]
fn unique_items_compare_whole_structures() {
    let records = |values: [(&str, Option<&str>); 2]| {
        broken(
            |b| {
                let text = b.plain(Shape::String);
                let option = b.option(text);
                let record = b.record("r", &[("a", text, Presence::Required), ("b", option, Presence::Optional)]);
                b.checked(Shape::List(record), vec![Check::UniqueItems])
            },
            Value::list(values.map(|(a, b)| Value::record([Value::string(a), Value::option(b.map(Value::string))]))),
        )
        .is_empty()
    };
    assert!(records([("ab", Some("c")), ("a", Some("bc"))]));
    assert!(records([("a", None), ("a", Some(""))]));
    assert!(!records([("a", Some("b")), ("a", Some("b"))]));
}

#[test]
fn violations_name_their_place_in_wit_names_and_never_the_value() {
    let mut b = Builder::new();
    let short = b.checked(Shape::String, vec![Check::MaxLength(3)]);
    let option = b.option(short);
    let tag = b.record("tag", &[("display name", option, Presence::Optional)]);
    let tags = b.list(tag);
    let labels = b.map(short);
    let choice = b.variant("choice", &[("by-name", Some(short)), ("all", None)], witwire_ir::wire::json::Json::Raw);
    b.api.types[choice].wire = witwire_ir::wire::Wire::Plain;
    let members =
        [("tags", tags, Presence::Required), ("labels", labels, Presence::Required), ("choice", choice, Presence::Required)];
    let record = b.record("r", &members);
    let request = b.option(record);
    let operation = b.operation("send", &[("id", short), ("request", request)], None, call(Method::Get));
    let plan = b.plan();
    let long = || Value::string("secret");
    let tag = |v| Value::record([Value::option(v)]);
    let labels = Value::list([Value::tuple([long(), long()])]);
    let value = Value::record([Value::list([tag(None), tag(Some(long()))]), labels, Value::case(0, long())]);
    let violations = plan.check(operation, &[long(), Value::some(value)]);
    let locations: Vec<_> = violations.iter().map(|v| v.location.as_str()).collect();
    assert_eq!(locations, ["id", "request.tags[1].display-name", "request.labels[0].1", "request.choice.by-name"]);
    for violation in violations {
        assert_eq!(
            (violation.rule.as_str(), violation.message.as_str()),
            ("maxLength", "is too long: give at most 3 characters")
        );
    }
}

#[test]
fn a_million_bad_items_make_a_hundred_violations() {
    let build = |b: &mut Builder| {
        let short = b.checked(Shape::String, vec![Check::MinLength(1)]);
        b.list(short)
    };
    assert_eq!(broken(build, Value::list(vec![Value::string(""); 1_000_000])).len(), 100);
}

#[test]
fn required_options_and_counted_members() {
    let required = |b: &mut Builder| {
        let text = b.plain(Shape::String);
        b.checked(Shape::Option(text), vec![Check::Required])
    };
    assert_eq!(broken(required, Value::none()), ["request required"]);
    assert!(broken(required, Value::some(Value::string(""))).is_empty());
    let members = |b: &mut Builder| {
        let text = b.plain(Shape::String);
        let option = b.option(text);
        let members =
            [("a", text, Presence::Required), ("b", option, Presence::Optional), ("c", option, Presence::Nullable)];
        let record = b.record("r", &members);
        b.api.types[record].checks = vec![Check::MinProperties(3), Check::MaxProperties(2)];
        record
    };
    let value = |b| Value::record([Value::string("a"), Value::option(b), Value::none()]);
    assert_eq!(broken(members, value(None)), ["request minProperties"]);
    assert_eq!(broken(members, value(Some(Value::string("")))), ["request maxProperties"]);
}

/// `pattern`, a text that matches and one that does not.
const PATTERNS: &[(&str, &str, &str)] = &[
    ("^a+$", "aaa", "aab"),
    ("b", "abc", "ac"),
    // `$` ends the text, not a line.
    ("^a$", "a", "a\n"),
    (r"^\d+$", "123", "١٢٣"),
    (r"^\w+$", "az_9", "é"),
    (r"^\S+$", "ab", "a\u{feff}b"),
    (r"^\s$", "\u{2003}", "a"),
    (r"^[\s\d]$", "7", "a"),
    (r"^[^\s\d]$", "a", "7"),
    (r"^[\D]$", "a", "7"),
    (r"^[\w-]+$", "a-b", "a b"),
    (r"^\/a\/$", "/a/", "a"),
    (r"^\cA$", "\u{1}", "A"),
    (r"^\x41\u0042\u{43}$", "ABC", "abc"),
    (r"^\ud83d\ude00$", "😀", "a"),
    (r"^[[]$", "[", "]"),
    (r"^[a&&b]+$", "a&b", "c"),
    (r"^[+--]$", ",", "."),
    (r"^[a~~b]$", "~", "c"),
    (r"^[\]]$", "]", "["),
    (r"^[\b]$", "\u{8}", "b"),
    ("^[^]$", "\n", ""),
    (r"^a{2}$", "aa", "a"),
    (r"^a{1,}b{0,1}$", "aab", "abb"),
    (r"^{a}$", "{a}", "a"),
    (r"^x{,2}$", "x{,2}", "xx"),
    (r"^(?:{[0-9a-f]{2}}|[0-9a-f]{2})$", "{0f}", "{0f"),
    (r"^.$", "é", "\u{2028}"),
    (r"^(?=.*\d)(?!x).+$", "a1", "x1"),
    (r"(?<!a)b", "cb", "ab"),
    (r"^(a|b)\1$", "aa", "ab"),
    (r"^(?<q>['@]).*\k<q>$", "'a'", "'a@"),
    (r"\bcat\b", "a cat", "concat"),
    (r"^é\b", "éa", "é"),
    (r"^\p{Lu}$", "É", "é"),
    (r"^\-\_\@$", "-_@", "a"),
    (r"^\0$", "\0", "0"),
    (r"^(?i)a$|^b$", "b", "c"),
];

#[test]
fn patterns_mean_what_ecma_262_says() {
    for (pattern, good, bad) in PATTERNS {
        let matches = |value| text(Check::Pattern((*pattern).to_owned()), value);
        assert!(matches(good), "`{pattern}` does not match {good:?}");
        assert!(!matches(bad), "`{pattern}` matches {bad:?}");
    }
}

#[test]
fn a_pattern_that_no_engine_knows_is_left_to_the_server() {
    assert!(text(Check::Pattern("(".to_owned()), "anything"));
    assert!(text(Check::Pattern(r"^\ud83d$".to_owned()), "anything"));
}

#[test]
fn a_pattern_that_backtracks_for_ever_refuses_the_text() {
    assert!(!text(Check::Pattern(r"^(?=(a+)+$)".to_owned()), &format!("{}b", "a".repeat(60))));
    assert!(!text(Check::Pattern("^(a+)+$".to_owned()), &format!("{}b", "a".repeat(10_000))), "linear without look-around");
}

/// Format, texts that keep it, texts that do not.
const FORMATS: &[(Format, &[&str], &[&str])] = &[
    (
        Format::DateTime,
        &["2030-01-31T12:00:00Z", "2024-02-29t23:59:60.123z", "1990-12-31T15:59:60-08:00"],
        &[
            "2030-01-31",
            "2030-02-29T12:00:00Z",
            "2030-01-31 12:00:00Z",
            "2030-01-31T24:00:00Z",
            "2030-01-31T12:00:60Z",
            "2030-01-31T12:00:00",
            "２030-01-31T12:00:00Z",
        ],
    ),
    (Format::Date, &["2000-02-29", "0000-01-01"], &["1900-02-29", "2030-13-01", "2030-00-01", "2030-1-1", "2030-01-32", ""]),
    (Format::Time, &["12:00:00Z", "12:00:00.5+05:30"], &["12:00Z", "12:00:00", "12:00:00.Z", "12:00:00+24:00", "12:60:00Z"]),
    (
        Format::Duration,
        &["P1Y2M3DT4H5M6S", "PT36H", "P4W", "P1D"],
        &["P", "PT", "P1", "1D", "P1DT", "P1S", "P1Y2D", "P1W2D", "PT1D", "P1.5D"],
    ),
    (
        Format::Uuid,
        &["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
        &[
            "123e4567e89b12d3a456426614174000",
            "123e4567-e89b-12d3-a456-42661417400g",
            "{123e4567-e89b-12d3-a456-426614174000}",
        ],
    ),
    (
        Format::Uri,
        &["https://example.com/a?b=c#d", "urn:isbn:1", "mailto:a@example.com", "http://[::1]:80/", "a:", "http://u:p@h/%20"],
        &[
            "/a",
            "example.com",
            "http://a b",
            "http://a/%zz",
            "http://[::1",
            "1http://a",
            "http://a/\\",
            "http://a/é",
            "http://a:b/",
            "http://a/[b]",
        ],
    ),
    (
        Format::Email,
        &["a@example.com", "a.b+c@example.com", "\"a b\"@example.com", "a@[127.0.0.1]"],
        &["a", "@b", "a@", "a..b@c", ".a@c", "a b@c", "a@b_c", "a@[300.0.0.1]"],
    ),
    (Format::Ipv4, &["127.0.0.1"], &["127.0.0", "256.0.0.1", "01.0.0.1", "::1"]),
    (Format::Ipv6, &["::1", "2001:db8::1", "::ffff:127.0.0.1"], &["1", ":::1", "fe80::1%eth0", "[::1]"]),
    (Format::Hostname, &["a", "www.example.com", "xn--e1afmkfd", "1.2"], &["", "-a", "a-", "a..b", "a_b", "é", "a."]),
];

#[test]
fn formats_are_asserted() {
    for (format, good, bad) in FORMATS {
        for value in *good {
            assert!(text(Check::Format(*format), value), "{format:?}: {value}");
        }
        for value in *bad {
            assert!(!text(Check::Format(*format), value), "{format:?}: {value}");
        }
    }
}

#[test]
fn protobuf_times_keep_their_ranges() {
    let of = |format, nanos: Shape, seconds, nanoseconds| {
        broken(
            |b| {
                let (s, n) = (b.plain(Shape::S64), b.plain(nanos));
                let fields = [("seconds", s), ("nanoseconds", n)];
                let fields = fields.map(|(n, ty)| witwire_ir::Field { name: crate::http::build::name(n), ty, docs: None });
                b.checked(Shape::Record(fields.into()), vec![Check::Format(format)])
            },
            Value::record([Value::S64(seconds), nanoseconds]),
        )
        .is_empty()
    };
    let timestamp = |s, n| of(Format::ProtoTimestamp, Shape::U32, s, Value::U32(n));
    assert!(timestamp(-62_135_596_800, 0) && timestamp(253_402_300_799, 999_999_999));
    assert!(!timestamp(-62_135_596_801, 0) && !timestamp(253_402_300_800, 0) && !timestamp(0, 1_000_000_000));
    let duration = |s, n| of(Format::ProtoDuration, Shape::S32, s, Value::S32(n));
    assert!(duration(315_576_000_000, 999_999_999) && duration(-1, -1) && duration(0, -1));
    assert!(!duration(315_576_000_001, 0) && !duration(1, -1) && !duration(-1, 1) && !duration(0, 1_000_000_000));
}
