//! The cases of the gRPC interoperability tests that need no credentials, run from a guest against a server over another implementation
//! (grpcio), with the protocol as Debian has it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;

use witwire_executor::egress::EgressPolicy;
use witwire_executor::oplog::{Event, FunctionName, IdempotencyKey, MemoryStore, Ordinal, Outcome, WorkerId};
use witwire_executor::transport::{Endpoint, Transport, TransportConfig};
use witwire_executor::{ApiFile, Dependency, Executor, ExecutorConfig};
use witwire_frontends::{Calls, DiskFiles, Options, proto};
use witwire_ir::container::Bundle;
use witwire_ir::host::grpc::{ErrorKind, MESSAGE};
use witwire_ir::{Value, print_package};
use witwire_test_support::Script;

use crate::Add;
use crate::process::Running;
use crate::tool::tools;

pub(crate) fn trials(add: Add<'_>) {
    add("grpc_interop::cases_through_a_guest", cases);
}

const TYPES: &str = "grpc:testing/types@0.1.0";
const SERVICE: &str = "grpc:testing/test-service@0.1.0";
const UNIMPLEMENTED: &str = "grpc:testing/unimplemented-service@0.1.0";
/// What an item without a number, or a call that succeeded, gives in a script.
const OK: u64 = 0;
const END: u64 = Script::VALUE;

const fn error(kind: ErrorKind) -> u64 {
    1 + kind as u64
}

