//! Rules about numbers, exact wherever the numbers are.

use std::cmp::Ordering;

use witwire_ir::{Check, Number, Value};

/// What is wrong with a number by a bound; `None` where the bound holds or the value is no number.
pub(super) fn bound(check: &Check, value: &Value) -> Option<String> {
    let number = of(value)?;
    let (bound, holds, words): (_, fn(Ordering) -> bool, _) = match check {
        Check::Minimum(n) => (n, Ordering::is_ge, "at least"),
        Check::ExclusiveMinimum(n) => (n, Ordering::is_gt, "more than"),
        Check::Maximum(n) => (n, Ordering::is_le, "at most"),
        Check::ExclusiveMaximum(n) => (n, Ordering::is_lt, "less than"),
        _ => return None,
    };
    // NaN keeps no bound.
    let kept = compare(number, *bound).is_some_and(holds);
    (!kept).then(|| format!("is out of range: give {words} {}", text(*bound)))
}

/// What is wrong where a number is no multiple.
pub(super) fn multiple(value: &Value, divisor: Number) -> Option<String> {
    let kept = is_multiple(of(value)?, divisor);
    (!kept).then(|| format!("is not a multiple of {}: give one", text(divisor)))
}

/// The number that a value is; a `Timestamp` or `Duration` is its nanoseconds.
pub(super) fn of(value: &Value) -> Option<Number> {
    Some(match value {
        Value::Record(slots) => match &**slots {
            [Value::S64(seconds), Value::U32(nanos)] => time(*seconds, i128::from(*nanos)),
            [Value::S64(seconds), Value::S32(nanos)] => time(*seconds, i128::from(*nanos)),
            _ => return None,
        },
        Value::U8(v) => Number::Int((*v).into()),
        Value::U16(v) => Number::Int((*v).into()),
        Value::U32(v) => Number::Int((*v).into()),
        Value::U64(v) => Number::Int((*v).into()),
        Value::S8(v) => Number::Int((*v).into()),
        Value::S16(v) => Number::Int((*v).into()),
        Value::S32(v) => Number::Int((*v).into()),
        Value::S64(v) => Number::Int((*v).into()),
        Value::F32(v) => Number::Float((*v).into()),
        Value::F64(v) => Number::Float(*v),
        _ => return None,
    })
}

fn time(seconds: i64, nanos: i128) -> Number {
    Number::Int(i128::from(seconds) * 1_000_000_000 + nanos)
}

/// Whether two numbers are equal.
pub(super) fn equal(a: Number, b: Number) -> bool {
    compare(a, b) == Some(Ordering::Equal)
}

pub(super) fn text(number: Number) -> String {
    match number {
        Number::Int(n) => n.to_string(),
        Number::Float(n) => n.to_string(),
    }
}

fn compare(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => int_with_float(a, b),
        (Number::Float(a), Number::Int(b)) => int_with_float(b, a).map(Ordering::reverse),
    }
}

/// Compares without rounding the integer to a float.
fn int_with_float(int: i128, float: f64) -> Option<Ordering> {
    /// 2¹²⁷, the first float beyond `i128`.
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        None
    } else if float >= LIMIT {
        Some(Ordering::Less)
    } else if float < -LIMIT {
        Some(Ordering::Greater)
    } else {
        let whole = float.trunc();
        Some(int.cmp(&(whole as i128)).then(whole.total_cmp(&float)))
    }
}

fn is_multiple(value: Number, divisor: Number) -> bool {
    if let (Number::Int(value), Number::Int(divisor)) = (value, divisor) {
        return value.checked_rem(divisor).is_none_or(|rest| rest == 0);
    }
    // Decimals are meant as they are written: 0.3 is a multiple of 0.1 though the binary fractions are not.
    if let (Some(value), Some(divisor)) = (decimal(value), decimal(divisor))
        && let Some(exact) = decimal_is_multiple(value, divisor)
    {
        return exact;
    }
    let quotient = as_float(value) / as_float(divisor);
    quotient.is_finite() && (quotient - quotient.round()).abs() <= 4.0 * f64::EPSILON * quotient.abs().max(1.0)
}

fn as_float(number: Number) -> f64 {
    match number {
        Number::Int(n) => n as f64,
        Number::Float(n) => n,
    }
}

/// Digits and a power of ten, from the shortest decimal that reads back as the number.
fn decimal(number: Number) -> Option<(i128, i32)> {
    match number {
        Number::Int(n) => Some((n, 0)),
        Number::Float(n) if n.is_finite() => {
            let text = format!("{n:e}");
            let (digits, exponent) = text.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            let fraction = digits.split_once('.').map_or(0, |(_, f)| f.len() as i32);
            Some((digits.replace('.', "").parse().ok()?, exponent - fraction))
        }
        Number::Float(_) => None,
    }
}

/// `None` where the scaled numbers leave 128 bits.
fn decimal_is_multiple((value, value_exponent): (i128, i32), (divisor, divisor_exponent): (i128, i32)) -> Option<bool> {
    let common = value_exponent.min(divisor_exponent);
    let scale = |n: i128, exponent: i32| n.checked_mul(10_i128.checked_pow((exponent - common) as u32)?);
    let (value, divisor) = (scale(value, value_exponent)?, scale(divisor, divisor_exponent)?);
    Some(value.checked_rem(divisor).is_none_or(|rest| rest == 0))
}
