//! The ledger's feeds: responses over HTTP that are read item by item.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::mpsc;
use witwire_ir::operation::http::{Framing, ItemEncoding, Method};
use witwire_ir::{CallClass, InDoubt};

use super::server::Server;

/// An operation whose response is read item by item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Feed {
    /// Server-sent events, whose ids are `x`, `xx`, `xxx`, … Safe.
    Events,
    /// A line of JSON per number. Safe.
    Numbers,
    /// Events of JSON up to `[DONE]`, behind which the server says nothing and does not end. Unsafe.
    Ask,
    /// The numbers as so many bytes. Safe.
    Bytes,
}

impl Feed {
    pub(crate) const ALL: [Self; 4] = [Self::Events, Self::Numbers, Self::Ask, Self::Bytes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Numbers => "numbers",
            Self::Ask => "ask",
            Self::Bytes => "bytes",
        }
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::Ask => Method::Post,
            _ => Method::Get,
        }
    }

    pub(crate) fn class(self, in_doubt: InDoubt) -> CallClass {
        match self {
            Self::Ask => CallClass::Unsafe(in_doubt),
            _ => CallClass::Safe,
        }
    }

    pub(crate) fn framing(self) -> (&'static str, Framing, ItemEncoding) {
        match self {
            Self::Events => ("text/event-stream", Framing::Events, ItemEncoding::Event),
            Self::Numbers => ("application/x-ndjson", Framing::Lines, ItemEncoding::Json),
            Self::Ask => ("text/event-stream", Framing::Events, ItemEncoding::Json),
            Self::Bytes => ("application/octet-stream", Framing::Chunks, ItemEncoding::Binary),
        }
    }

    fn item(self, number: usize) -> String {
        match self {
            Self::Events => format!("id: {}\nevent: number\ndata: {number}\n\n", "x".repeat(number)),
            Self::Numbers => format!("{{\"number\":{number}}}\n"),
            Self::Ask => format!("data: {{\"number\":{number}}}\n\n"),
            Self::Bytes => "b".repeat(number),
        }
    }
}

/// What the server saw of feeds.
#[derive(Debug, Default, Clone)]
pub(crate) struct FeedCounts {
    /// How often each was opened; the effect of one that is unsafe.
    pub(crate) opened: BTreeMap<Feed, u32>,
    /// The `Last-Event-ID` of each opening of events.
    pub(crate) last_event_ids: Vec<Option<String>>,
    /// How often a client gave a feed up before its end.
    pub(crate) cancelled: BTreeMap<Feed, u32>,
    pub(super) hold: Option<(Feed, usize)>,
    /// Whether every opening of events begins anew.
    pub(super) forgetful: bool,
}

/// `/feeds/{feed}/{id}`; the id is how many items there are.
pub(super) async fn serve(
    State(server): State<Server>,
    Path((name, count)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let feed = Feed::ALL.into_iter().find(|f| f.name() == name).expect("only known feeds are opened");
    server.admits(&headers);
    let last = headers.get("last-event-id").map(|id| id.to_str().expect("ASCII").to_owned());
    let (begin, again) = {
        let mut counts = server.feeds();
        let opened = counts.opened.entry(feed).or_default();
        *opened += 1;
        let again = *opened > 1;
        if feed == Feed::Events {
            counts.last_event_ids.push(last.clone());
        }
        (if counts.forgetful { 0 } else { last.map_or(0, |id| id.len()) }, again)
    };
    server.hold_feed(feed, 0).await;
    let Ok(count) = count.parse::<usize>() else {
        let mut response = Response::new(Body::from("there is no such feed"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    // No frame is made before the one before it is taken, so that the client's pace is seen.
    let (out, mut frames) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    tokio::spawn(async move {
        let giving = async {
            // Bytes are cut otherwise each time.
            let items: Vec<String> = (begin + 1..=count).map(|number| feed.item(number)).collect();
            let items = if feed == Feed::Bytes && again { vec![items.concat()] } else { items };
            for (number, item) in (begin + 1..).zip(items) {
                server.hold_feed(feed, number).await;
                out.send(Ok(Frame::data(item.into()))).await.ok()?;
            }
            if feed == Feed::Ask {
                out.send(Ok(Frame::data("data: [DONE]\n\n".into()))).await.ok()?;
                std::future::pending::<()>().await;
            }
            Some(())
        };
        let over = tokio::select! {
            over = giving => over,
            () = out.closed() => None,
        };
        if over.is_none() {
            *server.feeds().cancelled.entry(feed).or_default() += 1;
            server.tell_cancelled();
        }
    });
    let frames = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    response.headers_mut().insert("content-type", HeaderValue::from_static(feed.framing().0));
    response
}
