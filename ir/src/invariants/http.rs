//! HTTP operations fit their function's type.

use super::Rule;
use super::calls::{Checked, fail, holds, lead};
use super::json;
use super::same::{bare, same, same_or_option};
use crate::api::Api;
use crate::host::http::SseEvent;
use crate::id::TypeId;
use crate::operation::http::{
    Body, BodyValue, HttpCall, ItemEncoding, Location, Method, OkShape, Outcome, Pager, ParameterValue, PathPart,
    ResponseBody, StatusMatch, StreamBody,
};
use crate::operation::{Operation, Place};
use crate::types::Shape;

pub(super) fn check(api: &Api, operation: &Operation, call: &HttpCall, ok: Option<TypeId>) -> Checked {
    parameters(api, operation, call)?;
    if let Some(b) = &call.body {
        body(api, operation, b)?;
    }
    opening(api, call, ok)?;
    let ok = match &call.pager {
        None => ok,
        Some(pager) => Some(self::pager(api, operation, call, pager)?),
    };
    call.responses.iter().try_for_each(|response| {
        let exists = match response.status {
            StatusMatch::Exact(status) => (100..=599).contains(&status),
            StatusMatch::Class(class) => (1..=5).contains(&class),
            StatusMatch::Default => true,
        };
        if !exists {
            return fail(Rule::Call, format!("{:?} is no status", response.status));
        }
        match &response.outcome {
            Outcome::Ok { case, shape } => success(api, operation, ok, *case, shape),
            Outcome::Error { body: None } => Ok(()),
            Outcome::Error { body: Some(error) } => {
                let declared = api.host.as_ref().and_then(|h| h.error_body);
                let payload = match (error.case, declared.map(|ty| api.shape(ty))) {
                    (None, _) => declared,
                    (Some(case), Some(Shape::Variant(cases))) => cases.get(usize::from(case)).and_then(|c| c.ty),
                    (Some(_), _) => None,
                };
                ensure(holds_body(api, payload, &error.body), "an error's body is not the type of the error's `body`")
            }
        }
    })
}

/// A function returns a resource if, and only if, all its successes are streams.
fn opening(api: &Api, call: &HttpCall, ok: Option<TypeId>) -> Checked {
    let returns_resource = ok.is_some_and(|ok| matches!(api.shape(ok), Shape::Resource(_)));
    let streams = call.streams().count();
    let successes = call.responses.iter().filter(|r| matches!(r.outcome, Outcome::Ok { .. })).count();
    let fits = match (&call.pager, returns_resource) {
        (Some(_), returns_resource) => returns_resource && streams == 0 && successes > 0,
        (None, true) => streams > 0 && streams == successes,
        (None, false) => streams == 0,
    };
    ensure(fits, "it returns a resource though not all of its responses are read item by item, or the other way round")
}

fn ensure(holds: bool, problem: &str) -> Checked {
    if holds { Ok(()) } else { fail(Rule::Call, problem) }
}

fn parameters(api: &Api, operation: &Operation, call: &HttpCall) -> Checked {
    for parameter in &call.parameters {
        if let ParameterValue::Argument { place, ty } = &parameter.value {
            holds(api, operation, place, *ty)?;
        }
    }
    let is_path = |index: u16| call.parameters.get(usize::from(index)).is_some_and(|p| p.location == Location::Path);
    let path = call.path.iter().all(|part| match part {
        PathPart::Literal(_) => true,
        PathPart::Parameter(index) => is_path(*index),
    });
    if path && call.missing.id.is_none_or(is_path) {
        Ok(())
    } else {
        fail(Rule::Place, "the path names a parameter that is not one of the path")
    }
}

fn body(api: &Api, operation: &Operation, body: &Body) -> Checked {
    match &body.value {
        BodyValue::Whole { place, ty } => holds(api, operation, place, *ty)?,
        BodyValue::Fixed(_) => {}
        BodyValue::Members { argument, ty, object, .. } => {
            let Some(param) = operation.params.get(usize::from(*argument)) else {
                return fail(Rule::Place, format!("there is no argument {argument}"));
            };
            let Shape::Record(fields) = api.shape(*ty) else {
                return fail(Rule::Place, "the body's members are not in a record");
            };
            if !same(api, bare(api, param.ty), *ty) {
                return fail(Rule::Place, "the body's members are not in the argument's record");
            }
            json::object(api, fields, object).map_err(|problem| (Rule::Wire, problem))?;
        }
    }
    let Some(choice) = &body.media_type_from else { return Ok(()) };
    match api.shape(bare(api, lead(api, operation, &choice.place)?)) {
        Shape::Enum(labels) if labels.len() == choice.media_types.len() => Ok(()),
        _ => fail(Rule::Place, "the media types do not fit the cases that choose them"),
    }
}

