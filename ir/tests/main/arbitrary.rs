//! Arbitrary APIs that do not contradict themselves, and arbitrary values of their types.

use std::collections::HashSet;

use proptest::prelude::*;
use witwire_ir::operation::http::{
    HttpCall, Location, Method, MissingFrom, Parameter, ParameterEncoding, ParameterValue, Server,
};
use witwire_ir::operation::{Call, CallClass, KeyFormat, KeyHeader, Place};
use witwire_ir::sample::SplitMix64;
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::{Json, Literal, Member, Object, Presence};
use witwire_ir::{
    Api, AuthKind, AuthRequirement, AuthScheme, Case, Check, Field, Interface, InterfaceId, KEYWORDS, Label, Number,
    Operation, PackageName, Param, Protocol, Schema, Shape, Type, TypeId, TypeName, Value, WitName, World, host,
};

/// What a type is made of; numbers choose among what exists already, so that nothing is recursive.
#[derive(Debug, Clone)]
enum Recipe {
    Scalar(u8),
    List(usize),
    Option(usize),
    Tuple(Vec<usize>),
    Result(Option<usize>, Option<usize>),
    Record(Vec<(usize, usize)>),
    Variant(Vec<(usize, Option<usize>)>),
    Enum(Vec<usize>),
    Flags(Vec<usize>),
    Alias(usize),
}

#[derive(Debug, Clone)]
struct TypeRecipe {
    recipe: Recipe,
    interface: usize,
    name: usize,
    docs: Option<String>,
}

#[derive(Debug, Clone)]
struct OperationRecipe {
    name: usize,
    params: Vec<(usize, usize)>,
    ok: Option<usize>,
    deprecated: bool,
    docs: Option<String>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let part = || any::<usize>();
    prop_oneof![
        3 => any::<u8>().prop_map(Recipe::Scalar),
        2 => part().prop_map(Recipe::List),
        3 => part().prop_map(Recipe::Option),
        1 => prop::collection::vec(part(), 1..4).prop_map(Recipe::Tuple),
        1 => (prop::option::of(part()), prop::option::of(part())).prop_map(|(ok, err)| Recipe::Result(ok, err)),
        4 => prop::collection::vec((any::<usize>(), part()), 1..8).prop_map(Recipe::Record),
        3 => prop::collection::vec((any::<usize>(), prop::option::of(part())), 1..6).prop_map(Recipe::Variant),
        1 => prop::collection::vec(any::<usize>(), 1..6).prop_map(Recipe::Enum),
        1 => prop::collection::vec(any::<usize>(), 1..33).prop_map(Recipe::Flags),
        2 => part().prop_map(Recipe::Alias),
    ]
}

fn type_recipe() -> impl Strategy<Value = TypeRecipe> {
    (recipe(), 0usize..3, any::<usize>(), prop::option::of(any::<String>()))
        .prop_map(|(recipe, interface, name, docs)| TypeRecipe { recipe, interface, name, docs })
}

fn operation_recipe() -> impl Strategy<Value = OperationRecipe> {
    (
        any::<usize>(),
        prop::collection::vec((any::<usize>(), any::<usize>()), 0..4),
        prop::option::of(any::<usize>()),
        any::<bool>(),
        prop::option::of(any::<String>()),
    )
        .prop_map(|(name, params, ok, deprecated, docs)| OperationRecipe { name, params, ok, deprecated, docs })
}

/// An API that passes [`Api::check`].
pub(crate) fn api() -> impl Strategy<Value = Api> {
    (prop::collection::vec(type_recipe(), 0..24), prop::collection::vec(operation_recipe(), 0..5), any::<[u8; 32]>())
        .prop_map(|(types, operations, digest)| build(&types, &operations, digest))
}

