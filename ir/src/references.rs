//! The types that wire maps and calls name, for everything that walks or renumbers an API.

use crate::id::TypeId;
use crate::operation::Call;
use crate::operation::http::{BodyValue, HttpCall, OkShape, Outcome, ParameterValue, ResponseBody};
use crate::types::Shape;
use crate::wire::Wire;
use crate::wire::json::{Arm, Json};
use crate::wire::proto::{Codec, Field};

/// The types that a wire map names.
pub(crate) fn wire_types(wire: &Wire) -> impl Iterator<Item = TypeId> {
    let mut wire = wire.clone();
    let mut types = Vec::new();
    each_wire_type(&mut wire, &mut |ty| types.push(*ty));
    types.into_iter()
}

/// The types that a call names.
pub(crate) fn call_types(call: &Call) -> impl Iterator<Item = TypeId> {
    let mut call = call.clone();
    let mut types = Vec::new();
    each_call_type(&mut call, &mut |ty| types.push(*ty));
    types.into_iter()
}

/// Visits every type id of a shape.
pub(crate) fn each_shape_type(shape: &mut Shape, visit: &mut impl FnMut(&mut TypeId)) {
    match shape {
        Shape::List(ty) | Shape::Option(ty) | Shape::Alias(ty) => visit(ty),
        Shape::Tuple(types) => types.iter_mut().for_each(visit),
        Shape::Result { ok, err } => ok.iter_mut().chain(err).for_each(visit),
        Shape::Record(fields) => fields.iter_mut().for_each(|f| visit(&mut f.ty)),
        Shape::Variant(cases) => cases.iter_mut().filter_map(|c| c.ty.as_mut()).for_each(visit),
        Shape::Resource(resource) => {
            for method in &mut resource.methods {
                method.params.iter_mut().for_each(|p| visit(&mut p.ty));
                method.result.iter_mut().for_each(&mut *visit);
            }
        }
        Shape::Call(call) => {
            visit(&mut call.settings);
            for method in &mut call.methods {
                method.params.iter_mut().for_each(|p| visit(&mut p.ty));
                method.result.iter_mut().for_each(&mut *visit);
            }
        }
        _ => {}
    }
}

/// Visits every type id of a wire map. The one place that knows where they are: reading and renumbering both use it.
pub(crate) fn each_wire_type(wire: &mut Wire, visit: &mut impl FnMut(&mut TypeId)) {
    match wire {
        Wire::Plain | Wire::ProtoEnum(_) => {}
        Wire::Message(message) => message.fields.iter_mut().for_each(|field| match field {
            Field::Singular { codec, .. } | Field::Repeated { codec, .. } | Field::Map { value: codec, .. } => {
                codec_type(codec, visit);
            }
            Field::Oneof { cases, .. } => cases.iter_mut().for_each(|case| codec_type(&mut case.codec, visit)),
            Field::EmptyFlag { .. } | Field::EmptyCount { .. } | Field::Unknown => {}
        }),
        Wire::AnyOf(any) => {
            any.known.iter_mut().for_each(|known| codec_type(&mut known.codec, visit));
            visit(&mut any.other);
        }
        Wire::Table(table) => table.nodes.iter_mut().for_each(visit),
        Wire::Json(Json::Union(union)) => union.arms.iter_mut().for_each(|arm| match arm {
            Arm::Value(ty) => visit(ty),
            Arm::Constant(_) => {}
        }),
        Wire::Json(Json::Table(table)) => table.nodes.iter_mut().for_each(visit),
        Wire::Json(_) => {}
    }
}

fn codec_type(codec: &mut Codec, visit: &mut impl FnMut(&mut TypeId)) {
    match codec {
        Codec::Enum(ty) | Codec::Message(ty) | Codec::Group(ty) | Codec::Any(ty) => visit(ty),
        Codec::Scalar(_) | Codec::Node { .. } | Codec::Empty | Codec::Wrapper(_) | Codec::FieldMask | Codec::Null => {}
    }
}

/// Visits every type id of a call.
pub(crate) fn each_call_type(call: &mut Call, visit: &mut impl FnMut(&mut TypeId)) {
    match call {
        Call::Grpc(call) => call.request.iter_mut().chain(&mut call.response).for_each(visit),
        Call::Http(call) => each_http_type(call, visit),
    }
}

fn each_http_type(call: &mut HttpCall, visit: &mut impl FnMut(&mut TypeId)) {
    for parameter in &mut call.parameters {
        if let ParameterValue::Argument { ty, .. } = &mut parameter.value {
            visit(ty);
        }
    }
    if let Some(body) = &mut call.body {
        match &mut body.value {
            BodyValue::Whole { ty, .. } | BodyValue::Members { ty, .. } => visit(ty),
            BodyValue::Fixed(_) => {}
        }
    }
    for response in &mut call.responses {
        let mut body = |body: &mut ResponseBody| visit(&mut body.ty);
        match &mut response.outcome {
            Outcome::Ok { shape: OkShape::None, .. } | Outcome::Error { body: None } => {}
            Outcome::Ok { shape: OkShape::Body(b), .. } => body(b),
            Outcome::Ok { shape: OkShape::Stream(stream), .. } => visit(&mut stream.ty),
            Outcome::Error { body: Some(b) } => body(&mut b.body),
            Outcome::Ok { shape: OkShape::Record { ty, body: b, headers }, .. } => {
                if let Some((_, b)) = b {
                    body(b);
                }
                visit(ty);
                for header in headers {
                    visit(&mut header.ty);
                }
            }
        }
    }
}
