//! The functions that components import: linked by name, converted by position, never a trap.

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceDynamic, ResourceTable, ResourceType, Val};
use wasmtime::{StoreContextMut, StoreLimits};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use witwire_ir::{Step, Value};

use crate::callee::Callee;
use crate::lift::{Layout, Lowered, NodeId};
use crate::link::{MethodSignature, ResourceImport};
use crate::oplog::FunctionName;
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

/// A method of a stream, ready to be called.
#[derive(Debug)]
pub(crate) struct Stepper {
    /// As the component names it.
    pub(crate) name: FunctionName,
    pub(crate) step: Step,
    pub(crate) layout: Arc<Layout>,
    pub(crate) signature: MethodSignature,
}

/// Links a stream's method.
pub(crate) fn link_method(linker: &mut Linker<State>, stepper: Arc<Stepper>) -> wasmtime::Result<()> {
    let name = stepper.name.clone();
    instance(linker, name.interface.as_deref())?.func_new_async(&name.function, move |cx, _, params, results| {
        Box::new(take_step(cx, stepper.clone(), params, results))
    })
}

/// Links a stream's resource type; `number` tells the types of one component apart. A dropped handle cancels the call.
pub(crate) fn link_resource(linker: &mut Linker<State>, resource: &ResourceImport, number: u32) -> wasmtime::Result<()> {
    let ty = ResourceType::host_dynamic(number);
    linker.instance(&resource.interface)?.resource(&resource.name, ty, |mut cx, handle| {
        cx.data_mut().session.drop_stream(handle);
        Ok(())
    })
}

/// Where the functions of an interface are linked, or those of the world.
pub(crate) fn instance<'l, T: 'static>(
    linker: &'l mut Linker<T>,
    interface: Option<&str>,
) -> wasmtime::Result<wasmtime::component::LinkerInstance<'l, T>> {
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
    let lowered = match call(state, &callee, params).await {
        Ok(lowered) => lowered,
        Err(stop) => return Err(state.stop(stop)),
    };
    results[0] = match (lowered, callee.resource) {
        (Lowered::Plain(value), _) => value,
        (Lowered::Handle(handle), Some(resource)) => {
            let handle = ResourceDynamic::new_own(handle, resource).try_into_resource_any(&mut cx)?;
            Val::Result(Ok(Some(Box::new(Val::Resource(handle)))))
        }
        (Lowered::Handle(_), None) => {
            let stop = unusable(&callee.name, "a handle of a resource that is not linked");
            return Err(cx.data_mut().stop(stop));
        }
    };
    Ok(())
}

async fn call(state: &mut State, callee: &Arc<Callee>, params: &[Val]) -> Result<Lowered, Stop> {
    let (layout, signature) = (&callee.layout, &callee.signature);
    let args = lift(&callee.name, layout, &signature.params, params)?;
    let value = state.session.interruptible_call(callee, &args).await?;
    layout.result(signature.result, value).map_err(|misfit| unusable(&callee.name, misfit))
}

/// Takes one step of a stream.
async fn take_step(
    mut cx: StoreContextMut<'_, State>,
    stepper: Arc<Stepper>,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let handle = match params {
        [Val::Resource(handle), ..] => handle.try_into_resource_dynamic(&mut cx)?.rep(),
        _ => wasmtime::bail!("`{}` was called without a handle", stepper.name),
    };
    let state = cx.data_mut();
    match step(state, &stepper, handle, &params[1..]).await {
        Ok(value) => {
            if let (Some(result), Some(value)) = (results.first_mut(), value) {
                *result = value;
            }
            Ok(())
        }
        Err(stop) => Err(state.stop(stop)),
    }
}

async fn step(state: &mut State, stepper: &Stepper, handle: u32, params: &[Val]) -> Result<Option<Val>, Stop> {
    let (layout, signature) = (&stepper.layout, &stepper.signature);
    let args = lift(&stepper.name, layout, &signature.params, params)?;
    let value = state.session.interruptible_step(handle, &stepper.name, stepper.step, &args).await?;
    match (signature.result, value) {
        (Some(node), Some(value)) => layout.lower(node, value).map(Some).map_err(|e| unusable(&stepper.name, e)),
        (None, None) => Ok(None),
        _ => Err(unusable(&stepper.name, "a result where there is none, or none where there is one")),
    }
}

/// The arguments of a call. The types were compared when the component was linked, and wasmtime checks the values.
pub(crate) fn lift(name: &FunctionName, layout: &Layout, nodes: &[NodeId], params: &[Val]) -> Result<Vec<Value>, Stop> {
    let values = nodes.iter().zip(params).map(|(node, val)| layout.lift(*node, val));
    values.collect::<Result<_, _>>().map_err(|misfit| unusable(name, misfit))
}

fn unusable(name: &FunctionName, what: impl std::fmt::Display) -> Stop {
    Stop::Unusable { function: name.clone(), what: what.to_string() }
}
