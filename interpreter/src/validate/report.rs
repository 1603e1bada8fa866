//! Collects violations with their place.

use std::fmt::Write;

use witwire_ir::host::Violation;

use crate::json::Budget;

/// How many violations one call reports at most; a list of a million bad items needs no million messages.
const MAX: usize = 100;

/// Violations found so far, and where the search stands.
#[derive(Debug, Default)]
pub(crate) struct Report {
    location: String,
    violations: Vec<Violation>,
    budget: Budget,
    /// How many tables of nodes the search is in.
    tables: u32,
}

impl Report {
    /// Whether no more violations are taken, so that the search may end.
    pub(crate) fn full(&self) -> bool {
        self.violations.len() >= MAX
    }

    /// Goes into a field, case or parameter.
    pub(crate) fn within(&mut self, name: &str, search: impl FnOnce(&mut Self)) {
        let end = self.location.len();
        if end > 0 {
            self.location.push('.');
        }
        self.location.push_str(name);
        search(self);
        self.location.truncate(end);
    }

    /// Goes into an item of a list.
    pub(crate) fn item(&mut self, index: usize, search: impl FnOnce(&mut Self)) {
        let end = self.location.len();
        // Writing to a `String` cannot fail.
        let _ = write!(self.location, "[{index}]");
        search(self);
        self.location.truncate(end);
    }

    /// Goes into the nodes of a table.
    pub(crate) fn in_table(&mut self, search: impl FnOnce(&mut Self)) {
        self.tables += 1;
        search(self);
        self.tables -= 1;
    }

    /// What the call may still repeat; `None` in a table, which was counted with all that it holds.
    pub(crate) fn budget(&self) -> Option<&Budget> {
        (self.tables == 0).then_some(&self.budget)
    }

    /// Where the search stands, for [`Self::restart`].
    pub(crate) fn here(&self) -> usize {
        self.location.len()
    }

    /// Goes back to a place further out, as far as the location is concerned.
    pub(crate) fn restart(&mut self, place: usize, search: impl FnOnce(&mut Self)) {
        let inner = self.location.split_off(place.min(self.location.len()));
        search(self);
        self.location.push_str(&inner);
    }

    /// Notes a violation where the search stands.
    pub(crate) fn add(&mut self, rule: &str, message: impl Into<String>) {
        let violation = Violation { location: self.location.clone(), rule: rule.to_owned(), message: message.into() };
        self.push(violation);
    }

    /// Notes a violation.
    pub(crate) fn push(&mut self, violation: Violation) {
        if !self.full() {
            self.violations.push(violation);
        }
    }

    /// All violations, in the order in which they were found.
    pub(crate) fn into_violations(self) -> Vec<Violation> {
        self.violations
    }
}
