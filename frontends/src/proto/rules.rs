//! The standard rules of `buf.validate` (protovalidate), read from encoded options: its descriptors are not needed.
//!
//! Source: `buf/validate/validate.proto`. Rules in CEL, those that need a clock, and whatever is not known here are told as not checked.

mod encoded;

use std::collections::BTreeSet;

use witwire_ir::{Check, Format, Literal, Number, Part};

use self::encoded::{Content, MALFORMED, fields, nanoseconds, numbers, text};
use super::model::{Cardinality, Field};

/// What the rules of a field, oneof or message say.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// What is checked before sending.
    pub(super) checks: Vec<Check>,
    /// Names of the rules that are not.
    pub(super) unchecked: Vec<String>,
}

/// From here on rules are extensions: those that an API defines itself.
const PREDEFINED: u32 = 1000;

/// The rules of a field. `place` is where its value stands in the record; `typed_any` says that an `Any` is a variant;
/// `unless_zero` says that a rule of the message lets its zero value through.
pub(super) fn of_field(field: &Field, place: &[Part], typed_any: bool, unless_zero: bool) -> Rules {
    let mut reader = Reader { rules: Rules::default(), typed_any };
    if let Some(encoded) = &field.rules {
        let kind = match field.cardinality {
            Cardinality::Required => Of::AlwaysSet,
            _ => Of::Field { unless_zero },
        };
        reader.field(encoded, place, kind);
    }
    reader.rules
}

/// The rules of a oneof in a slot.
pub(super) fn of_oneof(encoded: &[u8], slot: u16) -> Rules {
    let mut reader = Reader { rules: Rules::default(), typed_any: false };
    for (number, content) in fields(encoded) {
        match (number, content) {
            (1, Content::Varint(0)) => {}
            (1, Content::Varint(1..)) => reader.rules.checks.push(at(&[Part::Slot(slot)], Check::Present, false)),
            _ => reader.unknown("oneof", number),
        }
    }
    reader.rules
}

/// That a slot is told.
pub(super) fn required(slot: u16) -> Rules {
    Rules { checks: vec![at(&[Part::Slot(slot)], Check::Present, false)], unchecked: Vec::new() }
}

/// The rules of a whole message, of which none is checked.
pub(super) fn of_message(encoded: &[u8]) -> Rules {
    let mut reader = Reader { rules: Rules::default(), typed_any: false };
    for (number, _) in fields(encoded) {
        match number {
            3 | 5 => reader.unchecked("cel"),
            4 => reader.unchecked("oneof"),
            _ => reader.unknown("message", number),
        }
    }
    reader.rules
}

/// Names of the fields of which a rule of the message lets at most one be told: their zero values keep their own rules.
pub(super) fn at_most_one(encoded: &[u8]) -> BTreeSet<String> {
    let inner = |wanted: u32, encoded| {
        fields(encoded).into_iter().filter_map(move |f| match f {
            (number, Content::Bytes(bytes)) if number == wanted => Some(bytes),
            _ => None,
        })
    };
    inner(4, encoded).flat_map(|oneof| inner(1, oneof)).map(text).collect()
}

fn at(place: &[Part], check: Check, unless_zero: bool) -> Check {
    Check::At { place: place.to_vec(), check: Box::new(check), unless_zero }
}

/// What rules are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// A field that may be absent, or zero.
    Field { unless_zero: bool },
    /// A proto2 `required` field, or an item, key or value: it is there, whatever it is.
    AlwaysSet,
}

struct Reader {
    rules: Rules,
    typed_any: bool,
}

