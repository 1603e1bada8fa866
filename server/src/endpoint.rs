//! One operation of the API: how it is served, and how the document describes it. Written once, for both.

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::problem::Code;
use crate::routes::App;

/// Makes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What every operation may answer.
const ALWAYS: &[Code] = &[Code::Unauthorized, Code::Foreign, Code::Store, Code::Bug];
/// What every operation with a JSON body may answer.
const JSON: &[Code] = &[Code::BadJson, Code::MediaType, Code::TooLarge, Code::Slow];
/// What every operation with form data may answer.
const FORM: &[Code] = &[Code::BadJson, Code::BadMultipart, Code::MediaType, Code::TooLarge, Code::Slow];

/// One operation of the API.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<App>,
    /// The operation's name in the document: `listWorkers`. The part before the upper case is what it does to its tag.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Body,
    pub(crate) answers: Vec<Answer>,
    pub(crate) refusals: Vec<Code>,
}

/// A segment of the path.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: SchemaOf,
    pub(crate) place: Place,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    /// The schema is that of an object, whose properties are the parameters.
    Query,
}

/// What is sent.
pub(crate) enum Body {
    None,
    Json(SchemaOf),
    /// A component: `metadata` of this type, `component` and `ir`.
    Upload(SchemaOf),
}

/// A success.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) description: &'static str,
    /// `None`: no content.
    pub(crate) schema: Option<SchemaOf>,
    /// Whether `Location` says where what was made is found.
    pub(crate) location: bool,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Endpoint {
    fn new<H, T>(method: Method, filter: MethodFilter, path: &'static str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self {
            method,
            path,
            handler: on(filter, handler),
            id,
            summary: "",
            description: "",
            parameters: Vec::new(),
            body: Body::None,
            answers: Vec::new(),
            refusals: ALWAYS.to_vec(),
        }
    }

    pub(crate) fn get<H: Handler<T, App>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::GET, MethodFilter::GET, path, id, handler)
    }

    pub(crate) fn post<H: Handler<T, App>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::POST, MethodFilter::POST, path, id, handler)
    }

    pub(crate) fn put<H: Handler<T, App>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::PUT, MethodFilter::PUT, path, id, handler)
    }

    pub(crate) fn delete<H: Handler<T, App>, T: 'static>(path: &'static str, id: &'static str, handler: H) -> Self {
        Self::new(Method::DELETE, MethodFilter::DELETE, path, id, handler)
    }

    /// What it does, in a line and in full.
    pub(crate) fn about(mut self, summary: &'static str, description: &'static str) -> Self {
        (self.summary, self.description) = (summary, description);
        self
    }

    pub(crate) fn segment<T: JsonSchema>(mut self, name: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter { name, description, schema: schema_of::<T>, place: Place::Path });
        self.refuses(&[Code::BadParameter])
    }

    /// The properties of `T` are parameters of the query.
    pub(crate) fn query<T: JsonSchema>(mut self) -> Self {
        let schema: SchemaOf = T::json_schema;
        self.parameters.push(Parameter { name: "", description: "", schema, place: Place::Query });
        self.refuses(&[Code::BadParameter])
    }

    pub(crate) fn json<T: JsonSchema>(mut self) -> Self {
        self.body = Body::Json(schema_of::<T>);
        self.refuses(JSON)
    }

    pub(crate) fn upload<T: JsonSchema>(mut self) -> Self {
        self.body = Body::Upload(schema_of::<T>);
        self.refuses(FORM)
    }

    pub(crate) fn answers<T: JsonSchema>(mut self, status: StatusCode, description: &'static str) -> Self {
        let location = matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED);
        self.answers.push(Answer { status, description, schema: Some(schema_of::<T>), location });
        self
    }

    pub(crate) fn answers_nothing(mut self, description: &'static str) -> Self {
        self.answers.push(Answer { status: StatusCode::NO_CONTENT, description, schema: None, location: false });
        self
    }

    pub(crate) fn refuses(mut self, codes: &[Code]) -> Self {
        for code in codes {
            if !self.refusals.contains(code) {
                self.refusals.push(*code);
            }
        }
        self
    }

    /// The largest body that it takes, in bytes.
    pub(crate) fn limited(mut self, bytes: usize) -> Self {
        self.handler = self.handler.layer(DefaultBodyLimit::max(bytes));
        self
    }
}
