//! Messages that are read without a plan of their own: wrappers, field masks, and those without fields.

use std::ops::Range;

use witwire_ir::Value;
use witwire_ir::wire::proto::Scalar;

use super::super::compile::scalar_wire;
use super::super::plan::zero;
use super::super::reader::{Reader, Span, WireType};
use super::scalar::read_scalar;
use super::{Decoded, Decoder, enter};

impl Decoder<'_> {
    /// A wrapper's scalar: a message of one field. `earlier` is what earlier parts of it said.
    pub(super) fn wrapper(&mut self, scalar: Scalar, span: Span, earlier: Option<Value>, depth: u32) -> Decoded<Value> {
        let depth = enter(depth, span.start as usize)?;
        let mut reader = Reader::span(self.input, span);
        let mut value = earlier;
        while !reader.is_done() {
            let key = reader.key()?;
            if key.number == 1 && key.wire == scalar_wire(scalar) {
                value = Some(read_scalar(&mut reader, scalar)?);
            } else {
                reader.skip(key, depth)?;
            }
        }
        Ok(value.unwrap_or_else(|| zero(scalar)))
    }

    pub(super) fn field_mask(&mut self, first: Span, more: Range<usize>, depth: u32) -> Decoded<Value> {
        let mut paths = Vec::new();
        for span in std::iter::once(first).chain(self.later[more].iter().map(|part| part.span)) {
            let mut reader = Reader::span(self.input, span);
            while !reader.is_done() {
                let key = reader.key()?;
                if key.number == 1 && key.wire == WireType::Bytes {
                    paths.push(read_scalar(&mut reader, Scalar::String)?);
                } else {
                    reader.skip(key, depth)?;
                }
            }
        }
        self.charge(paths.len(), first.start as usize)?;
        Ok(Value::List(paths.into()))
    }

    /// The content of a message without fields: unknown fields only.
    pub(super) fn empty(&self, span: Span, depth: u32) -> Decoded<()> {
        let depth = enter(depth, span.start as usize)?;
        Reader::span(self.input, span).skip_all(depth)
    }
}
