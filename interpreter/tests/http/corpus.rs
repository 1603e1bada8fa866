//! Every OpenAPI document of the corpus makes a plan, and every operation a request.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use witwire_frontends::{DiskFiles, Options, openapi};
use witwire_interpreter::{Failure, Plan, Request};
use witwire_ir::host::Violation;
use witwire_ir::{Api, AuthMode, Shape, TypeId, Value};

use crate::http::build::response;

/// The corpus' one operation whose form is declared as an array, which has no names to send; it is refused.
const ARRAY_AS_FORM: &str = "PUT /api/v{api-version}/non-ascii";

/// A value of a type: options are there or not, and cases turn, by the number.
fn sample(api: &Api, ty: TypeId, turn: u32) -> Value {
    let inner = |ty: TypeId| sample(api, ty, turn);
    let payload = |ty: Option<TypeId>| ty.map(|ty| Box::new(inner(ty)));
    match api.shape(ty) {
        Shape::Bool => Value::Bool(turn.is_multiple_of(2)),
        Shape::U8 => Value::U8(turn as u8),
        Shape::U16 => Value::U16(turn as u16),
        Shape::U32 => Value::U32(turn),
        Shape::U64 => Value::U64(turn.into()),
        Shape::S8 => Value::S8(turn as i8),
        Shape::S16 => Value::S16(turn as i16),
        Shape::S32 => Value::S32(turn as i32),
        Shape::S64 => Value::S64(turn.into()),
        Shape::F32 => Value::F32(turn as f32 / 2.0),
        Shape::F64 => Value::F64(f64::from(turn) / 2.0),
        Shape::Char => Value::Char('c'),
        // A text that is a JSON object too, for `type json = string`.
        Shape::String => Value::string(r#"{"a":1}"#),
        Shape::Bytes => Value::Bytes([1, 2, 3].into()),
        Shape::List(item) => Value::list(vec![inner(*item)]),
        Shape::Option(_) if turn.is_multiple_of(2) => Value::none(),
        Shape::Option(ty) => Value::some(inner(*ty)),
        Shape::Tuple(types) => Value::Tuple(types.iter().map(|ty| inner(*ty)).collect()),
        Shape::Record(fields) => Value::Record(fields.iter().map(|f| inner(f.ty)).collect()),
        Shape::Variant(cases) => {
            let case = turn as usize % cases.len();
            Value::Variant(case as u32, payload(cases[case].ty))
        }
        Shape::Enum(labels) => Value::Enum(turn % labels.len() as u32),
        Shape::Flags(_) => Value::Flags(0),
        Shape::Result { ok, .. } => Value::Result(Ok(payload(*ok))),
        Shape::Resource(_) => Value::Handle(0),
        Shape::Alias(_) | Shape::Call(_) => unreachable!("`shape` looks behind aliases"),
    }
}

fn documents(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            documents(&path, into);
        } else if path.extension().is_some_and(|e| ["json", "yaml", "yml"].iter().any(|known| e == *known)) {
            into.push(path);
        }
    }
}

/// The size of a document up to which it is read by default; all with `WITWIRE_FULL=1`.
const SMALL: u64 = 40 << 10;

#[test]
fn every_operation_of_the_corpus_makes_a_request() {
    let corpus = std::env::var_os("WITWIRE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !corpus.join("openapi").is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the corpus is missing: {}", corpus.display());
        println!("skipped: corpus not found");
        return;
    }
    let mut files = Vec::new();
    documents(&corpus.join("openapi"), &mut files);
    files.sort();
    let all = files.len();
    let full = std::env::var_os("WITWIRE_FULL").is_some();
    if !full {
        files.retain(|file| fs::metadata(file).is_ok_and(|meta| meta.len() <= SMALL));
    }
    let (mut plans, mut sent, mut refused) = (0, 0, 0);
    let mut faults = Vec::new();
    for file in &files {
        for auth in [AuthMode::Guest, AuthMode::Host] {
            let compiled = openapi::compile(file, &DiskFiles, &Options { auth: Some(auth), ..Options::default() });
            for api in compiled.apis {
                match Plan::new(Arc::new(api)) {
                    Ok(plan) => {
                        plans += 1;
                        every_operation(&plan, file, &mut sent, &mut refused, &mut faults);
                    }
                    Err(error) => faults.push(format!("{}: {error}", file.display())),
                }
            }
        }
    }
    println!("{} of {all} documents, {plans} plans, {sent} requests, {refused} calls refused before sending", files.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(100)].join("\n"));
    // A little below what there was (`docs/evidence.md`), so that less is noticed.
    let (least_plans, least_sent) = if full { (1_500, 150_000) } else { (1_250, 15_000) };
    assert!(plans >= least_plans && sent >= least_sent, "{plans} plans, {sent} requests");
}

fn every_operation(plan: &Plan, file: &Path, sent: &mut usize, refused: &mut usize, faults: &mut Vec<String>) {
    let api = plan.api();
    for (id, operation) in api.operations.iter() {
        let mut fault = |what: String| faults.push(format!("{}: {}: {what}", file.display(), operation.source_name()));
        for turn in 0..4 {
            let args: Vec<_> = operation.params.iter().map(|p| sample(api, p.ty, turn)).collect();
            let _ = plan.check(id, &args);
            match plan.request(id, &args) {
                Ok(Request::Http(request)) => {
                    *sent += 1;
                    if !request.target.starts_with('/')
                        || !request.target.is_ascii()
                        || request.target.contains([' ', '\n', '"', '<'])
                    {
                        fault(format!("target `{}`", request.target));
                    }
                    let json = request.headers.iter().any(|(n, v)| n == "content-type" && v.ends_with("json"));
                    let body = request.body.as_deref().filter(|_| json);
                    if body.is_some_and(|body| serde_json::from_slice::<serde_json::Value>(body).is_err()) {
                        fault("a body that is no JSON".to_owned());
                    }
                }
                Ok(Request::Grpc(_)) => fault("a gRPC request".to_owned()),
                Err(Failure::InvalidRequest(violations)) => {
                    *refused += 1;
                    // The samples are values of their types; only their content may be refused.
                    let of_type = |v: &Violation| v.rule == "type" || v.rule == "encoding";
                    let meaningless = operation.source_name().starts_with(ARRAY_AS_FORM);
                    for violation in violations.into_iter().filter(|v| of_type(v) && !meaningless) {
                        fault(format!("{violation:?}"));
                    }
                }
                Err(other) => fault(format!("{other:?}")),
            }
            for body in ["", "{}", "[]", "null", "\"x\"", "{\"data\":[]}"] {
                let status = [200, 201, 404, 500][turn as usize];
                let answer = response(status, &[("content-type", "application/json")], body);
                let result = plan.response(id, &args, &answer);
                if let Err(mismatch) = result.conforms(api, operation.result) {
                    fault(format!("{status} {body}: {mismatch}"));
                }
            }
        }
    }
}
