//! How large types are when everything in them is written out, which is what the tools of the component model limit.

use witwire_ir::{Api, Id, Shape, TypeId};

/// The largest size that tools accept, of a type, an interface and a world alike.
pub(super) const MAX_SIZE: u64 = 1_000_000;
/// The deepest nesting that tools accept, less the levels that a function, its interface and its world add.
pub(super) const MAX_DEPTH: u32 = 90;

/// How large a type is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// Types in it, itself included, each counted wherever it is mentioned.
    pub(super) size: u64,
    /// Levels, itself included.
    pub(super) depth: u32,
}

/// The extents of all types. A type stands behind those that it mentions, so one pass does.
pub(super) fn extents(api: &Api) -> Vec<Extent> {
    let mut extents: Vec<Extent> = Vec::new();
    for (_, ty) in api.types.iter() {
        let mut own = Extent { size: 1, depth: 1 };
        for child in children(&ty.shape) {
            let child = extents.get(child.index()).copied().unwrap_or(Extent { size: 1, depth: 1 });
            own.size = own.size.saturating_add(child.size);
            own.depth = own.depth.max(child.depth.saturating_add(1));
        }
        extents.push(own);
    }
    extents
}

pub(super) fn children(shape: &Shape) -> Vec<TypeId> {
    match shape {
        Shape::List(t) | Shape::Option(t) | Shape::Alias(t) => vec![*t],
        Shape::Tuple(ts) => ts.clone(),
        Shape::Result { ok, err } => ok.iter().chain(err).copied().collect(),
        Shape::Record(fields) => fields.iter().map(|f| f.ty).collect(),
        Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).collect(),
        _ => Vec::new(),
    }
}

impl Extent {
    /// Whether no tool could read a package with this type.
    pub(super) const fn is_too_large(self) -> bool {
        self.size > MAX_SIZE || self.depth > MAX_DEPTH
    }
}
