//! Path keys: segments, parameters, and what some documents put behind the path.

/// A path key of the document, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathKey {
    /// The key as the document has it.
    pub(crate) template: String,
    /// The path's segments.
    pub(crate) segments: Vec<Segment>,
    /// Query members that stand in the key, without `?`.
    pub(crate) query: Option<String>,
}

/// The pieces of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment(pub(crate) Vec<Piece>);

/// Part of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it is.
    Literal(String),
    /// A parameter by name.
    Parameter(String),
}

impl Segment {
    /// Whether a parameter stands in it.
    pub(crate) fn has_parameter(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Piece::Parameter(_)))
    }

    /// The text of a segment without parameters.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl PathKey {
    /// Takes a key apart. The fragment goes (it only tells operations of one path apart); a query is kept.
    pub(crate) fn new(key: &str) -> Self {
        let whole = key.split('#').next().unwrap_or(key);
        let (path, query) = match whole.split_once('?') {
            // Some keys write the parameters themselves: `/a?b={b}` or `/a{?b,c}`. Those are declared too.
            Some((path, query)) if !query.contains('{') && !path.ends_with('{') => (path, Some(query.to_owned())),
            Some((path, _)) => (path.trim_end_matches('{'), None),
            None => (whole, None),
        };
        let segments = path.strip_prefix('/').unwrap_or(path).split('/').map(segment).collect();
        Self { template: key.to_owned(), segments, query: query.filter(|q| !q.is_empty()) }
    }

    /// The parameters' names in order.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(|s| &s.0).filter_map(|p| match p {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }
}

fn segment(text: &str) -> Segment {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(Piece::Parameter(name.trim_end_matches('*').to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Segment(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_apart() {
        let key = PathKey::new("/a/{b}/c.{d}#x");
        assert_eq!(key.parameters().collect::<Vec<_>>(), ["b", "d"]);
        assert_eq!(key.segments[2].0.len(), 2);
        let key = PathKey::new("/a?x=1");
        assert_eq!((key.segments.len(), key.query.as_deref()), (1, Some("x=1")));
        assert_eq!(PathKey::new("/a{?x,y}").segments, PathKey::new("/a").segments);
        assert_eq!(PathKey::new("/a?x={x}").query, None);
    }
}
