//! Patterns for hosts.

use std::fmt;
use std::str::FromStr;

use crate::transport::Host;

/// Which hosts and ports a rule names: `api.example.com`, `*.example.com:8443`, `[::1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: Name,
    /// `None`: every port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Exact(Host),
    /// The suffix with its leading dot, in lower case: `.example.com`.
    Below(String),
}

/// A rule of the egress list that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("egress rule `{text}`: {reason}")]
pub struct PatternError {
    /// As given.
    pub text: String,
    /// What is wrong, and what is right.
    pub reason: &'static str,
}

impl HostPattern {
    /// One host and port.
    pub const fn exact(host: Host, port: u16) -> Self {
        Self { name: Name::Exact(host), port: Some(port) }
    }

    /// Reads a pattern: a host name, `*.` and a name, an IPv4 address, or an IPv6 address in brackets; then optionally `:port`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let error = |reason| PatternError { text: text.to_owned(), reason };
        let trimmed = text.trim();
        let (host, port) = split_port(trimmed);
        let port = match port {
            None => None,
            Some(digits) => match u16::from_str(digits) {
                Ok(port) if port > 0 => Some(port),
                _ => return Err(error("the port is a number from 1 to 65535")),
            },
        };
        if let Some(suffix) = host.strip_prefix("*.") {
            return match parse_host(suffix) {
                Some(Host::Name(name)) => Ok(Self { name: Name::Below(format!(".{name}")), port }),
                _ => Err(error("behind `*.` there is a host name, as in `*.example.com`")),
            };
        }
        match parse_host(host) {
            Some(host) => Ok(Self { name: Name::Exact(host), port }),
            None => Err(error("write a host without scheme and path: `api.example.com`, `*.example.com:8443`, `[::1]`")),
        }
    }

    /// Whether the rule names this host and port.
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        let named = match (&self.name, host) {
            (Name::Exact(exact), host) => exact == host,
            (Name::Below(suffix), Host::Name(name)) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
            (Name::Below(_), Host::Address(_)) => false,
        };
        named && self.port.is_none_or(|p| p == port)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Exact(host) => write!(f, "{host}")?,
            Name::Below(suffix) => write!(f, "*{suffix}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        // A colon inside brackets belongs to the address.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Reads a host as a URL's host is read, so that a rule and a URL that mean one host are equal.
fn parse_host(text: &str) -> Option<Host> {
    if text.is_empty() || text.contains(['*', '/', '@']) {
        return None;
    }
    match url::Host::parse(text).ok()? {
        url::Host::Domain(name) => Some(Host::from(url::Host::Domain(name.as_str()))),
        url::Host::Ipv4(v4) => Some(Host::from(url::Host::Ipv4(v4))),
        url::Host::Ipv6(v6) => Some(Host::from(url::Host::Ipv6(v6))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_what_they_say() {
        for (pattern, host, port, named) in [
            ("api.example.com", "api.example.com", 443, true),
            ("API.example.com.", "api.example.com", 443, true),
            ("api.example.com", "xapi.example.com", 443, false),
            ("api.example.com", "api.example.com.evil.test", 443, false),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("api.example.com:8443", "api.example.com", 443, false),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "badexample.com", 443, false),
            ("bücher.example", "xn--bcher-kva.example", 443, true),
            ("0x7f.1", "127.0.0.1", 80, true),
            ("[::1]", "[::1]", 80, true),
            ("[::1]:80", "[::1]", 80, true),
            ("[::1]:80", "[::1]", 81, false),
            ("[::ffff:127.0.0.1]", "127.0.0.1", 80, true),
        ] {
            let host = parse_host(host).expect("a host");
            let pattern = HostPattern::parse(pattern).expect("a pattern");
            assert_eq!(pattern.matches(&host, port), named, "{pattern} for {host}:{port}");
            assert_eq!(HostPattern::parse(&pattern.to_string()).as_ref(), Ok(&pattern), "prints as it is read");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.127.0.0.1",
            "a.*.com",
            "https://a.example",
            "a.example/x",
            "a.example:0",
            "a.example:x",
            "::1",
        ] {
            assert!(HostPattern::parse(text).is_err(), "`{text}`");
        }
    }
}
