//! `witwire inspect`

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use witwire_frontends::Code;
use witwire_ir::sample::{SplitMix64, sample, sample_arguments};
use witwire_ir::{Api, Operation, OperationId, Step, wave};

use crate::args::InspectArgs;
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::spec::{self, Spec};

pub(crate) fn run(args: &InspectArgs, output: Output) -> Result<(), CliError> {
    let spec = spec::load(&args.specs, &args.settings, &args.trust)?;
    spec.report(output)?;
    let selected = select(&spec, args.function.as_deref())?;
    if args.example || args.example_response {
        return examples(&selected, args, output);
    }
    if output.is_json() { print_json(&spec, &selected, output) } else { print_table(&spec, &selected, output) }
}

type Selected<'a> = Vec<(&'a Api, OperationId, &'a Operation)>;

fn path(api: &Api, operation: &Operation) -> String {
    format!("{}.{}", api.interfaces[operation.interface].name.as_str(), operation.name.as_str())
}

fn select<'a>(spec: &'a Spec, function: Option<&str>) -> Result<Selected<'a>, CliError> {
    let all = spec.bundle.apis.iter().flat_map(|api| api.operations.iter().map(move |(id, o)| (api, id, o)));
    let Some(wanted) = function else {
        return Ok(all.collect());
    };
    let found: Selected<'_> =
        all.filter(|(api, _, o)| o.name.as_str() == wanted || path(api, o) == wanted || o.source_name() == wanted).collect();
    if found.is_empty() {
        let names: Vec<String> =
            spec.bundle.apis.iter().flat_map(|api| api.operations.iter().map(|(_, o)| path(api, o))).take(20).collect();
        return Err(CliError::Input(format!("there is no function `{wanted}`; there are: {}", names.join(", "))));
    }
    Ok(found)
}

fn examples(selected: &Selected<'_>, args: &InspectArgs, output: Output) -> Result<(), CliError> {
    let mut printed = Vec::new();
    for &(api, id, operation) in selected {
        let mut random = SplitMix64::new(args.seed);
        let text = if args.example_response {
            // Of a stream, what a step of it gives.
            let next = api.step(id, Step::Next).and_then(|method| method.result);
            let ty = next.unwrap_or(operation.result);
            wave::print_value(api, ty, &sample(api, ty, &mut random))
        } else {
            wave::print_call(api, id, &sample_arguments(api, operation, &mut random))
        };
        printed.push((path(api, operation), text));
    }
    if output.is_json() {
        let list: Vec<Json> = printed.iter().map(|(f, t)| json!({ "function": f, "example": t })).collect();
        return output.json(&json!({ "seed": args.seed, "examples": list }));
    }
    for (function, text) in &printed {
        if args.example_response {
            output.line(&output.paint(Tone::Dim, &format!("// {function}")))?;
        }
        output.line(text)?;
    }
    Ok(())
}

/// Pointers of types that the operation reaches and that were degraded.
fn degraded(api: &Api, id: OperationId, pointers: &BTreeSet<String>) -> Vec<String> {
    if pointers.is_empty() {
        return Vec::new();
    }
    let found: BTreeSet<&str> = api
        .reachable(id)
        .into_iter()
        .filter_map(|ty| api.text(api.types[ty].source))
        .filter(|source| pointers.contains(*source))
        .collect();
    found.into_iter().map(str::to_owned).collect()
}

fn print_json(spec: &Spec, selected: &Selected<'_>, output: Output) -> Result<(), CliError> {
    let pointers: BTreeSet<String> = spec
        .compiled
        .diagnostics
        .iter()
        .filter(|d| matches!(d.code, Code::Degraded | Code::ProtoDegraded))
        .map(|d| format!("{}{}", d.location.file, d.location.pointer))
        .collect();
    let operations: Vec<Json> = selected
        .iter()
        .map(|&(api, id, o)| {
            json!({
                "package": api.package.to_string(),
                "interface": api.interfaces[o.interface].name.as_str(),
                "function": o.name.as_str(),
                "source": o.source_name(),
                "location": api.text(o.source),
                "class": o.class.name(),
                "stream": api.stream(id).is_some(),
                "deprecated": o.deprecated,
                "degraded": degraded(api, id, &pointers),
            })
        })
        .collect();
    let packages: Vec<String> = spec.bundle.apis.iter().map(|a| a.package.to_string()).collect();
    output.json(&json!({
        "package": packages.first(),
        "packages": packages,
        "operations": operations,
        "skipped": spec.compiled.skipped,
        "diagnostics": spec::diagnostics_json(&spec.compiled),
    }))
}

fn print_table(spec: &Spec, selected: &Selected<'_>, output: Output) -> Result<(), CliError> {
    let rows: Vec<[String; 3]> =
        selected.iter().map(|(api, _, o)| [path(api, o), o.class.name().to_owned(), o.source_name()]).collect();
    let heads = ["FUNCTION", "CLASS", "SOURCE"].map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&heads]).map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1)];
    let line = |row: &[String; 3]| format!("{:<w0$}  {:<w1$}  {}", row[0], row[1], row[2], w0 = widths[0], w1 = widths[1]);
    for api in &spec.bundle.apis {
        output.line(&output.paint(Tone::Heading, &format!("package {}", api.package)))?;
    }
    output.line(&output.paint(Tone::Dim, &line(&heads)))?;
    for row in &rows {
        output.line(&line(row))?;
    }
    for skipped in &spec.compiled.skipped {
        output.line(&format!(
            "{} {}: {}",
            output.paint(Tone::Warning, &format!("skipped[{}]", skipped.code)),
            skipped.source,
            skipped.message
        ))?;
    }
    Ok(())
}
