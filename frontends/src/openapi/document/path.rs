//! Path keys: segments, parameters, and what some documents put behind the path.

/// A path key of the document, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathKey {
    /// The key as the document has it.
    pub(crate) template: String,
    /// The path's segments.
    pub(crate) segments: Vec<Segment>,
    /// Query members that stand in the key with their values, without `?`.
    pub(crate) query: Option<String>,
    /// Query members that stand in the key with a parameter as value (`b={c}`): key and parameter.
    pub(crate) query_parameters: Vec<(String, String)>,
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
            // `/a{?b,c}`: those are declared as parameters too.
            Some((path, _)) if path.ends_with('{') => (path.trim_end_matches('{'), None),
            Some((path, query)) => (path, Some(query)),
            None => (whole, None),
        };
        let mut literal: Vec<&str> = Vec::new();
        let mut query_parameters = Vec::new();
        for member in query.unwrap_or_default().split('&').filter(|member| !member.is_empty()) {
            let parameter = |value: &str| Some(value.strip_prefix('{')?.strip_suffix('}')?.to_owned());
            match member.split_once('=').and_then(|(key, value)| Some((key.to_owned(), parameter(value)?))) {
                Some(named) => query_parameters.push(named),
                None if member.contains('{') => {}
                None => literal.push(member),
            }
        }
        let segments = path.strip_prefix('/').unwrap_or(path).split('/').map(segment).collect();
        let query = (!literal.is_empty()).then(|| literal.join("&"));
        Self { template: key.to_owned(), segments, query, query_parameters }
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
        let key = PathKey::new("/a?x={y}&z=1");
        assert_eq!(key.query.as_deref(), Some("z=1"));
        assert_eq!(key.query_parameters, [("x".to_owned(), "y".to_owned())]);
    }
}
