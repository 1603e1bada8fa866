//! Where a part of a JSON instance stands in the arguments.

use witwire_ir::{Api, Shape, TypeId, Value};

use crate::json::{ArmCodec, Codec, Codecs};
use crate::validate::Report;

/// Goes to the place of a JSON path in a value, in WIT names, and does something there. What has no name in WIT (a part of a JSON text)
/// keeps its JSON key.
pub(super) fn within(
    report: &mut Report,
    api: &Api,
    codecs: &Codecs,
    (ty, value): (TypeId, &Value),
    path: &[String],
    then: &mut dyn FnMut(&mut Report),
) {
    let mut go = |report: &mut Report, ty, value, path: &[String]| within(report, api, codecs, (ty, value), path, then);
    match (codecs.get(ty), value) {
        (Codec::Option(inner), Value::Option(Some(value))) => return go(report, *inner, value, path),
        (Codec::NullOr(inner), Value::Variant(_, Some(value))) => return go(report, *inner, value, path),
        (Codec::Union(codec), Value::Variant(case, Some(value))) => {
            if let Some(ArmCodec::Value(arm)) = codec.arms.get(*case as usize) {
                return match api.shape(ty) {
                    Shape::Variant(cases) if !path.is_empty() && (*case as usize) < cases.len() => {
                        let name = cases[*case as usize].name.as_str();
                        report.within(name, |report| go(report, *arm, value, path));
                    }
                    _ => go(report, *arm, value, path),
                };
            }
        }
        _ => {}
    }
    let Some((step, rest)) = path.split_first() else { return then(report) };
    let index = step.parse::<usize>().ok();
    match (codecs.get(ty), value) {
        (Codec::List(item), Value::List(items)) => {
            if let Some((i, value)) = index.and_then(|i| items.get(i).map(|v| (i, v))) {
                return report.item(i, |report| go(report, *item, value, rest));
            }
        }
        (Codec::Tuple(types), Value::Tuple(items)) => {
            if let Some((ty, value)) = index.and_then(|i| types.get(i).zip(items.get(i))) {
                return report.within(step, |report| go(report, *ty, value, rest));
            }
        }
        (Codec::Map(ty), Value::List(entries)) => {
            if let Some((i, value)) = entry(entries, step) {
                return report.item(i, |report| report.within("1", |report| go(report, *ty, value, rest)));
            }
        }
        (Codec::Object(object), Value::Record(slots)) => {
            let member = object.members.iter().find(|m| *m.key == **step);
            let name = |slot: u16| match api.shape(ty) {
                Shape::Record(fields) => fields.get(slot as usize).map_or("", |f| f.name.as_str()),
                _ => "",
            };
            if let Some((member, value)) = member.and_then(|m| slots.get(m.slot as usize).map(|v| (m, v))) {
                return report.within(name(member.slot), |report| go(report, member.ty, value, rest));
            }
            if let Some((slot, ty)) = object.additional
                && let Some(Value::List(entries)) = slots.get(slot as usize)
                && let Some((i, value)) = entry(entries, step)
            {
                return report.within(name(slot), |report| {
                    report.item(i, |report| report.within("1", |report| go(report, ty, value, rest)));
                });
            }
        }
        _ => {}
    }
    report.within(&path.join("."), then);
}

/// The value of a key in a `list<tuple<string, t>>`, and its position.
fn entry<'a>(entries: &'a [Value], key: &str) -> Option<(usize, &'a Value)> {
    entries.iter().enumerate().rev().find_map(|(i, entry)| match entry {
        Value::Tuple(pair) => match &pair[..] {
            [Value::String(found), value] if **found == *key => Some((i, value)),
            _ => None,
        },
        _ => None,
    })
}
