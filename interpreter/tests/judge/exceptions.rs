//! Requests that the judge refuses and that stay as they are, each with its reason: `exceptions.tsv`.

use std::collections::BTreeMap;
use std::path::Path;

use super::steady::Objection;

/// What `steady` objects to.
pub(super) const STEADY: &str = "exceptions.tsv";
/// What `openapi-core` objects to.
pub(super) const OPENAPI_CORE: &str = "openapi_core.tsv";
/// What of `steady`'s responses is not read and written again as it was.
pub(super) const RESPONSES: &str = "responses.tsv";

/// The exceptions, and which of them came up.
pub(super) struct Exceptions {
    /// By document and operation: what the judge objects to, as [`objections`], and whether it came up.
    lines: BTreeMap<(&'static str, &'static str), (&'static str, bool)>,
}

/// The code and place of each objection, as the file writes them.
pub(super) fn objections(list: &[Objection]) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for objection in list {
        let text = format!("{} {}", objection.code, objection.place);
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct.join(", ")
}

impl Exceptions {
    /// Reads a file beside this one. Every line has a reason that the head of the file explains.
    pub(super) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge").join(name);
        // Kept to the end of the test, which reads three of them.
        let text: &'static str = std::fs::read_to_string(path).expect("a list of exceptions").leak();
        let content = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
        let (reasons, lines): (Vec<&str>, Vec<&str>) = content.partition(|line| line.starts_with('@'));
        let reasons: Vec<&str> = reasons.iter().filter_map(|line| line.split_once('\t').map(|(key, _)| key)).collect();
        let lines = lines.into_iter().map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let &[document, operation, said, reason] = columns.as_slice() else { panic!("four columns: {line}") };
            assert!(reasons.contains(&reason), "a reason that the file explains: {line}");
            // Then the first message, for people.
            let said = said.split_once(": ").map_or(said, |(places, _)| places);
            ((document, operation), (said, false))
        });
        Self { lines: lines.collect() }
    }

    /// Whether the judge may object to just this of an operation's request.
    pub(super) fn has(&mut self, document: &str, operation: &str, list: &[Objection]) -> bool {
        let found = self.lines.iter_mut().find(|((d, o), _)| *d == document && *o == operation);
        found.is_some_and(|(_, (said, used))| {
            *used = true;
            *said == objections(list)
        })
    }

    /// Exceptions of these documents that did not come up.
    pub(super) fn unused<'a>(&self, documents: impl Iterator<Item = &'a str>) -> Vec<String> {
        let documents: Vec<&str> = documents.collect();
        let unused = self.lines.iter().filter(|((document, _), (_, used))| !used && documents.contains(document));
        unused.map(|((document, operation), _)| format!("{document}\t{operation}")).collect()
    }
}