/// A running server, and what it says.
struct Server {
    _running: Running,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Server {
    /// `None` where the Python environment is not installed.
    fn start(protos: &Path) -> Option<Self> {
        let python = tools().join("grpc/bin/python");
        if !python.exists() {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/interop_server.py");
        let mut child = Command::new(python).arg(script).arg(protos).stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let running = Running(child);
        let address = lines.next().expect("the server starts").expect("text");
        Some(Self { _running: running, lines, address })
    }

    /// Waits until the server says that a call was cancelled.
    fn cancelled(&mut self) -> String {
        self.lines.next().expect("the server runs").expect("text")
    }
}

/// What came of a case: the script's numbers, and all results of calls and steps.
struct Run {
    numbers: Vec<u64>,
    results: Vec<Value>,
    /// What came beside results: initial metadata, trailing metadata, attempts.
    beside: Vec<Value>,
}

impl Run {
    /// How many bytes each result holds that holds any.
    fn sizes(&self) -> Vec<usize> {
        self.results.iter().map(bytes).filter(|n| *n > 0).collect()
    }

    /// The messages of the errors.
    fn messages(&self) -> Vec<&str> {
        self.results.iter().filter_map(message_of).collect()
    }
}

fn message_of(result: &Value) -> Option<&str> {
    let Value::Result(Err(Some(error))) = result else { return None };
    let Value::Record(slots) = &**error else { return None };
    let Value::String(message) = &slots[MESSAGE] else { return None };
    Some(message)
}

fn bytes(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(values) | Value::Record(values) | Value::Tuple(values) => values.iter().map(bytes).sum(),
        Value::Variant(_, Some(value)) | Value::Option(Some(value)) => bytes(value),
        Value::Result(Ok(Some(value))) => bytes(value),
        _ => 0,
    }
}

/// A payload of zeros in WAVE.
fn payload(size: usize) -> String {
    format!("some({{%type: compressable, body: [{}]}})", vec!["0"; size].join(", "))
}

/// A `BoolValue` that is there.
fn flag(value: bool) -> String {
    format!("some({{value: {value}}})")
}

/// The fields of a request that are not asked for here.
const NOTHING_ELSE: &str =
    "fill-username: false, fill-oauth-scope: false, fill-server-id: false, fill-grpclb-route-type: false";

fn unary(size: i32, payload: &str, compressed: &str, status: &str) -> String {
    format!(
        "unary-call({{response-type: compressable, response-size: {size}, payload: {payload}, response-compressed: {compressed}, \
         response-status: {status}, {NOTHING_ELSE}}})"
    )
}

/// The argument of the streaming output calls: sizes of the responses, and whether each is to be compressed.
fn output(responses: &[(i32, &str)], payload: &str, status: &str) -> String {
    let responses: Vec<String> =
        responses.iter().map(|(size, c)| format!("{{size: {size}, interval-us: 0, compressed: {c}}}")).collect();
    format!(
        "{{response-type: compressable, response-parameters: [{}], payload: {payload}, response-status: {status}}}",
        responses.join(", ")
    )
}

fn cases() {
    let protos = tools().join("grpc-proto/usr/share/grpc-proto");
    let Some(mut server) = protos.exists().then(|| Server::start(&protos)).flatten() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "`.ci/tools grpc grpc-proto` was not run, and CI must have it"
        );
        println!(
            "skipped: the Python environment `grpc` and Debian's `grpc-proto` are not both there (`.ci/tools grpc grpc-proto`)"
        );
        return;
    };
    let input = proto::Input::Protos { files: vec![protos.join("grpc/testing/test.proto")], includes: vec![protos] };
    let options = Options { calls: Calls::Explicit, version: Some("0.1.0".to_owned()), ..Options::default() };
    let compiled = proto::compile(&input, &DiskFiles, &options);
    assert!(!compiled.is_refused(), "{:?}", compiled.diagnostics);
    let wit = print_package(&compiled.apis[0]);
    let apis = ApiFile::of(&Bundle { apis: compiled.apis });

    let endpoint = Endpoint::parse(&format!("http://{}", server.address)).expect("a URL");
    let egress = EgressPolicy::exactly([&endpoint]);
    let transport = Transport::new(TransportConfig { egress, ..TransportConfig::default() }).expect("a transport");
    let executor = Executor::new(ExecutorConfig::new(Arc::new(MemoryStore::new()), transport)).expect("an executor");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut passed = Vec::new();
    let mut run = |case: &'static str, script: Script| {
        println!("{case}");
        passed.push(case);
        let dependency = Dependency::new(apis.clone(), Some(endpoint.clone()));
        let program = executor.load(script.build().expect("a guest"), &[dependency]).expect("the guest links");
        let id = WorkerId::new(case).expect("a name");
        runtime.block_on(async {
            executor.create(&id, &program, String::new()).await.expect("a worker");
            let mut worker = executor.open(&id, &program).await.expect("the worker");
            let key = IdempotencyKey::new("run").expect("a key");
            let outcome = worker.invoke(&key, &FunctionName::world("run"), &[]).await.expect("the invocation");
            let Outcome::Returned(Some(numbers)) = outcome else { panic!("{case}: {outcome:?}") };
            let numbers =
                numbers.as_str().trim_matches(['[', ']']).split(", ").map(|n| n.parse().expect("a number")).collect();
            let entries = executor.store().read(&id, Ordinal::ZERO).await.expect("the oplog");
            let (mut results, mut beside) = (Vec::new(), Vec::new());
            for (_, entry) in entries {
                match entry.event {
                    Event::Finished(finished) => {
                        results.push(finished.response);
                        beside.extend(finished.beside);
                    }
                    Event::Stepped(stepped) => {
                        results.extend(stepped.response);
                        beside.extend(stepped.beside);
                    }
                    _ => {}
                }
            }
            Run { numbers, results, beside }
        })
    };
    let script = || Script::new([wit.clone()]);
    let pairs = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)];
    let sizes = vec![31415, 9, 2653, 58979];

    assert_eq!(run("empty_unary", script().call(SERVICE, "empty-call()")).numbers, [OK]);

    let large = run("large_unary", script().call(SERVICE, unary(314_159, &payload(271_828), "none", "none")));
    assert_eq!((large.numbers.as_slice(), large.sizes()), (&[OK][..], vec![314_159]));

    let mut sink = script().open("s", SERVICE, "streaming-input-call()");
    for (size, _) in pairs {
        sink = sink.method("s", format!("send({{payload: {}}})", payload(size)));
    }
    let streamed = run("client_streaming", sink.method("s", "finish()"));
    assert_eq!(streamed.numbers, [OK, OK, OK, OK, OK, Script::VALUE + 74922]);

    let responses: Vec<_> = pairs.iter().map(|(_, size)| (*size, "none")).collect();
    let call = format!("streaming-output-call({})", output(&responses, "none", "none"));
    let stream = (0..5).fold(script().open("s", SERVICE, call), |script, _| script.method("s", "next()"));
    let streamed = run("server_streaming", stream);
    assert_eq!((streamed.numbers[0], streamed.sizes()), (OK, sizes.clone()));

    let mut call = script().open("s", SERVICE, "full-duplex-call()");
    for (request, response) in pairs {
        let item = output(&[(response, "none")], &payload(request), "none");
        call = call.method("s", format!("send({item})")).method("s", "next()");
    }
    let conversation = run("ping_pong", call.method("s", "close-send()").method("s", "next()"));
    assert_eq!(conversation.sizes(), sizes);
    assert!(conversation.numbers.iter().all(|n| *n == OK || *n == END), "{:?}", conversation.numbers);

    let empty = script().open("s", SERVICE, "full-duplex-call()").method("s", "close-send()").method("s", "next()");
    let empty = run("empty_stream", empty);
    assert_eq!(empty.numbers[..2], [OK, OK]);
    assert_eq!(empty.results.last(), Some(&Value::ok(Some(Value::none()))));

    let status = "some({code: 2, message: \"test status message\"})";
    let unknown = error(ErrorKind::Unknown);
    let told = script().call(SERVICE, unary(0, "none", "none", status));
    let told = told.open("s", SERVICE, "full-duplex-call()").method("s", format!("send({})", output(&[], "none", status)));
    let told = run("status_code_and_message", told.method("s", "next()"));
    assert_eq!(told.numbers, [unknown, OK, OK, unknown]);
    assert_eq!(told.messages(), ["test status message"; 2]);

    let special = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    let escaped = special.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r");
    let status = format!("some({{code: 2, message: \"{escaped}\"}})");
    let told = run("special_status_message", script().call(SERVICE, unary(0, "none", "none", &status)));
    assert_eq!((told.numbers.as_slice(), told.messages()), (&[unknown][..], vec![special]));

    let unimplemented = error(ErrorKind::Unimplemented);
    let call = script().call(SERVICE, "unimplemented-call()");
    assert_eq!(run("unimplemented_method", call).numbers, [unimplemented]);
    let call = script().call(UNIMPLEMENTED, "unimplemented-call()");
    assert_eq!(run("unimplemented_service", call).numbers, [unimplemented]);

    let compressed = script()
        .call(SERVICE, unary(314_159, &payload(271_828), &flag(true), "none"))
        .call(SERVICE, unary(314_159, &payload(271_828), &flag(false), "none"));
    assert_eq!(run("server_compressed_unary", compressed).sizes(), [314_159, 314_159]);
    let call = output(&[(31415, &flag(true)), (92653, &flag(false))], "none", "none");
    let compressed = script().open("s", SERVICE, format!("streaming-output-call({call})"));
    let compressed = (0..3).fold(compressed, |script, _| script.method("s", "next()"));
    assert_eq!(run("server_compressed_streaming", compressed).sizes(), [31415, 92653]);

    let item = output(&[(31415, "none")], &payload(27182), "none");
    let call = script().open("s", SERVICE, "full-duplex-call()").method("s", format!("send({item})")).method("s", "next()");
    let call = call.method("s", "cancel()").method("s", "next()");
    let cancelled = run("cancel_after_first_response", call);
    assert_eq!(cancelled.numbers.last(), Some(&error(ErrorKind::Cancelled)));
    assert_eq!(cancelled.sizes(), [31415]);
    assert_eq!(server.cancelled(), "cancelled FullDuplexCall");

    // A sink has no `cancel`: its handle is dropped. The third item has room only once the first has left, so that the call has begun.
    let item = format!("send({{payload: {}}})", payload(1));
    let sink = (0..3).fold(script().open("s", SERVICE, "streaming-input-call()"), |script, _| script.method("s", &item));
    assert_eq!(run("cancel_after_begin", sink.drop_handle("s")).numbers, [OK; 5]);
    assert_eq!(server.cancelled(), "cancelled StreamingInputCall");
    // The server refuses a message that is not compressed as it was told.
    let probe = |compressed: bool| {
        let (payload, expected) = (payload(271_828), flag(compressed));
        format!(
            "unary-call({{response-type: compressable, response-size: 314159, payload: {payload}, expect-compressed: {expected}, \
             {NOTHING_ELSE}}})"
        )
    };
    let compressed = script()
        .call(SERVICE, probe(true))
        .create("c", TYPES, "call")
        .method("c", "set-compression(gzip)")
        .call(SERVICE, probe(true))
        .with("c")
        .method("c", "set-compression(identity)")
        .call(SERVICE, probe(false))
        .with("c");
    let invalid = error(ErrorKind::InvalidArgument);
    let compressed = run("client_compressed_unary", compressed);
    assert_eq!((compressed.numbers, compressed.results.len()), (vec![invalid, OK, OK, OK, OK, OK], 3));

    let item = |size, compressed| format!("send({{payload: {}, expect-compressed: {}}})", payload(size), flag(compressed));
    let compressed = script()
        .open("probe", SERVICE, "streaming-input-call()")
        .method("probe", item(27182, true))
        .method("probe", "finish()")
        .create("c", TYPES, "call")
        .method("c", "set-compression(gzip)")
        .open("s", SERVICE, "streaming-input-call()")
        .with("c")
        .method("s", item(27182, true))
        .method("c", "set-compression(identity)")
        .method("s", item(45904, false))
        .method("s", "finish()");
    let numbers = run("client_compressed_streaming", compressed).numbers;
    assert_eq!(numbers, [OK, OK, invalid, OK, OK, OK, OK, OK, OK, Script::VALUE + 73086]);

    let with_metadata = script()
        .create("c", TYPES, "call")
        .method("c", "add-metadata(\"x-grpc-test-echo-initial\", ascii(\"test_initial_metadata_value\"))")
        .method("c", "add-metadata(\"x-grpc-test-echo-trailing-bin\", binary([171, 171, 171]))")
        .call(SERVICE, unary(314_159, &payload(271_828), "none", "none"))
        .with("c")
        .method("c", "initial()")
        .method("c", "trailing()")
        .method("c", "attempts()")
        .open("s", SERVICE, "full-duplex-call()")
        .with("c")
        .method("c", "initial()")
        .method("s", format!("send({})", output(&[(314_159, "none")], &payload(271_828), "none")))
        .method("s", "next()")
        .method("c", "initial()")
        .method("s", "close-send()")
        .method("s", "next()")
        .method("c", "trailing()");
    let told = run("custom_metadata", with_metadata);
    let one = Script::VALUE + 1;
    // Beside the results; of the stream nothing before its first message.
    assert_eq!([4, 5, 6, 8, 11, 14].map(|step| told.numbers[step]), [one, one, one, END, one, one]);
    assert!(told.messages().is_empty(), "{:?}", told.messages());
    let list = |key: &str, value: Value| Value::list([Value::tuple([Value::string(key), value])]);
    let initial = Value::case(0, Value::string("test_initial_metadata_value"));
    let initial = list("x-grpc-test-echo-initial", initial);
    let trailing = list("x-grpc-test-echo-trailing-bin", Value::case(1, Value::Bytes([0xab; 3].into())));
    let whole = Value::record([initial, trailing, Value::U32(1)]);
    assert_eq!((told.beside.first(), told.beside.last()), (Some(&whole), Some(&whole)));

    let sleeping = script()
        .create("c", TYPES, "call")
        .method("c", "set-deadline(1)")
        .open("s", SERVICE, "full-duplex-call()")
        .with("c")
        .method(
            "s",
            format!("send({{response-type: compressable, response-parameters: [{{size: 1, interval-us: 60000000}}], payload: {}}})", payload(27182)),
        )
        .method("s", "next()");
    let numbers = run("timeout_on_sleeping_server", sleeping).numbers;
    assert_eq!(numbers.last(), Some(&error(ErrorKind::DeadlineExceeded)), "{numbers:?}");
    println!("grpc interop: {} cases: {}", passed.len(), passed.join(", "));
}
