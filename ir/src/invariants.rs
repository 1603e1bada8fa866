//! What every [`Api`] must keep, so that all that walks it may rely on it.
//!
//! The checks run in stages, each relying on the ones before: ids are in range; types and interfaces are not recursive and do not
//! grow beyond bounds; shapes and names are what WIT allows; wire maps, places and results fit the shapes. They take time
//! proportional to the API, whatever it holds.

mod calls;
mod graph;
mod http;
mod ids;
mod json;
mod names;
mod proto;
mod same;
mod shapes;

use std::fmt;

use crate::api::Api;
use crate::id::{InterfaceId, OperationId, TypeId};

/// The most fields, cases, flags, elements or parameters of one type or function.
pub const MAX_MEMBERS: usize = 10_000;
/// The most types that a type written in place may spell out.
pub const MAX_INLINE: u64 = 10_000;

/// A place in an [`Api`] that contradicts another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Contradiction {
    /// The item, for people: ``type `todos/list-request` (#12)``.
    pub at: String,
    /// The rule that is broken.
    pub rule: Rule,
    /// What is wrong.
    pub problem: String,
}

/// The rules of an [`Api`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Every id leads to an item.
    Ids,
    /// Neither types nor interfaces reach themselves; nesting and types written in place stay within bounds.
    Recursion,
    /// Names are unique in their scope without regard to hyphens, and declared where they say.
    Names,
    /// Shapes are what WIT allows.
    Shape,
    /// A type's wire map fits its shape.
    Wire,
    /// A place leads to a value of the type that it is said to have.
    Place,
    /// A function returns a `result<_, error>`, and what the protocol's part says fits it.
    Call,
    /// The host's own types are as [`crate::host`] builds them.
    Host,
}

impl Api {
    /// Checks that the API does not contradict itself.
    ///
    /// # Errors
    /// All contradictions of the first stage that finds any.
    pub fn check(&self) -> Result<(), Vec<Contradiction>> {
        let stages: [fn(&mut Checker<'_>); 4] = [
            ids::check,
            |c| {
                graph::check(c);
            },
            |c| {
                shapes::check(c);
                names::check(c);
            },
            calls::check,
        ];
        let mut checker = Checker { api: self, found: Vec::new() };
        for stage in stages {
            stage(&mut checker);
            if !checker.found.is_empty() {
                return Err(checker.found);
            }
        }
        Ok(())
    }
}

/// Collects contradictions.
struct Checker<'a> {
    api: &'a Api,
    found: Vec<Contradiction>,
}

/// No more are collected; a forged file could hold millions.
const MAX_FOUND: usize = 100;

impl Checker<'_> {
    fn fail(&mut self, at: impl fmt::Display, rule: Rule, problem: impl Into<String>) {
        if self.found.len() < MAX_FOUND {
            self.found.push(Contradiction { at: at.to_string(), rule, problem: problem.into() });
        }
    }

    fn ensure(&mut self, holds: bool, at: impl fmt::Display, rule: Rule, problem: impl Into<String>) {
        if !holds {
            self.fail(at, rule, problem);
        }
    }
}

/// An item as messages name it. Tolerates ids out of range.
enum Item<'a> {
    Type(&'a Api, TypeId),
    Interface(&'a Api, InterfaceId),
    Operation(&'a Api, OperationId),
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interface = |api: &Api, id: InterfaceId| {
            api.interfaces.get(id).map_or_else(|| format!("{id:?}"), |i| i.name.as_str().to_owned())
        };
        match self {
            Self::Type(api, id) => match api.types.get(*id).and_then(|t| t.name.as_ref()) {
                Some(name) => write!(f, "type `{}/{}` ({id:?})", interface(api, name.interface), name.name.as_str()),
                None => write!(f, "{id:?}"),
            },
            Self::Interface(api, id) => write!(f, "interface `{}`", interface(api, *id)),
            Self::Operation(api, id) => match api.operations.get(*id) {
                Some(o) => write!(f, "function `{}.{}`", interface(api, o.interface), o.name.as_str()),
                None => write!(f, "{id:?}"),
            },
        }
    }
}
