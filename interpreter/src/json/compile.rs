//! Compiles the wire maps of an API.

use std::collections::HashMap;

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json, Literal, Object, Presence, Rung, Table, Union};
use witwire_ir::{Api, Field, Id, Protocol, Shape, TypeId, Value};

use super::codec::{ArmCodec, Codec, Codecs, Int, LiteralsCodec, MemberCodec, ObjectCodec, RungCodec, UnionCodec};
use super::table::TableCodec;
use super::write::escape;
use crate::plan::PlanError;

impl Codecs {
    /// Compiles the JSON forms of all types; none for gRPC.
    ///
    /// # Errors
    /// [`PlanError`] where a wire map does not fit its shape.
    pub(crate) fn new(api: &Api) -> Result<Self, PlanError> {
        if api.protocol != Protocol::Http {
            return Ok(Self { index: Box::default(), codecs: Box::default() });
        }
        let mut codecs = Vec::with_capacity(api.types.len());
        for (id, ty) in api.types.iter() {
            codecs.push(compile(api, id).map_err(|message| {
                let name = ty.name.as_ref().map_or_else(|| format!("{id:?}"), |n| n.name.to_string());
                PlanError { operation: format!("type `{name}`"), message }
            })?);
        }
        let index = api.types.ids().map(|id| target(api, id).index() as u32).collect();
        Ok(Self { index, codecs: codecs.into() })
    }

    /// Compiles an object that a record's slots are a part of.
    pub(crate) fn object(api: &Api, fields: &[Field], object: &Object) -> Result<ObjectCodec, String> {
        object_codec(api, fields, object, false)
    }
}

/// The type whose JSON form an alias has: the first on the way with a form of its own, or the last.
fn target(api: &Api, mut ty: TypeId) -> TypeId {
    // A chain is no longer than the arena; a cycle would end here too.
    for _ in 0..api.types.len() {
        match (&api.types[ty].wire, &api.types[ty].shape) {
            (Wire::Plain, Shape::Alias(next)) => ty = *next,
            _ => break,
        }
    }
    ty
}

fn int(shape: &Shape) -> Option<Int> {
    Some(match shape {
        Shape::U8 => Int::U8,
        Shape::U16 => Int::U16,
        Shape::U32 => Int::U32,
        Shape::U64 => Int::U64,
        Shape::S8 => Int::S8,
        Shape::S16 => Int::S16,
        Shape::S32 => Int::S32,
        Shape::S64 => Int::S64,
        _ => return None,
    })
}

fn compile(api: &Api, id: TypeId) -> Result<Codec, String> {
    let shape = api.shape(id);
    match &api.types[id].wire {
        Wire::Json(json) => of_json(api, id, json, shape),
        Wire::Plain => Ok(of_shape(shape)),
        _ => Ok(Codec::None),
    }
}

fn of_shape(shape: &Shape) -> Codec {
    match shape {
        Shape::Bool => Codec::Bool,
        Shape::F32 => Codec::Float32,
        Shape::F64 => Codec::Float64,
        Shape::Char => Codec::Char,
        Shape::String => Codec::Text,
        Shape::Bytes => Codec::Base64 { url_safe: false },
        Shape::List(item) => Codec::List(*item),
        Shape::Option(inner) => Codec::Option(*inner),
        Shape::Tuple(items) => Codec::Tuple(items.as_slice().into()),
        Shape::Record(fields) if fields.iter().map(|f| f.name.as_str()).eq(["filename", "content-type", "data"]) => {
            Codec::FilePart
        }
        shape => int(shape).map_or(Codec::None, Codec::Int),
    }
}

