//! Every rule is checked, and hostile APIs cost nothing.

use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::operation::{Call, Place};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Arm, Json, Literal, Member, Object, Presence, Rung, Union};
use witwire_ir::wire::proto::{Codec, Field as ProtoField, Message, Presence as ProtoPresence, ProtoEnum, Scalar};
use witwire_ir::{
    Api, AuthKind, AuthScheme, Check, Id, Number, OperationId, Rule, SchemeId, Shape, Type, TypeId, TypeName, World,
};

use crate::small::{self, Builder, case, labels, name};

/// The rules that an API breaks.
fn broken(api: &Api) -> Vec<Rule> {
    let mut rules: Vec<Rule> = api.check().err().into_iter().flatten().map(|c| c.rule).collect();
    rules.dedup();
    rules
}

#[track_caller]
fn breaks(rule: Rule, change: impl FnOnce(&mut Api)) {
    let mut api = small::api();
    change(&mut api);
    assert_eq!(broken(&api), [rule]);
}

fn find(api: &Api, text: &str) -> TypeId {
    let named = |id: &TypeId| api.types[*id].name.as_ref().is_some_and(|n| n.name.as_str() == text);
    api.types.ids().find(named).unwrap()
}

fn at<'a>(api: &'a mut Api, text: &str) -> &'a mut Type {
    let id = find(api, text);
    &mut api.types[id]
}

fn far<I: Id>() -> I {
    I::new(100_000)
}

fn first() -> OperationId {
    Id::new(0)
}

#[test]
fn ids_lead_somewhere() {
    breaks(Rule::Ids, |api| at(api, "id").shape = Shape::Alias(far()));
    breaks(Rule::Ids, |api| at(api, "item").name.as_mut().unwrap().interface = far());
    breaks(Rule::Ids, |api| at(api, "item").checks.push(Check::Schema(far())));
    breaks(Rule::Ids, |api| {
        let codec = Codec::Message(far());
        let field = ProtoField::Repeated { number: 1, name: String::new(), codec, packed: false };
        at(api, "item").wire = Wire::Message(Message { full_name: String::new(), fields: vec![field] });
    });
    breaks(Rule::Ids, |api| api.operations[first()].result = far());
    breaks(Rule::Ids, |api| api.operations[first()].params[0].ty = far());
    breaks(Rule::Ids, |api| api.operations[first()].auth.alternatives.push(vec![far::<SchemeId>()]));
    breaks(Rule::Ids, |api| api.interfaces[Id::new(0)].types.push(far()));
    breaks(Rule::Ids, |api| api.interfaces[Id::new(0)].operations.push(far()));
    breaks(Rule::Ids, |api| api.worlds[0].imports.push(far()));
    breaks(Rule::Ids, |api| api.host.as_mut().unwrap().error = far());
    breaks(Rule::Ids, |api| match &mut api.operations[first()].call {
        Call::Grpc(call) => call.request = Some(far()),
        Call::Http(_) => unreachable!("the small API is gRPC"),
    });
}

#[test]
fn nothing_is_recursive() {
    breaks(Rule::Recursion, |api| {
        let id = find(api, "id");
        api.types[id].shape = Shape::Alias(id);
    });
    breaks(Rule::Recursion, |api| {
        let item = find(api, "item");
        let list = api.types.push(Type::plain(Shape::List(item)));
        if let Shape::Record(fields) = &mut api.types[item].shape {
            fields[0].ty = list;
        }
    });
    // An interface uses a type of one that uses its types.
    breaks(Rule::Recursion, |api| {
        let filter = find(api, "filter");
        if let Shape::Record(fields) = &mut at(api, "item").shape {
            fields[0].ty = filter;
        }
    });
}

