//! OpenAPI 3.0 and 3.1 documents to one package.
//!
//! The passes: `load` text to one lossless tree, `resolve` references (other files included), `document` the frame and its
//! operations, `schema` schemas to types, `operation` operations to functions, `name` names over the whole document,
//! `recursion` cycles cut.
//!
//! Strict on what is sent, tolerant of what is received. One bad operation never sinks the document; every degradation has a
//! diagnostic. Hostile documents meet budgets: nothing here is quadratic in the document, and recursion is bounded.

mod context;
mod document;
mod graph;
mod limits;
pub(crate) mod load;
mod name;
mod operation;
mod recursion;
mod resolve;
mod schema;
mod settings;
pub(crate) mod tree;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use witwire_ir::{Api, Id, Interface, InterfaceId, Protocol, TypeId, WitName, World};

use self::context::Context;
use self::document::OperationView;
use self::load::{Budget, Loader};
use self::operation::{Errors, Function, Group, Lowering, Reply};
use self::schema::{Schemas, Usage, Views, known_name};
use self::tree::{NodeId, Tree};
use crate::names::suffixed;
use crate::{Calls, Code, Compiled, Diagnostic, Files, Options, Setting, SettingKey, Severity};

/// Compiles a document to a package.
///
/// Findings are in [`Compiled::diagnostics`]; where one is an error, there is no package.
pub fn compile(path: &Path, files: &dyn Files, options: &Options) -> Compiled {
    let mut loader = Loader::new(files, Budget::default());
    let loaded = loader.load(path);
    let file = match loaded {
        Ok(file) => file,
        Err(message) => {
            let location = document::whole_file(&path.display().to_string());
            let help = Some("check the path".to_owned());
            return refused(vec![Diagnostic {
                severity: Severity::Error,
                code: Code::FileUnreadable,
                location,
                message,
                help,
                setting: None,
            }]);
        }
    };
    let Some(root) = loader.tree.files()[file].root else { return refused(loader.diagnostics) };
    let references = resolve::resolve(&mut loader);
    let Loader { tree, mut diagnostics, mut digest, .. } = loader;
    // What is wrong in another file is a matter of the references to it.
    let own = &tree.files()[file].name;
    for diagnostic in diagnostics.iter_mut().filter(|d| d.location.file != *own && d.severity == Severity::Error) {
        diagnostic.severity = Severity::Warning;
    }
    let version = match document::version(&tree, root) {
        Ok(version) => version,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return refused(diagnostics);
        }
    };
    let cx = Context::new(&tree, &references, options, version);
    if document::is_newer(&tree, root) {
        let message = "OpenAPI 3.2 is read as 3.1; what is new in it is ignored";
        cx.warn(Code::UnsupportedVersion, root, message, "say `openapi: 3.1.1` if the document needs nothing newer");
    }
    for (node, name) in references.uncertain() {
        let message = format!(
            "`$dynamicRef` is read as `$ref`: several schemas have `$dynamicAnchor: {name}`, and which is meant depends on who refers here"
        );
        cx.note(Code::Degraded, *node, message, "where another one is meant, write the schema out with `$ref`");
    }
    digest.update(&serde_json::to_vec(options).unwrap_or_default());
    let (mut api, skipped) = build(&cx, root);
    api.source_digest = *digest.finalize().as_bytes();
    diagnostics.extend(cx.take_findings());
    diagnostics.sort_by(|a, b| (&a.location, a.code).cmp(&(&b.location, b.code)));
    if options.strict {
        diagnostics.iter_mut().filter(|d| d.severity == Severity::Warning).for_each(|d| d.severity = Severity::Error);
    }
    let compiled = Compiled { apis: vec![api], diagnostics, skipped };
    if compiled.is_refused() { Compiled { apis: Vec::new(), ..compiled } } else { compiled }
}

fn refused(diagnostics: Vec<Diagnostic>) -> Compiled {
    Compiled { apis: Vec::new(), diagnostics, skipped: Vec::new() }
}

/// An operation with its bodies, and its interface.
struct Planned<'v> {
    view: &'v OperationView,
    interface: &'v WitName,
    groups: Vec<Group>,
}

