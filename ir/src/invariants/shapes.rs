//! Shapes are what WIT allows.

use super::{Checker, Item, MAX_MEMBERS, Rule};
use crate::api::Api;
use crate::check::{Check, Number};
use crate::id::TypeId;
use crate::types::{Shape, Type};

/// The most flags of one type; their bits are an `u32`.
const MAX_FLAGS: usize = 32;

pub(super) fn check(c: &mut Checker<'_>) {
    let api = c.api;
    let settings = call_resources(c);
    for (id, ty) in api.types.iter() {
        if let Err(problem) = shape(api, ty, settings == Some(id)) {
            c.fail(Item::Type(api, id), Rule::Shape, problem);
        }
    }
    for (id, operation) in api.operations.iter() {
        let few = operation.params.len() <= MAX_MEMBERS;
        c.ensure(few, Item::Operation(api, id), Rule::Shape, format!("more than {MAX_MEMBERS} parameters"));
    }
    c.ensure(is_version(&api.package.version), "the package", Rule::Shape, "its version is not a semantic version");
}

/// The resource `call` stands where it may, and is as the host builds it. Gives its settings, which alone need no name.
fn call_resources(c: &mut Checker<'_>) -> Option<TypeId> {
    let api = c.api;
    let mut all =
        api.types.iter().filter_map(|(id, ty)| if let Shape::Call(call) = &ty.shape { Some((id, call)) } else { None });
    let (own, resource) = all.next()?;
    let at = || Item::Type(api, own);
    c.ensure(all.next().is_none(), at(), Rule::Host, "there is another resource `call`");
    c.ensure(crate::host::call::is_sound(api, resource), at(), Rule::Host, "it is not as the host builds it");
    let settings = resource.settings;
    let is_argument =
        |ty: TypeId| matches!(api.types[ty].shape, Shape::Option(of) if of == own) && api.types[ty].name.is_none();
    let misplaced = |ty: TypeId| ty == own || ty == settings || is_argument(ty);
    for (id, ty) in api.types.iter() {
        let wires = crate::references::wire_types(&ty.wire).any(misplaced);
        let parts = ty.shape.parts().any(misplaced) && id != own && !is_argument(id);
        c.ensure(!wires && !parts, Item::Type(api, id), Rule::Shape, "it is made of the resource `call`");
    }
    c.ensure(!resource.parts().any(misplaced), at(), Rule::Shape, "it is made of itself");
    for (id, operation) in api.operations.iter() {
        let (last, before) = operation.params.split_last().map_or((None, &[][..]), |(last, before)| (Some(last.ty), before));
        let named = operation.call.types().any(misplaced) || misplaced(operation.result);
        let params = before.iter().any(|p| misplaced(p.ty)) || last.is_some_and(|ty| misplaced(ty) && !is_argument(ty));
        c.ensure(!named && !params, Item::Operation(api, id), Rule::Shape, "the resource `call` is not its last parameter");
    }
    Some(settings)
}

fn shape(api: &Api, ty: &Type, is_settings: bool) -> Result<(), String> {
    if ty.name.is_none() && ty.shape.needs_name() && !is_settings {
        return Err("it needs a name".to_owned());
    }
    let (members, most) = match &ty.shape {
        Shape::Record(fields) => (fields.len(), MAX_MEMBERS),
        Shape::Variant(cases) => (cases.len(), MAX_MEMBERS),
        Shape::Enum(labels) => (labels.len(), MAX_MEMBERS),
        Shape::Flags(labels) => (labels.len(), MAX_FLAGS),
        Shape::Tuple(types) => (types.len(), MAX_MEMBERS),
        Shape::Resource(resource) => (resource.methods.len(), MAX_MEMBERS),
        Shape::Call(call) => (call.methods.len(), MAX_MEMBERS),
        Shape::List(item) if is_u8(api, *item) => return Err("a list of `u8` must be held as bytes".to_owned()),
        _ => (1, 1),
    };
    if members == 0 {
        return Err("it has no members".to_owned());
    }
    if members > most {
        return Err(format!("it has {members} members, more than {most}"));
    }
    let problem = ty.checks.iter().find_map(|check| match check {
        Check::Minimum(n)
        | Check::ExclusiveMinimum(n)
        | Check::Maximum(n)
        | Check::ExclusiveMaximum(n)
        | Check::MultipleOf(n) => match n {
            Number::Float(f) if f.is_nan() => Some("a bound is NaN"),
            _ => None,
        },
        Check::At { check, .. } if matches!(**check, Check::At { .. } | Check::Schema(_)) => {
            Some("a rule about a part is itself about a part, or a schema")
        }
        _ => None,
    });
    problem.map_or(Ok(()), |problem| Err(problem.to_owned()))
}

fn is_u8(api: &Api, ty: TypeId) -> bool {
    matches!(api.shape(ty), Shape::U8)
}

/// `MAJOR.MINOR.PATCH`, then optionally `-pre` and `+build` of the characters that semantic versions allow.
fn is_version(version: &str) -> bool {
    let (rest, build) = version.split_once('+').map_or((version, None), |(r, b)| (r, Some(b)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(c, p)| (c, Some(p)));
    let number = |part: &str| {
        !part.is_empty()
            && part.len() <= 19
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    let identifiers =
        |text: &str| text.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(identifiers)
        && build.is_none_or(identifiers)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn versions() {
        for good in ["0.0.0", "1.20.3", "1.1.0-beta.1", "1.0.0+2024.1"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0;", "1.0.0-a..b", "v1.0.0"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
