//! Documentation from descriptions and constraints.

use witwire_ir::{Check, Number};

use super::flat::Flat;
use super::view::Views;
use crate::openapi::tree::{NodeId, Scalar, Tree};

/// The longest text taken from a description, in characters.
const LONGEST: usize = 240;

/// The first paragraph of a description, shortened at the end of a sentence or word.
pub(crate) fn description(text: &str) -> Option<String> {
    let paragraph: Vec<&str> = text
        .lines()
        .map(str::trim)
        .skip_while(|l| l.is_empty() || l.starts_with('#') || l.starts_with("---"))
        .take_while(|l| !l.is_empty())
        .collect();
    let joined = paragraph.join(" ");
    let text = joined.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return None;
    }
    let Some((cut, _)) = text.char_indices().nth(LONGEST) else { return Some(text) };
    let head = &text[..cut];
    if let Some(end) = head.rfind(". ").filter(|end| *end > cut / 4) {
        return Some(head[..=end].to_owned());
    }
    let end = head.rfind(' ').unwrap_or(cut);
    Some(format!("{}…", head[..end].trim_end_matches([',', ';', ':', ' '])))
}

/// A text as a sentence: with a full stop where it has no end.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', ':', '…', '`']) { text.to_owned() } else { format!("{text}.") }
}

/// A schema's own description; its title where it has none.
pub(super) fn of_schema(tree: &Tree, node: NodeId) -> Option<String> {
    let text = |key: &str| tree.get_text(node, key).and_then(description);
    text("description").or_else(|| text("title").map(|t| sentence(&t)))
}

fn plural(n: u64, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn range(least: Option<u64>, greatest: Option<u64>, word: &str) -> Option<String> {
    Some(match (least, greatest) {
        (Some(a), Some(b)) if a == b => format!("Exactly {}.", plural(a, word)),
        (Some(a), Some(b)) => format!("{a} to {}.", plural(b, word)),
        (Some(a), None) => format!("At least {}.", plural(a, word)),
        (None, Some(b)) => format!("At most {}.", plural(b, word)),
        (None, None) => return None,
    })
}

fn show(n: Number) -> String {
    match n {
        Number::Int(n) => n.to_string(),
        Number::Float(f) => f.to_string(),
    }
}

/// What checks ask for, in words.
pub(super) fn of_checks(checks: &[Check]) -> Vec<String> {
    let find = |f: fn(&Check) -> Option<u64>| checks.iter().find_map(f);
    let mut out = Vec::new();
    out.extend(range(
        find(|c| if let Check::MinLength(n) = c { Some(*n) } else { None }),
        find(|c| if let Check::MaxLength(n) = c { Some(*n) } else { None }),
        "character",
    ));
    out.extend(range(
        find(|c| if let Check::MinItems(n) = c { Some(*n) } else { None }),
        find(|c| if let Check::MaxItems(n) = c { Some(*n) } else { None }),
        "item",
    ));
    out.extend(range(
        find(|c| if let Check::MinProperties(n) = c { Some(*n) } else { None }),
        find(|c| if let Check::MaxProperties(n) = c { Some(*n) } else { None }),
        "field",
    ));
    let minimum = checks.iter().find_map(|c| if let Check::Minimum(n) = c { Some(*n) } else { None });
    let maximum = checks.iter().find_map(|c| if let Check::Maximum(n) = c { Some(*n) } else { None });
    match (minimum, maximum) {
        (Some(a), Some(b)) => out.push(format!("{} to {}.", show(a), show(b))),
        (Some(a), None) => out.push(format!("At least {}.", show(a))),
        (None, Some(b)) => out.push(format!("At most {}.", show(b))),
        (None, None) => {}
    }
    for check in checks {
        match check {
            Check::ExclusiveMinimum(n) => out.push(format!("More than {}.", show(*n))),
            Check::ExclusiveMaximum(n) => out.push(format!("Less than {}.", show(*n))),
            Check::MultipleOf(n) => out.push(format!("A multiple of {}.", show(*n))),
            Check::UniqueItems => out.push("No item twice.".to_owned()),
            Check::Pattern(p) if p.len() <= 60 && !p.contains('`') => out.push(format!("Matches `{p}`.")),
            Check::Pattern(_) => out.push("Matches the document's pattern.".to_owned()),
            _ => {}
        }
    }
    out
}

impl Views<'_> {
    /// What the server takes where an optional value is absent.
    pub(super) fn default_note(&self, flat: &Flat, outer: &[NodeId]) -> Option<String> {
        let tree = self.cx.tree;
        let default = outer.iter().chain(&flat.leaves).find_map(|n| tree.get(*n, "default"))?;
        let text = match tree.scalar(default)? {
            Scalar::Null => return None,
            Scalar::String("") => "an empty text".to_owned(),
            Scalar::String(s) if s.len() <= 60 && !s.contains(['`', '\n']) => format!("`{s}`"),
            Scalar::String(_) => return None,
            Scalar::Bool(b) => b.to_string(),
            Scalar::Number(n) => n.to_owned(),
        };
        Some(format!("The server takes {text} when absent."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_paragraphs() {
        assert_eq!(description("\n# Title\n\nOne\n two.\n\nThree.").as_deref(), Some("One two."));
        assert_eq!(description("  "), None);
        let long = "word ".repeat(100);
        let short = description(&long).unwrap_or_default();
        assert!(short.chars().count() <= LONGEST && short.ends_with("word…"), "{short}");
    }

    #[test]
    fn constraints_in_words() {
        let words = |checks: &[Check]| of_checks(checks).join(" ");
        assert_eq!(words(&[Check::MinLength(1), Check::MaxLength(200)]), "1 to 200 characters.");
        assert_eq!(words(&[Check::MaxLength(1)]), "At most 1 character.");
        assert_eq!(words(&[Check::Minimum(Number::Int(1)), Check::Maximum(Number::Int(9))]), "1 to 9.");
        assert_eq!(words(&[Check::MinProperties(1)]), "At least 1 field.");
    }
}