impl Reader {
    fn field(&mut self, encoded: &[u8], place: &[Part], of: Of) {
        let all = fields(encoded);
        let ignore = all.iter().find_map(|f| if let (27, Content::Varint(n)) = f { Some(*n) } else { None });
        let unless_zero = match ignore {
            None | Some(0) => of == Of::Field { unless_zero: true },
            // `IGNORE_IF_ZERO_VALUE`
            Some(1) => true,
            // `IGNORE_ALWAYS`
            Some(3) => return,
            Some(_) => return self.unchecked("all of a field with an unknown `ignore`"),
        };
        for (number, content) in &all {
            let mut checks = Vec::new();
            match (number, content) {
                (25, Content::Varint(required)) => {
                    let in_oneof = matches!(place.last(), Some(Part::Case(_)));
                    if *required == 0 || of == Of::AlwaysSet {
                        continue;
                    }
                    if in_oneof {
                        self.unchecked("required");
                    } else {
                        self.rules.checks.push(at(place, Check::Present, false));
                    }
                    continue;
                }
                (27, Content::Varint(_)) => continue,
                (1..=12, Content::Bytes(rules)) => self.number(*number, rules, &mut checks),
                (13, Content::Bytes(rules)) => {
                    for (number, content) in fields(rules) {
                        match (number, content) {
                            (1, Content::Varint(v)) => checks.push(Check::In(vec![Literal::Bool(v != 0)])),
                            // Examples.
                            (2, _) => {}
                            _ => self.unknown("bool", number),
                        }
                    }
                }
                (14, Content::Bytes(rules)) => self.string(rules, &mut checks),
                (15, Content::Bytes(rules)) => self.bytes(rules, &mut checks),
                (16, Content::Bytes(rules)) => self.enumeration(rules, &mut checks),
                // No list is an item. So rules nest no deeper than one level, whatever bytes say.
                (18 | 19, _) if matches!(place.last(), Some(Part::Items | Part::Keys | Part::Values)) => {
                    self.unchecked("rules of lists within lists");
                }
                (18, Content::Bytes(rules)) => {
                    for (number, content) in fields(rules) {
                        match (number, content) {
                            (1, Content::Varint(n)) => checks.push(Check::MinItems(n)),
                            (2, Content::Varint(n)) => checks.push(Check::MaxItems(n)),
                            (3, Content::Varint(0)) => {}
                            (3, Content::Varint(1..)) => checks.push(Check::UniqueItems),
                            (4, Content::Bytes(items)) => {
                                self.field(items, &[place, &[Part::Items]].concat(), Of::AlwaysSet);
                            }
                            _ => self.unknown("repeated", number),
                        }
                    }
                }
                (19, Content::Bytes(rules)) => {
                    for (number, content) in fields(rules) {
                        match (number, content) {
                            (1, Content::Varint(n)) => checks.push(Check::MinItems(n)),
                            (2, Content::Varint(n)) => checks.push(Check::MaxItems(n)),
                            (4, Content::Bytes(keys)) => {
                                self.field(keys, &[place, &[Part::Keys]].concat(), Of::AlwaysSet);
                            }
                            (5, Content::Bytes(values)) => {
                                self.field(values, &[place, &[Part::Values]].concat(), Of::AlwaysSet);
                            }
                            _ => self.unknown("map", number),
                        }
                    }
                }
                (20, Content::Bytes(_)) if self.typed_any => self.unchecked("any"),
                (20, Content::Bytes(rules)) => {
                    let mut urls = Vec::new();
                    strings(rules, 2, 3, &mut urls);
                    for (number, _) in fields(rules).iter().filter(|(number, _)| !matches!(number, 2 | 3)) {
                        self.unknown("any", *number);
                    }
                    let place = [place, &[Part::Slot(0)]].concat();
                    self.rules.checks.extend(urls.into_iter().map(|check| at(&place, check, unless_zero)));
                }
                (21 | 22, Content::Bytes(rules)) => self.time(*number, rules, &mut checks),
                (28, Content::Bytes(rules)) => {
                    let mut paths = Vec::new();
                    self.paths(rules, &mut paths);
                    let place = [place, &[Part::Items]].concat();
                    self.rules.checks.extend(paths.into_iter().map(|check| at(&place, check, unless_zero)));
                }
                (23 | 29, _) => self.unchecked("cel"),
                _ => self.unknown("field", *number),
            }
            self.rules.checks.extend(checks.into_iter().map(|check| at(place, check, unless_zero)));
        }
    }

    fn unchecked(&mut self, name: &str) {
        self.rules.unchecked.push(name.to_owned());
    }

    /// Notes a field of a message of rules that is not read.
    fn unknown(&mut self, rules: &str, number: u32) {
        match number {
            MALFORMED => self.unchecked(&format!("{rules}, which is malformed")),
            PREDEFINED.. => self.unchecked("predefined"),
            _ => self.unchecked(&format!("{rules} number {number}")),
        }
    }

