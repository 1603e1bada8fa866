//! What a WIT text says, without comments and order, and whether tools take it.

use std::collections::BTreeMap;

use wit_parser::{Resolve, Type, TypeDefKind, TypeId, TypeOwner};

/// Interface, world or type → what it is, in words that do not depend on order.
pub(crate) type Structure = BTreeMap<String, String>;

/// Reads a WIT text with wit-parser.
pub(crate) fn read(text: &str) -> Result<Structure, String> {
    let (resolve, package) = parse(text)?;
    let mut out = Structure::new();
    let package = &resolve.packages[package];
    out.insert("package".to_owned(), package.name.to_string());
    for (interface, id) in &package.interfaces {
        let interface_id = *id;
        for (name, ty) in &resolve.interfaces[interface_id].types {
            out.insert(format!("{interface}.{name}"), definition(&resolve, *ty));
        }
        for (name, function) in &resolve.interfaces[interface_id].functions {
            let params: Vec<String> =
                function.params.iter().map(|p| format!("{}: {}", p.name, reference(&resolve, p.ty))).collect();
            let result = function.result.map(|t| reference(&resolve, t)).unwrap_or_default();
            out.insert(format!("{interface}.{name}()"), format!("({}) -> {result}", params.join(", ")));
        }
    }
    for (world, id) in &package.worlds {
        let mut imports: Vec<String> = resolve.worlds[*id].imports.keys().map(|k| resolve.name_world_key(k)).collect();
        imports.sort();
        out.insert(format!("world {world}"), imports.join(", "));
    }
    Ok(out)
}

fn parse(text: &str) -> Result<(Resolve, wit_parser::PackageId), String> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("printed.wit", text).map_err(|e| format!("{e:?}"))?;
    Ok((resolve, package))
}

fn definition(resolve: &Resolve, id: TypeId) -> String {
    let optional = |ty: Option<Type>| ty.map(|t| format!("({})", reference(resolve, t))).unwrap_or_default();
    let join = |items: Vec<String>| items.join(", ");
    match &resolve.types[id].kind {
        TypeDefKind::Record(r) => {
            format!(
                "record {{ {} }}",
                join(r.fields.iter().map(|f| format!("{}: {}", f.name, reference(resolve, f.ty))).collect())
            )
        }
        TypeDefKind::Variant(v) => {
            format!("variant {{ {} }}", join(v.cases.iter().map(|c| format!("{}{}", c.name, optional(c.ty))).collect()))
        }
        TypeDefKind::Enum(e) => format!("enum {{ {} }}", join(e.cases.iter().map(|c| c.name.clone()).collect())),
        TypeDefKind::Flags(f) => format!("flags {{ {} }}", join(f.flags.iter().map(|c| c.name.clone()).collect())),
        TypeDefKind::Resource => "resource".to_owned(),
        TypeDefKind::Handle(wit_parser::Handle::Own(id)) => reference(resolve, Type::Id(*id)),
        TypeDefKind::Handle(wit_parser::Handle::Borrow(id)) => format!("borrow<{}>", reference(resolve, Type::Id(*id))),
        TypeDefKind::Option(t) => format!("option<{}>", reference(resolve, *t)),
        TypeDefKind::List(t) => format!("list<{}>", reference(resolve, *t)),
        TypeDefKind::Tuple(t) => format!("tuple<{}>", join(t.types.iter().map(|t| reference(resolve, *t)).collect())),
        TypeDefKind::Result(r) => format!("result<{}, {}>", optional(r.ok), optional(r.err)),
        TypeDefKind::Type(t) => format!("= {}", reference(resolve, *t)),
        other => format!("{other:?}"),
    }
}

/// A type where it is used: by its name and interface, else by what it is.
fn reference(resolve: &Resolve, ty: Type) -> String {
    let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
    let def = &resolve.types[id];
    match (&def.name, def.owner) {
        (Some(name), TypeOwner::Interface(interface)) => {
            format!("{}.{name}", resolve.interfaces[interface].name.as_deref().unwrap_or("?"))
        }
        (Some(name), _) => name.clone(),
        (None, _) => definition(resolve, id),
    }
}

/// Parses a WIT text with both versions of wit-parser and encodes it with both of wit-component. Of every world a component that
/// imports all of it is made and validated with the newer wasmparser.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut newer = wit_parser_new::Resolve::default();
    let package = newer.push_str("printed.wit", text).map_err(|e| format!("newer wit-parser: {e:?}"))?;
    wit_component_new::encode(&newer, package, false).map_err(|e| format!("newer wit-component: {e:#}"))?;
    let (resolve, package) = parse(text).map_err(|e| format!("wit-parser: {e}"))?;
    wit_component::encode(&resolve, package).map_err(|e| format!("wit-component: {e:#}"))?;
    for (name, world) in &resolve.packages[package].worlds {
        component(&resolve, *world).map_err(|e| format!("world {name}: {e}"))?;
    }
    Ok(())
}

/// Makes a component of a world, and validates it.
fn component(resolve: &Resolve, world: wit_parser::WorldId) -> Result<(), String> {
    let mut module = wit_component::dummy_module(resolve, world, wit_parser::ManglingAndAbi::Standard32);
    wit_component::embed_component_metadata(&mut module, resolve, world, wit_component::StringEncoding::UTF8)
        .map_err(|e| format!("{e:#}"))?;
    let encoded = wit_component::ComponentEncoder::default().module(&module).and_then(|mut e| e.encode());
    let binary = encoded.map_err(|e| format!("{e:#}"))?;
    let features = wasmparser_new::WasmFeatures::all();
    wasmparser_new::Validator::new_with_features(features).validate_all(&binary).map_err(|e| e.to_string())?;
    Ok(())
}
