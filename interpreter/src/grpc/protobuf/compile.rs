//! Wire maps of the IR → plans. Every map is held against its shape here, so that a call need not ask.

use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{self, Scalar};
use witwire_ir::{Api, Id, Shape, TypeId, Value};

use super::plan::{
    AnyId, AnyPlan, Codec, EnumId, EnumPlan, FieldPlan, Form, ListPlan, MessageId, MessagePlan, Messages, Nested, Numbers,
    Presence, Root, SlotPlan, TableId, TablePlan, zero,
};
use super::reader::WireType;
use super::writer::Tag;

/// The largest field number.
const MAX_NUMBER: u32 = (1 << 29) - 1;

/// Compiles the messages that operations reach, each once.
#[derive(Debug)]
pub(crate) struct Compiler<'a> {
    api: &'a Api,
    /// By type, the id once one is given.
    messages: Vec<Option<MessageId>>,
    tables: Vec<Option<TableId>>,
    enums: Vec<Option<EnumId>>,
    anys: Vec<Option<AnyId>>,
    /// The messages that have an id, by id. Those behind the end of `done.plans` are still to be compiled.
    order: Vec<Pending<'a>>,
    done: Messages,
}

/// A message that has an id.
#[derive(Debug, Clone, Copy)]
struct Pending<'a> {
    ty: TypeId,
    /// The node types of the recursive group that it is a node of; empty outside of tables.
    group: &'a [TypeId],
}

/// What does not fit, and where.
type Fit<T> = Result<T, String>;

impl<'a> Compiler<'a> {
    pub(crate) fn new(api: &'a Api) -> Self {
        let types = api.types.len();
        Self {
            api,
            messages: vec![None; types],
            tables: vec![None; types],
            enums: vec![None; types],
            anys: vec![None; types],
            order: Vec::new(),
            done: Messages::default(),
        }
    }

    /// Compiles a message and all that it reaches.
    ///
    /// # Errors
    /// What does not fit, and in which message.
    pub(crate) fn message(&mut self, ty: TypeId) -> Result<Root, String> {
        let root = self.nested(ty)?;
        while let Some(&pending) = self.order.get(self.done.plans.len()) {
            let plan = self.compile(pending)?;
            self.done.plans.push(plan);
        }
        Ok(Root(root))
    }

    /// The plans of everything compiled.
    pub(crate) fn finish(self) -> Messages {
        self.done
    }

    fn target(&self, ty: TypeId) -> Fit<TypeId> {
        let ty = self.api.resolve(ty);
        self.api.types.get(ty).map(|_| ty).ok_or_else(|| "a type that does not exist".to_owned())
    }

    /// A message seen from outside of its recursive group, if it has one.
    fn nested(&mut self, ty: TypeId) -> Fit<Nested> {
        let ty = self.target(ty)?;
        match &self.api.types[ty].wire {
            Wire::Table(table) => Ok(Nested::Table(self.table_id(ty, table)?)),
            _ => Ok(Nested::Message(self.message_id(ty, &[])?)),
        }
    }

    fn message_id(&mut self, ty: TypeId, group: &'a [TypeId]) -> Fit<MessageId> {
        let ty = self.target(ty)?;
        // A message that refers to no node may stand in a table and outside of it.
        let group = if refers_to_nodes(&self.api.types[ty].wire) { group } else { &[] };
        if let Some(id) = self.messages[ty.index()] {
            let known = self.order[id.0 as usize].group;
            return if known == group {
                Ok(id)
            } else {
                Err("a node of a recursive message stands outside of its table".to_owned())
            };
        }
        let id = MessageId(self.order.len() as u32);
        self.messages[ty.index()] = Some(id);
        self.order.push(Pending { ty, group });
        Ok(id)
    }

