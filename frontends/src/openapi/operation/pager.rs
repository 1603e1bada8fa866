//! Operations whose result comes in pages: a second function, which gives a pager.

use witwire_ir::operation::http::{HttpCall, Method, OkShape, Outcome, Pager, ParameterValue};
use witwire_ir::wire::Wire;
use witwire_ir::wire::json::Json;
use witwire_ir::{Api, Call, Id, Operation, OperationId, Place, Shape, TypeId};

use super::{Function, Lowering};
use crate::openapi::context::Context;
use crate::openapi::document::OperationView;
use crate::openapi::tree::NodeId;
use crate::{Code, Pagination, PaginationKind, Setting, SettingKey};

/// Every operation whose response declares the header `Link`.
const EVERY: &str = "*";

/// How the pages of an operation are declared.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub(crate) how: Pagination,
    /// The manifest's key; `None`: by the document.
    key: Option<String>,
    node: NodeId,
}

/// A pager whose places are not found yet: that needs the types of its pages, whole.
pub(crate) struct Pending {
    pub(crate) operation: OperationId,
    pub(crate) declared: Declared,
}

/// How an operation's pages are declared, if they are: in the manifest, by an extension.
pub(crate) fn declared(cx: &Context<'_>, root: NodeId, view: &OperationView) -> Option<Declared> {
    let keys = [view.id.clone(), Some(view.source())];
    let named = keys.into_iter().flatten().find_map(|key| Some((cx.options.pagination.get(&key)?.clone(), key)));
    if let Some((how, key)) = named {
        return Some(Declared { how, key: Some(key), node: view.node });
    }
    if let Some(how) = by_extension(cx, root, view.node) {
        return Some(Declared { how, key: None, node: view.node });
    }
    let how = cx.options.pagination.get(EVERY)?;
    let has_link = super::stream::good(view).iter().any(|r| r.headers.iter().any(|h| h.name.eq_ignore_ascii_case("link")));
    (has_link && view.method == Method::Get).then(|| Declared { how: how.clone(), key: None, node: view.node })
}

/// Whether a key of the manifest names no operation.
pub(crate) fn names_nothing(key: &str, views: &[OperationView]) -> bool {
    key != EVERY && !views.iter().any(|view| view.id.as_deref() == Some(key) || view.source() == key)
}

fn by_extension(cx: &Context<'_>, root: NodeId, operation: NodeId) -> Option<Pagination> {
    let tree = cx.tree;
    if let Some(node) = tree.get(operation, "x-speakeasy-pagination") {
        let input = |kind: &str| {
            let is_kind = |input: &&NodeId| tree.get_text(**input, "type") == Some(kind);
            let input = tree.get_items(node, "inputs").iter().find(is_kind)?;
            Some(tree.get_text(*input, "name")?.to_owned())
        };
        let output =
            |key: &str| tree.get(node, "outputs").and_then(|outputs| tree.get_text(outputs, key)).map(str::to_owned);
        return match tree.get_text(node, "type")? {
            "url" => Some(Pagination { next: output("nextUrl"), ..Pagination::of(PaginationKind::Url) }),
            "cursor" => Some(Pagination {
                next: output("nextCursor"),
                parameter: input("cursor"),
                ..Pagination::of(PaginationKind::Cursor)
            }),
            "offsetLimit" => {
                let kind = if input("offset").is_some() { PaginationKind::Offset } else { PaginationKind::Page };
                Some(Pagination {
                    parameter: input("offset").or_else(|| input("page")),
                    limit: input("limit").filter(|_| kind == PaginationKind::Offset),
                    items: output("results"),
                    pages: output("numPages").filter(|_| kind == PaginationKind::Page),
                    ..Pagination::of(kind)
                })
            }
            _ => None,
        };
    }
    if let Some(node) = tree.get(operation, "x-fern-pagination") {
        // `true`: as the document says for all.
        let node = if tree.is_map(node) {
            node
        } else {
            tree.get(root, "x-fern-pagination").filter(|_| tree.get_bool(operation, "x-fern-pagination") == Some(true))?
        };
        let text = |key: &str| tree.get_text(node, key).map(str::to_owned);
        return if let Some(next) = text("next_uri") {
            Some(Pagination { next: Some(next), ..Pagination::of(PaginationKind::Url) })
        } else if let Some(parameter) = text("cursor") {
            let (next, parameter) = (text("next_cursor"), Some(parameter));
            Some(Pagination { next, parameter, ..Pagination::of(PaginationKind::Cursor) })
        } else {
            let parameter = Some(text("offset")?);
            let (items, limit) = (text("results"), text("step"));
            let kind = if limit.is_some() { PaginationKind::Offset } else { PaginationKind::Page };
            Some(Pagination { parameter, items, limit, ..Pagination::of(kind) })
        };
    }
    let node = tree.get(operation, "x-ms-pageable")?;
    // Null: there is one page.
    let next = Some(tree.get_text(node, "nextLinkName")?.to_owned());
    Some(Pagination { next, ..Pagination::of(PaginationKind::Url) })
}

