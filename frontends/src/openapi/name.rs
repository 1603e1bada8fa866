//! Names: package, interfaces, functions, types. All are given over the whole document and never depend on its order.

pub(crate) mod function;
pub(crate) mod interface;
pub(crate) mod package;
pub(crate) mod types;

/// The singular of an English word, roughly: it is only compared with others of its making, or ends a function's name.
pub(crate) fn sing(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    if ["sses", "shes", "ches", "xes"].iter().any(|end| word.ends_with(end)) {
        return word[..word.len() - 2].to_owned();
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.is_empty() && !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// A path segment that tells versions apart, not things: `api`, `rest`, `v2`, a date, a number.
pub(crate) fn is_version_like(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    if lower == "api" || lower == "rest" {
        return true;
    }
    if let Some(rest) = lower.strip_prefix('v') {
        return rest.starts_with(|c: char| c.is_ascii_digit());
    }
    !lower.is_empty() && lower.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_'))
}

/// A segment that names many things: lower-case letters that end in an `s` that `sing` takes away.
pub(crate) fn is_lower_plural(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_')) && sing(segment) != segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singulars() {
        for (word, expected) in [
            ("todos", "todo"),
            ("policies", "policy"),
            ("addresses", "address"),
            ("branches", "branch"),
            ("boxes", "box"),
            ("status", "status"),
            ("analysis", "analysis"),
            ("class", "class"),
            ("s", "s"),
            ("houses", "house"),
        ] {
            assert_eq!(sing(word), expected);
        }
    }

    #[test]
    fn versions() {
        for segment in ["api", "v1", "v2.1", "V3", "2010-04-01", "1", "rest"] {
            assert!(is_version_like(segment), "{segment}");
        }
        for segment in ["todos", "vault", "", "2fa"] {
            assert!(!is_version_like(segment), "{segment}");
        }
    }
}
