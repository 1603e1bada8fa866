//! The messages of `grpc.reflection.v1`, as far as they are asked and answered here, and what of a file's descriptor is read.

use prost::{Message, Oneof};

/// `ServerReflectionRequest`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(string, tag = "1")]
    pub(super) host: String,
    #[prost(oneof = "Asked", tags = "3, 4, 7")]
    pub(super) asked: Option<Asked>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Asked {
    #[prost(string, tag = "3")]
    FileByFilename(String),
    #[prost(string, tag = "4")]
    FileContainingSymbol(String),
    #[prost(string, tag = "7")]
    ListServices(String),
}

/// `ServerReflectionResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Response {
    #[prost(oneof = "Answer", tags = "4, 6, 7")]
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Answer {
    #[prost(message, tag = "4")]
    Files(Descriptors),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Failed(Failed),
}

/// `FileDescriptorResponse`: the file that was asked for, and as many of its imports as the server likes.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Descriptors {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(super) descriptors: Vec<Vec<u8>>,
}

/// `ListServiceResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Services {
    #[prost(message, repeated, tag = "1")]
    pub(super) services: Vec<Service>,
}

/// `ServiceResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Service {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// `ErrorResponse`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Failed {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// What counts of a `google.protobuf.FileDescriptorProto`. Its bytes are passed on as they are.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FileHead {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) dependency: Vec<String>,
}

/// `google.protobuf.FileDescriptorSet`
#[cfg(test)]
#[derive(Clone, PartialEq, Message)]
pub(super) struct Set {
    #[prost(message, repeated, tag = "1")]
    pub(super) files: Vec<FileHead>,
}
