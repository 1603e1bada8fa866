//! Values → trees, the form in which `oracle.py` takes and gives messages: what a value means, said without the interpreter.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field, Presence};
use witwire_ir::{Api, TypeId, Value};

/// The tree of the message that a value of a type stands for.
pub(super) fn tree(api: &Api, ty: TypeId, value: &Value) -> Json {
    match &api.types[api.resolve(ty)].wire {
        Wire::Table(table) => {
            let nodes = Nodes { types: &table.nodes, lists: parts(value) };
            nodes.node(api, table.root, 0)
        }
        _ => Nodes { types: &[], lists: &[] }.record(api, ty, value),
    }
}

/// Bytes as the oracle writes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes that the oracle wrote.
pub(super) fn unhex(text: &Json) -> Vec<u8> {
    super::super::merging::hex(text.as_str().expect("bytes are hex"))
}

/// The table that a node is in.
#[derive(Clone, Copy)]
struct Nodes<'a> {
    types: &'a [TypeId],
    lists: &'a [Value],
}

fn parts(value: &Value) -> &[Value] {
    match value {
        Value::Record(parts) | Value::List(parts) | Value::Tuple(parts) => parts,
        other => panic!("no parts: {other:?}"),
    }
}

impl Nodes<'_> {
    fn node(self, api: &Api, list: u16, node: u32) -> Json {
        self.record(api, self.types[list as usize], &parts(&self.lists[list as usize])[node as usize])
    }

    fn record(self, api: &Api, ty: TypeId, value: &Value) -> Json {
        let Wire::Message(map) = &api.types[api.resolve(ty)].wire else { panic!("no message") };
        let mut out = Map::new();
        for (field, value) in map.fields.iter().zip(parts(value)) {
            if let Some((number, content)) = self.field(api, field, value) {
                out.insert(number.to_string(), content);
            }
        }
        // A `u32` for the guest, since those of a valid timestamp are never negative.
        if let ("google.protobuf.Timestamp", Some(nanoseconds)) = (&map.full_name[..], out.get_mut("2")) {
            *nanoseconds = json!(nanoseconds.as_u64().expect("a `u32`") as u32 as i32);
        }
        Json::Object(out)
    }

    /// The number and content of a field that is there.
    fn field(self, api: &Api, field: &Field, value: &Value) -> Option<(u32, Json)> {
        let empty = || Json::Object(Map::new());
        match (field, value) {
            (Field::Singular { presence: Presence::Explicit, .. }, Value::Option(None)) => None,
            (Field::Singular { number, codec, presence: Presence::Explicit, .. }, Value::Option(Some(value))) => {
                Some((*number, self.value(api, codec, value)))
            }
            (Field::Singular { number, codec, presence, .. }, value) => {
                let content = self.value(api, codec, value);
                (*presence != Presence::Implicit || !is_zero(&content, value)).then_some((*number, content))
            }
            (Field::Repeated { number, codec, .. }, Value::List(items)) => {
                let items: Vec<Json> = items.iter().map(|item| self.value(api, codec, item)).collect();
                (!items.is_empty()).then(|| (*number, Json::Array(items)))
            }
            (Field::Map { number, value: codec, .. }, Value::List(entries)) => {
                let mut entries: Vec<(&Value, Json)> = entries
                    .iter()
                    .map(|entry| match (codec, entry) {
                        (Codec::Empty, key) => (key, empty()),
                        (codec, entry) => {
                            let [key, value] = parts(entry) else { panic!("a pair") };
                            (key, self.value(api, codec, value))
                        }
                    })
                    .collect();
                entries.sort_by_cached_key(|(key, _)| order(key));
                let pairs: Vec<Json> = entries.into_iter().map(|(key, value)| json!([scalar(key), value])).collect();
                (!pairs.is_empty()).then(|| (*number, Json::Array(pairs)))
            }
            (Field::Oneof { .. }, Value::Option(None)) => None,
            (Field::Oneof { cases, .. }, Value::Option(Some(value))) => {
                let Value::Variant(case, payload) = &**value else { panic!("a variant") };
                let case = &cases[*case as usize];
                let content = match payload {
                    None if case.codec == Codec::Null => json!(0),
                    None => empty(),
                    Some(payload) => self.value(api, &case.codec, payload),
                };
                Some((case.number, content))
            }
            (Field::EmptyFlag { number, .. }, Value::Bool(present)) => present.then(|| (*number, empty())),
            (Field::EmptyCount { number, .. }, Value::U32(count)) => {
                (*count > 0).then(|| (*number, (0..*count).map(|_| empty()).collect()))
            }
            (Field::Unknown, Value::Bytes(_)) => None,
            (field, value) => panic!("{field:?} cannot hold {value:?}"),
        }
    }

    fn value(self, api: &Api, codec: &Codec, value: &Value) -> Json {
        match codec {
            Codec::Scalar(_) => scalar(value),
            Codec::Enum(ty) => {
                let Wire::ProtoEnum(map) = &api.types[api.resolve(*ty)].wire else { panic!("no enum") };
                match value {
                    Value::Enum(case) | Value::Variant(case, None) => json!(map.numbers[*case as usize]),
                    Value::Variant(_, Some(number)) => scalar(number),
                    other => panic!("no enum: {other:?}"),
                }
            }
            Codec::Message(ty) | Codec::Group(ty) => tree(api, *ty, value),
            Codec::Node { list, .. } => match value {
                Value::U32(node) => self.node(api, *list, *node),
                other => panic!("no reference: {other:?}"),
            },
            Codec::Wrapper(_) => {
                let content = scalar(value);
                if is_zero(&content, value) { json!({}) } else { json!({ "1": content }) }
            }
            Codec::FieldMask => match parts(value) {
                [] => json!({}),
                paths => json!({ "1": paths.iter().map(scalar).collect::<Vec<_>>() }),
            },
            Codec::Empty | Codec::Null | Codec::Any(_) => panic!("{codec:?} has no value here"),
        }
    }
}

