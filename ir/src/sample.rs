//! Example values: valid for their type and, where that is simple, for its rules.
//!
//! Honoured are lengths, bounds, multiples, item and property counts, unique items and keys, formats, patterns without look-around,
//! allowed values, that a value must be told, and that a guest should not send an `unrecognized` case. Of rules about parts of a record
//! those about a field itself are, and the values of a discriminator. Of whole schemas those of a union of one scalar type are, and the
//! members that items of one value have. Values that are excluded and lengths in bytes are not. The same seed gives the same
//! value.

mod pattern;
mod random;
mod scalars;
mod schema;
mod tables;

pub use random::SplitMix64;

use crate::api::Api;
use crate::check::{Check, Format, Literal, Number, Part};
use crate::id::TypeId;
use crate::operation::http::{BodyValue, Location, ParameterValue};
use crate::operation::{Call, Operation};
use crate::types::{Field, Shape};
use crate::value::Value;
use crate::wire::json::{Arm, Json, Literal as JsonLiteral, Presence, Rung};
use crate::wire::{Wire, proto};

/// From this depth on everything that may be left out is.
const DEEP: usize = 6;
/// After so many values everything that may be left out is.
const MANY: usize = 400;

/// A value of a type.
pub fn sample(api: &Api, ty: TypeId, random: &mut SplitMix64) -> Value {
    Sampler { api, random, made: 0, tables: Vec::new() }.value(ty, 0)
}

/// The arguments of a call, with the rules of its body as a whole. A streaming call's own steps take none of these.
pub fn sample_arguments(api: &Api, operation: &Operation, random: &mut SplitMix64) -> Vec<Value> {
    let body = match &operation.call {
        Call::Http(call) => call.body.as_ref(),
        Call::Grpc(_) => None,
    };
    let mut sampler = Sampler { api, random, made: 0, tables: Vec::new() };
    let in_path = |i: usize| match &operation.call {
        Call::Http(call) => call
            .parameters
            .iter()
            .filter(|p| p.location == Location::Path)
            .any(|p| matches!(&p.value, ParameterValue::Argument { place, .. } if usize::from(place.argument) == i)),
        Call::Grpc(_) => false,
    };
    operation
        .params
        .iter()
        .enumerate()
        .map(|(i, param)| match body.map(|b| (&b.value, b.required)) {
            Some((BodyValue::Members { argument, ty, object, checks }, required)) if usize::from(*argument) == i => {
                let Shape::Record(fields) = api.shape(*ty) else { return sampler.value(param.ty, 0) };
                let slots: Vec<usize> = object.members.iter().map(|m| usize::from(m.slot)).collect();
                let record = sampler.record(fields, &slots, checks, required, 0);
                match api.shape(param.ty) {
                    Shape::Option(_) => Value::some(record),
                    _ => record,
                }
            }
            // What is absent or empty would leave nothing in the path.
            _ if in_path(i) && is_json(api, param.ty) => Value::string("\"amber\""),
            _ if in_path(i) => sampler.ruled(param.ty, 0, &[&Check::Required, &Check::MinLength(1), &Check::MinItems(1)]),
            _ if api.call_resource(param.ty).is_some() => Value::none(),
            _ => sampler.value(param.ty, 0),
        })
        .collect()
}

struct Sampler<'a> {
    api: &'a Api,
    random: &'a mut SplitMix64,
    made: usize,
    /// The tables of nodes that are being made, innermost last.
    tables: Vec<tables::Open<'a>>,
}

