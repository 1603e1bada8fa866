//! Comments and positions, from `SourceCodeInfo`.

use std::collections::HashMap;

use super::descriptor::{SourceCodeInfo, SourceLocation};

/// Comments and positions of one file, by the path of the element in `FileDescriptorProto`.
#[derive(Debug, Default)]
pub(super) struct SourceInfo<'a> {
    locations: HashMap<&'a [i32], &'a SourceLocation>,
}

impl<'a> SourceInfo<'a> {
    pub(super) fn new(info: Option<&'a SourceCodeInfo>) -> Self {
        let locations = info.map(|i| &i.location[..]).unwrap_or_default();
        Self { locations: locations.iter().map(|l| (&l.path[..], l)).collect() }
    }

    /// Line and column, 1-based; 0 where unknown.
    pub(super) fn position(&self, path: &[i32]) -> (u32, u32) {
        let span = self.locations.get(path).map(|l| &l.span[..]).unwrap_or_default();
        match span {
            [line, column, ..] => (one_based(*line), one_based(*column)),
            _ => (0, 0),
        }
    }

    /// The comment above the element, else the one behind it.
    pub(super) fn comment(&self, path: &[i32]) -> Option<String> {
        let location = self.locations.get(path)?;
        [&location.leading_comments, &location.trailing_comments].into_iter().flatten().find_map(|c| tidy(c))
    }
}

fn one_based(zero_based: i32) -> u32 {
    u32::try_from(zero_based).map_or(0, |n| n.saturating_add(1))
}

/// Removes the space that commonly stands behind `//` and blank lines at both ends; `None` where nothing is left.
fn tidy(comment: &str) -> Option<String> {
    let lines: Vec<&str> = comment.lines().map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end()).collect();
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    (!text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn comments_lose_their_margin_only() {
        assert_eq!(tidy(" One.\n\n   indented \n"), Some("One.\n\n  indented".to_owned()));
        assert_eq!(tidy(" \n"), None);
    }
}
