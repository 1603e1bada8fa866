//! Maps: entries, and which of those with equal keys stays.

use std::collections::HashMap;

use witwire_ir::Value;
use witwire_ir::wire::proto::Scalar;

use super::super::compile::{scalar_wire, wire};
use super::super::plan::{Codec, zero};
use super::super::reader::{Reader, Span};
use super::scalar::read_scalar;
use super::{Decoded, Decoder, Later, enter};

impl Decoder<'_> {
    /// An entry of a map: a message of a key and a value. `None` where the value is an unknown number of a closed enum.
    pub(super) fn entry(&mut self, key_scalar: Scalar, codec: Codec, span: Span, depth: u32) -> Decoded<Option<Value>> {
        let depth = enter(depth, span.start as usize)?;
        let mut reader = Reader::span(self.input, span);
        let mut key = None;
        let mut value = None;
        let mut unknown = false;
        let base = self.later.len();
        while !reader.is_done() {
            let tag = reader.key()?;
            if tag.number == 1 && tag.wire == scalar_wire(key_scalar) {
                key = Some(read_scalar(&mut reader, key_scalar)?);
            } else if tag.number == 2 && tag.wire == wire(codec) {
                match codec {
                    Codec::Scalar(scalar) => value = Some(read_scalar(&mut reader, scalar)?),
                    Codec::Enum(id) => {
                        let number = reader.varint()? as i32;
                        value = self.plans.enumeration(id).value(number);
                        unknown = value.is_none();
                    }
                    Codec::Wrapper(scalar) => {
                        let span = reader.delimited()?;
                        value = Some(self.wrapper(scalar, span, value.take(), depth)?);
                    }
                    Codec::Empty => self.empty(reader.delimited()?, depth)?,
                    Codec::Null => reader.skip(tag, depth)?,
                    Codec::Nested { .. } => {
                        let span = reader.delimited()?;
                        self.later.push(Later { slot: 0, fresh: false, field: 0, span });
                    }
                }
            } else {
                reader.skip(tag, depth)?;
            }
        }
        if unknown {
            return Ok(None);
        }
        let key = key.unwrap_or_else(|| zero(key_scalar));
        let value = match codec {
            Codec::Empty | Codec::Null => return Ok(Some(key)),
            Codec::Scalar(scalar) | Codec::Wrapper(scalar) => value.unwrap_or_else(|| zero(scalar)),
            Codec::Enum(id) => value.unwrap_or_else(|| self.plans.enumeration(id).default_value()),
            Codec::Nested { nested, .. } => {
                let depth = enter(depth, span.start as usize)?;
                let end = self.later.len();
                let (first, more) = match self.later.get(base) {
                    Some(part) => (part.span, base + 1..end),
                    None => (Span { start: span.end, end: span.end }, 0..0),
                };
                let value = self.nested(nested, first, more, depth)?;
                self.later.truncate(base);
                value
            }
        };
        Ok(Some(Value::tuple([key, value])))
    }
}

/// A map's key, to find equal ones.
#[derive(PartialEq, Eq, Hash)]
enum MapKey<'a> {
    Text(&'a str),
    Number(i128),
}

impl<'a> MapKey<'a> {
    fn of(entry: &'a Value) -> Option<Self> {
        let key = match entry {
            Value::Tuple(pair) => pair.first()?,
            key => key,
        };
        Some(match key {
            Value::String(text) => Self::Text(text),
            Value::Bool(v) => Self::Number(i128::from(*v)),
            Value::S32(v) => Self::Number(i128::from(*v)),
            Value::S64(v) => Self::Number(i128::from(*v)),
            Value::U32(v) => Self::Number(i128::from(*v)),
            Value::U64(v) => Self::Number(i128::from(*v)),
            _ => return None,
        })
    }
}

/// Of a map's entries (pairs or keys) with equal keys the last one stays, in the place of the first.
pub(crate) fn keep_last(entries: &mut Vec<Value>) {
    if entries.len() < 2 {
        return;
    }
    let mut places: HashMap<MapKey<'_>, usize> = HashMap::with_capacity(entries.len());
    // By place in the result, the entry that stays.
    let mut kept: Vec<usize> = Vec::with_capacity(entries.len());
    for (index, key) in entries.iter().enumerate().filter_map(|(i, entry)| Some((i, MapKey::of(entry)?))) {
        let place = *places.entry(key).or_insert(kept.len());
        if place == kept.len() {
            kept.push(index);
        } else {
            kept[place] = index;
        }
    }
    if kept.len() < entries.len() {
        *entries = kept.into_iter().map(|index| std::mem::replace(&mut entries[index], Value::Bool(false))).collect();
    }
}
