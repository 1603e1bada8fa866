//! OpenAPI's parameter styles (OpenAPI 3.1.1, "Style Values" and "Style Examples"; RFC 6570).
//!
//! Where the specification says "n/a" or leaves it undefined: an empty array or object is left out of queries, forms and cookies;
//! `spaceDelimited` and `pipeDelimited` with `explode` repeat the name, as `form` does; primitive items of an array inside a
//! `deepObject` repeat `a[b][]`, others are numbered (`a[b][0][c]`), which PHP, Rack, qs and Stripe all read; an array or object
//! inside an array or object of another style is JSON text.

use witwire_ir::operation::http::Style;

use super::form::{Form, Part};
use super::percent::Escape;
use crate::json::{WriteError, Writer};

/// How a parameter is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder<'a> {
    pub(super) writer: Writer<'a>,
    pub(super) style: Style,
    pub(super) explode: bool,
    pub(super) escape: Escape,
}

type Result<T> = std::result::Result<T, WriteError>;

/// Names and values, encoded.
pub(super) type Pairs = Vec<(String, String)>;

impl Encoder<'_> {
    /// The text of a path or header parameter (`simple`, `label`, `matrix`).
    pub(super) fn expand(&self, name: &str, form: &Form<'_>) -> Result<String> {
        let name = self.escaped(name);
        let text = match (self.style, form) {
            (Style::Matrix, Form::Text(text)) if text.is_empty() => format!(";{name}"),
            (Style::Matrix, Form::Text(text)) => format!(";{name}={}", self.escaped(text)),
            (Style::Matrix, Form::List(_)) if self.explode => {
                self.items(form)?.iter().flat_map(|item| [";", &name, "=", item]).collect()
            }
            (Style::Matrix, Form::Object(_)) if self.explode => {
                self.items(form)?.chunks(2).flat_map(|pair| [";".to_owned(), pair.join("=")]).collect()
            }
            (Style::Matrix, _) => format!(";{name}={}", self.items(form)?.join(",")),
            (Style::Label, form) => {
                let separator = if self.explode { "." } else { "," };
                format!(".{}", self.joined(form, separator)?)
            }
            (_, form) => self.joined(form, ",")?,
        };
        Ok(text)
    }

    /// The items of a form, joined; the members of an exploded object as `key=value`.
    fn joined(&self, form: &Form<'_>, separator: &str) -> Result<String> {
        let items = self.items(form)?;
        Ok(match form {
            Form::Object(_) if self.explode => {
                items.chunks(2).map(|pair| pair.join("=")).collect::<Vec<_>>().join(separator)
            }
            _ => items.join(separator),
        })
    }

    /// The names and values of a query, form or cookie parameter.
    pub(super) fn pairs(&self, name: &str, form: &Form<'_>, out: &mut Pairs) -> Result<()> {
        if self.style == Style::DeepObject {
            return self.deep(self.escaped(name), form, out);
        }
        let name = self.escaped(name);
        let items = self.items(form)?;
        match form {
            Form::Text(_) => out.extend(items.into_iter().map(|item| (name.clone(), item))),
            Form::List(_) if self.explode => out.extend(items.into_iter().map(|item| (name.clone(), item))),
            Form::Object(_) if self.explode => {
                let mut items = items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    out.push((key, value));
                }
            }
            _ if items.is_empty() => {}
            _ => {
                let separator = match self.style {
                    Style::SpaceDelimited => "%20",
                    Style::PipeDelimited => "%7C",
                    _ => ",",
                };
                out.push((name, items.join(separator)));
            }
        }
        Ok(())
    }

    /// `name[key][key]=value`. `name` is encoded already.
    fn deep(&self, name: String, form: &Form<'_>, out: &mut Pairs) -> Result<()> {
        let (open, close) = match self.escape {
            Escape::Cookie | Escape::Nothing => ("[", "]"),
            _ => ("%5B", "%5D"),
        };
        let mut inner = |key: &str, part: &Part<'_>| match part.form(self.writer)? {
            Some(form) => self.deep(format!("{name}{open}{key}{close}"), &form, out),
            None => Ok(()),
        };
        match form {
            Form::Text(text) => out.push((name, self.escaped(text))),
            Form::List(items) => items.iter().enumerate().try_for_each(|(i, part)| {
                let primitive = matches!(part.form(self.writer)?, None | Some(Form::Text(_)));
                inner(&if primitive { String::new() } else { i.to_string() }, part)
            })?,
            Form::Object(members) => members.iter().try_for_each(|(key, part)| inner(&self.escaped(key), part))?,
        }
        Ok(())
    }

    /// The encoded items of an array; keys and values of an object by turns; a primitive itself. Absent ones are left out.
    fn items(&self, form: &Form<'_>) -> Result<Vec<String>> {
        let mut items = Vec::new();
        match form {
            Form::Text(text) => items.push(self.escaped(text)),
            Form::List(parts) => {
                for part in parts {
                    items.extend(part.text(self.writer)?.map(|text| self.escaped(&text)));
                }
            }
            Form::Object(members) => {
                for (key, part) in members {
                    if let Some(text) = part.text(self.writer)? {
                        items.push(self.escaped(key));
                        items.push(self.escaped(&text));
                    }
                }
            }
        }
        Ok(items)
    }

    fn escaped(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        self.escape.push(text, &mut out);
        out
    }
}
