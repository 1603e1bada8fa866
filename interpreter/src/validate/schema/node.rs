//! Our values as the JSON instances that `jsonschema` reads.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object};
use serde_json::Value as Tree;
use witwire_ir::wire::json::Literal;
use witwire_ir::{TypeId, Value};

use crate::json::{ArmCodec, Codec, Codecs, Nodes, ObjectCodec};

/// The JSON representation that our values are.
#[derive(Debug)]
pub(in crate::validate) struct Wit;

/// What the values of one call share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) codecs: &'a Codecs,
    /// Parsed JSON texts, by the text's address.
    pub(super) trees: HashMap<usize, Tree>,
}

/// The address of a text, which lives as long as the call's arguments.
pub(super) fn address(text: &str) -> usize {
    text.as_ptr() as usize
}

/// A JSON instance.
#[derive(Debug, Clone, Copy)]
pub(in crate::validate) enum Node<'a> {
    Value(&'a Context<'a>, TypeId, &'a Value, Nodes<'a>),
    /// A body that is spread over slots of a record.
    Members(&'a Context<'a>, &'a ObjectCodec, &'a [Value]),
    Constant(&'a Literal),
    Tree(&'a Tree),
    Text(&'a str),
}

/// What a node is.
enum Seen<'a> {
    Null,
    Bool(bool),
    Number(Number<'a>),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    pub(super) fn value(context: &'a Context<'a>, ty: TypeId, value: &'a Value) -> Self {
        Self::Value(context, ty, value, Nodes::default())
    }

    fn seen(self) -> Seen<'a> {
        match self {
            Self::Text(text) => Seen::Text(text.into()),
            Self::Constant(literal) => of_literal(literal),
            Self::Tree(tree) => of_tree(tree),
            Self::Members(context, object, slots) => of_members(context, object, slots, Nodes::default()),
            Self::Value(context, ty, value, nodes) => of_value(context, ty, value, nodes),
        }
    }

    /// A text that is equal for equal instances: members sorted, numbers by value.
    fn canonical(self, out: &mut String) {
        // Writing to a `String` cannot fail.
        match self.seen() {
            Seen::Null => out.push('n'),
            Seen::Bool(b) => out.push(if b { 't' } else { 'f' }),
            Seen::Number(number) => drop(write!(out, "#{};", number.canonical())),
            Seen::Text(text) => drop(write!(out, "{text:?}")),
            Seen::Array(items) => {
                out.push('[');
                for item in items {
                    item.canonical(out);
                }
                out.push(']');
            }
            Seen::Object(mut members) => {
                members.sort_by(|a, b| a.0.cmp(&b.0));
                out.push('{');
                for (key, node) in members {
                    let _ = write!(out, "{key:?}");
                    node.canonical(out);
                }
                out.push('}');
            }
        }
    }
}

fn of_literal(literal: &Literal) -> Seen<'_> {
    match literal {
        Literal::Null => Seen::Null,
        Literal::Bool(b) => Seen::Bool(*b),
        Literal::Int(n) => Seen::Number(Number::Int((*n).into())),
        Literal::Number(text) => Seen::Number(Number::Text(text)),
        Literal::String(text) | Literal::Json(text) => Seen::Text(text.as_str().into()),
    }
}

fn of_tree(tree: &Tree) -> Seen<'_> {
    match tree {
        Tree::Null => Seen::Null,
        Tree::Bool(b) => Seen::Bool(*b),
        Tree::Number(n) => Seen::Number(Number::Tree(n)),
        Tree::String(text) => Seen::Text(text.as_str().into()),
        Tree::Array(items) => Seen::Array(items.iter().map(Node::Tree).collect()),
        Tree::Object(members) => {
            Seen::Object(members.iter().map(|(key, tree)| (key.as_str().into(), Node::Tree(tree))).collect())
        }
    }
}

