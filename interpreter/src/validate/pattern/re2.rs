//! Rewrites an RE2 pattern in the syntax of `regex`, which grew from RE2's.
//!
//! What differs: `\d`, `\w`, `\s`, `\b` are ASCII; `[`, `&&`, `--` and `~~` mean nothing inside a class; a `{` that starts no
//! repetition is itself; `\Q…\E`, octal escapes, `\pN`, `\p{^…}`.
//! Source: <https://github.com/google/re2/wiki/Syntax>.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\f\r ";

/// `None` where RE2 does not know the syntax, or where Rust's strings cannot be matched so (`\C`, one byte).
pub(super) fn translate(source: &str) -> Option<String> {
    let mut t = Translator { rest: source.chars().peekable(), out: String::new() };
    while let Some(c) = t.rest.next() {
        match c {
            '\\' => t.escape()?,
            '[' => t.class()?,
            '{' => t.brace(),
            '}' | ']' => t.literal(c),
            other => t.out.push(other),
        }
    }
    Some(t.out)
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

/// What an escape or a class member stands for.
enum Atom {
    Char(char),
    /// Members of a class, and whether the complement is meant.
    Set(&'static str, bool),
    /// In Rust's syntax.
    Written(String),
}

impl Translator<'_> {
    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, r"\x{{{:X}}}", u32::from(c));
        }
    }

    fn put(&mut self, atom: Atom) {
        match atom {
            Atom::Char(c) => self.literal(c),
            Atom::Set(members, complement) => {
                let _ = write!(self.out, "[{}{members}]", if complement { "^" } else { "" });
            }
            Atom::Written(text) => self.out.push_str(&text),
        }
    }

    /// Behind `{`: a repetition, or the character.
    fn brace(&mut self) {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let length = ahead.chars().count();
        let closed = self.rest.clone().nth(length) == Some('}');
        let (min, max) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if closed && !min.is_empty() && digits(min) && digits(max) {
            let _ = write!(self.out, "{{{ahead}}}");
            self.rest.nth(length);
        } else {
            self.literal('{');
        }
    }

    /// Behind `\` outside of a class.
    fn escape(&mut self) -> Option<()> {
        match *self.rest.peek()? {
            c @ ('A' | 'z') => {
                self.rest.next();
                self.out.push('\\');
                self.out.push(c);
            }
            c @ ('b' | 'B') => {
                self.rest.next();
                let _ = write!(self.out, r"(?-u:\{c})");
            }
            'Q' => {
                self.rest.next();
                while let Some(c) = self.rest.next() {
                    if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                        break;
                    }
                    self.literal(c);
                }
            }
            _ => {
                let atom = self.atom()?;
                self.put(atom);
            }
        }
        Some(())
    }

    /// Behind `\`, also inside a class.
    fn atom(&mut self) -> Option<Atom> {
        Some(match self.rest.next()? {
            'd' => Atom::Set(DIGIT, false),
            'D' => Atom::Set(DIGIT, true),
            'w' => Atom::Set(WORD, false),
            'W' => Atom::Set(WORD, true),
            's' => Atom::Set(SPACE, false),
            'S' => Atom::Set(SPACE, true),
            'a' => Atom::Char('\u{7}'),
            'f' => Atom::Char('\u{C}'),
            't' => Atom::Char('\t'),
            'n' => Atom::Char('\n'),
            'r' => Atom::Char('\r'),
            'v' => Atom::Char('\u{B}'),
            'x' => Atom::Char(self.hex()?),
            first @ '0'..='7' => Atom::Char(self.octal(first)?),
            c @ ('p' | 'P') => Atom::Written(self.property(c)?),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Atom::Char(c),
            _ => return None,
        })
    }

    /// Behind `\x`: two digits, or any number in braces.
    fn hex(&mut self) -> Option<char> {
        let digits: String = if self.rest.next_if_eq(&'{').is_some() {
            let digits = self.rest.clone().take_while(|c| *c != '}').collect::<String>();
            self.rest.nth(digits.len()).filter(|c| *c == '}')?;
            digits
        } else {
            [self.rest.next()?, self.rest.next()?].iter().collect()
        };
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        u32::from_str_radix(&digits, 16).ok().filter(|_| plain).and_then(char::from_u32)
    }

    /// Up to three octal digits. A lone one but `0` would be a back-reference, which RE2 lacks.
    fn octal(&mut self, first: char) -> Option<char> {
        let mut value = first.to_digit(8)?;
        let mut digits = 1;
        while digits < 3
            && let Some(digit) = self.rest.next_if(|c| c.is_digit(8))
        {
            value = value * 8 + digit.to_digit(8)?;
            digits += 1;
        }
        char::from_u32(value).filter(|_| digits > 1 || first == '0')
    }

    /// Behind `\p` or `\P`: one letter, or a name in braces, which a `^` negates.
    fn property(&mut self, mut kind: char) -> Option<String> {
        let first = self.rest.next()?;
        if first != '{' {
            return Some(format!(r"\{kind}{{{first}}}"));
        }
        if self.rest.next_if_eq(&'^').is_some() {
            kind = if kind == 'p' { 'P' } else { 'p' };
        }
        let name: String = self.rest.clone().take_while(|c| *c != '}').collect();
        self.rest.nth(name.chars().count()).filter(|c| *c == '}')?;
        Some(format!(r"\{kind}{{{name}}}"))
    }

    /// Behind `[`.
    fn class(&mut self) -> Option<()> {
        let complement = self.rest.next_if_eq(&'^').is_some();
        self.out.push_str(if complement { "[^" } else { "[" });
        let mut first = true;
        while first || self.rest.next_if_eq(&']').is_none() {
            first = false;
            let from = self.member()?;
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next() != Some(']');
            let Atom::Char(from) = from else {
                self.put(from);
                continue;
            };
            self.literal(from);
            if is_range {
                self.rest.next();
                let Atom::Char(to) = self.member()? else { return None };
                self.out.push('-');
                self.literal(to);
            }
        }
        self.out.push(']');
        Some(())
    }

    /// A member of a class, `[:alpha:]` among them.
    fn member(&mut self) -> Option<Atom> {
        match self.rest.next()? {
            '\\' => self.atom(),
            '[' if self.rest.peek() == Some(&':') => {
                let ahead: String = self.rest.clone().take_while(|c| *c != ']').collect();
                if ahead.len() < 2 || !ahead.ends_with(':') {
                    return Some(Atom::Char('['));
                }
                self.rest.nth(ahead.chars().count());
                Some(Atom::Written(format!("[{ahead}]")))
            }
            c => Some(Atom::Char(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, Pattern};

    /// What RE2 says of texts, by its documentation of the syntax.
    #[test]
    fn patterns_mean_what_they_mean_to_re2() {
        for (pattern, matched, other) in [
            // Flags, which ECMA-262 lacks.
            ("(?i)^hello$", "HeLLo", "hallo"),
            ("(?i:a)b", "Ab", "AB"),
            ("(?s)^a.b$", "a\nb", "ab"),
            ("(?m)^b$", "a\nb", "ab"),
            (r"^a.b$", "a\rb", "a\nb"),
            // The end of the text alone.
            (r"\Aab\z", "ab", "ab\n"),
            (r"^ab$", "ab", "ab\n"),
            // ASCII classes.
            (r"^\d$", "7", "\u{0667}"),
            (r"^\w$", "_", "é"),
            (r"^\s$", "\u{C}", "\u{B}"),
            (r"^\S$", "\u{A0}", " "),
            (r"^[\D]$", "\u{0667}", "7"),
            (r"\bab\b", "éabé", "xab"),
            (r"a\Bb", "ab", "a b"),
            ("^[[:alpha:]]+$", "aZ", "é"),
            ("^[^[:space:]]$", "a", "\t"),
            // Properties, also of one letter and negated.
            (r"^\pL\PN$", "éx", "é7"),
            (r"^\p{Greek}\p{^Greek}$", "λa", "λλ"),
            // Inside of a class these are themselves.
            ("^[[a]$", "[", "]"),
            ("^[a&&b]+$", "a&b", "c"),
            ("^[]a]$", "]", "b"),
            ("^[^]a]$", "b", "]"),
            ("^[a~~b#]+$", "~#", "-"),
            ("^[!--]$", "+", "a"),
            ("^[[:a]+$", "[:", "b"),
            // Outside, too.
            ("^a{,2}$", "a{,2}", "aa"),
            ("^a{1,2}$", "aa", "aaa"),
            ("^{a}]$", "{a}]", "a"),
            (r"^\Qa.b\E+$", "a.bb", "axb"),
            (r"^\Q.\\E$", r".\", "."),
            // Escapes.
            (r"^\101\0\x41\x{1F600}$", "A\0A😀", "101"),
            (r"^\a\v\f$", "\u{7}\u{B}\u{C}", "avf"),
            (r"^\_\<\/$", "_</", "_"),
            (r"^(?P<name>a)(?:b)$", "ab", "a"),
        ] {
            let compiled = Pattern::new(pattern, Dialect::Re2);
            assert_eq!(compiled.trouble(matched), None, "`{pattern}` {matched:?}");
            assert!(compiled.trouble(other).is_some(), "`{pattern}` {other:?}");
        }
    }

    #[test]
    fn what_re2_does_not_know_is_left_to_the_server() {
        for pattern in ["(?=a)b", "(?<!a)b", r"(a)\1", r"\C", r"\Z", r"\cA", r"\E", "[a", r"[a-\d]", r"\p{Nothing}", "a**("]
        {
            assert_eq!(Pattern::new(pattern, Dialect::Re2).trouble("?"), None, "`{pattern}`");
        }
    }
}
