//! What stands at which path.

mod components;
mod workers;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::catalog::Catalog;
use crate::problem::{Code, MEDIA_TYPE, Problem};
use crate::server::BodyLimits;
use crate::workers::Workers;

/// What handlers work with.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) catalog: Catalog,
    pub(crate) workers: Workers,
}

/// All routes, without the guard at the door.
pub(crate) fn router(app: App, limits: BodyLimits) -> Router {
    let components = Router::new()
        .route("/v1/components", get(components::list).post(components::create))
        .route("/v1/components/{name}", get(components::show).put(components::update))
        .layer(DefaultBodyLimit::max(limits.upload));
    let workers = Router::new()
        .route("/v1/workers", get(workers::list).post(workers::create))
        .route("/v1/workers/{name}", get(workers::show).delete(workers::delete))
        .route("/v1/workers/{name}/invoke", post(workers::invoke))
        .route("/v1/workers/{name}/resume", post(workers::resume))
        .route("/v1/workers/{name}/oplog", get(workers::oplog))
        .layer(DefaultBodyLimit::max(limits.json));
    components
        .merge(workers)
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
