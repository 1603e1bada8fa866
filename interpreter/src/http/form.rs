//! Values as OpenAPI's serialization rules see them: a primitive, an array or an object.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use witwire_ir::wire::json::Literal;
use witwire_ir::{TypeId, Value};

use crate::json::{ArmCodec, Codec, Nodes, ObjectCodec, Outline, WriteError, Writer, outline};

/// A value that is there.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// A primitive, as its plain text.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Part<'a>>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Part<'a>)>),
}

/// An item or member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// A value of a type.
    Value(TypeId, &'a Value, Nodes<'a>),
    /// A constant, which no value holds.
    Constant(&'a Literal),
    /// A part of a value that is held as JSON text.
    Json(&'a str),
}

type Result<T> = std::result::Result<T, WriteError>;

impl<'a> Part<'a> {
    /// The part as a form; `None` where it is absent.
    pub(super) fn form(self, writer: Writer<'a>) -> Result<Option<Form<'a>>> {
        match self {
            Self::Value(ty, value, nodes) => form(writer.among(nodes), ty, value),
            Self::Constant(literal) => Ok(Some(Form::Text(constant(literal)))),
            Self::Json(text) => of_json(text),
        }
    }

    /// The part as JSON text.
    pub(super) fn json(self, writer: Writer<'a>) -> Result<Cow<'a, str>> {
        match self {
            Self::Value(ty, value, nodes) => json(writer.among(nodes), ty, value).map(Cow::Owned),
            Self::Constant(Literal::String(text)) => {
                let mut out = Vec::new();
                crate::json::escape(text, &mut out);
                Ok(Cow::Owned(String::from_utf8_lossy(&out).into_owned()))
            }
            Self::Constant(literal) => Ok(constant(literal)),
            Self::Json(text) => Ok(text.into()),
        }
    }

    /// The part as one text: a primitive's own, anything else as JSON. OpenAPI leaves nested arrays and objects undefined.
    pub(super) fn text(self, writer: Writer<'a>) -> Result<Option<Cow<'a, str>>> {
        match self.form(writer)? {
            Some(Form::Text(text)) => Ok(Some(text)),
            Some(_) => self.json(writer).map(Some),
            None => Ok(None),
        }
    }
}

/// A value's JSON text.
pub(super) fn json(writer: Writer<'_>, ty: TypeId, value: &Value) -> Result<String> {
    let mut out = Vec::new();
    writer.value(ty, value, &mut out)?;
    // The writer appends texts and ASCII only, so nothing is replaced here.
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A constant's plain text.
pub(super) fn constant(literal: &Literal) -> Cow<'_, str> {
    match literal {
        Literal::Null => "null".into(),
        Literal::Bool(b) => b.to_string().into(),
        Literal::Int(n) => n.to_string().into(),
        Literal::Number(text) | Literal::String(text) | Literal::Json(text) => text.as_str().into(),
    }
}

/// A value as a form; `None` where it is absent.
pub(super) fn form<'a>(writer: Writer<'a>, ty: TypeId, value: &'a Value) -> Result<Option<Form<'a>>> {
    Ok(Some(match (writer.codecs.get(ty), value) {
        (Codec::Option(_), Value::Option(None)) | (Codec::EmptyObject, Value::Bool(false)) => return Ok(None),
        (Codec::Option(inner), Value::Option(Some(value))) => return form(writer, *inner, value),
        (Codec::NullOr(inner), Value::Variant(1, Some(value))) => return form(writer, *inner, value),
        (Codec::Text, Value::String(text)) => Form::Text((&**text).into()),
        (Codec::Raw, Value::String(text)) => return of_json(text),
        (Codec::Char, Value::Char(c)) => Form::Text(c.to_string().into()),
        (Codec::Base64 { url_safe }, Value::Bytes(bytes)) => {
            Form::Text(if *url_safe { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }.into())
        }
        (Codec::Literals(codec), Value::Enum(case) | Value::Variant(case, None)) => {
            Form::Text(codec.literals.get(*case as usize).map(constant).unwrap_or_default())
        }
        (Codec::Literals(_), Value::Variant(_, Some(payload))) => match &**payload {
            Value::String(text) => Form::Text((&**text).into()),
            _ => return Ok(None),
        },
        (Codec::List(item), Value::List(items)) => {
            Form::List(items.iter().map(|v| Part::Value(*item, v, writer.nodes)).collect())
        }
        (Codec::Tuple(types), Value::Tuple(items)) => {
            Form::List(types.iter().zip(items).map(|(ty, v)| Part::Value(*ty, v, writer.nodes)).collect())
        }
        (Codec::Map(ty), Value::List(entries)) => Form::Object(map(*ty, entries, writer.nodes).collect()),
        (Codec::Object(object), Value::Record(slots)) => Form::Object(members(object, slots, writer.nodes)),
        (Codec::Union(codec), Value::Variant(case, payload)) => match (codec.arms.get(*case as usize), payload.as_deref()) {
            (Some(ArmCodec::Value(ty)), Some(value)) => return form(writer, *ty, value),
            (Some(ArmCodec::Constant(literal)), _) => Form::Text(constant(literal)),
            (None, Some(Value::String(text))) => return of_json(text),
            _ => return Ok(None),
        },
        (Codec::Table(table), value) => {
            let (ty, root, writer) = writer.open(table, value)?;
            return form(writer, ty, root);
        }
        (Codec::Node(list), position) => match writer.nodes.get(*list, position) {
            Some((ty, node)) => return form(writer, ty, node),
            None => return Ok(None),
        },
        // Booleans, numbers and null read the same in JSON.
        (_, value) => Form::Text(json(writer, ty, value)?.trim_matches('"').to_owned().into()),
    }))
}

/// A JSON text as a form: what it says, not how it is written. Null is absent.
fn of_json(text: &str) -> Result<Option<Form<'_>>> {
    Ok(match outline(text).map_err(|error| WriteError::not_json(&error))? {
        Outline::Null => None,
        Outline::Text(text) => Some(Form::Text(text)),
        Outline::Array(items) => Some(Form::List(items.into_iter().map(Part::Json).collect())),
        Outline::Object(members) => {
            Some(Form::Object(members.into_iter().map(|(key, text)| (key, Part::Json(text))).collect()))
        }
    })
}

/// The members of an object that are there.
pub(super) fn members<'a>(object: &'a ObjectCodec, slots: &'a [Value], nodes: Nodes<'a>) -> Vec<(Cow<'a, str>, Part<'a>)> {
    let constants = object.constants.iter().map(|(key, literal)| (key.as_str().into(), Part::Constant(literal)));
    let declared = object.members.iter().filter_map(|member| {
        let value = slots.get(member.slot as usize).filter(|value| !member.omits(value))?;
        Some(((&*member.key).into(), Part::Value(member.ty, value, nodes)))
    });
    let additional = object.additional.and_then(|(slot, ty)| match slots.get(slot as usize) {
        Some(Value::List(entries)) => Some(map(ty, entries, nodes)),
        _ => None,
    });
    constants.chain(declared).chain(additional.into_iter().flatten()).collect()
}

fn map<'a>(ty: TypeId, entries: &'a [Value], nodes: Nodes<'a>) -> impl Iterator<Item = (Cow<'a, str>, Part<'a>)> {
    entries.iter().filter_map(move |entry| match entry {
        Value::Tuple(pair) => match &pair[..] {
            [Value::String(key), value] => Some(((&**key).into(), Part::Value(ty, value, nodes))),
            _ => None,
        },
        _ => None,
    })
}
