//! Components from WIT text and core modules.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{FunctionKind, Resolve, WorldId};

/// The allocator of generated guests: it bumps, grows the memory on demand, and is reset to `heap` by every `cabi_post_*`.
pub(crate) fn allocator(heap: u32) -> String {
    let pages = heap / 65536 + 2;
    format!(
        r#"
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const {heap}))
  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (block $fits
      (br_if $fits (i32.le_u (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
      (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1)
            (i32.shr_u (i32.sub (global.get $heap) (i32.shl (memory.size) (i32.const 16))) (i32.const 16)))))
        (then unreachable)))
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (local.get $at))
"#
    )
}

/// The text name of a core type.
pub(crate) fn core_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

/// `(param …)` or `(result …)`, or nothing.
pub(crate) fn core_types(keyword: &str, types: &[WasmType]) -> String {
    if types.is_empty() {
        return String::new();
    }
    let types: Vec<_> = types.iter().copied().map(core_type).collect();
    format!("({keyword} {})", types.join(" "))
}

/// Encodes a core module in text form as a component of a world.
pub(crate) fn encode(resolve: &Resolve, world: WorldId, core: &str) -> Result<Vec<u8>> {
    let mut core = wat::parse_str(core).with_context(|| format!("the generated core module is wrong:\n{core}"))?;
    embed_component_metadata(&mut core, resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&core)?.encode()
}

/// A component from WIT text, one of its worlds, and a hand-written core module in text form.
///
/// # Errors
/// Where the WIT or the module is wrong, or the two do not fit.
pub fn wat_guest(wit: &str, world: &str, core: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let package = resolve.push_str("guest.wit", wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    encode(&resolve, world, core)
}

/// A component that imports and exports an interface and passes every call through.
///
/// A call to an export goes through guest memory, the import and back, so that it exercises lifting and lowering on both
/// sides. `wit` is the text of a package; `interface` one of its interfaces, by its bare name. The interface may use types of
/// others but may not have resources.
///
/// # Errors
/// Where the WIT is wrong, or the interface is missing or has resources.
pub fn proxy_guest(wit: &str, interface: &str) -> Result<Vec<u8>> {
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    let text = format!("{wit}\nworld generated-proxy {{ import {interface}; export {interface}; }}\n");
    let package = resolve.push_str("guest.wit", &text)?;
    let world = resolve.select_world(&[package], Some("generated-proxy"))?;
    let name = interface.trim_start_matches('%');
    let id = *resolve.packages[package].interfaces.get(name).with_context(|| format!("no interface `{interface}`"))?;
    let module = resolve.id_of(id).context("the interface has no name")?;

    // Results are returned through this fixed place; the space below the heap is reserved for it.
    const RESULT: u32 = 1024;
    let (mut imports, mut exports) = (String::new(), String::new());
    for (n, (name, function)) in resolve.interfaces[id].functions.iter().enumerate() {
        if !matches!(function.kind, FunctionKind::Freestanding) {
            bail!("`{name}` belongs to a resource: a proxy cannot pass it through");
        }
        let import = resolve.wasm_signature(AbiVariant::GuestImport, function);
        let export = resolve.wasm_signature(AbiVariant::GuestExport, function);
        let (params, results) = (core_types("param", &import.params), core_types("result", &import.results));
        writeln!(imports, r#"  (import "{module}" "{name}" (func $f{n} {params} {results}))"#)?;
        let (params, results) = (core_types("param", &export.params), core_types("result", &export.results));
        write!(exports, r#"  (func (export "{module}#{name}") {params} {results}"#)?;
        for k in 0..export.params.len() {
            write!(exports, " (local.get {k})")?;
        }
        if import.retptr {
            write!(exports, " (i32.const {RESULT})")?;
        }
        write!(exports, " (call $f{n})")?;
        if export.retptr {
            write!(exports, " (i32.const {RESULT})")?;
        }
        writeln!(exports, ")")?;
        let results = core_types("param", &export.results);
        writeln!(
            exports,
            r#"  (func (export "cabi_post_{module}#{name}") {results} (global.set $heap (i32.const 65536)))"#
        )?;
    }
    encode(&resolve, world, &format!("(module\n{imports}{}{exports})", allocator(65536)))
}
