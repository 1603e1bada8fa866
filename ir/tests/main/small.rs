//! A small API built by hand: every shape, keywords as names, a rename, odd documentation.

use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::operation::{Call, CallClass, InDoubt};
use witwire_ir::{
    Api, AuthRequirement, Case, Field, Id, Interface, InterfaceId, Label, Method, Operation, OperationId, PackageName,
    Param, Protocol, Resource, Shape, Step, Type, TypeId, TypeName, WitName, World, host,
};

pub(crate) fn name(text: &str) -> WitName {
    WitName::new(text).unwrap()
}

/// Adds items to an API.
pub(crate) struct Builder {
    pub(crate) api: Api,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let package = PackageName { namespace: name("test"), name: name("small"), version: "1.2.0-beta.1".to_owned() };
        Self { api: Api::new(package, Protocol::Grpc) }
    }

    pub(crate) fn interface(&mut self, text: &str, docs: Option<&str>) -> InterfaceId {
        let docs = docs.map(|d| self.api.texts.push(d));
        let interface = Interface { name: name(text), docs, types: Vec::new(), operations: Vec::new(), renames: Vec::new() };
        self.api.interfaces.push(interface)
    }

    pub(crate) fn inline(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    pub(crate) fn declare(&mut self, interface: InterfaceId, text: &str, docs: Option<&str>, shape: Shape) -> TypeId {
        let docs = docs.map(|d| self.api.texts.push(d));
        let ty = Type { name: Some(TypeName { interface, name: name(text) }), docs, ..Type::plain(shape) };
        let id = self.api.types.push(ty);
        self.api.interfaces[interface].types.push(id);
        id
    }

    pub(crate) fn fields(&mut self, fields: &[(&str, TypeId, Option<&str>)]) -> Shape {
        let field = |(n, ty, docs): &(&str, TypeId, Option<&str>)| Field {
            name: name(n),
            ty: *ty,
            docs: docs.map(|d| self.api.texts.push(d)),
        };
        Shape::Record(fields.iter().map(field).collect())
    }

    pub(crate) fn operation(
        &mut self,
        interface: InterfaceId,
        text: &str,
        params: &[(&str, TypeId)],
        result: TypeId,
    ) -> OperationId {
        let call = GrpcCall {
            path: format!("/test.Small/{text}"),
            kind: StreamKind::ClientStreaming,
            request: None,
            response: None,
        };
        let id = self.api.operations.push(Operation {
            interface,
            name: name(text),
            params: params.iter().map(|(n, ty)| Param { name: name(n), ty: *ty }).collect(),
            result,
            call: Call::Grpc(call),
            class: CallClass::Unsafe(InDoubt::OutcomeUnknown),
            auth: AuthRequirement::default(),
            source: None,
            docs: None,
            deprecated: false,
        });
        self.api.interfaces[interface].operations.push(id);
        id
    }

    /// A unary operation without messages on the wire, so that it may return `result<_, error>` only.
    pub(crate) fn unary(&mut self, interface: InterfaceId, text: &str, params: &[(&str, TypeId)]) -> OperationId {
        let err = self.api.host.as_ref().map(|h| h.error);
        let result = self.inline(Shape::Result { ok: None, err });
        let id = self.operation(interface, text, params, result);
        if let Call::Grpc(call) = &mut self.api.operations[id].call {
            call.kind = StreamKind::Unary;
        }
        id
    }
}

pub(crate) fn labels(names: &[&str]) -> Vec<Label> {
    names.iter().map(|n| Label { name: name(n), docs: None }).collect()
}

pub(crate) fn case(text: &str, ty: Option<TypeId>) -> Case {
    Case { name: name(text), ty, docs: None }
}

