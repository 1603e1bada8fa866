//! Packed lists: numbers without tags of their own.

use witwire_ir::Value;

use super::super::compile::scalar_wire;
use super::super::error::{DecodeError, Fault};
use super::super::plan::{Codec, EnumId};
use super::super::reader::{Reader, Span, WireType};
use super::scalar::read_scalar;
use super::{Decoded, Decoder};

impl Decoder<'_> {
    pub(super) fn packed(&mut self, items: &mut Vec<Value>, codec: Codec, span: Span) -> Decoded<()> {
        let mut reader = Reader::span(self.input, span);
        let bytes = (span.end - span.start) as usize;
        match codec {
            Codec::Scalar(scalar) => {
                let size = match scalar_wire(scalar) {
                    WireType::Fixed32 => 4,
                    WireType::Fixed64 => 8,
                    _ => 1,
                };
                if !bytes.is_multiple_of(size) {
                    return Err(DecodeError::new(Fault::Packed, span.end as usize));
                }
                let count = match size {
                    1 => ends(&self.input[span.start as usize..span.end as usize]),
                    _ => bytes / size,
                };
                self.charge(count, reader.at())?;
                // Exact for the one part that a sender writes; amortized where there are more.
                if items.is_empty() {
                    items.reserve_exact(count);
                } else {
                    items.reserve(count);
                }
                while !reader.is_done() {
                    items.push(read_scalar(&mut reader, scalar)?);
                }
            }
            Codec::Enum(id) => {
                let plan = self.plans.enumeration(id);
                while !reader.is_done() {
                    self.charge(2, reader.at())?;
                    items.extend(plan.value(reader.varint()? as i32));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The numbers in a packed list that a closed enum does not know, as unknown fields of their own.
    pub(super) fn unknown_numbers(&self, id: EnumId, field: u32, span: Span, out: &mut Vec<u8>) -> Decoded<()> {
        let mut reader = Reader::span(self.input, span);
        while !reader.is_done() {
            let number = reader.varint()?;
            if self.plans.enumeration(id).value(number as i32).is_none() {
                push_varint(out, u64::from(field) << 3 | WireType::Varint as u64);
                push_varint(out, number);
            }
        }
        Ok(())
    }
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many varints end in some bytes.
fn ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte < 0x80).count()
}

pub(super) fn packable(codec: Codec) -> bool {
    match codec {
        Codec::Scalar(scalar) => scalar.packable(),
        Codec::Enum(_) => true,
        _ => false,
    }
}
