//! The types that the host itself adds to every package: why a call failed.
//!
//! They are written down once, here. [`http`] and [`grpc`] build the types; the constants and enums beside them are the slots
//! and case indices with which the interpreter builds values of them.

pub mod call;
pub mod grpc;
pub mod http;

use crate::api::Api;
use crate::id::{InterfaceId, TypeId};
use crate::name::WitName;
use crate::types::{Case, Field, Shape, Type, TypeName};

/// A name that is written in this module and known to be valid.
fn name(text: &str) -> WitName {
    WitName::new(text).unwrap_or_else(|e| unreachable!("{e}"))
}

/// Builds named types into an interface.
struct Builder<'a> {
    api: &'a mut Api,
    interface: InterfaceId,
}

impl Builder<'_> {
    fn inline(&mut self, shape: Shape) -> TypeId {
        self.api.types.push(Type::plain(shape))
    }

    fn declare(&mut self, type_name: &str, docs: Option<&str>, shape: Shape) -> TypeId {
        let docs = docs.map(|d| self.api.texts.push(d));
        let ty =
            Type { name: Some(TypeName { interface: self.interface, name: name(type_name) }), docs, ..Type::plain(shape) };
        let id = self.api.types.push(ty);
        self.api.interfaces[self.interface].types.push(id);
        id
    }

    fn field(&mut self, field: &str, ty: TypeId, docs: Option<&str>) -> Field {
        let docs = docs.map(|d| self.api.texts.push(d));
        Field { name: name(field), ty, docs }
    }

    fn case(&mut self, case: &str, ty: Option<TypeId>, docs: Option<&str>) -> Case {
        let docs = docs.map(|d| self.api.texts.push(d));
        Case { name: name(case), ty, docs }
    }

    /// `record violation`, the same for both protocols: [`violation`] builds its values.
    fn violation(&mut self) -> TypeId {
        let string = self.inline(Shape::String);
        let fields = vec![
            self.field("location", string, Some("Where, as a path into the arguments: `request.title`.")),
            self.field("rule", string, Some("The rule that it breaks: `maxLength`.")),
            self.field("message", string, None),
        ];
        self.declare("violation", Some("A rule of the API that an argument breaks."), Shape::Record(fields))
    }
}

/// A broken rule, before it becomes a value of `record violation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a path into the arguments: `request.title`, `request.tags[3].name`.
    pub location: String,
    /// The rule: [`crate::Check::rule`], or protobuf's.
    pub rule: String,
    /// What is wrong and what to do; never the value itself.
    pub message: String,
}

/// A value of `record violation`.
pub fn violation(v: &Violation) -> crate::Value {
    crate::Value::record([
        crate::Value::string(v.location.as_str()),
        crate::Value::string(v.rule.as_str()),
        crate::Value::string(v.message.as_str()),
    ])
}
