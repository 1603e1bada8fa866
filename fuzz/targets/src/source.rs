//! Values out of the fuzzer's bytes: every value of a type can come, rules are not kept.

use witwire_ir::{Api, Shape, TypeId, Value};

/// Bytes to decide by. At their end every decision is the smallest.
pub(crate) struct Source<'a> {
    bytes: &'a [u8],
    /// How many values may still be made.
    budget: u32,
}

/// Texts that encoders have to take care of.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "a b",
    "\r\n",
    "\0",
    "\"",
    "\\",
    "/..",
    "?#&=+;,%41",
    "%",
    "{\"a\":1}",
    "[]",
    "null",
    "1e999",
    "-0",
    "é",
    "\u{10ffff}",
    "\u{feff}x",
    "--",
    "a=b&c=d",
    "2024-02-30T25:61:61Z",
    "low",
    "circle",
];

impl<'a> Source<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, budget: 2000 }
    }

    /// The next byte; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.bytes.split_at(count.min(self.bytes.len()));
        self.bytes = rest;
        head
    }

    /// A number of as many bytes as the first of them says.
    fn number(&mut self) -> u64 {
        let size = self.byte();
        if size < 0xF0 {
            return u64::from(size);
        }
        let mut bytes = [0; 8];
        let taken = self.take(usize::from(size & 7) + 1);
        bytes[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(bytes)
    }

    /// A text of the list above, or of the bytes.
    fn text(&mut self) -> Box<str> {
        let which = usize::from(self.byte());
        match HOSTILE.get(which) {
            Some(text) => (*text).into(),
            None if which == 0xFF => "x".repeat(300).into(),
            None => String::from_utf8_lossy(self.take(which % 16)).into(),
        }
    }

    /// The arguments of a call.
    pub(crate) fn arguments(&mut self, api: &Api, operation: &witwire_ir::Operation) -> Vec<Value> {
        operation.params.iter().map(|param| self.value(api, param.ty)).collect()
    }

    /// A value of a type.
    pub(crate) fn value(&mut self, api: &Api, ty: TypeId) -> Value {
        self.budget = self.budget.saturating_sub(1);
        let poor = self.budget == 0;
        match api.shape(ty) {
            Shape::Bool => Value::Bool(self.byte() & 1 == 1),
            Shape::U8 => Value::U8(self.byte()),
            Shape::U16 => Value::U16(self.number() as u16),
            Shape::U32 => Value::U32(self.number() as u32),
            Shape::U64 => Value::U64(self.number()),
            Shape::S8 => Value::S8(self.byte() as i8),
            Shape::S16 => Value::S16(self.number() as i16),
            Shape::S32 => Value::S32(self.number() as i32),
            Shape::S64 => Value::S64(self.number() as i64),
            Shape::F32 => Value::F32(self.float() as f32),
            Shape::F64 => Value::F64(self.float()),
            Shape::Char => Value::Char(char::from_u32(self.number() as u32).unwrap_or('c')),
            Shape::String => Value::String(self.text()),
            Shape::Bytes => {
                let count = usize::from(self.byte());
                Value::Bytes(self.take(count).into())
            }
            Shape::List(item) => {
                let count = if poor { 0 } else { self.byte() % 5 };
                Value::list((0..count).map(|_| self.value(api, *item)).collect::<Vec<_>>())
            }
            Shape::Option(inner) => {
                let some = !poor && self.byte() & 1 == 1;
                Value::option(some.then(|| self.value(api, *inner)))
            }
            Shape::Tuple(types) => Value::Tuple(types.iter().map(|ty| self.value(api, *ty)).collect()),
            Shape::Record(fields) => Value::Record(fields.iter().map(|field| self.value(api, field.ty)).collect()),
            Shape::Variant(cases) => {
                let case = usize::from(self.byte()) % cases.len();
                Value::Variant(case as u32, cases[case].ty.map(|ty| Box::new(self.value(api, ty))))
            }
            Shape::Enum(labels) => Value::Enum(u32::from(self.byte()) % labels.len() as u32),
            Shape::Flags(labels) => Value::Flags(self.number() as u32 & (u32::MAX >> (32 - labels.len().clamp(1, 32)))),
            Shape::Result { ok, err } => {
                let is_ok = self.byte() & 1 == 0;
                let mut payload = |ty: &Option<TypeId>| ty.map(|ty| Box::new(self.value(api, ty)));
                Value::Result(if is_ok { Ok(payload(ok)) } else { Err(payload(err)) })
            }
            Shape::Call(call) => self.value(api, call.settings),
            // `shape` looks behind aliases. What opens a stream is no argument.
            Shape::Resource(_) | Shape::Alias(_) => Value::Handle(0),
        }
    }

    fn float(&mut self) -> f64 {
        match self.byte() {
            0xFF => f64::NAN,
            0xFE => f64::INFINITY,
            0xFD => f64::MIN_POSITIVE,
            0xFC => -0.0,
            0xFB => 1e300,
            0xFA => f64::from_bits(self.number()),
            small => f64::from(small) / 8.0,
        }
    }
}
