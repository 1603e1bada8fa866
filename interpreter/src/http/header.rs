//! What headers and cookies can carry.

use std::borrow::Cow;

use witwire_ir::{Api, TypeId, Value};

use super::{link, reference};
use crate::json::{self, Codec, Codecs};
use crate::message::HttpResponse;

/// Whether a text can be a header's value: visible ASCII with spaces or tabs between (RFC 9110 section 5.5). Line breaks, other
/// control characters and anything beyond ASCII are refused, so that no value can end its header.
pub(crate) fn is_value(text: &str) -> bool {
    let edges = [text.as_bytes().first(), text.as_bytes().last()];
    let no_edge_space = edges.into_iter().flatten().all(|b| *b != b' ' && *b != b'\t');
    no_edge_space && text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'))
}

/// Whether a byte may stand in a cookie's value (RFC 6265 section 4.1.1, `cookie-octet`).
pub(super) const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

/// Adds `name=value` to the one `cookie` header.
pub(crate) fn add_cookie(headers: &mut Vec<(String, String)>, pair: &str) {
    if let Some((_, value)) = headers.iter_mut().find(|(name, _)| name == "cookie") {
        value.push_str("; ");
        value.push_str(pair);
    } else {
        headers.push(("cookie".to_owned(), pair.to_owned()));
    }
}

/// A header that names URLs, without the credentials that these carry in their queries; `None` where there are none. A service may repeat
/// what it was sent.
pub(crate) fn without_credentials(keys: &[&str], name: &str, value: &str) -> Option<String> {
    match name {
        "link" => link::without_members(value, keys),
        "location" | "content-location" => reference::without_members(value, keys),
        _ => None,
    }
}

/// A response without the credentials in the URLs of its headers.
pub(super) fn cleaned<'r>(api: &Api, response: &'r HttpResponse) -> Cow<'r, HttpResponse> {
    let keys = api.query_keys();
    let mut response = Cow::Borrowed(response);
    for index in 0..response.headers.len() {
        let (name, value) = &response.headers[index];
        if let Some(clean) = without_credentials(&keys, name, value) {
            response.to_mut().headers[index].1 = clean;
        }
    }
    response
}

/// Reads a header's value (style `simple`) as a value of a type; `None` where it is none, or where the type holds more than scalars in
/// a list or an object. An object is read exploded (`a=1,b=2`) or not (`a,1,b,2`), whatever is declared.
pub(super) fn read(codecs: &Codecs, ty: TypeId, text: &str) -> Option<Value> {
    let text = text.trim();
    match codecs.get(ty) {
        Codec::Text => Some(Value::string(text)),
        Codec::Option(inner) => read(codecs, *inner, text).map(Value::some),
        Codec::List(item) => {
            let items = text.split(',').filter(|item| !item.trim().is_empty());
            items.map(|text| read(codecs, *item, text)).collect::<Option<Box<[_]>>>().map(Value::List)
        }
        Codec::Object(object) => {
            let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
            let exploded: Option<Vec<(&str, &str)>> = parts.iter().map(|part| part.split_once('=')).collect();
            let pairs: Vec<(&str, &str)> = match exploded {
                Some(pairs) => pairs,
                None => parts.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or(""))).collect(),
            };
            object.fill(|key, ty| {
                let (_, text) = pairs.iter().rev().find(|(name, _)| *name == key)?;
                read(codecs, ty, text)
            })
        }
        Codec::Map(_) | Codec::Tuple(_) | Codec::FilePart | Codec::None => None,
        // What reads as it stands (a number, a boolean), or as a string (an enum value, base64).
        _ => json::read(codecs, ty, text).ok().filter(|_| !text.starts_with('"')).or_else(|| {
            let mut quoted = Vec::new();
            json::escape(text, &mut quoted);
            json::read(codecs, ty, std::str::from_utf8(&quoted).ok()?).ok()
        }),
    }
}
