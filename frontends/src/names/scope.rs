//! Names of one scope, none equal to another without its hyphens.

use std::collections::{BTreeMap, BTreeSet};

use witwire_ir::WitName;

use super::{Named, from_words, hash, suffixed};

/// A scope whose names are wished for first and given all at once, so that the result does not depend on the order of wishes.
///
/// `R` ranks the wishes: of those that collide the lowest rank keeps the bare name; within a rank the one whose source is
/// spelled like the name, then the one whose source sorts first. All bare names are given before any loser gets another, so that
/// no loser takes a name that somebody else may bear. A loser takes its suffix, and where that is taken a hash of its source.
///
/// ```
/// use witwire_frontends::names::{Scope, name};
/// let mut scope = Scope::new();
/// scope.wish(1, name("Error", "x", "a.Error"), Some("record"), "a.Error");
/// scope.wish(0, name("error", "x", "host"), None, "host");
/// let given = scope.give();
/// assert_eq!(given.names[0].as_str(), "error-record");
/// assert_eq!(given.names[1].as_str(), "error");
/// ```
#[derive(Debug, Clone)]
pub struct Scope<R> {
    wishes: Vec<Wish<R>>,
}

#[derive(Debug, Clone)]
struct Wish<R> {
    rank: R,
    name: WitName,
    suffix: Option<String>,
    source: String,
}

/// The names of a [`Scope`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// One per wish, in the order of wishes.
    pub names: Vec<WitName>,
    /// Every wish that did not get its bare name, ordered by its source.
    pub collisions: Vec<Collision>,
}

/// Two wishes for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The index of the wish that was changed.
    pub wish: usize,
    /// What it wished for.
    pub wished: WitName,
    /// What it got.
    pub given: WitName,
    /// Its source.
    pub source: String,
    /// The index of the wish that keeps the bare name.
    pub kept: usize,
    /// The source of the wish that keeps the bare name.
    pub kept_by: String,
}

impl<R: Ord> Default for Scope<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Ord> Scope<R> {
    /// A scope without names.
    pub const fn new() -> Self {
        Self { wishes: Vec::new() }
    }

    /// Wishes for a name and returns the index of the wish.
    ///
    /// `suffix` is a WIT word (`record`), appended where the bare name is taken. `source` tells wishes of a scope apart; of two
    /// wishes equal in rank, name and source the first is served first.
    pub fn wish(&mut self, rank: R, name: impl Into<WitName>, suffix: Option<&str>, source: impl Into<String>) -> usize {
        let suffix = suffix.map(str::to_owned);
        self.wishes.push(Wish { rank, name: name.into(), suffix, source: source.into() });
        self.wishes.len() - 1
    }

    /// Gives every wish a name.
    pub fn give(&self) -> Given {
        let mut order: Vec<usize> = (0..self.wishes.len()).collect();
        order.sort_by(|&a, &b| self.precedence(a).cmp(&self.precedence(b)));

        let mut keepers: BTreeMap<String, usize> = BTreeMap::new();
        let mut losers = Vec::new();
        for &wish in &order {
            let key = self.wishes[wish].name.collision_key();
            if let Some(&keeper) = keepers.get(&key) {
                losers.push((wish, keeper));
            } else {
                keepers.insert(key, wish);
            }
        }

        let mut taken: BTreeSet<String> = keepers.into_keys().collect();
        let mut names: Vec<WitName> = self.wishes.iter().map(|w| w.name.clone()).collect();
        let mut collisions = Vec::new();
        for (wish, kept) in losers {
            let name = self.wishes[wish].alternative(&mut taken);
            names[wish] = name.clone();
            collisions.push(Collision {
                wish,
                wished: self.wishes[wish].name.clone(),
                given: name,
                source: self.wishes[wish].source.clone(),
                kept,
                kept_by: self.wishes[kept].source.clone(),
            });
        }
        collisions.sort_by(|a, b| (&a.source, &a.given).cmp(&(&b.source, &b.given)));
        Given { names, collisions }
    }

    /// What decides who is served first.
    fn precedence(&self, wish: usize) -> (&R, bool, &str, &WitName) {
        let wish = &self.wishes[wish];
        let spelled_otherwise = !wish.source.ends_with(wish.name.as_str());
        (&wish.rank, spelled_otherwise, &wish.source, &wish.name)
    }
}

