//! Dates, times and durations.

use witwire_ir::Value;

/// RFC 3339 `date-time`.
pub(super) fn date_time(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    rest.starts_with(['T', 't']) && date(day) && full_time(&rest[1..])
}

/// RFC 3339 `full-date`.
pub(super) fn date(text: &str) -> bool {
    let b = text.as_bytes();
    if b.len() != 10 || b[4] != b'-' || b[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (digits(&b[..4]), digits(&b[5..7]), digits(&b[8..])) else {
        return false;
    };
    (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// RFC 3339 `full-time`. A leap second is one only at the end of a UTC day.
pub(super) fn full_time(text: &str) -> bool {
    let b = text.as_bytes();
    if b.len() < 9 || b[2] != b':' || b[5] != b':' {
        return false;
    }
    let (Some(hour), Some(minute), Some(second)) = (digits(&b[..2]), digits(&b[3..5]), digits(&b[6..8])) else {
        return false;
    };
    let mut rest = &b[8..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    let Some(offset) = offset(rest) else { return false };
    if hour > 23 || minute > 59 || second > 60 {
        return false;
    }
    let utc_minute = (hour as i32 * 60 + minute as i32 - offset).rem_euclid(24 * 60);
    second < 60 || utc_minute == 24 * 60 - 1
}

/// Minutes east of UTC.
fn offset(b: &[u8]) -> Option<i32> {
    match b {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (digits(&[*h0, *h1])?, digits(&[*m0, *m1])?);
            let minutes = (hours <= 23 && minutes <= 59).then_some((hours * 60 + minutes) as i32)?;
            Some(if *sign == b'-' { -minutes } else { minutes })
        }
        _ => None,
    }
}

/// RFC 3339 appendix A `duration`.
pub(super) fn duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = rest.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|b| b.is_ascii_digit());
    }
    let (date, time) = match rest.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    let (Some(dates), Some(times)) = (components(date, "YMD"), components(time.unwrap_or_default(), "HMS")) else {
        return false;
    };
    if time.is_some() { times > 0 } else { dates > 0 }
}

/// How many numbers with units there are: units in order, none left out between two.
fn components(mut text: &str, units: &str) -> Option<usize> {
    let mut count = 0;
    let mut last = None;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0)?;
        let unit = units.find(text[end..].chars().next()?)?;
        if last.is_some_and(|last| unit != last + 1) {
            return None;
        }
        last = Some(unit);
        count += 1;
        text = &text[end + 1..];
    }
    Some(count)
}

/// `google.protobuf.Timestamp`: slots are seconds and nanoseconds.
pub(super) fn proto_timestamp(slots: &[Value]) -> bool {
    match slots {
        [Value::S64(seconds), Value::U32(nanos)] => {
            (-62_135_596_800..=253_402_300_799).contains(seconds) && *nanos <= 999_999_999
        }
        _ => true,
    }
}

/// `google.protobuf.Duration`: slots are seconds and nanoseconds.
pub(super) fn proto_duration(slots: &[Value]) -> bool {
    match slots {
        [Value::S64(seconds), Value::S32(nanos)] => {
            let same_sign = *seconds == 0 || *nanos == 0 || (*seconds > 0) == (*nanos > 0);
            (-315_576_000_000..=315_576_000_000).contains(seconds)
                && (-999_999_999..=999_999_999).contains(nanos)
                && same_sign
        }
        _ => true,
    }
}

fn digits(b: &[u8]) -> Option<u32> {
    b.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}