    /// Rules of the paths of a `FieldMask`: a path covers those below it too.
    fn paths(&mut self, encoded: &[u8], out: &mut Vec<Check>) {
        let (mut among, mut not_among) = (Vec::new(), Vec::new());
        for (number, content) in fields(encoded) {
            match (number, content) {
                (1, _) => self.unchecked("const of a field mask"),
                (2, Content::Bytes(path)) => among.push(escaped(path)),
                (3, Content::Bytes(path)) => not_among.push(escaped(path)),
                // Examples.
                (4, _) => {}
                _ => self.unknown("field_mask", number),
            }
        }
        if !among.is_empty() {
            out.push(Check::Pattern(format!("^({})(\\.|$)", among.join("|"))));
        }
        if !not_among.is_empty() {
            out.push(Check::Pattern(format!("^(?!({})(\\.|$))", not_among.join("|"))));
        }
    }

    /// Rules of numbers: `kind` is the number in `FieldRules`, in the order of the scalar types there.
    fn number(&mut self, kind: u32, encoded: &[u8], out: &mut Vec<Check>) {
        let (mut less, mut greater) = (None, None);
        let (mut constants, mut among, mut not_among) = (Vec::new(), Vec::new(), Vec::new());
        for (number, content) in fields(encoded) {
            let mut values = numbers(kind, &content);
            if number < 8 && values.iter().any(|n| matches!(n, Number::Float(n) if n.is_nan())) {
                values.clear();
                self.unchecked("not a number");
            }
            let first = values.first().copied();
            match number {
                1 => constants.extend(values),
                2 => less = first.map(|n| (n, Check::ExclusiveMaximum(n))),
                3 => less = first.map(|n| (n, Check::Maximum(n))),
                4 => greater = first.map(|n| (n, Check::ExclusiveMinimum(n))),
                5 => greater = first.map(|n| (n, Check::Minimum(n))),
                6 => among.extend(values),
                7 => not_among.extend(values),
                8 if kind <= 2 => out.extend(matches!(content, Content::Varint(1..)).then_some(Check::Finite)),
                // Examples.
                8 | 9 => {}
                _ => self.unknown("number", number),
            }
        }
        self.range(less, greater, out);
        let literals = |values: Vec<Number>| values.into_iter().map(Literal::Number).collect::<Vec<_>>();
        lists(literals(constants), literals(among), literals(not_among), out);
    }

    /// Bounds; where the upper one is below the lower one, the range between them is what is excluded.
    fn range(&mut self, less: Option<(Number, Check)>, greater: Option<(Number, Check)>, out: &mut Vec<Check>) {
        match (less, greater) {
            (Some((less, _)), Some((greater, _))) if below(less, greater) => self.unchecked("excluded range"),
            (less, greater) => out.extend([less, greater].into_iter().flatten().map(|(_, check)| check)),
        }
    }

    /// Rules of `Duration` (21) and `Timestamp` (22), in nanoseconds.
    fn time(&mut self, kind: u32, encoded: &[u8], out: &mut Vec<Check>) {
        let (mut less, mut greater) = (None, None);
        let (mut constants, mut among, mut not_among) = (Vec::new(), Vec::new(), Vec::new());
        for (number, content) in fields(encoded) {
            match (kind, number, content) {
                (_, 2, Content::Bytes(time)) => constants.push(Literal::Number(nanoseconds(time))),
                (_, 3, Content::Bytes(time)) => less = Some(nanoseconds(time)).map(|n| (n, Check::ExclusiveMaximum(n))),
                (_, 4, Content::Bytes(time)) => less = Some(nanoseconds(time)).map(|n| (n, Check::Maximum(n))),
                (_, 5, Content::Bytes(time)) => greater = Some(nanoseconds(time)).map(|n| (n, Check::ExclusiveMinimum(n))),
                (_, 6, Content::Bytes(time)) => greater = Some(nanoseconds(time)).map(|n| (n, Check::Minimum(n))),
                (21, 7, Content::Bytes(time)) => among.push(Literal::Number(nanoseconds(time))),
                (21, 8, Content::Bytes(time)) => not_among.push(Literal::Number(nanoseconds(time))),
                (22, 7 | 8, Content::Varint(0)) => {}
                (22, 7, _) => self.unchecked("lt_now"),
                (22, 8, _) => self.unchecked("gt_now"),
                (22, 9, _) => self.unchecked("within"),
                // Examples.
                (21, 9, _) | (22, 10, _) => {}
                _ => self.unknown("time", number),
            }
        }
        self.range(less, greater, out);
        lists(constants, among, not_among, out);
    }