fn build(cx: &Context<'_>, root: NodeId) -> (Api, Vec<crate::Skipped>) {
    let tree = cx.tree;
    let document::Operations { views: operations, skipped } = document::operations(cx, root);
    let views = Views::new(cx);

    let interface_names = name::interface::interfaces(cx, &operations);
    let planned: Vec<Planned<'_>> = operations
        .iter()
        .zip(&interface_names)
        .map(|(view, interface)| {
            let groups = view.body.as_ref().map(|b| operation::groups(&views, b)).unwrap_or_default();
            Planned { view, interface, groups }
        })
        .collect();

    let paginated: Vec<Option<operation::pager::Declared>> =
        planned.iter().map(|plan| operation::pager::declared(cx, root, plan.view)).collect();
    let of = variants(&planned, &paginated);
    let wanted: Vec<name::function::Wanted<'_>> = of
        .iter()
        .map(|variant| name::function::Wanted {
            view: variant.plan.view,
            interface: variant.plan.interface,
            suffix: variant.suffix(),
            derived: variant.after > 0,
        })
        .collect();
    let names = name::function::functions(cx, &operations, &wanted);

    let mut api = Api::new(name::package::package(cx, root), Protocol::Http);
    let types = api.interfaces.push(interface(known_name("types")));
    let interfaces = add_interfaces(&mut api, &interface_names);
    let nodes: Vec<NodeId> = operations.iter().map(|o| o.node).collect();
    let auth = operation::auth::schemes(cx, &mut api, root, &nodes);
    api.servers = document::servers(tree, root);

    let usage = usage(&views, &operations);
    let mut schemas = Schemas::new(&views, &usage, api);
    let numbered: Vec<(usize, &OperationView)> = of.iter().enumerate().map(|(i, variant)| (i, variant.plan.view)).collect();
    let errors = Errors::collect(&mut schemas, &numbered);
    let error = witwire_ir::host::http::declare(&mut schemas.api, types, errors.ty);
    let versioned = operation::versioned(&operations);
    let functions: Vec<Function<'_>> = of
        .iter()
        .zip(names)
        .enumerate()
        .map(|(number, (variant, name))| Function {
            view: variant.plan.view,
            interface: interfaces[variant.plan.interface],
            interface_name: variant.plan.interface.clone(),
            name,
            group: variant.group,
            number,
            shared: number - variant.after,
            reply: variant.reply,
            pagination: variant.pagination,
        })
        .collect();
    settings::check(cx, &operations, &functions, root);
    let mut lowering = Lowering {
        schemas: &mut schemas,
        auth,
        errors,
        error,
        versioned,
        sse_event: None,
        requests: HashMap::new(),
        pending: Vec::new(),
    };
    for function in &functions {
        let lowered = lowering.function(function);
        let id = lowering.schemas.api.operations.push(lowered);
        lowering.schemas.api.interfaces[function.interface].operations.push(id);
    }
    let pending = std::mem::take(&mut lowering.pending);
    schemas.finish();
    let json = schemas.json();
    let Schemas { mut api, mut declared, nodes, .. } = schemas;
    let resolved = recursion::resolve(&mut api, &mut declared, json);
    report_cuts(cx, &nodes, &resolved.cut, root);
    let named: HashSet<TypeId> = declared.iter().map(|d| d.ty).collect();
    limits::depth(cx, &mut api, &named, json, root);
    let without_pages: HashSet<_> = operation::pager::resolve(cx, &mut api, &pending, root).into_iter().collect();

    let function_names: Vec<name::types::FunctionName> = functions
        .iter()
        .map(|f| name::types::FunctionName {
            interface: f.interface,
            interface_name: f.interface_name.clone(),
            name: f.name.clone(),
        })
        .collect();
    name::types::types(cx, &mut api, types, &declared, &function_names, root);
    resolved.tables.iter().for_each(|group| recursion::name_lists(&mut api, group));
    drop_unused(&mut api, types, json);
    finish(tree, root, &mut api, types);
    let api = if without_pages.is_empty() { api } else { api.prune(|id, _| !without_pages.contains(&id)) };
    let functions: Vec<Function<'_>> = functions
        .into_iter()
        .filter(|function| !without_pages.contains(&Id::new(function.number)))
        .enumerate()
        .map(|(number, function)| Function { number, ..function })
        .collect();
    let mut api = select(cx, api, &functions, root);
    if cx.options.calls == Calls::Explicit {
        witwire_ir::host::call::declare(&mut api);
    }
    limits::worlds(cx, &mut api, root);
    limits::check(cx, &api, root);
    (api, skipped)
}

/// A function of an operation: with one of its bodies, and one kind of its responses.
struct Variant<'v> {
    plan: &'v Planned<'v>,
    group: Option<&'v Group>,
    reply: Reply,
    /// How many functions of the same body stand before it.
    after: usize,
    pagination: Option<&'v operation::pager::Declared>,
}

impl Variant<'_> {
    /// What the function's name ends in.
    fn suffix(&self) -> Option<String> {
        let body = self.group.and_then(|group| group.suffix.clone());
        let reply = match self.reply {
            Reply::Stream if self.after > 0 => Some("stream"),
            Reply::Pages => Some("pages"),
            Reply::Stream | Reply::Value { .. } => None,
        };
        let words: Vec<String> = body.into_iter().chain(reply.map(str::to_owned)).collect();
        (!words.is_empty()).then(|| words.join("-"))
    }
}

