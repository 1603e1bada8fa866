//! Protobuf: any values out, any bytes in, with prost-reflect as the judge.

mod judge;
mod misfit;

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor, Syntax};
use witwire_frontends::{Extensions, Options, UnknownFields};
use witwire_interpreter::{GrpcResponse, Plan, Request, Response};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{Call, Id, OperationId, Value};

use crate::compile::{self, ECHO, ECHO2};
use crate::source::Source;

/// What is larger is not given to the judge, in bytes.
const LARGE: usize = 1 << 20;

/// A package whose methods give back what they are given.
struct Echo {
    plan: Plan,
    /// What the judge knows of it.
    pool: DescriptorPool,
    /// Nothing that the judge sees is lost.
    keeps_all: bool,
}

static ECHOS: LazyLock<[Echo; 3]> = LazyLock::new(|| {
    let keep = Options { extensions: Extensions::Fields, unknown_fields: UnknownFields::Keep, ..Options::default() };
    [
        Echo::new("echo.proto", ECHO, &Options::default()),
        Echo::new("echo2.proto", ECHO2, &Options::default()),
        Echo::new("echo2.proto", ECHO2, &keep),
    ]
});

impl Echo {
    fn new(file: &str, text: &str, options: &Options) -> Self {
        let set = protox::compile([file], [concat!(env!("CARGO_MANIFEST_DIR"), "/specs")]);
        let set = set.expect("a specification of this crate compiles");
        Self {
            plan: compile::plan(compile::source(text, options)),
            pool: DescriptorPool::from_file_descriptor_set(set).expect("a set that protox made"),
            keeps_all: options.unknown_fields == UnknownFields::Keep,
        }
    }

    fn is_proto2(&self) -> bool {
        self.pool.services().all(|service| service.parent_file().syntax() == Syntax::Proto2)
    }

    /// The message that a method takes and gives.
    fn message(&self, operation: OperationId) -> MessageDescriptor {
        let Call::Grpc(call) = &self.plan.api().operations[operation].call else { panic!("a gRPC method") };
        let (service, method) = call.path.trim_start_matches('/').split_once('/').expect("a path has two parts");
        let service = self.pool.get_service_by_name(service).expect("a service of the specification");
        service.methods().find(|m| m.name() == method).expect("a method of the specification").input()
    }

    /// The message's bytes; `None` where the value may not be sent.
    fn encode(&self, operation: OperationId, args: &[Value]) -> Option<Vec<u8>> {
        match self.plan.request(operation, args).ok()? {
            Request::Grpc(request) => Some(request.message.to_vec()),
            Request::Http(_) => panic!("a gRPC method sends a gRPC request"),
        }
    }

    /// The message as arguments, or the error in its debug form.
    fn decode(&self, operation: OperationId, bytes: &[u8]) -> Result<Vec<Value>, String> {
        let response = GrpcResponse::Ok { message: bytes.to_vec().into(), trailers: Vec::new() };
        let result = self.plan.response(operation, &[], &Response::Grpc(response));
        let api = self.plan.api();
        assert_eq!(result.conforms(api, api.operations[operation].result), Ok(()), "a result is one of its type");
        match result {
            Value::Result(Ok(value)) => Ok(value.into_iter().map(|value| *value).collect()),
            other => Err(format!("{other:?}")),
        }
    }
}

/// The package and the method that the next byte chooses.
fn chosen(source: &mut Source<'_>) -> (&'static Echo, OperationId) {
    let all: usize = ECHOS.iter().map(|echo| echo.plan.api().operations.len()).sum();
    let mut number = usize::from(source.byte()) % all;
    for echo in ECHOS.iter() {
        let count = echo.plan.api().operations.len();
        if number < count {
            return (echo, OperationId::new(number));
        }
        number -= count;
    }
    panic!("a number below the sum");
}

