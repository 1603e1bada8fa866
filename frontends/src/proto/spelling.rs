//! How the names of types are spelled, before collisions are settled.
//!
//! A type is qualified by the messages that it is declared in: `Control.Family` is `control-family`. Where that gives a name that
//! nothing else wishes for, it is said shorter or clearer:
//!
//! * What ends the parent's name and begins the child's is said once: `Span.SpanKind` is `span-kind`.
//! * So is what both begin with: the oneof `watch_events_kind` of `WatchEventsRequest` is `watch-events-request-kind`.
//! * An enum in a message without fields, which is only there to qualify it, takes the message's name where its own says no more:
//!   `Compressor.Value` is `compressor`, and `AccessRoleEnum.AccessRole` is `access-role`.
//! * A oneof that is called what its message is called is its `variant`: `FeeLimit.limit` is `fee-limit-variant`.
//! * What is nested and would be too long is called by its own name.
//! * Of equal names in several packages, those of other packages than the service's are qualified by their package:
//!   `shop.billing.v1.Address` is `billing-address`. One that begins with the package's name says it already, and what is
//!   `common` needs not say so.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use witwire_ir::MAX_NAME;
use witwire_ir::host::grpc::NAMES;

use crate::names;

use super::graph::Reached;
use super::model::{Element, Home, Message, MessageId, Model};
use super::naming::simple_name;
use super::package;

/// The words of the types' names, by full protobuf name.
pub(super) struct Spellings<'m> {
    words: HashMap<&'m str, Vec<String>>,
}

/// What is to be spelled.
struct Subject<'m> {
    full_name: &'m str,
    /// Simple names from the outermost message to what is named; before them the package where it must be told.
    path: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Oneof,
    Enum,
}

impl<'m> Spellings<'m> {
    /// `package` is the one of the services.
    pub(super) fn new(model: &'m Model, package: &str, reached: &Reached, is_named: &dyn Fn(MessageId) -> bool) -> Self {
        let subjects = subjects(model, package, reached, is_named);
        let fieldless: HashSet<&str> =
            model.messages.iter().filter(|(_, m)| m.fields.is_empty()).map(|(_, m)| &m.element.full_name[..]).collect();
        let all: Vec<(&str, Vec<Vec<String>>)> = subjects.iter().map(|s| (s.full_name, s.candidates(&fieldless))).collect();
        let mut wishes: HashMap<String, HashSet<&str>> = HashMap::new();
        for (source, candidates) in &all {
            for words in candidates {
                wishes.entry(words.concat()).or_default().insert(source);
            }
        }
        let free = |words: &Vec<String>| {
            let key = words.concat();
            let host = NAMES.iter().any(|name| name.replace('-', "") == key);
            let fits = key.len() + words.len().saturating_sub(1) <= MAX_NAME;
            !host && fits && wishes.get(&key).is_some_and(|sources| sources.len() == 1)
        };
        let words = all.into_iter().map(|(source, mut candidates)| {
            // The last one is the whole name, for which collisions are settled.
            let chosen = candidates.iter().position(free).unwrap_or(candidates.len() - 1);
            (source, candidates.swap_remove(chosen))
        });
        Self { words: words.collect() }
    }

    pub(super) fn of(&self, element: &Element) -> Vec<String> {
        self.words.get(&element.full_name[..]).cloned().unwrap_or_default()
    }
}

/// All that a package may print under a name.
fn subjects<'m>(
    model: &'m Model,
    package: &str,
    reached: &Reached,
    is_named: &dyn Fn(MessageId) -> bool,
) -> Vec<Subject<'m>> {
    let messages = || reached.messages.iter().filter(|id| is_named(**id)).map(|id| &model.messages[*id]);
    let enums = || reached.enums.iter().map(|id| &model.enums[*id]);
    let homes = messages().map(|m| &m.home).chain(enums().map(|e| &e.home));
    let packages = Packages::new(package, homes);
    let mut out = Vec::new();
    for Message { element, home, oneofs, .. } in messages() {
        let path = packages.path(home);
        for oneof in oneofs.iter().map(|o| &o.element) {
            let mut path = path.clone();
            path.push(simple_name(oneof).to_owned());
            out.push(Subject { full_name: &oneof.full_name, path, kind: Kind::Oneof });
        }
        out.push(Subject { full_name: &element.full_name, path, kind: Kind::Message });
    }
    out.extend(enums().map(|e| Subject { full_name: &e.element.full_name, path: packages.path(&e.home), kind: Kind::Enum }));
    out
}

/// Which packages declare an outermost message or enum of some name.
struct Packages<'a> {
    own: &'a str,
    /// By the words of the name, without hyphens.
    of: BTreeMap<String, BTreeSet<&'a str>>,
}

impl<'a> Packages<'a> {
    fn new(own: &'a str, homes: impl Iterator<Item = &'a Home>) -> Self {
        let mut of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for home in homes {
            if let Some(outermost) = home.path.first() {
                of.entry(names::words(outermost).concat()).or_default().insert(&home.package);
            }
        }
        Self { own, of }
    }

