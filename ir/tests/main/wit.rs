//! What is printed is WIT: read by wit-parser, encoded and decoded again.

use proptest::prelude::*;
use wit_parser::{Resolve, TypeDefKind};
use witwire_ir::{Api, Id, Shape, print_package};

use crate::{arbitrary, data, small};

#[test]
fn the_small_api_prints_as_expected() {
    let api = small::api();
    assert_eq!(api.check(), Ok(()));
    let text = print_package(&api);
    data::expect("small.wit", &text);
    parses(&api, &text);
}

#[test]
fn settings_of_calls_print_as_a_resource() {
    let mut api = small::api();
    witwire_ir::host::call::declare(&mut api);
    assert_eq!(api.check(), Ok(()));
    let text = print_package(&api);
    data::expect("small_explicit.wit", &text);
    parses(&api, &text);
}

/// The names that they wish for may be taken: in `types`, by functions, and by parameters.
#[test]
fn settings_of_calls_give_way_to_names_that_are_there() {
    let mut b = small::Builder::new();
    let types = b.interface("types", None);
    witwire_ir::host::grpc::declare(&mut b.api, types);
    let calls = b.interface("calls", None);
    let string = b.inline(Shape::String);
    for text in ["call", "compression"] {
        b.declare(types, text, None, Shape::Alias(string));
    }
    b.unary(calls, "call-resource", &[("call", string)]);
    let mut api = b.api;
    witwire_ir::host::call::declare(&mut api);
    assert_eq!(api.check(), Ok(()));
    let text = print_package(&api);
    for line in [
        "    resource call-resource {",
        "    enum compression-resource {",
        "call-resource as call-resource-resource",
        "func(call: string, call-resource: option<borrow<call-resource-resource>>)",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    parses(&api, &text);
}

/// Parses and compares every interface with the API: names, kinds, counts of members, functions, used types.
fn parses(api: &Api, text: &str) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("printed.wit", text).unwrap_or_else(|e| panic!("{e:#}\n{text}"));
    assert_eq!(resolve.packages[package].name.to_string(), {
        let p = &api.package;
        format!("{}:{}@{}", p.namespace.as_str(), p.name.as_str(), p.version)
    });
    assert_eq!(resolve.packages[package].interfaces.len(), api.interfaces.len());
    for (_, interface) in api.interfaces.iter() {
        let parsed = &resolve.interfaces[resolve.packages[package].interfaces[interface.name.as_str()]];
        for &id in &interface.types {
            let ty = &api.types[id];
            let name = ty.name.as_ref().unwrap().name.as_str();
            let parsed = &resolve.types[parsed.types[name]];
            match (&ty.shape, &parsed.kind) {
                (Shape::Record(fields), TypeDefKind::Record(record)) => {
                    let names: Vec<_> = record.fields.iter().map(|f| f.name.as_str()).collect();
                    assert_eq!(names, fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>());
                }
                (Shape::Variant(cases), TypeDefKind::Variant(variant)) => {
                    let cases: Vec<_> = cases.iter().map(|c| (c.name.as_str(), c.ty.is_some())).collect();
                    assert_eq!(cases, variant.cases.iter().map(|c| (c.name.as_str(), c.ty.is_some())).collect::<Vec<_>>());
                }
                (Shape::Enum(labels), TypeDefKind::Enum(e)) => assert_eq!(labels.len(), e.cases.len()),
                (Shape::Flags(labels), TypeDefKind::Flags(f)) => assert_eq!(labels.len(), f.flags.len()),
                (Shape::Resource(_) | Shape::Call(_), TypeDefKind::Resource) => {}
                (shape, TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) | TypeDefKind::Flags(_)) => {
                    panic!("{name} is {shape:?}")
                }
                _ => {}
            }
        }
        let used = parsed.types.len() - interface.types.len();
        let line_items: usize = uses(text, interface.name.to_string().as_str());
        assert_eq!(used, line_items, "used types of {}", interface.name);
        let methods: usize = interface
            .types
            .iter()
            .map(|id| match &api.types[*id].shape {
                Shape::Resource(resource) => resource.methods.len(),
                Shape::Call(call) => call.methods.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(parsed.functions.len(), interface.operations.len() + methods);
        for &id in &interface.operations {
            let operation = &api.operations[id];
            assert_eq!(parsed.functions[operation.name.as_str()].params.len(), operation.params.len());
        }
    }
    assert_eq!(resolve.packages[package].worlds.len(), api.worlds.len());

    let bytes = wit_component::encode(&resolve, package).unwrap_or_else(|e| panic!("{e:#}\n{text}"));
    wit_component::decode(&bytes).unwrap_or_else(|e| panic!("{e:#}\n{text}"));
}

/// How many names the `use` lines of an interface list.
fn uses(text: &str, interface: &str) -> usize {
    let body = text.split(&format!("\ninterface {interface} {{")).nth(1).unwrap();
    let body = &body[..body.find("\n}").unwrap_or(body.len())];
    let lists = body.split("\n    use ").skip(1).filter_map(|rest| rest.split('{').nth(1)?.split('}').next());
    // Over several lines the last name has a comma, too.
    lists.map(|list| list.split(',').filter(|name| !name.trim().is_empty()).count()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_api_prints_as_wit(api in arbitrary::api()) {
        prop_assert_eq!(api.check(), Ok(()));
        prop_assume!(api.interfaces.get(Id::new(0)).is_some());
        parses(&api, &print_package(&api));
    }
}
