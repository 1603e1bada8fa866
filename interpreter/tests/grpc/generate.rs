//! Arbitrary values of a type, and arbitrary messages of a descriptor.

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value as Dynamic};
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field};
use witwire_ir::{Api, Shape, TypeId, Value};

/// A source of choices. `size` bounds lists and depth, so that generation ends.
pub(super) struct Generator {
    rng: TestRng,
    size: u32,
    /// Whether floats may be minus zero, which the oracle does not write where zero is not written (protobuf's own runtimes do).
    minus_zero: bool,
}

/// A seed and a size that a proptest can shrink.
pub(super) fn seeds() -> impl Strategy<Value = (u64, u32)> {
    (any::<u64>(), 0_u32..6)
}

impl Generator {
    pub(super) fn new((seed, size): (u64, u32)) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self { rng: TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &bytes), size, minus_zero: true }
    }

    /// For values that the oracle shall write.
    pub(super) fn without_minus_zero(mut self) -> Self {
        self.minus_zero = false;
        self
    }

    fn below(&mut self, end: u32) -> u32 {
        self.rng.next_u32() % end.max(1)
    }

    fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Bits with many zeros or ones as often as others, since limits are where mistakes are.
    fn bits(&mut self) -> u64 {
        let bits = self.rng.next_u64();
        match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => bits >> self.below(64),
            3 => !(bits >> self.below(64)),
            4 => 1 << self.below(64),
            _ => bits,
        }
    }

    /// A float that equals itself, so that messages can be compared.
    fn double(&mut self) -> f64 {
        match f64::from_bits(self.bits()) {
            v if v.is_nan() || v == 0.0 => self.zero(),
            v => v,
        }
    }

    fn float(&mut self) -> f32 {
        match f32::from_bits(self.bits() as u32) {
            v if v.is_nan() || v == 0.0 => self.zero() as f32,
            v => v,
        }
    }

    fn zero(&mut self) -> f64 {
        if self.minus_zero && self.chance() { -0.0 } else { 0.0 }
    }

    fn text(&mut self) -> String {
        let length = self.below(self.size * 4 + 1);
        let long = if self.below(40) == 0 { 300 } else { 1 };
        let alphabet = ['a', 'z', ' ', '\0', 'é', '漢', '🦀', '"'];
        (0..length * long).map(|_| alphabet[self.below(alphabet.len() as u32) as usize]).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(self.size * 4 + 1);
        (0..length).map(|_| self.rng.next_u32() as u8).collect()
    }

    fn length(&mut self, depth: u32) -> u32 {
        if depth == 0 { 0 } else { self.below(self.size + 1) }
    }

    /// A value of a type, none of whose lists repeats a map's key.
    pub(super) fn value(&mut self, api: &Api, ty: TypeId, depth: u32) -> Value {
        let ty = api.resolve(ty);
        match (&api.types[ty].wire, &api.types[ty].shape) {
            (Wire::Table(table), _) => {
                let mut nodes = vec![Vec::new(); table.nodes.len()];
                self.node(api, &table.nodes, table.root, depth, &mut nodes);
                Value::Record(nodes.into_iter().map(Value::list).collect())
            }
            (Wire::Message(map), Shape::Record(fields)) => {
                let slots = map.fields.iter().zip(fields).map(|(wire, field)| self.slot(api, wire, field.ty, depth));
                Value::Record(slots.collect())
            }
            (Wire::ProtoEnum(map), shape) => {
                let known = self.below(map.numbers.len() as u32);
                match shape {
                    Shape::Enum(_) => Value::Enum(known),
                    _ if self.below(4) > 0 => Value::Variant(known, None),
                    _ => {
                        let number = self.bits() as i32;
                        if map.numbers.contains(&number) {
                            Value::Variant(known, None)
                        } else {
                            Value::case(map.numbers.len() as u32, Value::S32(number))
                        }
                    }
                }
            }
            (_, Shape::Bool) => Value::Bool(self.chance()),
            (_, Shape::U32) => Value::U32(self.bits() as u32),
            (_, Shape::U64) => Value::U64(self.bits()),
            (_, Shape::S32) => Value::S32(self.bits() as i32),
            (_, Shape::S64) => Value::S64(self.bits() as i64),
            (_, Shape::F32) => Value::F32(self.float()),
            (_, Shape::F64) => Value::F64(self.double()),
            (_, Shape::String) => Value::string(self.text()),
            (_, Shape::Bytes) => Value::Bytes(self.bytes().into()),
            (_, Shape::List(item)) => {
                Value::List((0..self.length(depth)).map(|_| self.value(api, *item, depth - 1)).collect())
            }
            (_, Shape::Option(some)) => {
                let present = depth > 0 && self.chance();
                Value::option(present.then(|| self.value(api, *some, depth - 1)))
            }
            (_, Shape::Tuple(parts)) => Value::Tuple(parts.iter().map(|ty| self.value(api, *ty, depth)).collect()),
            (_, Shape::Variant(cases)) => {
                let case = self.below(cases.len() as u32);
                let payload = cases[case as usize].ty.map(|ty| Box::new(self.value(api, ty, depth)));
                Value::Variant(case, payload)
            }
            (wire, shape) => panic!("no generator for {shape:?} with {wire:?}"),
        }
    }

    fn slot(&mut self, api: &Api, wire: &Field, ty: TypeId, depth: u32) -> Value {
        match (wire, self.value(api, ty, depth.saturating_sub(1))) {
            // Any bytes are no fields.
            (Field::Unknown, _) => Value::Bytes(Box::default()),
            (Field::EmptyCount { .. }, _) => Value::U32(self.length(depth)),
            (Field::Map { .. }, Value::List(entries)) => {
                let mut keys = HashSet::new();
                let mut is_new = |entry: &Value| match entry {
                    Value::Tuple(pair) => keys.insert(format!("{:?}", pair[0])),
                    key => keys.insert(format!("{key:?}")),
                };
                let mut entries = entries.into_vec();
                entries.retain(|entry| is_new(entry));
                Value::list(entries)
            }
            (_, value) => value,
        }
    }

    /// Makes a node with the nodes below it. Which of its numbers are references is told by their codec, not their shape.
    fn node(&mut self, api: &Api, types: &[TypeId], list: u16, depth: u32, nodes: &mut Vec<Vec<Value>>) -> u32 {
        let position = nodes[list as usize].len();
        nodes[list as usize].push(Value::Bool(false));
        let ty = &api.types[types[list as usize]];
        let (Wire::Message(map), Shape::Record(fields)) = (&ty.wire, &ty.shape) else { panic!("a node is a message") };
        let mut slots = Vec::new();
        for (wire, field) in map.fields.iter().zip(fields) {
            let mut value = self.slot(api, wire, field.ty, depth);
            for (reference, target) in references(wire, &mut value) {
                *reference = Value::U32(self.node(api, types, target, depth.saturating_sub(1), nodes));
            }
            slots.push(value);
        }
        nodes[list as usize][position] = Value::record(slots);
        position as u32
    }

    /// A message, by its descriptor alone.
    pub(super) fn message(&mut self, message: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut out = DynamicMessage::new(message.clone());
        for field in message.fields() {
            let deep = matches!(field.kind(), Kind::Message(_));
            let required = field.cardinality() == Cardinality::Required;
            if !required && (deep && depth == 0 || self.chance()) {
                continue;
            }
            let value = if field.is_map() {
                let Kind::Message(entry) = field.kind() else { continue };
                let entries = (0..self.length(depth)).filter_map(|_| {
                    let key = map_key(self.dynamic(&entry.map_entry_key_field(), 0))?;
                    Some((key, self.dynamic(&entry.map_entry_value_field(), depth.saturating_sub(1))))
                });
                Dynamic::Map(entries.collect())
            } else if field.is_list() {
                Dynamic::List((0..self.length(depth)).map(|_| self.dynamic(&field, depth.saturating_sub(1))).collect())
            } else {
                self.dynamic(&field, depth.saturating_sub(1))
            };
            // What is not written cannot come back: to the oracle a field that was set to its default differs from an absent one.
            if field.supports_presence() || !value.is_default_for_field(&field) {
                out.set_field(&field, value);
            }
        }
        out
    }

    fn dynamic(&mut self, field: &FieldDescriptor, depth: u32) -> Dynamic {
        match field.kind() {
            Kind::Double => Dynamic::F64(self.double()),
            Kind::Float => Dynamic::F32(self.float()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Dynamic::I32(self.bits() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Dynamic::I64(self.bits() as i64),
            Kind::Uint32 | Kind::Fixed32 => Dynamic::U32(self.bits() as u32),
            Kind::Uint64 | Kind::Fixed64 => Dynamic::U64(self.bits()),
            Kind::Bool => Dynamic::Bool(self.chance()),
            Kind::String => Dynamic::String(self.text()),
            Kind::Bytes => Dynamic::Bytes(self.bytes().into()),
            Kind::Message(message) => Dynamic::Message(self.message(&message, depth)),
            Kind::Enum(e) => {
                let values: Vec<i32> = e.values().map(|v| v.number()).collect();
                Dynamic::EnumNumber(values[self.below(values.len() as u32) as usize])
            }
        }
    }
}

/// The references of a field's value, with the list that each points into.
fn references<'a>(field: &Field, value: &'a mut Value) -> Vec<(&'a mut Value, u16)> {
    let node = |codec: &Codec| match codec {
        Codec::Node { list, .. } => Some(*list),
        _ => None,
    };
    match (field, value) {
        (Field::Singular { codec, .. }, Value::Option(Some(value))) => {
            node(codec).map(|list| (&mut **value, list)).into_iter().collect()
        }
        (Field::Singular { codec, .. }, value) => {
            node(codec).filter(|_| matches!(value, Value::U32(_))).map(|list| (value, list)).into_iter().collect()
        }
        (Field::Repeated { codec, .. }, Value::List(items)) => match node(codec) {
            Some(list) => items.iter_mut().map(|item| (item, list)).collect(),
            None => Vec::new(),
        },
        (Field::Map { value: codec, .. }, Value::List(entries)) => match node(codec) {
            Some(list) => entries
                .iter_mut()
                .filter_map(|entry| match entry {
                    Value::Tuple(pair) => pair.get_mut(1).map(|value| (value, list)),
                    _ => None,
                })
                .collect(),
            None => Vec::new(),
        },
        (Field::Oneof { cases, .. }, Value::Option(Some(variant))) => match &mut **variant {
            Value::Variant(case, Some(payload)) => {
                node(&cases[*case as usize].codec).map(|list| (&mut **payload, list)).into_iter().collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn map_key(value: Dynamic) -> Option<MapKey> {
    Some(match value {
        Dynamic::Bool(v) => MapKey::Bool(v),
        Dynamic::I32(v) => MapKey::I32(v),
        Dynamic::I64(v) => MapKey::I64(v),
        Dynamic::U32(v) => MapKey::U32(v),
        Dynamic::U64(v) => MapKey::U64(v),
        Dynamic::String(v) => MapKey::String(v),
        _ => return None,
    })
}
