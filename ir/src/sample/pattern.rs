//! Texts that a pattern matches.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::SplitMix64;

/// No text becomes longer than so many characters, whatever a pattern repeats.
const LONGEST: usize = 4096;
/// How many texts of random lengths are made until one has a length that other rules allow; then that length is searched for.
const TRIES: u32 = 8;

/// A text that an ECMA-262 pattern matches and that has so many characters; `None` where none is found.
///
/// Look-around is overlooked, so a text may still be wrong; back-references and syntax that Rust's engines do not share give `None`.
pub(super) fn text(random: &mut SplitMix64, pattern: &str, min: u64, max: u64) -> Option<String> {
    let hir = ParserBuilder::new().build().parse(&without_look_around(pattern)).ok()?;
    let mut make = |more: More| {
        let mut made = Made { random, more, out: String::new() };
        made.add(&hir)?;
        Some(made.out)
    };
    let length = |text: &str| text.chars().count() as u64;
    // Texts are short at first; repetitions reach further with every try.
    for attempt in 0..TRIES {
        if let Some(text) = make(More::UpTo(attempt.pow(2))).filter(|text| (min..=max).contains(&length(text))) {
            return Some(text);
        }
    }
    let (mut low, mut high) = (0, LONGEST as u32);
    while low < high {
        let middle = u32::midpoint(low, high);
        match make(More::Exactly(middle)) {
            Some(text) if length(&text) < min => low = middle + 1,
            Some(text) if length(&text) <= max => return Some(text),
            _ => high = middle,
        }
    }
    None
}

/// How often something is repeated beyond its least number, if it may be.
#[derive(Clone, Copy)]
enum More {
    UpTo(u32),
    Exactly(u32),
}

struct Made<'a> {
    random: &'a mut SplitMix64,
    more: More,
    out: String,
}

impl Made<'_> {
    /// `None` where nothing matches, or where the text becomes too long.
    fn add(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            // Anchors and word boundaries hold where the pattern is the whole text, which it is here.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.out.push_str(str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => {
                let c = self.character(class)?;
                self.out.push(c);
            }
            HirKind::Repetition(repetition) => {
                let most = |more: u32| repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(more));
                let count = match self.more {
                    More::UpTo(more) => self.random.between(repetition.min.into(), most(more).into()),
                    More::Exactly(more) => most(more).into(),
                };
                for _ in 0..count {
                    self.add(&repetition.sub)?;
                }
            }
            HirKind::Capture(capture) => self.add(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            HirKind::Alternation(arms) => {
                let arm = self.random.below(arms.len() as u64) as usize;
                self.add(arms.get(arm)?)?;
            }
        }
        (self.out.len() <= LONGEST).then_some(())
    }

    /// A character of a class: a letter or digit where it has some, else another visible one, else any.
    fn character(&mut self, class: &Class) -> Option<char> {
        let Class::Unicode(class) = class else { return None };
        let has = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
        let among = |from: char, to: char| (from..=to).filter(|c| has(*c)).collect::<Vec<_>>();
        let mut choice: Vec<char> = among('!', '~').into_iter().filter(char::is_ascii_alphanumeric).collect();
        if choice.is_empty() {
            choice = among(' ', '~');
        }
        if choice.is_empty() {
            choice = class.iter().map(regex_syntax::hir::ClassUnicodeRange::start).collect();
        }
        choice.get(self.random.below(choice.len() as u64) as usize).copied()
    }
}

/// The pattern without its `(?=…)`, `(?!…)`, `(?<=…)` and `(?<!…)`, and without what Rust's syntax says otherwise.
fn without_look_around(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = after.chars().next().unwrap_or('\\');
                match escaped {
                    // To Rust these are the ends of words.
                    '<' | '>' => out.push(escaped),
                    _ => out.extend(['\\', escaped]),
                }
                rest = after.strip_prefix(escaped).unwrap_or(after);
                continue;
            }
            // ECMA-262 knows no nested classes.
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '(' if !in_class && ["?=", "?!", "?<=", "?<!"].iter().any(|look| after.starts_with(look)) => {
                rest = behind_group(after);
                continue;
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            other => out.push(other),
        }
        rest = after;
    }
    out
}

/// What stands behind the group whose opening parenthesis was just read.
fn behind_group(text: &str) -> &str {
    let (mut depth, mut in_class, mut escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::{SplitMix64, text};

    fn all(pattern: &str, min: u64, max: u64) -> Vec<Option<String>> {
        (0..50).map(|seed| text(&mut SplitMix64::new(seed), pattern, min, max)).collect()
    }

    #[test]
    fn texts_match_their_patterns() {
        for text in all("^(0|[1-9][0-9]*)$", 1, 20) {
            let text = text.expect("the pattern has such texts");
            assert!(text.parse::<u64>().is_ok_and(|n| n.to_string() == text), "{text}");
        }
        for text in all("^AC[0-9a-fA-F]{32}$", 34, 34) {
            let text = text.expect("the pattern has such texts");
            assert!(
                text.starts_with("AC") && text.len() == 34 && text[2..].bytes().all(|b| b.is_ascii_hexdigit()),
                "{text}"
            );
        }
        for text in all(r"^(?!-)[\w\-]+\/\<x\>$", 5, 200) {
            assert!(text.is_some_and(|text| text.ends_with("/<x>")));
        }
    }

    #[test]
    fn lengths_are_kept() {
        for (min, max) in [(0, 0), (1, 1), (7, 9), (200, 300)] {
            for text in all("^[a-z]*$", min, max) {
                let text = text.expect("the pattern has texts of all lengths");
                assert!((min..=max).contains(&(text.len() as u64)), "{text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_matched_gives_nothing() {
        for pattern in [r"(a)\1", "[", "a{2,1}"] {
            assert!(all(pattern, 0, 100).iter().all(Option::is_none), "{pattern}");
        }
    }
}
