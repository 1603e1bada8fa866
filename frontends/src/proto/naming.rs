//! The pass that names types and members.

use std::collections::HashMap;

use witwire_ir::WitName;
use witwire_ir::host::call;
use witwire_ir::host::grpc::NAMES;

use crate::names::{self, Given, Scope};
use crate::{Code, Location};

use super::findings::Findings;
use super::graph::{Graph, Reached};
use super::model::{Element, Enum, EnumId, Home, Message, MessageId, Model};
use super::settings::Settings;
use super::sharing::Sharing;
use super::spelling::{Spellings, path_words};

/// The guest's record of a bearer token, in `types`.
pub(super) const BEARER_AUTH: &str = "bearer-auth";

/// The source of the variant of an `Any` of known messages.
const ANY_MESSAGE: &str = "google.protobuf.Any#message";

/// Who keeps a bare name in a scope, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Types of the host.
    Host,
    /// What the manifest renames.
    Renamed,
    /// Functions.
    Function,
    /// Messages and enums of the service's own package.
    Own,
    /// Messages and enums of other packages.
    Foreign,
    /// What has no name in the source: variants of oneofs, nodes, resources.
    Derived,
}

/// Names of the types in the interface `types`.
#[derive(Debug, Default)]
pub(super) struct TypeNames {
    pub(super) messages: HashMap<MessageId, WitName>,
    /// The node of a recursive message.
    pub(super) nodes: HashMap<MessageId, WitName>,
    /// The reference to a node.
    pub(super) references: HashMap<MessageId, WitName>,
    /// The variant of a oneof.
    pub(super) oneofs: HashMap<(MessageId, usize), WitName>,
    pub(super) enums: HashMap<EnumId, WitName>,
    /// The variant of an `Any` of known messages.
    pub(super) any: Option<WitName>,
}

/// A scope that remembers where its wishes stand in the sources.
pub(super) struct Naming {
    scope: Scope<Rank>,
    at: Vec<Location>,
    /// Wishes that were cut.
    cut: Vec<(usize, String)>,
}

/// A wish for a name.
pub(super) struct Wish<'a> {
    pub(super) rank: Rank,
    /// The name that the manifest gives.
    pub(super) renamed: Option<&'a WitName>,
    /// The words of the name that the source gives.
    pub(super) words: &'a [String],
    /// The word to add where the name is taken.
    pub(super) suffix: Option<&'a str>,
    /// What is named: a full protobuf name.
    pub(super) source: &'a str,
    pub(super) at: &'a Location,
}

impl Naming {
    pub(super) const fn new() -> Self {
        Self { scope: Scope::new(), at: Vec::new(), cut: Vec::new() }
    }

    /// Reserves a name for the host.
    pub(super) fn reserve(&mut self, name: &str) {
        self.scope.wish(Rank::Host, names::name(name, "host", name), None, format!("the host's `{name}`"));
        self.at.push(Location::default());
    }

    /// Wishes for a name and returns the index of the wish.
    pub(super) fn wish(&mut self, wish: &Wish<'_>) -> usize {
        self.at.push(wish.at.clone());
        let Some(renamed) = wish.renamed else {
            let named = names::from_words(wish.words, "field", wish.source);
            let cut = named.cut;
            let index = self.scope.wish(wish.rank, named, wish.suffix, wish.source);
            if cut {
                self.cut.push((index, wish.source.to_owned()));
            }
            return index;
        };
        self.scope.wish(Rank::Renamed, renamed.clone(), wish.suffix, wish.source)
    }

    /// Gives the names and reports what was changed.
    pub(super) fn give(&self, findings: &mut Findings) -> Vec<WitName> {
        let Given { names, collisions } = self.scope.give();
        for c in &collisions {
            let kept_by = &c.kept_by;
            let kept_by = if kept_by.starts_with("the host") { kept_by.clone() } else { format!("`{kept_by}`") };
            let message =
                format!("`{}` and {kept_by} both have the name `{}`; the former becomes `{}`", c.source, c.wished, c.given);
            findings.warning(Code::NameCollision, self.at[c.wish].clone(), message).help(rename_line(&c.source));
        }
        for (wish, source) in &self.cut {
            let message =
                format!("the name is longer than {} characters; it becomes `{}`", witwire_ir::MAX_NAME, names[*wish]);
            findings.note(Code::NameCut, self.at[*wish].clone(), message).help(rename_line(source));
        }
        names
    }
}