fn of_value<'a>(context: &'a Context<'a>, ty: TypeId, value: &'a Value, nodes: Nodes<'a>) -> Seen<'a> {
    let node = |ty, value| Node::Value(context, ty, value, nodes);
    let int = |n: i128| Seen::Number(Number::Int(n));
    let raw = |text: &'a str| match context.trees.get(&address(text)) {
        Some(tree) => of_tree(tree),
        None => Seen::Text(text.into()),
    };
    match (context.codecs.get(ty), value) {
        (Codec::Option(inner), Value::Option(Some(value))) | (Codec::NullOr(inner), Value::Variant(_, Some(value))) => {
            of_value(context, *inner, value, nodes)
        }
        (Codec::Raw, Value::String(text)) => raw(text),
        (Codec::IntString(_), value) => match whole(value) {
            Some(n) => Seen::Text(n.to_string().into()),
            None => Seen::Null,
        },
        (Codec::Base64 { url_safe }, Value::Bytes(bytes)) => {
            Seen::Text(if *url_safe { URL_SAFE.encode(bytes) } else { STANDARD.encode(bytes) }.into())
        }
        (Codec::Literals(codec), Value::Enum(case) | Value::Variant(case, None)) => {
            codec.literals.get(*case as usize).map_or(Seen::Null, of_literal)
        }
        (Codec::Literals(_), Value::Variant(_, Some(payload))) => match &**payload {
            Value::String(text) => Seen::Text((&**text).into()),
            _ => Seen::Null,
        },
        (Codec::Union(codec), Value::Variant(case, payload)) => match (codec.arms.get(*case as usize), payload.as_deref()) {
            (Some(ArmCodec::Value(ty)), Some(value)) => of_value(context, *ty, value, nodes),
            (Some(ArmCodec::Constant(literal)), _) => of_literal(literal),
            (None, Some(Value::String(text))) => raw(text),
            _ => Seen::Null,
        },
        // Surveyed before: the references lead to nodes, and end.
        (Codec::Table(table), value) => match table.root(value) {
            Some((ty, root, nodes)) => of_value(context, ty, root, nodes),
            None => Seen::Null,
        },
        (Codec::Node(list), position) => match nodes.get(*list, position) {
            Some((ty, value)) => of_value(context, ty, value, nodes),
            None => Seen::Null,
        },
        (Codec::EmptyObject, Value::Bool(true)) => Seen::Object(Vec::new()),
        (Codec::List(item), Value::List(items)) => Seen::Array(items.iter().map(|v| node(*item, v)).collect()),
        (Codec::Tuple(types), Value::Tuple(items)) => {
            Seen::Array(types.iter().zip(items).map(|(ty, v)| node(*ty, v)).collect())
        }
        (Codec::Map(ty), Value::List(entries)) => Seen::Object(members(context, *ty, entries, nodes).collect()),
        (Codec::Object(object), Value::Record(slots)) => of_members(context, object, slots, nodes),
        (_, Value::Bool(b)) => Seen::Bool(*b),
        (_, Value::F32(f)) => Seen::Number(Number::Float((*f).into())),
        (_, Value::F64(f)) => Seen::Number(Number::Float(*f)),
        (_, Value::String(text)) => Seen::Text((&**text).into()),
        (_, Value::Char(c)) => Seen::Text(c.to_string().into()),
        (_, value) => whole(value).map_or(Seen::Null, int),
    }
}

/// The members that an object has.
fn of_members<'a>(context: &'a Context<'a>, object: &'a ObjectCodec, slots: &'a [Value], nodes: Nodes<'a>) -> Seen<'a> {
    let constants = object.constants.iter().map(|(key, literal)| (key.as_str().into(), Node::Constant(literal)));
    let declared = object.members.iter().filter_map(|member| {
        let value = slots.get(member.slot as usize).filter(|value| !member.omits(value))?;
        Some(((&*member.key).into(), Node::Value(context, member.ty, value, nodes)))
    });
    let additional = object.additional.and_then(|(slot, ty)| match slots.get(slot as usize) {
        Some(Value::List(entries)) => Some(members(context, ty, entries, nodes)),
        _ => None,
    });
    Seen::Object(constants.chain(declared).chain(additional.into_iter().flatten()).collect())
}

fn members<'a>(
    context: &'a Context<'a>,
    ty: TypeId,
    entries: &'a [Value],
    nodes: Nodes<'a>,
) -> impl Iterator<Item = (Cow<'a, str>, Node<'a>)> {
    entries.iter().filter_map(move |entry| match entry {
        Value::Tuple(pair) => match &pair[..] {
            [Value::String(key), value] => Some(((&**key).into(), Node::Value(context, ty, value, nodes))),
            _ => None,
        },
        _ => None,
    })
}

fn whole(value: &Value) -> Option<i128> {
    Some(match value {
        Value::U8(v) => (*v).into(),
        Value::U16(v) => (*v).into(),
        Value::U32(v) => (*v).into(),
        Value::U64(v) => (*v).into(),
        Value::S8(v) => (*v).into(),
        Value::S16(v) => (*v).into(),
        Value::S32(v) => (*v).into(),
        Value::S64(v) => (*v).into(),
        _ => return None,
    })
}

