//! Wire maps fit their types; functions return what they must; the host's types are as built.

use super::same::{bare, same};
use super::{Checker, Item, Rule, http, json, proto};
use crate::api::{Api, Protocol};
use crate::auth::AuthMode;
use crate::host;
use crate::id::TypeId;
use crate::operation::grpc::{GrpcCall, StreamKind};
use crate::operation::{Call, Operation, Place};
use crate::types::{Resource, Shape, Step};
use crate::wire::Wire;

pub(super) fn check(c: &mut Checker<'_>) {
    let api = c.api;
    for (id, ty) in api.types.iter() {
        let fits = match &ty.wire {
            Wire::Plain => Ok(()),
            Wire::Message(map) => proto::message(api, id, map),
            Wire::ProtoEnum(map) => proto::enumeration(api, id, map),
            Wire::Table(map) => proto::table(api, id, map),
            Wire::AnyOf(map) => proto::any_of(api, id, map),
            Wire::Json(map) => json::check(api, id, map),
        };
        if let Err(problem) = fits {
            c.fail(Item::Type(api, id), Rule::Wire, problem);
        }
    }
    host_types(c);
    for scheme in api.schemes.iter().map(|(_, s)| s) {
        let fits = scheme.record.is_none_or(|record| {
            let parts = scheme.kind.parts();
            matches!(api.shape(record), Shape::Record(fields)
                if fields.len() == parts.len() && fields.iter().all(|f| matches!(api.shape(f.ty), Shape::String)))
        });
        let at = format!("authentication scheme `{}`", scheme.name);
        c.ensure(fits, at, Rule::Place, "its record has not one string per secret");
    }
    if !c.found.is_empty() {
        return;
    }
    for (id, operation) in api.operations.iter() {
        if let Err((rule, problem)) = check_operation(api, operation) {
            c.fail(Item::Operation(api, id), rule, problem);
        }
    }
}

fn host_types(c: &mut Checker<'_>) {
    let api = c.api;
    let at = "the host's types";
    let Some(types) = &api.host else {
        c.ensure(api.operations.is_empty(), at, Rule::Host, "there are functions but no `error`");
        return;
    };
    let (slots, kinds) = match api.protocol {
        Protocol::Http => {
            let slots = host::http::ErrorSlots::new(types.error_body.is_some());
            if let (Some(slot), Some(body), Shape::Record(fields)) = (slots.body, types.error_body, api.shape(types.error)) {
                let fits = fields
                    .get(slot)
                    .is_some_and(|f| matches!(api.shape(f.ty), Shape::Option(inner) if same(api, *inner, body)));
                c.ensure(fits, at, Rule::Host, "the slot `body` is not an option of the error body");
            }
            (slots.len, host::http::ErrorKind::Denied as usize + 1)
        }
        Protocol::Grpc => (host::grpc::TRAILERS + 1, host::grpc::ErrorKind::Denied as usize + 1),
    };
    let fits = matches!(api.shape(types.error), Shape::Record(fields)
        if fields.len() == slots && matches!(api.shape(fields[0].ty), Shape::Variant(cases) if cases.len() == kinds));
    c.ensure(fits, at, Rule::Host, "`error` is not the record that the host builds");
}

/// The outcome of checking one operation.
pub(super) type Checked<T = ()> = Result<T, (Rule, String)>;

pub(super) fn fail<T>(rule: Rule, problem: impl Into<String>) -> Checked<T> {
    Err((rule, problem.into()))
}

fn check_operation(api: &Api, operation: &Operation) -> Checked {
    let (Shape::Result { ok, err: Some(err) }, Some(host)) = (api.shape(operation.result), &api.host) else {
        return fail(Rule::Call, "it does not return a `result<_, error>`");
    };
    if !same(api, *err, host.error) {
        return fail(Rule::Call, "its error is not the host's `error`");
    }
    if let Some(place) = &operation.auth.guest {
        let ty = lead(api, operation, place)?;
        let option = matches!(api.shape(ty), Shape::Option(_));
        if api.auth_mode != AuthMode::Guest {
            return fail(Rule::Place, "the guest passes credentials though the host gives them");
        }
        if operation.auth.optional && !option {
            return fail(Rule::Place, "optional credentials are not an option");
        }
    }
    match &operation.call {
        Call::Http(call) => http::check(api, operation, call, *ok),
        Call::Grpc(call) => grpc(api, operation, call, *ok),
    }
}