fn rename_line(source: &str) -> String {
    format!("choose another: `rename: {{ {source}: my-name }}`")
}

/// Names in `types` that the host takes.
fn host_names(settings: &Settings<'_>) -> impl Iterator<Item = &'static str> {
    let calls: &[&str] = if settings.explicit_calls() { call::NAMES } else { &[] };
    let names = NAMES.iter().chain(calls).copied();
    names.chain(settings.has_credentials().then_some(BEARER_AUTH))
}

/// Names all types that a package may print.
///
/// `is_named` tells which messages become types with names of their own.
pub(super) fn type_names(
    model: &Model,
    graph: &Graph,
    settings: &Settings<'_>,
    package: &str,
    reached: &Reached,
    is_named: &dyn Fn(MessageId) -> bool,
    findings: &mut Findings,
) -> TypeNames {
    let mut naming = Naming::new();
    host_names(settings).for_each(|name| naming.reserve(name));
    let mut slots = Vec::new();
    let spellings = Spellings::new(model, package, reached, is_named);
    for &id in reached.messages.iter().filter(|id| is_named(**id)) {
        let message = &model.messages[id];
        let Message { element, home, oneofs, .. } = message;
        let (rank, words) = (rank(home, package), spellings.of(element));
        let renamed = settings.renamed(&element.full_name);
        let source = &element.full_name;
        slots.push(Slot::Message(id));
        let at = &element.at;
        naming.wish(&Wish { rank, renamed, words: &words, suffix: Some("record"), source, at });
        if graph.group(id).is_some() {
            for (kind, slot) in [("node", Slot::Node(id)), ("ref", Slot::Reference(id))] {
                slots.push(slot);
                let words = extended(&words, &[kind.to_owned()]);
                let source = &format!("{source}#{kind}");
                let renamed = settings.renamed(source);
                naming.wish(&Wish { rank: Rank::Derived, renamed, words: &words, suffix: None, source, at });
            }
        }
        for (i, oneof) in oneofs.iter().map(|o| &o.element).enumerate() {
            slots.push(Slot::Oneof(id, i));
            let words = spellings.of(oneof);
            let suffix = Some("variant");
            let (source, at) = (&format!("{}#variant", oneof.full_name), &oneof.at);
            let renamed = settings.renamed(source);
            naming.wish(&Wish { rank: Rank::Derived, renamed, words: &words, suffix, source, at });
        }
    }
    for &id in &reached.enums {
        let Enum { element, home, closed, .. } = &model.enums[id];
        let suffix = if *closed { "enum" } else { "variant" };
        let renamed = settings.renamed(&element.full_name);
        slots.push(Slot::Enum(id));
        let (rank, words) = (rank(home, package), spellings.of(element));
        let (source, at) = (&element.full_name[..], &element.at);
        naming.wish(&Wish { rank, renamed, words: &words, suffix: Some(suffix), source, at });
    }
    if let Some(&any) = reached.messages.iter().find(|id| !model.held_by_any(**id).is_empty()) {
        let at = &model.messages[any].element.at;
        slots.push(Slot::Any);
        let words = ["any".to_owned(), "message".to_owned()];
        let wish =
            Wish { rank: Rank::Derived, renamed: None, words: &words, suffix: Some("variant"), source: ANY_MESSAGE, at };
        naming.wish(&wish);
    }
    let mut names = TypeNames::default();
    let given = naming.give(findings).into_iter().skip(naming.at.len() - slots.len());
    for (slot, name) in slots.into_iter().zip(given) {
        match slot {
            Slot::Message(id) => names.messages.insert(id, name),
            Slot::Node(id) => names.nodes.insert(id, name),
            Slot::Reference(id) => names.references.insert(id, name),
            Slot::Oneof(id, i) => names.oneofs.insert((id, i), name),
            Slot::Enum(id) => names.enums.insert(id, name),
            Slot::Any => names.any.replace(name),
        };
    }
    names
}

impl TypeNames {
    /// Names what the tables of large messages add: nodes and references. No name that was given before changes.
    pub(super) fn share(&mut self, model: &Model, settings: &Settings<'_>, sharing: &Sharing, findings: &mut Findings) {
        let mut naming = Naming::new();
        host_names(settings).for_each(|name| naming.reserve(name));
        let given = self.messages.values().chain(self.nodes.values()).chain(self.references.values());
        for name in given.chain(self.oneofs.values()).chain(self.enums.values()) {
            naming.reserve(name.as_str());
        }
        let reserved = naming.at.len();
        let mut added = Vec::new();
        for table in &sharing.tables {
            let references = table.members().into_iter().skip(1).filter(|m| !self.references.contains_key(m));
            let all: Vec<_> = references.map(|id| (id, "ref")).chain([(table.root(), "node")]).collect();
            for (id, kind) in all {
                let Message { element, home, .. } = &model.messages[id];
                let words = extended(&path_words(&home.path), &[kind.to_owned()]);
                let source = &format!("{}#{kind}", element.full_name);
                let (renamed, at) = (settings.renamed(source), &element.at);
                naming.wish(&Wish { rank: Rank::Derived, renamed, words: &words, suffix: None, source, at });
                added.push((id, kind));
            }
        }
        for ((id, kind), name) in added.into_iter().zip(naming.give(findings).into_iter().skip(reserved)) {
            let names = if kind == "node" { &mut self.nodes } else { &mut self.references };
            names.insert(id, name);
        }
    }
}

/// Whose name a wish is.
enum Slot {
    Message(MessageId),
    Node(MessageId),
    Reference(MessageId),
    Oneof(MessageId, usize),
    Enum(EnumId),
    Any,
}

fn rank(home: &Home, package: &str) -> Rank {
    if home.package == package { Rank::Own } else { Rank::Foreign }
}

fn extended(words: &[String], by: &[String]) -> Vec<String> {
    [words, by].concat()
}

/// The last part of a full name.
pub(super) fn simple_name(element: &Element) -> &str {
    element.full_name.rsplit('.').next().unwrap_or_default()
}

/// A field, oneof or case to be named.
pub(super) struct Member<'a> {
    words: Vec<String>,
    element: &'a Element,
    origin: Origin,
}

