//! Which interface an operation belongs to.

use std::collections::HashMap;

use witwire_ir::WitName;

use super::{is_lower_plural, is_version_like};
use crate::names::{name, suffixed, words};
use crate::openapi::context::Context;
use crate::openapi::document::OperationView;

/// The interface of each operation.
pub(crate) fn interfaces(cx: &Context<'_>, operations: &[OperationView]) -> Vec<WitName> {
    // First static segment → how many different paths start with it.
    let mut starts: HashMap<&str, Vec<&str>> = HashMap::new();
    for operation in operations {
        if let Some(segment) = first_static(operation) {
            let paths = starts.entry(segment).or_default();
            if paths.len() < 2 && !paths.contains(&operation.path.template.as_str()) {
                paths.push(&operation.path.template);
            }
        }
    }
    operations.iter().map(|operation| unreserved(&interface(cx, operation, &starts))).collect()
}

/// `types`, `client` and `*-client` are names of the package itself.
fn unreserved(wished: &WitName) -> WitName {
    let text = wished.as_str();
    if matches!(text, "types" | "client") || text.ends_with("-client") {
        suffixed(wished, "api", text)
    } else {
        wished.clone()
    }
}

fn interface(cx: &Context<'_>, operation: &OperationView, starts: &HashMap<&str, Vec<&str>>) -> WitName {
    let given = ["x-wit-interface"]
        .iter()
        .find_map(|key| cx.tree.get_text(operation.node, key).or_else(|| cx.tree.get_text(operation.item, key)));
    for text in given.into_iter().chain(operation.tag.as_deref()) {
        if !words(text).is_empty() {
            return name(text, "api", text).name;
        }
    }
    let fallback = || name("api", "api", "").name;
    let Some(segment) = first_static(operation) else { return fallback() };
    let alone = operation
        .path
        .segments
        .iter()
        .filter(|s| s.literal() != Some(""))
        .all(|s| s.literal().is_some_and(|l| l == segment || is_version_like(l)));
    let starts_others = starts.get(segment).is_some_and(|paths| paths.len() > 1);
    if (alone && !is_lower_plural(segment) && !starts_others) || words(segment).is_empty() {
        return fallback();
    }
    name(segment, "api", segment).name
}

/// The first segment without a parameter that is not version-like.
fn first_static(operation: &OperationView) -> Option<&str> {
    operation.path.segments.iter().filter_map(|s| s.literal()).find(|l| !l.is_empty() && !is_version_like(l))
}
