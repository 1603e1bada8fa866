//! A message whose fields are being read, and what is put into its slots.

use witwire_ir::Value;

use super::super::plan::Presence;

/// A message whose fields are being read.
pub(super) struct Frame {
    pub(super) slots: Vec<Value>,
    /// By position in `MessagePlan::lists`; empty until the first item of any list.
    pub(super) lists: Vec<Vec<Value>>,
    /// By position in `MessagePlan::required`.
    pub(super) seen: Vec<bool>,
    /// Fields that are not known, where they are kept.
    pub(super) unknown: Vec<u8>,
    /// Whether the field that was just read counts as one of them.
    pub(super) unread: bool,
}

impl Frame {
    #[inline]
    pub(super) fn fill(&mut self, slot: u16, presence: Presence, value: Value) {
        self.slots[slot as usize] = match presence {
            Presence::Explicit => Value::some(value),
            Presence::Required { index } => {
                self.seen[index as usize] = true;
                value
            }
            Presence::Implicit | Presence::Bare => value,
        };
    }

    /// The case that a oneof's slot holds.
    pub(super) fn case(&self, slot: u16) -> Option<u32> {
        match &self.slots[slot as usize] {
            Value::Option(Some(variant)) => match **variant {
                Value::Variant(case, _) => Some(case),
                _ => None,
            },
            _ => None,
        }
    }

    /// Takes the payload out of a oneof's slot if it holds that case.
    pub(super) fn take_payload(&mut self, slot: u16, case: u32) -> Option<Value> {
        let Value::Option(Some(variant)) = &mut self.slots[slot as usize] else { return None };
        match &mut **variant {
            Value::Variant(earlier, payload) if *earlier == case => payload.take().map(|payload| *payload),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn set_case(&mut self, slot: u16, case: u32, payload: Option<Value>) {
        self.slots[slot as usize] = Value::some(Value::Variant(case, payload.map(Box::new)));
    }
}