    fn table_id(&mut self, ty: TypeId, table: &'a proto::Table) -> Fit<TableId> {
        if let Some(id) = self.tables[ty.index()] {
            return Ok(id);
        }
        let Shape::Record(slots) = &self.api.types[ty].shape else { return Err("a table of nodes is no record".to_owned()) };
        if slots.len() != table.nodes.len() {
            return Err("a table of nodes needs a list per message".to_owned());
        }
        for (slot, node) in slots.iter().zip(&table.nodes) {
            let item = self.list(slot.ty)?;
            self.same(*node, item)?;
            self.message_id(*node, &table.nodes)?;
        }
        let root = *table.nodes.get(table.root as usize).ok_or_else(|| "a table of nodes has no root".to_owned())?;
        let message = self.message_id(root, &table.nodes)?;
        let lists =
            u16::try_from(table.nodes.len()).map_err(|_| "a table of nodes has more than 65,535 lists".to_owned())?;
        let id = TableId(self.done.tables.len() as u32);
        self.done.tables.push(TablePlan { ty, lists, root: table.root, message });
        self.tables[ty.index()] = Some(id);
        Ok(id)
    }

    fn any_id(&mut self, ty: TypeId) -> Fit<AnyId> {
        let ty = self.target(ty)?;
        if let Some(id) = self.anys[ty.index()] {
            return Ok(id);
        }
        let Wire::AnyOf(any) = &self.api.types[ty].wire else { return Err("an `Any` without known messages".to_owned()) };
        let Shape::Variant(cases) = &self.api.types[ty].shape else { return Err("an `Any` is no variant".to_owned()) };
        let Some((last, cases)) = cases.split_last().filter(|(_, cases)| cases.len() == any.known.len()) else {
            return Err("an `Any` needs a case per message and one for others".to_owned());
        };
        let mut known = Vec::new();
        for (case, message) in cases.iter().zip(&any.known) {
            let nested = match (&message.codec, case.ty) {
                (proto::Codec::Empty, None) => None,
                (proto::Codec::Message(target), Some(ty)) => {
                    self.same(*target, ty)?;
                    Some(self.nested(ty)?)
                }
                _ => return Err(format!("the case of `{}` does not fit it", message.full_name)),
            };
            known.push((message.full_name.clone(), nested));
        }
        self.same(any.other, last.ty.ok_or_else(|| "an `Any` of another message needs a payload".to_owned())?)?;
        let other = self.message_id(any.other, &[])?;
        let is_any = matches!(&self.api.types[self.target(any.other)?].wire, Wire::Message(m) if is_any_record(m));
        if !is_any {
            return Err("an `Any` of another message has a type URL and bytes".to_owned());
        }
        let id = AnyId(self.done.anys.len() as u32);
        self.done.anys.push(AnyPlan { known: known.into(), other });
        self.anys[ty.index()] = Some(id);
        Ok(id)
    }

    fn enum_id(&mut self, ty: TypeId) -> Fit<EnumId> {
        let ty = self.target(ty)?;
        if let Some(id) = self.enums[ty.index()] {
            return Ok(id);
        }
        let Wire::ProtoEnum(map) = &self.api.types[ty].wire else { return Err("an enum without numbers".to_owned()) };
        let fits = match &self.api.types[ty].shape {
            Shape::Enum(labels) => map.closed && labels.len() == map.numbers.len(),
            Shape::Variant(cases) => {
                let other = cases.last().and_then(|case| case.ty);
                !map.closed
                    && cases.len() == map.numbers.len() + 1
                    && cases[..map.numbers.len()].iter().all(|case| case.ty.is_none())
                    && other.is_some_and(|ty| matches!(self.api.shape(ty), Shape::S32))
            }
            _ => false,
        };
        if !fits || map.default as usize >= map.numbers.len() {
            return Err(format!("the enum `{}` does not fit its type", map.full_name));
        }
        let id = EnumId(self.done.enums.len() as u32);
        self.done.enums.push(EnumPlan::new(&map.numbers, map.default, map.closed));
        self.enums[ty.index()] = Some(id);
        Ok(id)
    }