    /// The path of an element, with its package before it where that must be told.
    fn path(&self, home: &Home) -> Vec<String> {
        let outermost = home.path.first().map(|name| names::words(name)).unwrap_or_default();
        let holders: Vec<&str> = self.of.get(&outermost.concat()).into_iter().flatten().copied().collect();
        let package = qualifier(&home.package);
        // A package cannot qualify what another of the same last word has, too.
        let alone = holders.iter().filter(|other| qualifier(other) == package).count() == 1;
        let begins = |package: &str| !package.is_empty() && outermost.starts_with(&names::words(package));
        let is_common = COMMON.contains(&package) && !holders.iter().any(|other| begins(qualifier(other)));
        let says_it = (begins(package) || is_common) && !holders.contains(&self.own);
        let told = holders.len() > 1 && alone && home.package != self.own && !package.is_empty() && !says_it;
        told.then(|| package.to_owned()).into_iter().chain(home.path.iter().cloned()).collect()
    }
}

/// Packages of what others share.
const COMMON: &[&str] = &["common", "core", "shared", "type", "types"];

/// The last segment of a package that is no version.
fn qualifier(package: &str) -> &str {
    package.rsplit('.').find(|segment| package::version(segment).from.is_none()).unwrap_or_default()
}

impl Subject<'_> {
    /// The words that it may be spelled with, the best first; the last are the whole name.
    fn candidates(&self, fieldless: &HashSet<&str>) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        if let Some((name, above)) = self.path.split_last() {
            let own = names::words(name);
            let parent = above.last().map(|parent| names::words(parent)).unwrap_or_default();
            let qualified = || above.split_last().map_or(&[][..], |(_, above)| above);
            let only_qualifies = || self.full_name.rsplit_once('.').is_some_and(|(parent, _)| fieldless.contains(parent));
            if self.kind == Kind::Enum && !parent.is_empty() && only_qualifies() {
                if parent.starts_with(&own) {
                    out.push(merged_words(&[qualified(), std::slice::from_ref(name)].concat()));
                } else if ["value", "values", "enum"].contains(&&own.concat()[..]) {
                    out.push(merged_words(above));
                }
            }
            if self.kind == Kind::Oneof && parent.ends_with(&own) {
                out.push([merged_words(above), vec!["variant".to_owned()]].concat());
            }
        }
        let whole = path_words(&self.path);
        out.push(merged_words(&self.path));
        let is_long = whole.concat().len() + whole.len() - usize::from(!whole.is_empty()) > MAX_NAME;
        if is_long && self.path.len() > 1 && self.kind != Kind::Oneof {
            out.push(self.path.last().map(|name| names::words(name)).unwrap_or_default());
        }
        out.push(whole);
        out
    }
}

/// The words of a parent-qualified name.
pub(super) fn path_words(path: &[String]) -> Vec<String> {
    path.iter().flat_map(|name| names::words(name)).collect()
}

/// How many words a parent and a child must both begin with to be said once. One word may be chance.
const SHARED: usize = 2;

/// The same, with what ends a parent's name and begins its child's said once, as far as something of the child's own remains; else
/// with what both begin with.
fn merged_words(path: &[String]) -> Vec<String> {
    let mut parent: Vec<String> = Vec::new();
    path.iter().fold(Vec::new(), |mut whole: Vec<String>, name| {
        let child = names::words(name);
        let overlap = (0..child.len()).rev().find(|n| whole.ends_with(&child[..*n])).unwrap_or_default();
        let shared = child.iter().zip(&parent).take_while(|(a, b)| a == b).count();
        let said = if overlap == 0 && (SHARED..child.len()).contains(&shared) { shared } else { overlap };
        whole.extend_from_slice(&child[said..]);
        parent = child;
        whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(path: &[&str]) -> String {
        merged_words(&path.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).join("-")
    }

    #[test]
    fn what_parent_and_child_share_is_said_once() {
        for (path, expected) in [
            (&["Span", "SpanKind"][..], "span-kind"),
            (&["WatchEventsRequest", "watch_events_kind"], "watch-events-request-kind"),
            (&["Watch", "Watch"], "watch-watch"),
            (&["UserSet", "UserSet"], "user-set-user-set"),
            (&["Channel", "ChannelKind", "KindOfKind"], "channel-kind-of-kind"),
            (&["WatchRequest", "watch_kind"], "watch-request-watch-kind"),
        ] {
            assert_eq!(merged(path), expected, "{path:?}");
        }
    }

    #[test]
    fn a_package_is_told_by_its_last_word() {
        for (package, expected) in
            [("shop.billing.v1", "billing"), ("google.rpc", "rpc"), ("v1", ""), ("", ""), ("a.v1beta1", "a")]
        {
            assert_eq!(qualifier(package), expected, "{package}");
        }
    }
}
