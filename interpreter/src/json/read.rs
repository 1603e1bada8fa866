//! JSON text into values.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use witwire_ir::wire::json::Kind;
use witwire_ir::{TypeId, Value};

use super::codec::{Codec, Codecs, Int, ObjectCodec};
use super::path::Location;
use super::scan::Scanner;
use super::table::{MAX_LEVELS, TableCodec};
use super::{literal, number, union};

/// Why a JSON text is not a value of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError(Box<Trouble>);

/// Boxed, so that results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    location: Location,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No JSON.
    Syntax { at: usize, expected: &'static str },
    /// Arrays and objects, or the nodes of a table, nested too deeply.
    TooDeep { levels: u32 },
    /// Another kind of value.
    Kind { expected: &'static str, found: Kind },
    /// A value of the right kind that the type cannot hold.
    Value { expected: &'static str },
    /// No value of an enum.
    NotOneOf { expected: String },
    /// A required member is absent or null.
    Missing { key: Box<str> },
    /// No arm of a union.
    NoArm,
    /// Arms of unions were tried too often.
    TooAmbiguous,
}

impl ReadError {
    pub(super) fn new(fault: Fault) -> Self {
        Self(Box::new(Trouble { location: Location::default(), fault }))
    }

    pub(super) fn at_key(mut self, key: &str) -> Self {
        self.0.location.name(key);
        self
    }

    pub(super) fn at_index(mut self, index: usize) -> Self {
        self.0.location.index(index);
        self
    }

    /// Whether the text itself is at fault, or the effort: no other type would read it.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.0.fault, Fault::Syntax { .. } | Fault::TooDeep { .. } | Fault::TooAmbiguous)
    }
}

/// Never holds a value of the text; keys it may hold.
impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble { location, fault } = &*self.0;
        match fault {
            Fault::Syntax { at, expected } => write!(f, "not JSON at byte {at}: expected {expected}"),
            Fault::TooDeep { levels } => write!(f, "`{location}`: nested deeper than {levels} levels"),
            Fault::Kind { expected, found } => write!(f, "`{location}`: expected {expected}, found {}", in_words(*found)),
            Fault::Value { expected } => write!(f, "`{location}`: expected {expected}"),
            Fault::NotOneOf { expected } => write!(f, "`{location}`: expected one of {expected}"),
            Fault::Missing { key } => write!(f, "`{location}`: the required member `{key}` is absent or null"),
            Fault::NoArm => write!(f, "`{location}`: fits none of the declared alternatives"),
            Fault::TooAmbiguous => write!(f, "`{location}`: fits too many of the declared alternatives to be decided"),
        }
    }
}

const fn in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Integer => "an integer",
        Kind::Number => "a number with a fraction",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}

pub(super) type Result<T> = std::result::Result<T, ReadError>;

/// Reads a JSON text as a value of a type.
pub(crate) fn read(codecs: &Codecs, ty: TypeId, text: &str) -> Result<Value> {
    let mut reader = Reader::new(codecs, text);
    let value = reader.value(ty).map_err(|e| e.at_key("$"))?;
    reader.scanner.end()?;
    Ok(value)
}

/// Reads one member of an object as a value of a type; other members are skipped.
pub(crate) fn read_member(codecs: &Codecs, ty: TypeId, key: &str, required: bool, text: &str) -> Result<Value> {
    let mut reader = Reader::new(codecs, text);
    let mut value = None;
    reader
        .object(&mut value, |reader, value, found| {
            if found != key {
                return reader.skip();
            }
            // Required: `ty` itself reads the null or refuses it. Else it is an option, and reads it as `none`.
            *value = Some(reader.value(ty).map_err(|e| e.at_key(key))?);
            Ok(())
        })
        .map_err(|e| e.at_key("$"))?;
    reader.scanner.end()?;
    match value {
        Some(value) => Ok(value),
        None if required => Err(ReadError::new(Fault::Missing { key: key.into() }).at_key("$")),
        None => Ok(Value::none()),
    }
}

