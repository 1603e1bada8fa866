//! Where in a JSON text or in the arguments something is wrong.

use std::fmt;

/// Steps from the innermost outwards: a place is only known when an error travels up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Location {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(Box<str>),
    Index(usize),
}

/// Names that come from a response are cut, so that no message grows with it.
const MAX_NAME: usize = 64;

impl Location {
    /// Adds an outer name: a JSON key, a field, a case.
    pub(crate) fn name(&mut self, name: &str) {
        let end = name.char_indices().nth(MAX_NAME).map_or(name.len(), |(i, _)| i);
        self.steps.push(Step::Name(name[..end].into()));
    }

    /// Adds an outer index.
    pub(crate) fn index(&mut self, index: usize) {
        self.steps.push(Step::Index(index));
    }
}

/// `data[3].title`; names that are no identifiers are quoted: `labels["a b"]`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().rev().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) if name.chars().all(|c| c.is_alphanumeric() || "_-$@".contains(c)) && !name.is_empty() => {
                    let dot = if i == 0 { "" } else { "." };
                    write!(f, "{dot}{name}")?;
                }
                Step::Name(name) => write!(f, "[{name:?}]")?,
            }
        }
        Ok(())
    }
}
