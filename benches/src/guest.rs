//! A component that runs without witwire's workers, in wasmtime as they set it up.

use wasmtime::component::{Component, Func, Instance, Linker, Val};
use wasmtime::{Engine, Store};
use witwire_executor::{GuestLimits, bare};

/// wasmtime with the settings of workers. Components are compiled by one thread: in several, the same work takes another number
/// of instructions each time.
pub(crate) fn engine() -> Engine {
    let mut config = bare::config();
    config.parallel_compilation(false);
    Engine::new(&config).expect("wasmtime runs on this machine")
}

/// An instance and its store.
pub(crate) struct Guest<T: 'static> {
    pub(crate) store: Store<T>,
    pub(crate) instance: Instance,
}

impl<T: Send + 'static> Guest<T> {
    /// Instantiates a component, with the limits of workers.
    pub(crate) async fn start(linker: &Linker<T>, component: &Component, data: T) -> Self {
        let mut store = Store::new(linker.engine(), data);
        store.set_fuel(u64::MAX).expect("fuel is counted");
        store.set_hostcall_fuel(GuestLimits::default().call_values);
        let instance = linker.instantiate_async(&mut store, component).await.expect("all imports are linked");
        Self { store, instance }
    }

    /// An exported function; `interface` as the component names it.
    pub(crate) fn func(&mut self, interface: &str, function: &str) -> Func {
        let Self { store, instance } = self;
        let outer = instance.get_export_index(&mut *store, None, interface).expect("the interface is exported");
        let index = instance.get_export_index(&mut *store, Some(&outer), function).expect("the function is exported");
        instance.get_func(store, index).expect("it is a function")
    }

    /// Calls a function with an argument as WAVE text, and gives the result as such: what a worker's invocation does.
    pub(crate) async fn invoke(&mut self, func: &Func, argument: &str) -> String {
        let ty = func.ty(&self.store);
        let (_, parameter) = ty.params().next().expect("the function has a parameter");
        let argument = Val::from_wave(&parameter, argument).expect("the argument is of the parameter's type");
        let result = self.call(func, argument).await;
        result.to_wave().expect("the result has no handles")
    }

    /// Calls a function of one parameter.
    pub(crate) async fn call(&mut self, func: &Func, argument: Val) -> Val {
        let mut results = [Val::Bool(false)];
        func.call_async(&mut self.store, &[argument], &mut results).await.expect("the guest does not trap");
        let [result] = results;
        result
    }
}
