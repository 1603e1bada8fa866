//! A YAML tree against the schema: every mistake with its place, and the value as JSON where there is none.
//!
//! It knows the part of JSON Schema that [`super::schema`] uses. A message never repeats what stands where a reference to a secret
//! belongs: people write secrets there.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use witwire_deployment::{ComponentName, Period, ServerUrl};
use witwire_frontends::Location;
use witwire_frontends::yaml::{Kind, Node};
use witwire_ir::wave::nearest;

use crate::mistake::{Code, Mistake};
use crate::remote::Allowed;

/// Definitions below which nothing that was written is repeated.
const SECRET: &[&str] = &["Reference", "Credential", "ClientCredentials", "ClientCertificate"];

/// Checks a tree; what is right of it, with `None` where nothing is.
pub(crate) fn check(root: Node<'_>, schema: &Value, mistakes: &mut Vec<Mistake>) -> Option<Value> {
    let mut checker = Checker { schema, mistakes };
    checker.value(root, schema, Place { name: "the manifest", item: false, secret: false })
}

/// The same for a definition of the schema.
pub(crate) fn check_definition(node: Node<'_>, schema: &Value, name: &str, mistakes: &mut Vec<Mistake>) -> Option<Value> {
    let mut checker = Checker { schema, mistakes };
    checker.value(node, &schema["$defs"][name], Place { name, item: false, secret: false })
}

struct Checker<'s, 'm> {
    schema: &'s Value,
    mistakes: &'m mut Vec<Mistake>,
}

/// How a value is spoken of.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Its key.
    name: &'a str,
    /// Whether it is an item of the list at that key.
    item: bool,
    /// Whether nothing that was written may be repeated.
    secret: bool,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.item, self.name) {
            (true, name) => write!(f, "an item of `{name}`"),
            (false, name @ "the manifest") => f.write_str(name),
            (false, name) => write!(f, "`{name}`"),
        }
    }
}

