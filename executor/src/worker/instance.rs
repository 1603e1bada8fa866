//! One instance of a component with its oplog.

use std::fmt;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Instance, ResourceTable, Val};
use wasmtime::{Store, Trap};
use witwire_ir::InDoubt;

use super::error::WorkerError;
use crate::calls::Calls;
use crate::engine::YIELD_EVERY;
use crate::executor::Executor;
use crate::host::State;
use crate::interrupt::Interrupter;
use crate::journal::Journal;
use crate::oplog::{Completed, FunctionName, Invoked, Lease, Outcome, Playback, Wave, Worker as Record};
use crate::program::{Program, full};
use crate::session::{Session, Stop};
use crate::stream::Streams;
use crate::{wasi, wave};

/// An instance and the place where it stands in its oplog.
pub(super) struct Running {
    store: Store<State>,
    instance: Instance,
    /// The number of the next invocation.
    pub(super) next_invocation: u64,
}

/// What a worker is woken with.
pub(super) struct Waking {
    /// A person's decision about the call in doubt.
    pub(super) decision: Option<InDoubt>,
    /// Who may stop it.
    pub(super) interrupter: Interrupter,
    /// The turn in which it is rebuilt.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

/// How a run of an export ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It returned or trapped.
    Completed(Completed),
    /// The host stopped it.
    Stopped(Stop),
    /// It cannot even begin.
    Impossible(String),
}

