//! Constants and enum values.

use witwire_ir::Value;
use witwire_ir::wire::json::{Kind, Literal};

use super::codec::LiteralsCodec;
use super::number;
use super::read::{Fault, ReadError};
use super::scan::Scanner;
use super::write::escape;

/// Appends a constant as JSON.
pub(super) fn write(literal: &Literal, out: &mut Vec<u8>) {
    match literal {
        Literal::Null => out.extend_from_slice(b"null"),
        Literal::Bool(true) => out.extend_from_slice(b"true"),
        Literal::Bool(false) => out.extend_from_slice(b"false"),
        Literal::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Literal::Number(text) | Literal::Json(text) => out.extend_from_slice(text.as_bytes()),
        Literal::String(text) => escape(text, out),
    }
}

/// Whether a JSON text is the constant.
pub(super) fn is(literal: &Literal, text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    let number = |text: &str, expected: &str| match (number::integer(text), number::integer(expected)) {
        (None, None) => text.parse::<f64>() == expected.parse::<f64>(),
        (a, b) => a == b,
    };
    match literal {
        Literal::Null => text == "null",
        Literal::Bool(b) => text == if *b { "true" } else { "false" },
        Literal::Int(n) => scanner.number().is_ok_and(|text| number::integer(text) == Some(i128::from(*n))),
        Literal::Number(expected) => scanner.number().is_ok_and(|text| number(text, expected)),
        Literal::String(expected) => scanner.string().is_ok_and(|text| text == expected.as_str()),
        Literal::Json(expected) => compact(text) == compact(expected),
    }
}

/// A JSON text without insignificant white space.
fn compact(text: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    text.chars()
        .filter(|c| {
            let keep = in_string || !c.is_ascii_whitespace();
            match c {
                '"' if !escaped => in_string = !in_string,
                _ => {}
            }
            escaped = in_string && *c == '\\' && !escaped;
            keep
        })
        .collect()
}

/// Reads one of a set of scalars.
pub(super) fn read(codec: &LiteralsCodec, scanner: &mut Scanner<'_>) -> Result<Value, ReadError> {
    let unknown = |text: &str| {
        if codec.open {
            Ok(Value::case(codec.literals.len() as u32, Value::string(text)))
        } else {
            Err(ReadError::new(Fault::NotOneOf { expected: expected(codec) }))
        }
    };
    if scanner.kind()? == Kind::String {
        let text = scanner.string()?;
        return match codec.strings.get(&*text) {
            Some(case) => Ok(codec.case(*case)),
            None => unknown(&text),
        };
    }
    let found = scanner.kind()?;
    let text = scanner.skip()?;
    match codec.literals.iter().position(|literal| is(literal, text)) {
        Some(case) => Ok(codec.case(case as u32)),
        // An array or object is not a new enum value; it is another type.
        None if matches!(found, Kind::Array | Kind::Object) => {
            Err(ReadError::new(Fault::Kind { expected: "a scalar", found }))
        }
        None => unknown(text),
    }
}

/// The first few values, in words.
fn expected(codec: &LiteralsCodec) -> String {
    const SHOWN: usize = 10;
    let mut out = Vec::new();
    for (i, literal) in codec.literals.iter().take(SHOWN).enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        write(literal, &mut out);
    }
    if codec.literals.len() > SHOWN {
        out.extend_from_slice(", …".as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How an unknown value that was read is written back: as the number or word that it was where the set has no strings.
pub(super) fn write_unknown(codec: &LiteralsCodec, text: &str, out: &mut Vec<u8>) {
    let mut scanner = Scanner::new(text);
    let is_scalar = matches!(scanner.kind(), Ok(Kind::Integer | Kind::Number | Kind::Bool | Kind::Null))
        && scanner.skip().is_ok()
        && scanner.end().is_ok();
    if codec.strings.is_empty() && is_scalar {
        out.extend_from_slice(text.trim().as_bytes());
    } else {
        escape(text, out);
    }
}
