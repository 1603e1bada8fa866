//! Generated responses: each is decoded, and its value written again as an equal JSON value.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use witwire_interpreter::{HttpResponse, Plan, Request, Response};
use witwire_ir::operation::http::{
    Body, BodyEncoding, BodyValue, HttpCall, Method, OkShape, Outcome, PathPart, ResponseBody, ResponseEncoding, StatusMatch,
};
use witwire_ir::{Api, Call, Operation, OperationId, Place, Value};

/// The JSON bodies of an API's successes, and for each an operation that sends it.
pub(super) struct Echoes {
    /// The API's own operations.
    pub(super) operations: Vec<OperationId>,
    by_operation: HashMap<OperationId, Vec<Echo>>,
}

struct Echo {
    status: StatusMatch,
    /// The case of the result, where it is a variant.
    case: Option<u16>,
    /// The body's slot, where the response has headers.
    slot: Option<u16>,
    /// The envelope's key.
    key: Option<String>,
    sender: OperationId,
}

impl Echoes {
    /// Adds the senders to an API.
    pub(super) fn add(api: &mut Api) -> Self {
        let own: Vec<(OperationId, Operation)> = api.operations.iter().map(|(id, o)| (id, o.clone())).collect();
        let mut by_operation = HashMap::new();
        for (id, operation) in &own {
            let Call::Http(call) = &operation.call else { continue };
            let mut echoes = Vec::new();
            for response in &call.responses {
                let Outcome::Ok { case, shape } = &response.outcome else { continue };
                let (slot, body) = match shape {
                    OkShape::Body(body) => (None, body),
                    OkShape::Record { body: Some((slot, body)), .. } => (Some(*slot), body),
                    _ => continue,
                };
                if body.encoding == ResponseEncoding::Json {
                    let sender = api.operations.push(Operation { call: sender(call, body), ..operation.clone() });
                    let key = body.unwrap.as_ref().map(|unwrap| unwrap.key.clone());
                    echoes.push(Echo { status: response.status, case: *case, slot, key, sender });
                }
            }
            by_operation.insert(*id, echoes);
        }
        Self { operations: own.into_iter().map(|(id, _)| id).collect(), by_operation }
    }

    /// Reads a response, and writes what was read. `None`: it is no success with a JSON body.
    pub(super) fn compare(
        &self,
        plan: &Plan,
        id: OperationId,
        args: &[Value],
        response: &HttpResponse,
    ) -> Option<Result<(), String>> {
        let echoes = self.by_operation.get(&id)?;
        let fits = |echo: &&Echo| echo.status.matches(response.status);
        let first = echoes.iter().filter(fits).min_by_key(|echo| echo.status)?;
        let body: Json = serde_json::from_slice(&response.body).ok()?;
        let result = plan.response(id, args, &Response::Http(response.clone()));
        let value = match result {
            Value::Result(Ok(Some(value))) => *value,
            Value::Result(Ok(None)) => return None,
            other => return Some(Err(format!("is not read: {other:?}"))),
        };
        let (echo, value) = match value {
            Value::Variant(case, payload) if first.case.is_some() => {
                let echo = echoes.iter().filter(fits).find(|echo| echo.case.map(u32::from) == Some(case))?;
                (echo, *payload?)
            }
            value => (first, value),
        };
        let value = match (echo.slot, value) {
            (Some(slot), Value::Record(slots)) => slots.get(usize::from(slot))?.clone(),
            (_, value) => value,
        };
        let sent = match plan.request(echo.sender, &[value]) {
            Ok(Request::Http(request)) => request.body.unwrap_or_default(),
            other => return Some(Err(format!("is not written again: {other:?}"))),
        };
        let sent = if sent.is_empty() { Json::Null } else { serde_json::from_slice(&sent).unwrap_or(Json::Null) };
        let body = echo.key.as_ref().map_or(&body, |key| body.get(key).unwrap_or(&Json::Null));
        Some(difference(body, &sent, "").map_or(Ok(()), Err))
    }
}

fn sender(call: &HttpCall, body: &ResponseBody) -> Call {
    let value = BodyValue::Whole { place: Place::argument(0), ty: body.ty };
    let body = Body {
        media_type: "application/json".to_owned(),
        media_type_from: None,
        encoding: BodyEncoding::Json,
        value,
        required: false,
    };
    let path = vec![PathPart::Literal("/echo".to_owned())];
    let bare = HttpCall { method: Method::Post, path, parameters: Vec::new(), body: Some(body), ..call.clone() };
    Call::Http(bare)
}

/// Where two JSON values differ. A member that is null and one that is absent are alike: no type tells them apart that is read only.
fn difference(was: &Json, is: &Json, place: &str) -> Option<String> {
    match (was, is) {
        (Json::Object(a), Json::Object(b)) => {
            let mut keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.find_map(|key| {
                let member = |map: &serde_json::Map<String, Json>| map.get(key).cloned().unwrap_or(Json::Null);
                difference(&member(a), &member(b), &format!("{place}.{key}"))
            })
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(i, (a, b))| difference(a, b, &format!("{place}[{i}]")))
        }
        (Json::Number(a), Json::Number(b)) if a == b || a.as_f64() == b.as_f64() => None,
        _ if was == is => None,
        _ => Some(format!("{place}: {was} became {is}")),
    }
}

/// Whether a body keeps its schema in the document, by a validator that is not ours; `None` where that cannot be told.
pub(super) fn is_valid(document: &Json, call: &HttpCall, response: &HttpResponse) -> Option<bool> {
    let follow = |mut node: Json| {
        while let Some(target) = node.get("$ref").and_then(Json::as_str).and_then(|text| text.strip_prefix('#')) {
            node = document.pointer(target)?.clone();
        }
        Some(node)
    };
    let item = follow(document.get("paths")?.get(&call.template)?.clone())?;
    let declared = follow(item.get(call.method.as_str().to_ascii_lowercase())?.get("responses")?.clone())?;
    let exact = response.status.to_string();
    let declared = follow([exact.as_str(), "2XX", "2xx", "default"].iter().find_map(|key| declared.get(*key))?.clone())?;
    let media_type = response.header("content-type")?.split(';').next()?.trim();
    let content = declared.get("content")?.as_object()?;
    let media = content.iter().find(|(key, _)| key.split(';').next() == Some(media_type)).or(content.iter().next())?.1;
    let mut whole = document.clone();
    as_json_schema(&mut whole);
    let mut schema = media.get("schema")?.clone();
    as_json_schema(&mut schema);
    whole["allOf"] = json!([schema]);
    let body: Json = serde_json::from_slice(&response.body).ok()?;
    Some(jsonschema::validator_for(&whole).ok()?.is_valid(&body))
}

/// OpenAPI 3.0's own keywords as JSON Schema has them.
fn as_json_schema(tree: &mut Json) {
    match tree {
        Json::Array(items) => items.iter_mut().for_each(as_json_schema),
        Json::Object(members) => {
            if members.get("nullable") == Some(&Json::Bool(true))
                && let Some(Json::String(kind)) = members.get("type").cloned()
            {
                members.insert("type".to_owned(), json!([kind, "null"]));
            }
            members.retain(|key, value| !(key.starts_with("exclusive") && value.is_boolean()));
            members.values_mut().for_each(as_json_schema);
        }
        _ => {}
    }
}