    fn string(&mut self, encoded: &[u8], out: &mut Vec<Check>) {
        let mut constants = Vec::new();
        let is_strict = !fields(encoded).iter().any(|f| matches!(f, (25, Content::Varint(0))));
        for (number, content) in fields(encoded) {
            match (number, content) {
                (19, Content::Varint(n)) => out.extend([Check::MinLength(n), Check::MaxLength(n)]),
                (2, Content::Varint(n)) => out.push(Check::MinLength(n)),
                (3, Content::Varint(n)) => out.push(Check::MaxLength(n)),
                (20, Content::Varint(n)) => out.extend([Check::MinBytes(n), Check::MaxBytes(n)]),
                (4, Content::Varint(n)) => out.push(Check::MinBytes(n)),
                (5, Content::Varint(n)) => out.push(Check::MaxBytes(n)),
                (1, Content::Bytes(bytes)) => constants.push(Literal::String(text(bytes))),
                (6, Content::Bytes(bytes)) => out.push(Check::Re2(text(bytes))),
                (7, Content::Bytes(bytes)) => out.push(Check::Pattern(format!("^{}", escaped(bytes)))),
                (8, Content::Bytes(bytes)) => out.push(Check::Pattern(format!("{}$", escaped(bytes)))),
                (9, Content::Bytes(bytes)) => out.push(Check::Pattern(escaped(bytes))),
                (23, Content::Bytes(bytes)) => out.push(Check::Pattern(format!("^(?![\\s\\S]*{})", escaped(bytes)))),
                // A rule that is switched off.
                (12..=18 | 21 | 22 | 24 | 26..=33 | 35 | 37 | 38, Content::Varint(0)) => {}
                (12, Content::Varint(1..)) => out.push(Check::Format(Format::HtmlEmail)),
                (13, Content::Varint(1..)) => out.push(Check::Format(Format::DnsName)),
                (14, Content::Varint(1..)) => out.push(Check::Format(Format::Ip)),
                (15, Content::Varint(1..)) => out.push(Check::Format(Format::Ipv4)),
                (16, Content::Varint(1..)) => out.push(Check::Format(Format::ScopedIpv6)),
                (17, Content::Varint(1..)) => out.push(Check::Format(Format::Uri)),
                (21, Content::Varint(1..)) => out.push(Check::Format(Format::Address)),
                (22, Content::Varint(1..)) => out.push(Check::Format(Format::Uuid)),
                (33, Content::Varint(1..)) => out.push(Check::Pattern("^[0-9a-fA-F]{32}$".to_owned())),
                (35, Content::Varint(1..)) => {
                    out.push(Check::Pattern("^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$".to_owned()));
                }
                (37, Content::Varint(1..)) => out.push(Check::Pattern(format!("^{QUALIFIED}$"))),
                (38, Content::Varint(1..)) => out.push(Check::Pattern(format!("^\\.{QUALIFIED}$"))),
                (18, Content::Varint(1..)) => self.unchecked("uri_ref"),
                (27, Content::Varint(1..)) => {
                    out.push(Check::Re2(format!("^({OCTET}\\.){{3}}{OCTET}/(3[0-2]|[12]?[0-9])$")));
                }
                (26 | 28..=32, Content::Varint(1..)) => self.unchecked("ip with a prefix, or host and port"),
                (24, Content::Varint(known)) => match header(known, is_strict) {
                    Some(pattern) => out.push(Check::Re2(pattern.to_owned())),
                    None => self.unchecked("well_known_regex"),
                },
                // `in` and `not_in` are read below, `strict` above; the last are examples.
                (10 | 11 | 34, Content::Bytes(_)) | (25, Content::Varint(_)) => {}
                _ => self.unknown("string", number),
            }
        }
        lists(constants, Vec::new(), Vec::new(), out);
        strings(encoded, 10, 11, out);
    }

