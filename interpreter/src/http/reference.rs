//! References to further pages (RFC 3986), as far as they can be followed without the server's URL.

use std::borrow::Cow;

/// A reference without its fragment, which is not part of any request.
struct Parts<'a> {
    /// The scheme and the authority, or one of the two.
    origin: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(reference: &'a str) -> Self {
        let whole = reference.split('#').next().unwrap_or_default();
        let scheme = scheme(whole);
        let behind = &whole[scheme..];
        let end = match behind.strip_prefix("//") {
            Some(authority) => scheme + 2 + authority.find(['/', '?']).unwrap_or(authority.len()),
            // What has a scheme and no authority has no path that another could be relative to.
            None if scheme > 0 => whole.len(),
            None => 0,
        };
        let (origin, rest) = whole.split_at(end);
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Self { origin: (!origin.is_empty()).then_some(origin), path, query }
    }
}

/// How long the scheme is, with its colon.
fn scheme(reference: &str) -> usize {
    let Some((scheme, _)) = reference.split_once(':') else { return 0 };
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if fits { scheme.len() + 1 } else { 0 }
}

/// What a page's reference means from where the first page was found. `base` is the reference that led to the page, from there too
/// (RFC 3986, section 5.2).
pub(super) fn behind(base: &str, reference: &str) -> String {
    let (base, parts) = (Parts::of(base), Parts::of(reference));
    if parts.origin.is_some() {
        return reference.split('#').next().unwrap_or_default().to_owned();
    }
    let (path, query) = match parts.path {
        "" => (Cow::Borrowed(base.path), parts.query.or(base.query)),
        path if path.starts_with('/') => (Cow::Borrowed(path), parts.query),
        path => {
            let folder = match base.path.rfind('/') {
                Some(end) => &base.path[..=end],
                None if base.origin.is_some() => "/",
                None => "",
            };
            (Cow::Owned(without_steps_back(&format!("{folder}{path}"))), parts.query)
        }
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{path}{query}", base.origin.unwrap_or_default())
}

/// The path without `.`, and without `..` where it is known what that leaves: however many pages there are, it does not grow.
fn without_steps_back(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match (segment, kept.last()) {
            (".", _) => {}
            // The root is its own parent.
            ("..", Some(&"")) if kept.len() == 1 => {}
            ("..", Some(&last)) if last != ".." => {
                kept.pop();
            }
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    let path = kept.join("/");
    // What is left must not be read as something else than a path.
    match &path {
        path if path.starts_with("//") => format!("/.{path}"),
        path if path.is_empty() || scheme(path) > 0 => format!("./{path}"),
        _ => path,
    }
}

/// Whether a reference leads to where a request with this target went, whatever the server's base path.
pub(super) fn is_target(reference: &str, target: &str) -> bool {
    let (parts, target) = (Parts::of(reference), Parts::of(target));
    match parts.path {
        "" if parts.origin.is_none() => parts.query.is_none_or(|query| Some(query) == target.query),
        path => target.path != "/" && path.ends_with(target.path) && parts.query == target.query,
    }
}

/// The reference without the members of its query that have one of these names; `None` where it has none of them.
pub(super) fn without_members(reference: &str, names: &[&str]) -> Option<String> {
    let (path, rest) = reference.split_once('?').filter(|_| !names.is_empty())?;
    let (query, fragment) = match rest.split_once('#') {
        Some((query, fragment)) => (query, Some(fragment)),
        None => (rest, None),
    };
    let is_named = |member: &&str| {
        let name = member.split('=').next().unwrap_or_default();
        let is = |name: &str| names.contains(&&*percent_encoding::percent_decode_str(name).decode_utf8_lossy());
        is(name) || is(&name.replace('+', " "))
    };
    let (gone, kept): (Vec<&str>, Vec<&str>) = query.split('&').partition(is_named);
    if gone.is_empty() {
        return None;
    }
    let query = kept.join("&");
    let mut out = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    out.extend(fragment.into_iter().flat_map(|fragment| ["#", fragment]));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_from_where_it_stood() {
        for (base, reference, expected) in [
            ("https://a.test/v1/x?page=2", "https://b.test/y#top", "https://b.test/y"),
            ("https://a.test/v1/x?page=2", "//b.test/y", "//b.test/y"),
            ("https://a.test/v1/x?page=2", "/y?page=3", "https://a.test/y?page=3"),
            ("https://a.test/v1/x?page=2", "?page=3", "https://a.test/v1/x?page=3"),
            ("https://a.test/v1/x?page=2", "y", "https://a.test/v1/y"),
            ("https://a.test", "y", "https://a.test/y"),
            ("https://a.test/v1/x?page=2", "", "https://a.test/v1/x?page=2"),
            ("https://a.test/v1/x?page=2", "#top", "https://a.test/v1/x?page=2"),
            ("https://a.test/v1/x", "../../../y/.", "https://a.test/y/"),
            ("/other/x?page=2#here", "?page=3", "/other/x?page=3"),
            ("/other/x", "3", "/other/3"),
            ("?page=2", "?page=3", "?page=3"),
            ("?page=2", "more/3", "more/3"),
            ("more/2", "3", "more/3"),
            ("more/2", "../more/3", "more/3"),
            ("more/2", "../../3", "../3"),
            ("../more/2", "../../3", "../../3"),
            ("more/2", "..", "./"),
            ("more/2", "./a:b", "more/a:b"),
            ("2", "./a:b", "./a:b"),
            ("/x", "..//b.test/y", "/.//b.test/y"),
            ("mailto:someone", "?page=3", "mailto:someone?page=3"),
        ] {
            assert_eq!(behind(base, reference), expected, "{reference} from {base}");
        }
    }

    #[test]
    fn a_reference_may_lead_to_the_same_page() {
        for (reference, target, expected) in [
            ("", "/things?page=1", true),
            ("#top", "/things?page=1", true),
            ("?page=1", "/things?page=1", true),
            ("?page=2", "/things?page=1", false),
            ("/v1/things?page=1", "/things?page=1", true),
            ("https://a.test/v1/things?page=1#top", "/things?page=1", true),
            ("https://a.test/v1/things", "/things", true),
            ("https://a.test/v1/things?page=1", "/things", false),
            ("https://a.test/v1/others", "/things", false),
            ("https://a.test/v1/", "/", false),
        ] {
            assert_eq!(is_target(reference, target), expected, "{reference} from {target}");
        }
    }

    #[test]
    fn members_go_by_their_names() {
        let names = &["api_key", "the token"];
        for (reference, expected) in [
            ("/x?page=2", None),
            ("/x", None),
            ("/api_key=1", None),
            ("/x?api_key=1", Some("/x")),
            ("/x?page=2&api_key=1&n=3", Some("/x?page=2&n=3")),
            ("/x?api%5Fkey=1&page=2#api_key=", Some("/x?page=2#api_key=")),
            ("/x?the+token=1&the%20token=2&api_key", Some("/x")),
            ("/x?my_api_key=1", None),
        ] {
            assert_eq!(without_members(reference, names).as_deref(), expected, "{reference}");
        }
        assert_eq!(without_members("/x?api_key=1", &[]), None);
    }
}
