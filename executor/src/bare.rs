//! A component's imports without a worker: a function of the host answers them, nothing is recorded and nothing is sent. What
//! remains of a call is its conversion, so that its price can be measured (`benches/`). Not for hosts.

use std::sync::Arc;

use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Config, Engine};
use witwire_ir::{Api, Value};

use crate::engine;
use crate::host;
use crate::lift::{Layout, Lowered};
use crate::link::{self, LinkError, LinkProblem, Signature, Target};
use crate::oplog::FunctionName;
use crate::program::full;

/// What answers: it is given the function that was called and the arguments, and gives the function's result.
pub type Answer = Arc<dyn Fn(&FunctionName, Vec<Value>) -> Value + Send + Sync>;

/// wasmtime's settings, as workers have them.
pub fn config() -> Config {
    engine::config()
}

/// A function that a component imports, ready to be answered.
struct Import {
    name: FunctionName,
    layout: Arc<Layout>,
    signature: Signature,
    answer: Answer,
}

/// Links all functions that a component imports, as a worker's are linked. Streams and WASI are left out: a component that has
/// them cannot be instantiated.
///
/// # Errors
/// [`LinkError`], with all reasons at once where imports do not fit.
pub fn link<T: Send + 'static>(
    engine: &Engine,
    component: &Component,
    apis: &[Arc<Api>],
    answer: &Answer,
) -> Result<Linker<T>, LinkError> {
    let imports = link::resolve(engine, component, apis)?;
    let layout = Arc::new(imports.layout);
    let mut linker = Linker::new(engine);
    for function in imports.functions {
        let Target::Operation(_, signature) = function.target else { continue };
        let import = Import { name: function.name, layout: layout.clone(), signature, answer: answer.clone() };
        link_function(&mut linker, Arc::new(import))
            .map_err(|error| LinkError { problems: vec![LinkProblem::Wasmtime(full(&error))] })?;
    }
    Ok(linker)
}

fn link_function<T: Send + 'static>(linker: &mut Linker<T>, import: Arc<Import>) -> wasmtime::Result<()> {
    let name = import.name.clone();
    host::instance(linker, name.interface.as_deref())?.func_new_async(&name.function, move |_, _, params, results| {
        let import = import.clone();
        Box::new(async move { perform(&import, params, results) })
    })
}

fn perform(import: &Import, params: &[Val], results: &mut [Val]) -> wasmtime::Result<()> {
    let Import { name, layout, signature, answer } = import;
    let args = host::lift(name, layout, &signature.params, params).map_err(|stop| wasmtime::Error::msg(stop.to_string()))?;
    let lowered = layout.result(signature.result, answer(name, args));
    match lowered.map_err(|misfit| wasmtime::Error::msg(misfit.to_string()))? {
        Lowered::Plain(value) => results[0] = value,
        Lowered::Handle(_) => wasmtime::bail!("`{name}` gives a handle, and nothing here keeps one"),
    }
    Ok(())
}
