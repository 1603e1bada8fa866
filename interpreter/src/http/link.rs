//! The header `Link` (RFC 8288).

/// The target of the relation `next`.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, behind) = rest.strip_prefix('<')?.split_once('>')?;
        rest = behind;
        let (mut is_next, mut has_results) = (false, true);
        // Parameters, up to the comma of the next link.
        loop {
            rest = rest.trim_start();
            let Some(parameter) = rest.strip_prefix(';') else { break };
            let parameter = parameter.trim_start();
            let end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
            let (name, behind) = parameter.split_at(end);
            rest = behind;
            let mut value = "";
            if let Some(given) = behind.strip_prefix('=') {
                let given = given.trim_start();
                (value, rest) = match given.strip_prefix('"') {
                    // A relation has no character that is escaped.
                    Some(quoted) => quoted.split_once('"')?,
                    None => given.split_at(given.find([';', ',']).unwrap_or(given.len())),
                };
            }
            // Some services name a next page where there is none, and say so.
            has_results &= !(name.trim().eq_ignore_ascii_case("results") && value == "false");
            is_next |= name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"));
        }
        if is_next {
            return has_results.then_some(target);
        }
        if rest.is_empty() {
            return None;
        }
        rest = rest.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use super::next;

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
            ("<a>; rel=\"next", None),
            ("<a; rel=next", None),
            ("a; rel=next", None),
        ];
        for (header, expected) in cases {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