/// A number of an instance.
#[derive(Debug, Clone, Copy)]
pub(in crate::validate) enum Number<'a> {
    Int(i128),
    Float(f64),
    /// As a constant is written.
    Text(&'a str),
    Tree(&'a serde_json::Number),
}

impl Number<'_> {
    /// The integer that it is, whatever its spelling.
    fn int(self) -> Option<i128> {
        match self {
            Self::Int(n) => Some(n),
            // Within 2⁵³ every integer is a float of its own.
            Self::Float(f) => (f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0).then_some(f as i128),
            Self::Text(text) => crate::json::integer(text),
            Self::Tree(n) => crate::json::integer(&n.to_string()),
        }
    }

    fn float(self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(n as f64),
            Self::Float(f) => Some(f),
            Self::Text(text) => text.parse().ok(),
            Self::Tree(n) => n.to_string().parse().ok(),
        }
    }

    fn canonical(self) -> String {
        self.int().map_or_else(|| format!("{:?}", self.float()), |n| n.to_string())
    }
}

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.int()?.try_into().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.int()?.try_into().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.float()
    }

    fn as_str(&self) -> Cow<'_, str> {
        match self {
            Self::Int(n) => n.to_string().into(),
            Self::Float(f) => format!("{f:?}").into(),
            Self::Text(text) => (*text).into(),
            Self::Tree(n) => n.to_string().into(),
        }
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        match self {
            Self::Tree(n) => Cow::Borrowed(n),
            // What JSON cannot say (infinity) is refused when it is written; here it must only be some number.
            number => Cow::Owned(number.as_str().parse().unwrap_or_else(|_| 0.into())),
        }
    }

    fn is_integer(&self) -> bool {
        self.int().is_some()
    }

    fn is_written_as_integer(&self) -> bool {
        matches!(self, Self::Int(_)) || !self.as_str().contains(['.', 'e', 'E'])
    }
}

impl Json for Wit {
    type Node<'a> = Node<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = String;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>(buffer: &mut String, string: &str, f: impl FnOnce(Node<'_>) -> T) -> T {
        buffer.clear();
        buffer.push_str(string);
        f(Node::Text(buffer))
    }
}

impl<'a> JsonNode<'a, Wit> for Node<'a> {
    type Object = Members<'a>;
    type Array = Items<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        match self.seen() {
            Seen::Object(members) => Some(Members(members)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<Items<'a>> {
        match self.seen() {
            Seen::Array(items) => Some(Items(items)),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self.seen() {
            Seen::Text(text) => Some(text),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        match self.seen() {
            Seen::Number(number) => Some(number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.seen() {
            Seen::Bool(b) => Some(b),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self.seen(), Seen::Null)
    }

    fn json_type(&self) -> JsonType {
        match self.seen() {
            Seen::Null => JsonType::Null,
            Seen::Bool(_) => JsonType::Boolean,
            Seen::Number(_) => JsonType::Number,
            Seen::Text(_) => JsonType::String,
            Seen::Array(_) => JsonType::Array,
            Seen::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Tree) -> bool {
        let (mut ours, mut theirs) = (String::new(), String::new());
        self.canonical(&mut ours);
        Node::Tree(expected).canonical(&mut theirs);
        ours == theirs
    }

    /// Only errors ask for it, and no error may hold a value.
    fn to_value(&self) -> Cow<'a, Tree> {
        Cow::Owned(Tree::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Value(_, ty, value, _) => {
                use witwire_ir::Id;
                Some(NodeIdentity::tagged(std::ptr::from_ref(*value) as usize, ty.index() as u32))
            }
            Self::Tree(tree) => Some(NodeIdentity::new(std::ptr::from_ref(*tree) as usize)),
            Self::Members(..) | Self::Constant(_) | Self::Text(_) => None,
        }
    }
}

/// The items of an array.
#[derive(Debug)]
pub(in crate::validate) struct Items<'a>(Vec<Node<'a>>);

impl<'a> Array<'a, Wit> for Items<'a> {
    type Node = Node<'a>;
    type ElementsIter = std::vec::IntoIter<Node<'a>>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.0.clone().into_iter()
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.0.len());
        self.0.iter().all(|node| {
            let mut text = String::new();
            node.canonical(&mut text);
            seen.insert(text)
        })
    }
}

/// The members of an object.
#[derive(Debug)]
pub(in crate::validate) struct Members<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Object<'a, Wit> for Members<'a> {
    type Node = Node<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = std::vec::IntoIter<(Cow<'a, str>, Node<'a>)>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &Box<str>) -> Option<Node<'a>> {
        self.0.iter().find(|(name, _)| **name == **key).map(|(_, node)| *node)
    }

    fn members(&self) -> Self::MembersIter {
        self.0.clone().into_iter()
    }
}
