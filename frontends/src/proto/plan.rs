//! The pass that decides which WIT packages there are, what each holds, and how its interfaces are named.

use std::collections::{BTreeMap, BTreeSet};

use witwire_ir::{PackageName, WitName};

use crate::names;
use crate::{Code, Location, SettingKey};

use super::findings::Findings;
use super::graph::{Graph, Reached, reach};
use super::model::{EnumId, Kind, Message, MessageId, Method, Model, ServiceId};
use super::naming::{self, BEARER_AUTH, Naming, Rank, TypeNames, Wish};
use super::settings::Settings;
use super::streams;
use super::well_known::{WellKnown, well_known};

/// One WIT package to be.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) package: PackageName,
    pub(super) proto_package: String,
    pub(super) graph: &'a Graph,
    /// Services with selected methods, in source order.
    pub(super) services: Vec<ServicePlan>,
    pub(super) names: TypeNames,
    /// What is printed.
    pub(super) printed: Reached,
}

/// One interface to be.
#[derive(Debug)]
pub(super) struct ServicePlan {
    pub(super) service: ServiceId,
    pub(super) interface: WitName,
    pub(super) methods: Vec<MethodPlan>,
    /// Messages whose types are known by another name in this interface.
    pub(super) renames: BTreeMap<MessageId, WitName>,
}

/// One function to be.
#[derive(Debug)]
pub(super) struct MethodPlan {
    /// The position in the service.
    pub(super) index: usize,
    pub(super) function: WitName,
    /// The resource of a streaming method.
    pub(super) resource: Option<WitName>,
    pub(super) selected: bool,
}

impl Plan<'_> {
    /// The methods that become functions.
    pub(super) fn methods<'m>(&self, model: &'m Model) -> impl Iterator<Item = &'m Method> {
        self.services.iter().flat_map(|s| {
            let methods = &model.services[s.service].methods;
            s.methods.iter().filter(|m| m.selected).map(|m| &methods[m.index])
        })
    }
}

impl ServicePlan {
    /// `interface.function`
    pub(super) fn function_path(&self, method: &MethodPlan) -> String {
        format!("{}.{}", self.interface.as_str(), method.function.as_str())
    }
}

/// Plans one WIT package per protobuf package with services, ordered by the name of the latter.
pub(super) fn plans<'a>(model: &Model, graph: &'a Graph, settings: &Settings<'_>, findings: &mut Findings) -> Vec<Plan<'a>> {
    let mut packages: BTreeMap<&str, Vec<ServiceId>> = BTreeMap::new();
    for (id, service) in model.services.iter() {
        if !service.methods.is_empty() {
            packages.entry(&service.home.package).or_default().push(id);
        }
    }
    if settings.names_package() && packages.len() > 1 {
        let all: Vec<String> = packages.keys().map(|p| format!("`{p}`")).collect();
        let message = format!("`package` names one package, but services stand in {}", all.join(", "));
        findings
            .error(Code::BadRename, Location::default(), message)
            .setting(SettingKey::Package, settings.package_text())
            .help("compile each by itself, or leave `package` out");
    }
    let package_names = package_names(model, &packages, settings, findings);
    let mut plans = Vec::new();
    for ((proto_package, services), package) in packages.into_iter().zip(package_names) {
        plans.push(plan(model, graph, settings, proto_package, package, &services, findings));
    }
    let functions: Vec<(&Method, String)> = plans.iter().flat_map(|p| functions(model, p)).collect();
    settings.report_unknown(&functions, findings);
    for plan in &mut plans {
        plan.services.retain(|s| s.methods.iter().any(|m| m.selected));
    }
    plans.retain(|p| !p.services.is_empty());
    for plan in &mut plans {
        plan.printed = printed(model, plan, settings);
    }
    plans
}

/// All methods of a plan with their `interface.function`.
fn functions<'m>(model: &'m Model, plan: &Plan<'_>) -> Vec<(&'m Method, String)> {
    let mut all = Vec::new();
    for service in &plan.services {
        let methods = &model.services[service.service].methods;
        all.extend(service.methods.iter().map(|m| (&methods[m.index], service.function_path(m))));
    }
    all
}