/// Where a member comes from, which decides who keeps a name that two wish for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It is declared in the message.
    Message,
    /// It extends the message.
    Extension,
    /// The mapping adds it.
    Mapping,
}

impl<'a> Member<'a> {
    /// A member of a message with a full name: one of its own, or one that extends it.
    pub(super) fn of(message: &str, element: &'a Element) -> Self {
        let own = element.full_name.strip_prefix(message).is_some_and(|rest| rest.starts_with('.'));
        let origin = if own { Origin::Message } else { Origin::Extension };
        Self { words: names::words(simple_name(element)), element, origin }
    }

    /// What the mapping adds to a message.
    pub(super) fn added(name: &str, message: &'a Element) -> Self {
        Self { words: names::words(name), element: message, origin: Origin::Mapping }
    }
}

/// Names the members of one record or variant, in order.
pub(super) fn members(members: &[Member<'_>], settings: &Settings<'_>, findings: &mut Findings) -> Vec<WitName> {
    let mut naming = Naming::new();
    for Member { words, element, origin } in members {
        let added = format!("{}#{}", element.full_name, words.join("-"));
        let (rank, suffix, source) = match origin {
            Origin::Message => (Rank::Own, None, &element.full_name),
            Origin::Extension => (Rank::Foreign, Some("extension"), &element.full_name),
            Origin::Mapping => (Rank::Derived, Some("bytes"), &added),
        };
        let (renamed, at) = (settings.renamed(source), &element.at);
        naming.wish(&Wish { rank, renamed, words, suffix, source, at });
    }
    naming.give(findings)
}

/// The last case of an open enum.
pub(super) const UNRECOGNIZED: &str = "unrecognized";

/// Names the cases of an enum, in order; of an open one without `unrecognized`.
pub(super) fn cases(e: &Enum, settings: &Settings<'_>, findings: &mut Findings) -> Vec<WitName> {
    let spellings: Vec<Vec<String>> = e.values.iter().map(|v| names::words(&v.name)).collect();
    let without_prefix = without_prefix(e, &spellings);
    let mut naming = Naming::new();
    if !e.closed {
        naming.reserve(UNRECOGNIZED);
    }
    for (value, words) in e.values.iter().zip(without_prefix.as_ref().unwrap_or(&spellings)) {
        let renamed = settings.renamed(&value.element.full_name);
        let (source, at) = (&value.element.full_name[..], &value.element.at);
        naming.wish(&Wish { rank: Rank::Own, renamed, words, suffix: None, source, at });
    }
    naming.give(findings).split_off(usize::from(!e.closed))
}

/// The values' words without the enum's name in front, if every value has it, and what remains are names that differ. The end of
/// the name is enough (`STRATEGY_LARGEST` of `CoinSelectionStrategy`), and with its parents' names it may be longer
/// (`EVENT_TYPE_PUT` of `Event.Type`). Else the value zero alone, where it says that nothing was said: `AUDIO_ENCODING_UNSPECIFIED`
/// beside `MP3`.
fn without_prefix(e: &Enum, spellings: &[Vec<String>]) -> Option<Vec<Vec<String>>> {
    let name = path_words(&e.home.path);
    let reserved: &[&str] = if e.closed { &[] } else { &[UNRECOGNIZED] };
    let zero = e.values.iter().position(|value| value.number == 0);
    without_all(&name, spellings, reserved).or_else(|| {
        (0..name.len()).find_map(|start| {
            let rest = strip(&spellings[zero?], &name[start..].concat())?;
            let mut words = spellings.to_vec();
            words[zero?] = rest;
            (NOTHING_SAID.contains(&&words[zero?].concat()[..]) && differ(&words, reserved)).then_some(words)
        })
    })
}

/// What the value zero of an enum is called, where it stands for no value.
const NOTHING_SAID: &[&str] = &["unspecified", "unknown", "undefined", "unset", "none", "invalid", "default"];

/// The members' words without an end of `name` in front of all of them.
fn without_all(name: &[String], spellings: &[Vec<String>], reserved: &[&str]) -> Option<Vec<Vec<String>>> {
    (0..name.len()).find_map(|start| {
        let prefix = name[start..].concat();
        let rest: Vec<Vec<String>> = spellings.iter().map(|words| strip(words, &prefix)).collect::<Option<_>>()?;
        differ(&rest, reserved).then_some(rest)
    })
}

/// Whether the words make names that differ from each other and from the reserved ones.
fn differ(spellings: &[Vec<String>], reserved: &[&str]) -> bool {
    let mut keys: Vec<String> = spellings.iter().map(|words| words.concat()).collect();
    keys.extend(reserved.iter().map(|&name| name.to_owned()));
    keys.sort();
    keys.windows(2).all(|pair| pair[0] != pair[1])
}

/// Says once what all cases of a oneof share with the end of its name, its message's before it: in front (`request_put` of
/// `request`) or behind (`tcpip_address` of `address`). What the variant is called in the end changes nothing.
pub(super) fn shorten_cases(cases: &mut [Member<'_>], home: &Home, oneof: &Element) {
    if cases.len() < 2 {
        return;
    }
    let name = [path_words(&home.path), names::words(simple_name(oneof))].concat();
    let spellings: Vec<Vec<String>> = cases.iter().map(|case| case.words.clone()).collect();
    let behind = || {
        (0..name.len()).find_map(|start| {
            let rest = spellings.iter().map(|words| words.strip_suffix(&name[start..]).map(<[String]>::to_vec));
            let rest: Vec<Vec<String>> = rest.collect::<Option<_>>()?;
            (rest.iter().all(|words| !words.is_empty()) && differ(&rest, &[])).then_some(rest)
        })
    };
    for (case, words) in cases.iter_mut().zip(without_all(&name, &spellings, &[]).or_else(behind).unwrap_or_default()) {
        case.words = words;
    }
}

/// The words behind a prefix; `None` where it is not there, or what remains does not start with a letter.
fn strip(words: &[String], prefix: &str) -> Option<Vec<String>> {
    let behind = (1..words.len()).find(|n| words[..*n].concat() == prefix)?;
    words[behind].starts_with(|c: char| c.is_ascii_lowercase()).then(|| words[behind..].to_vec())
}
