//! Values into JSON text.

use std::collections::HashSet;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use witwire_ir::host::Violation;
use witwire_ir::{Api, Shape, TypeId, Value};

use super::codec::{ArmCodec, Codec, Codecs, ObjectCodec};
use super::path::Location;
use super::read::ReadError;
use super::table::{Budget, NodePlace, Nodes, TableCodec};
use super::{literal, read};

/// A value that JSON cannot say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteError(Box<Refusal>);

/// Boxed, so that results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    /// Where, in WIT names.
    location: Location,
    /// The rule that it breaks.
    rule: &'static str,
    /// What is wrong and what to do.
    message: String,
    /// The location is in a table, whose nodes say where they are: what lies on the way to them does not count.
    in_table: bool,
}

impl WriteError {
    /// For a text that is held as JSON and is none.
    pub(crate) fn not_json(error: &ReadError) -> Self {
        Self::new("json", format!("is {error}: give one JSON value as text"))
    }

    pub(crate) fn new(rule: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal { location: Location::default(), rule, message: message.into(), in_table: false }))
    }

    /// The error as a violation. `location` is where the written value stands.
    pub(crate) fn violation(self, mut location: String) -> Violation {
        let inner = self.0.location.to_string();
        if !inner.is_empty() && !inner.starts_with('[') {
            location.push('.');
        }
        location.push_str(&inner);
        Violation { location, rule: self.0.rule.to_owned(), message: self.0.message }
    }

    fn at_name(mut self, name: &str) -> Self {
        if !self.0.in_table {
            self.0.location.name(name);
        }
        self
    }

    fn at_index(mut self, index: usize) -> Self {
        if !self.0.in_table {
            self.0.location.index(index);
        }
        self
    }

    /// In a node of a table; an error of an inner node keeps its place.
    fn at_node(self, name: &str, node: Option<usize>) -> Self {
        let mut error = match node {
            Some(index) => self.at_index(index),
            None => self,
        };
        error = error.at_name(name);
        error.0.in_table = true;
        error
    }

    /// The error as one of the value that the table stands for.
    fn leave_table(mut self) -> Self {
        self.0.in_table = false;
        self
    }
}

type Result<T> = std::result::Result<T, WriteError>;

/// Writes values of an API as JSON into one buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    /// For the names in errors.
    pub(crate) api: &'a Api,
    pub(crate) codecs: &'a Codecs,
    /// What references mean.
    pub(crate) nodes: Nodes<'a>,
    /// What the call may still repeat.
    budget: &'a Budget,
}

impl<'a> Writer<'a> {
    /// A writer of values outside of tables.
    pub(crate) fn new(api: &'a Api, codecs: &'a Codecs, budget: &'a Budget) -> Self {
        Self { api, codecs, nodes: Nodes::default(), budget }
    }

    /// A writer of values among these nodes.
    pub(crate) fn among<'v>(self, nodes: Nodes<'v>) -> Writer<'v>
    where
        'a: 'v,
    {
        Writer { nodes, ..self }
    }

    /// The root of a table, and the writer of its nodes.
    pub(crate) fn open<'v>(self, table: &'v TableCodec, value: &'v Value) -> Result<(TypeId, &'v Value, Writer<'v>)>
    where
        'a: 'v,
    {
        let fault = |(place, fault): (NodePlace, super::TableFault)| {
            let name = table.list_name(self.api, place.list);
            WriteError::from(fault).at_node(name, place.node.map(|n| n as usize)).leave_table()
        };
        let budget = self.nodes.table().is_none().then_some(self.budget);
        let (ty, root, nodes) = table.open(self.codecs, value, budget).map_err(fault)?;
        Ok((ty, root, self.among(nodes)))
    }

    /// Names the node in which something went wrong.
    fn in_node(self, error: WriteError, list: u16, position: &Value) -> WriteError {
        match (self.nodes.table(), position) {
            (Some(table), Value::U32(position)) => error.at_node(table.list_name(self.api, list), Some(*position as usize)),
            _ => error,
        }
    }
}

