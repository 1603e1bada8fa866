//! The book's page about the manifest, written from the schema.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::schema::schema;

/// Where the page is published, relative to the project.
pub const FILE: &str = "docs/src/manifest.md";

const HEAD: &str = include_str!("reference/head.md");

/// Definitions that get a section, in this order, with their headings. The others are told where they are used.
const SECTIONS: &[(&str, &str)] = &[
    ("Component", "A component"),
    ("GrpcDependency", "A dependency of type `grpc`"),
    ("OpenApiDependency", "A dependency of type `openapi`"),
    ("Credential", "A credential"),
    ("Retry", "Retries"),
    ("Tls", "TLS"),
    ("Limits", "Limits"),
    ("Keepalive", "Keepalive"),
    ("Idempotency", "Idempotency keys"),
    ("Pagination", "Pages"),
    ("Override", "Environments"),
];

/// The page, in Markdown.
pub fn page() -> String {
    let mut out = HEAD.to_owned();
    let _ = write!(out, "\n## The whole\n\n");
    table(&mut out, schema());
    for (name, heading) in SECTIONS {
        let definition = &schema()["$defs"][name];
        let _ = write!(out, "\n## {heading}\n\n{}\n\n", words(definition));
        if definition.get("properties").is_some() {
            table(&mut out, definition);
        } else {
            forms(&mut out, definition);
        }
    }
    out
}

fn words(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn resolve(schema: &Value) -> (&Value, Option<&str>) {
    match schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/")) {
        Some(name) => (&self::schema()["$defs"][name], Some(name)),
        None => (schema, None),
    }
}

/// One row a key.
fn table(out: &mut String, schema: &Value) {
    let empty = Map::new();
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    out.push_str("| key | value | |\n|---|---|---|\n");
    for (key, property) in schema["properties"].as_object().unwrap_or(&empty) {
        let (target, _) = resolve(property);
        let mut about = if words(property).is_empty() { words(target) } else { words(property) }.to_owned();
        let choices = choices(target);
        if !choices.is_empty() {
            let _ = write!(about, " {}", choices.join(" "));
        }
        if let Some(default) = property.get("default").filter(|d| !d.is_object() && !about.contains("Default:")) {
            let _ = write!(about, " Default: `{}`.", plain(default));
        }
        if required.contains(&key.as_str()) {
            about.push_str(" Required.");
        }
        let _ = writeln!(out, "| `{key}` | {} | {} |", kind(property), about.trim());
    }
}

/// The documented alternatives of a choice: "`retry`: It is sent again."
fn choices(schema: &Value) -> Vec<String> {
    let arms = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    arms.filter_map(|arm| Some(format!("`{}`: {}", plain(arm.get("const")?), words(arm)))).collect()
}

/// What a value is, in few words.
fn kind(schema: &Value) -> String {
    let (target, name) = resolve(schema);
    if let Some((_, heading)) = SECTIONS.iter().find(|(section, _)| Some(*section) == name) {
        let anchor: String = heading
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == ' ')
            .collect::<String>()
            .replace(' ', "-");
        return format!("[{}](#{anchor})", heading.trim_start_matches("A ").replace('`', ""));
    }
    match name {
        Some("Dependency") => {
            return "[`grpc`](#a-dependency-of-type-grpc) or [`openapi`](#a-dependency-of-type-openapi)".to_owned();
        }
        Some("Reference") => return "`{env: NAME}` or `{file: PATH}`".to_owned(),
        Some("Period") => return "a time, as `30s`".to_owned(),
        Some("ServerUrl" | "RemoteUrl") => return "a URL".to_owned(),
        _ => {}
    }
    if let Some(only) = target.get("const") {
        return format!("`{}`", plain(only));
    }
    let arms: Vec<&Value> = target.get("oneOf").and_then(Value::as_array).into_iter().flatten().collect();
    if !arms.is_empty() && !choices(target).is_empty() {
        return "a choice".to_owned();
    }
    if target.get("enum").is_some() {
        return "a choice".to_owned();
    }
    if !arms.is_empty() {
        let forms: Vec<String> = arms.iter().map(|arm| form(arm)).collect();
        return forms.join(" or ");
    }
    match target["type"].as_str() {
        Some("array") => format!("a list: {}", kind(&target["items"])),
        Some("object") => match target.get("additionalProperties").filter(|s| s.is_object()) {
            Some(of) => format!("a map: {}", kind(of)),
            None => "a map".to_owned(),
        },
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("integer") => "a number".to_owned(),
        _ if target.get("format").is_some_and(|f| f == "uri") => "a URL".to_owned(),
        _ => "a text".to_owned(),
    }
}

/// `{fixed: a text}`
fn form(arm: &Value) -> String {
    let empty = Map::new();
    let properties = arm["properties"].as_object().unwrap_or(&empty);
    let members: Vec<String> =
        properties.iter().map(|(key, value)| format!("{key}: {}", kind(value).replace('`', ""))).collect();
    format!("`{{{}}}`", members.join(", "))
}

/// The alternatives of a value that is written in several ways.
fn forms(out: &mut String, schema: &Value) {
    for arm in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        let (target, name) = resolve(arm);
        let of = if words(arm).is_empty() { words(target) } else { words(arm) };
        if name == Some("Reference") {
            let _ = writeln!(out, "* `{{env: NAME}}` or `{{file: PATH}}`: {of}");
            continue;
        }
        let _ = write!(out, "* {of}\n\n");
        table(out, target);
        out.push('\n');
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
