//! The ledger's lists in pages, over HTTP.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use witwire_ir::operation::http::{Method, Pager};
use witwire_ir::{CallClass, InDoubt, Place};

use super::Operation;
use super::server::Server;

/// A list in pages. A page has its number, and where the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pages {
    /// Names the URL of the next page. Safe.
    Url,
    /// Names a cursor, which is sent back. Unsafe.
    Cursor,
    /// The same, with an idempotency key.
    Keyed,
}

impl Pages {
    pub(crate) const ALL: [Self; 3] = [Self::Url, Self::Cursor, Self::Keyed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Url => "by-url",
            Self::Cursor => "by-cursor",
            Self::Keyed => "by-key",
        }
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::Url => Method::Get,
            Self::Cursor | Self::Keyed => Method::Post,
        }
    }

    pub(crate) fn class(self, in_doubt: InDoubt) -> CallClass {
        match self {
            Self::Url => CallClass::Safe,
            Self::Cursor => CallClass::Unsafe(in_doubt),
            Self::Keyed => Operation::Pay.class(in_doubt),
        }
    }

    /// `next` is the second field of a page, and `cursor` the second argument.
    pub(crate) fn pager(self) -> Pager {
        match self {
            Self::Url => Pager::Url { url: vec![1] },
            Self::Cursor | Self::Keyed => Pager::Cursor { cursor: vec![1], argument: Place::argument(1) },
        }
    }
}

/// An id whose first page names a next one on another host.
pub(crate) const ASTRAY: &str = "astray";

/// An id whose pages name the next one at the host that they were asked for by.
pub(crate) const BY_NAME: &str = "by-name";
/// An id whose first page is followed elsewhere, by a URL that is relative to it, and by two more that are relative to the pages that named
/// them.
pub(crate) const RELATIVE: &str = "relative";
const ELSEWHERE: &str = "elsewhere";

/// An id whose third page names itself.
pub(crate) const ENDLESS: &str = "endless";

/// An id whose pages repeat the query that they were asked for with, in the URL of the next page and in headers.
pub(crate) const ECHO: &str = "echo";

/// How often each page was asked for.
pub(crate) type PageCounts = BTreeMap<(Pages, usize), u32>;

/// What came with requests for pages, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageArrivals {
    /// The credentials in the query.
    pub(crate) credentials: Vec<String>,
    /// The idempotency keys.
    pub(crate) keys: Vec<String>,
}

/// `/pages/{list}/{id}`; the id is how many pages there are.
pub(super) async fn serve(
    State(server): State<Server>,
    Path((name, id)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let pages = Pages::ALL.into_iter().find(|p| p.name() == name).expect("only known lists are asked for");
    let cursor = query.get("cursor");
    let number = cursor.map_or(1, |cursor| cursor.parse().expect("a cursor of ours"));
    if id == RELATIVE && cursor.is_some() {
        // What is relative to a page leads here from another alone.
        return StatusCode::NOT_FOUND.into_response();
    }
    let credential = query.get("api_key");
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    server.count_page(pages, number, credential.cloned(), key.map(str::to_owned));
    let count = match &*id {
        RELATIVE | ELSEWHERE | ENDLESS | ECHO => 3,
        id => id.parse().unwrap_or(2),
    };
    let further = (number + 1).min(count);
    let echo = credential.map(|credential| format!("&api_key={credential}")).unwrap_or_default();
    let url = match &*id {
        RELATIVE => format!("../by-url/{ELSEWHERE}?cursor={further}"),
        ELSEWHERE => format!("?cursor={further}"),
        ASTRAY => format!("{}/pages", server.url().replace("127.0.0.1", "localhost")),
        BY_NAME => {
            let host = headers["host"].to_str().expect("ASCII");
            format!("http://{host}/pages/by-url/{id}?cursor={further}")
        }
        id => format!("{}/pages/by-url/{id}?cursor={further}{echo}", server.url()),
    };
    let next = match pages {
        _ if number >= count && id != ENDLESS => "null".to_owned(),
        Pages::Cursor | Pages::Keyed => format!("\"{further}\""),
        Pages::Url => format!("\"{url}\""),
    };
    let mut response = Response::new(Body::from(format!("{{\"number\":{number},\"next\":{next}}}")));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    if id == ECHO {
        let link = format!("<{url}>; rel=\"next\"");
        response.headers_mut().insert("link", link.parse().expect("a header"));
    }
    response
}