#[test]
fn hostile_growth_is_refused_in_time() {
    // A chain as long as the arena may be.
    let mut b = Builder::new();
    let mut ty = b.inline(Shape::U32);
    for _ in 0..300_000 {
        ty = b.inline(Shape::Option(ty));
    }
    assert!(broken(&b.api).contains(&Rule::Recursion));
    // 2¹⁵⁰ types written in place.
    let mut b = Builder::new();
    let mut ty = b.inline(Shape::U32);
    for _ in 0..150 {
        ty = b.inline(Shape::Tuple(vec![ty, ty]));
    }
    assert!(broken(&b.api).contains(&Rule::Recursion));
    // As many behind names: allowed to exist, and compared in time.
    let mut b = Builder::new();
    let types = b.interface("types", None);
    witwire_ir::host::grpc::declare(&mut b.api, types);
    let tower = |b: &mut Builder, prefix: &str| {
        let mut ty = b.inline(Shape::U32);
        for i in 0..90 {
            let tuple = b.inline(Shape::Tuple(vec![ty, ty]));
            ty = b.declare(types, &format!("{prefix}{i}"), None, Shape::Alias(tuple));
        }
        ty
    };
    let (a, z) = (tower(&mut b, "a"), tower(&mut b, "z"));
    let cases = vec![case("only", Some(a))];
    let union = b.declare(types, "union", None, Shape::Variant(cases));
    b.api.types[union].wire = Wire::Json(Json::Union(Union { arms: vec![Arm::Value(z)], ladder: vec![] }));
    assert_eq!(broken(&b.api), [Rule::Wire]);
}

#[test]
fn shapes_are_those_of_wit() {
    breaks(Rule::Shape, |api| at(api, "level").shape = Shape::Enum(vec![]));
    breaks(Rule::Shape, |api| at(api, "item").shape = Shape::Record(vec![]));
    breaks(Rule::Shape, |api| at(api, "choice").shape = Shape::Variant(vec![]));
    breaks(Rule::Shape, |api| at(api, "count").shape = Shape::Tuple(vec![]));
    let many = |n: usize| (0..n).map(|i| format!("f{i}")).collect::<Vec<_>>();
    let flags = |n: usize| labels(&many(n).iter().map(String::as_str).collect::<Vec<_>>());
    breaks(Rule::Shape, |api| at(api, "access").shape = Shape::Flags(flags(33)));
    breaks(Rule::Shape, |api| at(api, "level").shape = Shape::Enum(flags(10_001)));
    breaks(Rule::Shape, |api| api.package.version = "1.0.0;\ninterface x {".to_owned());
    breaks(Rule::Shape, |api| {
        let byte = api.types.push(Type::plain(Shape::U8));
        api.types.push(Type::plain(Shape::List(byte)));
    });
    breaks(Rule::Shape, |api| {
        api.types.push(Type::plain(Shape::Enum(labels(&["a"]))));
    });
    breaks(Rule::Shape, |api| {
        let checks = vec![Check::Minimum(Number::Float(f64::NAN))];
        api.types.push(Type { checks, ..Type::plain(Shape::F64) });
    });
}

#[test]
fn names_are_unique_and_declared() {
    breaks(Rule::Names, |api| api.worlds.push(World { name: name("oth-er"), imports: vec![] }));
    breaks(Rule::Names, |api| at(api, "level").shape = Shape::Enum(labels(&["a-b", "ab"])));
    breaks(Rule::Names, |api| api.operations[first()].name = name("fil-ter"));
    breaks(Rule::Names, |api| api.operations[first()].params[1].name = name("from"));
    // A used type collides with a function, and a rename with a type.
    breaks(Rule::Names, |api| api.operations[first()].name = name("level"));
    breaks(Rule::Names, |api| api.interfaces[Id::new(1)].renames[0].1 = name("range"));
    breaks(Rule::Names, |api| {
        let id = find(api, "level");
        api.interfaces[Id::new(0)].types.retain(|ty| *ty != id);
    });
    breaks(Rule::Names, |api| {
        let id = find(api, "level");
        api.interfaces[Id::new(0)].types.push(id);
    });
    breaks(Rule::Names, |api| api.interfaces[Id::new(1)].operations.clear());
    breaks(Rule::Names, |api| {
        let id = api
            .types
            .push(Type { name: Some(TypeName { interface: Id::new(0), name: name("stray") }), ..Type::plain(Shape::U8) });
        api.operations[first()].params[0].ty = id;
    });
}

