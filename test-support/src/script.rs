//! Guests that perform fixed calls in a fixed order.

use std::collections::HashMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use wasm_wave::untyped::UntypedFuncCall;
use wasm_wave::value::{Value, resolve_wit_func_type};
use wasm_wave::wasm::WasmFunc;
use wit_parser::abi::AbiVariant;
use wit_parser::{Function, Int, Resolve, SizeAlign, Type, TypeDefKind};

use crate::constant::Image;
use crate::guest::{allocator, core_types, encode};

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

        let mut body = Body {
            image: Image::new(&resolve, 65536),
            resolve: &resolve,
            imports: String::new(),
            code: String::new(),
            results: 0,
            functions: 0,
            handles: HashMap::new(),
        };
        body.results = body.image.reserve(8 * self.steps.len(), 8);
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

/// The core module's text as it grows.
struct Body<'a> {
    resolve: &'a Resolve,
    image: Image<'a>,
    imports: String,
    code: String,
    results: u32,
    functions: u32,
    /// Kept handles, by name.
    handles: HashMap<String, Handle>,
}

/// Where a handle is kept, and of which resource it is.
#[derive(Debug, Clone)]
struct Handle {
    at: u32,
    interface: String,
    resource: String,
}

/// Whose function is called.
enum Receiver {
    /// A resource's method.
    Handle(Handle),
    /// A function of the interface itself, with the handle that is its last parameter, if it has such a parameter.
    None(Option<Handle>),
}

