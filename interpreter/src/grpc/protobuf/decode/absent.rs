//! Messages that are never absent for the guest and are not there.

use witwire_ir::Value;

use super::super::error::Step;
use super::super::plan::{MessageId, MessagePlan, Nested};
use super::{Decoded, Decoder, enter};

impl<'a> Decoder<'a> {
    /// Gives messages that are never absent their default where they are.
    pub(super) fn fill_bare(&mut self, plan: &'a MessagePlan, slots: &mut [Value], depth: u32) -> Decoded<()> {
        for &(slot, nested) in &plan.bare {
            if matches!(slots[slot as usize], Value::Option(None)) {
                slots[slot as usize] = self.default(nested, depth).map_err(|e| e.within(Step::Slot(plan.ty, slot)))?;
            }
        }
        Ok(())
    }

    /// The value of an absent message that is never absent for the guest. What it requires in turn is not asked for.
    fn default(&mut self, nested: Nested, depth: u32) -> Decoded<Value> {
        let depth = enter(depth, self.input.len())?;
        match nested {
            Nested::Message(id) => self.default_message(id, depth),
            Nested::Table(id) => self.table(id, |d, list, id| d.default_node(list, id, depth).map(drop)),
            Nested::Node { list, id } => self.default_node(list, id, depth),
            Nested::FieldMask => Ok(Value::list([])),
            Nested::Any(id) => {
                let plan = self.plans.any(id);
                let other = self.default_message(plan.other, depth)?;
                Ok(Value::case(plan.known.len() as u32, other))
            }
        }
    }

    fn default_node(&mut self, list: u16, id: MessageId, depth: u32) -> Decoded<Value> {
        let nodes = &mut self.nodes[list as usize];
        let position = nodes.len();
        nodes.push(Value::Bool(false));
        let node = self.default_message(id, depth)?;
        self.nodes[list as usize][position] = node;
        Ok(Value::U32(position as u32))
    }

    fn default_message(&mut self, id: MessageId, depth: u32) -> Decoded<Value> {
        let plan = self.plans.message(id);
        self.charge(plan.blank.len() + 1, self.input.len())?;
        let mut slots = plan.blank.to_vec();
        self.fill_bare(plan, &mut slots, depth)?;
        Ok(Value::Record(slots.into()))
    }
}
