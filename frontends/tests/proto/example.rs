//! The example service that the project ships.

use libtest_mimic::{Failed, Trial};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{MemoryFiles, Options};
use witwire_ir::{Call, CallClass};

const SOURCE: &str = include_str!("../../../examples/todo-service/proto/todo.proto");

pub(super) fn trials() -> Vec<Trial> {
    vec![Trial::test("proto::example", run)]
}

/// Each call class stands in it, and one method of it streams.
fn run() -> Result<(), Failed> {
    let files = MemoryFiles::new().with("todo.proto", SOURCE);
    let input = Input::Protos { files: vec!["todo.proto".into()], includes: Vec::new() };
    let options = Options { version: Some("1.0.0".to_owned()), ..Options::default() };
    let compiled = compile(&input, &files, &options);
    let [api] = &compiled.apis[..] else { return Err(format!("{:?}", compiled.diagnostics).into()) };
    if !compiled.diagnostics.is_empty() {
        return Err(format!("{:?}", compiled.diagnostics).into());
    }
    super::structure::check(&witwire_ir::print_package(api))?;
    let actual: Vec<String> = api
        .operations
        .iter()
        .map(|(_, o)| {
            let streams = matches!(&o.call, Call::Grpc(call) if call.kind != witwire_ir::operation::grpc::StreamKind::Unary);
            let class = match &o.class {
                CallClass::Unsafe(_) => "unsafe",
                other => other.name(),
            };
            format!("{} {class}{}", o.name.as_str(), if streams { " streams" } else { "" })
        })
        .collect();
    let expected = [
        "add-todo unsafe",
        "get-todo safe",
        "list-todos safe",
        "update-todo idempotent",
        "delete-todo idempotent",
        "watch-todos unsafe streams",
    ];
    if actual == expected { Ok(()) } else { Err(format!("{actual:?}").into()) }
}
