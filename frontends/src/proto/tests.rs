//! Descriptor sets, which no source file of the tests can say: editions, damaged ones, ones without imports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use prost::Message as _;
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::{Codec, Field, Presence, Scalar};
use witwire_ir::{Api, Shape};

use super::descriptor::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, FeatureSet, FieldDescriptorProto,
    FieldOptions, FileDescriptorProto, FileDescriptorSet, FileOptions, MethodDescriptorProto, ServiceDescriptorProto,
};
use super::{Input, compile};
use crate::{Code, Compiled, MemoryFiles, Options};

const INT32: i32 = 5;
const STRING: i32 = 9;
const MESSAGE: i32 = 11;
const ENUM: i32 = 14;
const OPTIONAL: i32 = 1;
const REPEATED: i32 = 3;

fn field(
    name: &str,
    number: i32,
    label: i32,
    ty: i32,
    type_name: Option<&str>,
    features: FeatureSet,
) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label),
        r#type: Some(ty),
        type_name: type_name.map(str::to_owned),
        options: Some(FieldOptions { features: Some(features), ..FieldOptions::default() }),
        ..FieldDescriptorProto::default()
    }
}

/// A file of edition 2023 that overrides every feature somewhere.
fn edition_2023() -> FileDescriptorSet {
    let plain = FeatureSet::default;
    let message = DescriptorProto {
        name: Some("M".to_owned()),
        field: vec![
            field("explicit", 1, OPTIONAL, INT32, None, plain()),
            field("implicit", 2, OPTIONAL, INT32, None, FeatureSet { field_presence: Some(2), ..plain() }),
            field("required", 3, OPTIONAL, INT32, None, FeatureSet { field_presence: Some(3), ..plain() }),
            field("packed", 4, REPEATED, INT32, None, plain()),
            field("expanded", 5, REPEATED, INT32, None, FeatureSet { repeated_field_encoding: Some(2), ..plain() }),
            field("verified", 6, OPTIONAL, STRING, None, FeatureSet { utf8_validation: Some(2), ..plain() }),
            field("unverified", 7, OPTIONAL, STRING, None, plain()),
            field("prefixed", 8, OPTIONAL, MESSAGE, Some(".demo.ed.Part"), plain()),
            field(
                "delimited",
                9,
                OPTIONAL,
                MESSAGE,
                Some(".demo.ed.Part"),
                FeatureSet { message_encoding: Some(2), ..plain() },
            ),
            field("open", 10, OPTIONAL, ENUM, Some(".demo.ed.Open"), plain()),
            field("closed", 11, OPTIONAL, ENUM, Some(".demo.ed.Closed"), plain()),
        ],
        ..DescriptorProto::default()
    };
    let part = DescriptorProto {
        name: Some("Part".to_owned()),
        field: vec![field("text", 1, OPTIONAL, STRING, None, plain())],
        ..DescriptorProto::default()
    };
    let values = vec![EnumValueDescriptorProto { name: Some("ZERO".to_owned()), number: Some(0), options: None }];
    let closed = EnumOptions { features: Some(FeatureSet { enum_type: Some(2), ..plain() }), ..EnumOptions::default() };
    let file = FileDescriptorProto {
        name: Some("ed.proto".to_owned()),
        package: Some("demo.ed".to_owned()),
        message_type: vec![message, part],
        enum_type: vec![
            EnumDescriptorProto { name: Some("Open".to_owned()), value: values.clone(), options: None },
            EnumDescriptorProto { name: Some("Closed".to_owned()), value: values, options: Some(closed) },
        ],
        service: vec![ServiceDescriptorProto {
            name: Some("S".to_owned()),
            method: vec![MethodDescriptorProto {
                name: Some("Send".to_owned()),
                input_type: Some(".demo.ed.M".to_owned()),
                output_type: Some(".demo.ed.M".to_owned()),
                ..MethodDescriptorProto::default()
            }],
            options: None,
        }],
        // Strings of the file are not verified unless a field says so.
        options: Some(FileOptions { features: Some(FeatureSet { utf8_validation: Some(3), ..plain() }) }),
        syntax: Some("editions".to_owned()),
        edition: Some(1000),
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }
}

