//! WIT names from the names of specifications.
//!
//! [`words`] takes an identifier apart, [`name`] makes a [`WitName`] of it, and a [`Scope`] gives names that differ. All three are
//! pure: the same sources give the same names, in whatever order they are read.

mod latin;
mod scope;
mod words;

use witwire_ir::{MAX_NAME, WitName};

pub use scope::{Collision, Given, Scope, members};
pub use words::{title_words, words};

/// The length of [`hash`].
const HASH: usize = 5;

/// A name, and whether it had to be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: WitName,
    /// Whether the words did not fit into [`MAX_NAME`] characters.
    pub cut: bool,
}

/// The name for a text as a specification writes it.
///
/// `fallback` is taken where the text has no word; `source` is where the text stands (a JSON pointer or a full protobuf name) and
/// is what the hash of a cut name is made from.
///
/// ```
/// use witwire_frontends::names::name;
/// assert_eq!(name("X-RateLimit-Limit", "header", "").name.as_str(), "x-rate-limit-limit");
/// assert_eq!(name("0rtt", "case", "").name.as_str(), "n0rtt");
/// assert_eq!(name("+", "case", "").name.as_str(), "case");
/// ```
pub fn name(text: &str, fallback: &str, source: &str) -> Named {
    from_words(&words(text), fallback, source)
}

/// The name of words, which are of lower-case ASCII letters and digits as [`words`] gives them.
pub fn from_words(of: &[String], fallback: &str, source: &str) -> Named {
    let mut of: Vec<String> = of.iter().filter(|w| !w.is_empty()).cloned().collect();
    if of.is_empty() {
        of = words(fallback);
    }
    match of.first_mut() {
        Some(first) if first.starts_with(|c: char| c.is_ascii_digit()) => first.insert(0, 'n'),
        Some(_) => {}
        None => of.push(hash(source)),
    }
    let whole = of.join("-");
    let cut = whole.len() > MAX_NAME;
    let text = if cut { cut_at_word(&of, MAX_NAME, source) } else { whole };
    let name = WitName::new(text).unwrap_or_else(|e| unreachable!("words of letters and digits make a name: {e}"));
    Named { name, cut }
}

/// A name in the plural, for lists of nodes: `policy` → `policies`, `tags` → `tags-nodes`.
pub fn plural(name: &str) -> String {
    match name {
        // A plural already.
        n if n.ends_with('s') && !["ss", "us", "is", "as", "os"].iter().any(|end| n.ends_with(end)) => {
            format!("{n}-nodes")
        }
        n if n.ends_with("ch") || n.ends_with("sh") || n.ends_with(['s', 'x', 'z']) => format!("{n}es"),
        n if n.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|end| n.ends_with(end)) => {
            format!("{}ies", &n[..n.len() - 1])
        }
        n => format!("{n}s"),
    }
}

/// The name with one more word, cut before it where both do not fit.
///
/// `suffix` is a WIT word; `source` as in [`name`].
pub fn suffixed(name: &WitName, suffix: &str, source: &str) -> WitName {
    let whole = format!("{}-{suffix}", name.as_str());
    let text = if whole.len() <= MAX_NAME {
        whole
    } else {
        let room = MAX_NAME.saturating_sub(suffix.len() + 1);
        let of: Vec<String> = name.as_str().split('-').map(str::to_owned).collect();
        format!("{}-{suffix}", cut_at_word(&of, room, source))
    };
    WitName::new(text).unwrap_or_else(|_| from_words(&words(suffix), "x", source).name)
}

/// A short hash that may be a word of a name: a letter and four letters or digits of BLAKE3 of the source.
pub fn hash(source: &str) -> String {
    const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let digest = blake3::hash(source.as_bytes());
    let mut rest = digest.as_bytes().iter().take(8).fold(0_u64, |n, &b| n << 8 | u64::from(b));
    let mut next = |base: u64| {
        let digit = DIGITS[(rest % base) as usize];
        rest /= base;
        char::from(digit)
    };
    let mut out = String::with_capacity(HASH);
    out.push(next(26));
    out.extend((1..HASH).map(|_| next(36)));
    out
}

/// As many whole words as fit before `-` and the hash; a first word that is too long alone is cut itself.
fn cut_at_word(of: &[String], room: usize, source: &str) -> String {
    let room = room.saturating_sub(HASH + 1);
    let mut out = String::new();
    for word in of {
        let hyphen = usize::from(!out.is_empty());
        if out.len() + hyphen + word.len() > room {
            break;
        }
        if hyphen == 1 {
            out.push('-');
        }
        out.push_str(word);
    }
    if out.is_empty() {
        out.extend(of.first().iter().flat_map(|w| w.chars()).take(room));
    }
    if !out.is_empty() {
        out.push('-');
    }
    out + &hash(source)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for (text, expected) in [
            ("TodoAdd", "todo-add"),
            ("type", "type"),
            ("2fa", "n2fa"),
            ("3DModel", "n3-d-model"),
            ("+", "fall-back"),
            ("", "fall-back"),
            ("a_1", "a-1"),
        ] {
            assert_eq!(name(text, "fallBack", "s").name.as_str(), expected);
        }
        assert_eq!(name("", "", "s").name.as_str(), hash("s"));
        assert_eq!(name("type", "x", "s").name.to_string(), "%type");
    }

    #[test]
    fn a_long_name_is_cut_at_a_word_with_a_hash_of_its_source() {
        let text = "GetTheVeryLongNameOfAnOperationThatNobodyShouldHaveWrittenButSomebodyDid";
        let a = name(text, "x", "a");
        assert!(a.cut);
        assert_eq!(a.name.as_str(), format!("get-the-very-long-name-of-an-operation-that-nobody-should-{}", hash("a")));
        assert_ne!(a.name, name(text, "x", "b").name);
        let word = "a".repeat(65);
        assert_eq!(name(&word, "x", "a").name.as_str(), format!("{}-{}", "a".repeat(58), hash("a")));
        let exact = "a".repeat(64);
        assert_eq!(name(&exact, "x", "a"), Named { name: WitName::new(exact).expect("64 letters"), cut: false });
    }

    #[test]
    fn a_suffix_is_never_cut() {
        let long = name(&"word ".repeat(12), "x", "a").name;
        assert_eq!(long.as_str().len(), 59);
        let with = suffixed(&long, "variant", "a");
        assert!(with.as_str().ends_with("-variant") && with.as_str().len() <= MAX_NAME, "{with}");
    }

    #[test]
    fn a_hash_is_a_letter_and_four_letters_or_digits() {
        let hashes: Vec<String> = (0..1000).map(|i| hash(&i.to_string())).collect();
        for h in &hashes {
            assert_eq!(h.len(), HASH);
            assert!(h.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(h.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        }
        // Part of the contract: a change renames types of users.
        assert_eq!(hash("core.todo.v1.TodoObject"), "brk9n");
    }

    proptest! {
        #[test]
        fn any_text_gives_a_name(text in any::<String>(), fallback in any::<String>()) {
            let named = name(&text, &fallback, "s");
            prop_assert!(WitName::new(named.name.as_str()).is_ok());
            prop_assert!(WitName::new(suffixed(&named.name, "record", "s").as_str()).is_ok());
        }

        #[test]
        fn a_name_names_itself(text in "[a-zA-Z0-9_. -]{1,60}") {
            let once = name(&text, "x", "s").name;
            prop_assert_eq!(&name(once.as_str(), "x", "s").name, &once);
        }
    }
}
