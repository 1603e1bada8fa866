//! `google/protobuf/descriptor.proto`, as far as it is read here, decoded from raw bytes: with edition features and the extension
//! options that matter, which general descriptor libraries drop or refuse.

/// Declares prost messages without a line of documentation per field: names and numbers are those of `descriptor.proto`.
macro_rules! messages {
    ($($name:ident { $($(#[$meta:meta])* $field:ident : $ty:ty),* $(,)? })*) => {$(
        #[derive(Clone, PartialEq, prost::Message)]
        pub(super) struct $name { $($(#[$meta])* pub(super) $field: $ty,)* }
    )*};
}

messages! {
    FileDescriptorSet {
        #[prost(message, repeated, tag = "1")]
        file: Vec<FileDescriptorProto>,
    }
    FileDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(string, optional, tag = "2")]
        package: Option<String>,
        #[prost(string, repeated, tag = "3")]
        dependency: Vec<String>,
        #[prost(message, repeated, tag = "4")]
        message_type: Vec<DescriptorProto>,
        #[prost(message, repeated, tag = "5")]
        enum_type: Vec<EnumDescriptorProto>,
        #[prost(message, repeated, tag = "6")]
        service: Vec<ServiceDescriptorProto>,
        #[prost(message, repeated, tag = "7")]
        extension: Vec<FieldDescriptorProto>,
        #[prost(message, optional, tag = "8")]
        options: Option<FileOptions>,
        #[prost(message, optional, tag = "9")]
        source_code_info: Option<SourceCodeInfo>,
        #[prost(string, optional, tag = "12")]
        syntax: Option<String>,
        #[prost(int32, optional, tag = "14")]
        edition: Option<i32>,
    }
    DescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(message, repeated, tag = "2")]
        field: Vec<FieldDescriptorProto>,
        #[prost(message, repeated, tag = "3")]
        nested_type: Vec<DescriptorProto>,
        #[prost(message, repeated, tag = "4")]
        enum_type: Vec<EnumDescriptorProto>,
        #[prost(message, repeated, tag = "6")]
        extension: Vec<FieldDescriptorProto>,
        #[prost(message, optional, tag = "7")]
        options: Option<MessageOptions>,
        #[prost(message, repeated, tag = "8")]
        oneof_decl: Vec<OneofDescriptorProto>,
    }
    FieldDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(string, optional, tag = "2")]
        extendee: Option<String>,
        #[prost(int32, optional, tag = "3")]
        number: Option<i32>,
        #[prost(int32, optional, tag = "4")]
        label: Option<i32>,
        #[prost(int32, optional, tag = "5")]
        r#type: Option<i32>,
        #[prost(string, optional, tag = "6")]
        type_name: Option<String>,
        #[prost(string, optional, tag = "7")]
        default_value: Option<String>,
        #[prost(message, optional, tag = "8")]
        options: Option<FieldOptions>,
        #[prost(int32, optional, tag = "9")]
        oneof_index: Option<i32>,
        #[prost(string, optional, tag = "10")]
        json_name: Option<String>,
        #[prost(bool, optional, tag = "17")]
        proto3_optional: Option<bool>,
    }
    OneofDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(message, optional, tag = "2")]
        options: Option<OneofOptions>,
    }
    EnumDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(message, repeated, tag = "2")]
        value: Vec<EnumValueDescriptorProto>,
        #[prost(message, optional, tag = "3")]
        options: Option<EnumOptions>,
    }
    EnumValueDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(int32, optional, tag = "2")]
        number: Option<i32>,
        #[prost(message, optional, tag = "3")]
        options: Option<EnumValueOptions>,
    }
    ServiceDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(message, repeated, tag = "2")]
        method: Vec<MethodDescriptorProto>,
        #[prost(message, optional, tag = "3")]
        options: Option<ServiceOptions>,
    }
    MethodDescriptorProto {
        #[prost(string, optional, tag = "1")]
        name: Option<String>,
        #[prost(string, optional, tag = "2")]
        input_type: Option<String>,
        #[prost(string, optional, tag = "3")]
        output_type: Option<String>,
        #[prost(message, optional, tag = "4")]
        options: Option<MethodOptions>,
        #[prost(bool, optional, tag = "5")]
        client_streaming: Option<bool>,
        #[prost(bool, optional, tag = "6")]
        server_streaming: Option<bool>,
    }
    FileOptions {
        #[prost(message, optional, tag = "50")]
        features: Option<FeatureSet>,
    }
    MessageOptions {
        #[prost(bool, optional, tag = "1")]
        message_set_wire_format: Option<bool>,
        #[prost(bool, optional, tag = "3")]
        deprecated: Option<bool>,
        #[prost(bool, optional, tag = "7")]
        map_entry: Option<bool>,
        #[prost(message, optional, tag = "12")]
        features: Option<FeatureSet>,
        // `buf/validate/validate.proto`
        #[prost(bytes = "vec", optional, tag = "1159")]
        rules: Option<Vec<u8>>,
    }
    FieldOptions {
        #[prost(bool, optional, tag = "2")]
        packed: Option<bool>,
        #[prost(bool, optional, tag = "3")]
        deprecated: Option<bool>,
        #[prost(message, optional, tag = "21")]
        features: Option<FeatureSet>,
        // `google/api/field_behavior.proto`
        #[prost(int32, repeated, packed = "false", tag = "1052")]
        field_behavior: Vec<i32>,
        // `buf/validate/validate.proto`
        #[prost(bytes = "vec", optional, tag = "1159")]
        rules: Option<Vec<u8>>,
    }
    OneofOptions {
        #[prost(message, optional, tag = "1")]
        features: Option<FeatureSet>,
        // `buf/validate/validate.proto`
        #[prost(bytes = "vec", optional, tag = "1159")]
        rules: Option<Vec<u8>>,
    }
    EnumOptions {
        #[prost(bool, optional, tag = "3")]
        deprecated: Option<bool>,
        #[prost(message, optional, tag = "7")]
        features: Option<FeatureSet>,
    }
    EnumValueOptions {
        #[prost(bool, optional, tag = "1")]
        deprecated: Option<bool>,
    }
    ServiceOptions {
        #[prost(bool, optional, tag = "33")]
        deprecated: Option<bool>,
    }
    MethodOptions {
        #[prost(bool, optional, tag = "33")]
        deprecated: Option<bool>,
        #[prost(int32, optional, tag = "34")]
        idempotency_level: Option<i32>,
        // `google/api/annotations.proto`
        #[prost(message, optional, tag = "72295728")]
        http: Option<HttpRule>,
    }
    HttpRule {
        #[prost(string, optional, tag = "2")]
        get: Option<String>,
        #[prost(string, optional, tag = "3")]
        put: Option<String>,
        #[prost(string, optional, tag = "4")]
        post: Option<String>,
        #[prost(string, optional, tag = "5")]
        delete: Option<String>,
        #[prost(string, optional, tag = "6")]
        patch: Option<String>,
    }
    FeatureSet {
        #[prost(int32, optional, tag = "1")]
        field_presence: Option<i32>,
        #[prost(int32, optional, tag = "2")]
        enum_type: Option<i32>,
        #[prost(int32, optional, tag = "3")]
        repeated_field_encoding: Option<i32>,
        #[prost(int32, optional, tag = "4")]
        utf8_validation: Option<i32>,
        #[prost(int32, optional, tag = "5")]
        message_encoding: Option<i32>,
    }
    SourceCodeInfo {
        #[prost(message, repeated, tag = "1")]
        location: Vec<SourceLocation>,
    }
    SourceLocation {
        #[prost(int32, repeated, tag = "1")]
        path: Vec<i32>,
        #[prost(int32, repeated, tag = "2")]
        span: Vec<i32>,
        #[prost(string, optional, tag = "3")]
        leading_comments: Option<String>,
        #[prost(string, optional, tag = "4")]
        trailing_comments: Option<String>,
    }
}

/// `FieldBehavior.REQUIRED`
pub(super) const BEHAVIOR_REQUIRED: i32 = 2;
