//! Types written in place, of which equal ones are one.

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Shape, Type, TypeId};

use super::Schemas;

/// Types written in place that are worth sharing.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum PlainKey {
    Scalar(u8),
    List(TypeId),
    Option(TypeId),
    Map(TypeId),
    /// `tuple<string, t>`
    Pair(TypeId),
}

impl Schemas<'_> {
    /// A type written in place; equal ones are shared.
    pub(crate) fn inline(&mut self, ty: Type) -> TypeId {
        let plain = ty.name.is_none() && ty.checks.is_empty() && ty.docs.is_none() && ty.source.is_none();
        let key = match (&ty.shape, &ty.wire) {
            (Shape::List(t), Wire::Plain) => Some(PlainKey::List(*t)),
            (Shape::List(t), Wire::Json(Json::Map)) => Some(PlainKey::Map(*t)),
            (Shape::Option(t), Wire::Plain) => Some(PlainKey::Option(*t)),
            (shape, Wire::Plain) => scalar_code(shape).map(PlainKey::Scalar),
            _ => None,
        };
        match key {
            Some(key) if plain => {
                if let Some(&known) = self.plain.get(&key) {
                    return known;
                }
                let id = self.api.types.push(ty);
                self.plain.insert(key, id);
                id
            }
            _ => self.api.types.push(ty),
        }
    }

    pub(crate) fn shape(&mut self, shape: Shape) -> TypeId {
        self.inline(Type::plain(shape))
    }

    pub(crate) fn option(&mut self, ty: TypeId) -> TypeId {
        self.shape(Shape::Option(ty))
    }

    /// `list<tuple<string, t>>`, an object with arbitrary keys.
    pub(crate) fn map_of(&mut self, value: TypeId) -> TypeId {
        let key = self.shape(Shape::String);
        let pair = if let Some(&pair) = self.plain.get(&PlainKey::Pair(value)) {
            pair
        } else {
            let pair = self.api.types.push(Type::plain(Shape::Tuple(vec![key, value])));
            self.plain.insert(PlainKey::Pair(value), pair);
            pair
        };
        self.inline(Type::with_wire(Shape::List(pair), Wire::Json(Json::Map)))
    }
}

fn scalar_code(shape: &Shape) -> Option<u8> {
    Some(match shape {
        Shape::Bool => 0,
        Shape::U16 => 1,
        Shape::U32 => 2,
        Shape::U64 => 3,
        Shape::S32 => 4,
        Shape::S64 => 5,
        Shape::F64 => 6,
        Shape::String => 7,
        Shape::Bytes => 8,
        _ => return None,
    })
}
