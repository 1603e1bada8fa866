//! An API cut down to some of its operations.

use std::collections::HashSet;

use crate::api::{Api, HostTypes, Interface, Texts, World};
use crate::check::Check;
use crate::id::{Arena, Id, InterfaceId, OperationId, SchemaId, SchemeId, TextId, TypeId};
use crate::operation::http::BodyValue;
use crate::operation::{Call, Operation};
use crate::references::{call_types, each_call_type, each_shape_type, each_wire_type, wire_types};
use crate::types::{Shape, Type};

impl Api {
    /// The API with only these operations and what they reach: types, schemes, schemas, texts. The host's types stay, so does
    /// every interface that still declares something; a world stays while it imports anything. What remains keeps its order,
    /// and prints as before.
    ///
    /// Call it on an API that passes [`Api::check`]; the result passes it too.
    #[must_use]
    pub fn prune(&self, keep: impl Fn(OperationId, &Operation) -> bool) -> Self {
        let operations: HashSet<OperationId> =
            self.operations.iter().filter(|(id, o)| keep(*id, o)).map(|(id, _)| id).collect();
        let schemes: HashSet<SchemeId> =
            operations.iter().flat_map(|id| self.operations[*id].auth.alternatives.iter().flatten().copied()).collect();
        let types = reached(self, &operations, &schemes);
        let schemas = schemas(self, &operations, &types);
        let interfaces: HashSet<InterfaceId> = self
            .interfaces
            .iter()
            .filter(|(_, i)| {
                i.types.iter().any(|t| types.contains(t)) || i.operations.iter().any(|o| operations.contains(o))
            })
            .map(|(id, _)| id)
            .collect();

        let mut renumber = Renumber {
            types: renumbered(self.types.ids(), &types),
            interfaces: renumbered(self.interfaces.ids(), &interfaces),
            operations: renumbered(self.operations.ids(), &operations),
            schemes: renumbered(self.schemes.ids(), &schemes),
            schemas: renumbered(self.schemas.ids(), &schemas),
            old_texts: &self.texts,
            texts: Texts::default(),
            moved_texts: vec![None; self.texts.len()],
        };
        let r = &mut renumber;
        let mut pruned = Self {
            package: self.package.clone(),
            protocol: self.protocol,
            source_digest: self.source_digest,
            auth_mode: self.auth_mode,
            docs: r.text(self.docs),
            types: kept(&self.types, &types).map(|ty| r.ty(ty)).collect(),
            interfaces: kept(&self.interfaces, &interfaces).map(|i| r.interface(i)).collect(),
            operations: kept(&self.operations, &operations).map(|o| r.operation(o)).collect(),
            schemes: kept(&self.schemes, &schemes).cloned().collect(),
            servers: self.servers.clone(),
            schemas: kept(&self.schemas, &schemas).cloned().collect(),
            worlds: self.worlds.iter().filter_map(|w| r.world(w)).collect(),
            host: self
                .host
                .as_ref()
                .map(|host| HostTypes { error: r.type_id(host.error), error_body: host.error_body.map(|ty| r.type_id(ty)) }),
            texts: Texts::default(),
        };
        for (_, scheme) in pruned.schemes.iter_mut() {
            scheme.record = scheme.record.map(|ty| renumber.type_id(ty));
        }
        pruned.texts = renumber.texts;
        pruned
    }

    /// Every type that an operation reaches through its parameters, result and wire maps, the host's types included; ascending.
    pub fn reachable(&self, operation: OperationId) -> Vec<TypeId> {
        let schemes = self.operations[operation].auth.alternatives.iter().flatten().copied().collect();
        let mut types: Vec<TypeId> = reached(self, &HashSet::from([operation]), &schemes).into_iter().collect();
        types.sort_unstable();
        types
    }
}

fn kept<'a, I: Id + std::hash::Hash, T>(arena: &'a Arena<I, T>, keep: &'a HashSet<I>) -> impl Iterator<Item = &'a T> {
    arena.iter().filter(|(id, _)| keep.contains(id)).map(|(_, item)| item)
}

/// New ids by old index; `None` for what goes.
fn renumbered<I: Id + std::hash::Hash>(ids: impl Iterator<Item = I>, keep: &HashSet<I>) -> Vec<Option<I>> {
    let mut next = 0;
    ids.map(|id| {
        keep.contains(&id).then(|| {
            next += 1;
            I::new(next - 1)
        })
    })
    .collect()
}

/// The types that operations reach through shapes and wire maps, and the host's.
fn reached(api: &Api, operations: &HashSet<OperationId>, schemes: &HashSet<SchemeId>) -> HashSet<TypeId> {
    let mut open: Vec<TypeId> = Vec::new();
    for operation in operations.iter().map(|id| &api.operations[*id]) {
        open.extend(operation.params.iter().map(|p| p.ty));
        open.push(operation.result);
        open.extend(call_types(&operation.call));
    }
    open.extend(schemes.iter().filter_map(|id| api.schemes[*id].record));
    open.extend(api.host.iter().flat_map(|host| [Some(host.error), host.error_body]).flatten());
    let mut reached = HashSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(api.types[id].shape.parts());
            open.extend(wire_types(&api.types[id].wire));
        }
    }
    reached
}

