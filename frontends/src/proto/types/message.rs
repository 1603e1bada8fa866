//! Messages.

use std::collections::BTreeSet;

use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{self, Codec, OneofCase, Presence, Scalar};
use witwire_ir::{Case, Check, Field, Format, Id, Part, Shape, Type, TypeId, WitName};

use crate::{Code, names};

use super::super::model::{self, Cardinality, Element, Kind, Message, MessageId, Model};
use super::super::naming::{self, Member};
use super::super::rules;
use super::super::sharing::SharedTable;
use super::super::well_known::{WellKnown, well_known};
use super::inline::scalar;
use super::{PrintOrder, Types, literal};

/// What one slot of a message's record is to be.
struct Slot<'m> {
    element: &'m Element,
    content: Content<'m>,
}

enum Content<'m> {
    Field(&'m model::Field),
    Oneof(usize, Vec<&'m model::Field>),
}

impl Types<'_> {
    /// Lowers a message. All that it refers to outside its recursive group is lowered already.
    pub(super) fn message(&mut self, id: MessageId) {
        let message = &self.model.messages[id];
        match well_known(&message.element.full_name) {
            Some(WellKnown::Any) => return self.any(id),
            Some(WellKnown::Timestamp) => return self.time(id, Shape::U32, Scalar::Uint32, Format::ProtoTimestamp),
            Some(WellKnown::Duration) => return self.time(id, Shape::S32, Scalar::Int32, Format::ProtoDuration),
            Some(WellKnown::FieldMask | WellKnown::Wrapper(_)) | None => {}
        }
        if let Some(table) = self.sharing.of_node(id) {
            // The root comes last, when all that it holds is lowered.
            if table.root() == id {
                self.shared_table(table);
            }
            return;
        }
        let Some(group) = self.graph.group(id) else {
            if let Some(name) = self.names.messages.get(&id) {
                let ty = self.record(id, name, 1);
                self.messages.insert(id, ty);
            }
            return;
        };
        // The first member of a group lowers the whole group.
        if self.nodes.contains_key(&id) {
            return;
        }
        for &member in group {
            self.reference(member);
        }
        for &member in group {
            if let Some(name) = self.names.nodes.get(&member) {
                let node = self.record(member, name, 2);
                self.nodes.insert(member, node);
            }
        }
        let nodes: Vec<TypeId> = group.iter().filter_map(|m| self.nodes.get(m).copied()).collect();
        for (root, &member) in group.iter().enumerate() {
            if self.tables.contains(&member) {
                let how = "Recursive: `{}[0]` is the root, the other nodes are referred to by position.";
                self.table(member, group, nodes.clone(), root, how);
            }
        }
    }

    /// Lowers a large message and those through which it holds the shared one.
    fn shared_table(&mut self, table: &SharedTable) {
        let members = table.members();
        for &member in &members[1..] {
            if !self.references.contains_key(&member) {
                self.reference(member);
            }
        }
        let mut nodes = Vec::new();
        for &member in &table.nodes {
            let is_root = member == table.root();
            let name = if is_root { self.names.nodes.get(&member) } else { self.names.messages.get(&member) };
            if let Some(name) = name {
                nodes.push(self.record(member, name, if is_root { 2 } else { 1 }));
            }
        }
        nodes.extend(self.messages.get(&table.shared));
        let how = "`{}[0]` is the message, what is in the other lists is referred to by position: written out in place it \
                   would be larger than component tools accept.";
        self.table(table.root(), &members, nodes, 0, how);
    }

    fn order_of(&self, id: MessageId, part: usize) -> PrintOrder {
        let foreign = self.model.messages[id].home.package != self.package;
        PrintOrder { foreign, is_enum: false, index: id.index(), part }
    }

    /// The host's record `any` is the message's too.
    fn any(&mut self, id: MessageId) {
        let named = |t: &Type| t.name.as_ref().is_some_and(|n| n.name.as_str() == "any");
        let Some(any) = self.api.types.iter().find(|(_, t)| named(t)).map(|(id, _)| id) else { return };
        let field = |number, name: &str, scalar| proto::Field::Singular {
            number,
            name: name.to_owned(),
            codec: Codec::Scalar(scalar),
            presence: Presence::Implicit,
        };
        self.api.types[any].wire = Wire::Message(proto::Message {
            full_name: self.model.messages[id].element.full_name.clone(),
            fields: vec![field(1, "type_url", Scalar::String), field(2, "value", Scalar::Bytes)],
        });
        self.messages.insert(id, any);
        if let Some(name) = &self.names.any {
            self.any_message(id, any, name);
        }
    }

    /// The variant of the messages that an `Any` holds as themselves.
    fn any_message(&mut self, id: MessageId, any: TypeId, name: &WitName) {
        let known = self.model.held_by_any(id);
        let (mut cases, mut wire) = (Vec::new(), Vec::new());
        let mut scope = names::Scope::new();
        for message in known {
            let Message { element, home, .. } = &self.model.messages[*message];
            let words: Vec<String> = home.path.iter().flat_map(|part| names::words(part)).collect();
            let given = self.names.messages.get(message).cloned();
            let wish = given.unwrap_or_else(|| names::from_words(&words, "message", &element.full_name).into());
            scope.wish(1, wish, None, &element.full_name);
        }
        scope.wish(0, literal("other"), None, "");
        for (message, name) in known.iter().zip(scope.give().names) {
            let ty = self.messages.get(message).copied();
            cases.push(Case { name, ty, docs: None });
            let full_name = self.model.messages[*message].element.full_name.clone();
            wire.push(proto::KnownMessage { full_name, codec: ty.map_or(Codec::Empty, Codec::Message) });
        }
        cases.push(Case { name: literal("other"), ty: Some(any), docs: None });
        let full_name = self.model.messages[id].element.full_name.clone();
        let map = Wire::AnyOf(proto::AnyOf { known: wire, other: any });
        let ty = self.declare(self.order_of(id, 1), name, &full_name, Shape::Variant(cases), map);
        self.api.types[ty].docs =
            self.text(Some("A message of any type: one that is known here, or another, encoded.".to_owned()));
        self.any_message = Some(ty);
    }

    /// `Timestamp` and `Duration`.
    fn time(&mut self, id: MessageId, nanos: Shape, nanos_scalar: Scalar, format: Format) {
        let Some(name) = self.names.messages.get(&id) else { return };
        let seconds = self.inline(Shape::S64);
        let nanos = self.inline(nanos);
        let shape = Shape::Record(vec![
            Field { name: literal("seconds"), ty: seconds, docs: None },
            Field { name: literal("nanoseconds"), ty: nanos, docs: None },
        ]);
        let field = |number, name: &str, scalar| proto::Field::Singular {
            number,
            name: name.to_owned(),
            codec: Codec::Scalar(scalar),
            presence: Presence::Implicit,
        };
        let full_name = self.model.messages[id].element.full_name.clone();
        let wire = Wire::Message(proto::Message {
            full_name: full_name.clone(),
            fields: vec![field(1, "seconds", Scalar::Int64), field(2, "nanos", nanos_scalar)],
        });
        let ty = self.declare(self.order_of(id, 1), name, &full_name, shape, wire);
        let docs = match format {
            Format::ProtoTimestamp => {
                "A point in time: seconds since 1970-01-01T00:00:00Z, and nanoseconds that count forward."
            }
            _ => "A span of time. Seconds and nanoseconds have the same sign.",
        };
        self.api.types[ty].docs = self.text(Some(docs.to_owned()));
        self.api.types[ty].checks.push(Check::Format(format));
        self.messages.insert(id, ty);
    }

    /// `type x-ref = u32`
    fn reference(&mut self, id: MessageId) {
        let Some(name) = self.names.references.get(&id) else { return };
        let number = self.inline(Shape::U32);
        let full_name = self.model.messages[id].element.full_name.clone();
        let ty = self.declare(self.order_of(id, 3), name, &full_name, Shape::Alias(number), Wire::Plain);
        let table = self.plural(id);
        self.api.types[ty].docs = self.text(Some(format!("A position in `{}`.", table.as_str())));
        self.references.insert(id, ty);
    }

    /// The record that holds the nodes of a group of messages, the root at position 0 of its own list. `how` tells the reader so,
    /// with `{}` for the name of that list.
    fn table(&mut self, id: MessageId, group: &[MessageId], nodes: Vec<TypeId>, root: usize, how: &str) {
        let Some(name) = self.names.messages.get(&id) else { return };
        let mut scope = names::Scope::new();
        for member in group {
            let source = self.model.messages[*member].element.full_name.as_str();
            scope.wish((), names::name(self.plural(*member).as_str(), "nodes", source), None, source);
        }
        let fields = scope.give().names.into_iter().zip(&nodes);
        let fields = fields.map(|(name, node)| Field { name, ty: self.inline(Shape::List(*node)), docs: None }).collect();
        let element = &self.model.messages[id].element;
        let wire = Wire::Table(proto::Table { nodes, root: root as u16 });
        let ty = self.declare(self.order_of(id, 1), name, &element.full_name, Shape::Record(fields), wire);
        let how = how.replace("{}", self.plural(id).as_str());
        self.api.types[ty].docs = self.docs(element, Some(how));
        self.messages.insert(id, ty);
    }

    /// The name of the list of a message's nodes: its own name in the plural.
    fn plural(&self, id: MessageId) -> WitName {
        let full_name = &self.model.messages[id].element.full_name;
        let name = self.names.messages.get(&id).map_or("nodes", WitName::as_str);
        names::name(&names::plural(name), "nodes", full_name).name
    }

    /// The record of a message, or of its node.
    fn record(&mut self, id: MessageId, name: &WitName, part: usize) -> TypeId {
        let message = &self.model.messages[id];
        if !message.extensions.is_empty() {
            let list: Vec<String> = message.extensions.iter().map(|e| format!("`{e}`")).collect();
            let what = format!("extension fields are not part of the record: {}", list.join(", "));
            self.findings.note(Code::ProtoDegraded, message.element.at.clone(), what);
        }
        let slots = slots(self.model, message);
        let mut members: Vec<Member<'_>> = slots.iter().map(|s| Member::of(&message.element.full_name, s.element)).collect();
        let keeps_unknown = self.settings.keeps_unknown();
        if keeps_unknown {
            members.push(Member::added("unknown-fields", &message.element));
        }
        let mut names = naming::members(&members, self.settings, self.findings);
        let kept = if keeps_unknown { names.pop() } else { None };
        let (mut fields, mut wire) = (Vec::new(), Vec::new());
        for (slot, name) in slots.iter().zip(names) {
            let (ty, field, more) = match &slot.content {
                Content::Field(field) => {
                    if field.oneof.is_some() {
                        let what = "a group without fields cannot be a case; it stands beside its oneof";
                        self.findings.note(Code::ProtoDegraded, field.element.at.clone(), what);
                    }
                    self.field(id, field)
                }
                Content::Oneof(index, cases) => {
                    let (ty, field) = self.oneof(id, *index, cases);
                    (ty, field, None)
                }
            };
            let json = match &slot.content {
                Content::Field(field) => field.json_name.as_ref().map(|name| format!("`{name}` in JSON.")),
                Content::Oneof(..) => None,
            };
            let more: Vec<String> = [more, json].into_iter().flatten().collect();
            let more = (!more.is_empty()).then(|| more.join(" "));
            fields.push(Field { name, ty, docs: self.docs(slot.element, more) });
            wire.push(field);
        }
        if let Some(name) = kept {
            let docs =
                self.text(Some("Fields that the specification does not know, encoded as they were received.".to_owned()));
            fields.push(Field { name, ty: self.inline(Shape::Bytes), docs });
            wire.push(proto::Field::Unknown);
        }
        let checks = self.rules(message, &slots);
        let element = &message.element;
        let wire = Wire::Message(proto::Message { full_name: element.full_name.clone(), fields: wire });
        let ty = self.declare(self.order_of(id, part), name, &element.full_name, Shape::Record(fields), wire);
        self.api.types[ty].checks = checks;
        // A recursive message has its documentation on its table.
        self.api.types[ty].docs = if part == 1 { self.docs(element, None) } else { None };
        ty
    }

    /// What is checked of a message before it is sent; rules that are not are reported.
    fn rules(&mut self, message: &Message, slots: &[Slot<'_>]) -> Vec<Check> {
        let typed_any = self.any_message.is_some();
        let at_most_one = message.rules.as_deref().map(rules::at_most_one).unwrap_or_default();
        let of_field = |field: &model::Field, place: &[Part]| {
            rules::of_field(field, place, typed_any, at_most_one.contains(&field.name))
        };
        let mut all = vec![message.rules.as_deref().map(rules::of_message).unwrap_or_default()];
        for (index, slot) in slots.iter().enumerate() {
            let index = index as u16;
            match &slot.content {
                Content::Field(field) => {
                    if field.behavior_required && is_told_by_content(field) {
                        all.push(rules::required(index));
                    }
                    all.push(of_field(field, &[Part::Slot(index)]));
                }
                Content::Oneof(oneof, fields) => {
                    all.extend(message.oneofs[*oneof].rules.as_deref().map(|r| rules::of_oneof(r, index)));
                    for (case, field) in fields.iter().enumerate() {
                        all.push(of_field(field, &[Part::Slot(index), Part::Case(case as u32)]));
                    }
                }
            }
        }
        let unchecked: BTreeSet<&str> = all.iter().flat_map(|r| &r.unchecked).map(String::as_str).collect();
        if !unchecked.is_empty() {
            let list: Vec<&str> = unchecked.into_iter().collect();
            let what = format!("rules that are left to the server: {}", list.join(", "));
            self.findings.note(Code::RulesNotChecked, message.element.at.clone(), what);
        }
        all.into_iter().flat_map(|r| r.checks).collect()
    }

    /// A field's type, wire map, and what its documentation has to add.
    fn field(&mut self, container: MessageId, field: &model::Field) -> (TypeId, proto::Field, Option<String>) {
        let (number, name) = (field.number, field.name.clone());
        let group = field.group;
        if let Cardinality::Map = field.cardinality
            && let Some(map) = self.map(container, field)
        {
            return map;
        }
        let repeated = matches!(field.cardinality, Cardinality::Repeated { .. });
        let Some((ty, codec)) = self.value(container, field, field.kind) else {
            return if repeated {
                let ty = self.inline(Shape::U32);
                (
                    ty,
                    proto::Field::EmptyCount { number, name, group },
                    Some("How many; each is an empty message.".to_owned()),
                )
            } else {
                let ty = self.inline(Shape::Bool);
                (
                    ty,
                    proto::Field::EmptyFlag { number, name, group },
                    Some("Whether it is there; it is an empty message.".to_owned()),
                )
            };
        };
        if let Cardinality::Repeated { packed } = field.cardinality {
            let list = self.inline(Shape::List(ty));
            return (list, proto::Field::Repeated { number, name, codec, packed }, None);
        }
        let presence = self.presence(field, &codec);
        let default = field.default.as_ref().map(|d| format!("Absent means `{d}`."));
        let ty = if presence == Presence::Explicit { self.option(ty, field, &codec) } else { ty };
        (ty, proto::Field::Singular { number, name, codec, presence }, default)
    }

    /// When a singular field is written.
    fn presence(&self, field: &model::Field, codec: &Codec) -> Presence {
        let message = matches!(codec, Codec::Message(_) | Codec::Group(_));
        match field.cardinality {
            Cardinality::Implicit => Presence::Implicit,
            Cardinality::Required => Presence::Required,
            _ if message && (field.behavior_required || self.settings.bare_messages()) => Presence::Bare,
            _ => Presence::Explicit,
        }
    }

    /// The option of a singular field. One that the source requires, but whose type cannot be bare, is checked.
    fn option(&mut self, ty: TypeId, field: &model::Field, codec: &Codec) -> TypeId {
        let own_form = matches!(codec, Codec::Node { .. } | Codec::Wrapper(_) | Codec::FieldMask | Codec::Any(_));
        if own_form && field.behavior_required {
            return self.api.types.push(Type { checks: vec![Check::Required], ..Type::plain(Shape::Option(ty)) });
        }
        self.inline(Shape::Option(ty))
    }

    fn map(&mut self, container: MessageId, field: &model::Field) -> Option<(TypeId, proto::Field, Option<String>)> {
        let Kind::Message(entry) = field.kind else { return None };
        let (key, value) = self.model.map_entry(entry)?;
        let Kind::Scalar(key) = key.kind else { return None };
        let key_type = self.inline(scalar(key));
        let (item, value) = match self.value(container, value, value.kind) {
            Some((value_type, codec)) => (self.inline(Shape::Tuple(vec![key_type, value_type])), codec),
            None => (key_type, Codec::Empty),
        };
        let more = (value == Codec::Empty).then(|| "The keys; each value is an empty message.".to_owned());
        let list = self.inline(Shape::List(item));
        Some((list, proto::Field::Map { number: field.number, name: field.name.clone(), key, value }, more))
    }

    /// The type and codec of one value. `None`: it is an empty message.
    fn value(&mut self, container: MessageId, field: &model::Field, kind: Kind) -> Option<(TypeId, Codec)> {
        let message = match kind {
            Kind::Scalar(s) => return Some((self.inline(scalar(s)), Codec::Scalar(s))),
            // Every other enum of the plan is lowered before the messages.
            Kind::Enum(e) if self.is_null(kind) && !self.enums.contains_key(&e) => {
                self.enumeration(e);
                return self.enums.get(&e).map(|ty| (*ty, Codec::Enum(*ty)));
            }
            Kind::Enum(e) => return self.enums.get(&e).map(|ty| (*ty, Codec::Enum(*ty))),
            Kind::Message(m) => m,
        };
        if let Some(list) = self.node_list(container, message) {
            return self.references.get(&message).map(|ty| (*ty, Codec::Node { list, group: field.group }));
        }
        match well_known(&self.model.messages[message].element.full_name).filter(|_| !field.group) {
            Some(WellKnown::Wrapper(s)) => return Some((self.inline(scalar(s)), Codec::Wrapper(s))),
            Some(WellKnown::FieldMask) => {
                let path = self.inline(Shape::String);
                return Some((self.inline(Shape::List(path)), Codec::FieldMask));
            }
            Some(WellKnown::Any) => {
                if let Some(ty) = self.any_message {
                    return Some((ty, Codec::Any(ty)));
                }
            }
            _ => {}
        }
        let ty = *self.messages.get(&message)?;
        Some((ty, if field.group { Codec::Group(ty) } else { Codec::Message(ty) }))
    }

    /// The list in which a message stands, where it is held by a node of the same table.
    fn node_list(&self, container: MessageId, message: MessageId) -> Option<u16> {
        let position = |members: &[MessageId]| members.iter().position(|m| *m == message).map(|p| p as u16);
        if self.graph.same_group(container, message) {
            return self.graph.group(message).and_then(position);
        }
        self.sharing.of_node(container).and_then(|table| position(&table.members()))
    }

    /// A oneof's option of a variant.
    fn oneof(&mut self, container: MessageId, index: usize, fields: &[&model::Field]) -> (TypeId, proto::Field) {
        let message = &self.model.messages[container].element.full_name;
        let mut members: Vec<Member<'_>> = fields.iter().map(|f| Member::of(message, &f.element)).collect();
        let Message { home, oneofs, .. } = &self.model.messages[container];
        naming::shorten_cases(&mut members, home, &oneofs[index].element);
        let case_names = naming::members(&members, self.settings, self.findings);
        let (mut cases, mut wire) = (Vec::new(), Vec::new());
        for (field, name) in fields.iter().zip(case_names) {
            let (ty, codec) = if self.is_null(field.kind) {
                (None, Codec::Null)
            } else {
                let value = self.value(container, field, field.kind);
                value.map_or((None, Codec::Empty), |(ty, codec)| (Some(ty), codec))
            };
            cases.push(Case { name, ty, docs: self.docs(&field.element, None) });
            wire.push(OneofCase { number: field.number, name: field.name.clone(), codec });
        }
        let oneof = &self.model.messages[container].oneofs[index].element;
        let name = naming::simple_name(oneof).to_owned();
        let order = self.order_of(container, 4 + index);
        let variant = match self.names.oneofs.get(&(container, index)) {
            Some(name) => self.declare(order, name, &oneof.full_name, Shape::Variant(cases), Wire::Plain),
            // All oneofs of a named message are named.
            None => self.inline(Shape::Bool),
        };
        let ty = self.inline(Shape::Option(variant));
        (ty, proto::Field::Oneof { name, cases: wire })
    }
}

/// The slots of a message's record: fields by number, a oneof at its lowest number.
fn slots<'m>(model: &Model, message: &'m Message) -> Vec<Slot<'m>> {
    let mut slots: Vec<Slot<'m>> = Vec::new();
    for field in &message.fields {
        let Some(index) = in_oneof(model, field) else {
            slots.push(Slot { element: &field.element, content: Content::Field(field) });
            continue;
        };
        let known = slots.iter_mut().find_map(|s| match &mut s.content {
            Content::Oneof(i, fields) if *i == index => Some(fields),
            _ => None,
        });
        match known {
            Some(fields) => fields.push(field),
            None => {
                slots.push(Slot { element: &message.oneofs[index].element, content: Content::Oneof(index, vec![field]) });
            }
        }
    }
    slots
}

/// Whether a required field that WIT does not require is one whose absence shows: an option, a list, or a text or bytes that the
/// wire leaves out when they are empty. A number that is zero may be meant.
fn is_told_by_content(field: &model::Field) -> bool {
    match (field.cardinality, field.kind) {
        (Cardinality::Repeated { .. } | Cardinality::Map, _) => true,
        (Cardinality::Explicit, kind) => !matches!(kind, Kind::Message(_)),
        (Cardinality::Implicit, Kind::Scalar(Scalar::String | Scalar::StringUnverified | Scalar::Bytes)) => true,
        (Cardinality::Implicit | Cardinality::Required, _) => false,
    }
}

/// The oneof whose case a field is. A group without fields is none: its case would have nothing to say how it is written, so it
/// stands beside as a flag.
fn in_oneof(model: &Model, field: &model::Field) -> Option<usize> {
    let empty_group = field.group && matches!(field.kind, Kind::Message(m) if model.is_empty(m));
    field.oneof.filter(|_| !empty_group)
}
