//! Request bodies.

use std::borrow::Cow;

use bytes::Bytes;
use witwire_ir::operation::http::{Body, BodyEncoding, BodyValue, ParameterEncoding, Style};
use witwire_ir::wire::json::Literal;
use witwire_ir::{TypeId, Value};

use super::form::{self, Form, Part};
use super::multipart::{self, FormPart};
use super::percent::Escape;
use super::style::{Encoder, Pairs};
use super::{header, place};
use crate::json::{Codec, ObjectCodec, WriteError, Writer};

/// A body and its media type.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) content_type: String,
    pub(super) bytes: Bytes,
}

/// What a body is made of.
#[derive(Debug, Clone, Copy)]
enum Content<'a> {
    /// One value.
    Whole(TypeId, &'a Value),
    /// Slots of a record.
    Members(TypeId, &'a ObjectCodec, &'a [Value]),
    /// A constant.
    Fixed(&'a Literal),
}

type Result<T> = std::result::Result<T, WriteError>;

/// Encodes a body; `None` where none is sent. `members` is the compiled object of [`BodyValue::Members`].
pub(super) fn encode<'a>(
    writer: Writer<'a>,
    body: &'a Body,
    members: Option<&'a ObjectCodec>,
    args: &'a [Value],
) -> Result<Option<Encoded>> {
    let defaults;
    let content = match &body.value {
        BodyValue::Whole { place, ty } => match place::find(args, place) {
            Some(value) => Content::Whole(place::inner(writer.api, *ty), value),
            None => return Ok(None),
        },
        BodyValue::Members { argument, ty, .. } => {
            let Some(object) = members else { return Ok(None) };
            let slots = if let Some(Value::Record(slots)) = args.get(*argument as usize).and_then(place::present) {
                &slots[..]
            } else {
                defaults = object.nothing();
                &defaults
            };
            if !body.required && object.all_absent(slots) {
                return Ok(None);
            }
            Content::Members(place::inner(writer.api, *ty), object, slots)
        }
        BodyValue::Fixed(literal) => Content::Fixed(literal),
    };
    let mut content_type = media_type(body, args).to_owned();
    let bytes = match &body.encoding {
        BodyEncoding::Json => json(writer, content)?,
        // A document that declares a string declares the encoded form itself.
        BodyEncoding::Form(_) if is_plain(writer, content) => plain(writer, content)?,
        BodyEncoding::Form(encodings) => form_urlencoded(writer, content, encodings)?.into_bytes(),
        BodyEncoding::Multipart(types) => {
            let (bytes, boundary) = multipart::encode(&parts(writer, content, types)?);
            content_type.push_str("; boundary=");
            content_type.push_str(&boundary);
            bytes
        }
        BodyEncoding::Text => {
            let text = text(writer, content)?.into_owned();
            if !text.is_ascii() && content_type.starts_with("text/") && !content_type.contains("charset") {
                content_type.push_str("; charset=utf-8");
            }
            text.into_bytes()
        }
        BodyEncoding::Binary => plain(writer, content)?,
    };
    Ok(Some(Encoded { content_type, bytes: bytes.into() }))
}

fn media_type<'a>(body: &'a Body, args: &[Value]) -> &'a str {
    let chosen = body.media_type_from.as_ref().and_then(|choice| match place::find(args, &choice.place) {
        Some(Value::Enum(case)) => choice.media_types.get(*case as usize),
        _ => None,
    });
    chosen.unwrap_or(&body.media_type)
}

fn json(writer: Writer<'_>, content: Content<'_>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    match content {
        Content::Whole(ty, value) => writer.value(ty, value, &mut out)?,
        Content::Members(ty, object, slots) => writer.object(ty, object, slots, &mut out)?,
        Content::Fixed(Literal::String(text)) => crate::json::escape(text, &mut out),
        Content::Fixed(literal) => out.extend_from_slice(form::constant(literal).as_bytes()),
    }
    Ok(out)
}

fn text<'a>(writer: Writer<'a>, content: Content<'a>) -> Result<Cow<'a, str>> {
    match content {
        Content::Whole(ty, value) => Ok(Part::Value(ty, value, writer.nodes).text(writer)?.unwrap_or_default()),
        Content::Members(..) => Ok(Cow::Owned(String::from_utf8_lossy(&json(writer, content)?).into_owned())),
        Content::Fixed(literal) => Ok(form::constant(literal)),
    }
}

/// Whether a body is a text or bytes as such.
fn is_plain(writer: Writer<'_>, content: Content<'_>) -> bool {
    matches!(content, Content::Whole(ty, _) if matches!(writer.codecs.get(ty), Codec::Text | Codec::Base64 { .. }))
}

/// The bytes themselves, or a text's.
fn plain(writer: Writer<'_>, content: Content<'_>) -> Result<Vec<u8>> {
    match content {
        Content::Whole(_, Value::Bytes(bytes)) => Ok(bytes.to_vec()),
        content => Ok(text(writer, content)?.into_owned().into_bytes()),
    }
}

