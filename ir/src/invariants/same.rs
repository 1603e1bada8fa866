//! Whether two ids of the arena speak of one type.

use super::MAX_INLINE;
use crate::api::Api;
use crate::id::TypeId;
use crate::types::Shape;

/// The same type behind aliases; types written in place are the same where they spell the same.
///
/// Aliases can make what is spelled exponentially long, so the comparison gives up (`false`) after [`MAX_INLINE`] steps.
pub(super) fn same(api: &Api, a: TypeId, b: TypeId) -> bool {
    compare(api, a, b, &mut MAX_INLINE.clone())
}

fn compare(api: &Api, a: TypeId, b: TypeId, steps: &mut u64) -> bool {
    let (a, b) = (api.resolve(a), api.resolve(b));
    if a == b {
        return true;
    }
    *steps = steps.saturating_sub(1);
    let shapes = (&api.types[a].shape, &api.types[b].shape);
    if *steps == 0 || shapes.0.needs_name() || shapes.1.needs_name() {
        return false;
    }
    match shapes {
        (Shape::List(a), Shape::List(b)) | (Shape::Option(a), Shape::Option(b)) => compare(api, *a, *b, steps),
        (Shape::Tuple(a), Shape::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| compare(api, *a, *b, steps))
        }
        (Shape::Result { ok: a, err: a_err }, Shape::Result { ok: b, err: b_err }) => {
            let mut payload = |a: &Option<TypeId>, b: &Option<TypeId>| match (a, b) {
                (Some(a), Some(b)) => compare(api, *a, *b, steps),
                (None, None) => true,
                _ => false,
            };
            payload(a, b) && payload(a_err, b_err)
        }
        // Only shapes without parts are left to be equal.
        (a, b) => a == b && a.parts().next().is_none(),
    }
}

/// The same, or `a` is an option of `b`.
pub(super) fn same_or_option(api: &Api, a: TypeId, b: TypeId) -> bool {
    same(api, a, b) || matches!(api.shape(a), Shape::Option(inner) if same(api, *inner, b))
}

/// The type inside an option, or the type itself.
pub(super) fn bare(api: &Api, ty: TypeId) -> TypeId {
    match api.shape(ty) {
        Shape::Option(inner) => *inner,
        _ => ty,
    }
}
