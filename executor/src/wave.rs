//! Arguments and results of a component's own exports, as WAVE text. Their types are in the component and in no API.

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::wasm_wave::ast::Node;
use wasmtime::component::wasm_wave::untyped::UntypedValue;
use wasmtime::component::wasm_wave::wasm::DisplayType;
use wasmtime::component::{Type, Val};

use crate::oplog::Wave;

/// Why arguments are not those of a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Too few or too many.
    #[error("the function takes {expected} arguments ({}), {got} were given", names.join(", "))]
    Count {
        /// How many parameters there are.
        expected: usize,
        /// Their names.
        names: Vec<String>,
        /// How many arguments were given.
        got: usize,
    },
    /// Not of the parameter's type.
    #[error("argument `{parameter}` must be {expected}: {problem}")]
    Value {
        /// The parameter.
        parameter: String,
        /// Its type.
        expected: String,
        /// What is wrong.
        problem: String,
    },
    /// The function takes or gives what no text can hold.
    #[error("the function takes or gives a handle (a resource, stream or future), which cannot be given from outside")]
    Handles,
}

/// Reads arguments; trailing options may be left out, as WAVE allows. The texts come back in one spelling, so that equal arguments have equal texts.
pub(crate) fn parse(func: &ComponentFunc, arguments: &[Wave]) -> Result<(Vec<Val>, Vec<Wave>), ArgumentError> {
    let params: Vec<_> = func.params().collect();
    if params.iter().map(|(_, ty)| ty).chain(&func.results().collect::<Vec<_>>()).any(has_handle) {
        return Err(ArgumentError::Handles);
    }
    let omitted = params.get(arguments.len()..);
    if omitted.is_none_or(|omitted| omitted.iter().any(|(_, ty)| !matches!(ty, Type::Option(_)))) {
        let names = params.iter().map(|(name, ty)| format!("{name}: {}", DisplayType(ty))).collect();
        return Err(ArgumentError::Count { expected: params.len(), names, got: arguments.len() });
    }
    let mut parsed = (Vec::new(), Vec::new());
    let none = Wave::new("none");
    for ((name, ty), text) in params.iter().zip(arguments.iter().chain(std::iter::repeat(&none))) {
        let wrong = |problem: String| ArgumentError::Value {
            parameter: (*name).to_owned(),
            expected: DisplayType(ty).to_string(),
            problem,
        };
        let untyped = UntypedValue::parse(text.as_str()).map_err(|e| wrong(e.to_string()))?;
        unknown_field(untyped.node(), text.as_str(), ty)
            .map_or(Ok(()), |field| Err(wrong(format!("it has no field `{field}`"))))?;
        let val: Val = untyped.to_wasm_value(ty).map_err(|e| wrong(e.to_string()))?;
        parsed.1.push(print(&val).map_err(wrong)?);
        parsed.0.push(val);
    }
    Ok(parsed)
}

/// A value that has no handles as text.
pub(crate) fn print(val: &Val) -> Result<Wave, String> {
    val.to_wave().map(Wave::new).map_err(|e| e.to_string())
}

/// WAVE cannot write handles; asked to, it panics.
fn has_handle(ty: &Type) -> bool {
    match ty {
        Type::Own(_) | Type::Borrow(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext | Type::Map(_) => true,
        Type::List(list) => has_handle(&list.ty()),
        Type::FixedLengthList(list) => has_handle(&list.ty()),
        Type::Option(option) => has_handle(&option.ty()),
        Type::Tuple(tuple) => tuple.types().any(|t| has_handle(&t)),
        Type::Record(record) => record.fields().any(|f| has_handle(&f.ty)),
        Type::Variant(variant) => variant.cases().any(|c| c.ty.as_ref().is_some_and(has_handle)),
        Type::Result(result) => [result.ok(), result.err()].iter().flatten().any(has_handle),
        _ => false,
    }
}

/// The first field of a record that its type does not have. WAVE itself passes over such fields.
fn unknown_field(node: &Node, text: &str, ty: &Type) -> Option<String> {
    match ty {
        Type::Record(record) => {
            node.as_record(text).ok()?.find_map(|(name, value)| match record.fields().find(|f| f.name == name) {
                Some(field) => unknown_field(value, text, &field.ty),
                None => Some(name.to_owned()),
            })
        }
        Type::List(list) => node.as_list().ok()?.find_map(|node| unknown_field(node, text, &list.ty())),
        Type::FixedLengthList(list) => node.as_list().ok()?.find_map(|node| unknown_field(node, text, &list.ty())),
        Type::Tuple(tuple) => node.as_tuple().ok()?.zip(tuple.types()).find_map(|(node, ty)| unknown_field(node, text, &ty)),
        Type::Option(option) => match node.as_option() {
            Ok(some) => unknown_field(some?, text, &option.ty()),
            Err(_) => unknown_field(node, text, &option.ty()),
        },
        Type::Result(result) => match node.as_result() {
            Ok(Ok(ok)) => unknown_field(ok?, text, &result.ok()?),
            Ok(Err(err)) => unknown_field(err?, text, &result.err()?),
            Err(_) => unknown_field(node, text, &result.ok()?),
        },
        Type::Variant(variant) => {
            let (case, payload) = node.as_variant(text).ok()?;
            let ty = variant.cases().find(|c| c.name == case)?.ty?;
            unknown_field(payload?, text, &ty)
        }
        _ => None,
    }
}
