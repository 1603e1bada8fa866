//! A whole call on loopback: a guest's export is invoked, the guest calls the example service, and the result comes back.
//!
//! witwire's side is a worker with its oplog on disk; beside it the same worker with its oplog in memory. The peer is a host that
//! was written for this one interface: imports by `bindgen!`, tonic or hyper with serde behind them, nothing recorded. A worker
//! takes its arguments and gives its results as WAVE text. The peer does both: `bindgen!`'s types, as such a host would, and WAVE.
//!
//! The service runs on a thread of its own, as if it were another process.

mod grpc;
mod rest;
mod service;
mod worker;

use std::cell::RefCell;
use std::rc::Rc;

use tokio::runtime::Runtime;

use crate::Case;
use crate::wit::Package;
use service::Served;
use worker::Invoker;

/// What is called, and where.
struct Call {
    package: Package,
    function: &'static str,
    /// In WAVE.
    argument: &'static str,
    served: Served,
}

/// A host that was written for one interface.
trait Peer: Sized + 'static {
    /// Its names: with types, and with WAVE.
    const NAMES: [&'static str; 2];
    /// A host for a call.
    async fn start(call: &Call) -> Self;
    /// Makes the call with `bindgen!`'s types, and counts the items of its result.
    async fn typed(&mut self) -> usize;
    /// Makes the call with WAVE text.
    async fn text(&mut self) -> String;
}

/// Adds an item: no call that may be repeated, so that witwire records it durably before it is sent.
pub(crate) fn grpc_add() -> Case {
    let argument = r#"{title: "Water the plants", priority: high, labels: [("room", "kitchen")]}"#;
    let call = Call { package: Package::todo_grpc(), function: "add-todo", argument, served: Served::start(0) };
    case::<grpc::Peer>(call, 1)
}

/// Reads so many items.
pub(crate) fn grpc_list<const N: u32>() -> Case {
    let argument = "{at-least: unspecified, limit: 0}";
    let call = Call { package: Package::todo_grpc(), function: "list-todos", argument, served: Served::start(N) };
    case::<grpc::Peer>(call, N as usize)
}

/// Reads so many items, which make one page: 100 are the most that the service gives.
pub(crate) fn rest_list<const N: u32>() -> Case {
    let argument = r#"{user-id: "ada", limit: some(100)}"#;
    let call = Call { package: Package::todo_rest(), function: "list", argument, served: Served::start(N) };
    case::<rest::Peer>(call, N as usize)
}

fn case<P: Peer>(call: Call, items: usize) -> Case {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.expect("a runtime of one thread"));
    let [typed_name, text_name] = P::NAMES;
    let own = side(&runtime, runtime.block_on(Invoker::on_disk(&call)), Invoker::invoke);
    let in_memory = side(&runtime, runtime.block_on(Invoker::in_memory(&call)), Invoker::invoke);
    let text = side(&runtime, runtime.block_on(P::start(&call)), P::text);
    let typed = side(&runtime, runtime.block_on(P::start(&call)), P::typed);

    let expected = stable(own().as_str());
    assert_eq!(stable(in_memory().as_str()), expected, "the oplog's place changes no result");
    assert_eq!(stable(&text()), expected, "the peer's result is that of witwire");
    assert_eq!(typed(), items, "the result is whole");
    let own = move || {
        // The service runs as long as this side is kept.
        let _ = &call.served;
        own()
    };
    Case::new(own).beside("witwire, in memory", in_memory).beside(typed_name, typed).beside(text_name, text)
}

/// A side that does its work on a runtime, one piece after the other.
fn side<T: 'static, O>(
    runtime: &Rc<Runtime>,
    state: T,
    work: impl AsyncFn(&mut T) -> O + 'static,
) -> impl Fn() -> O + 'static {
    let (runtime, state) = (runtime.clone(), RefCell::new(state));
    move || runtime.block_on(work(&mut state.borrow_mut()))
}

/// A result's text without what is another one each time: the id and the time of an item that was added, the number of a request.
fn stable(text: &str) -> String {
    let added = text.starts_with("ok({todo:");
    let marks: &[(&str, &str)] =
        if added { &[("id: \"", "\""), ("created: some({", "})")] } else { &[("x-request-id: some(\"", "\"")] };
    marks.iter().fold(text.to_owned(), |text, (start, end)| masked(&text, start, end))
}

/// The text with nothing between the first `start` and the `end` behind it.
fn masked(text: &str, start: &str, end: &str) -> String {
    match text.split_once(start).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1))) {
        Some((before, after)) => format!("{before}{start}{end}{after}"),
        None => text.to_owned(),
    }
}