fn of_json(api: &Api, ty: TypeId, json: &Json, shape: &Shape) -> Result<Codec, String> {
    let misfit = |what: &str| Err(format!("the JSON form \"{what}\" does not fit its shape"));
    match (json, shape) {
        (Json::Object(object), Shape::Record(fields)) => {
            Ok(Codec::Object(Box::new(object_codec(api, fields, object, true)?)))
        }
        (Json::Map, Shape::List(item)) => match map_value(api, *item) {
            Some(value) => Ok(Codec::Map(value)),
            None => misfit("map"),
        },
        (Json::Base64 { url_safe }, Shape::Bytes) => Ok(Codec::Base64 { url_safe: *url_safe }),
        (Json::Literals(literals), Shape::Enum(labels)) if labels.len() == literals.len() => {
            Ok(literals_codec(literals, false, true))
        }
        (Json::Literals(literals), Shape::Variant(cases)) => match &cases[..] {
            [plain @ .., open] if plain.len() == literals.len() && open.ty.is_some() => {
                Ok(literals_codec(literals, true, false))
            }
            plain if plain.len() == literals.len() => Ok(literals_codec(literals, false, false)),
            _ => misfit("literals"),
        },
        (Json::Raw, Shape::String) => Ok(Codec::Raw),
        (Json::NullOr, Shape::Variant(cases)) => match &cases[..] {
            [null, value] if null.ty.is_none() => match value.ty {
                Some(ty) => Ok(Codec::NullOr(ty)),
                None => misfit("null or value"),
            },
            _ => misfit("null or value"),
        },
        (Json::EmptyObject, Shape::Bool) => Ok(Codec::EmptyObject),
        (Json::Union(union), Shape::Variant(cases)) if (union.arms.len()..=union.arms.len() + 1).contains(&cases.len()) => {
            union_codec(api, union, cases.len() > union.arms.len())
        }
        (Json::Array, Shape::Tuple(items)) => Ok(Codec::Tuple(items.as_slice().into())),
        (Json::IntegerString, shape) => match int(shape) {
            Some(int) => Ok(Codec::IntString(int)),
            None => misfit("integer string"),
        },
        (Json::Table(Table { nodes, root }), Shape::Record(slots)) if slots.len() == nodes.len() => {
            Ok(Codec::Table(Box::new(TableCodec { ty, types: nodes.as_slice().into(), root: *root })))
        }
        (Json::Node { list }, Shape::U32) => Ok(Codec::Node(*list)),
        _ => misfit("of this type"),
    }
}

