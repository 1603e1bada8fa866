//! WAVE, the WebAssembly value encoding, for our values: `todos.list({user-id: "u1", limit: 10})`.
//!
//! The grammar is wasm-wave's. The conversion to values is our own, because it must name the place, the expected type and what
//! was found, and must not pass over a misspelt field in silence. In short:
//!
//! * Fields whose type is an option may be left out, and so may trailing arguments; both are `none`.
//! * A bare value where an option is expected is `some`, unless the option holds an option or a result; likewise a bare value
//!   for a result is `ok`.
//! * A byte list is a list of numbers; there is no other form.
//! * `{}` is accepted for a record without fields given, which WAVE writes `{:}`.
//! * Values nest at most 100 deep, wasm-wave's own limit.
//! * A resource handle prints as `<resource 3>` and cannot be parsed: it means something only to the host that gave it.

mod call;
mod error;
mod nearest;
mod parse;
mod write;

pub use call::{WaveCall, find_operation, parse_call, print_call};
pub use error::{Problem, WaveError};
pub use nearest::nearest;

use crate::api::Api;
use crate::id::TypeId;
use crate::value::Value;

/// Parses a value of a type.
///
/// # Errors
/// [`WaveError`], which says where the text breaks the type or the grammar.
pub fn parse_value(api: &Api, ty: TypeId, text: &str) -> Result<Value, WaveError> {
    let untyped =
        wasm_wave::untyped::UntypedValue::parse(text).map_err(|e| error::syntax(text, e.kind(), e.span().start))?;
    parse::Reader::new(api, text).value(ty, untyped.node())
}

/// A value as text. Fields that are `none` are left out. A NaN loses its payload, as it does at every component's boundary.
///
/// A value that is not one of the type prints as `<not …>`, never panics and cannot be parsed.
pub fn print_value(api: &Api, ty: TypeId, value: &Value) -> String {
    let mut text = String::new();
    write::value(&mut text, api, ty, value);
    text
}
