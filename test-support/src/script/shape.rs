//! What a script sees of types: where the parts of a result lie.

use anyhow::{Context, Result};
use wit_parser::{Function, Int, Resolve, SizeAlign, Type, TypeDefKind};

/// Where in its result the handle stands that a function gives, and the name of its resource.
pub(super) fn opened(resolve: &Resolve, function: &Function) -> Result<(u32, String)> {
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
pub(super) fn number_of_ok(resolve: &Resolve, sizes: &SizeAlign, result: &Type, at: u32) -> Option<String> {
    let TypeDefKind::Result(result) = behind_aliases(resolve, *result)? else { return None };
    let offset = sizes.payload_offset(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
    number(resolve, sizes, &result.ok?, at + offset.size_wasm32() as u32)
}

pub(super) fn number(resolve: &Resolve, sizes: &SizeAlign, ty: &Type, at: u32) -> Option<String> {
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

pub(super) fn find<'a>(resolve: &'a Resolve, interface: &str, function: &str) -> Result<&'a Function> {
    let (_, found) = resolve
        .interfaces
        .iter()
        .find(|(id, _)| resolve.id_of(*id).as_deref() == Some(interface))
        .with_context(|| format!("no interface `{interface}`"))?;
    found.functions.get(function).with_context(|| format!("no function `{function}` in `{interface}`"))
}

/// Where in a `result<_, record { kind: variant …, … }>` the kind's case stands, and how it is loaded.
pub(super) fn kind_of_error(resolve: &Resolve, sizes: &SizeAlign, result: &Type) -> Option<(u32, &'static str)> {
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
pub(super) fn is_optional_borrow(resolve: &Resolve, ty: Type) -> bool {
    let Some(TypeDefKind::Option(some)) = behind_aliases(resolve, ty) else { return false };
    matches!(behind_aliases(resolve, *some), Some(TypeDefKind::Handle(wit_parser::Handle::Borrow(_))))
}

pub(super) fn behind_aliases(resolve: &Resolve, mut ty: Type) -> Option<&TypeDefKind> {
    while let Type::Id(id) = ty {
        match &resolve.types[id].kind {
            TypeDefKind::Type(target) => ty = *target,
            kind => return Some(kind),
        }
    }
    None
}