impl Sampler<'_> {
    fn value(&mut self, ty: TypeId, depth: usize) -> Value {
        self.ruled(ty, depth, &[])
    }

    /// A value that keeps its type's rules and those of its place.
    fn ruled(&mut self, ty: TypeId, depth: usize, more: &[&Check]) -> Value {
        self.made += 1;
        let api = self.api;
        match wire(api, ty) {
            Wire::Json(Json::Table(table)) => return self.table(&table.nodes, table.root, depth),
            Wire::Table(table) => return self.table(&table.nodes, table.root, depth),
            _ => {}
        }
        if let Some(list) = self.list_of(ty) {
            return self.node(list, depth);
        }
        let mut checks = rules(api, ty);
        checks.extend(more);
        let of_schemas = self.rules_of_schemas(ty, &checks);
        checks.extend(&of_schemas);
        let among = checks.iter().find_map(|c| if let Check::In(values) = c { Some(values) } else { None });
        if let Some(value) = among.and_then(|values| values.iter().find_map(|literal| literal_value(api, ty, literal))) {
            return value;
        }
        let sparse = depth >= DEEP || self.made >= MANY;
        let present = checks.iter().any(|c| matches!(c, Check::Present));
        match api.shape(ty) {
            Shape::Bool => Value::Bool(self.random.flip() || present),
            Shape::U8 => Value::U8(self.integer(&checks, u8::MAX.into(), 0) as u8),
            Shape::U16 => Value::U16(self.integer(&checks, u16::MAX.into(), 0) as u16),
            Shape::U32 => Value::U32(self.integer(&checks, u32::MAX.into(), 0) as u32),
            Shape::U64 => Value::U64(self.integer(&checks, u64::MAX.into(), 0) as u64),
            Shape::S8 => Value::S8(self.integer(&checks, i8::MAX.into(), i8::MIN.into()) as i8),
            Shape::S16 => Value::S16(self.integer(&checks, i16::MAX.into(), i16::MIN.into()) as i16),
            Shape::S32 => Value::S32(self.integer(&checks, i32::MAX.into(), i32::MIN.into()) as i32),
            Shape::S64 => Value::S64(self.integer(&checks, i64::MAX.into(), i64::MIN.into()) as i64),
            Shape::F32 => Value::F32(scalars::number(self.random, &checks) as f32),
            Shape::F64 => Value::F64(scalars::number(self.random, &checks)),
            Shape::Char => Value::Char(char::from(b'a' + self.random.below(26) as u8)),
            // The JSON text that most often is allowed where a document says more than we keep.
            Shape::String if is_json(api, ty) => Value::string("{}"),
            Shape::String => Value::string(scalars::text(self.random, &checks)),
            Shape::Bytes => {
                let (min, max) = scalars::lengths(&checks, 1, 8);
                let length = self.random.between(min, max);
                Value::Bytes((0..length).map(|_| self.random.below(256) as u8).collect())
            }
            Shape::List(item) => self.list(*item, &checks, sparse, depth),
            Shape::Option(inner) => {
                let required = present || checks.iter().any(|c| matches!(c, Check::Required));
                let some = required || (!sparse && self.random.below(4) > 0);
                Value::option(some.then(|| self.ruled(*inner, depth + 1, more)))
            }
            Shape::Tuple(types) => Value::Tuple(types.iter().map(|t| self.value(*t, depth + 1)).collect()),
            Shape::Result { ok, err } => {
                let value = if self.random.flip() {
                    Ok(ok.map(|t| Box::new(self.value(t, depth + 1))))
                } else {
                    Err(err.map(|t| Box::new(self.value(t, depth + 1))))
                };
                Value::Result(value)
            }
            Shape::Record(fields) => {
                let mut record = self.named_record(fields, &checks, depth);
                if let (Wire::Message(message), Value::Record(slots)) = (wire(api, ty), &mut record) {
                    // Any bytes are no fields.
                    let unknown = message.fields.iter().zip(slots).filter(|(field, _)| **field == proto::Field::Unknown);
                    unknown.for_each(|(_, slot)| *slot = Value::Bytes(Box::default()));
                }
                record
            }
            Shape::Variant(cases) => {
                let known = known_cases(api, ty, cases.len());
                let light = if sparse { self.lightest(&cases[..known]) } else { None };
                let case = light.unwrap_or_else(|| self.random.below(known as u64) as usize);
                let case = if present { told(api, ty, case) } else { case };
                let told = discriminator(api, ty, case);
                let told: Vec<&Check> = told.iter().collect();
                let payload = cases[case].ty.map(|t| Box::new(self.ruled(t, depth + 1, &told)));
                Value::Variant(case as u32, payload)
            }
            Shape::Enum(labels) => {
                let case = self.random.below(labels.len() as u64) as usize;
                Value::Enum(if present { told(api, ty, case) } else { case } as u32)
            }
            Shape::Flags(labels) => {
                let all = u32::MAX >> (32 - labels.len().clamp(1, 32));
                Value::Flags(self.random.next() as u32 & all)
            }
            // `shape` looks through aliases; a handle is only given by a host.
            Shape::Resource(_) | Shape::Call(_) | Shape::Alias(_) => Value::Handle(0),
        }
    }

    /// What stored schemas ask of a scalar.
    fn rules_of_schemas(&mut self, ty: TypeId, checks: &[&Check]) -> Vec<Check> {
        let api = self.api;
        match api.shape(ty) {
            Shape::String | Shape::F64 | Shape::S32 | Shape::S64 | Shape::U32 | Shape::U64 if !is_json(api, ty) => {
                stored(api, checks).flat_map(|schema| schema::scalar(self.random, schema)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn integer(&mut self, checks: &[&Check], max: i128, min: i128) -> i128 {
        scalars::integer(self.random, checks, min, max)
    }

    fn named_record(&mut self, fields: &[Field], checks: &[&Check], depth: usize) -> Value {
        for check in checks {
            match check {
                Check::Format(Format::ProtoTimestamp) if fields.len() == 2 => {
                    let seconds = self.random.below(2_000_000_000) as i64;
                    return Value::record([Value::S64(seconds), Value::U32(self.random.below(1_000_000_000) as u32)]);
                }
                Check::Format(Format::ProtoDuration) if fields.len() == 2 => {
                    let seconds = self.random.below(100_000) as i64;
                    return Value::record([Value::S64(seconds), Value::S32(self.random.below(1_000_000_000) as i32)]);
                }
                _ => {}
            }
        }
        let checks: Vec<Check> = checks.iter().map(|c| (*c).clone()).collect();
        let all: Vec<usize> = (0..fields.len()).collect();
        self.record(fields, &all, &checks, false, depth)
    }

    /// A record of which so many of the given slots are present as the rules say.
    fn record(&mut self, fields: &[Field], members: &[usize], checks: &[Check], not_empty: bool, depth: usize) -> Value {
        let of_slot = |slot: usize| {
            let here = move |place: &[Part]| matches!(place, [Part::Slot(s)] if *s as usize == slot);
            checks.iter().filter_map(move |c| match c {
                Check::At { place, check, .. } if here(place) => Some(&**check),
                _ => None,
            })
        };
        let mut slots: Vec<Value> = Vec::new();
        for (slot, field) in fields.iter().enumerate() {
            let more: Vec<&Check> = of_slot(slot).collect();
            slots.push(self.ruled(field.ty, depth + 1, &more));
        }
        let absent = |v: &Value| *v == Value::Option(None);
        let least = checks.iter().filter_map(|c| if let Check::MinProperties(n) = c { Some(*n) } else { None }).max();
        let most = checks.iter().filter_map(|c| if let Check::MaxProperties(n) = c { Some(*n) } else { None }).min();
        let least = least.unwrap_or(u64::from(not_empty && members.len() == fields.len()));
        for &slot in members {
            let present = members.iter().filter(|i| !absent(&slots[**i])).count() as u64;
            if let (true, Shape::Option(inner)) = (present < least && absent(&slots[slot]), self.api.shape(fields[slot].ty))
            {
                slots[slot] = Value::some(self.value(*inner, depth + 1));
            } else if most.is_some_and(|most| present > most) && matches!(slots[slot], Value::Option(Some(_))) {
                slots[slot] = Value::none();
            }
        }
        Value::Record(slots.into())
    }

    fn list(&mut self, item: TypeId, checks: &[&Check], sparse: bool, depth: usize) -> Value {
        let least = checks.iter().filter_map(|c| match c {
            Check::MinItems(n) => Some(*n),
            Check::Present => Some(1),
            _ => None,
        });
        let min = least.max().unwrap_or(0);
        let max = checks.iter().filter_map(|c| if let Check::MaxItems(n) = c { Some(*n) } else { None }).min();
        let most = if sparse { min } else { max.unwrap_or(u64::MAX).min(min.max(2)) };
        let count = self.random.between(if sparse { min } else { min.max(1).min(most) }, most);
        let pairs = matches!(self.api.shape(item), Shape::Tuple(pair) if pair.len() == 2);
        let unique = checks.iter().any(|c| matches!(c, Check::UniqueItems));
        let only = if is_json(self.api, item) { stored(self.api, checks).find_map(schema::item) } else { None };
        let mut items: Vec<Value> = Vec::new();
        // A few more tries than items, since equal ones may be refused.
        for _ in 0..count.saturating_mul(8) {
            if items.len() as u64 == count {
                break;
            }
            let value = only.as_deref().map_or_else(|| self.value(item, depth + 1), Value::string);
            let equal = items
                .iter()
                .any(|other| (unique && *other == value) || (pairs && key(other).is_some_and(|k| Some(k) == key(&value))));
            if !equal {
                items.push(value);
            }
        }
        Value::List(items.into())
    }
}

/// A literal as a value of a type; `None` where it is none.
fn literal_value(api: &Api, ty: TypeId, literal: &Literal) -> Option<Value> {
    let number = |n: &Number| match n {
        Number::Int(n) => Some(*n),
        Number::Float(_) => None,
    };
    Some(match (api.shape(ty), literal) {
        (Shape::Bool, Literal::Bool(v)) => Value::Bool(*v),
        (Shape::String, Literal::String(v)) => Value::string(v.as_str()),
        (Shape::Bytes, Literal::Bytes(v)) => Value::Bytes(v.clone().into()),
        (Shape::U32, Literal::Number(n)) => Value::U32(u32::try_from(number(n)?).ok()?),
        (Shape::U64, Literal::Number(n)) => Value::U64(u64::try_from(number(n)?).ok()?),
        (Shape::S32, Literal::Number(n)) => Value::S32(i32::try_from(number(n)?).ok()?),
        (Shape::S64, Literal::Number(n)) => Value::S64(i64::try_from(number(n)?).ok()?),
        (Shape::F32, Literal::Number(Number::Float(v))) => Value::F32(*v as f32),
        (Shape::F64, Literal::Number(Number::Float(v))) => Value::F64(*v),
        (Shape::F64, Literal::Number(Number::Int(v))) => Value::F64(*v as f64),
        (shape @ (Shape::Enum(_) | Shape::Variant(_)), Literal::String(text)) => {
            let Wire::Json(Json::Literals(literals)) = wire(api, ty) else { return None };
            let is_text = |literal: &JsonLiteral| matches!(literal, JsonLiteral::String(of) if of == text);
            let case = literals.iter().position(is_text)? as u32;
            if matches!(shape, Shape::Enum(_)) { Value::Enum(case) } else { Value::Variant(case, None) }
        }
        (shape, Literal::Number(n)) => {
            let Wire::ProtoEnum(map) = wire(api, ty) else { return None };
            let case = map.numbers.iter().position(|known| Some(i128::from(*known)) == number(n))? as u32;
            if matches!(shape, Shape::Enum(_)) { Value::Enum(case) } else { Value::Variant(case, None) }
        }
        _ => return None,
    })
}

/// A map's entries have different keys.
fn key(pair: &Value) -> Option<&Value> {
    match pair {
        Value::Tuple(items) => items.first(),
        _ => None,
    }
}

/// The schemas that rules name.
fn stored<'a>(api: &'a Api, checks: &[&Check]) -> impl Iterator<Item = &'a str> {
    let ids: Vec<_> = checks.iter().filter_map(|c| if let Check::Schema(id) = c { Some(*id) } else { None }).collect();
    ids.into_iter().filter_map(|id| api.schemas.get(id).map(|schema| schema.json.as_str()))
}

/// What the member that names a union's arm must be in that arm.
fn discriminator(api: &Api, union: TypeId, case: usize) -> Vec<Check> {
    let Wire::Json(Json::Union(union)) = wire(api, union) else { return Vec::new() };
    let Some(Arm::Value(arm)) = union.arms.get(case) else { return Vec::new() };
    let Wire::Json(Json::Object(object)) = wire(api, *arm) else { return Vec::new() };
    let member = union.ladder.iter().find_map(|rung| match rung {
        Rung::Discriminator { key, values } => {
            let of_arm = values.iter().filter(|(_, arm)| usize::from(*arm) == case);
            let values: Vec<Literal> = of_arm.map(|(value, _)| Literal::String(value.clone())).collect();
            let member = object.members.iter().find(|member| member.key == *key)?;
            (!values.is_empty()).then_some((member, values))
        }
        _ => None,
    });
    let Some((member, values)) = member else { return Vec::new() };
    let at = |check: Check| Check::At { place: vec![Part::Slot(member.slot)], check: Box::new(check), unless_zero: false };
    let told = (member.presence != Presence::Required).then(|| at(Check::Required));
    told.into_iter().chain([at(Check::In(values))]).collect()
}

/// The rules of a type and of what its aliases stand for.
fn rules(api: &Api, mut ty: TypeId) -> Vec<&Check> {
    let mut rules: Vec<&Check> = Vec::new();
    loop {
        rules.extend(&api.types[ty].checks);
        match api.types[ty].shape {
            Shape::Alias(target) => ty = target,
            _ => return rules,
        }
    }
}

fn wire(api: &Api, ty: TypeId) -> &Wire {
    match &api.types[ty].wire {
        Wire::Plain => &api.types[api.resolve(ty)].wire,
        other => other,
    }
}

fn is_json(api: &Api, ty: TypeId) -> bool {
    matches!(wire(api, ty), Wire::Json(Json::Raw))
}

/// The case, or another where it is the zero of a protobuf enum, which a field without presence does not write.
fn told(api: &Api, ty: TypeId, case: usize) -> usize {
    match wire(api, ty) {
        Wire::ProtoEnum(map) if map.numbers.get(case) == Some(&0) => {
            map.numbers.iter().position(|number| *number != 0).unwrap_or(case)
        }
        _ => case,
    }
}

/// How many cases the specification knows; a further one is for what a server may send.
fn known_cases(api: &Api, ty: TypeId, cases: usize) -> usize {
    let known = match wire(api, ty) {
        Wire::Json(Json::Literals(literals)) => literals.len(),
        Wire::Json(Json::Union(union)) => union.arms.len(),
        Wire::ProtoEnum(map) => map.numbers.len(),
        Wire::AnyOf(any) => any.known.len(),
        _ => cases,
    };
    known.clamp(1, cases.max(1))
}
