//! The header `Link` (RFC 8288).

use std::borrow::Cow;

use super::reference;

/// What a link's parameters say of it.
#[derive(Default)]
struct Said {
    /// Of the first `rel`; later ones do not count.
    is_next: Option<bool>,
    /// It belongs to something else than what the response is about.
    anchored: bool,
    /// Some services name a next page where there is none, and say so.
    without_results: bool,
}

/// The target of the relation `next`. `header` is all lines of that name, joined by commas.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, behind) = rest.strip_prefix('<')?.split_once('>')?;
        rest = behind.trim_start();
        let mut said = Said::default();
        // Parameters, up to the comma of the next link.
        while let Some(parameter) = rest.strip_prefix(';') {
            let parameter = parameter.trim_start();
            let (name, behind) = parameter.split_at(parameter.find(['=', ';', ',']).unwrap_or(parameter.len()));
            let value;
            (value, rest) = match behind.strip_prefix('=').map(str::trim_start) {
                None => (Cow::Borrowed(""), behind),
                Some(given) if given.starts_with('"') => quoted_string(&given[1..])?,
                Some(given) => {
                    let (value, rest) = given.split_at(given.find([';', ',']).unwrap_or(given.len()));
                    (Cow::Borrowed(value.trim()), rest)
                }
            };
            rest = rest.trim_start();
            match name.trim().to_ascii_lowercase().as_str() {
                "rel" => {
                    let mut relations = value.split_ascii_whitespace();
                    said.is_next.get_or_insert_with(|| relations.any(|relation| relation.eq_ignore_ascii_case("next")));
                }
                "anchor" => said.anchored = true,
                "results" => said.without_results = value.eq_ignore_ascii_case("false"),
                _ => {}
            }
        }
        if said.is_next == Some(true) && !said.anchored {
            return (!said.without_results).then_some(target);
        }
        if rest.is_empty() {
            return None;
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// A quoted string behind its first quote (RFC 9110, section 5.6.4), and what stands behind it.
fn quoted_string(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut escaped = false;
    let end = quoted.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let value = &quoted[..end];
    let mut is_literal = false;
    let plain = |c: &char| {
        is_literal = *c == '\\' && !is_literal;
        !is_literal
    };
    let value = if value.contains('\\') { Cow::Owned(value.chars().filter(plain).collect()) } else { Cow::Borrowed(value) };
    Some((value, &quoted[end + 1..]))
}

/// The header without the members of its targets' queries that have one of these names; `None` where it has none of them.
pub(super) fn without_members(header: &str, names: &[&str]) -> Option<String> {
    let mut changed = false;
    let mut clean = |target: &str| {
        let cleaned = reference::without_members(target, names);
        changed |= cleaned.is_some();
        cleaned.unwrap_or_else(|| target.to_owned())
    };
    let mut parts = header.split('<');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('<');
        match part.split_once('>') {
            Some((target, behind)) => out.extend([&clean(target), ">", behind]),
            None => out.push_str(&clean(part)),
        }
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relation_next_is_found() {
        let cases = [
            ("", None),
            (
                "<https://a.test/x?page=2>; rel=\"next\", <https://a.test/x?page=9>; rel=\"last\"",
                Some("https://a.test/x?page=2"),
            ),
            ("<https://a.test/1>; rel=\"prev\", <https://a.test/3>; rel=\"next\"", Some("https://a.test/3")),
            ("</x?a=1,2;3>; title=\"a, b; rel=next\"; rel=prev,\t<y>;REL=NEXT", Some("y")),
            ("<a>; rel=\"alternate next\"; type=x", Some("a")),
            ("<a>; rel=nextto, <b>; rev=next, <c>; foo; rel=last", None),
            ("<a>; rel=\"next\"; results=\"false\"; cursor=\"0:9:0\"", None),
            ("<a>; rel=\"previous\"; results=\"false\", <b>; rel=\"next\"; results=\"true\"", Some("b")),
            ("<a> ; rel = next , <b>; rel=last", Some("a")),
            ("<a>; title=\"say \\\"x\\\", <x>; rel=next\"; rel=\"first\", <b>; rel=\"ne\\xt\"", Some("b")),
            ("<a>; title=\"\\\\\"; rel=next", Some("a")),
            ("<a>; rel=prev; rel=next, <b>; rel=\"NEXT prefetch\"; rel=prev", Some("b")),
            ("<a>; rel=next; anchor=\"/other\", <b>; rel=next", Some("b")),
            (", ,<a>; rel=last,, <b>; rel=next", Some("b")),
            ("<>; rel=next", Some("")),
            ("<a>; rel=\"next", None),
            ("<a; rel=next", None),
            ("a; rel=next", None),
        ];
        for (header, expected) in cases {
            assert_eq!(next(header), expected, "{header}");
        }
    }

    #[test]
    fn members_of_targets_go_by_their_names() {
        let header = "<a?key=1&n=2>; rel=next; title=\"?key=3\", <b?key=4>; rel=last, <c?n=5&key=6";
        let expected = "<a?n=2>; rel=next; title=\"?key=3\", <b>; rel=last, <c?n=5";
        assert_eq!(without_members(header, &["key"]).as_deref(), Some(expected));
        assert_eq!(without_members(expected, &["key"]), None);
    }
}
