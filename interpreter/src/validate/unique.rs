//! Equal items, found in linear time.

use std::collections::{HashMap, HashSet};

use witwire_ir::Value;

/// The positions of the first two equal items.
pub(super) fn repeated(items: &[Value]) -> Option<(usize, usize)> {
    let mut seen = HashMap::with_capacity(items.len());
    items.iter().enumerate().find_map(|(i, item)| seen.insert(key(item), i).map(|first| (first, i)))
}

/// How many different keys a `list<tuple<string, t>>` has.
pub(super) fn keys(items: &[Value]) -> usize {
    let key = |item: &Value| match item {
        Value::Tuple(pair) => pair.first().map(key),
        _ => None,
    };
    items.iter().filter_map(key).collect::<HashSet<_>>().len()
}

/// Bytes that are equal exactly where the values are: every part is tagged, and parts of open length carry it.
fn key(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let mut tagged = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Bool(v) => tagged(0, &[u8::from(*v)]),
        Value::U8(v) => tagged(1, &[*v]),
        Value::U16(v) => tagged(2, &v.to_le_bytes()),
        Value::U32(v) => tagged(3, &v.to_le_bytes()),
        Value::U64(v) => tagged(4, &v.to_le_bytes()),
        Value::S8(v) => tagged(5, &v.to_le_bytes()),
        Value::S16(v) => tagged(6, &v.to_le_bytes()),
        Value::S32(v) => tagged(7, &v.to_le_bytes()),
        Value::S64(v) => tagged(8, &v.to_le_bytes()),
        // Adding zero makes -0.0 the equal 0.0.
        Value::F32(v) => tagged(9, &(v + 0.0).to_bits().to_le_bytes()),
        Value::F64(v) => tagged(10, &(v + 0.0).to_bits().to_le_bytes()),
        Value::Char(v) => tagged(11, &(*v as u32).to_le_bytes()),
        Value::Enum(v) => tagged(12, &v.to_le_bytes()),
        Value::Flags(v) => tagged(13, &v.to_le_bytes()),
        Value::Handle(v) => tagged(14, &v.to_le_bytes()),
        Value::String(v) => {
            tagged(15, &v.len().to_le_bytes());
            out.extend_from_slice(v.as_bytes());
        }
        Value::Bytes(v) => {
            tagged(16, &v.len().to_le_bytes());
            out.extend_from_slice(v);
        }
        Value::List(v) => {
            tagged(17, &v.len().to_le_bytes());
            v.iter().for_each(|v| write(v, out));
        }
        Value::Record(v) => {
            tagged(18, &v.len().to_le_bytes());
            v.iter().for_each(|v| write(v, out));
        }
        Value::Tuple(v) => {
            tagged(19, &v.len().to_le_bytes());
            v.iter().for_each(|v| write(v, out));
        }
        Value::Variant(case, payload) => {
            tagged(20, &case.to_le_bytes());
            write_option(payload.as_deref(), out);
        }
        Value::Option(inner) => {
            tagged(21, &[]);
            write_option(inner.as_deref(), out);
        }
        Value::Result(Ok(payload)) => {
            tagged(22, &[]);
            write_option(payload.as_deref(), out);
        }
        Value::Result(Err(payload)) => {
            tagged(23, &[]);
            write_option(payload.as_deref(), out);
        }
    }
}

fn write_option(value: Option<&Value>, out: &mut Vec<u8>) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            write(value, out);
        }
    }
}
