//! Walks to a value in the arguments of a call.

use witwire_ir::{Api, Param, Place, Shape, TypeId, Value};

/// The value at a place, options looked through; `None` where it is absent.
pub(super) fn find<'a>(args: &'a [Value], place: &Place) -> Option<&'a Value> {
    let mut value = present(args.get(place.argument as usize)?)?;
    for slot in &place.slots {
        let Value::Record(slots) = value else { return None };
        value = present(slots.get(*slot as usize)?)?;
    }
    Some(value)
}

/// The value inside options.
pub(super) fn present(mut value: &Value) -> Option<&Value> {
    while let Value::Option(inner) = value {
        value = inner.as_deref()?;
    }
    Some(value)
}

/// A place in WIT names: `request.user-id`.
pub(super) fn location(api: &Api, params: &[Param], place: &Place) -> String {
    let Some(param) = params.get(place.argument as usize) else { return String::new() };
    let mut location = param.name.as_str().to_owned();
    let mut ty = param.ty;
    for slot in &place.slots {
        let Some((name, field)) = field(api, ty, *slot as usize) else { break };
        location.push('.');
        location.push_str(name);
        ty = field;
    }
    location
}

/// The type inside options.
pub(super) fn inner(api: &Api, mut ty: TypeId) -> TypeId {
    while let Shape::Option(inner) = api.shape(ty) {
        ty = *inner;
    }
    ty
}

/// A record's field, through options and aliases.
fn field(api: &Api, ty: TypeId, slot: usize) -> Option<(&str, TypeId)> {
    match api.shape(inner(api, ty)) {
        Shape::Record(fields) => fields.get(slot).map(|f| (f.name.as_str(), f.ty)),
        _ => None,
    }
}
