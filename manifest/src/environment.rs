//! `environments:` what is different where. Values only: what shapes the WIT is the same everywhere.

use serde_json::{Map, Value};
use witwire_frontends::yaml::{Kind, Node};
use witwire_ir::wave::nearest;

use crate::mistake::{Code, Mistake};
use crate::project::label;
use crate::schema::check::quoted;
use crate::schema::{self, check};

/// Settings that are merged key by key.
const MERGED: &[&str] = &["credentials", "retry", "tls", "limits"];

/// Looks for components and dependencies that do not exist, and for keys of another type of dependency.
pub(crate) fn check(root: Node<'_>, mistakes: &mut Vec<Mistake>) {
    let names: Vec<&str> = root.get("components").into_iter().flat_map(Node::entries).map(|(key, _)| key).collect();
    for (_, environment) in root.get("environments").into_iter().flat_map(Node::entries) {
        for (component, overrides) in environment.entries() {
            if !names.contains(&component) {
                undeclared(component, "component", &names, overrides, mistakes);
                continue;
            }
            let dependencies = root.get("dependencies").and_then(|d| d.get(component));
            let known: Vec<(String, Node<'_>)> =
                dependencies.into_iter().flat_map(Node::items).filter_map(|d| Some((label(d)?, d))).collect();
            for (name, value) in overrides.entries() {
                if let Some((_, dependency)) = known.iter().find(|(label, _)| label == name) {
                    keys(*dependency, value, mistakes);
                } else {
                    let known: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                    undeclared(name, "dependency of that name", &known, value, mistakes);
                }
            }
        }
    }
}

fn undeclared(name: &str, what: &str, known: &[&str], node: Node<'_>, mistakes: &mut Vec<Mistake>) {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", quoted(known.iter().copied(), "and")),
    };
    let message = format!("`{name}`: there is no such {what}");
    mistakes.push(Mistake::new(Code::Undeclared, node.key_location(), message).help(help));
}

/// An environment's keys are those of either type; here only those of the dependency's own are.
fn keys(dependency: Node<'_>, overrides: Node<'_>, mistakes: &mut Vec<Mistake>) {
    let Some(Kind::Text(kind)) = dependency.get("type").map(Node::kind) else { return };
    for (key, value) in overrides.entries() {
        let (other, here) = match (kind, key) {
            ("grpc", "server") => ("openapi", Some("endpoint")),
            ("openapi", "endpoint" | "endpoints") => ("grpc", Some("server")),
            ("openapi", "compression") => ("grpc", None),
            _ => continue,
        };
        let message = format!("`{key}` belongs to dependencies of type `{other}`, and this one is `{kind}`");
        let mut mistake = Mistake::new(Code::OtherType, value.key_location(), message);
        mistake.help = here.map(|here| format!("here it is `{here}`"));
        mistakes.push(mistake);
    }
}

/// What environments say of one dependency.
pub(crate) struct Overrides<'a> {
    pub(crate) root: Node<'a>,
    pub(crate) component: &'a str,
    pub(crate) dependency: &'a str,
}

impl<'a> Overrides<'a> {
    fn of(&self, environment: Node<'a>) -> Option<Node<'a>> {
        environment.get(self.component)?.get(self.dependency)
    }

    /// Whether any environment sets a key.
    pub(crate) fn any_has(&self, key: &str) -> bool {
        let all = self.root.get("environments").into_iter().flat_map(Node::entries);
        all.filter_map(|(_, environment)| self.of(environment)).any(|o| o.get(key).is_some())
    }

    /// Puts an environment's values over the settings of everywhere.
    pub(crate) fn apply(&self, environment: &str, settings: &mut Map<String, Value>) {
        let node = self.root.get("environments").and_then(|e| e.get(environment)).and_then(|e| self.of(e));
        let Some(node) = node else { return };
        // Its mistakes were told when the whole manifest was checked.
        let schema = schema::schema();
        let Some(Value::Object(values)) = check::check_definition(node, schema, "Override", &mut Vec::new()) else { return };
        if values.contains_key("endpoint") || values.contains_key("server") {
            settings.remove("endpoints");
        }
        if values.contains_key("endpoints") {
            settings.remove("server");
        }
        for (key, value) in values {
            let (_, name) = schema::part(&key);
            match (settings.get_mut(name), value) {
                (Some(Value::Object(old)), Value::Object(new)) if MERGED.contains(&name) => old.extend(new),
                (_, value) => drop(settings.insert(name.to_owned(), value)),
            }
        }
    }
}
