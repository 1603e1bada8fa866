//! Walks a value beside its type and runs the rules.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Object, Presence};
use witwire_ir::{Api, Check, Id, Shape, TypeId, Value};

use super::schema::{Instance, Spread};
use super::{Checks, Report, Rule, format, number, part, unique};
use crate::json::{Codec, TableFault};

impl Checks {
    /// Runs the rules of a type, and of all types below it, over a value.
    pub(crate) fn run(&self, api: &Api, ty: TypeId, value: &Value, report: &mut Report) {
        if report.full() || !self.needed(ty) {
            return;
        }
        for rule in self.rules.get(ty.index()).into_iter().flatten() {
            self.one(api, ty, rule, value, report);
        }
        if matches!(self.codecs.get(ty), Codec::Table(_)) {
            report.in_table(|report| self.below(api, ty, value, report));
        } else {
            self.below(api, ty, value, report);
        }
    }

    /// Runs the rules about a body that is spread over slots of an argument.
    pub(crate) fn spread(&self, api: &Api, body: Spread<'_>, checks: &[Check], report: &mut Report) {
        let n = object_members(body.object, body.slots);
        for check in checks {
            if let Check::Schema(id) = check {
                if let Some(schema) = self.schemas.get(id.index()) {
                    schema.run(api, &self.codecs, Instance::Spread(body), report);
                }
            } else if let Some(trouble) = count(check, n) {
                report.add(check.rule(), trouble);
            }
        }
    }

    fn below(&self, api: &Api, ty: TypeId, value: &Value, report: &mut Report) {
        match (&api.types[ty].shape, value) {
            (Shape::Alias(target), value) => self.run(api, *target, value, report),
            (Shape::Option(inner), Value::Option(Some(value))) => self.run(api, *inner, value, report),
            (Shape::List(item), Value::List(values)) if self.needed(*item) => {
                for (i, value) in values.iter().enumerate() {
                    report.item(i, |report| self.run(api, *item, value, report));
                }
            }
            (Shape::Record(fields), Value::Record(values)) => {
                for (field, value) in fields.iter().zip(values).filter(|(f, _)| self.needed(f.ty)) {
                    report.within(field.name.as_str(), |report| self.run(api, field.ty, value, report));
                }
            }
            (Shape::Tuple(types), Value::Tuple(values)) => {
                for (i, (ty, value)) in types.iter().zip(values).enumerate().filter(|(_, (ty, _))| self.needed(**ty)) {
                    report.within(&i.to_string(), |report| self.run(api, *ty, value, report));
                }
            }
            (Shape::Variant(cases), Value::Variant(case, Some(value))) => {
                if let Some(case) = cases.get(*case as usize)
                    && let Some(ty) = case.ty
                {
                    report.within(case.name.as_str(), |report| self.run(api, ty, value, report));
                }
            }
            _ => {}
        }
    }

    /// Whether a table of nodes stands for a tree.
    fn nodes(&self, api: &Api, ty: TypeId, value: &Value, report: &mut Report) {
        let Codec::Table(table) = self.codecs.get(ty) else { return };
        let Err((place, fault)) = table.survey(&self.codecs, value, report.budget()) else { return };
        report.within(table.list_name(api, place.list), |report| match place.node {
            Some(node) => report.item(node as usize, |report| report.add(TableFault::RULE, fault.message())),
            None => report.add(TableFault::RULE, fault.message()),
        });
    }

    pub(super) fn one(&self, api: &Api, ty: TypeId, rule: &Rule, value: &Value, report: &mut Report) {
        match (rule, value) {
            (Rule::Pattern(pattern), Value::String(text)) => {
                if let Some(trouble) = pattern.trouble(text) {
                    report.add("pattern", trouble);
                }
            }
            (Rule::Pattern(_), _) => {}
            (Rule::Nodes, value) => self.nodes(api, ty, value, report),
            (Rule::At { place, rule, unless_zero }, value) => {
                self.part(&part::Rule { api, inner: rule, unless_zero: *unless_zero }, ty, place, value, report);
            }
            (Rule::Simple(Check::Schema(id)), value) => {
                if let Some(schema) = self.schemas.get(id.index()) {
                    schema.run(api, &self.codecs, Instance::Value(ty, value), report);
                }
            }
            (Rule::Simple(check), value) => {
                let trouble = match check {
                    Check::In(_) | Check::NotIn(_) | Check::DefinedOnly | Check::Present => {
                        part::trouble(api, ty, check, value)
                    }
                    Check::MinProperties(_) | Check::MaxProperties(_) => {
                        members(api, ty, value).and_then(|n| count(check, n))
                    }
                    check => simple(check, value),
                };
                if let Some(trouble) = trouble {
                    report.add(check.rule(), trouble);
                }
            }
        }
    }
}

