//! The pass that lowers messages and enums to types.

mod inline;
mod message;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::ProtoEnum;
use witwire_ir::{Api, Case, Id, InterfaceId, Label, Shape, TextId, Type, TypeId, TypeName, WitName, host};

use super::extent::{self, Extent};
use super::findings::Findings;
use super::graph::{Graph, targets};
use super::model::{Element, EnumId, Kind, MessageId, Model};
use super::naming::{self, TypeNames, UNRECOGNIZED};
use super::plan::Plan;
use super::settings::Settings;
use super::sharing::Sharing;
use inline::Inline;

/// Lowers the types of one package into its interface `types`.
pub(super) struct Types<'a> {
    pub(super) api: Api,
    model: &'a Model,
    graph: &'a Graph,
    settings: &'a Settings<'a>,
    names: &'a TypeNames,
    sharing: &'a Sharing,
    pub(super) findings: &'a mut Findings,
    /// The protobuf package of the services.
    package: &'a str,
    interface: InterfaceId,
    inline: Inline,
    /// `record error`
    pub(super) error: TypeId,
    /// Types by what they are of; recursive messages by their tables.
    messages: HashMap<MessageId, TypeId>,
    nodes: HashMap<MessageId, TypeId>,
    references: HashMap<MessageId, TypeId>,
    enums: HashMap<EnumId, TypeId>,
    /// The variant of an `Any` of known messages.
    any_message: Option<TypeId>,
    /// Recursive messages that are used as a whole.
    tables: BTreeSet<MessageId>,
    /// Declared types with what orders them in print.
    declared: Vec<(PrintOrder, TypeId)>,
}

/// What types are lowered from.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) model: &'a Model,
    pub(super) settings: &'a Settings<'a>,
    pub(super) plan: &'a Plan<'a>,
    pub(super) sharing: &'a Sharing,
}

/// What orders types in print: the own package first, messages before enums, as in the source, a message's parts behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PrintOrder {
    foreign: bool,
    is_enum: bool,
    index: usize,
    part: usize,
}

impl<'a> Types<'a> {
    /// Lowers everything that the plan prints, `left_out` excepted.
    pub(super) fn lower(
        mut api: Api,
        interface: InterfaceId,
        ground: Ground<'a>,
        left_out: &BTreeSet<MessageId>,
        findings: &'a mut Findings,
    ) -> Self {
        let Ground { model, settings, plan, sharing } = ground;
        let error = host::grpc::declare(&mut api, interface);
        let mut types = Self {
            api,
            model,
            graph: plan.graph,
            settings,
            names: &plan.names,
            sharing,
            findings,
            package: &plan.proto_package,
            interface,
            inline: Inline::default(),
            error,
            messages: HashMap::new(),
            nodes: HashMap::new(),
            references: HashMap::new(),
            enums: HashMap::new(),
            any_message: None,
            tables: tables(model, plan).difference(left_out).copied().collect(),
            declared: Vec::new(),
        };
        for &id in &plan.printed.enums {
            // Where it is a case of a oneof it has no value, and needs no type.
            if !types.is_null(Kind::Enum(id)) {
                types.enumeration(id);
            }
        }
        for &id in plan.graph.order() {
            if plan.printed.messages.contains(&id) && !left_out.contains(&id) {
                types.message(id);
            }
        }
        types.order();
        types
    }

    /// How large the types of messages are.
    pub(super) fn extents(&self) -> BTreeMap<MessageId, Extent> {
        let extents = extent::extents(&self.api);
        self.messages.iter().map(|(message, ty)| (*message, extents[ty.index()])).collect()
    }

    /// The type of a message that has fields.
    pub(super) fn message_type(&self, id: MessageId) -> Option<TypeId> {
        self.messages.get(&id).copied()
    }

    /// Adds a type written in place; equal ones are one.
    pub(super) fn inline(&mut self, shape: Shape) -> TypeId {
        self.inline.intern(&mut self.api, shape)
    }