fn compile_set(bytes: Vec<u8>) -> Compiled {
    let files = MemoryFiles::new().with("api.fds", bytes);
    compile(&Input::DescriptorSet("api.fds".into()), &files, &Options::default())
}

fn codes(compiled: &Compiled) -> Vec<Code> {
    compiled.diagnostics.iter().map(|d| d.code).collect()
}

fn message<'a>(api: &'a Api, name: &str) -> &'a [Field] {
    let found = api.types.iter().find_map(|(_, ty)| match &ty.wire {
        Wire::Message(m) if m.full_name == name => Some(&m.fields[..]),
        _ => None,
    });
    found.unwrap_or_default()
}

#[test]
fn editions_are_resolved_from_the_raw_bytes() {
    let compiled = compile_set(edition_2023().encode_to_vec());
    let [api] = &compiled.apis[..] else { panic!("{:?}", compiled.diagnostics) };
    let fields = message(api, "demo.ed.M");
    let presence = |i: usize| match &fields[i] {
        Field::Singular { presence, .. } => presence.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(presence(0), Presence::Explicit);
    assert_eq!(presence(1), Presence::Implicit);
    assert_eq!(presence(2), Presence::Required);
    assert!(matches!(fields[3], Field::Repeated { packed: true, .. }));
    assert!(matches!(fields[4], Field::Repeated { packed: false, .. }));
    assert!(matches!(fields[5], Field::Singular { codec: Codec::Scalar(Scalar::String), .. }));
    assert!(matches!(fields[6], Field::Singular { codec: Codec::Scalar(Scalar::StringUnverified), .. }));
    assert!(matches!(fields[7], Field::Singular { codec: Codec::Message(_), .. }));
    assert!(matches!(fields[8], Field::Singular { codec: Codec::Group(_), .. }));
    let shape = |i: usize| match &fields[i] {
        Field::Singular { codec: Codec::Enum(ty), .. } => api.shape(*ty),
        other => panic!("{other:?}"),
    };
    assert!(matches!(shape(9), Shape::Variant(_)));
    assert!(matches!(shape(10), Shape::Enum(_)));
}

#[test]
fn an_unknown_edition_is_refused_by_name() {
    let mut set = edition_2023();
    set.file[0].edition = Some(2001);
    let compiled = compile_set(set.encode_to_vec());
    assert_eq!(codes(&compiled), [Code::UnsupportedEdition]);
    assert!(compiled.diagnostics[0].message.contains("2001"));
    assert!(compiled.diagnostics[0].location.file.ends_with("ed.proto"));
}

#[test]
fn a_set_without_its_imports_says_how_to_make_one() {
    let mut set = edition_2023();
    set.file[0].dependency.push("google/protobuf/any.proto".to_owned());
    let compiled = compile_set(set.encode_to_vec());
    assert_eq!(codes(&compiled), [Code::BadDescriptorSet]);
    assert!(compiled.diagnostics[0].help.as_ref().is_some_and(|h| h.contains("--include_imports")));
}

#[test]
fn contradictions_of_a_set_are_all_found() {
    let mut set = edition_2023();
    let file = &mut set.file[0];
    file.message_type[0].field[0].number = Some(0);
    file.message_type[0].field[1].number = Some(3);
    file.message_type[0].field[7].type_name = Some(".demo.ed.Gone".to_owned());
    file.enum_type[0].value.clear();
    file.service[0].method[0].output_type = Some(".demo.ed.Open".to_owned());
    let part = file.message_type[1].clone();
    file.message_type.push(part);
    let compiled = compile_set(set.encode_to_vec());
    assert!(compiled.apis.is_empty());
    let text = compiled.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in ["the number 0", "have the number 3", "`.demo.ed.Gone`", "has no value", "unknown message", "declared twice"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_is_no_set_is_refused() {
    assert_eq!(codes(&compile_set(Vec::new())), [Code::BadDescriptorSet]);
    assert_eq!(codes(&compile_set(b"syntax = \"proto3\";".to_vec())), [Code::BadDescriptorSet]);
    let compiled = compile(&Input::DescriptorSet("none.fds".into()), &MemoryFiles::new(), &Options::default());
    assert_eq!(codes(&compiled), [Code::FileUnreadable]);
}

fn compile_sources(files: &MemoryFiles, roots: &[&str], includes: &[&str]) -> Compiled {
    let input = Input::Protos {
        files: roots.iter().map(PathBuf::from).collect(),
        includes: includes.iter().map(PathBuf::from).collect(),
    };
    compile(&input, files, &Options::default())
}

const SERVICE: &str = "syntax = \"proto3\"; package a.v1; import \"b/m.proto\"; service S { rpc A(b.M) returns (b.M); }";
const MESSAGE_FILE: &str = "syntax = \"proto3\"; package b; message M { string a = 1; }";

#[test]
fn imports_are_looked_up_in_the_include_directories_in_order() {
    let files = MemoryFiles::new()
        .with("proto/a/s.proto", SERVICE)
        .with("vendor/b/m.proto", MESSAGE_FILE)
        .with("later/b/m.proto", "not even protobuf");
    let compiled = compile_sources(&files, &["./proto/a/../a/s.proto"], &["proto", "vendor", "later"]);
    assert_eq!(compiled.apis.len(), 1, "{:?}", compiled.diagnostics);
    assert_eq!(compiled.diagnostics[0].location.file, "proto/a/s.proto");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let none = MemoryFiles::new();
    let compiled = compile_sources(&none, &["gone.proto", "also-gone.proto"], &[]);
    assert_eq!(codes(&compiled), [Code::FileUnreadable, Code::FileUnreadable]);

    let compiled = compile_sources(&none, &[], &[]);
    assert_eq!(codes(&compiled), [Code::BadProto]);

    let outside = none.clone().with("elsewhere/s.proto", SERVICE);
    let compiled = compile_sources(&outside, &["elsewhere/s.proto"], &["proto"]);
    assert_eq!(codes(&compiled), [Code::ImportNotFound]);
    assert!(compiled.diagnostics[0].help.as_ref().is_some_and(|h| h.contains("-I elsewhere")));

    let latin = none.with("s.proto", b"// caf\xe9\nsyntax = \"proto3\";".to_vec());
    let compiled = compile_sources(&latin, &["s.proto"], &[]);
    assert_eq!(codes(&compiled), [Code::BadProto]);
    assert_eq!((compiled.diagnostics[0].location.line, compiled.diagnostics[0].location.column), (1, 7));
}

#[test]
fn an_import_cycle_is_an_error() {
    let files = MemoryFiles::new()
        .with("a.proto", "syntax = \"proto3\"; import \"b.proto\";")
        .with("b.proto", "syntax = \"proto3\"; import \"a.proto\";");
    let compiled = compile_sources(&files, &["a.proto"], &[]);
    assert_eq!(codes(&compiled), [Code::BadProto]);
    assert!(compiled.diagnostics[0].message.contains("a.proto -> b.proto -> a.proto"), "{:?}", compiled.diagnostics);
}

#[test]
fn strict_refuses_what_is_only_warned_of() {
    let source = "syntax = \"proto3\"; service S { rpc A(M) returns (M); } message M { string a = 1; }";
    let files = MemoryFiles::new().with("s.proto", source);
    let input = Input::Protos { files: vec!["s.proto".into()], includes: Vec::new() };
    let compile_with = |version: Option<&str>| {
        let options = Options { strict: true, version: version.map(str::to_owned), ..Options::default() };
        compile(&input, &files, &options)
    };
    let compiled = compile_with(None);
    assert!(compiled.is_refused() && compiled.apis.is_empty());
    assert_eq!(codes(&compiled), [Code::VersionDerived]);
    assert_eq!(compile_with(Some("1.0.0")).apis.len(), 1);
}

#[test]
fn a_chain_of_messages_too_deep_for_components_skips_its_methods_only() {
    use std::fmt::Write as _;
    let mut source =
        "syntax = \"proto3\"; package deep; service S { rpc A(M0) returns (Flat); rpc B(Flat) returns (Flat); }\n"
            .to_owned();
    for i in 0..5000 {
        let _ = writeln!(source, "message M{i} {{ M{} next = 1; }}", i + 1);
    }
    source += "message M5000 { string end = 1; } message Flat { string text = 1; }";
    let files = MemoryFiles::new().with("deep.proto", source);
    let compiled = compile_sources(&files, &["deep.proto"], &[]);
    assert_eq!(compiled.skipped.iter().map(|s| &s.source[..]).collect::<Vec<_>>(), ["deep.S/A"]);
    assert_eq!(compiled.apis[0].operations.len(), 1);
}

/// Source name → WIT name of all types and functions, and the types' fields in order.
fn given_names(api: &Api) -> BTreeMap<String, Vec<String>> {
    let mut names = BTreeMap::new();
    for (_, ty) in api.types.iter() {
        let (Some(name), Some(source)) = (&ty.name, api.text(ty.source)) else { continue };
        let mut all = vec![name.name.as_str().to_owned()];
        if let Shape::Record(fields) = &ty.shape {
            all.extend(fields.iter().map(|f| f.name.as_str().to_owned()));
        }
        names.insert(format!("{source} {:?}", std::mem::discriminant(&ty.wire)), all);
    }
    for (_, operation) in api.operations.iter() {
        names.insert(operation.source_name(), vec![operation.name.as_str().to_owned()]);
    }
    names
}

#[test]
fn names_and_fields_do_not_depend_on_the_order_of_declarations() {
    for source in [
        include_str!("../../tests/proto/collisions.proto"),
        include_str!("../../tests/proto/recursive.proto"),
        include_str!("../../tests/proto/field_order.proto"),
    ] {
        let file = protox::file::File::from_source("a.proto", source).expect("the tests' own sources are valid");
        let mut pool = prost_reflect::DescriptorPool::new();
        pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).expect("likewise");
        let mut set = FileDescriptorSet::decode(&pool.encode_to_vec()[..]).expect("it was just encoded");
        let forward = compile_set(set.encode_to_vec());
        let file = &mut set.file[0];
        file.source_code_info = None;
        file.message_type.reverse();
        file.enum_type.reverse();
        file.service.reverse();
        file.service.iter_mut().for_each(|s| s.method.reverse());
        file.message_type.iter_mut().for_each(|m| m.field.reverse());
        let backward = compile_set(set.encode_to_vec());
        assert_eq!(forward.apis.len(), 1, "{:?}", forward.diagnostics);
        assert_eq!(given_names(&forward.apis[0]), given_names(&backward.apis[0]));
    }
}

proptest! {
    #[test]
    fn a_damaged_set_never_panics(position in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = edition_2023().encode_to_vec();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        let compiled = compile_set(bytes.clone());
        prop_assert!(!compiled.apis.is_empty() || compiled.is_refused());
        bytes.truncate(cut.index(bytes.len()));
        compile_set(bytes);
    }

    #[test]
    fn a_damaged_source_never_panics(position in any::<prop::sample::Index>(), insert in "[ -~]{0,3}", remove in 0_usize..4) {
        let mut text = include_str!("../../tests/proto/proto2.proto").to_owned();
        let start = position.index(text.len());
        let end = (start + remove).min(text.len());
        text.replace_range(start..end, &insert);
        let files = MemoryFiles::new().with("a.proto", text);
        let input = Input::Protos { files: vec!["a.proto".into()], includes: Vec::new() };
        let compiled = compile(&input, &files, &Options::default());
        prop_assert!(!compiled.apis.is_empty() || compiled.is_refused());
    }
}

#[test]
fn a_newer_copy_of_a_file_of_protobuf_itself_is_not_needed() {
    let source = "syntax = \"proto3\"; package demo.t.v1; import \"google/protobuf/descriptor.proto\"; \
                  message M { google.protobuf.FieldDescriptorProto field = 1; } service S { rpc Get(M) returns (M); }";
    let newer = "syntax = \"proto2\"; package google.protobuf; \
                 message FieldDescriptorProto { extensions 5 [declaration = { number: 5 }]; }";
    let files = MemoryFiles::new().with("a.proto", source).with("google/protobuf/descriptor.proto", newer);
    let input = Input::Protos { files: vec!["a.proto".into()], includes: Vec::new() };
    let compiled = compile(&input, &files, &Options::default());
    assert_eq!(compiled.apis.len(), 1, "{:?}", compiled.diagnostics);
    // What is no file of protobuf's own has to be read.
    let source = source.replace("google/protobuf/descriptor.proto", "other.proto");
    let files = MemoryFiles::new().with("a.proto", source).with("other.proto", newer);
    let compiled = compile(&input, &files, &Options::default());
    assert!(compiled.apis.is_empty() && compiled.diagnostics.iter().any(|d| d.location.file == "other.proto"));
}