impl<'s> Checker<'s, '_> {
    fn report(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// Follows `$ref`; the last definition's name.
    fn resolve(&self, mut schema: &'s Value) -> (&'s Value, Option<&'s str>) {
        let mut name = None;
        while let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/")) {
            name = Some(target);
            schema = &self.schema["$defs"][target];
        }
        (schema, name)
    }

    fn value(&mut self, node: Node<'_>, schema: &'s Value, mut place: Place<'_>) -> Option<Value> {
        let (schema, definition) = self.resolve(schema);
        let (_, items) = schema.get("items").map_or((schema, None), |items| self.resolve(items));
        place.secret |= [definition, items].into_iter().flatten().any(|d| SECRET.contains(&d));
        let arms = self.arms(schema);
        if !arms.is_empty() {
            return self.one_of(node, &arms, place);
        }
        let wanted = schema.get("type").and_then(Value::as_str);
        match (wanted, node.kind()) {
            (Some("object"), Kind::Map) => self.object(node, schema, &[], place),
            (Some("array"), Kind::List) => self.list(node, schema, place),
            (Some("string"), Kind::Text(text)) => self.text(node, text, schema, definition, place),
            // A number without its unit is told what a time looks like.
            (Some("string"), Kind::Number(text)) if definition == Some("Period") => {
                self.text(node, text, schema, definition, place)
            }
            (Some("boolean"), Kind::Bool(value)) => self.constant(node, Value::Bool(value), schema, place),
            (Some("integer"), Kind::Number(text)) => self.integer(node, text, schema, place),
            (None, Kind::Text(text)) if schema.get("const").is_some() => {
                self.constant(node, Value::String(text.to_owned()), schema, place)
            }
            (wanted, kind) => {
                self.wrong_kind(node, wanted.unwrap_or("string"), kind, place);
                None
            }
        }
    }

    fn wrong_kind(&mut self, node: Node<'_>, wanted: &str, kind: Kind<'_>, place: Place<'_>) {
        let found = match kind {
            Kind::Null => "empty",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List => "a list",
            Kind::Map => "a map",
        };
        let needed = match wanted {
            "object" => "a map of keys and values",
            "array" => "a list",
            "boolean" => "`true` or `false`",
            "integer" => "a whole number",
            _ => "a text",
        };
        let location = if matches!(kind, Kind::Null) { node.key_location() } else { node.location() };
        let mut mistake = Mistake::new(Code::WrongKind, location, format!("{place} is {found}; it must be {needed}"));
        mistake.help = match (wanted, kind) {
            (_, Kind::Null) => Some("give it a value, or remove the key".to_owned()),
            ("string", Kind::Number(text)) if !place.secret => Some(format!("write it in quotes: `\"{text}\"`")),
            ("string", Kind::Bool(value)) if !place.secret => Some(format!("write it in quotes: `\"{value}\"`")),
            ("array", Kind::Text(text)) if !place.secret && !place.item => Some(format!("write `{}: [{text}]`", place.name)),
            ("array", Kind::Map) => Some("begin each of its items with `- `".to_owned()),
            _ => None,
        };
        self.report(mistake);
    }

    fn integer(&mut self, node: Node<'_>, text: &str, schema: &Value, place: Place<'_>) -> Option<Value> {
        let least = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
        let most = schema.get("maximum").and_then(Value::as_u64).unwrap_or(u64::MAX);
        match text.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Some(Value::Number(Number::from(number))),
            _ => {
                let bounds = if most == u64::MAX { format!("{least} or more") } else { format!("from {least} to {most}") };
                let message = format!("{place} is {text}; it must be a whole number, {bounds}");
                self.report(Mistake::new(Code::BadValue, node.location(), message));
                None
            }
        }
    }

    fn constant(&mut self, node: Node<'_>, value: Value, schema: &Value, place: Place<'_>) -> Option<Value> {
        match schema.get("const") {
            Some(only) if *only != value => {
                let message = format!("{place} can only be `{}`", plain(only));
                self.report(Mistake::new(Code::BadValue, node.location(), message));
                None
            }
            _ => Some(value),
        }
    }

    fn text(
        &mut self,
        node: Node<'_>,
        text: &str,
        schema: &Value,
        definition: Option<&str>,
        place: Place<'_>,
    ) -> Option<Value> {
        if let Some(Value::Array(allowed)) = schema.get("enum") {
            let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            return self.choice(node, text, &allowed, place);
        }
        // What a type says of its texts is more than its pattern.
        let refused = match definition {
            Some("ServerUrl") => text.parse::<ServerUrl>().err().map(|e| e.to_string()),
            Some("Period") => text.parse::<Period>().err().map(|e| e.to_string()),
            Some("RemoteUrl") => text.parse::<Allowed>().err().map(|e| e.to_string()),
            Some("ComponentName") => text.parse::<ComponentName>().err().map(|e| e.to_string()),
            _ if text.is_empty() => Some("it is empty".to_owned()),
            _ if schema.get("format").is_some_and(|f| f == "uri") => crate::remote::refused_url(text),
            _ => None,
        };
        if let Some(reason) = refused {
            self.report(Mistake::new(Code::BadValue, node.location(), format!("{place}: {reason}")));
            return None;
        }
        Some(Value::String(text.to_owned()))
    }

    fn choice(&mut self, node: Node<'_>, text: &str, allowed: &[&str], place: Place<'_>) -> Option<Value> {
        if allowed.contains(&text) {
            return Some(Value::String(text.to_owned()));
        }
        let message = format!("{place} is `{text}`; it must be {}", quoted(allowed.iter().copied(), "or"));
        let mut mistake = Mistake::new(Code::BadValue, node.location(), message);
        mistake.help = nearest(text, allowed.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.report(mistake);
        None
    }

    fn list(&mut self, node: Node<'_>, schema: &'s Value, place: Place<'_>) -> Option<Value> {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if (node.items().count() as u64) < least {
            let message = format!("{place} is an empty list");
            self.report(Mistake::new(Code::Missing, node.location(), message).help("give it an item, or remove the key"));
            return None;
        }
        let of = Place { item: true, ..place };
        let items: Vec<Option<Value>> = node.items().map(|item| self.value(item, &schema["items"], of)).collect();
        // Positions are kept, so that places can be found again.
        Some(Value::Array(items.into_iter().map(Option::unwrap_or_default).collect()))
    }

    /// The alternatives of a schema, those of alternatives included. None where its `oneOf` only counts keys.
    fn arms(&self, schema: &'s Value) -> Vec<&'s Value> {
        let mut all = Vec::new();
        for arm in ["oneOf", "anyOf"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten() {
            let (arm, _) = self.resolve(arm);
            if is_count(arm) {
                continue;
            }
            let inner = self.arms(arm);
            if inner.is_empty() {
                all.push(arm);
            } else {
                all.extend(inner);
            }
        }
        all
    }

    fn one_of(&mut self, node: Node<'_>, arms: &[&'s Value], place: Place<'_>) -> Option<Value> {
        let texts: Vec<&str> = arms.iter().filter_map(|arm| arm.get("const")?.as_str()).collect();
        if texts.len() == arms.len() {
            return match node.kind() {
                Kind::Text(text) => self.choice(node, text, &texts, place),
                kind => {
                    self.wrong_kind(node, "string", kind, place);
                    None
                }
            };
        }
        let has = |arm: &Value, key: &str| arm.get("properties").is_some_and(|p| p.get(key).is_some());
        if node.kind() != Kind::Map {
            let forms = quoted_forms(arms);
            let found = if node.kind() == Kind::Null { "is empty" } else { "has another form" };
            let message = format!("{place} {found}; it must be {forms}");
            self.report(Mistake::new(Code::WrongKind, node.location(), message));
            return None;
        }
        let written: Vec<&str> = node.entries().map(|(key, _)| key).collect();
        let by_keys = arms.iter().max_by_key(|arm| {
            let known = written.iter().filter(|key| has(arm, key)).count();
            let complete = required(arm).all(|key| written.contains(&key));
            // The first of equals.
            (known, complete, std::cmp::Reverse(arms.iter().position(|a| std::ptr::eq(*a, **arm))))
        });
        let arm = *by_keys?;
        let is_kind = |arm: &Value| arm.pointer("/properties/type/const").is_some();
        if !arms.iter().all(|arm| is_kind(arm)) {
            if !written.iter().any(|key| has(arm, key)) {
                let message = format!("{place} has another form; it must be {}", quoted_forms(arms));
                self.report(Mistake::new(Code::WrongKind, node.key_location(), message));
                return None;
            }
            return self.object(node, arm, &[], place);
        }
        // A map that says itself which of the alternatives it is. Where it does not, its keys do.
        let kinds: Vec<&str> = arms.iter().filter_map(|arm| arm.pointer("/properties/type/const")?.as_str()).collect();
        let Some(kind) = node.get("type") else { return self.object(node, arm, arms, place) };
        let Kind::Text(text) = kind.kind() else { return self.object(node, arm, arms, place) };
        if let Some(arm) = arms.iter().find(|arm| arm.pointer("/properties/type/const").is_some_and(|c| c == text)) {
            return self.object(node, arm, arms, place);
        }
        self.choice(kind, text, &kinds, Place { name: "type", item: false, secret: false });
        self.object(node, arm, arms, place);
        None
    }

    fn object(&mut self, node: Node<'_>, schema: &'s Value, siblings: &[&'s Value], place: Place<'_>) -> Option<Value> {
        let before = self.mistakes.len();
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|s| s.is_object());
        let mut out = Map::new();
        let mut present: BTreeSet<&str> = BTreeSet::new();
        for (key, value) in node.entries() {
            present.insert(key);
            let of = Place { name: key, item: false, secret: place.secret };
            if let Some(schema) = properties.and_then(|p| p.get(key)) {
                if key == "type" && !siblings.is_empty() && matches!(value.kind(), Kind::Text(_)) {
                    out.insert(key.to_owned(), text_of(value));
                } else if let Some(value) = self.value(value, schema, of) {
                    out.insert(key.to_owned(), value);
                }
            } else if let Some(others) = others {
                self.property_name(key, value, schema);
                if let Some(value) = self.value(value, others, of) {
                    out.insert(key.to_owned(), value);
                }
            } else {
                self.unknown(key, value, schema, siblings, place);
            }
        }
        for key in required(schema).filter(|key| !present.contains(key)) {
            let mut mistake = Mistake::new(Code::Missing, node.key_location(), format!("{place} lacks `{key}`"));
            let docs = properties.and_then(|p| p.get(key)?.get("description")?.as_str());
            mistake.help = docs.map(|docs| format!("`{key}`: {}", first_sentence(docs)));
            self.report(mistake);
        }
        if (present.len() as u64) < schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0) {
            self.report(Mistake::new(Code::Missing, node.key_location(), format!("{place} has no entries")));
        }
        self.counts(node, schema, &present, place);
        // An object of fixed keys is right as a whole or not at all; a map keeps what is right of it.
        (others.is_some() || place.name == "the manifest" || self.mistakes.len() == before).then_some(Value::Object(out))
    }

    fn property_name(&mut self, key: &str, value: Node<'_>, schema: &'s Value) {
        let Some(names) = schema.get("propertyNames") else { return };
        let (_, definition) = self.resolve(names);
        if definition == Some("ComponentName")
            && let Err(e) = key.parse::<ComponentName>()
        {
            self.report(Mistake::new(Code::BadValue, value.key_location(), e.to_string()));
        }
    }

    fn unknown(&mut self, key: &str, value: Node<'_>, schema: &Value, siblings: &[&'s Value], place: Place<'_>) {
        let location = value.key_location();
        let keys = || schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| &**key);
        let all = format!("the keys here are {}", quoted(keys(), "and"));
        if place.secret {
            let of = location.pointer.rsplit_once('/').map_or("", |(of, _)| of).to_owned();
            let location = Location { pointer: of, ..location };
            let message = format!("{place} has a key that is not known here");
            self.report(Mistake::new(Code::UnknownKey, location, message).help(all));
            return;
        }
        let other = siblings.iter().find(|s| s.get("properties").is_some_and(|p| p.get(key).is_some()));
        if let Some(other) = other {
            let kind = |schema: &Value| schema.pointer("/properties/type/const").map(plain).unwrap_or_default();
            let message =
                format!("`{key}` belongs to dependencies of type `{}`, and this one is `{}`", kind(other), kind(schema));
            let mut mistake = Mistake::new(Code::OtherType, location, message);
            mistake.help = twin(key).map(|twin| format!("here it is `{twin}`"));
            self.report(mistake);
            return;
        }
        let help = match nearest(key, keys()) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all,
        };
        self.report(Mistake::new(Code::UnknownKey, location, format!("{place} has the unknown key `{key}`")).help(help));
    }

    /// Keys of which exactly one must be there (`oneOf` of `required`), and keys that exclude each other (`not` of `required`).
    fn counts(&mut self, node: Node<'_>, schema: &'s Value, present: &BTreeSet<&str>, place: Place<'_>) {
        let counted: Vec<&str> = schema
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|arm| is_count(arm))
            .flat_map(required)
            .collect();
        let given: Vec<&str> = counted.iter().copied().filter(|key| present.contains(key)).collect();
        if !counted.is_empty() && given.is_empty() {
            let message = format!("{place} lacks its source: one of {}", quoted(counted.iter().copied(), "or"));
            self.report(Mistake::new(Code::Missing, node.key_location(), message));
        }
        let mut exclusive: Vec<Vec<&str>> = Vec::new();
        if given.len() > 1 {
            exclusive.push(given);
        }
        for not in schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter_map(|s| s.get("not")) {
            let keys: Vec<&str> = required(not).collect();
            if keys.iter().all(|key| present.contains(key)) {
                exclusive.push(keys);
            }
        }
        for keys in exclusive {
            let last = keys.last().and_then(|key| node.get(key)).map_or_else(|| node.location(), Node::key_location);
            let message = format!("{} exclude each other", quoted(keys.iter().copied(), "and"));
            self.report(Mistake::new(Code::Excluded, last, message).help("keep one of them"));
        }
    }
}

