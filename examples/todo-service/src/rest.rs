//! The REST face, as `openapi.yaml` describes it.

use std::collections::BTreeMap;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use crate::Service;
use crate::control::{Connection, Effect, Failed, Operation, Point};
use crate::store::{Priority, StoreError, Todo, complete};

/// The routes below `/api/v1`.
pub(crate) fn router(service: Service) -> Router {
    let todos = Router::new()
        .route("/todos", get(list).post(create))
        .route("/todos/{id}", get(read).patch(update).delete(remove))
        .route("/todos/{id}/complete", post(finish))
        .with_state(service);
    Router::new().nest("/api/v1", todos)
}

/// An error answer in the document's form.
struct Refusal(StatusCode, &'static str, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": { "code": self.1, "message": self.2 } });
        (self.0, Json(body)).into_response()
    }
}

impl From<Failed> for Refusal {
    fn from(_: Failed) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the service was told to fail".to_owned())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such todo".to_owned()),
            StoreError::Stale => Self(StatusCode::PRECONDITION_FAILED, "STALE", "the todo was changed meanwhile".to_owned()),
            StoreError::AlreadyDone => Self(StatusCode::CONFLICT, "CONFLICT", "the todo is done already".to_owned()),
        }
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, "INVALID", message.into())
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, "INVALID", rejection.body_text())
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self(StatusCode::BAD_REQUEST, "INVALID", rejection.body_text())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Done,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Urgency {
    Low,
    Normal,
    High,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Low => Self::Low,
            Urgency::Normal => Self::Normal,
            Urgency::High => Self::High,
        }
    }
}

impl From<Priority> for Urgency {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TodoJson {
    id: String,
    user_id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    status: Status,
    priority: Urgency,
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_date: Option<String>,
    created_at: String,
    completed_at: Option<String>,
}

impl From<&Todo> for TodoJson {
    fn from(todo: &Todo) -> Self {
        Self {
            id: todo.id.clone(),
            user_id: todo.user.clone(),
            title: todo.title.clone(),
            notes: todo.notes.clone(),
            status: if todo.done { Status::Done } else { Status::Open },
            priority: todo.priority.into(),
            tags: todo.tags.clone(),
            due_date: todo.due.map(rfc3339),
            created_at: rfc3339(todo.created),
            completed_at: todo.completed.map(rfc3339),
        }
    }
}

fn rfc3339(time: OffsetDateTime) -> String {
    // Formatting fails only for years beyond 9999.
    time.format(&Rfc3339).unwrap_or_default()
}

fn parse_time(text: &str) -> Result<OffsetDateTime, Refusal> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid("`dueDate` is not an RFC 3339 date and time"))
}

/// A whole answer about one todo.
fn answer(status: StatusCode, todo: &Todo) -> Response {
    let etag = HeaderValue::from_str(&etag(todo)).unwrap_or(HeaderValue::from_static("\"\""));
    (status, [(header::ETAG, etag)], Json(serde_json::json!({ "data": TodoJson::from(todo) }))).into_response()
}

fn etag(todo: &Todo) -> String {
    format!("\"{}\"", todo.version)
}

fn authorized(service: &Service, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    if service.accepts(given) {
        Ok(())
    } else {
        Err(Refusal(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "the bearer token is missing or wrong".to_owned()))
    }
}

/// Counts the request, checks the token, and misbehaves if told to.
async fn begin(
    service: &Service,
    operation: Operation,
    headers: &HeaderMap,
    connection: &Connection,
) -> Result<(), Refusal> {
    service.control.arrived(operation);
    authorized(service, headers)?;
    Ok(service.control.reach(operation, Point::Arrived, connection).await?)
}

fn record(service: &Service, operation: Operation, todo: &Todo, key: Option<String>) {
    service.control.record(Effect { operation, protocol: "rest", title: todo.title.clone(), key });
}

fn expected_version(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    headers
        .get(header::IF_MATCH)
        .map(|v| {
            v.to_str().ok().and_then(|v| v.trim_matches('"').parse().ok()).ok_or_else(|| Refusal::from(StoreError::Stale))
        })
        .transpose()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    user_id: String,
    status: Option<Status>,
    limit: Option<usize>,
    offset: Option<usize>,
    sort: Option<Sort>,
    order: Option<Order>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Created,
    Due,
    Title,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    Asc,
    Desc,
}

