//! The tokens of a JSON text (RFC 8259).

use std::borrow::Cow;

use witwire_ir::wire::json::Kind;

use super::MAX_DEPTH;
use super::number;
use super::read::{Fault, ReadError};

/// Reads tokens from a text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    depth: u32,
}

type Result<T> = std::result::Result<T, ReadError>;

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    pub(super) fn error(&self, expected: &'static str) -> ReadError {
        ReadError::new(Fault::Syntax { at: self.at, expected })
    }

    /// Takes a byte if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.error(expected)) }
    }

    fn word(&mut self, word: &'static str) -> Result<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("a JSON value"))
        }
    }

    /// The end of the text.
    pub(super) fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.error("the end of the text")) }
    }

    /// The kind of the next value, from its first byte; a number's exact kind needs all of it.
    pub(super) fn kind(&mut self) -> Result<Kind> {
        Ok(match self.peek() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'-' | b'0'..=b'9') => {
                let text = self.clone().number()?;
                if number::integer(text).is_some() { Kind::Integer } else { Kind::Number }
            }
            _ => return Err(self.error("a JSON value")),
        })
    }

    pub(super) fn null(&mut self) -> Result<()> {
        self.word("null")
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        if self.peek() == Some(b't') { self.word("true").map(|()| true) } else { self.word("false").map(|()| false) }
    }

    /// A number's text.
    pub(super) fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.error("a digit")),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.error("a digit")) }
    }

    /// A string's content.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        self.plain()?;
        if self.byte() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut out = self.text[start..self.at].to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => {
                    let start = self.at;
                    self.plain()?;
                    out.push_str(&self.text[start..self.at]);
                }
            }
        }
    }

    /// Goes to the next quote or backslash.
    fn plain(&mut self) -> Result<()> {
        loop {
            match self.byte() {
                Some(b'"' | b'\\') => return Ok(()),
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.error("no control character in a string (escape it)")),
                None => return Err(self.error("the end of the string (`\"`)")),
            }
        }
    }

    /// An escape, from its backslash on.
    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let c = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("an escape (`\\n`, `\\u0041`, …)")),
        };
        self.at += 1;
        Ok(c)
    }

    /// A `uXXXX`, and its second half where it is a surrogate pair.
    fn unicode(&mut self) -> Result<char> {
        let high = self.hex()?;
        if let Some(c) = char::from_u32(high.into()) {
            return Ok(c);
        }
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Err(self.error("the second half of a surrogate pair"));
        }
        self.at += 1;
        let low = self.hex()?;
        match char::decode_utf16([high, low]).next() {
            Some(Ok(c)) => Ok(c),
            _ => Err(self.error("a surrogate pair")),
        }
    }

    /// `u` and four hexadecimal digits.
    fn hex(&mut self) -> Result<u16> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        let all_hex = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        let value = digits.iter().fold(0, |n, b| n << 4 | (*b as char).to_digit(16).unwrap_or_default() as u16);
        if all_hex {
            self.at += 5;
            Ok(value)
        } else {
            Err(self.error("four hexadecimal digits"))
        }
    }

    /// Goes into an array or object, counting the depth.
    fn open(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        self.expect(byte, expected)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(ReadError::new(Fault::TooDeep { levels: MAX_DEPTH })) } else { Ok(()) }
    }

    /// Visits the members of an object. `visit` takes the value behind the colon.
    pub(super) fn object<T>(
        &mut self,
        state: &mut T,
        mut visit: impl FnMut(&mut Self, &mut T, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.open(b'{', "an object")?;
        if !self.take(b'}') {
            loop {
                let key = self.string()?;
                self.expect(b':', "`:` behind a key")?;
                visit(self, state, key)?;
                if self.take(b'}') {
                    break;
                }
                self.expect(b',', "`,` or `}`")?;
                self.peek();
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Visits the items of an array. `visit` takes the value.
    pub(super) fn array(&mut self, mut visit: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        self.open(b'[', "an array")?;
        if !self.take(b']') {
            for index in 0.. {
                visit(self, index)?;
                if self.take(b']') {
                    break;
                }
                self.expect(b',', "`,` or `]`")?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Skips a value and returns its text.
    pub(super) fn skip(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.skip_string()?,
            Some(b'{') => self.object(&mut (), |s, (), _| s.skip().map(drop))?,
            Some(b'[') => self.array(|s, _| s.skip().map(drop))?,
            Some(b'n') => self.null()?,
            Some(b't' | b'f') => {
                self.boolean()?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            _ => return Err(self.error("a JSON value")),
        }
        Ok(&self.text[start..self.at])
    }

    /// Skips a string. Halves of surrogate pairs pass: RFC 8259's grammar has them, and nobody reads this text here.
    fn skip_string(&mut self) -> Result<()> {
        self.expect(b'"', "a string")?;
        loop {
            self.plain()?;
            if self.byte() == Some(b'"') {
                self.at += 1;
                return Ok(());
            }
            if self.text.as_bytes().get(self.at + 1) == Some(&b'u') {
                self.at += 1;
                self.hex()?;
            } else {
                self.escape()?;
            }
        }
    }
}
