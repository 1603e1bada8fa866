//! Inputs to begin with. They are made when they are needed: what they are made of changes.

use prost::Message;
use witwire_frontends::Options;
use witwire_ir::container::{self, Bundle};
use witwire_ir::sample::{SplitMix64, sample_arguments};
use witwire_ir::wave::print_call;

use crate::compile::{self, ECHO, ECHO2, REST};

const TODO_REST: &str = include_str!("../../../examples/todo-service/openapi.yaml");
const TODO_PROTO: &str = include_str!("../../../examples/todo-service/proto/todo.proto");
const TODO_MANIFEST: &str = include_str!("../../../examples/todo-agent/witwire.yaml");

fn bytes(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn openapi() -> Vec<Vec<u8>> {
    bytes(&[REST, TODO_REST])
}

pub(crate) fn protos() -> Vec<Vec<u8>> {
    bytes(&[ECHO, ECHO2, TODO_PROTO])
}

pub(crate) fn manifest() -> Vec<Vec<u8>> {
    bytes(&[TODO_MANIFEST])
}

pub(crate) fn descriptors() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/specs");
    ["echo.proto", "echo2.proto"]
        .into_iter()
        .map(|file| protox::compile([file], [folder]).expect("a specification of this crate compiles").encode_to_vec())
        .collect()
}

pub(crate) fn container() -> Vec<Vec<u8>> {
    let options = Options::default();
    let compiled = [
        compile::document(REST, &options),
        compile::document(TODO_REST, &options),
        compile::source(ECHO2, &options),
        compile::source(TODO_PROTO, &options),
    ];
    // Behind the header and the table of one section is the core, which is what the target takes.
    let core = |file: Vec<u8>| file[54..].to_vec();
    compiled.into_iter().map(|compiled| core(container::write_core(&Bundle { apis: compiled.apis }))).collect()
}

pub(crate) fn http_requests() -> Vec<Vec<u8>> {
    (0..40_u8)
        .map(|n| vec![n / 20, n % 20].into_iter().chain((0..200).map(|m| n.wrapping_mul(31).wrapping_add(m))).collect())
        .collect()
}

pub(crate) fn http_responses() -> Vec<Vec<u8>> {
    let bodies: [&[u8]; 6] = [
        br#"{"id":"a","kept":null,"int32":1,"pair":["x",2],"map":{"a":1},"nested":{"name":null},"free":[1],"other":"x"}"#,
        br#"{"name":"a","children":[{"name":"b"}],"rule":{"all":["x"]}}"#,
        br#"{"shape":{"kind":"circle","radius":1.5},"scalar":null,"thing":["x"],"list":["a",{"kind":"square","side":2}]}"#,
        b"x-count: 5\nx-names: a,b\n\ntext",
        b"event: a\nid: 1\ndata: {\"scalar\":\"a\"}\n\ndata: [1]\n\n",
        b"{\"name\":\"a\"}\n{\"value\":[\"a\"],\"next\":\"/b\"}\n",
    ];
    let media_types = [0, 0, 0, 1, 6, 7];
    let mut seeds = Vec::new();
    for operation in 0..14 {
        for (media_type, body) in media_types.into_iter().zip(bodies) {
            seeds.push([&[1, operation, 0, media_type], body].concat());
        }
    }
    seeds
}

pub(crate) fn protobuf_requests() -> Vec<Vec<u8>> {
    (0..18_u8).map(|n| std::iter::once(n).chain((0..200).map(|m| n.wrapping_mul(29).wrapping_add(m))).collect()).collect()
}

pub(crate) fn protobuf_responses() -> Vec<Vec<u8>> {
    crate::protobuf::samples()
}

pub(crate) fn frames() -> Vec<Vec<u8>> {
    [
        &b"\x01\x05event: add\ndata: 1\ndata: 2\nid: 7\nretry: 10\n\n: comment\r\ndata\r\rdata: x\n\n"[..],
        b"\x00\x00{\"a\":1}\r\n\n[2]\n\"x",
        b"\x02\x03\xEF\xBB\xBFdata: \xff\n\n",
    ]
    .map(<[u8]>::to_vec)
    .to_vec()
}

pub(crate) fn wave() -> Vec<Vec<u8>> {
    let options = Options::default();
    let mut seeds = Vec::new();
    for compiled in [compile::document(REST, &options), compile::source(ECHO, &options)] {
        for api in compiled.apis {
            for (id, operation) in api.operations.iter() {
                let args = sample_arguments(&api, operation, &mut SplitMix64::new(1));
                let call = print_call(&api, id, &args);
                let arguments = call.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
                seeds.push(arguments.as_bytes().to_vec());
                seeds.push(call.into_bytes());
            }
        }
    }
    seeds
}
