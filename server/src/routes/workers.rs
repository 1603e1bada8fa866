//! `/v1/workers`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use witwire_deployment::{ComponentName, Revision};
use witwire_executor::oplog::{self, Status, SuspendReason, WorkerId};
use witwire_ir::InDoubt;

use super::App;
use crate::endpoint::Endpoint;
use crate::extract::{Json as Body, Path, Query};
use crate::problem::{Code, Problem};
use crate::workers::Origin;

/// A worker's name in a path: the pattern of [`WorkerId`].
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"))]
pub(super) struct WorkerName(#[expect(dead_code, reason = "it is there for its schema")] String);

pub(super) const NAME: &str = "The worker's name.";

/// A worker to be created.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewWorker {
    /// Its name: 1 to 128 ASCII letters, digits, `-`, `_` and `.`, starting with a letter or digit.
    #[schemars(with = "WorkerName")]
    name: String,
    /// The component that it runs.
    component: ComponentName,
    /// The component's revision. Absent: the newest. The worker stays on it.
    revision: Option<Revision>,
}

/// A worker.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Worker {
    /// Its name.
    name: String,
    /// What it does.
    status: WorkerStatus,
    /// Whether somebody has interrupted it, and waits for the call that is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    interrupting: bool,
    /// Why it is suspended.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Why it is suspended or failed, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The component that it runs. Absent where it was not created by a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<ComponentName>,
    /// The component's revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    /// How many entries its oplog has.
    entries: u64,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WorkerStatus {
    /// It waits for an invocation.
    Idle,
    /// An invocation is under way.
    Running,
    /// It does nothing until it is resumed.
    Suspended,
    /// It trapped. Its stored results remain.
    Failed,
}

/// Why a worker is suspended.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// The component did not do what its oplog says.
    Divergence,
    /// A call may have happened, and the settings say that a person decides.
    InDoubt,
    /// It was interrupted.
    Interrupted,
}

impl From<oplog::Worker> for Worker {
    fn from(worker: oplog::Worker) -> Self {
        let (component, revision) = Origin::of(&worker).map(|o| (o.component, o.revision)).unzip();
        let (status, reason, detail) = match worker.status {
            Status::Idle => (WorkerStatus::Idle, None, None),
            Status::Running => (WorkerStatus::Running, None, None),
            Status::Suspended { reason, detail } => {
                let reason = match reason {
                    SuspendReason::Divergence => Reason::Divergence,
                    SuspendReason::InDoubt => Reason::InDoubt,
                    SuspendReason::Interrupted => Reason::Interrupted,
                };
                (WorkerStatus::Suspended, Some(reason), Some(detail))
            }
            Status::Failed { detail } => (WorkerStatus::Failed, None, Some(detail)),
        };
        let (name, entries) = (worker.id.to_string(), worker.entries.get());
        Self { name, status, interrupting: false, reason, detail, component, revision, entries }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only the workers of this component.
    component: Option<ComponentName>,
}

/// What a person says about a call in doubt.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    /// It is sent again.
    Retry,
    /// The guest is told that nobody knows.
    OutcomeUnknown,
}

/// How a worker is resumed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Resumption {
    /// What becomes of a call in doubt. Absent: what the settings say.
    decision: Option<Decision>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    use Code as C;
    let runs = [C::WorkerName, C::NoSuchWorker, C::Elsewhere, C::NotOurs, C::Damaged, C::Host, C::Unloadable];
    vec![
        Endpoint::get("/v1/workers", "listWorkers", list)
            .about("Lists the workers", "By name.")
            .query::<ListQuery>()
            .answers::<Vec<Worker>>(StatusCode::OK, "All workers, or those of the component.")
            .refuses(&[C::Damaged]),
        Endpoint::post("/v1/workers", "createWorker", create)
            .about("Creates a worker", "It stays on its revision of the component, whatever is deployed later.")
            .json::<NewWorker>()
            .answers::<Worker>(StatusCode::CREATED, "It waits for its first invocation.")
            .refuses(&[C::WorkerName, C::WorkerExists, C::NoSuchComponent, C::NoSuchRevision])
            .refuses(&[C::Damaged, C::Unloadable]),
        Endpoint::get("/v1/workers/{name}", "getWorker", show)
            .about("Shows a worker", "")
            .segment::<WorkerName>("name", NAME)
            .answers::<Worker>(StatusCode::OK, "The worker.")
            .refuses(&[C::WorkerName, C::NoSuchWorker, C::Damaged]),
        Endpoint::delete("/v1/workers/{name}", "deleteWorker", delete)
            .about("Deletes a worker", "With its oplog and its stored results. What it does is finished before.")
            .segment::<WorkerName>("name", NAME)
            .answers_nothing("It is deleted.")
            .refuses(&[C::WorkerName, C::NoSuchWorker, C::Elsewhere, C::Damaged, C::Host]),
        Endpoint::post("/v1/workers/{name}/interrupt", "interruptWorker", interrupt)
            .about(
                "Interrupts a worker",
                "What it does is stopped, behind the call that is under way, and the worker is suspended until it is resumed. \
                 No call is repeated then; streams that were open are opened again. A worker that does nothing stays as it \
                 is.",
            )
            .segment::<WorkerName>("name", NAME)
            .answers::<Worker>(StatusCode::OK, "The worker, which has stopped.")
            .refuses(&[C::WorkerName, C::NoSuchWorker, C::Damaged, C::Host]),
        Endpoint::post("/v1/workers/{name}/resume", "resumeWorker", resume)
            .about("Resumes a worker", "What it was suspended in is finished before the answer comes.")
            .segment::<WorkerName>("name", NAME)
            .json::<Resumption>()
            .answers::<Worker>(StatusCode::OK, "The worker.")
            .refuses(&runs)
            .refuses(&[C::Suspended, C::Failed]),
    ]
}

pub(super) fn id(text: String) -> Result<WorkerId, Problem> {
    WorkerId::new(text).map_err(|e| Problem::new(Code::WorkerName, e))
}

async fn list(State(app): State<App>, Query(query): Query<ListQuery>) -> Result<Json<Vec<Worker>>, Problem> {
    let mut workers = app.workers.list().await?;
    if let Some(component) = query.component {
        workers.retain(|worker| Origin::of(worker).is_some_and(|origin| origin.component == component));
    }
    Ok(Json(workers.into_iter().map(Worker::from).collect()))
}

async fn create(State(app): State<App>, Body(body): Body<NewWorker>) -> Result<impl IntoResponse, Problem> {
    let id = id(body.name)?;
    let worker = app.workers.create(&id, &body.component, body.revision).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("/v1/workers/{id}"))], Json(Worker::from(worker))))
}

async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Worker>, Problem> {
    let id = id(name)?;
    let worker = Worker::from(app.workers.find(&id).await?);
    Ok(Json(Worker { interrupting: app.workers.is_interrupted(&id), ..worker }))
}

async fn delete(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    app.workers.delete(&id(name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn interrupt(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Worker>, Problem> {
    let id = id(name)?;
    app.workers.interrupt(&id).await?;
    Ok(Json(app.workers.find(&id).await?.into()))
}

async fn resume(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(body): Body<Resumption>,
) -> Result<Json<Worker>, Problem> {
    let id = id(name)?;
    let decision = body.decision.map(|decision| match decision {
        Decision::Retry => InDoubt::Retry,
        Decision::OutcomeUnknown => InDoubt::OutcomeUnknown,
    });
    app.workers.resume(&id, decision).await?;
    Ok(Json(app.workers.find(&id).await?.into()))
}
