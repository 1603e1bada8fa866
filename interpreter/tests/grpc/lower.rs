//! Descriptors → an API of the IR, written for these tests alone, so that they judge the interpreter without the frontend.
//!
//! Every message `m` becomes an operation `m: func(request: m) -> result<m, error>`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Syntax};
use witwire_interpreter::Plan;
use witwire_ir::host::grpc::declare;
use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field, Message, OneofCase, Presence, ProtoEnum, Scalar, Table};
use witwire_ir::{
    Api, AuthRequirement, Call, CallClass, Case, Check, Format, InDoubt, Interface, InterfaceId, Label, Operation,
    OperationId, PackageName, Param, Protocol, Shape, Type, TypeId, TypeName, WitName,
};

/// An API, its plan and the descriptors that it was made from.
pub(super) struct Lowered {
    pub(super) pool: DescriptorPool,
    pub(super) api: Arc<Api>,
    pub(super) plan: Plan,
}

impl Lowered {
    /// Compiles one of the files in `protos/`.
    pub(super) fn new(file: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grpc/protos");
        let set = protox::compile([file], [dir]).expect("the test's own file compiles");
        let pool = DescriptorPool::from_file_descriptor_set(set).expect("a set that protox made");
        let api = Arc::new(lower(&pool));
        let plan = Plan::new(Arc::clone(&api)).expect("the API fits itself");
        Self { pool, api, plan }
    }

    pub(super) fn message(&self, name: &str) -> MessageDescriptor {
        self.pool.get_message_by_name(name).expect("a message of the test's own file")
    }

    /// The operation that sends and receives a message.
    pub(super) fn operation(&self, message: &str) -> OperationId {
        self.api.find("echo", &kebab(message)).expect("every message has an operation")
    }

    /// The messages that have an operation and fields.
    pub(super) fn messages(&self) -> Vec<MessageDescriptor> {
        self.pool.all_messages().filter(|m| !m.is_map_entry() && m.fields().len() > 0).collect()
    }
}

fn kebab(name: &str) -> String {
    name.replace(['.', '_'], "-").to_lowercase()
}

fn wit(name: &str) -> WitName {
    WitName::new(kebab(name)).expect("the test's own names")
}

fn lower(pool: &DescriptorPool) -> Api {
    let package = PackageName { namespace: wit("test"), name: wit("echo"), version: "1.0.0".to_owned() };
    let mut api = Api::new(package, Protocol::Grpc);
    let interface = |name: &str| Interface {
        name: wit(name),
        docs: None,
        types: Vec::new(),
        operations: Vec::new(),
        renames: Vec::new(),
    };
    let types = api.interfaces.push(interface("types"));
    let echo = api.interfaces.push(interface("echo"));
    let error = declare(&mut api, types);
    let mut lower = Lower { api, types, messages: HashMap::new(), tables: HashMap::new(), enums: HashMap::new() };
    for message in pool.all_messages().filter(|m| !m.is_map_entry()) {
        let ty = (message.fields().len() > 0).then(|| lower.outside(&message));
        let result = lower.plain(Shape::Result { ok: ty, err: Some(error) });
        let operation = Operation {
            interface: echo,
            name: wit(message.full_name()),
            params: ty.map(|ty| Param { name: wit("request"), ty }).into_iter().collect(),
            result,
            call: Call::Grpc(GrpcCall {
                path: format!("/test.Echo/{}", message.full_name()),
                kind: StreamKind::Unary,
                request: ty,
                response: ty,
            }),
            class: CallClass::Unsafe(InDoubt::OutcomeUnknown),
            auth: AuthRequirement::default(),
            source: None,
            docs: None,
            deprecated: false,
        };
        let id = lower.api.operations.push(operation);
        lower.api.interfaces[echo].operations.push(id);
    }
    lower.api
}

