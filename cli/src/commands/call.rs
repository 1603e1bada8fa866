//! `witwire call`: one typed call without a component.

mod settings;
mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use witwire_executor::credentials::Credentials;
use witwire_executor::transport::{
    CallOptions, Compression, Endpoint, Exchange, Repeat, RouteSettings, Transport, follow_page,
};
use witwire_frontends::Calls;
use witwire_interpreter::fixture::{self, Fixture};
use witwire_interpreter::{Failure, MetadataText, Plan, Request};
use witwire_ir::{Api, Call, OperationId, Protocol, Step, TypeId, Value, wave};

use crate::args::CallArgs;
use crate::error::CliError;
use crate::network;
use crate::output::{Output, Tone};
use crate::spec::{self, Spec};

pub(crate) fn run(args: &CallArgs, output: Output) -> Result<(), CliError> {
    if let Some(path) = &args.fixture {
        let spec = load(args, &args.words, output)?;
        return run_fixture(args, &spec, path, output);
    }
    let is_asked = args.settings.reflection.is_some();
    let Some((text, specs)) = args.words.split_last().filter(|(_, specs)| is_asked || !specs.is_empty()) else {
        return Err(CliError::Usage(
            "write the SPEC and then the call: `witwire call todo.yaml 'todos.list({})'`".to_owned(),
        ));
    };
    let spec = load(args, specs, output)?;
    let (plan, mut call) = parse(&spec, text)?;
    args.call.put_into(plan.api(), &mut call)?;
    if args.response.is_none() {
        refuse_many_requests(plan.api(), call.operation)?;
    }
    let request = encode(&plan, &call, args)?;

    let result = match request {
        Err(failure) => plan.failure(call.operation, failure),
        Ok(request) if args.dry_run => return print_request(&request, output),
        Ok(request) => match &args.response {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| CliError::file("read", path, &e))?;
                let response = fixture::parse_response(plan.api().protocol, &text)
                    .map_err(|e| CliError::Input(format!("`{}`: {e}", path.display())))?;
                let (ty, values) = plan.told(call.operation, &call.args, &response);
                return values.iter().try_for_each(|value| match plan.api().step(call.operation, Step::Next) {
                    Some(_) => stream::show(&plan, &call, value, output),
                    None => finish(plan.api(), ty, value, None, output),
                });
            }
            None if is_pager(&plan, &call) => return pages(&plan, &call, args, output),
            None if stream::is_shown(&plan, &call, &request) => {
                let endpoint = endpoint(plan.api(), call.operation, named(args))?;
                return stream::run(&plan, &call, &request, &endpoint, args, output);
            }
            None => return send(&plan, &call, &request, args, output),
        },
    };
    finish(plan.api(), plan.api().operations[call.operation].result, &result, None, output)
}

/// Where the client streams, a guest sends its messages one by one. One request is all that is here, and it has no message.
fn refuse_many_requests(api: &Api, operation: OperationId) -> Result<(), CliError> {
    let operation = &api.operations[operation];
    match &operation.call {
        Call::Grpc(call) if !call.kind.takes_request() => Err(CliError::Usage(format!(
            "`{}` is {}: its messages are sent one by one, and `witwire call` sends one request; call it from a component, with \
             `witwire run` or as a worker",
            operation.source_name(),
            call.kind.name()
        ))),
        _ => Ok(()),
    }
}

fn is_pager(plan: &Plan, call: &wave::WaveCall) -> bool {
    matches!(&plan.api().operations[call.operation].call, Call::Http(call) if call.pager.is_some())
}

fn pages(plan: &Plan, call: &wave::WaveCall, args: &CallArgs, output: Output) -> Result<(), CliError> {
    let endpoint = endpoint(plan.api(), call.operation, named(args))?;
    let secrets = plan.api().query_keys();
    stream::pages(plan, call, output, |page| {
        let request = encode(plan, page, args)?.and_then(|mut request| {
            if let Request::Http(request) = &mut request {
                follow_page(request, std::iter::once(&endpoint), &secrets).map_err(|e| Failure::Denied(e.to_string()))?;
            }
            Ok(request)
        });
        match request {
            Ok(request) => answer(plan, page, &request, args).map(|(value, _)| value),
            Err(failure) => Ok(plan.failure(page.operation, failure)),
        }
    })
}