/// One name per package, none twice; derived versions are reported.
fn package_names(
    model: &Model,
    packages: &BTreeMap<&str, Vec<ServiceId>>,
    settings: &Settings<'_>,
    findings: &mut Findings,
) -> Vec<PackageName> {
    let mut given: Vec<PackageName> = Vec::new();
    for (proto_package, services) in packages {
        let Some(first) = services.first() else { continue };
        let at = &model.services[*first].element.at;
        let (mut name, derived) = settings.package_name(proto_package, &at.file);
        if derived {
            let at = Location { line: 0, column: 0, pointer: (*proto_package).to_owned(), file: at.file.clone() };
            findings
                .warning(Code::VersionDerived, at, format!("no version is configured; `{}` was derived", name.version))
                .help(format!("set it: `version: {}`", name.version));
        }
        if given.contains(&name) {
            name.name = names::suffixed(&name.name, &names::hash(proto_package), proto_package);
        }
        given.push(name);
    }
    given
}

fn plan<'a>(
    model: &Model,
    graph: &'a Graph,
    settings: &Settings<'_>,
    proto_package: &str,
    package: PackageName,
    services: &[ServiceId],
    findings: &mut Findings,
) -> Plan<'a> {
    let methods = || services.iter().flat_map(|s| &model.services[*s].methods);
    let of_root = model.messages.iter().filter(|(_, m)| is_printed_unreached(proto_package, m)).map(|(id, _)| id);
    let mut reached = reach(model, of_root.chain(methods().flat_map(|m| [m.input, m.output])));
    reached.enums.extend(root_enums(model, proto_package));
    let direct: BTreeSet<MessageId> = direct(model, methods(), &reached);
    let is_named = |id: MessageId| is_named(model, id, &direct);
    let names = naming::type_names(model, graph, settings, proto_package, &reached, &is_named, findings);

    let interfaces = interface_names(model, settings, services, findings);
    let services = services
        .iter()
        .zip(interfaces)
        .map(|(id, interface)| service(model, settings, *id, interface, &names, findings))
        .collect();
    Plan { package, proto_package: proto_package.to_owned(), graph, services, names, printed: Reached::default() }
}

/// Messages of the given files in the services' package are printed even if no method reaches them: guests pass them on, as in
/// events.
fn is_printed_unreached(package: &str, message: &Message) -> bool {
    message.home.in_root && message.home.package == package && !message.map_entry
}

fn root_enums(model: &Model, package: &str) -> impl Iterator<Item = EnumId> {
    model.enums.iter().filter(move |(_, e)| e.home.in_root && e.home.package == package).map(|(id, _)| id)
}

/// Well-known messages that are used as messages: taken or given by a method, or written as a group.
fn direct<'m>(model: &Model, methods: impl Iterator<Item = &'m Method>, reached: &Reached) -> BTreeSet<MessageId> {
    let mut direct: BTreeSet<MessageId> = methods.flat_map(|m| [m.input, m.output]).collect();
    let fields = reached.messages.iter().flat_map(|id| &model.messages[*id].fields);
    direct.extend(fields.filter(|f| f.group).filter_map(|f| match f.kind {
        Kind::Message(m) => Some(m),
        _ => None,
    }));
    direct
}

/// Whether a message becomes a type with a name of its own.
fn is_named(model: &Model, id: MessageId, direct: &BTreeSet<MessageId>) -> bool {
    let message = &model.messages[id];
    let own_form = match well_known(&message.element.full_name) {
        Some(WellKnown::Any) => true,
        Some(WellKnown::FieldMask | WellKnown::Wrapper(_)) => !direct.contains(&id),
        Some(WellKnown::Timestamp | WellKnown::Duration) | None => false,
    };
    !own_form && !message.map_entry && !model.is_empty(id)
}