/// Checks that a text is one JSON value and returns it without white space around it.
pub(super) fn whole(text: &str) -> Result<&str> {
    let mut scanner = Scanner::new(text);
    let value = scanner.skip()?;
    scanner.end()?;
    Ok(value)
}

/// Reads values.
pub(super) struct Reader<'a> {
    pub(super) codecs: &'a Codecs,
    pub(super) scanner: Scanner<'a>,
    /// Declared members met so far: what makes one arm of a union fit better than another.
    pub(super) declared: u32,
    /// How many more values may be read: arms that are tried in vain cost too.
    fuel: u64,
    /// The tables that are being read, innermost last.
    tables: Vec<OpenTable<'a>>,
}

/// A table that is being read.
struct OpenTable<'a> {
    types: &'a [TypeId],
    lists: Vec<Vec<Value>>,
    /// How many nodes are open around what is read.
    level: u32,
}

impl<'a> Reader<'a> {
    fn new(codecs: &'a Codecs, text: &'a str) -> Self {
        /// Values that may be tried in vain, beyond those in proportion to the text.
        const SPARE: u64 = 100_000;
        Self { codecs, scanner: Scanner::new(text), declared: 0, fuel: SPARE + 16 * text.len() as u64, tables: Vec::new() }
    }

    fn fault<T>(fault: Fault) -> Result<T> {
        Err(ReadError::new(fault))
    }

    fn skip(&mut self) -> Result<()> {
        let length = self.scanner.skip()?.len();
        self.burn(length as u64 / 8)
    }

    pub(super) fn burn(&mut self, fuel: u64) -> Result<()> {
        match self.fuel.checked_sub(fuel + 1) {
            Some(left) => {
                self.fuel = left;
                Ok(())
            }
            None => Self::fault(Fault::TooAmbiguous),
        }
    }

    fn object<T>(&mut self, state: &mut T, mut visit: impl FnMut(&mut Self, &mut T, &str) -> Result<()>) -> Result<()> {
        self.expect(Kind::Object, "an object")?;
        // The scanner is lent to the visit and taken back, so that one object walks both.
        let mut scanner = self.scanner.clone();
        let walked = scanner.object(&mut (&mut *self, state), |scanner, (reader, state), key| {
            reader.scanner = scanner.clone();
            visit(reader, state, &key)?;
            *scanner = reader.scanner.clone();
            Ok(())
        });
        self.scanner = scanner;
        walked
    }

    fn array(&mut self, mut visit: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        self.expect(Kind::Array, "an array")?;
        let mut scanner = self.scanner.clone();
        let walked = scanner.array(|scanner, index| {
            self.scanner = scanner.clone();
            visit(self, index)?;
            *scanner = self.scanner.clone();
            Ok(())
        });
        self.scanner = scanner;
        walked
    }

    fn expect(&mut self, kind: Kind, expected: &'static str) -> Result<()> {
        let found = self.scanner.kind()?;
        if found == kind { Ok(()) } else { Self::fault(Fault::Kind { expected, found }) }
    }

    fn is_null(&mut self) -> bool {
        self.scanner.peek() == Some(b'n')
    }