/// What is sent can be read, by the judge too, and means the same to it when it is sent again.
pub(crate) fn requests(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (echo, operation) = chosen(&mut source);
    let args = source.arguments(echo.plan.api(), &echo.plan.api().operations[operation]);
    let _ = echo.plan.check(operation, &args);
    let Some(sent) = echo.encode(operation, &args) else { return };
    // A count of messages without fields is a number to witwire, and millions of messages to the judge.
    if sent.len() > LARGE {
        return;
    }
    let message = echo.message(operation);
    // Unknown fields of the guest's may have the number of a known one.
    if misfit::of(&message, &sent).is_some() {
        return;
    }
    let judged =
        judge::read(&message, &sent).unwrap_or_else(|e| panic!("the judge cannot read what is sent: {e}: {}", hex(&sent)));
    let read = match echo.decode(operation, &sent) {
        Ok(read) => read,
        Err(error) => panic!("what is sent cannot be read: {error}"),
    };
    let again = echo.encode(operation, &read).expect("what was read can be sent");
    let judged_again = judge::read(&message, &again).unwrap_or_else(|e| panic!("the judge cannot read it again: {e}"));
    assert_eq!(judged.text, judged_again.text, "what was read and is sent again is the same");
}

/// What is read can be sent, and is read as the judge reads it.
pub(crate) fn responses(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let (echo, operation) = chosen(&mut source);
    let bytes = source.rest();
    let message = echo.message(operation);
    if let Some(misfits) = misfit::of(&message, bytes) {
        reads_again(echo, operation, bytes);
        // They are fields that are not known, which change nothing else.
        if let Some(others) = misfits.others.filter(|_| !echo.keeps_all) {
            responses_of(echo, operation, &others);
            assert_eq!(echo.decode(operation, bytes).ok(), echo.decode(operation, &others).ok(), "as without the misfits");
        }
        return;
    }
    responses_of(echo, operation, bytes);
}

fn responses_of(echo: &Echo, operation: OperationId, bytes: &[u8]) {
    let message = echo.message(operation);
    let judged = judge::read(&message, bytes);
    let read = match (echo.decode(operation, bytes), &judged) {
        (Ok(read), Ok(_)) => read,
        (Err(_), Err(_)) => return,
        // Strings of proto2 may hold any bytes, which are read lossily.
        (Ok(_), Err(judged)) if echo.is_proto2() && judged.to_string().contains(judge::NOT_UTF8) => return,
        (Ok(_), Err(judged)) => panic!("what the judge refuses is read: {judged}"),
        (Err(error), Ok(_)) => {
            assert!(judge::STRICTER.iter().any(|rule| error.contains(rule)), "what the judge reads is refused: {error}");
            return;
        }
    };
    let again = echo.encode(operation, &read).expect("what was read can be sent");
    assert_eq!(echo.decode(operation, &again).as_ref(), Ok(&read), "what was read and is sent again is the same");
    let judged_again = judge::read(&message, &again).unwrap_or_else(|e| panic!("the judge cannot read it again: {e}"));
    let judged = judged.unwrap_or_default();
    // A number that a closed enum has not is an unknown field, which stands behind the known ones when it is kept.
    if !judged.beyond {
        assert_eq!(judged.text, judged_again.text, "what was read and is sent again is the same to the judge");
    }
}

/// What is read can be sent, and is read as it was.
fn reads_again(echo: &Echo, operation: OperationId, bytes: &[u8]) {
    let Ok(read) = echo.decode(operation, bytes) else { return };
    let again = echo.encode(operation, &read).expect("what was read can be sent");
    assert_eq!(echo.decode(operation, &again).as_ref(), Ok(&read), "what was read and is sent again is the same");
}

/// A message of each method, as a server would send it.
pub(crate) fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    let mut number = 0;
    for echo in ECHOS.iter() {
        let api = echo.plan.api();
        for (id, operation) in api.operations.iter() {
            for seed in 0..3 {
                let args = sample_arguments(api, operation, &mut SplitMix64::new(seed));
                samples.extend(echo.encode(id, &args).map(|message| [&[number], &message[..]].concat()));
            }
            number += 1;
        }
    }
    samples
}

/// Bytes as a person reads them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