impl Writer<'_> {
    /// Appends a value.
    pub(crate) fn value(self, ty: TypeId, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        match (self.codecs.get(ty), value) {
            (Codec::Bool, Value::Bool(v)) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
            (Codec::Int(_), value) => return integer(value, out),
            (Codec::IntString(_), value) => {
                out.push(b'"');
                integer(value, out)?;
                out.push(b'"');
            }
            (Codec::Float32, Value::F32(v)) => float(f64::from(*v), format_args!("{v:?}"), out)?,
            (Codec::Float64, Value::F64(v)) => float(*v, format_args!("{v:?}"), out)?,
            (Codec::Char, Value::Char(c)) => escape(c.encode_utf8(&mut [0; 4]), out),
            (Codec::Text, Value::String(text)) => escape(text, out),
            (Codec::Raw, Value::String(text)) => match read::whole(text) {
                Ok(json) => out.extend_from_slice(json.as_bytes()),
                Err(error) => return Err(WriteError::not_json(&error)),
            },
            (Codec::Base64 { url_safe }, Value::Bytes(bytes)) => base64(bytes, *url_safe, out),
            (Codec::List(item), Value::List(items)) => self.array(items.iter().map(|v| (*item, v)), out)?,
            (Codec::Tuple(types), Value::Tuple(items)) => self.array(types.iter().copied().zip(items), out)?,
            (Codec::Map(value), Value::List(entries)) => {
                out.push(b'{');
                self.entries(*value, entries, None, &mut true, out)?;
                out.push(b'}');
            }
            (Codec::Option(_), Value::Option(None)) | (Codec::NullOr(_), Value::Variant(0, None)) => {
                out.extend_from_slice(b"null");
            }
            (Codec::Option(inner), Value::Option(Some(value))) => return self.value(*inner, value, out),
            (Codec::NullOr(inner), Value::Variant(1, Some(value))) => return self.value(*inner, value, out),
            (Codec::Object(object), Value::Record(slots)) => return self.object(ty, object, slots, out),
            (Codec::Literals(codec), Value::Enum(case) | Value::Variant(case, None)) => {
                match codec.literals.get(*case as usize) {
                    Some(constant) => literal::write(constant, out),
                    None => return Err(misfit()),
                }
            }
            (Codec::Literals(codec), Value::Variant(_, Some(payload))) => match &**payload {
                Value::String(text) => literal::write_unknown(codec, text, out),
                _ => return Err(misfit()),
            },
            (Codec::EmptyObject, Value::Bool(true)) => out.extend_from_slice(b"{}"),
            (Codec::EmptyObject, Value::Bool(false)) => out.extend_from_slice(b"null"),
            (Codec::Union(codec), Value::Variant(case, payload)) => {
                let name = |e: WriteError| match self.api.shape(ty) {
                    Shape::Variant(cases) => match cases.get(*case as usize) {
                        Some(case) => e.at_name(case.name.as_str()),
                        None => e,
                    },
                    _ => e,
                };
                match (codec.arms.get(*case as usize), payload.as_deref()) {
                    (Some(ArmCodec::Value(ty)), Some(value)) => self.value(*ty, value, out).map_err(name)?,
                    (Some(ArmCodec::Constant(constant)), None) => literal::write(constant, out),
                    (None, Some(Value::String(text))) => match read::whole(text) {
                        Ok(json) => out.extend_from_slice(json.as_bytes()),
                        Err(error) => {
                            return Err(name(WriteError::not_json(&error)));
                        }
                    },
                    _ => return Err(misfit()),
                }
            }
            (Codec::Table(table), value) => {
                let (ty, root, writer) = self.open(table, value)?;
                let at_root = |e| writer.in_node(e, table.root_list(), &Value::U32(0)).leave_table();
                writer.value(ty, root, out).map_err(at_root)?;
            }
            (Codec::Node(list), position) => match self.nodes.get(*list, position) {
                Some((ty, node)) => self.value(ty, node, out).map_err(|e| self.in_node(e, *list, position))?,
                None => return Err(misfit()),
            },
            (Codec::FilePart, _) => return Err(WriteError::new("encoding", "is a file, which only multipart can carry")),
            _ => return Err(misfit()),
        }
        Ok(())
    }

    fn array<'v>(self, items: impl Iterator<Item = (TypeId, &'v Value)>, out: &mut Vec<u8>) -> Result<()> {
        out.push(b'[');
        for (i, (ty, value)) in items.enumerate() {
            if i > 0 {
                out.push(b',');
            }
            self.value(ty, value, out).map_err(|e| e.at_index(i))?;
        }
        out.push(b']');
        Ok(())
    }

    /// Appends an object whose members stand in the slots of a record of the type.
    pub(crate) fn object(self, record: TypeId, object: &ObjectCodec, slots: &[Value], out: &mut Vec<u8>) -> Result<()> {
        let field = |slot: u16, e: WriteError| match self.api.shape(record) {
            Shape::Record(fields) => match fields.get(slot as usize) {
                Some(field) => e.at_name(field.name.as_str()),
                None => e,
            },
            _ => e,
        };
        out.push(b'{');
        let mut first = true;
        for (key, constant) in &object.constants {
            comma(&mut first, out);
            escape(key, out);
            out.push(b':');
            literal::write(constant, out);
        }
        for member in &object.members {
            let Some(value) = slots.get(member.slot as usize) else { return Err(misfit()) };
            if member.omits(value) {
                continue;
            }
            comma(&mut first, out);
            out.extend_from_slice(&member.written);
            self.value(member.ty, value, out).map_err(|e| field(member.slot, e))?;
        }
        if let Some((slot, ty)) = object.additional {
            let Some(Value::List(entries)) = slots.get(slot as usize) else { return Err(misfit()) };
            self.entries(ty, entries, Some(object), &mut first, out).map_err(|e| field(slot, e))?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Appends the members of a map. A key may stand once, and not beside a declared member of that name.
    fn entries(
        self,
        ty: TypeId,
        entries: &[Value],
        declared: Option<&ObjectCodec>,
        first: &mut bool,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut seen = HashSet::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            let Value::Tuple(pair) = entry else { return Err(misfit()) };
            let [Value::String(key), value] = &pair[..] else { return Err(misfit()) };
            if !seen.insert(&**key) {
                return Err(
                    WriteError::new("uniqueKeys", "repeats the key of an earlier entry: give each key once").at_index(i)
                );
            }
            if declared.is_some_and(|o| o.by_key.contains_key(key) || o.constant_keys.contains(key)) {
                return Err(WriteError::new("uniqueKeys", "has the key of a declared field: set that field").at_index(i));
            }
            comma(first, out);
            escape(key, out);
            out.push(b':');
            self.value(ty, value, out).map_err(|e| e.at_name("1").at_index(i))?;
        }
        Ok(())
    }
}

