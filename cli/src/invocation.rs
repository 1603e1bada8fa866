//! An invocation as a person writes it, and how its end is printed.

use wasm_wave::untyped::UntypedFuncCall;
use witwire_executor::oplog::{FunctionName, Outcome, Wave};

use crate::client::Ended;
use crate::error::CliError;
use crate::output::Output;

/// `run("x")` or `ns:pkg/iface@1.0.0.run("x")`.
pub(crate) fn parse(text: &str) -> Result<(FunctionName, Vec<Wave>), CliError> {
    let usage = |why: &str| CliError::Usage(format!("`{text}`: {why}; write a call in WAVE such as 'run(\"x\")'"));
    let open = text.find('(').ok_or_else(|| usage("there are no parentheses"))?;
    let (name, rest) = text.split_at(open);
    let name = name.trim();
    let function = match name.rsplit_once('.').filter(|(interface, _)| interface.contains(['/', ':'])) {
        Some((interface, function)) => FunctionName::of(interface, function.trim_start_matches('%')),
        None => FunctionName::world(name.trim_start_matches('%')),
    };
    let source = format!("f{rest}");
    let call = UntypedFuncCall::parse(&source).map_err(|e| usage(&e.to_string()))?;
    let mut arguments = Vec::new();
    if let Some(params) = call.params_node() {
        for node in params.as_tuple().map_err(|e| usage(&e.to_string()))? {
            arguments.push(Wave::new(&source[node.span()]));
        }
    }
    Ok((function, arguments))
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Returned(result) => Self::Returned { result: result.map(|wave| wave.as_str().to_owned()) },
            Outcome::Trapped(message) => Self::Trapped { message },
        }
    }
}

/// Prints how an invocation ended. An `err` and a trap are failures of the command.
pub(crate) fn print(ended: &Ended, output: Output) -> Result<(), CliError> {
    if output.is_json() {
        output.json(ended)?;
    }
    verdict(ended, output)
}

/// The same, where JSON was printed already.
pub(crate) fn verdict(ended: &Ended, output: Output) -> Result<(), CliError> {
    match ended {
        Ended::Returned { result } => {
            let text = result.as_deref().unwrap_or_default();
            if !output.is_json() && !text.is_empty() {
                output.line(text)?;
            }
            if text == "err" || text.starts_with("err(") { Err(CliError::CallFailed) } else { Ok(()) }
        }
        Ended::Trapped { message } => Err(CliError::Input(format!("the component trapped: {message}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_a_call_in_wave() {
        let (function, arguments) = parse("run(\"a, b\", {x: [1, 2]})").expect("valid");
        assert_eq!(function, FunctionName::world("run"));
        assert_eq!(arguments.iter().map(Wave::as_str).collect::<Vec<_>>(), ["\"a, b\"", "{x: [1, 2]}"]);
        let (function, arguments) = parse("app:agent/runner@1.2.0.run()").expect("valid");
        assert_eq!(function, FunctionName::of("app:agent/runner@1.2.0", "run"));
        assert!(arguments.is_empty());
        for bad in ["run", "run(", "run(\"x)"] {
            assert!(matches!(parse(bad), Err(CliError::Usage(_))), "{bad}");
        }
    }
}
