//! Schemas: views of what the keywords say together, and their lowering to types.

mod arms;
mod beyond;
mod constraint;
mod declared;
mod discriminator;
mod docs;
mod enumeration;
mod flat;
mod kinds;
mod ladder;
mod lower;
mod object;
mod origin;
mod scalar;
mod union;
mod usage;
mod view;

pub(crate) use declared::{Declared, Wish};
pub(crate) use flat::{Additional, Flat, Part};
pub(crate) use kinds::Kinds;
pub(crate) use lower::{At, Schemas, known_name, position};
pub(crate) use object::{Fields, symbol_words};
pub(crate) use origin::{Origin, Role, Root, own_name};
pub(crate) use usage::{Direction, Mode, Usage};
pub(crate) use view::Views;

pub(crate) use docs::{description, sentence};
