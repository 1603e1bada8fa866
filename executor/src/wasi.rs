//! WASI 0.2 without authority: no files, no sockets, no environment, no arguments, no input.
//!
//! What a guest writes to its output becomes log lines. Clocks and random bytes are recorded, so that playback reads them again.

mod output;

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::Host as _;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::{HostMonotonicClock, WasiCtx};

use crate::host::State;
use crate::oplog::{ClockKind, ClockReading, WorkerId};
use crate::session::monotonic;

/// The version under which wasmtime-wasi links its own functions, which these replace. A test reads both clocks, and fails when
/// this is another.
const VERSION: &str = "0.2.12";
/// The most random bytes that a guest gets at once.
const MAX_RANDOM: u64 = 1 << 20;

/// Links all of WASI.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    link_clocks(linker)?;
    link_random(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The context of one worker.
pub(crate) fn context(worker: &WorkerId) -> (WasiCtx, output::Switch) {
    let (stdout, stderr, switch) = output::streams(worker);
    let mut builder = WasiCtx::builder();
    builder
        .stdout(stdout)
        .stderr(stderr)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        // Where a guest waits until an instant, the instant was read from the recorded clock.
        .monotonic_clock(Monotonic);
    (builder.build(), switch)
}

pub(crate) use output::Switch;

fn link_clocks(linker: &mut Linker<State>) -> Result<()> {
    let mut wall = linker.instance(&format!("wasi:clocks/wall-clock@{VERSION}"))?;
    wall.func_wrap("now", |mut cx: StoreContextMut<'_, State>, (): ()| Ok((wall_clock(cx.data_mut())?,)))?;
    wall.func_wrap("resolution", |_, (): ()| Ok((Datetime { seconds: 0, nanoseconds: 1_000_000 },)))?;

    let mut monotonic = linker.instance(&format!("wasi:clocks/monotonic-clock@{VERSION}"))?;
    monotonic.func_wrap("now", |mut cx: StoreContextMut<'_, State>, (): ()| Ok((monotonic_clock(cx.data_mut())?,)))?;
    monotonic.func_wrap("resolution", |_, (): ()| Ok((1_000_000_u64,)))?;
    monotonic.func_wrap("subscribe-duration", |mut cx: StoreContextMut<'_, State>, (duration,): (u64,)| {
        // From the recorded clock, so that what was waited for once is not waited for again in playback.
        let now = monotonic_clock(cx.data_mut())?;
        let pollable: Resource<DynPollable> = cx.data_mut().clocks().subscribe_instant(now.saturating_add(duration))?;
        Ok((pollable,))
    })?;
    Ok(())
}

fn link_random(linker: &mut Linker<State>) -> Result<()> {
    for (interface, bytes, number) in [
        ("random", "get-random-bytes", "get-random-u64"),
        ("insecure", "get-insecure-random-bytes", "get-insecure-random-u64"),
    ] {
        let mut instance = linker.instance(&format!("wasi:random/{interface}@{VERSION}"))?;
        instance.func_wrap(bytes, |mut cx: StoreContextMut<'_, State>, (len,): (u64,)| {
            if len > MAX_RANDOM {
                wasmtime::bail!("{len} random bytes were asked for at once; at most {MAX_RANDOM} are given");
            }
            Ok((random(cx.data_mut(), len as usize)?.into_vec(),))
        })?;
        instance.func_wrap(number, |mut cx: StoreContextMut<'_, State>, (): ()| Ok((random_number(cx.data_mut())?,)))?;
    }
    let mut seed = linker.instance(&format!("wasi:random/insecure-seed@{VERSION}"))?;
    seed.func_wrap("insecure-seed", |mut cx: StoreContextMut<'_, State>, (): ()| {
        let state = cx.data_mut();
        Ok(((random_number(state)?, random_number(state)?),))
    })?;
    Ok(())
}

fn wall_clock(state: &mut State) -> Result<Datetime> {
    match state.session.clock(ClockKind::Wall) {
        Ok(ClockReading::Wall { seconds, nanoseconds }) => Ok(Datetime { seconds, nanoseconds }),
        // Playback gives the kind that was asked for.
        Ok(ClockReading::Monotonic(_)) => wasmtime::bail!("the wall clock read as the monotonic one"),
        Err(stop) => Err(state.stop(stop)),
    }
}

fn monotonic_clock(state: &mut State) -> Result<u64> {
    match state.session.clock(ClockKind::Monotonic) {
        Ok(ClockReading::Monotonic(nanoseconds)) => Ok(nanoseconds),
        Ok(ClockReading::Wall { .. }) => wasmtime::bail!("the monotonic clock read as the wall clock"),
        Err(stop) => Err(state.stop(stop)),
    }
}

fn random(state: &mut State, len: usize) -> Result<Box<[u8]>> {
    state.session.random(len).map_err(|stop| state.stop(stop))
}

fn random_number(state: &mut State) -> Result<u64> {
    let mut number = [0; 8];
    number.copy_from_slice(&random(state, 8)?);
    Ok(u64::from_le_bytes(number))
}

/// The clock by which the host waits: the one that guests read, unrecorded.
struct Monotonic;

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        monotonic(0)
    }
}
