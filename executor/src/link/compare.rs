//! Compares a component's types with an API's, and makes the [`Layout`] of what agrees.

use std::collections::HashMap;

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ResourceType, Type};
use witwire_ir::{Api, Operation, Param, Shape, TypeId, WitName};

use super::describe::{api_type, component_type};
use super::problem::Difference;
use crate::lift::{Layout, Names, Node, NodeId};

/// The parameters and the result of a function, ready to be converted.
#[derive(Debug)]
pub(crate) struct Signature {
    /// In order.
    pub(crate) params: Vec<NodeId>,
    /// The `result<_, error>`.
    pub(crate) result: NodeId,
}

/// The parameters after `self` and the result of a method, ready to be converted.
#[derive(Debug)]
pub(crate) struct MethodSignature {
    /// In order.
    pub(crate) params: Vec<NodeId>,
    /// What it gives, if anything.
    pub(crate) result: Option<NodeId>,
}

/// Compares the functions that one component imports of one API.
pub(super) struct Comparer<'a> {
    api: &'a Api,
    layout: &'a mut Layout,
    /// The component's resource for one of the API.
    resources: &'a dyn Fn(TypeId) -> Option<ResourceType>,
    /// What was compared already. A component may spell one type of the API in several ways, one of them wrong.
    known: HashMap<TypeId, Vec<(Type, NodeId)>>,
    path: Vec<String>,
    differences: Vec<Difference>,
}

impl<'a> Comparer<'a> {
    pub(super) fn new(api: &'a Api, layout: &'a mut Layout, resources: &'a dyn Fn(TypeId) -> Option<ResourceType>) -> Self {
        Self { api, layout, resources, known: HashMap::new(), path: Vec::new(), differences: Vec::new() }
    }

    /// Compares an operation's function.
    pub(super) fn operation(&mut self, operation: &Operation, func: &ComponentFunc) -> Result<Signature, Vec<Difference>> {
        let params = self.params(&operation.params, func.params());
        let result = self.result(Some(operation.result), func);
        self.finish(result.map(|result| Signature { params, result }))
    }

    /// Compares a resource's method.
    pub(super) fn method(
        &mut self,
        resource: TypeId,
        params: &[Param],
        result: Option<TypeId>,
        func: &ComponentFunc,
    ) -> Result<MethodSignature, Vec<Difference>> {
        let mut actual = func.params();
        if !matches!(actual.next(), Some((_, Type::Borrow(own))) if (self.resources)(resource) == Some(own)) {
            self.differ("another first parameter".to_owned(), "`self` first".to_owned());
        }
        let params = self.params(params, actual);
        let result = self.result(result, func);
        self.finish(Some(MethodSignature { params, result }))
    }

    /// Compares the constructor of the resource `call`.
    pub(super) fn constructor(
        &mut self,
        resource: TypeId,
        func: &ComponentFunc,
    ) -> Result<MethodSignature, Vec<Difference>> {
        let own = matches!(func.results().next(), Some(Type::Own(own)) if (self.resources)(resource) == Some(own));
        if !own {
            self.differ("another result".to_owned(), "the resource".to_owned());
        }
        let params = self.params(&[], func.params());
        self.finish(Some(MethodSignature { params, result: None }))
    }

    fn finish<T>(&mut self, value: Option<T>) -> Result<T, Vec<Difference>> {
        match (value, std::mem::take(&mut self.differences)) {
            (Some(value), differences) if differences.is_empty() => Ok(value),
            (_, differences) => {
                // Types that were found wrong must be found wrong at every function that uses them.
                self.known.clear();
                Err(differences)
            }
        }
    }

