//! WAVE values as constants of a core module: flat operands and a memory image, by the canonical ABI.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use wasm_wave::value::Value;
use wasm_wave::wasm::WasmValue;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{FlagsRepr, Int, Resolve, SizeAlign, Type, TypeDefKind};

use crate::guest::core_type;

/// A constant operand: its core type and its bits, zero-extended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operand {
    pub(crate) ty: WasmType,
    pub(crate) bits: u64,
}

impl Operand {
    /// The instruction that pushes it.
    pub(crate) fn instruction(self) -> String {
        match core_type(self.ty) {
            "i32" => format!("(i32.const {})", self.bits as u32 as i32),
            "i64" => format!("(i64.const {})", self.bits as i64),
            "f32" => format!("(f32.reinterpret_i32 (i32.const {}))", self.bits as u32 as i32),
            _ => format!("(f64.reinterpret_i64 (i64.const {}))", self.bits as i64),
        }
    }
}

/// The part of a guest's memory that is filled before it runs.
pub(crate) struct Image<'a> {
    pub(crate) resolve: &'a Resolve,
    pub(crate) sizes: SizeAlign,
    base: u32,
    bytes: Vec<u8>,
}

/// The name, position and payload type of a variant-like type's chosen case.
struct Chosen<'v> {
    tag: Int,
    case: usize,
    payload: Option<(Type, std::borrow::Cow<'v, Value>)>,
    cases: Vec<Option<Type>>,
}

impl<'a> Image<'a> {
    /// An empty image at an address that is a multiple of 16.
    pub(crate) fn new(resolve: &'a Resolve, base: u32) -> Self {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        Self { resolve, sizes, base, bytes: Vec::new() }
    }

    /// Reserves zeroed space.
    pub(crate) fn reserve(&mut self, size: usize, align: usize) -> u32 {
        let start = self.bytes.len().next_multiple_of(align.max(1));
        self.bytes.resize(start + size, 0);
        self.base + start as u32
    }

    /// The first address behind the image, a multiple of 16.
    pub(crate) fn end(&self) -> u32 {
        self.base + self.bytes.len().next_multiple_of(16) as u32
    }

    /// The data segment.
    pub(crate) fn data(&self) -> String {
        let mut escaped = String::with_capacity(3 * self.bytes.len());
        for byte in &self.bytes {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\{byte:02x}");
        }
        format!("(data (i32.const {}) \"{escaped}\")", self.base)
    }

    /// The parameters of a function as one tuple in memory, where they are too many to be passed flat. So many before the values, and those
    /// behind them, stay zero.
    pub(crate) fn store_params(&mut self, types: &[Type], values: &[Value], skipped: usize) -> Result<u32> {
        let info = self.sizes.params(types);
        let at = self.reserve(info.size.size_wasm32(), info.align.align_wasm32());
        let offsets: Vec<_> =
            self.sizes.field_offsets(types).into_iter().map(|(o, ty)| (o.size_wasm32() as u32, *ty)).collect();
        for ((offset, ty), value) in offsets.into_iter().skip(skipped).zip(values) {
            self.store(&ty, value, at + offset)?;
        }
        Ok(at)
    }