/// An API, one of its types and a value of it.
pub(crate) fn value() -> impl Strategy<Value = (Api, TypeId, Value)> {
    (api(), any::<prop::sample::Index>(), any::<u64>()).prop_map(|(api, index, seed)| {
        let ids: Vec<TypeId> = api.types.ids().collect();
        let ty = ids[index.index(ids.len())];
        let value = make(&api, ty, &mut SplitMix64::new(seed), 0);
        (api, ty, value)
    })
}

/// Words for names: keywords of WIT and of WAVE, words alike but for hyphens, digits.
fn word(choice: usize) -> String {
    const WORDS: &[&str] = &["true", "none", "some", "ok", "inf", "nan", "user-id", "userid", "x-1", "a", "sort-by-2a"];
    let choice = choice % (KEYWORDS.len() + WORDS.len());
    KEYWORDS.get(choice).or_else(|| WORDS.get(choice - KEYWORDS.len())).unwrap().to_string()
}

/// Names of one scope.
#[derive(Default)]
struct Scope(HashSet<String>);

impl Scope {
    fn fresh(&mut self, choice: usize) -> WitName {
        let base = word(choice);
        (0..100_000)
            .map(|n| if n == 0 { base.clone() } else { format!("{base}-n{n}") })
            .map(|text| WitName::new(text).unwrap())
            .find(|name| self.0.insert(name.collision_key()))
            .unwrap()
    }
}

struct Build {
    api: Api,
    scope: Scope,
    /// Per type: the least interface that may mention it, its depth, and how much it spells out in place.
    facts: Vec<(usize, usize, usize)>,
}

