//! HTTP's part of an operation: parameters, bodies, responses.

mod pager;
mod stream;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use pager::Pager;
pub use stream::{Framing, ItemEncoding, StreamBody};

use super::Place;
use crate::check::Check;
use crate::id::TypeId;
use crate::wire::json::{Literal, Object};

/// An HTTP operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// The method.
    pub method: Method,
    /// The path template as the document has it, for messages: `/todos/{todoId}`.
    pub template: String,
    /// Servers of the path or operation; empty where the document's hold.
    pub servers: Vec<Server>,
    /// The path, split at its parameters.
    pub path: Vec<PathPart>,
    /// Query members that stand in the path key itself (`/a?b=c`), as they are.
    pub fixed_query: Option<String>,
    /// All parameters: path ones in template order, then the others in document order.
    pub parameters: Vec<Parameter>,
    /// The request body.
    pub body: Option<Body>,
    /// Media ranges for `Accept`, in order of preference; empty: no header.
    pub accept: Vec<String>,
    /// All declared responses.
    pub responses: Vec<Response>,
    /// How a further page is asked for, where the operation opens a pager: `next` of its resource gives pages, each of which is a call of
    /// its own, and the value of a page is that of a response.
    pub pager: Option<Pager>,
    /// For `not-found`: the collection's name and the last path parameter, from the path.
    pub missing: MissingFrom,
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// `GET`
    Get,
    /// `PUT`
    Put,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `HEAD`
    Head,
    /// `PATCH`
    Patch,
    /// `TRACE`
    Trace,
}

impl HttpCall {
    /// The bodies that are read item by item; none where the operation's result is a value.
    pub fn streams(&self) -> impl Iterator<Item = &StreamBody> {
        self.responses.iter().filter_map(|response| match &response.outcome {
            Outcome::Ok { shape: OkShape::Stream(stream), .. } => Some(stream),
            _ => None,
        })
    }
}

impl Method {
    /// In capitals, as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
            Self::Patch => "PATCH",
            Self::Trace => "TRACE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A server of a document, path or operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The URL, absolute or relative to where the document was read; `{name}` marks a variable.
    pub url: String,
    /// The variables' defaults.
    pub variables: Vec<(String, String)>,
}

/// A part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathPart {
    /// Sent as it is (already percent-encoded where needed).
    Literal(String),
    /// The parameter at this index of [`HttpCall::parameters`].
    Parameter(u16),
}

/// A parameter and where its value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name on the wire.
    pub name: String,
    /// Where it is sent.
    pub location: Location,
    /// How its value is written.
    pub encoding: ParameterEncoding,
    /// Where its value comes from.
    pub value: ParameterValue,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ParameterValue {
    /// From the arguments.
    Argument {
        /// Where it stands.
        place: Place,
        /// The type there; an option where the parameter is not required.
        ty: TypeId,
    },
    /// Always the same; no argument holds it.
    Fixed(Literal),
}

/// Where a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// As a header.
    Header,
    /// As a cookie.
    Cookie,
}

/// How a parameter's value is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterEncoding {
    /// By `style` and `explode` (OpenAPI 3.0.4 and 3.1.1, "Style Values").
    Style {
        /// The style.
        style: Style,
        /// Whether members and items become parameters of their own.
        explode: bool,
        /// Whether RFC 3986 reserved characters stay as they are.
        allow_reserved: bool,
    },
    /// By a media type (`content`): JSON text.
    Json,
    /// By a media type (`content`): the text itself.
    Text,
}

/// OpenAPI's parameter styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Style {
    /// `;a=1`
    Matrix,
    /// `.1`
    Label,
    /// `1,2`
    Simple,
    /// `a=1&a=2`
    Form,
    /// `a=1%202`
    SpaceDelimited,
    /// `a=1%7C2`
    PipeDelimited,
    /// `a[b]=1`
    DeepObject,
}

/// The request body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// The media type that is sent.
    pub media_type: String,
    /// The argument that chooses among several media types of one encoding; overrides `media_type`.
    pub media_type_from: Option<MediaTypeChoice>,
    /// How it is written.
    pub encoding: BodyEncoding,
    /// Where its value comes from.
    pub value: BodyValue,
    /// Whether a body is sent though every member is absent.
    pub required: bool,
}

/// An enum argument that chooses the media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaTypeChoice {
    /// Where the enum stands.
    pub place: Place,
    /// The media type of each case.
    pub media_types: Vec<String>,
}

