//! `/v1/workers/{name}/invoke` and `/v1/workers/{name}/invocations`.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use witwire_executor::oplog::{FunctionName, IdempotencyKey, Outcome, Wave};

use super::App;
use super::workers::{NAME, WorkerName, id};
use crate::endpoint::Endpoint;
use crate::extract::{Json as Body, Path};
use crate::problem::{Code, Problem};
use crate::queue::Request;
use crate::workers::Progress;

/// An idempotency key.
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = r"^(?!\.{1,2}$)[!#-\[\]-~]{1,255}$"))]
struct Key(#[expect(dead_code, reason = "it is there for its schema")] String);

/// The name of an exported function.
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = "^([A-Za-z0-9:/@.+-]+#)?[A-Za-z0-9:/@.+-]+$"))]
struct Function(#[expect(dead_code, reason = "it is there for its schema")] String);

/// An invocation of one of the functions that the component exports.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewInvocation {
    /// The function: `run`, or `a:b/c@1.0.0#run` for one of an interface.
    #[schemars(with = "Function")]
    function: String,
    /// The arguments, each in WAVE format. Trailing options may be left out.
    #[serde(default)]
    arguments: Vec<String>,
    /// The idempotency key: the same key again is the same invocation, whose stored result is the answer. 1 to 255 visible ASCII
    /// characters without `"` and `\`, and not `.` or `..`.
    #[schemars(with = "Key")]
    key: String,
}

/// How an invocation ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub(crate) enum Ended {
    /// The function returned.
    Returned {
        /// Its result in WAVE format, if it has one.
        result: Option<String>,
    },
    /// The component trapped, which ends its worker.
    Trapped {
        /// Why.
        message: String,
    },
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Returned(result) => Self::Returned { result: result.map(|wave| wave.as_str().to_owned()) },
            Outcome::Trapped(message) => Self::Trapped { message },
        }
    }
}

/// An invocation that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocation {
    /// Its idempotency key.
    key: String,
    /// The function that was invoked.
    function: String,
    /// How far it is.
    status: InvocationStatus,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

/// How far an invocation is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InvocationStatus {
    /// It begins when the worker has done what came before.
    Waiting,
    /// It is under way.
    Running,
    /// It is under way, and its worker suspended.
    Suspended,
    /// It has ended.
    Ended,
    /// It will never begin: its worker has failed.
    Refused,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    use Code as C;
    let invokes = [
        C::WorkerName,
        C::NoSuchWorker,
        C::BadKey,
        C::FunctionName,
        C::NoSuchFunction,
        C::Arguments,
        C::KeyReused,
        C::Suspended,
        C::Failed,
        C::Elsewhere,
        C::NotOurs,
        C::Damaged,
        C::Host,
        C::Unloadable,
    ];
    vec![
        Endpoint::post("/v1/workers/{name}/invoke", "invokeWorker", invoke)
            .about(
                "Invokes a function and waits for its end",
                "It begins when the worker has done what came before. A caller who goes away cancels nothing: it asks again with \
                 the same key.",
            )
            .segment::<WorkerName>("name", NAME)
            .json::<NewInvocation>()
            .answers::<Ended>(StatusCode::OK, "It has ended.")
            .refuses(&invokes),
        Endpoint::post("/v1/workers/{name}/invocations", "startInvocation", start)
            .about(
                "Invokes a function without waiting",
                "The invocation is kept when this is answered, and begins when the worker has done what came before, whatever \
                 happens to the server.",
            )
            .segment::<WorkerName>("name", NAME)
            .json::<NewInvocation>()
            .answers::<Invocation>(StatusCode::ACCEPTED, "It will be done.")
            .refuses(&invokes)
            // The latter where its worker is deleted meanwhile.
            .refuses(&[C::QueueFull, C::NoSuchInvocation]),
        Endpoint::get("/v1/workers/{name}/invocations/{key}", "getInvocation", show)
            .about("Shows an invocation", "")
            .segment::<WorkerName>("name", NAME)
            .segment::<Key>("key", "The invocation's idempotency key.")
            .answers::<Invocation>(StatusCode::OK, "The invocation.")
            .refuses(&[C::WorkerName, C::NoSuchWorker, C::BadKey, C::NoSuchInvocation, C::Damaged]),
    ]
}

/// A path cannot have the segments `.` and `..`.
fn key(text: String) -> Result<IdempotencyKey, Problem> {
    if matches!(text.as_str(), "." | "..") {
        return Err(Problem::new(Code::BadKey, "an idempotency key is not `.` or `..`, which cannot stand in a path"));
    }
    IdempotencyKey::new(text).map_err(|e| Problem::new(Code::BadKey, e))
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

fn request(body: NewInvocation) -> Result<Request, Problem> {
    let function = function(&body.function)?;
    let arguments = body.arguments.into_iter().map(Wave::new).collect();
    Ok(Request { key: key(body.key)?, function, arguments })
}

async fn invoke(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(body): Body<NewInvocation>,
) -> Result<Json<Ended>, Problem> {
    Ok(Json(app.workers.invoke(&id(name)?, request(body)?).await?.into()))
}

async fn start(
    State(app): State<App>,
    Path(name): Path<String>,
    Body(body): Body<NewInvocation>,
) -> Result<impl IntoResponse, Problem> {
    let (id, request) = (id(name)?, request(body)?);
    let key = request.key.clone();
    app.workers.start(&id, request).await?;
    let mut location = format!("/v1/workers/{id}/invocations/");
    for byte in key.as_str().bytes() {
        // What RFC 3986 reserves for nothing; the rest is encoded.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            location.push(char::from(byte));
        } else {
            let _ = write!(location, "%{byte:02X}");
        }
    }
    let progress = app.workers.progress(&id, &key).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(invocation(&key, progress))))
}

async fn show(State(app): State<App>, Path((name, text)): Path<(String, String)>) -> Result<Json<Invocation>, Problem> {
    let (id, key) = (id(name)?, key(text)?);
    let progress = app.workers.progress(&id, &key).await?;
    Ok(Json(invocation(&key, progress)))
}

fn invocation(key: &IdempotencyKey, (function, progress): (FunctionName, Progress)) -> Invocation {
    let (status, ended) = match progress {
        Progress::Waiting => (InvocationStatus::Waiting, None),
        Progress::Running => (InvocationStatus::Running, None),
        Progress::Suspended => (InvocationStatus::Suspended, None),
        Progress::Refused => (InvocationStatus::Refused, None),
        Progress::Ended(outcome) => (InvocationStatus::Ended, Some(outcome.into())),
    };
    Invocation { key: key.to_string(), function: function.to_string(), status, ended }
}