fn scalar(value: &Value) -> Json {
    match value {
        Value::Bool(v) => json!(v),
        Value::S32(v) => json!(v),
        Value::S64(v) => json!(v),
        Value::U32(v) => json!(v),
        Value::U64(v) => json!(v),
        // Python reads every `float` as a double, which makes a signalling NaN a quiet one.
        Value::F32(v) if v.is_nan() => json!(format!("{:08x}", v.to_bits() | 1 << 22)),
        Value::F32(v) => json!(format!("{:08x}", v.to_bits())),
        Value::F64(v) => json!(format!("{:016x}", v.to_bits())),
        Value::String(v) => json!(&**v),
        Value::Bytes(v) => json!(hex(v)),
        other => panic!("no scalar: {other:?}"),
    }
}

/// Whether a field without presence leaves it out. Minus zero is not zero.
fn is_zero(content: &Json, value: &Value) -> bool {
    match value {
        Value::F32(v) => v.to_bits() == 0,
        Value::F64(v) => v.to_bits() == 0,
        Value::Bytes(bytes) => bytes.is_empty(),
        _ => *content == json!(0) || *content == json!("") || *content == json!(false),
    }
}

/// Where a key of a map stands among others: numbers by size, texts by their code points.
fn order(key: &Value) -> (i128, String) {
    match key {
        Value::Bool(v) => (i128::from(*v), String::new()),
        Value::S32(v) => (i128::from(*v), String::new()),
        Value::S64(v) => (i128::from(*v), String::new()),
        Value::U32(v) => (i128::from(*v), String::new()),
        Value::U64(v) => (i128::from(*v), String::new()),
        Value::String(v) => (0, v.to_string()),
        other => panic!("no key: {other:?}"),
    }
}