impl Lowering<'_, '_> {
    /// The function that gives a pager of the one before it.
    pub(super) fn pages(&mut self, function: &Function<'_>, declared: Declared) -> Operation {
        let number = function.number;
        let plain = self.schemas.api.operations[OperationId::new(function.shared)].clone();
        let page = match self.schemas.api.result(&plain).0 {
            Some(page) => page,
            None => self.schemas.json(),
        };
        let result = self.pager(function, page);
        let mut call = plain.call;
        if let Call::Http(call) = &mut call {
            // Until the places are known.
            call.pager = Some(Pager::Link { header: Vec::new() });
        }
        self.pending.push(Pending { operation: OperationId::new(number), declared });
        Operation { name: function.name.clone(), result, call, ..plain }
    }
}

/// Finds the places of all pagers. Gives those that have none; they must go.
pub(crate) fn resolve(cx: &Context<'_>, api: &mut Api, pending: &[Pending], root: NodeId) -> Vec<OperationId> {
    let mut failed = Vec::new();
    for Pending { operation, declared } in pending {
        let found = Finder::new(api, *operation).and_then(|finder| finder.pager(&declared.how));
        match found {
            Ok(pager) => {
                if let Call::Http(call) = &mut api.operations[*operation].call {
                    call.pager = Some(pager);
                }
            }
            Err(why) => {
                failed.push(*operation);
                let source = api.operations[*operation].source_name();
                let message = format!("the pages of `{source}` cannot be followed: {why}");
                let help = "say under `pagination` of the manifest where the next page is";
                match &declared.key {
                    Some(key) => {
                        let setting = Setting::new(SettingKey::Pagination, key);
                        cx.refuse_setting(Code::Pagination, root, setting, message, help);
                    }
                    None => cx.warn(Code::Pagination, declared.node, message, help),
                }
            }
        }
    }
    failed
}

/// Looks for places in a page and in the arguments of its call.
struct Finder<'a> {
    api: &'a Api,
    operation: &'a Operation,
    call: &'a HttpCall,
    page: TypeId,
    /// The slot of the body, the body's type, and the member that the page is instead of it.
    body: (Vec<u16>, TypeId, Option<&'a str>),
    /// The slot of the header `Link`.
    link: Option<u16>,
}

impl<'a> Finder<'a> {
    fn new(api: &'a Api, id: OperationId) -> Result<Self, String> {
        let operation = &api.operations[id];
        let (Call::Http(call), Some(page)) = (&operation.call, api.page(operation)) else {
            return Err("it gives no value".to_owned());
        };
        let mut shapes = call.responses.iter().filter_map(|response| match &response.outcome {
            Outcome::Ok { case, shape } => Some((case, shape)),
            Outcome::Error { .. } => None,
        });
        let (body, link) = match shapes.next() {
            Some((None, OkShape::Body(body))) => (Some((Vec::new(), body)), None),
            Some((None, OkShape::Record { body, headers, .. })) => {
                let link = headers.iter().find(|header| header.name == "link").map(|header| header.slot);
                (body.as_ref().map(|(slot, body)| (vec![*slot], body)), link)
            }
            _ => (None, None),
        };
        let Some((slots, body)) = body else { return Err("its results differ by status, or have no body".to_owned()) };
        let body = (slots, body.ty, body.unwrap.as_ref().map(|unwrap| unwrap.key.as_str()));
        Ok(Self { api, operation, call, page, body, link })
    }

    fn pager(&self, how: &Pagination) -> Result<Pager, String> {
        let needed = |given: &'_ Option<String>, what: &str| given.clone().ok_or_else(|| format!("`{what}` is not said"));
        let follows_urls = matches!(how.kind, PaginationKind::Link | PaginationKind::Url);
        if follows_urls && (self.call.method != Method::Get || self.call.body.is_some()) {
            return Err("only a GET can be followed by URLs".to_owned());
        }
        Ok(match how.kind {
            PaginationKind::Link => {
                let slot = self.link.ok_or("its response declares no header `Link`")?;
                let is_text = self.ends(self.page, &[slot]).is_some_and(|ty| matches!(self.api.shape(ty), Shape::String));
                if !is_text {
                    return Err("its header `Link` is no string".to_owned());
                }
                Pager::Link { header: vec![slot] }
            }
            PaginationKind::Url => Pager::Url { url: self.at(&needed(&how.next, "next")?, is_text, "a string")? },
            PaginationKind::Cursor => {
                let (next, parameter) = (needed(&how.next, "next")?, needed(&how.parameter, "parameter")?);
                match self.at(&next, is_text, "a string") {
                    Ok(cursor) => Pager::Cursor { cursor, argument: self.argument(&parameter, is_text, "a string")? },
                    Err(_) => Pager::Cursor {
                        cursor: self.at(&next, is_integer, "a string or an integer")?,
                        argument: self.argument(&parameter, is_integer, "an integer")?,
                    },
                }
            }
            PaginationKind::Page => {
                let list = |path: &String| self.at(path, is_list, "a list");
                let items = match (&how.items, &how.pages) {
                    (Some(items), _) => Some(list(items)?),
                    (None, Some(_)) => None,
                    // The page is its items.
                    (None, None) => Some(list(&String::new())?),
                };
                Pager::Page {
                    argument: self.argument(&needed(&how.parameter, "parameter")?, is_integer, "an integer")?,
                    first: how.first.unwrap_or(1),
                    items,
                    pages: how.pages.as_ref().map(|pages| self.at(pages, is_integer, "an integer")).transpose()?,
                }
            }
            PaginationKind::Offset => Pager::Offset {
                argument: self.argument(&needed(&how.parameter, "parameter")?, is_integer, "an integer")?,
                first: how.first.unwrap_or(0),
                items: self.at(how.items.as_deref().unwrap_or_default(), is_list, "a list")?,
                limit: how.limit.as_ref().map(|limit| self.argument(limit, is_integer, "an integer")).transpose()?,
            },
        })
    }