fn grpc(api: &Api, operation: &Operation, call: &GrpcCall, ok: Option<TypeId>) -> Checked {
    let well_formed = call.path.strip_prefix('/').and_then(|p| p.split_once('/'));
    if well_formed.is_none_or(|(service, method)| service.is_empty() || method.is_empty() || method.contains('/')) {
        return fail(Rule::Call, "its path is not `/service/method`");
    }
    let is_message = |ty: TypeId| matches!(api.types[api.resolve(ty)].wire, Wire::Message(_) | Wire::Table(_));
    if !call.request.into_iter().chain(call.response).all(is_message) {
        return fail(Rule::Wire, "its request or response is no message");
    }
    let opens_with_request = matches!(call.kind, StreamKind::Unary | StreamKind::ServerStreaming);
    if let (Some(request), true) = (call.request, opens_with_request) {
        let first = operation.params.first().map(|p| p.ty);
        if !first.is_some_and(|first| same(api, first, request)) {
            return fail(Rule::Place, "its first parameter is not the request message");
        }
    }
    let fits = match (call.kind, ok, call.response) {
        (StreamKind::Unary, Some(ok), Some(response)) => same(api, ok, response),
        (StreamKind::Unary, ok, response) => ok.is_none() && response.is_none(),
        (_, ok, _) => match ok.map(|ok| api.shape(ok)) {
            Some(Shape::Resource(resource)) => return stream(api, resource, call),
            _ => false,
        },
    };
    if fits { Ok(()) } else { fail(Rule::Call, "its result is not the response message, or the resource of its stream") }
}

/// The methods of a stream take and give the messages of its call.
fn stream(api: &Api, resource: &Resource, call: &GrpcCall) -> Checked {
    for method in &resource.methods {
        let ok = method.result.and_then(|result| match api.shape(result) {
            Shape::Result { ok, .. } => *ok,
            _ => None,
        });
        let (said, message) = match (method.step, ok.map(|ok| (ok, api.shape(ok)))) {
            (Step::Next, Some((_, Shape::Option(item)))) => (Some(*item), call.response),
            (Step::NextBatch, Some((_, Shape::List(item)))) => (Some(*item), call.response),
            (Step::Finish, _) => (ok, call.response),
            (Step::Send, _) => (method.params.first().map(|item| item.ty), call.request),
            (Step::Next | Step::NextBatch, _) if call.response.is_some() => (None, call.response),
            (Step::Next | Step::NextBatch | Step::CloseSend | Step::Cancel, _) => continue,
        };
        if !message.is_none_or(|message| said.is_some_and(|said| same(api, said, message))) {
            let step = method.step.name();
            return fail(Rule::Call, format!("`{step}` of its stream is not of the message of the call"));
        }
    }
    Ok(())
}

/// The type at a place of the arguments.
pub(super) fn lead(api: &Api, operation: &Operation, place: &Place) -> Checked<TypeId> {
    let Some(param) = operation.params.get(usize::from(place.argument)) else {
        return fail(Rule::Place, format!("there is no argument {}", place.argument));
    };
    place.slots.iter().try_fold(param.ty, |ty, slot| match api.shape(bare(api, ty)) {
        Shape::Record(fields) => match fields.get(usize::from(*slot)) {
            Some(field) => Ok(field.ty),
            None => fail(Rule::Place, format!("there is no slot {slot}")),
        },
        _ => fail(Rule::Place, "a place leads into what is no record"),
    })
}

/// The type at a place is the one that is said to be there.
pub(super) fn holds(api: &Api, operation: &Operation, place: &Place, ty: TypeId) -> Checked {
    let found = lead(api, operation, place)?;
    if same(api, found, ty) { Ok(()) } else { fail(Rule::Place, "a place does not hold the type that it is said to hold") }
}
