//! wasmtime, set up for workers.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use wasmtime::component::Component;
use wasmtime::{Config, StoreLimits, StoreLimitsBuilder};

use crate::oplog::{ComponentDigest, Digest};

/// How many compiled components are kept.
const KEPT: usize = 32;
/// How much a guest computes before other tasks of its thread get their turn, in units of fuel.
pub(crate) const YIELD_EVERY: u64 = 10_000_000;

/// What a guest may use. A guest that asks for more gets a trap.
///
/// All limits count what the guest does, never time: a worker comes to the same end in playback. To lower a limit below what a
/// worker has used makes its playback diverge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestLimits {
    /// The largest memory in bytes. Default: 256 MiB.
    pub memory: usize,
    /// The largest table, in elements. Default: 100,000.
    pub table: usize,
    /// How much one invocation may compute, in wasmtime's units of fuel (about one per instruction). Default: 100 billion.
    pub fuel: u64,
    /// How much the values of one call may take on the host, in bytes, where a list's element counts at least 40. Default:
    /// 512 MiB.
    pub call_values: usize,
    /// How many streams and pagers it may hold at once, and as many settings of calls. Default: 1,000.
    pub handles: usize,
    /// How much all the settings of calls that it holds may take on the host, in bytes. Default: 16 MiB.
    pub settings: usize,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            table: 100_000,
            fuel: 100_000_000_000,
            call_values: 512 << 20,
            handles: 1000,
            settings: 16 << 20,
        }
    }
}

impl GuestLimits {
    pub(crate) fn store_limits(&self) -> StoreLimits {
        StoreLimitsBuilder::new().memory_size(self.memory).table_elements(self.table).build()
    }
}

/// How wasmtime runs workers.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    // WASI 0.3 is not linked; without it calls are cheaper.
    config.concurrency_support(false).consume_fuel(true);
    config
}

/// Compiles components, each once.
pub(crate) struct Engine {
    pub(crate) wasmtime: wasmtime::Engine,
    /// Latest use first.
    compiled: Mutex<VecDeque<(ComponentDigest, Component)>>,
}

impl Engine {
    pub(crate) fn new() -> wasmtime::Result<Self> {
        Ok(Self { wasmtime: wasmtime::Engine::new(&config())?, compiled: Mutex::default() })
    }

    /// Compiles a component, or finds it compiled.
    pub(crate) fn compile(&self, wasm: &[u8]) -> wasmtime::Result<(ComponentDigest, Component)> {
        let digest = ComponentDigest(Digest::of(wasm));
        if let Some(component) = self.compiled(digest) {
            return Ok((digest, component));
        }
        let component = Component::from_binary(&self.wasmtime, wasm)?;
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.push_front((digest, component.clone()));
        compiled.truncate(KEPT);
        Ok((digest, component))
    }

    fn compiled(&self, digest: ComponentDigest) -> Option<Component> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let position = compiled.iter().position(|(d, _)| *d == digest)?;
        let found = compiled.remove(position)?;
        let component = found.1.clone();
        compiled.push_front(found);
        Some(component)
    }
}
