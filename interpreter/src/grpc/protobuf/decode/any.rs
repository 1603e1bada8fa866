//! `google.protobuf.Any` as a variant of known messages.

use std::ops::Range;

use witwire_ir::Value;

use super::super::plan::AnyId;
use super::super::reader::{Reader, Span, WireType};
use super::{Decoded, Decoder, enter};

impl Decoder<'_> {
    /// An `Any` in one or more parts: the message that it holds where that is known and can be read, else (also where it nests too
    /// deep) its type URL and bytes.
    pub(super) fn any(&mut self, id: AnyId, first: Span, more: Range<usize>, depth: u32) -> Decoded<Value> {
        let plan = self.plans.any(id);
        let (mut url, mut content) =
            (Span { start: first.start, end: first.start }, Span { start: first.start, end: first.start });
        let spans: Vec<Span> = std::iter::once(first).chain(self.later[more.clone()].iter().map(|part| part.span)).collect();
        for span in spans {
            let mut reader = Reader::span(self.input, span);
            while !reader.is_done() {
                let key = reader.key()?;
                match (key.number, key.wire) {
                    (1, WireType::Bytes) => url = reader.delimited()?,
                    (2, WireType::Bytes) => content = reader.delimited()?,
                    _ => reader.skip(key, depth)?,
                }
            }
        }
        let url = &self.input[url.start as usize..url.end as usize];
        let name = url.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let known = plan.known.iter().position(|(known, _)| known.as_bytes() == name);
        if let Some(case) = known {
            self.charge(1, content.start as usize)?;
            let Some(nested) = plan.known[case].1 else { return Ok(Value::Variant(case as u32, None)) };
            // A known message refers to no node of the table around it; what a failure leaves behind is put right.
            let (base, nodes) = (self.later.len(), std::mem::take(&mut self.nodes));
            let value = enter(depth, content.start as usize).and_then(|depth| self.nested(nested, content, 0..0, depth));
            self.later.truncate(base);
            self.nodes = nodes;
            if let Ok(value) = value {
                return Ok(Value::case(case as u32, value));
            }
        }
        let other = self.message(plan.other, first, more, depth)?;
        Ok(Value::case(plan.known.len() as u32, other))
    }
}
