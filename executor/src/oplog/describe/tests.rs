#![expect(clippy::unwrap_used, reason = "a test's failure is a panic")]

use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
use witwire_ir::wire::Wire;
use witwire_ir::{
    AuthRequirement, Call, CallClass, Field, Interface, Operation, PackageName, Param, Protocol, Shape, Type, TypeName,
    WitName,
};

use super::super::digest::{ComponentDigest, Digest, RequestDigest};
use super::super::entry::{Completed, Finished, Invoked, RandomBytes};
use super::*;

const INTERFACE: &str = "core:todo/todos@1.0.0";

fn name(text: &str) -> WitName {
    WitName::new(text).unwrap()
}

/// `add: func(todo: todo, note: option<string>) -> result<u32, string>`
fn api() -> Api {
    let package = PackageName { namespace: name("core"), name: name("todo"), version: "1.0.0".into() };
    let mut api = Api::new(package, Protocol::Grpc);
    let interface =
        Interface { name: name("todos"), docs: None, types: Vec::new(), operations: Vec::new(), renames: Vec::new() };
    let interface = api.interfaces.push(interface);
    let mut push = |shape| api.types.push(Type::plain(shape));
    let (string, number) = (push(Shape::String), push(Shape::U32));
    let note = push(Shape::Option(string));
    let result = push(Shape::Result { ok: Some(number), err: Some(string) });
    let fields = vec![Field { name: name("title"), ty: string, docs: None }];
    let todo = api.types.push(Type {
        name: Some(TypeName { interface, name: name("todo") }),
        ..Type::with_wire(Shape::Record(fields), Wire::Plain)
    });
    let path = "/core.todo.Todos/Add".into();
    api.operations.push(Operation {
        interface,
        name: name("add"),
        params: vec![Param { name: name("todo"), ty: todo }, Param { name: name("note"), ty: note }],
        result,
        call: Call::Grpc(GrpcCall { path, kind: StreamKind::Unary, request: Some(todo), response: None }),
        class: CallClass::Safe,
        auth: AuthRequirement::default(),
        source: None,
        docs: None,
        deprecated: false,
    });
    api
}

fn ir() -> IrDigest {
    IrDigest(Digest::of(b"ir"))
}

fn call(request: Recorded, ir: IrDigest, key: Option<&str>) -> Event {
    Event::Started(Started {
        function: FunctionName::of(INTERFACE, "add"),
        ir,
        digest: RequestDigest(Digest::of(b"request")),
        request,
        class: if key.is_some() { Class::Keyed } else { Class::Unsafe },
        key: key.map(|k| IdempotencyKey::new(k).unwrap()),
    })
}

#[test]
fn entries_read_as_typed_values() {
    let todo = |title: &str| Value::record([Value::string(title)]);
    let other = IrDigest(Digest::of(b"other"));
    let events: Vec<Event> = vec![
        Event::Random(RandomBytes([1, 2].into())),
        Event::Invoked(Invoked {
            invocation: 0,
            key: IdempotencyKey::new("order-1").unwrap(),
            function: FunctionName::world("run"),
            arguments: vec![Wave::new("\"x\""), Wave::new("2")],
            component: ComponentDigest(Digest::of(b"wasm")),
            irs: Vec::new(),
        }),
        Event::Clock(ClockReading::Wall { seconds: 5, nanoseconds: 70 }),
        call(Recorded::Typed(vec![todo("milk"), Value::some(Value::string("\u{1b}[2J"))]), ir(), Some("k")),
        Event::Finished(Finished { call: Ordinal::new(3), response: Value::ok(Some(Value::U32(7))), beside: None }),
        Event::Clock(ClockReading::Monotonic(9)),
        call(Recorded::Digest, ir(), None),
        Event::Finished(Finished { call: Ordinal::new(6), response: Value::err(Value::string("no")), beside: None }),
        call(Recorded::Typed(vec![todo("x"), Value::none()]), other, None),
        Event::Finished(Finished { call: Ordinal::new(8), response: Value::ok(Some(Value::U32(7))), beside: None }),
        Event::Completed(Completed { invocation: 0, outcome: Outcome::Returned(Some(Wave::new("\"ok\""))) }),
        Event::Completed(Completed { invocation: 1, outcome: Outcome::Returned(None) }),
        Event::Completed(Completed { invocation: 2, outcome: Outcome::Trapped("un\u{1b}[2Jreachable".into()) }),
        Event::Finished(Finished { call: Ordinal::new(99), response: Value::none(), beside: None }),
    ];
    let entries: Vec<(Ordinal, Entry)> = (0..)
        .zip(events)
        .map(|(i, event)| (Ordinal::new(i), Entry { at: Timestamp::from_millis(1000 + i), event }))
        .collect();
    let apis = HashMap::from([(ir(), vec![Arc::new(api())])]);
    let lines: Vec<String> = describe(&entries, &apis).iter().map(ToString::to_string).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oplog/described.txt");
    let text = lines.join("\n") + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}