    /// A value as flat operands.
    pub(crate) fn flat(&mut self, ty: &Type, value: &Value, out: &mut Vec<Operand>) -> Result<()> {
        let i32_ = |bits: u64| Operand { ty: WasmType::I32, bits: u64::from(bits as u32) };
        match ty {
            Type::String => {
                let (at, len) = self.text(&value.unwrap_string());
                out.extend([i32_(at.into()), i32_(len.into())]);
            }
            Type::U64 | Type::S64 => out.push(Operand { ty: WasmType::I64, bits: scalar(ty, value)? }),
            Type::F32 => out.push(Operand { ty: WasmType::F32, bits: scalar(ty, value)? }),
            Type::F64 => out.push(Operand { ty: WasmType::F64, bits: scalar(ty, value)? }),
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(target) => self.flat(target, value, out)?,
                TypeDefKind::Record(record) => {
                    let types: Vec<_> = record.fields.iter().map(|f| f.ty).collect();
                    for (ty, (_, field)) in types.iter().zip(value.unwrap_record()) {
                        self.flat(ty, &field, out)?;
                    }
                }
                TypeDefKind::Tuple(tuple) => {
                    for (ty, item) in tuple.types.iter().zip(value.unwrap_tuple()) {
                        self.flat(ty, &item, out)?;
                    }
                }
                TypeDefKind::Flags(flags) => out.push(i32_(flag_bits(flags, value)?)),
                TypeDefKind::List(item) => {
                    let (at, len) = self.list(item, value)?;
                    out.extend([i32_(at.into()), i32_(len.into())]);
                }
                _ => {
                    let chosen = self.chosen(*id, value)?;
                    let mut storage = [WasmType::I32; 32];
                    let mut joined = FlatTypes::new(&mut storage);
                    if !self.resolve.push_flat(ty, &mut joined) {
                        bail!("a variant with more than 32 flat values");
                    }
                    let joined = joined.to_vec();
                    let start = out.len();
                    out.push(i32_(chosen.case as u64));
                    if let Some((ty, payload)) = &chosen.payload {
                        self.flat(ty, payload, out)?;
                    }
                    // Payload operands take the joined types of all cases; the bits stay, what is missing is zero.
                    out.resize(start + joined.len(), i32_(0));
                    for (operand, ty) in out[start..].iter_mut().zip(joined) {
                        operand.ty = ty;
                    }
                }
            },
            _ => out.push(i32_(scalar(ty, value)?)),
        }
        Ok(())
    }

    fn store(&mut self, ty: &Type, value: &Value, at: u32) -> Result<()> {
        match ty {
            Type::String => {
                let (text, len) = self.text(&value.unwrap_string());
                self.write(at, &text.to_le_bytes());
                self.write(at + 4, &len.to_le_bytes());
            }
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(target) => self.store(target, value, at)?,
                TypeDefKind::Record(record) => {
                    let types: Vec<_> = record.fields.iter().map(|f| f.ty).collect();
                    let fields: Vec<_> = value.unwrap_record().map(|(_, v)| v.into_owned()).collect();
                    self.store_fields(&types, fields.iter(), at)?;
                }
                TypeDefKind::Tuple(tuple) => {
                    let items: Vec<_> = value.unwrap_tuple().map(std::borrow::Cow::into_owned).collect();
                    self.store_fields(&tuple.types, items.iter(), at)?;
                }
                TypeDefKind::Flags(flags) => {
                    let size = match flags.repr() {
                        FlagsRepr::U8 => 1,
                        FlagsRepr::U16 => 2,
                        FlagsRepr::U32(_) => 4,
                    };
                    self.write(at, &flag_bits(flags, value)?.to_le_bytes()[..size]);
                }
                TypeDefKind::List(item) => {
                    let (list, len) = self.list(item, value)?;
                    self.write(at, &list.to_le_bytes());
                    self.write(at + 4, &len.to_le_bytes());
                }
                _ => {
                    let chosen = self.chosen(*id, value)?;
                    let size = match chosen.tag {
                        Int::U8 => 1,
                        Int::U16 => 2,
                        Int::U32 | Int::U64 => 4,
                    };
                    self.write(at, &(chosen.case as u32).to_le_bytes()[..size]);
                    if let Some((ty, payload)) = &chosen.payload {
                        let offset = self.sizes.payload_offset(chosen.tag, chosen.cases.iter().map(Option::as_ref));
                        self.store(ty, payload, at + offset.size_wasm32() as u32)?;
                    }
                }
            },
            _ => {
                let size = self.sizes.size(ty).size_wasm32();
                self.write(at, &scalar(ty, value)?.to_le_bytes()[..size]);
            }
        }
        Ok(())
    }

    fn store_fields<'v>(&mut self, types: &[Type], values: impl Iterator<Item = &'v Value>, at: u32) -> Result<()> {
        let offsets: Vec<_> =
            self.sizes.field_offsets(types).into_iter().map(|(o, ty)| (o.size_wasm32() as u32, *ty)).collect();
        for ((offset, ty), value) in offsets.into_iter().zip(values) {
            self.store(&ty, value, at + offset)?;
        }
        Ok(())
    }

    fn list(&mut self, item: &Type, value: &Value) -> Result<(u32, u32)> {
        let items: Vec<_> = value.unwrap_list().map(std::borrow::Cow::into_owned).collect();
        let (size, align) = (self.sizes.size(item).size_wasm32(), self.sizes.align(item).align_wasm32());
        let at = self.reserve(size * items.len(), align);
        for (i, value) in items.iter().enumerate() {
            self.store(item, value, at + (i * size) as u32)?;
        }
        Ok((at, items.len() as u32))
    }

    fn text(&mut self, text: &str) -> (u32, u32) {
        let at = self.reserve(text.len(), 1);
        self.write(at, text.as_bytes());
        (at, text.len() as u32)
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        let start = (at - self.base) as usize;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
    }

    fn chosen<'v>(&self, id: wit_parser::TypeId, value: &'v Value) -> Result<Chosen<'v>> {
        let two = |case: usize, cases: [Option<Type>; 2], payload: Option<std::borrow::Cow<'v, Value>>| Chosen {
            tag: Int::U8,
            case,
            payload: cases[case].zip(payload),
            cases: cases.to_vec(),
        };
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Option(some) => {
                let payload = value.unwrap_option();
                two(usize::from(payload.is_some()), [None, Some(*some)], payload)
            }
            TypeDefKind::Result(result) => match value.unwrap_result() {
                Ok(payload) => two(0, [result.ok, result.err], payload),
                Err(payload) => two(1, [result.ok, result.err], payload),
            },
            TypeDefKind::Enum(cases) => {
                let name = value.unwrap_enum();
                let case = cases.cases.iter().position(|c| c.name == *name).context("no such case")?;
                Chosen { tag: cases.tag(), case, payload: None, cases: Vec::new() }
            }
            TypeDefKind::Variant(variant) => {
                let (name, payload) = value.unwrap_variant();
                let case = variant.cases.iter().position(|c| c.name == *name).context("no such case")?;
                Chosen {
                    tag: variant.tag(),
                    case,
                    payload: variant.cases[case].ty.zip(payload),
                    cases: variant.cases.iter().map(|c| c.ty).collect(),
                }
            }
            other => bail!("constants of {} are not supported", other.as_str()),
        })
    }
}

