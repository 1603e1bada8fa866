//! One call from a guest to its host and back: the price of the boundary alone. Nothing is recorded and nothing is sent; the host
//! gives the argument back.
//!
//! witwire learns the types at run time and converts between wasmtime's `Val` and its own values. The peers: the same with
//! wasmtime's `Val` alone (`func_new`), and `bindgen!`, which knows the types when it is compiled and links with `func_wrap`.

mod sides;

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wasmtime::Engine;
use wasmtime::component::{Component, Linker, TypedFunc, Val};
use witwire_test_support::Script;

use crate::Case;
use crate::guest::{Guest, engine};
use crate::wit::Package;
use sides::Echo;

/// A record of five fields.
pub(crate) fn record() -> Case {
    case("echo-item", &item(7), 100)
}

/// A list of so many such records.
pub(crate) fn list<const N: u32>() -> Case {
    let items: Vec<String> = (1..=N).map(item).collect();
    case("echo-items", &format!("{{items: [{}]}}", items.join(", ")), (1000 / N).clamp(1, 100))
}

/// 64 KiB.
pub(crate) fn bytes() -> Case {
    let bytes: Vec<String> = (0..64 << 10).map(|n| (n % 251).to_string()).collect();
    case("echo-blob", &format!("{{content: [{}]}}", bytes.join(", ")), 1)
}

fn item(number: u32) -> String {
    let tags: Vec<String> = (0..number % 3).map(|tag| format!("\"tag-{tag}\"")).collect();
    let (fragile, tags) = (number.is_multiple_of(2), tags.join(", "));
    format!("{{number: {number}, name: \"item number {number}\", weight: {number}.25, fragile: {fragile}, tags: [{tags}]}}")
}

/// A guest that makes a call so many times in one run: its argument lies ready in its memory, so that calling the guest adds
/// next to nothing.
fn case(function: &'static str, argument: &str, times: u32) -> Case {
    let package = Package::exchange();
    let call = format!("{function}({argument})");
    let mut script = Script::new([package.text()]);
    for _ in 0..times {
        script = script.call(package.import_name(), &call);
    }
    let setup = Setup {
        engine: engine(),
        script: script.build().expect("the call fits the package"),
        proxy: package.proxy(),
        function,
        argument: argument.to_owned(),
        package,
    };
    let mut case = Case::new(setup.side(sides::witwire))
        .beside("wasmtime `Val`", setup.side(sides::val))
        .beside("bindgen!", setup.side(sides::fixed));
    case.times = times;
    case
}

/// How a side links what the guest imports.
type Link = fn(&Engine, &Component, &Package) -> Linker<Echo>;

struct Setup {
    engine: Engine,
    /// Makes the calls.
    script: Vec<u8>,
    /// Passes one call through, so that its result can be seen.
    proxy: Vec<u8>,
    function: &'static str,
    /// In WAVE.
    argument: String,
    package: Package,
}

impl Setup {
    fn side(&self, link: Link) -> impl Fn() -> Vec<u64> + use<> {
        self.check(link);
        let mut guest = self.start(link, &self.script);
        let run: TypedFunc<(), (Vec<u64>,)> =
            guest.instance.get_typed_func(&mut guest.store, "run").expect("a script exports `run`");
        let guest = RefCell::new(guest);
        let run = move || ready(run.call_async(&mut guest.borrow_mut().store, ())).expect("the script does not trap").0;
        assert!(run().iter().all(|result| *result == 0), "every call of the script succeeds");
        run
    }

    /// What comes back is what was given: the same for every side.
    fn check(&self, link: Link) {
        let mut guest = self.start(link, &self.proxy);
        let func = guest.func(&self.package.import_name(), self.function);
        let ty = func.ty(&guest.store);
        let (_, parameter) = ty.params().next().expect("the function has a parameter");
        let argument = Val::from_wave(&parameter, &self.argument).expect("the argument is of the parameter's type");
        let result = ready(guest.call(&func, argument.clone()));
        assert!(result == Val::Result(Ok(Some(Box::new(argument)))), "`{}` gives back what it is given", self.function);
    }

    fn start(&self, link: Link, wasm: &[u8]) -> Guest<Echo> {
        let component = Component::from_binary(&self.engine, wasm).expect("test-support makes components");
        let linker = link(&self.engine, &component, &self.package);
        ready(Guest::start(&linker, &component, Echo))
    }
}

/// The result of a future that never waits.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}
