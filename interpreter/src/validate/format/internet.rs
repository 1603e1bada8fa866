//! Identifiers and addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 4122's text form, in either case.
pub(super) fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// RFC 3986 `URI`: a scheme and a colon, then allowed characters and whole percent-encodings.
pub(super) fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let authority_and_path = rest.split('?').next().unwrap_or_default();
    let brackets_ok = match authority_and_path.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            authority_ok(authority) && !path.contains(['[', ']'])
        }
        None => !authority_and_path.contains(['[', ']']),
    };
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let no_brackets = !query.contains(['[', ']']) && !fragment.contains(['[', ']']);
    scheme_ok && brackets_ok && no_brackets && characters_ok(rest) && characters_ok(fragment)
}

fn authority_ok(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                let is_future = address.starts_with(['v', 'V']);
                // RFC 6874: a zone follows an encoded percent sign.
                let (address, zone) = address.split_once("%25").unwrap_or((address, "0"));
                if !is_future && (address.parse::<Ipv6Addr>().is_err() || zone.is_empty()) {
                    return false;
                }
                ("", port)
            }
            None => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_ok = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    port_ok && !host.contains(['[', ']', '@']) && !user.contains(['[', ']', '@'])
}

fn characters_ok(text: &str) -> bool {
    let b = text.as_bytes();
    (0..b.len()).all(|i| match b[i] {
        b'%' => b.get(i + 1..i + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        c => c.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(&c),
    })
}

/// RFC 5321 `Mailbox`.
pub(super) fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_ok = match local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) {
        Some(quoted) if local.len() >= 2 => quoted_ok(quoted),
        _ => local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext)),
    };
    let domain_ok = match domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        Some(literal) => match literal.strip_prefix("IPv6:") {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        },
        None => hostname(domain),
    };
    local.len() <= 64 && local_ok && domain_ok
}

fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

fn quoted_ok(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let ok = match b {
            b'\\' => bytes.next().is_some_and(|b| (b' '..=b'~').contains(&b)),
            b'"' => false,
            b => (b' '..=b'~').contains(&b),
        };
        if !ok {
            return false;
        }
    }
    true
}

/// What HTML takes for an email address ("valid e-mail address" of the living standard).
pub(super) fn html_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_ok = |b| is_atext(b) || b == b'.';
    !local.is_empty() && local.bytes().all(local_ok) && domain.split('.').all(label)
}

/// An IPv6 address, perhaps with a zone: any text but the empty one (RFC 4007, 11.2).
pub(super) fn scoped_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && !zone.contains('\0')
}

/// An address of either version.
pub(super) fn ip(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok() || scoped_ipv6(text)
}

/// A host name that may end in a dot, and whose last label is not all digits.
pub(super) fn dns_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    hostname(name) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// RFC 1123 host name: labels of letters, digits and inner hyphens, each 1 to 63, 253 together.
pub(super) fn hostname(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(label)
}

fn label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
