//! Looks for `edition = "…";` before a parser that does not know it.

/// The edition that a source declares, if it declares one.
pub(super) fn declared(source: &str) -> Option<String> {
    let rest = skip_blank(source).strip_prefix("edition")?;
    let rest = skip_blank(rest).strip_prefix('=')?;
    let rest = skip_blank(rest);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let rest = &rest[1..];
    Some(rest[..rest.find(quote)?].to_owned())
}

/// Position of the declaration: line and column, 1-based.
pub(super) fn position(source: &str) -> (u32, u32) {
    super::sources::line_and_column(source, source.len() - skip_blank(source).len())
}

/// Skips white space and comments.
fn skip_blank(mut source: &str) -> &str {
    loop {
        source = source.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if let Some(rest) = source.strip_prefix("//") {
            source = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some(rest) = source.strip_prefix("/*") {
            source = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else {
            return source;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_editions_behind_comments_only() {
        assert_eq!(declared("// a\n/* edition = \"1\" */\nedition = \"2023\";").as_deref(), Some("2023"));
        assert_eq!(position("// a\n  edition = \"2023\";"), (2, 3));
        assert_eq!(declared("edition='2024';").as_deref(), Some("2024"));
        assert_eq!(declared("syntax = \"proto3\";"), None);
        assert_eq!(declared("message edition {}"), None);
        assert_eq!(declared("edition = \""), None);
        assert_eq!(declared("/*"), None);
    }
}
