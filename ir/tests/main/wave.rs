//! Values and calls to text and back; what wrong texts are answered with.

use std::collections::HashMap;
use std::fmt::Write;

use proptest::prelude::*;
use witwire_ir::wave::{parse_call, parse_value, print_call, print_value};
use witwire_ir::{Api, Id, OperationId, Shape, TypeId};

use crate::{arbitrary, data, small};

/// Types as wasm-wave's own values know them; each is built once, since types share parts.
struct Types<'a> {
    api: &'a Api,
    known: HashMap<TypeId, wasm_wave::value::Type>,
}

impl Types<'_> {
    fn get(&mut self, ty: TypeId) -> wasm_wave::value::Type {
        use wasm_wave::value::Type;
        if let Some(known) = self.known.get(&ty) {
            return known.clone();
        }
        let made = match self.api.shape(ty) {
            Shape::Bool => Type::BOOL,
            Shape::U8 => Type::U8,
            Shape::U16 => Type::U16,
            Shape::U32 => Type::U32,
            Shape::U64 => Type::U64,
            Shape::S8 => Type::S8,
            Shape::S16 => Type::S16,
            Shape::S32 => Type::S32,
            Shape::S64 => Type::S64,
            Shape::F32 => Type::F32,
            Shape::F64 => Type::F64,
            Shape::Char => Type::CHAR,
            Shape::String => Type::STRING,
            Shape::Bytes => Type::list(Type::U8),
            Shape::List(t) => Type::list(self.get(*t)),
            Shape::Option(t) => Type::option(self.get(*t)),
            Shape::Result { ok, err } => Type::result(ok.map(|t| self.get(t)), err.map(|t| self.get(t))),
            Shape::Tuple(ts) => Type::tuple(ts.iter().map(|t| self.get(*t)).collect::<Vec<_>>()).unwrap(),
            Shape::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(|f| (f.name.as_str(), self.get(f.ty))).collect();
                Type::record(fields).unwrap()
            }
            Shape::Variant(cases) => {
                let cases: Vec<_> = cases.iter().map(|c| (c.name.as_str(), c.ty.map(|t| self.get(t)))).collect();
                Type::variant(cases).unwrap()
            }
            Shape::Enum(labels) => Type::enum_ty(labels.iter().map(|l| l.name.as_str())).unwrap(),
            Shape::Flags(labels) => Type::flags(labels.iter().map(|l| l.name.as_str())).unwrap(),
            Shape::Alias(_) | Shape::Call(_) | Shape::Resource(_) => panic!("an arbitrary API has no resources"),
        };
        self.known.insert(ty, made.clone());
        made
    }
}

proptest! {
    #[test]
    fn a_value_survives_its_text((api, ty, value) in arbitrary::value()) {
        prop_assert_eq!(value.conforms(&api, ty), Ok(()));
        let text = print_value(&api, ty, &value);
        prop_assert_eq!(parse_value(&api, ty, &text).map_err(|e| format!("{e}\n{text}")), Ok(value));
    }

    #[test]
    fn a_text_is_what_wasm_wave_writes((api, ty, value) in arbitrary::value()) {
        let text = print_value(&api, ty, &value);
        let wave_type = Types { api: &api, known: HashMap::new() }.get(ty);
        let read: wasm_wave::value::Value =
            wasm_wave::from_str(&wave_type, &text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(wasm_wave::to_string(&read).unwrap(), text);
    }

    #[test]
    fn a_call_survives_its_text(api in arbitrary::api(), seed in any::<u64>()) {
        let mut random = witwire_ir::sample::SplitMix64::new(seed);
        for (id, operation) in api.operations.iter() {
            let args: Vec<_> = operation.params.iter().map(|p| arbitrary::make(&api, p.ty, &mut random, 0)).collect();
            let text = print_call(&api, id, &args);
            let call = parse_call(&api, &text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!((call.operation, call.args), (id, args));
        }
    }

    #[test]
    fn no_text_panics((api, ty, value) in arbitrary::value(), cut in any::<prop::sample::Index>(), noise in any::<String>()) {
        let text = print_value(&api, ty, &value);
        let at = (0..=cut.index(text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let _ = parse_value(&api, ty, &format!("{}{noise}{}", &text[..at], &text[at..]));
        let _ = parse_value(&api, ty, &noise);
        let _ = parse_call(&api, &noise);
        let _ = parse_call(&api, &format!("{noise}({text}"));
    }
}

/// `tests/data/wave.txt`: lines of calls with blank lines and comments, each answered with the call as printed, or the error.
#[test]
fn calls_are_answered_as_expected() {
    let api = small::api();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wave.txt");
    let mut actual = String::new();
    let mut calls = 0;
    for line in std::fs::read_to_string(file).unwrap().lines().filter(|l| !l.starts_with("    ")) {
        writeln!(actual, "{line}").unwrap();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        calls += 1;
        match parse_call(&api, &line.replace("\\n", "\n")) {
            Ok(call) => writeln!(actual, "    ok {}", print_call(&api, call.operation, &call.args)).unwrap(),
            Err(error) => writeln!(actual, "    error {error}").unwrap(),
        }
    }
    assert!(calls >= 40, "{calls} calls");
    data::expect("wave.txt", &actual);
}

#[test]
fn handles_and_misfits_print_and_cannot_be_read() {
    let api = small::api();
    let stream = api.types.ids().find(|id| matches!(api.types[*id].shape, Shape::Resource(_))).unwrap();
    assert_eq!(print_value(&api, stream, &witwire_ir::Value::Handle(3)), "<resource 3>");
    assert!(parse_value(&api, stream, "<resource 3>").is_err());
    assert!(parse_value(&api, stream, "3").unwrap_err().to_string().contains("resource"));
    let text = print_value(&api, stream, &witwire_ir::Value::Bool(true));
    assert_eq!(text, "<not watch-stream>");
    // Fewer and more arguments than parameters print what there is.
    let first: OperationId = Id::new(0);
    assert_eq!(print_call(&api, first, &[]), "interface.watch()");
}

#[test]
fn an_error_never_quotes_a_string() {
    let api = small::api();
    for call in [
        r#"interface.list({id: 1, type: "s3cret"})"#,
        "interface.list({id: 53207})",
        "interface.list({id: s3cret})",
        r#"interface.watch("a", "s3cret")"#,
        r#"interface.watch("a", {offset: "s3cret"})"#,
        r#"interface.watch("s3cret", {offset: 1, offset: 2})"#,
        r#"interface.watch("s3cret"#,
        r#"interface.watch("s3cret\q", {})"#,
    ] {
        let error = parse_call(&api, call).unwrap_err().to_string();
        assert!(!error.contains("s3cret") && !error.contains("53207"), "{error}");
    }
}
