//! What is known of messages and enums before a call: the compiled form of the wire maps.

use witwire_ir::wire::proto::Scalar;
use witwire_ir::{TypeId, Value};

use super::writer::Tag;

/// All messages and enums that an API's operations reach; each is compiled once.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    pub(super) plans: Vec<MessagePlan>,
    pub(super) tables: Vec<TablePlan>,
    pub(super) enums: Vec<EnumPlan>,
    pub(super) anys: Vec<AnyPlan>,
}

/// A message that an operation sends or receives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Root(pub(super) Nested);

/// A message of [`Messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MessageId(pub(super) u32);

/// A recursive message of [`Messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableId(pub(super) u32);

/// An `Any` of known messages of [`Messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnyId(pub(super) u32);

/// An enum of [`Messages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EnumId(pub(super) u32);

impl Messages {
    #[inline]
    pub(super) fn message(&self, id: MessageId) -> &MessagePlan {
        &self.plans[id.0 as usize]
    }

    #[inline]
    pub(super) fn table(&self, id: TableId) -> &TablePlan {
        &self.tables[id.0 as usize]
    }

    pub(super) fn any(&self, id: AnyId) -> &AnyPlan {
        &self.anys[id.0 as usize]
    }

    #[inline]
    pub(super) fn enumeration(&self, id: EnumId) -> &EnumPlan {
        &self.enums[id.0 as usize]
    }
}

/// A message.
#[derive(Debug)]
pub(super) struct MessagePlan {
    /// The record, for paths.
    pub(super) ty: TypeId,
    /// By slot.
    pub(super) slots: Box<[SlotPlan]>,
    /// Every field, those of oneofs too; in slot order.
    pub(super) fields: Box<[FieldPlan]>,
    /// Field number → position in `fields`.
    pub(super) numbers: Numbers,
    /// The slots of a message without bytes. A slot of a message that is never absent holds `none` here until it is filled.
    pub(super) blank: Box<[Value]>,
    /// The lists that may grow while the message is read.
    pub(super) lists: Box<[ListPlan]>,
    /// Slots whose fields must be there.
    pub(super) required: Box<[u16]>,
    /// The slot of fields that are not known, if they are kept.
    pub(super) unknown: Option<u16>,
    /// Slots of messages that are never absent, with the message.
    pub(super) bare: Box<[(u16, Nested)]>,
}

/// A recursive message: a record of lists of nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct TablePlan {
    /// The record, for paths.
    pub(super) ty: TypeId,
    /// How many lists there are.
    pub(super) lists: u16,
    /// The list whose node 0 is the value.
    pub(super) root: u16,
    /// The message of the nodes of that list.
    pub(super) message: MessageId,
}

/// `google.protobuf.Any` as a variant.
#[derive(Debug)]
pub(super) struct AnyPlan {
    /// The full name of each message that is known, and its fields, if it has any; by case.
    pub(super) known: Box<[(String, Option<Nested>)]>,
    /// The message of the last case.
    pub(super) other: MessageId,
}

/// A slot that is a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListPlan {
    pub(super) slot: u16,
    /// Whether it is a map: of entries with equal keys the last one stays.
    pub(super) map: bool,
}

/// What a slot is written as.
#[derive(Debug, Clone, Copy)]
pub(super) enum SlotPlan {
    /// The field at a position in [`MessagePlan::fields`].
    Field(u16),
    /// Bytes of fields that are not known.
    Unknown,
    /// One of the fields from a position on, by case.
    Oneof { first: u16, count: u16 },
}

/// A field.
#[derive(Debug)]
pub(super) struct FieldPlan {
    pub(super) number: u32,
    pub(super) slot: u16,
    /// The tag that it is written with; of a group the start.
    pub(super) tag: Tag,
    pub(super) form: Form,
}

/// How a field fills its slot. `repr`, here and below, keeps the case in a byte of its own, which is quicker to branch on.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Form {
    /// One value.
    Singular { codec: Codec, presence: Presence },
    /// A list; `list` is the position in [`MessagePlan::lists`].
    Repeated { codec: Codec, packed: bool, list: u16 },
    /// A list of pairs, or of keys where the values are [`Codec::Empty`].
    Map { key: Scalar, value: Codec, list: u16 },
    /// A case of a variant in an option.
    Case { codec: Codec, case: u32 },
    /// A `bool` that stands for a message without fields.
    EmptyFlag { group: bool },
    /// A `u32` that counts messages without fields.
    EmptyCount { group: bool },
}

/// When a singular field is written, and what its absence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Presence {
    /// The bare type; its zero is not written.
    Implicit,
    /// An option.
    Explicit,
    /// The bare type, always written; `index` is the position in [`MessagePlan::required`].
    Required { index: u16 },
    /// The bare type, always written.
    Bare,
}

/// How one value is written after its tag.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Codec {
    Scalar(Scalar),
    Enum(EnumId),
    /// A wrapper of `google/protobuf/wrappers.proto`; the value is the scalar's.
    Wrapper(Scalar),
    /// A message without fields and without a value.
    Empty,
    /// The number 0, without a value.
    Null,
    /// A message whose value may be spread over several parts.
    Nested {
        nested: Nested,
        group: bool,
    },
}

/// A message with a value of its own.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Nested {
    /// A record.
    Message(MessageId),
    /// A recursive message, seen from outside of its group.
    Table(TableId),
    /// A message of the same recursive group: the value is a position in a list of the table.
    Node { list: u16, id: MessageId },
    /// A list of paths.
    FieldMask,
    /// A variant of known messages.
    Any(AnyId),
}