    pub(super) fn text(&mut self, text: Option<String>) -> Option<TextId> {
        text.map(|t| self.api.texts.push(t))
    }

    /// The documentation of an element.
    pub(super) fn docs(&mut self, element: &Element, more: Option<String>) -> Option<TextId> {
        let deprecated = element.deprecated.then(|| "Deprecated.".to_owned());
        let parts: Vec<String> = [element.docs.clone(), more, deprecated].into_iter().flatten().collect();
        self.text((!parts.is_empty()).then(|| parts.join("\n\n")))
    }

    /// Declares a named type.
    fn declare(&mut self, order: PrintOrder, name: &WitName, source: &str, shape: Shape, wire: Wire) -> TypeId {
        let source = self.text(Some(source.to_owned()));
        let name = Some(TypeName { interface: self.interface, name: name.clone() });
        let ty = self.api.types.push(Type { name, shape, wire, checks: Vec::new(), docs: None, source });
        self.declared.push((order, ty));
        ty
    }

    /// Prints the package's types before the host's.
    fn order(&mut self) {
        self.declared.sort();
        let own = self.declared.iter().map(|(_, ty)| *ty);
        self.api.interfaces[self.interface].types.splice(0..0, own);
    }

    /// Whether a kind has one value only, which a oneof's case need not tell.
    fn is_null(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Enum(e) if self.model.enums[e].element.full_name == "google.protobuf.NullValue")
    }

    fn enumeration(&mut self, id: EnumId) {
        let e = &self.model.enums[id];
        let Some(name) = self.names.enums.get(&id) else { return };
        let names = naming::cases(e, self.settings, self.findings);
        let shape = if e.closed {
            let labels = names.into_iter().zip(&e.values);
            Shape::Enum(labels.map(|(name, v)| Label { name, docs: self.docs(&v.element, None) }).collect())
        } else {
            let cases = names.into_iter().zip(&e.values);
            let mut cases: Vec<Case> =
                cases.map(|(name, v)| Case { name, ty: None, docs: self.docs(&v.element, None) }).collect();
            let number = self.inline(Shape::S32);
            cases.push(Case { name: literal(UNRECOGNIZED), ty: Some(number), docs: None });
            Shape::Variant(cases)
        };
        let default = if e.closed { 0 } else { e.values.iter().position(|v| v.number == 0).unwrap_or_default() };
        let wire = Wire::ProtoEnum(ProtoEnum {
            full_name: e.element.full_name.clone(),
            numbers: e.values.iter().map(|v| v.number).collect(),
            default: default as u32,
            closed: e.closed,
        });
        let order = PrintOrder { foreign: e.home.package != self.package, is_enum: true, index: id.index(), part: 0 };
        let ty = self.declare(order, name, &e.element.full_name, shape, wire);
        self.api.types[ty].docs = self.docs(&e.element, None);
        self.enums.insert(id, ty);
    }
}

/// The recursive messages that something outside their group refers to; of a group that nothing refers to, all.
fn tables(model: &Model, plan: &Plan<'_>) -> BTreeSet<MessageId> {
    let graph = plan.graph;
    let recursive = |m: &MessageId| graph.group(*m).is_some();
    let mut tables: BTreeSet<MessageId> = plan.methods(model).flat_map(|m| [m.input, m.output]).filter(recursive).collect();
    for &message in &plan.printed.messages {
        tables.extend(targets(model, message).into_iter().filter(|t| recursive(t) && !graph.same_group(message, *t)));
    }
    for &message in &plan.printed.messages {
        let group = graph.group(message).unwrap_or_default();
        if group.iter().all(|m| !tables.contains(m)) {
            tables.extend(group);
        }
    }
    tables
}

/// A name that is written here.
pub(super) fn literal(text: &str) -> WitName {
    crate::names::name(text, text, text).name
}