/// The API of `tests/data/small.wit`.
pub(crate) fn api() -> Api {
    let mut b = Builder::new();
    b.api.docs = Some(b.api.texts.push("A package.\n\n\n"));
    let types = b.interface("types", Some("Shared types.\r\n\r\nOf all kinds.\u{202e}"));
    let error = host::grpc::declare(&mut b.api, types);

    let string = b.inline(Shape::String);
    let u32_ = b.inline(Shape::U32);
    let s8 = b.inline(Shape::S8);
    let f32_ = b.inline(Shape::F32);
    let f64_ = b.inline(Shape::F64);
    let bool_ = b.inline(Shape::Bool);
    let char_ = b.inline(Shape::Char);
    let bytes = b.inline(Shape::Bytes);
    let id = b.declare(types, "id", Some("An identifier."), Shape::Alias(string));
    let _ = b.declare(types, "count", None, Shape::U64);
    let option_id = b.inline(Shape::Option(id));
    let ids = b.inline(Shape::List(id));
    let level = b.declare(types, "level", None, Shape::Enum(labels(&["low", "high", "none", "enum"])));
    let access = b.declare(types, "access", None, Shape::Flags(labels(&["read", "write", "list"])));
    let pair = b.inline(Shape::Tuple(vec![f32_, f64_]));
    let nested = b.inline(Shape::Option(option_id));
    let outcome = b.inline(Shape::Result { ok: Some(u32_), err: Some(string) });
    let bare = b.inline(Shape::Result { ok: None, err: None });
    let only_ok = b.inline(Shape::Result { ok: Some(s8), err: None });
    let choice = vec![case("nothing", None), case("some", Some(ids)), case("result", Some(outcome))];
    let choice = b.declare(types, "choice", None, Shape::Variant(choice));
    let option_level = b.inline(Shape::Option(level));
    let item = b.fields(&[
        ("id", id, Some("Its id.\n  indented\t\n/// not nested")),
        ("type", string, None),
        ("level", option_level, None),
        ("access", access, None),
        ("choice", choice, None),
        ("pair", pair, None),
        ("nested", nested, Some("  \n ")),
        ("bare", bare, None),
        ("only-ok", only_ok, None),
        ("data", bytes, None),
        ("mark", char_, None),
        ("done", bool_, None),
    ]);
    let item = b.declare(types, "item", Some("An item.\n\nWith all."), item);
    let option_u32 = b.inline(Shape::Option(u32_));

    let items = b.interface("interface", None);
    let filter = b.fields(&[("level", option_level, None), ("limit", option_u32, None), ("offset", u32_, None)]);
    let filter = b.declare(items, "filter", None, filter);
    let range = b.fields(&[("first", option_u32, None), ("last", option_u32, None)]);
    let range = b.declare(items, "range", None, range);
    let option_item = b.inline(Shape::Option(item));
    let next = b.inline(Shape::Result { ok: Some(option_item), err: Some(error) });
    let batch = b.inline(Shape::List(item));
    let batch = b.inline(Shape::Result { ok: Some(batch), err: Some(error) });
    let resource = Resource {
        operation: Id::new(0),
        methods: vec![
            Method { step: Step::Next, params: Vec::new(), result: Some(next), docs: Some(b.api.texts.push("The next.")) },
            Method {
                step: Step::NextBatch,
                params: vec![Param { name: name("max"), ty: u32_ }],
                result: Some(batch),
                docs: None,
            },
            Method { step: Step::Cancel, params: Vec::new(), result: None, docs: None },
        ],
    };
    let watch = b.declare(items, "watch-stream", Some("A stream."), Shape::Resource(resource));
    let watch = b.inline(Shape::Result { ok: Some(watch), err: Some(error) });
    let list = b.operation(items, "watch", &[("from", id), ("filter", filter)], watch);
    b.api.operations[list].docs = Some(b.api.texts.push("Watches.\n\n`test.Small/Watch`"));
    b.api.operations[list].deprecated = true;
    let put = b.unary(items, "list", &[("item", item), ("filter", filter), ("range", range), ("more", option_u32)]);
    b.api.operations[put].deprecated = true;
    let levels = b.inline(Shape::List(level));
    b.unary(items, "set-levels", &[("levels", levels), ("access", access), ("outcome", outcome), ("nested", nested)]);
    b.api.interfaces[items].renames.push((item, name("item-record")));

    let other = b.interface("other", None);
    b.unary(other, "ping", &[]);
    b.unary(other, "set-levels", &[("level", level)]);

    b.api.worlds.push(World { name: name("other-client"), imports: vec![other] });
    b.api.worlds.push(World { name: name("client"), imports: vec![items, other] });
    b.api
}
