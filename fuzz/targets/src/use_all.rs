//! What must be possible with every package that was accepted.

use std::sync::Arc;

use witwire_frontends::Compiled;
use witwire_interpreter::{GrpcResponse, HttpResponse, Plan, Response};
use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{Api, Call, OperationId, Step, Value, print_package};

/// How many operations of a package are called: one input has a few, and one that has many holds up the others.
const OPERATIONS: usize = 12;

/// What was compiled is sound, prints as WIT that parses, and can be called.
pub(crate) fn compiled(compiled: Compiled) {
    for api in compiled.apis {
        assert_eq!(api.check(), Ok(()), "what a frontend makes is sound");
        parses(&api);
        called(api);
    }
}

/// The WIT of a package parses.
pub(crate) fn parses(api: &Api) {
    let text = print_package(api);
    let mut resolve = wit_parser::Resolve::default();
    if let Err(error) = resolve.push_str("api.wit", &text) {
        panic!("the printed WIT does not parse: {error:?}\n{text}");
    }
}

/// Calls can be made and answered.
pub(crate) fn called(api: Api) {
    let plan = match Plan::new(Arc::new(api)) {
        Ok(plan) => plan,
        Err(error) => panic!("a sound package has a plan: {error}"),
    };
    let api = plan.api();
    for (id, operation) in api.operations.iter().take(OPERATIONS) {
        for seed in 0..2 {
            let args = sample_arguments(api, operation, &mut SplitMix64::new(seed));
            let _ = plan.check(id, &args);
            let _ = plan.request(id, &args);
            let _ = plan.redact(id, &args);
            for response in responses(&operation.call) {
                answered(&plan, id, &args, &response);
            }
        }
    }
}

/// What a response is read as is of the type that the guest is given: the function's result, or that of `next` where the function
/// gives a stream or a pager.
pub(crate) fn answered(plan: &Plan, id: OperationId, args: &[Value], response: &Response) {
    let api = plan.api();
    let next = api.step(id, Step::Next).and_then(|next| next.result);
    let results = match response {
        Response::Http(response) => plan.items(id, args, response),
        Response::Grpc(GrpcResponse::Ok { message, .. }) if next.is_some() => {
            vec![plan.next(id, Some(message)).unwrap_or_else(|error| error)]
        }
        Response::Grpc(_) => vec![plan.response(id, args, response)],
    };
    for result in results {
        let ty = next.unwrap_or(api.operations[id].result);
        assert_eq!(result.conforms(api, ty), Ok(()), "a result is one of its type");
    }
}

fn responses(call: &Call) -> Vec<Response> {
    match call {
        Call::Http(_) => [(200, "{}"), (200, "[1]"), (404, "null"), (500, "\"x\"")]
            .into_iter()
            .map(|(status, body)| {
                let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
                Response::Http(HttpResponse { status, headers, body: body.into() })
            })
            .collect(),
        // Its only results are those of its steps.
        Call::Grpc(call) if call.kind == StreamKind::ClientStreaming => Vec::new(),
        Call::Grpc(_) => ["", "\x08\x01"]
            .into_iter()
            .map(|message| Response::Grpc(GrpcResponse::Ok { message: message.into(), trailers: Vec::new() }))
            .collect(),
    }
}
