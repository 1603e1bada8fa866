//! Percent-encoding (RFC 3986 section 2.1) for each place of a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// For `allowReserved` in a query: reserved characters stay, but for those that a query cannot hold (`#`, `[`, `]`) and those that
/// would end the value or be read as a space (`&`, `+`).
const QUERY_RESERVED: &AsciiSet = &RESERVED
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// For `allowReserved` in a path: what RFC 3986 allows in a segment; never `/`.
const SEGMENT_RESERVED: &AsciiSet = &QUERY_RESERVED.add(b'/').add(b'?').remove(b'&').remove(b'+');

/// What WHATWG's URL standard encodes in `application/x-www-form-urlencoded`; a space becomes `+` apart from this set.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// What a cookie's value cannot hold, and `%` itself, so that decoding gives the value back.
const COOKIE: &AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%').add(0x7F);

/// Which characters of a value stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// RFC 3986's unreserved ones.
    Unreserved,
    /// In a query also reserved ones, and percent-encoded triplets.
    QueryReserved,
    /// In a path segment also reserved ones, and percent-encoded triplets.
    SegmentReserved,
    /// Those of `application/x-www-form-urlencoded`.
    Form,
    /// Those of a cookie's value.
    Cookie,
    /// All: headers are not percent-encoded.
    Nothing,
}

impl Escape {
    /// Appends a text, encoded.
    pub(super) fn push(self, text: &str, out: &mut String) {
        match self {
            Self::Unreserved => out.extend(utf8_percent_encode(text, RESERVED)),
            Self::QueryReserved => keep_triplets(text, QUERY_RESERVED, out),
            Self::SegmentReserved => keep_triplets(text, SEGMENT_RESERVED, out),
            Self::Form => out.extend(utf8_percent_encode(text, FORM).map(|part| part.replace(' ', "+"))),
            Self::Cookie => out.extend(utf8_percent_encode(text, COOKIE)),
            Self::Nothing => out.push_str(text),
        }
    }
}

/// Appends a name or value of a query.
pub(super) fn query(text: &str, out: &mut String) {
    Escape::Unreserved.push(text, out);
}

/// Encodes a text in which `%` and two hexadecimal digits stay (RFC 6570 section 3.2.3).
fn keep_triplets(text: &str, set: &'static AsciiSet, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.extend(utf8_percent_encode(before, set));
        let is_triplet = from.len() >= 3 && from.as_bytes()[1..3].iter().all(u8::is_ascii_hexdigit);
        let kept = if is_triplet { &from[..3] } else { "%25" };
        out.push_str(kept);
        rest = &from[if is_triplet { 3 } else { 1 }..];
    }
    out.extend(utf8_percent_encode(rest, set));
}