/// What the other type of dependency calls the same.
fn twin(key: &str) -> Option<&'static str> {
    match key {
        "server" => Some("endpoint"),
        "endpoint" | "endpoints" => Some("server"),
        "protos" => Some("path"),
        "path" => Some("protos"),
        _ => None,
    }
}

fn is_count(arm: &Value) -> bool {
    arm.as_object().is_some_and(|arm| arm.len() == 1 && arm.contains_key("required"))
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn text_of(node: Node<'_>) -> Value {
    match node.kind() {
        Kind::Text(text) => Value::String(text.to_owned()),
        _ => Value::Null,
    }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// `{env: …}`, `{clientId: …, clientSecret: …}`
fn quoted_forms(arms: &[&Value]) -> String {
    let forms: Vec<String> = arms
        .iter()
        .map(|arm| {
            let keys: Vec<String> = required(arm).map(|key| format!("{key}: …")).collect();
            format!("`{{{}}}`", keys.join(", "))
        })
        .collect();
    joined(&forms, "or")
}

/// `a`, `b` and `c`
pub(crate) fn quoted<'a>(words: impl Iterator<Item = &'a str>, and: &str) -> String {
    joined(&words.map(|word| format!("`{word}`")).collect::<Vec<_>>(), and)
}

fn joined(words: &[String], and: &str) -> String {
    match words {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}