impl<R> Wish<R> {
    /// A name that is not taken: with the suffix, else with a hash of the source.
    fn alternative(&self, taken: &mut BTreeSet<String>) -> WitName {
        let with_suffix = self.suffix.iter().map(|suffix| suffixed(&self.name, suffix, &self.source));
        let hashed = (0_u32..).map(|round| {
            let salted = if round == 0 { self.source.clone() } else { format!("{}\0{round}", self.source) };
            suffixed(&self.name, &hash(&salted), &self.source)
        });
        with_suffix
            .chain(hashed)
            .find(|name| taken.insert(name.collision_key()))
            .unwrap_or_else(|| unreachable!("2³² hashes are not all taken"))
    }
}

impl From<Named> for WitName {
    fn from(named: Named) -> Self {
        named.name
    }
}

/// Names for the members of one record, variant or enum, from their spellings in the source: in order, colliding ones with a
/// hash.
///
/// `parent` names the whole in the source; a member's source is `parent.spelling`. Returns the names and what was changed.
pub fn members<'a>(parent: &str, spellings: impl IntoIterator<Item = &'a str>, fallback: &str) -> Given {
    let mut scope = Scope::new();
    for spelling in spellings {
        let source = format!("{parent}.{spelling}");
        scope.wish((), from_words(&super::words(spelling), fallback, &source), None, source.as_str());
    }
    scope.give()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::name;
    use super::*;

    fn given(wishes: &[(u8, &str, Option<&str>, &str)]) -> (Vec<String>, usize) {
        let mut scope = Scope::new();
        for (rank, text, suffix, source) in wishes {
            scope.wish(*rank, name(text, "x", source), *suffix, *source);
        }
        let given = scope.give();
        (given.names.iter().map(|n| n.as_str().to_owned()).collect(), given.collisions.len())
    }

    #[test]
    fn the_lowest_rank_keeps_the_bare_name() {
        let (names, collisions) =
            given(&[(2, "Todo", Some("record"), "m.Todo"), (1, "todo", None, "f"), (1, "list", None, "g")]);
        assert_eq!(names, ["todo-record", "todo", "list"]);
        assert_eq!(collisions, 1);
    }

    #[test]
    fn hyphens_do_not_distinguish() {
        let (names, _) = given(&[(0, "foo_bar", Some("record"), "a"), (0, "foobar", Some("enum"), "b")]);
        assert_eq!(names, ["foo-bar", "foobar-enum"]);
    }

    #[test]
    fn a_loser_takes_no_name_that_another_wishes_for() {
        let (names, _) = given(&[
            (0, "error", None, "host"),
            (1, "Error", Some("record"), "Error"),
            (2, "ErrorRecord", Some("record"), "Z"),
        ]);
        assert_eq!(names[0], "error");
        assert_eq!(names[1], format!("error-{}", hash("Error")));
        assert_eq!(names[2], "error-record");
    }

    #[test]
    fn the_one_spelled_like_its_name_keeps_it() {
        let given = members("m.E", ["ASC", "asc"], "case");
        assert_eq!(given.names[1].as_str(), "asc");
        assert_eq!(given.names[0].as_str(), format!("asc-{}", hash("m.E.ASC")));
        assert_eq!(given.collisions[0].kept_by, "m.E.asc");
    }

    #[test]
    fn equal_sources_still_get_different_names() {
        let (names, _) = given(&[(0, "a", None, "s"), (0, "a", None, "s"), (0, "a", None, "s")]);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    proptest! {
        #[test]
        fn names_differ_and_do_not_depend_on_order(
            wishes in prop::collection::vec((0_u8..3, "[aAbB_1]{0,4}", prop::option::of("[a-c]{1,2}")), 0..12),
            order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            let wishes: Vec<_> = wishes.into_iter().enumerate().map(|(i, w)| (w, format!("s{i}"))).collect();
            let in_order: Vec<usize> = (0..wishes.len()).collect();
            let shuffled: Vec<usize> = order.into_iter().filter(|i| *i < wishes.len()).collect();
            let run = |order: &[usize]| {
                let mut scope = Scope::new();
                for &i in order {
                    let ((rank, text, suffix), source) = &wishes[i];
                    scope.wish(*rank, name(text, "x", source), suffix.as_deref(), source.as_str());
                }
                let given = scope.give();
                order.iter().copied().zip(given.names).collect::<BTreeMap<_, _>>()
            };
            let first = run(&in_order);
            prop_assert_eq!(&first, &run(&shuffled));
            let keys: BTreeSet<_> = first.values().map(WitName::collision_key).collect();
            prop_assert_eq!(keys.len(), first.len());
        }
    }
}
