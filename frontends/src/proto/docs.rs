//! Comments and positions, from `SourceCodeInfo`.

use std::collections::HashMap;

use super::descriptor::{SourceCodeInfo, SourceLocation};

/// Comments and positions of one file, by the path of the element in `FileDescriptorProto`.
#[derive(Debug, Default)]
pub(super) struct SourceInfo<'a> {
    locations: HashMap<&'a [i32], &'a SourceLocation>,
}

impl<'a> SourceInfo<'a> {
    pub(super) fn new(info: Option<&'a SourceCodeInfo>) -> Self {
        let locations = info.map(|i| &i.location[..]).unwrap_or_default();
        Self { locations: locations.iter().map(|l| (&l.path[..], l)).collect() }
    }

    /// Line and column, 1-based; 0 where unknown.
    pub(super) fn position(&self, path: &[i32]) -> (u32, u32) {
        let span = self.locations.get(path).map(|l| &l.span[..]).unwrap_or_default();
        match span {
            [line, column, ..] => (one_based(*line), one_based(*column)),
            _ => (0, 0),
        }
    }

    /// The comment above the element, else the one behind it.
    pub(super) fn comment(&self, path: &[i32]) -> Option<String> {
        let location = self.locations.get(path)?;
        [&location.leading_comments, &location.trailing_comments].into_iter().flatten().find_map(|c| tidy(c))
    }
}

fn one_based(zero_based: i32) -> u32 {
    u32::try_from(zero_based).map_or(0, |n| n.saturating_add(1))
}

/// What a comment says to users of the API; `None` where that is nothing.
///
/// Removed are the space that commonly stands behind `//`, notes to maintainers and their tools, the targets of cross-references,
/// and blank lines that nothing stands between.
fn tidy(comment: &str) -> Option<String> {
    let lines: Vec<&str> = comment.lines().map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end()).collect();
    let text = without_references(&without_internal(&lines.join("\n")));
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !is_directive(line)) {
        if !line.is_empty() || kept.last().is_some_and(|last| !last.is_empty()) {
            kept.push(line);
        }
    }
    let text = kept.join("\n");
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Whether a line is for a linter.
fn is_directive(line: &str) -> bool {
    ["buf:lint:", "buf:breaking:", "protolint:"].iter().any(|tool| line.trim_start().starts_with(tool))
}

/// Without internal comments, `(-- … --)`.
///
/// Source: AIP-192, "Internal comments".
fn without_internal(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("(--") {
        let Some((_, behind)) = inside.split_once("--)") else { break };
        out.push_str(before);
        rest = behind;
    }
    out + rest
}

/// `[text][full.name]` as `text`: names of the sources are not those of WIT.
///
/// Source: AIP-192, "Cross-references".
fn without_references(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("][") {
        let target = behind.find(']').filter(|end| is_reference(&behind[..*end]));
        // `a[i][j]` is no reference.
        let start = before.rfind('[').filter(|start| !before[..*start].ends_with(char::is_alphanumeric));
        let (kept, from) = match (start, target) {
            (Some(start), Some(end)) => ([&before[..start], &before[start + 1..]].concat(), end + 1),
            _ => (format!("{before}]["), 0),
        };
        out.push_str(&kept);
        rest = &behind[from..];
    }
    out + rest
}

/// Whether a text may be the target of a cross-reference: nothing, a qualified name, or that of a type.
fn is_reference(target: &str) -> bool {
    let is_name = target.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    is_name && (target.is_empty() || target.contains('.') || target.starts_with(|c: char| c.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn comments_lose_their_margin() {
        assert_eq!(tidy(" One.\n\n   indented \n"), Some("One.\n\n  indented".to_owned()));
        assert_eq!(tidy(" \n"), None);
    }

    #[test]
    fn comments_lose_what_is_not_for_users() {
        for (comment, expected) in [
            (" (-- api-linter: core::0140=disabled\n     aip.dev/not-precedent: so. --)\n", None),
            (" One.\n\n (-- two\n --)\n\n Three.\n", Some("One.\n\nThree.")),
            (" One (-- open", Some("One (-- open")),
            (" buf:lint:ignore ENUM_ZERO_VALUE_SUFFIX\n Zero.\n", Some("Zero.")),
        ] {
            assert_eq!(tidy(comment).as_deref(), expected, "{comment:?}");
        }
    }

    #[test]
    fn cross_references_are_their_text() {
        for (comment, expected) in [
            ("The [Command][a.b.v1.Command] of an\n[`Action`][a.b.v1.Action]s.", "The Command of an\n`Action`s."),
            ("[Empty][] of [a][A]", "Empty of a"),
            (
                "an index a[i][J] [i][j], a [link](https://a.b/c), [x][not a name]",
                "an index a[i][J] [i][j], a [link](https://a.b/c), [x][not a name]",
            ),
            ("no ][ and [no", "no ][ and [no"),
        ] {
            assert_eq!(tidy(comment).as_deref(), Some(expected), "{comment:?}");
        }
    }
}
