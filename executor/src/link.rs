//! Finds the operation behind every function that a component imports, and proves that the two agree.
//!
//! wasmtime does not compare the types of dynamically linked functions. This module does, for every function and to the last
//! name, and refuses the component with all reasons at once.

mod compare;
mod describe;
mod problem;
#[cfg(test)]
mod tests;
mod version;

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ResourceType};
use witwire_ir::{Api, CallPart, InterfaceId, OperationId, Shape, Step, TypeId};

pub(crate) use compare::{MethodSignature, Signature};
pub use problem::{Difference, LinkError, LinkProblem};

use crate::lift::Layout;
use crate::oplog::FunctionName;
use compare::Comparer;
use version::ImportName;

/// What a component imports, found in APIs.
#[derive(Debug)]
pub(crate) struct Imports {
    pub(crate) layout: Layout,
    pub(crate) functions: Vec<Function>,
    pub(crate) resources: Vec<ResourceImport>,
    /// Whether an interface of WASI is among the imports.
    pub(crate) wasi: bool,
}

/// A function that a component imports.
#[derive(Debug)]
pub(crate) struct Function {
    /// As the component names it.
    pub(crate) name: FunctionName,
    /// The index of its API among those given.
    pub(crate) api: usize,
    pub(crate) target: Target,
}

/// What is behind a function.
#[derive(Debug)]
pub(crate) enum Target {
    /// An operation.
    Operation(OperationId, Signature),
    /// A method of a stream.
    Step(Step, MethodSignature),
    /// A method of the resource `call`.
    Call(CallPart, MethodSignature),
}

/// A resource that a component imports, by the interface and its name there.
#[derive(Debug)]
pub(crate) struct ResourceImport {
    pub(crate) interface: String,
    pub(crate) name: String,
    pub(crate) kind: ResourceKind,
}

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// An open stream.
    Stream,
    /// Settings of a call.
    Call,
}

/// Finds all that a component imports.
pub(crate) fn resolve(engine: &Engine, component: &Component, apis: &[Arc<Api>]) -> Result<Imports, LinkError> {
    let mut resolver = Resolver {
        engine,
        apis,
        imports: Imports { layout: Layout::default(), functions: Vec::new(), resources: Vec::new(), wasi: false },
        problems: Vec::new(),
        resources: HashMap::new(),
    };
    let ty = component.component_type();
    for (name, import) in ty.imports(engine) {
        match import.ty {
            ComponentItem::ComponentInstance(_) if is_wasi(name) => resolver.imports.wasi = true,
            ComponentItem::ComponentInstance(instance) => resolver.interface(name, &instance),
            // A type of the world itself: an alias that needs nothing from the host.
            ComponentItem::Type(_) => {}
            other => resolver.problems.push(LinkProblem::Unsupported { import: name.to_owned(), what: kind(&other) }),
        }
    }
    if resolver.problems.is_empty() { Ok(resolver.imports) } else { Err(LinkError { problems: resolver.problems }) }
}

/// Whether an import is one of the WASI 0.2 interfaces that the host gives to every component (see [`crate::wasi`]).
fn is_wasi(import: &str) -> bool {
    const PACKAGES: [&str; 6] = ["cli", "clocks", "filesystem", "io", "random", "sockets"];
    import.strip_prefix("wasi:").and_then(|rest| rest.split_once('/')).is_some_and(|(package, rest)| {
        PACKAGES.contains(&package) && rest.split_once('@').is_some_and(|(_, v)| v.starts_with("0.2."))
    })
}

fn kind(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => "a function outside an interface",
        ComponentItem::Module(_) => "a core module",
        ComponentItem::Component(_) => "a component",
        ComponentItem::ComponentInstance(_) => "an interface",
        ComponentItem::Type(_) => "a type",
        ComponentItem::Resource(_) => "a resource outside an interface",
    }
}

struct Resolver<'a> {
    engine: &'a Engine,
    apis: &'a [Arc<Api>],
    imports: Imports,
    problems: Vec<LinkProblem>,
    /// The component's resource for each of an API, by the API's index.
    resources: HashMap<(usize, TypeId), ResourceType>,
}

