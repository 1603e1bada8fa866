//! Three ways to link an interface whose functions give back what they are given.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker, Val};
use witwire_executor::bare::{self, Answer};
use witwire_ir::Value;

use crate::wit::Package;

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)] // generated
mod bindings {
    wasmtime::component::bindgen!({ path: "wit/exchange.wit", world: "generated-proxy" });
}

use bindings::bench::exchange::exchange::{self, Blob, Error, Item, Items};
use bindings::bench::exchange::types;

/// The host's data: none.
pub(super) struct Echo;

/// As witwire links a worker's imports.
pub(super) fn witwire(engine: &Engine, component: &Component, package: &Package) -> Linker<Echo> {
    let answer: Answer = Arc::new(|_, arguments| Value::ok(arguments.into_iter().next()));
    bare::link(engine, component, std::slice::from_ref(&package.api), &answer).expect("the imports are the package's")
}

/// With wasmtime's own values for types that are known at run time.
pub(super) fn val(engine: &Engine, _: &Component, package: &Package) -> Linker<Echo> {
    let mut linker = Linker::new(engine);
    let mut instance = linker.instance(&package.import_name()).expect("the linker is empty");
    for (_, operation) in package.api.operations.iter() {
        let echo = |_: wasmtime::StoreContextMut<'_, Echo>, _, params: &[Val], results: &mut [Val]| {
            results[0] = Val::Result(Ok(Some(Box::new(params[0].clone()))));
            Ok(())
        };
        instance.func_new(operation.name.as_str(), echo).expect("each function is linked once");
    }
    linker
}

/// With types that are known when the host is compiled.
pub(super) fn fixed(engine: &Engine, _: &Component, _: &Package) -> Linker<Echo> {
    let mut linker = Linker::new(engine);
    bindings::GeneratedProxy::add_to_linker::<_, HasSelf<_>>(&mut linker, |echo| echo).expect("the linker is empty");
    linker
}

impl types::Host for Echo {}

impl exchange::Host for Echo {
    fn echo_item(&mut self, request: Item) -> Result<Item, Error> {
        Ok(request)
    }

    fn echo_items(&mut self, request: Items) -> Result<Items, Error> {
        Ok(request)
    }

    fn echo_blob(&mut self, request: Blob) -> Result<Blob, Error> {
        Ok(request)
    }
}
