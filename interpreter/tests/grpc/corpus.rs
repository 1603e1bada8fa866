//! Published protobuf trees, compiled by the frontend: generated requests and responses of every unary method, judged by
//! `prost_reflect` over the same sources.
//!
//! A few trees by default, all with `WITWIRE_FULL=1`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use witwire_frontends::proto::{Input, compile};
use witwire_frontends::{DiskFiles, Options};
use witwire_interpreter::{GrpcResponse, Plan, Request, Response};
use witwire_ir::operation::grpc::StreamKind;
use witwire_ir::wire::Wire;
use witwire_ir::wire::proto::Field;
use witwire_ir::{Api, Call, Operation, OperationId, Shape, TypeId, Value};

use super::generate::Generator;
use super::has_table;
use super::oracle::{same, to_dynamic};

/// Trees that always run: small, and with recursion, proto2, maps and oneofs among them.
const SMALL: &[&str] = &["todo-example", "grpcbin", "grpc-todo", "saisai-grpc-todo", "openfga", "etcd"];

/// Trees that the frontend's own tests do not compile from sources either: editions, and one without services.
const NOT_SOURCES: &[&str] = &["protobuf-tests", "protovalidate"];

/// Values per message and how deep they are.
const SEEDS: u64 = 3;
const DEPTH: u32 = 5;

#[test]
fn generated_values_of_published_apis() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let root = std::env::var_os("WITWIRE_CORPUS").map_or(beside, PathBuf::from).join("proto");
    if !root.is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "corpus not found; set WITWIRE_CORPUS");
        println!("skipped: corpus not found");
        return;
    }
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    let mut trees: Vec<String> = std::fs::read_dir(&root)
        .expect("the corpus is a folder")
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| root.join(name).is_dir() && !NOT_SOURCES.contains(&&name[..]))
        .filter(|name| full || SMALL.contains(&&name[..]))
        .collect();
    trees.sort();
    let (mut all_methods, mut all_values) = (0, 0);
    for tree in &trees {
        let (methods, values) = run(&root.join(tree));
        println!("{tree}: {methods} unary methods, {values} values");
        assert!(methods > 0, "{tree} has no unary method");
        all_methods += methods;
        all_values += values;
    }
    // A little below what there was (`docs/evidence.md`), so that less is noticed.
    let (least_trees, least_methods, least_values) = if full { (21, 3_600, 20_000) } else { (SMALL.len(), 155, 790) };
    assert!(
        trees.len() >= least_trees && all_methods >= least_methods && all_values >= least_values,
        "{} trees, {all_methods} methods, {all_values} values",
        trees.len()
    );
    println!("{} trees", trees.len());
}

/// The files of a tree that declare services.
fn entries(tree: &Path) -> Vec<PathBuf> {
    match std::fs::read_to_string(tree.join("ENTRY.txt")) {
        Ok(list) => {
            list.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| tree.join(l)).collect()
        }
        Err(_) => vec![tree.join("todo.proto")],
    }
}

fn run(tree: &Path) -> (usize, usize) {
    let files = entries(tree);
    let set = protox::compile(&files, [tree]).expect("the tree compiles");
    let pool = DescriptorPool::from_file_descriptor_set(set).expect("a set that protox made");
    let descriptors: HashMap<String, MethodDescriptor> = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| (format!("/{}/{}", method.parent_service().full_name(), method.name()), method))
        .collect();
    let compiled = compile(&Input::Protos { files, includes: vec![tree.to_owned()] }, &DiskFiles, &Options::default());
    let mut methods = 0;
    let mut values = 0;
    for api in compiled.apis {
        let api = Arc::new(api);
        let plan = Plan::new(Arc::clone(&api)).unwrap_or_else(|e| panic!("{e}"));
        for (id, operation) in api.operations.iter() {
            let Call::Grpc(call) = &operation.call else { panic!("a gRPC method") };
            if call.kind != StreamKind::Unary {
                continue;
            }
            methods += 1;
            let method = Method { api: &api, plan: &plan, id, operation, descriptor: &descriptors[&call.path] };
            for seed in 0..SEEDS {
                if let Some(ty) = call.request {
                    method.sends(ty, seed);
                    values += 1;
                }
                if let Some(ty) = call.response {
                    method.receives(ty, seed);
                    values += 1;
                }
            }
        }
    }
    (methods, values)
}

struct Method<'a> {
    api: &'a Api,
    plan: &'a Plan,
    id: OperationId,
    operation: &'a Operation,
    descriptor: &'a MethodDescriptor,
}

impl Method<'_> {
    fn generate(&self, ty: TypeId, seed: u64) -> Value {
        let value = Generator::new((seed, 3)).without_minus_zero().value(self.api, ty, DEPTH);
        value.conforms(self.api, ty).unwrap_or_else(|e| panic!("{}: {e}", self.operation.source_name()));
        value
    }

    fn judge(&self, found: &DynamicMessage, expected: &DynamicMessage) {
        same(&self.operation.source_name(), found, expected).unwrap_or_else(|e| panic!("{e}"));
    }

    /// A request that the interpreter writes is the one that the oracle reads.
    fn sends(&self, ty: TypeId, seed: u64) {
        let value = self.generate(ty, seed);
        let mut args = vec![value.clone()];
        // With `auth: guest` the credentials follow.
        args.extend(self.operation.params[1..].iter().map(|param| self.generate(param.ty, seed)));
        let request =
            self.plan.request(self.id, &args).unwrap_or_else(|e| panic!("{}: {e:?}", self.operation.source_name()));
        let Request::Grpc(request) = request else { panic!("a gRPC request") };
        let read =
            DynamicMessage::decode(self.descriptor.input(), &request.message[..]).expect("the oracle reads the bytes");
        self.judge(&read, &to_dynamic(self.api, ty, &value, &self.descriptor.input()));
    }

    /// A response that the oracle writes is the one that the interpreter reads.
    fn receives(&self, ty: TypeId, seed: u64) {
        let value = self.generate(ty, seed);
        let sent = to_dynamic(self.api, ty, &value, &self.descriptor.output());
        let response = GrpcResponse::Ok { message: sent.encode_to_vec().into(), trailers: Vec::new() };
        let result = self.plan.response(self.id, &[], &Response::Grpc(response));
        result.conforms(self.api, self.operation.result).unwrap_or_else(|e| panic!("{}: {e}", self.operation.source_name()));
        let Value::Result(Ok(Some(read))) = result else { panic!("{}: {result:?}", self.operation.source_name()) };
        self.judge(&to_dynamic(self.api, ty, &read, &self.descriptor.output()), &sent);
        if !has_table(self.api, ty) && !has_map(self.api, ty) {
            assert_eq!(*read, value, "{}", self.operation.source_name());
        }
    }
}

/// Whether a type holds a map, whose entries the oracle writes in an order of its own.
fn has_map(api: &Api, ty: TypeId) -> bool {
    let ty = &api.types[api.resolve(ty)];
    if let Wire::Message(message) = &ty.wire
        && message.fields.iter().any(|f| matches!(f, Field::Map { .. }))
    {
        return true;
    }
    match &ty.shape {
        Shape::List(ty) | Shape::Option(ty) => has_map(api, *ty),
        Shape::Record(fields) => fields.iter().any(|f| has_map(api, f.ty)),
        Shape::Variant(cases) => cases.iter().filter_map(|c| c.ty).any(|ty| has_map(api, ty)),
        _ => false,
    }
}
