//! The core module of a script, step by step.

use std::collections::HashMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use wasm_wave::untyped::UntypedFuncCall;
use wasm_wave::value::{Value, resolve_wit_func_type};
use wasm_wave::wasm::WasmFunc;
use wit_parser::abi::AbiVariant;
use wit_parser::{Function, Resolve, Type, TypeDefKind};

use super::shape::{behind_aliases, find, is_optional_borrow, kind_of_error, number, number_of_ok, opened};
use super::{Script, Step};
use crate::constant::Image;
use crate::guest::core_types;

/// The core module's text as it grows.
pub(super) struct Body<'a> {
    resolve: &'a Resolve,
    pub(super) image: Image<'a>,
    pub(super) imports: String,
    pub(super) code: String,
    pub(super) results: u32,
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

impl<'a> Body<'a> {
    /// Before the first step. `results` numbers are written, one for each step.
    pub(super) fn new(resolve: &'a Resolve, results: usize) -> Self {
        let mut image = Image::new(resolve, 65536);
        let results = image.reserve(8 * results, 8);
        Self { image, resolve, imports: String::new(), code: String::new(), results, functions: 0, handles: HashMap::new() }
    }

    /// Adds a step.
    pub(super) fn step(&mut self, n: usize, step: &Step) -> Result<()> {
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