struct Lower {
    api: Api,
    types: InterfaceId,
    /// By full name: the record of a message or node.
    messages: HashMap<String, TypeId>,
    /// By full name: the table of a recursive message.
    tables: HashMap<String, TypeId>,
    enums: HashMap<String, TypeId>,
}

impl Lower {
    fn plain(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    /// Gives a type its id before its parts are known.
    fn reserve(&mut self, name: &str) -> TypeId {
        let id = self.plain(Shape::Bool);
        self.api.types[id].name = Some(TypeName { interface: self.types, name: wit(name) });
        self.api.interfaces[self.types].types.push(id);
        id
    }

    /// A message as others see it that are not of its recursive group.
    fn outside(&mut self, message: &MessageDescriptor) -> TypeId {
        let group = group(message);
        if group.is_empty() {
            return self.record(message, &[]);
        }
        if let Some(id) = self.tables.get(message.full_name()) {
            return *id;
        }
        let id = self.reserve(message.full_name());
        self.tables.insert(message.full_name().to_owned(), id);
        let nodes: Vec<TypeId> = group.iter().map(|m| self.record(m, &group)).collect();
        let fields = group
            .iter()
            .zip(&nodes)
            .map(|(m, node)| {
                let ty = self.plain(Shape::List(*node));
                witwire_ir::Field { name: wit(m.full_name()), ty, docs: None }
            })
            .collect();
        let root = group.iter().position(|m| m == message).expect("a message is in its group") as u16;
        self.api.types[id].shape = Shape::Record(fields);
        self.api.types[id].wire = Wire::Table(Table { nodes, root });
        id
    }

    fn record(&mut self, message: &MessageDescriptor, group: &[MessageDescriptor]) -> TypeId {
        if let Some(id) = self.messages.get(message.full_name()) {
            return *id;
        }
        let id = self.reserve(&format!("{}-node", message.full_name()));
        self.messages.insert(message.full_name().to_owned(), id);
        let mut fields: Vec<FieldDescriptor> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        let mut slots = Vec::new();
        let mut wires = Vec::new();
        let mut oneofs = Vec::new();
        for field in fields {
            let oneof = field.containing_oneof().filter(|o| !o.is_synthetic());
            let (name, ty, wire) = match oneof {
                Some(oneof) if oneofs.contains(&oneof) => continue,
                Some(oneof) => {
                    let (ty, wire) = self.oneof(oneof.name(), message, &oneof, group);
                    let name = oneof.name().to_owned();
                    oneofs.push(oneof);
                    (name, ty, wire)
                }
                None => {
                    let (ty, wire) = self.field(&field, group, message.full_name());
                    (field.name().to_owned(), ty, wire)
                }
            };
            slots.push(witwire_ir::Field { name: wit(&name), ty, docs: None });
            wires.push(wire);
        }
        let checks = match message.full_name() {
            "google.protobuf.Timestamp" => vec![Check::Format(Format::ProtoTimestamp)],
            "google.protobuf.Duration" => vec![Check::Format(Format::ProtoDuration)],
            _ => Vec::new(),
        };
        let ty = &mut self.api.types[id];
        ty.shape = Shape::Record(slots);
        ty.wire = Wire::Message(Message { full_name: message.full_name().to_owned(), fields: wires });
        ty.checks = checks;
        id
    }

    fn oneof(
        &mut self,
        name: &str,
        message: &MessageDescriptor,
        oneof: &prost_reflect::OneofDescriptor,
        group: &[MessageDescriptor],
    ) -> (TypeId, Field) {
        let mut cases = Vec::new();
        let mut wires = Vec::new();
        let mut fields: Vec<FieldDescriptor> = oneof.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            let (ty, codec) = match field.kind() {
                Kind::Message(m) if m.fields().len() == 0 => (None, Codec::Empty),
                _ => {
                    let (ty, codec) = self.value(&field, group, message.full_name());
                    (Some(ty), codec)
                }
            };
            cases.push(Case { name: wit(field.name()), ty, docs: None });
            wires.push(OneofCase { number: field.number(), name: field.name().to_owned(), codec });
        }
        let variant = self.reserve(&format!("{}-{name}", message.full_name()));
        self.api.types[variant].shape = Shape::Variant(cases);
        (self.plain(Shape::Option(variant)), Field::Oneof { name: name.to_owned(), cases: wires })
    }

