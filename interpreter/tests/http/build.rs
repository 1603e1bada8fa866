//! Small APIs written by hand, so that each rule is tested apart from any frontend.

use std::sync::Arc;

use witwire_interpreter::{HttpRequest, HttpResponse, Plan, Request, Response};
use witwire_ir::operation::http::{
    Body, BodyEncoding, BodyValue, HttpCall, Location, Method, MissingFrom, OkShape, Outcome, Parameter, ParameterEncoding,
    ParameterValue, PathPart, Response as Declared, ResponseBody, ResponseEncoding, StatusMatch, Style,
};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Literal, Member, Object, Presence};
use witwire_ir::{
    Api, AuthRequirement, Call, CallClass, Case, Check, Field, Interface, InterfaceId, Label, Operation, OperationId,
    PackageName, Param, Place, Protocol, Shape, Type, TypeId, TypeName, Value, WitName, host,
};

pub(super) fn name(text: &str) -> WitName {
    WitName::new(text).expect("a WIT name")
}

/// An API being built: one interface for everything.
pub(super) struct Builder {
    pub(super) api: Api,
    pub(super) interface: InterfaceId,
    error: Option<TypeId>,
}

impl Builder {
    pub(super) fn new() -> Self {
        let package = PackageName { namespace: name("api"), name: name("test"), version: "1.0.0".to_owned() };
        let mut api = Api::new(package, Protocol::Http);
        let interface = api.interfaces.push(Interface {
            name: name("things"),
            docs: None,
            types: Vec::new(),
            operations: Vec::new(),
            renames: Vec::new(),
        });
        Self { api, interface, error: None }
    }

    /// Declares the host's types with this type as the error's body.
    pub(super) fn errors(&mut self, body: Option<TypeId>) -> TypeId {
        *self.error.get_or_insert_with(|| host::http::declare(&mut self.api, self.interface, body))
    }

