//! What witwire's tests share: guest components that need no wasm toolchain.
//!
//! * [`proxy_guest`] exports every function of an interface and passes each call to the import of the same name;
//! * [`Script`] makes a guest that performs fixed calls in a fixed order;
//! * [`wat_guest`] wraps a hand-written core module.
//! * [`hostile`] has servers that misbehave on purpose.

pub mod hostile;

mod constant;
mod guest;
mod script;

pub use guest::{proxy_guest, wat_guest};
pub use script::Script;
