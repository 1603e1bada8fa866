//! Types written in place, each once.

use std::collections::HashMap;

use witwire_ir::wire::proto::Scalar;
use witwire_ir::{Api, Shape, Type, TypeId};

/// What makes two types written in place equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Primitive(&'static str),
    List(TypeId),
    Option(TypeId),
    Tuple(Vec<TypeId>),
    Result(Option<TypeId>, Option<TypeId>),
}

/// The types written in place so far.
#[derive(Debug, Default)]
pub(super) struct Inline {
    known: HashMap<Key, TypeId>,
}

impl Inline {
    /// The type of a shape that needs no name.
    pub(super) fn intern(&mut self, api: &mut Api, shape: Shape) -> TypeId {
        let key = match &shape {
            Shape::Bool => Key::Primitive("bool"),
            Shape::U32 => Key::Primitive("u32"),
            Shape::U64 => Key::Primitive("u64"),
            Shape::S32 => Key::Primitive("s32"),
            Shape::S64 => Key::Primitive("s64"),
            Shape::F32 => Key::Primitive("f32"),
            Shape::F64 => Key::Primitive("f64"),
            Shape::String => Key::Primitive("string"),
            Shape::Bytes => Key::Primitive("bytes"),
            Shape::List(t) => Key::List(*t),
            Shape::Option(t) => Key::Option(*t),
            Shape::Tuple(ts) => Key::Tuple(ts.clone()),
            Shape::Result { ok, err } => Key::Result(*ok, *err),
            _ => return api.types.push(Type::plain(shape)),
        };
        *self.known.entry(key).or_insert_with(|| api.types.push(Type::plain(shape)))
    }
}

/// The shape of a scalar.
pub(super) fn scalar(scalar: Scalar) -> Shape {
    match scalar {
        Scalar::Double => Shape::F64,
        Scalar::Float => Shape::F32,
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => Shape::S32,
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => Shape::S64,
        Scalar::Uint32 | Scalar::Fixed32 => Shape::U32,
        Scalar::Uint64 | Scalar::Fixed64 => Shape::U64,
        Scalar::Bool => Shape::Bool,
        Scalar::String | Scalar::StringUnverified => Shape::String,
        Scalar::Bytes => Shape::Bytes,
    }
}
