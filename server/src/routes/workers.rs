//! `/v1/workers`.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, Revision};
use witwire_executor::oplog::{self, Description, FunctionName, IdempotencyKey, Ordinal, Outcome, Status, Wave, WorkerId};
use witwire_ir::InDoubt;

use super::App;
use super::components::name as component_name;
use crate::extract::{Json, Query, Segment};
use crate::problem::{Code, Problem};
use crate::workers::Origin;

/// How many entries are answered where the caller does not say.
const PAGE: usize = 1000;
/// How many entries are answered at most.
const MAX_PAGE: usize = 10_000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    component: String,
    /// Absent: the newest.
    revision: Option<Revision>,
}

/// A worker.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    name: String,
    /// `idle`, `running`, `suspended`, `failed`.
    status: &'static str,
    /// Why it is suspended: `divergence`, `in-doubt`, `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why it is suspended or failed, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Absent where it was not created by a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<ComponentName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    /// How many entries its oplog has.
    entries: u64,
}

impl From<oplog::Worker> for Details {
    fn from(worker: oplog::Worker) -> Self {
        let (component, revision) = Origin::of(&worker).map(|o| (o.component, o.revision)).unzip();
        let (reason, detail) = match &worker.status {
            Status::Idle | Status::Running => (None, None),
            Status::Suspended { reason, detail } => (Some(reason.name()), Some(detail.clone())),
            Status::Failed { detail } => (None, Some(detail.clone())),
        };
        let status = worker.status.name();
        Self { name: worker.id.to_string(), status, reason, detail, component, revision, entries: worker.entries.get() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Invoke {
    /// `run`, or `a:b/c@1.0.0#run`.
    function: String,
    /// Each in WAVE.
    #[serde(default)]
    arguments: Vec<String>,
    /// The invocation's idempotency key.
    key: String,
}

/// How an invocation ended.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub(crate) enum Ended {
    /// The function returned; its result in WAVE, if it has one.
    Returned { result: Option<String> },
    /// The component trapped.
    Trapped { message: String },
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Returned(result) => Self::Returned { result: result.map(|wave| wave.as_str().to_owned()) },
            Outcome::Trapped(message) => Self::Trapped { message },
        }
    }
}

/// What a person says about a call in doubt.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    /// It is sent again.
    Retry,
    /// The guest is told that nobody knows.
    OutcomeUnknown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Resume {
    decision: Option<Decision>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    from: u64,
    limit: Option<usize>,
}

/// A part of an oplog.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Oplog {
    entries: Vec<Entry>,
    /// Where the next part begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// An entry, described.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    ordinal: u64,
    at: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Values in WAVE.
    text: String,
}

impl From<Description> for Entry {
    fn from(entry: Description) -> Self {
        Self {
            ordinal: entry.ordinal.get(),
            at: entry.at.to_string(),
            event: entry.event,
            call: entry.call.map(Ordinal::get),
            function: entry.function.map(|f| f.to_string()),
            class: entry.class.map(oplog::Class::name),
            key: entry.key.map(|k| k.to_string()),
            text: entry.text,
        }
    }
}

fn id(text: String) -> Result<WorkerId, Problem> {
    WorkerId::new(text).map_err(|e| Problem::new(Code::WorkerName, e))
}

fn function(text: &str) -> Result<FunctionName, Problem> {
    let function = match text.split_once('#') {
        Some((interface, function)) => FunctionName::of(interface, function),
        None => FunctionName::world(text),
    };
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:/@.+".contains(&b));
    if is_name(&function.function) && function.interface.as_deref().is_none_or(is_name) {
        return Ok(function);
    }
    let detail = "`function` is a name alone, as `run` or `a:b/c@1.0.0#run`; arguments stand in `arguments`";
    Err(Problem::new(Code::FunctionName, detail))
}

pub(crate) async fn list(State(app): State<App>) -> Result<axum::Json<Vec<Details>>, Problem> {
    Ok(axum::Json(app.workers.list().await?.into_iter().map(Details::from).collect()))
}

pub(crate) async fn create(State(app): State<App>, Json(body): Json<Create>) -> Result<impl IntoResponse, Problem> {
    let id = id(body.name)?;
    let component = component_name(body.component)?;
    let current = app.catalog.registry.current(&component).await?;
    let origin = Origin { component, revision: body.revision.unwrap_or(current) };
    app.workers.create(&id, &origin).await?;
    let details = Details::from(app.workers.find(&id).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/v1/workers/{id}"))], axum::Json(details)))
}

pub(crate) async fn show(State(app): State<App>, Segment(name): Segment) -> Result<axum::Json<Details>, Problem> {
    Ok(axum::Json(app.workers.find(&id(name)?).await?.into()))
}

pub(crate) async fn delete(State(app): State<App>, Segment(name): Segment) -> Result<StatusCode, Problem> {
    app.workers.delete(&id(name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn invoke(
    State(app): State<App>,
    Segment(name): Segment,
    Json(body): Json<Invoke>,
) -> Result<axum::Json<Ended>, Problem> {
    let id = id(name)?;
    let function = function(&body.function)?;
    let key = IdempotencyKey::new(body.key).map_err(|e| Problem::new(Code::BadKey, e))?;
    let arguments = body.arguments.into_iter().map(Wave::new).collect();
    Ok(axum::Json(app.workers.invoke(&id, key, function, arguments).await?.into()))
}

pub(crate) async fn resume(
    State(app): State<App>,
    Segment(name): Segment,
    Json(body): Json<Resume>,
) -> Result<axum::Json<Details>, Problem> {
    let id = id(name)?;
    let decision = body.decision.map(|decision| match decision {
        Decision::Retry => InDoubt::Retry,
        Decision::OutcomeUnknown => InDoubt::OutcomeUnknown,
    });
    app.workers.resume(&id, decision).await?;
    Ok(axum::Json(app.workers.find(&id).await?.into()))
}

pub(crate) async fn oplog(
    State(app): State<App>,
    Segment(name): Segment,
    Query(page): Query<Page>,
) -> Result<axum::Json<Oplog>, Problem> {
    let worker = app.workers.find(&id(name)?).await?;
    let mut apis = HashMap::new();
    for ir in &worker.irs {
        apis.insert(*ir, app.catalog.file(*ir).await?.apis().to_vec());
    }
    // From the first on: a result is described by the types of its call.
    let entries = app.catalog.executor.store().read(&worker.id, Ordinal::ZERO).await?;
    let limit = page.limit.unwrap_or(PAGE).min(MAX_PAGE);
    let from = usize::try_from(page.from).unwrap_or(usize::MAX).min(entries.len());
    let end = from.saturating_add(limit).min(entries.len());
    let described = oplog::describe(&entries[..end], &apis);
    let next = (end < entries.len()).then_some(end as u64);
    Ok(axum::Json(Oplog { entries: described.into_iter().skip(from).map(Entry::from).collect(), next }))
}