    fn field(&mut self, field: &FieldDescriptor, group: &[MessageDescriptor], message: &str) -> (TypeId, Field) {
        let number = field.number();
        let name = field.name().to_owned();
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { panic!("a map's kind is its entry") };
            let key_field = entry.map_entry_key_field();
            let (key_type, key) = self.value(&key_field, group, message);
            let Codec::Scalar(key) = key else { panic!("a map's key is a scalar") };
            let value_field = entry.map_entry_value_field();
            let (item, value) = match value_field.kind() {
                Kind::Message(m) if m.fields().len() == 0 => (key_type, Codec::Empty),
                _ => {
                    let (ty, codec) = self.value(&value_field, group, message);
                    (self.plain(Shape::Tuple(vec![key_type, ty])), codec)
                }
            };
            return (self.plain(Shape::List(item)), Field::Map { number, name, key, value });
        }
        if let Kind::Message(m) = field.kind()
            && m.fields().len() == 0
        {
            let group = field.is_group();
            return match field.cardinality() {
                Cardinality::Repeated => (self.plain(Shape::U32), Field::EmptyCount { number, name, group }),
                _ => (self.plain(Shape::Bool), Field::EmptyFlag { number, name, group }),
            };
        }
        let (ty, codec) = self.value(field, group, message);
        match field.cardinality() {
            Cardinality::Repeated => {
                (self.plain(Shape::List(ty)), Field::Repeated { number, name, codec, packed: field.is_packed() })
            }
            Cardinality::Required => (ty, Field::Singular { number, name, codec, presence: Presence::Required }),
            Cardinality::Optional if field.supports_presence() => {
                (self.plain(Shape::Option(ty)), Field::Singular { number, name, codec, presence: Presence::Explicit })
            }
            Cardinality::Optional => (ty, Field::Singular { number, name, codec, presence: Presence::Implicit }),
        }
    }

    /// The type and codec of one value.
    fn value(&mut self, field: &FieldDescriptor, group: &[MessageDescriptor], message: &str) -> (TypeId, Codec) {
        let (shape, scalar) = match field.kind() {
            Kind::Message(m) => return self.message_value(&m, field.is_group(), group),
            Kind::Enum(e) => {
                let ty = self.enumeration(&e);
                return (ty, Codec::Enum(ty));
            }
            Kind::Double => (Shape::F64, Scalar::Double),
            Kind::Float => (Shape::F32, Scalar::Float),
            Kind::Int32 if message == "google.protobuf.Timestamp" => (Shape::U32, Scalar::Int32),
            Kind::Int32 => (Shape::S32, Scalar::Int32),
            Kind::Int64 => (Shape::S64, Scalar::Int64),
            Kind::Uint32 => (Shape::U32, Scalar::Uint32),
            Kind::Uint64 => (Shape::U64, Scalar::Uint64),
            Kind::Sint32 => (Shape::S32, Scalar::Sint32),
            Kind::Sint64 => (Shape::S64, Scalar::Sint64),
            Kind::Fixed32 => (Shape::U32, Scalar::Fixed32),
            Kind::Fixed64 => (Shape::U64, Scalar::Fixed64),
            Kind::Sfixed32 => (Shape::S32, Scalar::Sfixed32),
            Kind::Sfixed64 => (Shape::S64, Scalar::Sfixed64),
            Kind::Bool => (Shape::Bool, Scalar::Bool),
            Kind::String => (Shape::String, Scalar::String),
            Kind::Bytes => (Shape::Bytes, Scalar::Bytes),
        };
        (self.plain(shape), Codec::Scalar(scalar))
    }

    fn message_value(
        &mut self,
        message: &MessageDescriptor,
        is_group: bool,
        group: &[MessageDescriptor],
    ) -> (TypeId, Codec) {
        let wrapper = match message.full_name() {
            "google.protobuf.DoubleValue" => Some((Shape::F64, Scalar::Double)),
            "google.protobuf.FloatValue" => Some((Shape::F32, Scalar::Float)),
            "google.protobuf.Int64Value" => Some((Shape::S64, Scalar::Int64)),
            "google.protobuf.UInt64Value" => Some((Shape::U64, Scalar::Uint64)),
            "google.protobuf.Int32Value" => Some((Shape::S32, Scalar::Int32)),
            "google.protobuf.UInt32Value" => Some((Shape::U32, Scalar::Uint32)),
            "google.protobuf.BoolValue" => Some((Shape::Bool, Scalar::Bool)),
            "google.protobuf.StringValue" => Some((Shape::String, Scalar::String)),
            "google.protobuf.BytesValue" => Some((Shape::Bytes, Scalar::Bytes)),
            _ => None,
        };
        if let Some((shape, scalar)) = wrapper {
            return (self.plain(shape), Codec::Wrapper(scalar));
        }
        if message.full_name() == "google.protobuf.FieldMask" {
            let string = self.plain(Shape::String);
            return (self.plain(Shape::List(string)), Codec::FieldMask);
        }
        if let Some(list) = group.iter().position(|m| m == message) {
            return (self.plain(Shape::U32), Codec::Node { list: list as u16, group: is_group });
        }
        let ty = self.outside(message);
        (ty, if is_group { Codec::Group(ty) } else { Codec::Message(ty) })
    }

    fn enumeration(&mut self, e: &EnumDescriptor) -> TypeId {
        if let Some(id) = self.enums.get(e.full_name()) {
            return *id;
        }
        let closed = e.parent_file().syntax() == Syntax::Proto2;
        let mut numbers: Vec<i32> = Vec::new();
        let mut labels = Vec::new();
        // In the order of the source; `values()` is in the order of the numbers.
        for value in &e.enum_descriptor_proto().value {
            if !numbers.contains(&value.number()) {
                numbers.push(value.number());
                labels.push(wit(value.name()));
            }
        }
        let default = numbers.iter().position(|n| *n == e.default_value().number()).expect("the default is a value") as u32;
        let shape = if closed {
            Shape::Enum(labels.into_iter().map(|name| Label { name, docs: None }).collect())
        } else {
            let s32 = self.plain(Shape::S32);
            let mut cases: Vec<Case> = labels.into_iter().map(|name| Case { name, ty: None, docs: None }).collect();
            cases.push(Case { name: wit("unrecognized"), ty: Some(s32), docs: None });
            Shape::Variant(cases)
        };
        let id = self.reserve(e.full_name());
        self.api.types[id].shape = shape;
        self.api.types[id].wire =
            Wire::ProtoEnum(ProtoEnum { full_name: e.full_name().to_owned(), numbers, default, closed });
        self.enums.insert(e.full_name().to_owned(), id);
        id
    }
}

/// The messages that a message reaches and that reach it, itself among them; empty where it is not recursive.
fn group(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let mut group: Vec<_> = reached(message).into_iter().filter(|m| reached(m).contains(message)).collect();
    group.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    group
}

/// The messages that the fields of a message reach; not itself, unless they do.
fn reached(message: &MessageDescriptor) -> Vec<MessageDescriptor> {
    let mut found = Vec::new();
    let mut open = vec![message.clone()];
    while let Some(next) = open.pop() {
        for field in next.fields() {
            let kind = match field.kind() {
                Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
                kind => kind,
            };
            if let Kind::Message(m) = kind
                && !found.contains(&m)
            {
                found.push(m.clone());
                open.push(m);
            }
        }
    }
    found
}
