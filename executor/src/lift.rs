//! Component values to universal values and back: the one module that knows both.
//!
//! [`Layout`] is made when a component is linked, from wasmtime's types and the API's at once, and is the proof that the two
//! agree. A call then converts by position: a record's slot, a case's index and a flag's bit are what they are on both sides.

use std::collections::HashMap;

use wasmtime::component::Val;
use witwire_ir::Value;

/// Position of a [`Node`] in its [`Layout`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// All types that the imports of one component use.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    nodes: Vec<Node>,
}

/// A type, as far as conversion needs it.
#[derive(Debug)]
pub(crate) enum Node {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    Bytes,
    List(NodeId),
    Option(NodeId),
    Tuple(Box<[NodeId]>),
    Result {
        ok: Option<NodeId>,
        err: Option<NodeId>,
    },
    Record(Box<[(Box<str>, NodeId)]>),
    Variant(Names, Box<[Option<NodeId>]>),
    Enum(Names),
    Flags(Names),
    /// A handle, which belongs to the store and is made or looked up beside the layout: see [`Layout::result`].
    Handle,
}

/// The names of cases or flags, by position and by name.
#[derive(Debug)]
pub(crate) struct Names {
    by_index: Box<[Box<str>]>,
    by_name: HashMap<Box<str>, u32>,
}

impl Names {
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let by_index: Box<[Box<str>]> = names.into_iter().map(Into::into).collect();
        let by_name = (0..).zip(&by_index).map(|(i, name)| (name.clone(), i)).collect();
        Self { by_index, by_name }
    }

    fn index(&self, name: &str) -> Result<u32, Misfit> {
        self.by_name.get(name).copied().ok_or(Misfit("a case that the type does not have"))
    }

    fn name(&self, index: u32) -> Result<&str, Misfit> {
        self.by_index.get(index as usize).map(|n| &**n).ok_or(Misfit("a case that the type does not have"))
    }
}

/// A value that is not of its type. From a guest: impossible, since wasmtime checked it. To a guest: the host made a wrong one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misfit(&'static str);

/// The result of a function.
#[derive(Debug)]
pub(crate) enum Lowered {
    /// A value without handles.
    Plain(Val),
    /// `ok` of a handle, by the host's number.
    Handle(u32),
}