impl Resolver<'_> {
    fn interface(&mut self, import: &str, instance: &ComponentInstance) {
        // An interface of types alone needs nothing from the host.
        let needs_host = |item: &ComponentItem| !matches!(item, ComponentItem::Type(_));
        if !instance.exports(self.engine).any(|(_, item)| needs_host(&item.ty)) {
            return;
        }
        let (index, id) = match self.find(import) {
            Ok(found) => found,
            Err(problem) => return self.problems.push(problem),
        };
        let apis = self.apis;
        let api = &*apis[index];
        // Resources first: functions are compared with them.
        for (name, item) in instance.exports(self.engine) {
            if let (ComponentItem::Resource(ty), Some((id, _))) = (item.ty, declared(api, id, name)) {
                self.resources.insert((index, id), ty);
            }
        }
        let resources = &self.resources;
        let known = |ty: TypeId| resources.get(&(index, ty)).copied();
        let mut comparer = Comparer::new(api, &mut self.imports.layout, &known);
        for (name, item) in instance.exports(self.engine) {
            match item.ty {
                ComponentItem::ComponentFunc(func) => match function(api, id, import, name, &func, &mut comparer) {
                    Ok(target) => {
                        let name = FunctionName::of(import, name);
                        self.imports.functions.push(Function { name, api: index, target });
                    }
                    Err(problems) => self.problems.extend(problems),
                },
                ComponentItem::Resource(ty) => {
                    let (interface, name) = (import.to_owned(), name.to_owned());
                    if let Some((_, kind)) = declared(api, id, &name) {
                        self.imports.resources.push(ResourceImport { interface, name, kind });
                    } else if !resources.values().any(|known| *known == ty) {
                        // One that another interface declares is linked there.
                        self.problems.push(LinkProblem::NoResource { interface, resource: name });
                    }
                }
                ComponentItem::Type(_) => {}
                other => {
                    let import = format!("{import}#{name}");
                    self.problems.push(LinkProblem::Unsupported { import, what: kind(&other) });
                }
            }
        }
    }

    /// The interface that an import means: of the loaded versions that link, the same or else the newest.
    fn find(&self, import: &str) -> Result<(usize, InterfaceId), LinkProblem> {
        let all = || {
            let apis = self.apis.iter().enumerate();
            apis.flat_map(|(index, api)| api.interfaces.iter().map(move |(id, _)| (index, id, api.import_name(id))))
        };
        let Some(wanted) = ImportName::parse(import) else {
            return Err(LinkProblem::NoApi {
                import: import.to_owned(),
                available: all().map(|(_, _, name)| name).collect(),
            });
        };
        let candidates: Vec<_> = all().collect();
        let linking: Vec<_> = candidates
            .iter()
            .filter_map(|(index, id, name)| Some((*index, *id, ImportName::parse(name)?)))
            .filter(|(_, _, have)| wanted.links_with(have))
            .collect();
        if let Some((index, id, best)) = linking.iter().max_by(|(_, _, a), (_, _, b)| wanted.prefer(a, b)) {
            let count = linking.iter().filter(|(_, _, have)| have == best).count();
            return match count {
                1 => Ok((*index, *id)),
                _ => Err(LinkProblem::Ambiguous { import: import.to_owned(), count }),
            };
        }
        let others: Vec<_> = candidates
            .iter()
            .filter(|(_, _, name)| ImportName::parse(name).is_some_and(|have| have.path == wanted.path))
            .map(|(_, _, name)| name.clone())
            .collect();
        let import = import.to_owned();
        Err(if others.is_empty() {
            let functions = candidates.into_iter().filter(|(i, id, _)| !self.apis[*i].interfaces[*id].operations.is_empty());
            LinkProblem::NoApi { import, available: functions.map(|(_, _, name)| name).collect() }
        } else {
            LinkProblem::OtherVersion { import, available: others }
        })
    }
}

fn function(
    api: &Api,
    interface: InterfaceId,
    import: &str,
    name: &str,
    func: &ComponentFunc,
    comparer: &mut Comparer<'_>,
) -> Result<Target, Vec<LinkProblem>> {
    if func.async_() {
        return Err(vec![LinkProblem::Async { interface: import.to_owned(), function: name.to_owned() }]);
    }
    let missing = || vec![LinkProblem::NoFunction { interface: import.to_owned(), function: name.to_owned() }];
    let compared = if let Some(method) = name.strip_prefix("[method]") {
        let (resource_name, method_name) = method.split_once('.').ok_or_else(missing)?;
        let (id, _) = declared(api, interface, resource_name).ok_or_else(missing)?;
        match &api.types[id].shape {
            Shape::Call(call) => {
                let mut methods = call.methods.iter().filter(|m| m.part != CallPart::New);
                let method = methods.find(|m| m.part.name() == method_name).ok_or_else(missing)?;
                let compared = comparer.method(id, &method.params, method.result, func);
                compared.map(|signature| Target::Call(method.part, signature))
            }
            Shape::Resource(resource) => {
                let method = resource.methods.iter().find(|m| m.step.name() == method_name).ok_or_else(missing)?;
                let compared = comparer.method(id, &method.params, method.result, func);
                compared.map(|signature| Target::Step(method.step, signature))
            }
            _ => return Err(missing()),
        }
    } else if let Some(resource_name) = name.strip_prefix("[constructor]") {
        match declared(api, interface, resource_name).ok_or_else(missing)? {
            (id, ResourceKind::Call) => {
                comparer.constructor(id, func).map(|signature| Target::Call(CallPart::New, signature))
            }
            (_, ResourceKind::Stream) => return Err(missing()),
        }
    } else {
        let mut operations = api.interfaces[interface].operations.iter();
        let id = *operations.find(|id| api.operations[**id].name.as_str() == name).ok_or_else(missing)?;
        comparer.operation(&api.operations[id], func).map(|signature| Target::Operation(id, signature))
    };
    compared.map_err(|differences| {
        let problem =
            |difference| LinkProblem::Mismatch { interface: import.to_owned(), function: name.to_owned(), difference };
        differences.into_iter().map(problem).collect()
    })
}

/// The resource of a name that an interface declares.
fn declared(api: &Api, interface: InterfaceId, name: &str) -> Option<(TypeId, ResourceKind)> {
    api.interfaces[interface].types.iter().find_map(|id| {
        let ty = &api.types[*id];
        let kind = match ty.shape {
            Shape::Resource(_) => ResourceKind::Stream,
            Shape::Call(_) => ResourceKind::Call,
            _ => return None,
        };
        ty.name.as_ref().is_some_and(|n| n.name.as_str() == name).then_some((*id, kind))
    })
}
