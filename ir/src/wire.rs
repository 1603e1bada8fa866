//! How a type travels: the second face of every [`crate::Type`].

pub mod json;
pub mod proto;

use serde::{Deserialize, Serialize};

/// The wire map of a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Wire {
    /// As the shape says; never for a record or variant that travels.
    Plain,
    /// A record that is a protobuf message.
    Message(proto::Message),
    /// A record that is a recursive protobuf message as a table of nodes.
    Table(proto::Table),
    /// A variant that is a `google.protobuf.Any`.
    AnyOf(proto::AnyOf),
    /// An enum or variant that is a protobuf enum.
    ProtoEnum(proto::ProtoEnum),
    /// A type with a JSON form of its own.
    Json(json::Json),
}