/// How a body is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyEncoding {
    /// JSON text.
    Json,
    /// `application/x-www-form-urlencoded`, with the encoding of single properties (key → encoding); others take `form`,
    /// exploded.
    Form(Vec<(String, ParameterEncoding)>),
    /// `multipart/form-data`, with the content type of single parts (key → media type).
    Multipart(Vec<(String, String)>),
    /// A string as UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// Where a body's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum BodyValue {
    /// One value.
    Whole {
        /// Where it stands.
        place: Place,
        /// The type there; an option where the body is not required.
        ty: TypeId,
    },
    /// Members of the request's record (a flattened body).
    Members {
        /// The parameter whose record holds them.
        argument: u16,
        /// The record's type; the parameter's type is it or an option of it.
        ty: TypeId,
        /// Which slots are which members.
        object: Object,
        /// Rules about the body as a whole (`minProperties`).
        checks: Vec<Check>,
    },
    /// Always the same; no argument holds it (a required object without members to choose).
    Fixed(Literal),
}

impl BodyValue {
    /// The rules about the body as a whole.
    pub fn checks(&self) -> Option<&[Check]> {
        match self {
            Self::Members { checks, .. } => Some(checks),
            Self::Whole { .. } | Self::Fixed(_) => None,
        }
    }
}

/// A declared response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Which statuses it speaks of; the most exact match decides.
    pub status: StatusMatch,
    /// What a response of such a status becomes.
    pub outcome: Outcome,
}

/// Which statuses a response speaks of, from most to least exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StatusMatch {
    /// One status, 100 to 599.
    Exact(u16),
    /// `2XX`: the hundreds digit, 1 to 5.
    Class(u8),
    /// `default`
    Default,
}

impl StatusMatch {
    /// Whether a status is meant.
    pub const fn matches(self, status: u16) -> bool {
        match self {
            Self::Exact(s) => s == status,
            Self::Class(c) => status / 100 == c as u16,
            Self::Default => true,
        }
    }
}

/// What a response becomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The `ok` of the result.
    Ok {
        /// The case, where the operation's success is a variant by status.
        case: Option<u16>,
        /// The body and headers.
        shape: OkShape,
    },
    /// The `err` of the result; the kind follows from the status.
    Error {
        /// The typed body, if one is declared.
        body: Option<ErrorBody>,
    },
}

/// How the `ok` value (or its case's payload) is put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum OkShape {
    /// No value.
    None,
    /// The body alone.
    Body(ResponseBody),
    /// A record of the body and declared headers.
    Record {
        /// The record's type.
        ty: TypeId,
        /// The slot of the body, and the body.
        body: Option<(u16, ResponseBody)>,
        /// The headers' slots; each slot's type is an option.
        headers: Vec<ResponseHeader>,
    },
    /// A body that is read item by item; the operation's `ok` is the resource that gives them.
    Stream(StreamBody),
}

/// A declared response header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHeader {
    /// The name in lower case.
    pub name: String,
    /// The record's slot.
    pub slot: u16,
    /// The slot's type, an option; read by style `simple`. What cannot be read is `none`.
    pub ty: TypeId,
}

/// A response body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseBody {
    /// Essence of the declared media type, in lower case; `*/*` for any.
    pub media_type: String,
    /// How it is read.
    pub encoding: ResponseEncoding,
    /// The type of the value.
    pub ty: TypeId,
    /// The object's single member that is the value (an unwrapped envelope).
    pub unwrap: Option<Unwrap>,
}

/// The member of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwrap {
    /// The key.
    pub key: String,
    /// Whether it must be there; if not, the value's type is an option.
    pub required: bool,
}

/// How a response body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResponseEncoding {
    /// JSON text.
    Json,
    /// Text, in the charset of `Content-Type` (UTF-8 or ISO 8859-1), into a string.
    Text,
    /// Bytes.
    Binary,
}

/// The typed body of an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// How it is read. Its type is the payload where `case` is given, else the type in the error's `body` option.
    pub body: ResponseBody,
    /// The case of the variant `error-body`.
    pub case: Option<u16>,
}

/// What `not-found(missing)` tells, taken from the path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MissingFrom {
    /// The collection: the last literal segment before the last parameter, or the last segment.
    pub resource: String,
    /// The index in [`HttpCall::parameters`] of the last path parameter.
    pub id: Option<u16>,
}