/// What is wrong by a rule about one value; `None` where the rule holds or does not speak of such values.
fn simple(check: &Check, value: &Value) -> Option<String> {
    match (check, value) {
        (Check::MinLength(min), value) => length(value)
            .filter(|length| length < min)
            .map(|_| format!("is too short: give at least {}", plural(*min, unit(value)))),
        (Check::MaxLength(max), value) => {
            // A text has at most as many characters as bytes.
            let short = matches!(value, Value::String(text) if text.len() as u64 <= *max);
            length(value)
                .filter(|length| !short && length > max)
                .map(|_| format!("is too long: give at most {}", plural(*max, unit(value))))
        }
        (Check::Minimum(_) | Check::ExclusiveMinimum(_) | Check::Maximum(_) | Check::ExclusiveMaximum(_), value) => {
            number::bound(check, value)
        }
        (Check::MultipleOf(divisor), value) => number::multiple(value, *divisor),
        (Check::MinItems(_) | Check::MaxItems(_), Value::List(items)) => count(check, items.len()),
        (Check::MinItems(_) | Check::MaxItems(_), Value::Bytes(items)) => count(check, items.len()),
        (Check::UniqueItems, Value::List(items)) => unique::repeated(items)
            .map(|(first, second)| format!("items {first} and {second} are equal: give each item once")),
        (Check::Format(format), value) => format::trouble(*format, value),
        (Check::MinBytes(min), Value::String(text)) if (text.len() as u64) < *min => {
            Some(format!("is too short: give at least {} of UTF-8", plural(*min, "byte")))
        }
        (Check::MaxBytes(max), Value::String(text)) if text.len() as u64 > *max => {
            Some(format!("is too long: give at most {} of UTF-8", plural(*max, "byte")))
        }
        (Check::Finite, Value::F32(v)) if !v.is_finite() => Some("is not finite: give a number".to_owned()),
        (Check::Finite, Value::F64(v)) if !v.is_finite() => Some("is not finite: give a number".to_owned()),
        (Check::Required, Value::Option(None)) => Some("is required: give a value".to_owned()),
        _ => None,
    }
}

/// Unicode scalar values of a text, bytes of a byte list.
fn length(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => Some(text.chars().count() as u64),
        Value::Bytes(bytes) => Some(bytes.len() as u64),
        _ => None,
    }
}

const fn unit(value: &Value) -> &'static str {
    if matches!(value, Value::Bytes(_)) { "byte" } else { "character" }
}

/// What is wrong with a number of items or members.
fn count(check: &Check, n: usize) -> Option<String> {
    let n = n as u64;
    match check {
        Check::MinItems(min) if n < *min => Some(format!("has too few items: give at least {}", plural(*min, "item"))),
        Check::MaxItems(max) if n > *max => Some(format!("has too many items: give at most {}", plural(*max, "item"))),
        Check::MinProperties(min) if n < *min => {
            Some(format!("has too few fields: give at least {}", plural(*min, "field")))
        }
        Check::MaxProperties(max) if n > *max => {
            Some(format!("has too many fields: give at most {}", plural(*max, "field")))
        }
        _ => None,
    }
}

fn plural(n: u64, unit: &str) -> String {
    if n == 1 { format!("{n} {unit}") } else { format!("{n} {unit}s") }
}

/// How many members the JSON object of a value has; `None` where it is no object of known members.
fn members(api: &Api, ty: TypeId, value: &Value) -> Option<usize> {
    match (&api.types[ty].wire, value) {
        (Wire::Json(Json::Object(object)), Value::Record(slots)) => Some(object_members(object, slots)),
        (_, Value::List(items)) => Some(unique::keys(items)),
        (_, value) => match api.types[ty].shape {
            Shape::Alias(target) => members(api, target, value),
            _ => None,
        },
    }
}

/// How many members an object has.
fn object_members(object: &Object, slots: &[Value]) -> usize {
    let written = |member: &&witwire_ir::wire::json::Member| {
        let slot = slots.get(member.slot as usize);
        let absent = matches!(slot, None | Some(Value::Option(None) | Value::Bool(false)));
        match member.presence {
            Presence::Required | Presence::Nullable => true,
            // `false` is absent only for an empty object, whose slot is a bare `bool`.
            Presence::Optional => !absent,
        }
    };
    let additional = object.additional.and_then(|slot| slots.get(slot as usize));
    let additional = if let Some(Value::List(items)) = additional { unique::keys(items) } else { 0 };
    object.members.iter().filter(written).count() + object.constants.len() + additional
}