    fn compile(&mut self, Pending { ty, group }: Pending<'a>) -> Fit<MessagePlan> {
        let api = self.api;
        let Wire::Message(map) = &api.types[ty].wire else { return Err("a message without field numbers".to_owned()) };
        let Shape::Record(slots) = &api.types[ty].shape else {
            return Err(format!("the message `{}` is no record", map.full_name));
        };
        if slots.len() != map.fields.len() {
            return Err(format!(
                "the message `{}` has {} slots for {} fields",
                map.full_name,
                slots.len(),
                map.fields.len()
            ));
        }
        let mut building = Building { group, ..Building::default() };
        for (field, slot) in map.fields.iter().zip(slots) {
            self.field(&mut building, field, slot.ty)
                .map_err(|e| format!("the field `{}` of the message `{}`: {e}", name(field), map.full_name))?;
        }
        building.finish(ty).map_err(|e| format!("the message `{}`: {e}", map.full_name))
    }

    fn field(&mut self, plan: &mut Building<'a>, field: &proto::Field, ty: TypeId) -> Fit<()> {
        match field {
            proto::Field::Singular { number, codec, presence, .. } => {
                let inner = match presence {
                    proto::Presence::Explicit => self.option(ty)?,
                    _ => ty,
                };
                let codec = self.codec(plan.group, codec, inner)?;
                let blank = match presence {
                    proto::Presence::Explicit => Value::none(),
                    _ => self.blank(codec),
                };
                let message = match codec {
                    Codec::Nested { nested: Nested::FieldMask, .. } => None,
                    Codec::Nested { nested, .. } => Some(nested),
                    _ => None,
                };
                let slot = plan.slot(blank)?;
                let presence = match presence {
                    proto::Presence::Implicit if message.is_some() => Presence::Bare,
                    proto::Presence::Implicit => Presence::Implicit,
                    proto::Presence::Explicit => Presence::Explicit,
                    proto::Presence::Required => {
                        plan.required.push(slot);
                        Presence::Required { index: plan.required.len() as u16 - 1 }
                    }
                    proto::Presence::Bare => Presence::Bare,
                };
                if let Some(nested) = message
                    && presence != Presence::Explicit
                {
                    plan.bare.push((slot, nested));
                }
                let position = plan.field(*number, slot, wire(codec), Form::Singular { codec, presence })?;
                plan.slots.push(SlotPlan::Field(position));
            }
            proto::Field::Repeated { number, codec, packed, .. } => {
                let item = self.list(ty)?;
                let codec = self.codec(plan.group, codec, item)?;
                let packable = match codec {
                    Codec::Scalar(scalar) => scalar.packable(),
                    Codec::Enum(_) => true,
                    _ => false,
                };
                let packed = *packed && packable;
                let list = plan.list(false)?;
                let slot = plan.slot(Value::list([]))?;
                let wire = if packed { WireType::Bytes } else { wire(codec) };
                let position = plan.field(*number, slot, wire, Form::Repeated { codec, packed, list })?;
                plan.slots.push(SlotPlan::Field(position));
            }
            proto::Field::Map { number, key, value, .. } => {
                let entry = self.list(ty)?;
                let (key, value) = match (value, self.api.shape(entry)) {
                    (proto::Codec::Empty, _) => (self.scalar(*key, entry)?, Codec::Empty),
                    (value, Shape::Tuple(pair)) => {
                        let &[key_type, value_type] = pair.as_slice() else { return Err("a map needs pairs".to_owned()) };
                        (self.scalar(*key, key_type)?, self.codec(plan.group, value, value_type)?)
                    }
                    _ => return Err("a map needs pairs".to_owned()),
                };
                if matches!(key, Scalar::Double | Scalar::Float | Scalar::Bytes) {
                    return Err("a map's keys are integers, booleans or strings".to_owned());
                }
                if wire(value) == WireType::GroupStart {
                    return Err("a map's values are no groups".to_owned());
                }
                let list = plan.list(true)?;
                let slot = plan.slot(Value::list([]))?;
                let position = plan.field(*number, slot, WireType::Bytes, Form::Map { key, value, list })?;
                plan.slots.push(SlotPlan::Field(position));
            }
            proto::Field::Oneof { cases, .. } => {
                let variant = self.option(ty)?;
                let Shape::Variant(types) = self.api.shape(variant) else {
                    return Err("a oneof needs a variant".to_owned());
                };
                if types.len() != cases.len() || cases.is_empty() {
                    return Err("a oneof needs a case per field".to_owned());
                }
                let slot = plan.slot(Value::none())?;
                let first = plan.position()?;
                for (case, (field, ty)) in (0..).zip(cases.iter().zip(types)) {
                    let codec = match (&field.codec, ty.ty) {
                        (proto::Codec::Empty, None) => Codec::Empty,
                        (proto::Codec::Null, None) => Codec::Null,
                        (codec, Some(ty)) => self.codec(plan.group, codec, ty)?,
                        _ => return Err(format!("the case `{}` needs a payload", field.name)),
                    };
                    plan.field(field.number, slot, wire(codec), Form::Case { codec, case })?;
                }
                plan.slots.push(SlotPlan::Oneof { first, count: cases.len() as u16 });
            }
            proto::Field::EmptyFlag { number, group, .. } => {
                self.expect(ty, |shape| matches!(shape, Shape::Bool))?;
                let slot = plan.slot(Value::Bool(false))?;
                let position = plan.field(*number, slot, message_wire(*group), Form::EmptyFlag { group: *group })?;
                plan.slots.push(SlotPlan::Field(position));
            }
            proto::Field::Unknown => {
                self.expect(ty, |shape| matches!(shape, Shape::Bytes))?;
                if plan.unknown.is_some() {
                    return Err("unknown fields have a slot already".to_owned());
                }
                let slot = plan.slot(Value::Bytes(Box::default()))?;
                plan.unknown = Some(slot);
                plan.slots.push(SlotPlan::Unknown);
            }
            proto::Field::EmptyCount { number, group, .. } => {
                self.expect(ty, |shape| matches!(shape, Shape::U32))?;
                let slot = plan.slot(Value::U32(0))?;
                let position = plan.field(*number, slot, message_wire(*group), Form::EmptyCount { group: *group })?;
                plan.slots.push(SlotPlan::Field(position));
            }
        }
        Ok(())
    }

