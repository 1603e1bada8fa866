//! A type as it is written where it is used.

use std::fmt;

use crate::api::Api;
use crate::id::{InterfaceId, TypeId};
use crate::name::WitName;
use crate::types::Shape;

/// A type as WIT writes it in a field or parameter: by name if it has one, else in place.
///
/// Its `Display` is also how messages name an expected type.
#[derive(Clone, Copy)]
pub struct TypeRef<'a> {
    api: &'a Api,
    ty: TypeId,
    scope: Option<InterfaceId>,
}

impl<'a> TypeRef<'a> {
    /// The type by its own name.
    pub const fn new(api: &'a Api, ty: TypeId) -> Self {
        Self { api, ty, scope: None }
    }

    /// The type by the name that it has in an interface, where a `use` may rename it.
    #[must_use]
    pub const fn in_scope(self, scope: InterfaceId) -> Self {
        Self { scope: Some(scope), ..self }
    }
}

impl fmt::Display for TypeRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match local_name(self.api, self.scope, self.ty) {
            // Nobody but the guest owns one.
            Some(name) if matches!(self.api.types[self.ty].shape, Shape::Call(_)) => write!(f, "borrow<{name}>"),
            Some(name) => write!(f, "{name}"),
            None => Inline { api: self.api, scope: self.scope, shape: &self.api.types[self.ty].shape }.fmt(f),
        }
    }
}

/// The name of a named type as an interface knows it.
fn local_name(api: &Api, scope: Option<InterfaceId>, ty: TypeId) -> Option<&WitName> {
    let declared = api.types[ty].name.as_ref()?;
    let renamed = scope
        .filter(|scope| *scope != declared.interface)
        .and_then(|scope| api.interfaces[scope].renames.iter().find(|(id, _)| *id == ty));
    Some(renamed.map_or(&declared.name, |(_, name)| name))
}

/// A shape written in place.
pub(super) struct Inline<'a> {
    pub(super) api: &'a Api,
    pub(super) scope: Option<InterfaceId>,
    pub(super) shape: &'a Shape,
}

impl fmt::Display for Inline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |ty: &TypeId| TypeRef { api: self.api, ty: *ty, scope: self.scope };
        match self.shape {
            Shape::Bool => f.write_str("bool"),
            Shape::U8 => f.write_str("u8"),
            Shape::U16 => f.write_str("u16"),
            Shape::U32 => f.write_str("u32"),
            Shape::U64 => f.write_str("u64"),
            Shape::S8 => f.write_str("s8"),
            Shape::S16 => f.write_str("s16"),
            Shape::S32 => f.write_str("s32"),
            Shape::S64 => f.write_str("s64"),
            Shape::F32 => f.write_str("f32"),
            Shape::F64 => f.write_str("f64"),
            Shape::Char => f.write_str("char"),
            Shape::String => f.write_str("string"),
            Shape::Bytes => f.write_str("list<u8>"),
            Shape::List(t) => write!(f, "list<{}>", of(t)),
            Shape::Option(t) => write!(f, "option<{}>", of(t)),
            Shape::Tuple(types) => {
                f.write_str("tuple<")?;
                for (i, t) in types.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { ", " }, of(t))?;
                }
                f.write_str(">")
            }
            Shape::Result { ok: None, err: None } => f.write_str("result"),
            Shape::Result { ok: Some(ok), err: None } => write!(f, "result<{}>", of(ok)),
            Shape::Result { ok: None, err: Some(err) } => write!(f, "result<_, {}>", of(err)),
            Shape::Result { ok: Some(ok), err: Some(err) } => write!(f, "result<{}, {}>", of(ok), of(err)),
            Shape::Alias(target) => of(target).fmt(f),
            // These are always named (`Api::check`); the words serve messages about an API that is not.
            Shape::Record(_) => f.write_str("record"),
            Shape::Variant(_) => f.write_str("variant"),
            Shape::Enum(_) => f.write_str("enum"),
            Shape::Flags(_) => f.write_str("flags"),
            Shape::Resource(_) | Shape::Call(_) => f.write_str("resource"),
        }
    }
}
