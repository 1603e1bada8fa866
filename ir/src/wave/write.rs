//! Values to text. The form is what wasm-wave's own writer gives; a test compares them.

use std::fmt::{Display, Write};

use crate::api::Api;
use crate::id::TypeId;
use crate::print::TypeRef;
use crate::types::Shape;
use crate::value::Value;

/// Words that WAVE reads as values; a case of such a name is written with `%`.
pub(super) const KEYWORDS: &[&str] = &["true", "false", "some", "none", "ok", "err", "inf", "nan"];

/// Appends a value. Writing to a `String` cannot fail, so results of `write!` are dropped.
pub(super) fn value(out: &mut String, api: &Api, ty: TypeId, v: &Value) {
    match (api.shape(ty), v) {
        (Shape::Bool, Value::Bool(v)) => display(out, v),
        (Shape::U8, Value::U8(v)) => display(out, v),
        (Shape::U16, Value::U16(v)) => display(out, v),
        (Shape::U32, Value::U32(v)) => display(out, v),
        (Shape::U64, Value::U64(v)) => display(out, v),
        (Shape::S8, Value::S8(v)) => display(out, v),
        (Shape::S16, Value::S16(v)) => display(out, v),
        (Shape::S32, Value::S32(v)) => display(out, v),
        (Shape::S64, Value::S64(v)) => display(out, v),
        (Shape::F32, Value::F32(v)) if v.is_nan() => out.push_str("nan"),
        (Shape::F32, Value::F32(v)) => display(out, v),
        (Shape::F64, Value::F64(v)) if v.is_nan() => out.push_str("nan"),
        (Shape::F64, Value::F64(v)) => display(out, v),
        (Shape::Char, Value::Char(c)) => {
            out.push('\'');
            character(out, *c);
            out.push('\'');
        }
        (Shape::String, Value::String(s)) => {
            out.push('"');
            s.chars().for_each(|c| character(out, c));
            out.push('"');
        }
        (Shape::Bytes, Value::Bytes(bytes)) => sequence(out, '[', ']', bytes.iter(), display),
        (Shape::List(t), Value::List(items)) => sequence(out, '[', ']', items.iter(), |out, v| value(out, api, *t, v)),
        (Shape::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            sequence(out, '(', ')', types.iter().zip(items), |out, (t, v)| value(out, api, *t, v));
        }
        (Shape::Record(fields), Value::Record(slots)) if fields.len() == slots.len() => {
            let mut present = fields.iter().zip(slots).filter(|(_, v)| **v != Value::Option(None)).peekable();
            if present.peek().is_none() {
                out.push_str("{:}");
            } else {
                sequence(out, '{', '}', present, |out, (f, v)| {
                    out.push_str(f.name.as_str());
                    out.push_str(": ");
                    value(out, api, f.ty, v);
                });
            }
        }
        (Shape::Variant(cases), Value::Variant(i, payload)) if (*i as usize) < cases.len() => {
            let case = &cases[*i as usize];
            label(out, case.name.as_str());
            optional(out, api, case.ty, payload.as_deref());
        }
        (Shape::Enum(labels), Value::Enum(i)) if (*i as usize) < labels.len() => {
            label(out, labels[*i as usize].name.as_str());
        }
        (Shape::Flags(labels), Value::Flags(bits)) => {
            let set = labels.iter().enumerate().filter(|(i, _)| bits.checked_shr(*i as u32).unwrap_or(0) & 1 == 1);
            sequence(out, '{', '}', set, |out, (_, l)| out.push_str(l.name.as_str()));
        }
        (Shape::Option(_), Value::Option(None)) => out.push_str("none"),
        (Shape::Option(t), Value::Option(Some(v))) => {
            out.push_str("some");
            optional(out, api, Some(*t), Some(v));
        }
        (Shape::Result { ok, .. }, Value::Result(Ok(v))) => {
            out.push_str("ok");
            optional(out, api, *ok, v.as_deref());
        }
        (Shape::Result { err, .. }, Value::Result(Err(v))) => {
            out.push_str("err");
            optional(out, api, *err, v.as_deref());
        }
        (Shape::Resource(_), Value::Handle(handle)) => {
            let _ = write!(out, "<resource {handle}>");
        }
        _ => {
            let _ = write!(out, "<not {}>", TypeRef::new(api, ty));
        }
    }
}

fn display(out: &mut String, v: &impl Display) {
    let _ = write!(out, "{v}");
}

fn sequence<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    mut each: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        each(out, item);
    }
    out.push(close);
}

fn label(out: &mut String, name: &str) {
    if KEYWORDS.contains(&name) {
        out.push('%');
    }
    out.push_str(name);
}

fn optional(out: &mut String, api: &Api, ty: Option<TypeId>, payload: Option<&Value>) {
    match (ty, payload) {
        (Some(ty), Some(v)) => {
            out.push('(');
            value(out, api, ty, v);
            out.push(')');
        }
        (None, None) => {}
        _ => out.push_str("(<not its payload>)"),
    }
}

fn character(out: &mut String, c: char) {
    let _ = match c {
        '\\' | '"' | '\'' | '\t' | '\r' | '\n' => write!(out, "{}", c.escape_default()),
        c if c.is_control() => write!(out, "{}", c.escape_unicode()),
        c => write!(out, "{}", c.escape_debug()),
    };
}