    pub(super) fn plain(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    pub(super) fn json(&mut self, shape: Shape, json: Json) -> TypeId {
        self.api.types.push(Type::with_wire(shape, Wire::Json(json)))
    }

    pub(super) fn checked(&mut self, shape: Shape, checks: Vec<Check>) -> TypeId {
        self.api.types.push(Type { checks, ..Type::plain(shape) })
    }

    fn named(&mut self, type_name: &str, shape: Shape, json: Json) -> TypeId {
        let type_name = TypeName { interface: self.interface, name: name(type_name) };
        let id = self.api.types.push(Type { name: Some(type_name), ..Type::with_wire(shape, Wire::Json(json)) });
        self.api.interfaces[self.interface].types.push(id);
        id
    }

    pub(super) fn option(&mut self, ty: TypeId) -> TypeId {
        self.plain(Shape::Option(ty))
    }

    pub(super) fn list(&mut self, ty: TypeId) -> TypeId {
        self.plain(Shape::List(ty))
    }

    pub(super) fn map(&mut self, value: TypeId) -> TypeId {
        let key = self.plain(Shape::String);
        let pair = self.plain(Shape::Tuple(vec![key, value]));
        self.json(Shape::List(pair), Json::Map)
    }

    /// A record as an object: key (its kebab form is the field's name), type, presence.
    pub(super) fn record(&mut self, type_name: &str, members: &[(&str, TypeId, Presence)]) -> TypeId {
        let (fields, object) = object(members);
        self.named(type_name, Shape::Record(fields), Json::Object(object))
    }

    pub(super) fn object(&mut self, type_name: &str, fields: Vec<Field>, object: Object) -> TypeId {
        self.named(type_name, Shape::Record(fields), Json::Object(object))
    }

    pub(super) fn enumeration(&mut self, type_name: &str, literals: &[&str]) -> TypeId {
        let labels = literals.iter().map(|l| Label { name: name(&l.to_lowercase()), docs: None }).collect();
        let literals = literals.iter().map(|l| Literal::String((*l).to_owned())).collect();
        self.named(type_name, Shape::Enum(labels), Json::Literals(literals))
    }

    pub(super) fn variant(&mut self, type_name: &str, cases: &[(&str, Option<TypeId>)], json: Json) -> TypeId {
        let cases = cases.iter().map(|(case, ty)| Case { name: name(case), ty: *ty, docs: None }).collect();
        self.named(type_name, Shape::Variant(cases), json)
    }

    pub(super) fn operation(
        &mut self,
        function: &str,
        params: &[(&str, TypeId)],
        ok: Option<TypeId>,
        call: HttpCall,
    ) -> OperationId {
        let error = self.errors(None);
        let result = self.plain(Shape::Result { ok, err: Some(error) });
        let id = self.api.operations.push(Operation {
            interface: self.interface,
            name: name(function),
            params: params.iter().map(|(param, ty)| Param { name: name(param), ty: *ty }).collect(),
            result,
            call: Call::Http(call),
            class: CallClass::Safe,
            auth: AuthRequirement::default(),
            source: None,
            docs: None,
            deprecated: false,
        });
        self.api.interfaces[self.interface].operations.push(id);
        id
    }

    pub(super) fn plan(self) -> Plan {
        Plan::new(Arc::new(self.api)).expect("a consistent API")
    }
}

/// Fields and members of an object.
pub(super) fn object(members: &[(&str, TypeId, Presence)]) -> (Vec<Field>, Object) {
    let kebab = |key: &str| name(&key.to_lowercase().replace([' ', '_'], "-"));
    let fields = members.iter().map(|(key, ty, _)| Field { name: kebab(key), ty: *ty, docs: None }).collect();
    let members = members.iter().enumerate().map(|(i, (key, _, presence))| Member {
        key: (*key).to_owned(),
        slot: i as u16,
        presence: *presence,
    });
    (fields, Object { members: members.collect(), ..Object::default() })
}

/// A call of `/things` without anything.
pub(super) fn call(method: Method) -> HttpCall {
    HttpCall {
        method,
        template: "/things".to_owned(),
        servers: Vec::new(),
        path: vec![PathPart::Literal("/things".to_owned())],
        fixed_query: None,
        parameters: Vec::new(),
        body: None,
        accept: Vec::new(),
        responses: vec![Declared {
            status: StatusMatch::Exact(204),
            outcome: Outcome::Ok { case: None, shape: OkShape::None },
        }],
        pager: None,
        missing: MissingFrom::default(),
    }
}

pub(super) fn parameter(
    wire_name: &str,
    location: Location,
    encoding: ParameterEncoding,
    argument: u16,
    ty: TypeId,
) -> Parameter {
    let value = ParameterValue::Argument { place: Place::argument(argument), ty };
    Parameter { name: wire_name.to_owned(), location, encoding, value }
}

pub(super) fn style(style: Style, explode: bool) -> ParameterEncoding {
    ParameterEncoding::Style { style, explode, allow_reserved: false }
}

/// A body that is the first argument.
pub(super) fn whole(media_type: &str, encoding: BodyEncoding, ty: TypeId) -> Body {
    let value = BodyValue::Whole { place: Place::argument(0), ty };
    Body { media_type: media_type.to_owned(), media_type_from: None, encoding, value, required: true }
}

/// A declared success with a body.
pub(super) fn ok(status: StatusMatch, media_type: &str, encoding: ResponseEncoding, ty: TypeId) -> Declared {
    let body = ResponseBody { media_type: media_type.to_owned(), encoding, ty, unwrap: None };
    Declared { status, outcome: Outcome::Ok { case: None, shape: OkShape::Body(body) } }
}

/// A plan with one operation that reads JSON of a type.
pub(super) fn reader(build: impl FnOnce(&mut Builder) -> TypeId) -> (Plan, OperationId) {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let responses = vec![ok(StatusMatch::Exact(200), "application/json", ResponseEncoding::Json, ty)];
    let operation = b.operation("read", &[], Some(ty), HttpCall { responses, ..call(Method::Get) });
    (b.plan(), operation)
}

/// A plan with one operation that sends a type as JSON.
pub(super) fn writer(build: impl FnOnce(&mut Builder) -> TypeId) -> (Plan, OperationId) {
    let mut b = Builder::new();
    let ty = build(&mut b);
    let body = Some(whole("application/json", BodyEncoding::Json, ty));
    let operation = b.operation("write", &[("body", ty)], None, HttpCall { body, ..call(Method::Post) });
    (b.plan(), operation)
}

pub(super) fn response(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Response {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Response::Http(HttpResponse { status, headers, body: body.as_ref().to_vec().into() })
}

/// The HTTP request, or the violations as `location rule`.
pub(super) fn request(plan: &Plan, operation: OperationId, args: &[Value]) -> Result<HttpRequest, Vec<String>> {
    use witwire_interpreter::Failure;
    match plan.request(operation, args) {
        Ok(Request::Http(request)) => Ok(request),
        Ok(Request::Grpc(_)) => panic!("an HTTP operation made a gRPC request"),
        Err(Failure::InvalidRequest(violations)) => {
            Err(violations.into_iter().map(|v| format!("{} {}", v.location, v.rule)).collect())
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Reads JSON: the `ok` payload, or the error's kind and message.
pub(super) fn read(plan: &Plan, operation: OperationId, json: impl AsRef<[u8]>) -> Result<Value, (u32, String)> {
    outcome(plan.response(operation, &[], &response(200, &[("content-type", "application/json")], json)))
        .map(|payload| payload.expect("a payload"))
}

/// A result's payload, or the error's kind and message.
pub(super) fn outcome(result: Value) -> Result<Option<Value>, (u32, String)> {
    match result {
        Value::Result(Ok(payload)) => Ok(payload.map(|v| *v)),
        Value::Result(Err(Some(error))) => match *error {
            Value::Record(slots) => match (&slots[0], &slots[1]) {
                (Value::Variant(kind, _), Value::String(message)) => Err((*kind, message.to_string())),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