    fn codec(&mut self, group: &'a [TypeId], codec: &proto::Codec, ty: TypeId) -> Fit<Codec> {
        Ok(match codec {
            proto::Codec::Scalar(scalar) => Codec::Scalar(self.scalar(*scalar, ty)?),
            proto::Codec::Enum(target) => {
                self.same(*target, ty)?;
                Codec::Enum(self.enum_id(ty)?)
            }
            proto::Codec::Message(target) => {
                self.same(*target, ty)?;
                Codec::Nested { nested: self.nested(ty)?, group: false }
            }
            proto::Codec::Group(target) => {
                self.same(*target, ty)?;
                Codec::Nested { nested: self.nested(ty)?, group: true }
            }
            proto::Codec::Node { list, group: delimited } => {
                self.expect(ty, |shape| matches!(shape, Shape::U32))?;
                let node = group.get(*list as usize).ok_or_else(|| "a reference to no list of its table".to_owned())?;
                let nested = Nested::Node { list: *list, id: self.message_id(*node, group)? };
                Codec::Nested { nested, group: *delimited }
            }
            proto::Codec::Empty => return Err("a message without fields has no value here".to_owned()),
            proto::Codec::Null => return Err("a null has no value here".to_owned()),
            proto::Codec::Any(target) => {
                self.same(*target, ty)?;
                Codec::Nested { nested: Nested::Any(self.any_id(ty)?), group: false }
            }
            proto::Codec::Wrapper(scalar) => Codec::Wrapper(self.scalar(*scalar, ty)?),
            proto::Codec::FieldMask => {
                let item = self.list(ty)?;
                self.expect(item, |shape| matches!(shape, Shape::String))?;
                Codec::Nested { nested: Nested::FieldMask, group: false }
            }
        })
    }

