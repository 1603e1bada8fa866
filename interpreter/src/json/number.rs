//! Numbers of a JSON text.

/// An integer that a JSON number stands for, exactly; `None` for a fraction, or beyond 128 bits.
///
/// `1.0`, `10e-1` and `1e0` are the integer 1.
pub(crate) fn integer(text: &str) -> Option<i128> {
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    if digits.bytes().all(|b| b == b'0' || b == b'-') {
        return Some(0);
    }
    // An exponent that is itself out of range is far out of range for the number too.
    let exponent: i64 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(fraction.len() as i64)?;
    if shift >= 0 {
        let power = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
        digits.parse::<i128>().ok()?.checked_mul(power)
    } else {
        // A negative shift drops digits; all of them must be zeros.
        let dropped = usize::try_from(-shift).ok()?;
        let kept = digits.len().checked_sub(dropped)?;
        let (kept, zeros) = digits.split_at(kept);
        zeros.bytes().all(|b| b == b'0').then(|| kept.parse().ok())?
    }
}