/// Field number → position. Numbers up to a few times the count of fields are looked up in a table, the others by search.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Position + 1 by number; 0 where no field has it.
    dense: Box<[u16]>,
    /// The other numbers, ascending.
    sparse: Box<[(u32, u16)]>,
}

impl Numbers {
    /// # Errors
    /// A number that stands twice.
    pub(super) fn new(numbers: impl ExactSizeIterator<Item = u32>) -> Result<Self, u32> {
        let limit = 64 + 4 * numbers.len() as u32;
        let mut all: Vec<(u32, u16)> = numbers.zip(0..).collect();
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(pair[0].0);
        }
        let sparse = all.split_off(all.partition_point(|(number, _)| *number < limit));
        let mut dense = vec![0; all.last().map_or(0, |(number, _)| *number as usize + 1)];
        for (number, position) in all {
            dense[number as usize] = position + 1;
        }
        Ok(Self { dense: dense.into(), sparse: sparse.into() })
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(0) => None,
            Some(position) => Some(*position as usize - 1),
            None => self.search(number),
        }
    }

    fn search(&self, number: u32) -> Option<usize> {
        let found = self.sparse.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(self.sparse[found].1 as usize)
    }
}

/// An enum.
#[derive(Debug)]
pub(super) struct EnumPlan {
    /// By case.
    pub(super) numbers: Box<[i32]>,
    /// Number → case, ascending; empty where the number is the case.
    cases: Box<[(i32, u32)]>,
    /// The case of the default value.
    pub(super) default: u32,
    /// A closed enum is an `enum`, an open one a variant whose last case keeps other numbers.
    pub(super) closed: bool,
}

impl EnumPlan {
    pub(super) fn new(numbers: &[i32], default: u32, closed: bool) -> Self {
        let mut cases: Vec<(i32, u32)> = numbers.iter().copied().zip(0..).collect();
        if cases.iter().all(|(number, case)| i64::from(*number) == i64::from(*case)) {
            cases.clear();
        }
        // Stable, so that of aliases the first case stays.
        cases.sort_by_key(|(number, _)| *number);
        cases.dedup_by_key(|(number, _)| *number);
        Self { numbers: numbers.into(), cases: cases.into(), default, closed }
    }

    #[inline]
    fn case(&self, number: i32) -> Option<u32> {
        if self.cases.is_empty() {
            return u32::try_from(number).ok().filter(|case| (*case as usize) < self.numbers.len());
        }
        let found = self.cases.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(self.cases[found].1)
    }

    /// The value of a number; `None` where a closed enum does not know it.
    #[inline]
    pub(super) fn value(&self, number: i32) -> Option<Value> {
        match self.case(number) {
            Some(case) => Some(self.known(case)),
            None if self.closed => None,
            None => Some(Value::case(self.numbers.len() as u32, Value::S32(number))),
        }
    }

    /// The value of absence.
    pub(super) fn default_value(&self) -> Value {
        self.known(self.default)
    }

    fn known(&self, case: u32) -> Value {
        if self.closed { Value::Enum(case) } else { Value::Variant(case, None) }
    }

    /// The number of a value; `None` where the value is not one of the enum.
    #[inline]
    pub(super) fn number(&self, value: &Value) -> Option<i32> {
        match value {
            Value::Enum(case) if self.closed => self.numbers.get(*case as usize).copied(),
            Value::Variant(case, None) if !self.closed => self.numbers.get(*case as usize).copied(),
            Value::Variant(case, Some(number)) if !self.closed && *case as usize == self.numbers.len() => match **number {
                Value::S32(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The zero value of a scalar.
pub(super) fn zero(scalar: Scalar) -> Value {
    match scalar {
        Scalar::Double => Value::F64(0.0),
        Scalar::Float => Value::F32(0.0),
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => Value::S32(0),
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => Value::S64(0),
        Scalar::Uint32 | Scalar::Fixed32 => Value::U32(0),
        Scalar::Uint64 | Scalar::Fixed64 => Value::U64(0),
        Scalar::Bool => Value::Bool(false),
        Scalar::String | Scalar::StringUnverified => Value::String(Box::default()),
        Scalar::Bytes => Value::Bytes(Box::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_near_and_far_are_found() {
        let all = [1, 2, 900, 3, 536_870_911, 84, 85];
        let numbers = Numbers::new(all.into_iter()).expect("distinct");
        for (position, number) in all.into_iter().enumerate() {
            assert_eq!(numbers.get(number), Some(position), "{number}");
        }
        for absent in [0, 4, 83, 86, 899, 901, 536_870_910, u32::MAX] {
            assert_eq!(numbers.get(absent), None, "{absent}");
        }
    }

    #[test]
    fn a_number_may_not_stand_twice() {
        assert_eq!(Numbers::new([1, 700, 700].into_iter()).err(), Some(700));
    }

    #[test]
    fn enums_with_gaps_and_aliases() {
        let open = EnumPlan::new(&[0, 5, -1, 5], 0, false);
        assert_eq!(open.value(5), Some(Value::Variant(1, None)));
        assert_eq!(open.value(-1), Some(Value::Variant(2, None)));
        assert_eq!(open.value(7), Some(Value::case(4, Value::S32(7))));
        assert_eq!(open.number(&Value::Variant(3, None)), Some(5));
        assert_eq!(open.number(&Value::Variant(4, None)), None, "the case of other numbers needs one");
        let closed = EnumPlan::new(&[0, 1], 0, true);
        assert_eq!((closed.value(1), closed.value(2)), (Some(Value::Enum(1)), None));
        assert_eq!(closed.number(&Value::Enum(2)), None);
    }
}