/// The value type of a `list<tuple<string, t>>`'s item.
fn map_value(api: &Api, item: TypeId) -> Option<TypeId> {
    match api.shape(item) {
        Shape::Tuple(pair) => match pair[..] {
            [key, value] if matches!(api.shape(key), Shape::String) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

fn literals_codec(literals: &[Literal], open: bool, is_enum: bool) -> Codec {
    let strings = literals.iter().enumerate().filter_map(|(i, literal)| match literal {
        Literal::String(text) => Some((text.as_str().into(), i as u32)),
        _ => None,
    });
    Codec::Literals(Box::new(LiteralsCodec { literals: literals.into(), strings: strings.collect(), open, is_enum }))
}

fn union_codec(api: &Api, union: &Union, open: bool) -> Result<Codec, String> {
    let arms: Box<[_]> = union
        .arms
        .iter()
        .map(|arm| match arm {
            Arm::Value(ty) => ArmCodec::Value(*ty),
            Arm::Constant(literal) => ArmCodec::Constant(literal.clone()),
        })
        .collect();
    let in_range = |arm: u16| (arm as usize) < arms.len();
    let mut ladder = Vec::with_capacity(union.ladder.len());
    for rung in &union.ladder {
        let (rung, fits) = match rung {
            Rung::Discriminator { key, values } => {
                let fits = values.iter().all(|(_, arm)| in_range(*arm));
                let covers = union.arms.iter().all(|arm| has_constant(api, arm, key) || !may_be_object(api, arm));
                let mut by_value: HashMap<Box<str>, Vec<u16>> = HashMap::with_capacity(values.len());
                for (value, arm) in values {
                    let arms = by_value.entry(value.as_str().into()).or_default();
                    if !arms.contains(arm) {
                        arms.push(*arm);
                    }
                }
                (RungCodec::Discriminator { key: key.as_str().into(), values: by_value, covers }, fits)
            }
            Rung::Kind(kinds) => (RungCodec::Kind(kinds.clone()), kinds.iter().all(|(_, arm)| in_range(*arm))),
            Rung::Key(keys) => (RungCodec::Key(keys.clone()), keys.iter().all(|(_, arm)| in_range(*arm))),
            Rung::KeyKind(keys) => (RungCodec::KeyKind(keys.clone()), keys.iter().all(|(.., arm)| in_range(*arm))),
            Rung::Best(arms) => (RungCodec::Best(arms.clone()), arms.iter().all(|arm| in_range(*arm))),
        };
        if !fits {
            return Err("a union's ladder names an arm that is not there".to_owned());
        }
        ladder.push(rung);
    }
    Ok(Codec::Union(Box::new(UnionCodec { arms, ladder: ladder.into(), open })))
}

/// Whether an arm is an object with one possible value of a member. Where the member is a field, it may have values that the union does
/// not know of.
fn has_constant(api: &Api, arm: &Arm, key: &str) -> bool {
    let Arm::Value(ty) = arm else { return false };
    match &api.types[target(api, *ty)].wire {
        Wire::Json(Json::Object(object)) => object.constants.iter().any(|(name, _)| name == key),
        _ => false,
    }
}

/// Whether a JSON object can be this arm.
fn may_be_object(api: &Api, arm: &Arm) -> bool {
    let is_object = |literal: &Literal| matches!(literal, Literal::Json(text) if text.starts_with('{'));
    let mut ty = match arm {
        Arm::Constant(literal) => return is_object(literal),
        Arm::Value(ty) => *ty,
    };
    loop {
        let shape = api.shape(ty);
        return match &api.types[target(api, ty)].wire {
            Wire::Json(Json::Literals(literals)) => literals.iter().any(is_object),
            Wire::Json(Json::Base64 { .. } | Json::Array | Json::IntegerString) => false,
            Wire::Json(_) => true,
            _ => match shape {
                Shape::Option(inner) => {
                    ty = *inner;
                    continue;
                }
                Shape::Bool | Shape::F32 | Shape::F64 | Shape::Char | Shape::String | Shape::Bytes => false,
                Shape::List(_) | Shape::Tuple(_) => false,
                shape => int(shape).is_none(),
            },
        };
    }
}

/// `whole`: every slot must be filled by what is read.
fn object_codec(api: &Api, fields: &[Field], object: &Object, whole: bool) -> Result<ObjectCodec, String> {
    let slot_type = |slot: u16| {
        fields.get(slot as usize).map(|f| f.ty).ok_or_else(|| format!("an object names slot {slot}, which is not there"))
    };
    let mut absent: Vec<Option<Value>> = fields.iter().map(|f| absent(api, f.ty)).collect();
    let mut covered = vec![false; fields.len()];
    let mut members = Vec::with_capacity(object.members.len());
    let mut by_key = HashMap::with_capacity(object.members.len());
    for (i, member) in object.members.iter().enumerate() {
        let ty = slot_type(member.slot)?;
        let slot = member.slot as usize;
        covered[slot] = true;
        if member.presence == Presence::Required {
            absent[slot] = None;
        } else if absent[slot].is_none() {
            return Err(format!("member `{}` is not required, but its type cannot be absent", member.key));
        }
        let mut written = Vec::with_capacity(member.key.len() + 3);
        escape(&member.key, &mut written);
        written.push(b':');
        members.push(MemberCodec {
            key: member.key.as_str().into(),
            written: written.into(),
            slot: member.slot,
            ty,
            omit_absent: member.presence == Presence::Optional,
            null_is_absent: member.presence != Presence::Required && !is_option_of_null_or(api, ty),
        });
        if by_key.insert(member.key.as_str().into(), i as u16).is_some() {
            return Err(format!("an object has the member `{}` twice", member.key));
        }
    }
    let additional = match object.additional {
        None => None,
        Some(slot) => {
            let value = match api.shape(slot_type(slot)?) {
                Shape::List(item) => map_value(api, *item),
                _ => None,
            };
            covered[slot as usize] = true;
            Some((slot, value.ok_or("the slot of additional members is no list of pairs")?))
        }
    };
    if whole && let Some(slot) = covered.iter().zip(&absent).position(|(covered, absent)| !covered && absent.is_none()) {
        return Err(format!("no member fills the field `{}`", fields[slot].name));
    }
    let constant_keys = object.constants.iter().map(|(key, _)| key.as_str().into()).collect();
    Ok(ObjectCodec {
        members: members.into(),
        by_key,
        constants: object.constants.as_slice().into(),
        constant_keys,
        additional,
        absent: absent.into(),
    })
}

/// What a slot holds where its member is absent; `None` where its type cannot say that.
fn absent(api: &Api, ty: TypeId) -> Option<Value> {
    match (&api.types[target(api, ty)].wire, api.shape(ty)) {
        (_, Shape::Option(_)) => Some(Value::none()),
        (_, Shape::List(_)) => Some(Value::list([])),
        (Wire::Json(Json::EmptyObject), _) => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Whether a null is a value of the type inside the option, not its absence.
fn is_option_of_null_or(api: &Api, ty: TypeId) -> bool {
    match api.shape(ty) {
        Shape::Option(inner) => matches!(api.types[target(api, *inner)].wire, Wire::Json(Json::NullOr)),
        _ => false,
    }
}
