//! Arguments without credentials, for what is recorded.

use witwire_ir::{Api, Operation, Value};

/// What stands for a removed credential.
const REMOVED: &str = "[removed]";

/// See [`crate::Plan::redact`].
pub(crate) fn redact(_api: &Api, operation: &Operation, args: &[Value]) -> Vec<Value> {
    let Some(place) = &operation.auth.guest else { return args.to_vec() };
    let argument = place.argument as usize;
    args.iter().enumerate().map(|(i, v)| if i == argument { at(v, &place.slots) } else { v.clone() }).collect()
}

/// The value with the credentials at the end of the path removed.
fn at(value: &Value, path: &[u16]) -> Value {
    let Some((slot, rest)) = path.split_first() else { return remove(value) };
    match value {
        Value::Option(inner) => Value::option(inner.as_deref().map(|v| at(v, path))),
        Value::Record(slots) => {
            let change = |(i, v): (usize, &Value)| if i == *slot as usize { at(v, rest) } else { v.clone() };
            Value::Record(slots.iter().enumerate().map(change).collect())
        }
        // A value that does not fit the place: better nothing than a credential.
        other => remove(other),
    }
}

/// The value with every text replaced; its shape stays.
fn remove(value: &Value) -> Value {
    let all = |values: &[Value]| values.iter().map(remove).collect();
    let inner = |value: &Option<Box<Value>>| value.as_deref().map(|v| Box::new(remove(v)));
    match value {
        Value::String(_) => Value::string(REMOVED),
        Value::Bytes(_) => Value::Bytes(REMOVED.as_bytes().into()),
        Value::List(items) => Value::List(all(items)),
        Value::Record(slots) => Value::Record(all(slots)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Option(value) => Value::Option(inner(value)),
        Value::Variant(case, payload) => Value::Variant(*case, inner(payload)),
        Value::Result(Ok(payload)) => Value::Result(Ok(inner(payload))),
        Value::Result(Err(payload)) => Value::Result(Err(inner(payload))),
        other => other.clone(),
    }
}
