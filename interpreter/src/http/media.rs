//! Media types (RFC 9110 section 8.3).

/// The type and subtype in lower case, without parameters.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// The `charset` parameter in lower case.
pub(super) fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

/// Whether a response of this content type is what a declared media range means.
pub(super) fn matches(content_type: &str, declared: &str) -> bool {
    let found = essence(content_type);
    let declared = essence(declared);
    let of_type = |range: &str| found.split('/').next() == Some(range);
    declared == "*/*" || declared == found || declared.strip_suffix("/*").is_some_and(of_type)
}

/// A text in UTF-8 or ISO 8859-1, whichever the content type names; `None` where it is not.
pub(super) fn text(content_type: &str, bytes: &[u8]) -> Option<String> {
    match charset(content_type).as_deref() {
        // ISO 8859-1 is the first 256 code points.
        Some("iso-8859-1" | "latin1" | "iso8859-1" | "iso_8859-1") => Some(bytes.iter().map(|b| char::from(*b)).collect()),
        _ => std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok().map(str::to_owned),
    }
}
