//! Values of every shape, through the memory of a real guest.

use std::sync::Arc;

use wasmtime::component::{Component, Linker, Val, types::ComponentItem};
use wasmtime::{Engine, Store};
use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::sample::{SplitMix64, sample};
use witwire_ir::wave::print_value;
use witwire_ir::{
    Api, AuthRequirement, Call, CallClass, Case, Field, Interface, InterfaceId, Label, Operation, PackageName, Param,
    Protocol, Shape, Type, TypeId, TypeName, Value, WitName, print_package,
};

use super::{Target, resolve};

fn name(text: &str) -> WitName {
    WitName::new(text).unwrap()
}

struct Shapes {
    api: Api,
    interface: InterfaceId,
}

impl Shapes {
    fn plain(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    fn named(&mut self, type_name: &str, shape: Shape) -> TypeId {
        let declared = TypeName { interface: self.interface, name: name(type_name) };
        let id = self.api.types.push(Type { name: Some(declared), ..Type::plain(shape) });
        self.api.interfaces[self.interface].types.push(id);
        id
    }

    /// Names whose alphabetical order is theirs, since WAVE sets flags in that order.
    fn labels(count: usize) -> Vec<Label> {
        (0..count).map(|i| Label { name: name(&format!("l{i:03}")), docs: None }).collect()
    }

    /// A record with a field of every shape.
    fn everything(&mut self) -> TypeId {
        let scalars = [
            Shape::Bool,
            Shape::U8,
            Shape::U16,
            Shape::U32,
            Shape::U64,
            Shape::S8,
            Shape::S16,
            Shape::S32,
            Shape::S64,
            Shape::F32,
            Shape::F64,
            Shape::Char,
            Shape::String,
            Shape::Bytes,
        ];
        let mut types: Vec<_> = scalars.into_iter().map(|shape| self.plain(shape)).collect();
        let (number, text, bytes) = (types[8], types[12], types[13]);
        let float = types[9];
        let optional = self.plain(Shape::Option(text));
        let twice = self.plain(Shape::Option(optional));
        let list = self.plain(Shape::List(twice));
        let pair = self.plain(Shape::Tuple(vec![text, number, float]));
        let alias = self.named("alias", Shape::Alias(pair));
        let few = self.named("few", Shape::Flags(Self::labels(3)));
        let many = self.named("many", Shape::Flags(Self::labels(32)));
        let small = self.named("small", Shape::Enum(Self::labels(2)));
        let large = self.named("large", Shape::Enum(Self::labels(300)));
        let case = |n: &str, ty| Case { name: name(n), ty, docs: None };
        let cases =
            vec![case("none", None), case("float", Some(float)), case("pair", Some(alias)), case("large", Some(large))];
        let variant = self.named("choice", Shape::Variant(cases));
        let result = self.plain(Shape::Result { ok: Some(bytes), err: None });
        let empty = self.plain(Shape::Result { ok: None, err: None });
        let inner = self.named("inner", Shape::Record(vec![Field { name: name("choice"), ty: variant, docs: None }]));
        let inners = self.plain(Shape::List(inner));
        types.extend([optional, twice, list, alias, few, many, small, large, variant, result, empty, inner, inners]);
        let fields = types.into_iter().enumerate();
        let fields = fields.map(|(i, ty)| Field { name: name(&format!("f{i}")), ty, docs: None }).collect();
        self.named("everything", Shape::Record(fields))
    }
}

/// An API with `echo: func(v: everything) -> result<everything, string>`.
fn echo() -> (Api, TypeId) {
    let package = PackageName { namespace: name("a"), name: name("b"), version: "1.0.0".to_owned() };
    let mut api = Api::new(package, Protocol::Grpc);
    let interface = Interface { name: name("c"), docs: None, types: vec![], operations: vec![], renames: vec![] };
    let interface = api.interfaces.push(interface);
    let mut shapes = Shapes { api, interface };
    let everything = shapes.everything();
    let text = shapes.plain(Shape::String);
    let result = shapes.plain(Shape::Result { ok: Some(everything), err: Some(text) });
    let mut api = shapes.api;
    let operation = api.operations.push(Operation {
        interface,
        name: name("echo"),
        params: vec![Param { name: name("v"), ty: everything }],
        result,
        call: Call::Grpc(GrpcCall { path: "/a/b".to_owned(), kind: StreamKind::Unary, request: None, response: None }),
        class: CallClass::Safe,
        auth: AuthRequirement::default(),
        source: None,
        docs: None,
        deprecated: false,
    });
    api.interfaces[interface].operations.push(operation);
    (api, everything)
}

#[test]
fn values_of_every_shape_pass_through_a_guest_unchanged() {
    const ROUNDS: usize = 200;
    let (api, everything) = echo();
    let wasm = witwire_test_support::proxy_guest(&print_package(&api), "c").unwrap();
    let engine = Engine::default();
    let component = Component::new(&engine, wasm).unwrap();
    let api = Arc::new(api);
    let imports = resolve(&engine, &component, std::slice::from_ref(&api)).unwrap();
    let Target::Operation(_, signature) = &imports.functions[0].target else { panic!("not an operation") };
    let (param, result) = (signature.params[0], signature.result);

    // The host gives back what it was given, and keeps it.
    let layout = Arc::new(imports.layout);
    let mut linker = Linker::<Vec<Value>>::new(&engine);
    let host = layout.clone();
    let echo = move |mut cx: wasmtime::StoreContextMut<'_, Vec<Value>>, _, params: &[Val], results: &mut [Val]| {
        let value = host.lift(param, &params[0])?;
        results[0] = host.lower(result, Value::ok(Some(value.clone())))?;
        cx.data_mut().push(value);
        Ok(())
    };
    linker.instance("a:b/c@1.0.0").unwrap().func_new("echo", echo).unwrap();

    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &component).unwrap();
    let export = instance.get_export_index(&mut store, None, "a:b/c@1.0.0").unwrap();
    let export = instance.get_export_index(&mut store, Some(&export), "echo").unwrap();
    let func = instance.get_func(&mut store, export).unwrap();
    let ty = match component.component_type().get_export(&engine, "a:b/c@1.0.0").unwrap().ty {
        ComponentItem::ComponentInstance(instance) => match instance.get_export(&engine, "echo").unwrap().ty {
            ComponentItem::ComponentFunc(func) => func.params().next().unwrap().1,
            _ => panic!("not a function"),
        },
        _ => panic!("not an interface"),
    };

    let mut random = SplitMix64::new(1);
    for round in 0..ROUNDS {
        let value = sample(&api, everything, &mut random);
        // Made by WAVE, which knows nothing of this crate's conversions.
        let text = print_value(&api, everything, &value);
        let argument = Val::from_wave(&ty, &text).unwrap();
        let mut results = [Val::Bool(false)];
        func.call(&mut store, &[argument], &mut results).unwrap();
        assert_eq!(store.data()[round], value, "{text}");
        let Val::Result(Ok(Some(echoed))) = &results[0] else { panic!("{:?}", results[0]) };
        assert_eq!(Val::from_wave(&ty, &text).unwrap(), **echoed, "{text}");
    }
}

/// An engine for WASI 0.3 compiles such a component; linking it would go wrong at the first call.
#[test]
fn an_async_import_is_refused_by_name() {
    let (api, _) = echo();
    let wit = print_package(&api).replace("echo: func(v: everything)", "echo: async func()");
    let wasm = witwire_test_support::Script::new([wit]).call("a:b/c@1.0.0", "echo()").build().unwrap();
    let engine = Engine::default();
    let component = Component::new(&engine, wasm).unwrap();
    let error = resolve(&engine, &component, &[Arc::new(api)]).unwrap_err();
    let (interface, function) = ("a:b/c@1.0.0".to_owned(), "echo".to_owned());
    assert_eq!(error.problems, [super::LinkProblem::Async { interface, function }]);
}
