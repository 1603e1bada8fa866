//! gRPC's part of an operation.

use serde::{Deserialize, Serialize};

use crate::id::TypeId;

/// A gRPC method.
///
/// The request message is the argument 0, or there is none where the request message has no fields or the client streams. With
/// `auth: guest` the credentials are a further argument (see [`crate::AuthRequirement::guest`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrpcCall {
    /// `/package.Service/Method`, the HTTP/2 path.
    pub path: String,
    /// Which sides stream.
    pub kind: StreamKind,
    /// The request message, a record with [`crate::wire::Wire::Message`]; `None` where it has no fields.
    pub request: Option<TypeId>,
    /// The response message, likewise.
    pub response: Option<TypeId>,
}

/// Which sides of a method stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamKind {
    /// One request, one response.
    Unary,
    /// One request, many responses.
    ServerStreaming,
    /// Many requests, one response.
    ClientStreaming,
    /// Many of both.
    Bidirectional,
}

impl StreamKind {
    /// Whether the function itself takes the request; else each message of the client is an item of its stream.
    pub const fn takes_request(self) -> bool {
        matches!(self, Self::Unary | Self::ServerStreaming)
    }

    /// The kind's name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ServerStreaming => "server-streaming",
            Self::ClientStreaming => "client-streaming",
            Self::Bidirectional => "bidirectional",
        }
    }
}
