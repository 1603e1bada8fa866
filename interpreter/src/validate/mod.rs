//! The rules of an API, compiled once and run over arguments before anything is sent.

mod format;
mod number;
mod part;
mod pattern;
mod report;
mod run;
mod schema;
mod unique;

use std::sync::Arc;

use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Api, Arena, Check, Id, Operation, Part, Schema, SchemaId, Shape, Type, TypeId, Value};

pub(crate) use report::Report;
pub(crate) use schema::Spread;

use crate::json::Codecs;
use pattern::{Dialect, Pattern};
use schema::LazySchema;

/// The rules of all types of an API.
#[derive(Debug)]
pub(crate) struct Checks {
    /// By type; empty where the type itself has no rule.
    rules: Vec<Box<[Rule]>>,
    /// By type: whether the type or one that it reaches has a rule.
    below: Vec<bool>,
    /// Stored schemas, each built when it is first needed.
    schemas: Vec<LazySchema>,
    /// What the schemas read values by.
    codecs: Arc<Codecs>,
}

/// A rule ready to be run.
#[derive(Debug)]
enum Rule {
    /// A rule that needs no preparation.
    Simple(Check),
    /// A pattern of either dialect.
    Pattern(Pattern),
    /// A table of nodes stands for a tree.
    Nodes,
    /// A rule about part of the value.
    At { place: Box<[Part]>, rule: Box<Rule>, unless_zero: bool },
}

impl Checks {
    /// Compiles the rules of all types. Patterns and schemas are prepared when they are first needed.
    pub(crate) fn new(api: &Api, codecs: Arc<Codecs>) -> Self {
        let rules: Vec<_> = api.types.iter().map(|(_, ty)| compile(ty)).collect();
        let below = reach(api, &rules);
        let schemas = lazy_schemas(&api.schemas);
        Self { rules, below, schemas, codecs }
    }

    /// Runs the rules of an operation's parameters over its arguments.
    pub(crate) fn arguments(&self, api: &Api, operation: &Operation, args: &[Value], report: &mut Report) {
        for (param, value) in operation.params.iter().zip(args) {
            if self.needed(param.ty) {
                report.within(param.name.as_str(), |report| self.run(api, param.ty, value, report));
            }
        }
    }

    /// Whether the type, or one that it reaches, has rules.
    pub(crate) fn needed(&self, ty: TypeId) -> bool {
        self.below.get(ty.index()).copied().unwrap_or(false)
    }
}

fn compile(ty: &Type) -> Box<[Rule]> {
    let table = matches!(ty.wire, Wire::Json(Json::Table(_))).then_some(Rule::Nodes);
    table.into_iter().chain(ty.checks.iter().map(rule)).collect()
}

/// `At` stands in no `At` of a checked API, so this goes one level deep.
fn rule(check: &Check) -> Rule {
    match check {
        Check::Pattern(source) => Rule::Pattern(Pattern::new(source, Dialect::Ecma)),
        Check::Re2(source) => Rule::Pattern(Pattern::new(source, Dialect::Re2)),
        Check::At { place, check, unless_zero } => {
            Rule::At { place: place.clone().into(), rule: Box::new(rule(check)), unless_zero: *unless_zero }
        }
        other => Rule::Simple(other.clone()),
    }
}

fn lazy_schemas(schemas: &Arena<SchemaId, Schema>) -> Vec<LazySchema> {
    schemas.iter().map(|(_, schema)| LazySchema::new(&schema.json)).collect()
}

/// For each type whether it or a type that it reaches has a rule: a search from the ruled types against the references.
fn reach(api: &Api, rules: &[Box<[Rule]>]) -> Vec<bool> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (id, ty) in api.types.iter() {
        children(&ty.shape, |child| {
            if let Some(users) = users.get_mut(child.index()) {
                users.push(id.index());
            }
        });
    }
    let mut below = vec![false; rules.len()];
    let mut open: Vec<usize> = (0..rules.len()).filter(|i| !rules[*i].is_empty()).collect();
    while let Some(ty) = open.pop() {
        if !std::mem::replace(&mut below[ty], true) {
            open.extend(&users[ty]);
        }
    }
    below
}

/// The types that a shape refers to; a resource's methods travel on their own.
fn children(shape: &Shape, mut each: impl FnMut(TypeId)) {
    match shape {
        Shape::List(ty) | Shape::Option(ty) | Shape::Alias(ty) => each(*ty),
        Shape::Tuple(types) => types.iter().copied().for_each(each),
        Shape::Result { ok, err } => ok.iter().chain(err).copied().for_each(each),
        Shape::Record(fields) => fields.iter().map(|f| f.ty).for_each(each),
        Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).for_each(each),
        _ => {}
    }
}
