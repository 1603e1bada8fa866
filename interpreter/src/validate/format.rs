//! Formats that are asserted before sending.

mod internet;
mod time;

use witwire_ir::{Format, Value};

/// What is wrong; `None` where the format holds or does not speak of such values.
pub(super) fn trouble(format: Format, value: &Value) -> Option<String> {
    let kept = match (format, value) {
        (Format::ProtoTimestamp, Value::Record(slots)) => time::proto_timestamp(slots),
        (Format::ProtoDuration, Value::Record(slots)) => time::proto_duration(slots),
        (Format::ProtoTimestamp | Format::ProtoDuration, _) => true,
        (format, Value::String(text)) => text_keeps(format, text),
        _ => true,
    };
    (!kept).then(|| format!("is not {}", description(format)))
}

fn text_keeps(format: Format, text: &str) -> bool {
    match format {
        Format::DateTime => time::date_time(text),
        Format::Date => time::date(text),
        Format::Time => time::full_time(text),
        Format::Duration => time::duration(text),
        Format::Uuid => internet::uuid(text),
        Format::Uri => internet::uri(text),
        Format::Email => internet::email(text),
        Format::Ipv4 => text.parse::<std::net::Ipv4Addr>().is_ok(),
        Format::Ipv6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
        Format::ScopedIpv6 => internet::scoped_ipv6(text),
        Format::Ip => internet::ip(text),
        Format::Address => internet::ip(text) || internet::dns_name(text),
        Format::Hostname => internet::hostname(text),
        Format::DnsName => internet::dns_name(text),
        Format::HtmlEmail => internet::html_email(text),
        Format::ProtoTimestamp | Format::ProtoDuration => true,
    }
}

const fn description(format: Format) -> &'static str {
    match format {
        Format::DateTime => "an RFC 3339 date and time: write it like `2030-01-31T12:00:00Z`",
        Format::Date => "an RFC 3339 date: write it like `2030-01-31`",
        Format::Time => "an RFC 3339 time: write it like `12:00:00Z`",
        Format::Duration => "an ISO 8601 duration: write it like `P1DT12H`",
        Format::Uuid => "a UUID: write it like `123e4567-e89b-12d3-a456-426614174000`",
        Format::Uri => "a URI with a scheme: write it like `https://example.com/a`",
        Format::Email | Format::HtmlEmail => "an email address: write it like `name@example.com`",
        Format::Ipv4 => "an IPv4 address: write it like `192.0.2.1`",
        Format::Ipv6 | Format::ScopedIpv6 => "an IPv6 address: write it like `2001:db8::1`",
        Format::Ip => "an IP address: write it like `192.0.2.1` or `2001:db8::1`",
        Format::Address => "a host name or an IP address: write it like `www.example.com` or `192.0.2.1`",
        Format::Hostname | Format::DnsName => "a host name: write it like `www.example.com`",
        Format::ProtoTimestamp => {
            "a timestamp: give seconds from -62135596800 to 253402300799 and nanoseconds from 0 to 999999999"
        }
        Format::ProtoDuration => {
            "a duration: give seconds within ±315576000000 and nanoseconds within ±999999999 of the same sign"
        }
    }
}
