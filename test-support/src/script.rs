//! Guests that perform fixed calls in a fixed order.

mod body;
mod shape;

use std::fmt::Write;

use anyhow::Result;
use wit_parser::Resolve;

use crate::guest::{allocator, encode};
use body::Body;

/// The parts of WASI's own interfaces that scripts use; a host that has a newer 0.2 links them.
const WASI: &str = r"
package wasi:clocks@0.2.0 {
  interface wall-clock {
    record datetime { seconds: u64, nanoseconds: u32 }
    now: func() -> datetime;
  }
  interface monotonic-clock {
    now: func() -> u64;
  }
}
package wasi:random@0.2.0 {
  interface random {
    get-random-u64: func() -> u64;
  }
}
";

/// A guest whose one export performs fixed steps in order: `run: func() -> list<u64>`, in the world's root.
///
/// The result has one number per step. For a call: 0 where it returned `ok`, else 1 plus the case index of the error's `kind`.
/// For a method of a resource that gives `ok` of something that counts, [`Script::VALUE`] plus that: the length of a list
/// or string, or what the first field of a record gives; of `none` 0. The same for a method that gives a list or a number and no result.
/// For a clock: nanoseconds. For randomness: what was read.
///
/// ```
/// # fn main() -> anyhow::Result<()> {
/// let wit = "package a:b@1.0.0; interface c { d: func(e: list<string>) -> result<u8, string>; }";
/// let component = witwire_test_support::Script::new([wit]).wall_clock().call("a:b/c@1.0.0", r#"d(["x", "y"])"#).build()?;
/// # assert!(component.starts_with(b"\0asm"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Script {
    packages: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Call { interface: String, call: String, settings: Option<String> },
    Open { handle: String, interface: String, call: String, settings: Option<String> },
    New { handle: String, interface: String, resource: String },
    Method { handle: String, call: String },
    Drop { handle: String },
    WallClock,
    MonotonicClock,
    Random,
    Trap,
}

impl Script {
    /// What stands before the values of methods, so that they are told from errors.
    pub const VALUE: u64 = 1_000_000;

    /// A script over packages of WIT text.
    pub fn new<T: Into<String>>(packages: impl IntoIterator<Item = T>) -> Self {
        Self { packages: packages.into_iter().map(Into::into).collect(), steps: Vec::new() }
    }

    /// Calls a function of an imported interface (`a:b/c@1.0.0`) with constant arguments in WAVE: `d(["x", "y"])`.
    #[must_use]
    pub fn call(mut self, interface: impl Into<String>, call: impl Into<String>) -> Self {
        self.steps.push(Step::Call { interface: interface.into(), call: call.into(), settings: None });
        self
    }

    /// Calls a function whose `ok` is a resource, and keeps its handle under a name.
    #[must_use]
    pub fn open(mut self, handle: impl Into<String>, interface: impl Into<String>, call: impl Into<String>) -> Self {
        self.steps.push(Step::Open {
            handle: handle.into(),
            interface: interface.into(),
            call: call.into(),
            settings: None,
        });
        self
    }

    /// Makes a resource by its constructor, which takes nothing, and keeps its handle under a name.
    #[must_use]
    pub fn create(mut self, handle: impl Into<String>, interface: impl Into<String>, resource: impl Into<String>) -> Self {
        self.steps.push(Step::New { handle: handle.into(), interface: interface.into(), resource: resource.into() });
        self
    }

    /// The function that was added last gets a kept handle as its last parameter, which is an `option<borrow<…>>`.
    #[must_use]
    pub fn with(mut self, handle: impl Into<String>) -> Self {
        if let Some(Step::Call { settings, .. } | Step::Open { settings, .. }) = self.steps.last_mut() {
            *settings = Some(handle.into());
        }
        self
    }

    /// Calls a method of a kept handle: `next()`.
    #[must_use]
    pub fn method(mut self, handle: impl Into<String>, call: impl Into<String>) -> Self {
        self.steps.push(Step::Method { handle: handle.into(), call: call.into() });
        self
    }

    /// Drops a kept handle. It must be one.
    #[must_use]
    pub fn drop_handle(mut self, handle: impl Into<String>) -> Self {
        self.steps.push(Step::Drop { handle: handle.into() });
        self
    }

    /// Reads the wall clock.
    #[must_use]
    pub fn wall_clock(mut self) -> Self {
        self.steps.push(Step::WallClock);
        self
    }

    /// Reads the monotonic clock.
    #[must_use]
    pub fn monotonic_clock(mut self) -> Self {
        self.steps.push(Step::MonotonicClock);
        self
    }

    /// Reads 64 random bits.
    #[must_use]
    pub fn random(mut self) -> Self {
        self.steps.push(Step::Random);
        self
    }

    /// Traps.
    #[must_use]
    pub fn trap(mut self) -> Self {
        self.steps.push(Step::Trap);
        self
    }

    /// The component.
    ///
    /// # Errors
    /// Where the WIT is wrong, or a call does not fit it.
    pub fn build(&self) -> Result<Vec<u8>> {
        let mut resolve = Resolve { all_features: true, ..Resolve::default() };
        for (n, package) in self.packages.iter().enumerate() {
            resolve.push_str(format!("package{n}.wit"), package)?;
        }
        let mut world = String::from("world script {\n");
        let mut imported = Vec::new();
        for step in &self.steps {
            let interface = step.interface();
            if let Some(interface) = interface
                && !imported.contains(&interface)
            {
                writeln!(world, "  import {interface};")?;
                imported.push(interface);
            }
        }
        world.push_str("  export run: func() -> list<u64>;\n}\n");
        let package = resolve.push_str("script.wit", &format!("package witwire-test:script;\n{WASI}\n{world}"))?;
        let world = resolve.select_world(&[package], Some("script"))?;

        let mut body = Body::new(&resolve, self.steps.len());
        for (n, step) in self.steps.iter().enumerate() {
            body.step(n, step)?;
        }
        let answer = body.image.reserve(8, 4);
        let Body { image, imports, code, results, .. } = body;
        let heap = image.end();
        let core = format!(
            r#"(module
{imports}{allocator}  {data}
  (func (export "run") (result i32)
{code}    (i32.store (i32.const {answer}) (i32.const {results}))
    (i32.store offset=4 (i32.const {answer}) (i32.const {count}))
    (i32.const {answer}))
  (func (export "cabi_post_run") (param i32) (global.set $heap (i32.const {heap}))))"#,
            allocator = allocator(heap),
            data = image.data(),
            count = self.steps.len(),
        );
        encode(&resolve, world, &core)
    }
}

impl Step {
    fn interface(&self) -> Option<&str> {
        match self {
            Self::Call { interface, .. } | Self::Open { interface, .. } | Self::New { interface, .. } => Some(interface),
            Self::WallClock => Some("wasi:clocks/wall-clock@0.2.0"),
            Self::MonotonicClock => Some("wasi:clocks/monotonic-clock@0.2.0"),
            Self::Random => Some("wasi:random/random@0.2.0"),
            Self::Trap | Self::Method { .. } | Self::Drop { .. } => None,
        }
    }
}
