//! Rewrites an ECMA-262 pattern (with Annex B's tolerance) in the syntax of `regex` and `fancy-regex`.
//!
//! What differs: `\d`, `\w`, `\b` are ASCII; `\s` and `.` have their own sets; `[`, `&&` and `--` mean nothing inside a class; a `{`
//! that starts no quantifier is itself; `\cX`, `\uXXXX`, `\/` and other identity escapes.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// A pattern in Rust's syntax.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// Whether it has look-around or back-references.
    pub(super) backtracks: bool,
}

const DIGIT: &str = "0-9";
const WORD: &str = "A-Za-z0-9_";
/// `WhiteSpace` and `LineTerminator`, ECMA-262 sections 12.2 and 12.3.
const SPACE: &str = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const LINE_END: &str = r"\n\r\x{2028}\x{2029}";

/// `None` where the pattern cannot be said in Rust's syntax (a lone surrogate, an unclosed class).
pub(super) fn translate(source: &str) -> Option<Translated> {
    let mut t = Translator { rest: source.chars().peekable(), out: String::new(), backtracks: false };
    t.pattern()?;
    Some(Translated { pattern: t.out, backtracks: t.backtracks })
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    backtracks: bool,
}

/// What an escape or a class member stands for.
enum Atom {
    Char(char),
    /// Members of a class, and whether the complement is meant.
    Set(&'static str, bool),
    /// `\p{…}` as it is.
    Property(String),
}

impl Translator<'_> {
    fn pattern(&mut self) -> Option<()> {
        while let Some(c) = self.rest.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '.' => self.set(LINE_END, true),
                '(' => self.group(),
                '{' => self.brace(),
                '}' => self.out.push_str(r"\}"),
                ']' => self.out.push_str(r"\]"),
                other => self.out.push(other),
            }
        }
        Some(())
    }

    fn set(&mut self, members: &str, complement: bool) {
        let _ = write!(self.out, "[{}{members}]", if complement { "^" } else { "" });
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, r"\x{{{:X}}}", c as u32);
        }
    }

    /// Behind `(`: look-around is what only one engine knows.
    fn group(&mut self) {
        self.out.push('(');
        let ahead: String = self.rest.clone().take(3).collect();
        if ["?=", "?!", "?<=", "?<!"].iter().any(|look| ahead.starts_with(look)) {
            self.backtracks = true;
        }
    }

    /// Behind `{`: a quantifier, or the character.
    fn brace(&mut self) {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().nth(ahead.chars().count()) == Some('}');
        let (min, max) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if closed && !min.is_empty() && digits(min) && digits(max) {
            let _ = write!(self.out, "{{{ahead}}}");
            self.rest.nth(ahead.chars().count());
        } else {
            self.out.push_str(r"\{");
        }
    }

    /// Behind `\` outside a class.
    fn escape(&mut self) -> Option<()> {
        match *self.rest.peek()? {
            'b' => self.boundary("|", ["(?<=[W])(?![W])", "(?<![W])(?=[W])"]),
            'B' => self.boundary("|", ["(?<=[W])(?=[W])", "(?<![W])(?![W])"]),
            '1'..='9' => {
                self.backtracks = true;
                self.out.push_str("(?:\\");
                while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
                    self.out.push(digit);
                }
                self.out.push(')');
            }
            'k' => {
                self.backtracks = true;
                self.rest.next();
                self.out.push_str(r"\k");
            }
            _ => match self.atom()? {
                Atom::Char(c) => self.literal(c),
                Atom::Set(members, complement) => self.set(members, complement),
                Atom::Property(text) => self.out.push_str(&text),
            },
        }
        Some(())
    }

    /// A word boundary of ASCII words.
    fn boundary(&mut self, or: &str, [a, b]: [&str; 2]) {
        self.rest.next();
        self.backtracks = true;
        let _ = write!(self.out, "(?:{}{or}{})", a.replace('W', WORD), b.replace('W', WORD));
    }

    /// Behind `\`, also inside a class.
    fn atom(&mut self) -> Option<Atom> {
        let c = self.rest.next()?;
        Some(match c {
            'd' => Atom::Set(DIGIT, false),
            'D' => Atom::Set(DIGIT, true),
            'w' => Atom::Set(WORD, false),
            'W' => Atom::Set(WORD, true),
            's' => Atom::Set(SPACE, false),
            'S' => Atom::Set(SPACE, true),
            't' => Atom::Char('\t'),
            'n' => Atom::Char('\n'),
            'v' => Atom::Char('\u{B}'),
            'f' => Atom::Char('\u{C}'),
            'r' => Atom::Char('\r'),
            '0' => Atom::Char('\0'),
            'c' => match self.rest.next_if(char::is_ascii_alphabetic) {
                Some(letter) => Atom::Char(char::from(letter as u8 % 32)),
                None => Atom::Char('c'),
            },
            'x' => Atom::Char(self.hex(2).map_or(Some('x'), char::from_u32)?),
            'u' => Atom::Char(self.unicode()?),
            'p' | 'P' if self.rest.peek() == Some(&'{') => {
                let mut text = format!(r"\{c}");
                loop {
                    let next = self.rest.next()?;
                    text.push(next);
                    if next == '}' {
                        break Atom::Property(text);
                    }
                }
            }
            other => Atom::Char(other),
        })
    }

    /// Exactly so many hexadecimal digits; takes nothing where there are fewer.
    fn hex(&mut self, digits: usize) -> Option<u32> {
        let ahead: String = self.rest.clone().take(digits).collect();
        let all_hex = ahead.len() == digits && ahead.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(&ahead, 16).ok().filter(|_| all_hex)?;
        self.rest.nth(digits - 1);
        Some(value)
    }

    /// Behind `\u`: four digits, a surrogate pair, `{…}`, or the letter itself. `None`: a lone surrogate.
    fn unicode(&mut self) -> Option<char> {
        if self.rest.peek() == Some(&'{') {
            let ahead: String = self.rest.clone().skip(1).take_while(|c| *c != '}').collect();
            let c = u32::from_str_radix(&ahead, 16).ok().and_then(char::from_u32)?;
            self.rest.nth(ahead.chars().count() + 1);
            return Some(c);
        }
        let Some(high) = self.hex(4) else { return Some('u') };
        if let Some(c) = char::from_u32(high) {
            return Some(c);
        }
        (self.rest.next()? == '\\' && self.rest.next()? == 'u').then_some(())?;
        let low = self.hex(4)?;
        char::decode_utf16([high as u16, low as u16]).next()?.ok()
    }

    /// Behind `[`.
    fn class(&mut self) -> Option<()> {
        let complement = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            // ECMA's `[]` matches nothing, `[^]` anything.
            self.out.push_str(if complement { r"[\x{0}-\x{10FFFF}]" } else { r"[^\x{0}-\x{10FFFF}]" });
            return Some(());
        }
        self.out.push_str(if complement { "[^" } else { "[" });
        while self.rest.next_if_eq(&']').is_none() {
            let from = self.member()?;
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next() != Some(']');
            match (from, is_range) {
                (Atom::Char(from), true) => {
                    self.rest.next();
                    self.literal(from);
                    match self.member()? {
                        Atom::Char(to) => {
                            self.out.push('-');
                            self.literal(to);
                        }
                        set => {
                            self.literal('-');
                            self.put(set);
                        }
                    }
                }
                (other, _) => self.put(other),
            }
        }
        self.out.push(']');
        Some(())
    }

    fn member(&mut self) -> Option<Atom> {
        match self.rest.next()? {
            '\\' if self.rest.next_if_eq(&'b').is_some() => Some(Atom::Char('\u{8}')),
            '\\' => self.atom(),
            c => Some(Atom::Char(c)),
        }
    }

    /// A member of a class.
    fn put(&mut self, atom: Atom) {
        match atom {
            Atom::Char(c) => self.literal(c),
            Atom::Set(members, false) => self.out.push_str(members),
            Atom::Set(members, true) => self.set(members, true),
            Atom::Property(text) => self.out.push_str(&text),
        }
    }
}