async fn list(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::List, &headers, &connection).await?;
    let Query(query) = query?;
    let (limit, offset) = (query.limit.unwrap_or(20), query.offset.unwrap_or(0));
    if !(1..=100).contains(&limit) {
        return Err(invalid("`limit` is not between 1 and 100"));
    }
    let mut found =
        service.store.filter(|t| t.user == query.user_id && query.status.is_none_or(|s| t.done == (s == Status::Done)));
    match query.sort.unwrap_or(Sort::Created) {
        Sort::Created => {}
        Sort::Due => found.sort_by_key(|t| (t.due.is_none(), t.due)),
        Sort::Title => found.sort_by(|a, b| a.title.cmp(&b.title)),
    }
    if query.order == Some(Order::Desc) {
        found.reverse();
    }
    let total = found.len();
    let data: Vec<TodoJson> = found.iter().skip(offset).take(limit).map(TodoJson::from).collect();
    service.control.reach(Operation::List, Point::Done, &connection).await?;
    let id = HeaderValue::from_str(&format!("request-{}", service.control.all_requests()))
        .unwrap_or(HeaderValue::from_static("request"));
    let body = serde_json::json!({ "data": data, "page": { "total": total, "limit": limit, "offset": offset } });
    Ok(([(HeaderName::from_static("x-request-id"), id)], Json(body)).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewTodo {
    user_id: String,
    title: String,
    notes: Option<String>,
    priority: Option<Urgency>,
    #[serde(default)]
    tags: Vec<String>,
    due_date: Option<String>,
}

fn check_title(title: &str) -> Result<(), Refusal> {
    if (1..=200).contains(&title.chars().count()) { Ok(()) } else { Err(invalid("`title` has not 1 to 200 characters")) }
}

async fn create(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Result<Json<NewTodo>, JsonRejection>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::Create, &headers, &connection).await?;
    let Json(new) = body?;
    check_title(&new.title)?;
    let due = new.due_date.as_deref().map(parse_time).transpose()?;
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (todo, created) = service.store.create(key.as_deref(), |id, now| Todo {
        id,
        user: new.user_id,
        title: new.title,
        notes: new.notes,
        done: false,
        priority: new.priority.map_or_else(Priority::default, Into::into),
        tags: new.tags,
        labels: BTreeMap::new(),
        assignee: None,
        due,
        created: now,
        changed: now,
        completed: None,
        version: 1,
    });
    if created {
        record(&service, Operation::Create, &todo, key);
    }
    service.control.reach(Operation::Create, Point::Done, &connection).await?;
    let mut response = answer(StatusCode::CREATED, &todo);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/todos/{}", todo.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn read(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::Get, &headers, &connection).await?;
    let todo = service.store.get(&id)?;
    service.control.reach(Operation::Get, Point::Done, &connection).await?;
    let mut response = answer(StatusCode::OK, &todo);
    // RFC 9110 wants GMT by name.
    let modified = todo.changed.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT");
    if let Ok(modified) = HeaderValue::from_str(&modified) {
        response.headers_mut().insert(header::LAST_MODIFIED, modified);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    title: Option<String>,
    notes: Option<String>,
    status: Option<Status>,
    priority: Option<Urgency>,
    tags: Option<Vec<String>>,
    #[serde(default)]
    due_date: Patch,
}

/// A member of a merge patch: absent, null and a value are three things.
#[derive(Default)]
enum Patch {
    #[default]
    Keep,
    Remove,
    Set(String),
}

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Remove, Self::Set))
    }
}

async fn update(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::Update, &headers, &connection).await?;
    let Json(change) = body?;
    if let Some(title) = &change.title {
        check_title(title)?;
    }
    let set_due = match &change.due_date {
        Patch::Set(text) => Some(parse_time(text)?),
        Patch::Keep | Patch::Remove => None,
    };
    let todo = service.store.update(&id, expected_version(&headers)?, |todo, now| {
        if let Some(title) = change.title {
            todo.title = title;
        }
        if change.notes.is_some() {
            todo.notes = change.notes;
        }
        if let Some(status) = change.status {
            todo.done = status == Status::Done;
            todo.completed = todo.done.then_some(now);
        }
        if let Some(priority) = change.priority {
            todo.priority = priority.into();
        }
        if let Some(tags) = change.tags {
            todo.tags = tags;
        }
        if !matches!(change.due_date, Patch::Keep) {
            todo.due = set_due;
        }
        Ok(())
    })?;
    record(&service, Operation::Update, &todo, None);
    service.control.reach(Operation::Update, Point::Done, &connection).await?;
    Ok(answer(StatusCode::OK, &todo))
}

async fn remove(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::Delete, &headers, &connection).await?;
    let todo = service.store.delete(&id, expected_version(&headers)?)?;
    record(&service, Operation::Delete, &todo, None);
    service.control.reach(Operation::Delete, Point::Done, &connection).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn finish(
    State(service): State<Service>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    begin(&service, Operation::Complete, &headers, &connection).await?;
    let todo = service.store.update(&id, None, complete)?;
    record(&service, Operation::Complete, &todo, None);
    service.control.reach(Operation::Complete, Point::Done, &connection).await?;
    Ok(answer(StatusCode::OK, &todo))
}
