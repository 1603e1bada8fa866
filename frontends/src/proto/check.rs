//! The pass that looks at what came out.

use witwire_ir::{Api, Shape};

use crate::{Code, Location};

use super::findings::Findings;

/// The component model's limit of fields and cases.
const MAX_MEMBERS: usize = 10_000;

/// Reports packages that no tool could read.
pub(super) fn check(apis: Vec<Api>, findings: &mut Findings) -> Vec<Api> {
    for api in &apis {
        for (_, ty) in api.types.iter() {
            let members = match &ty.shape {
                Shape::Record(fields) => fields.len(),
                Shape::Variant(cases) => cases.len(),
                Shape::Enum(labels) => labels.len(),
                _ => 0,
            };
            if members > MAX_MEMBERS {
                let source = api.text(ty.source).unwrap_or_default().to_owned();
                let at = Location { pointer: source.clone(), ..Location::default() };
                let message = format!("`{source}` has {members} members; components allow {MAX_MEMBERS}");
                findings.error(Code::UnsupportedMethod, at, message);
            }
        }
    }
    apis
}