    fn params<'t>(&mut self, expected: &[Param], actual: impl ExactSizeIterator<Item = (&'t str, Type)>) -> Vec<NodeId> {
        let actual: Vec<_> = actual.collect();
        if expected.len() != actual.len() {
            let names = |names: Vec<String>| format!("({})", names.join(", "));
            self.differ(
                names(actual.iter().map(|(n, _)| (*n).to_owned()).collect()),
                names(expected.iter().map(|p| p.name.as_str().to_owned()).collect()),
            );
            return Vec::new();
        }
        let pairs = expected.iter().zip(actual);
        pairs
            .map(|(expected, (name, ty))| {
                if name != expected.name.as_str() {
                    self.differ(format!("parameter `{name}`"), format!("parameter `{}`", expected.name.as_str()));
                }
                self.within(format!("parameter `{}`", expected.name.as_str()), |c| c.ty(expected.ty, &ty))
            })
            .collect()
    }

    fn result(&mut self, expected: Option<TypeId>, func: &ComponentFunc) -> Option<NodeId> {
        self.path.push("result".to_owned());
        let node = match (expected, func.results().next()) {
            (Some(expected), Some(actual)) => Some(self.ty(expected, &actual)),
            (None, None) => None,
            (expected, actual) => {
                let none = || "no result".to_owned();
                let actual = actual.map_or_else(none, |ty| component_type(&ty));
                self.differ(actual, expected.map_or_else(none, |ty| api_type(self.api, ty)));
                None
            }
        };
        self.path.pop();
        node
    }

    fn differ(&mut self, component: String, api: String) {
        self.differences.push(Difference { path: self.path.join(" "), component, api });
    }

    fn within<T>(&mut self, step: String, compare: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = compare(self);
        self.path.pop();
        result
    }

    fn ty(&mut self, expected: TypeId, actual: &Type) -> NodeId {
        // Behind it is the record of settings, which no component sees.
        if let Shape::Call(_) = self.api.types[expected].shape {
            if !matches!(actual, Type::Borrow(own) if (self.resources)(expected) == Some(*own)) {
                self.differ(component_type(actual), "borrow<call>".to_owned());
            }
            return self.layout.push(Node::Handle);
        }
        let expected = self.api.resolve(expected);
        if let Some(node) = self.known.get(&expected).and_then(|same| same.iter().find(|(ty, _)| ty == actual)) {
            return node.1;
        }
        let node = self.node(expected, actual);
        let id = self.layout.push(node);
        self.known.entry(expected).or_default().push((actual.clone(), id));
        id
    }

    /// The node of a type. Where the two differ, the difference is noted and the node is never used.
    fn node(&mut self, expected: TypeId, actual: &Type) -> Node {
        let api = self.api;
        match (&api.types[expected].shape, actual) {
            (Shape::Bool, Type::Bool) => Node::Bool,
            (Shape::U8, Type::U8) => Node::U8,
            (Shape::U16, Type::U16) => Node::U16,
            (Shape::U32, Type::U32) => Node::U32,
            (Shape::U64, Type::U64) => Node::U64,
            (Shape::S8, Type::S8) => Node::S8,
            (Shape::S16, Type::S16) => Node::S16,
            (Shape::S32, Type::S32) => Node::S32,
            (Shape::S64, Type::S64) => Node::S64,
            (Shape::F32, Type::Float32) => Node::F32,
            (Shape::F64, Type::Float64) => Node::F64,
            (Shape::Char, Type::Char) => Node::Char,
            (Shape::String, Type::String) => Node::String,
            (Shape::Bytes, Type::List(list)) if list.ty() == Type::U8 => Node::Bytes,
            (Shape::List(item), Type::List(list)) => Node::List(self.within("item".to_owned(), |c| c.ty(*item, &list.ty()))),
            (Shape::Option(some), Type::Option(option)) => Node::Option(self.ty(*some, &option.ty())),
            (Shape::Tuple(items), Type::Tuple(tuple)) if items.len() == tuple.types().len() => {
                let pairs = items.iter().zip(tuple.types()).enumerate();
                Node::Tuple(pairs.map(|(i, (t, ty))| self.within(format!("element {i}"), |c| c.ty(*t, &ty))).collect())
            }
            (Shape::Result { ok, err }, Type::Result(result)) => Node::Result {
                ok: self.payload("`ok`", *ok, result.ok().as_ref()),
                err: self.payload("`err`", *err, result.err().as_ref()),
            },
            (Shape::Record(fields), Type::Record(record)) => {
                let names: Vec<_> = record.fields().map(|f| f.name).collect();
                self.names("fields", &names, fields.iter().map(|f| &f.name));
                let pairs = fields.iter().filter_map(|f| Some((f, record.fields().find(|r| r.name == f.name.as_str())?)));
                let slots = pairs.map(|(field, actual)| {
                    let name = field.name.as_str();
                    (name.into(), self.within(format!("field `{name}`"), |c| c.ty(field.ty, &actual.ty)))
                });
                Node::Record(slots.collect())
            }
            (Shape::Variant(cases), Type::Variant(variant)) => {
                let names: Vec<_> = variant.cases().map(|c| c.name).collect();
                self.names("cases", &names, cases.iter().map(|c| &c.name));
                let pairs = cases.iter().filter_map(|c| Some((c, variant.cases().find(|v| v.name == c.name.as_str())?)));
                let payloads = pairs.map(|(case, actual)| {
                    self.payload(&format!("case `{}`", case.name.as_str()), case.ty, actual.ty.as_ref())
                });
                Node::Variant(Names::new(names), payloads.collect())
            }
            (Shape::Enum(labels), Type::Enum(actual)) => {
                let names: Vec<_> = actual.names().collect();
                self.names("cases", &names, labels.iter().map(|l| &l.name));
                Node::Enum(Names::new(names))
            }
            (Shape::Flags(labels), Type::Flags(actual)) => {
                let names: Vec<_> = actual.names().collect();
                self.names("flags", &names, labels.iter().map(|l| &l.name));
                Node::Flags(Names::new(names))
            }
            (Shape::Resource(_), Type::Own(own)) if (self.resources)(expected) == Some(*own) => Node::Handle,
            _ => {
                self.differ(component_type(actual), api_type(api, expected));
                Node::Handle
            }
        }
    }

    fn payload(&mut self, step: &str, expected: Option<TypeId>, actual: Option<&Type>) -> Option<NodeId> {
        self.within(step.to_owned(), |c| match (expected, actual) {
            (Some(expected), Some(actual)) => Some(c.ty(expected, actual)),
            (None, None) => None,
            _ => {
                let none = || "no payload".to_owned();
                c.differ(actual.map_or_else(none, component_type), expected.map_or_else(none, |ty| api_type(c.api, ty)));
                None
            }
        })
    }

    /// Names must be the same in the same order, since values go by position.
    fn names<'n>(&mut self, what: &str, actual: &[&str], expected: impl Iterator<Item = &'n WitName>) {
        let expected: Vec<_> = expected.map(WitName::as_str).collect();
        if actual == expected {
            return;
        }
        let missing_from = |here: &[&str], there: &[&str]| {
            here.iter().filter(|name| !there.contains(name)).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let (extra, missing) = (missing_from(actual, &expected), missing_from(&expected, actual));
        let (component, api) = match (extra.is_empty(), missing.is_empty()) {
            (true, true) => (format!("the {what} in the order {}", actual.join(", ")), expected.join(", ")),
            (true, false) => (format!("no {missing}"), format!("the {what} {}", expected.join(", "))),
            (false, true) => (format!("also {extra}"), format!("only the {what} {}", expected.join(", "))),
            (false, false) => (format!("{extra} and no {missing}"), format!("the {what} {}", expected.join(", "))),
        };
        self.differ(component, api);
    }
}