    /// The slots of a member of the body: `meta.next`, also `$.meta.next` and `$response.meta.next`; all of it where there are none.
    fn at(&self, path: &str, fits: fn(&Shape) -> bool, what: &str) -> Result<Vec<u16>, String> {
        let missing = || format!("its response has no `{path}` that is {what}");
        let root = |root: &str| {
            path.strip_prefix(root).and_then(|rest| if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') })
        };
        let keys = root("$response").or_else(|| root("$")).unwrap_or(path);
        let (slots, ty, unwrapped) = &self.body;
        let keys = match unwrapped {
            // The page is this member alone.
            Some(member) if keys != *member && !keys.is_empty() => {
                keys.strip_prefix(member).and_then(|rest| rest.strip_prefix('.')).ok_or_else(missing)?
            }
            Some(_) => "",
            None => keys,
        };
        let found = self.below(*ty, keys, fits).ok_or_else(missing)?;
        Ok(slots.iter().copied().chain(found).collect())
    }

    /// The slots of a member by the names that lead to it. A name may have dots itself; the longest is taken that leads on.
    fn below(&self, ty: TypeId, keys: &str, fits: fn(&Shape) -> bool) -> Option<Vec<u16>> {
        if keys.is_empty() {
            return fits(self.api.shape(self.bare(ty))).then(Vec::new);
        }
        let Wire::Json(Json::Object(object)) = &self.api.types[self.bare(ty)].wire else { return None };
        let dots = keys.rmatch_indices('.').map(|(dot, _)| (&keys[..dot], &keys[dot + 1..]));
        std::iter::once((keys, "")).chain(dots).find_map(|(key, rest)| {
            let slot = object.members.iter().find(|member| member.key == key)?.slot;
            let below = self.below(self.ends(ty, &[slot])?, rest, fits)?;
            Some(std::iter::once(slot).chain(below).collect())
        })
    }

    /// The argument that is sent as a parameter, or as a member of the body.
    fn argument(&self, name: &str, fits: fn(&Shape) -> bool, what: &str) -> Result<Place, String> {
        let name = name.strip_prefix("$request.").unwrap_or(name);
        let parameter = self.call.parameters.iter().find_map(|parameter| match &parameter.value {
            ParameterValue::Argument { place, ty } if parameter.name == name => Some((place.clone(), *ty)),
            _ => None,
        });
        let member = || {
            use witwire_ir::operation::http::BodyValue;
            let BodyValue::Members { argument, ty, object, .. } = &self.call.body.as_ref()?.value else { return None };
            let slot = object.members.iter().find(|member| member.key == name)?.slot;
            Some((Place::slot(*argument, slot), self.ends(*ty, &[slot])?))
        };
        let found = parameter.or_else(member).filter(|(_, ty)| fits(self.api.shape(self.bare(*ty))));
        let found = found.filter(|(place, _)| usize::from(place.argument) < self.operation.params.len());
        found.map(|(place, _)| place).ok_or_else(|| format!("it has no parameter `{name}` that is {what}"))
    }

    fn ends(&self, ty: TypeId, slots: &[u16]) -> Option<TypeId> {
        let ends = slots.iter().try_fold(ty, |ty, slot| match self.api.shape(self.bare(ty)) {
            Shape::Record(fields) => fields.get(usize::from(*slot)).map(|field| field.ty),
            _ => None,
        })?;
        Some(self.bare(ends))
    }

    /// The type behind aliases and options.
    fn bare(&self, ty: TypeId) -> TypeId {
        match self.api.shape(ty) {
            Shape::Option(inner) => self.bare(*inner),
            _ => self.api.resolve(ty),
        }
    }
}

fn is_text(shape: &Shape) -> bool {
    matches!(shape, Shape::String)
}

fn is_list(shape: &Shape) -> bool {
    matches!(shape, Shape::List(_))
}

fn is_integer(shape: &Shape) -> bool {
    matches!(shape, Shape::U32 | Shape::U64 | Shape::S32 | Shape::S64)
}