/// The members of a form or multipart body.
fn members<'a>(writer: Writer<'a>, content: Content<'a>) -> Result<Vec<(Cow<'a, str>, Part<'a>)>> {
    match content {
        Content::Members(_, object, slots) => Ok(form::members(object, slots, writer.nodes)),
        Content::Whole(ty, value) => match form::form(writer, ty, value)? {
            Some(Form::Object(members)) => Ok(members),
            _ => Err(WriteError::new("encoding", "is no object, which the body's media type needs")),
        },
        Content::Fixed(Literal::Json(text)) => match Part::Json(text).form(writer)? {
            Some(Form::Object(members)) => Ok(members),
            _ => Ok(Vec::new()),
        },
        Content::Fixed(_) => Ok(Vec::new()),
    }
}

/// `application/x-www-form-urlencoded`. Without an encoding of its own a member takes `form`, exploded, and an object JSON
/// (OpenAPI 3.1.1, "Encoding Object").
fn form_urlencoded(writer: Writer<'_>, content: Content<'_>, encodings: &[(String, ParameterEncoding)]) -> Result<String> {
    let mut pairs = Pairs::new();
    for (key, part) in members(writer, content)? {
        let Some(form) = part.form(writer)? else { continue };
        let encoder = |style, explode| Encoder { writer, style, explode, escape: Escape::Form };
        match encodings.iter().find(|(name, _)| *name == key).map(|(_, encoding)| encoding) {
            Some(ParameterEncoding::Style { style, explode, .. }) => {
                encoder(*style, *explode).pairs(&key, &form, &mut pairs)?;
            }
            None if !matches!(form, Form::Object(_)) => encoder(Style::Form, true).pairs(&key, &form, &mut pairs)?,
            Some(ParameterEncoding::Text) => {
                let text = part.text(writer)?.unwrap_or_default();
                encoder(Style::Form, true).pairs(&key, &Form::Text(text), &mut pairs)?;
            }
            Some(ParameterEncoding::Json) | None => {
                let text = part.json(writer)?;
                encoder(Style::Form, true).pairs(&key, &Form::Text(text), &mut pairs)?;
            }
        }
    }
    Ok(pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&"))
}

/// The parts of a multipart body: a list is one part per item; an object is JSON.
fn parts(writer: Writer<'_>, content: Content<'_>, types: &[(String, String)]) -> Result<Vec<FormPart>> {
    let mut out = Vec::new();
    for (key, part) in members(writer, content)? {
        let declared = types.iter().find(|(name, _)| *name == key).map(|(_, media_type)| media_type.as_str());
        match part {
            Part::Value(ty, value, nodes) => parts_of(writer.among(nodes), &key, ty, value, declared, &mut out)?,
            part => {
                let (text, default) = match part.form(writer)? {
                    None => continue,
                    Some(Form::Text(text)) => (text, None),
                    Some(_) => (part.json(writer)?, Some("application/json")),
                };
                let content_type = declared.or(default).map(str::to_owned);
                out.push(FormPart { name: key.into_owned(), filename: None, content_type, data: text.into_owned().into() });
            }
        }
    }
    Ok(out)
}

fn parts_of(
    writer: Writer<'_>,
    key: &str,
    ty: TypeId,
    value: &Value,
    declared: Option<&str>,
    out: &mut Vec<FormPart>,
) -> Result<()> {
    let Some(value) = place::present(value) else { return Ok(()) };
    let ty = place::inner(writer.api, ty);
    let is_json = declared.is_some_and(super::media::is_json);
    let mut push = |filename: Option<String>, content_type: Option<String>, data: Vec<u8>| {
        out.push(FormPart { name: key.to_owned(), filename, content_type, data });
    };
    let declared_type = declared.map(str::to_owned);
    match (writer.codecs.get(ty), value) {
        (Codec::FilePart, Value::Record(slots)) => match &slots[..] {
            [Value::Option(filename), Value::Option(content_type), Value::Bytes(data)] => {
                let text = |value: &Option<Box<Value>>| match value.as_deref() {
                    Some(Value::String(text)) => Some(text.to_string()),
                    _ => None,
                };
                let content_type = text(content_type).or(declared_type);
                if content_type.as_deref().is_some_and(|t| !header::is_value(t)) {
                    return Err(WriteError::new("header", "has a content type with characters that a header cannot carry"));
                }
                let content_type = content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
                push(text(filename), Some(content_type), data.to_vec());
            }
            _ => return Err(WriteError::new("type", "is not a value of its type")),
        },
        (Codec::Base64 { .. }, Value::Bytes(bytes)) => {
            push(None, Some(declared_type.unwrap_or_else(|| "application/octet-stream".to_owned())), bytes.to_vec());
        }
        (Codec::List(item), Value::List(items)) if !is_json => {
            for value in items {
                parts_of(writer, key, *item, value, declared, out)?;
            }
        }
        _ => match Part::Value(ty, value, writer.nodes).form(writer)? {
            None => {}
            Some(Form::Text(text)) if !is_json => push(None, declared_type, text.into_owned().into_bytes()),
            Some(_) => {
                let json = form::json(writer, ty, value)?;
                push(None, Some(declared_type.unwrap_or_else(|| "application/json".to_owned())), json.into_bytes());
            }
        },
    }
    Ok(())
}