impl Body<'_> {
    fn step(&mut self, n: usize, step: &Step) -> Result<()> {
        let result = self.results + 8 * n as u32;
        let interface = step.interface().unwrap_or_default();
        match step {
            Step::Call { call, settings, .. } => {
                let settings = settings.as_deref().map(|name| self.handle(name)).transpose()?;
                self.call(interface, call, &Receiver::None(settings), result).map(drop)
            }
            Step::New { handle, resource, .. } => {
                let function = self.import(interface, &format!("[constructor]{resource}"), "(result i32)")?;
                let at = self.image.reserve(4, 4);
                writeln!(self.code, "    (i32.store (i32.const {at}) (call {function}))")?;
                let (interface, resource) = (interface.to_owned(), resource.clone());
                self.handles.insert(handle.clone(), Handle { at, interface, resource });
                Ok(())
            }
            Step::Open { handle, call, settings, .. } => {
                let settings = settings.as_deref().map(|name| self.handle(name)).transpose()?;
                let at = self.call(interface, call, &Receiver::None(settings), result)?;
                let name = UntypedFuncCall::parse(call)?.name().to_owned();
                let resource = opened(self.resolve, find(self.resolve, interface, &name)?)?;
                self.handles.insert(
                    handle.clone(),
                    Handle { at: at + resource.0, interface: interface.to_owned(), resource: resource.1 },
                );
                Ok(())
            }
            Step::Method { handle, call } => {
                let handle = self.handle(handle)?;
                self.call(&handle.interface.clone(), call, &Receiver::Handle(handle), result).map(drop)
            }
            Step::Drop { handle } => {
                let Handle { at, interface, resource } = self.handle(handle)?;
                let function = self.import(&interface, &format!("[resource-drop]{resource}"), "(param i32)")?;
                writeln!(self.code, "    (call {function} (i32.load (i32.const {at})))")?;
                Ok(())
            }
            Step::WallClock => {
                let function = self.import(interface, "now", "(param i32)")?;
                let at = self.image.reserve(16, 8);
                writeln!(
                    self.code,
                    "    (call {function} (i32.const {at}))\n    (i64.store (i32.const {result}) (i64.add (i64.mul (i64.load (i32.const {at})) (i64.const 1000000000)) (i64.load32_u offset=8 (i32.const {at}))))"
                )?;
                Ok(())
            }
            Step::MonotonicClock => self.number(interface, "now", result),
            Step::Random => self.number(interface, "get-random-u64", result),
            Step::Trap => {
                self.code.push_str("    unreachable\n");
                Ok(())
            }
        }
    }

    fn handle(&self, name: &str) -> Result<Handle> {
        self.handles.get(name).cloned().with_context(|| format!("no handle `{name}`"))
    }

    fn import(&mut self, interface: &str, name: &str, signature: &str) -> Result<String> {
        let function = format!("$f{}", self.functions);
        self.functions += 1;
        writeln!(self.imports, r#"  (import "{interface}" "{name}" (func {function} {signature}))"#)?;
        Ok(function)
    }

    fn number(&mut self, interface: &str, name: &str, result: u32) -> Result<()> {
        let function = self.import(interface, name, "(result i64)")?;
        writeln!(self.code, "    (i64.store (i32.const {result}) (call {function}))")?;
        Ok(())
    }

    /// A call of a function, or of a method of a handle. Gives where its result lies.
    fn call(&mut self, interface: &str, call: &str, receiver: &Receiver, result: u32) -> Result<u32> {
        let (handle, settings) = match receiver {
            Receiver::Handle(handle) => (Some(handle), None),
            Receiver::None(settings) => (None, settings.as_ref()),
        };
        let parsed = UntypedFuncCall::parse(call).with_context(|| format!("`{call}`"))?;
        let resolve = self.resolve;
        let name = match handle {
            Some(handle) => format!("[method]{}.{}", handle.resource, parsed.name()),
            None => parsed.name().to_owned(),
        };
        let function = find(resolve, interface, &name)?;
        let whole: Vec<Type> = function.params.iter().map(|p| p.ty).collect();
        // The result may be of a type that WAVE does not know; only its error is looked at.
        let mut arguments = Function { result: None, ..function.clone() };
        let mut operands = String::new();
        if let Some(handle) = handle {
            arguments.params.remove(0);
            arguments.kind = wit_parser::FunctionKind::Freestanding;
            write!(operands, " (i32.load (i32.const {}))", handle.at)?;
        }
        // WAVE knows no handles.
        let takes_settings = arguments.params.last().is_some_and(|p| is_optional_borrow(resolve, p.ty));
        if takes_settings {
            arguments.params.pop();
        }
        let types: Vec<_> = resolve_wit_func_type(resolve, &arguments)?.params().collect();
        let values: Vec<Value> = parsed.to_wasm_params(types.iter()).with_context(|| format!("`{call}`"))?;
        let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);

        let params: Vec<Type> = arguments.params.iter().map(|p| p.ty).collect();
        if signature.indirect_params {
            let at = self.image.store_params(&whole, &values, usize::from(handle.is_some()))?;
            let offsets: Vec<u32> =
                self.image.sizes.field_offsets(&whole).iter().map(|(offset, _)| offset.size_wasm32() as u32).collect();
            if let (Some(handle), Some(offset)) = (handle, offsets.first()) {
                writeln!(self.code, "    (i32.store (i32.const {}) (i32.load (i32.const {})))", at + offset, handle.at)?;
            }
            if let (Some(settings), Some(offset)) = (settings, offsets.last()) {
                let at = at + offset;
                writeln!(
                    self.code,
                    "    (i32.store8 (i32.const {at}) (i32.const 1))\n    (i32.store offset=4 (i32.const {at}) (i32.load (i32.const {})))",
                    settings.at
                )?;
            }
            operands = format!(" (i32.const {at})");
        } else {
            let mut flat = Vec::new();
            for (ty, value) in params.iter().zip(&values) {
                self.image.flat(ty, value, &mut flat)?;
            }
            for operand in flat {
                write!(operands, " {}", operand.instruction())?;
            }
            match settings {
                Some(settings) => write!(operands, " (i32.const 1) (i32.load (i32.const {}))", settings.at)?,
                None if takes_settings => operands.push_str(" (i32.const 0) (i32.const 0)"),
                None => {}
            }
        }
        let import = self.import(
            interface,
            &function.name,
            &format!("{} {}", core_types("param", &signature.params), core_types("result", &signature.results)),
        )?;
        let Some(ty) = function.result else {
            writeln!(self.code, "    (call {import}{operands})")?;
            return Ok(0);
        };
        if !signature.retptr && handle.is_some() && ty == Type::U32 {
            writeln!(
                self.code,
                "    (i64.store (i32.const {result}) (i64.add (i64.const {}) (i64.extend_i32_u (call {import}{operands}))))",
                Script::VALUE
            )?;
            return Ok(0);
        }
        if !signature.retptr {
            bail!("`{call}`: a script calls only functions whose result is returned in memory");
        }
        let (size, align) = (self.image.sizes.size(&ty).size_wasm32(), self.image.sizes.align(&ty).align_wasm32());
        let at = self.image.reserve(size, align);
        if let (Some(_), Some(TypeDefKind::List(_))) = (handle, behind_aliases(resolve, ty)) {
            let value = number(resolve, &self.image.sizes, &ty, at).unwrap_or_default();
            writeln!(
                self.code,
                "    (call {import}{operands} (i32.const {at}))\n    (i64.store (i32.const {result}) (i64.add (i64.const {}) {value}))",
                Script::VALUE
            )?;
            return Ok(at);
        }
        let kind = match kind_of_error(resolve, &self.image.sizes, &ty) {
            Some((offset, load)) => {
                format!("(i64.add (i64.const 1) (i64.extend_i32_u ({load} (i32.const {})))) ", at + offset)
            }
            None => "(i64.const 1)".to_owned(),
        };
        let value = handle.and_then(|_| number_of_ok(resolve, &self.image.sizes, &ty, at));
        let ok = match value {
            Some(value) => format!("(i64.add (i64.const {}) {value})", Script::VALUE),
            None => "(i64.const 0)".to_owned(),
        };
        writeln!(
            self.code,
            "    (call {import}{operands} (i32.const {at}))\n    (i64.store (i32.const {result}) (if (result i64) (i32.load8_u (i32.const {at})) (then {kind}) (else {ok})))"
        )?;
        Ok(at)
    }
}

