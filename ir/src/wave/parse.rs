//! wasm-wave's syntax tree to values, by type.

use std::fmt::Display;
use std::str::FromStr;

use wasm_wave::ast::{Node, NodeType};

use super::error::{Problem, WaveError, few, syntax};
use super::nearest::nearest;
use super::write::KEYWORDS;
use crate::api::Api;
use crate::id::TypeId;
use crate::print::TypeRef;
use crate::types::{Case, Field, Label, Shape};
use crate::value::Value;

/// Reads nodes of one text. Recursion is bounded by the grammar's own depth of 100.
pub(super) struct Reader<'a> {
    api: &'a Api,
    text: &'a str,
    path: String,
}

type Read<T = Value> = Result<T, WaveError>;

impl<'a> Reader<'a> {
    pub(super) const fn new(api: &'a Api, text: &'a str) -> Self {
        Self { api, text, path: String::new() }
    }

    /// Reads with one more step in the path: a name, or `[3]`.
    pub(super) fn within<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        let result = read(self);
        self.path.truncate(length);
        result
    }

    pub(super) fn value(&mut self, ty: TypeId, node: &Node) -> Read {
        let api = self.api;
        match api.shape(ty) {
            Shape::Bool => node.as_bool().map(Value::Bool).or_else(|_| self.mismatch(ty, node)),
            Shape::U8 => self.integer(ty, node, "u8", u8::MIN, u8::MAX).map(Value::U8),
            Shape::U16 => self.integer(ty, node, "u16", u16::MIN, u16::MAX).map(Value::U16),
            Shape::U32 => self.integer(ty, node, "u32", u32::MIN, u32::MAX).map(Value::U32),
            Shape::U64 => self.integer(ty, node, "u64", u64::MIN, u64::MAX).map(Value::U64),
            Shape::S8 => self.integer(ty, node, "s8", i8::MIN, i8::MAX).map(Value::S8),
            Shape::S16 => self.integer(ty, node, "s16", i16::MIN, i16::MAX).map(Value::S16),
            Shape::S32 => self.integer(ty, node, "s32", i32::MIN, i32::MAX).map(Value::S32),
            Shape::S64 => self.integer(ty, node, "s64", i64::MIN, i64::MAX).map(Value::S64),
            Shape::F32 => {
                let n: f32 = self.number(ty, node)?;
                let finite = n.is_finite() || !self.is_digits(node);
                if finite {
                    Ok(Value::F32(n))
                } else {
                    self.out_of_range(node, "f32", format_args!("{:e}", f32::MIN), format_args!("{:e}", f32::MAX))
                }
            }
            Shape::F64 => {
                let n: f64 = self.number(ty, node)?;
                let finite = n.is_finite() || !self.is_digits(node);
                if finite {
                    Ok(Value::F64(n))
                } else {
                    self.out_of_range(node, "f64", format_args!("{:e}", f64::MIN), format_args!("{:e}", f64::MAX))
                }
            }
            Shape::Char => match node.ty() {
                NodeType::Char => node.as_char(self.text).map(Value::Char).map_err(|e| self.grammar(&e)),
                _ => self.mismatch(ty, node),
            },
            Shape::String => match node.ty() {
                NodeType::String | NodeType::MultilineString => {
                    node.as_str(self.text).map(|s| Value::string(&*s)).map_err(|e| self.grammar(&e))
                }
                _ => self.mismatch(ty, node),
            },
            Shape::Bytes => {
                let bytes = self.items(ty, node, |r, n| r.integer(ty, n, "u8", u8::MIN, u8::MAX))?;
                Ok(Value::Bytes(bytes.into()))
            }
            Shape::List(t) => {
                let items = self.items(ty, node, |r, n| r.value(*t, n))?;
                Ok(Value::List(items.into()))
            }
            Shape::Tuple(types) => self.tuple(ty, types, node),
            Shape::Record(fields) => self.record(ty, fields, node),
            Shape::Variant(cases) => self.variant(ty, cases, node),
            Shape::Enum(labels) => {
                if node.ty() != NodeType::Label {
                    return self.mismatch(ty, node);
                }
                let index = self.case(ty, labels.iter().map(|l| l.name.as_str()), self.label(node), node)?;
                Ok(Value::Enum(index as u32))
            }
            Shape::Flags(labels) => self.flags(ty, labels, node),
            Shape::Option(t) => self.option(ty, *t, node),
            Shape::Result { ok, err } => self.result(ty, *ok, *err, node),
            // `shape` looks through aliases.
            Shape::Resource(_) | Shape::Call(_) | Shape::Alias(_) => self.mismatch(ty, node),
        }
    }

    fn items<T>(&mut self, ty: TypeId, node: &Node, mut read: impl FnMut(&mut Self, &Node) -> Read<T>) -> Read<Vec<T>> {
        let Ok(nodes) = node.as_list() else { return self.mismatch(ty, node) };
        nodes.enumerate().map(|(i, n)| self.within(&format!("[{i}]"), |r| read(r, n))).collect()
    }

    fn tuple(&mut self, ty: TypeId, types: &[TypeId], node: &Node) -> Read {
        let Ok(nodes) = node.as_tuple() else { return self.mismatch(ty, node) };
        if nodes.len() != types.len() {
            let problem = Problem::TupleLength { expected: self.expected(ty), want: types.len(), got: nodes.len() };
            return self.fail(node, problem);
        }
        let items: Vec<Value> = types
            .iter()
            .zip(nodes)
            .enumerate()
            .map(|(i, (t, n))| self.within(&format!("[{i}]"), |r| r.value(*t, n)))
            .collect::<Read<_>>()?;
        Ok(Value::Tuple(items.into()))
    }

    fn record(&mut self, ty: TypeId, fields: &[Field], node: &Node) -> Read {
        let given: Vec<(&str, &Node)> = match node.ty() {
            NodeType::Record => node.as_record(self.text).map_err(|e| self.grammar(&e))?.collect(),
            NodeType::Flags if node.as_flags(self.text).is_ok_and(|mut f| f.next().is_none()) => Vec::new(),
            _ => return self.mismatch(ty, node),
        };
        let mut slots: Vec<Option<Value>> = vec![None; fields.len()];
        for (name, value) in given {
            let Some(slot) = fields.iter().position(|f| f.name.as_str() == name) else {
                return self.unknown_field(ty, fields, name, value);
            };
            slots[slot] = Some(self.within(name, |r| r.value(fields[slot].ty, value))?);
        }
        let api = self.api;
        let mut missing = Vec::new();
        let slots: Vec<Value> = fields
            .iter()
            .zip(slots)
            .filter_map(|(f, v)| match v {
                None if matches!(api.shape(f.ty), Shape::Option(_)) => Some(Value::none()),
                None => {
                    missing.push(format!("{}: {}", f.name.as_str(), TypeRef::new(api, f.ty)));
                    None
                }
                given => given,
            })
            .collect();
        if missing.is_empty() {
            Ok(Value::Record(slots.into()))
        } else {
            self.fail(node, Problem::MissingFields { record: self.name(ty), fields: missing })
        }
    }

    fn unknown_field(&self, ty: TypeId, fields: &[Field], name: &str, value: &Node) -> Read {
        let names = || fields.iter().map(|f| f.name.as_str());
        let problem = Problem::UnknownField {
            record: self.name(ty),
            field: name.to_owned(),
            did_you_mean: nearest(name, names()).map(str::to_owned),
            known: few(names()),
        };
        // The tree keeps no position of a field's name; it is the last such word before the value.
        let before = self.text.get(..value.span().start).unwrap_or_default();
        let offset = before.rfind(name).unwrap_or(before.len());
        Err(WaveError::at(self.text, offset, &self.path, problem))
    }

    fn variant(&mut self, ty: TypeId, cases: &[Case], node: &Node) -> Read {
        let Ok((label, payload)) = node.as_variant(self.text) else { return self.mismatch(ty, node) };
        let index = self.case(ty, cases.iter().map(|c| c.name.as_str()), label, node)?;
        let case = &cases[index];
        let payload = self.payload(case.name.as_str(), case.ty, payload, node)?;
        Ok(Value::Variant(index as u32, payload))
    }

    fn flags(&mut self, ty: TypeId, labels: &[Label], node: &Node) -> Read {
        let Ok(set) = node.as_flags(self.text) else { return self.mismatch(ty, node) };
        let mut bits = 0u32;
        for flag in set {
            let flag = flag.trim_start_matches('%');
            let index = self.case(ty, labels.iter().map(|l| l.name.as_str()), flag, node)?;
            bits |= 1u32.checked_shl(index as u32).unwrap_or(0);
        }
        Ok(Value::Flags(bits))
    }

    fn option(&mut self, ty: TypeId, inner: TypeId, node: &Node) -> Read {
        match node.as_option() {
            Ok(None) => Ok(Value::none()),
            Ok(Some(node)) => self.value(inner, node).map(Value::some),
            Err(_) if self.may_stand_bare(inner) => {
                self.value(inner, node).map(Value::some).map_err(|e| self.optional(e, ty))
            }
            Err(_) => self.mismatch(ty, node),
        }
    }

    /// Where a bare value does not fit an option's payload, the option is what was expected.
    fn optional(&self, mut error: WaveError, ty: TypeId) -> WaveError {
        if error.path == self.path
            && let Problem::Mismatch { expected, .. } = &mut *error.problem
        {
            *expected = self.expected(ty);
        }
        error
    }

    fn result(&mut self, ty: TypeId, ok: Option<TypeId>, err: Option<TypeId>, node: &Node) -> Read {
        match node.as_result() {
            Ok(Ok(payload)) => Ok(Value::Result(Ok(self.payload("ok", ok, payload, node)?))),
            Ok(Err(payload)) => Ok(Value::Result(Err(self.payload("err", err, payload, node)?))),
            Err(_) => match ok {
                Some(ok) if self.may_stand_bare(ok) => Ok(Value::ok(Some(self.value(ok, node)?))),
                _ => self.mismatch(ty, node),
            },
        }
    }

    fn may_stand_bare(&self, ty: TypeId) -> bool {
        !matches!(self.api.shape(ty), Shape::Option(_) | Shape::Result { .. })
    }

    fn payload(&mut self, case: &str, ty: Option<TypeId>, payload: Option<&Node>, node: &Node) -> Read<Option<Box<Value>>> {
        match (ty, payload) {
            (Some(ty), Some(payload)) => self.within(case, |r| r.value(ty, payload)).map(|v| Some(Box::new(v))),
            (None, None) => Ok(None),
            (None, Some(_)) => self.fail(node, Problem::UnexpectedPayload { case: self.written(node) }),
            (Some(ty), None) => {
                self.fail(node, Problem::MissingPayload { case: self.written(node), expected: self.expected(ty) })
            }
        }
    }

    fn case<'c>(&self, ty: TypeId, cases: impl Iterator<Item = &'c str> + Clone, given: &str, node: &Node) -> Read<usize> {
        cases.clone().position(|c| c == given).map_or_else(
            || {
                let did_you_mean = nearest(given, cases.clone()).map(str::to_owned);
                let (expected, case) = (self.name(ty), given.to_owned());
                self.fail(node, Problem::UnknownCase { expected, case, did_you_mean, known: few(cases) })
            },
            Ok,
        )
    }

    fn integer<T>(&self, ty: TypeId, node: &Node, expected: &'static str, min: T, max: T) -> Read<T>
    where
        T: FromStr + Display + Copy,
    {
        if node.ty() != NodeType::Number {
            return self.expected_words(format!("`{expected}`"), ty, node);
        }
        let text = self.slice(node);
        match text.parse() {
            Ok(n) => Ok(n),
            Err(_) if text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) => {
                self.out_of_range(node, expected, min, max)
            }
            Err(_) => self.expected_words(format!("`{expected}`"), ty, node),
        }
    }

    fn number<T: FromStr>(&self, ty: TypeId, node: &Node) -> Read<T> {
        node.as_number(self.text).or_else(|_| self.mismatch(ty, node))
    }

    /// Whether a number is written in digits, not as `inf` or `nan`.
    fn is_digits(&self, node: &Node) -> bool {
        self.slice(node).ends_with(|c: char| c.is_ascii_digit())
    }

    fn out_of_range<T>(&self, node: &Node, expected: &'static str, min: impl Display, max: impl Display) -> Read<T> {
        let found = self.digits(node);
        self.fail(node, Problem::OutOfRange { expected, found, min: min.to_string(), max: max.to_string() })
    }

    fn mismatch<T>(&self, ty: TypeId, node: &Node) -> Read<T> {
        self.expected_words(self.expected(ty), ty, node)
    }

    fn expected_words<T>(&self, expected: String, ty: TypeId, node: &Node) -> Read<T> {
        let found = match node.ty() {
            NodeType::BoolTrue | NodeType::BoolFalse => "a bool".to_owned(),
            NodeType::Number if is_number(self.api.shape(ty)) => format!("the number {}", self.digits(node)),
            NodeType::Number => "a number".to_owned(),
            NodeType::Char => "a char".to_owned(),
            NodeType::String | NodeType::MultilineString => "a string".to_owned(),
            NodeType::Tuple => "a tuple".to_owned(),
            NodeType::List => "a list".to_owned(),
            NodeType::Record => "a record".to_owned(),
            NodeType::Label => "a word without quotes".to_owned(),
            NodeType::VariantWithPayload => "a case with a payload".to_owned(),
            NodeType::OptionSome => "`some(…)`".to_owned(),
            NodeType::OptionNone => "`none`".to_owned(),
            NodeType::ResultOk => "`ok`".to_owned(),
            NodeType::ResultErr => "`err`".to_owned(),
            NodeType::Flags => "flags".to_owned(),
        };
        self.fail(node, Problem::Mismatch { expected, found, hint: self.hint(ty, node) })
    }

    /// What to write instead, where a common mistake is recognised.
    fn hint(&self, ty: TypeId, node: &Node) -> String {
        let label = self.written(node);
        let has = |name: &str| match self.api.shape(ty) {
            Shape::Enum(labels) => labels.iter().any(|l| l.name.as_str() == name),
            Shape::Variant(cases) => cases.iter().any(|c| c.name.as_str() == name),
            _ => false,
        };
        match (self.api.shape(ty), node.ty()) {
            (Shape::Enum(_) | Shape::Variant(_), _) if KEYWORDS.contains(&&*label) && has(&label) => {
                format!("; write `%{label}`")
            }
            (Shape::Enum(_) | Shape::Variant(_), NodeType::String) => "; write the case without quotes".to_owned(),
            (Shape::String, NodeType::Label | NodeType::Number) => "; write text in double quotes".to_owned(),
            (Shape::Bytes, NodeType::String) => "; write the bytes as numbers: `[104, 105]`".to_owned(),
            (Shape::Resource(_), _) => "; a resource cannot be written as text".to_owned(),
            (Shape::Record(_), NodeType::Flags) => "; write fields as `name: value`".to_owned(),
            _ => String::new(),
        }
    }

    /// The type for a message: its name and, where the name alone says little, its kind.
    fn expected(&self, ty: TypeId) -> String {
        let kind = match self.api.shape(ty) {
            Shape::Record(_) => "record",
            Shape::Variant(_) => "variant",
            Shape::Enum(_) => "enum",
            Shape::Flags(_) => "flags",
            Shape::Resource(_) => "resource",
            _ if self.api.types[ty].name.is_some() => {
                return format!("`{}` (`{}`)", self.name(ty), TypeRef::new(self.api, self.api.resolve(ty)));
            }
            _ => return format!("`{}`", self.name(ty)),
        };
        format!("the {kind} `{}`", self.name(ty))
    }

    fn name(&self, ty: TypeId) -> String {
        TypeRef::new(self.api, ty).to_string()
    }

    /// A number as written, cut where it is too long for a message.
    fn digits(&self, node: &Node) -> String {
        self.slice(node).chars().take(40).collect()
    }

    fn slice(&self, node: &Node) -> &'a str {
        self.text.get(node.span()).unwrap_or_default()
    }

    fn label(&self, node: &Node) -> &'a str {
        self.slice(node).trim_start_matches('%')
    }

    /// A case's label as the text has it, with its `%`.
    fn written(&self, node: &Node) -> String {
        self.slice(node).split('(').next().unwrap_or_default().trim().to_owned()
    }

    fn grammar(&self, error: &wasm_wave::parser::ParserError) -> WaveError {
        WaveError { path: self.path.clone(), ..syntax(self.text, error.kind(), error.span().start) }
    }

    fn fail<T>(&self, node: &Node, problem: Problem) -> Read<T> {
        Err(WaveError::at(self.text, node.span().start, &self.path, problem))
    }
}

const fn is_number(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::U8
            | Shape::U16
            | Shape::U32
            | Shape::U64
            | Shape::S8
            | Shape::S16
            | Shape::S32
            | Shape::S64
            | Shape::F32
            | Shape::F64
            | Shape::Bytes
    )
}
