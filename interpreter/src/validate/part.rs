//! Rules about parts of a value, and about values as a specification writes them.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{self, Json};
use witwire_ir::{Api, Check, Literal, Number, Part, Shape, TypeId, Value};

use super::{Checks, Report, number};

/// A rule about a part.
pub(super) struct Rule<'a> {
    pub(super) api: &'a Api,
    pub(super) inner: &'a super::Rule,
    pub(super) unless_zero: bool,
}

impl Checks {
    /// Runs a rule over the parts of a value that a place leads to.
    pub(super) fn part(&self, rule: &Rule<'_>, ty: TypeId, place: &[Part], value: &Value, report: &mut Report) {
        let api = rule.api;
        let ty = api.resolve(ty);
        let is_present = matches!(rule.inner, super::Rule::Simple(Check::Present));
        if let (Shape::Option(inner), Value::Option(some)) = (&api.types[ty].shape, value) {
            match some {
                // That a value is told is asked of the option: what is in it was told.
                Some(some) if !(is_present && place.is_empty()) => self.part(rule, *inner, place, some, report),
                None if is_present && place.is_empty() => self.one(api, ty, rule.inner, value, report),
                _ => {}
            }
            return;
        }
        let Some((part, rest)) = place.split_first() else {
            if !(rule.unless_zero && is_zero(api, ty, value)) {
                self.one(api, ty, rule.inner, value, report);
            }
            return;
        };
        match (part, &api.types[ty].shape, value) {
            (Part::Slot(slot), Shape::Record(fields), Value::Record(values)) => {
                if let (Some(field), Some(value)) = (fields.get(*slot as usize), values.get(*slot as usize)) {
                    report.within(field.name.as_str(), |report| self.part(rule, field.ty, rest, value, report));
                }
            }
            (Part::Case(wanted), Shape::Variant(cases), Value::Variant(case, Some(value))) if case == wanted => {
                if let Some(case) = cases.get(*case as usize)
                    && let Some(ty) = case.ty
                {
                    report.within(case.name.as_str(), |report| self.part(rule, ty, rest, value, report));
                }
            }
            (Part::Items | Part::Keys | Part::Values, Shape::List(item), Value::List(values)) => {
                for (index, value) in values.iter().enumerate() {
                    if report.full() {
                        return;
                    }
                    let (ty, value) = match (part, api.shape(*item), value) {
                        (Part::Keys, Shape::Tuple(types), Value::Tuple(pair)) if types.len() == 2 => (types[0], &pair[0]),
                        (Part::Values, Shape::Tuple(types), Value::Tuple(pair)) if types.len() == 2 => (types[1], &pair[1]),
                        (Part::Values, ..) => return,
                        _ => (*item, value),
                    };
                    report.item(index, |report| self.part(rule, ty, rest, value, report));
                }
            }
            _ => {}
        }
    }
}

/// What is wrong by a rule that speaks of literals; `None` where it holds.
pub(super) fn trouble(api: &Api, ty: TypeId, check: &Check, value: &Value) -> Option<String> {
    let is = |literals: &[Literal]| {
        let own = literal(api, ty, value)?;
        Some(literals.iter().any(|literal| equal(own, literal)))
    };
    match check {
        Check::Present => {
            let absent = matches!(value, Value::Option(None)) || is_zero(api, ty, value);
            absent.then(|| "is required: give a value".to_owned())
        }
        Check::In(values) if is(values) == Some(false) => match &values[..] {
            [one] => Some(format!("is another value: give {}", text(one))),
            _ => Some(format!("is none of the values: give one of {}", list(values))),
        },
        Check::NotIn(values) if is(values) == Some(true) => {
            Some(format!("is a value that is excluded: give none of {}", list(values)))
        }
        Check::DefinedOnly => {
            let Wire::ProtoEnum(map) = &api.types[api.resolve(ty)].wire else { return None };
            let unknown = matches!(value, Value::Variant(case, Some(_)) if *case as usize == map.numbers.len());
            unknown.then(|| "is no value that the enum declares: give one".to_owned())
        }
        _ => None,
    }
}

/// A value that a literal can be.
#[derive(Clone, Copy)]
enum Own<'a> {
    Bool(bool),
    Number(Number),
    String(&'a str),
    Bytes(&'a [u8]),
}

/// A value as a literal; `None` where it is none.
fn literal<'a>(api: &'a Api, ty: TypeId, value: &'a Value) -> Option<Own<'a>> {
    let wire = || &api.types[api.resolve(ty)].wire;
    Some(match value {
        Value::Bool(v) => Own::Bool(*v),
        // A text that is JSON is no string.
        Value::String(v) if !matches!(wire(), Wire::Json(Json::Raw)) => Own::String(v),
        Value::Bytes(v) => Own::Bytes(v),
        Value::Enum(case) | Value::Variant(case, None) => match wire() {
            Wire::ProtoEnum(map) => Own::Number(Number::Int(i128::from(*map.numbers.get(*case as usize)?))),
            Wire::Json(Json::Literals(literals)) => match literals.get(*case as usize)? {
                json::Literal::String(v) => Own::String(v),
                _ => return None,
            },
            _ => return None,
        },
        Value::Variant(_, Some(payload)) => match (wire(), &**payload) {
            (Wire::ProtoEnum(_), Value::S32(number)) => Own::Number(Number::Int(i128::from(*number))),
            (Wire::Json(Json::Literals(_)), Value::String(v)) => Own::String(v),
            _ => return None,
        },
        value => Own::Number(number::of(value)?),
    })
}

fn equal(own: Own<'_>, literal: &Literal) -> bool {
    match (own, literal) {
        (Own::Bool(a), Literal::Bool(b)) => a == *b,
        (Own::Number(a), Literal::Number(b)) => number::equal(a, *b),
        (Own::String(a), Literal::String(b)) => a == b,
        (Own::Bytes(a), Literal::Bytes(b)) => a == b,
        _ => false,
    }
}

/// Whether a value is what a field without presence does not write.
fn is_zero(api: &Api, ty: TypeId, value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        value => match literal(api, ty, value) {
            Some(Own::Bool(v)) => !v,
            // A time is a message, which is there.
            Some(Own::Number(n)) => !matches!(value, Value::Record(_)) && number::equal(n, Number::Int(0)),
            Some(Own::String(v)) => v.is_empty(),
            Some(Own::Bytes(v)) => v.is_empty(),
            None => false,
        },
    }
}

fn text(literal: &Literal) -> String {
    match literal {
        Literal::Bool(v) => v.to_string(),
        Literal::Number(n) => number::text(*n),
        Literal::String(v) => format!("{v:?}"),
        Literal::Bytes(v) => format!("the bytes {v:02x?}"),
    }
}

fn list(literals: &[Literal]) -> String {
    literals.iter().map(text).collect::<Vec<_>>().join(", ")
}