impl Running {
    /// Instantiates a component.
    pub(super) async fn start(
        executor: &Executor,
        program: &Program,
        record: Record,
        lease: Lease,
        playback: Playback,
        Waking { decision, interrupter, turn }: Waking,
    ) -> Result<Self, (Box<Journal>, Stop)> {
        let config = &executor.inner.config;
        let (wasi, output) = wasi::context(&record.id);
        let mut session = Session {
            journal: Journal::new(config.store.clone(), lease, playback.end()),
            worker: record.id,
            digest_key: record.digest_key,
            playback,
            transport: config.transport.clone(),
            probe: config.probe.clone(),
            streams: Streams::new(config.limits.handles),
            calls: Calls::new(config.limits.handles, config.limits.settings),
            invocation: None,
            decision,
            interrupter,
            stop: None,
            monotonic: 0,
            output,
            turn,
        };
        session.show_new_output();
        let state = State { session, limits: config.limits.store_limits(), wasi, table: ResourceTable::new() };
        let mut store = Store::new(&executor.inner.engine.wasmtime, state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(config.limits.call_values);
        let instance = match refuel(&mut store, config.limits.fuel) {
            Ok(()) => program.inner.pre.instantiate_async(&mut store).await,
            Err(error) => Err(error),
        };
        match instance {
            Ok(instance) => Ok(Self { store, instance, next_invocation: 0 }),
            Err(error) => {
                let mut session = store.into_data().session;
                let stop = session.stop.take().unwrap_or_else(|| Stop::Instantiate(full(&error)));
                Err((Box::new(session.journal), stop))
            }
        }
    }

    pub(super) fn session(&mut self) -> &mut Session {
        &mut self.store.data_mut().session
    }

    pub(super) fn journal(&mut self) -> &mut Journal {
        &mut self.session().journal
    }

    /// Gives the instance up.
    pub(super) fn into_journal(self) -> Journal {
        self.store.into_data().session.journal
    }

    /// Runs an export to its end.
    pub(super) async fn invoke(&mut self, executor: &Executor, invoked: &Invoked, arguments: &[Val]) -> Ended {
        self.session().invocation = Some(invoked.key.clone());
        let interrupter = self.session().interrupter.clone();
        let result = interrupter.unless(self.call(executor, &invoked.function, arguments)).await;
        let session = self.session();
        session.invocation = None;
        let Some(result) = result else { return Ended::Stopped(Stop::Interrupted) };
        if let Some(stop) = session.stop.take() {
            return Ended::Stopped(stop);
        }
        let outcome = match result {
            Ok(None) => Outcome::Returned(None),
            Ok(Some(value)) => match wave::print(&value) {
                Ok(text) => Outcome::Returned(Some(text)),
                // Results without handles, which is checked before, have a text.
                Err(error) => return Ended::Impossible(error),
            },
            Err(error) => {
                tracing::debug!(target: "witwire::guest", worker = %session.worker, "trapped: {error:?}");
                Outcome::Trapped(trap_message(&error))
            }
        };
        Ended::Completed(Completed { invocation: invoked.invocation, outcome })
    }

    async fn call(
        &mut self,
        executor: &Executor,
        function: &FunctionName,
        arguments: &[Val],
    ) -> wasmtime::Result<Option<Val>> {
        refuel(&mut self.store, executor.inner.config.limits.fuel)?;
        let interface = match &function.interface {
            None => None,
            Some(interface) => Some(self.index(None, interface)?),
        };
        let index = self.index(interface.as_ref(), &function.function)?;
        let Some(func) = self.instance.get_func(&mut self.store, index) else {
            wasmtime::bail!("`{function}` is no function");
        };
        let mut results = vec![Val::Bool(false); func.ty(&self.store).results().len()];
        func.call_async(&mut self.store, arguments, &mut results).await?;
        Ok(results.pop())
    }

    fn index(
        &mut self,
        within: Option<&wasmtime::component::ComponentExportIndex>,
        name: &str,
    ) -> wasmtime::Result<wasmtime::component::ComponentExportIndex> {
        let index = self.instance.get_export_index(&mut self.store, within, name);
        index.ok_or_else(|| wasmtime::format_err!("the component exports no `{name}`"))
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("next_invocation", &self.next_invocation).finish_non_exhaustive()
    }
}

fn refuel(store: &mut Store<State>, fuel: u64) -> wasmtime::Result<()> {
    store.fuel_async_yield_interval(Some(YIELD_EVERY))?;
    store.set_fuel(fuel)
}

/// What a trap was, without the trace, which changes with every build of the component's tools.
fn trap_message(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => "the invocation computed more than the limit of fuel allows".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

impl Program {
    /// The type of an export.
    pub(super) fn export(&self, executor: &Executor, function: &FunctionName) -> Result<ComponentFunc, WorkerError> {
        let engine = &executor.inner.engine.wasmtime;
        let ty = self.inner.pre.component().component_type();
        let item = match &function.interface {
            None => ty.get_export(engine, &function.function).map(|export| export.ty),
            Some(interface) => match ty.get_export(engine, interface).map(|export| export.ty) {
                Some(ComponentItem::ComponentInstance(instance)) => {
                    instance.get_export(engine, &function.function).map(|export| export.ty)
                }
                _ => None,
            },
        };
        match item {
            Some(ComponentItem::ComponentFunc(func)) => Ok(func),
            _ => Err(WorkerError::NoExport { function: function.clone(), available: self.exports(executor) }),
        }
    }

    /// Checks an invocation before it is made. The arguments come back in one spelling, so that equal ones have equal texts.
    ///
    /// # Errors
    /// [`WorkerError::NoExport`], [`WorkerError::Arguments`]
    pub fn arguments(
        &self,
        executor: &Executor,
        function: &FunctionName,
        arguments: &[Wave],
    ) -> Result<Vec<Wave>, WorkerError> {
        let parsed = wave::parse(&self.export(executor, function)?, arguments);
        let (_, texts) = parsed.map_err(|source| WorkerError::Arguments { function: function.clone(), source })?;
        Ok(texts)
    }

    /// All functions that the component exports.
    pub fn exports(&self, executor: &Executor) -> Vec<FunctionName> {
        let engine = &executor.inner.engine.wasmtime;
        let mut exports = Vec::new();
        for (name, export) in self.inner.pre.component().component_type().exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => exports.push(FunctionName::world(name)),
                ComponentItem::ComponentInstance(instance) => {
                    let functions =
                        instance.exports(engine).filter(|(_, e)| matches!(e.ty, ComponentItem::ComponentFunc(_)));
                    exports.extend(functions.map(|(function, _)| FunctionName::of(name, function)));
                }
                _ => {}
            }
        }
        exports
    }
}
