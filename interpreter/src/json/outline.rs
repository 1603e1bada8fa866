//! The outline of a JSON text: its outermost kind and the texts of its parts.

use std::borrow::Cow;

use witwire_ir::wire::json::Kind;

use super::read::ReadError;
use super::scan::Scanner;

/// A JSON text, one level deep.
#[derive(Debug)]
pub(crate) enum Outline<'a> {
    /// Null.
    Null,
    /// A string's content, or another scalar as it is written.
    Text(Cow<'a, str>),
    /// The items' texts.
    Array(Vec<&'a str>),
    /// The members' texts, in order.
    Object(Vec<(Cow<'a, str>, &'a str)>),
}

/// Reads the outline of a text.
///
/// # Errors
/// [`ReadError`] where the text is not one JSON value.
pub(crate) fn outline(text: &str) -> Result<Outline<'_>, ReadError> {
    let mut scanner = Scanner::new(text);
    let outline = match scanner.kind()? {
        Kind::Null => {
            scanner.null()?;
            Outline::Null
        }
        Kind::String => Outline::Text(scanner.string()?),
        Kind::Bool | Kind::Integer | Kind::Number => Outline::Text(scanner.skip()?.into()),
        Kind::Array => {
            let mut items = Vec::new();
            scanner.array(|scanner, _| {
                items.push(scanner.skip()?);
                Ok(())
            })?;
            Outline::Array(items)
        }
        Kind::Object => {
            let mut members = Vec::new();
            scanner.object(&mut members, |scanner, members, key| {
                members.push((key, scanner.skip()?));
                Ok(())
            })?;
            Outline::Object(members)
        }
    };
    scanner.end()?;
    Ok(outline)
}