/// One name per service; none is `types`, a world's or another's.
fn interface_names(model: &Model, settings: &Settings<'_>, services: &[ServiceId], findings: &mut Findings) -> Vec<WitName> {
    let mut naming = Naming::new();
    for id in services {
        let service = &model.services[*id];
        let mut words = names::words(&service.name);
        let taken = matches!(&words[..], [one] if one == "types") || words.last().is_some_and(|w| w == "client");
        if taken {
            words.push("api".to_owned());
        }
        let source = &service.element.full_name;
        let renamed = settings.renamed(source);
        let at = &service.element.at;
        naming.wish(&Wish { rank: Rank::Own, renamed, words: &words, suffix: Some("api"), source, at });
    }
    naming.give(findings)
}

/// Names the functions and resources of an interface, in one scope with the types that they use.
fn service(
    model: &Model,
    settings: &Settings<'_>,
    id: ServiceId,
    interface: WitName,
    names: &TypeNames,
    findings: &mut Findings,
) -> ServicePlan {
    let methods = &model.services[id].methods;
    let mut naming = Naming::new();
    naming.reserve("error");
    if settings.has_credentials() {
        naming.reserve(BEARER_AUTH);
    }
    let reserved = 1 + usize::from(settings.has_credentials());
    for method in methods {
        let renamed = settings.renamed_method(method);
        let words = names::words(&method.name);
        let (source, at) = (&method.path[..], &method.element.at);
        naming.wish(&Wish { rank: Rank::Function, renamed, words: &words, suffix: None, source, at });
    }
    let used: BTreeSet<MessageId> = methods.iter().flat_map(|m| [m.input, m.output]).collect();
    let used: Vec<(MessageId, &WitName)> = used.into_iter().filter_map(|m| Some((m, names.messages.get(&m)?))).collect();
    for (message, name) in &used {
        let element = &model.messages[*message].element;
        let (source, at) = (&element.full_name[..], &element.at);
        naming.wish(&Wish { rank: Rank::Own, renamed: None, words: &name_words(name), suffix: Some("record"), source, at });
    }
    let mut resources = Vec::new();
    for (index, method) in methods.iter().enumerate() {
        let mut words = names::words(&method.name);
        if let Some(suffix) = streams::kind(method).resource_suffix(words.last().map_or("", |last| last)) {
            words.push(suffix.to_owned());
            let (source, at) = (&format!("{}#{suffix}", method.path), &method.element.at);
            let renamed = settings.renamed(source);
            let wish = Wish { rank: Rank::Derived, renamed, words: &words, suffix: Some("resource"), source, at };
            resources.push((index, naming.wish(&wish)));
        }
    }
    let given = naming.give(findings);
    let renames = used
        .iter()
        .zip(&given[reserved + methods.len()..])
        .filter(|((_, name), given)| *name != *given)
        .map(|((message, _), given)| (*message, given.clone()))
        .collect();
    let mut plan = ServicePlan { service: id, interface, methods: Vec::new(), renames };
    for (index, method) in methods.iter().enumerate() {
        let resource = resources.iter().find(|(i, _)| *i == index).map(|(_, wish)| given[*wish].clone());
        let mut function = MethodPlan { index, function: given[reserved + index].clone(), resource, selected: false };
        function.selected = settings.selected(method, &plan.function_path(&function));
        plan.methods.push(function);
    }
    plan
}

fn name_words(name: &WitName) -> Vec<String> {
    name.as_str().split('-').map(str::to_owned).collect()
}

/// What a package prints: all of the given files, or, where operations are selected, what those reach.
fn printed(model: &Model, plan: &Plan<'_>, settings: &Settings<'_>) -> Reached {
    let roots = plan.methods(model).flat_map(|m| [m.input, m.output]);
    if settings.selects() {
        return reach(model, roots);
    }
    let of_root = model.messages.iter().filter(|(_, m)| is_printed_unreached(&plan.proto_package, m)).map(|(id, _)| id);
    let mut reached = reach(model, roots.chain(of_root));
    reached.enums.extend(root_enums(model, &plan.proto_package));
    reached
}