#[test]
fn wire_maps_fit() {
    let object = |slots: &[u16], presence| {
        let members = slots.iter().map(|slot| Member { key: "k".to_owned(), slot: *slot, presence }).collect();
        Wire::Json(Json::Object(Object { members, constants: vec![], additional: None }))
    };
    // `range` has two options; `filter` an option, an option and a number.
    let wire = |ty: &'static str, wire: Wire| move |api: &mut Api| at(api, ty).wire = wire;
    let mut fits = small::api();
    wire("range", object(&[1, 0], Presence::Optional))(&mut fits);
    assert_eq!(fits.check(), Ok(()));
    breaks(Rule::Wire, wire("range", object(&[0, 2], Presence::Optional)));
    breaks(Rule::Wire, wire("range", object(&[0, 0], Presence::Optional)));
    breaks(Rule::Wire, wire("range", object(&[0], Presence::Optional)));
    breaks(Rule::Wire, wire("range", object(&[0, 1], Presence::Required)));
    breaks(Rule::Wire, wire("filter", object(&[0, 1, 2], Presence::Optional)));
    breaks(Rule::Wire, wire("level", object(&[], Presence::Optional)));
    // Bytes that are not there would be none, which is another value.
    breaks(Rule::Wire, |api| {
        wire("filter", object(&[0, 1, 2], Presence::Optional))(api);
        let bytes = api.types.push(Type::plain(Shape::Bytes));
        let Shape::Record(fields) = &mut at(api, "filter").shape else { panic!("a record") };
        fields[2].ty = bytes;
    });

    let literals = |n: usize| Wire::Json(Json::Literals(vec![Literal::Null; n]));
    let mut fits = small::api();
    wire("level", literals(4))(&mut fits);
    assert_eq!(fits.check(), Ok(()));
    breaks(Rule::Wire, wire("level", literals(3)));
    // The last case of `choice` is no string.
    breaks(Rule::Wire, wire("choice", literals(2)));
    breaks(Rule::Wire, wire("level", Wire::Json(Json::Map)));
    breaks(Rule::Wire, wire("level", Wire::Json(Json::Base64 { url_safe: false })));
    breaks(Rule::Wire, wire("choice", Wire::Json(Json::NullOr)));

    let union = |api: &Api, arms: usize, arm: u16| {
        let Shape::Variant(cases) = api.shape(find(api, "choice")) else { unreachable!("a variant") };
        let arms = cases.iter().map(|c| c.ty.map_or(Arm::Constant(Literal::Null), Arm::Value)).take(arms).collect();
        Wire::Json(Json::Union(Union { arms, ladder: vec![Rung::Best(vec![arm])] }))
    };
    let mut fits = small::api();
    at(&mut fits, "choice").wire = union(&small::api(), 3, 2);
    assert_eq!(fits.check(), Ok(()));
    breaks(Rule::Wire, |api| at(api, "choice").wire = union(&small::api(), 3, 3));
    breaks(Rule::Wire, |api| at(api, "choice").wire = union(&small::api(), 1, 0));

    let field = |number: u32, presence| ProtoField::Singular {
        number,
        name: "f".to_owned(),
        codec: Codec::Scalar(Scalar::Uint32),
        presence,
    };
    let message = |fields: Vec<ProtoField>| Wire::Message(Message { full_name: "m".to_owned(), fields });
    let explicit = || ProtoPresence::Explicit;
    let mut fits = small::api();
    wire("range", message(vec![field(1, explicit()), field(2, explicit())]))(&mut fits);
    assert_eq!(fits.check(), Ok(()));
    breaks(Rule::Wire, wire("range", message(vec![field(1, explicit())])));
    breaks(Rule::Wire, wire("range", message(vec![field(1, explicit()), field(1, explicit())])));
    breaks(Rule::Wire, wire("range", message(vec![field(0, explicit()), field(1, explicit())])));
    breaks(Rule::Wire, wire("range", message(vec![field(1 << 29, explicit()), field(1, explicit())])));
    breaks(Rule::Wire, wire("range", message(vec![field(1, explicit()), field(2, ProtoPresence::Implicit)])));
    let numbers = |n: i32, default| {
        Wire::ProtoEnum(ProtoEnum { full_name: "e".to_owned(), numbers: (0..n).collect(), default, closed: true })
    };
    breaks(Rule::Wire, wire("level", numbers(3, 0)));
    breaks(Rule::Wire, wire("level", numbers(4, 4)));
}

