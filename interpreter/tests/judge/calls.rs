//! Generated calls that keep all rules which we check ourselves.

use std::path::Path;
use std::sync::Arc;

use witwire_frontends::{DiskFiles, Options, openapi};
use witwire_interpreter::{HttpRequest, Plan, Request};
use witwire_ir::operation::http::{BodyEncoding, Location, ParameterEncoding, Style};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::{AuthMode, OperationId, Value, wave};

use super::responses::Echoes;

/// How many samples are tried until one keeps the rules.
const TRIES: u64 = 60;

/// A call, and the request that it makes.
pub(super) struct Call {
    /// `METHOD path`, and the function where an operation makes several.
    pub(super) name: String,
    /// As WAVE text, to be repeated by hand.
    pub(super) text: String,
    pub(super) args: Vec<Value>,
    pub(super) request: HttpRequest,
    /// What the judge must be told to read it.
    pub(super) hints: Vec<(&'static str, &'static str)>,
}

/// The plan of a document, with credentials of the guest, and with senders of what its operations receive.
pub(super) fn plan(document: &Path) -> Result<(Plan, Echoes), String> {
    let options = Options { auth: Some(AuthMode::Guest), ..Options::default() };
    let compiled = openapi::compile(document, &DiskFiles, &options);
    let [mut api] = <[_; 1]>::try_from(compiled.apis).map_err(|_| format!("{:?}", compiled.diagnostics))?;
    let echoes = Echoes::add(&mut api);
    let plan = Plan::new(Arc::new(api)).map_err(|e| e.to_string())?;
    Ok((plan, echoes))
}

/// A call of one operation. `Err` tells the rules that no sample kept.
pub(super) fn call(plan: &Plan, id: OperationId, seed: u64) -> Result<Call, String> {
    let api = plan.api();
    let operation = &api.operations[id];
    let name = format!("{} ({})", operation.source_name(), operation.name.as_str());
    let mut random = SplitMix64::new(seed);
    let mut trouble = String::new();
    for _ in 0..TRIES {
        let args: Vec<Value> = sample_arguments(api, operation, &mut random);
        let violations = plan.check(id, &args);
        if !violations.is_empty() {
            trouble = format!("{name}: {violations:?}");
            continue;
        }
        match plan.request(id, &args) {
            Ok(Request::Http(request)) => {
                let text = wave::print_call(api, id, &args);
                return Ok(Call { name, text, args, request, hints: hints(&operation.call) });
            }
            other => trouble = format!("{name}: {other:?}"),
        }
    }
    Err(trouble)
}

/// `deepObject` is not defined for arrays, nor for objects within objects. The judge reads these only where it is told how.
fn hints(call: &witwire_ir::Call) -> Vec<(&'static str, &'static str)> {
    let witwire_ir::Call::Http(call) = call else { return Vec::new() };
    let deep = |encoding: &ParameterEncoding| matches!(encoding, ParameterEncoding::Style { style: Style::DeepObject, .. });
    let mut hints = Vec::new();
    if call.parameters.iter().any(|p| p.location == Location::Query && deep(&p.encoding)) {
        hints.extend([("x-steady-query-array-format", "brackets"), ("x-steady-query-object-format", "brackets")]);
    }
    if let Some(BodyEncoding::Form(encodings)) = call.body.as_ref().map(|body| &body.encoding)
        && encodings.iter().any(|(_, encoding)| deep(encoding))
    {
        hints.extend([("x-steady-form-array-format", "brackets"), ("x-steady-form-object-format", "brackets")]);
    }
    hints
}