    /// The scalar as the slot holds it. An `int32` that is never negative may be a `u32` (a timestamp's nanoseconds).
    fn scalar(&self, scalar: Scalar, ty: TypeId) -> Fit<Scalar> {
        match (scalar, self.api.shape(ty)) {
            (Scalar::Int32, Shape::U32) => Ok(Scalar::Uint32),
            (Scalar::Double, Shape::F64)
            | (Scalar::Float, Shape::F32)
            | (Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32, Shape::S32)
            | (Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64, Shape::S64)
            | (Scalar::Uint32 | Scalar::Fixed32, Shape::U32)
            | (Scalar::Uint64 | Scalar::Fixed64, Shape::U64)
            | (Scalar::Bool, Shape::Bool)
            | (Scalar::String | Scalar::StringUnverified, Shape::String)
            | (Scalar::Bytes, Shape::Bytes) => Ok(scalar),
            _ => Err(format!("{scalar:?} does not fit its type")),
        }
    }

    fn blank(&self, codec: Codec) -> Value {
        match codec {
            Codec::Scalar(scalar) | Codec::Wrapper(scalar) => zero(scalar),
            Codec::Enum(id) => self.done.enumeration(id).default_value(),
            Codec::Nested { nested: Nested::FieldMask, .. } => Value::list([]),
            Codec::Nested { .. } | Codec::Empty | Codec::Null => Value::none(),
        }
    }

    fn option(&self, ty: TypeId) -> Fit<TypeId> {
        match self.api.shape(ty) {
            Shape::Option(inner) => Ok(*inner),
            _ => Err("its slot is no option".to_owned()),
        }
    }

    fn list(&self, ty: TypeId) -> Fit<TypeId> {
        match self.api.shape(ty) {
            Shape::List(item) => Ok(*item),
            _ => Err("its slot is no list".to_owned()),
        }
    }

    fn expect(&self, ty: TypeId, fits: impl Fn(&Shape) -> bool) -> Fit<()> {
        if fits(self.api.shape(ty)) { Ok(()) } else { Err("its slot has another type".to_owned()) }
    }

    fn same(&self, target: TypeId, ty: TypeId) -> Fit<()> {
        if self.target(target)? == self.target(ty)? { Ok(()) } else { Err("its slot has another type".to_owned()) }
    }
}

/// A message plan that is being built.
#[derive(Default)]
struct Building<'a> {
    /// As in [`Pending`].
    group: &'a [TypeId],
    slots: Vec<SlotPlan>,
    fields: Vec<FieldPlan>,
    blank: Vec<Value>,
    lists: Vec<ListPlan>,
    required: Vec<u16>,
    unknown: Option<u16>,
    bare: Vec<(u16, Nested)>,
}

