//! The API's own OpenAPI document, made from the endpoints and their types.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::endpoint::{Answer, Body, Endpoint, Place};
use crate::problem::{Code, MEDIA_TYPE, ProblemBody};

/// The OpenAPI 3.1 document of these endpoints.
pub(crate) fn document(endpoints: &[Endpoint]) -> Value {
    // OpenAPI 3.1 schemas are of this dialect (OpenAPI 3.1.1, section 4.8.24.1).
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = SchemaGenerator::new(settings);
    let problem = generator.subschema_for::<ProblemBody>().to_value();
    let mut paths = Map::new();
    for endpoint in endpoints {
        let item = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        item[endpoint.method.as_str().to_ascii_lowercase()] = operation(endpoint, &mut generator, &problem);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "witwire",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Keeps components and runs their workers. Whatever is refused is answered as problem details \
                (RFC 9457) with a `code`; rely on the code, not on the detail.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "tags": [
            { "name": "components", "description": "Programs, each with numbered revisions that never change." },
            { "name": "workers", "description": "Durable runs of components. A worker performs one invocation at a time." },
        ],
        // No key is needed where the server listens on loopback only.
        "security": [{ "apiKey": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": { "type": "http", "scheme": "bearer", "description": "The server's API key." },
            },
        },
    })
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator, problem: &Value) -> Value {
    let tag = endpoint.path.split('/').nth(2).unwrap_or_default();
    let mut operation = json!({ "operationId": endpoint.id, "tags": [tag], "summary": endpoint.summary });
    if !endpoint.description.is_empty() {
        operation["description"] = json!(endpoint.description);
    }
    let mut parameters = Vec::new();
    for parameter in &endpoint.parameters {
        let schema = (parameter.schema)(generator);
        match parameter.place {
            Place::Path => parameters.push(json!({
                "name": parameter.name,
                "in": "path",
                "required": true,
                "description": parameter.description,
                "schema": schema,
            })),
            Place::Query => parameters.extend(query(&schema)),
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    match &endpoint.body {
        Body::None => {}
        Body::Json(schema) => {
            let content = json!({ "application/json": { "schema": schema(generator) } });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        Body::Upload(metadata) => {
            operation["requestBody"] = json!({ "required": true, "content": upload(&metadata(generator)) });
        }
    }
    let mut responses: Vec<(u16, Value)> =
        endpoint.answers.iter().map(|answer| (answer.status.as_u16(), success(answer, generator))).collect();
    responses.extend(refusals(&endpoint.refusals, problem));
    responses.sort_by_key(|(status, _)| *status);
    operation["responses"] = responses.into_iter().map(|(status, r)| (status.to_string(), r)).collect::<Map<_, _>>().into();
    operation
}

/// The properties of an object as parameters of the query.
fn query(schema: &Schema) -> Vec<Value> {
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        not_null(&mut schema);
        json!({ "name": name, "in": "query", "description": description, "schema": schema })
    };
    properties.into_iter().map(parameter).collect()
}

/// A query has no null: what is absent is left out.
fn not_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(arms) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        arms.retain(|arm| arm != &json!({ "type": "null" }));
        if let [only] = arms.as_slice() {
            *schema = only.clone();
        }
    }
}

fn upload(metadata: &Schema) -> Value {
    let binary = json!({ "type": "string", "format": "binary" });
    json!({
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["metadata", "component"],
                "additionalProperties": false,
                "properties": {
                    "metadata": metadata,
                    "component": described(&binary, "A WebAssembly component."),
                    "ir": {
                        "type": "array",
                        "items": binary,
                        "description": "IR containers, which `witwire compile` makes, one for each dependency of the metadata.",
                    },
                },
            },
            "encoding": {
                "metadata": { "contentType": "application/json" },
                "component": { "contentType": "application/wasm" },
                "ir": { "contentType": "application/octet-stream" },
            },
        },
    })
}

fn described(schema: &Value, description: &str) -> Value {
    let mut schema = schema.clone();
    schema["description"] = json!(description);
    schema
}

fn success(answer: &Answer, generator: &mut SchemaGenerator) -> Value {
    let mut response = json!({ "description": answer.description });
    if let Some(schema) = answer.schema {
        response["content"] = json!({ "application/json": { "schema": schema(generator) } });
    }
    if answer.location {
        let schema = json!({ "type": "string", "format": "uri-reference" });
        response["headers"] = json!({ "Location": { "description": "Where it is found.", "schema": schema } });
    }
    response
}

/// One response for each status, which names its codes.
fn refusals(codes: &[Code], problem: &Value) -> Vec<(u16, Value)> {
    let mut statuses: Vec<u16> = codes.iter().map(|code| code.status().as_u16()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    let response = |status| {
        let mut codes: Vec<_> = codes.iter().filter(|code| code.status().as_u16() == status).collect();
        codes.sort_by_key(|code| code.as_str());
        let lines: Vec<_> = codes.iter().map(|code| format!("{}: {}", code.as_str(), code.meaning().trim())).collect();
        let content = json!({ MEDIA_TYPE: { "schema": problem } });
        (status, json!({ "description": lines.join("\n\n"), "content": content }))
    };
    statuses.into_iter().map(response).collect()
}
