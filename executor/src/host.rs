//! The functions that components import: linked by name, converted by position. A trap only where a guest holds more handles than it may, or more
//! bytes in settings of calls.

use std::sync::Arc;

use wasmtime::component::{Linker, ResourceDynamic, ResourceTable, ResourceType, Val};
use wasmtime::{StoreContextMut, StoreLimits};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use witwire_ir::{CallPart, Step, Value};

use crate::callee::Callee;
use crate::lift::{Layout, Lowered, NodeId};
use crate::link::{MethodSignature, ResourceImport, ResourceKind};
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

/// A method of the resource `call`, ready to be called.
#[derive(Debug)]
pub(crate) struct Setter {
    /// As the component names it.
    pub(crate) name: FunctionName,
    pub(crate) part: CallPart,
    pub(crate) layout: Arc<Layout>,
    pub(crate) signature: MethodSignature,
    /// The number under which the resource is linked.
    pub(crate) resource: Option<u32>,
}

/// Links a method of the resource `call`.
pub(crate) fn link_call_method(linker: &mut Linker<State>, setter: Arc<Setter>) -> wasmtime::Result<()> {
    let name = setter.name.clone();
    instance(linker, name.interface.as_deref())?
        .func_new(&name.function, move |cx, _, params, results| call_method(cx, &setter, params, results))
}

/// Links a resource type; `number` tells the types of one component apart. A dropped handle of a stream cancels the call.
pub(crate) fn link_resource(linker: &mut Linker<State>, resource: &ResourceImport, number: u32) -> wasmtime::Result<()> {
    let (ty, kind) = (ResourceType::host_dynamic(number), resource.kind);
    linker.instance(&resource.interface)?.resource(&resource.name, ty, move |mut cx, handle| {
        let session = &mut cx.data_mut().session;
        match kind {
            ResourceKind::Stream => session.drop_stream(handle),
            ResourceKind::Call => session.calls.drop_handle(handle),
        }
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

/// Performs one call. Whatever goes wrong with it becomes the `error` of its result. Only a [`Stop`] ends the guest, and a handle too many.
async fn perform(
    mut cx: StoreContextMut<'_, State>,
    callee: Arc<Callee>,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    // The last argument may be a handle, which only the store can read.
    let handle = match params.last() {
        Some(Val::Option(Some(handle))) => match &**handle {
            Val::Resource(handle) => Some(handle.try_into_resource_dynamic(&mut cx)?.rep()),
            _ => None,
        },
        _ => None,
    };
    let state = cx.data_mut();
    if callee.opens_stream() {
        state.session.streams.room()?;
    }
    let lowered = match call(state, &callee, params, handle).await {
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

async fn call(state: &mut State, callee: &Arc<Callee>, params: &[Val], handle: Option<u32>) -> Result<Lowered, Stop> {
    let (layout, signature) = (&callee.layout, &callee.signature);
    let plain = callee.settings().unwrap_or(params.len());
    let mut args = lift(&callee.name, layout, signature.params.get(..plain).unwrap_or(&signature.params), params)?;
    if callee.settings().is_some() {
        args.push(Value::option(handle.and_then(|handle| state.session.calls.settings(handle))));
    }
    let value = state.session.interruptible_call(callee, &args, handle).await?;
    layout.result(signature.result, value).map_err(|misfit| unusable(&callee.name, misfit))
}

/// Makes a handle of the resource `call`, or calls a method of one. Neither asks anybody.
fn call_method(
    mut cx: StoreContextMut<'_, State>,
    setter: &Setter,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    if setter.part == CallPart::New {
        let (handle, Some(resource)) = (cx.data_mut().session.calls.insert()?, setter.resource) else {
            let stop = unusable(&setter.name, "a handle of a resource that is not linked");
            return Err(cx.data_mut().stop(stop));
        };
        results[0] = Val::Resource(ResourceDynamic::new_own(handle, resource).try_into_resource_any(&mut cx)?);
        return Ok(());
    }
    let handle = match params {
        [Val::Resource(handle), ..] => handle.try_into_resource_dynamic(&mut cx)?.rep(),
        _ => wasmtime::bail!("`{}` was called without a handle", setter.name),
    };
    let state = cx.data_mut();
    let (layout, signature) = (&setter.layout, &setter.signature);
    let args = match lift(&setter.name, layout, &signature.params, &params[1..]) {
        Ok(args) => args,
        Err(stop) => return Err(state.stop(stop)),
    };
    let lowered = match (signature.result, state.session.calls.method(handle, setter.part, args)?) {
        (Some(node), Some(value)) => layout.lower(node, value).map(Some).map_err(|e| unusable(&setter.name, e)),
        (None, None) => Ok(None),
        _ => Err(unusable(&setter.name, "a result where there is none, or none where there is one")),
    };
    match lowered {
        Ok(value) => {
            if let (Some(result), Some(value)) = (results.first_mut(), value) {
                *result = value;
            }
            Ok(())
        }
        Err(stop) => Err(state.stop(stop)),
    }
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