/// For values that do not conform to their type, which callers rule out.
fn misfit() -> WriteError {
    WriteError::new("type", "is not a value of its type")
}

fn comma(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
}

/// Appends an integer.
fn integer(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    let (negative, mut n) = match value {
        Value::U8(v) => (false, u64::from(*v)),
        Value::U16(v) => (false, u64::from(*v)),
        Value::U32(v) => (false, u64::from(*v)),
        Value::U64(v) => (false, *v),
        Value::S8(v) => (*v < 0, u64::from(v.unsigned_abs())),
        Value::S16(v) => (*v < 0, u64::from(v.unsigned_abs())),
        Value::S32(v) => (*v < 0, u64::from(v.unsigned_abs())),
        Value::S64(v) => (*v < 0, v.unsigned_abs()),
        _ => return Err(misfit()),
    };
    if negative {
        out.push(b'-');
    }
    // 20 digits hold every `u64`.
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
    Ok(())
}

/// Appends a float: the shortest text that reads back as the same number, without a needless `.0`.
pub(crate) fn float(value: f64, shortest: std::fmt::Arguments<'_>, out: &mut Vec<u8>) -> Result<()> {
    if !value.is_finite() {
        return Err(WriteError::new("number", "is infinite or not a number, which cannot be sent: give a finite number"));
    }
    // Writing to a `Vec` cannot fail.
    let _ = out.write_fmt(shortest);
    if out.ends_with(b".0") {
        out.truncate(out.len() - 2);
    }
    Ok(())
}

fn base64(bytes: &[u8], url_safe: bool, out: &mut Vec<u8>) {
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    out.push(b'"');
    out.extend_from_slice(engine.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Appends a text as a JSON string.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut plain = 0;
    for (i, b) in text.bytes().enumerate() {
        let escaped: &[u8] = match b {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x00..0x20 => &[b'\\', b'u', b'0', b'0', HEX[(b >> 4) as usize], HEX[(b & 15) as usize]],
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..i]);
        out.extend_from_slice(escaped);
        plain = i + 1;
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}
