//! Which versions of an interface link with each other.

use std::cmp::Ordering;

/// `core:todo/todo-service@1.0.0`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ImportName<'a> {
    /// Before the version: `core:todo/todo-service`.
    pub(super) path: &'a str,
    version: Option<Version<'a>>,
}

/// A semantic version, as far as linking needs it.
#[derive(Debug, PartialEq, Eq)]
struct Version<'a> {
    numbers: [u64; 3],
    /// A pre-release, or nothing.
    pre: &'a str,
}

impl<'a> ImportName<'a> {
    /// `None` where the text is not the name of an interface.
    pub(super) fn parse(name: &'a str) -> Option<Self> {
        let Some((path, version)) = name.split_once('@') else {
            return name.contains('/').then_some(Self { path: name, version: None });
        };
        let version = version.split_once('+').map_or(version, |(version, _build)| version);
        let (numbers, pre) = version.split_once('-').unwrap_or((version, ""));
        let mut parts = numbers.split('.').map(str::parse);
        let mut next = || parts.next()?.ok();
        let numbers = [next()?, next()?, next()?];
        (path.contains('/') && parts.next().is_none()).then_some(Self { path, version: Some(Version { numbers, pre }) })
    }

    /// Whether an import of this name is satisfied by `have`. The component model's linkers agree on this: the same version;
    /// or, without pre-releases, the same leftmost number that is not zero.
    pub(super) fn links_with(&self, have: &Self) -> bool {
        self.path == have.path
            && match (&self.version, &have.version) {
                (Some(a), Some(b)) => {
                    a == b || (a.pre.is_empty() && b.pre.is_empty() && a.track() == b.track() && a.track().is_some())
                }
                (a, b) => a == b,
            }
    }

    /// Orders two candidates: the same version as this one wins, then the newer.
    pub(super) fn prefer(&self, a: &Self, b: &Self) -> Ordering {
        let rank = |name: &Self| (name.version == self.version, name.version.as_ref().map(|v| v.numbers));
        rank(a).cmp(&rank(b))
    }
}

impl Version<'_> {
    /// The leftmost number that is not zero and its position; patch versions of 0.0 stand alone.
    fn track(&self) -> Option<(usize, u64)> {
        self.numbers[..2].iter().position(|n| *n != 0).map(|i| (i, self.numbers[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(a: &str, b: &str) -> bool {
        let name = |version: &str| format!("a:b/c@{version}");
        ImportName::parse(&name(a)).unwrap().links_with(&ImportName::parse(&name(b)).unwrap())
    }

    #[test]
    fn versions_link_by_their_leftmost_number_both_ways() {
        for (a, b) in
            [("1.0.0", "1.9.3"), ("0.1.3", "0.1.0"), ("2.0.0+x", "2.1.0"), ("0.0.1", "0.0.1"), ("1.0.0-a", "1.0.0-a")]
        {
            assert!(links(a, b) && links(b, a), "{a} {b}");
        }
        for (a, b) in
            [("1.0.0", "2.0.0"), ("0.1.0", "0.2.0"), ("0.0.1", "0.0.2"), ("1.0.0-a", "1.0.0"), ("1.0.0-a", "1.0.0-b")]
        {
            assert!(!links(a, b) && !links(b, a), "{a} {b}");
        }
    }

    #[test]
    fn the_same_version_is_preferred_to_a_newer_one() {
        let [wanted, same, newer, newest] = ["1.1.0", "1.1.0", "1.2.0", "1.3.0"].map(|v| format!("a:b/c@{v}"));
        let [wanted, same, newer, newest] = [&wanted, &same, &newer, &newest].map(|n| ImportName::parse(n).unwrap());
        assert_eq!(wanted.prefer(&same, &newest), Ordering::Greater);
        assert_eq!(wanted.prefer(&newer, &newest), Ordering::Less);
    }

    #[test]
    fn other_names_are_no_interfaces() {
        for name in ["a", "a:b@1.0.0", "a:b/c@1", "a:b/c@1.0.0.0", "a:b/c@x.0.0"] {
            assert_eq!(ImportName::parse(name), None, "{name}");
        }
    }
}
