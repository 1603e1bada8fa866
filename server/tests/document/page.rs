//! The document as a page of the book.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The reference page.
pub(super) fn page(document: &Value) -> String {
    let mut page = String::from("# REST reference\n\n");
    page.push_str(
        "<!-- Made from docs/openapi.json by a test; `BLESS=1 cargo test -p witwire-server` writes it anew. -->\n\n",
    );
    page.push_str(
        "What [the server](server.md) answers. It describes itself: `GET /v1/openapi.json` gives the OpenAPI 3.1 document that this \
         page is made from, which is `docs/openapi.json` in the repository. Where the server has an API key, send it \
         as `Authorization: Bearer KEY`.\n",
    );
    let schemas = object(&document["components"]["schemas"]);
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = text(&tag["name"]);
        let _ = write!(page, "\n## {}{}\n\n{}\n", name[..1].to_uppercase(), &name[1..], text(&tag["description"]));
        for (path, item) in object(&document["paths"]) {
            for (method, operation) in object(item) {
                if operation["tags"][0] == tag["name"] {
                    self::operation(&mut page, path, method, operation, schemas);
                }
            }
        }
    }
    page.push_str("\n## Types\n");
    for (name, schema) in schemas {
        let _ = write!(page, "\n### {name}\n\n{}\n\n", line(schema));
        members(&mut page, schema);
    }
    page
}

fn operation(page: &mut String, path: &str, method: &str, operation: &Value, schemas: &Map<String, Value>) {
    let about = operation["description"].as_str().map(|text| format!(" {text}")).unwrap_or_default();
    let _ = write!(page, "\n### `{} {path}`\n\n{}.{about}\n", method.to_uppercase(), text(&operation["summary"]));
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("\n| parameter | in | type | |\n|---|---|---|---|\n");
        for p in parameters {
            let (name, place) = (text(&p["name"]), text(&p["in"]));
            let _ = writeln!(page, "| `{name}` | {place} | {} | {} |", kind(&p["schema"]), cell(text(&p["description"])));
        }
    }
    for (media_type, content) in object(&operation["requestBody"]["content"]) {
        let schema = &content["schema"];
        let _ = write!(page, "\nThe body is `{media_type}`: {}.\n", kind(schema));
        if schema["$ref"].is_null() {
            page.push('\n');
            members(page, schema);
        }
        debug_assert!(
            schema["$ref"].is_null() || schemas.contains_key(text(&schema["$ref"]).rsplit('/').next().unwrap_or_default())
        );
    }
    page.push_str("\n| status | |\n|---|---|\n");
    for (status, response) in object(&operation["responses"]) {
        let content = &response["content"]["application/json"]["schema"];
        let gives = if content.is_null() { String::new() } else { format!(" Gives {}.", kind(content)) };
        let description = text(&response["description"]);
        let codes: Vec<&str> =
            description.split("\n\n").filter_map(|line| line.split_once(": ")).map(|(code, _)| code).collect();
        if status.starts_with('2') {
            let _ = writeln!(page, "| {status} | {}{gives} |", cell(description));
        } else {
            let linked: Vec<_> = codes.iter().map(|code| format!("[{code}](server.md#errors)")).collect();
            let _ = writeln!(page, "| {status} | {} |", linked.join(", "));
        }
    }
}

/// The properties of an object, the cases of an enumeration or union.
fn members(page: &mut String, schema: &Value) {
    let arms = schema["oneOf"].as_array().or(schema["anyOf"].as_array()).map(Vec::as_slice).unwrap_or_default();
    for arm in arms {
        let what = match (&arm["const"], &arm["$ref"]) {
            (Value::String(constant), _) => format!("`\"{constant}\"`"),
            (_, Value::String(_)) => kind(arm),
            _ => {
                let members = object(&arm["properties"]).iter().map(|(name, p)| match &p["const"] {
                    Value::String(constant) => format!("`{name}: \"{constant}\"`"),
                    _ => format!("`{name}` ({})", kind(p)),
                });
                members.collect::<Vec<_>>().join(", ")
            }
        };
        let _ = writeln!(page, "* {what}: {}", line(arm));
    }
    let properties = object(&schema["properties"]);
    if properties.is_empty() {
        return;
    }
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    page.push_str("| field | type | |\n|---|---|---|\n");
    for (name, property) in properties {
        let must = if required.iter().any(|r| r == name) { "" } else { " (optional)" };
        let _ = writeln!(page, "| `{name}`{must} | {} | {} |", kind(property), cell(&line(property)));
    }
}

/// A type in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(arms) = schema["anyOf"].as_array() {
        let arms: Vec<_> = arms.iter().filter(|arm| arm["type"] != "null").map(kind).collect();
        return arms.join(" or ");
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|t| *t != "null").unwrap_or("any"),
        Value::String(name) => name,
        _ => "any",
    };
    match name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        "string" if schema["format"] == "binary" => "file".to_owned(),
        other => other.to_owned(),
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn line(schema: &Value) -> String {
    text(&schema["description"]).replace('\n', " ")
}

fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}