fn build(types: &[TypeRecipe], operations: &[OperationRecipe], digest: [u8; 32]) -> Api {
    let word = |text: &str| WitName::new(text).unwrap();
    let package = PackageName { namespace: word("record"), name: word("use-1a"), version: "1.0.0".to_owned() };
    let mut api = Api::new(package, Protocol::Http);
    api.source_digest = digest;
    api.docs = Some(api.texts.push("/* of the package\u{0} */"));
    for name in ["types", "interface", "last"] {
        let interface = Interface { name: word(name), docs: None, types: vec![], operations: vec![], renames: vec![] };
        api.interfaces.push(interface);
    }
    let ids: Vec<InterfaceId> = api.interfaces.ids().collect();
    host::http::declare(&mut api, ids[0], None);
    let key_string = api.types.push(Type::plain(Shape::String));
    let facts = vec![(0, 4, 1); api.types.len()];
    let mut scope = Scope::default();
    scope.0.extend(host::http::NAMES.iter().map(|n| n.replace('-', "")));
    let mut b = Build { api, scope, facts };
    let first = b.api.types.len() - 1;
    for recipe in types {
        b.add(recipe, first, &ids);
    }

    let record = Shape::Record(vec![Field { name: word("key"), ty: key_string, docs: None }]);
    let key_name = TypeName { interface: ids[0], name: b.scope.fresh(0) };
    let key = b.api.types.push(Type { name: Some(key_name), ..Type::plain(record) });
    b.api.interfaces[ids[0]].types.push(key);
    b.facts.push((0, 2, 1));
    let kind = AuthKind::HeaderKey { name: "X-Key".to_owned() };
    let scheme = b.api.schemes.push(AuthScheme { name: "key".to_owned(), kind, record: Some(key) });
    b.api.schemas.push(Schema { json: "{}".to_owned(), pointer: "#/unused".to_owned() });
    let schema = b.api.schemas.push(Schema { json: r#"{"not":{}}"#.to_owned(), pointer: "#/used".to_owned() });
    b.api.types[key].checks.push(Check::Schema(schema));
    b.api.servers.push(Server { url: "https://{h}".to_owned(), variables: vec![("h".to_owned(), "x".to_owned())] });

    for (i, recipe) in operations.iter().enumerate() {
        b.operation(i, recipe, ids[2], scheme);
    }
    b.api.worlds.push(World { name: word("world"), imports: ids.clone() });
    b.api.worlds.push(World { name: word("last-client"), imports: vec![ids[2]] });
    b.api
}

impl Build {
    /// An existing type by number, among those made by recipes and the string before them.
    fn pick(&self, choice: usize, first: usize) -> TypeId {
        let ids: Vec<TypeId> = self.api.types.ids().collect();
        ids[first + choice % (ids.len() - first)]
    }

    fn add(&mut self, recipe: &TypeRecipe, first: usize, interfaces: &[InterfaceId]) {
        let scalars = [
            Shape::Bool,
            Shape::U8,
            Shape::U16,
            Shape::U32,
            Shape::U64,
            Shape::S8,
            Shape::S16,
            Shape::S32,
            Shape::S64,
            Shape::F32,
            Shape::F64,
            Shape::Char,
            Shape::String,
            Shape::Bytes,
        ];
        let part = |choice: &usize| self.pick(*choice, first);
        let mut members = Scope::default();
        let mut shape = match &recipe.recipe {
            Recipe::Scalar(n) => scalars[usize::from(*n) % scalars.len()].clone(),
            Recipe::List(t) if matches!(self.api.shape(part(t)), Shape::U8) => Shape::Bytes,
            Recipe::List(t) => Shape::List(part(t)),
            Recipe::Option(t) => Shape::Option(part(t)),
            Recipe::Tuple(ts) => Shape::Tuple(ts.iter().map(part).collect()),
            Recipe::Result(ok, err) => Shape::Result { ok: ok.as_ref().map(part), err: err.as_ref().map(part) },
            Recipe::Record(fields) => {
                let field = |(n, t): &(usize, usize)| Field { name: members.fresh(*n), ty: part(t), docs: None };
                Shape::Record(fields.iter().map(field).collect())
            }
            Recipe::Variant(cases) => {
                let case =
                    |(n, t): &(usize, Option<usize>)| Case { name: members.fresh(*n), ty: t.as_ref().map(part), docs: None };
                Shape::Variant(cases.iter().map(case).collect())
            }
            Recipe::Enum(names) => {
                Shape::Enum(names.iter().map(|n| Label { name: members.fresh(*n), docs: None }).collect())
            }
            Recipe::Flags(names) => {
                Shape::Flags(names.iter().map(|n| Label { name: members.fresh(*n), docs: None }).collect())
            }
            Recipe::Alias(t) => Shape::Alias(part(t)),
        };
        let measure = |shape: &Shape| {
            shape
                .parts()
                .map(|p| self.facts[witwire_ir::Id::index(p)])
                .fold((0, 1, 1), |(i, d, n), (pi, pd, pn)| (i.max(pi), d.max(pd + 1), n + pn))
        };
        let (mut interface, mut depth, mut spelled) = measure(&shape);
        if depth > 60 || spelled > 500 {
            shape = Shape::U32;
            (interface, depth, spelled) = measure(&shape);
        }
        let docs = recipe.docs.as_ref().map(|d| self.api.texts.push(d.as_str()));
        let wire = wire(&self.api, &shape);
        let named = shape.needs_name() || recipe.name.is_multiple_of(7);
        if named {
            interface = interface.max(recipe.interface);
            spelled = 1;
        }
        let name = named.then(|| TypeName { interface: interfaces[interface], name: self.scope.fresh(recipe.name) });
        let checks = if recipe.name.is_multiple_of(3) {
            vec![Check::Minimum(Number::Float(0.5)), Check::UniqueItems]
        } else {
            vec![]
        };
        let id = self.api.types.push(Type { name, shape, wire, checks, docs, source: docs });
        if named {
            self.api.interfaces[interfaces[interface]].types.push(id);
        }
        self.facts.push((interface, depth, spelled));
    }

    fn operation(&mut self, index: usize, recipe: &OperationRecipe, interface: InterfaceId, scheme: witwire_ir::SchemeId) {
        let mut names = Scope::default();
        let params: Vec<Param> =
            recipe.params.iter().map(|(n, t)| Param { name: names.fresh(*n), ty: self.pick(*t, 0) }).collect();
        let ok = recipe.ok.map(|t| self.pick(t, 0));
        let err = self.api.host.as_ref().map(|h| h.error);
        let result = self.api.types.push(Type::plain(Shape::Result { ok, err }));
        self.facts.push((2, 100, 1000));
        let parameter = |(i, param): (usize, &Param)| Parameter {
            name: param.name.as_str().to_owned(),
            location: Location::Query,
            encoding: ParameterEncoding::Json,
            value: ParameterValue::Argument { place: Place::argument(i as u16), ty: param.ty },
        };
        let call = HttpCall {
            method: Method::Post,
            template: format!("/{index}"),
            servers: vec![],
            path: vec![],
            fixed_query: None,
            parameters: params.iter().enumerate().map(parameter).collect(),
            body: None,
            accept: vec!["application/json".to_owned()],
            responses: vec![],
            pager: None,
            missing: MissingFrom::default(),
        };
        let header = KeyHeader { name: "k".to_owned(), format: KeyFormat::Raw, window_seconds: Some(60) };
        // A rename of one type of another interface that the function mentions.
        for param in &params {
            let foreign = self.api.types[param.ty].name.as_ref().is_some_and(|n| n.interface != interface);
            let new = self.api.interfaces[interface].renames.iter().all(|(ty, _)| *ty != param.ty);
            if foreign && new && recipe.deprecated {
                let name = self.scope.fresh(recipe.name);
                self.api.interfaces[interface].renames.push((param.ty, name));
            }
        }
        let docs = recipe.docs.as_ref().map(|d| self.api.texts.push(d.as_str()));
        let auth = AuthRequirement { alternatives: vec![vec![scheme], vec![]], optional: true, guest: None };
        let id = self.api.operations.push(Operation {
            interface,
            name: self.scope.fresh(recipe.name),
            params,
            result,
            call: Call::Http(call),
            class: CallClass::Keyed(header),
            auth: if recipe.deprecated { auth } else { AuthRequirement::default() },
            source: docs,
            docs,
            deprecated: recipe.deprecated,
        });
        self.api.interfaces[interface].operations.push(id);
    }
}

/// A wire map that fits a shape.
fn wire(api: &Api, shape: &Shape) -> Wire {
    match shape {
        Shape::Record(fields) => {
            let members = fields.iter().enumerate().map(|(i, f)| Member {
                key: format!("{}!", f.name.as_str()),
                slot: i as u16,
                presence: if matches!(api.shape(f.ty), Shape::Option(_)) { Presence::Optional } else { Presence::Required },
            });
            let constants = vec![("kind".to_owned(), Literal::Number("1e400".to_owned()))];
            Wire::Json(Json::Object(Object { members: members.collect(), constants, additional: None }))
        }
        Shape::Enum(labels) => Wire::Json(Json::Literals(labels.iter().map(|_| Literal::Null).collect())),
        Shape::Bytes => Wire::Json(Json::Base64 { url_safe: true }),
        Shape::U64 => Wire::Json(Json::IntegerString),
        _ => Wire::Plain,
    }
}

/// A value of a type from a generator, with all the odd scalars.
pub(crate) fn make(api: &Api, ty: TypeId, random: &mut SplitMix64, depth: usize) -> Value {
    let count = |random: &mut SplitMix64| if depth > 8 { 0 } else { random.below(4) };
    match api.shape(ty) {
        Shape::Bool => Value::Bool(random.flip()),
        Shape::U8 => Value::U8(integer(random) as u8),
        Shape::U16 => Value::U16(integer(random) as u16),
        Shape::U32 => Value::U32(integer(random) as u32),
        Shape::U64 => Value::U64(integer(random)),
        Shape::S8 => Value::S8(integer(random) as i8),
        Shape::S16 => Value::S16(integer(random) as i16),
        Shape::S32 => Value::S32(integer(random) as i32),
        Shape::S64 => Value::S64(integer(random) as i64),
        Shape::F32 => Value::F32(f32_of(random)),
        Shape::F64 => Value::F64(f64_of(random)),
        Shape::Char => Value::Char(character(random)),
        Shape::String => Value::string((0..random.below(6)).map(|_| character(random)).collect::<String>()),
        Shape::Bytes => Value::Bytes((0..count(random)).map(|_| random.next() as u8).collect()),
        Shape::List(t) => Value::List((0..count(random)).map(|_| make(api, *t, random, depth + 1)).collect()),
        Shape::Option(t) if depth > 8 || random.below(3) == 0 => {
            let _ = t;
            Value::none()
        }
        Shape::Option(t) => Value::some(make(api, *t, random, depth + 1)),
        Shape::Tuple(ts) => Value::Tuple(ts.iter().map(|t| make(api, *t, random, depth + 1)).collect()),
        Shape::Result { ok, err } => {
            let mut payload = |t: &Option<TypeId>| t.map(|t| Box::new(make(api, t, random, depth + 1)));
            if depth.is_multiple_of(2) { Value::Result(Ok(payload(ok))) } else { Value::Result(Err(payload(err))) }
        }
        Shape::Record(fields) => Value::Record(fields.iter().map(|f| make(api, f.ty, random, depth + 1)).collect()),
        Shape::Variant(cases) => {
            let i = random.below(cases.len() as u64) as usize;
            Value::Variant(i as u32, cases[i].ty.map(|t| Box::new(make(api, t, random, depth + 1))))
        }
        Shape::Enum(labels) => Value::Enum(random.below(labels.len() as u64) as u32),
        Shape::Flags(labels) => Value::Flags(random.next() as u32 & (u32::MAX >> (32 - labels.len()))),
        Shape::Alias(_) | Shape::Call(_) | Shape::Resource(_) => Value::Handle(random.below(9) as u32),
    }
}

fn integer(random: &mut SplitMix64) -> u64 {
    const EDGES: &[u64] = &[0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1 << 31, u32::MAX as u64, 1 << 63, u64::MAX];
    if random.flip() { random.next() } else { EDGES[random.below(EDGES.len() as u64) as usize] }
}

fn f64_of(random: &mut SplitMix64) -> f64 {
    const EDGES: &[f64] =
        &[0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.1, 1e21];
    let f = if random.flip() { f64::from_bits(random.next()) } else { EDGES[random.below(EDGES.len() as u64) as usize] };
    // A NaN has one form at a component's boundary, and in text.
    if f.is_nan() { f64::NAN } else { f }
}

fn f32_of(random: &mut SplitMix64) -> f32 {
    const EDGES: &[f32] = &[-0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN, f32::MAX, 1e-45, 0.1, 16_777_217.0];
    let f =
        if random.flip() { f32::from_bits(random.next() as u32) } else { EDGES[random.below(EDGES.len() as u64) as usize] };
    if f.is_nan() { f32::NAN } else { f }
}

fn character(random: &mut SplitMix64) -> char {
    const ODD: &[char] = &[
        '"',
        '\'',
        '\\',
        '\n',
        '\r',
        '\t',
        '\0',
        '\u{7f}',
        '\u{85}',
        '\u{301}',
        '\u{200d}',
        '\u{202e}',
        '\u{feff}',
        '\u{e000}',
        '\u{fffd}',
        '\u{10ffff}',
        '☃',
        '👩',
        '{',
        '%',
        '/',
        '*',
        'ß',
    ];
    match random.below(3) {
        0 => char::from(b' ' + random.below(95) as u8),
        1 => ODD[random.below(ODD.len() as u64) as usize],
        _ => char::from_u32(random.below(0x11_0000) as u32).unwrap_or('x'),
    }
}