#[test]
fn calls_and_places_fit() {
    breaks(Rule::Call, |api| {
        let result = api.types.push(Type::plain(Shape::Result { ok: None, err: None }));
        api.operations[first()].result = result;
    });
    breaks(Rule::Call, |api| {
        let err = Some(find(api, "violation"));
        let result = api.types.push(Type::plain(Shape::Result { ok: None, err }));
        api.operations[first()].result = result;
    });
    breaks(Rule::Call, |api| match &mut api.operations[first()].call {
        Call::Grpc(call) => call.kind = StreamKind::Unary,
        Call::Http(_) => unreachable!("the small API is gRPC"),
    });
    breaks(Rule::Call, |api| match &mut api.operations[first()].call {
        Call::Grpc(call) => call.path = "test.Small/Watch".to_owned(),
        Call::Http(_) => unreachable!("the small API is gRPC"),
    });
    // What `next` gives is not the message that the call receives.
    breaks(Rule::Call, |api| {
        let field = |number| ProtoField::Singular {
            number,
            name: String::new(),
            codec: Codec::Scalar(Scalar::Uint32),
            presence: ProtoPresence::Explicit,
        };
        let fields = vec![field(1), field(2)];
        at(api, "range").wire = Wire::Message(Message { full_name: "m".to_owned(), fields });
        let other = find(api, "range");
        match &mut api.operations[first()].call {
            Call::Grpc(call) => call.response = Some(other),
            Call::Http(_) => unreachable!("the small API is gRPC"),
        }
    });
    let guest = |place: Place| {
        move |api: &mut Api| {
            api.auth_mode = witwire_ir::AuthMode::Guest;
            api.operations[first()].auth.guest = Some(place);
        }
    };
    let mut fits = small::api();
    guest(Place::slot(1, 2))(&mut fits);
    assert_eq!(fits.check(), Ok(()));
    breaks(Rule::Place, guest(Place::argument(2)));
    breaks(Rule::Place, guest(Place::slot(1, 3)));
    breaks(Rule::Place, guest(Place::slot(0, 0)));
    breaks(Rule::Place, |api| {
        let record = Some(find(api, "range"));
        api.schemes.push(AuthScheme { name: "s".to_owned(), kind: AuthKind::Bearer, record });
    });
    breaks(Rule::Host, |api| api.host = None);
    breaks(Rule::Host, |api| api.host.as_mut().unwrap().error = find(api, "violation"));
}

/// The small API, whose functions take settings of the call.
fn explicit() -> Api {
    let mut api = small::api();
    witwire_ir::host::call::declare(&mut api);
    api
}

#[track_caller]
fn breaks_explicit(rule: Rule, change: impl FnOnce(&mut Api, TypeId)) {
    let mut api = explicit();
    let call = find(&api, "call");
    change(&mut api, call);
    assert_eq!(broken(&api), [rule]);
}

fn resource(api: &mut Api, call: TypeId) -> &mut witwire_ir::CallResource {
    let Shape::Call(resource) = &mut api.types[call].shape else { unreachable!("it is the resource") };
    resource
}

#[test]
fn settings_of_a_call_stand_last_and_are_as_built() {
    assert_eq!(broken(&explicit()), []);
    let api = explicit();
    assert!(api.operations.iter().all(|(_, o)| api.settings(o) == Some(o.params.len() - 1)));
    breaks_explicit(Rule::Ids, |api, call| resource(api, call).settings = far());
    breaks_explicit(Rule::Recursion, |api, call| resource(api, call).settings = call);
    breaks_explicit(Rule::Names, |api, call| {
        let again = resource(api, call).methods[1].clone();
        resource(api, call).methods.push(again);
    });
    breaks_explicit(Rule::Host, |api, call| {
        let settings = resource(api, call).settings;
        if let Shape::Record(fields) = &mut api.types[settings].shape {
            fields.pop();
        }
    });
    breaks_explicit(Rule::Host, |api, call| {
        let error = api.host.as_ref().map(|host| host.error).unwrap();
        resource(api, call).methods[1].params[0].ty = error;
    });
    breaks_explicit(Rule::Shape, |api, call| {
        let settings = resource(api, call).settings;
        api.operations[first()].params[0].ty = settings;
    });
    breaks_explicit(Rule::Shape, |api, call| api.operations[first()].params.last_mut().unwrap().ty = call);
    breaks_explicit(Rule::Shape, |api, _| {
        let mut again = api.operations[first()].params.last().unwrap().clone();
        again.name = name("again");
        api.operations[first()].params.push(again);
    });
    breaks_explicit(Rule::Shape, |api, call| {
        let list = api.types.push(Type::plain(Shape::List(call)));
        api.operations[first()].params[0].ty = list;
    });
}

#[test]
fn settings_of_a_call_are_pruned_with_their_functions() {
    let api = explicit();
    let one = api.prune(|id, _| id == first());
    assert_eq!(broken(&one), []);
    assert!(one.types.iter().any(|(_, ty)| matches!(ty.shape, Shape::Call(_))));
    assert_eq!(broken(&api.prune(|_, _| false)), []);
}
