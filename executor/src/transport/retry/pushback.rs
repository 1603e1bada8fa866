//! What a server says about when to come back.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// What a server says about when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transport) enum Pushback {
    /// Nothing.
    None,
    /// Not before this has passed.
    After(Duration),
    /// Not at all.
    Never,
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is taken relative to the response's own `Date` if it has
/// one, so that clocks need not agree. One that cannot be read says nothing.
pub(in crate::transport) fn of_http(headers: &HeaderMap, now: SystemTime) -> Pushback {
    let text = |name| headers.get(name).and_then(|v: &http::HeaderValue| v.to_str().ok()).map(str::trim);
    let Some(value) = text(RETRY_AFTER) else { return Pushback::None };
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are longer than any deadline.
        return Pushback::After(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let Ok(date) = httpdate::parse_http_date(value) else { return Pushback::None };
    let sent = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Pushback::After(date.duration_since(sent).unwrap_or_default())
}

/// `grpc-retry-pushback-ms` (gRFC A6): a number that is negative, or none, forbids to come back.
pub(in crate::transport) fn of_grpc(trailers: &HeaderMap) -> Pushback {
    let Some(value) = trailers.get("grpc-retry-pushback-ms") else { return Pushback::None };
    match value.to_str().ok().and_then(|text| text.parse::<u32>().ok()) {
        Some(milliseconds) => Pushback::After(Duration::from_millis(milliseconds.into())),
        None => Pushback::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").expect("a date");
        let seconds = |n| Pushback::After(Duration::from_secs(n));
        for (value, date, expected) in [
            ("0", None, seconds(0)),
            ("120", None, seconds(120)),
            (" 7 ", None, seconds(7)),
            ("99999999999999999999999", None, seconds(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, seconds(37)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None, seconds(37)),
            ("Sun Nov  6 08:49:37 1994", None, seconds(37)),
            // The server's clock is a minute behind.
            ("Sun, 06 Nov 1994 08:48:10 GMT", Some("Sun, 06 Nov 1994 08:48:00 GMT"), seconds(10)),
            ("Sun, 06 Nov 1994 08:48:00 GMT", None, seconds(0)),
            ("-1", None, Pushback::None),
            ("1.5", None, Pushback::None),
            ("soon", None, Pushback::None),
            ("", None, Pushback::None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().expect("a header"));
            if let Some(date) = date {
                headers.insert(DATE, date.parse().expect("a header"));
            }
            assert_eq!(of_http(&headers, now), expected, "{value}");
        }
        assert_eq!(of_http(&HeaderMap::new(), now), Pushback::None);
    }

    #[test]
    fn grpc_pushback_is_milliseconds_or_a_refusal() {
        for (value, expected) in [
            ("0", Pushback::After(Duration::ZERO)),
            ("1500", Pushback::After(Duration::from_millis(1500))),
            ("-1", Pushback::Never),
            ("", Pushback::Never),
            ("soon", Pushback::Never),
            ("99999999999", Pushback::Never),
        ] {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-retry-pushback-ms", value.parse().expect("a header"));
            assert_eq!(of_grpc(&trailers), expected, "{value}");
        }
        assert_eq!(of_grpc(&HeaderMap::new()), Pushback::None);
    }
}