    /// Reads a value of a type.
    pub(super) fn value(&mut self, ty: TypeId) -> Result<Value> {
        self.burn(0)?;
        let codecs = self.codecs;
        match codecs.get(ty) {
            Codec::Bool => {
                self.expect(Kind::Bool, "a boolean")?;
                self.scanner.boolean().map(Value::Bool)
            }
            Codec::Int(int) => self.integer(*int),
            Codec::IntString(int) => self.integer_string(*int),
            Codec::Float32 => {
                let text = self.number()?;
                let v = text.parse::<f32>().ok().filter(|v| v.is_finite());
                v.map(Value::F32).ok_or_else(|| Self::value_error("a number within the range of 32-bit floats"))
            }
            Codec::Float64 => {
                let text = self.number()?;
                let v = text.parse::<f64>().ok().filter(|v| v.is_finite());
                v.map(Value::F64).ok_or_else(|| Self::value_error("a number within the range of 64-bit floats"))
            }
            Codec::Char => {
                self.expect(Kind::String, "a string of one character")?;
                let text = self.scanner.string()?;
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Ok(Value::Char(c)),
                    _ => Self::fault(Fault::Value { expected: "a string of one character" }),
                }
            }
            Codec::Text => {
                self.expect(Kind::String, "a string")?;
                Ok(Value::String(self.scanner.string()?.into()))
            }
            Codec::Raw => Ok(Value::string(self.scanner.skip()?)),
            Codec::Base64 { .. } => self.base64(),
            Codec::List(item) => {
                let mut items = Vec::new();
                self.array(|reader, i| {
                    items.push(reader.value(*item).map_err(|e| e.at_index(i))?);
                    Ok(())
                })?;
                Ok(Value::List(items.into()))
            }
            Codec::Map(value) => self.map(*value),
            // A null is the value of a type that knows null, not the absence of one.
            Codec::Option(inner) if self.is_null() && !matches!(codecs.get(*inner), Codec::NullOr(_)) => {
                self.scanner.null().map(|()| Value::none())
            }
            Codec::Option(inner) => self.value(*inner).map(Value::some),
            Codec::Tuple(types) => self.tuple(types),
            Codec::Object(object) => self.record(object),
            Codec::Literals(literals) => literal::read(literals, &mut self.scanner),
            Codec::NullOr(_) if self.is_null() => self.scanner.null().map(|()| Value::Variant(0, None)),
            Codec::NullOr(inner) => self.value(*inner).map(|v| Value::case(1, v)),
            Codec::EmptyObject => {
                self.expect(Kind::Object, "an object")?;
                self.skip().map(|()| Value::Bool(true))
            }
            Codec::Union(codec) => union::read(self, codec),
            Codec::Table(table) => self.table(table),
            Codec::Node(list) => self.node(*list),
            Codec::FilePart | Codec::None => Self::fault(Fault::Value { expected: "a type that JSON can carry" }),
        }
    }

    fn table(&mut self, table: &'a TableCodec) -> Result<Value> {
        self.tables.push(OpenTable { types: &table.types, lists: vec![Vec::new(); table.types.len()], level: 0 });
        let root = self.node(table.root);
        let lists = self.tables.pop().map(|t| t.lists).unwrap_or_default();
        root.map(|_| Value::Record(lists.into_iter().map(Value::list).collect()))
    }

    /// A node of the innermost table; the value is its position. It is reserved first, so that the root is node 0.
    fn node(&mut self, list: u16) -> Result<Value> {
        let list = list as usize;
        let found = self.tables.last_mut().and_then(|t| Some((*t.types.get(list)?, t.lists.get_mut(list)?, &mut t.level)));
        let Some((ty, nodes, level)) = found else {
            return Self::fault(Fault::Value { expected: "a type that JSON can carry" });
        };
        if *level == MAX_LEVELS {
            return Self::fault(Fault::TooDeep { levels: MAX_LEVELS });
        }
        *level += 1;
        let position = nodes.len();
        nodes.push(Value::Bool(false));
        let node = self.value(ty);
        // The table is open as long as its nodes are read.
        let Some(table) = self.tables.last_mut() else { return node };
        table.level -= 1;
        table.lists[list][position] = node?;
        Ok(Value::U32(position as u32))
    }

    /// How many nodes the innermost table has, by list.
    pub(super) fn mark(&self) -> Vec<usize> {
        self.tables.last().map(|t| t.lists.iter().map(Vec::len).collect()).unwrap_or_default()
    }

    /// Takes the nodes that were read since the mark.
    pub(super) fn take_since(&mut self, mark: &[usize]) -> Vec<Vec<Value>> {
        let lists = self.tables.last_mut().map(|t| &mut t.lists[..]).unwrap_or_default();
        lists.iter_mut().zip(mark).map(|(list, length)| list.split_off(*length)).collect()
    }

    /// Puts nodes back that were taken from here.
    pub(super) fn put_back(&mut self, nodes: Vec<Vec<Value>>) {
        let lists = self.tables.last_mut().map(|t| &mut t.lists[..]).unwrap_or_default();
        lists.iter_mut().zip(nodes).for_each(|(list, nodes)| list.extend(nodes));
    }

    fn value_error(expected: &'static str) -> ReadError {
        ReadError::new(Fault::Value { expected })
    }

    fn number(&mut self) -> Result<&'a str> {
        let found = self.scanner.kind()?;
        match found {
            Kind::Integer | Kind::Number => self.scanner.number(),
            _ => Self::fault(Fault::Kind { expected: "a number", found }),
        }
    }

    fn integer(&mut self, int: Int) -> Result<Value> {
        if !matches!(self.scanner.peek(), Some(b'-' | b'0'..=b'9')) {
            let found = self.scanner.kind()?;
            return Self::fault(Fault::Kind { expected: int.expected(), found });
        }
        let text = self.scanner.number()?;
        number::integer(text).and_then(|n| int.value(n)).ok_or_else(|| Self::value_error(int.expected()))
    }

    /// Decimal digits in a string; a bare number is read too.
    fn integer_string(&mut self, int: Int) -> Result<Value> {
        if self.scanner.peek() != Some(b'"') {
            return self.integer(int);
        }
        let text = self.scanner.string()?;
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let n = if digits.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
        n.and_then(|n| int.value(n)).ok_or_else(|| Self::value_error(int.expected()))
    }

    /// Both alphabets, padded or not; line breaks (as in MIME) are skipped.
    fn base64(&mut self) -> Result<Value> {
        const ENGINE: GeneralPurpose = GeneralPurpose::new(
            &STANDARD,
            GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );
        self.expect(Kind::String, "a base64 string")?;
        let text = self.scanner.string()?;
        let decoded = if text.contains(['-', '_', '\r', '\n']) {
            let plain = text.replace('-', "+").replace('_', "/").replace(['\r', '\n'], "");
            ENGINE.decode(plain)
        } else {
            ENGINE.decode(text.as_bytes())
        };
        match decoded {
            Ok(bytes) => Ok(Value::Bytes(bytes.into())),
            Err(_) => Self::fault(Fault::Value { expected: "a base64 string" }),
        }
    }

    fn tuple(&mut self, types: &[TypeId]) -> Result<Value> {
        let mut items = Vec::with_capacity(types.len());
        self.array(|reader, i| match types.get(i) {
            Some(ty) => {
                items.push(reader.value(*ty).map_err(|e| e.at_index(i))?);
                Ok(())
            }
            None => reader.skip(),
        })?;
        // An option at the end may be left out.
        while let Some(ty) = types.get(items.len()) {
            match self.codecs.get(*ty) {
                Codec::Option(_) => items.push(Value::none()),
                _ => return Self::fault(Fault::Value { expected: "an array with more items" }),
            }
        }
        Ok(Value::Tuple(items.into()))
    }

    fn map(&mut self, value: TypeId) -> Result<Value> {
        let mut entries = Entries::default();
        self.object(&mut entries, |reader, entries, key| {
            let value = reader.value(value).map_err(|e| e.at_key(key))?;
            entries.insert(key, value);
            Ok(())
        })?;
        Ok(entries.into_value())
    }

    fn record(&mut self, object: &ObjectCodec) -> Result<Value> {
        let mut filled = Filled { slots: object.absent.to_vec(), hint: 0, additional: Entries::default() };
        self.object(&mut filled, |reader, filled, key| reader.member(object, filled, key))?;
        if let Some((slot, _)) = object.additional {
            filled.slots[slot as usize] = Some(filled.additional.into_value());
        }
        // Only the slots of required members start empty.
        if let Some(slot) = filled.slots.iter().position(Option::is_none) {
            let member = object.members.iter().find(|m| m.slot as usize == slot);
            return Self::fault(Fault::Missing { key: member.map(|m| m.key.clone()).unwrap_or_default() });
        }
        Ok(Value::Record(filled.slots.into_iter().flatten().collect()))
    }

    fn member(&mut self, object: &ObjectCodec, filled: &mut Filled, key: &str) -> Result<()> {
        if let Some((at, member)) = object.member(key, filled.hint) {
            filled.hint = at + 1;
            let slot = member.slot as usize;
            filled.slots[slot] = if member.null_is_absent && self.is_null() {
                self.scanner.null()?;
                object.absent[slot].clone()
            } else {
                self.declared += 1;
                Some(self.value(member.ty).map_err(|e| e.at_key(key))?)
            };
            return Ok(());
        }
        match object.additional {
            Some((_, value)) if !object.constant_keys.contains(key) => {
                if self.is_null() && !self.accepts_null(value) {
                    return self.scanner.null();
                }
                let value = self.value(value).map_err(|e| e.at_key(key))?;
                filled.additional.insert(key, value);
                Ok(())
            }
            _ => self.skip(),
        }
    }
}

