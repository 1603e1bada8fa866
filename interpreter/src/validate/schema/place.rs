//! Where a part of a JSON instance stands in the arguments.

use witwire_ir::{Api, Shape, TypeId, Value};

use super::Instance;
use crate::json::{ArmCodec, Codec, Codecs, Nodes, ObjectCodec};
use crate::validate::Report;

/// Goes to the place of a JSON path in a value, in WIT names, and does something there. What has no name in WIT (a part of a JSON text)
/// keeps its JSON key.
pub(super) fn within(
    report: &mut Report,
    api: &Api,
    codecs: &Codecs,
    instance: Instance<'_>,
    path: &[String],
    then: &mut dyn FnMut(&mut Report),
) {
    let walk = Walk { api, codecs, table: None };
    match instance {
        Instance::Value(ty, value) => walk.within(report, (ty, value), path, then),
        Instance::Spread(body) => match path.split_first() {
            None => then(report),
            Some((step, rest)) => walk.member(report, body.record, (body.codec, body.slots), (step, rest), then),
        },
    }
}

/// Where the walk is.
#[derive(Clone, Copy)]
struct Walk<'a> {
    api: &'a Api,
    codecs: &'a Codecs,
    /// The nodes of the innermost table, and where it stands.
    table: Option<(Nodes<'a>, usize)>,
}

impl Walk<'_> {
    /// Goes to the node of a list of the innermost table.
    fn node(self, report: &mut Report, list: u16, position: &Value, path: &[String], then: &mut dyn FnMut(&mut Report)) {
        let Some((nodes, start)) = self.table else { return then(report) };
        let (Some((ty, node)), Some(table), Value::U32(index)) = (nodes.get(list, position), nodes.table(), position) else {
            return then(report);
        };
        let name = table.list_name(self.api, list);
        report.restart(start, |report| {
            report.within(name, |report| {
                report.item(*index as usize, |report| self.within(report, (ty, node), path, then));
            });
        });
    }

    fn within(self, report: &mut Report, (ty, value): (TypeId, &Value), path: &[String], then: &mut dyn FnMut(&mut Report)) {
        let Walk { api, codecs, .. } = self;
        let mut go = |report: &mut Report, ty, value, path: &[String]| self.within(report, (ty, value), path, then);
        match (codecs.get(ty), value) {
            (Codec::Table(table), value) => {
                let Some((.., nodes)) = table.root(value) else { return then(report) };
                let inside = Walk { table: Some((nodes, report.here())), api, codecs };
                return inside.node(report, table.root_list(), &Value::U32(0), path, then);
            }
            (Codec::Node(list), position) => return self.node(report, *list, position, path, then),
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
                return self.member(report, ty, (object, slots), (step, rest), then);
            }
            _ => {}
        }
        report.within(&path.join("."), then);
    }

    /// Goes to a member of an object whose members stand in the slots of a record of the type.
    fn member(
        self,
        report: &mut Report,
        record: TypeId,
        (object, slots): (&ObjectCodec, &[Value]),
        (step, rest): (&String, &[String]),
        then: &mut dyn FnMut(&mut Report),
    ) {
        let name = |slot: u16| match self.api.shape(record) {
            Shape::Record(fields) => fields.get(slot as usize).map_or("", |f| f.name.as_str()),
            _ => "",
        };
        let member = object.members.iter().find(|m| *m.key == **step);
        if let Some((member, value)) = member.and_then(|m| slots.get(m.slot as usize).map(|v| (m, v))) {
            return report.within(name(member.slot), |report| self.within(report, (member.ty, value), rest, then));
        }
        if let Some((slot, ty)) = object.additional
            && let Some(Value::List(entries)) = slots.get(slot as usize)
            && let Some((i, value)) = entry(entries, step)
        {
            return report.within(name(slot), |report| {
                report.item(i, |report| report.within("1", |report| self.within(report, (ty, value), rest, then)));
            });
        }
        let path: Vec<&str> = std::iter::once(step).chain(rest).map(String::as_str).collect();
        report.within(&path.join("."), then);
    }
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
