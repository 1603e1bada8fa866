//! What stands at which path.

mod components;
mod invocations;
mod oplog;
mod workers;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;

use crate::catalog::Catalog;
use crate::document::document;
use crate::endpoint::{self, Endpoint};
use crate::problem::{Code, MEDIA_TYPE, Problem};
use crate::server::BodyLimits;
use crate::workers::Workers;

/// What handlers work with.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) catalog: Catalog,
    pub(crate) workers: Workers,
    /// Taken by each upload while it is in memory.
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) limits: BodyLimits,
}

impl App {
    /// Waits for a part of a body.
    pub(crate) async fn in_time<T>(&self, part: impl Future<Output = T>) -> Result<T, Problem> {
        let pause = self.limits.pause;
        let slow = |_| Problem::new(Code::Slow, format_args!("nothing of the body came for {pause:?}"));
        tokio::time::timeout(pause, part).await.map_err(slow)
    }

    /// Waits for all of an upload.
    pub(crate) async fn in_upload_time<T>(&self, upload: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let most = self.limits.upload_time;
        let slow = |_| Problem::new(Code::Slow, format_args!("the body was not there after {most:?}"));
        tokio::time::timeout(most, upload).await.unwrap_or_else(|e| Err(slow(e)))
    }
}

/// All operations, in the order of the document.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = components::endpoints();
    all.extend(workers::endpoints());
    all.extend(invocations::endpoints());
    all.extend(oplog::endpoints());
    all
}

/// All routes, without the guard at the door.
pub(crate) fn router(app: App) -> Router {
    let limits = app.limits;
    let endpoints = endpoints();
    let text: Arc<str> = document(&endpoints).to_string().into();
    let described = get(async move || ([(CONTENT_TYPE, "application/json")], text.to_string()));
    let mut router = Router::new().route("/v1/openapi.json", described);
    for endpoint in endpoints {
        let limit = if matches!(endpoint.body, endpoint::Body::Upload(_)) { limits.upload } else { limits.json };
        let endpoint = endpoint.limited(limit);
        router = router.route(endpoint.path, endpoint.handler);
    }
    router
        .fallback(async || Problem::new(Code::NoSuchPath, "there is nothing at this path"))
        .layer(axum::middleware::map_response(explain_method))
        .with_state(app)
}

/// Gives a body to the router's own answer to a method that a path does not take, and keeps its `Allow`.
async fn explain_method(response: Response) -> Response {
    let explained = response.headers().get(CONTENT_TYPE).is_some_and(|t| t == MEDIA_TYPE);
    if response.status() != StatusCode::METHOD_NOT_ALLOWED || explained {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let problem = Problem::new(Code::Method, "this path does not take this method").into_response();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(problem.headers().clone());
    Response::from_parts(parts, Body::new(problem.into_body()))
}
