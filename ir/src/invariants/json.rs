//! JSON wire maps fit their shapes.

use super::same::same;
use crate::api::Api;
use crate::id::TypeId;
use crate::types::{Case, Field, Shape};
use crate::wire::Wire;
use crate::wire::json::{Arm, Json, Object, Presence, Rung, Table, Union};

pub(super) fn check(api: &Api, ty: TypeId, json: &Json) -> Result<(), String> {
    let shape = api.shape(ty);
    match (json, shape) {
        (Json::Object(o), Shape::Record(fields)) => {
            object(api, fields, o)?;
            whole(fields, o)
        }
        (Json::Map, Shape::List(item)) => match api.shape(*item) {
            Shape::Tuple(pair) if pair.len() == 2 && is_text(api, pair[0]) => Ok(()),
            _ => Err("a map is a list of pairs whose first is a string".to_owned()),
        },
        (Json::Base64 { .. }, Shape::Bytes)
        | (Json::Raw, Shape::String)
        | (Json::EmptyObject, Shape::Bool)
        | (Json::Array, Shape::Tuple(_)) => Ok(()),
        (Json::IntegerString, shape) if is_integer(shape) => Ok(()),
        (Json::Literals(literals), Shape::Enum(labels)) if literals.len() == labels.len() => Ok(()),
        (Json::Literals(literals), Shape::Variant(cases)) if literals.len() + 1 == cases.len() => literal_cases(api, cases),
        (Json::Literals(_), Shape::Enum(_) | Shape::Variant(_)) => Err("as many literals as cases are needed".to_owned()),
        (Json::NullOr, Shape::Variant(cases)) => match cases.as_slice() {
            [Case { ty: None, .. }, Case { ty: Some(_), .. }] => Ok(()),
            _ => Err("null-or-value needs the cases `null` and `value(t)`".to_owned()),
        },
        (Json::Union(u), Shape::Variant(cases)) => union(api, cases, u),
        (Json::Table(t), Shape::Record(slots)) => table(api, slots, t),
        // Whether the list is there is the table's matter, of which a reference knows nothing: it is looked up when it is met.
        (Json::Node { .. }, Shape::U32) => Ok(()),
        _ => Err("the JSON form does not fit the shape".to_owned()),
    }
}

/// Every case but the last has no payload; the last keeps an unknown value as text.
fn literal_cases(api: &Api, cases: &[Case]) -> Result<(), String> {
    let (last, known) = cases.split_last().ok_or("no cases")?;
    if known.iter().any(|c| c.ty.is_some()) {
        return Err("a literal's case has a payload".to_owned());
    }
    if last.ty.is_some_and(|ty| is_text(api, ty)) { Ok(()) } else { Err("the open case needs a string".to_owned()) }
}

/// Members lie in the record, once each, and their presence fits.
pub(super) fn object(api: &Api, fields: &[Field], object: &Object) -> Result<(), String> {
    let mut taken = vec![false; fields.len()];
    let mut take = |slot: u16| match taken.get_mut(usize::from(slot)) {
        None => Err(format!("slot {slot} does not exist")),
        Some(true) => Err(format!("slot {slot} is used twice")),
        Some(free) => {
            *free = true;
            Ok(fields[usize::from(slot)].ty)
        }
    };
    for member in &object.members {
        let ty = take(member.slot)?;
        let option = matches!(api.shape(ty), Shape::Option(_));
        let fits = match member.presence {
            Presence::Required => !option,
            Presence::Nullable => option,
            Presence::Optional => option || matches!(api.shape(ty), Shape::List(_)) || is_empty_object(api, ty),
        };
        if !fits {
            return Err(format!("member `{}` is {:?}, which its slot cannot be", member.key, member.presence));
        }
    }
    let Some(slot) = object.additional else { return Ok(()) };
    match api.shape(take(slot)?) {
        Shape::List(item) if matches!(api.shape(*item), Shape::Tuple(pair) if pair.len() == 2 && is_text(api, pair[0])) => {
            Ok(())
        }
        _ => Err("other members need a list of pairs".to_owned()),
    }
}

/// Every slot of a record that is an object is one of its members.
fn whole(fields: &[Field], object: &Object) -> Result<(), String> {
    let members = object.members.len() + usize::from(object.additional.is_some());
    if members == fields.len() { Ok(()) } else { Err("a slot of the record is no member of the object".to_owned()) }
}

fn union(api: &Api, cases: &[Case], union: &Union) -> Result<(), String> {
    let arms = union.arms.len();
    let open = match cases.len().checked_sub(arms) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err("as many arms as cases are needed".to_owned()),
    };
    for (arm, case) in union.arms.iter().zip(cases) {
        let fits = match (arm, case.ty) {
            (Arm::Value(ty), Some(payload)) => same(api, *ty, payload),
            (Arm::Constant(_), None) => true,
            _ => false,
        };
        if !fits {
            return Err(format!("the arm of case `{}` does not fit its payload", case.name.as_str()));
        }
    }
    if open && !cases.last().and_then(|c| c.ty).is_some_and(|ty| is_text(api, ty)) {
        return Err("the open case needs a string".to_owned());
    }
    let mut named = union.ladder.iter().flat_map(|rung| -> Box<dyn Iterator<Item = u16>> {
        match rung {
            Rung::Discriminator { values: by, .. } | Rung::Key(by) => Box::new(by.iter().map(|(_, arm)| *arm)),
            Rung::Kind(by) => Box::new(by.iter().map(|(_, arm)| *arm)),
            Rung::KeyKind(by) => Box::new(by.iter().map(|(_, _, arm)| *arm)),
            Rung::Best(arms) => Box::new(arms.iter().copied()),
        }
    });
    match named.find(|arm| usize::from(*arm) >= arms) {
        Some(arm) => Err(format!("the ladder names arm {arm}, which does not exist")),
        None => Ok(()),
    }
}

fn table(api: &Api, slots: &[Field], table: &Table) -> Result<(), String> {
    if slots.len() != table.nodes.len() || usize::from(table.root) >= slots.len() {
        return Err("the table's lists do not fit its slots".to_owned());
    }
    let is_list =
        |(slot, node): (&Field, &TypeId)| matches!(api.shape(slot.ty), Shape::List(item) if same(api, *item, *node));
    match slots.iter().zip(&table.nodes).find(|pair| !is_list(*pair)) {
        Some((slot, _)) => Err(format!("slot `{}` is not a list of its nodes", slot.name.as_str())),
        None => Ok(()),
    }
}

fn is_text(api: &Api, ty: TypeId) -> bool {
    matches!(api.shape(ty), Shape::String)
}

fn is_empty_object(api: &Api, ty: TypeId) -> bool {
    matches!(api.shape(ty), Shape::Bool)
        && [ty, api.resolve(ty)].iter().any(|t| matches!(api.types[*t].wire, Wire::Json(Json::EmptyObject)))
}

const fn is_integer(shape: &Shape) -> bool {
    matches!(shape, Shape::U8 | Shape::U16 | Shape::U32 | Shape::U64 | Shape::S8 | Shape::S16 | Shape::S32 | Shape::S64)
}