    fn bytes(&mut self, encoded: &[u8], out: &mut Vec<Check>) {
        let (mut constants, mut among, mut not_among) = (Vec::new(), Vec::new(), Vec::new());
        for (number, content) in fields(encoded) {
            match (number, content) {
                (1, Content::Bytes(bytes)) => constants.push(Literal::Bytes(bytes.to_vec())),
                (13, Content::Varint(n)) => out.extend([Check::MinLength(n), Check::MaxLength(n)]),
                (2, Content::Varint(n)) => out.push(Check::MinLength(n)),
                (3, Content::Varint(n)) => out.push(Check::MaxLength(n)),
                (8, Content::Bytes(bytes)) => among.push(Literal::Bytes(bytes.to_vec())),
                (9, Content::Bytes(bytes)) => not_among.push(Literal::Bytes(bytes.to_vec())),
                (4..=7, Content::Bytes(_)) => self.unchecked("content of bytes"),
                // A rule that is switched off.
                (10..=12 | 15, Content::Varint(0)) => {}
                (11, Content::Varint(1..)) => out.extend([Check::MinLength(4), Check::MaxLength(4)]),
                (12 | 15, Content::Varint(1..)) => out.extend([Check::MinLength(16), Check::MaxLength(16)]),
                (10, Content::Varint(1..)) => self.unchecked("address in bytes"),
                // Examples.
                (14, Content::Bytes(_)) => {}
                _ => self.unknown("bytes", number),
            }
        }
        lists(constants, among, not_among, out);
    }

    fn enumeration(&mut self, encoded: &[u8], out: &mut Vec<Check>) {
        let (mut constants, mut among, mut not_among) = (Vec::new(), Vec::new(), Vec::new());
        for (number, content) in fields(encoded) {
            // Numbers of enums are `int32`.
            let values = numbers(3, &content).into_iter().map(Literal::Number);
            match number {
                1 => constants.extend(values),
                2 => out.extend(matches!(content, Content::Varint(1..)).then_some(Check::DefinedOnly)),
                3 => among.extend(values),
                4 => not_among.extend(values),
                // Examples.
                5 => {}
                _ => self.unknown("enum", number),
            }
        }
        lists(constants, among, not_among, out);
    }
}

/// A full protobuf name, without what anchors it.
const QUALIFIED: &str = "[A-Za-z_][A-Za-z_0-9]*(\\.[A-Za-z_][A-Za-z_0-9]*)*";

/// A number of an IPv4 address.
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";

/// `KnownRegex`: the name (1) or value (2) of an HTTP header, as RFC 7230 has them or anything on one line.
const fn header(known: u64, is_strict: bool) -> Option<&'static str> {
    match (known, is_strict) {
        (1, true) => Some("^:?[0-9a-zA-Z!#$%&'*+-.^_|~`]+$"),
        (1, false) => Some("^[^\\x00\\x0A\\x0D]+$"),
        (2, true) => Some("^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$"),
        (2, false) => Some("^[^\\x00\\x0A\\x0D]*$"),
        _ => None,
    }
}

/// `in` and `not_in` of texts, by the numbers of these fields.
fn strings(encoded: &[u8], among: u32, not_among: u32, out: &mut Vec<Check>) {
    let of = |wanted: u32| -> Vec<Literal> {
        let values = fields(encoded).into_iter().filter_map(|f| match f {
            (number, Content::Bytes(bytes)) if number == wanted => Some(Literal::String(text(bytes))),
            _ => None,
        });
        values.collect()
    };
    lists(Vec::new(), of(among), of(not_among), out);
}

/// `const`, `in` and `not_in`.
fn lists(constants: Vec<Literal>, among: Vec<Literal>, not_among: Vec<Literal>, out: &mut Vec<Check>) {
    out.extend([constants, among].into_iter().filter(|values| !values.is_empty()).map(Check::In));
    if !not_among.is_empty() {
        out.push(Check::NotIn(not_among));
    }
}

/// Whether one bound is below the other; those of one field are of one kind.
fn below(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a < b,
        (Number::Float(a), Number::Float(b)) => a < b,
        _ => false,
    }
}

/// A pattern that matches a text literally.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for c in text(bytes).chars() {
        if "\\^$.|?*+()[]{}/".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
