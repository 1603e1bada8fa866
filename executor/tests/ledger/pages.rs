//! The ledger's lists in pages, over HTTP.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use witwire_ir::operation::http::{Method, Pager};
use witwire_ir::{CallClass, InDoubt, Place};

use super::server::Server;

/// A list in pages. A page has its number, and where the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pages {
    /// Names the URL of the next page. Safe.
    Url,
    /// Names a cursor, which is sent back. Unsafe.
    Cursor,
}

impl Pages {
    pub(crate) const ALL: [Self; 2] = [Self::Url, Self::Cursor];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Url => "by-url",
            Self::Cursor => "by-cursor",
        }
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::Url => Method::Get,
            Self::Cursor => Method::Post,
        }
    }

    pub(crate) fn class(self, in_doubt: InDoubt) -> CallClass {
        match self {
            Self::Url => CallClass::Safe,
            Self::Cursor => CallClass::Unsafe(in_doubt),
        }
    }

    /// `next` is the second field of a page, and `cursor` the second argument.
    pub(crate) fn pager(self) -> Pager {
        match self {
            Self::Url => Pager::Url { url: vec![1] },
            Self::Cursor => Pager::Cursor { cursor: vec![1], argument: Place::argument(1) },
        }
    }
}

/// An id whose first page names a next one on another host.
pub(crate) const ASTRAY: &str = "astray";

/// An id whose pages name the next one at the host that they were asked for by.
pub(crate) const BY_NAME: &str = "by-name";

/// How often each page was asked for.
pub(crate) type PageCounts = BTreeMap<(Pages, usize), u32>;

/// `/pages/{list}/{id}`; the id is how many pages there are.
pub(super) async fn serve(
    State(server): State<Server>,
    Path((name, id)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let pages = Pages::ALL.into_iter().find(|p| p.name() == name).expect("only known lists are asked for");
    let number = query.get("cursor").map_or(1, |cursor| cursor.parse().expect("a cursor of ours"));
    server.count_page(pages, number);
    let count = id.parse().unwrap_or(2);
    let next = match pages {
        _ if number >= count => "null".to_owned(),
        Pages::Cursor => format!("\"{}\"", number + 1),
        Pages::Url => {
            let url = match &*id {
                ASTRAY => server.url().replace("127.0.0.1", "localhost"),
                BY_NAME => format!("http://{}", headers["host"].to_str().expect("ASCII")),
                _ => server.url().to_owned(),
            };
            format!("\"{url}/pages/by-url/{id}?cursor={}\"", number + 1)
        }
    };
    let mut response = Response::new(Body::from(format!("{{\"number\":{number},\"next\":{next}}}")));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}
