//! The functions that components import: linked by name, converted by position, never a trap.

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceTable, ResourceType, Val};
use wasmtime::{StoreContextMut, StoreLimits};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use witwire_ir::Value;

use crate::callee::Callee;
use crate::link::ResourceImport;
use crate::session::{Session, Stop};

/// What belongs to one running component.
pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) limits: StoreLimits,
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl State {
    /// Keeps why the guest must stop, and makes the error that stops it.
    pub(crate) fn stop(&mut self, stop: Stop) -> wasmtime::Error {
        let message = stop.to_string();
        self.session.stop = Some(stop);
        wasmtime::Error::msg(message)
    }
}

/// Links a function.
pub(crate) fn link_function(linker: &mut Linker<State>, callee: Arc<Callee>) -> wasmtime::Result<()> {
    let name = callee.name.clone();
    instance(linker, name.interface.as_deref())?
        .func_new_async(&name.function, move |cx, _, params, results| Box::new(perform(cx, callee.clone(), params, results)))
}

/// Links a stream's method. No stream can be opened, so no guest has a handle to call it on.
pub(crate) fn link_method(linker: &mut Linker<State>, interface: Option<&str>, name: &str) -> wasmtime::Result<()> {
    let message = format!("`{name}` was called on a handle that does not exist");
    instance(linker, interface)?.func_new(name, move |_, _, _, _| Err(wasmtime::Error::msg(message.clone())))
}

/// Links a stream's resource type; `number` tells the types of one component apart.
pub(crate) fn link_resource(linker: &mut Linker<State>, resource: &ResourceImport, number: u32) -> wasmtime::Result<()> {
    linker.instance(&resource.interface)?.resource(&resource.name, ResourceType::host_dynamic(number), |_, _| Ok(()))
}

fn instance<'l>(
    linker: &'l mut Linker<State>,
    interface: Option<&str>,
) -> wasmtime::Result<wasmtime::component::LinkerInstance<'l, State>> {
    match interface {
        Some(interface) => linker.instance(interface),
        None => Ok(linker.root()),
    }
}

/// Performs one call. Whatever goes wrong with it becomes the `error` of its result. Only a [`Stop`] ends the guest.
async fn perform(
    mut cx: StoreContextMut<'_, State>,
    callee: Arc<Callee>,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let state = cx.data_mut();
    match call(state, &callee, params).await {
        Ok(value) => {
            results[0] = value;
            Ok(())
        }
        Err(stop) => Err(state.stop(stop)),
    }
}

async fn call(state: &mut State, callee: &Callee, params: &[Val]) -> Result<Val, Stop> {
    let unusable = |what: String| Stop::Unusable { function: callee.name.clone(), what };
    let (layout, signature) = (&callee.layout, &callee.signature);
    let args: Vec<Value> = signature
        .params
        .iter()
        .zip(params)
        .map(|(node, val)| layout.lift(*node, val))
        .collect::<Result<_, _>>()
        // The types were compared when the component was linked, and wasmtime checks the values.
        .map_err(|misfit| unusable(misfit.to_string()))?;
    let value = state.session.interruptible_call(callee, &args).await?;
    layout.lower(signature.result, value).map_err(|misfit| unusable(misfit.to_string()))
}