fn load(args: &CallArgs, specs: &[String], output: Output) -> Result<Spec, CliError> {
    let specs: Vec<PathBuf> = specs.iter().map(PathBuf::from).collect();
    let spec = spec::load_with(&specs, &args.settings, &args.network.trust, |options| {
        // The host gives them then, unless the settings say otherwise.
        options.credentials_configured |= !args.auth.is_empty();
        if args.call.are_given() {
            options.calls = Calls::Explicit;
        }
    })?;
    // Notes and warnings about the document are `inspect`'s; here only a refusal matters.
    spec.report_refusal(output)?;
    Ok(spec)
}

/// Finds the package whose function is called.
fn parse(spec: &Spec, text: &str) -> Result<(Plan, wave::WaveCall), CliError> {
    let mut trouble = None;
    for api in &spec.bundle.apis {
        match wave::parse_call(api, text) {
            Ok(call) => return Ok((plan(api)?, call)),
            // The package that has the function says what is wrong with its arguments.
            Err(e) if trouble.is_none() || !e.is_unknown_function() => trouble = Some(e),
            Err(_) => {}
        }
    }
    Err(CliError::Input(trouble.map_or_else(|| "the specification has no functions".to_owned(), |e| e.to_string())))
}

fn plan(api: &Api) -> Result<Plan, CliError> {
    Plan::new(Arc::new(api.clone())).map_err(|e| CliError::Input(e.to_string()))
}