impl Building<'_> {
    /// The position of the next slot or field. One less than `u16` holds, because [`Numbers`] keeps 0 for itself.
    fn index(count: usize) -> Fit<u16> {
        u16::try_from(count).ok().filter(|i| *i < u16::MAX).ok_or_else(|| "more than 65,534 fields".to_owned())
    }

    fn position(&self) -> Fit<u16> {
        Self::index(self.fields.len())
    }

    fn slot(&mut self, blank: Value) -> Fit<u16> {
        let slot = Self::index(self.blank.len())?;
        self.blank.push(blank);
        Ok(slot)
    }

    /// A list in the next slot.
    fn list(&mut self, map: bool) -> Fit<u16> {
        let slot = Self::index(self.blank.len())?;
        self.lists.push(ListPlan { slot, map });
        Ok(self.lists.len() as u16 - 1)
    }

    fn field(&mut self, number: u32, slot: u16, wire: WireType, form: Form) -> Fit<u16> {
        if number == 0 || number > MAX_NUMBER {
            return Err(format!("the field number {number} is out of range"));
        }
        let position = self.position()?;
        self.fields.push(FieldPlan { number, slot, tag: Tag::new(number, wire), form });
        Ok(position)
    }

    fn finish(self, ty: TypeId) -> Fit<MessagePlan> {
        let numbers = Numbers::new(self.fields.iter().map(|f| f.number))
            .map_err(|number| format!("the field number {number} stands twice"))?;
        Ok(MessagePlan {
            ty,
            slots: self.slots.into(),
            fields: self.fields.into(),
            numbers,
            blank: self.blank.into(),
            lists: self.lists.into(),
            required: self.required.into(),
            unknown: self.unknown,
            bare: self.bare.into(),
        })
    }
}

/// Whether a message refers to nodes of the table that it is in.
fn refers_to_nodes(wire: &Wire) -> bool {
    let node = |codec: &proto::Codec| matches!(codec, proto::Codec::Node { .. });
    let Wire::Message(message) = wire else { return false };
    message.fields.iter().any(|field| match field {
        proto::Field::Singular { codec, .. }
        | proto::Field::Repeated { codec, .. }
        | proto::Field::Map { value: codec, .. } => node(codec),
        proto::Field::Oneof { cases, .. } => cases.iter().any(|case| node(&case.codec)),
        proto::Field::EmptyFlag { .. } | proto::Field::EmptyCount { .. } | proto::Field::Unknown => false,
    })
}

fn name(field: &proto::Field) -> &str {
    match field {
        proto::Field::Singular { name, .. }
        | proto::Field::Repeated { name, .. }
        | proto::Field::Map { name, .. }
        | proto::Field::Oneof { name, .. }
        | proto::Field::EmptyFlag { name, .. }
        | proto::Field::EmptyCount { name, .. } => name,
        proto::Field::Unknown => "unknown fields",
    }
}

/// Whether a message is `google.protobuf.Any` as a record: a type URL and bytes.
fn is_any_record(message: &proto::Message) -> bool {
    let scalar = |field: &proto::Field, at: u32, of: Scalar| {
        matches!(field, proto::Field::Singular { number, codec: proto::Codec::Scalar(s), presence: proto::Presence::Implicit, .. }
            if *number == at && *s == of)
    };
    matches!(&message.fields[..], [url, value] if scalar(url, 1, Scalar::String) && scalar(value, 2, Scalar::Bytes))
}

/// How a scalar is laid out.
pub(super) const fn scalar_wire(scalar: Scalar) -> WireType {
    match scalar {
        Scalar::Double | Scalar::Fixed64 | Scalar::Sfixed64 => WireType::Fixed64,
        Scalar::Float | Scalar::Fixed32 | Scalar::Sfixed32 => WireType::Fixed32,
        Scalar::String | Scalar::StringUnverified | Scalar::Bytes => WireType::Bytes,
        Scalar::Int32 | Scalar::Int64 | Scalar::Uint32 | Scalar::Uint64 | Scalar::Sint32 | Scalar::Sint64 | Scalar::Bool => {
            WireType::Varint
        }
    }
}

/// How one value is laid out.
pub(super) const fn wire(codec: Codec) -> WireType {
    match codec {
        Codec::Scalar(scalar) => scalar_wire(scalar),
        Codec::Enum(_) | Codec::Null => WireType::Varint,
        Codec::Nested { group, .. } => message_wire(group),
        Codec::Empty | Codec::Wrapper(_) => WireType::Bytes,
    }
}

/// How a message is laid out.
pub(super) const fn message_wire(group: bool) -> WireType {
    if group { WireType::GroupStart } else { WireType::Bytes }
}