fn flag_bits(flags: &wit_parser::Flags, value: &Value) -> Result<u64> {
    if flags.flags.len() > 32 {
        bail!("constants of more than 32 flags are not supported");
    }
    value.unwrap_flags().try_fold(0, |bits, name| {
        let position = flags.flags.iter().position(|f| f.name == *name).context("no such flag")?;
        Ok(bits | 1 << position)
    })
}

/// The bits of a scalar; negative numbers are sign-extended.
fn scalar(ty: &Type, value: &Value) -> Result<u64> {
    Ok(match ty {
        Type::Bool => u64::from(value.unwrap_bool()),
        Type::U8 => value.unwrap_u8().into(),
        Type::U16 => value.unwrap_u16().into(),
        Type::U32 => value.unwrap_u32().into(),
        Type::U64 => value.unwrap_u64(),
        Type::S8 => i64::from(value.unwrap_s8()) as u64,
        Type::S16 => i64::from(value.unwrap_s16()) as u64,
        Type::S32 => i64::from(value.unwrap_s32()) as u64,
        Type::S64 => value.unwrap_s64() as u64,
        Type::F32 => value.unwrap_f32().to_bits().into(),
        Type::F64 => value.unwrap_f64().to_bits(),
        Type::Char => u32::from(value.unwrap_char()).into(),
        other => bail!("constants of {other:?} are not supported"),
    })
}
