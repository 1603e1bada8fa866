//! Which arm of a union a JSON value is.

use std::borrow::Cow;

use witwire_ir::Value;
use witwire_ir::wire::json::Kind;

use super::codec::{ArmCodec, RungCodec, UnionCodec};
use super::literal;
use super::read::{Fault, ReadError, Reader, Result};
use super::scan::Scanner;

/// Reads a union: the ladder's first rung that names an arm decides. What no rung names is kept as text where the type can.
pub(super) fn read(reader: &mut Reader<'_>, codec: &UnionCodec) -> Result<Value> {
    let mut probe = Probe::new(reader)?;
    for rung in &codec.ladder {
        let named = match rung {
            RungCodec::Discriminator { key, values, covers } => match probe.string(key)? {
                Some(value) => match values.get(&*value).map(Vec::as_slice) {
                    // The value says that it is an arm of a newer document. One that has the same members is not it.
                    None if *covers && codec.open => break,
                    None => None,
                    Some([only]) => Some(*only),
                    // Where it fits none of them, the first says why.
                    Some(several) => match best(reader, codec, several)? {
                        Some(value) => return Ok(value),
                        None => several.first().copied(),
                    },
                },
                None => None,
            },
            RungCodec::Kind(kinds) => of_kind(kinds.iter().map(|(k, arm)| (*k, *arm)), probe.kind),
            RungCodec::Key(keys) => {
                let members = probe.members()?;
                keys.iter().find(|(key, _)| members.iter().any(|(k, _)| k == key)).map(|(_, arm)| *arm)
            }
            RungCodec::KeyKind(keys) => probe.key_kind(keys)?,
            RungCodec::Best(arms) => match best(reader, codec, arms)? {
                Some(value) => return Ok(value),
                None => None,
            },
        };
        let Some(case) = named else { continue };
        match codec.arms.get(case as usize) {
            Some(ArmCodec::Value(ty)) => return reader.value(*ty).map(|v| Value::case(case.into(), v)),
            Some(ArmCodec::Constant(constant)) => {
                let text = reader.scanner.clone().skip()?;
                if literal::is(constant, text) {
                    reader.scanner.skip()?;
                    return Ok(Value::Variant(case.into(), None));
                }
            }
            None => {}
        }
    }
    if codec.open {
        let text = reader.scanner.skip()?;
        return Ok(Value::case(codec.arms.len() as u32, Value::string(text)));
    }
    Err(ReadError::new(Fault::NoArm))
}

/// The arm of a kind; an integer is a number too.
fn of_kind(kinds: impl Iterator<Item = (Kind, u16)> + Clone, kind: Kind) -> Option<u16> {
    let exact = kinds.clone().find(|(k, _)| *k == kind);
    let mut wider = kinds;
    let wider = || wider.find(|(k, _)| kind == Kind::Integer && *k == Kind::Number);
    exact.or_else(wider).map(|(_, arm)| arm)
}

/// An arm that reads.
struct Fit<'a> {
    /// Declared members met, those before the union included.
    declared: u32,
    value: Value,
    /// Behind the value.
    scanner: Scanner<'a>,
    /// The nodes that the value refers to, by list.
    nodes: Vec<Vec<Value>>,
}

/// The first arm that reads, or one with more declared members. A fault in the text itself, or of effort, ends the search.
fn best(reader: &mut Reader<'_>, codec: &UnionCodec, arms: &[u16]) -> Result<Option<Value>> {
    let start = reader.scanner.clone();
    let declared = reader.declared;
    let mark = reader.mark();
    let mut best: Option<Fit<'_>> = None;
    for case in arms {
        reader.scanner = start.clone();
        reader.declared = declared;
        let value = match &codec.arms[*case as usize] {
            ArmCodec::Value(ty) => reader.value(*ty).map(|v| Some(Value::case((*case).into(), v))),
            ArmCodec::Constant(constant) => {
                let text = reader.scanner.skip()?;
                Ok(literal::is(constant, text).then(|| Value::Variant((*case).into(), None)))
            }
        };
        // Every arm is read with the same nodes before it, so that positions stay true.
        let nodes = reader.take_since(&mark);
        match value {
            Ok(Some(value)) if best.as_ref().is_none_or(|best| reader.declared > best.declared) => {
                let scanner = reader.scanner.clone();
                best = Some(Fit { declared: reader.declared, value, scanner, nodes });
            }
            Ok(_) => {}
            Err(error) if error.is_final() => return Err(error),
            Err(_) => {}
        }
    }
    reader.scanner = start;
    reader.declared = declared;
    Ok(best.map(|fit| {
        reader.declared = fit.declared;
        reader.scanner = fit.scanner;
        reader.put_back(fit.nodes);
        fit.value
    }))
}

/// What is known of a value before it is read.
struct Probe<'a> {
    start: Scanner<'a>,
    kind: Kind,
    /// Keys and where their values start; read when a rung first asks.
    members: Option<Vec<(Cow<'a, str>, Scanner<'a>)>>,
}

impl<'a> Probe<'a> {
    fn new(reader: &mut Reader<'a>) -> Result<Self> {
        let kind = reader.scanner.kind()?;
        Ok(Self { start: reader.scanner.clone(), kind, members: None })
    }

    fn members(&mut self) -> Result<&[(Cow<'a, str>, Scanner<'a>)]> {
        if self.members.is_none() {
            let mut members = Vec::new();
            if self.kind == Kind::Object {
                self.start.clone().object(&mut members, |scanner, members, key| {
                    members.push((key, scanner.clone()));
                    scanner.skip().map(drop)
                })?;
            }
            self.members = Some(members);
        }
        Ok(self.members.as_deref().unwrap_or_default())
    }

    /// The value of a key; the last of equal keys.
    fn member(&mut self, key: &str) -> Result<Option<Scanner<'a>>> {
        Ok(self.members()?.iter().rev().find(|(k, _)| k == key).map(|(_, scanner)| scanner.clone()))
    }

    /// The string at a key.
    fn string(&mut self, key: &str) -> Result<Option<Cow<'a, str>>> {
        let Some(mut scanner) = self.member(key)? else { return Ok(None) };
        if scanner.kind()? == Kind::String { scanner.string().map(Some) } else { Ok(None) }
    }

    /// The arm that the kind of a key's value names.
    fn key_kind(&mut self, keys: &[(String, Kind, u16)]) -> Result<Option<u16>> {
        for (i, (key, ..)) in keys.iter().enumerate() {
            let Some(mut scanner) = self.member(key)? else { continue };
            let kind = scanner.kind()?;
            let same_key = keys[i..].iter().filter(|(k, ..)| k == key).map(|(_, kind, arm)| (*kind, *arm));
            if let Some(arm) = of_kind(same_key, kind) {
                return Ok(Some(arm));
            }
        }
        Ok(None)
    }
}