fn schemas(api: &Api, operations: &HashSet<OperationId>, types: &HashSet<TypeId>) -> HashSet<SchemaId> {
    let of_bodies = operations.iter().filter_map(|id| match &api.operations[*id].call {
        Call::Http(call) => call.body.as_ref().and_then(|b| b.value.checks()),
        Call::Grpc(_) => None,
    });
    types
        .iter()
        .map(|id| api.types[*id].checks.as_slice())
        .chain(of_bodies)
        .flatten()
        .filter_map(|check| match check {
            Check::Schema(id) => Some(*id),
            _ => None,
        })
        .collect()
}

/// Old ids to new ones. Everything that a kept item names is kept, so a lookup always finds; an id that is not kept stays as it
/// is rather than to panic, and [`Api::check`] would find it.
struct Renumber<'a> {
    types: Vec<Option<TypeId>>,
    interfaces: Vec<Option<InterfaceId>>,
    operations: Vec<Option<OperationId>>,
    schemes: Vec<Option<SchemeId>>,
    schemas: Vec<Option<SchemaId>>,
    old_texts: &'a Texts,
    texts: Texts,
    moved_texts: Vec<Option<TextId>>,
}

fn new_id<I: Id>(table: &[Option<I>], id: I) -> I {
    table.get(id.index()).copied().flatten().unwrap_or(id)
}

impl Renumber<'_> {
    fn type_id(&self, id: TypeId) -> TypeId {
        new_id(&self.types, id)
    }

    fn text(&mut self, id: Option<TextId>) -> Option<TextId> {
        let id = id?;
        let text = self.old_texts.get(id)?;
        let moved = self.moved_texts.get_mut(id.index())?;
        Some(*moved.get_or_insert_with(|| self.texts.push(text)))
    }

    fn checks(&self, checks: &mut [Check]) {
        for check in checks {
            if let Check::Schema(id) = check {
                *id = new_id(&self.schemas, *id);
            }
        }
    }

    fn ty(&mut self, ty: &Type) -> Type {
        let mut ty = ty.clone();
        if let Some(name) = &mut ty.name {
            name.interface = new_id(&self.interfaces, name.interface);
        }
        each_shape_type(&mut ty.shape, &mut |id| *id = self.type_id(*id));
        each_wire_type(&mut ty.wire, &mut |id| *id = self.type_id(*id));
        self.checks(&mut ty.checks);
        match &mut ty.shape {
            Shape::Record(fields) => fields.iter_mut().for_each(|f| f.docs = self.text(f.docs)),
            Shape::Variant(cases) => cases.iter_mut().for_each(|c| c.docs = self.text(c.docs)),
            Shape::Enum(labels) | Shape::Flags(labels) => labels.iter_mut().for_each(|l| l.docs = self.text(l.docs)),
            Shape::Resource(resource) => {
                resource.operation = new_id(&self.operations, resource.operation);
                resource.methods.iter_mut().for_each(|m| m.docs = self.text(m.docs));
            }
            Shape::Call(call) => call.methods.iter_mut().for_each(|m| m.docs = self.text(m.docs)),
            _ => {}
        }
        ty.docs = self.text(ty.docs);
        ty.source = self.text(ty.source);
        ty
    }

    fn interface(&mut self, interface: &Interface) -> Interface {
        Interface {
            name: interface.name.clone(),
            docs: self.text(interface.docs),
            types: interface.types.iter().filter_map(|id| self.types[id.index()]).collect(),
            operations: interface.operations.iter().filter_map(|id| self.operations[id.index()]).collect(),
            renames: interface
                .renames
                .iter()
                .filter_map(|(id, name)| self.types[id.index()].map(|id| (id, name.clone())))
                .collect(),
        }
    }

    fn operation(&mut self, operation: &Operation) -> Operation {
        let mut operation = operation.clone();
        operation.interface = new_id(&self.interfaces, operation.interface);
        operation.params.iter_mut().for_each(|p| p.ty = self.type_id(p.ty));
        operation.result = self.type_id(operation.result);
        each_call_type(&mut operation.call, &mut |id| *id = self.type_id(*id));
        if let Call::Http(call) = &mut operation.call
            && let Some(BodyValue::Members { checks, .. }) = call.body.as_mut().map(|b| &mut b.value)
        {
            self.checks(checks);
        }
        operation.auth.alternatives.iter_mut().flatten().for_each(|id| *id = new_id(&self.schemes, *id));
        operation.docs = self.text(operation.docs);
        operation.source = self.text(operation.source);
        operation
    }

    fn world(&self, world: &World) -> Option<World> {
        let imports: Vec<InterfaceId> = world.imports.iter().filter_map(|id| self.interfaces[id.index()]).collect();
        (!imports.is_empty()).then(|| World { name: world.name.clone(), imports })
    }
}
