//! Every id leads to an item.

use super::{Checker, Item, Rule};
use crate::check::Check;
use crate::id::{Id, SchemaId, SchemeId, TypeId};
use crate::operation::Call;
use crate::references::{call_types, wire_types};
use crate::types::Shape;

pub(super) fn check(c: &mut Checker<'_>) {
    let api = c.api;
    let type_ok = |id: TypeId| id.index() < api.types.len();
    let schema_ok = |id: SchemaId| id.index() < api.schemas.len();
    let scheme_ok = |id: SchemeId| id.index() < api.schemes.len();
    let checks_ok = |checks: &[Check]| checks.iter().all(|k| !matches!(k, Check::Schema(id) if !schema_ok(*id)));

    for (id, ty) in api.types.iter() {
        let at = || Item::Type(api, id);
        c.ensure(ty.shape.parts().all(type_ok), at(), Rule::Ids, "it is made of a type that does not exist");
        c.ensure(wire_types(&ty.wire).all(type_ok), at(), Rule::Ids, "its wire map names a type that does not exist");
        c.ensure(checks_ok(&ty.checks), at(), Rule::Ids, "a rule names a schema that does not exist");
        if let Some(name) = &ty.name {
            let exists = name.interface.index() < api.interfaces.len();
            c.ensure(exists, at(), Rule::Ids, "its interface does not exist");
        }
        if let Shape::Resource(resource) = &ty.shape {
            let exists = resource.operation.index() < api.operations.len();
            c.ensure(exists, at(), Rule::Ids, "its operation does not exist");
        }
    }
    for (id, interface) in api.interfaces.iter() {
        let at = || Item::Interface(api, id);
        let types = interface.types.iter().chain(interface.renames.iter().map(|(ty, _)| ty));
        c.ensure(types.copied().all(type_ok), at(), Rule::Ids, "it lists a type that does not exist");
        let operations = interface.operations.iter().all(|o| o.index() < api.operations.len());
        c.ensure(operations, at(), Rule::Ids, "it lists a function that does not exist");
    }
    for (id, operation) in api.operations.iter() {
        let at = || Item::Operation(api, id);
        c.ensure(operation.interface.index() < api.interfaces.len(), at(), Rule::Ids, "its interface does not exist");
        let types = operation.params.iter().map(|p| p.ty).chain([operation.result]).chain(call_types(&operation.call));
        c.ensure(types.into_iter().all(type_ok), at(), Rule::Ids, "it names a type that does not exist");
        let mut schemes = operation.auth.alternatives.iter().flatten().copied();
        c.ensure(schemes.all(scheme_ok), at(), Rule::Ids, "it names an authentication scheme that does not exist");
        if let Call::Http(call) = &operation.call {
            let body = call.body.as_ref().and_then(|b| b.value.checks());
            c.ensure(body.is_none_or(checks_ok), at(), Rule::Ids, "a rule names a schema that does not exist");
        }
    }
    for (_, scheme) in api.schemes.iter() {
        let at = format_args!("authentication scheme `{}`", scheme.name).to_string();
        c.ensure(scheme.record.is_none_or(type_ok), at, Rule::Ids, "its record does not exist");
    }
    for world in &api.worlds {
        let at = format_args!("world `{}`", world.name).to_string();
        let imports = world.imports.iter().all(|i| i.index() < api.interfaces.len());
        c.ensure(imports, at, Rule::Ids, "it imports an interface that does not exist");
    }
    if let Some(host) = &api.host {
        let exist = type_ok(host.error) && host.error_body.is_none_or(type_ok);
        c.ensure(exist, "the host's types", Rule::Ids, "one does not exist");
    }
}