fn success(api: &Api, operation: &Operation, ok: Option<TypeId>, case: Option<u16>, shape: &OkShape) -> Checked {
    let payload = match case {
        None => ok,
        Some(case) => match ok.map(|ok| api.shape(ok)) {
            Some(Shape::Variant(cases)) if usize::from(case) < cases.len() => cases[usize::from(case)].ty,
            _ => return fail(Rule::Call, format!("its result has no case {case}")),
        },
    };
    match shape {
        OkShape::Stream(body) => stream(api, operation, payload.filter(|_| case.is_none()), body),
        OkShape::None => ensure(payload.is_none(), "a response without value has a type"),
        OkShape::Body(body) => ensure(holds_body(api, payload, body), "a response's body is not the type of the result"),
        OkShape::Record { ty, body, headers } => {
            let Shape::Record(fields) = api.shape(*ty) else {
                return fail(Rule::Call, "a response with headers is no record");
            };
            ensure(payload.is_some_and(|p| same(api, p, *ty)), "a response's record is not the type of the result")?;
            let slot = |slot: u16| fields.get(usize::from(slot)).map(|f| f.ty);
            let body = body.as_ref().is_none_or(|(s, body)| holds_body(api, slot(*s), body));
            ensure(body, "a response's body does not fit its slot")?;
            let headers = headers
                .iter()
                .all(|h| slot(h.slot).is_some_and(|ty| same(api, ty, h.ty) && matches!(api.shape(ty), Shape::Option(_))));
            ensure(headers, "a response's header does not fit its slot")
        }
    }
}

/// The places of a pager hold what it takes from them. Gives the type of a page.
fn pager(api: &Api, operation: &Operation, call: &HttpCall, pager: &Pager) -> Checked<TypeId> {
    let Some(page) = api.page(operation) else { return fail(Rule::Call, "its pager has no `next` that gives pages") };
    if pager.follows_urls() && (call.method != Method::Get || call.body.is_some()) {
        return fail(Rule::Call, "its pages are URLs, though it is no GET");
    }
    let at = |slots: &[u16]| {
        slots.iter().try_fold(page, |ty, slot| match api.shape(bare(api, ty)) {
            Shape::Record(fields) => fields.get(usize::from(*slot)).map(|field| field.ty),
            _ => None,
        })
    };
    let value = |slots: &[u16], fits: fn(&Shape) -> bool| at(slots).is_some_and(|ty| fits(api.shape(bare(api, ty))));
    let argument =
        |place, fits: fn(&Shape) -> bool| lead(api, operation, place).is_ok_and(|ty| fits(api.shape(bare(api, ty))));
    let text = |shape: &Shape| matches!(shape, Shape::String);
    let list = |shape: &Shape| matches!(shape, Shape::List(_));
    let changed = |place, fits: fn(&Shape) -> bool| argument(place, fits) && can_be_made(api, operation, place);
    let fits = match pager {
        Pager::Link { header: slots } | Pager::Url { url: slots } => value(slots, text),
        Pager::Cursor { cursor, argument: place } => {
            (value(cursor, text) && changed(place, text)) || (value(cursor, is_integer) && changed(place, is_integer))
        }
        Pager::Page { argument: place, items, pages, .. } => {
            changed(place, is_integer)
                && (items.is_some() || pages.is_some())
                && items.as_ref().is_none_or(|items| value(items, list))
                && pages.as_ref().is_none_or(|pages| value(pages, is_integer))
        }
        Pager::Offset { argument: place, items, limit, .. } => {
            changed(place, is_integer)
                && value(items, list)
                && limit.as_ref().is_none_or(|limit| argument(limit, is_integer))
        }
    };
    if fits { Ok(page) } else { fail(Rule::Place, "a place of its pager does not hold what the pager takes from it") }
}

/// Whether a value can be put to a place whatever is there: a record that may be absent has only fields that may be.
fn can_be_made(api: &Api, operation: &Operation, place: &Place) -> bool {
    let Some(param) = operation.params.get(usize::from(place.argument)) else { return false };
    let is_option = |ty: TypeId| matches!(api.shape(ty), Shape::Option(_));
    let end = place.slots.iter().try_fold(param.ty, |ty, slot| match api.shape(bare(api, ty)) {
        Shape::Record(fields) if !is_option(ty) || fields.iter().all(|field| is_option(field.ty)) => {
            fields.get(usize::from(*slot)).map(|field| field.ty)
        }
        _ => None,
    });
    end.is_some()
}

fn is_integer(shape: &Shape) -> bool {
    matches!(shape, Shape::U32 | Shape::U64 | Shape::S32 | Shape::S64)
}

/// A stream's items are what `next` of its resource gives.
fn stream(api: &Api, operation: &Operation, payload: Option<TypeId>, body: &StreamBody) -> Checked {
    let item = payload.and_then(|_| api.page(operation));
    ensure(item.is_some_and(|item| same(api, item, body.ty)), "a stream's items are not what `next` gives")?;
    let fits = match body.item {
        ItemEncoding::Json | ItemEncoding::Object => true,
        ItemEncoding::Text => matches!(api.shape(body.ty), Shape::String),
        ItemEncoding::Event => SseEvent::is_type(api, body.ty),
        ItemEncoding::Binary => matches!(api.shape(body.ty), Shape::Bytes),
    };
    ensure(fits && body.item.fits(body.framing), "a stream's items are not of the type that they are read as")
}

/// The slot holds the body's type, or an option of it where the body or its envelope's member may be absent.
fn holds_body(api: &Api, slot: Option<TypeId>, body: &ResponseBody) -> bool {
    slot.is_some_and(|slot| same_or_option(api, slot, body.ty))
}