impl Layout {
    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// A universal value as the result of a function, which may be `ok` of a handle.
    pub(crate) fn result(&self, id: NodeId, value: Value) -> Result<Lowered, Misfit> {
        match (self.node(id), value) {
            (Node::Result { ok: Some(ok), .. }, Value::Result(Ok(Some(handle))))
                if matches!(self.node(*ok), Node::Handle) =>
            {
                match *handle {
                    Value::Handle(handle) => Ok(Lowered::Handle(handle)),
                    _ => Err(Misfit("a value of another type")),
                }
            }
            (_, value) => self.lower(id, value).map(Lowered::Plain),
        }
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A guest's value as a universal one.
    pub(crate) fn lift(&self, id: NodeId, val: &Val) -> Result<Value, Misfit> {
        let payload = |id: Option<NodeId>, val: Option<&Val>| match (id, val) {
            (Some(id), Some(val)) => Ok(Some(Box::new(self.lift(id, val)?))),
            (None, None) => Ok(None),
            _ => Err(Misfit("a payload where there is none, or none where there is one")),
        };
        Ok(match (self.node(id), val) {
            (Node::Bool, Val::Bool(v)) => Value::Bool(*v),
            (Node::U8, Val::U8(v)) => Value::U8(*v),
            (Node::U16, Val::U16(v)) => Value::U16(*v),
            (Node::U32, Val::U32(v)) => Value::U32(*v),
            (Node::U64, Val::U64(v)) => Value::U64(*v),
            (Node::S8, Val::S8(v)) => Value::S8(*v),
            (Node::S16, Val::S16(v)) => Value::S16(*v),
            (Node::S32, Val::S32(v)) => Value::S32(*v),
            (Node::S64, Val::S64(v)) => Value::S64(*v),
            (Node::F32, Val::Float32(v)) => Value::F32(*v),
            (Node::F64, Val::Float64(v)) => Value::F64(*v),
            (Node::Char, Val::Char(v)) => Value::Char(*v),
            (Node::String, Val::String(v)) => Value::String(v.as_str().into()),
            (Node::Bytes, Val::List(items)) => Value::Bytes(
                items
                    .iter()
                    .map(|item| match item {
                        Val::U8(byte) => Ok(*byte),
                        _ => Err(Misfit("bytes that are not bytes")),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            (Node::List(item), Val::List(items)) => {
                Value::List(items.iter().map(|v| self.lift(*item, v)).collect::<Result<_, _>>()?)
            }
            (Node::Option(some), Val::Option(v)) => Value::Option(match v {
                Some(v) => Some(Box::new(self.lift(*some, v)?)),
                None => None,
            }),
            (Node::Tuple(types), Val::Tuple(items)) if types.len() == items.len() => {
                Value::Tuple(types.iter().zip(items).map(|(t, v)| self.lift(*t, v)).collect::<Result<_, _>>()?)
            }
            (Node::Result { ok, .. }, Val::Result(Ok(v))) => Value::Result(Ok(payload(*ok, v.as_deref())?)),
            (Node::Result { err, .. }, Val::Result(Err(v))) => Value::Result(Err(payload(*err, v.as_deref())?)),
            (Node::Record(fields), Val::Record(slots)) if fields.len() == slots.len() => {
                Value::Record(fields.iter().zip(slots).map(|((_, t), (_, v))| self.lift(*t, v)).collect::<Result<_, _>>()?)
            }
            (Node::Variant(names, cases), Val::Variant(case, v)) => {
                let case = names.index(case)?;
                Value::Variant(case, payload(cases[case as usize], v.as_deref())?)
            }
            (Node::Enum(names), Val::Enum(case)) => Value::Enum(names.index(case)?),
            (Node::Flags(names), Val::Flags(set)) => {
                Value::Flags(set.iter().try_fold(0, |bits, name| Ok(bits | 1 << names.index(name)?))?)
            }
            _ => return Err(Misfit("a value of another type")),
        })
    }

    /// A universal value as a guest's. It fails exactly where the value is not of the type, before wasmtime could notice:
    /// there, a value of the wrong shape would trap the guest and ruin its instance.
    pub(crate) fn lower(&self, id: NodeId, value: Value) -> Result<Val, Misfit> {
        let payload = |id: Option<NodeId>, value: Option<Box<Value>>| match (id, value) {
            (Some(id), Some(value)) => Ok(Some(Box::new(self.lower(id, *value)?))),
            (None, None) => Ok(None),
            _ => Err(Misfit("a payload where there is none, or none where there is one")),
        };
        Ok(match (self.node(id), value) {
            (Node::Bool, Value::Bool(v)) => Val::Bool(v),
            (Node::U8, Value::U8(v)) => Val::U8(v),
            (Node::U16, Value::U16(v)) => Val::U16(v),
            (Node::U32, Value::U32(v)) => Val::U32(v),
            (Node::U64, Value::U64(v)) => Val::U64(v),
            (Node::S8, Value::S8(v)) => Val::S8(v),
            (Node::S16, Value::S16(v)) => Val::S16(v),
            (Node::S32, Value::S32(v)) => Val::S32(v),
            (Node::S64, Value::S64(v)) => Val::S64(v),
            (Node::F32, Value::F32(v)) => Val::Float32(v),
            (Node::F64, Value::F64(v)) => Val::Float64(v),
            (Node::Char, Value::Char(v)) => Val::Char(v),
            (Node::String, Value::String(v)) => Val::String(v.into()),
            (Node::Bytes, Value::Bytes(v)) => Val::List(v.iter().map(|byte| Val::U8(*byte)).collect()),
            (Node::List(item), Value::List(items)) => {
                Val::List(items.into_iter().map(|v| self.lower(*item, v)).collect::<Result<_, _>>()?)
            }
            (Node::Option(some), Value::Option(v)) => Val::Option(match v {
                Some(v) => Some(Box::new(self.lower(*some, *v)?)),
                None => None,
            }),
            (Node::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
                Val::Tuple(types.iter().zip(items).map(|(t, v)| self.lower(*t, v)).collect::<Result<_, _>>()?)
            }
            (Node::Result { ok, .. }, Value::Result(Ok(v))) => Val::Result(Ok(payload(*ok, v)?)),
            (Node::Result { err, .. }, Value::Result(Err(v))) => Val::Result(Err(payload(*err, v)?)),
            (Node::Record(fields), Value::Record(slots)) if fields.len() == slots.len() => Val::Record(
                fields
                    .iter()
                    .zip(slots)
                    .map(|((name, t), v)| Ok((String::from(&**name), self.lower(*t, v)?)))
                    .collect::<Result<_, _>>()?,
            ),
            (Node::Variant(names, cases), Value::Variant(case, v)) => {
                Val::Variant(names.name(case)?.to_owned(), payload(cases[case as usize], v)?)
            }
            (Node::Enum(names), Value::Enum(case)) => Val::Enum(names.name(case)?.to_owned()),
            (Node::Flags(names), Value::Flags(bits)) => {
                if bits.checked_shr(names.by_index.len() as u32).unwrap_or(0) != 0 {
                    return Err(Misfit("flags that the type does not have"));
                }
                let set = (0..).zip(&names.by_index).filter(|(i, _)| bits >> i & 1 == 1);
                Val::Flags(set.map(|(_, name)| String::from(&**name)).collect())
            }
            _ => return Err(Misfit("a value of another type")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A layout of one of each, and a value for it.
    fn everything() -> (Layout, NodeId, Value) {
        let mut layout = Layout::default();
        let text = layout.push(Node::String);
        let bytes = layout.push(Node::Bytes);
        let number = layout.push(Node::S64);
        let optional = layout.push(Node::Option(number));
        let list = layout.push(Node::List(optional));
        let pair = layout.push(Node::Tuple([text, number].into()));
        let variant = layout.push(Node::Variant(Names::new(["none", "pair"]), [None, Some(pair)].into()));
        let color = layout.push(Node::Enum(Names::new(["red", "green"])));
        let flags = layout.push(Node::Flags(Names::new((0..32).map(|i| ["a", "b"][i % 2]))));
        let result = layout.push(Node::Result { ok: Some(variant), err: None });
        let fields = [("b", bytes), ("l", list), ("r", result), ("c", color), ("f", flags)];
        let record = layout.push(Node::Record(fields.map(|(n, t)| (n.into(), t)).into()));
        let value = Value::record([
            Value::Bytes([0, 255].into()),
            Value::list([Value::none(), Value::some(Value::S64(-1))]),
            Value::ok(Some(Value::case(1, Value::tuple([Value::string("ü"), Value::S64(i64::MIN)])))),
            Value::Enum(1),
            Value::Flags(0),
        ]);
        (layout, record, value)
    }

    #[test]
    fn what_is_lowered_is_lifted_again() {
        let (layout, ty, value) = everything();
        let val = layout.lower(ty, value.clone()).unwrap();
        assert_eq!(layout.lift(ty, &val), Ok(value));
    }

    #[test]
    fn values_of_another_shape_are_refused_and_never_reach_wasmtime() {
        let (layout, ty, value) = everything();
        let Value::Record(slots) = value else { unreachable!("it is a record") };
        let wrong = [
            (0, Value::list([Value::U8(1)])),
            (1, Value::list([Value::S64(1)])),
            (2, Value::ok(None)),
            (2, Value::ok(Some(Value::Variant(2, None)))),
            (2, Value::ok(Some(Value::case(0, Value::Bool(true))))),
            (2, Value::ok(Some(Value::case(1, Value::tuple([Value::string("")]))))),
            (3, Value::Enum(2)),
            (4, Value::Enum(0)),
        ];
        for (slot, value) in wrong {
            let mut slots = slots.clone();
            slots[slot] = value;
            let value = Value::Record(slots);
            assert!(layout.lower(ty, value.clone()).is_err(), "{value:?}");
        }
        assert!(layout.lower(ty, Value::Record(slots[..4].into())).is_err());
    }

    #[test]
    fn flags_keep_all_32_bits() {
        let mut layout = Layout::default();
        let names: Vec<_> = (0..32).map(|i| format!("f{i}")).collect();
        let all = layout.push(Node::Flags(Names::new(names.iter().map(String::as_str))));
        let few = layout.push(Node::Flags(Names::new(names[..3].iter().map(String::as_str))));
        for bits in [0, 1, 0x8000_0001, u32::MAX] {
            let val = layout.lower(all, Value::Flags(bits)).unwrap();
            assert_eq!(layout.lift(all, &val), Ok(Value::Flags(bits)));
        }
        assert!(layout.lower(few, Value::Flags(8)).is_err());
    }
}