fn encode(plan: &Plan, call: &wave::WaveCall, args: &CallArgs) -> Result<Result<Request, Failure>, CliError> {
    let violations = plan.check(call.operation, &call.args);
    if !violations.is_empty() {
        return Ok(Err(Failure::InvalidRequest(violations)));
    }
    let api = plan.api();
    let mut request = match plan.request(call.operation, &call.args) {
        Ok(request) => request,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut credentials = Credentials::none();
    for reference in &args.auth {
        credentials = credentials.parse(reference).map_err(|e| CliError::Usage(e.to_string()))?;
    }
    credentials.check(api).map_err(|e| CliError::Input(e.to_string()))?;
    if let Some(key) = plan.settings(call.operation, &call.args).key {
        plan.put_key(call.operation, &mut request, &key);
    }
    let gathered = network::runtime()?.block_on(credentials.gather(api, &api.operations[call.operation]));
    let gathered = gathered.map_err(|e| CliError::Input(e.to_string()))?;
    Ok(match plan.authorize(call.operation, &mut request, &|scheme| gathered.find(scheme)) {
        Ok(()) => Ok(request),
        Err(error) => Err(Failure::Unauthenticated(error.to_string())),
    })
}

fn print_request(request: &Request, output: Output) -> Result<(), CliError> {
    let text = fixture::print_request(&request.without_secrets());
    if output.is_json() { output.json(&serde_json::json!({ "request": text })) } else { output.line(&text) }
}

fn endpoint(api: &Api, operation: OperationId, server: Option<&str>) -> Result<Endpoint, CliError> {
    if let Some(server) = server {
        return Endpoint::parse(server).map_err(|e| CliError::Usage(e.to_string()));
    }
    let servers = match &api.operations[operation].call {
        Call::Http(call) if !call.servers.is_empty() => &call.servers,
        _ => &api.servers,
    };
    Endpoint::from_servers(servers, None).map_err(|e| match api.protocol {
        Protocol::Grpc => CliError::Usage("name the service with `--server http://host:port`".to_owned()),
        Protocol::Http => CliError::Usage(format!("{e} (`--server URL`)")),
    })
}

/// The server that the command line names.
fn named(args: &CallArgs) -> Option<&str> {
    args.server.as_deref().or(args.settings.reflection.as_deref())
}

fn send(plan: &Plan, call: &wave::WaveCall, request: &Request, args: &CallArgs, output: Output) -> Result<(), CliError> {
    let (result, beside) = answer(plan, call, request, args)?;
    finish(plan.api(), plan.api().operations[call.operation].result, &result, beside, output)
}

/// How a call is sent: what it says of itself, else what the command line says.
fn options(plan: &Plan, operation: OperationId, values: &[Value], args: &CallArgs) -> CallOptions {
    let settings = plan.settings(operation, values);
    CallOptions {
        compression: settings.compression.map(Compression::from),
        ..CallOptions::new(
            settings.deadline.unwrap_or(Duration::from_secs(args.timeout)),
            Repeat::of(&plan.api().operations[operation].class, settings.key.is_some()),
        )
    }
}

/// The result, and what came beside it where the function takes settings.
fn answer(
    plan: &Plan,
    call: &wave::WaveCall,
    request: &Request,
    args: &CallArgs,
) -> Result<(Value, Option<serde_json::Value>), CliError> {
    let api = plan.api();
    let endpoint = endpoint(api, call.operation, named(args))?;
    let class = &api.operations[call.operation].class;
    let mut exchange = exchange(&endpoint, request, options(plan, call.operation, &call.args, args), args)?;
    plan.clean_headers(&mut exchange.initial);
    let beside = api.settings(&api.operations[call.operation]).map(|_| beside(&exchange));
    let result = match exchange.outcome {
        Ok(response) => plan.response(call.operation, &call.args, &response),
        Err(error) => match error.settle(class) {
            Ok(response) => plan.response(call.operation, &call.args, &response),
            Err(failure) => plan.failure(call.operation, failure),
        },
    };
    Ok((result, beside))
}

/// What came beside the result, for programs.
fn beside(exchange: &Exchange) -> serde_json::Value {
    let list = |entries: &[(String, MetadataText)]| -> serde_json::Value {
        let value = |value: &MetadataText| match value {
            MetadataText::Ascii(text) => serde_json::json!(text),
            MetadataText::Binary(bytes) => serde_json::json!(&bytes[..]),
        };
        entries.iter().map(|(name, text)| serde_json::json!([name, value(text)])).collect()
    };
    serde_json::json!({
        "initial": list(&exchange.initial),
        "trailing": list(exchange.trailing()),
        "attempts": exchange.attempts,
    })
}

fn exchange(endpoint: &Endpoint, request: &Request, options: CallOptions, args: &CallArgs) -> Result<Exchange, CliError> {
    let config = network::transport([endpoint], &args.network)?;
    network::runtime()?.block_on(async {
        let transport = Transport::new(config).map_err(|e| CliError::Input(e.to_string()))?;
        let route = transport.route(vec![endpoint.clone()], RouteSettings::default());
        let route = route.map_err(|e| CliError::Usage(e.to_string()))?;
        Ok(transport.call(&route, request, &options).await)
    })
}

fn finish(api: &Api, ty: TypeId, result: &Value, beside: Option<serde_json::Value>, output: Output) -> Result<(), CliError> {
    let text = wave::print_value(api, ty, result);
    let failed = matches!(result, Value::Result(Err(_)));
    if output.is_json() {
        let mut told = serde_json::json!({ "ok": !failed, "result": text });
        if let Some(beside) = beside {
            told["beside"] = beside;
        }
        output.json(&told)?;
    } else {
        output.line(&text)?;
    }
    if failed { Err(CliError::CallFailed) } else { Ok(()) }
}

fn run_fixture(args: &CallArgs, spec: &Spec, path: &Path, output: Output) -> Result<(), CliError> {
    let text = std::fs::read_to_string(path).map_err(|e| CliError::file("read", path, &e))?;
    let wrong = |e: &dyn std::fmt::Display| CliError::Input(format!("`{}`: {e}", path.display()));
    let fixture = Fixture::parse(&text).map_err(|e| wrong(&e))?;
    let mut trouble = None;
    for api in &spec.bundle.apis {
        let plan = plan(api)?;
        let prepared = match fixture.prepare(&plan) {
            Ok(prepared) => prepared,
            Err(e) => {
                trouble = trouble.or(Some(e));
                continue;
            }
        };
        let server = named(args).or(fixture.server().filter(|_| !fixture.has_response()));
        let outcome = match (server, &prepared.request) {
            (Some(server), Ok(request)) => {
                refuse_many_requests(api, prepared.operation)?;
                let endpoint = endpoint(api, prepared.operation, Some(server))?;
                let options = options(&plan, prepared.operation, &prepared.args, args);
                let response =
                    exchange(&endpoint, request, options, args)?.outcome.map_err(|e| CliError::Io(e.to_string()))?;
                prepared.outcome(&plan, Some(&response))
            }
            _ => fixture.run(&plan).map_err(|e| wrong(&e))?,
        };
        let mismatches = fixture.compare(&outcome);
        if output.is_json() {
            let list: Vec<_> = mismatches
                .iter()
                .map(|m| serde_json::json!({ "section": m.section.to_string(), "expected": m.expected, "actual": m.actual }))
                .collect();
            output.json(&serde_json::json!({ "fixture": path, "holds": list.is_empty(), "mismatches": list }))?;
        } else if mismatches.is_empty() {
            output.line(&format!("{} {}", output.paint(Tone::Good, "holds"), path.display()))?;
        } else {
            for mismatch in &mismatches {
                output.line(&mismatch.to_string())?;
            }
        }
        return if mismatches.is_empty() { Ok(()) } else { Err(CliError::Refused) };
    }
    Err(trouble.map_or_else(|| CliError::Input("the specification has no functions".to_owned()), |e| wrong(&e)))
}
