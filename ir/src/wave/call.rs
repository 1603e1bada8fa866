//! Calls: `interface.function(arguments)`.

use wasm_wave::untyped::UntypedFuncCall;

use super::error::{Problem, WaveError, few, syntax};
use super::nearest::nearest;
use super::parse::Reader;
use super::write;
use crate::api::Api;
use crate::id::OperationId;
use crate::operation::Operation;
use crate::print::TypeRef;
use crate::types::Shape;
use crate::value::Value;

/// A parsed call.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveCall {
    /// The function.
    pub operation: OperationId,
    /// One value per parameter.
    pub args: Vec<Value>,
}

/// Parses a call: `todos.list({user-id: "u1"})`. The interface may be left out where the function's name is unique; names may
/// carry the `%` of WIT keywords.
///
/// # Errors
/// [`WaveError`], which says where the text breaks the function's type or the grammar.
pub fn parse_call(api: &Api, text: &str) -> Result<WaveCall, WaveError> {
    let open = text.find('(').unwrap_or(text.len());
    let (name, rest) = text.split_at(open);
    let operation = find_operation(api, name)?;
    if rest.is_empty() {
        let message = format!("the arguments are missing: `{}(…)`", name.trim());
        return Err(WaveError::at(text, open, "", Problem::Syntax(message)));
    }
    // wasm-wave knows no `%` in function names; a name of the same length keeps the offsets.
    let plain = format!("{}{rest}", "f".repeat(open));
    let call = UntypedFuncCall::parse(&plain).map_err(|e| syntax(text, e.kind(), e.span().start))?;
    let args = arguments(api, &api.operations[operation], text, &call)?;
    Ok(WaveCall { operation, args })
}

fn arguments(api: &Api, operation: &Operation, text: &str, call: &UntypedFuncCall<'_>) -> Result<Vec<Value>, WaveError> {
    let nodes: Vec<_> = match call.params_node() {
        Some(node) => node.as_tuple().map_err(|e| syntax(text, e.kind(), e.span().start))?.collect(),
        None => Vec::new(),
    };
    let params = &operation.params;
    if let Some(extra) = nodes.get(params.len()) {
        let parameters = few(params.iter().map(|p| format!("{}: {}", p.name.as_str(), TypeRef::new(api, p.ty))));
        let problem = Problem::TooManyArguments { expected: params.len(), parameters, found: nodes.len() };
        return Err(WaveError::at(text, extra.span().start, "", problem));
    }
    let mut reader = Reader::new(api, text);
    params
        .iter()
        .enumerate()
        .map(|(i, param)| match nodes.get(i) {
            Some(node) => reader.within(param.name.as_str(), |r| r.value(param.ty, node)),
            None if matches!(api.shape(param.ty), Shape::Option(_)) => Ok(Value::none()),
            None => {
                let end = text.rfind(')').unwrap_or(text.len());
                let expected = TypeRef::new(api, param.ty).to_string();
                Err(WaveError::at(
                    text,
                    end,
                    "",
                    Problem::MissingArgument { name: param.name.as_str().to_owned(), expected },
                ))
            }
        })
        .collect()
}

/// Finds a function by `interface.function`, or by its own name where only one interface has it.
///
/// # Errors
/// [`Problem::UnknownFunction`] with the nearest name, or [`Problem::AmbiguousFunction`].
pub fn find_operation(api: &Api, name: &str) -> Result<OperationId, WaveError> {
    let name = name.trim();
    let error = |problem| Err(WaveError::at(name, 0, "", problem));
    let plain = |part: &str| part.trim().trim_start_matches('%').to_owned();
    if let Some((interface, function)) = name.split_once('.') {
        if let Some(id) = api.find(&plain(interface), &plain(function)) {
            return Ok(id);
        }
    } else {
        let function = plain(name);
        let found: Vec<_> = api.operations.iter().filter(|(_, o)| o.name.as_str() == function).collect();
        match found.as_slice() {
            [(id, _)] => return Ok(*id),
            [] => {}
            several => {
                let candidates = several.iter().map(|(_, o)| full_name(api, o)).collect();
                return error(Problem::AmbiguousFunction { name: name.to_owned(), candidates });
            }
        }
    }
    let known: Vec<String> = api.operations.iter().map(|(_, o)| full_name(api, o)).collect();
    let did_you_mean = if name.contains('.') {
        nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
    } else {
        // Without an interface the function's own name is what can be near.
        nearest(name, api.operations.iter().map(|(_, o)| o.name.as_str()))
            .and_then(|n| api.operations.iter().find(|(_, o)| o.name.as_str() == n))
            .map(|(_, o)| full_name(api, o))
    };
    error(Problem::UnknownFunction { name: name.to_owned(), did_you_mean, known: few(known) })
}

/// A call as text: the form that [`parse_call`] reads. Trailing arguments that are `none` are left out.
pub fn print_call(api: &Api, operation: OperationId, args: &[Value]) -> String {
    let operation = &api.operations[operation];
    let given = args.iter().rposition(|v| *v != Value::Option(None)).map_or(0, |last| last + 1);
    let mut text = full_name(api, operation);
    text.push('(');
    for (i, (param, value)) in operation.params.iter().zip(&args[..given]).enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        write::value(&mut text, api, param.ty, value);
    }
    text.push(')');
    text
}

fn full_name(api: &Api, operation: &Operation) -> String {
    format!("{}.{}", api.interfaces[operation.interface].name.as_str(), operation.name.as_str())
}