/// Where in its result the handle stands that a function gives, and the name of its resource.
fn opened(resolve: &Resolve, function: &Function) -> Result<(u32, String)> {
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let found = function.result.as_ref().and_then(|ty| match behind_aliases(resolve, *ty)? {
        TypeDefKind::Result(result) => match behind_aliases(resolve, result.ok?)? {
            TypeDefKind::Handle(wit_parser::Handle::Own(resource)) => {
                let offset = sizes.payload_offset(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
                Some((offset.size_wasm32() as u32, resolve.types[*resource].name.clone()?))
            }
            _ => None,
        },
        _ => None,
    });
    found.with_context(|| format!("`{}` gives no resource", function.name))
}

/// The number that the `ok` of a result at an address stands for, as an expression.
fn number_of_ok(resolve: &Resolve, sizes: &SizeAlign, result: &Type, at: u32) -> Option<String> {
    let TypeDefKind::Result(result) = behind_aliases(resolve, *result)? else { return None };
    let offset = sizes.payload_offset(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
    number(resolve, sizes, &result.ok?, at + offset.size_wasm32() as u32)
}

fn number(resolve: &Resolve, sizes: &SizeAlign, ty: &Type, at: u32) -> Option<String> {
    Some(match ty {
        Type::String => length(at),
        Type::Bool => format!("(i64.load8_u (i32.const {at}))"),
        Type::U32 | Type::S32 => format!("(i64.load32_u (i32.const {at}))"),
        Type::U64 | Type::S64 => format!("(i64.load (i32.const {at}))"),
        Type::Id(_) => match behind_aliases(resolve, *ty)? {
            TypeDefKind::Option(some) => {
                let offset = sizes.payload_offset(Int::U8, [Some(some)]).size_wasm32() as u32;
                let value = number(resolve, sizes, some, at + offset)?;
                format!("(if (result i64) (i32.load8_u (i32.const {at})) (then {value}) (else (i64.const 0)))")
            }
            TypeDefKind::List(_) => length(at),
            TypeDefKind::Record(record) => number(resolve, sizes, &record.fields.first()?.ty, at)?,
            TypeDefKind::Type(primitive) => number(resolve, sizes, primitive, at)?,
            _ => return None,
        },
        _ => return None,
    })
}

/// The length of a list or string at an address.
fn length(at: u32) -> String {
    format!("(i64.load32_u (i32.const {}))", at + 4)
}

fn find<'a>(resolve: &'a Resolve, interface: &str, function: &str) -> Result<&'a Function> {
    let (_, found) = resolve
        .interfaces
        .iter()
        .find(|(id, _)| resolve.id_of(*id).as_deref() == Some(interface))
        .with_context(|| format!("no interface `{interface}`"))?;
    found.functions.get(function).with_context(|| format!("no function `{function}` in `{interface}`"))
}

/// Where in a `result<_, record { kind: variant …, … }>` the kind's case stands, and how it is loaded.
fn kind_of_error(resolve: &Resolve, sizes: &SizeAlign, result: &Type) -> Option<(u32, &'static str)> {
    let TypeDefKind::Result(result) = behind_aliases(resolve, *result)? else { return None };
    let TypeDefKind::Record(record) = behind_aliases(resolve, result.err?)? else { return None };
    let TypeDefKind::Variant(variant) = behind_aliases(resolve, record.fields.first()?.ty)? else { return None };
    let offset = sizes.payload_offset(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
    let load = match variant.tag() {
        Int::U8 => "i32.load8_u",
        Int::U16 => "i32.load16_u",
        Int::U32 | Int::U64 => "i32.load",
    };
    Some((offset.size_wasm32() as u32, load))
}

/// Whether a type is `option<borrow<…>>`.
fn is_optional_borrow(resolve: &Resolve, ty: Type) -> bool {
    let Some(TypeDefKind::Option(some)) = behind_aliases(resolve, ty) else { return false };
    matches!(behind_aliases(resolve, *some), Some(TypeDefKind::Handle(wit_parser::Handle::Borrow(_))))
}

fn behind_aliases(resolve: &Resolve, mut ty: Type) -> Option<&TypeDefKind> {
    while let Type::Id(id) = ty {
        match &resolve.types[id].kind {
            TypeDefKind::Type(target) => ty = *target,
            kind => return Some(kind),
        }
    }
    None
}
