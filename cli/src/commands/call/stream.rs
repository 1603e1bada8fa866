//! `witwire call` of a function that opens a stream: its items, as they come.

use witwire_executor::transport::{
    Compression, Endpoint, HttpStream, RouteSettings, SendError, SendErrorKind, StreamError, StreamOptions, Transport,
};
use witwire_interpreter::{Plan, Request, Response};
use witwire_ir::{CallClass, Step, Value, wave};

use crate::args::CallArgs;
use crate::error::CliError;
use crate::network;
use crate::output::Output;

/// Whether a call gives items that can be shown: it sends its request at once.
pub(super) fn is_shown(plan: &Plan, call: &wave::WaveCall, request: &Request) -> bool {
    let takes_request = match &plan.api().operations[call.operation].call {
        witwire_ir::Call::Grpc(grpc) => grpc.kind.takes_request(),
        witwire_ir::Call::Http(_) => matches!(request, Request::Http(_)),
    };
    takes_request && plan.api().step(call.operation, Step::Next).is_some()
}

/// Performs the call and shows its items.
pub(super) fn run(
    plan: &Plan,
    call: &wave::WaveCall,
    request: &Request,
    endpoint: &Endpoint,
    args: &CallArgs,
    output: Output,
) -> Result<(), CliError> {
    let config = network::transport([endpoint], &args.network)?;
    network::runtime()?.block_on(async {
        let transport = Transport::new(config).map_err(|e| CliError::Input(e.to_string()))?;
        let route = transport.route(vec![endpoint.clone()], RouteSettings::default());
        let route = route.map_err(|e| CliError::Usage(e.to_string()))?;
        let broken = |error: SendError| of_error(plan, call, error);
        let settings = plan.settings(call.operation, &call.args);
        let compression = settings.compression.map(Compression::from);
        let options = StreamOptions { deadline: settings.deadline, compression, ..StreamOptions::default() };
        match request {
            Request::Http(request) => match transport.open(&route, request, &options) {
                Ok(stream) => over_http(plan, call, stream, output).await,
                Err(error) => show(plan, call, &broken(error), output),
            },
            Request::Grpc(request) => match transport.stream(&route, request, true, &options) {
                Ok(mut stream) => loop {
                    let next = match stream.next().await {
                        Ok(message) => plan.next(call.operation, message.as_deref()).map(|value| (value, message.is_some())),
                        Err(StreamError::Status(status)) => Err(plan.ended(call.operation, &status)),
                        Err(StreamError::Broken(error)) => Err(of_cut(plan, call, error)),
                    };
                    let (value, goes_on) = next.unwrap_or_else(|error| (error, false));
                    show(plan, call, &value, output)?;
                    if !goes_on {
                        return Ok(());
                    }
                },
                Err(error) => show(plan, call, &broken(error), output),
            },
        }
    })
}

/// Asks for one page after the other, and shows them.
pub(super) fn pages(
    plan: &Plan,
    call: &wave::WaveCall,
    output: Output,
    send: impl Fn(&wave::WaveCall) -> Result<Value, CliError>,
) -> Result<(), CliError> {
    let mut next = Some(call.args.clone());
    while let Some(args) = next {
        let page = wave::WaveCall { operation: call.operation, args };
        let value = send(&page)?;
        show(plan, call, &value, output)?;
        next = plan.further(call.operation, &page.args, &value);
    }
    Ok(())
}

async fn over_http(plan: &Plan, call: &wave::WaveCall, mut stream: HttpStream, output: Output) -> Result<(), CliError> {
    let operation = call.operation;
    let head = match stream.head().await {
        Ok(head) => head,
        Err(error) => return show(plan, call, &of_error(plan, call, error), output),
    };
    let broken = |error: SendError| of_cut(plan, call, error);
    let Some(mut splitter) = plan.splitter(operation, &head, stream.limit()) else {
        let value = match stream.whole().await {
            Ok(response) => plan.response(operation, &call.args, &Response::Http(response)),
            Err(error) => broken(error),
        };
        return show(plan, call, &value, output);
    };
    loop {
        let value = match splitter.take() {
            Err(error) => plan.unframed(operation, &head, &error),
            Ok(None) if splitter.is_ended() => return Ok(()),
            Ok(None) => match stream.chunk().await {
                Ok(Some(bytes)) => {
                    splitter.push(bytes);
                    continue;
                }
                Ok(None) => {
                    splitter.finish();
                    continue;
                }
                Err(error) => broken(error),
            },
            Ok(Some(frame)) => plan.next_frame(operation, &head, Some(&frame)).unwrap_or_else(|error| error),
        };
        // An `err` ends it.
        show(plan, call, &value, output)?;
    }
}

fn of_error(plan: &Plan, call: &wave::WaveCall, error: SendError) -> Value {
    settled(plan, call, error, &plan.api().operations[call.operation].class)
}

/// A stream whose deadline passes tells by its items what of it happened.
fn of_cut(plan: &Plan, call: &wave::WaveCall, error: SendError) -> Value {
    if matches!(error.kind, SendErrorKind::Timeout { .. }) {
        return settled(plan, call, error, &CallClass::Safe);
    }
    of_error(plan, call, error)
}

fn settled(plan: &Plan, call: &wave::WaveCall, error: SendError, class: &CallClass) -> Value {
    match error.settle(class) {
        Ok(response) => plan.response(call.operation, &call.args, &response),
        Err(failure) => plan.failure(call.operation, failure),
    }
}

/// One line per item; nothing for the end.
pub(super) fn show(plan: &Plan, call: &wave::WaveCall, value: &Value, output: Output) -> Result<(), CliError> {
    let api = plan.api();
    let Some(ty) = api.step(call.operation, Step::Next).and_then(|method| method.result) else { return Ok(()) };
    let failed = match value {
        Value::Result(Ok(Some(ok))) if matches!(**ok, Value::Option(None) | Value::Bool(false)) => return Ok(()),
        Value::Result(Err(_)) => true,
        _ => false,
    };
    let text = wave::print_value(api, ty, value);
    if output.is_json() {
        output.json(&serde_json::json!({ "ok": !failed, "result": text }))?;
    } else {
        output.line(&text)?;
    }
    if failed { Err(CliError::CallFailed) } else { Ok(()) }
}
