//! A host for the REST face, written by hand: `bindgen!`, hyper, and serde's structs.

use std::fmt::Write as _;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use wasmtime::component::{Component, Func, HasSelf, Linker};

use super::Call;
use super::service::TOKEN;
use crate::guest::{Guest, engine};

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)] // generated
mod bindings {
    wasmtime::component::bindgen!({
        path: "wit/todo-rest.wit",
        world: "generated-proxy",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

use bindings::api::todos::todos::{Error, Host as Imports, ListOrder, ListRequest, ListResponse, ListSort};
use bindings::api::todos::types::{self, Priority, Status, Todo, TodoPage, TodoPagePage};
use bindings::exports::api::todos::todos as exported;

#[derive(Deserialize)]
struct PageJson {
    data: Vec<TodoJson>,
    page: PositionJson,
}

#[derive(Deserialize)]
struct PositionJson {
    total: u64,
    limit: u64,
    offset: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TodoJson {
    id: String,
    user_id: String,
    title: String,
    notes: Option<String>,
    status: String,
    priority: String,
    tags: Option<Vec<String>>,
    due_date: Option<String>,
    created_at: String,
    completed_at: Option<String>,
}

impl From<TodoJson> for Todo {
    fn from(todo: TodoJson) -> Self {
        let TodoJson { id, user_id, title, notes, status, priority, tags, due_date, created_at, completed_at } = todo;
        let status = match status.as_str() {
            "open" => Status::Open,
            "done" => Status::Done,
            _ => Status::Unrecognized(status),
        };
        let priority = match priority.as_str() {
            "low" => Priority::Low,
            "normal" => Priority::Normal,
            "high" => Priority::High,
            _ => Priority::Unrecognized(priority),
        };
        Self { id, user_id, title, notes, status, priority, tags, due_date, created_at, completed_at }
    }
}

/// What the imports need.
struct Host {
    client: Client<HttpConnector, Empty<Bytes>>,
    /// The server's base URL.
    base: String,
    authorization: HeaderValue,
}

impl types::Host for Host {}

impl Imports for Host {
    async fn list(&mut self, request: ListRequest) -> wasmtime::Result<Result<ListResponse, Error>> {
        let builder = Request::get(format!("{}/todos?{}", self.base, query(&request)));
        let builder = builder.header(AUTHORIZATION, &self.authorization).header(ACCEPT, "application/json");
        let response = self.client.request(builder.body(Empty::new())?).await?;
        if response.status() != StatusCode::OK {
            wasmtime::bail!("the service answered {}", response.status());
        }
        let id = response.headers().get("x-request-id");
        let x_request_id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await?.to_bytes();
        let PageJson { data, page: PositionJson { total, limit, offset } } = serde_json::from_slice(&body)?;
        let page = TodoPagePage { total, limit, offset };
        let body = TodoPage { data: data.into_iter().map(Todo::from).collect(), page };
        Ok(Ok(ListResponse { body, x_request_id }))
    }
}

/// Of these parameters only the user's name can hold anything to be escaped, and the bench's does not.
fn query(request: &ListRequest) -> String {
    let ListRequest { user_id, status, limit, offset, sort, order } = request;
    let mut query = format!("userId={user_id}");
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a text cannot fail.
        let _ = write!(query, "&{name}={value}");
    };
    if let Some(status) = status {
        let text = match status {
            Status::Open => "open",
            Status::Done => "done",
            Status::Unrecognized(status) => status,
        };
        add("status", &text);
    }
    if let Some(limit) = limit {
        add("limit", limit);
    }
    if let Some(offset) = offset {
        add("offset", offset);
    }
    if let Some(sort) = sort {
        let text = match sort {
            ListSort::Created => "created",
            ListSort::Due => "due",
            ListSort::Title => "title",
        };
        add("sort", &text);
    }
    if let Some(order) = order {
        let text = match order {
            ListOrder::Asc => "asc",
            ListOrder::Desc => "desc",
        };
        add("order", &text);
    }
    query
}

/// The host with a guest.
pub(super) struct Peer {
    guest: Guest<Host>,
    exports: bindings::GeneratedProxy,
    func: Func,
    argument: &'static str,
}

impl super::Peer for Peer {
    const NAMES: [&'static str; 2] = ["bindgen! + hyper + serde", "bindgen! + hyper + serde, WAVE"];

    async fn start(call: &Call) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let host = Host {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: call.served.rest.clone(),
            authorization: HeaderValue::try_from(format!("Bearer {TOKEN}")).expect("the token is a header's value"),
        };
        let engine = engine();
        let component = Component::from_binary(&engine, &call.package.proxy()).expect("test-support makes components");
        let mut linker = Linker::new(&engine);
        bindings::GeneratedProxy::add_to_linker::<_, HasSelf<_>>(&mut linker, |host| host).expect("the linker is empty");
        let mut guest = Guest::start(&linker, &component, host).await;
        let func = guest.func(&call.package.import_name(), call.function);
        let exports = bindings::GeneratedProxy::new(&mut guest.store, &guest.instance).expect("the guest is a proxy");
        Self { guest, exports, func, argument: call.argument }
    }

    async fn typed(&mut self) -> usize {
        let request = exported::ListRequest {
            user_id: "ada".to_owned(),
            status: None,
            limit: Some(100),
            offset: None,
            sort: None,
            order: None,
        };
        let exports = self.exports.api_todos_todos();
        let result = exports.call_list(&mut self.guest.store, &request).await.expect("the guest does not trap");
        result.expect("the call succeeds").body.data.len()
    }

    async fn text(&mut self) -> String {
        self.guest.invoke(&self.func, self.argument).await
    }
}
