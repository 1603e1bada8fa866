//! A function that a component imports, with all that is needed to perform it.

use std::sync::Arc;
use std::time::Duration;

use witwire_interpreter::{Failure, Plan, Response};
use witwire_ir::operation::http::ItemEncoding;
use witwire_ir::{Call, InDoubt, Operation, OperationId, Step, Value};

use crate::credentials::Credentials;
use crate::lift::Layout;
use crate::link::Signature;
use crate::oplog::{FunctionName, IrDigest};
use crate::stream::Count;
use crate::transport::Route;

/// A function that a component imports, with all that is needed to perform it.
#[derive(Debug)]
pub(crate) struct Callee {
    pub(crate) name: FunctionName,
    pub(crate) ir: IrDigest,
    pub(crate) plan: Arc<Plan>,
    pub(crate) operation: OperationId,
    pub(crate) layout: Arc<Layout>,
    pub(crate) signature: Signature,
    pub(crate) route: Route,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) deadline: Duration,
    pub(crate) record_requests: bool,
    pub(crate) unkeyed: InDoubt,
    /// The number under which the resource is linked that the function opens.
    pub(crate) resource: Option<u32>,
}

impl Callee {
    pub(crate) fn operation(&self) -> &Operation {
        &self.plan.api().operations[self.operation]
    }

    /// The position of the argument with the call's own settings.
    pub(crate) fn settings(&self) -> Option<usize> {
        self.plan.api().settings(self.operation())
    }

    /// Whether the function gives a stream.
    pub(crate) fn opens_stream(&self) -> bool {
        self.plan.api().stream(self.operation).is_some()
    }

    /// Whether the function gives a pager: each step of it is a call of its own.
    pub(crate) fn opens_pager(&self) -> bool {
        matches!(&self.operation().call, Call::Http(call) if call.pager.is_some())
    }

    /// Whether the function itself takes the request; else the guest sends items.
    pub(crate) fn takes_request(&self) -> bool {
        self.operation().call.takes_request()
    }

    /// What of its stream is counted.
    pub(crate) fn count(&self) -> Count {
        let items = match &self.operation().call {
            Call::Http(call) => call.streams().next().map(|stream| stream.item),
            Call::Grpc(_) => None,
        };
        match items {
            Some(ItemEncoding::Event) => Count::Events,
            Some(ItemEncoding::Binary) => Count::Bytes,
            _ => Count::Items,
        }
    }

    /// The value if it is one that a step gives, else the error that says so.
    pub(crate) fn checked_step(&self, step: Step, value: Value) -> Value {
        let api = self.plan.api();
        let ty = api.step(self.operation, step).and_then(|method| method.result);
        match ty.map(|ty| value.conforms(api, ty)) {
            Some(Err(mismatch)) => self.failure(unfit(&mismatch)),
            Some(Ok(())) | None => value,
        }
    }

    /// The result for a response.
    pub(crate) fn response(&self, args: &[Value], response: &Response) -> Value {
        let value = self.plan.response(self.operation, args, response);
        if self.opens_pager() { self.checked_step(Step::Next, value) } else { checked(&self.plan, self.operation, value) }
    }

    /// The result for a failure that the host found.
    pub(crate) fn failure(&self, failure: Failure) -> Value {
        self.plan.failure(self.operation, failure)
    }
}

/// The value if it is one of the operation's result, so that it can be recorded and given to a guest at any later time.
fn checked(plan: &Plan, operation: OperationId, value: Value) -> Value {
    match value.conforms(plan.api(), plan.api().operations[operation].result) {
        Ok(()) => value,
        Err(mismatch) => plan.failure(operation, unfit(&mismatch)),
    }
}

fn unfit(mismatch: &dyn std::fmt::Display) -> Failure {
    let message = format!("the response cannot be given to the component: {mismatch}");
    Failure::InvalidResponse { message, raw: None, status: None }
}

#[cfg(test)]
pub(crate) mod tests {
    use witwire_ir::host::grpc::{self, ErrorKind};
    use witwire_ir::operation::grpc::{GrpcCall, StreamKind};
    use witwire_ir::{Api, AuthRequirement, CallClass, Interface, PackageName, Protocol, Shape, Type, WitName};

    use super::*;

    /// An API with `f: func() -> result<_, error>`.
    fn plan() -> (Plan, OperationId) {
        let name = |text: &str| WitName::new(text).unwrap();
        let package = PackageName { namespace: name("a"), name: name("b"), version: "1.0.0".to_owned() };
        let mut api = Api::new(package, Protocol::Grpc);
        let interface = Interface { name: name("c"), docs: None, types: vec![], operations: vec![], renames: vec![] };
        let interface = api.interfaces.push(interface);
        let error = grpc::declare(&mut api, interface);
        let result = api.types.push(Type::plain(Shape::Result { ok: None, err: Some(error) }));
        let operation = api.operations.push(Operation {
            interface,
            name: name("f"),
            params: Vec::new(),
            result,
            call: Call::Grpc(GrpcCall { path: "/a.B/F".to_owned(), kind: StreamKind::Unary, request: None, response: None }),
            class: CallClass::Safe,
            auth: AuthRequirement::default(),
            source: None,
            docs: None,
            deprecated: false,
        });
        (Plan::new(Arc::new(api)).unwrap(), operation)
    }

    /// Its function, at a server that nobody asks.
    pub(crate) fn callee() -> Callee {
        let (plan, operation) = plan();
        let transport = crate::transport::Transport::new(crate::transport::TransportConfig::default()).unwrap();
        let endpoint = crate::transport::Endpoint::parse("http://a.example").unwrap();
        let mut layout = Layout::default();
        let result = layout.push(crate::lift::Node::Bool);
        Callee {
            name: FunctionName::of("a:b/c@1.0.0", "f"),
            ir: IrDigest(crate::oplog::Digest::of(b"")),
            plan: Arc::new(plan),
            operation,
            layout: Arc::new(layout),
            signature: Signature { params: Vec::new(), result },
            route: transport.route(vec![endpoint], crate::transport::RouteSettings::default()).unwrap(),
            credentials: Arc::new(Credentials::none()),
            deadline: Duration::from_secs(1),
            record_requests: true,
            unkeyed: InDoubt::OutcomeUnknown,
            resource: None,
        }
    }

    #[test]
    fn a_value_of_another_shape_never_reaches_a_guest_or_an_oplog() {
        let (plan, operation) = plan();
        assert_eq!(checked(&plan, operation, Value::ok(None)), Value::ok(None));
        for wrong in [Value::U8(1), Value::ok(Some(Value::U8(1))), Value::err(Value::Enum(0)), Value::Result(Err(None))] {
            let value = checked(&plan, operation, wrong);
            let Value::Result(Err(Some(error))) = &value else { panic!("{value:?}") };
            let Value::Record(slots) = &**error else { panic!("{error:?}") };
            assert_eq!(slots[grpc::KIND], Value::Variant(ErrorKind::InvalidResponse as u32, None));
            assert_eq!(value.conforms(plan.api(), plan.api().operations[operation].result), Ok(()));
        }
    }
}
