//! Names of types that are called after others: `<t>-or-null`.

use std::collections::{BTreeMap, HashMap};

use witwire_ir::{Api, InterfaceId, Shape, TypeId, WitName};

use super::host_names;
use crate::names::{Scope, from_words, words};
use crate::openapi::context::Context;
use crate::openapi::schema::known_name;

/// `<t>-or-null`, where `t` is declared, or in `types` for a type written in place.
pub(super) fn or_null(
    cx: &Context<'_>,
    api: &Api,
    types: InterfaceId,
    late: &[(TypeId, TypeId)],
    names: &mut HashMap<TypeId, (InterfaceId, WitName)>,
) {
    let mut bare: HashMap<InterfaceId, Vec<WitName>> = HashMap::new();
    for (home, name) in names.values() {
        bare.entry(*home).or_default().push(name.clone());
    }
    let mut scopes: BTreeMap<InterfaceId, Scope<u8>> = BTreeMap::new();
    let mut counts: BTreeMap<InterfaceId, usize> = BTreeMap::new();
    let mut pending: BTreeMap<InterfaceId, Vec<TypeId>> = BTreeMap::new();
    for (ty, of) in late {
        let (home, base) = spelled(api, types, *of, names, 0);
        let scope = scopes.entry(home).or_insert_with(|| {
            let mut scope = Scope::new();
            let mut count = 0;
            let mut reserve = |text: &WitName| {
                scope.wish(0, text.clone(), None, text.as_str());
                count += 1;
            };
            bare.get(&home).into_iter().flatten().for_each(&mut reserve);
            if home == types {
                for name in host_names(cx) {
                    reserve(&known_name(name));
                }
            }
            api.interfaces[home].operations.iter().for_each(|o| reserve(&api.operations[*o].name));
            counts.insert(home, count);
            scope
        });
        let mut of = words(&base);
        of.extend(["or".to_owned(), "null".to_owned()]);
        scope.wish(1, from_words(&of, "value", &base), Some("variant"), base);
        pending.entry(home).or_default().push(*ty);
    }
    for (home, scope) in scopes {
        let given = scope.give().names;
        for (ty, name) in pending.remove(&home).unwrap_or_default().into_iter().zip(given.into_iter().skip(counts[&home])) {
            names.insert(ty, (home, name));
        }
    }
}

/// A type in words, and the interface that can name it.
fn spelled(
    api: &Api,
    types: InterfaceId,
    ty: TypeId,
    names: &HashMap<TypeId, (InterfaceId, WitName)>,
    depth: usize,
) -> (InterfaceId, String) {
    if let Some((home, name)) = names.get(&ty) {
        return (*home, name.as_str().to_owned());
    }
    let within = |word: &str, of: TypeId| {
        let (home, inner) = spelled(api, types, of, names, depth + 1);
        (home, format!("{word}{inner}"))
    };
    let plain = |word: &str| (types, word.to_owned());
    match &api.types[ty].shape {
        _ if depth > 8 => plain("value"),
        Shape::List(of) => within("list-of-", *of),
        Shape::Option(of) | Shape::Alias(of) => within("", *of),
        Shape::Tuple(parts) => match parts.as_slice() {
            [_, value] => within("map-of-", *value),
            _ => plain("tuple"),
        },
        Shape::Bool => plain("bool"),
        Shape::U32 => plain("u32"),
        Shape::U64 => plain("u64"),
        Shape::S32 => plain("s32"),
        Shape::S64 => plain("s64"),
        Shape::F64 => plain("f64"),
        Shape::Bytes => plain("bytes"),
        _ => plain("string"),
    }
}