impl Reader<'_> {
    /// Whether null is a value of the type.
    fn accepts_null(&self, ty: TypeId) -> bool {
        let types = self.tables.last().map_or(&[][..], |t| t.types);
        accepts_null(self.codecs, types, ty, 0)
    }
}

/// `types` are those of the nodes that references mean.
fn accepts_null(codecs: &Codecs, types: &[TypeId], ty: TypeId, depth: u32) -> bool {
    use super::codec::ArmCodec;
    use witwire_ir::wire::json::Literal;
    match codecs.get(ty) {
        _ if depth > 8 => false,
        Codec::Node(list) => types.get(*list as usize).is_some_and(|ty| accepts_null(codecs, types, *ty, depth + 1)),
        Codec::Table(table) => {
            table.types.get(table.root as usize).is_some_and(|ty| accepts_null(codecs, &table.types, *ty, depth + 1))
        }
        Codec::Raw | Codec::Option(_) | Codec::NullOr(_) => true,
        Codec::Literals(codec) => codec.literals.contains(&Literal::Null),
        Codec::Union(codec) => codec.arms.iter().any(|arm| match arm {
            ArmCodec::Value(ty) => accepts_null(codecs, types, *ty, depth + 1),
            ArmCodec::Constant(literal) => *literal == Literal::Null,
        }),
        _ => false,
    }
}

/// A record being read.
struct Filled {
    slots: Vec<Option<Value>>,
    /// The member that comes next if members come in the declared order.
    hint: usize,
    additional: Entries,
}

/// The entries of a map in order; the last of equal keys wins.
#[derive(Default)]
struct Entries {
    entries: Vec<(Box<str>, Value)>,
    /// Built only where there are more than a few entries.
    positions: HashMap<Box<str>, usize>,
}

impl Entries {
    const FEW: usize = 8;

    fn insert(&mut self, key: &str, value: Value) {
        if let Some(i) = self.position(key) {
            self.entries[i].1 = value;
            return;
        }
        self.entries.push((key.into(), value));
        if self.entries.len() == Self::FEW {
            self.positions = self.entries.iter().enumerate().map(|(i, (k, _))| (k.clone(), i)).collect();
        } else if self.entries.len() > Self::FEW {
            self.positions.insert(key.into(), self.entries.len() - 1);
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() < Self::FEW {
            self.entries.iter().position(|(k, _)| **k == *key)
        } else {
            self.positions.get(key).copied()
        }
    }

    fn into_value(self) -> Value {
        Value::List(self.entries.into_iter().map(|(k, v)| Value::tuple([Value::String(k), v])).collect())
    }
}