/// One function per operation, body and kind of response.
fn variants<'v>(planned: &'v [Planned<'v>], paginated: &'v [Option<operation::pager::Declared>]) -> Vec<Variant<'v>> {
    let mut out = Vec::new();
    for (plan, pagination) in planned.iter().zip(paginated) {
        let pagination = pagination.as_ref();
        let mut replies = operation::replies(plan.view);
        if pagination.is_some() && matches!(replies.first(), Some(Reply::Value { .. })) {
            replies.push(Reply::Pages);
        }
        let groups: Vec<Option<&Group>> =
            if plan.groups.is_empty() { vec![None] } else { plan.groups.iter().map(Some).collect() };
        for group in groups {
            out.extend(replies.iter().enumerate().map(|(after, reply)| Variant {
                plan,
                group,
                reply: *reply,
                after,
                pagination,
            }));
        }
    }
    out
}

fn interface(name: WitName) -> Interface {
    Interface { name, docs: None, types: Vec::new(), operations: Vec::new(), renames: Vec::new() }
}

/// One interface per name, in the order of the document.
fn add_interfaces(api: &mut Api, names: &[WitName]) -> BTreeMap<WitName, InterfaceId> {
    let mut out = BTreeMap::new();
    for name in names {
        if !out.contains_key(name) {
            out.insert(name.clone(), api.interfaces.push(interface(name.clone())));
        }
    }
    out
}

/// Which way every schema travels.
fn usage(views: &Views<'_>, operations: &[OperationView]) -> Usage {
    use witwire_ir::operation::http::Method;
    let mut usage = Usage::default();
    for view in operations {
        let item = view.path.segments.last().is_some_and(document::Segment::has_parameter);
        let updating = match view.method {
            Method::Patch | Method::Put => true,
            Method::Post => item,
            _ => false,
        };
        for parameter in &view.parameters {
            if let document::ParameterSchema::Node(node) = parameter.schema {
                usage.sent(views, node, false);
            }
        }
        for media in view.body.iter().flat_map(|b| &b.media) {
            if let Some(schema) = media.schema {
                usage.sent(views, schema, updating);
            }
        }
        for media in view.responses.iter().flat_map(|r| &r.media) {
            for schema in media.schema.into_iter().chain(media.item) {
                usage.received(views, schema);
            }
        }
    }
    usage.finish();
    usage
}

fn report_cuts(cx: &Context<'_>, nodes: &HashMap<TypeId, NodeId>, cuts: &[TypeId], root: NodeId) {
    for ty in cuts {
        let node = nodes.get(ty).copied().unwrap_or(root);
        let message = "the schema contains itself; references to it from inside of its cycle are `json`";
        cx.warn(Code::Degraded, node, message, "WIT has no recursive types; decode the text where it is needed");
    }
}

/// Keeps the operations that the manifest selects. Names were given over the whole document before.
fn select(cx: &Context<'_>, api: Api, functions: &[Function<'_>], root: NodeId) -> Api {
    let selection = &cx.options.operations;
    if selection.is_empty() {
        return api;
    }
    let mut keep = HashSet::new();
    for key in selection {
        let found: Vec<usize> = functions.iter().filter(|f| operation::is_called(f, key)).map(|f| f.number).collect();
        if found.is_empty() {
            let message = format!("`operations: [{key}]` names no operation");
            let help = "give an operationId, `METHOD /path` or `interface.function`";
            cx.refuse_setting(Code::UnknownSelection, root, Setting::new(SettingKey::Operations, key), message, help);
        }
        keep.extend(found);
    }
    api.prune(|id, _| keep.contains(&id.index()))
}

/// `json` is declared before it is known whether anything uses it.
fn drop_unused(api: &mut Api, types: InterfaceId, json: TypeId) {
    let used = api.types.iter().any(|(_, t)| t.shape.parts().any(|p| p == json))
        || api.operations.iter().any(|(_, o)| o.params.iter().any(|p| p.ty == json));
    if !used {
        api.interfaces[types].types.retain(|t| *t != json);
    }
}

/// Documentation and worlds.
fn finish(tree: &Tree, root: NodeId, api: &mut Api, types: InterfaceId) {
    let info = tree.get(root, "info");
    let text =
        |key: &str| info.and_then(|i| tree.get_text(i, key)).and_then(schema::description).map(|t| schema::sentence(&t));
    if let Some(text) = text("description").or_else(|| text("summary")) {
        let id = api.texts.push(text);
        api.docs = Some(id);
    }
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for tag in tree.get_items(root, "tags") {
        let (Some(name), Some(text)) = (tree.get_text(*tag, "name"), tree.get_text(*tag, "description")) else { continue };
        if let Some(text) = schema::description(text) {
            tags.insert(crate::names::words(name).join("-"), schema::sentence(&text));
        }
    }
    let ids: Vec<InterfaceId> = api.interfaces.ids().filter(|i| *i != types).collect();
    for id in &ids {
        if let Some(text) = tags.get(api.interfaces[*id].name.as_str()) {
            let text = api.texts.push(text.clone());
            api.interfaces[*id].docs = Some(text);
        }
    }
    let client = known_name("client");
    for id in &ids {
        let name = suffixed(&api.interfaces[*id].name, "client", "");
        api.worlds.push(World { name, imports: vec![*id] });
    }
    if !ids.is_empty() {
        api.worlds.push(World { name: client, imports: ids });
    }
}
